//! Rule 15: what needs a person is said until it is done; and what fails is tried without wearing out a store of versions.

use lwa_rotate_component::bindings::lwa::rotation::types::{Action, RemedyBy};
use world::QUEUE;

use super::*;

/// How often a person was called in these lines, and how often a stall was reported.
fn called(said: &str) -> (usize, usize) {
    (said.matches("NeedsPerson").count(), said.matches("Stalled(").count())
}

/// When it begins, and daily from then on.
#[test]
fn what_needs_a_person_is_reported_when_it_begins_and_daily() {
    let world = settled(581);
    world.borrow_mut().apps.get_mut(SHOP).unwrap().subscribed = false;
    request(&world, false).unwrap();
    journal(&world);
    assert_eq!(advance(&world).problem.unwrap().action, Action::Subscribe);
    assert_eq!(called(&journal(&world)), (1, 0));
    for day in 0..5 {
        advance_as_announced(&world, DAY);
        let (person, _) = called(&journal(&world));
        assert!((day > 0 && person == 1) || (day == 0 && person <= 1), "day {day}: {person}");
    }
    // Done: nothing more is said, and the next one is said at once.
    world.borrow_mut().apps.get_mut(SHOP).unwrap().subscribed = true;
    advance_as_announced(&world, 13 * HOUR);
    drain(&world);
    journal(&world);
    advance_as_announced(&world, 3 * DAY);
    assert_eq!(called(&journal(&world)), (0, 0));
}

/// Only the reason that is shown is reported: what time will do does not hide what needs a person.
#[test]
fn a_new_secret_that_lags_does_not_hide_what_needs_a_person() {
    let world = settled(587);
    world.borrow_mut().forge(SHOP);
    pass(&world, 5_000);
    drain(&world);
    let lagging = status(&world).problem.unwrap();
    assert_eq!((lagging.cause, lagging.remedy_by), (Cause::SecretRefused, RemedyBy::Time));
    let at = world.borrow().now + 100 * DAY;
    world.borrow_mut().notify_expiry(SHOP, at);
    pass(&world, 5_000);
    journal(&world);
    drain(&world);
    let person = advance(&world).problem.unwrap();
    assert_eq!((person.cause, person.remedy_by), (Cause::NoticeUnmatched, RemedyBy::Person));
    assert_eq!(called(&journal(&world)), (1, 0));
}

/// A stall is reported once per stall, and repeated as what needs a person.
#[test]
fn a_stall_is_reported_once_and_repeated_daily_as_what_needs_a_person() {
    let world = settled(582);
    request(&world, false).unwrap();
    advance(&world);
    world.borrow_mut().queue.clear();
    journal(&world);
    world.borrow_mut().forgotten.insert(SHOP.into());
    advance_as_announced(&world, 3 * DAY + 2 * HOUR);
    let (person, stalled) = called(&journal(&world));
    assert_eq!(stalled, 1);
    assert!((3..=4).contains(&person), "{person}");
}

/// After a call that was accepted, the date shown for the secret in use is the earlier of its own end and 7 days after the call.
#[test]
fn while_a_message_is_awaited_the_date_shown_is_a_week_after_the_call() {
    let world = settled(583);
    let before = status(&world).expires_at.unwrap();
    request(&world, false).unwrap();
    let awaiting = advance(&world);
    let shown = awaiting.expires_at.unwrap();
    assert!(shown < before && shown - awaiting.called_at.unwrap() == 7 * DAY);
}

/// A notice whose date fits no secret: the current one is tried, and the person hears of it until the date is corrected.
#[test]
fn a_notice_that_fits_no_secret_is_a_matter_for_a_person() {
    let world = settled(584);
    let at = world.borrow().now + 100 * DAY;
    world.borrow_mut().notify_expiry(SHOP, at);
    pass(&world, 5_000);
    drain(&world);
    assert_eq!((count(&world, "token"), count(&world, "verify")), (1, 1), "the current secret is tried");
    let problem = status(&world).problem.expect("a problem");
    assert_eq!(
        (problem.cause, problem.remedy_by, problem.action),
        (Cause::NoticeUnmatched, RemedyBy::Person, Action::CheckExpiry)
    );
    assert!(world.borrow().queue.is_empty(), "it is recorded, and the message is finished");
    journal(&world);
    advance_as_announced(&world, 3 * DAY + 2 * HOUR);
    let (person, _) = called(&journal(&world));
    assert!((3..=4).contains(&person), "{person}");
    run(&world, |host| exports::set_expiry(host, SHOP, Instant(at), true)).unwrap();
    assert_eq!(advance(&world).problem, None);
}

