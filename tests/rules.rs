//! What the component promises beyond the way of a rotation: queues that block, operators, places, and what is said to a person.

#![allow(missing_docs, clippy::unwrap_used, reason = "tests")]

#[path = "rules/operator.rs"]
mod operator;
#[path = "rules/places.rs"]
mod places;
#[path = "rules/queue.rs"]
mod queue;
#[path = "rules/reading.rs"]
mod reading;
#[path = "rules/reminders.rs"]
mod reminders;

use lwa_rotate_component::bindings::exports::lwa::rotation::rotation::Error;
use lwa_rotate_component::bindings::lwa::rotation::types::{ApplicationStatus, Cause, Problem, State};
use lwa_rotate_component::exports;
use lwa_rotate_component::instant::Instant;
use world::steps::{advance, drain, run, settled, status};
use world::{DAY, HOUR, Kind, SHOP, Shared};

/// One minute, in milliseconds.
const MINUTE: u64 = 60_000;

/// Lets the time pass.
fn pass(world: &Shared, milliseconds: u64) {
    world.borrow_mut().now += milliseconds;
}

fn newest(world: &Shared) -> String {
    world.borrow().newest(SHOP).secret.clone()
}

fn current(world: &Shared) -> String {
    world.borrow().current(SHOP).unwrap()
}

/// How often an import was made: a request to Amazon, or to the queue.
fn count(world: &Shared, import: &str) -> usize {
    world.borrow().requests.iter().filter(|name| **name == import).count()
}

fn set_targets(world: &Shared, names: &[&str]) {
    world.borrow_mut().settings.get_mut(SHOP).unwrap().targets = world::targets(names);
}

fn request(world: &Shared, force: bool) -> Result<ApplicationStatus, Error> {
    run(world, |host| exports::request(host, SHOP, force))
}

/// An operator supplies a secret, with a date that is confirmed, or none.
fn supply(world: &Shared, secret: &str, ends_at: Option<u64>) -> Result<ApplicationStatus, Error> {
    run(world, |host| exports::enroll(host, SHOP, secret.into(), ends_at.map(Instant), true))
}

/// Amazon rotates, by the console, and the message is there.
fn rotated_by_amazon(world: &Shared) -> String {
    world.borrow_mut().rotate(SHOP);
    pass(world, 5_000);
    newest(world)
}

/// Advances when that was announced, for so long; no more often than once a minute.
fn advance_as_announced(world: &Shared, milliseconds: u64) {
    let end = world.borrow().now + milliseconds;
    loop {
        let answer = run(world, |host| exports::advance(host, SHOP));
        world.borrow().check_answer(&answer);
        let next = answer.unwrap().next.map_or(u64::MAX, |deadline| deadline.at);
        let mut world = world.borrow_mut();
        world.now = next.max(world.now + MINUTE);
        if world.now >= end {
            world.now = end;
            return;
        }
    }
}

/// What happened so far, each on a line; from now on.
fn journal(world: &Shared) -> String {
    world.borrow_mut().journal.replace(Vec::new()).unwrap_or_default().join("\n")
}

/// The problem that keeps the call from being made.
#[track_caller]
fn blocked(world: &Shared) -> Problem {
    let status = status(world);
    assert_eq!(status.state, State::Requesting);
    let problem = status.problem.expect("a problem");
    assert_eq!(problem.cause, Cause::QueueBlocked, "{problem:?}");
    problem
}

/// Rules 5 and 6: the newest secret is current, published and acknowledged.
#[track_caller]
fn assert_done(world: &Shared) {
    let newest = newest(world);
    assert_eq!(current(world), newest, "the newest secret is current");
    let world = world.borrow();
    assert!(world.published(SHOP, &newest), "and published");
    assert!(!world.queue.iter().any(|message| matches!(message.kind, Kind::NewSecret { .. })), "and acknowledged");
}
