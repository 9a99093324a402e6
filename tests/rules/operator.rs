//! What an operator asks and decides, and what it asks to be confirmed.

use lwa_rotate_component::bindings::exports::lwa::rotation::rotation::Decision;
use lwa_rotate_component::bindings::lwa::rotation::settings::Rotate;
use world::steps::enrolled;
use world::{Planned, World};

use super::*;

fn set_expiry(world: &Shared, at: u64, confirmed: bool) -> Result<ApplicationStatus, Error> {
    run(world, |host| exports::set_expiry(host, SHOP, Instant(at), confirmed))
}

fn cancel(world: &Shared, not_before: Option<u64>) -> Result<ApplicationStatus, Error> {
    run(world, |host| exports::cancel(host, SHOP, not_before.map(Instant)))
}

fn now(world: &Shared) -> u64 {
    world.borrow().now
}

/// The current secret of this world came in a message, an hour after the first one was supplied.
fn rotated(seed: u64) -> Shared {
    let world = settled(seed);
    pass(&world, HOUR);
    rotated_by_amazon(&world);
    drain(&world);
    assert_done(&world);
    world.borrow_mut().requests.clear();
    world
}

/// A date without the secret; the rotation that follows is planned by it, and the places get the date too.
#[test]
fn an_expiry_time_can_be_said_without_the_secret() {
    let world = World::shared(541);
    let secret = newest(&world);
    supply(&world, &secret, None).unwrap();
    assert_eq!(advance(&world).expires_at, None);
    let end = now(&world) + 100 * DAY;
    let said = set_expiry(&world, end, false).unwrap();
    assert_eq!(said.expires_at, Some(end));
    assert!(said.rotation_due_at.is_some_and(|due| due > now(&world) + 60 * DAY));
    let before = world.borrow().store[SHOP].clone();
    set_expiry(&world, end, false).unwrap();
    assert_eq!(world.borrow().store[SHOP], before, "repeating it changes nothing");
    assert_eq!(advance(&world).state, State::Settled);
}

/// Rule 12: a date that makes a rotation due wants confirming, and then begins it a quarter of an hour later at the earliest.
#[test]
fn a_date_that_makes_a_rotation_due_wants_confirming_and_begins_it_later() {
    let world = settled(542);
    let secret = newest(&world);
    for end in [now(&world) + DAY, now(&world) - DAY] {
        let before = world.borrow().store[SHOP].clone();
        assert!(matches!(set_expiry(&world, end, false), Err(Error::NeedsConfirmation(text)) if !text.is_empty()));
        let enroll =
            run(&world, |host| exports::enroll(host, SHOP, secret.clone().into_bytes(), Some(Instant(end)), false));
        assert!(matches!(enroll, Err(Error::NeedsConfirmation(text)) if !text.is_empty()));
        assert_eq!(world.borrow().store[SHOP], before);
    }
    let end = now(&world) + DAY;
    set_expiry(&world, end, true).unwrap();
    assert_eq!(advance(&world).state, State::Settled);
    pass(&world, 14 * MINUTE);
    assert_eq!((advance(&world).state, count(&world, "rotate")), (State::Settled, 0));
    pass(&world, 2 * MINUTE);
    assert_eq!(advance(&world).state, State::Awaiting);
}

/// The first enrolment as well.
#[test]
fn enrolling_a_secret_that_is_due_wants_confirming() {
    let world = World::shared(543);
    let (secret, end) = (newest(&world), world.borrow().newest(SHOP).ends_at);
    let enroll = |confirmed| {
        run(&world, |host| exports::enroll(host, SHOP, secret.clone().into_bytes(), Some(Instant(end)), confirmed))
    };
    assert!(matches!(enroll(false), Err(Error::NeedsConfirmation(_))));
    assert!(world.borrow().store.is_empty());
    enroll(true).unwrap();
    advance(&world);
    assert_eq!(count(&world, "rotate"), 0);
}

/// A date that no secret can have is a slip; one that Amazon has said is not corrected.
#[test]
fn an_impossible_date_and_one_beside_amazons_are_refused() {
    let world = settled(544);
    let far = now(&world) + 182 * DAY;
    assert!(matches!(set_expiry(&world, far, true), Err(Error::NotAllowed(text)) if text.contains("180 days")));
    let world = rotated(544);
    let end = world.borrow().newest(SHOP).ends_at;
    assert!(matches!(set_expiry(&world, end - DAY, true), Err(Error::NotAllowed(text)) if text.contains("Amazon")));
    assert_eq!(set_expiry(&world, end, false).unwrap().expires_at, Some(end), "the same is no correction");
}

/// A wanted rotation is taken back while nothing has been sent; one that is due by its date begins again a day later, or when
/// the operator says.
#[test]
fn a_wanted_rotation_can_be_cancelled_until_it_is_sent() {
    for not_before in [None, Some(3 * DAY)] {
        let world = enrolled(545);
        advance(&world);
        pass(&world, 16 * MINUTE);
        // Due, and kept from being made.
        world.borrow_mut().plans.push(("token", Planned::NotSent));
        assert_eq!(advance(&world).state, State::Requesting);
        let at = not_before.map(|later| now(&world) + later);
        let later = not_before.unwrap_or(DAY);

        assert_eq!(cancel(&world, at).unwrap().state, State::Settled);

        advance_as_announced(&world, later - MINUTE);
        assert_eq!(count(&world, "rotate"), 0);
        advance_as_announced(&world, 3 * MINUTE);
        assert_eq!(count(&world, "rotate"), 1);
        let refused = cancel(&world, None);
        assert!(matches!(refused, Err(Error::NotAllowed(text)) if text.contains("cannot be taken back")));
    }
}

