//! The JSON forms of what the component says; described in `docs/json-output.md`.

use lwa_rotate::config::Mistakes;
use lwa_rotate::observe::{Event, Happening, Left, Purpose, Reason, SecretEnds};
use lwa_rotate::{Action, Cause, DeadlineKind, Problem, RemedyBy, State, Status};
use serde_json::{Map, Value, json};

use super::text::rfc3339;

/// The state of an application.
pub(super) fn status_json(app: &str, status: &Status) -> Value {
    let targets: Vec<Value> = status
        .targets
        .iter()
        .map(|target| {
            json!({
                "name": target.name,
                "place": target.place,
                "holds_current": target.holds_current,
                "read_at": optional(target.read_at),
                "failure": target.failure,
                "retry_at": optional(target.retry_at),
            })
        })
        .collect();
    json!({
        "app": app,
        "client_id": status.client_id,
        "enrolled": true,
        "state": state_name(status.state),
        "expires_at": optional(status.expires_at),
        "current_since": rfc3339(status.current_since),
        "verified": status.verified,
        "generation": status.generation,
        "candidate_expires_at": optional(status.candidate_expires_at),
        "retired_ends_at": optional(status.retired_ends_at),
        "rotation_due_at": optional(status.rotation_due_at),
        "called_at": optional(status.called_at),
        "awaited_until": optional(status.awaited_until),
        "next": status.next.as_ref().map(|next| json!({ "at": rfc3339(next.at), "kind": deadline_name(next.kind) })),
        "problem": status.problem.as_ref().map(problem_json),
        "targets": targets,
    })
}

/// An application that has not been enrolled.
pub(super) fn not_enrolled_json(app: &str, client_id: &str) -> Value {
    json!({ "app": app, "client_id": client_id, "enrolled": false })
}

/// The mistakes of a file.
pub(super) fn mistakes_json(mistakes: &Mistakes) -> impl Iterator<Item = Value> {
    mistakes.all.iter().map(|mistake| {
        json!({
            "file": mistakes.path.display().to_string(),
            "line": mistake.line,
            "message": mistake.text,
            "hint": mistake.hint,
        })
    })
}

/// A failure in words and facts.
pub(super) fn problem_json(problem: &Problem) -> Value {
    let amazon = problem.amazon.as_ref().map(|amazon| {
        json!({
            "status": amazon.status,
            "code": amazon.code,
            "message": amazon.message,
            "details": amazon.details,
            "request_id": amazon.request_id,
        })
    });
    json!({
        "cause": cause_name(problem.cause),
        "remedy_by": match problem.remedy_by {
            RemedyBy::Time => "time",
            RemedyBy::Person => "person",
        },
        "happened": problem.happened,
        "still_works": problem.still_works,
        "action": action_name(problem.action),
        "remedy": problem.remedy,
        "act_by": optional(problem.act_by),
        "amazon": amazon,
        "retry_at": optional(problem.retry_at),
    })
}

/// Something that happened, as `watch` writes it.
pub(super) fn event_json(app: Option<&str>, event: &Event) -> Value {
    let mut object = Map::new();
    object.insert("at".into(), rfc3339(event.at).into());
    object.insert("app".into(), app.into());
    object.insert("client_id".into(), event.client_id.clone().into());
    object.insert("event".into(), event_name(&event.what).into());
    if let Value::Object(details) = event_details(&event.what) {
        object.extend(details);
    }
    object.into()
}

fn event_name(what: &Happening) -> &'static str {
    match what {
        Happening::Supplied => "supplied",
        Happening::ExpirySet(_) => "expiry-set",
        Happening::RotationWanted(_) => "rotation-wanted",
        Happening::RotationCancelled => "rotation-cancelled",
        Happening::ReadingQueue => "reading-queue",
        Happening::QueueRead(_) => "queue-read",
        Happening::AskingForToken(_) => "asking-for-token",
        Happening::TokenIssued(_) => "token-issued",
        Happening::CallingRotate => "calling-rotate",
        Happening::RotateAccepted => "rotate-accepted",
        Happening::RotateOutcomeUnknown(_) => "rotate-outcome-unknown",
        Happening::RotateRefused(_) => "rotate-refused",
        Happening::MessageReceived(_) => "message-received",
        Happening::SecretKept(_) => "secret-kept",
        Happening::MessageOld(_) => "message-old",
        Happening::ExpiryNoticed(_) => "expiry-noticed",
        Happening::Verifying => "verifying",
        Happening::Verified => "verified",
        Happening::NotVerified(_) => "not-verified",
        Happening::Promoted(_) => "promoted",
        Happening::CandidateDropped(_) => "candidate-dropped",
        Happening::Published(_) => "published",
        Happening::NotPublished(_) => "not-published",
        Happening::TargetChanged(_) => "target-changed",
        Happening::Acknowledged(_) => "acknowledged",
        Happening::Hidden(_) => "hidden",
        Happening::Left(_) => "left",
        Happening::NotAcknowledged(_) => "not-acknowledged",
        Happening::RetiredPurged => "retired-purged",
        Happening::Stalled(_) => "stalled",
        Happening::NeedsPerson(_) => "needs-person",
        Happening::Resumed => "resumed",
        Happening::Forgotten => "forgotten",
    }
}

