//! The faults of `docs/rotation.md` that one host meets: Amazon, the queue, the store and targets that fail, each step by step.

use lwa_rotate_component::bindings::exports::lwa::rotation::rotation::{Answer, Left};
use lwa_rotate_component::bindings::lwa::rotation::types::{Cause, RemedyBy};
use world::steps::settled;
use world::{DAY, Failing, Planned};

use super::*;

fn plan(world: &Shared, import: &'static str, ends: Planned) {
    world.borrow_mut().plans.push((import, ends));
}

/// An answer in Amazon's own form.
fn amazon_says(status: u16, code: &str) -> Planned {
    let body = serde_json::json!({ "errors": [{ "code": code, "message": "in the test", "details": "" }] });
    Planned::Answered(status, body.to_string().into_bytes())
}

/// What something else says that is not Amazon.
fn something_else_says(status: u16) -> Planned {
    Planned::Answered(status, b"<html>please sign in to the guest network</html>".to_vec())
}

/// Rule 2: a rotate call that Amazon refuses for the moment is made again, not before a minute has passed.
#[test]
fn a_rotate_call_that_amazon_refuses_for_the_moment_is_made_again_later() {
    for (status, code) in [(429, "QuotaExceeded"), (503, "ServiceUnavailable")] {
        let world = settled(301);
        request(&world);
        plan(&world, "rotate", amazon_says(status, code));

        let refused = advance(&world);

        assert_eq!(refused.state, State::Requesting, "{status}");
        let problem = refused.problem.unwrap();
        assert_eq!(problem.remedy_by, RemedyBy::Time, "{status}");
        assert!(problem.retry_at.unwrap() >= world.borrow().now + MINUTE, "{status}: {:?}", problem.retry_at);
        pass(&world, 30_000);
        assert_eq!((advance(&world).state, rotate_calls(&world)), (State::Requesting, 1), "{status}: too early");
        world.borrow_mut().now = problem.retry_at.unwrap();
        make_the_call(&world);
        assert_eq!((rotate_calls(&world), world.borrow().apps[SHOP].carried_out), (2, 1));
        hours(&world, 1);
        assert_done(&world);
    }
}

/// Rule 2: any other failure of Amazon's may have come after the effect; the message is awaited, and the call is not repeated.
#[test]
fn a_rotate_call_that_fails_at_amazon_is_not_repeated() {
    for status in [500, 502, 504] {
        let world = settled(302);
        request(&world);
        plan(&world, "rotate", amazon_says(status, "InternalFailure"));

        make_the_call(&world);

        hours(&world, 3);
        assert_eq!(status_of(&world), (State::Stalled, 1), "{status}");
    }
}

/// The state, and how many rotate calls were sent.
fn status_of(world: &Shared) -> (State, usize) {
    (status(world).state, rotate_calls(world))
}

/// Rule 2: nothing was sent, so it is tried again, wherever the connection is missing.
#[test]
fn whatever_is_not_sent_is_sent_later() {
    for name in ["token", "rotate"] {
        let world = settled(303);
        request(&world);
        plan(&world, name, Planned::NotSent);
        let missed = advance(&world);
        assert_eq!((missed.state, missed.problem.unwrap().cause), (State::Requesting, Cause::NotConnected), "{name}");
        make_the_call(&world);
        hours(&world, 1);
        assert_done(&world);
        assert_eq!(world.borrow().apps[SHOP].carried_out, 1, "{name}");
    }
    // And the first use of the new secret.
    let world = settled(304);
    let new = rotated_by_amazon(&world);
    plan(&world, "verify", Planned::NotSent);
    assert!(matches!(drain(&world)[..], [Answer::HideUntil(_)]));
    let kept = status(&world);
    assert_eq!((kept.state, kept.problem.unwrap().cause), (State::Verifying, Cause::NotConnected));
    assert_ne!(current(&world), new, "rule 4: verified before it is used");
    hours(&world, 1);
    assert_done(&world);
}

/// Rule 5: a queue that cannot be read is an error, and costs nothing; what was hidden by an answer that did not come is there
/// again later.
#[test]
fn a_queue_that_cannot_be_read_changes_nothing_and_is_read_later() {
    for how in [Failing::Before, Failing::After, Failing::Denied] {
        let world = settled(305);
        request(&world);
        make_the_call(&world);
        pass(&world, 5_000);
        let before = held_and_current(&world);
        plan(&world, "receive", Planned::Fails(how));

        let result = run(&world, |host| exports::drain(host, QUEUE, 10, 20));

        assert!(matches!(result, Err(Error::Queue(_))), "{how:?}");
        assert_eq!(held_and_current(&world), before);
        pass(&world, 3 * MINUTE);
        drain(&world);
        assert_done(&world);
    }
}

