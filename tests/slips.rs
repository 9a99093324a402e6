//! Slips of operators, clocks that are wrong, invented messages, and hosts that are slow: none may cost a secret.

#![allow(missing_docs, clippy::unwrap_used, reason = "tests")]

#[path = "slips/clocks.rs"]
mod clocks;
#[path = "slips/hosts.rs"]
mod hosts;
#[path = "slips/messages.rs"]
mod messages;

use lwa_rotate_component::bindings::exports::lwa::rotation::rotation::{Answer, Decision, Error};
use lwa_rotate_component::bindings::lwa::rotation::types::{ApplicationStatus, State};
use lwa_rotate_component::exports;
use lwa_rotate_component::instant::Instant;
use world::steps::{advance, drain, enrolled, refused, run, settled, status};
use world::{Call, DAY, Failing, HOUR, Planned, SHOP, Shared, World, call};

fn supply(world: &Shared, secret: &str, at: Option<u64>) -> Result<ApplicationStatus, Error> {
    run(world, |host| exports::enroll(host, SHOP, secret.into(), at.map(Instant), true))
}

fn newest(world: &Shared) -> String {
    world.borrow().newest(SHOP).secret.clone()
}

fn stored(world: &Shared) -> String {
    String::from_utf8(world.borrow().store[SHOP].document.clone()).unwrap()
}

fn rotates(world: &Shared) -> usize {
    world.borrow().requests.iter().filter(|name| **name == "rotate").count()
}

/// A rotation in the console: no message comes.
fn rotate_in_console(world: &Shared) -> String {
    world.borrow_mut().rotate(SHOP);
    lose_last_message(world);
    newest(world)
}

/// It never comes.
fn lose_last_message(world: &Shared) {
    world.borrow_mut().queue.last_mut().unwrap().visible_at = u64::MAX;
}

fn days(world: &Shared, days: u64) {
    for _ in 0..days * 4 {
        world.borrow_mut().now += 6 * HOUR;
        advance(world);
        drain(world);
    }
}

/// The remedy of a missing message (rotate in the console, `enroll` with this date), then the message comes late after all.
fn a_message_comes_late(world: &Shared, date: impl FnOnce(u64) -> Option<u64>) {
    run(world, |host| exports::request(host, SHOP, false)).unwrap();
    advance(world);
    world.borrow_mut().queue[0].visible_at += DAY;
    world.borrow_mut().now += 2 * HOUR;
    assert_eq!(advance(world).state, State::Stalled);
    let from_console = rotate_in_console(world);
    let ends_at = world.borrow().newest(SHOP).ends_at;
    supply(world, &from_console, date(ends_at)).unwrap();
    assert_eq!(advance(world).state, State::Settled);
    assert_eq!(world.borrow().current(SHOP), Some(from_console.clone()));
    days(world, 8);
    assert!(stored(world).contains(&from_console), "the newest secret is lost: neither in the store nor in the queue");
    assert_eq!(world.borrow().current(SHOP), Some(from_console));
}

#[test]
fn a_late_message_does_not_replace_the_newer_secret_that_was_supplied() {
    a_message_comes_late(&settled(101), |_| None);
}

#[test]
fn the_same_with_the_date_given() {
    a_message_comes_late(&settled(101), Some);
}

/// As the README shows it: by the day, which the program reads as its beginning.
#[test]
fn the_same_with_the_date_given_by_the_day() {
    let world = settled(101);
    // 08:00, so that both rotations are on one day.
    world.borrow_mut().now += 8 * HOUR;
    a_message_comes_late(&world, |ends_at| Some(ends_at / DAY * DAY));
}

/// A candidate that lags is verified after a newer one that was supplied.
#[test]
fn a_candidate_does_not_replace_a_newer_one_that_was_supplied() {
    let world = settled(102);
    world.borrow_mut().apps.get_mut(SHOP).unwrap().lag = HOUR;
    run(&world, |host| exports::request(host, SHOP, false)).unwrap();
    advance(&world);
    drain(&world);
    assert_eq!(status(&world).state, State::Verifying);
    // The operator does not want to wait, rotates in the console and supplies it; its message comes as well.
    world.borrow_mut().apps.get_mut(SHOP).unwrap().lag = 0;
    world.borrow_mut().now += HOUR / 2;
    world.borrow_mut().rotate(SHOP);
    let from_console = newest(&world);
    supply(&world, &from_console, None).unwrap();
    advance(&world);
    assert_eq!(world.borrow().current(SHOP), Some(from_console.clone()));
    days(&world, 8);
    assert!(
        stored(&world).contains(&from_console) || !world.borrow().queue.is_empty(),
        "the newest secret is neither in the store nor in the queue"
    );
    assert_eq!(world.borrow().current(SHOP), Some(from_console));
}

/// An older secret that still works is supplied by mistake.
#[test]
fn an_older_secret_supplied_by_mistake_does_not_cost_the_newest() {
    let world = settled(103);
    let first = newest(&world);
    world.borrow_mut().rotate(SHOP);
    world.borrow_mut().now += 60_000;
    drain(&world);
    world.borrow_mut().now += DAY;
    world.borrow_mut().rotate(SHOP);
    world.borrow_mut().now += 60_000;
    drain(&world);
    let last = newest(&world);
    assert_eq!(world.borrow().current(SHOP), Some(last.clone()));
    // It works for five more days, so it is verified.
    let answer = supply(&world, &first, None);
    if answer.is_ok() {
        advance(&world);
    }
    days(&world, 9);
    assert_eq!(world.borrow().current(SHOP), Some(last), "the newest secret is in use again");
}

