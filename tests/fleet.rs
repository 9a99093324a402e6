//! A fleet: several `watch` processes on the same store and queues share dozens of applications, and are killed at any moment.

#![allow(missing_docs, clippy::print_stdout, clippy::unwrap_used, reason = "tests")]

mod program;

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use lwa_rotate::aws::Aws;
use lwa_rotate::clock::ManualClock;
use lwa_rotate::queue::Sqs;
use lwa_rotate::store::FileStore;
use lwa_rotate::{Application, Decision, Rotator, Secret, Stage, State};
use lwa_rotate_emulator::Operation;
use program::{Running, World};

const APPS: usize = 60;
const PROCESSES: usize = 3;
const QUEUES: [&str; 3] = ["first", "second", "third"];
const KILLS: usize = 6;
const DAY: u64 = 86_400;

/// `LWA_ROTATE_SEED` says otherwise.
const SEED: u64 = 20_261_125;

/// The same numbers for the same seed.
struct Chance(u64);

impl Chance {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % end
    }
}

fn client_id(place: usize) -> String {
    format!("amzn1.application-oa2-client.fleet-{place}")
}

fn secret(place: usize) -> String {
    format!("amzn1.oa2-cs.v1.enrolled-{place:04}-7f3a9c51e8b2")
}

/// The queue that Amazon sends an application's messages to.
fn queue(place: usize) -> &'static str {
    QUEUES[place % QUEUES.len()]
}

/// All are due. For one in four the configuration names another queue than the one that its message comes to.
fn fleet() -> World {
    // A thousand secrets and tokens take long to be looked for, and others do that.
    let world = World::unsearched(|options| {
        options.queue = QUEUES[0].to_owned();
        options.applications = (0..APPS)
            .map(|place| lwa_rotate_emulator::Application {
                expires_in: Duration::from_secs(10 * DAY),
                queue: Some(queue(place).to_owned()),
                ..lwa_rotate_emulator::Application::new(client_id(place), secret(place))
            })
            .collect();
    });
    let (url, token) = (world.emulator.url(), world.emulator.token_endpoint());
    let mut main = "apps-folder = \"apps.d\"\n[store]\npath = \"state\"\n[watch]\nqueue-interval = \"1s\"\n".to_owned();
    for name in QUEUES {
        main += &format!("[queues.{name}]\nurl = \"{}\"\n", world.emulator.queue_url_of(name));
    }
    world.write("lwa-rotate.toml", &main);
    std::fs::create_dir(world.path("apps.d")).unwrap();
    std::fs::create_dir(world.path("out")).unwrap();
    for place in 0..APPS {
        let named = if place % 4 == 0 { queue(place + 1) } else { queue(place) };
        world.write(
            &format!("apps.d/{place:03}.toml"),
            &format!(
                "[apps.a{place}]\nclient-id = \"{}\"\napi-endpoint = \"{url}\"\ntoken-endpoint = \"{token}\"\n\
                 queue = \"{named}\"\n\
                 [[apps.a{place}.publish]]\nkind = \"file\"\npath = \"out/{place}\"\nformat = \"env\"\n",
                client_id(place)
            ),
        );
    }
    world
}

/// The library on the same store, for what would take too long at the machine's pace: with a clock of its own.
fn rotator(world: &World, clock: &Arc<ManualClock>) -> Rotator {
    let aws = Aws::new().endpoint(world.emulator.url()).unwrap().region("us-east-1");
    let queues = QUEUES.map(|name| (name, world.emulator.queue_url_of(name)));
    let sqs = Sqs::new(queues).unwrap().aws(aws.access_key("test", Secret::from("test")));
    let mut builder = Rotator::builder().store(FileStore::new(world.path("state"))).queue(sqs);
    for place in 0..APPS {
        let mut application = Application::new(client_id(place), world.emulator.url(), queue(place));
        application.token_endpoint = world.emulator.token_endpoint();
        builder = builder.application(application);
    }
    builder.clock(Arc::clone(clock)).build().unwrap()
}

fn milliseconds(time: SystemTime) -> u64 {
    u64::try_from(time.duration_since(SystemTime::UNIX_EPOCH).unwrap().as_millis()).unwrap()
}

fn left(world: &World) -> usize {
    QUEUES.iter().map(|queue| world.emulator.messages_in(queue).all()).sum()
}

/// The newest secret is where the application reads it.
fn is_published(world: &World, place: usize) -> bool {
    let newest = world.emulator.secrets(&client_id(place));
    newest.len() > 1
        && std::fs::read_to_string(world.path(&format!("out/{place}")))
            .unwrap_or_default()
            .contains(&newest[newest.len() - 1].secret)
}

