//! The key that a queue is encrypted with: whether Amazon can use it.

use super::policy::{Asked, Policy, Verdict};
use super::queue::NOTHING_ARRIVES;
use super::{Finding, SENDER, Severity};
use crate::queue::{Error, sqs::Key};

const CHECK: &str = "encryption";

/// What Amazon does with the key to send a message.
const ACTIONS: [&str; 2] = ["kms:GenerateDataKey", "kms:Decrypt"];

/// No key of KMS's.
pub(super) fn none() -> Finding {
    Finding::fine(CHECK, "no KMS key is needed to send")
}

/// Whether this is the key that AWS manages for SQS, as it is named in a queue's attributes.
pub(super) fn is_of_aws(id: &str) -> bool {
    id == "alias/aws/sqs" || id.ends_with(":alias/aws/sqs")
}

/// The key that AWS manages for SQS.
pub(super) fn of_aws(id: &str) -> Finding {
    blocking(
        format!("the queue is encrypted with the key that AWS manages ({id}), which other accounts can never use"),
        "encrypt the queue with SSE-SQS, or with a KMS key of your own".into(),
    )
}

/// A key of the operator's, as the queue names it.
pub(super) fn finding(id: &str, queue_arn: &str, key: &Key) -> Finding {
    match &key.description {
        Err(Error::NotFound(text)) => {
            return blocking(
                format!("the queue is encrypted with a key that does not exist: {text}"),
                "encrypt the queue with SSE-SQS, or with a KMS key of your own".into(),
            );
        }
        Ok(description) if description.of_aws => return of_aws(id),
        Ok(description) if description.state != "Enabled" => {
            return blocking(
                format!("the queue's key {} is not enabled: {}", description.arn, description.state),
                "enable the key, or encrypt the queue with another one".into(),
            );
        }
        _ => {}
    }
    let text = match &key.policy {
        Ok(text) => text,
        Err(error) => return not_checked(error.to_string()),
    };
    let policy = match Policy::parse(text) {
        Ok(policy) => policy,
        Err(error) => return not_checked(format!("the policy of the queue's key cannot be read: {error}")),
    };
    let (region, owner) = place(queue_arn);
    let arn = match &key.description {
        Ok(description) => description.arn.clone(),
        Err(_) if id.starts_with("arn:") => id.to_owned(),
        Err(_) => format!("arn:aws:kms:{region}:{owner}:key/{id}"),
    };
    let service = format!("sqs.{region}.amazonaws.com");
    let known = [
        ("aws:securetransport", "true"),
        ("aws:principalaccount", SENDER),
        ("kms:calleraccount", SENDER),
        ("kms:viaservice", &service),
    ];
    let mut unclear = None;
    for action in ACTIONS {
        match policy.judge(&Asked { account: SENDER, action, resource: &arn, known: &known }) {
            Verdict::Allowed => {}
            Verdict::Unclear(shown) => unclear = Some((action, shown)),
            Verdict::Denied(shown) => {
                return blocking(
                    format!("account {SENDER} is denied {action} on the queue's key by {shown}"),
                    remedy(),
                );
            }
            Verdict::NotAllowed(near) => {
                let near = near.map(|near| format!("; {near}")).unwrap_or_default();
                return blocking(
                    format!("no statement in the policy of the queue's key allows account {SENDER} {action}{near}"),
                    remedy(),
                );
            }
        }
    }
    if let Some((action, shown)) = unclear {
        return Finding::new(
            CHECK,
            Severity::Warning,
            format!(
                "account {SENDER} is allowed {action} on the queue's key only under conditions that check cannot judge: {shown}"
            ),
            "Amazon may be unable to send to the queue, without any error",
            format!("see that the conditions hold for Amazon, or {}", remedy()),
        );
    }
    match &key.description {
        Ok(_) => Finding::fine(CHECK, format!("account {SENDER} may use the queue's key {arn}, which is enabled")),
        Err(error) => not_checked(format!(
            "the policy of the queue's key lets account {SENDER} use it, but whether it is enabled is not known: {error}"
        )),
    }
}

/// Region and account of an ARN.
fn place(arn: &str) -> (&str, &str) {
    let mut parts = arn.split(':').skip(3);
    (parts.next().unwrap_or_default(), parts.next().unwrap_or_default())
}

fn remedy() -> String {
    format!(
        r#"add to the key's policy: {{"Effect":"Allow","Principal":{{"AWS":"arn:aws:iam::{SENDER}:root"}},"Action":["kms:GenerateDataKey","kms:Decrypt"],"Resource":"*"}}"#
    )
}

