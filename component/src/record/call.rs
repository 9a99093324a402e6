//! The rotate call: the one region of the record that is a state machine in the narrow sense.
//!
//! ```text
//!   idle ──Want──▶ wanted ──Prepare──▶ preparing ──Send──▶ sent ──Answered──▶ awaited ──PatienceEnded──▶ missing
//!    ▲  ▲            ▲                    │ Read            │ refused           │                          │
//!    │  └─ Cancel ───┴────────────────────┘                 ▼                   │ the message came         │ Decide
//!    │                ◀──────────────── wanted, later ◀─────┘                   │                          ▼
//!    └──────────────────────────────────────────────────────────────────────────┘                awaited, or wanted
//! ```

use serde::Serialize;

use crate::amazon::error::Failure;
use crate::bindings::lwa::rotation::observe::Reason;
use crate::instant::{Instant, Lifetime};
use crate::policy::{CALL_INTERVAL, SKEW};
use crate::record::Illegal;

/// The region.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Calls {
    /// How far a rotate call has come.
    pub phase: Phase,
    /// How many rotate calls there were, answered or not.
    pub count: u64,
    /// When the last of them was made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_at: Option<Instant>,
    /// No rotation begins by itself before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub not_before: Option<Instant>,
    /// What keeps a new secret from arriving or staying, as of the last inspection that could look.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub obstacle: Option<Obstacle>,
}

/// How far a rotate call has come. Each is saved before the next thing is sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Phase {
    /// Nothing is wanted.
    Idle,
    /// A rotation is wanted. Nothing has been sent to SP-API.
    Wanted(Wanted),
    /// A host inspects and reads the queue. Nothing has been sent to SP-API.
    Preparing {
        /// What is wanted.
        wanted: Wanted,
        /// Since when.
        since: Instant,
        /// How far the queue has been read.
        reading: Reading,
    },
    /// The rotate call may have been sent.
    Sent {
        /// What is wanted.
        wanted: Wanted,
        /// The call.
        call: Call,
    },
    /// The call was or may have been accepted, and its message is awaited.
    Awaited {
        /// The call.
        call: Call,
        /// Since when, for the patience of the settings.
        since: Instant,
    },
    /// Its message has not come within the patience: a person decides.
    Missing(Call),
}

/// A rotation that is wanted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Wanted {
    /// Why.
    pub reason: Reason,
    /// Whether the operator wants it in spite of the queue.
    pub force: bool,
    /// Not before.
    pub from: Instant,
    /// How often it was refused or blocked in a row.
    pub attempts: u32,
    /// Why, the last time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure: Option<Failure>,
}

/// How far the queue has been read before a call.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Reading {
    /// Messages received in this look.
    pub messages: u32,
    /// Looks that came to the queue's end.
    pub looks: u32,
    /// When the reading goes on, by whatever host; `None` while a host is at it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub goes_on: Option<Instant>,
}

/// A rotate call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Call {
    /// A random number, by which a host knows a call of its own.
    pub id: u64,
    /// When its intent was saved.
    pub at: Instant,
    /// Whether Amazon said yes.
    pub accepted: bool,
    /// Why that is not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure: Option<Failure>,
}

/// What keeps a new secret from arriving in the queue, or from staying there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Obstacle {
    /// Which part of the queue's settings it is about.
    pub check: String,
    /// Whether it is a fact, which always blocks, or a doubt, which blocks until shortly before the end.
    pub fact: bool,
    /// What was seen.
    pub evidence: String,
    /// What to do.
    pub remedy: String,
}

/// What became of a call, or of its preparation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Amazon rotates.
    Accepted,
    /// It may have had its effect.
    Unknown(Failure),
    /// Nothing has changed at Amazon; tried again from then on.
    Refused(Failure, Instant),
}

