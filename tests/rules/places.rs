//! Rule 14: known, not remembered. What a place holds is read, and what others have put there is not overwritten.

use lwa_rotate_component::bindings::lwa::rotation::types::{RemedyBy, TargetStatus};

use super::*;

fn target(world: &Shared, name: &str) -> TargetStatus {
    let found = status(world).targets.into_iter().find(|target| target.name.as_deref() == Some(name));
    found.expect("a target of the settings")
}

fn held(world: &Shared, name: &str) -> String {
    world.borrow().holds(SHOP, name).unwrap().to_owned()
}

/// An hour after everything was written, with a new secret and the one before.
fn rotated(seed: u64) -> (Shared, String, String) {
    let world = settled(seed);
    let old = newest(&world);
    pass(&world, HOUR);
    let new = rotated_by_amazon(&world);
    drain(&world);
    pass(&world, HOUR);
    advance(&world);
    (world, old, new)
}

/// Written, read 2 minutes later, and daily from then on.
#[test]
fn a_place_that_can_be_read_is_read_after_two_minutes_and_daily() {
    let world = settled(561);
    assert_eq!(target(&world, "env").read_at, None);
    pass(&world, 2 * MINUTE + 1_000);
    advance(&world);
    let first = target(&world, "env").read_at.expect("read");
    assert_eq!(target(&world, "hook").read_at, None, "a command cannot be read");
    advance_as_announced(&world, 3 * DAY);
    let last = target(&world, "env").read_at.unwrap();
    assert!(last > first + DAY && last + DAY + 2 * HOUR > world.borrow().now, "{first} {last}");
}

/// The secret before, put back by someone: it is written over, and who seems to have done it is reported.
#[test]
fn an_older_secret_that_others_put_back_is_written_over_and_reported() {
    let (world, old, new) = rotated(562);
    world.borrow_mut().put_by_others(SHOP, "env", &old);
    journal(&world);
    advance_as_announced(&world, DAY + 2 * HOUR);
    assert_eq!(held(&world, "env"), new);
    let said = journal(&world);
    let changes: Vec<&str> = said.lines().filter(|line| line.contains("TargetChanged")).collect();
    assert_eq!(changes.len(), 1, "{said}");
    assert!(changes[0].contains("another program") && changes[0].contains("written again"), "{}", changes[0]);
    assert!(target(&world, "env").holds_current);
}

/// Rule 8 and 14: also when the record has erased it meanwhile.
#[test]
fn an_erased_secret_that_others_put_back_is_recognised() {
    let (world, old, new) = rotated(563);
    advance_as_announced(&world, 9 * DAY);
    assert!(!world.borrow().keeps(SHOP, &old));
    world.borrow_mut().put_by_others(SHOP, "env", &old);
    advance_as_announced(&world, DAY + 2 * HOUR);
    assert_eq!(held(&world, "env"), new);
}

/// Put back each time: after the third time writing stops, and a person is asked to find the other writer.
#[test]
fn a_place_that_is_put_back_each_time_is_written_three_times_and_then_a_person_is_asked() {
    let (world, old, new) = rotated(564);
    let mut written = 0;
    for _ in 0..40 {
        if held(&world, "env") == new {
            world.borrow_mut().put_by_others(SHOP, "env", &old);
            written += 1;
        }
        advance_as_announced(&world, 2 * HOUR);
    }
    assert_eq!(written, 4, "the first one, and three more");
    let problem = status(&world).problem.expect("a problem");
    assert_eq!((problem.cause, problem.remedy_by), (Cause::PlaceChanged, RemedyBy::Person));
    assert!(problem.happened.contains("another program") && problem.happened.contains("env"), "{}", problem.happened);
    assert!(!target(&world, "env").holds_current && target(&world, "hook").holds_current);
    // The other writer has stopped, and a person says so.
    run(&world, |host| exports::republish(host, SHOP, Some("env"))).unwrap();
    assert_eq!(advance(&world).problem, None);
    assert_eq!(held(&world, "env"), new);
}

