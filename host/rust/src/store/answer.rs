//! What the stores in AWS have in common: what an answer means, whatever the service.

use super::Error;
use crate::aws::failure::{Failure, Kind};

/// By these the credentials themselves are refused, and not what they are used for.
const NOT_VALID: [&str; 10] = [
    "AuthFailure",
    "ExpiredToken",
    "ExpiredTokenException",
    "IncompleteSignature",
    "InvalidAccessKeyId",
    "InvalidClientTokenId",
    "InvalidSignatureException",
    "MissingAuthenticationToken",
    "SignatureDoesNotMatch",
    "UnrecognizedClientException",
];

/// What was being done, in words that follow "cannot", and which permissions it takes.
pub(super) struct Attempt<'a> {
    pub(super) doing: &'a str,
    pub(super) needs: &'a str,
}

impl Attempt<'_> {
    /// The error for a failure that no store has a meaning of its own for.
    pub(super) fn error(&self, failure: &Failure) -> Error {
        match failure.kind {
            Kind::NoCredentials => Error::AccessDenied(self.text(failure, "")),
            Kind::Denied if NOT_VALID.contains(&failure.code.as_str()) => Error::AccessDenied(self.text(
                failure,
                "; the AWS credentials in use are not valid, or no longer, or this machine's clock is wrong",
            )),
            Kind::Denied => {
                Error::AccessDenied(self.text(failure, &format!("; the AWS credentials need {}", self.needs)))
            }
            Kind::Passing => Error::Unavailable(self.text(failure, "")),
            Kind::Other => Error::Other(self.text(failure, "")),
        }
    }

    /// What failed and why, with what to do about it.
    pub(super) fn text(&self, failure: &Failure, remedy: &str) -> String {
        format!("cannot {}: {}{remedy}", self.doing, failure.text)
    }
}
