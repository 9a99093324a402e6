//! A credential in a Secret of Kubernetes.

mod access;
mod client;
mod exec;
mod failure;
mod kubeconfig;
mod written_by;

use std::{
    collections::BTreeMap,
    sync::{Arc, LazyLock, Mutex, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use tokio::{sync::Semaphore, time::timeout};

pub(crate) use self::client::is_name;
use self::client::{Answer, Client, Fetching, Found};
use super::{
    Error, Held, Probe, Reading, Target,
    form::{Format, Names, expect_no_other, instant, texts},
};
use crate::secret::Credential;

/// Keeps a credential in keys of a Secret. Its other keys, its labels and its type stay.
///
/// Only our keys are sent, as a merge patch, so that what others change in the Secret at the same time is not touched. Nothing
/// is sent if it holds the credential already. A Secret that is not there yet is made, of type `Opaque`; one that is
/// `immutable` is left alone. An expiry time that nobody knows is empty.
///
/// The cluster is found as `kubectl` finds it: by the files of `KUBECONFIG` that are there, or `~/.kube/config`, else by the
/// service account of the pod.
/// Both are read for each put, and no connection is kept. TLS is verified, whatever the kubeconfig says, plain `http` is for
/// loopback addresses, and a put is given up after 45 s.
#[derive(Clone, Debug)]
pub struct KubernetesTarget {
    secret: String,
    namespace: Option<String>,
    context: Option<String>,
    names: Names,
}

/// How long a put may take, with its repetitions.
const LIMIT: Duration = Duration::from_secs(45);

/// How long the command that a kubeconfig names for credentials may take.
const CREDENTIALS_LIMIT: Duration = Duration::from_secs(20);

/// How many commands for the credentials of one context run at the same time. Those that hang count for as long as they run,
/// whichever target had them run.
const COMMANDS_AT_ONCE: usize = 4;

/// How often a Secret that somebody else makes, changes or deletes meanwhile is read and written.
const TRIES: usize = 5;

impl KubernetesTarget {
    /// The Secret of this name, with the keys `LWA_CLIENT_ID`, `LWA_CLIENT_SECRET` and `LWA_CLIENT_SECRET_EXPIRES_AT`.
    pub fn new(secret: impl Into<String>) -> Self {
        Self { secret: secret.into(), namespace: None, context: None, names: Names::of(Format::Env) }
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
        let access = access::access(self.context.as_deref()).await?;
        let fetching = fetching(self.context.as_deref());
        Client::new(access, self.namespace.as_deref(), &self.secret, &fetching, CREDENTIALS_LIMIT).await
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
                    if let Some(present) = found.value(&self.names.client_id) {
                        expect_no_other(present, credential).map_err(|error| error.within(&client.place()))?;
                    }
                    client.patch(&values).await?
                }
                None => client.create(&values).await?,
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
        let found = client.find().await?;
        if let Some(found) = &found {
            found.expect_mutable(&client)?;
        }
        let rehearsed = client.rehearse(found.is_some()).await?;
        let place = client.place();
        Ok(if rehearsed {
            Probe::Fine(format!("{place} can be read and may be written"))
        } else {
            Probe::NotChecked(format!("{place} can be read; the cluster rehearses no write to it"))
        })
    }

    fn held(&self, found: &Found) -> Option<Held> {
        let text = |key: &str| found.value(key)?.expose_str();
        Some(Held {
            client_secret: text(&self.names.client_secret).filter(|secret| !secret.is_empty())?.into(),
            // A person's `echo` may have added a line end.
            client_id: text(&self.names.client_id).map(str::trim).filter(|id| !id.is_empty()).map(str::to_owned),
            expires_at: text(&self.names.expires_at).and_then(instant),
            written_by: found.written_by(&self.names.client_secret),
        })
    }
}

/// What all targets of a context share, however short they live.
fn fetching(context: Option<&str>) -> Fetching {
    static ALL: LazyLock<Mutex<BTreeMap<Option<String>, Fetching>>> = LazyLock::new(Mutex::default);

    let mut all = ALL.lock().unwrap_or_else(PoisonError::into_inner);
    let new = || Arc::new(Semaphore::new(COMMANDS_AT_ONCE));
    Arc::clone(all.entry(context.map(str::to_owned)).or_insert_with(new))
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

    async fn read(&self) -> Result<Reading, Error> {
        bounded(async { Ok(self.client().await?.find().await?.and_then(|found| self.held(&found)).into()) }).await
    }

    async fn place(&self, _machine: &str, _name: &str) -> Result<String, Error> {
        let config = access::access(self.context.as_deref()).await?.config;
        let server = config.cluster_url.to_string();
        let namespace = client::namespace(&config, self.namespace.as_deref());
        Ok(format!("kubernetes+{}/{namespace}/{}", server.trim_end_matches('/'), self.secret))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Targets are made for each put.
    #[test]
    fn commands_that_hang_count_for_all_targets_of_their_context() {
        assert!(Arc::ptr_eq(&fetching(Some("shops")), &fetching(Some("shops"))));
        assert!(!Arc::ptr_eq(&fetching(Some("shops")), &fetching(None)));
        assert_eq!(fetching(None).available_permits(), COMMANDS_AT_ONCE);
    }
}
