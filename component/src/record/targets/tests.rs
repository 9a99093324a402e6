use super::*;
use crate::bindings::lwa::rotation::types::Cause;

const NOW: Instant = Instant(1_790_000_000_000);

fn failure() -> Failure {
    Failure::new(Cause::TargetFailed)
}

fn foreign() -> Seen {
    Seen::Foreign(Found { what: Foreign::AnotherSecret, by: Some("kubectl".into()) })
}

/// A target to which these things happened, one minute after another, while generation 2 is current.
fn after(events: &[TargetEvent]) -> (Target, Instant) {
    let (mut target, mut now) = (Target::unwritten(NOW), NOW);
    for event in events {
        now = now + Lifetime::minutes(1);
        target.apply(event, 2, now);
    }
    (target, now)
}

fn seen(seen: Seen) -> TargetEvent {
    TargetEvent::Seen(seen)
}

fn outdated() -> TargetEvent {
    seen(Seen::Outdated { by: None })
}

/// Rule 14: read 2 minutes after it was written, then daily.
#[test]
fn a_place_that_was_written_is_read_after_two_minutes_and_then_daily() {
    let (mut target, mut now) = after(&[TargetEvent::Written(2)]);
    assert!(target.holds(2) && !target.holds(3));
    assert_eq!((target.look_at, target.read_at), (Some(now + READ_AFTER_WRITE), None));
    for _ in 0..3 {
        now = now + Lifetime::hours(1);
        target.apply(&seen(Seen::Current), 2, now);
        assert_eq!((target.look_at, target.read_at), (Some(now + READ_SELDOM), Some(now)));
    }
}

/// Rule 14: what others changed is written again, then read after 2 and 10 minutes and hourly for a day.
#[test]
fn a_place_that_others_changed_is_written_again_and_read_more_often_for_a_day() {
    let (mut target, mut now) = after(&[TargetEvent::Written(2), outdated(), TargetEvent::Written(2)]);
    let mut waits = vec![target.look_at];
    let mut expected = vec![Some(now + READ_AFTER_WRITE)];
    for wait in core::iter::once(READ_AFTER_REWRITE).chain([READ_OFTEN; 24]).chain([READ_SELDOM; 2]) {
        now = now + Lifetime::hours(1);
        target.apply(&seen(Seen::Current), 2, now);
        waits.push(target.look_at);
        expected.push(Some(now + wait));
    }
    assert_eq!(waits, expected);
}

/// Rule 14: after the third time writing stops, and a person is asked; the place is still read.
#[test]
fn a_place_in_which_an_older_secret_is_put_back_is_written_three_times() {
    let (mut target, mut now) = after(&[TargetEvent::Written(2)]);
    for _ in 0..MOST_REWRITES {
        target.apply(&outdated(), 2, now);
        assert_eq!(target.written_at(2), Some(now), "written again at once");
        now = now + Lifetime::minutes(5);
        target.apply(&TargetEvent::Written(2), 2, now);
    }
    target.apply(&seen(Seen::Outdated { by: Some("helm".into()) }), 2, now);
    assert_eq!(target.found, Some(Found { what: Foreign::PutBack, by: Some("helm".into()) }));
    assert_eq!((target.holds(2), target.written_at(2)), (false, None));
    assert_eq!(target.look_at, Some(now + READ_OFTEN));
    // Once the other writer has stopped, nothing is left of it.
    target.apply(&seen(Seen::Current), 2, now);
    assert!(target.holds(2) && target.found.is_none());
}

/// Rule 14: a value that the record does not know is never overwritten, and read hourly.
#[test]
fn a_place_that_holds_something_unknown_is_not_written() {
    for events in [&[seen(foreign())][..], &[TargetEvent::Written(2), seen(foreign())]] {
        let (target, now) = after(events);
        assert_eq!((target.holds(2), target.written_at(2), target.read_at), (false, None, None));
        assert_eq!(target.look_at, Some(now + READ_OFTEN));
    }
    // An operator's word is needed for that.
    let (target, now) = after(&[seen(foreign()), TargetEvent::Republish]);
    assert_eq!((target.written_at(2), target.overwrite), (Some(now), true));
    let (target, _) = after(&[seen(foreign()), TargetEvent::Republish, TargetEvent::Written(2)]);
    assert!(target.holds(2) && !target.overwrite, "it holds for one write");
}

