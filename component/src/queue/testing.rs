//! Queues to judge.

use serde_json::{Value, json};

use super::judge;
use crate::bindings::exports::lwa::rotation::rotation::{QueueFinding, Severity};
use crate::bindings::lwa::rotation::queue::{Attribute, Flow, Inspection};

/// The ARN of the queue.
pub(super) const ARN: &str = "arn:aws:sqs:us-east-1:123456789012:lwa";

/// A statement as Amazon's documents have it, with some of its elements replaced, or taken away by null.
pub(super) fn statement(change: Value) -> Value {
    let mut statement = json!({
        "Effect": "Allow",
        "Principal": { "AWS": "arn:aws:iam::437568002678:root" },
        "Action": ["sqs:SendMessage", "sqs:GetQueueAttributes"],
        "Resource": ARN,
    });
    for (name, value) in change.as_object().expect("an object") {
        statement[name] = value.clone();
    }
    statement.as_object_mut().expect("an object").retain(|_, value| !value.is_null());
    statement
}

/// A queue without faults.
pub(super) fn good() -> Inspection {
    let policy = json!({ "Version": "2012-10-17", "Statement": [statement(json!({}))] });
    let attributes = [
        ("QueueArn", ARN),
        ("Policy", &policy.to_string()),
        ("MessageRetentionPeriod", "1209600"),
        ("VisibilityTimeout", "30"),
        ("MaximumMessageSize", "1048576"),
        ("DelaySeconds", "0"),
        ("ApproximateNumberOfMessages", "0"),
        ("ApproximateNumberOfMessagesNotVisible", "0"),
        ("ApproximateNumberOfMessagesDelayed", "0"),
    ];
    let attributes = attributes.map(|(name, value)| Attribute { name: name.into(), value: value.into() });
    Inspection { attributes: Ok(attributes.into()), key: None, flow: Flow::Pulled }
}

/// It with another value of an attribute.
pub(super) fn with(mut inspection: Inspection, name: &str, value: &str) -> Inspection {
    inspection = without(inspection, name);
    let attributes = inspection.attributes.as_mut().expect("attributes");
    attributes.push(Attribute { name: name.into(), value: value.into() });
    inspection
}

/// It without an attribute.
pub(super) fn without(mut inspection: Inspection, name: &str) -> Inspection {
    inspection.attributes.as_mut().expect("attributes").retain(|attribute| attribute.name != name);
    inspection
}

/// It with a policy of these statements.
pub(super) fn with_policy(statements: Value) -> Inspection {
    with(good(), "Policy", &json!({ "Statement": statements }).to_string())
}

/// The finding of this check. It says what to do unless it is fine.
pub(super) fn found(inspection: &Inspection, check: &str) -> QueueFinding {
    let finding = judge(inspection).into_iter().find(|finding| finding.check == check).expect("a finding");
    let is_fine = finding.severity == Severity::Fine;
    assert!(!finding.evidence.is_empty(), "{finding:?}");
    assert_eq!((finding.consequence.is_empty(), finding.remedy.is_empty()), (is_fine, is_fine), "{finding:?}");
    finding
}

/// The one finding that is not fine.
pub(super) fn only(inspection: &Inspection) -> QueueFinding {
    let findings = judge(inspection);
    let bad: Vec<_> = findings.iter().filter(|finding| finding.severity != Severity::Fine).collect();
    let [finding] = bad[..] else { panic!("{bad:?}") };
    found(inspection, &finding.check)
}
