//! What a failed call of AWS's means for a target.

use super::Error;
use crate::aws::failure::{Failure, Kind};

/// A call about a place.
#[derive(Clone, Copy, Debug)]
pub(super) struct Call<'a> {
    /// What was being done: `read`.
    pub(super) doing: &'a str,
    /// The place with its region.
    pub(super) place: &'a str,
    /// The actions that the AWS credentials need for it.
    pub(super) needs: &'a str,
}

impl Call<'_> {
    /// What is wrong, by what is common to all services.
    pub(super) fn failed(&self, failure: &Failure) -> Error {
        let remedy = match failure.kind {
            Kind::Denied => denied(&failure.code),
            Kind::Passing if failure.text.contains("lookup") => {
                Some("; is this a region of AWS, and is there a network?")
            }
            _ => Some(""),
        };
        let text = match remedy {
            Some(remedy) => self.text(failure, remedy),
            None => self.text(failure, &format!("; the AWS credentials need {}", self.needs)),
        };
        match failure.kind {
            Kind::NoCredentials | Kind::Denied => Error::AccessDenied(text),
            Kind::Passing => Error::Unavailable(text),
            Kind::Other => Error::Other(text),
        }
    }

    /// One clause, with what to do.
    pub(super) fn text(&self, failure: &Failure, remedy: &str) -> String {
        format!("cannot {} {}: {}{remedy}", self.doing, self.place, failure.text)
    }
}

/// What to do about credentials that are not taken; `None` if they are, and may not do this.
fn denied(code: &str) -> Option<&'static str> {
    match code {
        "ExpiredToken" | "ExpiredTokenException" => {
            Some("; the AWS credentials have expired: renew them, or use ones that renew themselves, such as a role")
        }
        "InvalidAccessKeyId"
        | "InvalidClientTokenId"
        | "UnrecognizedClientException"
        | "InvalidSignatureException"
        | "SignatureDoesNotMatch"
        | "IncompleteSignature"
        | "AuthFailure" => Some("; compare the AWS credentials, the region and this machine's clock"),
        _ => None,
    }
}
