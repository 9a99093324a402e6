//! How a version of a secret comes to be, and becomes the record.

use aws_sdk_secretsmanager::config::{Config, retry::RetryConfig};

use super::{
    CURRENT, Error, LOOK, NOT_FOUND, Place, Revision, SAVE, SAVING, SecretsManagerStore, Value,
    failure::{EXISTS, to_be_deleted},
};
use crate::aws::failure::{Failure, Kind};

/// A secret without its values.
pub(super) struct Described {
    /// The version with the label `AWSCURRENT`; a secret that was prepared and has no value has none.
    pub(super) current: Option<Revision>,
}

impl SecretsManagerStore {
    /// The secret as it is; `None` if there is none. One that is to be deleted is an error.
    pub(super) async fn look(&self, place: &Place<'_>) -> Result<Option<Described>, Error> {
        let described = match place.client.describe_secret().secret_id(&place.name).send().await {
            Ok(described) => described,
            Err(error) => {
                let failure = Failure::of(&error);
                return if failure.code == NOT_FOUND { Ok(None) } else { Err(place.failure(LOOK, &failure)) };
            }
        };
        if described.deleted_date.is_some() {
            return Err(to_be_deleted(place));
        }
        let versions = described.version_ids_to_stages.unwrap_or_default();
        let current = versions.into_iter().find(|(_, labels)| labels.iter().any(|label| label == CURRENT));
        Ok(Some(Described { current: current.map(|(version, _)| version) }))
    }

    /// Makes the secret with its first version, under this version id.
    pub(super) async fn create(&self, place: &Place<'_>, value: Value, token: String) -> Result<Revision, Error> {
        let create = place
            .client
            .create_secret()
            .name(&place.name)
            .description("the record of an application, kept by lwa-rotate")
            .client_request_token(&token)
            .set_kms_key_id(self.kms_key.clone())
            .set_secret_binary(value.binary.clone())
            .set_secret_string(value.text.clone());
        // Order matters: sent once, so that a secret that is there already is the doing of somebody else.
        let error = match create.customize().config_override(once()).send().await {
            Ok(created) => return Ok(created.version_id.unwrap_or(token)),
            Err(error) => Failure::of(&error),
        };
        match error.kind {
            Kind::Other if error.code == EXISTS => match self.look(place).await? {
                Some(secret) if secret.current.is_none() => self.replace(place, value, token, None).await,
                _ => Err(Error::Conflict),
            },
            // Whether it took place is not known by the answer.
            Kind::Passing if self.is_current(place, &token).await => Ok(token),
            _ => Err(place.failure(SAVE, &error)),
        }
    }

    /// Makes a version under this version id, and moves the label to it from the one expected.
    pub(super) async fn replace(
        &self,
        place: &Place<'_>,
        value: Value,
        token: String,
        expected: Option<&str>,
    ) -> Result<Revision, Error> {
        // With the same version id and the same value it may be repeated.
        let put = place
            .client
            .put_secret_value()
            .secret_id(&place.name)
            .client_request_token(&token)
            .version_stages(SAVING)
            .set_secret_binary(value.binary)
            .set_secret_string(value.text);
        let version = match put.send().await {
            Ok(put) => put.version_id.unwrap_or(token),
            Err(error) => {
                let failure = Failure::of(&error);
                return Err(if failure.code == NOT_FOUND { Error::Conflict } else { place.failure(SAVE, &failure) });
            }
        };

        let promote = place
            .client
            .update_secret_version_stage()
            .secret_id(&place.name)
            .version_stage(CURRENT)
            .move_to_version_id(&version)
            .set_remove_from_version_id(expected.map(str::to_owned));
        // Order matters: sent once, so that a refusal says that the label was not where it was expected, and not that this
        // has moved it before.
        let Err(error) = promote.customize().config_override(once()).send().await else {
            return Ok(version);
        };
        let failure = Failure::of(&error);
        let current = self.look(place).await.map(|secret| secret.and_then(|secret| secret.current));
        match (failure.kind, current) {
            (_, Ok(Some(current))) if current == version => Ok(version),
            (Kind::Other, Ok(current)) if current.as_deref() != expected => Err(Error::Conflict),
            _ => Err(place.failure(SAVE, &failure)),
        }
    }

    async fn is_current(&self, place: &Place<'_>, version: &str) -> bool {
        let secret = self.look(place).await.ok().flatten();
        secret.is_some_and(|secret| secret.current.as_deref() == Some(version))
    }
}

fn once() -> aws_sdk_secretsmanager::config::Builder {
    Config::builder().retry_config(RetryConfig::disabled())
}
