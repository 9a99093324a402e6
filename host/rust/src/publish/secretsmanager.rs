//! A credential in AWS Secrets Manager.

mod failure;

use std::{fmt, time::Duration};

use async_trait::async_trait;
use aws_sdk_secretsmanager::{Client, config::Builder};
use sha2::{Digest as _, Sha256};
use tokio::{sync::OnceCell, time::sleep};

use super::{
    Error, Format, Names, Probe, Reading, Target,
    aws::bounded,
    form::{held, merged},
};
use crate::{
    aws::{Aws, CALL_LIMIT, limits},
    secret::{Credential, Secret},
};
use failure::Operation;

/// Keeps a credential in a secret whose value is a JSON object. Everything else in the object stays as it is.
///
/// A new value is put as a version of its own, and becomes `AWSCURRENT` only in the place of the version that it was made from,
/// which becomes `AWSPREVIOUS`. So readers find the old value or the new one, and what others write meanwhile, such as another
/// application into the same secret, is not lost: it is read, and the step begun again. A version's id follows from its
/// value and the version before, so that a put that is repeated makes no other. Nothing is written if the secret holds the
/// credential already. A secret that is given by its name is made if it does not exist.
pub struct SecretsManagerTarget {
    secret: String,
    names: Names,
    region: Option<String>,
    aws: Aws,
    client: OnceCell<Client>,
}

/// What readers get who ask for nothing else.
const CURRENT: &str = "AWSCURRENT";

/// Secrets Manager takes no larger value, in bytes.
const LARGEST: usize = 64 * 1024;

/// How often others may be quicker.
const ROUNDS: u32 = 20;

/// How long is waited before Secrets Manager is asked again whether it shows what it has taken: all its operations are
/// eventually consistent.
const PAUSES: [u64; 5] = [100, 200, 400, 800, 1600];

/// What the secret holds.
struct Present {
    document: Secret,
    /// The version that this is the value of; a secret may have none yet.
    version: Option<String>,
}

impl SecretsManagerTarget {
    /// The secret of this name or ARN, with the usual [`Names`] of JSON. An ARN names the region as well.
    pub fn new(secret: impl Into<String>) -> Self {
        let secret = secret.into();
        let region = secret.strip_prefix("arn:").and_then(|arn| arn.split(':').nth(2)).map(str::to_owned);
        Self { secret, names: Names::of(Format::Json), region, aws: Aws::default(), client: OnceCell::new() }
    }

    /// Other names.
    #[must_use]
    pub fn names(mut self, names: Names) -> Self {
        self.names = names;
        self
    }

    /// The region, for a secret that is given by its name; else that of the AWS settings.
    #[must_use]
    pub fn region(mut self, region: impl Into<String>) -> Self {
        self.region = Some(region.into());
        self
    }

    /// Other AWS settings than the usual variables and files.
    #[must_use]
    pub fn aws(mut self, aws: Aws) -> Self {
        self.aws = aws;
        self
    }

    async fn client(&self) -> Result<&Client, Error> {
        let client = async || {
            let loaded = self.aws.of_service("Secrets Manager", self.region.as_deref(), None).await?;
            Ok(Client::from_conf(Builder::from(&loaded).timeout_config(limits(CALL_LIMIT)).build()))
        };
        self.client.get_or_try_init(client).await.map_err(|error: crate::aws::Unusable| Error::Other(error.to_string()))
    }

    fn is_arn(&self) -> bool {
        self.secret.starts_with("arn:")
    }

    /// An ARN, with an empty account where a name is set, which does not say it.
    async fn arn(&self) -> Result<String, Error> {
        if self.is_arn() {
            return Ok(self.secret.clone());
        }
        let region = self.aws.region_of("Secrets Manager", self.region.as_deref()).await;
        let region = region.map_err(|error| Error::Other(error.to_string()))?;
        Ok(format!("arn:aws:secretsmanager:{region}::secret:{}", self.secret))
    }

    /// The secret with its region, for people.
    fn words(&self, client: &Client) -> String {
        let region = client.config().region().map_or("no region", AsRef::as_ref);
        format!("the secret '{}' of Secrets Manager in {region}", self.secret)
    }

