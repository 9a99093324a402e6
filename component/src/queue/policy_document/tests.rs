use serde_json::{Value, json};

use super::super::testing::{ARN, statement};
use super::*;

const ACCOUNT: &str = "437568002678";

fn judge(statements: Value) -> Verdict {
    let text = json!({ "Version": "2012-10-17", "Statement": statements }).to_string();
    let policy = Policy::parse(&text).unwrap_or_else(|error| panic!("{error}: {text}"));
    let known = [("aws:SecureTransport", "true"), ("aws:PrincipalAccount", ACCOUNT)];
    policy.judge(&Asked { account: ACCOUNT, action: "sqs:SendMessage", resource: ARN, known: &known })
}

/// What each change makes of the statement.
fn assert_each(changes: &[Value], is_expected: fn(&Verdict) -> bool) {
    for change in changes {
        let verdict = judge(json!([statement(change.clone())]));
        assert!(is_expected(&verdict), "{change}: {verdict:?}");
    }
}

/// What Amazon's statement with another one that denies comes to.
fn beside_deny(change: Value) -> Verdict {
    let mut deny = statement(change);
    deny["Effect"] = "Deny".into();
    let verdict = judge(json!([statement(json!({})), deny]));
    let turned = judge(json!([deny, statement(json!({}))]));
    assert_eq!(
        core::mem::discriminant(&verdict),
        core::mem::discriminant(&turned),
        "the order of statements is the same"
    );
    verdict
}

#[test]
fn every_way_of_writing_the_account_the_action_and_the_queue_is_understood() {
    assert_each(
        &[
            json!({}),
            json!({ "Sid": "x" }),
            json!({ "Principal": "*" }),
            json!({ "Principal": { "AWS": "*" } }),
            json!({ "Principal": { "AWS": ACCOUNT } }),
            json!({ "Principal": { "AWS": ["111122223333", ACCOUNT], "Service": "events.amazonaws.com" } }),
            json!({ "Principal": null, "NotPrincipal": { "AWS": "111122223333" } }),
            json!({ "Action": "SQS:SendMessage" }),
            json!({ "Action": "sqs:sendmessage" }),
            json!({ "Action": "sqs:*" }),
            json!({ "Action": "sqs:Send*" }),
            json!({ "Action": "sqs:?endMessage" }),
            json!({ "Action": "*" }),
            json!({ "Action": ["sqs:ReceiveMessage", "sqs:SendMessage"] }),
            json!({ "Action": null, "NotAction": "sqs:DeleteQueue" }),
            json!({ "Resource": "*" }),
            json!({ "Resource": "arn:aws:sqs:*:123456789012:*" }),
            json!({ "Resource": "arn:aws:sqs:us-east-1:123456789012:l?a" }),
            json!({ "Resource": "arn:aws:sqs" }),
            json!({ "Resource": ["arn:aws:sqs:us-east-1:123456789012:other", ARN] }),
            json!({ "Resource": null, "NotResource": "arn:aws:sqs:us-east-1:123456789012:other" }),
        ],
        |verdict| *verdict == Verdict::Allowed,
    );
    assert_eq!(judge(statement(json!({}))), Verdict::Allowed, "a statement alone needs no list");
}

#[test]
fn what_is_for_another_account_or_another_resource_allows_nothing() {
    assert_each(
        &[
            json!({ "Principal": { "AWS": "111122223333" } }),
            json!({ "Principal": { "AWS": "AROAEXAMPLE" } }),
            json!({ "Principal": { "AWS": "arn:aws:iam::4375680026789:root" } }),
            json!({ "Principal": { "AWS": "arn:aws-cn:iam::437568002678:root" } }),
            json!({ "Principal": { "Service": ACCOUNT } }),
            json!({ "Principal": null, "NotPrincipal": { "AWS": ACCOUNT } }),
            json!({ "Action": "sqs:GetQueueAttributes" }),
            json!({ "Action": "sqs:SendMessageBatch" }),
            json!({ "Action": "sns:*" }),
            json!({ "Action": null, "NotAction": "SQS:Send*" }),
            json!({ "Resource": "arn:aws:sqs:us-east-1:123456789012:LWA" }),
            json!({ "Resource": "arn:aws:sqs:us-east-2:123456789012:lwa" }),
            json!({ "Resource": null, "NotResource": "*" }),
            json!({ "Condition": { "Bool": { "aws:SecureTransport": "false" } } }),
            json!({ "Condition": { "Null": { "aws:SecureTransport": "true" } } }),
            json!({ "Condition": { "StringEquals": { "aws:PrincipalAccount": "111122223333" } } }),
            // One that does not hold is enough, whatever the others are.
            json!({ "Condition": { "ArnLike": { "aws:SourceArn": "*" }, "StringNotLike": { "aws:PrincipalAccount": "*" } } }),
        ],
        |verdict| matches!(verdict, Verdict::NotAllowed(_)),
    );
    assert_eq!(judge(json!([])), Verdict::NotAllowed(String::new()));
}

