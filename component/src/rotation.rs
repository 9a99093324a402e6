//! The state machine: what may happen in which state, in one table.
//!
//! ```text
//!             due, notice, or operator            204 / outcome unknown
//!   settled ─────────────────────▶ requesting ─────────────────────────▶ awaiting
//!      ▲                              │ refused or not sent: back off,       │ new secret arrives
//!      │                              └ nothing has changed                  ▼
//!      └──────── publishing ◀── proven ───────── verifying ◀── a newer secret, from ANY state
//!                                                    │
//!    awaiting past its patience, or verifying close to the old secret's end ──▶ stalled: a person decides
//! ```
//!
//! [`Record::apply`] changes the record and does nothing else; whoever applies an event saves the record before anything
//! follows from it. An event that reports what already happened carries what it is about (a call's number, a secret, a
//! generation), so that it can be applied to a record that somebody else has changed in the meantime; where it no longer
//! fits it is illegal, and nothing changes.

use core::fmt;
use std::collections::BTreeSet;

use crate::contract::lwa::rotation::observe::Reason;
use crate::credential::ClientSecret;
use crate::failure::Failure;
use crate::instant::{Instant, Lifetime};
use crate::notification::NewSecret;
use crate::record::{
    Call, Current, Old, Pending, Proof, Record, Requesting, Retry, SKEW, Stage, Stall, Standing, State, Target,
};

/// The overlap that Amazon documents: so long both secrets work.
pub const OVERLAP: Lifetime = Lifetime::days(7);
/// How long before the old secret's end a person is called when the new one is not accepted.
pub const WARNING: Lifetime = Lifetime::hours(24);
/// Pending secrets kept at once. More can only come from somebody who floods the queue.
pub const MOST_PENDING: usize = 4;
/// A secret that Amazon has not accepted for as long as SQS can keep its message is none of Amazon's, if the current one
/// still works: that would have ended a week ago.
pub const DOUBT: Lifetime = Lifetime::days(14);
/// How long a doubt is put off when it cannot be resolved.
const DOUBT_AGAIN: Lifetime = Lifetime::days(1);
/// Old secrets kept at once. More can only come from somebody who keeps handing over secrets.
pub const MOST_OLD: usize = 8;
/// How often it is looked into which of two secrets is the newer one.
const CONTEST_AGAIN: Lifetime = Lifetime::hours(1);
/// A host that takes longer than this to write a target is taken for dead.
const LONGEST_PUT: Lifetime = Lifetime::minutes(2);

/// Something that happened or was decided.
#[derive(Clone, Debug)]
pub enum Event {
    /// A rotation is wanted; the call may be tried from then on.
    Wanted {
        /// Why.
        reason: Reason,
        /// Not before.
        from: Instant,
    },
    /// The operator wants the next try of a refused call now.
    Hastened {
        /// Not before.
        from: Instant,
    },
    /// This host takes the call on.
    Taken,
    /// This host is about to send the call, which it knows by this number.
    Calling(u64),
    /// The call of this number was accepted.
    Accepted(u64),
    /// The call of this number may have had its effect.
    Unknown(u64, Failure),
    /// The call of this number, or its preparation where there is none, was refused or not sent.
    Refused {
        /// The number; `None` if nothing was sent to SP-API.
        call: Option<u64>,
        /// Why.
        failure: Failure,
        /// Not before.
        retry_at: Instant,
    },
    /// Whoever made the call did not come back.
    Overdue,
    /// The patience for the message, or for Amazon's accepting the new secret, has ended.
    PatienceOver(Stall),
    /// A newer secret has come in a message.
    NewSecret(NewSecret, Instant),
    /// A secret has come in a message, and only a date that an operator typed makes the one in use look newer.
    Rival(NewSecret, Instant),
    /// The operator handed over another secret.
    Handed(ClientSecret, Option<Instant>),
    /// The operator handed over a secret that is kept already: it is tried once more at once.
    HandedAgain(ClientSecret),
    /// A message has come whose secret is kept already, as current or pending.
    SeenAgain(NewSecret, Instant),
    /// The operator says when the current secret ends.
    ExpiryKnown(Instant),
    /// An expiry notice came.
    Noticed(Instant),
    /// SP-API has accepted this secret.
    Proven {
        /// The secret.
        secret: ClientSecret,
        /// The jitter of its own rotation.
        jitter: u16,
    },
    /// SP-API has not accepted this secret, or could not be asked.
    NotProven {
        /// The secret.
        secret: ClientSecret,
        /// Why.
        failure: Failure,
        /// Not before.
        retry_at: Instant,
    },
    /// This pending secret is given up, because the current one still works (`true`); or not yet, because it does not.
    Doubted(ClientSecret, bool),
    /// No target of the settings is without the current secret.
    NothingToPublish,
    /// A target holds the secret of this generation, by a write that began then.
    Published(String, u64, Instant),
    /// A target has not taken the secret of this generation.
    NotPublished {
        /// The target.
        target: String,
        /// The generation.
        generation: u64,
        /// Why.
        failure: Failure,
        /// Not before.
        retry_at: Instant,
    },
    /// The operator waits once more.
    WaitMore,
    /// The operator has the call made again.
    RequestAgain {
        /// Not before.
        from: Instant,
    },
    /// Amazon has ended an old secret.
    OldEnded,
    /// SP-API accepts this old secret, and no longer the current one: it is the newer of the two.
    Restored {
        /// The secret.
        secret: ClientSecret,
        /// The jitter of its own rotation.
        jitter: u16,
    },
    /// This old secret, which may be the newer one, was looked into.
    Contested(ClientSecret, Verdict),
}

