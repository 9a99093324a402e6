use super::*;

/// A queue without faults.
fn good() -> Attributes {
    let arn = "arn:aws:sqs:us-east-1:123456789012:lwa";
    let policy = json!({ "Version": "2012-10-17", "Statement": [statement(arn)] });
    [
        ("QueueArn", arn),
        ("Policy", &policy.to_string()),
        ("MessageRetentionPeriod", "1209600"),
        ("VisibilityTimeout", "30"),
        ("MaximumMessageSize", "1048576"),
        ("ApproximateNumberOfMessages", "0"),
        ("ApproximateNumberOfMessagesNotVisible", "0"),
        ("ApproximateNumberOfMessagesDelayed", "0"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .into()
}

/// The one finding that is not fine when one attribute has another value, or is missing.
fn broken(name: &str, value: &str) -> Finding {
    let mut attributes = good();
    attributes.insert(name.into(), value.into());
    only(&attributes)
}

fn only(attributes: &Attributes) -> Finding {
    let mut found: Vec<_> = findings(attributes).into_iter().filter(|f| f.severity != Severity::Fine).collect();
    assert_eq!(found.len(), 1, "{found:?}");
    let finding = found.pop().unwrap();
    assert!(
        !finding.evidence.is_empty() && !finding.consequence.is_empty() && !finding.remedy.is_empty(),
        "{finding:?}"
    );
    finding
}

#[test]
fn a_queue_without_faults_has_none() {
    assert!(findings(&good()).iter().all(|finding| finding.severity == Severity::Fine), "{:?}", findings(&good()));
}

#[test]
fn each_fault_is_one_finding_with_its_remedy() {
    use Severity::{Blocking, Warning};
    let dead =
        |count: &str| format!(r#"{{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:1:dead","maxReceiveCount":{count}}}"#);
    for (name, value, check, severity, remedy) in [
        ("FifoQueue", "true", "kind", Blocking, "standard queue"),
        ("Policy", "", "policy", Blocking, "arn:aws:iam::437568002678:root"),
        ("MessageRetentionPeriod", "345600", "retention", Warning, "1209600"),
        ("MessageRetentionPeriod", "691199", "retention", Warning, "1209600"),
        ("MessageRetentionPeriod", "86399", "retention", Blocking, "1209600"),
        ("VisibilityTimeout", "0", "visibility-timeout", Warning, "VisibilityTimeout"),
        ("VisibilityTimeout", "43200", "visibility-timeout", Warning, "VisibilityTimeout"),
        ("RedrivePolicy", &dead("3"), "dead-letter-queue", Blocking, "maxReceiveCount"),
        ("RedrivePolicy", &dead("\"9\""), "dead-letter-queue", Blocking, "maxReceiveCount"),
        ("RedrivePolicy", &dead("10"), "dead-letter-queue", Warning, "maxReceiveCount"),
        ("MaximumMessageSize", "1024", "message-size", Blocking, "MaximumMessageSize"),
        ("ApproximateNumberOfMessages", "2", "messages", Warning, "a queue of their own"),
        ("ApproximateNumberOfMessagesNotVisible", "1", "messages", Warning, "a queue of their own"),
        ("QueueArn", "arn:aws:sqs:us-east-1:123456789012:lwa.fifo", "kind", Blocking, "standard queue"),
    ] {
        let mut attributes = good();
        attributes.insert(name.into(), value.into());
        if name == "QueueArn" {
            attributes.insert("Policy".into(), json!({ "Statement": statement(value) }).to_string());
        }
        let finding = only(&attributes);
        assert_eq!((finding.check, finding.severity), (check, severity), "{name} {value}: {finding:?}");
        assert!(finding.remedy.contains(remedy), "{name} {value}: {finding:?}");
    }
}

#[test]
fn what_is_enough_is_fine() {
    for (name, value) in [
        ("MessageRetentionPeriod", "691200"),
        ("VisibilityTimeout", "3600"),
        ("RedrivePolicy", r#"{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:1:dead","maxReceiveCount":100}"#),
        ("MaximumMessageSize", "4096"),
        ("FifoQueue", "false"),
    ] {
        let mut attributes = good();
        attributes.insert(name.into(), value.into());
        assert!(findings(&attributes).iter().all(|finding| finding.severity == Severity::Fine), "{name} {value}");
    }
}

#[test]
fn what_sqs_does_not_tell_is_not_checked_and_never_fine() {
    for (name, check) in [
        ("MessageRetentionPeriod", "retention"),
        ("VisibilityTimeout", "visibility-timeout"),
        ("MaximumMessageSize", "message-size"),
        ("ApproximateNumberOfMessages", "messages"),
    ] {
        let mut attributes = good();
        attributes.remove(name);
        let finding = only(&attributes);
        assert_eq!((finding.check, finding.severity), (check, Severity::NotChecked), "{finding:?}");
    }
    for (name, value, check) in [("Policy", "{", "policy"), ("RedrivePolicy", "{}", "dead-letter-queue")] {
        let finding = broken(name, value);
        assert_eq!((finding.check, finding.severity), (check, Severity::NotChecked), "{finding:?}");
    }
}

#[test]
fn a_policy_is_judged_by_what_it_lets_amazon_do() {
    let policy = |change: Value| {
        let mut attributes = good();
        let mut statement = statement(arn(&attributes));
        for (name, value) in change.as_object().unwrap() {
            statement[name] = value.clone();
        }
        attributes.insert("Policy".into(), json!({ "Statement": [statement] }).to_string());
        only(&attributes)
    };

    for (change, severity, evidence) in [
        (json!({ "Effect": "Deny" }), Severity::Blocking, "is denied sqs:SendMessage by statement 1"),
        (json!({ "Principal": { "AWS": "1" } }), Severity::Blocking, "no statement"),
        (json!({ "Action": "sqs:GetQueueAttributes" }), Severity::Blocking, "may do something else"),
        (json!({ "Action": "sqs:SendMessage" }), Severity::Warning, "sqs:GetQueueAttributes"),
        (json!({ "Condition": { "IpAddress": {"aws:SourceIp": "10.0.0.0/8" } } }), Severity::Warning, "cannot judge"),
    ] {
        let finding = policy(change);
        assert_eq!((finding.check, finding.severity), ("policy", severity), "{finding:?}");
        assert!(finding.evidence.contains(evidence), "{finding:?}");
    }
}

#[test]
fn a_queue_of_another_partition_is_a_warning() {
    let arn = "arn:aws-cn:sqs:cn-north-1:123456789012:lwa";
    let mut attributes = good();
    attributes.insert("QueueArn".into(), arn.into());
    attributes.insert("Policy".into(), json!({ "Statement": statement(arn) }).to_string());
    assert_eq!((only(&attributes).check, only(&attributes).severity), ("kind", Severity::Warning));
}

#[test]
fn a_queue_that_cannot_be_looked_at_is_not_checked_and_one_that_is_not_there_is_blocking() {
    let severity = |error| unreadable(&error).severity;
    assert_eq!(severity(Error::AccessDenied("x".into())), Severity::NotChecked);
    assert_eq!(severity(Error::Unavailable("x".into())), Severity::NotChecked);
    assert_eq!(severity(Error::Other("x".into())), Severity::NotChecked);
    assert_eq!(severity(Error::NotFound("x".into())), Severity::Blocking);
}

#[test]
fn lifetimes_are_told_in_the_largest_whole_unit() {
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
