//! Clocks that were wrong for a while.

use super::*;

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

/// The same for the verification of a new secret.
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