/// Rule 6: a message that could not be deleted comes again, and changes nothing.
#[test]
fn a_message_that_cannot_be_deleted_comes_again_and_changes_nothing() {
    for how in [Failing::Before, Failing::After] {
        let world = settled(306);
        rotated_by_amazon(&world);
        plan(&world, "delete", Planned::Fails(how));
        assert_eq!(drain(&world), [Answer::Delete], "{how:?}");
        let left = usize::from(how == Failing::Before);
        assert_eq!(world.borrow().queue.len(), left);
        let before = held_and_current(&world);
        pass(&world, 3 * MINUTE);
        assert_eq!(drain(&world).len(), left);
        assert_eq!(held_and_current(&world), before, "{how:?}");
        assert_done(&world);
    }
}

/// Rule 5: a message that could not be hidden comes again at the end of its time, and is taken up like any other.
#[test]
fn a_message_that_cannot_be_hidden_comes_again() {
    let world = settled(307);
    world.borrow_mut().apps.get_mut(SHOP).unwrap().lag = HOUR;
    rotated_by_amazon(&world);
    plan(&world, "hide", Planned::Fails(Failing::Before));
    assert!(matches!(drain(&world)[..], [Answer::HideUntil(_)]));
    assert_eq!(world.borrow().queue.len(), 1);
    hours(&world, 2);
    assert_done(&world);
}

/// Rules 2 and 12: with a current secret that has ended no rotation is carried out; the newer one in the queue is the way out.
#[test]
fn a_current_secret_that_has_ended_is_replaced_by_the_one_in_the_queue() {
    let world = settled(308);
    rotated_by_amazon(&world);
    // The queue has not been read for eight days.
    pass(&world, 8 * DAY);
    request(&world);
    advance(&world);
    assert_eq!(world.borrow().apps[SHOP].carried_out, 0);
    hours(&world, 1);
    assert_eq!(world.borrow().apps[SHOP].carried_out, 0, "it was not asked for another one");
    assert_done(&world);
    assert_eq!(status(&world).state, State::Settled);
}

/// Rule 1: what cannot be saved is not begun.
#[test]
fn a_store_that_cannot_be_written_stops_a_rotation_before_it_begins() {
    for how in [Failing::Before, Failing::Full, Failing::Denied] {
        let world = settled(309);
        let before = held_and_current(&world);
        plan(&world, "save", Planned::Fails(how));
        assert!(matches!(run(&world, |host| exports::request(host, SHOP, false)), Err(Error::Store(_))), "{how:?}");
        assert_eq!(held_and_current(&world), before);
        request(&world);
        plan(&world, "save", Planned::Fails(how));
        assert!(matches!(run(&world, |host| exports::advance(host, SHOP)), Err(Error::Store(_))), "{how:?}");
        assert_eq!(rotate_calls(&world), 0);
        // Nor is anything begun on a record that cannot be read.
        let unreadable = if how == Failing::Denied { how } else { Failing::Before };
        plan(&world, "load", Planned::Fails(unreadable));
        assert!(matches!(run(&world, |host| exports::advance(host, SHOP)), Err(Error::Store(_))));
        assert_eq!(rotate_calls(&world), 0);
        make_the_call(&world);
        hours(&world, 1);
        assert_done(&world);
    }
}

/// Rule 5: a new secret that cannot be kept stays in the queue.
#[test]
fn a_new_secret_that_cannot_be_kept_stays_in_the_queue_until_it_can() {
    for how in [Failing::Before, Failing::Full, Failing::Denied] {
        let world = settled(310);
        let new = rotated_by_amazon(&world);
        plan(&world, "save", Planned::Fails(how));
        assert!(matches!(drain(&world)[..], [Answer::Leave(Left::NotKept(_))]), "{how:?}");
        assert!(!world.borrow().keeps(SHOP, &new));
        assert_eq!(world.borrow().queue.len(), 1);
        pass(&world, 3 * MINUTE);
        drain(&world);
        assert_done(&world);
    }
}

/// Rules 1, 2 and 5: any single save may fail, with or without its effect; the rotation is finished all the same, by one call.
#[test]
fn a_store_that_fails_at_any_one_save_costs_nothing() {
    for how in [Failing::Before, Failing::After, Failing::Full] {
        for place in 0.. {
            let world = settled(311);
            for _ in 0..place {
                plan(&world, "save", Planned::Passes);
            }
            plan(&world, "save", Planned::Fails(how));
            let failed = |world: &Shared| world.borrow().plans.is_empty();
            drop(run(&world, |host| exports::request(host, SHOP, false)));
            for _ in 0..40 {
                drop(run(&world, |host| exports::request(host, SHOP, false)));
                if world.borrow().apps[SHOP].carried_out > 0 {
                    break;
                }
                drop(run(&world, |host| exports::advance(host, SHOP)));
                pass(&world, MINUTE);
            }
            for _ in 0..40 {
                drop(run(&world, |host| exports::advance(host, SHOP)));
                drop(run(&world, |host| exports::drain(host, QUEUE, 10, 20)));
                pass(&world, MINUTE);
            }
            assert_done(&world);
            let done = status(&world);
            assert_eq!((done.state, done.generation), (State::Settled, 2), "{how:?} {place}");
            assert_eq!((rotate_calls(&world), world.borrow().calls.len()), (1, 1), "{how:?} {place}");
            if !failed(&world) {
                assert!(place > 5, "there are more saves than {place}");
                break;
            }
        }
    }
}

