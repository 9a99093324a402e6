//! Schedules that once found something, and each fault of `docs/rotation.md`, written out: the steps, without random numbers.
//!
//! They use the exported calls and what the world sees (what was published, what is in the queue, what Amazon was asked for, the
//! status), and nothing of the record's form, so that they outlive it.

#![allow(missing_docs, clippy::unwrap_used, reason = "tests")]

#[path = "found/faults.rs"]
mod faults;
#[path = "found/hosts.rs"]
mod hosts;
#[path = "found/seeds.rs"]
mod seeds;

use std::collections::BTreeMap;

use lwa_rotate_component::bindings::exports::lwa::rotation::rotation::Error;
use lwa_rotate_component::bindings::lwa::rotation::types::{ApplicationStatus, State};
use lwa_rotate_component::exports;
use lwa_rotate_component::instant::Instant;
use world::steps::{advance, drain, run, status};
use world::{Call, HOUR, Kind, QUEUE, SHOP, Shared};

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

/// What a target holds.
fn held(world: &Shared, target: &str) -> Option<String> {
    world.borrow().targets.get(&(SHOP.to_owned(), target.to_owned())).cloned()
}

/// How many rotate calls were sent.
fn rotate_calls(world: &Shared) -> usize {
    world.borrow().requests.iter().filter(|name| **name == "rotate").count()
}

fn set_targets(world: &Shared, names: &[&str]) {
    world.borrow_mut().settings.get_mut(SHOP).unwrap().targets = world::targets(names);
}

fn request(world: &Shared) {
    run(world, |host| exports::request(host, SHOP, false)).unwrap();
}

/// An operator supplies a secret, without a date.
fn supply(world: &Shared, secret: &str) -> Result<ApplicationStatus, Error> {
    run(world, |host| exports::enroll(host, SHOP, secret.into(), None::<Instant>, true))
}

/// Amazon rotates, by the console, and the message is there.
fn rotated_by_amazon(world: &Shared) -> String {
    world.borrow_mut().rotate(SHOP);
    pass(world, 5_000);
    newest(world)
}

/// The same, and the message does not come before so many milliseconds have passed.
fn rotated_by_amazon_with_a_late_message(world: &Shared, late: u64) -> String {
    world.borrow_mut().rotate(SHOP);
    world.borrow_mut().queue.last_mut().unwrap().visible_at += late;
    newest(world)
}

/// The same, and no message comes. The world expects the next rotation before it looks for this secret.
fn rotated_by_amazon_without_a_message(world: &Shared) -> String {
    world.borrow_mut().rotate(SHOP);
    world.borrow_mut().queue.pop();
    newest(world)
}

/// A host takes the application as far as it can go, and is paused before its first import.
fn begin_advance(world: &Shared) -> Call {
    Call::begin(world, |host| drop(exports::advance(host, SHOP))).unwrap()
}

/// A host reads the queue, and is paused before its first import.
fn begin_drain(world: &Shared) -> Call {
    Call::begin(world, |host| drop(exports::drain(host, QUEUE, 10, 20))).unwrap()
}

/// A host writes the target, late, and dies before it can say so.
fn writes_and_dies(call: Call) {
    drop(call.go_on());
}

/// Advances and drains for so many hours, every quarter of an hour.
fn hours(world: &Shared, hours: u64) {
    for _ in 0..hours * 4 {
        advance(world);
        drain(world);
        pass(world, HOUR / 4);
    }
}

/// What must not change where nothing happens: the generation, the current secret, and what the targets hold.
fn held_and_current(world: &Shared) -> (u64, String, BTreeMap<(String, String), String>) {
    (status(world).generation, current(world), world.borrow().targets.clone())
}

/// Makes the rotate call, however many calls of `advance` the way to it takes, and however long the last failure puts it off.
#[track_caller]
fn make_the_call(world: &Shared) {
    for _ in 0..60 {
        if advance(world).state == State::Awaiting {
            return;
        }
        pass(world, 3 * MINUTE + 1_000);
    }
    panic!("no call is made: {:?}", status(world));
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
