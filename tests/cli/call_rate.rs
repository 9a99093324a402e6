//! One rotate call a minute, in real time: what is refused is tried again, and never sooner.

use crate::program::{CLIENT_ID, TARGETS, World};

/// Amazon's usage plan.
const MINUTE: u64 = 60_000;

/// Rule 2: definite refusals are tried again; and rule 11's decision to request again makes one more call.
#[test]
fn a_rotate_call_that_was_refused_is_tried_again_a_minute_later() {
    let refused = |fault: &str| {
        let world = World::enrolled();
        world.fault(fault);
        world
    };
    let worlds = [refused("rotate:status=429"), refused("notification:drop")];
    let missing = &worlds[1];
    missing.configure("patience = \"1s\"", TARGETS);
    missing.run(&["rotate", "shop"]).exits(4);
    missing.run(&["resume", "shop", "--request-again"]).done();
    missing.configure("patience = \"1h\"", TARGETS);
    // What an operator mends is tried at the operator's word, but no sooner either.
    let mended = World::enrolled();
    mended.emulator.set_subscribed(CLIENT_ID, false);
    mended.run(&["rotate", "shop"]).exits(1);
    mended.emulator.set_subscribed(CLIENT_ID, true);

    let running: Vec<_> =
        worlds.iter().chain([&mended]).map(|world| world.start(&["rotate", "shop", "--timeout", "2m"])).collect();
    let ended: Vec<_> = running.into_iter().map(|running| running.end().done()).collect();

    for (place, (world, ran)) in worlds.iter().chain([&mended]).zip(ended).enumerate() {
        let calls = world.emulator.calls();
        let rotate: Vec<_> = calls.iter().filter(|call| call.operation.name() == "rotate").collect();
        assert_eq!(rotate.len(), 2, "{place}: {}", ran.stderr);
        assert!(rotate[1].at - rotate[0].at >= MINUTE - 1_000, "{place}: {rotate:?}");
        assert_eq!(rotate[1].status, Some(204), "{place}");
        world.assert_rotated();
    }
}
