//! One secret for each client id, in AWS Secrets Manager, and a version of it for each save.

mod failure;
mod version;

use std::{fmt, time::Duration};

use async_trait::async_trait;
use aws_sdk_secretsmanager::{Client, primitives::Blob};
use tokio::sync::OnceCell;

use super::{Entry, Error, REMOVED, Revision, Store, name, revision};
use crate::{
    aws::{Aws, CALL_LIMIT, failure::Failure, limits},
    secret::Secret,
};
use failure::{LOAD, LOOK, NOT_FOUND, Place, SAVE};

/// The label of the version that is the record.
const CURRENT: &str = "AWSCURRENT";

/// The label of a version from its making to its becoming the record. Each save takes it away from the one before it, so that
/// it holds one version at most: what loses its last label is deleted by Secrets Manager.
const SAVING: &str = "lwa-rotate-saving";

/// Secrets Manager takes no longer value.
/// <https://docs.aws.amazon.com/secretsmanager/latest/userguide/reference_limits.html>
const LONGEST: usize = 65_536;

/// Stands for a document without a byte, which Secrets Manager has no value for.
const EMPTY: &str = "empty";

/// How long is waited before Secrets Manager is asked again whether it shows what it has taken.
const PAUSES: [u64; 5] = [100, 200, 400, 800, 1600];

/// Keeps each document as the value of a secret of AWS Secrets Manager, named after its client id; the record is the version
/// with the label `AWSCURRENT`, and its version id is the revision.
///
/// A save makes a version, and then moves `AWSCURRENT` to it from the version that was read: Secrets Manager moves the label
/// from the version that is named and from no other, which is the compare-and-swap. What may have taken effect is never sent
/// twice; when no answer comes, it is looked up where the label is. A value has room for 64 KiB.
///
/// Secrets Manager calls all its operations eventually consistent. So a save returns when Secrets Manager shows it to this
/// machine. Another machine may, for a moment, still be shown the version before it; whatever it then decides it cannot save.
///
/// Old versions keep what the record was: the last one before the present one under `AWSPREVIOUS`; those before that without a
/// label, until Secrets Manager deletes them.
///
/// The region is the one given here, else that of the AWS settings. Nothing is read or opened before the first call.
pub struct SecretsManagerStore {
    prefix: String,
    region: Option<String>,
    kms_key: Option<String>,
    aws: Aws,
    client: OnceCell<Client>,
}

impl SecretsManagerStore {
    /// A store of secrets whose names begin with this.
    pub fn new(prefix: impl Into<String>) -> Self {
        Self { prefix: prefix.into(), region: None, kms_key: None, aws: Aws::default(), client: OnceCell::new() }
    }

    /// The region, where it is not that of the AWS settings.
    #[must_use]
    pub fn region(mut self, region: Option<String>) -> Self {
        self.region = region;
        self
    }

    /// The KMS key that new secrets are encrypted with, where it is not Secrets Manager's own.
    #[must_use]
    pub fn kms_key(mut self, key: Option<String>) -> Self {
        self.kms_key = key;
        self
    }

    /// Other AWS settings than the usual variables and files.
    #[must_use]
    pub fn aws(mut self, aws: Aws) -> Self {
        self.aws = aws;
        self
    }

    /// The name of the secret that holds the record of this client id.
    pub fn name(&self, client_id: &str) -> String {
        format!("{}{}", self.prefix, name::of(client_id, '='))
    }

    /// Whether there is a secret for this client id, and whether it can be used, as far as that can be told without writing.
    /// Needs `secretsmanager:DescribeSecret`, as a save does.
    pub async fn probe(&self, client_id: &str) -> Result<bool, Error> {
        let place = self.place(client_id).await?;
        Ok(self.look(&place).await?.is_some())
    }

