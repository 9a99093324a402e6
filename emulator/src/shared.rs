//! What all connections share.

use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use crate::amazon::Amazon;

/// What all connections share.
#[derive(Debug)]
pub struct Shared {
    pub amazon: Mutex<Amazon>,
    /// Told whenever a message may have become visible.
    pub changed: Notify,
    pub base: String,
    /// The queue of the options.
    pub queue: String,
}

impl Shared {
    pub fn amazon(&self) -> MutexGuard<'_, Amazon> {
        self.amazon.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