/// What became of an old secret that may be the newer one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Amazon has ended it.
    Ended,
    /// Nobody knows yet.
    Open,
}

impl Event {
    /// What it is called in an error.
    fn name(&self) -> &'static str {
        match self {
            Self::Wanted { .. } => "a wanted rotation",
            Self::Hastened { .. } => "a hastened call",
            Self::Taken => "taking the call on",
            Self::Calling(_) => "the rotate call",
            Self::Accepted(_) => "an accepted call",
            Self::Unknown(..) => "a call of unknown outcome",
            Self::Refused { .. } => "a refused call",
            Self::Overdue => "an overdue caller",
            Self::PatienceOver(_) => "the end of the patience",
            Self::NewSecret(..) => "a new secret",
            Self::Rival(..) => "a secret that may be newer",
            Self::Handed(..) => "a secret handed over",
            Self::HandedAgain(_) => "a secret handed over again",
            Self::SeenAgain(..) => "a message seen again",
            Self::ExpiryKnown(_) => "an expiry time",
            Self::Noticed(_) => "an expiry notice",
            Self::Proven { .. } => "a proven secret",
            Self::NotProven { .. } => "a secret not proven",
            Self::Doubted(..) => "a doubt",
            Self::NothingToPublish => "a publication that is done",
            Self::Published(..) => "a publication",
            Self::NotPublished { .. } => "a failed publication",
            Self::WaitMore => "a decision to wait",
            Self::RequestAgain { .. } => "a decision to request again",
            Self::OldEnded => "the old secret's end",
            Self::Restored { .. } => "an old secret that is the newer one",
            Self::Contested(..) => "a look at an old secret",
        }
    }
}

/// What the table needs besides record and event.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    /// The time.
    pub now: Instant,
    /// The patience of the settings.
    pub patience: Lifetime,
    /// The target names of the settings.
    pub targets: &'a [String],
}

/// An event that makes no sense in a state. Nothing was changed.
#[derive(Debug)]
pub struct Illegal {
    state: &'static str,
    event: &'static str,
}

impl fmt::Display for Illegal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} in state {}", self.event, self.state)
    }
}

impl State {
    /// The name, as in the contract.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Settled => "settled",
            Self::Requesting(_) => "requesting",
            Self::Awaiting { .. } => "awaiting",
            Self::Verifying => "verifying",
            Self::Publishing => "publishing",
            Self::Stalled(_) => "stalled",
        }
    }
}

