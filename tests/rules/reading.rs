//! Rule 12: the queue is read to its end before the rotate call, and a newer secret found there is taken up instead.

use lwa_rotate_component::bindings::lwa::rotation::queue::Flow;
use world::{Call, Failing, Planned, QUEUE};

use super::*;

fn messages_of_others(world: &Shared, count: usize) {
    for _ in 0..count {
        world.borrow_mut().put_message(br#"{"for":"others"}"#.to_vec(), Kind::Foreign, 0);
    }
}

/// A newer secret in the queue is taken up instead of calling, also behind 900 messages of others, within a few calls.
#[test]
fn a_newer_secret_behind_messages_of_others_is_taken_up_instead_of_calling() {
    for others in [0, 9, 900] {
        let world = settled(521);
        messages_of_others(&world, others);
        rotated_by_amazon(&world);
        request(&world, false).unwrap();
        let mut calls = 0;
        while advance(&world).state == State::Requesting {
            calls += 1;
            assert!(calls <= 10, "{others} others: not taken up within {calls} calls");
        }
        assert_eq!(count(&world, "rotate"), 0, "{others} others");
        pass(&world, HOUR);
        while !drain(&world).is_empty() {}
        assert_done(&world);
        assert_eq!(world.borrow().queue.len(), others, "rule 7: theirs are left");
    }
}

/// A queue of 1,500 messages of others is not read to its end: no call until 7 days before the end, and the person reads what to
/// do. Nor does trying wear out a store of versions.
#[test]
fn a_queue_with_too_many_messages_of_others_blocks_until_seven_days_before_the_end() {
    let world = settled(522);
    let end = world.borrow().newest(SHOP).ends_at;
    messages_of_others(&world, 1_500);
    request(&world, false).unwrap();
    advance_as_announced(&world, 2 * HOUR);
    let problem = blocked(&world);
    assert!(problem.happened.contains("messages of others"), "{}", problem.happened);
    assert!(problem.remedy.contains("queue of their own"), "{}", problem.remedy);
    for _ in 0..3 {
        let saves = world.borrow().saves(SHOP);
        advance_as_announced(&world, DAY);
        let saves = world.borrow().saves(SHOP) - saves;
        assert!(saves <= 40, "{saves} saves in a day");
    }
    assert_eq!(count(&world, "rotate"), 0);
    world.borrow_mut().queue.iter_mut().for_each(|message| message.sent_at = u64::MAX / 2);
    let left = end - world.borrow().now;
    advance_as_announced(&world, left - 7 * DAY + 3 * HOUR);
    assert_eq!(count(&world, "rotate"), 1, "then the call cannot make things worse");
}

/// The same, and others have taken their messages: it is read again.
#[test]
fn a_queue_whose_messages_of_others_are_gone_is_read_again() {
    let world = settled(523);
    messages_of_others(&world, 1_500);
    request(&world, false).unwrap();
    advance_as_announced(&world, 2 * HOUR);
    blocked(&world);
    world.borrow_mut().queue.clear();
    advance_as_announced(&world, 2 * HOUR);
    assert_eq!(count(&world, "rotate"), 1);
}

/// What is left is given back when the end is reached: other programs wait for it.
#[test]
fn messages_of_others_are_given_back_when_the_end_is_reached() {
    let world = settled(524);
    messages_of_others(&world, 25);
    request(&world, false).unwrap();
    assert_eq!(advance(&world).state, State::Awaiting);
    let world = world.borrow();
    let hidden = world.queue.iter().filter(|message| message.kind == Kind::Foreign && message.visible_at > world.now);
    assert_eq!(hidden.count(), 0);
}

/// Messages in flight elsewhere: three readings, 3 minutes apart, then the call is made and says so.
#[test]
fn while_messages_are_in_flight_elsewhere_the_queue_is_read_three_times() {
    let world = settled(525);
    messages_of_others(&world, 1);
    world.borrow_mut().queue[0].received = 1;
    world.borrow_mut().queue[0].visible_at += DAY;
    request(&world, false).unwrap();
    journal(&world);
    for reading in 1..3 {
        let status = advance(&world);
        assert_eq!((status.state, count(&world, "receive")), (State::Requesting, reading));
        pass(&world, 3 * MINUTE - 10_000);
        assert_eq!(
            (advance(&world).state, count(&world, "receive")),
            (State::Requesting, reading),
            "not before its time"
        );
        pass(&world, 10_000);
    }
    assert_eq!(advance(&world).state, State::Awaiting);
    assert_eq!(count(&world, "receive"), 3);
    let said = journal(&world);
    assert!(said.contains("1 messages are in flight"), "{said}");
}

/// A newer secret that was in the hands of another program comes back between two readings, and is taken up.
#[test]
fn a_newer_secret_that_was_in_flight_elsewhere_is_taken_up_instead_of_calling() {
    let world = settled(526);
    rotated_by_amazon(&world);
    world.borrow_mut().queue[0].received = 1;
    world.borrow_mut().queue[0].visible_at += 4 * MINUTE;
    request(&world, false).unwrap();
    advance_as_announced(&world, 15 * MINUTE);
    assert_eq!(count(&world, "rotate"), 0);
    assert_eq!(current(&world), newest(&world));
}

/// Messages that a service passes on are not received: two looks at the counts, 3 minutes apart, take the place of reading.
#[test]
fn a_queue_whose_messages_are_pushed_is_looked_at_twice() {
    let world = settled(527);
    world.borrow_mut().flow = Flow::Pushed;
    request(&world, false).unwrap();
    assert_eq!(advance(&world).state, State::Requesting);
    pass(&world, MINUTE);
    assert_eq!((advance(&world).state, count(&world, "inspect")), (State::Requesting, 1));
    pass(&world, 2 * MINUTE + 1_000);
    assert_eq!((advance(&world).state, count(&world, "inspect")), (State::Awaiting, 2));
    assert_eq!(count(&world, "receive"), 0);
}

/// The host that prepares has 10 minutes; then another host takes over, and the first one makes no call.
#[test]
fn a_preparation_is_taken_over_after_ten_minutes_and_not_before() {
    let world = settled(528);
    request(&world, false).unwrap();
    let slow = Call::begin(&world, |host| drop(exports::advance(host, SHOP))).unwrap();
    let slow = slow.until("token").expect("it has read the queue");
    pass(&world, 9 * MINUTE);
    assert_eq!((advance(&world).state, count(&world, "rotate")), (State::Requesting, 0));
    pass(&world, MINUTE + 1_000);
    assert_eq!((advance(&world).state, count(&world, "rotate")), (State::Awaiting, 1));

    slow.finish();

    assert_eq!(count(&world, "rotate"), 1);
}

/// A newer secret that cannot be kept at this moment is not called past: it stays in the queue, and is taken up later.
#[test]
fn a_newer_secret_that_cannot_be_kept_is_taken_up_later_instead_of_calling() {
    let world = settled(529);
    rotated_by_amazon(&world);
    request(&world, false).unwrap();
    // The preparation is saved, and what the message brings is not.
    world.borrow_mut().plans.push(("save", Planned::Passes));
    world.borrow_mut().plans.push(("save", Planned::Fails(Failing::Full)));
    drop(run(&world, |host| exports::advance(host, SHOP)));
    assert_eq!(count(&world, "rotate"), 0);
    advance_as_announced(&world, 30 * MINUTE);
    assert_eq!(count(&world, "rotate"), 0);
    assert_eq!(current(&world), newest(&world));
}

/// An application's queue may bring what is for another one of this host's.
#[test]
fn what_the_queue_brings_for_another_application_is_taken_up_too() {
    const SECOND: &str = "amzn1.application-oa2-client.second";
    let world = settled(530);
    world.borrow_mut().add_app(SECOND, 20 * DAY);
    let first = world.borrow().newest(SECOND).secret.clone();
    run(&world, |host| exports::enroll(host, SECOND, first.into_bytes(), None, true)).unwrap();
    run(&world, |host| exports::advance(host, SECOND)).unwrap();
    world.borrow_mut().rotate(SECOND);
    pass(&world, 5_000);
    request(&world, false).unwrap();
    assert_eq!(advance(&world).state, State::Awaiting);
    assert_eq!(world.borrow().current(SECOND), Some(world.borrow().newest(SECOND).secret.clone()));
    assert!(run(&world, |host| exports::drain(host, QUEUE, 10, 1)).is_ok());
}
