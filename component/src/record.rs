//! The record kept of one application: everything that must not be lost, in one document, moved by one save.

mod read;

use core::cmp::Ordering;
use std::collections::BTreeMap;

use serde::Serialize;

use crate::contract::lwa::rotation::observe::Reason;
use crate::credential::ClientSecret;
use crate::failure::Failure;
use crate::instant::{Instant, Lifetime};
use crate::rotation::{DOUBT, OVERLAP};

/// The record of one client id.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Record {
    /// Version of this form; see [`store`](crate::store).
    pub format: u32,
    /// Whose record it is.
    pub client_id: String,
    /// How many secrets have been current.
    pub generation: u64,
    /// Where the rotation stands.
    pub state: State,
    /// The secret in use.
    pub current: Current,
    /// New secrets that wait for their proof, oldest first. Several only when several rotations happened at once.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub pending: Vec<Pending>,
    /// The secrets that were current before, until Amazon ends them; the longest ago first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub old: Vec<Old>,
    /// The rotate call whose message has not come, from the moment it may have been sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub call: Option<Call>,
    /// How many rotate calls there were, answered or not.
    pub calls: u64,
    /// When the last of them was made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub called_at: Option<Instant>,
    /// The publish targets that have been written, by name.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub targets: BTreeMap<String, Target>,
    /// The latest expiry notice.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub noticed: Option<Instant>,
}

/// Where the rotation stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// Nothing is going on.
    Settled,
    /// A rotation is wanted.
    Requesting(Requesting),
    /// The message is awaited until then.
    Awaiting {
        /// End of the patience.
        until: Instant,
    },
    /// New secrets wait for their proof.
    Verifying,
    /// Some target does not hold the current secret yet.
    Publishing,
    /// A person has to decide.
    Stalled(Stall),
}

/// A rotation that is wanted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Requesting {
    /// Why.
    pub reason: Reason,
    /// How far.
    pub stage: Stage,
    /// How often it was refused in a row.
    pub attempts: u32,
    /// Why it was refused last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure: Option<Failure>,
}

/// How far a wanted rotation has come. Each is saved before the next thing is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stage {
    /// Nobody is at it; it may be tried from this instant on.
    Waiting(Instant),
    /// Somebody has been preparing the call since. Nothing has been sent to SP-API.
    Preparing(Instant),
    /// The rotate call may have been sent since. Its number is that of [`Record::call`].
    Calling(Instant),
}

/// Why a person has to decide.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stall {
    /// No message within the patience.
    MessageMissing,
    /// Amazon does not accept the new secret and the old one is about to end.
    NewSecretRefused,
}

/// The secret in use.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Current {
    /// The secret.
    pub secret: ClientSecret,
    /// When it ends, if anybody has said so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Instant>,
    /// Whether it was Amazon who said so. Only Amazon's word orders secrets: a person's slip must not make the newest secret
    /// look old.
    pub said_by_amazon: bool,
    /// When Amazon made the message that brought it, where one did: the later of two that end at the same time is the newer one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub event_time: Option<Instant>,
    /// When it was taken up.
    pub since: Instant,
    /// How much earlier than the margin it is rotated, in thousandths of the longest jitter.
    pub jitter: u16,
    /// Its proof.
    pub proof: Proof,
}

/// Whether SP-API has accepted a secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Proof {
    /// It has.
    Proven,
    /// Not yet; it is tried from then on.
    Open(Retry),
}

/// Something that is tried again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Retry {
    /// Not before.
    pub at: Instant,
    /// Tries so far.
    pub attempts: u32,
    /// Why the last one failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure: Option<Failure>,
}

impl Retry {
    /// To be tried at once.
    pub fn now(now: Instant) -> Self {
        Self { at: now, attempts: 0, failure: None }
    }
}

/// A new secret that waits for its proof.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Pending {
    /// The secret.
    pub secret: ClientSecret,
    /// When it ends; `None` for one that the operator handed over without a date.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Instant>,
    /// When Amazon made the message that brought it; `None` for one that the operator handed over.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub event_time: Option<Instant>,
    /// When the secret before it ends.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub old_ends_at: Option<Instant>,
    /// When it is tried next.
    pub retry: Retry,
    /// When a person is called if it has not been accepted by then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stalls_at: Option<Instant>,
    /// When it is given up if the current secret still works then.
    pub doubt_at: Instant,
}