impl Record {
    /// The table of transitions. On an error nothing has changed.
    pub fn apply(&mut self, event: &Event, context: Context<'_>) -> Result<(), Illegal> {
        use Event as E;
        use State as S;

        let now = context.now;
        let next = match (&self.state, event) {
            // The way to the rotate call. Each step is a save of its own; whoever saves first goes on.
            (S::Settled | S::Publishing, E::Wanted { reason, from }) => requesting(*reason, Stage::Waiting(*from)),
            (S::Verifying, E::Wanted { reason, from }) if self.may_want_another(*reason == Reason::Requested) => {
                requesting(*reason, Stage::Waiting(*from))
            }
            (S::Requesting(r @ Requesting { stage: Stage::Waiting(_), .. }), E::Hastened { from }) => {
                S::Requesting(Requesting { stage: Stage::Waiting(*from), ..r.clone() })
            }
            (S::Requesting(r @ Requesting { stage: Stage::Waiting(_) | Stage::Preparing(_), .. }), E::Taken) => {
                S::Requesting(Requesting { stage: Stage::Preparing(now), ..r.clone() })
            }
            // A counter at its end is no record of ours; it must not begin anew and make two calls look like one.
            (S::Requesting(r @ Requesting { stage: Stage::Preparing(_), .. }), E::Calling(id))
                if self.calls < u64::MAX =>
            {
                let next = S::Requesting(Requesting { stage: Stage::Calling(now), ..r.clone() });
                self.calls += 1;
                self.called_at = Some(now);
                self.call = Some(Call { number: self.calls, id: *id, at: now, accepted: false, failure: None });
                next
            }

            // What became of the call. The number tells whether it is still this one that is waited for.
            (S::Requesting(Requesting { stage: Stage::Calling(_), .. }), E::Accepted(number))
                if self.is_call(*number) =>
            {
                self.outcome_of_call(true, None);
                S::Awaiting { until: now + context.patience }
            }
            (S::Requesting(Requesting { stage: Stage::Calling(_), .. }), E::Unknown(number, failure))
                if self.is_call(*number) =>
            {
                self.outcome_of_call(false, Some(failure));
                S::Awaiting { until: now + context.patience }
            }
            (S::Requesting(Requesting { stage: Stage::Calling(since), .. }), E::Overdue) => {
                S::Awaiting { until: now.min(*since) + context.patience }
            }
            (S::Awaiting { .. } | S::Stalled(Stall::MessageMissing), E::Accepted(number)) if self.is_call(*number) => {
                self.outcome_of_call(true, None);
                S::Awaiting { until: now + context.patience }
            }
            (S::Requesting(r), E::Refused { call, failure, retry_at })
                if self.call.as_ref().map(|c| c.number) == *call =>
            {
                let next = S::Requesting(Requesting {
                    stage: Stage::Waiting(*retry_at),
                    attempts: r.attempts.saturating_add(1),
                    failure: Some(failure.clone()),
                    ..r.clone()
                });
                self.call = None;
                next
            }
            (
                S::Awaiting { .. } | S::Stalled(Stall::MessageMissing),
                E::Refused { call: Some(number), failure, retry_at },
            ) if self.is_call(*number) => {
                self.call = None;
                S::Requesting(Requesting {
                    reason: Reason::Requested,
                    stage: Stage::Waiting(*retry_at),
                    attempts: 1,
                    failure: Some(failure.clone()),
                })
            }

            // The same where something else has become of the rotation meanwhile: only the call's own fate is noted.
            (state, E::Accepted(number)) if self.is_call(*number) => {
                let state = state.clone();
                self.outcome_of_call(true, None);
                state
            }
            (state, E::Refused { call: Some(number), .. }) if self.is_call(*number) => {
                let state = state.clone();
                self.call = None;
                state
            }

            // No message, or a new secret that does not work: a person decides.
            // A clock that was wrong, or other settings, had put the end off.
            (S::Awaiting { until }, E::PatienceOver(Stall::MessageMissing)) if *until > now => {
                S::Awaiting { until: now + context.patience }
            }
            (S::Awaiting { .. }, E::PatienceOver(Stall::MessageMissing)) => S::Stalled(Stall::MessageMissing),
            (S::Verifying, E::PatienceOver(Stall::NewSecretRefused)) => S::Stalled(Stall::NewSecretRefused),
            (S::Stalled(Stall::MessageMissing), E::WaitMore) => S::Awaiting { until: now + context.patience },
            (S::Stalled(Stall::NewSecretRefused), E::WaitMore) => {
                for pending in &mut self.pending {
                    pending.stalls_at = pending.stalls_at.map(|_| now + context.patience);
                }
                S::Verifying
            }
            (S::Stalled(_), E::RequestAgain { from }) => {
                self.call = None;
                for pending in &mut self.pending {
                    pending.stalls_at = None;
                }
                requesting(Reason::RequestedAgain, Stage::Waiting(*from))
            }

            // A newer secret, from any state. Newer than what the record says at this moment: another host may have taken up
            // a newer one since the message was received.
            (_, E::NewSecret(new, event_time))
                if self.standing(&new.secret, new.expires_at, *event_time) == Standing::Newer =>
            {
                self.keep(new, *event_time, now)?
            }
            (state, E::Rival(new, event_time))
                if self.standing(&new.secret, new.expires_at, *event_time) == Standing::OlderOnOperatorsWord
                    && self.contested(&new.secret).is_none() =>
            {
                let state = state.clone();
                self.keep_old(Old {
                    secret: new.secret.clone(),
                    since: *event_time,
                    expires_at: Some(new.expires_at),
                    ends_at: *event_time + OVERLAP,
                    contested_at: Some(now),
                });
                state
            }
            // Somebody else may have brought it meanwhile.
            (_, E::Handed(secret, expires_at)) if !self.knows(secret) => self.keep_handed(secret, *expires_at, now)?,

            (state, E::HandedAgain(secret)) => {
                let state = state.clone();
                for pending in self.pending.iter_mut().filter(|pending| pending.secret == *secret) {
                    pending.retry = Retry::now(now);
                }
                if let Proof::Open(retry) = &mut self.current.proof
                    && self.current.secret == *secret
                {
                    *retry = Retry::now(now);
                }
                state
            }

            // Proof, and with it use.
            (_, E::Proven { secret, jitter }) if self.is_pending(secret) && self.generation < u64::MAX => {
                self.promote(secret, *jitter, context)
            }
            (_, E::Restored { secret, jitter }) if self.contested(secret).is_some() && self.generation < u64::MAX => {
                let old = self.contested(secret).map(|old| (old.expires_at, old.since));
                let (expires_at, since) = old.unwrap_or((None, now));
                self.pending.push(self.handed(secret, expires_at, since));
                self.promote(secret, *jitter, context)
            }
            (state, E::Proven { secret, .. }) if self.current.secret == *secret => {
                let state = state.clone();
                self.current.proof = Proof::Proven;
                if state == S::Settled { self.resting(context) } else { state }
            }
            (state, E::NotProven { secret, failure, retry_at })
                if self.is_pending(secret) || self.current.secret == *secret =>
            {
                let state = state.clone();
                let retry = match self.pending.iter_mut().find(|pending| pending.secret == *secret) {
                    Some(pending) => Some(&mut pending.retry),
                    None => match &mut self.current.proof {
                        Proof::Open(retry) => Some(retry),
                        Proof::Proven => None,
                    },
                };
                if let Some(retry) = retry {
                    *retry = Retry {
                        at: *retry_at,
                        attempts: retry.attempts.saturating_add(1),
                        failure: Some(failure.clone()),
                    };
                }
                state
            }

            (state, E::Doubted(secret, give_up)) if self.is_pending(secret) => {
                let state = state.clone();
                if *give_up {
                    self.pending.retain(|pending| pending.secret != *secret);
                } else if let Some(pending) = self.pending.iter_mut().find(|pending| pending.secret == *secret) {
                    pending.doubt_at = now + DOUBT_AGAIN;
                }
                match state {
                    S::Verifying | S::Stalled(Stall::NewSecretRefused) => self.resting(context),
                    state => state,
                }
            }

            // Publication goes on whatever else does.
            (S::Publishing, E::NothingToPublish) => self.resting(context),
            (state, E::Published(target, generation, began)) => {
                let state = state.clone();
                let current = self.generation;
                let target = self.target(target, now);
                // Whoever was slow may have put an older secret in the place of the current one: it is written again.
                target.generation = *generation;
                target.retry = Retry::now(now);
                if *generation == current {
                    // A clock that was ahead may have put the second write off, and may have told when this one began.
                    let again_at = target.again_at.map(|at| at.min(now + LONGEST_PUT));
                    target.again_at = again_at.filter(|at| *at > now.min(*began));
                }
                if matches!(state, S::Publishing | S::Settled) { self.resting(context) } else { state }
            }
            (state, E::NotPublished { target, generation, failure, retry_at }) => {
                let state = state.clone();
                let current = self.generation;
                let target = self.target(target, now);
                if *generation != current {
                    // A write of an older secret that failed may have had its effect.
                    *target = Target { again_at: target.again_at, ..Target::unwritten(now) };
                } else if target.generation != current {
                    let attempts = target.retry.attempts.saturating_add(1);
                    target.retry = Retry { at: *retry_at, attempts, failure: Some(failure.clone()) };
                } else {
                    // It held the current secret already and was to be written once more.
                    target.again_at = target.again_at.map(|_| *retry_at);
                }
                if matches!(state, S::Publishing | S::Settled) { self.resting(context) } else { state }
            }

            // Knowledge about the ends of secrets.
            (state, E::SeenAgain(NewSecret { secret, expires_at, old_ends_at }, event_time))
                if self.current.secret == *secret || self.is_pending(secret) =>
            {
                let state = state.clone();
                if self.current.secret == *secret {
                    self.learn_end(*expires_at, now);
                    self.current.said_by_amazon = true;
                    self.current.event_time = Some(*event_time);
                    // Now that its place in Amazon's order is known, it supersedes what is older.
                    let order = (Some(*expires_at), Some(*event_time));
                    self.pending.retain(|other| !other.from_message() || other.order() >= order);
                    self.answer_call(*event_time, now);
                } else if let Some(place) = self.pending.iter().position(|pending| pending.secret == *secret) {
                    let mut pending = self.pending.remove(place);
                    pending.expires_at = Some(*expires_at);
                    pending.event_time = Some(*event_time);
                    pending.old_ends_at = Some(*old_ends_at);
                    let order = (self.current.expires_at, self.current.event_time);
                    let older = self.current.said_by_amazon && pending.order() < order;
                    if !older {
                        self.order_in(pending);
                    }
                }
                match state {
                    S::Verifying | S::Stalled(Stall::NewSecretRefused) if self.pending.is_empty() => {
                        self.resting(context)
                    }
                    S::Awaiting { .. } | S::Stalled(Stall::MessageMissing) if self.call.is_none() => {
                        self.resting(context)
                    }
                    state => state,
                }
            }
            (state, E::ExpiryKnown(at)) if !self.current.said_by_amazon => {
                let state = state.clone();
                self.learn_end(*at, now);
                state
            }
            (state, E::Noticed(at)) => {
                let state = state.clone();
                self.noticed = Some(*at);
                // The notice may be about the old secret, so it does not touch a date that came from Amazon with the secret.
                // A person's date may be wrong: an earlier one is believed. What has ended already is not the one in use, if
                // that works.
                let about_old = self.old.iter().any(|old| *at <= old.ends_at + SKEW) || self.proven() && *at <= now;
                if !about_old && !self.current.said_by_amazon && self.current.expires_at.is_none_or(|known| *at < known)
                {
                    self.learn_end(*at, now);
                }
                state
            }
            (state, E::OldEnded) => {
                let state = state.clone();
                self.old.retain(|old| old.ends_at > now || old.contested_at.is_some());
                state
            }
            (state, E::Contested(secret, verdict)) if self.contested(secret).is_some() => {
                let state = state.clone();
                match verdict {
                    Verdict::Ended => self.old.retain(|old| old.secret != *secret),
                    Verdict::Open => {
                        self.old
                            .iter_mut()
                            .filter(|old| old.secret == *secret)
                            .for_each(|old| old.contested_at = Some(now + CONTEST_AGAIN));
                    }
                }
                state
            }

            (state, event) => {
                return Err(Illegal { state: state.name(), event: event.name() });
            }
        };
        self.state = next;
        Ok(())
    }

