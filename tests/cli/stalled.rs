//! A rotate call whose message does not come: a person decides.

use std::time::Duration;

use crate::program::{CLIENT_ID, TARGETS, World};

/// Called, and the message is lost; the patience is over.
fn stalled() -> World {
    let world = World::enrolled();
    world.configure("patience = \"2s\"", TARGETS);
    world.fault("notification:drop");
    world
        .run(&["rotate", "shop"])
        .exits(4)
        .says("the rotation is stalled: Amazon accepted the rotate call")
        .says("lwa-rotate resume shop --wait")
        .says("lwa-rotate resume shop --request-again")
        .says("still works")
        .says("act by")
        .says("437568002678");
    world
}

/// Rule 11: say what to do. Rule 2: never twice on a guess.
#[test]
fn a_message_that_does_not_come_stalls_and_both_ways_on_are_named() {
    let world = stalled();

    world.run(&["status"]).exits(4);
    let (code, document) = world.json(&["rotate", "shop"]);

    assert_eq!((code, &document["error"]["kind"]), (Some(4), &"stalled".into()));
    assert_eq!(document["error"]["problem"]["cause"], "message-missing");
    assert_eq!(document["error"]["hints"].as_array().map(Vec::len), Some(4), "{document}");
    assert_eq!(document["status"]["state"], "stalled");
    let (code, document) = world.json(&["rotate", "shop", "--dry-run"]);
    assert_eq!((code, &document["plan"]), (Some(4), &"none".into()));
    assert_eq!(world.count("rotate"), 1);
}

#[test]
fn resume_wait_takes_the_message_up_when_it_comes_after_all() {
    let world = stalled();
    world.configure("patience = \"1h\"", TARGETS);

    let (code, document) = world.json(&["resume", "shop", "--wait"]);

    assert_eq!((code, &document["status"]["state"]), (Some(0), &"awaiting".into()));
    world.fault("notification:delay=1s");
    world.emulator.rotate_in_console(CLIENT_ID, true);
    let (code, document) = world.json(&["rotate", "shop"]);
    assert_eq!((code, &document["outcome"]), (Some(0), &"joined".into()));
    assert_eq!(world.count("rotate"), 1);
    world.assert_rotated();
}

#[test]
fn resume_wait_stalls_again_when_nothing_comes() {
    let world = stalled();
    world.run(&["resume", "shop", "--wait"]).done();
    world.run(&["rotate", "shop"]).exits(4);
    assert_eq!(world.count("rotate"), 1);
}

/// The call itself is made a minute after the first; see `call_rate`.
#[test]
fn resume_request_again_wants_another_call_and_keeps_to_the_rate() {
    let world = stalled();

    let (code, document) = world.json(&["resume", "shop", "--request-again"]);

    assert_eq!((code, &document["status"]["state"]), (Some(0), &"requesting".into()));
    world.run(&["rotate", "shop", "--timeout", "1s"]).exits(3);
    assert_eq!(world.count("rotate"), 1);
}

/// The message was only late: whoever comes next takes it up without a decision.
#[test]
fn a_stalled_rotation_takes_the_message_up_by_itself() {
    let world = World::enrolled();
    world.configure("patience = \"2s\"", TARGETS);
    world.fault("notification:delay=1h");
    world.run(&["rotate", "shop"]).exits(4);
    world.emulator.advance_time(Duration::from_secs(3600));

    let (code, document) = world.json(&["rotate", "shop"]);

    assert_eq!(code, Some(0), "{document}");
    assert_eq!(world.count("rotate"), 1);
    world.assert_rotated();
}

#[test]
fn resume_is_refused_where_there_is_nothing_to_decide() {
    let world = World::enrolled();
    for decision in ["--wait", "--request-again"] {
        world.run(&["resume", "shop", decision]).exits(1).says("there is nothing to decide");
    }
    world.run(&["resume", "shop"]).exits(2).says("--request-again");
    world.run(&["resume", "shop", "--wait", "--request-again"]).exits(2);
    assert_eq!(world.status()["state"], "settled");
}

/// Rule 11: what is supplied in a stall and not accepted is not called accepted.
#[test]
fn a_mistyped_secret_supplied_in_a_stall_is_not_called_accepted() {
    let world = stalled();

    world.run_with(&["enroll", "shop"], "mistyped-0123456789").exits(1).says("not verified");

    assert_eq!(world.stored("candidate").as_deref(), Some("mistyped-0123456789"));
    assert_eq!(world.status()["verified"], true, "the one in use is untouched");
}
