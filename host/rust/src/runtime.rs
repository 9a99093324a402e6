//! Runs guests in fresh instances, within limits: memory, computing time, and the time of the whole call. What a guest may
//! reach in a call stands in [`bounds`].
//!
//! What is left behind by a call: nothing. When it ends, however it ends, its memory and stack are overwritten with what they
//! hold at first, or given back to the operating system.

pub(crate) mod bounds;
pub(crate) mod component;
#[path = "runtime/engine.rs"]
mod engine;
pub(crate) mod imports;
mod ticker;
pub(crate) mod turns;

use std::time::Duration;

use wasmtime::{
    Engine, InstanceAllocationStrategy, PoolingAllocationConfig, ResourceLimiter, Store, Trap, UpdateDeadline,
    component::Component,
};

use crate::error::Stopped;
use bounds::Forbidden;
use ticker::Ticker;

/// How much one call may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// The component's memory in bytes; 32 MiB unless set. A call that wants more ends with [`Stopped::Memory`].
    pub memory: usize,
    /// Time that the component itself computes; 5 s unless set. Measured in steps of 10 ms. A call that computes for longer
    /// ends with [`Stopped::Computing`].
    pub computing: Duration,
    /// Time of the whole call with everything that it waits for; 8 min unless set. A call that takes longer ends with
    /// [`Stopped::Time`]. An inspection and ten receives, each as slow as it may be, take two of them. Ten minutes after a host
    /// began to prepare a rotate call, another one takes over.
    pub call: Duration,
    /// Time of writing or reading one publish target; 100 s unless set. One that takes longer counts as failed and is tried
    /// again, and keeps no other from its turn. The component takes a host that writes for two minutes for dead
    /// (`wit/publish.wit`). A call about a whole queue waits for all its targets together for 10 s; what takes longer goes on,
    /// and its result is taken up when the application is advanced.
    pub target: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            memory: 32 << 20,
            computing: Duration::from_secs(5),
            call: Duration::from_secs(8 * 60),
            target: Duration::from_secs(100),
        }
    }
}

/// How many instances have a place in a pooled runtime: the 16 calls that `watch` has under way, and as many queues.
pub(crate) const PLACES: u32 = 32;

/// The engine, with the thread that interrupts what loops in it.
pub(crate) struct Runtime {
    engine: Engine,
    ticker: Ticker,
    limits: Limits,
}

/// What a store holds: the data of the call and the account of its memory.
pub(crate) struct State<T> {
    pub(crate) data: T,
    memory: MemoryAccount,
}

impl Runtime {
    /// Each instance gets memory of its own from the operating system.
    pub(crate) fn new(limits: Limits) -> wasmtime::Result<Self> {
        Self::with(&engine::config(), limits)
    }

    /// Up to [`PLACES`] instances of the component live in memory that stays reserved; more are refused. Fails where there is
    /// not that much address space, and if an instance may have more memory than is reserved for it.
    pub(crate) fn pooled(limits: Limits) -> wasmtime::Result<Self> {
        let mut places = PoolingAllocationConfig::new();
        places
            .total_component_instances(PLACES)
            // The tools that make a component add two small modules and a table for its imports.
            .total_core_instances(4 * PLACES)
            .total_tables(4 * PLACES)
            .total_memories(PLACES)
            .total_stacks(PLACES)
            .max_memory_size(limits.memory);
        // What a call usually touches is overwritten and kept, so that the next one finds it mapped: all of the component's memory
        // and the top of the stack. The rest goes back to the system. To overwrite only the pages that were written,
        // `pagemap_scan` would have to see those that are swapped out.
        places.linear_memory_keep_resident(512 << 10).table_keep_resident(64 << 10).async_stack_keep_resident(64 << 10);
        let mut config = engine::config();
        config.async_stack_zeroing(true);
        config.allocation_strategy(InstanceAllocationStrategy::Pooling(places));
        Self::with(&config, limits)
    }

    fn with(config: &wasmtime::Config, limits: Limits) -> wasmtime::Result<Self> {
        let engine = Engine::new(config)?;
        let ticker = Ticker::start(engine.weak())?;
        Ok(Self { engine, ticker, limits })
    }

