//! A credential in AWS Systems Manager Parameter Store.

mod failure;

use std::fmt;

use async_trait::async_trait;
use aws_sdk_ssm::{
    Client,
    config::{Builder, Config, retry::RetryConfig},
    types::{ParameterMetadata, ParameterStringFilter, ParameterTier, ParameterType},
};
use tokio::sync::OnceCell;

use super::{
    Error, Format, Held, Names, Probe, Reading, Target,
    aws::bounded,
    form::{held, merged},
};
use crate::{
    aws::{Aws, CALL_LIMIT, limits},
    secret::{Credential, Secret},
};
use failure::Operation;

/// Keeps a credential in a parameter: as members of a JSON object in which everything else stays as it is, or its secret alone.
///
/// A new parameter is a `SecureString`; an existing one keeps its type, tier and key. Nothing is written if it holds the
/// credential already. Parameter Store cannot make a write depend on what was read before it: what somebody else writes into the
/// same parameter at the same moment is overwritten, and told, with the version that holds it.
pub struct SsmTarget {
    parameter: String,
    form: ParameterForm,
    kms_key: Option<String>,
    region: Option<String>,
    aws: Aws,
    client: OnceCell<Client>,
}

/// What a parameter holds.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum ParameterForm {
    /// A JSON object with members of these names.
    Json(Names),
    /// The client secret and nothing else.
    Value,
}

/// The largest values, in bytes, of the two tiers.
const STANDARD: usize = 4 * 1024;
const ADVANCED: usize = 8 * 1024;

/// A parameter as it is.
struct Present {
    value: Secret,
    version: i64,
}

impl SsmTarget {
    /// The parameter of this name, which holds a JSON object with the usual [`Names`].
    pub fn new(parameter: impl Into<String>) -> Self {
        Self {
            parameter: parameter.into(),
            form: ParameterForm::Json(Names::of(Format::Json)),
            kms_key: None,
            region: None,
            aws: Aws::default(),
            client: OnceCell::new(),
        }
    }

    /// Another form.
    #[must_use]
    pub fn form(mut self, form: ParameterForm) -> Self {
        self.form = form;
        self
    }

    /// The KMS key that it is encrypted with, by id, ARN or alias; else that which it has, or AWS's own for a new one.
    #[must_use]
    pub fn kms_key(mut self, key: impl Into<String>) -> Self {
        self.kms_key = Some(key.into());
        self
    }