/// A secret that was current before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Old {
    /// The secret.
    pub secret: ClientSecret,
    /// When it was here at the latest; for one of a message, when Amazon made that.
    pub since: Instant,
    /// When it would end if nothing had replaced it, if anybody has said so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Instant>,
    /// When Amazon ends it; then it is erased.
    pub ends_at: Instant,
    /// It may be the newer one all the same: an operator handed it, or what replaced it, over, and no word of Amazon's puts
    /// them in order. Then it is not erased while it works, and becomes current again if the current one works no more. When
    /// that is looked into next.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub contested_at: Option<Instant>,
}

/// A rotate call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Call {
    /// The how manieth call of this application it is.
    pub number: u64,
    /// A random number, by which a host knows a call of its own.
    pub id: u64,
    /// When it was made.
    pub at: Instant,
    /// Whether Amazon said yes.
    pub accepted: bool,
    /// Why that is not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure: Option<Failure>,
}

/// A publish target.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Target {
    /// The generation it holds; 0 for none of ours.
    pub generation: u64,
    /// When it is tried next, if it does not hold the current one.
    pub retry: Retry,
    /// When it is written once more, because another host may have been about to write the secret before this one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub again_at: Option<Instant>,
}

impl Target {
    /// One that nobody has written.
    pub fn unwritten(now: Instant) -> Self {
        Self { generation: 0, retry: Retry::now(now), again_at: None }
    }
}

/// How a secret of a message relates to what is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It is the current one.
    Current,
    /// It is kept as pending.
    Pending,
    /// It is newer than the current one and not kept.
    Newer,
    /// It is older than the current one, on Amazon's own word.
    Older,
    /// It is older than the current one if the operator knows; the message must not be deleted for that.
    OlderOnOperatorsWord,
}

/// Clocks may differ by this much: SQS itself refuses callers whose clock is further off.
pub const SKEW: Lifetime = Lifetime::minutes(15);
/// SP-API's usage plan: one rotate call a minute. It counts from a call's arrival, which is a little after its intent was saved.
/// See <https://developer-docs.amazon.com/sp-api/docs/application-management-api-v2023-11-30-reference>.
pub const CALL_INTERVAL: Lifetime = Lifetime::seconds(62);

impl Pending {
    /// Whether it came in a message of Amazon's rather than from the operator.
    pub fn from_message(&self) -> bool {
        self.event_time.is_some()
    }

    /// Its place in Amazon's order.
    pub fn order(&self) -> (Option<Instant>, Option<Instant>) {
        (self.expires_at, self.event_time)
    }

    /// When it came, at the latest.
    pub fn kept_at(&self) -> Instant {
        self.doubt_at - DOUBT
    }

    /// The same as an old secret that may be the newer one.
    pub fn rival(self, now: Instant) -> Old {
        let since = self.event_time.unwrap_or(self.kept_at());
        let ends_at = since + OVERLAP;
        Old { secret: self.secret, since, expires_at: self.expires_at, ends_at, contested_at: Some(now) }
    }
}

impl Record {
    /// The record of a newly enrolled application.
    pub fn enrolled(
        client_id: &str,
        secret: ClientSecret,
        expires_at: Option<Instant>,
        now: Instant,
        jitter: u16,
    ) -> Self {
        Self {
            format: crate::store::FORMAT,
            client_id: client_id.to_owned(),
            generation: 1,
            state: State::Settled,
            current: Current {
                secret,
                expires_at,
                said_by_amazon: false,
                event_time: None,
                since: now,
                jitter,
                proof: Proof::Open(Retry::now(now)),
            },
            pending: Vec::new(),
            old: Vec::new(),
            call: None,
            calls: 0,
            called_at: None,
            targets: BTreeMap::new(),
            noticed: None,
        }
    }

    /// Whether SP-API has accepted the current secret.
    pub fn proven(&self) -> bool {
        self.current.proof == Proof::Proven
    }

