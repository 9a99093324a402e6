//! The checker checks: hosts that break one rule each on purpose, and the world has to notice.

#![allow(missing_docs, clippy::unwrap_used, reason = "tests")]

#[path = "mutants/host.rs"]
mod host;

use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};

use host::{GARBAGE, Mutant, STRANGER, Wrong};
use lwa_rotate_component::exports;
use lwa_rotate_component::host::Host;
use lwa_rotate_component::instant::Instant;
use world::{Call, DAY, HOUR, Kind, QUEUE, SHOP, Shared, VALUE_OF_OTHERS, World, call};

/// A world with one kind of host, whose application is enrolled and verified for an hour.
struct Run {
    world: Shared,
    wrong: Wrong,
    first: RefCell<Option<Vec<u8>>>,
}

impl Run {
    fn new(wrong: Wrong) -> Self {
        let run = Self { world: World::shared(1), wrong, first: RefCell::new(None) };
        run.world.borrow_mut().settings.get_mut(SHOP).unwrap().rotate_before = 5 * 24 * 3600;
        run
    }

    fn enroll(&self) {
        let (secret, ends_at) = {
            let world = self.world.borrow();
            (world.newest(SHOP).secret.clone(), world.newest(SHOP).ends_at)
        };
        self.each(|host| drop(exports::enroll(host, SHOP, secret.into_bytes(), Some(Instant(ends_at)), true)));
        self.advance();
        self.world.borrow_mut().now += HOUR;
    }

