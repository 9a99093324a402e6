//! What a failure of Secrets Manager's means.

use std::error::Error as StdError;

use aws_sdk_secretsmanager::{
    Client,
    error::{ProvideErrorMetadata, SdkError},
};

use super::{Error, SecretsManagerTarget};
use crate::{aws::failure::Failure, publish::aws::Call};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operation {
    Read,
    /// Whether there is such a secret.
    Look,
    Write,
    Create,
}

impl SecretsManagerTarget {
    pub(super) fn failed<E>(&self, operation: Operation, client: &Client, error: &SdkError<E>) -> Error
    where
        E: ProvideErrorMetadata + StdError + Send + Sync + 'static,
    {
        let (doing, needs) = match operation {
            Operation::Read => {
                ("read", "secretsmanager:GetSecretValue on the secret, and kms:Decrypt on its key if that is yours")
            }
            Operation::Look => {
                ("look at", "secretsmanager:DescribeSecret on the secret, to tell an empty one from none")
            }
            Operation::Write => (
                "write",
                "secretsmanager:PutSecretValue and secretsmanager:UpdateSecretVersionStage on the secret, and kms:GenerateDataKey and kms:Decrypt on its key if that is yours",
            ),
            Operation::Create => ("make", "secretsmanager:CreateSecret, or the name of a secret that exists"),
        };
        let place = self.words(client);
        let call = Call { doing, place: &place, needs };
        let failure = Failure::of(error);
        let text = |remedy| call.text(&failure, remedy);
        match failure.code.as_str() {
            "DecryptionFailure" | "EncryptionFailure" => Error::AccessDenied(text(
                "; the secret's KMS key must be enabled, and the AWS credentials need kms:Decrypt and kms:GenerateDataKey on it",
            )),
            "InvalidRequestException" if is_about_deletion(&failure.message) => {
                Error::Other(text("; take it back with `aws secretsmanager restore-secret`, or name another secret"))
            }
            "LimitExceededException" => {
                Error::Other(text("; take labels off the secret's versions, or ask AWS for a higher quota"))
            }
            _ => call.failed(&failure),
        }
    }
}

fn is_about_deletion(message: &str) -> bool {
    message.contains("deletion") || message.contains("deleted")
}

/// There is no such secret, version, or value with that label.
pub(super) fn is_not_found<E: ProvideErrorMetadata>(error: &SdkError<E>) -> bool {
    error.code() == Some("ResourceNotFoundException")
}

/// A secret of that name has been made meanwhile. One that waits for its deletion is answered otherwise.
pub(super) fn is_there_already<E: ProvideErrorMetadata>(error: &SdkError<E>) -> bool {
    error.code() == Some("ResourceExistsException")
}

/// Why a label was not moved, if it is no longer where it was, or if the version for it was cleared away.
pub(super) fn others_were_quicker<E>(error: &SdkError<E>) -> Option<String>
where
    E: ProvideErrorMetadata + StdError + Send + Sync + 'static,
{
    let moved = error.code() == Some("InvalidParameterException") || is_not_found(error);
    moved.then(|| Failure::of(error).text)
}
