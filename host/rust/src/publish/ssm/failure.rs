//! What a failure of Parameter Store's means.

use std::error::Error as StdError;

use aws_sdk_ssm::{
    Client,
    error::{ProvideErrorMetadata, SdkError},
};

use super::{Error, SsmTarget};
use crate::{aws::failure::Failure, publish::aws::Call};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operation {
    Read,
    /// Its type, tier and key.
    Look,
    Write,
}

/// What to do about a value that has no room.
pub(super) const TOO_LARGE: &str = "make it a parameter of the advanced tier, which has 8 KB, take something else out of it, or publish to Secrets Manager";

impl SsmTarget {
    pub(super) fn failed<E>(&self, operation: Operation, client: &Client, error: &SdkError<E>) -> Error
    where
        E: ProvideErrorMetadata + StdError + Send + Sync + 'static,
    {
        let (doing, needs) = match operation {
            Operation::Read => {
                ("read", "ssm:GetParameter on the parameter, and kms:Decrypt on its key if that is yours")
            }
            Operation::Look => ("look at", "ssm:DescribeParameters, so that its type, tier and key can be kept"),
            Operation::Write => (
                "write",
                "ssm:PutParameter on the parameter, and kms:Encrypt on its key if that is yours (kms:GenerateDataKey for the advanced tier)",
            ),
        };
        let place = self.words(client);
        let call = Call { doing, place: &place, needs };
        let failure = Failure::of(error);
        let text = |remedy: &str| call.text(&failure, remedy);
        match failure.code.as_str() {
            "InvalidKeyId" => Error::AccessDenied(text(
                "; the KMS key must exist and be enabled, and the AWS credentials need kms:Decrypt and kms:Encrypt on it",
            )),
            "ParameterAlreadyExists" | "TooManyUpdates" => {
                Error::Unavailable(text("; somebody else writes it at the same moment"))
            }
            "ParameterMaxVersionLimitExceeded" => {
                Error::Other(text("; take the label off its oldest version, so that that can go"))
            }
            "ParameterPatternMismatchException" => Error::Other(text(
                "; the parameter takes only what its pattern allows: change that, or name another one",
            )),
            "ValidationException" if failure.message.contains("4096") || failure.message.contains("8192") => {
                Error::Other(text(&format!("; {TOO_LARGE}")))
            }
            _ => call.failed(&failure),
        }
    }
}

pub(super) fn is_not_found<E: ProvideErrorMetadata>(error: &SdkError<E>) -> bool {
    error.code() == Some("ParameterNotFound")
}
