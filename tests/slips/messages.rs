//! Messages that come late, that Amazon never sent, or that are about something else.

use super::*;

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

/// A notice about the old secret does not rotate again, also when the new one was supplied.
#[test]
fn a_notice_for_the_old_secret_does_not_rotate_again_after_a_secret_was_supplied() {
    let world = settled(111);
    let secret = rotate_in_console(&world);
    let (ends, old_ends) = (world.borrow().newest(SHOP).ends_at, world.borrow().apps[SHOP].issued[0].ends_at);
    world.borrow_mut().now += HOUR;
    supply(&world, &secret, Some(ends)).unwrap();
    assert_eq!(advance(&world).state, State::Settled);
    world.borrow_mut().notify_expiry(SHOP, old_ends);
    world.borrow_mut().now += 5_000;
    assert_eq!(drain(&world), [Answer::Delete]);
    assert_eq!(status(&world).expires_at, Some(ends));
    advance(&world);
    assert_eq!(rotates(&world), 0, "a rotation inside the overlap that no one needs");
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
