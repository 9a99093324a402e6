//! What a failure of SQS's or of the SDK's means, in the words of `wit/queue.wit`.

use std::error::Error as StdError;

use aws_sdk_sqs::error::{ProvideErrorMetadata, SdkError};

use super::{Error, place::Place};

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

/// Codes stand in the answer without the namespace; the old forms come from servers that speak the query protocol's names.
const DOES_NOT_EXIST: [&str; 3] = ["QueueDoesNotExist", "AWS.SimpleQueueService.NonExistentQueue", "InvalidAddress"];
const STALE: [&str; 3] = ["ReceiptHandleIsInvalid", "MessageNotInflight", "AWS.SimpleQueueService.MessageNotInflight"];
const DENIED: [&str; 20] = [
    "AccessDenied",
    "AccessDeniedException",
    "AuthFailure",
    "ExpiredToken",
    "ExpiredTokenException",
    "IncompleteSignature",
    "InvalidAccessKeyId",
    "InvalidClientTokenId",
    "InvalidSecurity",
    "KmsAccessDenied",
    "KmsDisabled",
    "KmsInvalidKeyUsage",
    "KmsInvalidState",
    "KmsNotFound",
    "KmsOptInRequired",
    "KMS.AccessDeniedException",
    "MissingAuthenticationToken",
    "NotAuthorized",
    "SignatureDoesNotMatch",
    "UnrecognizedClientException",
];
const PASSING: [&str; 10] = [
    "InternalError",
    "InternalFailure",
    "KmsThrottled",
    "OverLimit",
    "RequestThrottled",
    "RequestTimeout",
    "ServiceUnavailable",
    "SlowDown",
    "Throttling",
    "ThrottlingException",
];

/// Never shows a body: the texts are SQS's message or the innermost cause of a connection's failure.
pub(super) fn failure<E>(operation: Operation, queue: &str, place: &Place, error: SdkError<E>) -> Error
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
    let failed = |why: String| format!("cannot {doing} the queue '{queue}' at {}: {why}", place.url);
    match &error {
        SdkError::ServiceError(answer) if answer.raw().status().is_success() => {
            Error::Unavailable(failed("the answer cannot be read".into()))
        }
        SdkError::ServiceError(answer) => {
            let status = answer.raw().status().as_u16();
            let (code, message) = (error.code().unwrap_or_default(), error.message().unwrap_or_default());
            let text = match (code, message) {
                ("", "") => format!("status {status}"),
                (code, "") => code.to_owned(),
                ("", message) => message.to_owned(),
                (code, message) => format!("{code}: {message}"),
            };
            by_answer(operation, status, code, message, &|hint| failed(format!("{text}{hint}")))
        }
        SdkError::TimeoutError(_) => Error::Unavailable(failed("no answer in time".into())),
        SdkError::ResponseError(_) => Error::Unavailable(failed("the answer cannot be read".into())),
        _ => {
            let causes = causes(&error);
            let innermost = causes.last().map(String::as_str).unwrap_or_default();
            // Where credentials were looked for stands on the lines after the first.
            let innermost =
                innermost.lines().next().unwrap_or_default().trim_end_matches(" Attempted:").trim_end_matches('.');
            if causes.iter().any(|cause| cause.to_lowercase().contains("credential")) {
                Error::AccessDenied(failed(format!(
                    "there are no usable AWS credentials ({innermost}); set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
                )))
            } else if innermost.contains("certificate") {
                Error::Unavailable(failed(format!(
                    "{innermost}; if a company's own authority signed it, name its certificate in SSL_CERT_FILE"
                )))
            } else {
                Error::Unavailable(failed(innermost.to_owned()))
            }
        }
    }
}

fn by_answer(operation: Operation, status: u16, code: &str, message: &str, failed: &dyn Fn(&str) -> String) -> Error {
    let about_the_receipt = message.to_lowercase().contains("receipt handle") || message.contains("ReceiptHandle");
    if DOES_NOT_EXIST.contains(&code) {
        Error::NotFound(failed("; compare the queue's URL with the one that SQS shows, region and account included"))
    } else if operation == Operation::Key && code == "NotFoundException" {
        Error::NotFound(failed(""))
    } else if STALE.contains(&code)
        || (operation != Operation::Receive && code.starts_with("InvalidParameterValue") && about_the_receipt)
    {
        Error::StaleReceipt
    } else if DENIED.contains(&code) || status == 401 || status == 403 {
        Error::AccessDenied(failed(match operation {
            Operation::Receive | Operation::Delete | Operation::Hide => {
                "; the AWS credentials need sqs:ReceiveMessage, sqs:DeleteMessage and sqs:ChangeMessageVisibility on the queue, and kms:Decrypt on its key if it has one"
            }
            Operation::Look => "; the AWS credentials need sqs:GetQueueAttributes on the queue",
            Operation::Key => "; the AWS credentials need kms:DescribeKey and kms:GetKeyPolicy on the key",
        }))
    } else if PASSING.contains(&code) || status == 429 || status >= 500 {
        Error::Unavailable(failed(""))
    } else {
        Error::Other(failed(""))
    }
}

/// Whether a message cannot be hidden for so long because 12 hours after its receipt would be over.
pub(super) fn is_beyond_the_longest<E: ProvideErrorMetadata>(error: &SdkError<E>) -> bool {
    error.code().is_some_and(|code| code.starts_with("InvalidParameterValue"))
        && error.message().is_some_and(|message| message.contains("Total VisibilityTimeout"))
}

/// The texts from the outermost to the innermost error.
fn causes(error: &dyn StdError) -> Vec<String> {
    let chain = std::iter::successors(Some(error), |&error| error.source());
    chain.map(ToString::to_string).collect()
}
