//! What a failure of an AWS service's or of the SDK's means, before the codes that only one service has.

use std::error::Error as StdError;

use aws_sdk_sqs::error::{ProvideErrorMetadata, SdkError};

use super::{
    credentials::no_credentials,
    http_client::{SignedWith, Unconnected},
    source::{How, Source},
};
use crate::http::connection::causes;

/// A failed call, in words that hold no body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    pub(crate) kind: Kind,
    /// The service's code for it; empty if it gave no answer or none with a code.
    pub(crate) code: String,
    /// The service's own message; empty if there is none.
    pub(crate) message: String,
    /// Both, or why there is no answer: one clause.
    pub(crate) text: String,
}

/// What comes of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// There are no AWS credentials, or AWS does not accept them. The text says where they come from and what to do.
    NoCredentials,
    /// The AWS credentials may not do this.
    Denied,
    /// Nothing was answered, or that it cannot be served at present. Whether it had its effect is unknown.
    Passing,
    /// Another answer.
    Other,
}

/// Codes stand in the answer without the namespace; the old forms come from servers that speak the query protocol's names.
const DENIED: [&str; 11] = [
    "AccessDenied",
    "AccessDeniedException",
    "InvalidSecurity",
    "KmsAccessDenied",
    "KmsDisabled",
    "KmsInvalidKeyUsage",
    "KmsInvalidState",
    "KmsNotFound",
    "KmsOptInRequired",
    "KMS.AccessDeniedException",
    "NotAuthorized",
];
/// By these the credentials themselves are refused, and not what they are used for.
pub(super) const NOT_ACCEPTED: [&str; 13] = [
    "AuthFailure",
    "ExpiredToken",
    "ExpiredTokenException",
    "IncompleteSignature",
    "IncompleteSignatureException",
    "InvalidAccessKeyId",
    "InvalidClientTokenId",
    "InvalidSignatureException",
    "MissingAuthenticationToken",
    "MissingAuthenticationTokenException",
    "RequestExpired",
    "SignatureDoesNotMatch",
    "UnrecognizedClientException",
];
const PASSING: [&str; 16] = [
    "InternalError",
    "InternalFailure",
    "InternalServerError",
    "InternalServiceError",
    "KmsThrottled",
    "OverLimit",
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
    "RequestThrottled",
    "RequestTimeout",
    "ServiceUnavailable",
    "SlowDown",
    "ThrottledException",
    "Throttling",
    "ThrottlingException",
    "TooManyRequestsException",
];

impl Failure {
    /// The texts are the service's message, or the innermost cause of a connection's failure.
    pub(crate) fn of<E>(error: &SdkError<E>) -> Self
    where
        E: ProvideErrorMetadata + StdError + Send + Sync + 'static,
    {
        let without_answer = |kind, text: String| Self { kind, code: String::new(), message: String::new(), text };
        match error {
            SdkError::ServiceError(answer) if answer.raw().status().is_success() => {
                without_answer(Kind::Passing, "the answer cannot be read".into())
            }
            SdkError::ServiceError(answer) => {
                let signed_with = answer.raw().extension::<SignedWith>().map(|signed| &*signed.0);
                Self::of_answer(answer.raw().status().as_u16(), error.code(), error.message(), signed_with)
            }
            SdkError::TimeoutError(_) => without_answer(Kind::Passing, "no answer in time".into()),
            SdkError::ResponseError(_) => without_answer(Kind::Passing, "the answer cannot be read".into()),
            _ => {
                let (kind, text) = not_sent(error);
                without_answer(kind, text)
            }
        }
    }

    fn of_answer(status: u16, code: Option<&str>, message: Option<&str>, signed_with: Option<&Source>) -> Self {
        let (code, message) = (code.unwrap_or_default(), message.unwrap_or_default());
        let text = match (code, message) {
            ("", "") => format!("status {status}"),
            (code, "") => code.to_owned(),
            ("", message) => message.to_owned(),
            (code, message) => format!("{code}: {message}"),
        };
        if NOT_ACCEPTED.contains(&code) {
            let text = not_accepted(code, message, signed_with);
            return Self { kind: Kind::NoCredentials, code: code.to_owned(), message: message.to_owned(), text };
        }
        let kind = if DENIED.contains(&code) || status == 401 || status == 403 {
            Kind::Denied
        } else if PASSING.contains(&code) || status == 429 || status >= 500 {
            Kind::Passing
        } else {
            Kind::Other
        };
        Self { kind, code: code.to_owned(), message: message.to_owned(), text }
    }
}

/// That AWS does not accept the credentials from this source, and what to do.
pub(super) fn not_accepted(code: &str, message: &str, source: Option<&Source>) -> String {
    let said = if message.is_empty() { code.to_owned() } else { format!("{code}: {message}") };
    let (from, remedy) = match source {
        Some(source) => (format!(" from {source}"), source.remedy()),
        None => (String::new(), Source::Given.remedy()),
    };
    let why = match code {
        "ExpiredToken" | "ExpiredTokenException" => format!("the AWS credentials{from} have expired"),
        "SignatureDoesNotMatch"
        | "InvalidSignatureException"
        | "RequestExpired"
        | "IncompleteSignature"
        | "IncompleteSignatureException" => format!(
            "AWS does not accept what is signed with the credentials{from}: the secret access key is not that of the access key id, or this machine's clock is wrong"
        ),
        _ => format!("AWS does not know the credentials{from}, or not in this region"),
    };
    let expired_keys = matches!(source, Some(Source::Profile { how: How::Keys, .. }));
    let hint = if expired_keys && code.starts_with("Expired") {
        "; what is written there is taken up without a restart"
    } else {
        ""
    };
    format!("{said}; {why}; {remedy}{hint}")
}

/// Why nothing was sent.
fn not_sent(error: &(dyn StdError + 'static)) -> (Kind, String) {
    if let Some(error) = no_credentials(error) {
        return (Kind::NoCredentials, error.to_string());
    }
    let causes_of_it = std::iter::successors(Some(error), |&error| error.source());
    if let Some(told) = causes_of_it.into_iter().find_map(|error| error.downcast_ref::<Unconnected>()) {
        return (Kind::Passing, told.to_string());
    }
    (Kind::Passing, causes(error).pop().unwrap_or_default())
}
