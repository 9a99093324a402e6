use serde_json::json;

use super::super::testing::{found, good, with, without};
use super::*;
use crate::bindings::lwa::rotation::queue::{Inspection, KeyDescription};
use Severity::{Blocking, Doubtful, Fine, NotChecked};

const ARN: &str = "arn:aws:kms:us-east-1:123456789012:key/k1";
const BOTH: &str = "kms:GenerateDataKey* kms:Decrypt";

fn key(change: impl FnOnce(&mut KeyDescription), actions: &str) -> Key {
    let mut description = KeyDescription { arn: ARN.into(), managed_by_aws: false, state: "Enabled".into() };
    change(&mut description);
    let policy = json!({ "Statement": [
        { "Effect": "Allow", "Principal": { "AWS": "arn:aws:iam::123456789012:root" }, "Action": "kms:*", "Resource": "*" },
        { "Effect": "Allow", "Principal": { "AWS": "arn:aws:iam::437568002678:root" }, "Resource": "*",
          "Action": actions.split(' ').collect::<Vec<_>>(),
          "Condition": { "StringEquals": { "kms:ViaService": "sqs.us-east-1.amazonaws.com" } } },
    ] });
    Key { description: Ok(description), policy: Ok(policy.to_string()) }
}

fn inspection(key: Key) -> Inspection {
    with(Inspection { key: Some(key), ..good() }, "KmsMasterKeyId", "k1")
}

fn assert_is(key: Key, severity: Severity, evidence: &str) {
    let finding = found(&inspection(key), CHECK);
    assert_eq!(finding.severity, severity, "{finding:?}");
    assert!(finding.evidence.contains(evidence), "{finding:?}");
}

/// The policy with one text in place of another.
fn replaced(key: Key, from: &str, to: &str) -> Key {
    let policy = key.policy.expect("a policy");
    assert!(policy.contains(from));
    Key { policy: Ok(policy.replace(from, to)), ..key }
}

#[test]
fn a_key_that_amazon_may_use_is_fine() {
    assert_is(key(|_| {}, BOTH), Fine, ARN);
    assert_is(key(|_| {}, "kms:*"), Fine, ARN);
    assert_eq!(found(&good(), CHECK).severity, Fine, "no key");
}

#[test]
fn a_key_that_amazon_cannot_use_blocks() {
    assert_is(key(|_| {}, "kms:GenerateDataKey"), Blocking, "kms:Decrypt; statement 2 allows it other actions");
    assert_is(key(|_| {}, "kms:Decrypt"), Blocking, "437568002678 kms:GenerateDataKey;");
    assert_is(key(|key| key.managed_by_aws = true, BOTH), Blocking, "AWS manages");
    assert_is(key(|key| key.state = "PendingDeletion".into(), BOTH), Blocking, "PendingDeletion");
    assert_is(key(|key| key.state = String::new(), BOTH), Blocking, "not enabled");
    assert_is(Key { description: Err(Gap::NotFound("gone".into())), ..key(|_| {}, BOTH) }, Blocking, "does not exist");
    assert_is(
        replaced(key(|_| {}, BOTH), "sqs.us-east-1", "sqs.us-east-2"),
        Blocking,
        "a condition that does not hold",
    );
}

#[test]
fn a_key_policy_that_denies_amazon_blocks_whatever_else_it_allows() {
    for action in ["kms:*", "kms:Decrypt", "kms:GenerateDataKey"] {
        let deny = json!({ "Effect": "Deny", "Principal": "*", "Action": action, "Resource": ARN });
        let denying = replaced(key(|_| {}, BOTH), r#""Statement":["#, &format!(r#""Statement":[{deny},"#));
        assert_is(denying.clone(), Blocking, "statement 1 of the key's policy denies");
        let without_description = Key { description: Err(Gap::Denied("denied".into())), ..denying };
        let unknown = inspection(without_description);
        assert_eq!(found(&unknown, CHECK).severity, Doubtful, "it may be another key's");
        assert_eq!(found(&with(unknown, "KmsMasterKeyId", ARN), CHECK).severity, Blocking, "the queue names the key");
    }
}

#[test]
fn the_key_that_aws_manages_blocks_by_whichever_name() {
    for id in ["alias/aws/sqs", "arn:aws:kms:us-east-1:123456789012:alias/aws/sqs"] {
        assert_eq!(found(&with(good(), "KmsMasterKeyId", id), CHECK).severity, Blocking, "{id}");
    }
}

#[test]
fn what_kms_does_not_say_is_never_fine() {
    let (denied, failing) = (Gap::Denied("denied".into()), Gap::Unreachable("failing".into()));
    assert_is(Key { policy: Err(denied.clone()), ..key(|_| {}, BOTH) }, NotChecked, "denied");
    assert_is(Key { policy: Err(failing.clone()), ..key(|_| {}, BOTH) }, Doubtful, "failing");
    assert_is(Key { policy: Err(Gap::NotFound("none".into())), ..key(|_| {}, BOTH) }, Doubtful, "none");
    assert_is(Key { policy: Ok("{".into()), ..key(|_| {}, BOTH) }, NotChecked, "JSON");
    assert_is(
        Key { description: Err(denied.clone()), ..key(|_| {}, BOTH) },
        NotChecked,
        "whether the key is enabled is not known: denied",
    );
    assert_is(Key { description: Err(failing), ..key(|_| {}, BOTH) }, Doubtful, "failing");
    assert_is(Key { description: Err(denied.clone()), ..key(|_| {}, "kms:Decrypt") }, Blocking, "kms:GenerateDataKey");
    for id in ["alias/aws/sqs-like", "alias/mine", "k1"] {
        assert_eq!(found(&with(good(), "KmsMasterKeyId", id), CHECK).severity, NotChecked, "{id}");
    }
}

#[test]
fn a_condition_of_a_key_that_cannot_be_judged_is_doubtful() {
    assert_is(
        replaced(key(|_| {}, BOTH), "kms:ViaService", "kms:EncryptionContext:x"),
        Doubtful,
        "statement 2, whose condition StringEquals on kms:EncryptionContext:x cannot be judged",
    );
    let elsewhere = without(inspection(key(|_| {}, BOTH)), "QueueArn");
    assert_eq!(found(&elsewhere, CHECK).severity, Doubtful, "the region of the queue is not known");
}