    fn each(&self, body: impl FnOnce(&mut Mutant<'_>)) {
        call(&self.world, None, |host| {
            body(&mut Mutant { host, world: &self.world, wrong: self.wrong, first: &self.first });
        });
    }

    fn advance(&self) {
        self.each(|host| {
            let answer = exports::advance(host, SHOP);
            self.world.borrow().check_answer(&answer);
        });
    }

    fn drain(&self) {
        self.each(|host| drop(exports::drain(host, QUEUE, 10, 20)));
    }

    fn request(&self, force: bool) {
        self.each(|host| drop(exports::request(host, SHOP, force)));
    }

    /// Advances and drains, several times at once.
    fn settle(&self) {
        for _ in 0..3 {
            self.advance();
            self.drain();
        }
    }
}

/// What the world says to a run, if anything.
fn said(run: impl FnOnce()) -> Option<String> {
    let panic = catch_unwind(AssertUnwindSafe(run)).err()?;
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    Some(text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap())
}

/// Two rotations, the second in the console, with messages in the queue that are none and one for another application.
fn two_rotations(run: &Run) {
    run.world.borrow_mut().add_app(STRANGER, 20 * DAY);
    run.enroll();
    for round in 0..2 {
        if round == 0 {
            run.request(false);
        } else {
            run.world.borrow_mut().put_message(GARBAGE.to_vec(), Kind::Foreign, 0);
            run.world.borrow_mut().rotate(STRANGER);
            run.world.borrow_mut().rotate(SHOP);
        }
        run.settle();
        run.world.borrow_mut().now += DAY;
    }
    run.world.borrow_mut().now += 8 * DAY;
    run.advance();
    run.world.borrow().check_purged(SHOP);
}

/// A queue to which Amazon may not send.
fn a_queue_without_a_policy(run: &Run) {
    run.enroll();
    run.world.borrow_mut().attributes.as_mut().unwrap().remove("Policy");
    run.request(false);
    run.settle();
}

/// A newer secret is in the queue, and a rotation is wanted.
fn a_newer_secret_in_the_queue(run: &Run) {
    run.enroll();
    run.world.borrow_mut().rotate(SHOP);
    run.world.borrow_mut().now += HOUR;
    run.request(false);
    run.settle();
}

/// The message of the call takes two days.
fn a_late_message(run: &Run) {
    run.enroll();
    run.request(false);
    run.advance();
    run.world.borrow_mut().queue.iter_mut().for_each(|message| message.visible_at += 2 * DAY);
    for _ in 0..50 {
        run.advance();
        run.drain();
        run.world.borrow_mut().now += HOUR;
    }
}

/// A place is changed by others: to the secret before, and to one that no one knows.
fn a_place_that_others_change(run: &Run) {
    run.enroll();
    let old = run.world.borrow().newest(SHOP).secret.clone();
    run.world.borrow_mut().rotate(SHOP);
    run.settle();
    run.world.borrow_mut().now += HOUR;
    run.advance();
    let unknown = run.world.borrow_mut().unknown_secret();
    for put in [old, unknown] {
        run.world.borrow_mut().put_by_others(SHOP, "env", &put);
        for _ in 0..26 {
            run.world.borrow_mut().now += HOUR;
            run.advance();
        }
        run.each(|host| {
            let status = exports::status(host, SHOP).unwrap();
            run.world.borrow().check_targets(SHOP, &status);
        });
        // Another rotation, by which each place is written.
        run.world.borrow_mut().rotate(SHOP);
        run.settle();
    }
}

/// The application is not subscribed, for three days.
fn something_needs_a_person(run: &Run) {
    run.world.borrow_mut().apps.get_mut(SHOP).unwrap().subscribed = false;
    run.enroll();
    run.request(false);
    for _ in 0..80 {
        run.advance();
        run.world.borrow_mut().now += HOUR;
    }
}

/// A queue that the host may not inspect is judged.
fn a_queue_that_may_not_be_inspected(run: &Run) {
    use lwa_rotate_component::bindings::lwa::rotation::queue::Gap;
    run.world.borrow_mut().attributes = Err(Gap::Denied("it may not be asked".into()));
    run.each(|host| {
        let findings = exports::check_queue(host, QUEUE);
        run.world.borrow().check_findings(&findings);
    });
}

type Story = fn(&Run);

/// Every story, for hosts that keep their promises.
const STORIES: [Story; 7] = [
    two_rotations,
    a_queue_without_a_policy,
    a_newer_secret_in_the_queue,
    a_late_message,
    a_place_that_others_change,
    something_needs_a_person,
    a_queue_that_may_not_be_inspected,
];

#[test]
fn a_host_that_keeps_its_promises_breaks_no_rule() {
    for (number, story) in STORIES.into_iter().enumerate() {
        assert_eq!(said(|| story(&Run::new(Wrong::Nothing))), None, "story {number}");
    }
    // Nor does one behind a portal: what the portal answers is not known to be a refusal.
    assert_eq!(said(|| a_late_message(&Run::new(Wrong::HasAPortal))), None);
}

#[test]
fn each_broken_rule_is_noticed() {
    assert!(include_str!("vectors/new-secret.json").contains(VALUE_OF_OTHERS));
    let rows: [(Wrong, Story, &str); 19] = [
        (Wrong::ForgetsTheIntent, two_rotations, "rule 1"),
        (Wrong::CallsTwice, two_rotations, "rule 2"),
        (Wrong::ClaimsVerification, two_rotations, "rule 4"),
        (Wrong::DeletesAtOnce, two_rotations, "rule 5: acknowledged"),
        (Wrong::TurnsBack, two_rotations, "rule 6"),
        (Wrong::DeletesGarbage, two_rotations, "rule 7: a message that is not ours"),
        (Wrong::DeletesWhatIsForOthers, two_rotations, "rule 7: a message of an application that is not enrolled"),
        (Wrong::Repeats, two_rotations, "rule 7: a value of somebody else's message"),
        (Wrong::ReadsTheOldRecord, two_rotations, "rule 8: the replaced secret"),
        (Wrong::DropsTheOldSecret, two_rotations, "rule 8: the replaced secret"),
        (Wrong::KeepsTheOldSecret, two_rotations, "rule 8: an old secret is kept"),
        (Wrong::Talks, two_rotations, "rule 9"),
        (Wrong::PraisesTheQueue, a_queue_without_a_policy, "rule 12: called in spite of the queue"),
        (
            Wrong::ClaimsAnEmptyQueue,
            a_newer_secret_in_the_queue,
            "rule 12: called without reading the queue to its end",
        ),
        (Wrong::TrustsThePortal, a_late_message, "rule 2: rotated"),
        (Wrong::ClaimsToHoldTheCurrent, a_place_that_others_change, "rule 14: the status claims too much"),
        (Wrong::ClaimsToHoldNothing, a_place_that_others_change, "rule 14: what others have put"),
        (Wrong::HidesWhatNeedsAPerson, something_needs_a_person, "rule 15"),
        (Wrong::PraisesTheQueue, a_queue_that_may_not_be_inspected, "rule 16"),
    ];
    for (wrong, story, rule) in rows {
        let said = said(|| story(&Run::new(wrong))).unwrap_or_default();
        assert!(said.contains(rule), "{wrong:?}: wanted {rule}, heard {said:?}");
    }
}

/// What the world says when two hosts are at the same rotation, in turn from import to import.
fn noticed_of_two(wrong: Wrong) -> Option<String> {
    let run = Run::new(Wrong::Nothing);
    run.enroll();
    run.request(false);
    let world = run.world;
    let begin = || {
        let inner = world.clone();
        Call::begin(&world, move |host| {
            let first = RefCell::new(None);
            drop(exports::advance(&mut Mutant { host, world: &inner, wrong, first: &first }, SHOP));
        })
    };
    said(|| {
        let mut running = vec![begin(), begin()];
        while !running.is_empty() {
            running = running.into_iter().filter_map(|call| call?.go_on().map(Some)).collect();
        }
    })
}

/// Rule 3: one caller.
#[test]
fn a_store_that_does_not_compare_revisions_is_noticed() {
    assert_eq!(noticed_of_two(Wrong::Nothing), None);
    let said = noticed_of_two(Wrong::SavesOverOthers).unwrap_or_default();
    assert!(said.contains("rule 3"), "heard {said:?}");
}

/// Rule 10: same inputs, same run.
#[test]
fn randomness_from_elsewhere_is_noticed() {
    let journal = |wrong| {
        let run = Run::new(wrong);
        run.world.borrow_mut().journal = Some(Vec::new());
        run.enroll();
        run.request(false);
        run.settle();
        // By chance the next rotation is due earlier or later.
        run.each(|host| {
            let due = exports::status(host, SHOP).unwrap().rotation_due_at;
            let at = host.now();
            let what = lwa_rotate_component::bindings::lwa::rotation::observe::Happening::ExpirySet(due.unwrap());
            host.emit(Some(SHOP), at, what);
        });
        run.world.borrow_mut().journal.take()
    };
    assert_eq!(journal(Wrong::Nothing), journal(Wrong::Nothing));
    assert_ne!(journal(Wrong::IsMoody), journal(Wrong::IsMoody));
}

/// Rule 11: say what to do.
#[test]
fn a_problem_without_a_remedy_is_noticed() {
    let run = Run::new(Wrong::Nothing);
    run.world.borrow_mut().apps.get_mut(SHOP).unwrap().issued[0].works_from = u64::MAX;
    run.enroll();
    run.each(|host| {
        let mut status = exports::advance(host, SHOP).unwrap();
        assert_eq!(said(|| run.world.borrow().check_answer(&Ok(status.clone()))), None);
        status.problem.as_mut().unwrap().remedy.clear();
        assert!(said(|| run.world.borrow().check_answer(&Ok(status.clone()))).unwrap().contains("rule 11"));
    });
}
