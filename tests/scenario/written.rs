//! Values of the library as a scenario writes them, and back.

use std::fmt::Debug;

use lwa_rotate::{
    Answer, Credential, Delivery, Drained, Error, Problem, QueueFinding, Secret, Status,
    observe::{Event, Happening, Left, SecretEnds},
    queue, store,
};
use serde_json::{Map, Value, json};

/// An object without the members that are none.
pub fn object<const N: usize>(members: [(&str, Value); N]) -> Value {
    let members = members.into_iter().filter(|(_, value)| !value.is_null());
    Value::Object(members.map(|(name, value)| (name.to_owned(), value)).collect())
}

/// A case with a value.
fn case(name: &str, value: impl Into<Value>) -> Value {
    Value::Object(Map::from_iter([(name.to_owned(), value.into())]))
}

/// The name of an enum's case, in kebab-case.
pub fn name(value: &impl Debug) -> Value {
    let printed = format!("{value:?}");
    let mut name = String::new();
    for letter in printed.rsplit("::").next().unwrap().chars() {
        if letter.is_ascii_uppercase() && !name.is_empty() {
            name.push('-');
        }
        name.push(letter.to_ascii_lowercase());
    }
    name.into()
}

/// Bytes: their text, or their digits.
pub fn bytes(secret: &Secret) -> Value {
    match secret.expose_str() {
        Some(text) => text.into(),
        None => case("hex", secret.expose().iter().map(|byte| format!("{byte:02x}")).collect::<String>()),
    }
}

/// The bytes that are written so.
pub fn read_bytes(value: &Value) -> Secret {
    if let Some(text) = value.as_str() {
        return text.into();
    }
    let digits = value["hex"].as_str().unwrap();
    let byte = |at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap();
    (0..digits.len()).step_by(2).map(byte).collect::<Vec<_>>().into()
}

/// The only case of a variant, with its text if it has one.
pub fn read_case(value: &Value) -> (&str, String) {
    match value {
        Value::String(name) => (name, String::new()),
        _ => {
            let (name, text) = value.as_object().unwrap().iter().next().unwrap();
            (name, text.as_str().unwrap().to_owned())
        }
    }
}

pub fn read_message(value: &Value) -> queue::Message {
    let text = |name: &str| value[name].as_str().unwrap().to_owned();
    queue::Message {
        id: text("id"),
        receipt_handle: text("receipt-handle"),
        body: read_bytes(&value["body"]),
        receive_count: value["receive-count"].as_u64().unwrap().try_into().unwrap(),
    }
}

pub fn credential(credential: &Credential) -> Value {
    object([
        ("client-id", json!(credential.client_id)),
        ("client-secret", bytes(&credential.client_secret)),
        ("expires-at", json!(credential.expires_at)),
    ])
}

pub fn problem(problem: &Problem) -> Value {
    let amazon = problem.amazon.as_ref().map(|amazon| {
        json!({
            "status": amazon.status,
            "code": amazon.code,
            "message": amazon.message,
            "details": amazon.details,
            "request-id": amazon.request_id,
        })
    });
    object([
        ("cause", name(&problem.cause)),
        ("remedy-by", name(&problem.remedy_by)),
        ("happened", json!(problem.happened)),
        ("still-works", json!(problem.still_works)),
        ("action", name(&problem.action)),
        ("remedy", json!(problem.remedy)),
        ("act-by", json!(problem.act_by)),
        ("amazon", json!(amazon)),
        ("retry-at", json!(problem.retry_at)),
    ])
}

pub fn status(status: &Status) -> Value {
    let next = status.next.as_ref().map(|next| json!({ "at": next.at, "kind": name(&next.kind) }));
    let targets = status.targets.iter().map(|target| {
        object([
            ("name", json!(target.name)),
            ("place", json!(target.place)),
            ("read-at", json!(target.read_at)),
            ("holds-current", json!(target.holds_current)),
            ("failure", json!(target.failure)),
            ("retry-at", json!(target.retry_at)),
        ])
    });
    object([
        ("client-id", json!(status.client_id)),
        ("state", name(&status.state)),
        ("expires-at", json!(status.expires_at)),
        ("current-since", json!(status.current_since)),
        ("verified", json!(status.verified)),
        ("generation", json!(status.generation)),
        ("candidate-expires-at", json!(status.candidate_expires_at)),
        ("retired-ends-at", json!(status.retired_ends_at)),
        ("rotation-due-at", json!(status.rotation_due_at)),
        ("called-at", json!(status.called_at)),
        ("awaited-until", json!(status.awaited_until)),
        ("next", json!(next)),
        ("problem", json!(status.problem.as_ref().map(problem))),
        ("targets", targets.collect()),
    ])
}

fn left(why: &Left) -> Value {
    match why {
        Left::Unreadable(text) => case("unreadable", text.as_str()),
        Left::Wrapped(text) => case("wrapped", text.as_str()),
        Left::NotEnrolled => "not-enrolled".into(),
        Left::NotKept(text) => case("not-kept", text.as_str()),
    }
}

