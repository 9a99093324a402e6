//! Slips of operators, clocks that are wrong, invented messages, and hosts that are slow: none may cost a secret.

#![allow(missing_docs, clippy::unwrap_used, reason = "tests")]

use lwa_rotate_component::bindings::exports::lwa::rotation::rotation::{Answer, Decision, Error};
use lwa_rotate_component::bindings::lwa::rotation::types::{ApplicationStatus, State};
use lwa_rotate_component::exports;
use lwa_rotate_component::instant::Instant;
use world::steps::{advance, drain, enrolled, refused, run, settled, status};
use world::{Call, DAY, Failing, HOUR, Planned, SHOP, Shared, World, call};

fn hand(world: &Shared, secret: &str, at: Option<u64>) -> Result<ApplicationStatus, Error> {
    run(world, |host| exports::enroll(host, SHOP, secret.into(), at.map(Instant), true))
}

fn set_targets(world: &Shared, names: &[&str]) {
    world.borrow_mut().settings.get_mut(SHOP).unwrap().targets = world::targets(names);
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

/// A host takes the application as far as it can go, and is paused before its first import.
fn begin_advance(world: &Shared) -> Call {
    Call::begin(world, |host| drop(exports::advance(host, SHOP))).unwrap()
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
    hand(world, &from_console, date(ends_at)).unwrap();
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

/// A pending secret that lags is proven after a newer one that was handed over.
#[test]
fn a_candidate_does_not_replace_a_newer_one_that_was_supplied() {
    let world = settled(102);
    world.borrow_mut().apps.get_mut(SHOP).unwrap().lag = HOUR;
    run(&world, |host| exports::request(host, SHOP, false)).unwrap();
    advance(&world);
    drain(&world);
    assert_eq!(status(&world).state, State::Verifying);
    // Somebody does not want to wait, rotates in the console and hands the secret over; its message comes as well.
    world.borrow_mut().apps.get_mut(SHOP).unwrap().lag = 0;
    world.borrow_mut().now += HOUR / 2;
    world.borrow_mut().rotate(SHOP);
    let from_console = newest(&world);
    hand(&world, &from_console, None).unwrap();
    advance(&world);
    assert_eq!(world.borrow().current(SHOP), Some(from_console.clone()));
    days(&world, 8);
    assert!(
        stored(&world).contains(&from_console) || !world.borrow().queue.is_empty(),
        "the newest secret is neither in the store nor in the queue"
    );
    assert_eq!(world.borrow().current(SHOP), Some(from_console));
}

/// An older secret that still works is handed over by mistake.
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
    // It works for five more days, so it is proven.
    let answer = hand(&world, &first, None);
    if answer.is_ok() {
        advance(&world);
    }
    days(&world, 9);
    assert_eq!(world.borrow().current(SHOP), Some(last), "the newest secret is in use again");
}

/// Rule 2: a host that slept and then cannot save does not take back another host's call.
#[test]
fn a_host_that_cannot_save_does_not_take_back_the_call_of_another() {
    let world = settled(104);
    run(&world, |host| exports::request(host, SHOP, false)).unwrap();
    let slow = begin_advance(&world).until("token").and_then(Call::go_on).expect("it is about to save its intent");
    assert_eq!(slow.import(), "save");
    world.borrow_mut().now += 11 * 60_000;
    assert_eq!(advance(&world).state, State::Awaiting, "another host takes over and makes the call");
    world.borrow_mut().plans.push(("save", Planned::Fails(Failing::Before)));

    slow.finish();

    assert!(world.borrow().plans.is_empty(), "it has tried to save");
    assert_eq!(rotates(&world), 1);
    for _ in 0..4 {
        world.borrow_mut().now += 61_000;
        advance(&world);
    }
    assert_eq!(world.borrow().apps[SHOP].issued.len(), 2, "one intent, one rotation");
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
    hand(&world, "mistyped", None).unwrap();
    advance(&world);
    hand(&world, &right, None).unwrap();
    world.borrow_mut().now += 61_000;
    let after = advance(&world);
    assert_eq!((after.state, rotates(&world)), (State::Awaiting, 1));
}

/// The date in a message is not lost when its secret was handed over before.
#[test]
fn the_date_of_a_message_is_kept_when_its_secret_was_supplied_before() {
    let world = settled(106);
    world.borrow_mut().rotate(SHOP);
    let secret = newest(&world);
    hand(&world, &secret, None).unwrap();
    world.borrow_mut().now += 5_000;
    assert_eq!(drain(&world), [Answer::Delete]);
    let after = status(&world);
    assert_eq!(after.state, State::Settled);
    assert_eq!(after.expires_at, Some(world.borrow().newest(SHOP).ends_at), "else it is never rotated again");
}

/// A wrong secret handed over does not keep the one in use from being rotated in time.
#[test]
fn a_wrong_secret_supplied_does_not_stop_rotation() {
    let world = settled(107);
    world.borrow_mut().now += 10 * DAY;
    advance(&world);
    hand(&world, "of-another-application", None).unwrap();
    // Ten days are left; the margin is five.
    for _ in 0..40 {
        world.borrow_mut().now += 6 * HOUR;
        let now = advance(&world);
        drain(&world);
        assert_ne!(now.state, State::Stalled);
    }
    assert!(rotates(&world) > 0, "not rotated; ended, in state {:?}", status(&world).state);
}

/// One invented message does not keep the one in use from being rotated, or a person from being called, in time.
#[test]
fn an_invented_message_does_not_stop_rotation() {
    let world = settled(108);
    world.borrow_mut().now += 14 * DAY + 12 * HOUR;
    advance(&world);
    assert_eq!(rotates(&world), 0);
    world.borrow_mut().forge(SHOP);
    world.borrow_mut().now += 5_000;
    let ends = world.borrow().newest(SHOP).ends_at;
    while world.borrow().now < ends {
        drain(&world);
        if advance(&world).state == State::Stalled {
            return;
        }
        world.borrow_mut().now += 6 * HOUR;
    }
    assert!(rotates(&world) > 0, "neither rotated nor stalled; ended, in state {:?}", status(&world).state);
}

/// A clock that was ahead for a moment does not stop publication.
#[test]
fn a_clock_that_was_ahead_does_not_stop_publication() {
    let world = settled(109);
    run(&world, |host| exports::request(host, SHOP, false)).unwrap();
    advance(&world);
    world.borrow_mut().now += 5_000;
    let true_time = world.borrow().now;
    world.borrow_mut().now += 6 * DAY;
    let before = world.borrow().targets.clone();
    world.borrow_mut().faults.target = 1000;
    drain(&world);
    world.borrow_mut().faults.target = 0;
    world.borrow_mut().targets = before;
    world.borrow_mut().now = true_time;
    for _ in 0..5 * 24 {
        world.borrow_mut().now += HOUR;
        advance(&world);
    }
    let secret = newest(&world);
    let next = status(&world).next;
    assert!(world.borrow().published(SHOP, &secret), "five days on: {next:?}");
}

/// The same for the proof of a new secret.
#[test]
fn a_clock_that_was_ahead_does_not_stop_the_verification() {
    let world = settled(110);
    world.borrow_mut().apps.get_mut(SHOP).unwrap().lag = HOUR;
    run(&world, |host| exports::request(host, SHOP, false)).unwrap();
    advance(&world);
    world.borrow_mut().now += 5_000;
    let true_time = world.borrow().now;
    world.borrow_mut().now += 5 * DAY;
    world.borrow_mut().faults.not_sent = 1000;
    drain(&world);
    world.borrow_mut().faults.not_sent = 0;
    world.borrow_mut().now = true_time;
    for _ in 0..4 * 24 {
        world.borrow_mut().now += HOUR;
        advance(&world);
    }
    let secret = newest(&world);
    let next = status(&world).next;
    assert_eq!(world.borrow().current(SHOP), Some(secret), "four days on: {next:?}");
}

/// A notice about the old secret does not rotate again, also when the new one was handed over.
#[test]
fn a_notice_for_the_old_secret_does_not_rotate_again_after_a_secret_was_supplied() {
    let world = settled(111);
    let secret = rotate_in_console(&world);
    let (ends, old_ends) = (world.borrow().newest(SHOP).ends_at, world.borrow().apps[SHOP].issued[0].ends_at);
    world.borrow_mut().now += HOUR;
    hand(&world, &secret, Some(ends)).unwrap();
    assert_eq!(advance(&world).state, State::Settled);
    world.borrow_mut().notify_expiry(SHOP, old_ends);
    world.borrow_mut().now += 5_000;
    assert_eq!(drain(&world), [Answer::Delete]);
    assert_eq!(status(&world).expires_at, Some(ends));
    advance(&world);
    assert_eq!(rotates(&world), 0, "a rotation inside the overlap that nobody needs");
}

/// A notice of a date that has passed says nothing about a secret that works.
#[test]
fn a_late_notice_of_a_secret_that_has_ended_does_not_rotate() {
    let world = settled(112);
    let past = world.borrow().now - DAY;
    world.borrow_mut().notify_expiry(SHOP, past);
    world.borrow_mut().now += 5_000;
    drain(&world);
    advance(&world);
    assert_eq!((rotates(&world), status(&world).expires_at), (0, Some(world.borrow().newest(SHOP).ends_at)));
}

/// Two secrets whose ends are the same.
#[test]
fn a_secret_that_ends_at_the_same_instant_is_not_thrown_away_untried() {
    let world = settled(114);
    world.borrow_mut().rotate(SHOP);
    world.borrow_mut().now += 5_000;
    drain(&world);
    let first_ends = world.borrow().newest(SHOP).ends_at;
    world.borrow_mut().now += HOUR;
    world.borrow_mut().rotate(SHOP);
    // Amazon gives ends by the day, say.
    let second = {
        let mut world = world.borrow_mut();
        let app = world.apps.get_mut(SHOP).unwrap();
        let second = app.issued.last_mut().unwrap();
        let (was, secret) = (second.ends_at, second.secret.clone());
        second.ends_at = first_ends;
        let text = |at: u64| format!("{}.{:03}Z", Instant(at).to_string().trim_end_matches('Z'), at % 1000);
        let message = world.queue.last_mut().unwrap();
        let body = String::from_utf8(message.body.clone()).unwrap();
        assert!(body.contains(&text(was)));
        message.body = body.replace(&text(was), &text(first_ends)).into_bytes();
        secret
    };
    world.borrow_mut().now += 5_000;
    drain(&world);
    assert!(stored(&world).contains(&second) || !world.borrow().queue.is_empty(), "the newest secret is lost");
}

/// A slip after the right secret does not cost the right one.
#[test]
fn a_second_supplied_secret_does_not_erase_the_first() {
    let world = settled(117);
    world.borrow_mut().apps.get_mut(SHOP).unwrap().lag = HOUR;
    let secret = rotate_in_console(&world);
    hand(&world, &secret, None).unwrap();
    advance(&world);
    hand(&world, "mistyped", None).unwrap();
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
    hand(&world, &old, Some(ends + DAY)).unwrap();
    advance(&world);
    days(&world, 6);
    let new = newest(&world);
    assert!(stored(&world).contains(&new), "kept beside the one in use");
    days(&world, 2);
    assert_eq!(world.borrow().current(SHOP), Some(new));
}

/// Rule 8: an old secret stays until Amazon ends it, also when another rotation follows.
#[test]
fn both_old_secrets_stay_until_their_ends() {
    let world = settled(119);
    let first = newest(&world);
    for _ in 0..2 {
        world.borrow_mut().rotate(SHOP);
        world.borrow_mut().now += 5_000;
        drain(&world);
        world.borrow_mut().now += DAY;
    }
    assert!(world.borrow().apps[SHOP].issued[0].ends_at > world.borrow().now + 4 * DAY);
    assert!(stored(&world).contains(&first), "rule 8");
}

/// Handing over what another host has just taken up makes no second generation of it.
#[test]
fn a_supplied_secret_that_races_with_its_message_does_not_promote_twice() {
    let world = settled(121);
    let first = newest(&world);
    world.borrow_mut().rotate(SHOP);
    let secret = newest(&world);
    world.borrow_mut().now += 5_000;
    let supplying = Call::begin(&world, |host| drop(exports::enroll(host, SHOP, secret.into(), None, true)));
    let supplying = supplying.and_then(|call| call.until("save")).expect("it is about to save");
    drain(&world);
    supplying.finish();
    let after = advance(&world);
    assert_eq!(after.generation, 2);
    assert!(stored(&world).contains(&first), "rule 8");
}

/// A host whose clock is ahead dies while it prepares the call.
#[test]
fn a_preparation_begun_by_a_clock_that_was_ahead_is_taken_over() {
    let world = settled(130);
    run(&world, |host| exports::request(host, SHOP, false)).unwrap();
    let true_time = world.borrow().now;
    world.borrow_mut().now += 5 * DAY;
    // load, save, token
    let (died, _) = call(&world, Some((2, false)), |host| exports::advance(host, SHOP));
    assert!(died.is_none());
    world.borrow_mut().now = true_time;
    for _ in 0..4 * 24 {
        world.borrow_mut().now += HOUR;
        advance(&world);
    }
    assert!(rotates(&world) > 0, "four days on: {:?}", status(&world).next);
}

/// A call made by a clock that was ahead: its message is not recognised as its answer.
#[test]
fn a_call_made_by_a_clock_that_was_ahead_is_answered_by_its_message() {
    let world = settled(131);
    run(&world, |host| exports::request(host, SHOP, false)).unwrap();
    let true_time = world.borrow().now;
    world.borrow_mut().now += 5 * DAY;
    world.borrow_mut().plans.push(("rotate", Planned::Lost(false)));
    advance(&world);
    world.borrow_mut().now = true_time;
    // It had its effect, and Amazon's clock is right.
    world.borrow_mut().rotate(SHOP);
    world.borrow_mut().now += 5_000;
    drain(&world);
    let after = advance(&world);
    assert_eq!(world.borrow().current(SHOP), Some(newest(&world)));
    assert_eq!(after.state, State::Settled, "until {:?}", after.awaited_until);
}

/// An invented message, refused again and again, does not keep a person from asking for a rotation.
#[test]
fn an_invented_message_does_not_forbid_a_rotation_that_a_person_wants() {
    let world = settled(132);
    world.borrow_mut().forge(SHOP);
    world.borrow_mut().now += 5_000;
    drain(&world);
    days(&world, 1);
    let request = run(&world, |host| exports::request(host, SHOP, false));
    let resume = run(&world, |host| exports::resume(host, SHOP, Decision::RequestAgain));
    assert!(request.is_ok() || resume.is_ok(), "{request:?}");
}

/// Rule 14: a write of the old secret that takes as long as the contract permits, by a host that dies afterwards.
#[test]
fn a_slow_write_does_not_leave_the_old_secret_behind() {
    let world = settled(135);
    set_targets(&world, &["env", "hook", "exec"]);
    let slow = begin_advance(&world).until("put exec").expect("it is about to publish the old secret");
    // Meanwhile another host rotates.
    run(&world, |host| exports::request(host, SHOP, false)).unwrap();
    advance(&world);
    world.borrow_mut().now += 5_000;
    drain(&world);
    world.borrow_mut().now += 100_000;
    drop(slow.go_on());
    let secret = newest(&world);
    assert!(!world.borrow().published(SHOP, &secret), "the late write has hidden it");
    for _ in 0..24 {
        world.borrow_mut().now += HOUR;
        advance(&world);
        drain(&world);
    }
    let claims = status(&world).targets.iter().all(|target| target.holds_current);
    assert!(claims && world.borrow().current(SHOP) == Some(secret.clone()));
    assert!(world.borrow().published(SHOP, &secret), "the status says that every target holds the current secret");
}

/// Rule 14: the same for a target that the host which promotes the secret does not have in its settings: a configuration is
/// changed on one host after the other.
#[test]
fn a_slow_write_to_a_target_of_another_configuration_does_not_leave_the_old_secret_behind() {
    let world = settled(142);
    set_targets(&world, &["env", "hook", "exec"]);
    let slow = begin_advance(&world).until("put exec").expect("it is about to publish the old secret");
    set_targets(&world, &["env", "hook"]);
    run(&world, |host| exports::request(host, SHOP, false)).unwrap();
    advance(&world);
    world.borrow_mut().now += 5_000;
    drain(&world);
    set_targets(&world, &["env", "hook", "exec"]);
    advance(&world);
    drop(slow.go_on());
    let secret = newest(&world);
    assert!(!world.borrow().published(SHOP, &secret), "the late write has hidden it");
    world.borrow_mut().now += 3 * 60_000;
    advance(&world);
    assert!(world.borrow().published(SHOP, &secret), "the record knows that a second write is due");
}

/// The hint of `enroll` is to run it again; then it is tried again.
#[test]
fn a_secret_supplied_again_is_tried_again() {
    let world = World::shared(136);
    world.borrow_mut().settings.get_mut(SHOP).unwrap().rotate_before = 0;
    let secret = newest(&world);
    let works_from = world.borrow().now + 10 * 60_000;
    world.borrow_mut().apps.get_mut(SHOP).unwrap().issued[0].works_from = works_from;
    hand(&world, &secret, None).unwrap();
    assert!(!advance(&world).verified);
    world.borrow_mut().now += 15 * 60_000;
    hand(&world, &secret, None).unwrap();
    let after = advance(&world);
    assert!(after.verified, "{:?}", after.next);
}

/// The remedy of a refused new secret (rotate in the console, `enroll`) ends the stall.
#[test]
fn the_remedy_of_a_refused_new_secret_ends_the_stall() {
    let (world, _) = refused(137, 30 * DAY);
    world.borrow_mut().apps.get_mut(SHOP).unwrap().lag = 0;
    let from_console = rotate_in_console(&world);
    hand(&world, &from_console, None).unwrap();
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
        let _ = hand(&world, &first, None);
        advance(&world);
        drain(&world);
        world.borrow_mut().now += DAY;
    }
    let state = status(&world).state;
    assert!(rotates(&world) > before || state == State::Stalled, "at the end of its life: {state:?}");
}

/// The target that stands in the way is taken out of the configuration.
#[test]
fn a_target_taken_out_of_the_settings_is_not_waited_for() {
    let world = settled(141);
    run(&world, |host| exports::request(host, SHOP, false)).unwrap();
    advance(&world);
    world.borrow_mut().now += 5_000;
    world.borrow_mut().faults.target = 1000;
    drain(&world);
    assert_eq!(status(&world).state, State::Publishing);
    world.borrow_mut().faults.target = 0;
    world.borrow_mut().settings.get_mut(SHOP).unwrap().targets.clear();
    for _ in 0..48 {
        world.borrow_mut().now += HOUR;
        advance(&world);
        drain(&world);
    }
    let after = status(&world);
    assert_eq!(after.state, State::Settled, "{:?} {:?}", after.next, after.problem);
}
