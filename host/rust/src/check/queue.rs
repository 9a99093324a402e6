//! A queue's own settings: from the attributes that SQS tells to findings.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::policy::{Asked, Policy, Verdict};
use super::{Finding, SENDER, Severity};
use crate::queue::Error;

/// A queue's attributes by the names that SQS gives them.
type Attributes = BTreeMap<String, String>;

const HOUR: u64 = 60 * 60;
const DAY: u64 = 24 * HOUR;
/// The old secret lives for 7 days: a message that goes sooner may be gone before the old secret is.
const RETENTION_WANTED: u64 = 8 * DAY;
/// With less, an outage of some hours is enough to lose the message.
const RETENTION_NEEDED: u64 = DAY;
/// The default of SQS.
const VISIBILITY_WANTED: u64 = 30;
/// Whoever looks at a message hides it for so long at most, or else it may come after the patience.
const VISIBILITY_ALLOWED: u64 = HOUR;
/// A message that cannot be kept at once comes back every two minutes, and every reader of the queue counts.
const RECEIVES_NEEDED: u64 = 10;
/// A new secret that lags is tried every ten minutes, for some hours.
const RECEIVES_WANTED: u64 = 100;
/// Amazon's example of a notification has 790 bytes; the service may send more.
const SIZE_NEEDED: u64 = 4096;

/// What follows when nothing can arrive.
pub(super) const NOTHING_ARRIVES: &str =
    "the new secret would not arrive, and the old one ends 7 days after the rotate call";

/// The queue does not tell how it is set up.
pub(super) fn unreadable(error: &Error) -> Finding {
    let missing = matches!(error, Error::NotFound(_));
    Finding::new(
        "attributes",
        if missing { Severity::Blocking } else { Severity::NotChecked },
        error.to_string(),
        if missing { NOTHING_ARRIVES } else { "nobody knows whether a new secret would arrive in this queue and stay" },
        match error {
            Error::NotFound(_) => "set the url that SQS shows for the queue, or make the queue",
            Error::AccessDenied(_) => {
                "use AWS credentials that work, and allow sqs:GetQueueAttributes on the queue to them"
            }
            _ => "check the connection to SQS, then check again",
        },
    )
}

/// What the attributes tell, but for the encryption.
pub(super) fn findings(attributes: &Attributes) -> Vec<Finding> {
    vec![
        Finding::fine("attributes", "SQS tells how the queue is set up"),
        kind(attributes),
        policy(attributes),
        retention(attributes),
        dead_letters(attributes),
        visibility(attributes),
        size(attributes),
        messages(attributes),
    ]
}

/// The queue's ARN.
pub(super) fn arn(attributes: &Attributes) -> &str {
    attributes.get("QueueArn").map_or("", String::as_str)
}

fn kind(attributes: &Attributes) -> Finding {
    let arn = arn(attributes);
    if attributes.get("FifoQueue").is_some_and(|fifo| fifo == "true") || arn.ends_with(".fifo") {
        return Finding::new(
            "kind",
            Severity::Blocking,
            "it is a FIFO queue",
            format!("Amazon sends notifications to standard queues only: {NOTHING_ARRIVES}"),
            "make a standard queue, register its ARN in the Developer Console, and set its url in the configuration",
        );
    }
    if !arn.is_empty() && !arn.starts_with("arn:aws:") {
        return Finding::new(
            "kind",
            Severity::Warning,
            format!("it lies in another partition of AWS than aws: {arn}"),
            "Amazon takes no such ARN as the destination of notifications, so that nothing may ever arrive",
            "use a queue in any region outside of China and GovCloud",
        );
    }
    Finding::fine("kind", "a standard queue")
}

