//! The thread that moves an engine's epoch while guests compute, and sleeps while none does.

use std::{
    pin::{Pin, pin},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    task::{Context, Poll},
    thread::{self, Thread},
    time::Duration,
};

use wasmtime::EngineWeak;

/// How often a guest that computes is interrupted.
pub(super) const TICK: Duration = Duration::from_millis(10);

/// Stops its thread when dropped.
pub(super) struct Ticker {
    shared: Arc<Shared>,
    thread: Thread,
}

#[derive(Default)]
struct Shared {
    computing: AtomicUsize,
    stopped: AtomicBool,
}

impl Ticker {
    pub(super) fn start(engine: EngineWeak) -> std::io::Result<Self> {
        let shared = Arc::new(Shared::default());
        let thread = thread::Builder::new()
            .name("lwa-rotate-ticker".into())
            .stack_size(64 << 10)
            .spawn({
                let shared = Arc::clone(&shared);
                move || tick(&shared, &engine)
            })?
            .thread()
            .clone();
        Ok(Self { shared, thread })
    }

    /// Runs a future with the epoch moving whenever it is polled. A guest computes only then; while it waits for its host,
    /// the thread sleeps.
    pub(super) async fn while_computing<F: Future>(&self, future: F) -> F::Output {
        let mut future = pin!(future);
        std::future::poll_fn(|context| self.poll(future.as_mut(), context)).await
    }

    fn poll<F: Future>(&self, future: Pin<&mut F>, context: &mut Context<'_>) -> Poll<F::Output> {
        let _computing = Computing::new(self);
        future.poll(context)
    }
}

#[cfg(test)]
impl Ticker {
    /// Dead when the thread has ended.
    pub(super) fn alive(&self) -> std::sync::Weak<impl Sized + use<>> {
        Arc::downgrade(&self.shared)
    }
}

impl Drop for Ticker {
    fn drop(&mut self) {
        self.shared.stopped.store(true, Ordering::Release);
        self.thread.unpark();
    }
}

/// Counts one computing guest, also when its poll panics.
struct Computing<'a>(&'a Shared);

impl<'a> Computing<'a> {
    fn new(ticker: &'a Ticker) -> Self {
        if ticker.shared.computing.fetch_add(1, Ordering::AcqRel) == 0 {
            ticker.thread.unpark();
        }
        Self(&ticker.shared)
    }
}

impl Drop for Computing<'_> {
    fn drop(&mut self) {
        self.0.computing.fetch_sub(1, Ordering::AcqRel);
    }
}

fn tick(shared: &Shared, engine: &EngineWeak) {
    while !shared.stopped.load(Ordering::Acquire) {
        if shared.computing.load(Ordering::Acquire) == 0 {
            // An unpark that came after the load makes this return at once.
            thread::park();
            continue;
        }
        thread::sleep(TICK);
        match engine.upgrade() {
            Some(engine) => engine.increment_epoch(),
            None => return,
        }
    }
}