/// Rule 14: a place that cannot be read is written a second time only where another host may have been writing, and never again.
#[test]
fn a_place_that_cannot_be_read_is_written_twice_at_most() {
    let (settled, _) = after(&[TargetEvent::Written(2), seen(Seen::Unreadable)]);
    assert_eq!((settled.holds(2), settled.look_at), (true, None));
    let mut target = Target::unknown(2, NOW);
    target.apply(&TargetEvent::Written(2), 2, NOW);
    target.apply(&seen(Seen::Unreadable), 2, NOW);
    assert_eq!(target.written_at(2), Some(NOW), "its second write is due");
    target.apply(&TargetEvent::Written(2), 2, NOW);
    target.apply(&seen(Seen::Unreadable), 2, NOW);
    assert_eq!((target.holds(2), target.look_at), (true, None));
}

/// A late report of an older generation marks its place unwritten; the same for one of a write that failed, which may have had
/// its effect.
#[test]
fn a_late_report_of_an_older_secret_has_the_place_written_again() {
    let failed = TargetEvent::NotWritten { generation: 1, failure: failure(), retry_at: NOW + Lifetime::days(1) };
    for late in [TargetEvent::Written(1), failed] {
        let (target, now) = after(&[TargetEvent::Written(2), late.clone()]);
        assert_eq!((target.holds(2), target.written_at(2)), (false, Some(now)), "{late:?}");
    }
}

/// A write that failed is tried again later, and has its reason.
#[test]
fn a_write_that_failed_is_tried_again_later() {
    let retry_at = NOW + Lifetime::hours(1);
    let (target, _) = after(&[TargetEvent::NotWritten { generation: 2, failure: failure(), retry_at }]);
    assert_eq!((target.written_at(2), target.retry.attempts), (Some(retry_at), 1));
    assert_eq!(target.retry.failure, Some(failure()));
    let (target, now) =
        after(&[TargetEvent::NotWritten { generation: 2, failure: failure(), retry_at }, TargetEvent::Written(2)]);
    assert_eq!(target.retry, Retry::now(now));
}

/// Another host may be about to write the secret that was replaced, unless the place has held it for a while.
#[test]
fn a_late_write_is_expected_where_another_host_may_be_writing() {
    let renewed = |after: Lifetime| {
        let mut target = Target::unwritten(NOW);
        target.apply(&TargetEvent::Written(1), 1, NOW);
        target.renew(2, NOW + after);
        assert_eq!(target.written_at(2), Some(NOW + after));
        target.late_write
    };
    assert!(renewed(Lifetime(LONGEST_PUT.0 - 1)));
    assert!(!renewed(LONGEST_PUT));
    assert!(Target::unknown(2, NOW).late_write && !Target::unknown(1, NOW).late_write);
    let mut skipped = Target::unwritten(NOW);
    skipped.apply(&TargetEvent::Written(1), 1, NOW);
    skipped.renew(3, NOW + Lifetime::days(1));
    assert!(skipped.late_write, "it never held the one in between");
}

/// A newly known end is written too, where the place holds the secret.
#[test]
fn a_newly_known_end_has_the_place_written_again() {
    let (mut target, now) = after(&[TargetEvent::Written(2)]);
    target.rewrite(2, now);
    assert_eq!(target.written_at(2), Some(now));
    let (mut other, now) = after(&[seen(foreign())]);
    other.rewrite(2, now);
    assert_eq!(other.written_at(2), None, "still not overwritten");
}

/// Places that no host has had in its settings for 30 days are dropped.
#[test]
fn a_place_that_no_host_has_seen_for_long_is_forgotten() {
    let (target, now) = after(&[TargetEvent::Written(2)]);
    assert!(!target.is_forgotten(now + Lifetime(PLACE_FORGOTTEN.0 - 1)));
    assert!(target.is_forgotten(now + PLACE_FORGOTTEN));
}
