use serde_json::json;

use super::super::testing::{found, good, only, statement, with};
use super::*;
use crate::bindings::lwa::rotation::queue::Inspection;
use Severity::Fine;

#[test]
fn each_fault_is_one_finding_with_its_remedy() {
    for (name, value, check, severity, remedy) in [
        ("FifoQueue", "true", "type", Blocking, "standard queue"),
        ("FifoQueue", "True", "type", Blocking, "standard queue"),
        ("MessageRetentionPeriod", "345600", "retention", Warning, "1209600"),
        ("MessageRetentionPeriod", "691199", "retention", Warning, "1209600"),
        ("MessageRetentionPeriod", "86399", "retention", Doubtful, "1209600"),
        ("VisibilityTimeout", "0", "visibility-timeout", Warning, "VisibilityTimeout"),
        ("VisibilityTimeout", "43200", "visibility-timeout", Warning, "VisibilityTimeout"),
        ("MaximumMessageSize", "1024", "message-size", Blocking, "MaximumMessageSize"),
        ("DelaySeconds", "1", "delay", Warning, "DelaySeconds"),
        ("ApproximateNumberOfMessages", "2", "messages", Warning, "a queue of their own"),
        ("ApproximateNumberOfMessagesNotVisible", "1", "messages", Warning, "a queue of their own"),
        ("ApproximateNumberOfMessagesDelayed", "1", "messages", Warning, "a queue of their own"),
    ] {
        let finding = only(&with(good(), name, value));
        assert_eq!((finding.check.as_str(), finding.severity), (check, severity), "{name} {value}: {finding:?}");
        assert!(finding.remedy.contains(remedy), "{name} {value}: {finding:?}");
    }
}

#[test]
fn what_is_enough_is_fine() {
    for (name, value, check) in [
        ("MessageRetentionPeriod", "691200", "retention"),
        ("VisibilityTimeout", "3600", "visibility-timeout"),
        ("MaximumMessageSize", "4096", "message-size"),
        ("FifoQueue", "false", "type"),
    ] {
        assert_eq!(found(&with(good(), name, value), check).severity, Fine, "{name} {value}");
    }
}

#[test]
fn a_fifo_queue_is_known_by_its_name_too() {
    let fifo = "arn:aws:sqs:us-east-1:123456789012:lwa.fifo";
    assert_eq!(found(&with(good(), "QueueArn", fifo), "type").severity, Blocking);
}

#[test]
fn a_queue_of_another_partition_is_a_warning() {
    let arn = "arn:aws-cn:sqs:cn-north-1:123456789012:lwa";
    let policy = json!({ "Statement": statement(json!({ "Resource": arn })) }).to_string();
    let finding = only(&with(with(good(), "QueueArn", arn), "Policy", &policy));
    assert_eq!((finding.check.as_str(), finding.severity), ("type", Warning));
}

#[test]
fn messages_that_are_in_flight_while_none_waits_point_to_another_program() {
    let in_flight = with(good(), "ApproximateNumberOfMessagesNotVisible", "7");
    let finding = only(&in_flight);
    assert!(
        finding.evidence.contains("0 waiting, 7 in flight") && finding.consequence.contains("another program"),
        "{finding:?}"
    );
    let some = only(&with(in_flight, "ApproximateNumberOfMessages", "1"));
    assert!(some.consequence.contains("not taken up"), "{some:?}");
}

#[test]
fn a_queue_that_a_service_consumes_says_so() {
    let pushed = Inspection { flow: Flow::Pushed, ..good() };
    let empty = found(&pushed, "messages");
    assert!(empty.severity == Fine && empty.evidence.contains("a service consumes the queue"), "{empty:?}");
    let in_flight = only(&with(pushed, "ApproximateNumberOfMessagesNotVisible", "1"));
    assert!(in_flight.evidence.contains("a service consumes the queue"), "{in_flight:?}");
    assert!(!in_flight.consequence.contains("another program"), "{in_flight:?}");
    let waiting = only(&with(Inspection { flow: Flow::Pushed, ..good() }, "ApproximateNumberOfMessages", "1"));
    assert!(waiting.consequence.contains("does not keep up"), "{waiting:?}");
}

#[test]
fn absurd_counts_are_no_error() {
    let most = u64::MAX.to_string();
    let mut inspection = good();
    for name in ["", "NotVisible", "Delayed"] {
        inspection = with(inspection, &["ApproximateNumberOfMessages", name].concat(), &most);
    }
    assert_eq!(only(&inspection).severity, Warning);
}

#[test]
fn lifetimes_are_shown_in_the_largest_whole_unit() {
    for (seconds, expected) in [
        (0, "0 seconds"),
        (1, "1 second"),
        (60, "1 minute"),
        (7200, "2 hours"),
        (345_600, "4 days"),
        (86_399, "86399 seconds"),
    ] {
        assert_eq!(lifetime(seconds), expected);
    }
}
