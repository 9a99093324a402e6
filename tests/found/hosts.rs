//! The faults of `docs/rotation.md` that several hosts meet: at the same moment, on each other's queues, and after a pause.

use lwa_rotate_component::bindings::exports::lwa::rotation::rotation::{Answer, Left};
use world::DAY;
use world::steps::settled;

use super::*;

const SECOND_SHOP: &str = "amzn1.application-oa2-client.second";

/// Takes turns, import by import, until all have come to their end.
fn take_turns(mut hosts: Vec<Call>) {
    while !hosts.is_empty() {
        hosts = hosts.into_iter().filter_map(Call::go_on).collect();
    }
}

/// Rule 3: of any number of hosts at the same moment one makes the call, and all see what has come of it.
#[test]
fn of_eight_hosts_at_the_same_moment_one_makes_the_call() {
    let world = settled(401);
    request(&world);
    for _ in 0..10 {
        take_turns((0..8).map(|_| begin_advance(&world)).collect());
        if rotate_calls(&world) > 0 {
            break;
        }
        pass(&world, 3 * MINUTE + 1_000);
    }
    assert_eq!((rotate_calls(&world), status(&world).state), (1, State::Awaiting));
    pass(&world, 5_000);
    take_turns((0..8).map(|_| begin_drain(&world)).collect());
    hours(&world, 1);
    assert_done(&world);
    assert_eq!((status(&world).state, status(&world).generation, rotate_calls(&world)), (State::Settled, 2, 1));
}

/// Rules 2 and 3: a host that is paused at any import of the call, until another has taken it over, does not make a second one.
#[test]
fn a_host_that_is_paused_at_any_import_of_the_call_makes_no_second_one() {
    for place in 0.. {
        let world = settled(402);
        request(&world);
        let mut first = Some(begin_advance(&world));
        for _ in 0..place {
            first = first.and_then(Call::go_on);
        }
        let ended = first.is_none();
        // Longer than a host that prepares the call is waited for.
        pass(&world, 11 * MINUTE);
        advance(&world);
        if let Some(first) = first {
            first.finish();
        }
        for _ in 0..40 {
            advance(&world);
            drain(&world);
            pass(&world, MINUTE);
        }
        assert_eq!(world.borrow().apps[SHOP].carried_out, 1, "place {place}");
        assert_done(&world);
        if ended {
            assert!(place > 4, "there are more imports than {place}");
            break;
        }
    }
}

/// Rule 7: the message of one application in the queue of another is taken up by whichever host reads it, if that host knows the
/// application; else it stays.
#[test]
fn a_message_in_the_queue_of_another_application_is_taken_up_by_a_host_that_knows_it() {
    let world = settled(403);
    world.borrow_mut().add_app(SECOND_SHOP, 20 * DAY);
    let settings = world.borrow_mut().settings.remove(SECOND_SHOP).unwrap();
    world.borrow_mut().rotate(SECOND_SHOP);
    pass(&world, 5_000);
    // A host that has never heard of it.
    assert!(matches!(drain(&world)[..], [Answer::Leave(Left::NotEnrolled)]));
    // One that has, and whose store has no record of it.
    world.borrow_mut().settings.insert(SECOND_SHOP.into(), settings);
    pass(&world, 3 * MINUTE);
    assert!(matches!(drain(&world)[..], [Answer::Leave(Left::NotEnrolled)]));
    let first = world.borrow().apps[SECOND_SHOP].issued[0].secret.clone();
    run(&world, |host| exports::enroll(host, SECOND_SHOP, first.into_bytes(), None, true)).unwrap();
    pass(&world, 3 * MINUTE);

    drain(&world);

    let world = world.borrow();
    let new = &world.newest(SECOND_SHOP).secret;
    assert_eq!(world.current(SECOND_SHOP).as_ref(), Some(new));
    assert!(world.published(SECOND_SHOP, new) && world.queue.is_empty());
}

/// Rules 5 and 6: a host that is paused with a message past its visibility timeout, at any import, takes nothing back when it
/// goes on after others have taken up this message and a newer one.
#[test]
fn a_host_that_is_paused_with_a_message_past_its_visibility_takes_nothing_back() {
    for place in 1.. {
        let world = settled(404);
        pass(&world, HOUR);
        rotated_by_amazon(&world);
        let mut slow = Some(begin_drain(&world));
        for _ in 0..place {
            slow = slow.and_then(Call::go_on);
        }
        let Some(slow) = slow else {
            assert!(place > 8, "there are more imports than {place}");
            break;
        };
        // The message is visible again, and a host that is now about to publish counts as dead.
        pass(&world, 3 * MINUTE);
        hours(&world, 1);
        assert_done(&world);
        let generation = status(&world).generation;
        let newer = rotated_by_amazon(&world);
        drain(&world);
        assert_eq!((current(&world), status(&world).generation), (newer.clone(), generation + 1));

        slow.finish();

        assert_eq!(current(&world), newer, "place {place}");
        assert!(world.borrow().published(SHOP, &newer), "place {place}");
        hours(&world, 1);
        assert_done(&world);
        assert_eq!(status(&world).generation, generation + 1, "place {place}");
    }
}

/// Rules 1, 2 and 3: a host that is paused before the rotate call for so long that the others stall does not bring about a
/// second rotation when it goes on.
#[test]
fn a_host_that_is_paused_before_the_rotate_call_brings_about_one_rotation() {
    let world = settled(405);
    world.borrow_mut().settings.get_mut(SHOP).unwrap().patience = 600;
    request(&world);
    let slow = (0..10).find_map(|_| {
        let call = begin_advance(&world).until("rotate");
        if call.is_none() {
            pass(&world, 3 * MINUTE + 1_000);
        }
        call
    });
    let slow = slow.expect("it is about to call");
    for _ in 0..6 {
        pass(&world, 5 * MINUTE);
        advance(&world);
    }
    assert_eq!((rotate_calls(&world), status(&world).state), (0, State::Stalled), "it is not repeated");

    slow.finish();

    hours(&world, 2);
    assert_eq!(world.borrow().apps[SHOP].carried_out, 1);
    assert_done(&world);
    assert_eq!(status(&world).state, State::Settled);
}

/// Rule 14: a host that writes an older secret over a newer one and says so has the target written again at once, and the status
/// never says that a target holds what it does not hold.
#[test]
fn a_target_is_written_again_at_once_when_a_late_write_of_an_older_secret_is_reported() {
    let world = settled(406);
    pass(&world, HOUR);
    rotated_by_amazon(&world);
    let mut slow = begin_drain(&world).until("put hook").expect("it is about to publish");
    let newer = rotated_by_amazon(&world);
    drain(&world);
    // It writes, reports, and finds that another secret is the current one.
    slow = slow.go_on().unwrap();
    assert_ne!(held(&world, "hook"), Some(newer.clone()), "the late write has hidden it");
    slow = slow.until("load").expect("its report does not fit the record that it knows").go_on().unwrap();
    slow = slow.go_on().unwrap();
    let said = status(&world).targets.into_iter().find(|target| target.name.as_deref() == Some("hook")).unwrap();
    assert!(!said.holds_current || held(&world, "hook") == Some(newer.clone()), "the report was saved");
    drop(slow);

    advance(&world);

    assert_eq!(held(&world, "hook"), Some(newer.clone()));
    assert!(status(&world).targets.iter().all(|target| target.holds_current));
    hours(&world, 1);
    assert_done(&world);
}
