//! The publish targets, by place: what each was given, what was read there, and when it is written or read next.
//!
//! A place holds the current secret if it was given it and, where it can be read, still has it. What others have put there and
//! this record does not know is never overwritten.

use std::collections::BTreeMap;

use serde::Serialize;

use super::secrets::Retry;
use crate::amazon::error::Failure;
use crate::instant::{Instant, Lifetime};
use crate::policy::{
    LONGEST_PUT, MOST_REWRITES, PLACE_FORGOTTEN, READ_AFTER_REWRITE, READ_AFTER_WRITE, READ_OFTEN, READ_SELDOM,
};

/// The region: a target for each place that was ever written or read.
pub type Targets = BTreeMap<String, Target>;

/// A publish target.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Target {
    /// The generation it was given and, as far as known, holds; 0 for none of ours.
    pub generation: u64,
    /// When it is written next, if it does not hold the current one.
    pub retry: Retry,
    /// When its place is read next, or written once more where it cannot be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub look_at: Option<Instant>,
    /// How often it has been read since it was written.
    #[serde(skip_serializing_if = "is_zero")]
    pub looks: u32,
    /// When it was last read and held the current secret.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub read_at: Option<Instant>,
    /// How often it was written again because others had changed it, since the last promotion.
    #[serde(skip_serializing_if = "is_zero")]
    pub rewrites: u32,
    /// Whether another host may have been about to write an older secret when the current one was promoted.
    #[serde(skip_serializing_if = "is_false")]
    pub late_write: bool,
    /// What others have put there, for which it is not written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub found: Option<Found>,
    /// Whether the operator wants it written whatever it holds.
    #[serde(skip_serializing_if = "is_false")]
    pub overwrite: bool,
    /// When a host that has it in its settings last worked on it.
    pub seen_at: Instant,
}

fn is_zero(number: &u32) -> bool {
    *number == 0
}

fn is_false(truth: &bool) -> bool {
    !*truth
}

/// What others have put in a place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Found {
    /// What.
    pub what: Foreign,
    /// Who seems to have written it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
}

/// What a place holds that was not put there by this record's hosts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Foreign {
    /// A secret of the application that the record did not know.
    AnotherSecret,
    /// A credential of another application.
    AnotherApplication,
    /// An older secret again, or none, however often the current one is written.
    PutBack,
}

/// What reading a place gave, as far as targets are concerned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Seen {
    /// The current secret.
    Current,
    /// None, or one that was current before.
    Outdated {
        /// Who seems to have written it.
        by: Option<String>,
    },
    /// Something that is not overwritten.
    Foreign(Found),
    /// This kind of place cannot be read.
    Unreadable,
    /// It could not be read now.
    Failed(Failure, Instant),
}

/// What happens to a target.
#[derive(Clone, Debug)]
pub enum TargetEvent {
    /// It was written with the secret of this generation.
    Written(u64),
    /// A write of the secret of this generation failed; tried again from then on.
    NotWritten {
        /// The generation.
        generation: u64,
        /// Why.
        failure: Failure,
        /// Not before.
        retry_at: Instant,
    },
    /// Its place was read.
    Seen(Seen),
    /// The operator wants it written again.
    Republish,
}

impl Target {
    /// One that no host has written.
    pub fn unwritten(now: Instant) -> Self {
        Self {
            generation: 0,
            retry: Retry::now(now),
            look_at: None,
            looks: 0,
            read_at: None,
            rewrites: 0,
            late_write: false,
            found: None,
            overwrite: false,
            seen_at: now,
        }
    }

    /// One that the record does not know. The host that promoted the current secret may not have known it either, so that a
    /// late write of the secret before is possible.
    pub(super) fn unknown(current: u64, now: Instant) -> Self {
        Self { late_write: current > 1, ..Self::unwritten(now) }
    }

    /// Whether it holds the secret of a generation, as far as known.
    pub fn holds(&self, generation: u64) -> bool {
        self.generation == generation && self.found.is_none()
    }

    /// When it is written next, if it does not hold the secret of a generation.
    pub fn written_at(&self, generation: u64) -> Option<Instant> {
        (!self.holds(generation) && self.found.is_none()).then_some(self.retry.at)
    }

