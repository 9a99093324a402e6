//! What went wrong, in words that a person can act on: what happened, what still works, what to do, and by when.
//!
//! The words name no command of a host's: what is to be done is an [`Action`] too, which a host words in its own terms.

use crate::amazon::error::Failure;
use crate::bindings::lwa::rotation::settings::Application;
use crate::bindings::lwa::rotation::types::{Action, Cause, Problem, RemedyBy};
use crate::instant::Instant;
use crate::policy::OVERLAP;
use crate::record::Record;
use crate::record::call::{Call, Phase, Wanted};
use crate::record::secrets::{Candidate, Retry, Verification};
use crate::record::targets::Foreign;

mod step;

use step::{Step, of_step, said};

/// Why the application does not go on by itself, the gravest reason; `None` when all is well.
pub fn of(record: &Record, application: &Application) -> Option<Problem> {
    if let Phase::Missing(call) = &record.call.phase {
        return Some(message_missing(record, call));
    }
    if let Some(candidate) = record.secrets.awaited().rev().find(|candidate| candidate.stalled) {
        return Some(new_secret_refused(candidate));
    }
    if let Some(Wanted { failure: Some(failure), from, .. }) = record.call.phase.unsent() {
        return Some(of_rotation(record, failure, Some(*from)));
    }
    let candidate = || {
        record.secrets.awaited().rev().find_map(|candidate| {
            let failure = candidate.retry.failure.as_ref()?;
            Some(of_candidate(record, candidate, failure, candidate.retry.at))
        })
    };
    let current = || match &record.secrets.current.verification {
        Verification::Open(Retry { at, failure: Some(failure), .. }) => Some(of_current(record, failure, Some(*at))),
        _ => None,
    };
    let targets = || application.targets.iter().filter_map(|target| Some((target, record.targets.get(&target.place)?)));
    let changed = || {
        targets().find_map(|(setting, target)| {
            Some(place_changed(record, &setting.name, target.found.as_ref()?, target.look_at))
        })
    };
    let unmatched = || record.secrets.unmatched.map(|at| notice_unmatched(record, at));
    let failed = || {
        targets().filter(|(_, target)| !target.holds(record.secrets.generation)).find_map(|(setting, target)| {
            Some(target_failed(record, &setting.name, target.retry.failure.as_ref()?, target.retry.at))
        })
    };
    let lost = || match &record.call.phase {
        Phase::Awaited { call, .. } => Some(answer_lost(call, call.failure.as_ref()?)),
        _ => None,
    };
    candidate().or_else(current).or_else(changed).or_else(unmatched).or_else(failed).or_else(lost)
}

/// A failure of the rotation.
pub fn of_rotation(record: &Record, failure: &Failure, retry_at: Option<Instant>) -> Problem {
    if failure.cause == Cause::QueueBlocked {
        return queue_blocked(record, failure, retry_at);
    }
    of_step(record, failure, Step::Rotation, retry_at)
}

/// A failure of the current secret's verification.
pub fn of_current(record: &Record, failure: &Failure, retry_at: Option<Instant>) -> Problem {
    of_step(record, failure, Step::Current, retry_at)
}

/// A failure of a candidate's verification.
pub fn of_candidate(record: &Record, candidate: &Candidate, failure: &Failure, retry_at: Instant) -> Problem {
    let step = if candidate.origin.is_message() { Step::NewSecret } else { Step::Supplied };
    of_step(record, failure, step, Some(retry_at))
}

/// What a place holds that is not overwritten, in words.
pub fn found(what: Foreign) -> &'static str {
    match what {
        Foreign::AnotherSecret => {
            "it holds a client secret that this record does not know; it is not overwritten, and becomes current if Amazon accepts it"
        }
        Foreign::AnotherApplication => "it holds the credential of another application, and is not overwritten",
        Foreign::PutBack => "an older client secret, or none, is put back each time the current one is written",
    }
}

fn place_changed(
    record: &Record,
    name: &str,
    seen: &crate::record::targets::Found,
    retry_at: Option<Instant>,
) -> Problem {
    let by = seen.by.as_ref().map(|by| format!(" (last written by {by})")).unwrap_or_default();
    Problem {
        cause: Cause::PlaceChanged,
        remedy_by: RemedyBy::Person,
        happened: format!("publish target \"{name}\": {}{by}", found(seen.what)),
        still_works: "the current secret is kept safe; applications that read this place do not get it".into(),
        action: Action::FixPlace,
        remedy: "find out what else writes this place, and stop it; then have the current secret published again"
            .into(),
        act_by: record.secrets.previous().map(|(_, ends_at)| ends_at.0),
        amazon: None,
        retry_at: retry_at.map(|at| at.0),
    }
}

