//! What a failure of SQS's or of the SDK's means, in the words of `wit/queue.wit`.

use std::error::Error as StdError;

use aws_sdk_sqs::error::{ProvideErrorMetadata, SdkError};

use super::{Error, place::Place};
use crate::aws::failure::{Failure, Kind};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operation {
    Receive,
    Delete,
    Hide,
    /// The queue's attributes.
    Look,
    /// The key that it is encrypted with.
    Key,
}

const DOES_NOT_EXIST: [&str; 3] = ["QueueDoesNotExist", "AWS.SimpleQueueService.NonExistentQueue", "InvalidAddress"];
const STALE: [&str; 3] = ["ReceiptHandleIsInvalid", "MessageNotInflight", "AWS.SimpleQueueService.MessageNotInflight"];

/// Never shows a body.
pub(super) fn failure<E>(operation: Operation, queue: &str, place: &Place, error: &SdkError<E>) -> Error
where
    E: ProvideErrorMetadata + StdError + Send + Sync + 'static,
{
    let doing = match operation {
        Operation::Receive => "receive from",
        Operation::Delete => "delete a message of",
        Operation::Hide => "hide a message of",
        Operation::Look => "look at",
        Operation::Key => "look at the key of",
    };
    let Failure { kind, code, message, text } = Failure::of(error);
    let failed = |hint: &str| format!("cannot {doing} the queue '{queue}' at {}: {text}{hint}", place.url);
    let about_the_receipt = message.to_lowercase().contains("receipt handle") || message.contains("ReceiptHandle");
    if DOES_NOT_EXIST.contains(&code.as_str()) {
        Error::NotFound(failed("; compare the queue's URL with the one that SQS shows, region and account included"))
    } else if operation == Operation::Key && code == "NotFoundException" {
        Error::NotFound(failed(""))
    } else if STALE.contains(&code.as_str())
        || (operation != Operation::Receive && code.starts_with("InvalidParameterValue") && about_the_receipt)
    {
        Error::StaleReceipt
    } else {
        match kind {
            Kind::NoCredentials => Error::AccessDenied(failed("")),
            Kind::Denied => Error::AccessDenied(failed(match operation {
                Operation::Receive | Operation::Delete | Operation::Hide => {
                    "; the AWS credentials need sqs:ReceiveMessage, sqs:DeleteMessage and sqs:ChangeMessageVisibility on the queue, and kms:Decrypt on its key if it has one"
                }
                Operation::Look => "; the AWS credentials need sqs:GetQueueAttributes on the queue",
                Operation::Key => "; the AWS credentials need kms:DescribeKey and kms:GetKeyPolicy on the key",
            })),
            Kind::Passing => Error::Unavailable(failed("")),
            Kind::Other => Error::Other(failed("")),
        }
    }
}

/// Whether a message cannot be hidden for so long because 12 hours after its receipt would be over.
pub(super) fn is_beyond_the_longest<E: ProvideErrorMetadata>(error: &SdkError<E>) -> bool {
    error.code().is_some_and(|code| code.starts_with("InvalidParameterValue"))
        && error.message().is_some_and(|message| message.contains("Total VisibilityTimeout"))
}
