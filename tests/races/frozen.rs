//! A host stands still at some point, as one does that is suspended or starved; meanwhile the message becomes visible again and
//! another host does the work. Then the first one goes on as if nothing had happened.

use std::time::Duration;

use lwa_rotate_emulator::Operation;

use crate::program::{CLIENT_ID, Running, TARGETS, World, script};
use crate::{UNTIL_VISIBLE, assert_nothing_left, finish, rotates};

/// Starts a rotation and stops its process when it has come to a point.
fn frozen_at<'w>(world: &'w World, point: &str, come_to: impl Fn() -> bool) -> Running<'w> {
    let host = world.start(&["-v", "rotate", "shop", "--timeout", "60s"]);
    host.until(point, come_to);
    host.signal("STOP");
    host
}

/// Another host finishes what the frozen one has begun.
fn finished_by_another(world: &World) {
    world.emulator.advance_time(UNTIL_VISIBLE);
    world.run(&["rotate", "shop", "--timeout", "40s"]).done();
    assert_eq!(world.stored("current"), Some(world.newest()), "the other host has the new secret");
}

/// The frozen host goes on, comes to an end, and has spoilt nothing.
fn wake(world: &World, host: Running<'_>) {
    host.signal("CONT");
    let ran = host.end();
    assert!(matches!(ran.code, Some(0 | 3)), "{ran:?}");
    finish(world, || world.emulator.messages().all() == 0 && world.status()["state"] == "settled");
    assert_eq!(rotates(world, CLIENT_ID), 1, "one call");
    world.assert_rotated();
    assert_nothing_left(world);
}

/// Whether this operation has been carried out so often.
fn carried_out(world: &World, operation: Operation, times: usize) -> bool {
    world.emulator.calls().iter().filter(|call| call.operation == operation).count() >= times
}

/// The answer to the rotate call reaches a host that does not look at it before all is over.
#[test]
fn a_host_frozen_before_it_learns_that_its_rotate_call_was_accepted_changes_nothing_when_it_wakes() {
    let world = World::enrolled();
    world.fault("rotate:delay=2s");
    let host = frozen_at(&world, "the call is made", || world.count("rotate") == 1);

    finished_by_another(&world);
    let generation = world.status()["generation"].clone();
    wake(&world, host);

    assert_eq!(world.status()["generation"], generation);
}

/// Its receipt handle is good for nothing any more.
#[test]
fn a_host_frozen_with_a_message_in_its_hands_past_its_visibility_timeout_changes_nothing_when_it_wakes() {
    let world = World::enrolled();
    world.fault("receive:delay=2s*2");
    let host = frozen_at(&world, "it has received the message", || {
        world.emulator.calls().iter().any(|call| call.messages == Some(1))
    });
    world.emulator.clear_faults();

    finished_by_another(&world);
    let generation = world.status()["generation"].clone();
    wake(&world, host);

    assert_eq!(world.status()["generation"], generation);
}

/// What it learns late about the candidate does not fit the record any more.
#[test]
fn a_host_frozen_while_it_verifies_the_new_secret_changes_nothing_when_it_wakes() {
    let world = World::enrolled();
    let proofs = world.count("proof");
    world.fault("proof:delay=2s");
    let host = frozen_at(&world, "it verifies", || carried_out(&world, Operation::Proof, proofs + 1));
    assert_eq!(world.stored("candidate"), Some(world.newest()), "rule 4: kept before it is verified");

    finished_by_another(&world);
    wake(&world, host);

    assert_eq!(world.status()["generation"], 2);
}

/// The message is deleted, and it does not know.
#[test]
fn a_host_frozen_after_it_has_acknowledged_changes_nothing_when_it_wakes() {
    let world = World::enrolled();
    world.fault("delete:delay=2s");
    let host = frozen_at(&world, "it has acknowledged", || carried_out(&world, Operation::Delete, 1));
    assert_eq!(world.emulator.messages().all(), 0);

    world.emulator.advance_time(UNTIL_VISIBLE);
    world.emulator.rotate_in_console(CLIENT_ID, true);
    // Its secret is taken up from the queue, and no call is made.
    world.run(&["rotate", "shop", "--force", "--timeout", "40s"]).done();
    assert_eq!(world.stored("current"), Some(world.newest()), "the other host has the new secret");
    wake(&world, host);

    assert_eq!(world.status()["generation"], 3);
}

/// A late write of an older secret is noticed and put right: the record remembers that two hosts have written.
#[test]
fn a_host_frozen_while_it_publishes_does_not_leave_an_older_secret_in_the_target() {
    let world = World::new();
    // The first one that is to write waits for the word `go` with what it has been given.
    script(
        &world,
        "publish",
        "cat > mine.$$; if [ -e slow ] && mkdir first 2> /dev/null; then until [ -e go ]; do sleep 0.02; done; fi; mv mine.$$ got",
    );
    let target = "[[apps.shop.publish]]\nkind = \"exec\"\ncommand = [\"./publish\"]\n";
    world.configure("", &format!("{TARGETS}{target}"));
    world.enroll();
    world.write("slow", "");
    let host = frozen_at(&world, "it publishes", || world.path("first").exists());
    let older = world.newest();

    world.emulator.advance_time(UNTIL_VISIBLE);
    world.emulator.rotate_in_console(CLIENT_ID, true);
    let watch = world.start(&["watch", "--json"]);
    watch.until("the newest secret is published", || {
        world.path("got").exists() && world.read("got").contains(&world.newest()) && world.status()["generation"] == 3
    });
    watch.terminate();
    watch.end().done();
    assert_ne!(older, world.newest());
    // What the frozen host has started writes after all.
    world.write("go", "");
    watch_for_file(&world, &older);
    assert!(world.read("got").contains(&older), "the older secret stands in the target");
    host.signal("CONT");
    let ran = host.end();

    assert!(matches!(ran.code, Some(0 | 3)), "{ran:?}");
    finish(&world, || {
        world.read("got").contains(&world.newest())
            && world.emulator.messages().all() == 0
            && world.status()["state"] == "settled"
    });
    assert_eq!(rotates(&world, CLIENT_ID), 1);
    assert_eq!(world.status()["generation"], 3);
    world.assert_rotated();
}

fn watch_for_file(world: &World, secret: &str) {
    let end = std::time::Instant::now() + Duration::from_secs(30);
    while !world.read("got").contains(secret) && std::time::Instant::now() < end {
        std::thread::sleep(Duration::from_millis(10));
    }
}