#[test]
fn a_statement_that_nearly_allows_is_named_with_what_it_lacks() {
    for (change, lacks) in [
        (json!({ "Action": "sqs:ReceiveMessage" }), "other actions"),
        (json!({ "Resource": "arn:aws:sqs:us-east-1:123456789012:other" }), "another resource"),
        (json!({ "Condition": { "Bool": { "aws:SecureTransport": false } } }), "a condition"),
    ] {
        let verdict = judge(json!([statement(json!({ "Principal": { "AWS": "1" } })), statement(change)]));
        assert!(
            matches!(&verdict, Verdict::NotAllowed(near) if near.contains(lacks) && near.starts_with("statement 2 ")),
            "{lacks}: {verdict:?}"
        );
    }
}

#[test]
fn an_explicit_deny_wins() {
    for deny in [
        json!({}),
        json!({ "Principal": "*", "Action": "sqs:*" }),
        json!({ "Principal": null, "NotPrincipal": { "AWS": "111122223333" } }),
        json!({ "Action": null, "NotAction": "sqs:ReceiveMessage", "Resource": "*" }),
        json!({ "Condition": { "StringNotEquals": { "aws:PrincipalAccount": "111122223333" } } }),
        json!({ "Condition": { "Null": { "aws:PrincipalAccount": false } } }),
    ] {
        let verdict = beside_deny(deny.clone());
        assert!(matches!(&verdict, Verdict::Denied(_)), "{deny}: {verdict:?}");
    }
}

/// What tools write to enforce TLS must not look like a refusal of Amazon.
#[test]
fn a_deny_of_unencrypted_requests_does_not_concern_amazon() {
    for condition in [
        json!({ "Bool": { "aws:SecureTransport": "false" } }),
        json!({ "BoolIfExists": { "aws:securetransport": [false] } }),
    ] {
        let verdict = beside_deny(json!({ "Principal": "*", "Action": "sqs:*", "Condition": condition }));
        assert_eq!(verdict, Verdict::Allowed, "{condition}");
    }
}

/// Alone, as an allow, and beside Amazon's statement, as a deny.
#[test]
fn what_cannot_be_judged_is_neither_allowed_nor_denied() {
    for change in [
        json!({ "Condition": { "ArnLike": { "aws:SourceArn": "arn:aws:sns:*" } } }),
        json!({ "Condition": { "ArnEqualsIfExists": { "aws:PrincipalArn": "arn:aws:iam::437568002678:*" } } }),
        json!({ "Condition": { "StringEquals": { "aws:PrincipalOrgID": "o-1" } } }),
        json!({ "Condition": { "StringNotEquals": { "aws:PrincipalOrgID": "o-1" } } }),
        json!({ "Condition": { "StringEquals": { "aws:PrincipalAccount": ACCOUNT, "aws:SourceVpc": "vpc-1" } } }),
        json!({ "Condition": { "ForAnyValue:StringEquals": { "aws:PrincipalAccount": ACCOUNT } } }),
        json!({ "Condition": { "ForAllValues:StringLike": { "aws:TagKeys": "*" } } }),
        json!({ "Condition": { "StringEquals": { "aws:PrincipalAccount": "${aws:SourceAccount}" } } }),
        json!({ "Condition": { "StringEquals": { "aws:PrincipalAccount": [] } } }),
        json!({ "Condition": { "StringEquals": { "aws:PrincipalAccount": 437_568_002_678_u64 } } }),
        json!({ "Condition": { "NumericEquals": { "aws:PrincipalAccount": ACCOUNT } } }),
        json!({ "Condition": { "IpAddress": { "aws:SourceIp": "0.0.0.0/0" } } }),
        json!({ "Condition": { "NotIpAddress": { "aws:SourceIp": ["10.0.0.0/8"] } } }),
        json!({ "Condition": { "DateGreaterThan": { "aws:CurrentTime": "2020-04-01T00:00:00Z" } } }),
        json!({ "Condition": { "BinaryEquals": { "key": "QmluYXJ5" } } }),
        json!({ "Condition": { "Bool": { "aws:SecureTransport": "yes" } } }),
        json!({ "Condition": { "Bool": { "aws:ViaAWSService": "true" } } }),
        json!({ "Condition": { "Null": { "aws:SourceArn": "false" } } }),
        json!({ "Condition": { "StringIs": { "aws:PrincipalAccount": ACCOUNT } } }),
        json!({ "Condition": { "StringEquals": "aws:PrincipalAccount" } }),
        json!({ "Condition": { "StringEquals": {} } }),
        json!({ "Condition": "none" }),
        json!({ "Principal": { "AWS": "arn:aws:iam::437568002678:role/notifications" } }),
        json!({ "Principal": { "AWS": "arn:aws:sts::437568002678:assumed-role/x/y" } }),
        json!({ "Principal": { "AWS": "arn:aws:iam::437568002678:*" } }),
        json!({ "Principal": { "AWS": "arn:aws:iam::*:root" } }),
        json!({ "Principal": { "AWS": "arn:aws:iam::437568002678" } }),
        json!({ "Principal": { "AWS": 437_568_002_678_u64 } }),
        json!({ "Principal": { "AWS": [] } }),
        json!({ "Principal": { "*": "*" } }),
        json!({ "Principal": {} }),
        json!({ "Principal": ["*"] }),
        json!({ "Principal": null }),
        json!({ "NotPrincipal": "*" }),
        json!({ "Principal": null, "NotPrincipal": { "AWS": "arn:aws:iam::437568002678:role/x" } }),
        json!({ "Action": null }),
        json!({ "Action": [] }),
        json!({ "Action": { "a": "*" } }),
        json!({ "NotAction": "sqs:*" }),
        json!({ "Resource": "arn:aws:sqs:us-east-1:${aws:PrincipalAccount}:lwa" }),
        json!({ "Resource": "arn:aws:sqs:*:lwa" }),
        json!({ "Resource": null }),
        json!({ "NotResource": "*" }),
        json!({ "Principle": "*" }),
    ] {
        let alone = judge(json!([statement(change.clone())]));
        assert!(
            matches!(&alone, Verdict::Unclear(doubt) if doubt.starts_with("statement 1, whose ")),
            "{change}: {alone:?}"
        );
        let beside = beside_deny(change.clone());
        assert!(matches!(&beside, Verdict::Unclear(_)), "{change}: {beside:?}");
    }
    let spared = beside_deny(json!({ "Principal": null, "NotPrincipal": { "AWS": ACCOUNT } }));
    assert!(matches!(&spared, Verdict::Unclear(doubt) if doubt.contains("principal")), "{spared:?}");
}

