//! Which messages may be deleted, and when: last.
//!
//! At every instant the newest secret that Amazon issued is in the store or in the queue. A message goes when its secret is
//! current, proven and published, or superseded by a newer proven one; until then it is hidden and comes back.

use crate::contract::lwa::rotation::settings::Application;
use crate::instant::{Instant, Lifetime};
use crate::record::{Proof, Record, Standing};

/// What to do with a message whose secret stands so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Acknowledgement {
    /// Delete it.
    Delete,
    /// Hide it until then.
    HideUntil(Instant),
}

/// Messages are hidden for at least this long, so that one that cannot be finished does not spin.
const SHORTEST: Lifetime = Lifetime::seconds(1);
/// And at most so long; SQS allows 12 hours from the receipt.
const LONGEST: Lifetime = Lifetime::hours(11);

/// Decides from the record as it is stored.
pub fn acknowledge(record: &Record, application: &Application, standing: Standing, now: Instant) -> Acknowledgement {
    let until = match standing {
        Standing::Current => match &record.current.proof {
            Proof::Open(retry) => Some(retry.at),
            // A target that holds it and is to be written once more is no reason to wait: the record remembers.
            Proof::Proven => record.unpublished(&application.targets).map(|(_, at)| at).max(),
        },
        Standing::Older => match &record.current.proof {
            Proof::Open(retry) => Some(retry.at),
            Proof::Proven => None,
        },
        Standing::Pending | Standing::Newer => {
            Some(record.pending.iter().map(|pending| pending.retry.at).min().unwrap_or(now))
        }
        // Somebody typed the date that makes it look old.
        Standing::OlderOnOperatorsWord => Some(now + LONGEST),
    };
    match until {
        None => Acknowledgement::Delete,
        Some(until) => Acknowledgement::HideUntil(until.clamp(now + SHORTEST, now + LONGEST)),
    }
}
