//! Behind `wit/observe.wit`: each event is a line of JSON on standard error, as `docs/json-output.md` describes those of `watch`.

use std::io::{Write, stderr};

use serde_json::{Value, json};

use crate::Adapters;
use crate::config::Config;
use crate::contract::exports::lwa::rotation::observe::{Event, Guest, Happening, Left};
use crate::problem::{name, optional, problem_json};
use crate::time::rfc3339;

impl Guest for Adapters {
    fn emit(event: Event) {
        let mut line = details(&event.what);
        line["at"] = rfc3339(event.at).into();
        line["event"] = name(&event.what).into();
        let mut apps = Config::get().into_iter().flat_map(|config| &config.apps);
        let app = apps.find(|(_, app)| Some(&app.client_id) == event.client_id.as_ref());
        line["app"] = app.map(|(name, _)| name.as_str()).into();
        line["client_id"] = event.client_id.into();
        // A log that cannot be written must not end a rotation.
        let _ = stderr().write_all(format!("{line}\n").as_bytes());
    }
}

fn details(what: &Happening) -> Value {
    match what {
        Happening::Supplied
        | Happening::RotationCancelled
        | Happening::ReadingQueue
        | Happening::CallingRotate
        | Happening::RotateAccepted
        | Happening::Verifying
        | Happening::Verified
        | Happening::RetiredPurged
        | Happening::Resumed
        | Happening::Forgotten => json!({}),
        Happening::QueueRead(reading) => {
            json!({ "messages": reading.messages, "to_the_end": reading.to_the_end, "notes": reading.notes })
        }
        Happening::RotationWanted(reason) => json!({ "reason": name(reason) }),
        Happening::AskingForToken(purpose) | Happening::TokenIssued(purpose) => json!({ "purpose": name(purpose) }),
        Happening::RotateOutcomeUnknown(problem)
        | Happening::RotateRefused(problem)
        | Happening::NotVerified(problem)
        | Happening::Stalled(problem)
        | Happening::NeedsPerson(problem) => json!({ "problem": problem_json(problem) }),
        Happening::MessageReceived(message) => {
            json!({ "message_id": message.id, "receive_count": message.receive_count })
        }
        Happening::SecretKept(ends) | Happening::Promoted(ends) => {
            json!({ "new_ends_at": optional(ends.new_ends_at), "old_ends_at": optional(ends.old_ends_at) })
        }
        Happening::Acknowledged(id) => json!({ "message_id": id }),
        Happening::ExpirySet(at) | Happening::ExpiryNoticed(at) => json!({ "expires_at": rfc3339(*at) }),
        Happening::Published(target) => json!({ "target": target }),
        Happening::NotPublished(of) => {
            json!({ "target": of.target, "failure": of.failure, "retry_at": rfc3339(of.retry_at) })
        }
        Happening::Hidden(message) => json!({ "message_id": message.id, "until": rfc3339(message.until) }),
        Happening::Left(message) => {
            let text = match &message.why {
                Left::Unreadable(text) | Left::Wrapped(text) | Left::NotKept(text) => Some(text),
                Left::NotEnrolled => None,
            };
            json!({ "message_id": message.id, "why": name(&message.why), "text": text })
        }
        Happening::TargetChanged(change) => {
            json!({ "target": change.target, "found": change.found, "written_by": change.written_by })
        }
        Happening::MessageOld(text) | Happening::CandidateDropped(text) | Happening::NotAcknowledged(text) => {
            json!({ "text": text })
        }
    }
}
