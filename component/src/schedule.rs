//! Every point in time at which something must happen, in one table.
//!
//! What [`due`] says is to be done now and what [`next`] offers as the next deadline come from the same rows, so nothing is
//! done that was not announced, and nothing announced is forgotten.

use crate::bindings::lwa::rotation::settings::{Application, Rotate};
use crate::bindings::lwa::rotation::types::{Deadline, DeadlineKind, RemedyBy};
use crate::credential::spread;
use crate::instant::{Instant, Lifetime};
use crate::policy::{
    CALL_RETRY, CALLER_TIME, CROWDED_AGAIN, LONGEST_JITTER, MESSAGE_LEAD, PREPARER_TIME, READ_SELDOM, REMIND, RETRY,
    SKEW,
};
use crate::problem;
use crate::record::Record;
use crate::record::call::Phase;
use crate::record::secrets::Verification;
use crate::record::targets::Target;

/// Something to do at an instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Work {
    /// When Amazon has ended a retired secret: erase it.
    Purge,
    /// When a candidate is to be tried: try it, or the current one beside it. Its place in the list.
    Try(usize),
    /// When a new secret has not been accepted for so long that a person decides: stall.
    StallCandidate,
    /// When the patience for a message has ended: stall.
    StallCall,
    /// When the current secret is not verified: try it.
    TryCurrent,
    /// When a target does not hold the current secret: write it. Its place in the settings.
    Publish(usize),
    /// When the place of a target is to be read. Its place in the settings.
    Look(usize),
    /// When the caller has not come back: wait for the message.
    GiveUpOnCaller,
    /// When a wanted rotation may be tried, or its preparation goes on: make the call.
    Call,
    /// When the current secret is close to its end: want a rotation.
    Rotate,
    /// When what needs a person is to be reported, or needs none any more.
    Remind,
}

/// Work with its instant.
type Row = (Instant, Work);

/// The table.
fn rows(record: &Record, application: &Application) -> Vec<Row> {
    let mut rows = Vec::new();
    let secrets = &record.secrets;
    rows.extend(secrets.retired.iter().map(|retired| (retired.ends_at, Work::Purge)));
    // The likeliest first.
    for (place, candidate) in secrets.candidates.iter().enumerate().rev() {
        let lead = candidate.is_awaited() && candidate.origin.is_message();
        rows.push((candidate.retry.at + if lead { MESSAGE_LEAD } else { Lifetime(0) }, Work::Try(place)));
    }
    // After the tries: a person is asked only when one has failed.
    let stalls = secrets.awaited().filter(|candidate| !candidate.stalled).filter_map(|candidate| candidate.stalls_at);
    rows.extend(stalls.min().map(|at| (at, Work::StallCandidate)));
    match &secrets.current.verification {
        Verification::Open(retry) => rows.push((retry.at, Work::TryCurrent)),
        Verification::Verified => {
            for (place, target) in application.targets.iter().enumerate() {
                match record.targets.get(&target.place) {
                    None => rows.push((secrets.current.since, Work::Publish(place))),
                    Some(target) => match target.written_at(secrets.generation) {
                        Some(at) => rows.push((at, Work::Publish(place))),
                        None => rows.extend(target.look_at.map(|at| (look_at(at, target, record), Work::Look(place)))),
                    },
                }
            }
        }
    }
    rows.extend(match &record.call.phase {
        Phase::Idle if record.may_want_another(false) => rotation_due(record, application).map(|at| (at, Work::Rotate)),
        Phase::Idle | Phase::Missing(_) => None,
        Phase::Wanted(wanted) => Some((wanted.from, Work::Call)),
        Phase::Preparing { since, reading, .. } => {
            Some((reading.goes_on.unwrap_or(*since + PREPARER_TIME), Work::Call))
        }
        Phase::Sent { call, .. } => Some((call.at + CALLER_TIME, Work::GiveUpOnCaller)),
        Phase::Awaited { since, .. } => Some((*since + patience(application), Work::StallCall)),
    });
    let problem = problem::of(record, application).filter(|problem| problem.remedy_by == RemedyBy::Person);
    match (problem, &record.reminded) {
        (Some(problem), Some(reminded)) if reminded.cause == problem.cause => {
            rows.push((on_the_hour(reminded.at + REMIND, record), Work::Remind));
        }
        (None, None) => {}
        (Some(_), _) => rows.push((secrets.current.since, Work::Remind)),
        (None, Some(_)) => rows.push((Instant(0), Work::Remind)),
    }
    rows
}

/// When a place is read: soon after it was written to the minute, and later together with everything else that is tried hourly.
fn look_at(at: Instant, target: &Target, record: &Record) -> Instant {
    if target.looks == 0 && target.found.is_none() { at } else { on_the_hour(at, record) }
}

/// The next of the instants at which everything of an application is tried that is tried hourly.
fn on_the_hour(at: Instant, record: &Record) -> Instant {
    let hour = Lifetime::hours(1);
    again_at(&[hour], 0, &record.client_id, Instant(at.0.saturating_sub(hour.0 / 2)))
}

