//! Every point in time at which something must happen, in one table.
//!
//! What [`due`] says is to be done now and what [`next`] offers as the next deadline come from the same rows, so nothing is
//! done that was not announced, and nothing announced is forgotten.

use crate::contract::lwa::rotation::settings::Application;
use crate::contract::lwa::rotation::types::{Deadline, DeadlineKind};
use crate::instant::{Instant, Lifetime};
use crate::record::{Proof, Record, Requesting, SKEW, Stage, Stall, State};

/// A caller who has not come back after so long is taken for dead. Longer than the time limits of the calls in between.
pub const CALL_TIME: Lifetime = Lifetime::seconds(120);
/// The message of a pending secret becomes visible again when the next try is due. It gets this lead over the record's own
/// deadline, so that the same step that proves the secret can delete the message.
pub const MESSAGE_LEAD: Lifetime = Lifetime::seconds(20);
/// The longest jitter of a rotation.
const LONGEST_JITTER: Lifetime = Lifetime::days(1);

/// Something to do at an instant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Work {
    /// When Amazon has ended the old secret: erase it.
    PurgeOld,
    /// When the patience has ended: call a person.
    Stall(Stall),
    /// When an old secret may be the newer one all the same: see which of the two works. Its place in the list.
    Contest(usize),
    /// When a pending secret is to be tried: try it. Its place in the list.
    Verify(usize),
    /// When a pending secret has not been accepted for very long: see whether the current one still works. Its place.
    Doubt(usize),
    /// When a target does not hold the current secret: hand it over.
    Publish(String),
    /// When nobody has proven the current secret: try it.
    ProveCurrent,
    /// When whoever made the call has not come back: wait for the message.
    GiveUpOnCaller,
    /// When a wanted rotation may be tried: make the call.
    Call,
    /// When whoever was preparing the call has not come back: make it instead of them.
    TakeOver,
    /// When nothing is left to publish: say so.
    Rest,
    /// When the current secret is close to its end: want a rotation.
    Rotate,
}

/// Work with its instant.
type Row = (Instant, Work);

/// The table.
fn rows(record: &Record, application: &Application) -> Vec<Row> {
    let mut rows = Vec::new();
    // The one that was replaced last is the likeliest to be the newest.
    for (place, old) in record.old.iter().enumerate().rev() {
        rows.push(match old.contested_at {
            None => (old.ends_at, Work::PurgeOld),
            Some(at) => (at, Work::Contest(place)),
        });
    }
    for (place, pending) in record.pending.iter().enumerate() {
        let lead = if pending.from_message() { MESSAGE_LEAD } else { Lifetime(0) };
        rows.push((pending.retry.at + lead, Work::Verify(place)));
    }
    rows.extend(record.pending.iter().enumerate().map(|(place, pending)| (pending.doubt_at, Work::Doubt(place))));
    // After the tries: a person is called only when one has failed.
    if record.state == State::Verifying
        && let Some(at) = record.pending.iter().filter_map(|pending| pending.stalls_at).min()
    {
        rows.push((at, Work::Stall(Stall::NewSecretRefused)));
    }
    for (name, at) in record.unpublished(&application.targets) {
        rows.push((at, Work::Publish(name.to_owned())));
    }
    for (name, at) in record.written_again(&application.targets) {
        rows.push((at, Work::Publish(name.to_owned())));
    }
    if let Proof::Open(retry) = &record.current.proof {
        rows.push((retry.at, Work::ProveCurrent));
    }
    match &record.state {
        State::Requesting(Requesting { stage, .. }) => rows.push(match stage {
            Stage::Waiting(from) => (*from, Work::Call),
            Stage::Preparing(since) => (*since + CALL_TIME, Work::TakeOver),
            Stage::Calling(since) => (*since + CALL_TIME, Work::GiveUpOnCaller),
        }),
        State::Awaiting { until } => rows.push((*until, Work::Stall(Stall::MessageMissing))),
        // The target that did not take it may be gone from the settings.
        State::Publishing if record.proven() && record.unpublished(&application.targets).next().is_none() => {
            rows.push((record.current.since, Work::Rest));
        }
        State::Settled | State::Publishing => {
            rows.extend(rotation_due(record, application).map(|at| (at, Work::Rotate)))
        }
        // A slip of an operator's must not keep a rotation from its time.
        State::Verifying if record.may_want_another(false) => {
            rows.extend(rotation_due(record, application).map(|at| (at, Work::Rotate)))
        }
        State::Verifying | State::Stalled(_) => {}
    }
    rows
}

