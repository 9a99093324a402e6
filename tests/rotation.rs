//! The way of a rotation, step by step, in the simulated world.

#![allow(missing_docs, clippy::unwrap_used, reason = "tests")]

use lwa_rotate_component::bindings::exports::lwa::rotation::rotation::{Answer, Decision, Error};
use lwa_rotate_component::bindings::lwa::rotation::types::{
    Action, ApplicationStatus, Cause, Problem, RemedyBy, State,
};
use lwa_rotate_component::exports;
use lwa_rotate_component::instant::Instant;
use world::steps::{advance, drain, enrolled, refused, run, settled, status};
use world::{DAY, HOUR, Kind, Planned, QUEUE, SHOP, Shared, World, call};

fn assert_done(world: &Shared) {
    let world = world.borrow();
    let newest = world.newest(SHOP).secret.clone();
    assert_eq!(world.current(SHOP).as_deref(), Some(newest.as_str()), "the newest secret is current");
    assert!(world.published(SHOP, &newest), "and published");
    assert!(!world.queue.iter().any(|m| matches!(m.kind, Kind::NewSecret { .. })), "and acknowledged");
}

#[test]
fn an_enrolled_secret_is_verified_by_use_and_then_published() {
    let world = enrolled(1);
    world.borrow_mut().settings.get_mut(SHOP).unwrap().rotate_before = 0;
    assert!(!status(&world).verified);
    assert!(world.borrow().targets.is_empty(), "rule 4: nothing is published unproven");
    assert!(advance(&world).verified);
    assert_done(&world);
}

#[test]
fn a_rotation_without_trouble_takes_eight_calls() {
    let world = settled(2);
    run(&world, |host| exports::request(host, SHOP, false)).unwrap();
    assert_eq!(advance(&world).state, State::Awaiting);
    assert_eq!(drain(&world), [Answer::Delete]);
    let status = status(&world);
    assert_eq!((status.state, status.generation, status.problem), (State::Settled, 2, None));
    assert_eq!(
        world.borrow().requests,
        ["inspect", "receive", "token", "rotate", "receive", "token", "verify", "delete"]
    );
    assert_done(&world);
}

#[test]
fn a_secret_close_to_its_end_is_rotated_without_being_asked() {
    let world = enrolled(3);
    // Time to correct a slip of the person who has just enrolled it.
    assert_eq!(advance(&world).state, State::Settled);
    world.borrow_mut().now += 16 * 60_000;
    assert_eq!(advance(&world).state, State::Awaiting);
    drain(&world);
    assert_done(&world);
    let status = status(&world);
    assert!(status.rotation_due_at.unwrap() > world.borrow().now + 140 * DAY, "the next one is far off");
}

/// Rule 11: of a call whose outcome nobody knows, both outcomes are told.
#[track_caller]
fn assert_nobody_knows(status: &ApplicationStatus) {
    assert_eq!(status.state, State::Stalled);
    let problem = status.problem.as_ref().unwrap();
    assert_eq!((problem.cause, problem.remedy_by), (Cause::MessageMissing, RemedyBy::Person));
    assert!(problem.happened.contains("its answer is not known"), "{}", problem.happened);
    assert!(problem.still_works.contains("if Amazon did rotate, until about"), "{}", problem.still_works);
    assert_both_ways_on(problem);
    assert!(problem.act_by.is_some());
}

/// Rule 11: both ways on are named, and no command of any host's.
#[track_caller]
fn assert_both_ways_on(problem: &Problem) {
    assert_eq!(problem.action, Action::Decide);
    assert!(problem.remedy.contains("wait") && problem.remedy.contains("request again"), "{}", problem.remedy);
    assert!(!problem.remedy.contains("--"), "{}", problem.remedy);
}

