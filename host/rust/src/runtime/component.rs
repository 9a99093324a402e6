//! The built-in component, loaded and ready for calls.

use tokio::sync::{OnceCell, Semaphore, SemaphorePermit};
use wasmtime::component::{HasSelf, Linker};

use super::{Limits, PLACES, Runtime, State, imports::Imports};
use crate::bindings::{Rotator, RotatorPre};

/// Machine code of the target, made by `build.rs`.
const PRECOMPILED: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/component.cwasm"));

/// The component in a runtime.
pub(crate) struct Loaded {
    pub(crate) runtime: Runtime,
    pub(crate) component: RotatorPre<State<Imports>>,
}

impl Loaded {
    fn new(runtime: Runtime) -> wasmtime::Result<Self> {
        // SAFETY: these bytes are what build.rs got from `precompile_component`.
        let component = unsafe { runtime.load(PRECOMPILED) }?;
        let mut linker = Linker::new(runtime.engine());
        Rotator::add_to_linker::<_, HasSelf<Imports>>(&mut linker, |state: &mut State<Imports>| &mut state.data)?;
        let component = RotatorPre::new(linker.instantiate_pre(&component)?)?;
        Ok(Self { runtime, component })
    }
}

/// The component for calls at the same time.
pub(crate) enum BuiltIn {
    /// The first ones have places that are used again, others memory of their own.
    Places { pooled: Box<Loaded>, free: Semaphore, beside: OnceCell<Box<Loaded>>, limits: Limits },
    /// Each has memory of its own: where the system does not give the address space for places, or an instance may have more
    /// memory than a place has.
    Apart(Loaded),
}

/// The component for one call. When it goes, the place is free for the next.
pub(crate) struct Turn<'a> {
    pub(crate) loaded: &'a Loaded,
    _place: Option<SemaphorePermit<'a>>,
}

impl BuiltIn {
    pub(crate) fn load(limits: Limits) -> wasmtime::Result<Self> {
        match Runtime::pooled(limits).and_then(Loaded::new) {
            Ok(pooled) => {
                let free = Semaphore::new(PLACES as usize);
                Ok(Self::Places { pooled: Box::new(pooled), free, beside: OnceCell::new(), limits })
            }
            Err(error) => {
                tracing::debug!("each call gets memory of its own: {error:#}");
                Ok(Self::Apart(Loaded::new(Runtime::new(limits)?)?))
            }
        }
    }

    /// The component for a call. Waits only where nothing can be had beside the places.
    pub(crate) async fn turn(&self) -> Turn<'_> {
        let (pooled, free, beside, limits) = match self {
            Self::Places { pooled, free, beside, limits } => (pooled, free, beside, limits),
            Self::Apart(loaded) => return Turn { loaded, _place: None },
        };
        if let Ok(place) = free.try_acquire() {
            return Turn { loaded: pooled, _place: Some(place) };
        }
        match beside.get_or_try_init(async || Loaded::new(Runtime::new(*limits)?).map(Box::new)).await {
            Ok(loaded) => Turn { loaded, _place: None },
            Err(error) => {
                tracing::warn!("all {PLACES} places are taken, and more cannot be had: {error:#}");
                let place = free.acquire().await.expect("the places are never closed");
                Turn { loaded: pooled, _place: Some(place) }
            }
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_place_is_taken_for_each_call_and_is_free_after_it() {
        let built_in = BuiltIn::load(Limits::default()).unwrap();
        let BuiltIn::Places { pooled, .. } = &built_in else { panic!("there is room for places here") };
        let is_pooled = |turn: &Turn<'_>| std::ptr::eq(turn.loaded, &**pooled);

        let mut turns = Vec::new();
        for _ in 0..PLACES {
            turns.push(built_in.turn().await);
        }
        assert!(turns.iter().all(is_pooled));

        assert!(!is_pooled(&built_in.turn().await));
        turns.pop();
        assert!(is_pooled(&built_in.turn().await));
    }
}
