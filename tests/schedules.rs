//! Random schedules of everything that can go wrong, each checked by the world while it runs and at its end.
//!
//! `LWA_ROTATE_SCHEDULES=1000000 cargo test --profile schedules -p lwa-rotate-tests --test schedules -- --nocapture` runs more of them;
//! `LWA_ROTATE_FIRST=n` begins with that seed; `LWA_ROTATE_SEED=n` runs one.

#![allow(missing_docs, clippy::unwrap_used, clippy::print_stdout, reason = "tests")]

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::rc::Rc;
use std::time::Instant as Stopwatch;

use lwa_rotate_component::bindings::exports::lwa::rotation::rotation::{Decision, Error, Stage};
use lwa_rotate_component::bindings::lwa::rotation::types::{ApplicationStatus, State};
use lwa_rotate_component::exports;
use lwa_rotate_component::instant::Instant;
use world::{Call, DAY, Faults, HOUR, Kind, QUEUE, Queued, Random, Shared, SimulatedHost, World, call};

/// Seeds that once found something with the draws as they are. What earlier ones found is in `found.rs`, step by step.
const FOUND: &[u64] = &[];

const SECOND_SHOP: &str = "amzn1.application-oa2-client.second";

fn environment(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

#[test]
fn every_rule_holds_in_every_schedule() {
    if let Some(seed) = environment("LWA_ROTATE_SEED") {
        let schedule = Schedule::new(seed, true);
        let world = schedule.world.clone();
        let result = catch_unwind(AssertUnwindSafe(|| schedule.run()));
        println!("{}", world.borrow().journal.iter().flatten().cloned().collect::<Vec<_>>().join("\n"));
        return result.unwrap_or_else(|panic| resume_unwind(panic));
    }
    let count = environment("LWA_ROTATE_SCHEDULES").unwrap_or(2_000);
    let first = environment("LWA_ROTATE_FIRST").unwrap_or(0);
    let begun = Stopwatch::now();
    let threads = std::thread::available_parallelism().map_or(1, usize::from) as u64;
    std::thread::scope(|scope| {
        for thread in 0..threads {
            scope.spawn(move || {
                for seed in
                    FOUND.iter().copied().chain(first..first + count).skip(thread as usize).step_by(threads as usize)
                {
                    if let Err(panic) = catch_unwind(|| Schedule::new(seed, false).run()) {
                        println!("seed {seed} found something: LWA_ROTATE_SEED={seed} replays it");
                        resume_unwind(panic);
                    }
                }
            });
        }
    });
    let seconds = begun.elapsed().as_secs_f64();
    println!("{count} schedules, {:.0} a second", count as f64 / seconds);
}

/// Rule 10: same inputs, same run.
#[test]
fn a_seed_replays_exactly() {
    for seed in 0..20 {
        let journal = |seed| {
            let schedule = Schedule::new(seed, true);
            let world = schedule.world.clone();
            schedule.run();
            world.borrow_mut().journal.take()
        };
        assert_eq!(journal(seed), journal(seed));
    }
}

/// What happens in one world, all of it chosen by one seed.
struct Schedule {
    seed: u64,
    world: Shared,
    choice: Random,
    ids: Vec<String>,
    /// How many hosts may be in the middle of a call at once; 0 for one that is never interrupted.
    hosts: usize,
    /// Their calls.
    calls: Vec<Call>,
    /// Clocks go wrong by hours and days. Else operators hand over secrets, right and wrong ones: without a clock nobody can
    /// put those in order, so it is one or the other.
    wrong_clocks: bool,
}

impl Schedule {
    fn new(seed: u64, journal: bool) -> Self {
        let mut choice = Random::new(seed ^ 0x5eed);
        let mut world = World::new(seed);
        world.journal = journal.then(Vec::new);
        if choice.below(3) == 0 {
            world.add_app(SECOND_SHOP, choice.below(40) * DAY + HOUR);
        }
        let ids = world.apps.keys().cloned().collect();
        let (hosts, wrong_clocks) = (choice.below(5) as usize, choice.below(2) == 0);
        Self { seed, world: Rc::new(RefCell::new(world)), choice, ids, hosts, calls: Vec::new(), wrong_clocks }
    }

    fn run(mut self) {
        for id in self.ids.clone() {
            let (secret, ends_at) = self.newest(&id);
            let known = (self.choice.below(4) > 0).then_some(Instant(ends_at));
            call(&self.world, None, |host| exports::enroll(host, &id, secret.into_bytes(), known, true))
                .0
                .unwrap()
                .unwrap();
        }
        self.world.borrow_mut().faults = faults(&mut self.choice);
        let steps = self.choice.below(60) * if self.hosts > 0 { 3 } else { 1 };
        for _ in 0..steps {
            let running = self.calls.len();
            if running > 0 && (running >= self.hosts || self.choice.below(4) > 0) {
                let call = self.calls.swap_remove(self.choice.below(running as u64) as usize);
                let imports = 1 + self.choice.below(4);
                self.calls.extend((0..imports).try_fold(call, |call, _| call.go_on().ok_or(())).ok());
            } else {
                let id = self.ids[self.choice.below(self.ids.len() as u64) as usize].clone();
                self.step(&id);
            }
        }
        self.settle();
    }

    fn newest(&self, id: &str) -> (String, u64) {
        let world = self.world.borrow();
        (world.newest(id).secret.clone(), world.newest(id).ends_at)
    }

    /// Has a host make a call.
    fn call(&mut self, body: impl FnOnce(&mut SimulatedHost<'_>) + 'static) {
        if self.hosts == 0 {
            call(&self.world, None, body);
        } else {
            self.calls.extend(Call::begin(&self.world, body));
        }
    }

    /// The same for a call that answers where an application stands.
    fn ask(&mut self, body: impl FnOnce(&mut SimulatedHost<'_>) -> Result<ApplicationStatus, Error> + 'static) {
        let world = self.world.clone();
        self.call(move |host| {
            let answer = body(host);
            world.borrow().check_answer(&answer);
        });
    }

    fn step(&mut self, id: &str) {
        let owned = id.to_owned();
        match self.choice.below(24) {
            0..=5 => self.ask(move |host| exports::advance(host, &owned)),
            6..=10 => {
                let wait = [0, 20][self.choice.below(2) as usize];
                self.call(move |host| drop(exports::drain(host, QUEUE, 10, wait)));
            }
            11 => {
                let force = self.choice.below(2) == 0;
                self.ask(move |host| exports::request(host, &owned, force));
            }
            12 => {
                let decision = if self.choice.below(3) == 0 { Decision::RequestAgain } else { Decision::Wait };
                self.ask(move |host| exports::resume(host, &owned, decision));
            }
            13 => self.world.borrow_mut().rotate(id),
            14 => {
                let body = [&b"garbage"[..], b"{}", include_bytes!("vectors/new-secret.json")];
                let body = body[self.choice.below(3) as usize].to_vec();
                self.world.borrow_mut().put_message(body, Kind::Foreign, 0);
            }
            15 => {
                let mut world = self.world.borrow_mut();
                let place = self.choice.below(world.apps[id].issued.len() as u64) as usize;
                let ends_at = world.apps[id].issued[place].ends_at;
                world.notify_expiry(id, ends_at);
            }
            16 => {
                let lag = [0, 1_800_000, DAY, 6 * DAY + 12 * HOUR][self.choice.below(4) as usize];
                self.world.borrow_mut().apps.get_mut(id).unwrap().lag = lag;
            }
            17 => match self.choice.below(4) {
                0 => self.ask(move |host| exports::status(host, &owned)),
                1 => self.ask(move |host| exports::cancel(host, &owned, None)),
                2 => self.ask(move |host| exports::republish(host, &owned, None)),
                _ => {
                    let (_, ends_at) = self.newest(id);
                    self.ask(move |host| exports::set_expiry(host, &owned, Instant(ends_at), true));
                }
            },
            18 if self.choice.below(4) == 0 => self.world.borrow_mut().forge(id),
            19 if !self.wrong_clocks => self.operator_enrolls(id),
            20 => self.settings_change(id),
            // Not while two hosts may be writing one target: only the time tells their writes apart.
            21 if self.calls.is_empty() => {
                let errors: &[u64] =
                    if self.wrong_clocks { &[0, 120_000, HOUR, DAY, 30 * DAY] } else { &[0, 120_000, 600_000] };
                let error = errors[self.choice.below(errors.len() as u64) as usize] as i64;
                let error = if self.choice.below(2) == 0 { error } else { -error };
                self.world.borrow_mut().set_clocks(error);
            }
            _ => {
                let passed = [1000, 5000, 60_000, 600_000, HOUR, 5 * HOUR, DAY][self.choice.below(7) as usize];
                self.world.borrow_mut().now += passed;
            }
        }
    }

    /// The operator hands over a secret: the newest, the one before, or one that is none, with a date that may be wrong.
    fn operator_enrolls(&mut self, id: &str) {
        let issued = self.world.borrow().apps[id].issued.clone();
        let (secret, ends_at) = match self.choice.below(4) {
            // A slip in the secret of an application that has never worked is for the operator to mend.
            0 if self.world.borrow().view(id).is_some_and(|record| record.verified) => {
                ("not-a-secret-of-amazon".to_owned(), 0)
            }
            1 if issued.len() > 1 => (issued[issued.len() - 2].secret.clone(), issued[issued.len() - 2].ends_at),
            _ => self.newest(id),
        };
        let known = match self.choice.below(4) {
            0 => None,
            1 => Some(Instant(self.choice.below(400 * DAY) + self.world.borrow().now)),
            _ => Some(Instant(ends_at)),
        };
        let id = id.to_owned();
        self.ask(move |host| exports::enroll(host, &id, secret.into_bytes(), known, true));
    }

    /// Somebody edits the configuration.
    fn settings_change(&mut self, id: &str) {
        let mut world = self.world.borrow_mut();
        let settings = world.settings.get_mut(id).unwrap();
        match self.choice.below(3) {
            0 => settings.patience = [60, 3600, 24 * 3600][self.choice.below(3) as usize],
            1 => settings.rotate_before = [5, 30, 90][self.choice.below(3) as usize] * 24 * 3600,
            _ => {
                let names: [&[&str]; 4] = [&["env", "hook"], &["env"], &["hook", "vault"], &[]];
                let names = names[self.choice.below(4) as usize];
                settings.targets = world::targets(names);
            }
        }
    }

    /// Nothing goes wrong any more: what is then not in order is a fault of ours.
    fn settle(mut self) {
        {
            let mut world = self.world.borrow_mut();
            world.faults = Faults::default();
            // Not where they are right: a host whose clock is set in the middle of a call counts as dead.
            if world.clock_error != 0 {
                world.set_clocks(0);
            }
            for app in world.apps.values_mut() {
                app.lag = 0;
                app.issued.iter_mut().for_each(|issued| issued.works_from = 0);
            }
        }
        // Hosts in the middle of a call die, or come to its end now or never.
        for call in std::mem::take(&mut self.calls) {
            match self.choice.below(3) {
                0 => drop(call),
                _ => {
                    let mut going = Some(call);
                    while let Some(call) = going {
                        going = call.go_on();
                    }
                }
            }
        }
        let mut waited = 0;
        // Two weeks: by then Amazon has ended whatever an operator mixed up.
        let end = self.world.borrow().now + 14 * DAY;
        while self.world.borrow().now < end {
            call(&self.world, None, |host| exports::drain(host, QUEUE, 10, 20)).0.unwrap().unwrap();
            let mut next = u64::MAX;
            for id in &self.ids {
                let answer = call(&self.world, None, |host| exports::advance(host, id)).0.unwrap();
                self.world.borrow().check_answer(&answer);
                let mut status = answer.unwrap();
                if status.state == State::Stalled {
                    // What a person would do: wait, and take the other way on in the end.
                    waited += 1;
                    let decision = if waited % 4 == 0 { Decision::RequestAgain } else { Decision::Wait };
                    status = call(&self.world, None, |host| exports::resume(host, id, decision)).0.unwrap().unwrap();
                }
                next = status.next.map_or(next, |deadline| next.min(deadline.at));
            }
            let mut world = self.world.borrow_mut();
            if self.ids.iter().all(|id| behind(&world, id).is_none()) {
                break;
            }
            // What was announced, or the next message.
            let hidden = world.queue.iter().map(|message| message.visible_at).filter(|at| *at > world.now).min();
            world.now = next.min(hidden.unwrap_or(u64::MAX)).clamp(world.now + HOUR / 3, world.now + DAY);
        }
        for id in &self.ids {
            let behind = behind(&self.world.borrow(), id);
            assert_eq!(behind, None, "seed {}: {id}", self.seed);
            let status = call(&self.world, None, |host| exports::status(host, id)).0.unwrap().unwrap();
            for target in status.targets {
                let world = self.world.borrow();
                let Some(name) = target.name else { continue };
                let holds = world.holds(id, &name).map(str::to_owned) == world.current(id);
                assert!(
                    !target.holds_current || holds,
                    "seed {}: the status claims too much of a target of {id}",
                    self.seed
                );
            }
            let revealed = call(&self.world, None, |host| exports::reveal(host, id, Stage::Current)).0;
            let revealed = revealed.unwrap().unwrap().unwrap();
            assert_eq!(revealed.client_secret.expose_text(), self.world.borrow().newest(id).secret);
        }
        // By then Amazon has ended what was replaced last.
        self.world.borrow_mut().now += 8 * DAY;
        for id in &self.ids {
            drop(call(&self.world, None, |host| exports::advance(host, id)));
            self.world.borrow().check_purged(id);
        }
    }
}

/// What is not in order yet.
fn behind(world: &World, id: &str) -> Option<&'static str> {
    let newest = world.newest(id);
    let alive = newest.ends_at > world.now;
    if world.current(id).as_ref() != Some(&newest.secret) {
        Some("the newest secret is not current")
    } else if alive && !world.published(id, &newest.secret) {
        Some("the newest secret is not published")
    } else if world.queue.iter().any(|message| is_left(world, message)) {
        Some("messages are left")
    } else {
        None
    }
}

/// Whether a message that should have been deleted is still there. Nobody can tell that a secret is older than one that an
/// operator handed over; such a message stays until the queue's retention ends.
fn is_left(world: &World, message: &Queued) -> bool {
    match &message.kind {
        Kind::Foreign => false,
        Kind::Expiry => true,
        Kind::NewSecret { client_id, secret } => {
            let ordered = world.view(client_id).is_some_and(|record| record.ends_by_message.is_some());
            ordered || world.newest(client_id).secret == *secret
        }
    }
}

fn faults(choice: &mut Random) -> Faults {
    let mut one = |most: u64| if choice.below(3) == 0 { choice.below(most) } else { 0 };
    Faults {
        not_sent: one(300),
        answer_lost: one(300),
        lost_on_the_way: one(200),
        failing: one(300),
        twice: one(800),
        late: one(500),
        store: one(150),
        queue: one(200),
        target: one(400),
        crash: one(60),
        short_polls: one(500),
        inspect: one(500),
    }
}
