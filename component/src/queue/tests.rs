use serde_json::json;

use super::testing::{found, good, only, statement, with, with_policy, without};
use super::*;
use crate::bindings::lwa::rotation::queue::{Flow, Key, KeyDescription};

#[test]
fn a_queue_without_faults_has_a_fine_finding_for_each_check_in_order() {
    let findings = judge(&good());
    assert!(findings.iter().all(|finding| finding.severity == Fine), "{findings:?}");
    let checks: Vec<_> = findings.iter().map(|finding| finding.check.as_str()).collect();
    let expected = [
        "reachable",
        "type",
        "policy",
        "encryption",
        "retention",
        "dead-letter-queue",
        "visibility-timeout",
        "message-size",
        "delay",
        "messages",
    ];
    assert_eq!(checks, expected);
}

#[test]
fn a_queue_that_does_not_exist_blocks_and_one_that_cannot_be_inspected_is_doubtful_or_not_checked() {
    for (gap, severity) in [
        (Gap::NotFound("gone".into()), Blocking),
        (Gap::Denied("denied".into()), NotChecked),
        (Gap::Unreachable("no connection".into()), Doubtful),
    ] {
        let inspection = Inspection { attributes: Err(gap.clone()), ..good() };
        let finding = only(&inspection);
        assert_eq!((finding.check.as_str(), finding.severity), ("reachable", severity));
        assert_eq!(finding.evidence, text_of(&gap));
        assert_eq!(judge(&inspection).len(), 1, "what follows from the attributes is not judged without them");
    }
}

#[test]
fn an_attribute_that_is_missing_or_unreadable_is_not_checked_and_never_fine() {
    for (name, check) in [
        ("QueueArn", "type"),
        ("MessageRetentionPeriod", "retention"),
        ("VisibilityTimeout", "visibility-timeout"),
        ("MaximumMessageSize", "message-size"),
        ("DelaySeconds", "delay"),
        ("ApproximateNumberOfMessages", "messages"),
        ("ApproximateNumberOfMessagesNotVisible", "messages"),
        ("ApproximateNumberOfMessagesDelayed", "messages"),
    ] {
        let odd = ["", "-1", "1.5", "99999999999999999999"].map(|value| with(good(), name, value));
        let odd = if name == "QueueArn" { &odd[..1] } else { &odd };
        for inspection in odd.iter().chain([&without(good(), name)]) {
            assert_eq!(found(inspection, check).severity, NotChecked, "{inspection:?}");
        }
    }
    let long = with(good(), "QueueArn", &["arn:aws:sqs:us-east-1:123456789012:", &"x".repeat(300)].concat());
    assert_eq!(found(&long, "type").severity, NotChecked);
    assert_eq!(found(&long, "policy").severity, Doubtful, "whether the policy is for this queue is not known");
}

#[test]
fn the_counts_are_known_only_if_sqs_gave_all_of_them() {
    let mut inspection = good();
    for (name, value) in [("", "3"), ("NotVisible", "2"), ("Delayed", "1")] {
        inspection = with(inspection, &["ApproximateNumberOfMessages", name].concat(), value);
    }
    assert_eq!(counts(&inspection), Some(Counts { visible: 3, in_flight: 2, delayed: 1 }));
    assert_eq!(counts(&without(inspection, "ApproximateNumberOfMessagesDelayed")), None);
    assert_eq!(counts(&Inspection { attributes: Err(Gap::Denied(String::new())), ..good() }), None);
}

/// Texts of the queue's owner go to a terminal.
#[test]
fn a_text_of_the_queues_owner_is_shown_short_and_without_control_characters() {
    let sid = ["\u{1b}[2J\u{202e}", &"x".repeat(1000)].concat();
    let deny = statement(json!({ "Effect": "Deny", "Sid": sid }));
    let evidence = found(&with_policy(json!([deny])), "policy").evidence;
    assert!(evidence.contains("(?[2J?xxx") && evidence.len() < 400, "{evidence}");
}

/// The slowest policies of 100 KB. If the work were not in proportion to the text, this would not end.
#[test]
fn the_largest_and_deepest_policies_are_judged_and_never_fine() {
    let operators = ["StringLike", "StringNotLike", "ForAllValues:StringLike", "ArnLike", "Null", "DateLessThan", "x"];
    let conditions: serde_json::Map<_, _> = operators
        .map(|operator| {
            (operator.to_owned(), json!({ "aws:PrincipalAccount": vec!["*4*3*7*5*x"; 1000], "aws:SourceIp": "x" }))
        })
        .into_iter()
        .collect();
    let stars = "*l*w*a".repeat(16_000);
    let members: serde_json::Map<_, _> = (0..6000).map(|n| (n.to_string(), json!([]))).collect();
    let policies = [
        json!([statement(json!({ "Resource": stars }))]),
        json!([statement(json!({ "Resource": vec!["*:*:*:*?x"; 8000] }))]),
        json!([statement(json!({ "Action": vec!["*s*e*n*d?x"; 7500] }))]),
        json!([statement(json!({ "Condition": conditions }))]),
        json!([statement(json!({ "Condition": members }))]),
        json!(vec![statement(json!({ "Principal": "*", "Action": "*x" })); 700]),
    ];
    for statements in policies {
        assert_ne!(found(&with_policy(statements), "policy").severity, Fine);
    }
    for text in ["[".repeat(100_000), r#"{"Statement":["#.repeat(8000), "x".repeat(1 << 20)] {
        assert_eq!(found(&with(good(), "Policy", &text), "policy").severity, Doubtful);
        let description = KeyDescription {
            arn: "arn:aws:kms:us-east-1:1:key/k".into(),
            state: "Enabled".into(),
            managed_by_aws: false,
        };
        let key = Some(Key { description: Ok(description), policy: Ok(text.clone()) });
        let finding = found(&Inspection { key, flow: Flow::Pushed, ..good() }, "encryption");
        assert_eq!(finding.severity, NotChecked);
        assert_eq!(found(&with(good(), "RedrivePolicy", &text), "dead-letter-queue").severity, NotChecked);
    }
}
