//! What random schedules found, each reduced to the steps that matter.
//!
//! Hosts are paused between two imports, and others act meanwhile. The late writes go to `hook`, a command: what cannot be read
//! can only be written again.

use lwa_rotate_component::bindings::lwa::rotation::types::State;
use world::steps::{advance, drain, settled, status};
use world::{HOUR, SHOP, Shared};

use super::*;

/// Rule 6. Seed 90343: a host that had received a message before another host took up a newer secret kept its older one, and
/// promoted it over the newer.
#[test]
fn a_message_received_before_a_newer_secret_was_taken_up_is_not_promoted_over_it() {
    let world = settled(201);
    rotated_by_amazon(&world);
    let slow = begin_drain(&world).until("save").expect("it is about to keep the older secret");
    let newer = rotated_by_amazon(&world);
    drain(&world);
    assert_eq!(current(&world), newer);
    let generation = status(&world).generation;

    slow.finish();

    assert_eq!((current(&world), status(&world).generation), (newer, generation));
    hours(&world, 1);
    assert_done(&world);
    assert_eq!((status(&world).state, status(&world).generation), (State::Settled, generation));
}

/// Rule 14. Seeds 214006 and 367235: a host that had seen a target without the secret of that time wrote it when another host
/// had written it already and a newer one had taken its place; the newer one was not written again.
#[test]
fn a_late_write_by_a_host_that_saw_the_target_unwritten_is_written_over() {
    let world = settled(202);
    // So that the writes of the settling are long past.
    pass(&world, HOUR);
    let first = rotated_by_amazon(&world);
    let slow = begin_drain(&world).until("put hook").expect("it is about to publish");
    advance(&world);
    assert_eq!(held(&world, "hook"), Some(first.clone()), "another host was faster");
    let second = rotated_by_amazon(&world);
    drain(&world);
    assert_eq!(held(&world, "hook"), Some(second.clone()));

    writes_and_dies(slow);

    assert_eq!(held(&world, "hook"), Some(first), "the late write has hidden it");
    pass(&world, 3 * MINUTE);
    advance(&world);
    assert_eq!(held(&world, "hook"), Some(second));
}

/// Rule 14. Seed 54463: the same, where the late write was itself a second write, long after the first.
#[test]
fn a_late_second_write_is_written_over() {
    let world = settled(203);
    // So soon after the first secret was published that another host may be about to write that.
    let first = rotated_by_amazon(&world);
    drain(&world);
    pass(&world, HOUR);
    let slow = begin_advance(&world).until("put hook").expect("a second write is due");
    let second = rotated_by_amazon(&world);
    drain(&world);
    assert_eq!(held(&world, "hook"), Some(second.clone()));

    writes_and_dies(slow);

    assert_eq!(held(&world, "hook"), Some(first), "the late write has hidden it");
    pass(&world, 3 * MINUTE);
    advance(&world);
    assert_eq!(held(&world, "hook"), Some(second));
}

/// Of three hosts that write one target, the one with the older secret is the last, and the clocks are put right before another
/// one reports its write: that must not take the place of the second write.
fn clocks_are_put_right_before_a_write_is_reported(seed: u64, ahead: i64) {
    let world = settled(seed);
    let old = newest(&world);
    set_targets(&world, &["exec", "env", "hook"]);
    pass(&world, 2 * HOUR);
    world.borrow_mut().set_clocks(ahead);
    let slow = begin_advance(&world).until("put exec").expect("it is about to publish the old secret");
    let new = rotated_by_amazon(&world);
    let reporting = begin_drain(&world).until("put exec").unwrap().go_on().unwrap();
    assert_eq!(held(&world, "exec"), Some(new.clone()), "written, and not reported yet");
    // So that the report is made to a record that has changed, by the right clock.
    advance(&world);
    writes_and_dies(slow);
    world.borrow_mut().set_clocks(0);
    assert_eq!(held(&world, "exec"), Some(old), "the late write has hidden it");

    reporting.finish();

    // Two minutes, by the clock that was ahead at most.
    pass(&world, 13 * MINUTE);
    advance(&world);
    assert_eq!(held(&world, "exec"), Some(new));
}

