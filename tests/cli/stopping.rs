//! `rotate` cut short, and several at once: whatever happens, one intent is one call (rules 1 to 3).

use std::time::Duration;

use crate::program::World;

const SOON: Duration = Duration::from_secs(5);

#[test]
fn rotate_ends_at_its_timeout_and_says_that_nothing_is_lost() {
    let world = World::enrolled();
    world.fault("notification:delay=1h");

    let (code, document) = world.json(&["rotate", "shop", "--timeout", "1s"]);

    assert_eq!((code, &document["error"]["kind"]), (Some(3), &"unfinished".into()));
    assert!(document["error"]["hints"][0].as_str().is_some_and(|hint| hint.starts_with("nothing is lost")));
    assert_eq!(document["status"]["state"], "awaiting");
    assert!(document["status"]["awaited_until"].is_string());
}

#[test]
fn rotate_stops_at_once_when_it_is_told_to_and_another_run_finishes() {
    for signal in ["TERM", "INT", "KILL"] {
        let world = World::enrolled();
        world.fault("notification:delay=1h");
        let rotate = world.start(&["rotate", "shop"]);
        rotate.until("it awaits the message", || world.count("receive") == 2 || world.status()["state"] == "awaiting");

        let signalled = std::time::Instant::now();
        rotate.signal(signal);
        let ran = rotate.end();

        assert!(signalled.elapsed() < SOON, "{signal}: {:?}", signalled.elapsed());
        if signal != "KILL" {
            ran.exits(3).says("nothing is lost: run `lwa-rotate rotate shop` again");
        }
        world.emulator.advance_time(Duration::from_secs(3600));
        let (code, document) = world.json(&["rotate", "shop"]);
        assert_eq!((code, &document["outcome"]), (Some(0), &"joined".into()), "{signal}: {document}");
        assert_eq!(world.count("rotate"), 1, "{signal}");
        world.assert_rotated();
    }
}

/// Rule 2: whoever dies while the call is on its way leaves an unknown outcome.
#[test]
fn a_rotate_that_is_killed_during_the_call_is_not_followed_by_another_call() {
    let world = World::enrolled();
    world.fault("rotate:delay=30s");
    let rotate = world.start(&["rotate", "shop"]);
    rotate.until("the call is under way", || world.count("rotate") == 1);
    rotate.signal("KILL");
    rotate.end();

    let (code, document) = world.json(&["rotate", "shop"]);

    assert_eq!(code, Some(0), "{document}");
    assert_eq!(world.count("rotate"), 1);
    world.assert_rotated();
}

/// Rule 3: one caller.
#[test]
fn two_at_once_make_one_call_and_both_end_well() {
    for fault in [None, Some("token:delay=1s"), Some("rotate:delay=1s"), Some("notification:delay=2s")] {
        let world = World::enrolled();
        if let Some(fault) = fault {
            world.fault(fault);
        }

        let both = [world.start(&["rotate", "shop"]), world.start(&["rotate", "shop"])];
        let both = both.map(|running| running.end().done());

        assert_eq!(world.count("rotate"), 1, "{fault:?}");
        for ran in both {
            assert!(ran.took < Duration::from_secs(30), "{fault:?}: it took {:?}: {}", ran.took, ran.stderr);
        }
        world.assert_rotated();
    }
}

/// What is left is one message, which says nothing new when it comes again.
#[test]
fn rotate_that_is_stopped_when_only_its_message_is_left_says_not_to_rotate_again() {
    let world = World::enrolled();
    world.fault("delete:hang=30s");
    let rotate = world.start(&["rotate", "shop"]);
    rotate.until("the message is being deleted", || world.count("delete") == 1);
    rotate.signal("INT");

    rotate.end().exits(3).says("verified and published").says("do not rotate again");

    assert_eq!(world.stored("current"), Some(world.newest()));
    assert_eq!(world.count("rotate"), 1);
}