    /// The secret that was current before this one.
    pub fn last_old(&self) -> Option<&Old> {
        self.old.last()
    }

    /// Every secret in it.
    pub fn secrets(&self) -> impl Iterator<Item = &ClientSecret> {
        let pending = self.pending.iter().map(|pending| &pending.secret);
        core::iter::once(&self.current.secret).chain(pending).chain(self.old.iter().map(|old| &old.secret))
    }

    /// The pending secret that ends last.
    pub fn newest_pending(&self) -> Option<&Pending> {
        self.pending.last()
    }

    /// The targets of these names that do not hold the current secret, with their next try. None while it is not proven:
    /// proof comes before use.
    pub fn unpublished<'a>(&'a self, names: &'a [String]) -> impl Iterator<Item = (&'a str, Instant)> {
        names.iter().filter(|_| self.proven()).filter_map(|name| match self.targets.get(name) {
            Some(target) if target.generation == self.generation => None,
            Some(target) => Some((name.as_str(), target.retry.at)),
            None => Some((name.as_str(), self.current.since)),
        })
    }

    /// The targets of these names that hold the current secret and are written once more, with the instant of that.
    pub fn written_again<'a>(&'a self, names: &'a [String]) -> impl Iterator<Item = (&'a str, Instant)> {
        names.iter().filter_map(|name| {
            let target = self.targets.get(name).filter(|target| target.generation == self.generation)?;
            target.again_at.map(|at| (name.as_str(), at))
        })
    }

    /// Whether a rotation may begin while secrets wait for their proof: when they are all an operator's, who may have slipped, or
    /// when the operator wants it although Amazon has refused them several times. Not while the message of a call is awaited.
    pub fn may_want_another(&self, operator: bool) -> bool {
        let hopeless = |pending: &Pending| !pending.from_message() || operator && pending.retry.attempts >= 3;
        self.call.is_none() && self.pending.iter().all(hopeless)
    }

    /// Whether a secret is kept, in whatever place.
    pub fn knows(&self, secret: &ClientSecret) -> bool {
        self.current.secret == *secret
            || self.pending.iter().any(|pending| pending.secret == *secret)
            || self.old.iter().any(|old| old.secret == *secret)
    }

    /// When the rate permits the next rotate call.
    pub fn call_permitted(&self, now: Instant) -> Instant {
        // A clock that was ahead must not put the call off for longer than the rate does.
        self.called_at.map_or(now, |at| now.max(at.min(now) + CALL_INTERVAL))
    }

    /// How a secret that a message brings relates to what is kept. Ordered by expiry time, newest wins.
    pub fn standing(&self, secret: &ClientSecret, expires_at: Instant, event_time: Instant) -> Standing {
        if self.current.secret == *secret {
            return Standing::Current;
        }
        if self.pending.iter().any(|pending| pending.secret == *secret) {
            return Standing::Pending;
        }
        let old = self.old.iter().find(|old| old.secret == *secret);
        match (old, self.current.expires_at.filter(|_| self.current.said_by_amazon)) {
            (Some(Old { contested_at: None, .. }), _) => return Standing::Older,
            // Nothing of Amazon's says which of the two is newer, so the message must stay.
            (Some(_), None) => return Standing::OlderOnOperatorsWord,
            _ => {}
        }
        match self.current.expires_at {
            Some(current) if self.current.said_by_amazon => {
                match (expires_at, Some(event_time)).cmp(&(current, self.current.event_time)) {
                    Ordering::Greater => Standing::Newer,
                    // They cannot be told apart; neither may be dropped.
                    Ordering::Equal => Standing::OlderOnOperatorsWord,
                    Ordering::Less => Standing::Older,
                }
            }
            // The one in use was handed over after the message was made: in place of one that worked, so that it is likely to
            // be newer, or with a date that says so.
            current if event_time < self.current.since - SKEW => {
                if self.generation > 1 || current.is_some_and(|current| expires_at <= current) {
                    Standing::OlderOnOperatorsWord
                } else {
                    Standing::Newer
                }
            }
            _ => Standing::Newer,
        }
    }
}