/// What happens to a call.
#[derive(Clone, Debug)]
pub enum CallEvent {
    /// A rotation is wanted from an instant on. One that is wanted already may be tried then, and is forced too.
    Want {
        /// Why.
        reason: Reason,
        /// In spite of the queue.
        force: bool,
        /// Not before.
        from: Instant,
    },
    /// The operator takes it back; none begins by itself before.
    Cancel(Instant),
    /// This host takes the preparation on, or goes on with it.
    Prepare,
    /// The queue was read so far; others may go on.
    Read(Reading),
    /// The queue was inspected: what was found stands until another inspection could look.
    Inspected(Option<Obstacle>),
    /// This host is about to send the call, which it knows by this number.
    Send(u64),
    /// What became of the call of this number, or of a preparation.
    Answered(Option<u64>, Answer),
    /// The caller did not come back.
    CallerLost,
    /// The patience for the message has ended.
    PatienceEnded(Lifetime),
    /// The operator waits once more.
    WaitMore,
    /// The operator has the call made again, not before this instant.
    RequestAgain(Instant),
}

impl Phase {
    /// The name, for errors.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Idle => "idle",
            Self::Wanted(_) => "wanted",
            Self::Preparing { .. } => "preparing",
            Self::Sent { .. } => "sent",
            Self::Awaited { .. } => "awaited",
            Self::Missing(_) => "missing",
        }
    }

    /// What is wanted while nothing has been sent.
    pub fn unsent(&self) -> Option<&Wanted> {
        match self {
            Self::Wanted(wanted) | Self::Preparing { wanted, .. } => Some(wanted),
            _ => None,
        }
    }

    /// The call that was or may have been sent and whose message has not come.
    pub fn call(&self) -> Option<&Call> {
        match self {
            Self::Sent { call, .. } | Self::Awaited { call, .. } | Self::Missing(call) => Some(call),
            _ => None,
        }
    }
}

impl CallEvent {
    fn name(&self) -> &'static str {
        match self {
            Self::Want { .. } => "a wanted rotation",
            Self::Cancel(_) => "a cancellation",
            Self::Prepare => "a preparation",
            Self::Read(_) => "a reading of the queue",
            Self::Inspected(_) => "an inspection",
            Self::Send(_) => "the rotate call",
            Self::Answered(..) => "an answer",
            Self::CallerLost => "a lost caller",
            Self::PatienceEnded(_) => "the end of the patience",
            Self::WaitMore => "a decision to wait",
            Self::RequestAgain(_) => "a decision to request again",
        }
    }
}

impl Calls {
    /// No call, and none wanted.
    pub fn none() -> Self {
        Self { phase: Phase::Idle, count: 0, last_at: None, not_before: None, obstacle: None }
    }

    /// When the rate permits the next rotate call.
    pub fn permitted(&self, now: Instant) -> Instant {
        // A clock that was ahead must not put the call off for longer than the rate does.
        self.last_at.map_or(now, |at| now.max(at.min(now) + CALL_INTERVAL))
    }

