use super::*;
use crate::bindings::lwa::rotation::types::Cause;

const NOW: Instant = Instant(1_790_000_000_000);

fn failure() -> Failure {
    Failure::new(Cause::Throttled)
}

fn want() -> CallEvent {
    CallEvent::Want { reason: Reason::Due, force: false, from: NOW }
}

/// A call that these events have brought there.
fn after(events: &[CallEvent]) -> Calls {
    let mut calls = Calls::none();
    for event in events {
        calls.apply(event, NOW).expect("in order");
    }
    calls
}

/// One call in each phase; the number of the one that was sent is 7.
fn phases() -> [Calls; 6] {
    let way = [
        want(),
        CallEvent::Prepare,
        CallEvent::Send(7),
        CallEvent::Answered(Some(7), Answer::Accepted),
        CallEvent::PatienceEnded(Lifetime(0)),
    ];
    core::array::from_fn(|length| after(&way[..length]))
}

/// The table of transitions, whole: the phase that each event leads to, `-` where it makes no sense and changes nothing.
#[test]
fn each_event_leads_where_the_table_says_and_an_illegal_one_changes_nothing() {
    let refused = Answer::Refused(failure(), NOW);
    let unknown = Answer::Unknown(failure());
    let rows: [(CallEvent, [&str; 6]); 17] = [
        //                                     idle      wanted       preparing    sent       awaited    missing
        (want(), ["wanted", "wanted", "preparing", "-", "-", "-"]),
        (CallEvent::Cancel(NOW), ["idle", "idle", "idle", "-", "-", "-"]),
        (CallEvent::Prepare, ["-", "preparing", "preparing", "-", "-", "-"]),
        (CallEvent::Read(Reading::default()), ["-", "-", "preparing", "-", "-", "-"]),
        (CallEvent::Inspected(None), ["idle", "wanted", "preparing", "sent", "awaited", "missing"]),
        (CallEvent::Send(8), ["-", "-", "sent", "-", "-", "-"]),
        (CallEvent::Answered(Some(7), Answer::Accepted), ["-", "-", "-", "awaited", "awaited", "awaited"]),
        (CallEvent::Answered(Some(7), unknown.clone()), ["-", "-", "-", "awaited", "awaited", "awaited"]),
        (CallEvent::Answered(Some(7), refused.clone()), ["-", "-", "-", "wanted", "wanted", "wanted"]),
        (CallEvent::Answered(Some(6), Answer::Accepted), ["-"; 6]),
        (CallEvent::Answered(Some(6), unknown), ["-"; 6]),
        (CallEvent::Answered(Some(6), refused.clone()), ["-"; 6]),
        (CallEvent::Answered(None, refused), ["-", "wanted", "wanted", "-", "-", "-"]),
        (CallEvent::CallerLost, ["-", "-", "-", "awaited", "-", "-"]),
        (CallEvent::PatienceEnded(Lifetime(0)), ["-", "-", "-", "-", "missing", "-"]),
        (CallEvent::WaitMore, ["-", "-", "-", "-", "-", "awaited"]),
        (CallEvent::RequestAgain(NOW), ["wanted", "-", "-", "-", "wanted", "wanted"]),
    ];
    for (event, expected) in rows {
        for (before, expected) in phases().into_iter().zip(expected) {
            let mut calls = before.clone();
            let name = before.phase.name();
            match calls.apply(&event, NOW) {
                Ok(()) => assert_eq!(calls.phase.name(), expected, "{} in {name}", event.name()),
                Err(illegal) => {
                    assert_eq!((expected, &calls), ("-", &before), "{illegal}");
                    assert_eq!(illegal, Illegal { state: name, event: event.name() });
                }
            }
        }
    }
}

/// Rules 1 and 2: an intent counts when it is saved, and its number is that of one call.
#[test]
fn an_intent_is_counted_with_its_time() {
    let sent = after(&[want(), CallEvent::Prepare, CallEvent::Send(7)]);
    assert_eq!((sent.count, sent.last_at), (1, Some(NOW)));
    let mut full = Calls { count: u64::MAX, ..after(&[want(), CallEvent::Prepare]) };
    assert!(full.apply(&CallEvent::Send(7), NOW).is_err(), "the counter does not begin anew");
}