    /// The region; else that of the AWS settings.
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
            let loaded = self.aws.of_service("SSM", self.region.as_deref(), None).await?;
            Ok(Client::from_conf(Builder::from(&loaded).timeout_config(limits(CALL_LIMIT)).build()))
        };
        self.client.get_or_try_init(client).await.map_err(|error: crate::aws::Unusable| Error::Other(error.to_string()))
    }

    /// An ARN, with an empty account where a name is set, which does not say it.
    async fn arn(&self) -> Result<String, Error> {
        if self.parameter.starts_with("arn:") {
            return Ok(self.parameter.clone());
        }
        let region = self.aws.region_of("SSM", self.region.as_deref()).await;
        let region = region.map_err(|error| Error::Other(error.to_string()))?;
        Ok(format!("arn:aws:ssm:{region}::parameter/{}", self.parameter.trim_start_matches('/')))
    }

    /// The parameter with its region, for people.
    fn words(&self, client: &Client) -> String {
        let region = client.config().region().map_or("no region", AsRef::as_ref);
        format!("the parameter '{}' in {region}", self.parameter)
    }

    async fn present(&self, client: &Client) -> Result<Option<Present>, Error> {
        match client.get_parameter().name(&self.parameter).with_decryption(true).send().await {
            Ok(answer) => Ok(answer.parameter.map(|parameter| Present {
                value: parameter.value.unwrap_or_default().into(),
                version: parameter.version,
            })),
            Err(error) if failure::is_not_found(&error) => Ok(None),
            Err(error) => Err(self.failed(Operation::Read, client, &error)),
        }
    }

    /// Type, tier and key, which a write has to repeat for them to stay.
    async fn described(&self, client: &Client) -> Result<ParameterMetadata, Error> {
        let name = ParameterStringFilter::builder().key("Name").option("Equals").values(&self.parameter).build();
        let name = name.map_err(|error| Error::Other(error.to_string()))?;
        // It may stand on a later page, with nothing on those before.
        let mut pages = client.describe_parameters().parameter_filters(name).into_paginator().send();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| self.failed(Operation::Look, client, &error))?;
            if let Some(described) = page.parameters.unwrap_or_default().into_iter().next() {
                return Ok(described);
            }
        }
        Err(Error::Unavailable(format!("{} is not described at present", self.words(client))))
    }

    fn merged(&self, client: &Client, present: &Secret, credential: &Credential) -> Result<Secret, Error> {
        let merged = match &self.form {
            ParameterForm::Json(names) => merged(present.expose(), credential, Format::Json, names),
            ParameterForm::Value if credential.client_secret.expose_str().is_none() => {
                Err(Error::Other("the client secret is no text".into()))
            }
            ParameterForm::Value => Ok(credential.client_secret.clone()),
        };
        merged.map_err(|error| self.about(client, error))
    }

    fn about(&self, client: &Client, error: Error) -> Error {
        match error {
            Error::Other(text) => Error::Other(format!("{}: {text}", self.words(client))),
            other => other,
        }
    }

    /// Whether a value of that length has room.
    fn fits(&self, client: &Client, length: usize, tier: Option<&ParameterTier>) -> Result<(), Error> {
        let advanced = tier == Some(&ParameterTier::Advanced);
        let (largest, remedy) = if advanced {
            (ADVANCED, "publish to Secrets Manager, or take something else out of it")
        } else {
            (STANDARD, failure::TOO_LARGE)
        };
        if length <= largest {
            return Ok(());
        }
        Err(Error::Other(format!(
            "with the credential {} would have {length} bytes, of the {largest} that there may be: {remedy}",
            self.words(client)
        )))
    }

    async fn create(&self, client: &Client, credential: &Credential) -> Result<(), Error> {
        let value = self.merged(client, &Secret::default(), credential)?;
        let put = client
            .put_parameter()
            .name(&self.parameter)
            .value(value.expose_str().unwrap_or_default())
            .r#type(ParameterType::SecureString)
            .set_key_id(self.kms_key.clone())
            // Whoever has made it meanwhile is not overwritten.
            .overwrite(false)
            .customize()
            // Once: a repetition would find what the first one has made, and take it for somebody else's.
            .config_override(Config::builder().retry_config(RetryConfig::disabled()));
        put.send().await.map(drop).map_err(|error| self.failed(Operation::Write, client, &error))
    }

    async fn overwrite(&self, client: &Client, present: &Present, credential: &Credential) -> Result<(), Error> {
        let value = self.merged(client, &present.value, credential)?;
        if value.expose() == present.value.expose() {
            return Ok(());
        }
        let described = self.described(client).await?;
        let (kind, tier) = (described.r#type(), described.tier());
        self.fits(client, value.len(), tier)?;
        let is_secure = kind.is_none_or(|kind| *kind == ParameterType::SecureString);
        let key = self.kms_key.as_deref().or(described.key_id()).filter(|_| is_secure);
        let put = client
            .put_parameter()
            .name(&self.parameter)
            .value(value.expose_str().unwrap_or_default())
            .set_type(kind.cloned())
            .set_tier(tier.cloned())
            .set_key_id(key.map(str::to_owned))
            .overwrite(true)
            .customize()
            // Once: a repetition would look like somebody else's write.
            .config_override(Config::builder().retry_config(RetryConfig::disabled()));
        let put = put.send().await.map_err(|error| self.failed(Operation::Write, client, &error))?;
        if put.version == present.version + 1 {
            return Ok(());
        }
        Err(Error::Unavailable(format!(
            "{} was written, and somebody else had written it at the same moment, which is overwritten: compare its versions {} and {}",
            self.words(client),
            put.version - 1,
            put.version
        )))
    }
}

#[async_trait]
impl Target for SsmTarget {
    async fn put(&self, credential: &Credential) -> Result<(), Error> {
        let client = self.client().await?;
        let put = async {
            match self.present(client).await? {
                Some(present) => self.overwrite(client, &present, credential).await,
                None => self.create(client, credential).await,
            }
        };
        bounded(&self.words(client), put).await
    }

    async fn probe(&self) -> Result<Probe, Error> {
        let client = self.client().await?;
        let looked = async {
            let Some(present) = self.present(client).await? else {
                let place = self.words(client);
                return Ok(Probe::NotChecked(format!(
                    "{place} does not exist yet, and is made when it is first written; whether it may be was not tried"
                )));
            };
            let nobody = Credential { client_id: String::new(), client_secret: Secret::default(), expires_at: None };
            self.merged(client, &present.value, &nobody)?;
            let described = self.described(client).await?;
            let is_plain = described.r#type() != Some(&ParameterType::SecureString);
            let warning = if is_plain { "it is no SecureString, so it is not encrypted; " } else { "" };
            Ok(Probe::NotChecked(format!(
                "{warning}the parameter can be read, and takes it; whether it may be written was not tried"
            )))
        };
        match bounded(&self.words(client), looked).await {
            Err(Error::AccessDenied(text)) => Ok(Probe::NotChecked(text)),
            looked => looked,
        }
    }

    async fn read(&self) -> Result<Reading, Error> {
        let client = self.client().await?;
        let Some(present) = self.present(client).await? else { return Ok(Reading::None) };
        match &self.form {
            ParameterForm::Json(names) => {
                let held = held(present.value.expose(), Format::Json, names);
                Ok(held.map_err(|error| self.about(client, error))?.into())
            }
            ParameterForm::Value if present.value.is_empty() => Ok(Reading::None),
            ParameterForm::Value => Ok(Reading::Credential(Held {
                client_id: None,
                client_secret: present.value,
                expires_at: None,
                written_by: None,
            })),
        }
    }
    async fn place(&self, _machine: &str, _name: &str) -> Result<String, Error> {
        self.arn().await
    }
}

impl fmt::Debug for SsmTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SsmTarget").field("parameter", &self.parameter).finish_non_exhaustive()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;
