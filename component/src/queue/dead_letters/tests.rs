use super::super::testing::{found, good, only, with};
use super::*;
use Severity::{Fine, NotChecked};

fn inspected(policy: &str) -> QueueFinding {
    found(&with(good(), "RedrivePolicy", policy), CHECK)
}

#[test]
fn a_queue_that_gives_messages_away_too_soon_is_doubtful_or_a_warning() {
    for (count, severity) in [
        ("0", Doubtful),
        ("3", Doubtful),
        ("\"9\"", Doubtful),
        ("10", Warning),
        ("99", Warning),
        ("100", Fine),
        ("\"1000\"", Fine),
    ] {
        let policy = format!(r#"{{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:1:dead","maxReceiveCount":{count}}}"#);
        let finding = inspected(&policy);
        assert_eq!(finding.severity, severity, "{finding:?}");
        assert!(finding.evidence.ends_with("goes to arn:aws:sqs:us-east-1:1:dead"), "{finding:?}");
        if severity != Fine {
            assert_eq!(only(&with(good(), "RedrivePolicy", &policy)).check, CHECK);
            assert!(finding.remedy.contains("maxReceiveCount"), "{finding:?}");
        }
    }
}

#[test]
fn a_redrive_policy_that_cannot_be_read_is_not_checked() {
    for policy in
        ["{", "{}", "7", r#"{"maxReceiveCount":-1}"#, r#"{"maxReceiveCount":"many"}"#, r#"{"maxReceiveCount":[3]}"#]
    {
        assert_eq!(inspected(policy).severity, NotChecked, "{policy}");
    }
    assert_eq!(inspected("").severity, Fine, "an empty value is none");
}