/// A secret that Amazon accepts and the record does not know: someone has rotated in the console and changed the place. It is
/// verified and taken up, and goes to all places.
#[test]
fn another_secret_found_in_a_place_is_taken_up_when_amazon_accepts_it() {
    let (world, _, _) = rotated(565);
    world.borrow_mut().rotate(SHOP);
    world.borrow_mut().queue.clear();
    let by_others = newest(&world);
    world.borrow_mut().put_by_others(SHOP, "env", &by_others);
    advance_as_announced(&world, DAY + 2 * HOUR);
    assert_eq!(current(&world), by_others);
    assert_done(&world);
    assert_eq!(count(&world, "rotate"), 0);
    assert_eq!(status(&world).problem, None);
}

/// One that Amazon does not accept is never overwritten and never used: a person is asked.
#[test]
fn another_secret_found_in_a_place_is_reported_when_amazon_does_not_accept_it() {
    for before_a_rotation in [false, true] {
        let (world, _, new) = rotated(566);
        let unknown = world.borrow_mut().unknown_secret();
        journal(&world);
        world.borrow_mut().put_by_others(SHOP, "env", &unknown);
        let new = if before_a_rotation { rotated_by_amazon(&world) } else { new };
        drain(&world);
        advance_as_announced(&world, 3 * DAY);
        assert_eq!(status(&world).problem.map(|problem| problem.cause), Some(Cause::PlaceChanged));
        assert_eq!(held(&world, "env"), unknown, "not overwritten");
        assert_eq!((current(&world), held(&world, "hook")), (new.clone(), new));
        let said = journal(&world);
        assert_eq!(said.matches("TargetChanged").count(), 1, "said once: {said}");
        assert!(said.contains("NeedsPerson"), "{said}");
        assert!(!target(&world, "env").holds_current);
        assert!(target(&world, "env").failure.is_some_and(|text| text.contains("not overwritten")));
    }
}

/// A record restored from before a rotation: the newer secret that a place holds is recovered, and no call is made.
#[test]
fn a_restored_record_recovers_the_newer_secret_that_a_place_holds() {
    let world = settled(567);
    pass(&world, HOUR);
    advance(&world);
    let backup = world.borrow().store[SHOP].document.clone();
    let new = rotated_by_amazon(&world);
    drain(&world);
    assert_done(&world);
    pass(&world, HOUR);
    world.borrow_mut().overwrite(SHOP, &backup);
    // Nor is the message there any more.
    advance_as_announced(&world, DAY + 2 * HOUR);
    assert_eq!(current(&world), new);
    assert!(world.borrow().published(SHOP, &new));
    assert_eq!(count(&world, "rotate"), 0);
}

/// What the record says of a target it says of its place: another place under an old name is a new target.
#[test]
fn another_place_under_an_old_name_is_a_new_target() {
    let world = settled(568);
    world.borrow_mut().settings.get_mut(SHOP).unwrap().targets[0].place = "function://other/env".into();
    world.borrow_mut().targets.clear();
    assert_eq!(status(&world).state, State::Publishing);
    assert!(!target(&world, "env").holds_current);
    advance(&world);
    assert_eq!(held(&world, "env"), newest(&world));
    // The old one is shown as a place of others, never waited for, and dropped after 30 days.
    let places = |world: &Shared| status(world).targets.into_iter().filter(|target| target.name.is_none()).count();
    assert_eq!((places(&world), status(&world).state), (1, State::Settled));
    for _ in 0..31 {
        pass(&world, DAY);
        drain(&world);
        advance(&world);
    }
    assert_eq!(places(&world), 0);
}

/// A place that cannot be read is written once after a promotion, and not daily.
#[test]
fn a_place_that_cannot_be_read_is_not_written_daily() {
    let (world, _, new) = rotated(569);
    journal(&world);
    advance_as_announced(&world, 4 * DAY);
    let said = journal(&world);
    assert!(!said.contains("hook is written") && !said.contains("env is written"), "{said}");
    assert_eq!(held(&world, "hook"), new);
}
