//! The record kept of one application: everything that must not be lost, in one document, moved by one save.
//!
//! Three regions change by events of their own: the rotate [`call`], the [`secrets`], and the [`targets`]. Where one touches
//! another is in `couplings`. The [`Phase`] of the call is a state machine; the state that is shown follows from
//! all three ([`Record::state`]).
//!
//! [`Record::apply`] changes the record and does nothing else; the caller saves the record before anything follows from it. An
//! event that reports what already happened carries what it is about (a call's number, a secret, a generation), so that it
//! can be applied to a record that another host has changed meanwhile; where it no longer fits, nothing changes.

pub mod call;
mod couplings;
pub mod secrets;
pub mod targets;

use core::fmt;
use std::collections::BTreeMap;

use serde::Serialize;

use self::call::{CallEvent, Calls, Phase};
use self::secrets::{Notice, Secrets, Standing, Supply, Verification};
use self::targets::{Target, TargetEvent, Targets};
use crate::amazon::error::Failure;
use crate::amazon::notification::NewSecret;
use crate::bindings::lwa::rotation::settings::Target as TargetSetting;
use crate::bindings::lwa::rotation::types::{Cause, State};
use crate::credential::ClientSecret;
use crate::instant::{Instant, Lifetime};
use crate::policy::OVERLAP;

/// The record of one client id.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Record {
    /// Version of this form; see [`document`](crate::document).
    pub format: u32,
    /// Whose record it is.
    pub client_id: String,
    /// The rotate call.
    pub call: Calls,
    /// The secrets.
    pub secrets: Secrets,
    /// The publish targets, by place.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub targets: Targets,
    /// What was last reported as needing a person.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reminded: Option<Reminded>,
}

/// A report of what needs a person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Reminded {
    /// What.
    pub cause: Cause,
    /// When.
    pub at: Instant,
}

/// Something that happened or was decided.
#[derive(Clone, Debug)]
pub enum Event {
    /// To the rotate call.
    Call(CallEvent),
    /// A new secret was not accepted for so long that a person decides.
    NewSecretRefused,
    /// The operator waits once more.
    WaitMore(Lifetime),
    /// The operator has the call made again, not before this instant.
    RequestAgain(Instant),
    /// A message brought a secret.
    Received(NewSecret, Instant),
    /// An operator supplied a secret, or a target held it.
    Supplied(ClientSecret, Option<Instant>),
    /// A secret was tried.
    Tried {
        /// The secret.
        secret: ClientSecret,
        /// What came of it.
        trial: Trial,
    },
    /// An operator says when the current secret ends.
    Expiry(Instant),
    /// Amazon says when some secret ends.
    Notice(Instant),
    /// Retired secrets have ended.
    Ended,
    /// To the target at a place.
    Target(String, TargetEvent),
    /// What needs a person was reported, or needs none any more.
    Reminded(Option<Reminded>),
}

/// What came of trying a secret.
#[derive(Clone, Debug)]
pub enum Trial {
    /// SP-API accepts it, and a candidate is promoted. With the jitter of its own rotation.
    Accepted(u16),
    /// It was not accepted, or it was not its turn: tried again from then on.
    Not(Failure, Instant),
    /// The current secret works, so that this candidate is put off, with no failure of its own.
    PutOff(Instant),
    /// The current secret has worked beside it for so long that it is none of Amazon's.
    GivenUp,
}

/// An event that makes no sense in a state. Nothing was changed.
#[derive(Debug, PartialEq, Eq)]
pub struct Illegal {
    /// The state.
    pub state: &'static str,
    /// The event.
    pub event: &'static str,
}