fn blocking(evidence: String, remedy: String) -> Finding {
    let consequence = format!("Amazon cannot encrypt what it sends: {NOTHING_ARRIVES}");
    Finding::new(CHECK, Severity::Blocking, evidence, consequence, remedy)
}

fn not_checked(evidence: String) -> Finding {
    Finding::new(
        CHECK,
        Severity::NotChecked,
        evidence,
        "nobody knows whether Amazon can encrypt what it sends to this queue",
        "allow kms:DescribeKey and kms:GetKeyPolicy on the queue's key to the AWS credentials in use, or look at its policy yourself",
    )
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::queue::sqs::KeyDescription;

    const ARN: &str = "arn:aws:kms:us-east-1:123456789012:key/k1";
    const QUEUE: &str = "arn:aws:sqs:us-east-1:123456789012:lwa";

    fn key(change: impl FnOnce(&mut KeyDescription), actions: &str) -> Key {
        let mut description = KeyDescription { arn: ARN.into(), of_aws: false, state: "Enabled".into() };
        change(&mut description);
        let policy = json!({ "Statement": [
            { "Effect": "Allow", "Principal": { "AWS": "arn:aws:iam::123456789012:root" }, "Action": "kms:*", "Resource": "*" },
            { "Effect": "Allow", "Principal": { "AWS": "arn:aws:iam::437568002678:root" }, "Resource": "*",
              "Action": actions.split(' ').collect::<Vec<_>>(),
              "Condition": { "StringEquals": { "kms:ViaService": "sqs.us-east-1.amazonaws.com" } } },
        ] });
        Key { description: Ok(description), policy: Ok(policy.to_string()) }
    }

    fn assert_is(key: &Key, severity: Severity, evidence: &str) {
        let finding = finding("k1", QUEUE, key);
        assert_eq!(finding.severity, severity, "{finding:?}");
        assert!(finding.evidence.contains(evidence), "{finding:?}");
        assert_eq!(finding.remedy.is_empty(), severity == Severity::Fine, "{finding:?}");
    }

    const BOTH: &str = "kms:GenerateDataKey* kms:Decrypt";

    #[test]
    fn a_key_that_amazon_may_use_is_fine() {
        assert_is(&key(|_| {}, BOTH), Severity::Fine, ARN);
        assert_eq!(none().severity, Severity::Fine);
    }

    #[test]
    fn a_key_that_amazon_cannot_use_is_blocking() {
        assert_is(
            &key(|_| {}, "kms:GenerateDataKey"),
            Severity::Blocking,
            "kms:Decrypt; the account may do something else",
        );
        assert_is(&key(|_| {}, "kms:Decrypt"), Severity::Blocking, "kms:GenerateDataKey;");
        assert_is(&key(|key| key.of_aws = true, BOTH), Severity::Blocking, "AWS manages");
        assert_is(&key(|key| key.state = "PendingDeletion".into(), BOTH), Severity::Blocking, "PendingDeletion");
        let missing = Key { description: Err(Error::NotFound("gone".into())), ..key(|_| {}, BOTH) };
        assert_is(&missing, Severity::Blocking, "does not exist");
        for id in ["alias/aws/sqs", "arn:aws:kms:us-east-1:123456789012:alias/aws/sqs"] {
            assert!(is_of_aws(id) && of_aws(id).severity == Severity::Blocking);
        }
        assert!(!is_of_aws("alias/aws/sqs-like") && !is_of_aws("alias/mine"));
    }

    #[test]
    fn what_kms_does_not_tell_is_not_checked_and_never_fine() {
        let denied = || Error::AccessDenied("denied".into());
        assert_is(&Key { policy: Err(denied()), ..key(|_| {}, BOTH) }, Severity::NotChecked, "denied");
        assert_is(&Key { policy: Ok("{".into()), ..key(|_| {}, BOTH) }, Severity::NotChecked, "JSON");
        let half = Key { description: Err(denied()), ..key(|_| {}, BOTH) };
        assert_is(&half, Severity::NotChecked, "whether it is enabled");
        let half = Key { description: Err(denied()), ..key(|_| {}, "kms:Decrypt") };
        assert_is(&half, Severity::Blocking, "kms:GenerateDataKey");
    }

    #[test]
    fn a_condition_that_nobody_can_judge_is_a_warning() {
        let mut key = key(|_| {}, BOTH);
        key.policy = key.policy.map(|policy| policy.replace("kms:ViaService", "kms:EncryptionContext:x"));
        assert_is(&key, Severity::Warning, "cannot judge");
    }
}