/// Rule 2: a slip at `enroll`, taken back, does not bring a second call while the first one's message is awaited.
#[test]
fn a_slip_at_enroll_does_not_make_the_program_forget_the_call_that_it_waits_for() {
    let world = enrolled(105);
    let right = newest(&world);
    advance(&world);
    world.borrow_mut().now += 16 * 60_000;
    assert_eq!(advance(&world).state, State::Awaiting);
    // The message takes its time.
    world.borrow_mut().queue[0].visible_at += HOUR / 2;
    supply(&world, "mistyped", None).unwrap();
    advance(&world);
    supply(&world, &right, None).unwrap();
    world.borrow_mut().now += 61_000;
    let after = advance(&world);
    assert_eq!((after.state, rotates(&world)), (State::Awaiting, 1));
}

/// The date in a message is not lost when its secret was supplied before.
#[test]
fn the_date_of_a_message_is_kept_when_its_secret_was_supplied_before() {
    let world = settled(106);
    world.borrow_mut().rotate(SHOP);
    let secret = newest(&world);
    supply(&world, &secret, None).unwrap();
    world.borrow_mut().now += 5_000;
    assert_eq!(drain(&world), [Answer::Delete]);
    let after = status(&world);
    assert_eq!(after.state, State::Settled);
    assert_eq!(after.expires_at, Some(world.borrow().newest(SHOP).ends_at), "else it is never rotated again");
}

/// A wrong secret supplied does not keep the one in use from being rotated in time.
#[test]
fn a_wrong_secret_supplied_does_not_stop_rotation() {
    let world = settled(107);
    world.borrow_mut().now += 10 * DAY;
    advance(&world);
    supply(&world, "of-another-application", None).unwrap();
    // Ten days are left; the margin is five.
    for _ in 0..40 {
        world.borrow_mut().now += 6 * HOUR;
        let now = advance(&world);
        drain(&world);
        assert_ne!(now.state, State::Stalled);
    }
    assert!(rotates(&world) > 0, "not rotated; ended, in state {:?}", status(&world).state);
}

/// A slip after the right secret does not cost the right one.
#[test]
fn a_second_supplied_secret_does_not_erase_the_first() {
    let world = settled(117);
    world.borrow_mut().apps.get_mut(SHOP).unwrap().lag = HOUR;
    let secret = rotate_in_console(&world);
    supply(&world, &secret, None).unwrap();
    advance(&world);
    supply(&world, "mistyped", None).unwrap();
    assert!(stored(&world).contains(&secret), "the only copy that the program had");
}

/// The old secret and the new secret's date: the message's secret is kept beside it, and used once the old one has ended.
#[test]
fn the_old_secret_with_the_new_ones_date() {
    let world = World::shared(118);
    let old = newest(&world);
    world.borrow_mut().rotate(SHOP);
    let ends = world.borrow().newest(SHOP).ends_at;
    world.borrow_mut().now += HOUR;
    // The date of the new secret, which the console shows by the day.
    supply(&world, &old, Some(ends + DAY)).unwrap();
    advance(&world);
    days(&world, 6);
    let new = newest(&world);
    assert!(stored(&world).contains(&new), "kept beside the one in use");
    days(&world, 2);
    assert_eq!(world.borrow().current(SHOP), Some(new));
}

/// The hint of `enroll` is to run it again; then it is tried again.
#[test]
fn a_secret_supplied_again_is_tried_again() {
    let world = World::shared(136);
    world.borrow_mut().settings.get_mut(SHOP).unwrap().rotate_before = 0;
    let secret = newest(&world);
    let works_from = world.borrow().now + 10 * 60_000;
    world.borrow_mut().apps.get_mut(SHOP).unwrap().issued[0].works_from = works_from;
    supply(&world, &secret, None).unwrap();
    assert!(!advance(&world).verified);
    world.borrow_mut().now += 15 * 60_000;
    supply(&world, &secret, None).unwrap();
    let after = advance(&world);
    assert!(after.verified, "{:?}", after.next);
}

/// The remedy of a refused new secret (rotate in the console, `enroll`) ends the stall.
#[test]
fn the_remedy_of_a_refused_new_secret_ends_the_stall() {
    let (world, _) = refused(137, 30 * DAY);
    world.borrow_mut().apps.get_mut(SHOP).unwrap().lag = 0;
    let from_console = rotate_in_console(&world);
    supply(&world, &from_console, None).unwrap();
    advance(&world);
    assert_eq!(world.borrow().current(SHOP), Some(from_console));
    world.borrow_mut().now += HOUR;
    drain(&world);
    let after = advance(&world);
    assert_eq!(after.state, State::Settled, "{:?}", after.problem);
}

/// Automation that enrolls the first secret again at each deployment.
#[test]
fn automation_that_enrolls_the_first_secret_again_and_again_does_not_stop_rotation() {
    let world = settled(140);
    let first = newest(&world);
    run(&world, |host| exports::request(host, SHOP, false)).unwrap();
    advance(&world);
    world.borrow_mut().now += 5_000;
    drain(&world);
    world.borrow_mut().now += 8 * DAY;
    advance(&world);
    let before = rotates(&world);
    let ends = world.borrow().newest(SHOP).ends_at;
    while world.borrow().now < ends - HOUR {
        let _ = supply(&world, &first, None);
        advance(&world);
        drain(&world);
        world.borrow_mut().now += DAY;
    }
    let state = status(&world).state;
    assert!(rotates(&world) > before || state == State::Stalled, "at the end of its life: {state:?}");
}