fn notice_unmatched(record: &Record, at: Instant) -> Problem {
    Problem {
        cause: Cause::NoticeUnmatched,
        remedy_by: RemedyBy::Person,
        happened: format!("Amazon announced the end of a client secret at {at}, and no secret of this record ends then"),
        still_works: match record.secrets.current.expires_at {
            Some(end) => format!("the current secret works, by this record until {end}"),
            None => "the current secret works; when it ends is not known".into(),
        },
        action: Action::CheckExpiry,
        remedy: "look in the Developer Console when the secret in use ends, and correct the date here; if the secret was rotated elsewhere, supply the new one".into(),
        act_by: Some(at.0),
        amazon: None,
        retry_at: None,
    }
}

fn queue_blocked(record: &Record, failure: &Failure, retry_at: Option<Instant>) -> Problem {
    let obstacle = record.call.obstacle.as_ref();
    // A queue that fails at present may work in a moment.
    let passing = obstacle.is_some_and(|obstacle| obstacle.check == "receive" && !obstacle.fact);
    Problem {
        cause: Cause::QueueBlocked,
        remedy_by: if passing { RemedyBy::Time } else { RemedyBy::Person },
        happened: format!("no rotate call is made, because the new secret might not arrive: {}", failure.detail),
        still_works: step::until_end(record),
        action: Action::FixQueue,
        remedy: obstacle.map_or_else(|| "correct the queue".into(), |obstacle| obstacle.remedy.clone()),
        act_by: record.ends_at().map(|at| at.0),
        amazon: None,
        retry_at: retry_at.map(|at| at.0),
    }
}

fn answer_lost(call: &Call, failure: &Failure) -> Problem {
    Problem {
        cause: Cause::AnswerLost,
        remedy_by: RemedyBy::Time,
        happened: format!("whether Amazon accepted the rotate call is not known ({})", said(failure)),
        still_works: "the current secret works; if the call was accepted, for 7 days from then".into(),
        action: Action::Wait,
        remedy: "nothing: the call is not repeated; if it was accepted, the message with the new secret comes".into(),
        act_by: Some((call.at + OVERLAP).0),
        amazon: failure.amazon.as_deref().cloned(),
        retry_at: None,
    }
}

fn message_missing(record: &Record, call: &Call) -> Problem {
    let (at, end) = (call.at, record.ends_at().unwrap_or(call.at + OVERLAP));
    let (happened, still_works) = if call.accepted {
        (
            format!("Amazon accepted the rotate call at {at}, and no message with the new secret has come"),
            format!("applications go on with the secret in use until about {end}, then it ends"),
        )
    } else {
        (
            format!(
                "a rotate call was made at {at}, its answer is not known, and no message with a new secret has come"
            ),
            format!("applications go on with the secret in use; if Amazon did rotate, until about {end}"),
        )
    };
    Problem {
        cause: Cause::MessageMissing,
        remedy_by: RemedyBy::Person,
        happened,
        still_works,
        action: Action::Decide,
        remedy: "look in the Developer Console whether a new client secret is there, and supply it. If not, check that the \
                 queue's policy lets Amazon (account 437568002678) send, and that no other program takes its messages; then \
                 decide to wait for the message once more, or to request again (what another rotation does to the secret in \
                 use is not documented by Amazon)"
            .into(),
        act_by: Some(end.0),
        amazon: call.failure.as_ref().and_then(|failure| failure.amazon.as_deref().cloned()),
        retry_at: None,
    }
}

fn new_secret_refused(candidate: &Candidate) -> Problem {
    let end = candidate.old_ends_at;
    let failure = candidate.retry.failure.as_ref();
    Problem {
        cause: Cause::NewSecretRefused,
        remedy_by: RemedyBy::Person,
        happened: "a new secret has come and Amazon does not accept it, and the secret in use is about to end".into(),
        still_works: end.map_or_else(
            || "applications go on with the secret in use".into(),
            |at| format!("applications go on with the secret in use until {at}; the new one is kept and still tried"),
        ),
        action: Action::Decide,
        remedy: "look in the Developer Console whether another client secret is there, and supply it. If not, read Amazon's \
                 own words; then decide to wait once more, or to request again while the secret in use works"
            .into(),
        act_by: end.map(|at| at.0),
        amazon: failure.and_then(|failure| failure.amazon.as_deref().cloned()),
        retry_at: Some(candidate.retry.at.0),
    }
}

fn target_failed(record: &Record, name: &str, failure: &Failure, retry_at: Instant) -> Problem {
    let old = record.secrets.previous().map(|(_, ends_at)| ends_at);
    Problem {
        cause: Cause::TargetFailed,
        remedy_by: RemedyBy::Time,
        happened: format!("publish target \"{name}\" does not have the current credential ({})", failure.detail),
        still_works: old.map_or_else(
            || "the secret is kept safe; applications that read this target do not get it".into(),
            |end| {
                format!(
                    "applications that read this target go on with the old secret until {end}; the new one is kept safe"
                )
            },
        ),
        action: Action::FixTarget,
        remedy: "correct the target, or what this host may do there; it is tried again by itself".into(),
        act_by: old.map(|at| at.0),
        amazon: None,
        retry_at: Some(retry_at.0),
    }
}