fn policy(attributes: &Attributes) -> Finding {
    let arn = arn(attributes);
    let remedy = format!("add to the queue's policy: {}", statement(arn));
    let not_sent = |evidence: String| {
        Finding::new(
            "policy",
            Severity::Blocking,
            evidence,
            format!("Amazon cannot send to the queue, without any error: {NOTHING_ARRIVES}"),
            &remedy,
        )
    };
    let Some(text) = attributes.get("Policy").filter(|text| !text.is_empty()) else {
        return not_sent("the queue has no policy, so that only its own account may send".into());
    };
    let policy = match Policy::parse(text) {
        Ok(policy) => policy,
        Err(error) => {
            return Finding::new(
                "policy",
                Severity::NotChecked,
                format!("the policy cannot be read: {error}"),
                "nobody knows whether Amazon may send",
                remedy,
            );
        }
    };
    let judge = |action| {
        let known = [("aws:securetransport", "true"), ("aws:principalaccount", SENDER)];
        policy.judge(&Asked { account: SENDER, action, resource: arn, known: &known })
    };
    match (judge("sqs:SendMessage"), judge("sqs:GetQueueAttributes")) {
        (Verdict::Denied(shown), _) => not_sent(format!("account {SENDER} is denied sqs:SendMessage by {shown}")),
        (Verdict::NotAllowed(None), _) => {
            not_sent(format!("no statement of the policy allows account {SENDER} sqs:SendMessage"))
        }
        (Verdict::NotAllowed(Some(near)), _) => {
            not_sent(format!("no statement of the policy allows account {SENDER} sqs:SendMessage on {arn}; {near}"))
        }
        (Verdict::Unclear(shown), _) => Finding::new(
            "policy",
            Severity::Warning,
            format!(
                "account {SENDER} is allowed sqs:SendMessage only under conditions that check cannot judge: {shown}"
            ),
            "Amazon may be unable to send to the queue, without any error",
            format!("see that the conditions hold for Amazon, or {remedy}"),
        ),
        (Verdict::Allowed, Verdict::Allowed) => {
            Finding::fine("policy", format!("account {SENDER} may send, and look at the queue's attributes"))
        }
        (Verdict::Allowed, _) => Finding::new(
            "policy",
            Severity::Warning,
            format!("account {SENDER} may send, but it is not certain that it is allowed sqs:GetQueueAttributes"),
            "Amazon asks for both; registering the queue in the Developer Console may fail",
            remedy,
        ),
    }
}

/// What Amazon's documents want to see in the policy of a queue.
fn statement(arn: &str) -> Value {
    json!({
        "Effect": "Allow",
        "Principal": { "AWS": format!("arn:aws:iam::{SENDER}:root") },
        "Action": ["sqs:SendMessage", "sqs:GetQueueAttributes"],
        "Resource": arn,
    })
}

fn retention(attributes: &Attributes) -> Finding {
    let Some(seconds) = number(attributes, "MessageRetentionPeriod") else {
        return untold("retention", "MessageRetentionPeriod");
    };
    let evidence = format!("messages are kept for {}", lifetime(seconds));
    let severity = match seconds {
        0..RETENTION_NEEDED => Severity::Blocking,
        RETENTION_NEEDED..RETENTION_WANTED => Severity::Warning,
        _ => return Finding::fine("retention", evidence),
    };
    Finding::new(
        "retention",
        severity,
        evidence,
        format!(
            "the message is the only copy of the new secret; if nobody reads the queue for {}, it is gone, and the old secret ends 7 days after the rotate call",
            lifetime(seconds)
        ),
        "set MessageRetentionPeriod to 1209600 (14 days); 8 days at least",
    )
}

fn dead_letters(attributes: &Attributes) -> Finding {
    let Some(text) = attributes.get("RedrivePolicy").filter(|text| !text.is_empty()) else {
        return Finding::fine("dead-letter-queue", "there is none");
    };
    let redrive: Value = serde_json::from_str(text).unwrap_or_default();
    let most = &redrive["maxReceiveCount"];
    let Some(most) = most.as_u64().or_else(|| most.as_str()?.parse().ok()) else {
        return untold("dead-letter-queue", "maxReceiveCount of RedrivePolicy");
    };
    let target = redrive["deadLetterTargetArn"].as_str().unwrap_or("a queue without a name");
    let evidence = format!("what was received {most} times goes to {target}");
    let (severity, consequence) = match most {
        0..RECEIVES_NEEDED => (
            Severity::Blocking,
            "a message that cannot be kept at once comes back, and each receive counts, those of other readers too: the new secret may end up where nobody looks for it",
        ),
        RECEIVES_NEEDED..RECEIVES_WANTED => (
            Severity::Warning,
            "a message comes back for as long as its secret is not accepted, which can take hours: a copy of the new secret may stay where nobody looks for it",
        ),
        _ => return Finding::fine("dead-letter-queue", evidence),
    };
    Finding::new(
        "dead-letter-queue",
        severity,
        evidence,
        consequence,
        "take the redrive policy away from this queue, or set maxReceiveCount to 1000",
    )
}

