//! What happens to guests that misbehave (`guests.wat`): each is stopped with an error that says why, and the host goes on.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use wasmtime::component::{Component, Linker};

use super::*;

mod figures;
mod hostile;

const GUESTS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/guests.cwasm"));

struct Guests {
    runtime: Runtime,
    component: Component,
}

impl Guests {
    /// In places that are used again, and in memory of their own.
    fn both(limits: Limits) -> [Self; 2] {
        [Runtime::pooled, Runtime::new].map(|made| Self::of(made(limits).unwrap()))
    }

    fn with(limits: Limits) -> Self {
        Self::of(Runtime::pooled(limits).unwrap())
    }

    fn of(runtime: Runtime) -> Self {
        // SAFETY: build.rs made them.
        let component = unsafe { runtime.load(GUESTS) }.unwrap();
        Self { runtime, component }
    }

    async fn call(&self, function: &str) -> Result<(), Stopped> {
        self.runtime
            .run((), async |mut store| {
                let linker = Linker::new(self.runtime.engine());
                let guests = linker.instantiate_async(&mut store, &self.component).await?;
                let function = guests.get_typed_func::<(), ()>(&mut store, function)?;
                function.call_async(&mut store, ()).await
            })
            .await
    }

    async fn answer(&self) -> Result<u32, Stopped> {
        self.ask("answer", 1).await
    }

    /// The last answer to so many calls in one instance.
    async fn ask(&self, function: &str, times: usize) -> Result<u32, Stopped> {
        self.runtime
            .run((), async |mut store| {
                let linker = Linker::new(self.runtime.engine());
                let guests = linker.instantiate_async(&mut store, &self.component).await?;
                let function = guests.get_typed_func::<(), (u32,)>(&mut store, function)?;
                for _ in 1..times {
                    function.call_async(&mut store, ()).await?;
                }
                Ok(function.call_async(&mut store, ()).await?.0)
            })
            .await
    }
}

fn short() -> Limits {
    Limits { memory: 4 << 20, computing: Duration::from_millis(50), call: Duration::from_secs(60), ..Limits::default() }
}

#[tokio::test]
async fn a_guest_that_loops_is_stopped_and_the_host_goes_on() {
    for guests in Guests::both(short()) {
        assert_eq!(guests.call("spin").await, Err(Stopped::Computing(short().computing)));

        assert_eq!(guests.answer().await, Ok(42));
    }
}

#[tokio::test]
async fn a_guest_that_loops_leaves_its_thread_to_other_tasks() {
    let guests = Arc::new(Guests::with(Limits { computing: Duration::from_secs(60), ..short() }));
    let looping = tokio::spawn({
        let guests = Arc::clone(&guests);
        async move { guests.call("spin").await }
    });
    tokio::task::yield_now().await;

    // The one thread of this runtime is shared with the loop.
    assert_eq!(guests.answer().await, Ok(42));

    assert!(!looping.is_finished());
    looping.abort();
    assert!(looping.await.unwrap_err().is_cancelled());
}

#[tokio::test]
async fn a_call_ends_at_its_time_limit() {
    let limits = Limits { computing: Duration::from_secs(60), call: Duration::from_millis(50), ..short() };
    let guests = Guests::with(limits);
    let begun = Instant::now();

    assert_eq!(guests.call("spin").await, Err(Stopped::Time(limits.call)));

    assert!(begun.elapsed() < Duration::from_secs(20));
    assert_eq!(guests.answer().await, Ok(42));
}

#[tokio::test]
async fn a_guest_that_grows_is_stopped_and_the_host_goes_on() {
    for guests in Guests::both(short()) {
        assert_eq!(guests.call("grow").await, Err(Stopped::Memory(short().memory)));

        assert_eq!(guests.answer().await, Ok(42));
    }
}

#[tokio::test]
async fn a_guest_that_crashes_or_runs_out_of_stack_is_stopped_and_the_host_goes_on() {
    for guests in Guests::both(short()) {
        for function in ["crash", "dive"] {
            assert!(matches!(guests.call(function).await, Err(Stopped::Trap(_))), "{function}");
            assert_eq!(guests.answer().await, Ok(42));
        }
    }
}

/// Rule 9.
#[tokio::test]
async fn nothing_of_a_call_is_left_for_the_next() {
    for guests in Guests::both(short()) {
        for _ in 0..2 * PLACES {
            assert_eq!(guests.ask("mark", 1).await, Ok(0));
        }
        assert_eq!(guests.ask("mark", 2).await, Ok(1 | 2 | 4 | 8), "within one call it is there");
    }
}

#[tokio::test]
async fn waiting_for_the_host_is_no_computing() {
    let limits = Limits { computing: Duration::from_millis(20), ..short() };
    let guests = Guests::with(limits);

    let waited = guests
        .runtime
        .run((), async |mut store| {
            let linker = Linker::new(guests.runtime.engine());
            let instance = linker.instantiate_async(&mut store, &guests.component).await?;
            let function = instance.get_typed_func::<(), (u32,)>(&mut store, "answer")?;
            tokio::time::sleep(Duration::from_millis(100)).await;
            Ok(function.call_async(&mut store, ()).await?.0)
        })
        .await;

    assert_eq!(waited, Ok(42));
}

#[test]
fn the_interrupting_thread_ends_with_its_runtime() {
    let runtime = Runtime::pooled(short()).unwrap();
    let alive = runtime.ticker.alive();
    assert!(alive.upgrade().is_some());

    drop(runtime);

    let given_up = Instant::now() + Duration::from_secs(20);
    while alive.upgrade().is_some() {
        assert!(Instant::now() < given_up, "the thread is still there");
        std::thread::yield_now();
    }
}
