//! Secrets that an operator supplies.

use super::*;

/// A person's slip in a date does not cost a secret.
#[test]
fn a_wrong_expiry_time_given_at_enrolment_does_not_lose_a_new_secret() {
    let world = settled(14);
    let secret = world.borrow().newest(SHOP).secret.clone();
    let now = world.borrow().now;
    let enroll = |days: u64| {
        let at = Some(Instant(now + days * DAY));
        run(&world, |host| exports::enroll(host, SHOP, secret.clone().into_bytes(), at, true))
    };
    assert!(matches!(enroll(9999), Err(Error::NotAllowed(text)) if text.contains("180 days")));
    enroll(180).unwrap();
    run(&world, |host| exports::request(host, SHOP, false)).unwrap();
    advance(&world);
    drain(&world);
    assert_done(&world);
}

/// A secret from the console, supplied by a person, is verified before it is used.
#[test]
fn a_secret_supplied_later_becomes_current_when_it_is_verified() {
    let world = settled(15);
    world.borrow_mut().rotate(SHOP);
    let secret = world.borrow().newest(SHOP).secret.clone();
    let status = run(&world, |host| exports::enroll(host, SHOP, secret.clone().into_bytes(), None, true)).unwrap();
    // No message comes for a rotation in the console.
    world.borrow_mut().queue.clear();
    assert_eq!(status.state, State::Verifying);
    assert_eq!(advance(&world).state, State::Settled);
    assert_done(&world);
    // The old one supplied again by mistake: nothing of Amazon's puts the two in order, so that it is used while it works.
    let old = world.borrow().apps[SHOP].issued[0].secret.clone();
    run(&world, |host| exports::enroll(host, SHOP, old.into_bytes(), None, true)).unwrap();
    for _ in 0..8 * 24 {
        advance(&world);
        world.borrow_mut().now += HOUR;
    }
    assert_done(&world);
}

/// A person's slip at `enroll` can be put right in either way.
#[test]
fn a_wrong_secret_supplied_stands_beside_the_one_in_use_until_it_is_taken_back() {
    let world = settled(18);
    let right = world.borrow().newest(SHOP).secret.clone();
    let supply = |secret: &str| run(&world, |host| exports::enroll(host, SHOP, secret.into(), None, true)).unwrap();
    assert_eq!(supply("mistyped").state, State::Verifying);
    let problem = advance(&world).problem.unwrap();
    assert_eq!((problem.cause, problem.remedy_by), (Cause::SecretRefused, RemedyBy::Person));
    assert!(problem.remedy.contains("takes this one back"), "{}", problem.remedy);
    assert_eq!(world.borrow().current(SHOP), Some(right.clone()), "the one in use stays in use");
    assert_eq!(supply("mistyped-again").state, State::Verifying);
    assert_eq!(supply(&right).state, State::Settled);
    assert_eq!(status(&world).problem, None);
}

/// A call that was refused for a wrong secret goes on at once when the right one is supplied.
#[test]
fn the_right_secret_supplied_after_a_refused_call_is_not_kept_waiting() {
    let world = World::shared(19);
    let right = world.borrow().newest(SHOP).secret.clone();
    let supply = |secret: &str| run(&world, |host| exports::enroll(host, SHOP, secret.into(), None, true)).unwrap();
    supply("mistyped");
    run(&world, |host| exports::request(host, SHOP, false)).unwrap();
    assert_eq!(advance(&world).problem.unwrap().cause, Cause::SecretRefused);
    assert_eq!(supply(&right).problem, None);
    assert_eq!(advance(&world).state, State::Awaiting);
    drain(&world);
    assert_done(&world);
}