    /// The table of transitions. On an error nothing has changed.
    pub fn apply(&mut self, event: &CallEvent, now: Instant) -> Result<(), Illegal> {
        use CallEvent as E;
        use Phase as P;

        self.phase = match (&self.phase, event) {
            (P::Idle, E::Want { reason, force, from }) => wanted(*reason, *force, *from),
            (P::Wanted(known), E::Want { force, from, .. }) => {
                P::Wanted(Wanted { force: known.force || *force, from: known.from.min(*from), ..known.clone() })
            }
            (P::Preparing { wanted, since, reading }, E::Want { force, .. }) => P::Preparing {
                wanted: Wanted { force: wanted.force || *force, ..wanted.clone() },
                since: *since,
                reading: reading.clone(),
            },
            (P::Idle | P::Wanted(_) | P::Preparing { .. }, E::Cancel(not_before)) => {
                self.not_before = Some(*not_before);
                P::Idle
            }

            // The way to the call. Each step is a save of its own; the host that saves first goes on.
            (P::Wanted(wanted), E::Prepare) => {
                P::Preparing { wanted: wanted.clone(), since: now, reading: Reading::default() }
            }
            (P::Preparing { wanted, reading, .. }, E::Prepare) => {
                // A reading that was interrupted holds messages that come back: it begins anew.
                let reading = if reading.goes_on.is_some() { reading.clone() } else { Reading::default() };
                P::Preparing { wanted: wanted.clone(), since: now, reading: Reading { goes_on: None, ..reading } }
            }
            (P::Preparing { wanted, since, .. }, E::Read(reading)) => {
                P::Preparing { wanted: wanted.clone(), since: *since, reading: reading.clone() }
            }
            (phase, E::Inspected(obstacle)) => {
                let phase = phase.clone();
                self.obstacle.clone_from(obstacle);
                phase
            }
            // A counter at its end is no record of ours.
            (P::Preparing { wanted, .. }, E::Send(id)) if self.count < u64::MAX => {
                let call = Call { id: *id, at: now, accepted: false, failure: None };
                let phase = P::Sent { wanted: wanted.clone(), call };
                self.count += 1;
                self.last_at = Some(now);
                phase
            }

            // What became of it. The number tells whether it is still this call that is waited for.
            (
                P::Wanted(known) | P::Preparing { wanted: known, .. },
                E::Answered(None, Answer::Refused(failure, at)),
            ) => refused(known.clone(), failure, *at),
            (P::Sent { wanted, call }, E::Answered(Some(id), Answer::Refused(failure, at))) if call.id == *id => {
                refused(wanted.clone(), failure, *at)
            }
            (P::Awaited { call, .. } | P::Missing(call), E::Answered(Some(id), Answer::Refused(failure, at)))
                if call.id == *id =>
            {
                let known = Wanted { reason: Reason::Requested, force: false, from: *at, attempts: 0, failure: None };
                refused(known, failure, *at)
            }
            (P::Sent { call, .. } | P::Awaited { call, .. } | P::Missing(call), E::Answered(Some(id), answer))
                if call.id == *id =>
            {
                let failure = match answer {
                    Answer::Unknown(failure) => Some(failure.clone()),
                    _ => None,
                };
                P::Awaited { call: Call { accepted: failure.is_none(), failure, ..call.clone() }, since: now }
            }
            (P::Sent { call, .. }, E::CallerLost) => P::Awaited { call: call.clone(), since: now.min(call.at) },

            // No message: a person decides. A clock that was ahead when the wait began had put its end off.
            (P::Awaited { call, since }, E::PatienceEnded(patience)) if *since + *patience > now => {
                P::Awaited { call: call.clone(), since: now }
            }
            (P::Awaited { call, .. }, E::PatienceEnded(_)) => P::Missing(call.clone()),
            (P::Missing(call), E::WaitMore) => P::Awaited { call: call.clone(), since: now },
            (P::Idle | P::Awaited { .. } | P::Missing(_), E::RequestAgain(from)) => {
                wanted(Reason::RequestedAgain, false, *from)
            }

            (phase, event) => return Err(Illegal { state: phase.name(), event: event.name() }),
        };
        Ok(())
    }

    /// Takes back what has not been sent.
    pub fn withdraw(&mut self) {
        if self.phase.unsent().is_some() {
            self.phase = Phase::Idle;
        }
    }

    /// Ends the wait for a message that came, or that is missed no more.
    pub fn end_wait(&mut self) {
        if self.phase.call().is_some() {
            self.phase = Phase::Idle;
        }
    }

    /// Whether a message about something that happened then can answer the call. One that happened before the call was made
    /// does not: the secret it brings is not the newest, and the call's own message is still awaited.
    pub fn is_answered_by(&self, event_time: Instant, now: Instant) -> bool {
        // A clock that was ahead must not make the call look later than it was.
        self.phase.call().is_some_and(|call| event_time >= call.at.min(now) - SKEW)
    }
}

fn wanted(reason: Reason, force: bool, from: Instant) -> Phase {
    Phase::Wanted(Wanted { reason, force, from, attempts: 0, failure: None })
}

fn refused(wanted: Wanted, failure: &Failure, from: Instant) -> Phase {
    let attempts = wanted.attempts.saturating_add(1);
    Phase::Wanted(Wanted { from, attempts, failure: Some(failure.clone()), ..wanted })
}

#[cfg(test)]
mod tests;
