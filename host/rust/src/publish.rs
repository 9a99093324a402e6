//! The places where applications read their credential: behind `wit/publish.wit`.

mod aws;
mod command;
pub mod exec;
pub mod file;
pub mod form;
pub mod kubernetes;
pub mod secretsmanager;
pub mod ssm;
pub mod then;
pub mod vault;

use std::collections::BTreeMap;

use async_trait::async_trait;

use crate::secret::{Credential, Secret, is_client_id};

pub use exec::ExecTarget;
pub use file::FileTarget;
pub use form::{Format, Names};
pub use kubernetes::KubernetesTarget;
pub use secretsmanager::SecretsManagerTarget;
pub use ssm::{ParameterForm, SsmTarget};
pub use then::Then;
pub use vault::VaultTarget;

/// Hands a proven credential to one of its application's targets; most hosts use [`Targets`].
///
/// What an implementation promises (`wit/publish.wit`):
/// - When [`put`](Publish::put) succeeds, whoever reads that place from then on reads this credential.
/// - It may be repeated with the same credential any number of times, to the same end.
/// - Readers never see half of a credential.
/// - Nothing else in that place changes.
/// - The call returns within a bounded time; the credential is not logged.
#[async_trait]
pub trait Publish: Send + Sync + 'static {
    /// Hands the credential to the target of that name; [`Error::UnknownTarget`] if its application has none of that name.
    async fn put(&self, target: &str, credential: &Credential) -> Result<(), Error>;
}

/// One place where an application reads its credential, with the promises of [`Publish`].
#[async_trait]
pub trait Target: Send + Sync + 'static {
    /// Makes this the credential that readers of the place find.
    async fn put(&self, credential: &Credential) -> Result<(), Error>;

    /// Whether a credential could be put there, as far as that can be told without changing anything. What is wrong is the
    /// error that [`put`](Target::put) would give.
    async fn probe(&self) -> Result<Probe, Error> {
        Ok(Probe::NotChecked("a target of this kind shows only when it is written whether it can be".into()))
    }

    /// What readers of the place find there at present, for moving over; `None` if there is nothing yet.
    async fn read(&self) -> Result<Option<Held>, Error> {
        Err(Error::Other("a target of this kind cannot be read back".into()))
    }
}

/// What looking at a target without writing it showed. The texts are for people and hold no secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Probe {
    /// Nothing stands in the way, as far as this text says.
    Fine(String),
    /// Nobody knows, and why.
    NotChecked(String),
}

/// What a place holds.
#[derive(Clone, Debug)]
pub struct Held {
    /// The client id, where the place says which application it is for.
    pub client_id: Option<String>,
    /// The client secret.
    pub client_secret: Secret,
    /// When it ends, in milliseconds since 1970-01-01T00:00:00Z, where the place says so.
    pub expires_at: Option<u64>,
}

impl Held {
    /// The client id for people to see; `None` where what stands in its place has not the form of Amazon's, and might be a
    /// secret that stands there by mistake.
    pub fn shown_client_id(&self) -> Option<&str> {
        self.client_id.as_deref().filter(|id| is_client_id(id))
    }
}

/// Why a target did not take the credential. The texts are for people and hold no secret.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Error {
    /// The settings name a target that this host does not have.
    UnknownTarget,
    /// The caller may not write there.
    AccessDenied(String),
    /// Not reachable or failing at present.
    Unavailable(String),
    /// Anything else.
    Other(String),
}

impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::UnknownTarget => f.write_str("this host has no publish target of that name"),
            Self::AccessDenied(text) | Self::Unavailable(text) | Self::Other(text) => f.write_str(text),
        }
    }
}

impl std::error::Error for Error {}

impl Error {
    /// The same, with words in front that say what it is part of.
    fn within(self, what: &str) -> Self {
        let text = |text: String| format!("{what}: {text}");
        match self {
            Self::UnknownTarget => self,
            Self::AccessDenied(reason) => Self::AccessDenied(text(reason)),
            Self::Unavailable(reason) => Self::Unavailable(text(reason)),
            Self::Other(reason) => Self::Other(text(reason)),
        }
    }
}

/// The targets of all applications, by client id and name.
#[derive(Default)]
pub struct Targets {
    targets: BTreeMap<(String, String), Box<dyn Target>>,
}

impl Targets {
    /// No target at all.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a target, in place of one with the same client id and name.
    pub fn insert(&mut self, client_id: impl Into<String>, name: impl Into<String>, target: impl Target) {
        self.targets.insert((client_id.into(), name.into()), Box::new(target));
    }

    /// The same, for building in one expression.
    #[must_use]
    pub fn with(mut self, client_id: impl Into<String>, name: impl Into<String>, target: impl Target) -> Self {
        self.insert(client_id, name, target);
        self
    }
}

#[async_trait]
impl Publish for Targets {
    async fn put(&self, target: &str, credential: &Credential) -> Result<(), Error> {
        let key = (credential.client_id.clone(), target.to_owned());
        let target = self.targets.get(&key).ok_or(Error::UnknownTarget)?;
        target.put(credential).await
    }
}

#[async_trait]
impl<P: Publish + ?Sized> Publish for std::sync::Arc<P> {
    async fn put(&self, target: &str, credential: &Credential) -> Result<(), Error> {
        (**self).put(target, credential).await
    }
}

#[async_trait]
impl<T: Target + ?Sized> Target for std::sync::Arc<T> {
    async fn put(&self, credential: &Credential) -> Result<(), Error> {
        (**self).put(credential).await
    }

    async fn probe(&self) -> Result<Probe, Error> {
        (**self).probe().await
    }

    async fn read(&self) -> Result<Option<Held>, Error> {
        (**self).read().await
    }
}

#[async_trait]
impl<T: Target + ?Sized> Target for Box<T> {
    async fn put(&self, credential: &Credential) -> Result<(), Error> {
        (**self).put(credential).await
    }

    async fn probe(&self) -> Result<Probe, Error> {
        (**self).probe().await
    }

    async fn read(&self) -> Result<Option<Held>, Error> {
        (**self).read().await
    }
}
