//! What went wrong, in words that a person can act on: what happened, what still works, what to do, and by when.

use crate::contract::lwa::rotation::settings::Application;
use crate::contract::lwa::rotation::types::{Cause, Problem, RemedyBy};
use crate::failure::Failure;
use crate::instant::Instant;
use crate::record::{Proof, Record, Requesting, Retry, Stall, State};

const CONSOLE: &str = "the Developer Console (Solution Provider Portal, or Develop Apps in Seller Central)";

const HAND_OVER_AGAIN: &str = "see whether it was handed over whole and is this application's, and hand over the right one with \
                               `enroll`; handing over the one in use takes this one back";

/// What a failure was about.
#[derive(Clone, Copy)]
enum Step {
    Rotation,
    /// A new secret that came in a message.
    NewSecret,
    /// One that the operator handed over beside the one in use.
    Handed,
    Current,
}

impl Step {
    /// The proof of a pending secret (whether it came in a message), or of the current one.
    fn of_proof(from_message: Option<bool>) -> Self {
        match from_message {
            Some(true) => Self::NewSecret,
            Some(false) => Self::Handed,
            None => Self::Current,
        }
    }
}

/// Why the application does not go on by itself; `None` when all is well. Of several reasons the gravest.
pub fn of(record: &Record, application: &Application) -> Option<Problem> {
    match &record.state {
        State::Stalled(Stall::MessageMissing) => return Some(message_missing(record)),
        State::Stalled(Stall::NewSecretRefused) => return Some(new_secret_refused(record)),
        State::Requesting(Requesting { failure: Some(failure), stage, .. }) => {
            let retry_at = match stage {
                crate::record::Stage::Waiting(at) => Some(*at),
                _ => None,
            };
            return Some(of_step(record, failure, Step::Rotation, retry_at));
        }
        _ => {}
    }
    let of_retry =
        |retry: &Retry, step| retry.failure.as_ref().map(|failure| of_step(record, failure, step, Some(retry.at)));
    let pending = record
        .pending
        .iter()
        .rev()
        .find_map(|pending| of_retry(&pending.retry, Step::of_proof(Some(pending.from_message()))));
    let current = || match &record.current.proof {
        Proof::Open(retry) => of_retry(retry, Step::Current),
        Proof::Proven => None,
    };
    let target = || {
        application.targets.iter().find_map(|name| {
            let target = record.targets.get(name).filter(|target| target.generation != record.generation)?;
            Some(target_failed(record, name, target.retry.failure.as_ref()?, target.retry.at))
        })
    };
    let lost = || {
        let failure =
            record.call.as_ref().filter(|_| matches!(record.state, State::Awaiting { .. }))?.failure.as_ref()?;
        Some(answer_lost(record, failure))
    };
    pending.or_else(current).or_else(target).or_else(lost)
}

/// A failure of a trial that is not kept in the record.
pub fn of_trial(record: &Record, failure: &Failure) -> Problem {
    of_step(record, failure, Step::Current, None)
}

/// A failure of the rotation, as an event tells it.
pub fn of_rotation(record: &Record, failure: &Failure, retry_at: Option<Instant>) -> Problem {
    of_step(record, failure, Step::Rotation, retry_at)
}

/// A failure of a proof, as an event tells it: of a pending secret (whether it came in a message), or of the current one.
pub fn of_proof(record: &Record, failure: &Failure, from_message: Option<bool>, retry_at: Instant) -> Problem {
    of_step(record, failure, Step::of_proof(from_message), Some(retry_at))
}