    /// What the secret holds; `None` if there is no such secret.
    async fn present(&self, client: &Client) -> Result<Option<Present>, Error> {
        let error = match client.get_secret_value().secret_id(&self.secret).version_stage(CURRENT).send().await {
            Ok(answer) if answer.secret_binary.is_some() => {
                return Err(Error::Other(format!(
                    "{} holds bytes in the place of a JSON object and is left as it is; name another secret",
                    self.words(client)
                )));
            }
            Ok(answer) => {
                let document = answer.secret_string.unwrap_or_default().into();
                return Ok(Some(Present { document, version: answer.version_id }));
            }
            Err(error) if failure::is_not_found(&error) => error,
            Err(error) => return Err(self.failed(Operation::Read, client, &error)),
        };
        // A secret without a value is answered in the same way as none.
        match client.describe_secret().secret_id(&self.secret).send().await {
            Ok(described) if described.deleted_date.is_none() => {
                Ok(Some(Present { document: Secret::default(), version: None }))
            }
            Ok(_) => Err(self.failed(Operation::Read, client, &error)),
            Err(error) if failure::is_not_found(&error) => Ok(None),
            Err(error) => Err(self.failed(Operation::Look, client, &error)),
        }
    }

    fn merged(&self, client: &Client, document: &Secret, credential: &Credential) -> Result<Secret, Error> {
        let about = |error| self.about(client, error);
        let merged = merged(document.expose(), credential, Format::Json, &self.names).map_err(about)?;
        if merged.len() > LARGEST {
            return Err(Error::Other(format!(
                "with the credential {} would be larger than the {LARGEST} bytes that it may have; take something else out of it, or name another secret",
                self.words(client)
            )));
        }
        Ok(merged)
    }

    fn about(&self, client: &Client, error: Error) -> Error {
        match error {
            Error::Other(text) => Error::Other(format!("{}: {text}", self.words(client))),
            other => other,
        }
    }

    async fn replace(&self, client: &Client, credential: &Credential) -> Result<(), Error> {
        let mut quicker = String::new();
        for round in 0..ROUNDS {
            match self.attempt(client, credential).await? {
                None => return Ok(()),
                Some(text) => quicker = text,
            }
            let wait = 50 + getrandom::u32().unwrap_or_default() % (100 * (round + 1));
            sleep(Duration::from_millis(wait.into())).await;
        }
        Err(Error::Unavailable(format!("others change {} all the time: {quicker}", self.words(client))))
    }

    /// Puts it if nobody changes the secret meanwhile; else what was answered.
    async fn attempt(&self, client: &Client, credential: &Credential) -> Result<Option<String>, Error> {
        let Some(present) = self.present(client).await? else {
            return self.create(client, credential).await;
        };
        let merged = self.merged(client, &present.document, credential)?;
        if merged.expose() == present.document.expose() {
            return Ok(None);
        }
        let id = version_id(&merged, present.version.as_deref());
        let label = label(credential);
        let put = client
            .put_secret_value()
            .secret_id(&self.secret)
            .secret_string(merged.expose_str().unwrap_or_default())
            .client_request_token(&id)
            .version_stages(&label)
            .send()
            .await
            .map_err(|error| self.failed(Operation::Write, client, &error))?;
        // The first version of all is current at once.
        let outcome = if put.version_stages().iter().any(|stage| stage == CURRENT) {
            Ok(None)
        } else {
            self.make_current(client, &id, present.version.clone()).await
        };
        // It has done its work; where it cannot be taken off, the next put takes it along.
        let taken_off = client.update_secret_version_stage().secret_id(&self.secret).version_stage(&label);
        let _ = taken_off.remove_from_version_id(&id).send().await;
        match outcome? {
            None => self.shown(client, credential, present.version.as_deref()).await,
            others => Ok(others),
        }
    }

