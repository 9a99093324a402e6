//! Whether a queue would bring a new secret: each setting of it as a finding, with what it means and what to do about it.
//!
//! A wrong queue fails in silence: Amazon cannot send, the message is gone too soon, or somebody else takes it. Here it is
//! looked at beforehand. Nothing is changed and nothing is received, because receiving hides messages and counts against
//! them. What may not be looked at is [`Severity::NotChecked`], never [`Severity::Fine`].
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use lwa_rotate::{check, queue::Sqs};
//!
//! let sqs = Sqs::new([("main", "https://sqs.eu-west-1.amazonaws.com/123456789012/lwa")])?;
//! for finding in check::queue(&sqs, "main").await {
//!     println!("{:?} {}: {}", finding.severity, finding.check, finding.evidence);
//! }
//! # Ok(())
//! # }
//! ```

mod key;
mod policy;
mod queue;

use crate::queue::Sqs;

/// The AWS account that Amazon sends the notifications of the Selling Partner API from, for all of its regions.
///
/// Source: <https://developer-docs.amazon.com/sp-api/docs/set-up-credential-rotation-notifications>. Amazon names one account
/// and no other for any region. Its destinations are queues of the partition `aws` alone (the pattern of `arn` in the model
/// of the Notifications API), so that there is none for China.
pub const SENDER: &str = "437568002678";

/// What was found out about one thing. The texts are for people and hold no secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What was looked at, as a name for programs: `retention`, for instance. They are listed in `docs/json-output.md`.
    pub check: &'static str,
    /// How bad it is.
    pub severity: Severity,
    /// What was seen.
    pub evidence: String,
    /// What comes of it; empty where all is well.
    pub consequence: String,
    /// What to do; empty where all is well.
    pub remedy: String,
}

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// As it should be.
    Fine,
    /// Nobody knows: it could not be looked at.
    NotChecked,
    /// It costs something, or will, and loses no secret by itself.
    Warning,
    /// No new secret would come, or it would be lost.
    Blocking,
}

impl Finding {
    /// As it should be.
    pub fn fine(check: &'static str, evidence: impl Into<String>) -> Self {
        Self {
            check,
            severity: Severity::Fine,
            evidence: evidence.into(),
            consequence: String::new(),
            remedy: String::new(),
        }
    }

    /// Not as it should be, or not known.
    pub fn new(
        check: &'static str,
        severity: Severity,
        evidence: impl Into<String>,
        consequence: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        Self { check, severity, evidence: evidence.into(), consequence: consequence.into(), remedy: remedy.into() }
    }
}

/// Looks at a queue, with one call to SQS, and two to KMS if it is encrypted with a key of the operator's. Changes nothing,
/// and takes no longer than those calls may take.
pub async fn queue(sqs: &Sqs, queue: &str) -> Vec<Finding> {
    let attributes = match sqs.attributes(queue).await {
        Ok(attributes) => attributes,
        Err(error) => return vec![queue::unreadable(&error)],
    };
    let mut findings = queue::findings(&attributes);
    findings.push(match attributes.get("KmsMasterKeyId").filter(|id| !id.is_empty()) {
        None => key::none(),
        Some(id) if key::is_of_aws(id) => key::of_aws(id),
        Some(id) => key::finding(id, queue::arn(&attributes), &sqs.key(queue, id).await),
    });
    findings
}
