//! The queue's own policy: whether Amazon may send.

use super::policy_document::{Asked, Policy, Verdict};
use super::{Attributes, NOTHING_ARRIVES, SENDER, Severity, finding, fine};
use crate::bindings::exports::lwa::rotation::rotation::QueueFinding;

const CHECK: &str = "policy";
const SEND: &str = "sqs:SendMessage";
/// Amazon's documents ask for this one too.
const READ: &str = "sqs:GetQueueAttributes";

pub(super) fn judge(attributes: Attributes<'_>) -> QueueFinding {
    let arn = attributes.arn();
    let remedy = remedy(arn);
    let not_sent = |evidence: &str| {
        let consequence = ["Amazon cannot send to the queue, and reports no error: ", NOTHING_ARRIVES].concat();
        finding(CHECK, Severity::Blocking, evidence, &consequence, &remedy)
    };
    let doubtful = |evidence: &str| {
        let consequence = "Amazon may be unable to send to the queue, without any error";
        finding(CHECK, Severity::Doubtful, evidence, consequence, &remedy)
    };

    let text = attributes.text("Policy");
    if text.is_empty() {
        return not_sent("the queue has no policy, so only its own account may send");
    }
    let policy = match Policy::parse(text) {
        Ok(policy) => policy,
        Err(error) => return doubtful(&["the queue's policy cannot be judged: ", error].concat()),
    };
    let known = [("aws:SecureTransport", "true"), ("aws:PrincipalAccount", SENDER)];
    let judge = |action| policy.judge(&Asked { account: SENDER, action, resource: arn, known: &known });
    match judge(SEND) {
        Verdict::Denied(statement) => not_sent(&denied(&statement, SEND, "policy")),
        Verdict::NotAllowed(near) => not_sent(&not_allowed(&near, SEND, "policy")),
        Verdict::Unclear(doubt) => doubtful(&unclear(&doubt, SEND, "policy")),
        Verdict::Allowed if judge(READ) == Verdict::Allowed => {
            fine(CHECK, &["account ", SENDER, " may send messages and read the queue's attributes"].concat())
        }
        Verdict::Allowed => finding(
            CHECK,
            Severity::Warning,
            &["account ", SENDER, " may send messages, but the policy does not certainly allow it ", READ].concat(),
            "Amazon asks for both; registering the queue in the Developer Console may fail",
            &remedy,
        ),
    }
}

/// What Amazon's documents ask for in the policy of a queue.
fn remedy(arn: &str) -> String {
    let arn = if arn.is_empty() { "(the queue's ARN)" } else { &super::shown(arn) };
    [
        r#"add to the queue's policy: {"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::"#,
        SENDER,
        r#":root"},"Action":["sqs:SendMessage","sqs:GetQueueAttributes"],"Resource":""#,
        arn,
        r#""}; a statement that denies this has to be changed too"#,
    ]
    .concat()
}

/// The evidence that a statement denies Amazon something.
pub(super) fn denied(statement: &str, action: &str, policy: &str) -> String {
    [statement, " of the ", policy, " denies account ", SENDER, " ", action].concat()
}

/// The evidence that no statement allows it.
pub(super) fn not_allowed(near: &str, action: &str, policy: &str) -> String {
    let comma = if near.is_empty() { "" } else { "; " };
    ["no statement of the ", policy, " allows account ", SENDER, " ", action, comma, near].concat()
}

/// The evidence that it depends on what cannot be judged.
pub(super) fn unclear(doubt: &str, action: &str, policy: &str) -> String {
    ["whether the ", policy, " allows account ", SENDER, " ", action, " depends on ", doubt].concat()
}

#[cfg(test)]
mod tests;
