//! `rotate` when Amazon, the network or the way back fails: never a second rotate call where the first may have arrived.

use std::net::TcpListener;
use std::time::Duration;

use crate::program::{TARGETS, World};

/// Rule 2.
#[test]
fn an_answer_that_is_lost_is_waited_for_and_never_repeated() {
    for fault in ["rotate:lose-answer", "rotate:delay=40s"] {
        let world = World::enrolled();
        world.fault(fault);

        let ran = world.run(&["rotate", "shop"]).done().says("the rotate call may have arrived");

        assert_eq!(world.count("rotate"), 1, "{fault}");
        assert!(ran.took < Duration::from_secs(60), "{fault}: it took {:?}", ran.took);
        world.assert_rotated();
    }
}

/// Rule 2.
#[test]
fn a_lost_answer_whose_message_is_late_leaves_the_rotation_awaiting_until_it_comes() {
    let world = World::enrolled();
    world.fault("rotate:lose-answer");
    world.fault("notification:delay=1h");

    let ran = world.run(&["rotate", "shop", "--timeout", "2s"]).exits(3);

    ran.says("the message for the rotate call").says("nothing is lost").says("lwa-rotate watch");
    let status = world.status();
    assert_eq!((&status["state"], &status["problem"]["cause"]), (&"awaiting".into(), &"answer-lost".into()));

    world.emulator.advance_time(Duration::from_secs(3600));
    let (code, document) = world.json(&["rotate", "shop"]);
    assert_eq!((code, &document["outcome"]), (Some(0), &"joined".into()));
    assert_eq!(world.count("rotate"), 1);
    world.assert_rotated();
}

/// Rule 2: nobody here can know that these calls had no effect.
#[test]
fn a_call_that_may_have_arrived_is_not_repeated_by_running_the_program_again() {
    for fault in ["rotate:cut", "rotate:status=500", "rotate:status=502"] {
        let world = World::enrolled();
        world.fault(fault);
        for _ in 0..2 {
            world.run(&["rotate", "shop", "--timeout", "1s"]).exits(3);
            assert_eq!(world.status()["state"], "awaiting", "{fault}");
        }
        assert_eq!(world.count("rotate"), 1, "{fault}");
    }
}

#[test]
fn token_requests_that_fail_are_tried_again_until_one_succeeds() {
    for fault in ["token:status=500", "token:status=429", "token:cut", "token:lose-answer"] {
        let world = World::enrolled();
        world.fault(fault);

        world.run(&["rotate", "shop"]).done().says("tried again in");

        assert_eq!(world.count("token"), 4, "{fault}: enrolled, failed, rotation, verification");
        assert_eq!(world.count("rotate"), 1, "{fault}");
        world.assert_rotated();
    }
}

#[test]
fn a_queue_that_fails_for_a_moment_delays_the_rotation_and_no_more() {
    let world = World::enrolled();
    world.fault("receive:status=503*3");

    // The queue is read before the call: no call without that, and it is read again a moment later.
    world.run(&["rotate", "shop"]).done().says("no rotate call is made");

    assert_eq!(world.count("rotate"), 1);
    world.assert_rotated();
}

/// A rotate call whose message cannot be received had better not be made.
#[test]
fn a_queue_that_cannot_be_read_stops_the_rotation_before_anything_is_asked_of_amazon() {
    let world = World::enrolled();
    let calls = world.calls().len();
    world.set("AWS_ENDPOINT_URL_SQS", "http://127.0.0.1:1");

    world.run(&["rotate", "shop", "--timeout", "1s"]).exits(1).says("no rotate call is made");
    assert_eq!(world.calls().len(), calls);

    world.set("AWS_ENDPOINT_URL_SQS", &world.emulator.url());
    let configuration = world.read("lwa-rotate.toml").replace("/lwa\"", "/no-such-queue\"");
    world.write("lwa-rotate.toml", &configuration);
    world.run(&["rotate", "shop"]).exits(1).says("set the url that SQS shows");
    assert_eq!((world.count("rotate"), world.status()["state"].as_str()), (0, Some("requesting")));
}

#[test]
fn an_acknowledgement_that_fails_is_repeated_and_changes_nothing() {
    let world = World::enrolled();
    world.fault("delete:status=503*always");

    world.run(&["rotate", "shop"]).done();

    assert_eq!(world.stored("current"), Some(world.newest()));
    assert_eq!(world.emulator.messages().all(), 1, "rule 5: it comes again");
    world.emulator.clear_faults();
    world.emulator.advance_time(Duration::from_secs(3600));
    world.watch_until("the message is deleted", || world.emulator.messages().all() == 0).done();
    world.assert_rotated();
    assert_eq!(world.status()["generation"], 2, "rule 6: a repeated message changes nothing");
}

#[test]
fn a_connection_that_is_refused_is_tried_again_and_nothing_has_changed() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let closed = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    for line in [format!("api-endpoint = \"{closed}\""), format!("token-endpoint = \"{closed}/auth/o2/token\"")] {
        let world = World::enrolled();
        world.configure(&line, TARGETS);

        world
            .run(&["rotate", "shop", "--timeout", "1s"])
            .exits(3)
            .says("no connection to Amazon could be made")
            .says("still works");
        assert_eq!(world.count("rotate"), 0);
        let status = world.status();
        assert_eq!((&status["state"], &status["problem"]["cause"]), (&"requesting".into(), &"not-connected".into()));
        assert_eq!(status["problem"]["remedy_by"], "time");

        world.configure("", TARGETS);
        world.run(&["rotate", "shop"]).done();
        assert_eq!(world.count("rotate"), 1);
        world.assert_rotated();
    }
}

/// Rule 4: keep before verifying, verify before use.
#[test]
fn a_new_secret_that_lags_is_kept_as_a_candidate_and_not_published_until_it_works() {
    let world = World::enrolled_with(|options| options.applications[0].lag = Duration::from_secs(3600));

    world.run(&["rotate", "shop", "--timeout", "2s"]).exits(3).says("Amazon does not accept it yet");

    assert_eq!(world.status()["state"], "verifying");
    assert_eq!(world.stored("candidate"), Some(world.newest()));
    assert_ne!(world.stored("current"), Some(world.newest()));
    assert!(!world.read("shop.env").contains(&world.newest()));
    assert_eq!(world.emulator.messages().all(), 1, "rule 5: its message stays");

    world.emulator.advance_time(Duration::from_secs(3600));
    world.run(&["rotate", "shop"]).done();
    assert_eq!(world.count("rotate"), 1);
    world.assert_rotated();
}