fn of_step(record: &Record, failure: &Failure, step: Step, retry_at: Option<Instant>) -> Problem {
    let which = match step {
        Step::NewSecret => "the new client secret",
        Step::Handed => "the client secret that was handed over",
        Step::Rotation | Step::Current => "the current client secret",
    };
    let id = &record.client_id;
    let (happened, remedy) = match failure.cause {
        Cause::SecretRefused => (
            match step {
                Step::NewSecret => format!("Login with Amazon does not accept {which} of {id} yet"),
                _ => format!("Login with Amazon does not accept client id {id} with {which}"),
            },
            match step {
                Step::NewSecret => "nothing yet: new secrets can take half an hour and more to work".into(),
                Step::Handed => HAND_OVER_AGAIN.into(),
                _ => format!("look up the client secret in {CONSOLE}, and hand it over with `enroll`"),
            },
        ),
        Cause::SecretExpired => (
            match step {
                Step::NewSecret => format!("SP-API does not accept {which} of {id} yet"),
                _ => format!("SP-API says that {which} of {id} has expired"),
            },
            match step {
                Step::NewSecret => "nothing yet: new secrets can take half an hour and more to work".into(),
                Step::Handed => HAND_OVER_AGAIN.into(),
                _ => format!("rotate the secret in {CONSOLE}, and hand it over with `enroll`"),
            },
        ),
        Cause::ScopeRefused => (
            match step {
                Step::Rotation => format!("Login with Amazon does not grant {id} the scope of the rotate call"),
                _ => format!("Login with Amazon does not grant {id} the scope of the call that proves a secret"),
            },
            "see whether the client id is that of a Selling Partner API application, and whether it has been published or authorized as Amazon demands".into(),
        ),
        Cause::AccessDenied => (
            match step {
                Step::Rotation => format!("SP-API refuses the rotate call of {id}"),
                _ => format!("SP-API refuses the call that proves {which} of {id}"),
            },
            "see whether the endpoint is that of the region where the application is registered, and whether the application is active in the Developer Console".into(),
        ),
        Cause::NotSubscribed => (
            format!("Amazon does not rotate {id}: it is not subscribed to rotation notifications"),
            format!(
                "in {CONSOLE}, open Notification Preferences and subscribe the application to \
                 \"Application Client New Secret\" with the SQS queue as its destination"
            ),
        ),
        Cause::Throttled => (
            "Amazon asks to slow down".to_owned(),
            "nothing: it is tried again; if it persists, see whether another program rotates the same application".into(),
        ),
        Cause::Unavailable => ("Amazon cannot serve the request at present".into(), "nothing: it is tried again".into()),
        Cause::NotConnected => (
            format!("no connection to Amazon could be made ({})", failure.detail),
            "see to the network, the name service, the proxy and the trusted certificates of this machine; it is tried again".into(),
        ),
        Cause::AnswerLost => (
            format!("the answer of Amazon never came ({})", told(failure)),
            "nothing: it is tried again where that is safe".into(),
        ),
        Cause::OriginRefused => (
            format!("this host does not allow the endpoint ({})", failure.detail),
            "correct the endpoints in the configuration".into(),
        ),
        Cause::UnexpectedAnswer => (
            format!("Amazon gave an answer that it does not document ({})", told(failure)),
            "see whether the endpoints in the configuration are Amazon's, then look at Amazon's own words".into(),
        ),
        // These are told by functions of their own.
        Cause::MessageMissing | Cause::NewSecretRefused | Cause::TargetFailed => (told(failure), String::new()),
    };
    let patient = matches!(step, Step::NewSecret) && !matches!(failure.cause, Cause::OriginRefused);
    let act_by = match step {
        Step::NewSecret => {
            record.newest_pending().and_then(|pending| pending.old_ends_at).or(record.current.expires_at)
        }
        Step::Rotation | Step::Handed | Step::Current => record.current.expires_at,
    };
    Problem {
        cause: failure.cause,
        remedy_by: if failure.needs_person() && !patient { RemedyBy::Person } else { RemedyBy::Time },
        happened,
        still_works: still_works(record, failure.cause, step),
        remedy,
        act_by: act_by.map(|at| at.0),
        amazon: failure.amazon.as_deref().cloned(),
        retry_at: retry_at.map(|at| at.0),
    }
}

fn still_works(record: &Record, cause: Cause, step: Step) -> String {
    let until =
        |at: Option<Instant>| at.map_or("until Amazon ends it (when is not known)".into(), |at| format!("until {at}"));
    match (step, cause) {
        (Step::NewSecret, _) => {
            let ends = record.newest_pending().and_then(|pending| pending.old_ends_at).or(record.current.expires_at);
            format!("applications go on with the secret in use {}; the new one is kept safe", until(ends))
        }
        (Step::Handed, _) => format!(
            "applications go on with the secret in use {}; the one handed over is kept beside it",
            until(record.current.expires_at)
        ),
        (Step::Rotation | Step::Current, Cause::SecretRefused | Cause::SecretExpired) => match record.last_old() {
            Some(old) => format!("perhaps the old secret, until {}", old.ends_at),
            None => "nothing that needs this secret, if Amazon is right".into(),
        },
        (Step::Rotation | Step::Current, _) => {
            format!("nothing has changed: the current secret works {}", until(record.current.expires_at))
        }
    }
}

