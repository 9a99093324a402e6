//! What messages bring, and what is not ours.

use super::*;

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

/// Rule 5, against everyone who may send to the queue: invented secrets do not keep the real one from being used.
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
    for body in [&b"not json"[..], b"{}", include_bytes!("../vectors/new-secret.json"), b"\xff"] {
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
fn an_expiry_notice_says_what_was_not_known() {
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
