//! What a failure of an AWS service's or of the SDK's means, before the codes that only one service has.

use std::error::Error as StdError;

use aws_sdk_sqs::error::{ProvideErrorMetadata, SdkError};

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
    /// There are no AWS credentials to sign with; nobody was asked.
    NoCredentials,
    /// The AWS credentials are wrong or expired, or may not do this.
    Denied,
    /// Nothing was answered, or that it cannot be served at present. Whether it had its effect is unknown.
    Passing,
    /// Another answer.
    Other,
}

/// Codes stand in the answer without the namespace; the old forms come from servers that speak the query protocol's names.
const DENIED: [&str; 21] = [
    "AccessDenied",
    "AccessDeniedException",
    "AuthFailure",
    "ExpiredToken",
    "ExpiredTokenException",
    "IncompleteSignature",
    "InvalidAccessKeyId",
    "InvalidClientTokenId",
    "InvalidSecurity",
    "InvalidSignatureException",
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
                Self::of_answer(answer.raw().status().as_u16(), error.code(), error.message())
            }
            SdkError::TimeoutError(_) => without_answer(Kind::Passing, "no answer in time".into()),
            SdkError::ResponseError(_) => without_answer(Kind::Passing, "the answer cannot be read".into()),
            _ => {
                let (kind, text) = not_sent(&causes(&error));
                without_answer(kind, text)
            }
        }
    }

    fn of_answer(status: u16, code: Option<&str>, message: Option<&str>) -> Self {
        let (code, message) = (code.unwrap_or_default(), message.unwrap_or_default());
        let text = match (code, message) {
            ("", "") => format!("status {status}"),
            (code, "") => code.to_owned(),
            ("", message) => message.to_owned(),
            (code, message) => format!("{code}: {message}"),
        };
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

/// Why nothing was sent, by the causes from the outermost to the innermost.
fn not_sent(causes: &[String]) -> (Kind, String) {
    let innermost = causes.last().map(String::as_str).unwrap_or_default();
    // Where credentials were looked for stands on the lines after the first.
    let innermost = innermost.lines().next().unwrap_or_default().trim_end_matches(" Attempted:").trim_end_matches('.');
    if causes.iter().any(|cause| cause.to_lowercase().contains("credential")) {
        let text = format!(
            "there are no usable AWS credentials ({innermost}); set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
        );
        (Kind::NoCredentials, text)
    } else if innermost.contains("certificate") {
        let text =
            format!("{innermost}; if a company's own authority signed it, name its certificate in SSL_CERT_FILE");
        (Kind::Passing, text)
    } else {
        (Kind::Passing, innermost.to_owned())
    }
}

fn causes(error: &dyn StdError) -> Vec<String> {
    let chain = std::iter::successors(Some(error), |&error| error.source());
    chain.map(ToString::to_string).collect()
}
