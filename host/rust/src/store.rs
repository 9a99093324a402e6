//! One document per client id, written by the component and opaque to the store: behind `wit/store.wit`.

mod answer;
pub mod conformance;
#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod double;
pub mod dynamodb;
pub mod file;
pub mod memory;
mod name;
mod revision;
pub mod secretsmanager;

use async_trait::async_trait;

use crate::secret::Secret;

pub use dynamodb::DynamoDbStore;
pub use file::FileStore;
pub use memory::MemoryStore;
pub use secretsmanager::SecretsManagerStore;

/// What a store that cannot remove a document at once keeps in its place (`wit/store.wit`).
pub const REMOVED: &str = r#"{"removed":true}"#;

/// The store's own name for one version of a document; compared for equality only.
pub type Revision = String;

/// Keeps one document per client id. It holds client secrets.
///
/// What an implementation promises (`wit/store.wit`; [`conformance`] tests it):
/// - Compare-and-swap: [`save`](Store::save) replaces exactly the revision that the caller names, or nothing at all. Of any
///   number of concurrent savers of one revision, in whatever process, at most one succeeds; all others get
///   [`Error::Conflict`].
/// - Durable: when `save` has returned a revision, the document survives the loss of the process and of power.
/// - Read-your-writes: a `load` that starts after a successful `save` has returned sees it, or something newer.
/// - Whole or not at all: `load` never returns part of a document or a mixture of two.
/// - A document of at least 64 KiB fits.
/// - [`remove`](Store::remove) obeys the same comparison as `save`.
/// - Documents are readable by the owner only, and never logged.
/// - Every call returns within a bounded time.
#[async_trait]
pub trait Store: Send + Sync + 'static {
    /// The document of this client id with its revision; `None` if there is none. May be repeated.
    async fn load(&self, client_id: &str) -> Result<Option<Entry>, Error>;

    /// Replaces the document whose revision is `expected`, or creates it when `expected` is `None` and there is none, and
    /// answers the new revision. Repeating a save that took place answers [`Error::Conflict`].
    async fn save(&self, client_id: &str, document: Secret, expected: Option<&str>) -> Result<Revision, Error>;

    /// Removes the document whose revision is `expected`. Afterwards `load` answers `None`, or, from a store that cannot remove at
    /// once, the document [`REMOVED`], which the component takes for none and which `save` replaces by its revision. Repeating a
    /// removal that took place answers [`Error::Conflict`], or removes nothing.
    async fn remove(&self, client_id: &str, expected: &str) -> Result<(), Error>;
}

/// A document and its revision.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The revision, for the next save.
    pub revision: Revision,
    /// The document.
    pub document: Secret,
}

/// Why a store operation failed. The texts are for people and hold no secret.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Error {
    /// The revision named is not the one stored. Nothing was changed.
    Conflict,
    /// The caller may not do this. Nothing was changed.
    AccessDenied(String),
    /// There is no room. Nothing was changed.
    Full(String),
    /// Not reachable or failing at present. A save may or may not have taken place; `load` tells.
    Unavailable(String),
    /// Anything else.
    Other(String),
}

impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Conflict => f.write_str("the record was changed by another host meanwhile"),
            Self::AccessDenied(text) | Self::Full(text) | Self::Unavailable(text) | Self::Other(text) => {
                f.write_str(text)
            }
        }
    }
}

impl std::error::Error for Error {}

#[async_trait]
impl<S: Store + ?Sized> Store for std::sync::Arc<S> {
    async fn load(&self, client_id: &str) -> Result<Option<Entry>, Error> {
        (**self).load(client_id).await
    }

    async fn save(&self, client_id: &str, document: Secret, expected: Option<&str>) -> Result<Revision, Error> {
        (**self).save(client_id, document, expected).await
    }

    async fn remove(&self, client_id: &str, expected: &str) -> Result<(), Error> {
        (**self).remove(client_id, expected).await
    }
}
