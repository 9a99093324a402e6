//! What is answered, as `docs/json-output.md` describes it.

use serde_json::{Value, json};

use crate::applications::{Failed, needs_a_person};
use crate::contract::lwa::rotation::rotation::{ApplicationStatus, Error, QueueFinding};
use crate::contract::lwa::rotation::{queue, store};
use crate::problem::{name, optional, problem_json};
use crate::time::rfc3339;

/// Where an application stands.
pub fn status_json(app: &str, status: &ApplicationStatus) -> Value {
    let target = |target: &crate::contract::lwa::rotation::types::TargetStatus| {
        json!({
            "name": target.name,
            "place": target.place,
            "holds_current": target.holds_current,
            "read_at": optional(target.read_at),
            "failure": target.failure,
            "retry_at": optional(target.retry_at),
        })
    };
    json!({
        "app": app,
        "client_id": status.client_id,
        "enrolled": true,
        "state": name(&status.state),
        "expires_at": optional(status.expires_at),
        "current_since": rfc3339(status.current_since),
        "verified": status.verified,
        "generation": status.generation,
        "candidate_expires_at": optional(status.candidate_expires_at),
        "retired_ends_at": optional(status.retired_ends_at),
        "rotation_due_at": optional(status.rotation_due_at),
        "called_at": optional(status.called_at),
        "awaited_until": optional(status.awaited_until),
        "next": status.next.map(|next| json!({ "at": rfc3339(next.at), "kind": name(&next.kind) })),
        "problem": status.problem.as_ref().map(problem_json),
        "targets": status.targets.iter().map(target).collect::<Vec<_>>(),
    })
}

/// What a queue was judged to be.
pub fn findings_json(findings: &[QueueFinding]) -> Value {
    let finding = |finding: &QueueFinding| {
        json!({
            "check": finding.check,
            "severity": name(&finding.severity),
            "evidence": finding.evidence,
            "consequence": finding.consequence,
            "remedy": finding.remedy,
        })
    };
    json!({ "findings": findings.iter().map(finding).collect::<Vec<_>>() })
}

/// The document of an answer, and whether all is well.
pub fn answer_json(app: &str, answer: &Result<ApplicationStatus, Failed>) -> (Value, bool) {
    match answer {
        Ok(status) => (json!({ "status": status_json(app, status) }), !needs_a_person(status)),
        Err(failed) => (failure_json(app, failed), false),
    }
}

/// The document of a failure.
pub fn failure_json(app: &str, failed: &Failed) -> Value {
    let (kind, message) = match failed {
        Failed::Configuration(wrong) => ("configuration", wrong.clone()),
        Failed::NoSuch(names) => {
            ("usage", format!("the configuration has no application '{app}'; it has: {}", names.join(", ")))
        }
        Failed::Rotation(error) => ("failed", format!("{app}: {}", words(error))),
    };
    json!({ "error": { "kind": kind, "message": message, "hints": [], "problem": null } })
}

fn words(error: &Error) -> String {
    match error {
        Error::UnknownApplication => "the configuration has no such client id".into(),
        Error::NotEnrolled => "it has not been enrolled: supply its current secret with `enroll`".into(),
        Error::UnreadableRecord(text) => format!("its record cannot be read and is left as it is: {text}"),
        Error::Store(store::Error::Conflict) | Error::Busy => "others work on it at this moment; run it again".into(),
        Error::Store(
            store::Error::AccessDenied(text)
            | store::Error::Full(text)
            | store::Error::Unavailable(text)
            | store::Error::Other(text),
        ) => format!("the store fails: {text}"),
        Error::NotAllowed(text) | Error::Other(text) => text.clone(),
        Error::NeedsConfirmation(text) => {
            format!("{text}; if that is intended, say so with --yes, or --force for `rotate`")
        }
        Error::Queue(queue::Error::StaleReceipt) => "the queue fails".into(),
        Error::Queue(
            queue::Error::NotFound(text)
            | queue::Error::AccessDenied(text)
            | queue::Error::Unavailable(text)
            | queue::Error::Other(text),
        ) => format!("the queue fails: {text}"),
    }
}