    async fn place(&self, client_id: &str) -> Result<Place<'_>, Error> {
        let made = self.client.get_or_try_init(async || {
            let loaded = self.aws.of_service("Secrets Manager", self.region.as_deref(), None).await?;
            let config = aws_sdk_secretsmanager::config::Builder::from(&loaded).timeout_config(limits(CALL_LIMIT));
            Ok(Client::from_conf(config.build()))
        });
        let client = made.await.map_err(|error: crate::aws::Unusable| Error::Other(error.to_string()))?;
        Ok(Place { client, name: self.name(client_id) })
    }

    /// Waits until Secrets Manager shows what it has taken in place of the version before it. Anything else is newer still.
    async fn shown(&self, place: &Place<'_>, before: Option<&str>) -> Result<(), Error> {
        let mut pauses = PAUSES.iter();
        loop {
            let shown = self.read(place).await.map_err(|error| {
                Error::Unavailable(format!("{} was saved, and could not be read after that: {error}", place.text()))
            })?;
            if shown.is_some_and(|entry| Some(entry.revision.as_str()) != before) {
                return Ok(());
            }
            let Some(pause) = pauses.next() else {
                return Err(Error::Unavailable(format!(
                    "{} was saved, and Secrets Manager still shows what was there before",
                    place.text()
                )));
            };
            tokio::time::sleep(Duration::from_millis(*pause)).await;
        }
    }

    async fn read(&self, place: &Place<'_>) -> Result<Option<Entry>, Error> {
        let answer = match place.client.get_secret_value().secret_id(&place.name).version_stage(CURRENT).send().await {
            Ok(answer) => answer,
            Err(error) => {
                let failure = Failure::of(&error);
                // No secret, or none with a value.
                return if failure.code == NOT_FOUND { Ok(None) } else { Err(place.failure(LOAD, &failure)) };
            }
        };
        let document = match (answer.secret_binary, answer.secret_string) {
            (Some(document), _) => document.into_inner().into(),
            (None, Some(text)) if text == EMPTY => Secret::default(),
            // Put there by a person who repaired it.
            (None, Some(text)) => text.into(),
            (None, None) => return Ok(None),
        };
        let revision = answer.version_id.ok_or_else(|| {
            Error::Unavailable(format!("cannot {LOAD} {}: the answer names no version", place.text()))
        })?;
        Ok(Some(Entry { revision, document }))
    }
}

#[async_trait]
impl Store for SecretsManagerStore {
    async fn load(&self, client_id: &str) -> Result<Option<Entry>, Error> {
        self.read(&self.place(client_id).await?).await
    }

    async fn save(&self, client_id: &str, document: Secret, expected: Option<&str>) -> Result<Revision, Error> {
        let place = self.place(client_id).await?;
        if document.len() > LONGEST {
            return Err(Error::Full(format!(
                "cannot {SAVE} {}: the record has {} bytes, and Secrets Manager takes no more than {LONGEST}; the stores of kind \"file\" and \"dynamodb\" take more",
                place.text(),
                document.len()
            )));
        }
        let value = Value::of(document);
        let token = revision::uuid()?;
        let saved = match expected {
            None => self.create(&place, value, token).await?,
            Some(expected) => {
                // What is known beforehand leaves no version behind.
                let current = self.look(&place).await?.and_then(|secret| secret.current);
                if current.as_deref() != Some(expected) {
                    return Err(Error::Conflict);
                }
                self.replace(&place, value, token, Some(expected)).await?
            }
        };
        self.shown(&place, expected).await?;
        Ok(saved)
    }

    /// Saves [`REMOVED`], because a secret that was deleted may not be made anew for days. Twice, so that `AWSPREVIOUS` does not
    /// keep the secrets; the second time is not needed for anything else.
    async fn remove(&self, client_id: &str, expected: &str) -> Result<(), Error> {
        let removed = self.save(client_id, REMOVED.into(), Some(expected)).await?;
        match self.save(client_id, REMOVED.into(), Some(&removed)).await {
            // A conflict is another host that enrolls the application again.
            Ok(_) | Err(Error::Conflict) => {}
            Err(error) => {
                tracing::warn!(client_id, %error, "the version before a removed record could not be replaced, and keeps its secrets");
            }
        }
        Ok(())
    }
}

/// A document as Secrets Manager takes it: one of the two.
#[derive(Clone)]
struct Value {
    binary: Option<Blob>,
    text: Option<String>,
}

impl Value {
    fn of(document: Secret) -> Self {
        if document.is_empty() {
            Self { binary: None, text: Some(EMPTY.to_owned()) }
        } else {
            Self { binary: Some(Blob::new(document.into_bytes())), text: None }
        }
    }
}

impl fmt::Debug for SecretsManagerStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SecretsManagerStore")
            .field("prefix", &self.prefix)
            .field("region", &self.region)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;