/// Rule 14. Seed 15880766: a second write that lay too far ahead by the right clock was dropped.
#[test]
fn a_clock_that_was_ahead_does_not_cost_a_second_write() {
    clocks_are_put_right_before_a_write_is_reported(204, 10 * 60_000);
}

/// Rule 14. Seed 2051330: a second write whose time had come by the right clock was taken for done.
#[test]
fn a_clock_that_was_behind_does_not_cost_a_second_write() {
    clocks_are_put_right_before_a_write_is_reported(205, -3_600_000);
}

/// A secret that still works is supplied by mistake while a newer one is in use: the secret that came in between, whose message
/// never came. Both, the older first.
fn an_older_secret_is_supplied(world: &Shared) -> (String, String) {
    let older = rotated_by_amazon_without_a_message(world);
    let newer = rotated_by_amazon(world);
    drain(world);
    assert_eq!(current(world), newer);
    supply(world, &older).unwrap();
    advance(world);
    assert_eq!(current(world), older, "an operator's word, and it works");
    (older, newer)
}

/// Rule 6. Seeds 1015082, 1015281 and 1526939: a secret that became current again when Amazon had ended an older one counted as
/// new since then, so that the message of a rotation before that moment looked older, and its secret was not used.
#[test]
fn a_secret_that_becomes_current_again_does_not_make_a_newer_message_look_old() {
    let world = settled(206);
    let (older, newer) = an_older_secret_is_supplied(&world);
    let ends_at = world.borrow().apps[SHOP].issued.iter().find(|issued| issued.secret == older).unwrap().ends_at;
    // Two hours before the older one ends Amazon rotates again; the message takes six.
    world.borrow_mut().now = ends_at - 2 * HOUR;
    let newest = rotated_by_amazon_with_a_late_message(&world, 6 * HOUR);
    hours(&world, 4);
    assert_eq!(current(&world), newer, "the older one has ended");
    assert_ne!(newer, newest);

    hours(&world, 4);

    assert_eq!(current(&world), newest);
    assert_done(&world);
}

/// Rule 5. Seeds 1632862 and 2510330: a message was deleted late, when an operator had put an older secret in the place of its
/// own. That is in order, because the store keeps it; it is current again when Amazon has ended the older one.
#[test]
fn a_secret_whose_message_is_deleted_after_an_older_one_was_supplied_is_kept_and_used_again() {
    let world = settled(207);
    let older = rotated_by_amazon_without_a_message(&world);
    let newer = rotated_by_amazon(&world);
    let deleting = begin_drain(&world).until("delete").expect("current and published: it is about to be deleted");
    supply(&world, &older).unwrap();
    advance(&world);
    assert_eq!(current(&world), older, "an operator's word, and it works");

    deleting.finish();

    assert!(world.borrow().keeps(SHOP, &newer), "else it is lost");
    hours(&world, 8 * 24);
    assert_eq!(current(&world), newer);
    assert!(world.borrow().published(SHOP, &newer));
}

/// Rule 5. Seed 105236817: the message of a superseded secret was deleted at the moment when an operator made that secret current
/// again, before it was published. That is in order, because the store keeps both.
#[test]
fn a_superseded_message_deleted_while_its_secret_is_supplied_costs_nothing() {
    let world = settled(208);
    let older = rotated_by_amazon_with_a_late_message(&world, MINUTE);
    let newer = rotated_by_amazon(&world);
    drain(&world);
    assert_eq!(current(&world), newer);
    pass(&world, 2 * MINUTE);
    let deleting = begin_drain(&world).until("delete").expect("superseded: it is about to be deleted");
    supply(&world, &older).unwrap();
    let publishing = begin_advance(&world).until("put env").expect("it is about to publish");
    assert_eq!(current(&world), older);

    deleting.finish();

    assert!(world.borrow().keeps(SHOP, &older) && world.borrow().keeps(SHOP, &newer), "else one is lost");
    publishing.finish();
    assert!(world.borrow().published(SHOP, &older));
    hours(&world, 8 * 24);
    assert_eq!(current(&world), newer);
    assert_done(&world);
}
