//! Where one region touches another. Each coupling has a test that fails without it.

use super::Record;
use super::call::Phase;
use super::secrets::{Origin, Standing, Supply};
use crate::instant::{Instant, Lifetime};
use crate::policy::SLIP_TIME;

impl Record {
    /// An operator's word about a secret may be a slip: a rotation that follows from it begins a little later.
    pub(super) fn allow_for_a_slip(&mut self, now: Instant) {
        let later = now + SLIP_TIME;
        self.call.not_before = Some(self.call.not_before.map_or(later, |known| known.max(later)));
    }

    /// A newer secret withdraws a rotation that is wanted and has not been sent: it is taken up instead.
    pub(super) fn withdraw_for_newer(&mut self, standing: Standing) {
        if standing == Standing::Newer {
            self.call.withdraw();
        }
    }

    /// A message answers a call if what it tells happened after the call was made. One about something before brings a secret
    /// that is not the newest, and the call's own message is still awaited.
    pub(super) fn answer_call(&mut self, standing: Standing, event_time: Instant, now: Instant) {
        let kept = matches!(standing, Standing::Newer | Standing::Current | Standing::Candidate);
        if kept && self.call.is_answered_by(event_time, now) {
            self.call.end_wait();
        }
    }

    /// Supplying into an enrolment that was never verified resets the back-off of its call: it may have been refused for the
    /// wrong secret.
    pub(super) fn reset_back_off(&mut self, supply: Supply, now: Instant) {
        let permitted = self.call.permitted(now);
        if supply == Supply::Replaced
            && let Phase::Wanted(wanted) = &mut self.call.phase
        {
            wanted.from = permitted.min(wanted.from);
            (wanted.attempts, wanted.failure) = (0, None);
        }
    }

    /// Promoting a supplied secret ends the wait for a message: the operator has looked, and a missing message is missed no
    /// more. Not that of a call which is being made.
    pub(super) fn end_wait_for_supplied(&mut self, origin: Origin) {
        if !origin.is_message() && !matches!(self.call.phase, Phase::Sent { .. }) {
            self.call.end_wait();
        }
    }

    /// After a promotion every place is to be written.
    pub(super) fn renew_targets(&mut self, now: Instant) {
        let generation = self.secrets.generation;
        self.targets.values_mut().for_each(|target| target.renew(generation, now));
    }

    /// A newly known end of the current secret is written to its places.
    pub(super) fn rewrite_end(&mut self, before: Option<Instant>, now: Instant) {
        if self.secrets.current.expires_at != before {
            let generation = self.secrets.generation;
            self.targets.values_mut().for_each(|target| target.rewrite(generation, now));
        }
    }

    /// A decision acts on a new secret that is not accepted, too: its patience begins anew, or it is waited for no more.
    pub(super) fn decide_on_candidates(&mut self, patience: Option<Lifetime>, now: Instant) {
        for candidate in self.secrets.candidates.iter_mut().filter(|candidate| candidate.is_awaited()) {
            candidate.stalled = false;
            candidate.stalls_at = candidate.stalls_at.and_then(|_| patience.map(|patience| now + patience));
        }
    }
}

#[cfg(test)]
mod tests;
