//! `watch`: rotates what is due by itself, until it is stopped.

use std::time::{Duration, Instant};

use serde_json::Value;

use crate::program::{CLIENT_ID, World};

/// Enrolled, and a rotation is wanted. One that is due by its date would begin 15 minutes after the enrolment.
fn soon_due() -> World {
    let world = World::enrolled();
    world.want_rotation();
    world
}

#[test]
fn watch_rotates_what_is_due_by_itself_and_tells_it_in_json_lines() {
    let world = soon_due();

    let watched = world.watch_until("it is rotated", || {
        world.read("shop.env").contains(&world.newest())
            && world.emulator.messages().all() == 0
            && world.count("rotate") == 1
    });

    let watched = watched.done();
    assert_eq!(world.count("rotate"), 1);
    world.assert_rotated();
    let events: Vec<Value> = watched.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let place = |name: &str| {
        let place = events.iter().position(|event| event["event"] == name);
        place.unwrap_or_else(|| panic!("{name}: {}", watched.stdout))
    };
    let stages = [
        "reading-queue",
        "calling-rotate",
        "message-received",
        "secret-kept",
        "verified",
        "promoted",
        "published",
        "acknowledged",
    ];
    let places = stages.map(place);
    assert!(places.is_sorted(), "rules 4 and 5: {}", watched.stdout);
    // The message may be here before the answer of the call.
    assert!(places[1] < place("rotate-accepted"), "{}", watched.stdout);
    assert!(events.iter().all(|event| event["app"] == "shop" && event["at"].is_string()), "{}", watched.stdout);
    assert!(watched.stderr.contains("stopped"), "{}", watched.stderr);
}

#[test]
fn watch_stops_within_seconds_while_it_waits_for_a_message() {
    for signal in ["TERM", "INT"] {
        let world = soon_due();
        world.fault("notification:delay=1h");
        let watch = world.start(&["watch"]);
        watch.until("it awaits the message", || world.status()["state"] == "awaiting");

        let signalled = Instant::now();
        watch.signal(signal);
        let ran = watch.end().done();

        assert!(signalled.elapsed() < Duration::from_secs(5), "{signal}: {:?}", signalled.elapsed());
        assert_eq!(ran.stdout, "", "without --json stdout is empty");
        world.emulator.advance_time(Duration::from_secs(3600));
        world.watch_until("the next start takes it up", || world.emulator.messages().all() == 0).done();
        assert_eq!(world.count("rotate"), 1);
        world.assert_rotated();
    }
}

#[test]
fn watch_goes_on_when_the_queue_fails_and_when_an_application_is_not_enrolled() {
    let world = World::new();
    world.fault("receive:status=503*2");

    let watch = world.start(&["watch", "--json"]);
    watch.until("it says what is missing", || watch.stderr().contains("lwa-rotate enroll shop"));
    world.enroll();
    world.emulator.rotate_in_console(CLIENT_ID, true);
    watch.until("it has taken up what came", || world.status()["generation"] == 2);
    watch.terminate();
    watch.end().done();

    world.assert_rotated();
}

/// Rule 3: any number of machines may watch the same applications.
#[test]
fn several_watches_make_one_call() {
    let world = soon_due();

    let watches = [(); 3].map(|()| world.start(&["watch", "--json"]));
    watches[0].until("it is rotated", || {
        world.read("shop.env").contains(&world.newest())
            && world.emulator.messages().all() == 0
            && world.count("rotate") > 0
    });
    for watch in &watches {
        watch.terminate();
    }
    for watch in watches {
        watch.end().done();
    }

    assert_eq!(world.count("rotate"), 1);
    world.assert_rotated();
}

#[test]
fn log_lines_of_watch_can_be_json_as_well() {
    let world = soon_due();
    let watch = world.start(&["--log-format", "json", "watch"]);
    watch.until("it is rotated", || world.status()["generation"] == 2);
    watch.terminate();
    let ran = watch.end().done();
    for line in ran.stderr.lines() {
        let line: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        assert!(line["level"].is_string(), "{line}");
    }
}