    fn is_call(&self, number: u64) -> bool {
        self.call.as_ref().is_some_and(|call| call.number == number)
    }

    fn is_pending(&self, secret: &ClientSecret) -> bool {
        self.pending.iter().any(|pending| pending.secret == *secret)
    }

    /// A target that a host has written, or tried to. One that the record does not know yet was not known to whoever promoted
    /// the current secret either, whose settings may have been others: a late write of the secret before is possible.
    fn target(&mut self, name: &str, now: Instant) -> &mut Target {
        let again_at = (self.generation > 1).then_some(now + LONGEST_PUT);
        self.targets.entry(name.to_owned()).or_insert_with(|| Target { again_at, ..Target::unwritten(now) })
    }

    fn outcome_of_call(&mut self, accepted: bool, failure: Option<&Failure>) {
        if let Some(call) = &mut self.call {
            call.accepted = accepted;
            call.failure = failure.cloned();
        }
    }

    /// Notes when the current secret ends. Targets hold that too.
    fn learn_end(&mut self, expires_at: Instant, now: Instant) {
        if self.current.expires_at != Some(expires_at) {
            self.current.expires_at = Some(expires_at);
            let generation = self.generation;
            self.targets
                .values_mut()
                .filter(|target| target.generation == generation)
                .for_each(|target| target.again_at = target.again_at.or(Some(now)));
        }
    }

