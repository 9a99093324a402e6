//! What has a person called, while the old secret still works: exit codes of `status`, and errors in the log of `watch`.

use lwa_rotate_emulator::Options;

use crate::program::{CLIENT_ID, World};

/// Monitoring has to hear of it while the old secret still works.
#[test]
fn a_target_that_fails_for_good_is_shown_by_the_exit_code_of_status_and_by_an_error_in_the_log() {
    let world = World::enrolled();
    world.run(&["status"]).done();
    std::fs::remove_file(world.path("shop.json")).unwrap();
    std::fs::create_dir(world.path("shop.json")).unwrap();
    world.emulator.rotate_in_console(CLIENT_ID, true);

    let watch = world.start(&["watch"]);
    watch.until("it has tried", || watch.stderr().contains("could not be written or read"));
    watch.terminate();
    let watched = watch.end().done();

    let line = watched.stderr.lines().find(|line| line.contains("could not be written or read")).unwrap();
    assert!(line.contains("ERROR") && line.contains("what to do:"), "{line}");
    let ran = world.run(&["status"]).exits(1);
    assert!(ran.stdout.contains("shop.json") && ran.stdout.contains("what to do"), "{}", ran.stdout);
    let (code, document) = world.json(&["status"]);
    assert_eq!((code, &document["apps"][0]["problem"]["cause"]), (Some(1), &"target-failed".into()));
}

/// An application whose rotation is wanted, and its call not made.
fn due(change: impl FnOnce(&mut Options)) -> World {
    let world = World::enrolled_with(change);
    world.want_rotation();
    world
}

#[test]
fn a_rotate_call_that_is_refused_for_good_is_told_by_status_and_by_an_error_in_the_log() {
    let world = due(|options| options.applications[0].subscribed = false);

    let watch = world.start(&["watch"]);
    watch.until("it is refused", || world.status()["problem"]["cause"] == "not-subscribed");
    watch.terminate();
    let watched = watch.end().done();

    let error = watched.stderr.lines().find(|line| line.contains("ERROR")).unwrap();
    assert!(error.contains("what to do:"), "{error}");
    world.run(&["status"]).exits(1);
}

#[test]
fn a_queue_that_may_not_be_read_is_an_error_in_the_log() {
    let world = World::enrolled();
    world.fault("receive:refuse=AccessDenied");

    let watch = world.start(&["watch"]);
    watch.until("it is said", || {
        watch.stderr().lines().any(|line| line.contains("ERROR") && line.contains("sqs:ReceiveMessage"))
    });
    watch.terminate();
    watch.end().done();
}

/// A full disk, or a log whose reader has gone.
#[test]
fn watch_goes_on_when_its_log_cannot_be_written() {
    let world = due(|_| {});

    let watch = world.start_in_shell("exec \"$@\" 2> /dev/full", &["watch"]);
    watch.until("it is rotated", || world.status()["state"] == "settled" && world.count("rotate") == 1);
    watch.terminate();
    watch.end().done();

    world.assert_rotated();
}