impl fmt::Display for Illegal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} in state {}", self.event, self.state)
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
        let mut record = Self {
            format: crate::document::FORMAT,
            client_id: client_id.to_owned(),
            call: Calls::none(),
            secrets: Secrets::first(secret, expires_at, now, jitter),
            targets: BTreeMap::new(),
            reminded: None,
        };
        record.allow_for_a_slip(now);
        record
    }

    /// Applies an event. On an error nothing has changed.
    pub fn apply(&mut self, event: &Event, now: Instant) -> Result<(), Illegal> {
        match event {
            Event::Call(event) => self.call.apply(event, now)?,
            Event::NewSecretRefused => {
                let due = |at: Option<Instant>| at.is_some_and(|at| at <= now);
                let awaited = self.secrets.candidates.iter_mut().filter(|candidate| candidate.is_awaited());
                awaited.filter(|candidate| due(candidate.stalls_at)).for_each(|candidate| candidate.stalled = true);
            }
            Event::WaitMore(patience) => {
                let stalled = self.stalled_candidate();
                let waits = self.call.apply(&CallEvent::WaitMore, now);
                if !stalled {
                    return waits;
                }
                self.decide_on_candidates(Some(*patience), now);
            }
            Event::RequestAgain(from) => {
                if self.state(&[]) != State::Stalled {
                    return Err(Illegal { state: self.call.phase.name(), event: "a decision to request again" });
                }
                self.call.apply(&CallEvent::RequestAgain(*from), now)?;
                self.decide_on_candidates(None, now);
            }
            Event::Received(new, event_time) => {
                let end = self.secrets.current.expires_at;
                let standing = self.secrets.receive(new, *event_time, now);
                self.withdraw_for_newer(standing);
                self.answer_call(standing, *event_time, now);
                self.rewrite_end(end, now);
            }
            Event::Supplied(secret, expires_at) => {
                let end = self.secrets.current.expires_at;
                let supply = self.secrets.supply(secret, *expires_at, now);
                match supply {
                    Supply::Retired => return Err(Illegal { state: "retired", event: "a supplied secret" }),
                    Supply::Full => return Err(Illegal { state: "several candidates", event: "a supplied secret" }),
                    _ => self.reset_back_off(supply, now),
                }
                if supply != Supply::Known || self.secrets.current.expires_at != end {
                    self.allow_for_a_slip(now);
                }
                self.rewrite_end(end, now);
            }
            Event::Tried { secret, trial } => self.tried(secret, trial, now),
            Event::Expiry(at) => {
                if self.secrets.current.origin.is_message() {
                    return Err(Illegal { state: "dated by Amazon", event: "an expiry time" });
                }
                let end = self.secrets.current.expires_at.replace(*at);
                self.secrets.unmatched = None;
                self.allow_for_a_slip(now);
                self.rewrite_end(end, now);
            }
            Event::Notice(at) => {
                let end = self.secrets.current.expires_at;
                self.secrets.notice(*at, now);
                self.rewrite_end(end, now);
            }
            Event::Ended => self.secrets.purge(now),
            Event::Target(place, event) => {
                let current = self.secrets.generation;
                let target = self.targets.entry(place.clone()).or_insert_with(|| Target::unknown(current, now));
                target.apply(event, current, now);
                self.targets.retain(|_, target| !target.is_forgotten(now));
            }
            Event::Reminded(reminded) => self.reminded.clone_from(reminded),
        }
        Ok(())
    }

    fn tried(&mut self, secret: &ClientSecret, trial: &Trial, now: Instant) {
        let is_current = self.secrets.current.secret == *secret;
        match trial {
            Trial::Accepted(_) if is_current => self.secrets.current.verification = Verification::Verified,
            Trial::Accepted(jitter) => {
                if let Some(origin) = self.secrets.candidate(secret).map(|candidate| candidate.origin) {
                    self.secrets.promote(secret, *jitter, now);
                    self.end_wait_for_supplied(origin);
                    self.renew_targets(now);
                }
            }
            Trial::Not(failure, retry_at) => self.secrets.not_accepted(secret, failure, *retry_at),
            Trial::PutOff(at) => self.secrets.put_off(secret, *at),
            Trial::GivenUp if !is_current => self.secrets.give_up(secret, now),
            Trial::GivenUp => {}
        }
    }

    /// The state that is shown: the first that applies.
    pub fn state(&self, targets: &[TargetSetting]) -> State {
        if matches!(self.call.phase, Phase::Missing(_)) || self.stalled_candidate() {
            return State::Stalled;
        }
        match self.call.phase {
            Phase::Wanted(_) | Phase::Preparing { .. } | Phase::Sent { .. } => State::Requesting,
            Phase::Awaited { .. } => State::Awaiting,
            _ if self.secrets.awaited().next().is_some() || !self.secrets.verified() => State::Verifying,
            _ if targets.iter().any(|target| !self.holds(&target.place)) => State::Publishing,
            _ => State::Settled,
        }
    }

    /// Whether a new secret was not accepted for so long that a person decides.
    pub fn stalled_candidate(&self) -> bool {
        self.secrets.awaited().any(|candidate| candidate.stalled)
    }

    /// Whether the place holds the current secret, as far as known.
    pub fn holds(&self, place: &str) -> bool {
        self.targets.get(place).is_some_and(|target| target.holds(self.secrets.generation))
    }

    /// When the secret in use ends, as far as known: after a call that was or may have been accepted, 7 days later at most.
    pub fn ends_at(&self) -> Option<Instant> {
        let of_call = self.call.phase.call().map(|call| call.at + OVERLAP);
        let of_candidates = self.secrets.awaited().filter_map(|candidate| candidate.old_ends_at);
        self.secrets.current.expires_at.into_iter().chain(of_call).chain(of_candidates).min()
    }

    /// Whether a rotation may begin beside the candidates: when all were supplied, because a slip must not keep a rotation from
    /// its time, or when the operator wants it although Amazon has refused them several times.
    pub fn may_want_another(&self, operator: bool) -> bool {
        const HOPELESS: u32 = 3;
        self.secrets
            .awaited()
            .all(|candidate| !candidate.origin.is_message() || operator && candidate.retry.attempts >= HOPELESS)
    }

    /// How a secret that a message brings relates to what is kept.
    pub fn standing(&self, new: &NewSecret, event_time: Instant) -> Standing {
        self.secrets.standing(&new.secret, new.expires_at, event_time)
    }

    /// What an expiry notice would say.
    pub fn notice(&self, at: Instant, now: Instant) -> Notice {
        self.secrets.clone().notice(at, now)
    }
}