/// Rules 1, 3 and 5, whenever whoever is killed.
#[test]
fn three_watches_that_are_killed_at_random_rotate_sixty_applications_exactly_once_and_lose_nothing() {
    let seed = std::env::var("LWA_ROTATE_SEED").map_or(SEED, |seed| seed.parse().unwrap());
    println!("LWA_ROTATE_SEED={seed}");
    let mut chance = Chance(seed);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let world = fleet();
    // What is enrolled is not rotated within a quarter of an hour, whatever its date.
    let now = milliseconds(SystemTime::now());
    let clock = Arc::new(ManualClock::new(now - 20 * 60 * 1000));
    let library = rotator(&world, &clock);
    runtime.block_on(async {
        for place in 0..APPS {
            let ends_at = world.emulator.secrets(&client_id(place))[0].ends_at;
            library.enroll(&client_id(place), secret(place).as_str().into(), Some(ends_at), true).await.unwrap();
        }
    });
    clock.set(now);

    let mut watches: Vec<Running<'_>> = (0..PROCESSES).map(|_| world.start(&["watch"])).collect();
    for _ in 0..KILLS {
        // A moment by what has been done, so that it falls into the midst of the work on any machine.
        let moment = world.emulator.calls().len() + 20 + chance.below(60);
        let victim = chance.below(PROCESSES);
        watches[victim].until("the next kill", || world.emulator.calls().len() >= moment);
        watches[victim].signal("KILL");
        watches.remove(victim).end();
        watches.push(world.start(&["watch"]));
    }
    // What the dead had in their hands comes back to the others.
    world.emulator.advance_time(Duration::from_secs(600));
    let open = RefCell::new((0..APPS).collect::<BTreeSet<_>>());
    let is_done_or_held = || {
        open.borrow_mut().retain(|place| !is_published(&world, *place));
        // Whoever was killed on the way to its call holds the application for ten minutes, and a queue with messages in the hands of
        // others is read again after three.
        let held = |place: &usize| {
            let status = runtime.block_on(library.status(&client_id(*place))).unwrap();
            let later = milliseconds(SystemTime::now()) + 30_000;
            status.state == State::Requesting && status.next.is_some_and(|next| next.at > later)
        };
        left(&world) == 0 && open.borrow().iter().all(held)
    };
    watches[PROCESSES - 1].until("everything is done but what the dead hold", is_done_or_held);
    for watch in &watches {
        watch.terminate();
    }
    for watch in watches {
        watch.end().done();
    }

    let held: Vec<usize> = open.into_inner().into_iter().collect();
    println!("held by those that were killed, or to be read again: {held:?}");
    assert!(held.len() < APPS, "the living did some of it: {held:?}");
    runtime.block_on(finish(&world, &library, &clock, &held));
    assert_rotated_once(&world, &runtime, &library);
}

/// The ten minutes pass. What was killed between its intent and its call is never repeated on a guess (rule 2): the patience passes
/// as well, and a person decides.
async fn finish(world: &World, library: &Rotator, clock: &ManualClock, held: &[usize]) {
    let pass_time = |by| {
        world.emulator.advance_time(Duration::from_secs(by));
        clock.set(milliseconds(world.emulator.now()));
    };
    pass_time(660);
    for pass in 0..3 {
        for id in held.iter().map(|place| client_id(*place)) {
            let status = library.advance(&id).await.unwrap();
            if status.state == State::Stalled {
                assert_eq!(world.emulator.secrets(&id).len(), 1, "only what was never asked for needs a person");
                library.resume(&id, Decision::RequestAgain).await.unwrap();
                library.advance(&id).await.unwrap();
            }
        }
        for queue in QUEUES {
            while library.drain(queue, 10, 1).await.unwrap().more {}
        }
        if pass == 0 {
            pass_time(3700);
        }
    }
}

fn assert_rotated_once(world: &World, runtime: &tokio::runtime::Runtime, library: &Rotator) {
    let calls = world.emulator.calls();
    let rotates: Vec<_> = calls.iter().filter(|call| call.operation == Operation::Rotate).collect();
    assert!(
        rotates.iter().all(|call| call.status != Some(429)),
        "a second call would have been refused by its rate alone"
    );
    for place in 0..APPS {
        let id = client_id(place);
        let issued = world.emulator.secrets(&id);
        assert_eq!(issued.len(), 2, "{id} is rotated exactly once");
        let newest = issued.last().unwrap().secret.as_str();
        let current = runtime.block_on(library.reveal(&id, Stage::Current)).unwrap().unwrap();
        assert!(current.client_secret.expose_str() == Some(newest), "{id} has its newest secret");
        let status = runtime.block_on(library.status(&id)).unwrap();
        assert_eq!((status.state, status.generation), (State::Settled, 2), "{id}");
    }
    assert_eq!(left(world), 0, "no message is left");
}
