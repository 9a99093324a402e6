//! When each application is advanced next. Time and chance come in as arguments; nothing here waits, or does anything.
//!
//! An application is a place in a list and takes some tens of bytes: there may be very many.

use std::collections::BTreeSet;
use std::time::Duration;

use lwa_rotate::{Error, State, Status, store};

/// How many applications are advanced at the same time.
pub(super) const AT_ONCE: usize = 16;
/// At the start so much time passes between two first looks, on average, beyond those that are begun at once.
const APART: Duration = Duration::from_millis(10);
/// An application is advanced no more often than this.
const SHORTEST: Duration = Duration::from_secs(1);
/// An application with a rotation under way is advanced no less often than this: another process may have taken it further.
/// Documented in docs/operating.md.
const UNDER_WAY: Duration = Duration::from_secs(60);
/// How soon an application that could not be advanced is tried again; it doubles with each further time.
const AGAIN: Duration = Duration::from_secs(10);
/// While a rotation is under way, it is tried again no later than this: the old secret may end meanwhile.
const LONGEST_UNDER_WAY: Duration = Duration::from_secs(600);

/// A store that may not be used is tried again no later than this: what a person puts right, such as credentials in a file, is
/// taken up within a minute.
const REFUSED: Duration = Duration::from_secs(40);

/// Time since the start.
pub(super) type Moment = Duration;

/// When each application is advanced next.
pub(super) struct Plan {
    apps: Vec<Planned>,
    /// Those that are not being advanced just now, in the order of their time.
    due: BTreeSet<(Moment, u32)>,
    /// An application is advanced no less often than this: another process may have changed it, `resume` for instance.
    interval: Duration,
}

#[derive(Default)]
struct Planned {
    at: Moment,
    state: Option<State>,
    looking: Looking,
    failures: u8,
    told: Option<Box<Error>>,
}

#[derive(Clone, Copy, Default, Eq, PartialEq)]
enum Looking {
    #[default]
    No,
    Yes,
    /// Something came meanwhile that the look under way may not have seen.
    AndAgain,
}

impl Plan {
    /// For no application yet.
    pub(super) fn new(interval: Duration) -> Self {
        Self { apps: Vec::new(), due: BTreeSet::new(), interval }
    }

    /// The plan of another configuration: for each of its applications the place that it has here, if it has one, and whether
    /// it is to be advanced soon, as those are that are new. These are spread, so that thousands do not fall on one moment, by a
    /// number by chance for each.
    pub(super) fn follow(
        mut self,
        apps: impl Iterator<Item = (Option<usize>, bool)>,
        interval: Duration,
        now: Moment,
        mut chance: impl FnMut() -> u64,
    ) -> Self {
        let mut soon = Vec::new();
        let mut plan = Self::new(interval);
        for (place, (before, is_soon)) in apps.enumerate() {
            let mut planned = before.map(|before| std::mem::take(&mut self.apps[before])).unwrap_or_default();
            if before.is_none() || is_soon {
                soon.push(place);
                if planned.looking == Looking::Yes {
                    planned.looking = Looking::AndAgain;
                }
            }
            if planned.at > now + interval {
                // By chance too: with a shorter interval all that rest would fall on one moment.
                planned.at = now + by_chance(chance(), interval);
            }
            plan.apps.push(planned);
        }
        plan.apps.shrink_to_fit();
        let window = interval.min(APART * u32::try_from(soon.len().saturating_sub(AT_ONCE)).unwrap_or(u32::MAX));
        for place in soon {
            plan.apps[place].at = now + by_chance(chance(), window);
        }
        let resting = plan.apps.iter().enumerate().filter(|(_, planned)| planned.looking == Looking::No);
        plan.due = resting.map(|(place, planned)| (planned.at, number(place))).collect();
        plan
    }

    /// The application that is to be advanced now, if there is one. It is not offered again before that has come to its end.
    pub(super) fn begin(&mut self, now: Moment) -> Option<usize> {
        let first = *self.due.first().filter(|(at, _)| *at <= now)?;
        self.due.remove(&first);
        let place = first.1 as usize;
        self.apps[place].looking = Looking::Yes;
        Some(place)
    }

    /// When the next one is to be advanced.
    pub(super) fn next(&self) -> Option<Moment> {
        self.due.first().map(|(at, _)| *at)
    }

    /// An application was advanced. `wall` is the time that the status counts in.
    pub(super) fn looked(&mut self, place: usize, status: &Status, now: Moment, wall: u64) {
        let pause = self.pause(status, wall);
        let planned = &mut self.apps[place];
        (planned.failures, planned.told, planned.state) = (0, None, Some(status.state));
        self.ended(place, now + pause);
    }

    /// An application could not be advanced. Answers whether that is news.
    pub(super) fn failed(&mut self, place: usize, error: &Error, now: Moment) -> bool {
        let interval = self.interval;
        let planned = &mut self.apps[place];
        let longest = match planned.state {
            _ if is_refused(error) => interval.min(REFUSED),
            None | Some(State::Settled | State::Stalled) => interval,
            Some(_) => interval.min(LONGEST_UNDER_WAY),
        };
        let pause = AGAIN.saturating_mul(1 << planned.failures).min(longest);
        planned.failures = (planned.failures + 1).min(20);
        let is_news = planned.told.as_deref() != Some(error);
        if is_news {
            planned.told = Some(Box::new(error.clone()));
        }
        self.ended(place, now + pause);
        is_news
    }

    /// A message has been taken in, and this is the application's state after it.
    pub(super) fn told(&mut self, place: usize, status: &Status, now: Moment, wall: u64) {
        let pause = self.pause(status, wall);
        let planned = &mut self.apps[place];
        planned.state = Some(status.state);
        match planned.looking {
            Looking::No => {
                // It may have been read under settings of before, and must not put off the look that the others brought.
                let at = planned.at.min(now + pause);
                self.put(place, at);
            }
            Looking::Yes | Looking::AndAgain => planned.looking = Looking::AndAgain,
        }
    }

    /// How an application stood when that was seen last.
    pub(super) fn state(&self, place: usize) -> Option<State> {
        self.apps[place].state
    }

    fn pause(&self, status: &Status, wall: u64) -> Duration {
        let longest = match status.state {
            State::Settled | State::Stalled => self.interval,
            _ => self.interval.min(UNDER_WAY),
        };
        let next = status.next.as_ref().map(|next| Duration::from_millis(next.at.saturating_sub(wall)));
        next.unwrap_or(longest).clamp(SHORTEST, longest)
    }

    fn ended(&mut self, place: usize, at: Moment) {
        let looking = std::mem::take(&mut self.apps[place].looking);
        self.put(place, if looking == Looking::AndAgain { Moment::ZERO } else { at });
    }

    fn put(&mut self, place: usize, at: Moment) {
        let planned = &mut self.apps[place];
        self.due.remove(&(planned.at, number(place)));
        planned.at = at;
        self.due.insert((at, number(place)));
    }
}

fn is_refused(error: &Error) -> bool {
    matches!(error, Error::Store(store::Error::AccessDenied(_)))
}

/// A moment of this time, of which a number by chance makes one.
fn by_chance(chance: u64, within: Duration) -> Duration {
    let within = u64::try_from(within.as_millis()).unwrap_or(u64::MAX);
    Duration::from_millis(chance.checked_rem(within).unwrap_or_default())
}

/// The places are those of a list that fits into memory many times over.
fn number(place: usize) -> u32 {
    u32::try_from(place).unwrap_or(u32::MAX)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;
