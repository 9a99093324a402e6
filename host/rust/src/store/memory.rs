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
    documents: Mutex<BTreeMap<String, (u64, Secret)>>,
}

impl MemoryStore {
    /// An empty store.
    pub fn new() -> Self {
        Self::default()
    }

    fn documents(&self) -> MutexGuard<'_, BTreeMap<String, (u64, Secret)>> {
        self.documents.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Store for MemoryStore {
    async fn load(&self, client_id: &str) -> Result<Option<Entry>, Error> {
        Ok(self
            .documents()
            .get(client_id)
            .map(|(revision, document)| Entry { revision: revision.to_string(), document: document.clone() }))
    }

    async fn save(&self, client_id: &str, document: Secret, expected: Option<&str>) -> Result<Revision, Error> {
        let mut documents = self.documents();
        let stored = documents.get(client_id).map(|(revision, _)| *revision);
        if stored.map(|revision| revision.to_string()).as_deref() != expected {
            return Err(Error::Conflict);
        }
        let revision = stored.unwrap_or_default() + 1;
        documents.insert(client_id.to_owned(), (revision, document));
        Ok(revision.to_string())
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