/// One that fits, within a day, is none; nor is one about a secret that was erased.
#[test]
fn a_notice_that_fits_a_secret_that_is_or_was_kept_is_no_matter() {
    let world = settled(585);
    let first = world.borrow().newest(SHOP).ends_at;
    pass(&world, HOUR);
    rotated_by_amazon(&world);
    drain(&world);
    let ends: Vec<u64> = world.borrow().apps[SHOP].issued.iter().map(|issued| issued.ends_at).collect();
    advance_as_announced(&world, 9 * DAY);
    for at in [first, ends[0], ends[1] - DAY / 2] {
        world.borrow_mut().notify_expiry(SHOP, at);
        pass(&world, 5_000);
        drain(&world);
        assert_eq!(status(&world).problem, None, "{at}");
    }
}

/// Drains when a message is there and advances when that was announced, for so long. The times of all saves.
fn live(world: &Shared, milliseconds: u64, saves: &mut Vec<u64>) {
    let end = world.borrow().now + milliseconds;
    let note = |world: &Shared, before: u64, saves: &mut Vec<u64>| {
        let world = world.borrow();
        saves.extend((before..world.saves(SHOP)).map(|_| world.now));
    };
    while world.borrow().now < end {
        let before = world.borrow().saves(SHOP);
        if world.borrow().queue.iter().any(|message| message.visible_at <= world.borrow().now) {
            drop(run(world, |host| exports::drain(host, QUEUE, 10, 20)).unwrap());
        }
        note(world, before, saves);
        let before = world.borrow().saves(SHOP);
        let next = advance(world).next.map_or(u64::MAX, |deadline| deadline.at);
        note(world, before, saves);
        let mut world = world.borrow_mut();
        let hidden = world.queue.iter().map(|message| message.visible_at).filter(|at| *at > world.now).min();
        world.now = next.min(hidden.unwrap_or(u64::MAX)).clamp(world.now + 1_000, end.max(world.now + 1_000));
    }
}

/// The most saves in any 24 hours.
fn most_in_a_day(saves: &[u64]) -> usize {
    saves
        .iter()
        .enumerate()
        .map(|(first, at)| saves[first..].iter().take_while(|other| **other < at + DAY).count())
        .max()
        .unwrap_or(0)
}

/// At most 40 saves in 24 hours, whatever fails and however much of it: all of eight targets, a new secret, and the rotate call.
#[test]
fn whatever_fails_there_are_at_most_forty_saves_in_a_day() {
    let names = ["env", "hook", "exec", "vault", "ssm", "file", "secret", "deploy"];
    let cases = [
        "the targets",
        "a new secret",
        "the targets and a new secret",
        "the targets and four new secrets",
        "reading and a new secret",
        "the call",
        "the current secret",
    ];
    for what in cases {
        let world = settled(586);
        set_targets(&world, &names);
        pass(&world, HOUR);
        advance(&world);
        let mut saves = Vec::new();
        live(&world, DAY, &mut saves);
        if what.contains("the targets") {
            world.borrow_mut().faults.target = 1000;
            rotated_by_amazon(&world);
            live(&world, HOUR, &mut saves);
        }
        if what.contains("reading") {
            world.borrow_mut().faults.target = 1000;
        }
        world.borrow_mut().apps.get_mut(SHOP).unwrap().lag = 400 * DAY;
        let secrets = if what.contains("four") { 4 } else { usize::from(what.contains("a new secret")) };
        for _ in 0..secrets {
            rotated_by_amazon(&world);
        }
        if what == "the call" {
            world.borrow_mut().apps.get_mut(SHOP).unwrap().subscribed = false;
            request(&world, false).unwrap();
        }
        if what == "the current secret" {
            world.borrow_mut().apps.get_mut(SHOP).unwrap().issued[0].works_from = u64::MAX;
            request(&world, false).unwrap();
        }
        saves.clear();
        live(&world, 5 * DAY, &mut saves);
        let most = most_in_a_day(&saves);
        assert!(most > 10, "{what}: {most}, so nothing was tried");
        assert!(most <= 40, "{what}: {most} saves in a day");
    }
}