/// Rule 2: never twice on a guess.
#[test]
fn a_lost_answer_is_waited_for_and_never_repeated() {
    for (effect, end) in [(true, State::Settled), (false, State::Stalled)] {
        let world = settled(4);
        run(&world, |host| exports::request(host, SHOP, false)).unwrap();
        world.borrow_mut().plans.push(("rotate", Planned::Lost(effect)));
        let status_after = advance(&world);
        assert_eq!(status_after.state, State::Awaiting);
        assert_eq!(status_after.problem.unwrap().cause, Cause::AnswerLost);
        for _ in 0..10 {
            drain(&world);
            advance(&world);
            world.borrow_mut().now += HOUR / 2;
        }
        assert_eq!(status(&world).state, end);
        if end == State::Stalled {
            assert_nobody_knows(&status(&world));
        }
        let asked = world.borrow().requests.iter().filter(|name| **name == "rotate").count();
        assert_eq!(asked, 1, "one intent, one call");
    }
}

/// Rules 1 and 2: whoever dies around the call, wherever, leaves at most one call, and the next host carries on.
#[test]
fn a_host_that_dies_at_any_import_of_the_rotation_costs_nothing() {
    let mut stalled = 0;
    for after in [false, true] {
        for place in 0.. {
            let world = settled(5);
            run(&world, |host| exports::request(host, SHOP, false)).unwrap();
            let (result, _) = call(&world, Some((place, after)), |host| {
                drop(exports::advance(host, SHOP));
                exports::drain(host, QUEUE, 10, 20)
            });
            if result.is_some() {
                assert!(place > 10, "there are more imports than {place}");
                break;
            }
            for _ in 0..20 {
                advance(&world);
                drain(&world);
                let passed = if status(&world).state == State::Requesting { 130_000 } else { 60_000 };
                world.borrow_mut().now += passed;
            }
            let asked = world.borrow().requests.iter().filter(|name| **name == "rotate").count();
            assert!(asked <= 1, "place {place}: {asked} calls");
            if status(&world).state == State::Awaiting {
                // Died after saying that the call may be sent, before sending it: nobody can know, a person decides.
                stalled += 1;
                assert_eq!(asked, 0, "place {place}");
                world.borrow_mut().now += HOUR;
                assert_nobody_knows(&advance(&world));
            } else {
                assert_done(&world);
            }
        }
    }
    assert_eq!(stalled, 2, "after the save of the intent, and before the call is sent");
}

#[test]
fn what_is_refused_for_good_names_what_to_do_and_changes_nothing() {
    let world = settled(5);
    world.borrow_mut().apps.get_mut(SHOP).unwrap().subscribed = false;
    run(&world, |host| exports::request(host, SHOP, false)).unwrap();
    let status = advance(&world);
    let problem = status.problem.unwrap();
    assert_eq!((problem.cause, problem.remedy_by), (Cause::NotSubscribed, RemedyBy::Person));
    assert!(problem.remedy.contains("Developer Console"), "{}", problem.remedy);
    assert_eq!(problem.amazon.unwrap().status, 400);
    assert!(problem.retry_at.is_some() && problem.act_by.is_some());
    // Put right, it goes on by itself.
    world.borrow_mut().apps.get_mut(SHOP).unwrap().subscribed = true;
    world.borrow_mut().now += 2 * HOUR;
    assert_eq!(advance(&world).state, State::Awaiting);
    drain(&world);
    assert_done(&world);
}

/// Rule 4, and a secret that lags.
#[test]
fn a_new_secret_that_lags_is_tried_again_and_its_message_stays_until_it_works() {
    let world = settled(6);
    world.borrow_mut().apps.get_mut(SHOP).unwrap().lag = 40 * 60 * 1000;
    run(&world, |host| exports::request(host, SHOP, false)).unwrap();
    advance(&world);
    let mut tries = 0;
    while status(&world).state != State::Settled {
        tries += 1;
        assert!(tries < 200);
        let answers = drain(&world);
        assert!(answers.iter().all(|answer| matches!(answer, Answer::HideUntil(_) | Answer::Delete)));
        advance(&world);
        if answers.is_empty() {
            let next = status(&world).next.unwrap().at;
            let mut world = world.borrow_mut();
            world.now = world.now.max(next.saturating_sub(20_000));
        }
    }
    // The message may still be hidden if the record's own deadline came first.
    world.borrow_mut().now += HOUR;
    drain(&world);
    assert_done(&world);
    assert!(tries > 3);
}

