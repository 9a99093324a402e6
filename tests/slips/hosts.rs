//! Hosts that are slow, cannot save, or have other settings than the rest.

use super::*;

/// A host takes the application as far as it can go, and is paused before its first import.
fn begin_advance(world: &Shared) -> Call {
    Call::begin(world, |host| drop(exports::advance(host, SHOP))).unwrap()
}

fn set_targets(world: &Shared, names: &[&str]) {
    world.borrow_mut().settings.get_mut(SHOP).unwrap().targets = world::targets(names);
}

/// Rule 2: a host that slept and then cannot save does not take back another host's call.
#[test]
fn a_host_that_cannot_save_does_not_take_back_the_call_of_another() {
    let world = settled(104);
    run(&world, |host| exports::request(host, SHOP, false)).unwrap();
    let slow = begin_advance(&world).until("token").and_then(Call::go_on).expect("it is about to save its intent");
    assert_eq!(slow.import(), "save");
    world.borrow_mut().now += 11 * 60_000;
    assert_eq!(advance(&world).state, State::Awaiting, "another host takes over and makes the call");
    world.borrow_mut().plans.push(("save", Planned::Fails(Failing::Before)));

    slow.finish();

    assert!(world.borrow().plans.is_empty(), "it has tried to save");
    assert_eq!(rotates(&world), 1);
    for _ in 0..4 {
        world.borrow_mut().now += 61_000;
        advance(&world);
    }
    assert_eq!(world.borrow().apps[SHOP].issued.len(), 2, "one intent, one rotation");
}

/// Supplying what another host has just taken up makes no second generation of it.
#[test]
fn a_supplied_secret_that_races_with_its_message_does_not_promote_twice() {
    let world = settled(121);
    let first = newest(&world);
    world.borrow_mut().rotate(SHOP);
    let secret = newest(&world);
    world.borrow_mut().now += 5_000;
    let supplying = Call::begin(&world, |host| drop(exports::enroll(host, SHOP, secret.into(), None, true)));
    let supplying = supplying.and_then(|call| call.until("save")).expect("it is about to save");
    drain(&world);
    supplying.finish();
    let after = advance(&world);
    assert_eq!(after.generation, 2);
    assert!(stored(&world).contains(&first), "rule 8");
}

/// Rule 14: a write of the old secret that takes as long as the contract permits, by a host that dies afterwards.
#[test]
fn a_slow_write_does_not_leave_the_old_secret_behind() {
    let world = settled(135);
    set_targets(&world, &["env", "hook", "exec"]);
    let slow = begin_advance(&world).until("put exec").expect("it is about to publish the old secret");
    // Meanwhile another host rotates.
    run(&world, |host| exports::request(host, SHOP, false)).unwrap();
    advance(&world);
    world.borrow_mut().now += 5_000;
    drain(&world);
    world.borrow_mut().now += 100_000;
    drop(slow.go_on());
    let secret = newest(&world);
    assert!(!world.borrow().published(SHOP, &secret), "the late write has hidden it");
    for _ in 0..24 {
        world.borrow_mut().now += HOUR;
        advance(&world);
        drain(&world);
    }
    let claims = status(&world).targets.iter().all(|target| target.holds_current);
    assert!(claims && world.borrow().current(SHOP) == Some(secret.clone()));
    assert!(world.borrow().published(SHOP, &secret), "the status says that every target holds the current secret");
}

/// Rule 14: the same for a target that the host which promotes the secret does not have in its settings: a configuration is
/// changed on one host after the other.
#[test]
fn a_slow_write_to_a_target_of_another_configuration_does_not_leave_the_old_secret_behind() {
    let world = settled(142);
    set_targets(&world, &["env", "hook", "exec"]);
    let slow = begin_advance(&world).until("put exec").expect("it is about to publish the old secret");
    set_targets(&world, &["env", "hook"]);
    run(&world, |host| exports::request(host, SHOP, false)).unwrap();
    advance(&world);
    world.borrow_mut().now += 5_000;
    drain(&world);
    set_targets(&world, &["env", "hook", "exec"]);
    advance(&world);
    drop(slow.go_on());
    let secret = newest(&world);
    assert!(!world.borrow().published(SHOP, &secret), "the late write has hidden it");
    world.borrow_mut().now += 3 * 60_000;
    advance(&world);
    assert!(world.borrow().published(SHOP, &secret), "the record knows that a second write is due");
}

/// The target that stands in the way is taken out of the configuration.
#[test]
fn a_target_taken_out_of_the_settings_is_not_waited_for() {
    let world = settled(141);
    run(&world, |host| exports::request(host, SHOP, false)).unwrap();
    advance(&world);
    world.borrow_mut().now += 5_000;
    world.borrow_mut().faults.target = 1000;
    drain(&world);
    assert_eq!(status(&world).state, State::Publishing);
    world.borrow_mut().faults.target = 0;
    world.borrow_mut().settings.get_mut(SHOP).unwrap().targets.clear();
    for _ in 0..48 {
        world.borrow_mut().now += HOUR;
        advance(&world);
        drain(&world);
    }
    let after = status(&world);
    assert_eq!(after.state, State::Settled, "{:?} {:?}", after.next, after.problem);
}
