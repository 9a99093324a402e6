//! A failure of a step with Amazon, in words.

use crate::amazon::error::Failure;
use crate::bindings::lwa::rotation::types::{Action, Cause, Problem, RemedyBy};
use crate::instant::Instant;
use crate::record::Record;

const CONSOLE: &str = "the Developer Console (Solution Provider Portal, or Develop Apps in Seller Central)";

/// What a failure was about.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    Rotation,
    /// A new secret that came in a message.
    NewSecret,
    /// One that was supplied beside the current one.
    Supplied,
    Current,
}

impl Step {
    fn secret(self) -> &'static str {
        match self {
            Self::NewSecret => "the new client secret",
            Self::Supplied => "the client secret that was supplied",
            Self::Rotation | Self::Current => "the current client secret",
        }
    }
}

pub(super) fn of_step(record: &Record, failure: &Failure, step: Step, retry_at: Option<Instant>) -> Problem {
    let (happened, action, remedy) = words(record, failure, step);
    let patient = step == Step::NewSecret && failure.cause != Cause::OriginRefused;
    let act_by = match step {
        Step::NewSecret => new_secret_ends(record),
        Step::Rotation | Step::Supplied | Step::Current => record.ends_at(),
    };
    Problem {
        cause: failure.cause,
        remedy_by: if failure.needs_person() && !patient { RemedyBy::Person } else { RemedyBy::Time },
        happened,
        still_works: still_works(record, failure, step),
        action: if patient { Action::Wait } else { action },
        remedy,
        act_by: act_by.map(|at| at.0),
        amazon: failure.amazon.as_deref().cloned(),
        retry_at: retry_at.map(|at| at.0),
    }
}

/// What happened, and what to do.
fn words(record: &Record, failure: &Failure, step: Step) -> (String, Action, String) {
    let (id, which) = (&record.client_id, step.secret());
    let lags = || "nothing yet: new secrets can take half an hour and more to work".to_owned();
    let wrong = || {
        "check that it was copied whole and belongs to this application, and supply the right one; supplying the current one \
         takes this one back"
            .to_owned()
    };
    match (failure.cause, step) {
        (Cause::SecretRefused, Step::NewSecret) => {
            (format!("Login with Amazon does not accept {which} of {id} yet"), Action::Wait, lags())
        }
        (Cause::SecretExpired, Step::NewSecret) => {
            (format!("SP-API does not accept {which} of {id} yet"), Action::Wait, lags())
        }
        (Cause::SecretRefused, _) => (
            format!("Login with Amazon does not accept client id {id} with {which}"),
            Action::SupplySecret,
            if step == Step::Supplied { wrong() } else { format!("look up the client secret in {CONSOLE}, and supply it") },
        ),
        (Cause::SecretExpired, _) => (
            format!("SP-API says that {which} of {id} has expired"),
            if step == Step::Supplied { Action::SupplySecret } else { Action::RotateInConsole },
            if step == Step::Supplied {
                wrong()
            } else {
                format!("rotate the secret in {CONSOLE}, and supply the new one")
            },
        ),
        (Cause::ScopeRefused, _) => (
            match step {
                Step::Rotation => format!("Login with Amazon does not grant {id} the scope of the rotate call"),
                _ => format!("Login with Amazon does not grant {id} the scope of the call that verifies a secret"),
            },
            Action::CheckApplication,
            "check that the client id is that of a Selling Partner API application, and that it has been published or authorized as Amazon demands".into(),
        ),
        (Cause::AccessDenied, _) => (
            match step {
                Step::Rotation => format!("SP-API refuses the rotate call of {id}"),
                _ => format!("SP-API refuses the call that verifies {which} of {id}"),
            },
            Action::CheckApplication,
            "check that the endpoint is that of the region where the application is registered, and that the application is active in the Developer Console".into(),
        ),
        (Cause::NotSubscribed, _) => (
            format!("Amazon does not rotate {id}: it is not subscribed to rotation notifications"),
            Action::Subscribe,
            format!(
                "in {CONSOLE}, open Notification Preferences and subscribe the application to \
                 \"Application Client New Secret\" with the SQS queue as its destination"
            ),
        ),
        (Cause::Throttled, _) => (
            "Amazon asks to slow down".into(),
            Action::Wait,
            "nothing: it is tried again; if it persists, check whether another program rotates the same application".into(),
        ),
        (Cause::Unavailable, _) => {
            ("Amazon cannot serve the request at present".into(), Action::Wait, "nothing: it is tried again".into())
        }
        (Cause::NotConnected, _) => (
            format!("no connection to Amazon could be made ({})", failure.detail),
            Action::FixNetwork,
            "check the network, the name service, the proxy and the trusted certificates of this machine; it is tried again".into(),
        ),
        (Cause::AnswerLost, _) => (
            format!("the answer of Amazon never came, or was not SP-API's ({})", said(failure)),
            Action::Wait,
            "nothing: it is tried again where that is safe".into(),
        ),
        (Cause::OriginRefused, _) => (
            format!("this host does not allow the endpoint ({})", failure.detail),
            Action::FixEndpoints,
            "correct the endpoints in the configuration".into(),
        ),
        _ => (
            format!("the answer is none that Amazon documents ({})", said(failure)),
            Action::FixEndpoints,
            "check that the endpoints in the configuration are Amazon's and that no proxy answers in their place, then read Amazon's own words".into(),
        ),
    }
}

fn still_works(record: &Record, failure: &Failure, step: Step) -> String {
    match step {
        Step::NewSecret => {
            format!(
                "applications go on with the secret in use {}; the new one is kept safe",
                until(new_secret_ends(record))
            )
        }
        Step::Supplied => format!(
            "applications go on with the secret in use {}; the one that was supplied is kept beside it",
            until(record.ends_at())
        ),
        Step::Rotation | Step::Current if failure.is_refusal() => match record.secrets.previous() {
            Some((_, ends_at)) => format!("perhaps the old secret, until {ends_at}"),
            None => "nothing that needs this secret, if Amazon is right".into(),
        },
        Step::Rotation | Step::Current => until_end(record),
    }
}

/// That nothing has changed.
pub(super) fn until_end(record: &Record) -> String {
    format!("nothing has changed: the current secret works {}", until(record.ends_at()))
}

/// When the secret in use ends, by the message of the newest new secret.
fn new_secret_ends(record: &Record) -> Option<Instant> {
    record.secrets.awaited().next_back().and_then(|candidate| candidate.old_ends_at).or(record.ends_at())
}

fn until(at: Option<Instant>) -> String {
    at.map_or_else(|| "until Amazon ends it (when is not known)".into(), |at| format!("until {at}"))
}

/// Amazon's status or the host's words.
pub(super) fn said(failure: &Failure) -> String {
    match &failure.amazon {
        Some(amazon) if failure.detail.is_empty() => format!("HTTP status {}", amazon.status),
        _ => failure.detail.clone(),
    }
}