/// Every way into `stalled`, and both ways on.
#[test]
fn a_message_that_does_not_come_stalls_and_a_person_decides() {
    for decision in [Decision::Wait, Decision::RequestAgain] {
        let world = settled(7);
        world.borrow_mut().faults.late = 1000;
        run(&world, |host| exports::request(host, SHOP, false)).unwrap();
        advance(&world);
        // It is on its way for longer than the patience.
        world.borrow_mut().queue[0].visible_at += DAY;
        world.borrow_mut().now += 2 * HOUR;
        let stalled = advance(&world);
        assert_eq!(stalled.state, State::Stalled);
        let problem = stalled.problem.unwrap();
        assert_eq!((problem.cause, problem.remedy_by), (Cause::MessageMissing, RemedyBy::Person));
        assert_both_ways_on(&problem);
        assert!(matches!(run(&world, |host| exports::request(host, SHOP, false)), Err(Error::NotAllowed(_))));
        assert_eq!(world.borrow().calls.len(), 1);
        world.borrow_mut().faults.late = 0;
        let resumed = run(&world, |host| exports::resume(host, SHOP, decision)).unwrap();
        let expected = if decision == Decision::Wait { State::Awaiting } else { State::Requesting };
        assert_eq!(resumed.state, expected);
        advance(&world);
        assert_eq!(world.borrow().calls.len(), if decision == Decision::Wait { 1 } else { 2 });
        world.borrow_mut().now += 3 * DAY;
        for _ in 0..4 {
            drain(&world);
            world.borrow_mut().now += 600_000;
        }
        assert_done(&world);
    }
}

#[test]
fn a_new_secret_that_amazon_never_accepts_stalls_before_the_old_one_ends_and_is_still_tried() {
    let (world, problem) = refused(8, 6 * DAY + 12 * HOUR);
    assert_eq!(problem.cause, Cause::NewSecretRefused);
    world.borrow_mut().now += 12 * HOUR;
    drain(&world);
    world.borrow_mut().now += 12 * HOUR;
    drain(&world);
    assert_done(&world);
}

/// The other way on: the operator does not wait for Amazon any longer, and asks for another one.
#[test]
fn a_new_secret_that_amazon_never_accepts_is_replaced_by_one_that_is_requested_again() {
    let (world, problem) = refused(8, 400 * DAY);
    assert_eq!(problem.cause, Cause::NewSecretRefused);
    assert_both_ways_on(&problem);
    world.borrow_mut().apps.get_mut(SHOP).unwrap().lag = 0;

    let resumed = run(&world, |host| exports::resume(host, SHOP, Decision::RequestAgain)).unwrap();

    assert_eq!(resumed.state, State::Requesting);
    // Its message is hidden until the next try, so that the queue is read three times.
    for _ in 0..3 {
        advance(&world);
        world.borrow_mut().now += 4 * 60_000;
    }
    assert_eq!(world.borrow().calls.len(), 2, "one for each time that it was wanted");
    for _ in 0..4 {
        drain(&world);
        world.borrow_mut().now += HOUR;
    }
    assert_done(&world);
}

/// Rule 6: newest wins, in whatever order the messages come.
#[test]
fn an_older_or_repeated_message_changes_nothing() {
    let world = settled(9);
    world.borrow_mut().rotate(SHOP);
    world.borrow_mut().now += DAY;
    world.borrow_mut().rotate(SHOP);
    let copy = world.borrow().queue.clone();
    drain(&world);
    world.borrow_mut().now += HOUR;
    drain(&world);
    assert_done(&world);
    let before = world.borrow().store[SHOP].clone();
    for (n, message) in copy.iter().enumerate() {
        let mut message = message.clone();
        message.id = format!("again-{n}");
        world.borrow_mut().queue.push(message);
    }
    assert_eq!(drain(&world), [Answer::Delete, Answer::Delete]);
    assert_eq!(world.borrow().store[SHOP], before);
}