fn event_details(what: &Happening) -> Value {
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
        | Happening::Forgotten => Value::Null,
        Happening::QueueRead(reading) => {
            json!({ "messages": reading.messages, "to_the_end": reading.to_the_end, "notes": reading.notes })
        }
        Happening::RotationWanted(reason) => json!({ "reason": reason_name(*reason) }),
        Happening::AskingForToken(purpose) | Happening::TokenIssued(purpose) => {
            json!({ "purpose": purpose_name(*purpose) })
        }
        Happening::RotateOutcomeUnknown(problem)
        | Happening::RotateRefused(problem)
        | Happening::NotVerified(problem)
        | Happening::Stalled(problem)
        | Happening::NeedsPerson(problem) => json!({ "problem": problem_json(problem) }),
        Happening::MessageReceived(message) => {
            json!({ "message_id": message.id, "receive_count": message.receive_count })
        }
        Happening::SecretKept(SecretEnds { new_ends_at, old_ends_at })
        | Happening::Promoted(SecretEnds { new_ends_at, old_ends_at }) => {
            json!({ "new_ends_at": optional(*new_ends_at), "old_ends_at": optional(*old_ends_at) })
        }
        Happening::Acknowledged(id) => json!({ "message_id": id }),
        Happening::ExpirySet(at) | Happening::ExpiryNoticed(at) => json!({ "expires_at": rfc3339(*at) }),
        Happening::Published(target) => json!({ "target": target }),
        Happening::NotPublished(failure) => {
            json!({ "target": failure.target, "failure": failure.failure, "retry_at": rfc3339(failure.retry_at) })
        }
        Happening::TargetChanged(change) => {
            json!({ "target": change.target, "found": change.found, "written_by": change.written_by })
        }
        Happening::Hidden(message) => json!({ "message_id": message.id, "until": rfc3339(message.until) }),
        Happening::Left(message) => {
            let (why, text) = left_names(&message.why);
            json!({ "message_id": message.id, "why": why, "text": text })
        }
        Happening::MessageOld(text) | Happening::CandidateDropped(text) | Happening::NotAcknowledged(text) => {
            json!({ "text": text })
        }
    }
}

fn left_names(why: &Left) -> (&'static str, Option<&str>) {
    match why {
        Left::Unreadable(text) => ("unreadable", Some(text)),
        Left::Wrapped(service) => ("wrapped", Some(service)),
        Left::NotEnrolled => ("not-enrolled", None),
        Left::NotKept(text) => ("not-kept", Some(text)),
    }
}

/// A state's name, as in the contract.
pub(super) fn state_name(state: State) -> &'static str {
    match state {
        State::Settled => "settled",
        State::Requesting => "requesting",
        State::Awaiting => "awaiting",
        State::Verifying => "verifying",
        State::Publishing => "publishing",
        State::Stalled => "stalled",
    }
}

fn cause_name(cause: Cause) -> &'static str {
    match cause {
        Cause::SecretRefused => "secret-refused",
        Cause::SecretExpired => "secret-expired",
        Cause::ScopeRefused => "scope-refused",
        Cause::AccessDenied => "access-denied",
        Cause::NotSubscribed => "not-subscribed",
        Cause::Throttled => "throttled",
        Cause::Unavailable => "unavailable",
        Cause::NotConnected => "not-connected",
        Cause::AnswerLost => "answer-lost",
        Cause::OriginRefused => "origin-refused",
        Cause::UnexpectedAnswer => "unexpected-answer",
        Cause::QueueBlocked => "queue-blocked",
        Cause::MessageMissing => "message-missing",
        Cause::NewSecretRefused => "new-secret-refused",
        Cause::TargetFailed => "target-failed",
        Cause::PlaceChanged => "place-changed",
        Cause::NoticeUnmatched => "notice-unmatched",
        Cause::Other => "other",
    }
}

fn action_name(action: Action) -> &'static str {
    match action {
        Action::Wait => "wait",
        Action::SupplySecret => "supply-secret",
        Action::RotateInConsole => "rotate-in-console",
        Action::Subscribe => "subscribe",
        Action::FixQueue => "fix-queue",
        Action::FixTarget => "fix-target",
        Action::FixPlace => "fix-place",
        Action::FixEndpoints => "fix-endpoints",
        Action::FixNetwork => "fix-network",
        Action::CheckApplication => "check-application",
        Action::Decide => "decide",
        Action::CheckExpiry => "check-expiry",
        Action::Other => "other",
    }
}

fn deadline_name(kind: DeadlineKind) -> &'static str {
    match kind {
        DeadlineKind::RotationDue => "rotation-due",
        DeadlineKind::CallPermitted => "call-permitted",
        DeadlineKind::CallOverdue => "call-overdue",
        DeadlineKind::PatienceEnd => "patience-end",
        DeadlineKind::Verification => "verification",
        DeadlineKind::VerificationOfCurrent => "verification-of-current",
        DeadlineKind::Publication => "publication",
        DeadlineKind::Reading => "reading",
        DeadlineKind::RetiredEnd => "retired-end",
        DeadlineKind::Reminder => "reminder",
    }
}

fn reason_name(reason: Reason) -> &'static str {
    match reason {
        Reason::Due => "due",
        Reason::Requested => "requested",
        Reason::RequestedAgain => "requested-again",
    }
}

fn purpose_name(purpose: Purpose) -> &'static str {
    match purpose {
        Purpose::Rotation => "rotation",
        Purpose::Verification => "verification",
    }
}

/// An instant that may be missing.
pub(super) fn optional(at: Option<u64>) -> Value {
    at.map_or(Value::Null, |at| rfc3339(at).into())
}
