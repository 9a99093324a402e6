//! A store in this process, for tests.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;

use super::{Entry, Error, Revision, Store};
use crate::secret::Secret;

/// Keeps documents in memory; lost with the value. Share it in an [`Arc`](std::sync::Arc).
#[derive(Debug, Default)]
pub struct MemoryStore {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    documents: BTreeMap<String, (u64, Secret)>,
    /// Of all saves together, so that a document which was removed and made anew has no revision of before.
    saves: u64,
}

impl State {
    /// Whether this is the revision that is stored, or none is and none is expected.
    fn expect(&self, client_id: &str, expected: Option<&str>) -> Result<(), Error> {
        let stored = self.documents.get(client_id).map(|(revision, _)| revision.to_string());
        if stored.as_deref() == expected { Ok(()) } else { Err(Error::Conflict) }
    }
}

impl MemoryStore {
    /// An empty store.
    pub fn new() -> Self {
        Self::default()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Store for MemoryStore {
    async fn load(&self, client_id: &str) -> Result<Option<Entry>, Error> {
        Ok(self
            .state()
            .documents
            .get(client_id)
            .map(|(revision, document)| Entry { revision: revision.to_string(), document: document.clone() }))
    }

    async fn save(&self, client_id: &str, document: Secret, expected: Option<&str>) -> Result<Revision, Error> {
        let mut state = self.state();
        state.expect(client_id, expected)?;
        state.saves += 1;
        let revision = state.saves;
        state.documents.insert(client_id.to_owned(), (revision, document));
        Ok(revision.to_string())
    }

    async fn remove(&self, client_id: &str, expected: &str) -> Result<(), Error> {
        let mut state = self.state();
        state.expect(client_id, Some(expected))?;
        state.documents.remove(client_id);
        Ok(())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn the_memory_store_keeps_the_promises_of_a_store() {
        let store = Arc::new(MemoryStore::new());
        crate::store::conformance::run(|| Arc::clone(&store)).await;
    }
}