    /// Keeps a secret that came in a message, as pending.
    fn keep(&mut self, new: &NewSecret, event_time: Instant, now: Instant) -> Result<State, Illegal> {
        let pending = Pending {
            secret: new.secret.clone(),
            expires_at: Some(new.expires_at),
            event_time: Some(event_time),
            old_ends_at: Some(new.old_ends_at),
            retry: Retry::now(now),
            stalls_at: Some(
                self.current.expires_at.unwrap_or(Instant(u64::MAX)).min(new.old_ends_at).min(now + OVERLAP) - WARNING,
            ),
            doubt_at: now + DOUBT,
        };
        self.insert_pending(pending)?;
        Ok(State::Verifying)
    }

    /// Notes that the message of a rotate call has come. One about something that happened before the call was made is not
    /// its answer: the secret that it brings is not the newest, and the call's own message is still awaited.
    fn answer_call(&mut self, event_time: Instant, now: Instant) {
        // A clock that was ahead must not make the call look later than it was.
        if self.call.as_ref().is_some_and(|call| event_time >= call.at.min(now) - SKEW) {
            self.call = None;
        }
    }

    /// Keeps a secret that the operator handed over: instead of one that nobody has proven, or as pending.
    fn keep_handed(
        &mut self,
        secret: &ClientSecret,
        expires_at: Option<Instant>,
        now: Instant,
    ) -> Result<State, Illegal> {
        if !self.proven() && self.generation == 1 && self.pending.is_empty() {
            self.current.secret = secret.clone();
            self.current.expires_at = expires_at;
            self.current.said_by_amazon = false;
            self.current.event_time = None;
            self.current.since = now;
            self.current.proof = Proof::Open(Retry::now(now));
            // A call that was refused for the wrong secret need not wait out its back-off.
            return Ok(match &self.state {
                State::Requesting(r @ Requesting { stage: Stage::Waiting(at), .. }) => {
                    let from = self.call_permitted(now).min(*at);
                    State::Requesting(Requesting {
                        stage: Stage::Waiting(from),
                        attempts: 0,
                        failure: None,
                        ..r.clone()
                    })
                }
                state => state.clone(),
            });
        }
        self.insert_pending(self.handed(secret, expires_at, now))?;
        Ok(State::Verifying)
    }

