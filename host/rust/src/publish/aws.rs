//! What targets in AWS have in common.

use std::time::Duration;

use super::Error;
use crate::aws::failure::{Failure, Kind};

/// How long all calls of a put or a probe may take. Each has its own limit too.
const LONGEST: Duration = Duration::from_secs(80);

/// Ends it when its time is over.
pub(super) async fn bounded<T>(place: &str, work: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
    let late = |_| Err(Error::Unavailable(format!("{place} was not done with after {} s", LONGEST.as_secs())));
    tokio::time::timeout(LONGEST, work).await.unwrap_or_else(late)
}

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
            Kind::Denied => format!("; the AWS credentials need {}", self.needs),
            Kind::Passing if failure.text.contains("lookup") => {
                "; is this a region of AWS, and is there a network?".to_owned()
            }
            Kind::NoCredentials | Kind::Passing | Kind::Other => String::new(),
        };
        let text = self.text(failure, &remedy);
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