    /// Applies an event. `current` is the generation of the current secret.
    pub(super) fn apply(&mut self, event: &TargetEvent, current: u64, now: Instant) {
        self.seen_at = now;
        match event {
            TargetEvent::Written(generation) => {
                self.overwrite = false;
                if *generation != current {
                    // A host that was slow may have put an older secret in the place of the current one: it is written again.
                    *self = Self { generation: *generation, ..self.to_be_written(now) };
                    return;
                }
                self.generation = *generation;
                self.retry = Retry::now(now);
                (self.found, self.looks, self.read_at) = (None, 0, None);
                self.look_at = Some(now + READ_AFTER_WRITE);
            }
            TargetEvent::NotWritten { generation, .. } if *generation != current => {
                // A write of an older secret that failed may have had its effect.
                *self = self.to_be_written(now);
            }
            TargetEvent::NotWritten { failure, retry_at, .. } => {
                self.retry = self.retry.again(*retry_at, failure);
            }
            TargetEvent::Seen(seen) => self.see(seen, current, now),
            TargetEvent::Republish => *self = Self { overwrite: true, rewrites: 0, ..self.to_be_written(now) },
        }
    }

    fn see(&mut self, seen: &Seen, current: u64, now: Instant) {
        match seen {
            Seen::Current => {
                self.generation = current;
                self.retry = Retry::now(now);
                (self.found, self.read_at, self.late_write) = (None, Some(now), false);
                self.look_at = Some(now + self.next_look());
                self.looks = self.looks.saturating_add(1);
            }
            Seen::Outdated { by } if self.generation == current && self.rewrites >= MOST_REWRITES => {
                self.found = Some(Found { what: Foreign::PutBack, by: by.clone() });
                self.look_at = Some(now + READ_OFTEN);
            }
            Seen::Outdated { .. } => {
                // Others changed it, unless it was to be written anyway.
                let rewrites = self.rewrites + u32::from(self.generation == current && !self.late_write);
                *self = Self { rewrites, ..self.to_be_written(now) };
            }
            Seen::Foreign(found) => {
                (self.generation, self.read_at) = (0, None);
                self.found = Some(found.clone());
                self.look_at = Some(now + READ_OFTEN);
            }
            Seen::Unreadable => {
                let again = self.late_write && self.generation == current;
                if again {
                    *self = self.to_be_written(now);
                }
                (self.late_write, self.look_at) = (false, None);
            }
            Seen::Failed(failure, retry_at) => {
                self.retry = self.retry.again(*retry_at, failure);
                self.look_at = self.look_at.map(|_| *retry_at);
            }
        }
    }

    /// The time to the next reading of a place that held the current secret.
    fn next_look(&self) -> Lifetime {
        match self.looks {
            0 if self.rewrites > 0 => READ_AFTER_REWRITE,
            1..=24 if self.rewrites > 0 => READ_OFTEN,
            _ => READ_SELDOM,
        }
    }

    fn to_be_written(&self, now: Instant) -> Self {
        Self { rewrites: self.rewrites, late_write: self.late_write, overwrite: self.overwrite, ..Self::unwritten(now) }
    }

    /// A new secret has been promoted: its generation is one more than that of the secret before.
    pub(super) fn renew(&mut self, generation: u64, now: Instant) {
        // Another host may be about to write the secret that was replaced: one that saw it unwritten a moment ago.
        let settled = self.generation + 1 == generation && self.retry.at + LONGEST_PUT <= now;
        self.late_write = self.late_write || !settled;
        self.retry = Retry::now(now);
        (self.look_at, self.looks, self.read_at, self.rewrites) = (None, 0, None, 0);
        // Whether what others have put there is the new secret is seen before it is written.
        self.found = None;
    }

    /// A newly known end is written too.
    pub(super) fn rewrite(&mut self, generation: u64, now: Instant) {
        if self.holds(generation) {
            *self = Self { generation: 0, ..self.to_be_written(now) };
        }
    }

    /// Whether no host has had it in its settings for so long that it can be dropped.
    pub fn is_forgotten(&self, now: Instant) -> bool {
        self.seen_at + PLACE_FORGOTTEN <= now
    }
}

#[cfg(test)]
mod tests;
