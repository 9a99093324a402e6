use serde_json::json;

use super::*;

const ACCOUNT: &str = "437568002678";
const ARN: &str = "arn:aws:sqs:us-east-1:123456789012:lwa";

fn judge(statements: Value) -> Verdict {
    let policy = Policy::parse(&json!({ "Version": "2012-10-17", "Statement": statements }).to_string()).unwrap();
    let known = [("aws:securetransport", "true"), ("aws:principalaccount", ACCOUNT)];
    policy.judge(&Asked { account: ACCOUNT, action: "sqs:SendMessage", resource: ARN, known: &known })
}

/// Amazon's own statement, with some of its elements replaced, or taken away by null.
fn statement(change: Value) -> Value {
    let mut statement = json!({
        "Effect": "Allow",
        "Principal": { "AWS": "arn:aws:iam::437568002678:root" },
        "Action": ["sqs:SendMessage", "sqs:GetQueueAttributes"],
        "Resource": ARN,
    });
    for (name, value) in change.as_object().unwrap() {
        statement[name] = value.clone();
    }
    statement.as_object_mut().unwrap().retain(|_, value| !value.is_null());
    statement
}

/// What each change makes of the statement.
fn assert_each(changes: &[Value], is_expected: fn(&Verdict) -> bool) {
    for change in changes {
        let verdict = judge(json!([statement(change.clone())]));
        assert!(is_expected(&verdict), "{change}: {verdict:?}");
    }
}