/// Amazon's status or the host's words.
fn told(failure: &Failure) -> String {
    match &failure.amazon {
        Some(amazon) if failure.detail.is_empty() => format!("HTTP status {}", amazon.status),
        _ => failure.detail.clone(),
    }
}

/// When the secret in use ends because of a rotate call whose message is missing.
fn end_after_call(record: &Record) -> Option<Instant> {
    record.call.as_ref().map(|call| call.at + crate::rotation::OVERLAP)
}

fn answer_lost(record: &Record, failure: &Failure) -> Problem {
    Problem {
        cause: Cause::AnswerLost,
        remedy_by: RemedyBy::Time,
        happened: format!("whether Amazon accepted the rotate call is not known ({})", told(failure)),
        still_works: "the current secret works; if the call was accepted, for 7 days from then".into(),
        remedy: "nothing: the call is not repeated; if it was accepted, the message with the new secret comes".into(),
        act_by: end_after_call(record).map(|at| at.0),
        amazon: failure.amazon.as_deref().cloned(),
        retry_at: None,
    }
}

fn message_missing(record: &Record) -> Problem {
    let ends = end_after_call(record);
    let accepted = record.call.as_ref().is_some_and(|call| call.accepted);
    let called = record.called_at.map_or_else(|| "earlier".into(), |at| format!("at {at}"));
    Problem {
        cause: Cause::MessageMissing,
        remedy_by: RemedyBy::Person,
        happened: if accepted {
            format!("Amazon accepted the rotate call {called}, and no message with the new secret has come")
        } else {
            format!("a rotate call was made {called}, its answer is not known, and no message with a new secret has come")
        },
        still_works: match ends {
            Some(at) if accepted => format!("applications go on with the secret in use until about {at}, then it ends"),
            Some(at) => format!("applications go on with the secret in use; if Amazon did rotate, until about {at}"),
            None => "applications go on with the secret in use".into(),
        },
        remedy: "see whether the queue's policy lets Amazon (account 437568002678) send, and whether something else reads the \
                 queue. Then either `resume --wait` for the message once more, or `resume --request-again` for another \
                 rotation (what that does to the secret in use Amazon does not say). Failing both, rotate in the Developer \
                 Console and hand the secret over with `enroll`"
            .into(),
        act_by: ends.map(|at| at.0),
        amazon: record.call.as_ref().and_then(|call| call.failure.as_ref()).and_then(|failure| failure.amazon.as_deref().cloned()),
        retry_at: None,
    }
}

fn new_secret_refused(record: &Record) -> Problem {
    let pending = record.newest_pending();
    let ends = pending.and_then(|pending| pending.old_ends_at);
    let failure = pending.and_then(|pending| pending.retry.failure.as_ref());
    Problem {
        cause: Cause::NewSecretRefused,
        remedy_by: RemedyBy::Person,
        happened: "a new secret has come and Amazon does not accept it, and the old one is about to end".into(),
        still_works: ends.map_or_else(
            || "applications go on with the secret in use".into(),
            |at| format!("applications go on with the secret in use until {at}; the new one is kept and still tried"),
        ),
        remedy: "look at Amazon's own words. Then either `resume --wait`, or `resume --request-again` for another rotation \
                 while the old secret works. Failing both, rotate in the Developer Console and hand the secret over with \
                 `enroll`"
            .into(),
        act_by: ends.map(|at| at.0),
        amazon: failure.and_then(|failure| failure.amazon.as_deref().cloned()),
        retry_at: pending.map(|pending| pending.retry.at.0),
    }
}

fn target_failed(record: &Record, name: &str, failure: &Failure, retry_at: Instant) -> Problem {
    Problem {
        cause: Cause::TargetFailed,
        remedy_by: RemedyBy::Time,
        happened: format!("publish target \"{name}\" did not take the new credential ({})", failure.detail),
        still_works: record.last_old().map_or_else(
            || "the secret is kept safe; whoever reads this target does not have it".into(),
            |old| {
                format!(
                    "whoever reads this target goes on with the old secret until {}; the new one is kept safe",
                    old.ends_at
                )
            },
        ),
        remedy: "put the target right; it is tried again by itself".into(),
        act_by: record.last_old().map(|old| old.ends_at.0),
        amazon: None,
        retry_at: Some(retry_at.0),
    }
}
