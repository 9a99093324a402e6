//! What may become of the secrets: taken in, promoted, given up, purged.

use super::{
    Candidate, Current, Erased, Notice, Origin, Promote, Retired, Retry, Secrets, Standing, Supply, Verification,
};
use crate::amazon::error::Failure;
use crate::amazon::notification::NewSecret;
use crate::credential::ClientSecret;
use crate::instant::Instant;
use crate::policy::{
    CONTEST_AGAIN, MOST_CANDIDATES, MOST_ERASED, MOST_RETIRED, MOST_RIVALS, OVERLAP, SAME_END, SKEW, WARNING,
};

impl Secrets {
    /// Takes in the secret of a message.
    pub(in crate::record) fn receive(&mut self, new: &NewSecret, event_time: Instant, now: Instant) -> Standing {
        let origin = Origin::Message { expires_at: new.expires_at, event_time };
        let standing = self.standing(&new.secret, new.expires_at, event_time);
        match standing {
            Standing::Current => {
                self.current.origin = origin;
                self.current.expires_at = Some(new.expires_at);
                self.drop_older(now);
            }
            Standing::Candidate => {
                let current = self.current.origin;
                let newer = match current {
                    Origin::Message { .. } => origin > current,
                    Origin::Supplied(at) => event_time >= at - SKEW,
                };
                if let Some(candidate) = self.candidate_mut(&new.secret) {
                    candidate.origin = origin;
                    candidate.expires_at = Some(new.expires_at);
                    candidate.old_ends_at = Some(new.old_ends_at);
                    if newer {
                        candidate.promote = Promote::WhenAccepted;
                    }
                }
                self.reorder(&new.secret);
                self.drop_older(now);
            }
            Standing::Newer | Standing::Beside => {
                let newer = standing == Standing::Newer;
                if newer {
                    self.candidates.iter_mut().for_each(|candidate| candidate.stalled = false);
                }
                let end = self.current.expires_at.unwrap_or(Instant(u64::MAX));
                self.insert(Candidate {
                    secret: new.secret.clone(),
                    origin,
                    expires_at: Some(new.expires_at),
                    old_ends_at: Some(new.old_ends_at),
                    kept_at: now,
                    replaced_at: None,
                    promote: if newer { Promote::WhenAccepted } else { Promote::WhenCurrentRefused },
                    retry: Retry::now(now),
                    stalls_at: newer.then(|| end.min(new.old_ends_at).min(now + OVERLAP) - WARNING),
                    stalled: false,
                });
            }
            Standing::Older => {}
        }
        standing
    }

    /// Takes in a secret that an operator supplied, or that a target held. Whether it was taken in.
    pub(in crate::record) fn supply(
        &mut self,
        secret: &ClientSecret,
        expires_at: Option<Instant>,
        now: Instant,
    ) -> Supply {
        if self.current.secret == *secret {
            // This takes back another one that was supplied by mistake.
            self.candidates.retain(|other| other.origin.is_message() || other.replaced_at.is_some());
            if let Verification::Open(retry) = &mut self.current.verification {
                *retry = Retry::now(now);
            }
            if let Some(at) = expires_at.filter(|_| !self.current.origin.is_message()) {
                self.current.expires_at = Some(at);
            }
            return Supply::Known;
        }
        if let Some(candidate) = self.candidate_mut(secret) {
            candidate.promote = Promote::WhenAccepted;
            candidate.retry = Retry::now(now);
            if !candidate.origin.is_message() {
                (candidate.origin, candidate.kept_at) = (Origin::Supplied(now), now);
            }
            self.reorder(secret);
            return Supply::Known;
        }
        if self.is_retired(secret) {
            return Supply::Retired;
        }
        if !self.verified() && self.generation == 1 && self.awaited().next().is_none() {
            let jitter = self.current.jitter;
            let candidates = core::mem::take(&mut self.candidates);
            *self = Self { candidates, ..Self::first(secret.clone(), expires_at, now, jitter) };
            return Supply::Replaced;
        }
        let taken = self.insert(Candidate {
            secret: secret.clone(),
            origin: Origin::Supplied(now),
            expires_at,
            old_ends_at: None,
            kept_at: now,
            replaced_at: None,
            promote: Promote::WhenAccepted,
            retry: Retry::now(now),
            stalls_at: None,
            stalled: false,
        });
        if taken { Supply::Kept } else { Supply::Full }
    }

