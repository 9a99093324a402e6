//! A whole rotation in the real host: files, HTTP and SQS over loopback to the emulator. With the component in its runtime, and with
//! the component's code linked natively to the same host.

use std::sync::Arc;
use std::time::{Duration, Instant};

use lwa_rotate::aws::Aws;
use lwa_rotate::clock::{Clock, ManualClock, SystemClock};
use lwa_rotate::http::{Client, Origin};
use lwa_rotate::publish::{FileTarget, Format, Targets};
use lwa_rotate::queue::Sqs;
use lwa_rotate::store::FileStore;
use lwa_rotate::{Application, Rotator, Secret, State};
use lwa_rotate_component::exports;
use lwa_rotate_emulator::{Emulator, Operation, Options};
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::amazon::{CLIENT_ID, SECRET, Unseen};
use crate::native::{Effects, Native};
use crate::sample::{Sample, figure};
use crate::watched::{Span, Watched};
use crate::{picture, table};

const ROUNDS: usize = 101;
const WEEK_AND_MORE: Duration = Duration::from_secs(8 * 86_400);

pub fn measure() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let mut in_runtime = Shop::new(&runtime);
    let mut natively = Shop::new(&runtime);
    let mut native = natively.effects.native(Some(runtime.handle().clone()));
    let (mut component, mut plain) = (Sample::default(), Sample::default());
    for _ in 0..ROUNDS {
        component.push(in_runtime.rotate(&runtime).as_secs_f64() * 1e3);
        plain.push(natively.rotate_natively(&mut native).as_secs_f64() * 1e3);
    }
    let ratio = component.ratio(&plain).median();
    table::target(
        "a whole rotation in the real host, files and loopback, without the second of its long poll",
        format!("{}; native {}; {} times", component.spread("ms"), plain.spread("ms"), figure(ratio)),
        "at most 1.1 times native",
        ratio <= 1.1,
    );
    table::target(
        "calls of a rotation without trouble, to LWA, SP-API and SQS",
        in_runtime.calls.join(", "),
        "8, the least possible with a look at the queue before",
        in_runtime.calls.len() == 8,
    );
}

/// Draws where the time of one rotation goes: the one of median length.
pub fn draw() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let mut shop = Shop::new(&runtime);
    let mut rotations: Vec<(Duration, Vec<Span>)> = Vec::new();
    for _ in 0..ROUNDS {
        rotations.push((shop.rotate(&runtime), std::mem::take(&mut shop.spans)));
    }
    rotations.sort_by_key(|(took, _)| *took);
    let (took, spans) = rotations.swap_remove(ROUNDS / 2);
    std::fs::write("docs/rotation.svg", picture::of(took, &spans)).unwrap();
    println!("| where the time of a rotation goes | docs/rotation.svg | | |");
}

/// An application with an Amazon, a store and a target of its own.
struct Shop {
    emulator: Emulator,
    clock: Arc<ManualClock>,
    effects: Effects,
    rotator: Rotator,
    watched: Watched,
    /// What the last rotation asked of Amazon, and of everybody.
    calls: Vec<&'static str>,
    spans: Vec<Span>,
    _folder: TempDir,
}

impl Shop {
    fn new(runtime: &Runtime) -> Self {
        let application = lwa_rotate_emulator::Application::new(CLIENT_ID, SECRET);
        let options = Options { applications: vec![application], ..Options::default() };
        let emulator = runtime.block_on(Emulator::start(options)).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let mut application = Application::new(CLIENT_ID, emulator.url(), "main");
        application.token_endpoint = emulator.token_endpoint();
        let aws = Aws::new().endpoint(emulator.url()).unwrap().region("us-east-1");
        let aws = aws.access_key("bench", Secret::from("bench"));
        let target = FileTarget::new(folder.path().join("shop.env"), Format::Env);
        let targets = Targets::new().with(CLIENT_ID, "file", target);
        application.targets = runtime.block_on(targets.of(CLIENT_ID)).unwrap();
        let clock = Arc::new(ManualClock::new(SystemClock.now()));
        let watched = Watched::default();
        let effects = Effects {
            application,
            http: watched.over(Client::new([Origin::of(&emulator.url()).unwrap()])),
            queue: watched.over(Sqs::new([("main", emulator.queue_url())]).unwrap().aws(aws)),
            store: watched.over(FileStore::new(folder.path().join("state"))),
            publish: watched.over(targets),
            clock: Arc::<ManualClock>::clone(&clock),
        };
        let rotator = effects.rotator(|builder| builder.observe(Unseen));
        runtime.block_on(async {
            let ends_at = emulator.secrets(CLIENT_ID)[0].ends_at;
            rotator.enroll(CLIENT_ID, Secret::from(SECRET), Some(ends_at), false).await.unwrap();
            assert!(rotator.advance(CLIENT_ID).await.unwrap().verified);
        });
        Self { emulator, clock, effects, rotator, watched, calls: Vec::new(), spans: Vec::new(), _folder: folder }
    }

    /// From `request` until the message is deleted.
    fn rotate(&mut self, runtime: &Runtime) -> Duration {
        let (generation, seen) = self.settle(runtime);
        let (began, took) = runtime.block_on(async {
            let began = Instant::now();
            self.rotator.request(CLIENT_ID, false).await.unwrap();
            self.rotator.advance(CLIENT_ID).await.unwrap();
            let deliveries = self.rotator.drain("main", 10, 20).await.unwrap().deliveries;
            assert_eq!(deliveries.len(), 1);
            (began, began.elapsed())
        });
        self.spans = self.watched.take(began);
        self.calls = self.emulator.calls()[seen..].iter().map(|call| name(call.operation)).collect();
        let status = runtime.block_on(self.rotator.status(CLIENT_ID)).unwrap();
        assert_eq!((status.state, status.generation), (State::Settled, generation + 1));
        took
    }

    fn rotate_natively(&mut self, native: &mut Native) -> Duration {
        self.pass();
        exports::advance(native, CLIENT_ID).unwrap();
        let began = Instant::now();
        exports::request(native, CLIENT_ID, false).unwrap();
        exports::advance(native, CLIENT_ID).unwrap();
        assert_eq!(exports::drain(native, "main", 10, 20).unwrap().deliveries.len(), 1);
        began.elapsed()
    }

    /// Over the end of the retired secret, to where another rotation may begin.
    fn settle(&mut self, runtime: &Runtime) -> (u64, usize) {
        self.pass();
        let status = runtime.block_on(self.rotator.advance(CLIENT_ID)).unwrap();
        self.watched.take(Instant::now());
        (status.generation, self.emulator.calls().len())
    }

    fn pass(&self) {
        self.clock.advance(WEEK_AND_MORE);
        self.emulator.advance_time(WEEK_AND_MORE);
    }
}

fn name(operation: Operation) -> &'static str {
    match operation {
        Operation::Token => "token",
        Operation::Rotate => "rotate",
        Operation::Proof => "proof",
        Operation::Receive => "receive",
        Operation::Delete => "delete",
        Operation::Hide => "hide",
        Operation::Queue => "inspect",
        Operation::ShortPoll | Operation::Notification => "other",
    }
}