/// How far ahead work can lie at most when it is put off. What lies further ahead was put off by a clock that was wrong, and
/// is due.
fn longest_wait(work: Work, application: &Application) -> Lifetime {
    match work {
        Work::Try(_) | Work::Publish(_) | Work::TryCurrent | Work::GiveUpOnCaller => {
            Lifetime(RETRY[RETRY.len() - 1].0 * 2)
        }
        Work::Call => Lifetime(CALL_RETRY[CALL_RETRY.len() - 1].0.max(CROWDED_AGAIN.0) * 2),
        // With the next full hour.
        Work::Look(_) | Work::Remind => Lifetime(READ_SELDOM.max(REMIND).0 + Lifetime::hours(2).0),
        Work::StallCall => patience(application),
        // These instants are Amazon's, an operator's, or a long time ahead.
        Work::StallCandidate | Work::Purge | Work::Rotate => Lifetime(u64::MAX),
    }
}

/// How long a message is awaited.
pub fn patience(application: &Application) -> Lifetime {
    Lifetime::seconds(application.patience.into())
}

/// When the current secret is due for rotation by itself; `None` while its end is unknown, and for rotations on request.
pub fn rotation_due(record: &Record, application: &Application) -> Option<Instant> {
    if application.rotate == Rotate::OnRequest {
        return None;
    }
    let due = due_by_date(record, application)?;
    Some(record.call.not_before.map_or(due, |not_before| due.max(not_before)))
}

/// The same by the dates of the secrets alone.
pub fn due_by_date(record: &Record, application: &Application) -> Option<Instant> {
    let current = &record.secrets.current;
    let expires_at = current.expires_at?;
    let margin = Lifetime::seconds(application.rotate_before.into());
    let jitter = Lifetime((margin.0 / 10).min(LONGEST_JITTER.0) / 1000 * u64::from(current.jitter.min(1000)));
    let due = expires_at - margin - jitter;
    // Amazon does not say what a second rotation inside the overlap does to the secret in use. It waits, unless there is no
    // time for that.
    let overlap = record.secrets.previous().map(|(_, ends_at)| ends_at).filter(|ends_at| *ends_at < expires_at);
    Some(overlap.map_or(due, |ends_at| due.max(ends_at)))
}

/// The first piece of work that is due at this instant and wanted, in the order of the table.
pub fn due(record: &Record, application: &Application, now: Instant, wanted: &dyn Fn(Work) -> bool) -> Option<Work> {
    let is_due = |at: Instant, work: Work| at <= now || at > now + longest_wait(work, application) + SKEW;
    rows(record, application).into_iter().find(|(at, work)| is_due(*at, *work) && wanted(*work)).map(|(_, work)| work)
}

/// The next deadline.
pub fn next(record: &Record, application: &Application) -> Option<Deadline> {
    // That nothing needs a person any more is noted with whatever comes next.
    let rows = rows(record, application).into_iter().filter(|(at, work)| *work != Work::Remind || at.0 > 0);
    rows.min_by_key(|(at, _)| *at).map(|(at, work)| Deadline {
        at: at.0,
        kind: match work {
            Work::Purge => DeadlineKind::RetiredEnd,
            Work::StallCall | Work::StallCandidate => DeadlineKind::PatienceEnd,
            Work::Try(_) => DeadlineKind::Verification,
            Work::TryCurrent => DeadlineKind::VerificationOfCurrent,
            Work::Publish(_) => DeadlineKind::Publication,
            Work::Look(_) => DeadlineKind::Reading,
            Work::GiveUpOnCaller => DeadlineKind::CallOverdue,
            Work::Call => DeadlineKind::CallPermitted,
            Work::Rotate => DeadlineKind::RotationDue,
            Work::Remind => DeadlineKind::Reminder,
        },
    })
}

/// The jitter of a secret's rotation, in thousandths of the longest, by chance.
pub fn jitter(random: u64) -> u16 {
    u16::try_from(random % 1001).unwrap_or(0)
}

/// When something is tried again that has failed so often before: about a step later, at an instant that all tries of an
/// application share, so that one save serves all of them, and that others do not.
pub fn again_at(steps: &[Lifetime], attempts: u32, client_id: &str, now: Instant) -> Instant {
    let place = usize::try_from(attempts).unwrap_or(usize::MAX).min(steps.len() - 1);
    let step = steps[place].0;
    let offset = spread(client_id.as_bytes()) % step;
    let earliest = now.0.saturating_add(step / 2).saturating_sub(offset);
    Instant(earliest.div_ceil(step).saturating_mul(step).saturating_add(offset))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tries_of_an_application_fall_together_and_those_of_others_do_not() {
        for attempts in [0, 1, 2, 3, 4, 40, u32::MAX] {
            let step = RETRY[(attempts as usize).min(RETRY.len() - 1)].0;
            let mut last = Instant(0);
            for now in (0..100).map(|n| Instant(1_790_000_000_000 + n * step / 7)) {
                let at = again_at(&RETRY, attempts, "a", now);
                let wait = at.0 - now.0;
                assert!((step / 2..=step + step / 2).contains(&wait), "{attempts}: {wait}");
                assert!(at >= last && (at.0 - last.0).is_multiple_of(step) || last.0 == 0);
                last = at;
            }
        }
        let now = Instant(1_790_000_000_000);
        assert_ne!(again_at(&RETRY, 9, "a", now), again_at(&RETRY, 9, "b", now));
        assert_eq!(again_at(&RETRY, 4, "a", now), again_at(&RETRY, 4, "a", now + Lifetime::minutes(1)));
        assert!(again_at(&RETRY, 0, "a", Instant(u64::MAX)) >= Instant(u64::MAX - 1));
    }
}