/// Rules 5 and 14: a target that cannot be written keeps the message in the queue, and is written when it can be.
#[test]
fn a_target_that_cannot_be_written_keeps_the_message_until_it_can() {
    for how in [Failing::Before, Failing::After] {
        let world = settled(312);
        let old = newest(&world);
        let new = rotated_by_amazon(&world);
        plan(&world, "put", Planned::Fails(how));
        assert!(matches!(drain(&world)[..], [Answer::HideUntil(_)]), "{how:?}");
        let failed = status(&world);
        assert_eq!((failed.state, failed.problem.unwrap().cause), (State::Publishing, Cause::TargetFailed));
        assert_eq!(failed.targets.iter().filter(|target| target.holds_current).count(), 1);
        assert_eq!(held(&world, "env"), Some(if how == Failing::After { new } else { old }));
        assert_eq!(world.borrow().queue.len(), 1);
        hours(&world, 1);
        assert_done(&world);
        assert_eq!(status(&world).state, State::Settled);
    }
}

/// Rule 7: messages made to exhaust memory are left, and the new secret behind them is taken up.
#[test]
fn messages_made_to_exhaust_memory_are_left_and_the_new_secret_is_taken_up() {
    let world = settled(313);
    // Short enough to be read, and too long.
    for size in [60_000, 250_000] {
        let deep = "[".repeat(size);
        let wide = format!("{{\"a\":[{}1]}}", "{\"a\":1},".repeat(size / 8 - 2));
        let escaped = format!("{{\"notificationType\":\"{}\"}}", "\\u0041".repeat(size / 6 - 10));
        for body in [deep, wide, escaped] {
            world.borrow_mut().put_message(body.into_bytes(), Kind::Foreign, 0);
        }
    }
    rotated_by_amazon(&world);
    let answers = drain(&world);
    assert_eq!(answers.iter().filter(|answer| matches!(answer, Answer::Leave(_))).count(), 6);
    assert_eq!(world.borrow().queue.len(), 6);
    assert_done(&world);
}

/// Rule 5: a record that cannot be read is left as it is, nothing is sent, and no message is taken.
#[test]
fn a_record_that_cannot_be_read_is_left_as_it_is() {
    let whole = settled(314).borrow().store[SHOP].document.clone();
    let cut = whole[..whole.len() - 20].to_vec();
    for document in [cut, b"not a record".to_vec(), br#"{"format":999}"#.to_vec(), Vec::new()] {
        let world = settled(314);
        let secret = newest(&world);
        rotated_by_amazon(&world);
        world.borrow_mut().overwrite(SHOP, &document);
        assert!(matches!(run(&world, |host| exports::advance(host, SHOP)), Err(Error::UnreadableRecord(_))));
        assert!(matches!(run(&world, |host| exports::request(host, SHOP, false)), Err(Error::UnreadableRecord(_))));
        assert!(matches!(supply(&world, &secret), Err(Error::UnreadableRecord(_))), "it is not replaced either");
        assert!(matches!(drain(&world)[..], [Answer::Leave(Left::NotKept(_))]));
        assert_eq!(world.borrow().store[SHOP].document, document);
        assert_eq!(world.borrow().requests, ["receive"]);
        // Put back, it goes on.
        world.borrow_mut().overwrite(SHOP, &whole);
        pass(&world, 3 * MINUTE);
        drain(&world);
        assert_done(&world);
    }
}

/// Rules 2, 4 and 13: what answers in Amazon's place makes no secret current and no second call.
#[test]
fn an_answer_of_something_else_is_no_answer_of_amazons() {
    for status in [200, 302, 502] {
        let world = settled(315);
        request(&world);
        plan(&world, "token", something_else_says(status));
        assert_eq!(advance(&world).state, State::Requesting, "{status}");
        assert_eq!(rotate_calls(&world), 0, "{status}: without a token there is no call");
        make_the_call(&world);
        pass(&world, 5_000);
        // Of three ways to verify the new secret, none is Amazon's.
        plan(&world, "token", something_else_says(status));
        drain(&world);
        assert_eq!(self::status(&world).state, State::Verifying, "{status}");
        hours(&world, 1);
        assert_done(&world);
    }
    for status in [200, 408, 502, 504] {
        let world = settled(316);
        request(&world);
        plan(&world, "rotate", something_else_says(status));
        make_the_call(&world);
        hours(&world, 3);
        assert_eq!(status_of(&world), (State::Stalled, 1), "{status}: whether it came through is not known");
    }
}

/// Rule 9: an answer that repeats the secret does not bring it into a status.
#[test]
fn an_answer_that_repeats_the_secret_is_not_shown() {
    let world = settled(317);
    let secret = newest(&world);
    request(&world);
    let body = serde_json::json!({ "error": "invalid_request", "error_description": format!("bad secret {secret}") });
    plan(&world, "token", Planned::Answered(400, body.to_string().into_bytes()));
    let answer = run(&world, |host| exports::advance(host, SHOP));
    world.borrow().check_answer(&answer);
    assert!(answer.unwrap().problem.is_some());
}