/// Rule 12: a reading that was paused goes on where it was, and one that was interrupted begins anew: its messages come back.
#[test]
fn a_reading_goes_on_where_it_was_paused_and_begins_anew_where_it_was_interrupted() {
    let read = |calls: &Calls| match &calls.phase {
        Phase::Preparing { reading, .. } => reading.clone(),
        other => panic!("{}", other.name()),
    };
    for (goes_on, expected) in [(Some(NOW), (100, 1)), (None, (0, 0))] {
        let reading = Reading { messages: 100, looks: 1, goes_on };
        let calls = after(&[want(), CallEvent::Prepare, CallEvent::Read(reading), CallEvent::Prepare]);
        assert_eq!((read(&calls).messages, read(&calls).looks), expected, "{goes_on:?}");
        assert_eq!(read(&calls).goes_on, None, "a host is at it");
    }
}

/// An operator's force holds until the call, whatever was wanted before and whatever is refused meanwhile.
#[test]
fn a_force_is_kept_until_the_call() {
    let force = CallEvent::Want { reason: Reason::Requested, force: true, from: NOW };
    let refused = CallEvent::Answered(None, Answer::Refused(failure(), NOW));
    for events in [
        &[force.clone(), want()][..],
        &[want(), force.clone(), refused.clone()],
        &[want(), CallEvent::Prepare, force.clone(), refused, CallEvent::Prepare],
    ] {
        assert!(after(events).phase.unsent().is_some_and(|wanted| wanted.force), "{events:?}");
    }
}

/// Asking again lets a call that backs off be tried at once, and never later than it would be.
#[test]
fn a_wanted_call_that_is_asked_for_again_is_tried_at_the_earlier_instant() {
    let later = CallEvent::Answered(None, Answer::Refused(failure(), NOW + Lifetime::hours(1)));
    let backing_off = after(&[want(), later.clone()]);
    let from = |calls: &Calls| calls.phase.unsent().map(|wanted| wanted.from);
    assert_eq!(from(&backing_off), Some(NOW + Lifetime::hours(1)));
    assert_eq!(from(&after(&[want(), later, want()])), Some(NOW));
    let mut asked = after(&[want()]);
    let later = CallEvent::Want { reason: Reason::Due, force: false, from: NOW + Lifetime::days(1) };
    asked.apply(&later, NOW).expect("wanted");
    assert_eq!(from(&asked), Some(NOW));
}

/// Amazon's rate counts from the last call, and a clock that was ahead then does not put the next one off for longer.
#[test]
fn the_rate_permits_a_call_a_minute_whatever_the_clock_was() {
    let calls = |last_at| Calls { last_at, ..Calls::none() };
    assert_eq!(calls(None).permitted(NOW), NOW);
    assert_eq!(calls(Some(NOW)).permitted(NOW), NOW + CALL_INTERVAL);
    assert_eq!(calls(Some(NOW - Lifetime::hours(1))).permitted(NOW), NOW);
    assert_eq!(calls(Some(NOW + Lifetime::days(300))).permitted(NOW), NOW + CALL_INTERVAL);
}

/// Rule 2: the patience counts from the answer; where a clock that was ahead put its end off, it begins anew.
#[test]
fn the_patience_begins_anew_where_its_end_was_put_off_by_a_wrong_clock() {
    let mut calls = phases()[4].clone();
    calls.apply(&CallEvent::PatienceEnded(Lifetime::hours(1)), NOW - Lifetime::hours(5)).expect("awaited");
    assert!(matches!(calls.phase, Phase::Awaited { since, .. } if since == NOW - Lifetime::hours(5)));
    calls.apply(&CallEvent::PatienceEnded(Lifetime::hours(1)), NOW - Lifetime::hours(4)).expect("awaited");
    assert_eq!(calls.phase.name(), "missing");
}

/// A lost caller's call may have been made when its intent was saved, not later.
#[test]
fn the_wait_for_a_lost_caller_counts_from_its_intent() {
    let mut calls = phases()[3].clone();
    calls.apply(&CallEvent::CallerLost, NOW + Lifetime::minutes(2)).expect("sent");
    assert!(matches!(&calls.phase, Phase::Awaited { since, call } if *since == NOW && !call.accepted));
}

/// A rotation that is taken back stays away until its instant.
#[test]
fn a_cancelled_rotation_does_not_begin_before_its_instant() {
    let later = NOW + Lifetime::days(1);
    let calls = after(&[want(), CallEvent::Prepare, CallEvent::Cancel(later)]);
    assert_eq!((calls.phase, calls.not_before), (Phase::Idle, Some(later)));
}