fn visibility(attributes: &Attributes) -> Finding {
    let Some(seconds) = number(attributes, "VisibilityTimeout") else {
        return untold("visibility-timeout", "VisibilityTimeout");
    };
    let evidence = format!("received messages are hidden for {} by default", lifetime(seconds));
    let consequence = match seconds {
        0..VISIBILITY_WANTED => {
            "lwa-rotate sets its own with each receive; any other reader gets a message again before it is done with it"
        }
        VISIBILITY_WANTED..=VISIBILITY_ALLOWED => return Finding::fine("visibility-timeout", evidence),
        _ => {
            "lwa-rotate sets its own with each receive; a message that anybody else looks at, in the AWS console for instance, is hidden from it for so long, while a rotation waits"
        }
    };
    Finding::new("visibility-timeout", Severity::Warning, evidence, consequence, "set VisibilityTimeout to 120")
}

fn size(attributes: &Attributes) -> Finding {
    match number(attributes, "MaximumMessageSize") {
        None => untold("message-size", "MaximumMessageSize"),
        Some(bytes @ 0..SIZE_NEEDED) => Finding::new(
            "message-size",
            Severity::Blocking,
            format!("messages may have {bytes} bytes at most"),
            format!("a notification may be longer, and SQS would refuse it: {NOTHING_ARRIVES}"),
            "set MaximumMessageSize to 262144",
        ),
        Some(bytes) => Finding::fine("message-size", format!("messages may have {bytes} bytes")),
    }
}

fn messages(attributes: &Attributes) -> Finding {
    let count = |name: &str| number(attributes, name);
    let Some(waiting) = count("ApproximateNumberOfMessages") else {
        return untold("messages", "ApproximateNumberOfMessages");
    };
    let in_flight = count("ApproximateNumberOfMessagesNotVisible").unwrap_or_default();
    let delayed = count("ApproximateNumberOfMessagesDelayed").unwrap_or_default();
    if waiting + in_flight + delayed == 0 {
        return Finding::fine("messages", "the queue is empty");
    }
    Finding::new(
        "messages",
        Severity::Warning,
        format!("about {waiting} wait, {in_flight} were received and not deleted, {delayed} are delayed"),
        "they are notifications that nobody has taken up yet, or messages of others, which are received again and again",
        "run `lwa-rotate rotate` or `lwa-rotate watch`, which take up what is for their applications; if messages stay, give the notifications a queue of their own",
    )
}

fn number(attributes: &Attributes, name: &str) -> Option<u64> {
    attributes.get(name)?.parse().ok()
}

fn untold(check: &'static str, name: &str) -> Finding {
    Finding::new(
        check,
        Severity::NotChecked,
        format!("SQS does not tell the queue's {name}"),
        "nobody knows whether it is as it should be",
        "look at the queue in the AWS console",
    )
}

/// In the largest unit that it is a whole number of.
fn lifetime(seconds: u64) -> String {
    let (count, unit) = match seconds {
        0 => (0, "second"),
        _ if seconds.is_multiple_of(DAY) => (seconds / DAY, "day"),
        _ if seconds.is_multiple_of(HOUR) => (seconds / HOUR, "hour"),
        _ if seconds.is_multiple_of(60) => (seconds / 60, "minute"),
        _ => (seconds, "second"),
    };
    format!("{count} {unit}{}", if count == 1 { "" } else { "s" })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;
