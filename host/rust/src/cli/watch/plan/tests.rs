use lwa_rotate::{Deadline, DeadlineKind};

use super::*;

const INTERVAL: Duration = Duration::from_secs(300);
/// The time that statuses count in; any will do.
const WALL: u64 = 1_800_000_000_000;

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// So many new applications, looked at by chance as a generator of such numbers would have it.
fn plan(count: usize) -> Plan {
    let mut state = 42_u64;
    let chance = move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        state >> 33
    };
    Plan::new(INTERVAL).follow((0..count).map(|_| (None, true)), INTERVAL, Moment::ZERO, chance)
}

fn status(state: State, next: Option<u64>) -> Status {
    Status {
        client_id: "amzn1.shop".into(),
        state,
        expires_at: None,
        current_since: 0,
        verified: true,
        generation: 1,
        candidate_expires_at: None,
        retired_ends_at: None,
        rotation_due_at: None,
        called_at: None,
        awaited_until: None,
        next: next.map(|at| Deadline { at, kind: DeadlineKind::RotationDue }),
        problem: None,
        targets: Vec::new(),
    }
}

/// One application, looked at for the first time with this outcome; when it is looked at again.
fn again_after(state: State, next: Option<Duration>) -> Moment {
    let mut plan = plan(1);
    let place = plan.begin(Moment::ZERO).unwrap();
    let next = next.map(|next| WALL + u64::try_from(next.as_millis()).unwrap());
    plan.looked(place, &status(state, next), Moment::ZERO, WALL);
    plan.next().unwrap()
}

#[test]
fn few_applications_are_all_looked_at_at_once() {
    let mut plan = plan(AT_ONCE);
    assert_eq!((0..AT_ONCE).filter_map(|_| plan.begin(Moment::ZERO)).count(), AT_ONCE);
    assert_eq!(plan.begin(Moment::ZERO), None, "none is looked at twice at the same time");
}

#[test]
fn first_looks_at_ten_thousand_do_not_fall_on_one_second() {
    let mut plan = plan(10_000);
    let mut in_second = Vec::new();
    for second in 0..=100 {
        in_second.push(std::iter::from_fn(|| plan.begin(seconds(second))).count());
    }
    assert_eq!(in_second.iter().sum::<usize>(), 10_000, "within 100 seconds");
    assert!(in_second.iter().all(|count| *count < 200), "{in_second:?}");
}

#[test]
fn very_many_are_all_looked_at_within_the_interval() {
    let mut plan = plan(100_000);
    assert_eq!(std::iter::from_fn(|| plan.begin(INTERVAL)).count(), 100_000);
}

#[test]
fn what_is_due_is_looked_at_then_and_what_another_process_may_have_changed_within_the_interval() {
    assert_eq!(again_after(State::Settled, None), INTERVAL);
    assert_eq!(again_after(State::Settled, Some(seconds(86_400))), INTERVAL);
    assert_eq!(again_after(State::Settled, Some(seconds(42))), seconds(42));
    assert_eq!(again_after(State::Settled, Some(Duration::ZERO)), SHORTEST, "no more often than that");
    assert_eq!(again_after(State::Stalled, None), INTERVAL, "an operator's decision");
    for state in [State::Awaiting, State::Requesting, State::Verifying, State::Publishing] {
        assert_eq!(again_after(state, Some(seconds(3600))), UNDER_WAY, "{state:?}: another process may finish it");
    }
}

#[test]
fn a_failure_is_told_once_and_looked_at_more_and_more_seldom() {
    let mut plan = plan(1);
    let mut now = Moment::ZERO;
    let mut pauses = Vec::new();
    for round in 0..40 {
        let place = plan.begin(now).unwrap();
        assert_eq!(plan.failed(place, &Error::NotEnrolled, now), round == 0);
        pauses.push((plan.next().unwrap() - now).as_secs());
        now = plan.next().unwrap();
    }
    assert_eq!(pauses[..7], [10, 20, 40, 80, 160, 300, 300]);
    assert_eq!(pauses[39], 300);
    let place = plan.begin(now).unwrap();
    assert!(plan.failed(place, &Error::Busy, now), "another failure is news");
    now = plan.next().unwrap();
    let place = plan.begin(now).unwrap();
    plan.looked(place, &status(State::Settled, None), now, WALL);
    now = plan.next().unwrap();
    let place = plan.begin(now).unwrap();
    assert!(plan.failed(place, &Error::Busy, now), "and so is one after a success");
    assert_eq!(plan.next().unwrap() - now, AGAIN);
}

#[test]
fn a_store_that_may_not_be_used_is_tried_again_within_a_minute_for_as_long_as_it_lasts() {
    let mut plan = plan(1);
    let mut now = Moment::ZERO;
    for _ in 0..20 {
        let place = plan.begin(now).unwrap();
        plan.failed(place, &Error::Store(store::Error::AccessDenied("the credentials have expired".into())), now);
        assert!(plan.next().unwrap() - now < seconds(60));
        now = plan.next().unwrap();
    }
}