    /// An accepted candidate becomes current; the replaced one is retired, or stays as a candidate where it may be the newer
    /// one. What is certainly older than the promoted one goes.
    pub(in crate::record) fn promote(&mut self, secret: &ClientSecret, jitter: u16, now: Instant) {
        let Some(place) = self.candidates.iter().position(|candidate| candidate.secret == *secret) else { return };
        let promoted = self.candidates.remove(place);
        let since = if promoted.origin.is_message() { now } else { promoted.kept_at };
        let replaced = core::mem::replace(
            &mut self.current,
            Current {
                secret: promoted.secret,
                origin: promoted.origin,
                expires_at: promoted.expires_at,
                since,
                jitter,
                verification: Verification::Verified,
            },
        );
        self.generation = self.generation.saturating_add(1);
        self.unmatched = None;
        // Amazon's dates put the two in order, or the message was made when the replaced one was here already.
        let newer = match (promoted.origin, replaced.origin) {
            (Origin::Message { .. }, Origin::Message { .. }) => true,
            (Origin::Message { event_time, .. }, Origin::Supplied(at)) => event_time > at + SKEW,
            (Origin::Supplied(_), _) => false,
        };
        self.retired.retain(|retired| retired.secret != replaced.secret && retired.secret != self.current.secret);
        if newer {
            let ends_at = promoted.old_ends_at.filter(|_| promoted.replaced_at.is_none()).unwrap_or(now + OVERLAP);
            self.retire(Retired { secret: replaced.secret, expires_at: replaced.expires_at, ends_at });
        } else {
            self.insert(Candidate {
                secret: replaced.secret,
                origin: replaced.origin,
                expires_at: replaced.expires_at,
                old_ends_at: promoted.old_ends_at.filter(|_| promoted.replaced_at.is_none()),
                kept_at: now,
                replaced_at: Some(now),
                promote: Promote::WhenCurrentRefused,
                retry: Retry { at: now + CONTEST_AGAIN, attempts: 0, failure: None },
                stalls_at: None,
                stalled: false,
            });
        }
        match promoted.origin {
            Origin::Message { event_time, .. } => {
                // What was supplied before Amazon made this one is older.
                self.candidates.retain(|other| match other.origin {
                    Origin::Supplied(at) => other.replaced_at.is_some() || event_time <= at + SKEW,
                    Origin::Message { .. } => true,
                });
                self.drop_older(now);
            }
            // The operator has looked: what came in messages before is likely to be older.
            Origin::Supplied(at) => {
                let before = |other: &&mut Candidate| other.origin.event_time().is_some_and(|event| event < at - SKEW);
                self.candidates.iter_mut().filter(before).for_each(|other| {
                    other.promote = Promote::WhenCurrentRefused;
                    (other.stalls_at, other.stalled) = (None, false);
                });
            }
        }
    }

    /// Gives a candidate up.
    pub(in crate::record) fn give_up(&mut self, secret: &ClientSecret, now: Instant) {
        let given_up = self.candidates.extract_if(.., |candidate| candidate.secret == *secret);
        for Candidate { secret, expires_at, replaced_at, .. } in given_up.collect::<Vec<_>>() {
            if replaced_at.is_some() {
                self.erase(&secret, expires_at, now);
            }
        }
    }

    /// Notes that a secret was not accepted.
    pub(in crate::record) fn not_accepted(&mut self, secret: &ClientSecret, failure: &Failure, retry_at: Instant) {
        let retry = match self.candidates.iter_mut().find(|candidate| candidate.secret == *secret) {
            Some(candidate) => Some(&mut candidate.retry),
            None => match &mut self.current.verification {
                Verification::Open(retry) if self.current.secret == *secret => Some(retry),
                _ => None,
            },
        };
        if let Some(retry) = retry {
            *retry = retry.again(retry_at, failure);
        }
    }

    /// Puts the next try of a candidate off, which was not its turn.
    pub(in crate::record) fn put_off(&mut self, secret: &ClientSecret, at: Instant) {
        if let Some(candidate) = self.candidate_mut(secret) {
            candidate.retry.at = at;
        }
    }