/// Rule 5 against whoever may send to the queue: invented secrets do not stand in the way of the real one.
#[test]
fn forged_messages_do_not_keep_a_new_secret_from_being_taken_up() {
    let world = settled(17);
    for _ in 0..9 {
        world.borrow_mut().forge(SHOP);
        drain(&world);
        world.borrow_mut().now += 60_000;
    }
    world.borrow_mut().rotate(SHOP);
    for _ in 0..60 {
        drain(&world);
        advance(&world);
        world.borrow_mut().now += 300_000;
    }
    let newest = world.borrow().newest(SHOP).secret.clone();
    assert_eq!(world.borrow().current(SHOP), Some(newest.clone()));
    assert!(world.borrow().published(SHOP, &newest));
    // When the flood has ended, the invented ones are given up and nothing stays stalled.
    world.borrow_mut().queue.clear();
    for _ in 0..40 {
        advance(&world);
        world.borrow_mut().now += DAY;
    }
    assert_eq!((status(&world).state, status(&world).candidate_expires_at), (State::Settled, None));
}

/// Rule 7: not ours, not touched.
#[test]
fn what_is_not_ours_or_not_readable_is_left() {
    let world = settled(10);
    for body in [&b"not json"[..], b"{}", include_bytes!("vectors/new-secret.json"), b"\xff"] {
        world.borrow_mut().put_message(body.to_vec(), Kind::Foreign, 0);
    }
    let answers = drain(&world);
    assert_eq!(answers.len(), 4);
    assert!(answers.iter().all(|answer| matches!(answer, Answer::Leave(_))));
    assert_eq!(world.borrow().queue.len(), 4);
}

/// An expiry notice is recorded; one about the old secret does not bring another rotation.
#[test]
fn an_expiry_notice_for_the_old_secret_does_not_rotate_again() {
    let world = settled(11);
    run(&world, |host| exports::request(host, SHOP, false)).unwrap();
    advance(&world);
    drain(&world);
    let due = status(&world).rotation_due_at;
    let old_ends_at = status(&world).retired_ends_at.unwrap();
    world.borrow_mut().notify_expiry(SHOP, old_ends_at);
    assert_eq!(drain(&world), [Answer::Delete]);
    assert_eq!(advance(&world).rotation_due_at, due);
    assert_eq!(world.borrow().calls.len(), 1);
}

#[test]
fn an_expiry_notice_tells_what_nobody_knew() {
    let world = World::shared(12);
    let (secret, ends_at) = (world.borrow().newest(SHOP).secret.clone(), world.borrow().newest(SHOP).ends_at);
    world.borrow_mut().settings.get_mut(SHOP).unwrap().rotate_before = 5 * 24 * 3600;
    run(&world, |host| exports::enroll(host, SHOP, secret.into_bytes(), None, true)).unwrap();
    assert_eq!(advance(&world).rotation_due_at, None);
    world.borrow_mut().notify_expiry(SHOP, ends_at);
    drain(&world);
    assert_eq!(status(&world).expires_at, Some(ends_at));
    assert!(status(&world).rotation_due_at.is_some());
}

/// Rule 8: the old secret stays until Amazon ends it, then it is purged.
#[test]
fn the_old_secret_is_kept_until_its_end_and_then_erased() {
    let world = settled(13);
    // Longer than clocks differ: Amazon made the new one after the old one was supplied.
    world.borrow_mut().now += HOUR;
    let old = world.borrow().newest(SHOP).secret.clone();
    run(&world, |host| exports::request(host, SHOP, false)).unwrap();
    advance(&world);
    drain(&world);
    world.borrow_mut().now += 6 * DAY + 23 * HOUR;
    advance(&world);
    let stored = |world: &Shared| String::from_utf8(world.borrow().store[SHOP].document.clone()).unwrap();
    assert!(stored(&world).contains(&old));
    world.borrow_mut().now += 2 * HOUR;
    assert_eq!(advance(&world).retired_ends_at, None);
    assert!(!stored(&world).contains(&old));
}