#[test]
fn what_comes_while_an_application_is_looked_at_has_it_looked_at_again() {
    let mut plan = plan(1);
    let place = plan.begin(Moment::ZERO).unwrap();
    plan.told(place, &status(State::Settled, None), seconds(1), WALL);
    assert_eq!(plan.next(), None, "one look at a time");
    plan.looked(place, &status(State::Awaiting, None), seconds(2), WALL);
    assert_eq!(plan.begin(seconds(2)), Some(place));
    plan.looked(place, &status(State::Settled, None), seconds(2), WALL);
    assert_eq!(plan.begin(seconds(3)), None);
}

#[test]
fn a_message_moves_the_next_look_of_an_application_that_rests() {
    let mut plan = plan(1);
    let place = plan.begin(Moment::ZERO).unwrap();
    plan.looked(place, &status(State::Settled, None), Moment::ZERO, WALL);
    plan.told(place, &status(State::Settled, Some(WALL + 5_000)), seconds(7), WALL);
    assert_eq!((plan.next(), plan.due.len()), (Some(seconds(12)), 1));
}

#[test]
fn after_a_reload_what_stays_keeps_its_plan_and_what_is_new_or_changed_is_looked_at_soon() {
    let mut plan = plan(4);
    for _ in 0..4 {
        let place = plan.begin(Moment::ZERO).unwrap();
        plan.looked(place, &status(State::Stalled, None), Moment::ZERO, WALL);
    }
    // The first stays and moves, the second goes, the third is changed, the fourth is being looked at; one is new.
    let fourth = std::iter::from_fn(|| plan.begin(INTERVAL)).last().unwrap();
    assert_eq!(fourth, 3);
    for place in 0..3 {
        plan.looked(place, &status(State::Settled, None), seconds(300), WALL);
    }
    let apps = [(None, true), (Some(0), false), (Some(2), true), (Some(3), false)];
    let mut plan = plan.follow(apps.into_iter(), INTERVAL, seconds(310), || 7);

    let due: Vec<_> = plan.due.iter().copied().collect();
    assert_eq!(due, [(seconds(310), 0), (seconds(310), 2), (seconds(600), 1)]);
    assert_eq!(plan.state(2), Some(State::Settled), "what is known stays known");
    assert_eq!(plan.state(3), Some(State::Stalled));
    plan.looked(3, &status(State::Settled, None), seconds(311), WALL);
    assert!(plan.due.contains(&(seconds(611), 3)), "the call under way counts for its new place");
}

#[test]
fn what_changes_while_it_is_looked_at_is_looked_at_again_under_its_new_settings() {
    let mut before = plan(1);
    before.begin(Moment::ZERO).unwrap();
    let mut plan = before.follow([(Some(0), true)].into_iter(), INTERVAL, seconds(1), || 0);
    assert_eq!(plan.next(), None);
    plan.looked(0, &status(State::Settled, None), seconds(2), WALL);
    assert_eq!(plan.begin(seconds(2)), Some(0));
}

#[test]
fn an_application_takes_some_tens_of_bytes() {
    assert!(size_of::<Planned>() <= 40, "{}", size_of::<Planned>());
}

#[test]
fn while_a_rotation_is_under_way_failures_put_it_off_by_minutes_only() {
    let day = seconds(86_400);
    for (state, longest) in [(State::Settled, day), (State::Publishing, LONGEST_UNDER_WAY)] {
        let mut plan = Plan::new(day).follow([(None, true)].into_iter(), day, Moment::ZERO, || 0);
        let mut now = Moment::ZERO;
        let place = plan.begin(now).unwrap();
        plan.looked(place, &status(state, None), now, WALL);
        for _ in 0..20 {
            now = plan.next().unwrap();
            let place = plan.begin(now).unwrap();
            plan.failed(place, &Error::Busy, now);
        }
        assert_eq!(plan.next().unwrap() - now, longest, "{state:?}");
    }
}

#[test]
fn a_late_answer_does_not_put_off_the_look_that_new_settings_have_brought() {
    let mut before = plan(1);
    let place = before.begin(Moment::ZERO).unwrap();
    before.looked(place, &status(State::Settled, None), Moment::ZERO, WALL);
    let mut plan = before.follow([(Some(0), true)].into_iter(), INTERVAL, seconds(1), || 0);
    plan.told(0, &status(State::Settled, None), seconds(1), WALL);
    assert_eq!(plan.begin(seconds(1)), Some(0));
}

#[test]
fn a_shorter_interval_does_not_have_all_looked_at_in_one_moment() {
    let day = seconds(86_400);
    let mut before = Plan::new(day).follow((0..1000).map(|_| (None, true)), day, Moment::ZERO, || 0);
    while let Some(place) = before.begin(Moment::ZERO) {
        before.looked(place, &status(State::Settled, None), Moment::ZERO, WALL);
    }
    let mut chance = 0;
    let plan = before.follow((0..1000).map(|place| (Some(place), false)), INTERVAL, seconds(1), || {
        chance += 1_234_567;
        chance
    });
    let due: BTreeSet<_> = plan.due.iter().map(|(at, _)| at.as_secs()).collect();
    assert!(due.len() > 200 && *due.last().unwrap() <= 301, "{due:?}");
}
