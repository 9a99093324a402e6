//! What a queue's settings mean for a rotation: from the facts of `queue.inspect` to findings.
//!
//! A wrong setting fails silently: Amazon cannot send, the message is gone too soon, or another program takes it. So the
//! queue is judged before the rotate call. A setting is [`Severity::Fine`] only if it was there to be judged.
//!
//! | severity | for |
//! | --- | --- |
//! | `blocking` | facts: the queue does not exist, is FIFO, its policy or its key denies Amazon, its messages are too small |
//! | `doubtful` | judgements: a condition that cannot be judged, a short retention, a greedy dead-letter queue, not reachable |
//! | `warning` | what costs something and loses no secret by itself |
//! | `not-checked` | what the host may not ask for, or SQS does not say |

mod dead_letters;
mod key;
mod policy;
mod policy_document;
mod settings;
#[cfg(test)]
mod testing;

use Severity::{Blocking, Doubtful, Fine, NotChecked};

use crate::bindings::exports::lwa::rotation::rotation::{QueueFinding, Severity};
use crate::bindings::lwa::rotation::queue::{Attribute, Gap, Inspection};

/// The AWS account that Amazon sends the notifications of the Selling Partner API from, for all of its regions.
///
/// Source: <https://developer-docs.amazon.com/sp-api/docs/set-up-credential-rotation-notifications>. Amazon names one account
/// and no other for any region. Its destinations are queues of the partition `aws` alone (the pattern of `arn` in the model
/// of the Notifications API), so that there is none for China.
pub const SENDER: &str = "437568002678";

/// The consequence when nothing can arrive.
const NOTHING_ARRIVES: &str = "the new secret does not arrive, and the old one ends 7 days after the rotate call";

/// How many messages a queue holds, about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counts {
    /// Those that can be received.
    pub visible: u64,
    /// Those that were received, and are neither deleted nor visible again.
    pub in_flight: u64,
    /// Those that can be received later.
    pub delayed: u64,
}

/// Judges a queue: one finding for each check, in the order of the contract. Where SQS gave no attributes, `reachable` is
/// the only one.
pub fn judge(inspection: &Inspection) -> Vec<QueueFinding> {
    let attributes = match &inspection.attributes {
        Ok(attributes) => Attributes(attributes),
        Err(gap) => return vec![unreachable(gap)],
    };
    vec![
        fine("reachable", "SQS gave the queue's attributes"),
        settings::kind(attributes),
        policy::judge(attributes),
        key::judge(attributes, inspection.key.as_ref()),
        settings::retention(attributes),
        dead_letters::judge(attributes),
        settings::visibility(attributes),
        settings::size(attributes),
        settings::delay(attributes),
        settings::messages(attributes.counts(), inspection.flow),
    ]
}

/// How many messages the queue holds; `None` if SQS did not say all of it.
pub fn counts(inspection: &Inspection) -> Option<Counts> {
    Attributes(inspection.attributes.as_ref().ok()?).counts()
}

/// A queue's attributes.
#[derive(Clone, Copy)]
struct Attributes<'a>(&'a [Attribute]);

impl<'a> Attributes<'a> {
    /// An attribute's value; empty if it is missing. To SQS an empty value is none.
    fn text(self, name: &str) -> &'a str {
        self.0.iter().find(|attribute| attribute.name == name).map_or("", |attribute| &attribute.value)
    }

    fn number(self, name: &str) -> Option<u64> {
        self.text(name).parse().ok()
    }

    /// The queue's ARN; empty if it is missing, or none that SQS could have given.
    fn arn(self) -> &'a str {
        bounded(self.text("QueueArn"))
    }

    fn counts(self) -> Option<Counts> {
        Some(Counts {
            visible: self.number("ApproximateNumberOfMessages")?,
            in_flight: self.number("ApproximateNumberOfMessagesNotVisible")?,
            delayed: self.number("ApproximateNumberOfMessagesDelayed")?,
        })
    }
}

/// An ARN; empty if it is none that SQS or KMS could have given. Each pattern of a policy is compared with it.
fn bounded(arn: &str) -> &str {
    const LONGEST: usize = 256;
    if arn.is_ascii() && arn.len() <= LONGEST { arn } else { "" }
}

fn unreachable(gap: &Gap) -> QueueFinding {
    let (consequence, remedy) = match gap {
        Gap::NotFound(_) => (
            NOTHING_ARRIVES,
            "set the url that SQS shows for the queue, or create the queue and register it with Amazon",
        ),
        Gap::Denied(_) => (UNKNOWN, "allow this host sqs:GetQueueAttributes on the queue"),
        Gap::Unreachable(_) => (UNKNOWN, "check the connection to SQS, then check again"),
    };
    let severity = if let Gap::NotFound(_) = gap { Blocking } else { severity_of(gap) };
    finding("reachable", severity, text_of(gap), consequence, remedy)
}

const UNKNOWN: &str = "a new secret may not arrive in this queue, or not stay there";

/// What a missing part of an inspection means, unless it means that something does not exist.
fn severity_of(gap: &Gap) -> Severity {
    if let Gap::Denied(_) = gap { NotChecked } else { Doubtful }
}

fn text_of(gap: &Gap) -> &str {
    let (Gap::NotFound(text) | Gap::Denied(text) | Gap::Unreachable(text)) = gap;
    text
}

/// An attribute that is missing, or cannot be read.
fn missing(check: &str, name: &str) -> QueueFinding {
    let evidence = ["the queue's ", name, " is missing or cannot be read"].concat();
    finding(check, NotChecked, &evidence, "it may not be as it should be", "check the queue in the AWS console")
}

fn fine(check: &str, evidence: &str) -> QueueFinding {
    finding(check, Fine, evidence, "", "")
}

fn finding(check: &str, severity: Severity, evidence: &str, consequence: &str, remedy: &str) -> QueueFinding {
    QueueFinding {
        check: check.into(),
        severity,
        evidence: evidence.into(),
        consequence: consequence.into(),
        remedy: remedy.into(),
    }
}

/// A text of the queue's owner, as it can be shown: short, and no control characters.
fn shown(text: &str) -> String {
    const MOST: usize = 200;
    text.chars().take(MOST).map(|c| if c == ' ' || c.is_ascii_graphic() { c } else { '?' }).collect()
}

#[cfg(test)]
mod tests;