pub fn delivery(delivery: &Delivery) -> Value {
    let answer = match &delivery.answer {
        Answer::Delete => "delete".into(),
        Answer::HideUntil(at) => case("hide-until", *at),
        Answer::Leave(why) => case("leave", left(why)),
    };
    object([
        ("message-id", json!(delivery.message_id)),
        ("client-id", json!(delivery.client_id)),
        ("answer", answer),
        ("status", json!(delivery.status.as_ref().map(status))),
    ])
}

pub fn drained(drained: &Drained) -> Value {
    json!({ "deliveries": drained.deliveries.iter().map(delivery).collect::<Value>(), "more": drained.more })
}

pub fn findings(findings: &[QueueFinding]) -> Value {
    let finding = |one: &QueueFinding| {
        json!({
            "check": one.check,
            "severity": name(&one.severity),
            "evidence": one.evidence,
            "consequence": one.consequence,
            "remedy": one.remedy,
        })
    };
    findings.iter().map(finding).collect()
}

pub fn error(error: &Error) -> Value {
    match error {
        Error::UnknownApplication => "unknown-application".into(),
        Error::NotEnrolled => "not-enrolled".into(),
        Error::UnreadableRecord(text) => case("unreadable-record", text.as_str()),
        Error::Store(error) => case(
            "store",
            match error {
                store::Error::Conflict => "conflict".into(),
                store::Error::AccessDenied(text) => case("access-denied", text.as_str()),
                store::Error::Full(text) => case("full", text.as_str()),
                store::Error::Unavailable(text) => case("unavailable", text.as_str()),
                store::Error::Other(text) => case("other", text.as_str()),
                other => panic!("{other:?} has no name here"),
            },
        ),
        Error::Busy => "busy".into(),
        Error::NotAllowed(text) => case("not-allowed", text.as_str()),
        Error::NeedsConfirmation(text) => case("needs-confirmation", text.as_str()),
        Error::Queue(error) => case(
            "queue",
            match error {
                queue::Error::NotFound(text) => case("not-found", text.as_str()),
                queue::Error::AccessDenied(text) => case("access-denied", text.as_str()),
                queue::Error::StaleReceipt => "stale-receipt".into(),
                queue::Error::Unavailable(text) => case("unavailable", text.as_str()),
                queue::Error::Other(text) => case("other", text.as_str()),
                other => panic!("{other:?} has no name here"),
            },
        ),
        Error::Other(text) => case("other", text.as_str()),
        other => panic!("the component was stopped: {other}"),
    }
}

fn ends(ends: &SecretEnds) -> Value {
    object([("new-ends-at", json!(ends.new_ends_at)), ("old-ends-at", json!(ends.old_ends_at))])
}

pub fn event(event: &Event) -> Value {
    let what = match &event.what {
        Happening::ExpirySet(at) => case("expiry-set", *at),
        Happening::RotationWanted(reason) => case("rotation-wanted", name(reason)),
        Happening::QueueRead(reading) => case(
            "queue-read",
            json!({ "messages": reading.messages, "to-the-end": reading.to_the_end, "notes": reading.notes }),
        ),
        Happening::CandidateDropped(text) => case("candidate-dropped", text.as_str()),
        Happening::TargetChanged(change) => case(
            "target-changed",
            object([
                ("target", json!(change.target)),
                ("found", json!(change.found)),
                ("written-by", json!(change.written_by)),
            ]),
        ),
        Happening::NeedsPerson(why) => case("needs-person", problem(why)),
        Happening::AskingForToken(purpose) => case("asking-for-token", name(purpose)),
        Happening::TokenIssued(purpose) => case("token-issued", name(purpose)),
        Happening::RotateOutcomeUnknown(why) => case("rotate-outcome-unknown", problem(why)),
        Happening::RotateRefused(why) => case("rotate-refused", problem(why)),
        Happening::MessageReceived(message) => {
            case("message-received", json!({ "id": message.id, "receive-count": message.receive_count }))
        }
        Happening::SecretKept(instants) => case("secret-kept", ends(instants)),
        Happening::MessageOld(text) => case("message-old", text.as_str()),
        Happening::ExpiryNoticed(at) => case("expiry-noticed", *at),
        Happening::NotVerified(why) => case("not-verified", problem(why)),
        Happening::Promoted(instants) => case("promoted", ends(instants)),
        Happening::Published(target) => case("published", target.as_str()),
        Happening::NotPublished(failed) => case(
            "not-published",
            json!({ "target": failed.target, "failure": failed.failure, "retry-at": failed.retry_at }),
        ),
        Happening::Acknowledged(id) => case("acknowledged", id.as_str()),
        Happening::Hidden(hidden) => case("hidden", json!({ "id": hidden.id, "until": hidden.until })),
        Happening::Left(message) => case("left", json!({ "id": message.id, "why": left(&message.why) })),
        Happening::NotAcknowledged(text) => case("not-acknowledged", text.as_str()),
        Happening::Stalled(why) => case("stalled", problem(why)),
        plain @ (Happening::Supplied
        | Happening::RotationCancelled
        | Happening::ReadingQueue
        | Happening::CallingRotate
        | Happening::RotateAccepted
        | Happening::Verifying
        | Happening::Verified
        | Happening::RetiredPurged
        | Happening::Resumed
        | Happening::Forgotten) => name(plain),
    };
    object([("client-id", json!(event.client_id)), ("at", json!(event.at)), ("what", what)])
}
