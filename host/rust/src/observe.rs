//! What happened, as it happens: behind `wit/observe.wit`.

use std::sync::Mutex;

pub use crate::bindings::lwa::rotation::observe::{
    Event, Happening, HiddenMessage, Left, LeftMessage, Purpose, Reason, ReceivedMessage, SecretEnds, TargetFailure,
};

/// Takes events. Returns at once and cannot fail. Events hold no secret.
pub trait Observe: Send + Sync + 'static {
    /// Takes one event; events of one call come in their order.
    fn emit(&self, event: &Event);
}

impl<O: Observe + ?Sized> Observe for std::sync::Arc<O> {
    fn emit(&self, event: &Event) {
        (**self).emit(event);
    }
}

/// Writes events to [`tracing`], with the target `lwa_rotate::rotation`.
#[derive(Clone, Copy, Debug, Default)]
pub struct TracingObserver;

impl Observe for TracingObserver {
    fn emit(&self, event: &Event) {
        tracing::info!(target: "lwa_rotate::rotation", ?event);
    }
}

/// Keeps events, for tests. Share it in an [`Arc`](std::sync::Arc).
#[derive(Debug, Default)]
pub struct Collector(Mutex<Vec<Event>>);

impl Collector {
    /// The events so far, taken out.
    pub fn take(&self) -> Vec<Event> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner))
    }
}

impl Observe for Collector {
    fn emit(&self, event: &Event) {
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push(event.clone());
    }
}