    /// What an expiry notice says. The current secret's end is learned from it only where no message has said it.
    pub(in crate::record) fn notice(&mut self, at: Instant, now: Instant) -> Notice {
        let near = |end: &Instant| at <= *end + SAME_END && *end <= at + SAME_END;
        let replaced = |c: &Candidate| c.replaced_at.map(|at| at + OVERLAP);
        let candidates = self.candidates.iter().flat_map(|c| [c.expires_at, c.old_ends_at, replaced(c)]).flatten();
        let retired = self.retired.iter().flat_map(|old| [Some(old.ends_at), old.expires_at]).flatten();
        let erased = self.erased.iter().flat_map(|old| [Some(old.ended_at), old.expires_at]).flatten();
        let mut known = self.current.expires_at.into_iter().chain(candidates).chain(retired).chain(erased);
        if known.any(|end| near(&end)) {
            return Notice::Known;
        }
        // A person's date may be wrong: an earlier one is believed. What has ended already is not the one in use, if that works.
        let ended = self.verified() && at <= now;
        let believed = self.current.expires_at.is_none_or(|known| at < known);
        if !self.current.origin.is_message() && believed && !ended {
            self.current.expires_at = Some(at);
            return Notice::Learned;
        }
        self.unmatched = Some(at);
        Notice::Unmatched
    }

    /// Erases the retired secrets that Amazon has ended.
    pub(in crate::record) fn purge(&mut self, now: Instant) {
        let ended: Vec<Retired> = self.retired.extract_if(.., |retired| retired.ends_at <= now).collect();
        for Retired { secret, expires_at, ends_at } in ended {
            self.erase(&secret, expires_at, ends_at);
        }
    }

    /// Remembers what is needed of a secret that goes.
    fn erase(&mut self, secret: &ClientSecret, expires_at: Option<Instant>, ended_at: Instant) {
        self.erased.push(Erased { digest: secret.digest(), ended_at, expires_at });
        self.erased.drain(..self.erased.len().saturating_sub(MOST_ERASED));
    }

    /// Removes the candidates that Amazon's dates put before the current secret. One that was current is retired instead.
    fn drop_older(&mut self, now: Instant) {
        let current = self.current.origin;
        let older: Vec<Candidate> =
            self.candidates.extract_if(.., |candidate| candidate.origin.certainly_older_than(current)).collect();
        for Candidate { secret, expires_at, replaced_at, .. } in older {
            if let Some(replaced_at) = replaced_at {
                self.retire(Retired { secret, expires_at, ends_at: replaced_at.min(now) + OVERLAP });
            }
        }
    }

    fn retire(&mut self, retired: Retired) {
        if self.retired.len() >= MOST_RETIRED {
            let Retired { secret, expires_at, ends_at } = self.retired.remove(0);
            self.erase(&secret, expires_at, ends_at);
        }
        self.retired.push(retired);
    }

    /// Inserts a candidate in its place of the order. Where there are too many, the likeliest loser goes: among new secrets one
    /// of a message that was tried in vain most often, because its message is in the queue and comes again; among replaced ones
    /// the oldest. `false` if there is no room.
    fn insert(&mut self, candidate: Candidate) -> bool {
        let replaced = candidate.replaced_at.is_some();
        let kind = |other: &Candidate| other.replaced_at.is_some() == replaced;
        let most = if replaced { MOST_RIVALS } else { MOST_CANDIDATES };
        if self.candidates.iter().filter(|other| kind(other)).count() >= most {
            let loser = |other: &Candidate| replaced || other.origin.is_message() && other.retry.attempts > 0;
            let losers = (0..self.candidates.len()).filter(|place| {
                let other = &self.candidates[*place];
                kind(other) && loser(other)
            });
            let attempts = |place: &usize| if replaced { 0 } else { self.candidates[*place].retry.attempts };
            // Of several, the first in the order.
            let Some(place) = losers.rev().max_by_key(attempts) else { return false };
            self.candidates.remove(place);
        }
        self.place(candidate);
        true
    }

    fn place(&mut self, candidate: Candidate) {
        let place = self.candidates.partition_point(|other| other.origin <= candidate.origin);
        self.candidates.insert(place, candidate);
    }

    /// Moves a candidate whose origin has become another to its place in the order.
    fn reorder(&mut self, secret: &ClientSecret) {
        if let Some(place) = self.candidates.iter().position(|candidate| candidate.secret == *secret) {
            let candidate = self.candidates.remove(place);
            self.place(candidate);
        }
    }
}
