//! The key that a queue is encrypted with: whether Amazon may use it.

use super::policy::{denied, not_allowed, unclear};
use super::policy_document::{Asked, Policy, Verdict};
use super::{
    Attributes, NOTHING_ARRIVES, SENDER, Severity, bounded, finding, fine, missing, severity_of, shown, text_of,
};
use crate::bindings::exports::lwa::rotation::rotation::QueueFinding;
use crate::bindings::lwa::rotation::queue::{Gap, Key};

const CHECK: &str = "encryption";
const POLICY: &str = "key's policy";
/// What Amazon does with the key to send a message.
const ACTIONS: [&str; 2] = ["kms:GenerateDataKey", "kms:Decrypt"];
const ANOTHER: &str = "encrypt the queue with SSE-SQS, or with a KMS key of your own";

pub(super) fn judge(attributes: Attributes<'_>, key: Option<&Key>) -> QueueFinding {
    let id = attributes.text("KmsMasterKeyId");
    match key {
        _ if id == "alias/aws/sqs" || id.ends_with(":alias/aws/sqs") => managed_by_aws(),
        Some(key) => judge_own(key, id, attributes.arn()),
        None if id.is_empty() => fine(CHECK, "no KMS key is needed to send"),
        None => missing(CHECK, "KMS key"),
    }
}

/// A key of the queue's owner.
fn judge_own(key: &Key, id: &str, queue_arn: &str) -> QueueFinding {
    let mut arn = if id.split(':').nth(5).is_some_and(|part| part.starts_with("key/")) { id } else { "" };
    match &key.description {
        Err(Gap::NotFound(text)) => {
            return blocking(&["the queue is encrypted with a key that does not exist: ", text].concat(), ANOTHER);
        }
        Ok(description) if description.managed_by_aws => return managed_by_aws(),
        Ok(description) if description.state != "Enabled" => {
            return blocking(
                &["the queue's key ", &shown(&description.arn), " is not enabled: ", &shown(&description.state)]
                    .concat(),
                "enable the key, or encrypt the queue with another one",
            );
        }
        Ok(description) => arn = &description.arn,
        Err(_) => {}
    }
    let arn = bounded(arn);
    let policy = match &key.policy {
        Ok(text) => Policy::parse(text),
        Err(gap) => return unknown(severity_of(gap), "the policy of the queue's key is not known: ", text_of(gap)),
    };
    let policy = match policy {
        Ok(policy) => policy,
        Err(error) => return unknown(Severity::NotChecked, "the policy of the queue's key cannot be judged: ", error),
    };
    // Region of the queue.
    let region = queue_arn.split(':').nth(3).unwrap_or_default();
    let service = ["sqs.", region, ".amazonaws.com"].concat();
    let known = [
        ("aws:SecureTransport", "true"),
        ("aws:PrincipalAccount", SENDER),
        ("kms:CallerAccount", SENDER),
        ("kms:ViaService", &service),
    ];
    let known = if region.is_empty() { &known[..3] } else { &known };
    let mut doubt = None;
    for action in ACTIONS {
        match policy.judge(&Asked { account: SENDER, action, resource: arn, known }) {
            Verdict::Allowed => {}
            Verdict::Unclear(text) => doubt = Some(unclear(&text, action, POLICY)),
            Verdict::Denied(statement) => return blocking(&denied(&statement, action, POLICY), &remedy()),
            Verdict::NotAllowed(near) => return blocking(&not_allowed(&near, action, POLICY), &remedy()),
        }
    }
    match (doubt, &key.description) {
        (Some(doubt), _) => {
            let consequence = "Amazon may be unable to send to the queue, without any error";
            finding(CHECK, Severity::Doubtful, &doubt, consequence, &remedy())
        }
        (None, Ok(_)) => {
            fine(CHECK, &["account ", SENDER, " may use the queue's key ", &shown(arn), ", which is enabled"].concat())
        }
        (None, Err(gap)) => unknown(
            severity_of(gap),
            "the policy of the queue's key lets Amazon use it, but whether the key is enabled is not known: ",
            text_of(gap),
        ),
    }
}

/// The key that AWS manages for SQS.
fn managed_by_aws() -> QueueFinding {
    blocking("the queue is encrypted with a key that AWS manages, which other accounts can never use", ANOTHER)
}

fn remedy() -> String {
    [
        r#"add to the key's policy: {"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::"#,
        SENDER,
        r#":root"},"Action":["kms:GenerateDataKey","kms:Decrypt"],"Resource":"*"}; a statement that denies this has to be changed too"#,
    ]
    .concat()
}

fn blocking(evidence: &str, remedy: &str) -> QueueFinding {
    let consequence = ["Amazon cannot encrypt what it sends: ", NOTHING_ARRIVES].concat();
    finding(CHECK, Severity::Blocking, evidence, &consequence, remedy)
}

fn unknown(severity: Severity, what: &str, why: &str) -> QueueFinding {
    finding(
        CHECK,
        severity,
        &[what, why].concat(),
        "Amazon may be unable to encrypt what it sends to this queue",
        "allow this host kms:DescribeKey and kms:GetKeyPolicy on the queue's key, or check the key yourself",
    )
}

#[cfg(test)]
mod tests;