#[test]
fn every_way_of_writing_the_account_the_action_and_the_queue_is_understood() {
    assert_each(
        &[
            json!({}),
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
    assert_eq!(judge(statement(json!({}))), Verdict::Allowed, "a statement may stand without a list");
}

#[test]
fn what_is_for_somebody_or_something_else_allows_nothing() {
    assert_each(
        &[
            json!({ "Principal": { "AWS": "111122223333" } }),
            json!({ "Principal": { "AWS": "arn:aws:iam::4375680026789:root" } }),
            json!({ "Principal": { "AWS": "arn:aws-cn:iam::437568002678:root" } }),
            json!({ "Principal": { "Service": ACCOUNT } }),
            json!({ "Principal": { "AWS": [] } }),
            json!({ "Principal": null, "NotPrincipal": { "AWS": ACCOUNT } }),
            json!({ "Action": "sqs:GetQueueAttributes" }),
            json!({ "Action": "sqs:SendMessageBatch" }),
            json!({ "Action": "sns:*" }),
            json!({ "Action": null, "NotAction": "SQS:Send*" }),
            json!({ "Resource": "arn:aws:sqs:us-east-1:123456789012:LWA" }),
            json!({ "Resource": "arn:aws:sqs:us-east-2:123456789012:lwa" }),
            json!({ "Resource": "arn:aws:sqs:*:lwa" }),
            json!({ "Resource": null, "NotResource": "*" }),
            json!({ "Condition": { "Bool": { "aws:SecureTransport": "false" } } }),
            json!({ "Condition": { "StringEquals": { "aws:PrincipalAccount": "111122223333" } } }),
        ],
        |verdict| matches!(verdict, Verdict::NotAllowed(_)),
    );
    assert_eq!(judge(json!([])), Verdict::NotAllowed(None));
}

#[test]
fn a_statement_that_comes_near_is_named_with_what_it_lacks() {
    for (change, lacks) in [
        (json!({ "Action": "sqs:ReceiveMessage" }), "something else"),
        (json!({ "Resource": "arn:aws:sqs:us-east-1:123456789012:other" }), "another resource"),
        (json!({ "Condition": { "Bool": { "aws:SecureTransport": false } } }), "a condition"),
    ] {
        let verdict = judge(json!([statement(json!({ "Principal": { "AWS": "1" } })), statement(change)]));
        assert!(
            matches!(&verdict, Verdict::NotAllowed(Some(near)) if near.contains(lacks) && near.contains("statement 2")),
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
    ] {
        let mut deny = statement(deny);
        deny["Effect"] = "Deny".into();
        for statements in [json!([statement(json!({})), deny]), json!([deny, statement(json!({}))])] {
            let verdict = judge(statements.clone());
            assert!(matches!(&verdict, Verdict::Denied(shown) if shown.contains("Deny")), "{statements}: {verdict:?}");
        }
    }
}

/// What tools write to enforce TLS must not look like a refusal of Amazon.
#[test]
fn a_deny_of_unencrypted_requests_does_not_concern_amazon() {
    for condition in [
        json!({ "Bool": { "aws:SecureTransport": "false" } }),
        json!({ "BoolIfExists": { "aws:securetransport": [false] } }),
    ] {
        let deny = statement(json!({ "Effect": "Deny", "Principal": "*", "Action": "sqs:*", "Condition": condition }));
        assert_eq!(judge(json!([statement(json!({})), deny])), Verdict::Allowed, "{condition}");
    }
}

#[test]
fn what_nobody_here_can_know_is_neither_allowed_nor_refused() {
    assert_each(
        &[
            json!({ "Condition": { "ArnLike": { "aws:SourceArn": "arn:aws:sns:*" } } }),
            json!({ "Condition": { "StringEquals": { "aws:PrincipalOrgID": "o-1" } } }),
            json!({ "Condition": { "StringEquals": { "aws:PrincipalAccount": ACCOUNT, "aws:SourceVpc": "vpc-1" } } }),
            json!({ "Condition": { "ForAnyValue:StringEquals": { "aws:PrincipalAccount": ACCOUNT } } }),
            json!({ "Condition": { "StringEquals": { "aws:PrincipalAccount": "${aws:SourceAccount}" } } }),
            json!({ "Condition": "none" }),
            json!({ "Principal": { "AWS": "arn:aws:iam::437568002678:role/notifications" } }),
            json!({ "Principal": null }),
            json!({ "Principal": null, "NotPrincipal": { "AWS": "arn:aws:iam::437568002678:role/x" } }),
            json!({ "Resource": "arn:aws:sqs:us-east-1:${aws:PrincipalAccount}:lwa" }),
            json!({ "Resource": null }),
        ],
        |verdict| matches!(verdict, Verdict::Unclear(shown) if shown.contains("statement 1")),
    );
    let deny = |change| {
        let mut deny = statement(change);
        deny["Effect"] = "Deny".into();
        judge(json!([statement(json!({})), deny]))
    };
    for change in [
        json!({ "Principal": "*", "Condition": { "StringNotEquals": { "aws:PrincipalOrgID": "o-1" } } }),
        json!({ "Principal": { "AWS": "arn:aws:sts::437568002678:assumed-role/x/y" } }),
        json!({ "Principal": null, "NotPrincipal": { "AWS": ACCOUNT } }),
    ] {
        let verdict = deny(change.clone());
        assert!(matches!(&verdict, Verdict::Unclear(shown) if shown.contains("statement 2")), "{change}: {verdict:?}");
    }
}

#[test]
fn a_condition_that_is_known_to_hold_allows() {
    assert_each(
        &[
            json!({ "Condition": {} }),
            json!({ "Condition": { "Bool": { "aws:SecureTransport": "true" } } }),
            json!({ "Principal": "*", "Condition": { "StringEquals": { "AWS:PrincipalAccount": ["1", ACCOUNT] } } }),
            json!({ "Principal": "*", "Condition": { "StringLike": { "aws:PrincipalAccount": "4375*" } } }),
        ],
        |verdict| *verdict == Verdict::Allowed,
    );
}

#[test]
fn a_long_statement_is_cut() {
    let long = statement(json!({ "Resource": "x".repeat(2000) }));
    let Verdict::NotAllowed(Some(near)) = judge(json!([long])) else { panic!("it is for another resource") };
    assert!(near.chars().count() < SHOWN + 100 && near.ends_with('…'), "{near}");
}

#[test]
fn what_is_no_policy_says_what_is_wrong_with_it() {
    for (text, wrong) in [
        ("", "not JSON"),
        ("{}", "no statements"),
        (r#"{"Statement":"x"}"#, "no statements"),
        (r#"{"Statement":[{"Effect":"allow"}]}"#, "statement 1"),
        (r#"{"Statement":[7]}"#, "statement 1"),
    ] {
        assert!(Policy::parse(text).is_err_and(|error| error.contains(wrong)), "{text}");
    }
}

#[test]
fn wildcards_stand_for_any_characters_or_for_one() {
    for (pattern, text, expected) in [
        ("", "", true),
        ("*", "", true),
        ("a*c*e", "abcde", true),
        ("a*c*e", "abcd", false),
        ("*b*b", "abab", true),
        ("?", "", false),
        ("a?", "ab", true),
        ("a", "ab", false),
        ("ab**", "ab", true),
    ] {
        assert_eq!(is_like(pattern, text), expected, "{pattern} {text}");
    }
}
