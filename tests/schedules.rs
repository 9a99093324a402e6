//! Random schedules of everything that can go wrong, each checked by the world while it runs and at its end.
//!
//! `LWA_ROTATE_SCHEDULES=1000000 cargo test --release -p lwa-rotate-tests --test schedules -- --nocapture` runs more of them;
//! `LWA_ROTATE_SEED=n` runs one.

#![allow(missing_docs, clippy::unwrap_used, clippy::print_stdout, reason = "tests")]

use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::time::Instant as Stopwatch;

use lwa_rotate_component::calls;
use lwa_rotate_component::contract::exports::lwa::rotation::rotation::{Decision, Stage};
use lwa_rotate_component::contract::lwa::rotation::types::State;
use lwa_rotate_component::instant::Instant;
use world::{DAY, Faults, HOUR, Kind, QUEUE, Random, World, call};

/// Seeds that once found something.
const FOUND: &[u64] = &[54_463, 90_343, 214_006, 367_235];

const SECOND_SHOP: &str = "amzn1.application-oa2-client.second";

fn environment(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

#[test]
fn every_rule_holds_in_every_schedule() {
    if let Some(seed) = environment("LWA_ROTATE_SEED") {
        let (world, choice) = begin(seed);
        let result = catch_unwind(AssertUnwindSafe(|| schedule(&world, choice, seed)));
        println!("{}", world.borrow().journal.join("\n"));
        return result.unwrap_or_else(|panic| resume_unwind(panic));
    }
    let count = environment("LWA_ROTATE_SCHEDULES").unwrap_or(2_000);
    let begun = Stopwatch::now();
    let threads = std::thread::available_parallelism().map_or(1, usize::from) as u64;
    std::thread::scope(|scope| {
        for thread in 0..threads {
            scope.spawn(move || {
                for seed in FOUND.iter().copied().chain(0..count).skip(thread as usize).step_by(threads as usize) {
                    if let Err(panic) = catch_unwind(AssertUnwindSafe(|| run(seed))) {
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
        assert_eq!(run(seed).borrow().journal, run(seed).borrow().journal);
    }
}

fn run(seed: u64) -> RefCell<World> {
    let (world, choice) = begin(seed);
    schedule(&world, choice, seed);
    world
}

fn begin(seed: u64) -> (RefCell<World>, Random) {
    let mut choice = Random::new(seed ^ 0x5eed);
    let mut world = World::new(seed);
    if choice.below(3) == 0 {
        world.add_app(SECOND_SHOP, choice.below(40) * DAY + HOUR);
    }
    (RefCell::new(world), choice)
}

fn schedule(world: &RefCell<World>, mut choice: Random, seed: u64) {
    let ids: Vec<String> = world.borrow().apps.keys().cloned().collect();
    for id in &ids {
        let (secret, ends_at) = {
            let world = world.borrow();
            (world.newest(id).secret.clone(), world.newest(id).ends_at)
        };
        let known = (choice.below(4) > 0).then_some(Instant(ends_at));
        call(world, None, |host| calls::enroll(host, id, secret.into_bytes(), known)).0.unwrap().unwrap();
    }
    world.borrow_mut().faults = faults(&mut choice);
    for _ in 0..choice.below(60) {
        let id = &ids[choice.below(ids.len() as u64) as usize];
        step(world, &mut choice, id);
    }
    settle(world, &ids, seed);
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
        meanwhile: one(100),
    }
}

fn step(world: &RefCell<World>, choice: &mut Random, id: &str) {
    match choice.below(20) {
        0..=5 => drop(call(world, None, |host| calls::advance(host, id))),
        6..=10 => drop(call(world, None, |host| calls::drain(host, QUEUE, 10, 20))),
        11 => drop(call(world, None, |host| calls::request(host, id))),
        12 => {
            let decision = if choice.below(3) == 0 { Decision::RequestAgain } else { Decision::Wait };
            drop(call(world, None, |host| calls::resume(host, id, decision)));
        }
        13 => world.borrow_mut().rotate(id),
        14 => {
            let mut world = world.borrow_mut();
            let body = [&b"garbage"[..], b"{}", include_bytes!("vectors/new-secret.json")][choice.below(3) as usize];
            world.put_message(body.to_vec(), Kind::Foreign, 0);
        }
        15 => {
            let mut world = world.borrow_mut();
            let issued = world.apps[id].issued[choice.below(world.apps[id].issued.len() as u64) as usize].clone();
            world.notify_expiry(id, issued.ends_at);
        }
        16 => {
            let lag = [0, 1_800_000, DAY, 6 * DAY + 12 * HOUR][choice.below(4) as usize];
            world.borrow_mut().apps.get_mut(id).unwrap().lag = lag;
        }
        18 if choice.below(4) == 0 => world.borrow_mut().forge(id),
        17 => drop(call(world, None, |host| calls::status(host, id).map(|s| format!("{s:?}")))),
        _ => {
            let passed = [1000, 5000, 60_000, 600_000, HOUR, 5 * HOUR, DAY][choice.below(7) as usize];
            world.borrow_mut().now += passed;
        }
    }
}

/// Nothing goes wrong any more: what is then not in order is a fault of ours.
fn settle(world: &RefCell<World>, ids: &[String], seed: u64) {
    {
        let mut world = world.borrow_mut();
        world.faults = Faults::default();
        for app in world.apps.values_mut() {
            app.lag = 0;
            app.issued.iter_mut().for_each(|issued| issued.works_from = 0);
        }
    }
    for _ in 0..400 {
        for id in ids {
            let status = call(world, None, |host| calls::advance(host, id)).0.unwrap().unwrap();
            world.borrow().check_silent(&format!("{status:?}"));
            if let Some(problem) = &status.problem {
                let said = [&problem.happened, &problem.still_works, &problem.remedy];
                assert!(said.iter().all(|text| !text.is_empty()), "rule 11: {problem:?}");
            }
            if status.state == State::Stalled {
                // What a person would do in the end: look, and take the way on that is left.
                drop(call(world, None, |host| calls::resume(host, id, Decision::Wait)));
            }
        }
        call(world, None, |host| calls::drain(host, QUEUE, 10, 20)).0.unwrap().unwrap();
        let mut world = world.borrow_mut();
        world.now += 1_200_000;
        let ours = world.queue.iter().any(|message| message.kind != Kind::Foreign);
        let behind = ids.iter().any(|id| {
            let newest = world.newest(id);
            let alive = newest.ends_at > world.now;
            world.current(id).as_ref() != Some(&newest.secret) || alive && !world.published(id, &newest.secret)
        });
        // A call that never reached Amazon is awaited for ever; that is no fault.
        if !ours && !behind {
            break;
        }
    }
    for id in ids {
        let world = world.borrow();
        let newest = world.newest(id);
        assert_eq!(world.current(id).as_deref(), Some(newest.secret.as_str()), "seed {seed}: {id} is behind");
        if newest.ends_at > world.now {
            assert!(world.published(id, &newest.secret), "seed {seed}: {id} is not published");
        }
    }
    assert!(
        !world.borrow().queue.iter().any(|message| message.kind != Kind::Foreign),
        "seed {seed}: messages are left"
    );
    for id in ids {
        let revealed = call(world, None, |host| calls::reveal(host, id, Stage::Current)).0.unwrap().unwrap().unwrap();
        assert_eq!(revealed.client_secret.expose_text(), world.borrow().newest(id).secret);
    }
}