/// How far ahead work can lie at most when it is put off. What lies further ahead was put off by a clock that was wrong, and
/// is due.
fn longest_wait(work: &Work, application: &Application) -> Lifetime {
    match work {
        Work::Verify(_)
        | Work::Publish(_)
        | Work::ProveCurrent
        | Work::Contest(_)
        | Work::Call
        | Work::TakeOver
        | Work::GiveUpOnCaller => Lifetime::hours(1),
        Work::Stall(Stall::MessageMissing) => Lifetime::seconds(application.patience.into()),
        // These instants are Amazon's, or a long time ahead.
        Work::Stall(Stall::NewSecretRefused) | Work::PurgeOld | Work::Doubt(_) | Work::Rotate | Work::Rest => {
            Lifetime(u64::MAX)
        }
    }
}

/// When the current secret is due for rotation by itself; `None` while its end is unknown.
pub fn rotation_due(record: &Record, application: &Application) -> Option<Instant> {
    let expires_at = record.current.expires_at?;
    let margin = Lifetime::seconds(application.rotate_before.into());
    let jitter = Lifetime((margin.0 / 10).min(LONGEST_JITTER.0) / 1000 * u64::from(record.current.jitter.min(1000)));
    let due = expires_at - margin - jitter;
    // Amazon does not say what a second rotation inside the overlap does to the secret in use. It waits, unless there is no
    // time for that.
    let overlap = record.old.iter().map(|old| old.ends_at).filter(|ends_at| *ends_at < expires_at).max();
    Some(overlap.map_or(due, |ends_at| due.max(ends_at)))
}

/// The first piece of work that is due at this instant and wanted, in the order of the table.
pub fn due(record: &Record, application: &Application, now: Instant, wanted: &dyn Fn(&Work) -> bool) -> Option<Work> {
    let is_due = |at: Instant, work: &Work| at <= now || at > now + longest_wait(work, application) + SKEW;
    rows(record, application).into_iter().find(|(at, work)| is_due(*at, work) && wanted(work)).map(|(_, work)| work)
}

/// The next deadline.
pub fn next(record: &Record, application: &Application) -> Option<Deadline> {
    rows(record, application).into_iter().min_by_key(|(at, _)| *at).map(|(at, work)| Deadline {
        at: at.0,
        kind: match work {
            Work::PurgeOld => DeadlineKind::OldSecretEnd,
            Work::Stall(_) => DeadlineKind::PatienceEnd,
            Work::Verify(_) | Work::Doubt(_) | Work::Contest(_) => DeadlineKind::Verification,
            Work::Publish(_) | Work::Rest => DeadlineKind::Publication,
            Work::ProveCurrent => DeadlineKind::ProofOfCurrent,
            Work::TakeOver | Work::GiveUpOnCaller => DeadlineKind::CallOverdue,
            Work::Call => DeadlineKind::CallPermitted,
            Work::Rotate => DeadlineKind::RotationDue,
        },
    })
}

/// The jitter of a secret's rotation, in thousandths of the longest, by chance.
pub fn jitter(random: u64) -> u16 {
    u16::try_from(random % 1001).unwrap_or(0)
}

/// How long to wait before another try: doubling from `shortest` to `longest`, the last half of it random.
pub fn back_off(attempts: u32, shortest: Lifetime, longest: Lifetime, random: u64) -> Lifetime {
    let whole = shortest.0.saturating_mul(1_u64 << attempts.min(20)).min(longest.0);
    let half = whole / 2;
    Lifetime(half + random % (half + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn back_off_doubles_within_its_bounds_and_is_never_the_same_for_all() {
        let (shortest, longest) = (Lifetime::seconds(5), Lifetime::minutes(10));
        for random in [0, 1, 777, u64::MAX] {
            let mut last = 0;
            for attempts in [0, 1, 2, 7, 40, u32::MAX] {
                let wait = back_off(attempts, shortest, longest, random).0;
                assert!(wait >= last / 2 && (2_500..=600_000).contains(&wait), "{attempts}: {wait}");
                last = wait;
            }
        }
        assert_ne!(back_off(3, shortest, longest, 1), back_off(3, shortest, longest, 999));
    }
}
