//! The steps that tests take one by one, on the application [`SHOP`] and the one queue.

use lwa_rotate_component::bindings::exports::lwa::rotation::rotation::Answer;
use lwa_rotate_component::bindings::lwa::rotation::types::{ApplicationStatus, Problem, State};
use lwa_rotate_component::exports;
use lwa_rotate_component::instant::Instant;

use crate::{DAY, HOUR, QUEUE, SHOP, Shared, SimulatedHost, World, call};

/// A world whose application is enrolled with its right date, and nothing more.
pub fn enrolled(seed: u64) -> Shared {
    let world = World::shared(seed);
    let (secret, ends_at) = {
        let world = world.borrow();
        let issued = world.newest(SHOP);
        (issued.secret.clone(), issued.ends_at)
    };
    let status = run(&world, |host| exports::enroll(host, SHOP, secret.into_bytes(), Some(Instant(ends_at)), true));
    assert_eq!(status.unwrap().state, State::Verifying);
    world
}

/// Enrolled, proven, published, and not yet due: the margin is less than what is left.
pub fn settled(seed: u64) -> Shared {
    let world = enrolled(seed);
    world.borrow_mut().settings.get_mut(SHOP).unwrap().rotate_before = 5 * 24 * 3600;
    let status = advance(&world);
    assert_eq!((status.state, status.verified, status.generation), (State::Settled, true, 1));
    world.borrow_mut().requests.clear();
    world
}

/// Settled, and rotated to a secret that Amazon does not accept before so many milliseconds have passed: stalled a day before the
/// one in use ends. The world, and what is told.
pub fn refused(seed: u64, lag: u64) -> (Shared, Problem) {
    let world = settled(seed);
    world.borrow_mut().apps.get_mut(SHOP).unwrap().lag = lag;
    run(&world, |host| exports::request(host, SHOP, true)).unwrap();
    advance(&world);
    drain(&world);
    world.borrow_mut().now += 6 * DAY + HOUR;
    drain(&world);
    let status = advance(&world);
    assert_eq!(status.state, State::Stalled);
    (world, status.problem.unwrap())
}

/// Makes a call on a host that does not die.
pub fn run<T>(world: &Shared, body: impl FnOnce(&mut SimulatedHost<'_>) -> T) -> T {
    call(world, None, body).0.expect("no crash was asked for")
}

/// Takes the application as far as it can go.
pub fn advance(world: &Shared) -> ApplicationStatus {
    run(world, |host| exports::advance(host, SHOP)).unwrap()
}

/// Reads the queue once; what becomes of each message.
pub fn drain(world: &Shared) -> Vec<Answer> {
    run(world, |host| exports::drain(host, QUEUE, 10, 20))
        .unwrap()
        .deliveries
        .into_iter()
        .map(|delivery| delivery.answer)
        .collect()
}

/// Where the application stands.
pub fn status(world: &Shared) -> ApplicationStatus {
    run(world, |host| exports::status(host, SHOP)).unwrap()
}