    /// A pending secret that no message brought.
    fn handed(&self, secret: &ClientSecret, expires_at: Option<Instant>, now: Instant) -> Pending {
        Pending {
            secret: secret.clone(),
            expires_at,
            event_time: None,
            old_ends_at: None,
            retry: Retry::now(now),
            stalls_at: None,
            doubt_at: now + DOUBT,
        }
    }

    /// The old secret, if it may be the newer one.
    fn contested(&self, secret: &ClientSecret) -> Option<&Old> {
        self.old.iter().find(|old| old.secret == *secret && old.contested_at.is_some())
    }

    fn insert_pending(&mut self, pending: Pending) -> Result<(), Illegal> {
        if self.pending.len() >= MOST_PENDING {
            // One that was tried in vain makes room: its message is in the queue and comes again.
            let tried = |pending: &Pending| pending.from_message() && pending.retry.attempts > 0;
            let worst = (0..self.pending.len()).filter(|place| tried(&self.pending[*place]));
            if let Some(place) = worst.max_by_key(|place| self.pending[*place].retry.attempts) {
                self.pending.remove(place);
            }
        }
        if self.pending.len() >= MOST_PENDING {
            return Err(Illegal { state: self.state.name(), event: "another new secret beside four that wait" });
        }
        self.order_in(pending);
        Ok(())
    }

