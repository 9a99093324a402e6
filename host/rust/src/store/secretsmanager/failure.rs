//! What a failure of Secrets Manager's means, in the words of `wit/store.wit`.

use aws_sdk_secretsmanager::Client;

use super::Error;
use crate::{aws::failure::Failure, store::answer::Attempt};

pub(super) const LOAD: &str = "load from";
pub(super) const SAVE: &str = "save in";
pub(super) const LOOK: &str = "look at";

pub(super) const NOT_FOUND: &str = "ResourceNotFoundException";
pub(super) const EXISTS: &str = "ResourceExistsException";

/// A secret, whether it is there or not.
pub(super) struct Place<'a> {
    pub(super) client: &'a Client,
    pub(super) name: String,
}

impl Place<'_> {
    /// For people.
    pub(super) fn text(&self) -> String {
        let region = self.client.config().region().map_or_else(|| "no region".to_owned(), ToString::to_string);
        format!("the secret '{}' of Secrets Manager in {region}", self.name)
    }

    /// Never shows a document.
    pub(super) fn failure(&self, doing: &str, failure: &Failure) -> Error {
        let needs = "secretsmanager:GetSecretValue, secretsmanager:DescribeSecret, secretsmanager:CreateSecret, secretsmanager:PutSecretValue and secretsmanager:UpdateSecretVersionStage on the secret, and kms:GenerateDataKey and kms:Decrypt on its key if it has one of yours";
        let attempt = Attempt { doing: &format!("{doing} {}", self.text()), needs };
        match failure.code.as_str() {
            "InvalidRequestException" if failure.message.contains("delet") => to_be_deleted(self),
            "EncryptionFailure" | "DecryptionFailure" => Error::AccessDenied(attempt.text(
                failure,
                "; see that its KMS key is there and enabled, and that the AWS credentials have kms:GenerateDataKey and kms:Decrypt on it",
            )),
            "LimitExceededException" => Error::Full(attempt.text(
                failure,
                "; Secrets Manager keeps every version of the last 24 hours, and about 100 in all: wait until it has deleted some, and see what saves so often",
            )),
            _ => attempt.error(failure),
        }
    }
}

/// The secret can be neither read nor written until somebody decides.
pub(super) fn to_be_deleted(place: &Place<'_>) -> Error {
    Error::Other(format!(
        "{} is scheduled for deletion, and what it holds would go with it; take that back with `aws secretsmanager restore-secret --secret-id {}`",
        place.text(),
        place.name
    ))
}