/// Where nothing is wanted, it puts off the next one.
#[test]
fn cancelling_puts_off_a_rotation_that_is_not_wanted_yet() {
    let world = enrolled(546);
    cancel(&world, None).unwrap();
    advance_as_announced(&world, DAY - MINUTE);
    assert_eq!(count(&world, "rotate"), 0);
    advance_as_announced(&world, 2 * MINUTE);
    assert_eq!(count(&world, "rotate"), 1);
}

/// A host that is about to call when the operator cancels makes no call.
#[test]
fn a_rotation_that_is_cancelled_while_a_host_prepares_it_is_not_made() {
    let world = settled(547);
    request(&world, false).unwrap();
    let call = world::Call::begin(&world, |host| drop(exports::advance(host, SHOP))).unwrap();
    let call = call.until("token").expect("it has read the queue");
    cancel(&world, None).unwrap();

    call.finish();

    assert_eq!((count(&world, "rotate"), status(&world).state), (0, State::Settled));
}

/// Within 7 days of the last rotation another one may cost the secret in use: that wants an operator's force.
#[test]
fn another_rotation_within_the_overlap_wants_confirming() {
    let world = rotated(548);
    let answer = request(&world, false);
    assert!(matches!(answer, Err(Error::NeedsConfirmation(text)) if text.contains("not documented")));
    assert_eq!(request(&world, true).unwrap().state, State::Requesting);
    let world = rotated(548);
    pass(&world, 7 * DAY + HOUR);
    advance(&world);
    assert_eq!(request(&world, false).unwrap().state, State::Requesting);
}

/// Where rotations begin on request only, none begins by itself.
#[test]
fn rotations_on_request_only_begin_on_request_only() {
    let world = enrolled(549);
    world.borrow_mut().settings.get_mut(SHOP).unwrap().rotate = Rotate::OnRequest;
    advance_as_announced(&world, 19 * DAY);
    assert_eq!((count(&world, "rotate"), status(&world).rotation_due_at), (0, None));
    request(&world, false).unwrap();
    assert_eq!(advance(&world).state, State::Awaiting);
}

/// `republish` writes whatever a place holds, to one target or all, once the secret is verified.
#[test]
fn the_current_secret_is_published_again_whatever_a_place_holds() {
    let republish = |world: &Shared, target: Option<&str>| run(world, |host| exports::republish(host, SHOP, target));
    let unverified = enrolled(550);
    assert!(matches!(republish(&unverified, None), Err(Error::NotAllowed(_))), "rule 4");
    for target in [None, Some("env")] {
        let world = settled(550);
        let unknown = world.borrow_mut().unknown_secret();
        world.borrow_mut().put_by_others(SHOP, "env", &unknown);
        assert!(matches!(republish(&world, Some("nowhere")), Err(Error::NotAllowed(text)) if text.contains("nowhere")));
        assert_eq!(republish(&world, target).unwrap().state, State::Publishing);
        assert_eq!(advance(&world).state, State::Settled);
        assert_done(&world);
    }
    let world = settled(550);
    set_targets(&world, &[]);
    assert!(matches!(republish(&world, None), Err(Error::NotAllowed(_))));
}

/// The record of a settled application can be removed, with all its secrets; the places keep what they hold.
#[test]
fn a_settled_application_can_be_forgotten() {
    let forget = |world: &Shared| run(world, |host| exports::forget(host, SHOP));
    let world = settled(551);
    let secret = newest(&world);
    request(&world, false).unwrap();
    assert!(matches!(forget(&world), Err(Error::NotAllowed(_))), "something is under way");
    cancel(&world, None).unwrap();
    forget(&world).unwrap();
    assert!(world.borrow().store.is_empty() && world.borrow().published(SHOP, &secret));
    assert!(matches!(forget(&world), Err(Error::NotEnrolled)));
    assert!(matches!(run(&world, |host| exports::status(host, SHOP)), Err(Error::NotEnrolled)));
    // And enrolled anew.
    supply(&world, &secret, None).unwrap();
    assert_eq!(advance(&world).state, State::Settled);
}

/// Another host began a rotation meanwhile: then nothing is removed.
#[test]
fn an_application_on_which_another_host_has_begun_is_not_forgotten() {
    let world = settled(552);
    let call = world::Call::begin(&world, |host| drop(exports::forget(host, SHOP))).unwrap();
    let call = call.until("remove").expect("it is settled");
    request(&world, false).unwrap();
    call.finish();
    assert_eq!(status(&world).state, State::Requesting);
}

/// A decision is taken only where there is one to take.
#[test]
fn there_is_nothing_to_decide_where_nothing_is_stalled() {
    for decision in [Decision::Wait, Decision::RequestAgain] {
        let world = settled(553);
        let before = world.borrow().store[SHOP].clone();
        let answer = run(&world, |host| exports::resume(host, SHOP, decision));
        assert!(matches!(answer, Err(Error::NotAllowed(text)) if text.contains("not stalled")));
        assert_eq!(world.borrow().store[SHOP], before);
    }
}