    /// Waits until readers are shown the credential in place of the version before; what is told instead if there is another.
    async fn shown(
        &self,
        client: &Client,
        credential: &Credential,
        before: Option<&str>,
    ) -> Result<Option<String>, Error> {
        let mut pauses = PAUSES.iter();
        loop {
            if let Some(present) = self.present(client).await? {
                let merged = self.merged(client, &present.document, credential)?;
                if merged.expose() == present.document.expose() {
                    return Ok(None);
                }
                if present.version.is_some() && present.version.as_deref() != before {
                    return Ok(Some("somebody else has changed it since".into()));
                }
            }
            let Some(pause) = pauses.next() else {
                return Err(Error::Unavailable(format!(
                    "{} was written, and Secrets Manager still shows the value before; it is looked at again later",
                    self.words(client)
                )));
            };
            sleep(Duration::from_millis(*pause)).await;
        }
    }

    /// Makes a version current in the place of the one before; what was answered if that is not current any more.
    async fn make_current(&self, client: &Client, id: &str, before: Option<String>) -> Result<Option<String>, Error> {
        let moved = client
            .update_secret_version_stage()
            .secret_id(&self.secret)
            .version_stage(CURRENT)
            .set_remove_from_version_id(before)
            .move_to_version_id(id);
        match moved.send().await {
            Ok(_) => Ok(None),
            Err(error) => match failure::others_were_quicker(&error) {
                Some(text) => Ok(Some(text)),
                None => Err(self.failed(Operation::Write, client, &error)),
            },
        }
    }

    async fn create(&self, client: &Client, credential: &Credential) -> Result<Option<String>, Error> {
        if self.is_arn() {
            return Err(Error::Other(format!("there is no such secret: {}; compare the ARN", self.words(client))));
        }
        let document = self.merged(client, &Secret::default(), credential)?;
        let created = client
            .create_secret()
            .name(&self.secret)
            .secret_string(document.expose_str().unwrap_or_default())
            .client_request_token(version_id(&document, None));
        match created.send().await {
            Ok(_) => self.shown(client, credential, None).await,
            Err(error) if failure::is_there_already(&error) => Ok(Some("somebody else has made it".into())),
            Err(error) => Err(self.failed(Operation::Create, client, &error)),
        }
    }
}

#[async_trait]
impl Target for SecretsManagerTarget {
    async fn put(&self, credential: &Credential) -> Result<(), Error> {
        let client = self.client().await?;
        bounded(&self.words(client), self.replace(client, credential)).await
    }

    async fn probe(&self) -> Result<Probe, Error> {
        let client = self.client().await?;
        let nobody = Credential { client_id: String::new(), client_secret: Secret::default(), expires_at: None };
        match self.present(client).await {
            Ok(Some(present)) => {
                self.merged(client, &present.document, &nobody)?;
                Ok(Probe::NotChecked(
                    "the secret can be read, and takes it; whether it may be written was not tried".into(),
                ))
            }
            Ok(None) if self.is_arn() => {
                Err(Error::Other(format!("there is no such secret: {}; compare the ARN", self.words(client))))
            }
            Ok(None) => Ok(Probe::NotChecked(format!(
                "{} does not exist yet, and is made when it is first written; whether it may be was not tried",
                self.words(client)
            ))),
            Err(Error::AccessDenied(text)) => Ok(Probe::NotChecked(text)),
            Err(error) => Err(error),
        }
    }

    async fn read(&self) -> Result<Reading, Error> {
        let client = self.client().await?;
        let Some(present) = self.present(client).await? else { return Ok(Reading::None) };
        let about = |error| self.about(client, error);
        Ok(held(present.document.expose(), Format::Json, &self.names).map_err(about)?.into())
    }

    async fn place(&self, _machine: &str, _name: &str) -> Result<String, Error> {
        self.arn().await
    }
}

impl fmt::Debug for SecretsManagerTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SecretsManagerTarget").field("secret", &self.secret).finish_non_exhaustive()
    }
}

/// The id of a version with this value, in the place of that one.
fn version_id(document: &Secret, before: Option<&str>) -> String {
    let digest = Sha256::new().chain_update(Sha256::digest(document.expose())).chain_update(before.unwrap_or_default());
    format!("{:x}", digest.finalize())
}

/// Keeps a version that waits to become current from being cleared away. One for each application, so that those which
/// share a secret do not take it from each other.
fn label(credential: &Credential) -> String {
    let digest = format!("{:x}", Sha256::digest(&credential.client_id));
    format!("lwa-rotate-{}", &digest[..16])
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;
