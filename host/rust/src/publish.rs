//! The places where applications read their credential: behind `wit/publish.wit`.

mod aws;
mod command;
pub mod exec;
pub mod file;
pub mod form;
pub mod kubernetes;
mod machine;
pub mod secretsmanager;
pub mod ssm;
pub mod then;
pub mod vault;

use std::collections::BTreeMap;

use async_trait::async_trait;

use crate::{
    secret::{Credential, Secret, is_client_id},
    settings,
};

pub use exec::ExecTarget;
pub use file::FileTarget;
pub use form::{Format, Names};
pub use kubernetes::KubernetesTarget;
pub use machine::machine;
pub use secretsmanager::SecretsManagerTarget;
pub use ssm::{ParameterForm, SsmTarget};
pub use then::Then;
pub use vault::VaultTarget;

/// Gives a verified credential to one of its application's targets, and reads it there; most hosts use [`Targets`].
///
/// What an implementation promises (`wit/publish.wit`):
/// - When [`put`](Publish::put) succeeds, every reader of that place gets this credential from then on.
/// - `put` may be repeated with the same credential any number of times, to the same end.
/// - Readers never see half of a credential.
/// - Nothing else in that place changes.
/// - [`read`](Publish::read) changes nothing and answers what a reader of that place would get at this moment.
/// - Each call returns within 100 seconds: after two minutes the component takes a host for dead. The credential is not logged.
#[async_trait]
pub trait Publish: Send + Sync + 'static {
    /// Gives the credential to the target of that name; [`Error::UnknownTarget`] if its application has none of that name.
    async fn put(&self, target: &str, credential: &Credential) -> Result<(), Error>;

    /// What the place of the target of that name holds for an application at this moment.
    async fn read(&self, target: &str, client_id: &str) -> Result<Reading, Error>;
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

    /// What readers of the place get at this moment. Changes nothing.
    async fn read(&self) -> Result<Reading, Error> {
        Ok(Reading::Unreadable)
    }

    /// Where it writes, as a text such that two places never share one and one place never has two. The forms that hosts in
    /// other languages share are those of `wit/settings.wit`; any other begins with a scheme of its own and `:`. `name` is the
    /// target's name in the settings, `machine` that of this machine.
    ///
    /// Unless it is overridden, the place is `function://MACHINE/NAME`: a function of the program that embeds this crate.
    async fn place(&self, machine: &str, name: &str) -> Result<String, Error> {
        Ok(format!("function://{machine}/{name}"))
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

/// What reading a place gave.
#[derive(Clone, Debug)]
pub enum Reading {
    /// It holds this credential.
    Credential(Held),
    /// It holds none: the place is absent, or has no credential in it.
    None,
    /// This kind of place cannot be read at all, such as a command.
    Unreadable,
}

impl Reading {
    /// The credential, if it holds one.
    pub fn held(self) -> Option<Held> {
        match self {
            Self::Credential(held) => Some(held),
            Self::None | Self::Unreadable => None,
        }
    }
}

impl From<Option<Held>> for Reading {
    fn from(held: Option<Held>) -> Self {
        held.map_or(Self::None, Self::Credential)
    }
}

/// A credential that a place holds.
#[derive(Clone, Debug)]
pub struct Held {
    /// The client id, where the place says which application it is for.
    pub client_id: Option<String>,
    /// The client secret.
    pub client_secret: Secret,
    /// When it ends, in milliseconds since 1970-01-01T00:00:00Z, where the place says so.
    pub expires_at: Option<u64>,
    /// Who seems to have written it last, where the place records that. For people.
    pub written_by: Option<String>,
}

impl Held {
    /// The client id for people to see; `None` where what stands in its place has not the form of Amazon's, and might be a
    /// secret that stands there by mistake.
    pub fn shown_client_id(&self) -> Option<&str> {
        self.client_id.as_deref().filter(|id| is_client_id(id))
    }
}

/// Why a target did not take the credential, or could not be read. The texts are for people and hold no secret.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Error {
    /// The settings name a target that this host does not have.
    UnknownTarget,
    /// The caller may not write, or not read, there.
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
pub struct Targets {
    targets: BTreeMap<(String, String), Box<dyn Target>>,
    machine: String,
}

impl Default for Targets {
    fn default() -> Self {
        Self { targets: BTreeMap::new(), machine: machine() }
    }
}

impl Targets {
    /// No target at all.
    pub fn new() -> Self {
        Self::default()
    }

    /// The name of this machine in places; its host name unless set.
    #[must_use]
    pub fn machine(mut self, name: impl Into<String>) -> Self {
        self.machine = name.into();
        self
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

    /// The targets of an application with their places, for its [settings](crate::Application::targets), in the order of their
    /// names.
    ///
    /// Errors: where the settings of a target do not say which place it is.
    pub async fn of(&self, client_id: &str) -> Result<Vec<settings::Target>, Error> {
        let mut targets = Vec::new();
        for ((_, name), target) in self.targets.iter().filter(|((id, _), _)| id == client_id) {
            let place = target.place(&self.machine, name).await?;
            targets.push(settings::Target { name: name.clone(), place });
        }
        Ok(targets)
    }

    fn target(&self, client_id: &str, name: &str) -> Result<&dyn Target, Error> {
        let key = (client_id.to_owned(), name.to_owned());
        self.targets.get(&key).map(AsRef::as_ref).ok_or(Error::UnknownTarget)
    }
}

#[async_trait]
impl Publish for Targets {
    async fn put(&self, target: &str, credential: &Credential) -> Result<(), Error> {
        self.target(&credential.client_id, target)?.put(credential).await
    }

    async fn read(&self, target: &str, client_id: &str) -> Result<Reading, Error> {
        self.target(client_id, target)?.read().await
    }
}

#[async_trait]
impl<P: Publish + ?Sized> Publish for std::sync::Arc<P> {
    async fn put(&self, target: &str, credential: &Credential) -> Result<(), Error> {
        (**self).put(target, credential).await
    }

    async fn read(&self, target: &str, client_id: &str) -> Result<Reading, Error> {
        (**self).read(target, client_id).await
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

    async fn read(&self) -> Result<Reading, Error> {
        (**self).read().await
    }

    async fn place(&self, machine: &str, name: &str) -> Result<String, Error> {
        (**self).place(machine, name).await
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

    async fn read(&self) -> Result<Reading, Error> {
        (**self).read().await
    }

    async fn place(&self, machine: &str, name: &str) -> Result<String, Error> {
        (**self).place(machine, name).await
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    /// A function of a program.
    struct Function;

    #[async_trait]
    impl Target for Function {
        async fn put(&self, _: &Credential) -> Result<(), Error> {
            Ok(())
        }
    }

    #[tokio::test]
    async fn targets_are_listed_with_their_places_for_the_settings() {
        let targets = Targets::new()
            .machine("shop-1")
            .with("shop", "restart", ExecTarget::new("true", [""; 0]))
            .with("shop", "cache", Function)
            .with("other", "file", Function);

        let listed: Vec<_> = targets.of("shop").await.unwrap().into_iter().map(|t| (t.name, t.place)).collect();

        let expected = [("cache", "function://shop-1/cache"), ("restart", "exec://shop-1/restart")];
        assert_eq!(listed, expected.map(|(name, place)| (name.to_owned(), place.to_owned())));
        assert!(targets.of("stranger").await.unwrap().is_empty());
    }

    #[tokio::test]
    async fn a_target_is_read_for_its_own_application_alone() {
        let targets = Targets::new().with("shop", "cache", Function);
        assert!(matches!(targets.read("cache", "shop").await, Ok(Reading::Unreadable)));
        assert!(matches!(targets.read("cache", "other").await, Err(Error::UnknownTarget)));
        assert!(matches!(targets.read("file", "shop").await, Err(Error::UnknownTarget)));
    }

    #[test]
    fn this_machine_has_a_name() {
        let name = machine();
        assert!(!name.is_empty() && !name.contains('/'), "{name}");
    }
}
