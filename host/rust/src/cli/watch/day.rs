//! What an idle day costs, counted: the plan and the rhythm of `watch` against the emulator, with the time moved by hand.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use lwa_rotate::aws::Aws;
use lwa_rotate::clock::{Clock, ManualClock, SystemClock};
use lwa_rotate::queue::Sqs;
use lwa_rotate::store::{Entry, Error, MemoryStore, Revision, Store};
use lwa_rotate::{Application, Rotator, Secret, State};
use lwa_rotate_emulator::{Emulator, Operation, Options};

use super::plan::{Moment, Plan};
use super::queues::{Read, Rhythm};
use committed::{Kind, compare};

#[path = "../../../../../tests/committed.rs"]
mod committed;

const DAY: Duration = Duration::from_secs(86_400);
const HOUR: Duration = Duration::from_secs(3600);
const QUEUE_INTERVAL: Duration = Duration::from_secs(300);
const APPS: usize = 20;

/// A store that counts, as one in the cloud does.
#[derive(Default)]
struct Counted {
    store: MemoryStore,
    loads: AtomicUsize,
    saves: AtomicUsize,
}

#[async_trait]
impl Store for Counted {
    async fn load(&self, client_id: &str) -> Result<Option<Entry>, Error> {
        self.loads.fetch_add(1, Ordering::Relaxed);
        self.store.load(client_id).await
    }

    async fn save(&self, client_id: &str, document: Secret, expected: Option<&str>) -> Result<Revision, Error> {
        self.saves.fetch_add(1, Ordering::Relaxed);
        self.store.save(client_id, document, expected).await
    }

    async fn remove(&self, client_id: &str, expected: &str) -> Result<(), Error> {
        self.store.remove(client_id, expected).await
    }
}

struct World {
    emulator: Emulator,
    store: Arc<Counted>,
    clock: Arc<ManualClock>,
    rotator: Rotator,
    plan: Plan,
    rhythm: Rhythm,
    read_at: Moment,
}

fn client_id(place: usize) -> String {
    format!("amzn1.application-oa2-client.{place}")
}

impl World {
    /// Applications with half a year left, enrolled and verified.
    async fn new(record_interval: Duration) -> Self {
        let secret = |place: usize| format!("amzn1.oa2-cs.v1.{place}");
        let applications =
            (0..APPS).map(|place| lwa_rotate_emulator::Application::new(client_id(place), secret(place))).collect();
        let emulator = Emulator::start(Options { applications, ..Options::default() }).await.unwrap();
        let (store, clock) = (Arc::<Counted>::default(), Arc::new(ManualClock::new(SystemClock.now())));
        let aws = Aws::new().endpoint(emulator.url()).unwrap().region("us-east-1");
        let aws = aws.access_key("test", Secret::from("test"));
        let queue = Sqs::new([("main", emulator.queue_url())]).unwrap().aws(aws);
        let mut builder = Rotator::builder().store(Arc::clone(&store)).clock(Arc::clone(&clock)).queue(queue);
        for place in 0..APPS {
            let mut application = Application::new(client_id(place), emulator.url(), "main");
            application.token_endpoint = emulator.token_endpoint();
            builder = builder.application(application);
        }
        let rotator = builder.build().unwrap();
        for place in 0..APPS {
            let ends_at = emulator.secrets(&client_id(place))[0].ends_at;
            rotator.enroll(&client_id(place), secret(place).as_str().into(), Some(ends_at), false).await.unwrap();
            assert!(rotator.advance(&client_id(place)).await.unwrap().verified);
        }
        store.loads.store(0, Ordering::Relaxed);
        store.saves.store(0, Ordering::Relaxed);
        let apps = (0..APPS).map(|_| (None, true));
        let plan = Plan::new(record_interval).follow(apps, record_interval, Moment::ZERO, || 0);
        Self { emulator, store, clock, rotator, plan, rhythm: Rhythm::new(QUEUE_INTERVAL), read_at: Moment::ZERO }
    }

    /// Does what is due until then, each thing at its time.
    async fn pass(&mut self, from: Moment, until: Moment) {
        let mut now = from;
        loop {
            let next = self.plan.next().unwrap().min(self.read_at).max(now);
            self.clock.advance(next.min(until) - now);
            now = next.min(until);
            if next >= until {
                return;
            }
            while let Some(place) = self.plan.begin(now) {
                let status = self.rotator.advance(&client_id(place)).await.unwrap();
                self.plan.looked(place, &status, now, self.clock.now());
            }
            if self.read_at <= now {
                // The wait for a message takes real time, and the same one call.
                let drained = self.rotator.drain("main", 10, 0).await.unwrap();
                self.read_at = now + self.rhythm.after(Read::of(&drained), false, Duration::ZERO).length;
            }
        }
    }

    fn count(&self, operation: Operation) -> usize {
        self.emulator.calls().iter().filter(|call| call.operation == operation).count()
    }
}

#[tokio::test]
async fn the_figures_of_a_day_without_anything_due_are_those_that_are_committed() {
    let mut world = World::new(HOUR).await;
    let before = world.emulator.calls().len();

    world.pass(Moment::ZERO, DAY).await;

    let loads = world.store.loads.load(Ordering::Relaxed);
    let saves = world.store.saves.load(Ordering::Relaxed);
    let receives = world.count(Operation::Receive);
    let others = world.emulator.calls().len() - before - receives;
    assert_eq!(loads, 24 * APPS, "one look at each record an hour");
    assert_eq!(receives, 24 * 60 / 5, "one receive in five minutes, whatever the number of applications");
    let day = [("loads of a record", loads / APPS), ("saves", saves), ("receives", receives), ("others", others)];
    compare("an idle day", Kind::Count, &day.map(|(what, count)| (what, count as u64)));
}

#[tokio::test]
async fn what_another_process_asks_for_is_done_within_the_interval() {
    let mut world = World::new(HOUR).await;
    let asked = 10 * HOUR + Duration::from_secs(1);
    world.pass(Moment::ZERO, asked).await;
    assert_eq!(world.count(Operation::Rotate), 0);

    world.rotator.request(&client_id(7), false).await.unwrap();
    world.pass(asked, asked + HOUR).await;

    assert_eq!(world.count(Operation::Rotate), 1);
    assert_eq!(world.rotator.status(&client_id(7)).await.unwrap().state, State::Awaiting);
}
