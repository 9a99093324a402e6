//! One call: native, and as a component in a fresh instance. Answers take no time, so that only the call is measured.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use lwa_rotate::http::{self, Http};
use lwa_rotate::store::{FileStore, Store};
use lwa_rotate::{Error, Rotator};
use lwa_rotate_component::exports;
use tokio::runtime::Runtime;

use crate::amazon::{CLIENT_ID, Unseen, World};
use crate::native::{Effects, message};
use crate::sample::{Sample, figure, in_turns, timed};
use crate::{memory, table};

const ROUNDS: usize = 31;
const BATCH: u32 = 200;
/// How many instances live at once when their memory is measured.
const LIVE: usize = 500;

pub fn measure() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let world = runtime.block_on(World::new());
    let mut native = world.effects.native(None);

    let (plain, component) = in_turns(
        ROUNDS,
        BATCH,
        || timed(|| exports::status(&mut native, CLIENT_ID).unwrap()),
        || timed(|| runtime.block_on(world.rotator.status(CLIENT_ID)).unwrap()),
    );
    compared("`status`", &plain, &component);

    let (plain, component) = advance(&runtime, &world.effects, &world.rotator);
    compared("`advance`, nothing due", &plain, &component);

    let folder = tempfile::tempdir().unwrap();
    let store = FileStore::new(folder.path());
    runtime.block_on(copy(&*world.effects.store, &store));
    let effects = Effects { store: Arc::new(store), ..world.effects.clone() };
    let rotator = effects.rotator(|builder| builder.observe(Unseen));
    let threads = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_time().build().unwrap();
    let mut native = effects.native(Some(threads.handle().clone()));
    let (plain, component) = in_turns(
        ROUNDS,
        BATCH,
        || timed(|| exports::advance(&mut native, CLIENT_ID).unwrap()),
        || timed(|| threads.block_on(rotator.advance(CLIENT_ID)).unwrap()),
    );
    in_target("a whole `advance` of the program, nothing due, its record in a file", &plain, &component, 2.0);

    let mut native = world.effects.native(None);
    let (plain, component) = in_turns(
        ROUNDS,
        BATCH,
        || {
            let message = message(world.old_message());
            timed(|| exports::deliver(&mut native, &message))
        },
        || {
            let message = world.old_message();
            timed(|| runtime.block_on(world.rotator.deliver(message)).unwrap())
        },
    );
    compared("`deliver` of an older message", &plain, &component);

    let (plain, component) = in_turns(
        ROUNDS,
        20,
        || {
            runtime.block_on(world.settle());
            timed(|| {
                exports::request(&mut native, CLIENT_ID, false).unwrap();
                exports::advance(&mut native, CLIENT_ID).unwrap();
                assert_eq!(exports::drain(&mut native, "main", 10, 0).unwrap().deliveries.len(), 1);
            })
        },
        || {
            runtime.block_on(world.settle());
            timed(|| {
                runtime.block_on(async {
                    world.rotator.request(CLIENT_ID, false).await.unwrap();
                    world.rotator.advance(CLIENT_ID).await.unwrap();
                    assert_eq!(world.rotator.drain("main", 10, 0).await.unwrap().deliveries.len(), 1);
                });
            })
        },
    );
    compared("a whole rotation (`request`, `advance`, `drain`), instant answers", &plain, &component);

    instance(&runtime, &world);
    throughput(&world);
    live(&runtime);
}

fn advance(runtime: &Runtime, effects: &Effects, rotator: &Rotator) -> (Sample, Sample) {
    let mut native = effects.native(None);
    in_turns(
        ROUNDS,
        BATCH,
        || timed(|| exports::advance(&mut native, CLIENT_ID).unwrap()),
        || timed(|| runtime.block_on(rotator.advance(CLIENT_ID)).unwrap()),
    )
}

fn value(native: &Sample, component: &Sample) -> String {
    format!(
        "{}; native {}; {} times",
        component.spread("µs"),
        native.spread("µs"),
        figure(component.ratio(native).median())
    )
}

fn compared(what: &str, native: &Sample, component: &Sample) {
    table::row(what, value(native, component));
}

fn in_target(what: &str, native: &Sample, component: &Sample, most: f64) {
    let reached = component.ratio(native).median() <= most;
    table::target(what, value(native, component), &format!("at most {most} times native"), reached);
}

async fn copy(from: &dyn Store, to: &dyn Store) {
    let entry = from.load(CLIENT_ID).await.unwrap().unwrap();
    to.save(CLIENT_ID, entry.document, None).await.unwrap();
}

/// The least that a call can be: an instance, its one question whether the application is known, and the answer no.
fn instance(runtime: &Runtime, world: &World) {
    let mut took = Sample::default();
    for _ in 0..ROUNDS {
        let batch: Duration = (0..BATCH)
            .map(|_| timed(|| assert_eq!(runtime.block_on(world.rotator.status("?")), Err(Error::UnknownApplication))))
            .sum();
        took.push(batch.as_secs_f64() * 1e6 / f64::from(BATCH));
    }
    table::row("an instance for a call, made, asked one question and thrown away", took.spread("µs"));
}

fn throughput(world: &World) {
    const FOR: Duration = Duration::from_secs(2);
    for cores in [1, 2] {
        let mut rates = Sample::default();
        for _ in 0..3 {
            let threads: Vec<_> = (0..cores)
                .map(|_| {
                    let rotator = world.rotator.clone();
                    std::thread::spawn(move || {
                        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
                        let (began, mut count) = (Instant::now(), 0);
                        while began.elapsed() < FOR {
                            runtime.block_on(rotator.advance(CLIENT_ID)).unwrap();
                            count += 1;
                        }
                        f64::from(count) / began.elapsed().as_secs_f64()
                    })
                })
                .collect();
            rates.push(threads.into_iter().map(|thread| thread.join().unwrap()).sum());
        }
        table::row(&format!("calls of `advance` a second, {cores} at a time"), rates.spread("calls"));
    }
}

/// Amazon, until its answers stop coming.
struct Gate {
    amazon: crate::amazon::Amazon,
    closed: Arc<AtomicBool>,
}

#[async_trait]
impl Http for Gate {
    async fn send(&self, request: http::Request) -> Result<http::Response, http::Error> {
        if self.closed.load(Ordering::Relaxed) {
            std::future::pending::<()>().await;
        }
        self.amazon.send(request).await
    }
}

/// The memory of calls that wait for Amazon.
fn live(runtime: &Runtime) {
    if !cfg!(target_os = "linux") {
        return table::without("memory of an instance that waits for an answer", "the system does not tell");
    }
    let closed = Arc::new(AtomicBool::new(false));
    let world = runtime.block_on(World::with(|amazon| Gate { amazon, closed: Arc::clone(&closed) }));
    closed.store(true, Ordering::Relaxed);
    runtime.block_on(async {
        let local = tokio::task::LocalSet::new();
        local
            .run_until(async {
                let (before, _) = memory::of(std::process::id());
                let calls: Vec<_> = (0..LIVE)
                    .map(|_| {
                        let rotator = world.rotator.clone();
                        tokio::task::spawn_local(async move { rotator.verify(CLIENT_ID).await })
                    })
                    .collect();
                // Each comes as far as it can.
                for _ in 0..3 {
                    tokio::task::yield_now().await;
                }
                let (after, _) = memory::of(std::process::id());
                let each = (after - before) as f64 / LIVE as f64 / 1000.0;
                table::row("memory of an instance that waits for an answer", format!("{} KB", figure(each)));
                calls.iter().for_each(tokio::task::JoinHandle::abort);
            })
            .await;
    });
}
