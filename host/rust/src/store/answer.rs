//! What the stores in AWS have in common: what an answer means, whatever the service.

use super::Error;
use crate::aws::failure::{Failure, Kind};

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
