//! The key that a queue is encrypted with, as AWS KMS describes it.

use super::{
    super::{Gap, Key, KeyDescription},
    Error, Sqs,
    failure::{Operation, failure},
    place::Place,
    unusable,
};
use crate::aws::{CALL_LIMIT, limits};

/// A key has one policy, of this name.
const POLICY: &str = "default";

impl Sqs {
    /// The key of this id, ARN or alias, which the queue is encrypted with.
    pub(super) async fn key(&self, queue: &str, id: &str) -> Key {
        let failed = |error: Error| Key { description: Err(error.clone().into()), policy: Err(error.into()) };
        let place = match self.place(queue) {
            Ok(place) => place,
            Err(error) => return failed(error),
        };
        let client = match self.kms(place).await {
            Ok(client) => client,
            Err(error) => return failed(error),
        };
        let description = match client.describe_key().key_id(id).send().await {
            Ok(described) => described
                .key_metadata
                .map(|key| KeyDescription {
                    managed_by_aws: key.key_manager.is_some_and(|manager| manager.as_str() == "AWS"),
                    state: key.key_state.map_or_else(String::new, |state| state.as_str().to_owned()),
                    arn: key.arn.unwrap_or(key.key_id),
                })
                .ok_or_else(|| Gap::Unreachable("KMS describes no key".into())),
            Err(error) => Err(failure(Operation::Key, queue, place, &error).into()),
        };
        // KMS tells the policy of a key by its id or ARN, not by an alias.
        let id = match &description {
            Ok(key) => &key.arn,
            Err(gap) if id.contains("alias/") => return Key { policy: Err(gap.clone()), description },
            Err(_) => id,
        };
        let policy = match client.get_key_policy().key_id(id).policy_name(POLICY).send().await {
            Ok(answer) => answer.policy.ok_or_else(|| Gap::Unreachable("KMS tells no policy of the key".into())),
            Err(error) => Err(failure(Operation::Key, queue, place, &error).into()),
        };
        Key { description, policy }
    }

    async fn kms(&self, place: &Place) -> Result<aws_sdk_kms::Client, Error> {
        let region = place.region.as_deref();
        // A queue that is none of Amazon's has no key there.
        if region.is_none() && !self.aws.names_endpoint("KMS", region).await.map_err(unusable)? {
            return Err(Error::Other(format!(
                "where the key of the queue at {} is kept is not known: set AWS_ENDPOINT_URL_KMS",
                place.url
            )));
        }
        let loaded = self.aws.of_service("KMS", region, None).await.map_err(unusable)?;
        let config = aws_sdk_kms::config::Builder::from(&loaded).timeout_config(limits(CALL_LIMIT));
        Ok(aws_sdk_kms::Client::from_conf(config.build()))
    }
}