    fn order_in(&mut self, pending: Pending) {
        let place = self.pending.partition_point(|other| other.order() <= pending.order());
        self.pending.insert(place, pending);
    }

    /// The proven secret becomes current, the current one old; what is older than the new one is superseded.
    fn promote(&mut self, secret: &ClientSecret, jitter: u16, context: Context<'_>) -> State {
        let now = context.now;
        let Some(place) = self.pending.iter().position(|pending| pending.secret == *secret) else {
            return self.state.clone();
        };
        let promoted = self.pending.remove(place);
        // One that the operator handed over has no place in Amazon's order: it supersedes nothing, and is superseded by what
        // Amazon has made since.
        match promoted.event_time {
            Some(event_time) => {
                self.pending.retain(|other| match other.event_time {
                    Some(_) => other.order() >= promoted.order(),
                    None => event_time <= other.kept_at() + SKEW,
                });
                self.answer_call(event_time, now);
            }
            None => {
                // The operator has looked: a missing message is missed no more, and what came before is likely to be older.
                self.call = None;
                let before = |other: &mut Pending| other.event_time.is_some_and(|at| at < promoted.kept_at() - SKEW);
                for other in self.pending.extract_if(.., before).collect::<Vec<_>>() {
                    self.keep_old(other.rival(now));
                }
            }
        }
        // Another host may be about to write the secret that is replaced here: one that saw it unpublished a moment ago. Its
        // late write is mended by one of ours.
        let proven = self.proven();
        let may_be_written = |name: &&String| match self.targets.get(*name) {
            Some(target) if target.generation == self.generation => {
                target.retry.at + LONGEST_PUT > now || target.again_at.is_some()
            }
            _ => true,
        };
        // By the settings of that host, which may be others.
        let names: BTreeSet<&String> = context.targets.iter().chain(self.targets.keys()).collect();
        let writers: Vec<String> = names.into_iter().filter(|_| proven).filter(may_be_written).cloned().collect();
        let (from_message, event_time) = (promoted.from_message(), promoted.event_time);
        let since = if from_message { now } else { promoted.kept_at() };
        let replaced = core::mem::replace(
            &mut self.current,
            Current {
                secret: promoted.secret,
                expires_at: promoted.expires_at,
                said_by_amazon: from_message,
                event_time,
                since,
                jitter,
                proof: Proof::Proven,
            },
        );
        self.generation += 1;
        // Amazon's dates put the two in order, or the message was made when the replaced one was here already.
        let newer = promoted.event_time.is_some_and(|at| replaced.said_by_amazon || at > replaced.since + SKEW);
        self.keep_old(Old {
            secret: replaced.secret,
            since: replaced.since,
            expires_at: replaced.expires_at,
            ends_at: promoted.old_ends_at.unwrap_or(now + OVERLAP),
            contested_at: (!newer).then_some(now + CONTEST_AGAIN),
        });
        for target in self.targets.values_mut() {
            target.retry = Retry::now(now);
        }
        for name in writers {
            let target = self.targets.entry(name).or_insert_with(|| Target::unwritten(now));
            target.again_at = Some(now + LONGEST_PUT);
        }
        match &self.state {
            // A call that is under way goes on: it is saved as such, and its message will come.
            state @ State::Requesting(Requesting { stage: Stage::Calling(_), .. }) => state.clone(),
            _ => self.resting(context),
        }
    }

    fn keep_old(&mut self, replaced: Old) {
        let current = &self.current.secret;
        self.old.retain(|old| old.secret != *current && old.secret != replaced.secret);
        if self.old.len() >= MOST_OLD {
            let place = self.old.iter().position(|old| old.contested_at.is_none()).unwrap_or(0);
            self.old.remove(place);
        }
        self.old.push(replaced);
    }

    /// The state when nothing is under way but what the record says.
    fn resting(&self, context: Context<'_>) -> State {
        if !self.pending.is_empty() {
            State::Verifying
        } else if let Some(call) = &self.call {
            State::Awaiting { until: call.at + context.patience }
        } else if self.unpublished(context.targets).next().is_some() {
            State::Publishing
        } else {
            State::Settled
        }
    }
}

fn requesting(reason: Reason, stage: Stage) -> State {
    State::Requesting(Requesting { reason, stage, attempts: 0, failure: None })
}
