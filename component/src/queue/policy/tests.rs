use serde_json::{Value, json};

use super::super::testing::{found, good, only, statement, with, with_policy};
use super::*;
use Severity::{Blocking, Doubtful, Fine, Warning};

#[test]
fn a_policy_is_judged_by_what_it_lets_amazon_do() {
    for (change, severity, evidence) in [
        (json!({}), Fine, "may send"),
        (
            json!({ "Effect": "Deny" }),
            Blocking,
            "statement 1 of the policy denies account 437568002678 sqs:SendMessage",
        ),
        (json!({ "Principal": { "AWS": "1" } }), Blocking, "no statement"),
        (
            json!({ "Sid": "Read", "Action": "sqs:GetQueueAttributes" }),
            Blocking,
            "statement 1 (Read) allows it other actions",
        ),
        (json!({ "Action": "sqs:SendMessage" }), Warning, "sqs:GetQueueAttributes"),
        (
            json!({ "Condition": { "IpAddress": { "aws:SourceIp": "10.0.0.0/8" } } }),
            Doubtful,
            "depends on statement 1, whose condition IpAddress on aws:SourceIp cannot be judged",
        ),
    ] {
        let finding = found(&with_policy(json!([statement(change)])), "policy");
        assert_eq!(finding.severity, severity, "{finding:?}");
        assert!(finding.evidence.contains(evidence), "{finding:?}");
        assert!(severity == Fine || finding.remedy.contains("arn:aws:iam::437568002678:root"), "{finding:?}");
    }
}

#[test]
fn a_queue_without_a_policy_lets_only_its_own_account_send() {
    let finding = only(&with(good(), "Policy", ""));
    assert_eq!((finding.check.as_str(), finding.severity), ("policy", Blocking));
}

#[test]
fn a_policy_that_cannot_be_read_is_doubtful() {
    for text in ["{", "{}", "[]", r#"{"Statement":7}"#, r#"{"Statement":[],"statement":[]}"#] {
        let finding = only(&with(good(), "Policy", text));
        assert_eq!((finding.check.as_str(), finding.severity), ("policy", Doubtful), "{text}");
    }
}

/// What Amazon's requests carry besides its account is not documented.
#[test]
fn a_condition_on_the_source_of_a_request_is_doubtful() {
    for key in ["aws:SourceAccount", "aws:SourceArn", "aws:SourceOrgID", "aws:SourceOwner", "aws:PrincipalOrgID"] {
        for operator in ["StringEquals", "StringLikeIfExists", "ArnLike", "ForAnyValue:StringEquals", "Null"] {
            for principal in [json!("*"), json!({ "AWS": SENDER })] {
                let condition = json!({ operator: { key: "true" } });
                let only = statement(json!({ "Principal": principal, "Condition": condition }));
                assert_eq!(found(&with_policy(json!([only])), "policy").severity, Doubtful, "{only}");
                let deny = statement(json!({ "Effect": "Deny", "Principal": principal, "Condition": condition }));
                let both = json!([statement(json!({})), deny]);
                assert_eq!(found(&with_policy(both), "policy").severity, Doubtful, "{deny}");
            }
        }
    }
}

/// Every way of denying, added to every policy, before or behind.
#[test]
fn adding_a_deny_for_amazon_never_makes_a_policy_finer() {
    let severity = |statements: &[Value]| found(&with_policy(json!(statements)), "policy").severity;
    let befores = changes().into_iter().map(statement).flat_map(|a| [vec![a.clone()], vec![a, statement(json!({}))]]);
    let mut seen = Vec::new();
    for before in befores {
        let was = severity(&before);
        for change in changes() {
            let mut deny = statement(change.clone());
            deny["Effect"] = "Deny".into();
            let behind = [&before[..], &[deny.clone()]].concat();
            let in_front = [&[deny], &before[..]].concat();
            for after in [behind, in_front] {
                let is = severity(&after);
                assert!(is >= was, "{was:?} became {is:?}: {after:?}");
                assert!(change != json!({}) || is == Blocking, "a deny of just this: {after:?}");
                seen.push((was, is));
            }
        }
    }
    for pair in [(Fine, Fine), (Fine, Warning), (Fine, Doubtful), (Fine, Blocking), (Doubtful, Doubtful)] {
        assert!(seen.contains(&pair), "no policy of these shows {pair:?}");
    }
}

/// Statements of every kind.
fn changes() -> Vec<Value> {
    vec![
        json!({}),
        json!({ "Effect": "Deny" }),
        json!({ "Effect": "allow" }),
        json!({ "Effect": null, "Principal": "*" }),
        json!({ "Principal": "*", "Action": "sqs:GetQueueAttributes" }),
        json!({ "Principal": { "AWS": "111122223333" } }),
        json!({ "Principal": { "Service": "sns.amazonaws.com" } }),
        json!({ "Principal": { "AWS": "arn:aws:iam::437568002678:role/x" } }),
        json!({ "Principal": null, "NotPrincipal": { "AWS": "111122223333" } }),
        json!({ "Principal": null, "NotPrincipal": { "AWS": SENDER } }),
        json!({ "Action": null, "NotAction": "sqs:DeleteQueue" }),
        json!({ "Action": "sns:Publish" }),
        json!({ "Resource": null, "NotResource": "*" }),
        json!({ "Resource": "arn:aws:sqs:*:lwa" }),
        json!({ "Condition": { "Bool": { "aws:SecureTransport": "false" } } }),
        json!({ "Condition": { "ArnLike": { "aws:SourceArn": "arn:aws:sns:*" } } }),
        json!({ "Condition": { "DateLessThan": { "aws:CurrentTime": "2020-01-01T00:00:00Z" } } }),
        json!({ "Principle": "*" }),
    ]
}