#[test]
fn a_statement_without_a_known_effect_may_allow_and_may_deny() {
    for odd in [
        json!(7),
        json!(null),
        json!([]),
        statement(json!({ "Effect": null })),
        statement(json!({ "Effect": "allow" })),
    ] {
        for statements in [json!([odd]), json!([statement(json!({})), odd]), json!([odd, statement(json!({}))])] {
            assert!(matches!(judge(statements.clone()), Verdict::Unclear(_)), "{statements}");
        }
        let denied = judge(json!([odd, statement(json!({ "Effect": "Deny" }))]));
        assert_eq!(denied, Verdict::Denied("statement 2".into()), "{odd}");
    }
}

#[test]
fn a_condition_that_is_known_to_hold_allows() {
    assert_each(
        &[
            json!({ "Condition": {} }),
            json!({ "Condition": { "Bool": { "aws:SecureTransport": "true" } } }),
            json!({ "Condition": { "Null": { "aws:SecureTransport": ["true", "false"] } } }),
            json!({ "Condition": { "StringEqualsIfExists": { "aws:PrincipalAccount": ACCOUNT } } }),
            json!({ "Principal": "*", "Condition": { "StringEquals": { "AWS:PrincipalAccount": ["1", ACCOUNT] } } }),
            json!({ "Principal": "*", "Condition": { "StringLike": { "aws:PrincipalAccount": "4375*" } } }),
        ],
        |verdict| *verdict == Verdict::Allowed,
    );
}

#[test]
fn the_doubt_names_the_statement_and_the_condition() {
    let conditions = json!({ "Bool": { "aws:SecureTransport": true }, "StringLike": { "aws:SourceArn": "*" } });
    let verdict = judge(json!([statement(json!({ "Sid": "Amazon", "Condition": conditions }))]));
    let doubt = "statement 1 (Amazon), whose condition StringLike on aws:SourceArn cannot be judged";
    assert_eq!(verdict, Verdict::Unclear(doubt.into()));
}

#[test]
fn an_unknown_resource_is_matched_by_a_star_alone() {
    let judge = |resource: &str| {
        let policy = Policy::parse(&json!({ "Statement": statement(json!({ "Resource": resource })) }).to_string());
        let asked = Asked { account: ACCOUNT, action: "sqs:SendMessage", resource: "", known: &[] };
        policy.map(|policy| policy.judge(&asked))
    };
    assert_eq!(judge("*"), Ok(Verdict::Allowed));
    assert!(matches!(judge(ARN), Ok(Verdict::Unclear(_))));
}

#[test]
fn what_is_no_policy_says_what_is_wrong_with_it() {
    let many: serde_json::Map<_, _> = (0..65).map(|n| (n.to_string(), json!(1))).collect();
    for (text, wrong) in [
        ("", "not JSON"),
        (&"[".repeat(1000), "too deeply nested"),
        (&" ".repeat(LONGEST + 1), "longer"),
        ("{}", "no statements"),
        (r#"{"Statement":"x"}"#, "no statements"),
        (r#"{"Statement":[{"Effect":"Allow","Effect":"Deny"}]}"#, "twice"),
        (r#"{"Statement":[{"Condition":{"Bool":{"a":1,"A":2}}}]}"#, "twice"),
        (&json!({ "Statement": [many] }).to_string(), "64"),
    ] {
        assert!(Policy::parse(text).is_err_and(|error| error.contains(wrong)), "{wrong}");
    }
}
