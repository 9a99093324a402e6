//! A credential in a Secret of Kubernetes.

mod access;
mod client;
mod failure;

use std::time::Duration;

use async_trait::async_trait;
use tokio::time::timeout;

pub(crate) use self::client::is_name;
use self::client::{Answer, Client, Fetching, Found};
use super::{
    Error, Held, Probe, Target,
    form::{Format, Names, instant, texts},
};
use crate::secret::Credential;

/// Keeps a credential in keys of a Secret. Its other keys, its labels and its type stay.
///
/// Only our keys are sent, as a merge patch, so that what others change in the Secret at the same time is not touched. Nothing
/// is sent if it holds the credential already. A Secret that is not there yet is made, of type `Opaque`; one that is
/// `immutable` is left alone. An expiry time that nobody knows is empty.
///
/// The cluster is found as `kubectl` finds it: by `KUBECONFIG` or `~/.kube/config`, else by the service account of the pod.
/// Both are read for each put, and no connection is kept. TLS is verified, whatever the kubeconfig says, plain `http` is for
/// loopback addresses, and a put is given up after 45 s.
#[derive(Clone, Debug)]
pub struct KubernetesTarget {
    secret: String,
    namespace: Option<String>,
    context: Option<String>,
    names: Names,
    fetching: Fetching,
}

/// How long a put may take, with its repetitions.
const LIMIT: Duration = Duration::from_secs(45);

/// How long the command that a kubeconfig names for credentials may take.
const CREDENTIALS_LIMIT: Duration = Duration::from_secs(20);

/// How often a Secret that somebody else makes, changes or deletes meanwhile is read and written.
const TRIES: usize = 5;

impl KubernetesTarget {
    /// The Secret of this name, with the keys `LWA_CLIENT_ID`, `LWA_CLIENT_SECRET` and `LWA_CLIENT_SECRET_EXPIRES_AT`.
    pub fn new(secret: impl Into<String>) -> Self {
        Self {
            secret: secret.into(),
            namespace: None,
            context: None,
            names: Names::of(Format::Env),
            fetching: Fetching::default(),
        }
    }

    /// The namespace, in place of that of the service account or the kubeconfig.
    #[must_use]
    pub fn namespace(mut self, namespace: impl Into<String>) -> Self {
        self.namespace = Some(namespace.into());
        self
    }

    /// The context of the kubeconfig, in place of its current one.
    #[must_use]
    pub fn context(mut self, context: impl Into<String>) -> Self {
        self.context = Some(context.into());
        self
    }

    /// Other keys.
    #[must_use]
    pub fn names(mut self, names: Names) -> Self {
        self.names = names;
        self
    }

    async fn client(&self) -> Result<Client, Error> {
        let config = access::config(self.context.as_deref()).await?;
        Client::new(config, self.namespace.as_deref(), &self.secret, &self.fetching, CREDENTIALS_LIMIT).await
    }

    async fn write(&self, credential: &Credential) -> Result<(), Error> {
        let (client_secret, expires_at) = texts(credential)?;
        let values = [
            (self.names.client_id.as_str(), credential.client_id.as_str()),
            (self.names.client_secret.as_str(), client_secret),
            (self.names.expires_at.as_str(), expires_at.as_deref().unwrap_or_default()),
        ];
        let client = self.client().await?;
        for _ in 0..TRIES {
            let answer = match client.find().await? {
                Some(found) if found.holds(&values) => return Ok(()),
                Some(found) => {
                    found.expect_mutable(&client)?;
                    client.patch(&values, false).await?
                }
                None => client.create(&values, false).await?,
            };
            match answer {
                Answer::Done => return Ok(()),
                Answer::Overtaken => {}
            }
        }
        let place = client.place();
        Err(Error::Unavailable(format!(
            "{place} was changed by somebody else {TRIES} times while it was being written; it is tried again"
        )))
    }

    /// With the server's own rehearsal, which checks permissions and stores nothing.
    async fn look(&self) -> Result<Probe, Error> {
        let client = self.client().await?;
        let rehearsed = match client.find().await? {
            Some(found) => {
                found.expect_mutable(&client)?;
                client.patch(&[], true).await
            }
            None => client.create(&[], true).await,
        };
        let place = client.place();
        match rehearsed {
            Ok(_) => Ok(Probe::Fine(format!("{place} can be read and may be written"))),
            Err(Error::Other(_)) => {
                Ok(Probe::NotChecked(format!("{place} can be read; the cluster rehearses no write to it")))
            }
            Err(error) => Err(error),
        }
    }

    fn held(&self, found: &Found) -> Option<Held> {
        let text = |key: &str| found.value(key)?.expose_str();
        Some(Held {
            client_secret: text(&self.names.client_secret).filter(|secret| !secret.is_empty())?.into(),
            client_id: text(&self.names.client_id).map(str::to_owned),
            expires_at: text(&self.names.expires_at).and_then(instant),
        })
    }
}

/// Ends it when its time is over.
async fn bounded<T>(work: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
    let late = |_| Err(Error::Unavailable(format!("the cluster was not done after {} s", LIMIT.as_secs())));
    timeout(LIMIT, work).await.unwrap_or_else(late)
}

#[async_trait]
impl Target for KubernetesTarget {
    async fn put(&self, credential: &Credential) -> Result<(), Error> {
        bounded(self.write(credential)).await
    }

    async fn probe(&self) -> Result<Probe, Error> {
        bounded(self.look()).await
    }

    async fn read(&self) -> Result<Option<Held>, Error> {
        bounded(async { Ok(self.client().await?.find().await?.and_then(|found| self.held(&found))) }).await
    }
}