    pub(crate) fn engine(&self) -> &Engine {
        &self.engine
    }

    /// Loads machine code that this crate's build script has made.
    ///
    /// # Safety
    ///
    /// `precompiled` must be the unchanged output of `Engine::precompile_component`: it is run as it is.
    pub(crate) unsafe fn load(&self, precompiled: &[u8]) -> wasmtime::Result<Component> {
        // SAFETY: the caller's promise.
        unsafe { Component::deserialize(&self.engine, precompiled) }
    }

    /// Makes a fresh store, runs `call` with it, and stops it at the limits.
    pub(crate) async fn run<T, R, F>(&self, data: T, call: impl FnOnce(Store<State<T>>) -> F) -> Result<R, Stopped>
    where
        T: 'static,
        F: Future<Output = wasmtime::Result<R>>,
    {
        let memory = MemoryAccount { used: 0, limit: self.limits.memory };
        let mut store = Store::new(&self.engine, State { data, memory });
        store.limiter(|state| &mut state.memory);
        // A list may name the same megabyte a million times: what a guest hands over is not bounded by its memory.
        store.set_hostcall_fuel(bounds::HANDED_OVER as usize);

        let permitted = self.limits.computing.as_millis() / ticker::TICK.as_millis();
        let mut ticks = 0;
        store.set_epoch_deadline(1);
        store.epoch_deadline_callback(move |_| {
            ticks += 1;
            if ticks > permitted {
                return Err(ComputingLimit.into());
            }
            // Other tasks of this thread get their turn between two ticks.
            Ok(UpdateDeadline::Yield(1))
        });

        match tokio::time::timeout(self.limits.call, self.ticker.while_computing(call(store))).await {
            Ok(result) => result.map_err(|error| self.why(&error)),
            Err(_) => Err(Stopped::Time(self.limits.call)),
        }
    }

    fn why(&self, error: &wasmtime::Error) -> Stopped {
        if error.is::<ComputingLimit>() {
            Stopped::Computing(self.limits.computing)
        } else if error.is::<MemoryLimit>() {
            Stopped::Memory(self.limits.memory)
        } else if let Some(forbidden) = error.downcast_ref::<Forbidden>() {
            Stopped::Forbidden(forbidden.to_string())
        } else if let Some(trap) = error.downcast_ref::<Trap>() {
            Stopped::Trap(trap.to_string())
        } else {
            Stopped::Trap(error.root_cause().to_string())
        }
    }
}

#[derive(Debug)]
struct ComputingLimit;

#[derive(Debug)]
struct MemoryLimit;

impl std::fmt::Display for ComputingLimit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("limit of computing time")
    }
}

impl std::fmt::Display for MemoryLimit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("limit of memory")
    }
}

impl std::error::Error for ComputingLimit {}

impl std::error::Error for MemoryLimit {}

/// The sum of all memories and tables of a store. Unlike wasmtime's `StoreLimits` it ends the call with an error of its own
/// instead of letting the guest run on without the memory.
struct MemoryAccount {
    used: usize,
    limit: usize,
}

impl MemoryAccount {
    fn take(&mut self, more: usize) -> wasmtime::Result<bool> {
        let used = self.used.saturating_add(more);
        if used > self.limit {
            return Err(MemoryLimit.into());
        }
        self.used = used;
        Ok(true)
    }
}

impl ResourceLimiter for MemoryAccount {
    fn memory_grow_failed(&mut self, _: wasmtime::Error) -> wasmtime::Result<()> {
        Err(MemoryLimit.into())
    }

    fn table_grow_failed(&mut self, _: wasmtime::Error) -> wasmtime::Result<()> {
        Err(MemoryLimit.into())
    }

    fn memory_growing(&mut self, current: usize, desired: usize, _maximum: Option<usize>) -> wasmtime::Result<bool> {
        self.take(desired.saturating_sub(current))
    }

    fn table_growing(&mut self, current: usize, desired: usize, _maximum: Option<usize>) -> wasmtime::Result<bool> {
        // No element is larger than two pointers.
        self.take(desired.saturating_sub(current).saturating_mul(2 * size_of::<usize>()))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;