/// A person's slip in a date does not cost a secret.
#[test]
fn a_wrong_expiry_time_given_at_enrolment_does_not_lose_a_new_secret() {
    let world = settled(14);
    let secret = world.borrow().newest(SHOP).secret.clone();
    let now = world.borrow().now;
    let enroll = |days: u64| {
        let at = Some(Instant(now + days * DAY));
        run(&world, |host| exports::enroll(host, SHOP, secret.clone().into_bytes(), at, true))
    };
    assert!(matches!(enroll(9999), Err(Error::NotAllowed(text)) if text.contains("180 days")));
    enroll(180).unwrap();
    run(&world, |host| exports::request(host, SHOP, false)).unwrap();
    advance(&world);
    drain(&world);
    assert_done(&world);
}

/// A secret from the console, handed over by a person, is proven before it is used.
#[test]
fn a_secret_supplied_later_becomes_current_when_it_is_verified() {
    let world = settled(15);
    world.borrow_mut().rotate(SHOP);
    let secret = world.borrow().newest(SHOP).secret.clone();
    let status = run(&world, |host| exports::enroll(host, SHOP, secret.clone().into_bytes(), None, true)).unwrap();
    // No message comes for a rotation in the console.
    world.borrow_mut().queue.clear();
    assert_eq!(status.state, State::Verifying);
    assert_eq!(advance(&world).state, State::Settled);
    assert_done(&world);
    // The old one supplied again by mistake: nothing of Amazon's puts the two in order, so that it is used while it works.
    let old = world.borrow().apps[SHOP].issued[0].secret.clone();
    run(&world, |host| exports::enroll(host, SHOP, old.into_bytes(), None, true)).unwrap();
    for _ in 0..8 * 24 {
        advance(&world);
        world.borrow_mut().now += HOUR;
    }
    assert_done(&world);
}

/// A person's slip at `enroll` can be put right in either way.
#[test]
fn a_wrong_secret_supplied_stands_beside_the_one_in_use_until_it_is_taken_back() {
    let world = settled(18);
    let right = world.borrow().newest(SHOP).secret.clone();
    let hand = |secret: &str| run(&world, |host| exports::enroll(host, SHOP, secret.into(), None, true)).unwrap();
    assert_eq!(hand("mistyped").state, State::Verifying);
    let problem = advance(&world).problem.unwrap();
    assert_eq!((problem.cause, problem.remedy_by), (Cause::SecretRefused, RemedyBy::Person));
    assert!(problem.remedy.contains("takes this one back"), "{}", problem.remedy);
    assert_eq!(world.borrow().current(SHOP), Some(right.clone()), "the one in use stays in use");
    assert_eq!(hand("mistyped-again").state, State::Verifying);
    assert_eq!(hand(&right).state, State::Settled);
    assert_eq!(status(&world).problem, None);
}

/// A call that was refused for a wrong secret goes on at once when the right one is handed over.
#[test]
fn the_right_secret_supplied_after_a_refused_call_is_not_kept_waiting() {
    let world = World::shared(19);
    let right = world.borrow().newest(SHOP).secret.clone();
    let hand = |secret: &str| run(&world, |host| exports::enroll(host, SHOP, secret.into(), None, true)).unwrap();
    hand("mistyped");
    run(&world, |host| exports::request(host, SHOP, false)).unwrap();
    assert_eq!(advance(&world).problem.unwrap().cause, Cause::SecretRefused);
    assert_eq!(hand(&right).problem, None);
    assert_eq!(advance(&world).state, State::Awaiting);
    drain(&world);
    assert_done(&world);
}

#[test]
fn a_trial_makes_three_calls_and_touches_no_store() {
    let world = settled(16);
    let before = world.borrow().store[SHOP].clone();
    assert_eq!(run(&world, |host| exports::verify(host, SHOP)).unwrap(), None);
    assert_eq!(world.borrow().requests, ["token", "token", "verify"]);
    assert_eq!(world.borrow().store[SHOP], before);
    world.borrow_mut().now += 21 * DAY;
    let problem = run(&world, |host| exports::verify(host, SHOP)).unwrap().unwrap();
    assert!(matches!(problem.cause, Cause::SecretExpired | Cause::SecretRefused));
}
