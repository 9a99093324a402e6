//! The built-in component, loaded and ready for calls.

use std::sync::OnceLock;

use tokio::sync::{Semaphore, SemaphorePermit};
use wasmtime::component::{HasSelf, Linker};

use super::{Limits, Runtime, State, imports::Imports};
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

/// The component for calls at the same time: the first ones in places that are used again, others in memory of their own.
pub(crate) struct BuiltIn {
    /// Not where the system does not give the address space for it, or an instance may have more memory than a place has.
    pooled: Option<Loaded>,
    places: Semaphore,
    apart: OnceLock<Loaded>,
    limits: Limits,
}

/// The component for one call. When it goes, the place is free for the next.
pub(crate) struct Turn<'a> {
    pub(crate) loaded: &'a Loaded,
    _place: Option<SemaphorePermit<'a>>,
}

impl BuiltIn {
    pub(crate) fn load(limits: Limits) -> wasmtime::Result<Self> {
        let pooled = Runtime::pooled(limits).and_then(Loaded::new).ok();
        let built_in = Self { pooled, places: Semaphore::new(super::PLACES as usize), apart: OnceLock::new(), limits };
        if built_in.pooled.is_none() {
            built_in.apart()?;
        }
        Ok(built_in)
    }

    /// The component for a call, at once.
    pub(crate) fn turn(&self) -> wasmtime::Result<Turn<'_>> {
        if let Some(loaded) = &self.pooled
            && let Ok(place) = self.places.try_acquire()
        {
            return Ok(Turn { loaded, _place: Some(place) });
        }
        Ok(Turn { loaded: self.apart()?, _place: None })
    }

    fn apart(&self) -> wasmtime::Result<&Loaded> {
        if let Some(loaded) = self.apart.get() {
            return Ok(loaded);
        }
        // Two at the same time: one of them is thrown away.
        let loaded = Loaded::new(Runtime::new(self.limits)?)?;
        Ok(self.apart.get_or_init(|| loaded))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_taken_for_each_call_and_is_free_after_it() {
        let built_in = BuiltIn::load(Limits::default()).unwrap();
        let pooled = built_in.pooled.as_ref().unwrap();
        let is_pooled = |turn: &Turn<'_>| std::ptr::eq(turn.loaded, pooled);

        let mut turns: Vec<_> = (0..crate::runtime::PLACES).map(|_| built_in.turn().unwrap()).collect();
        assert!(turns.iter().all(is_pooled));

        assert!(!is_pooled(&built_in.turn().unwrap()));
        turns.pop();
        assert!(is_pooled(&built_in.turn().unwrap()));
    }
}
