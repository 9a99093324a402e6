//! The queue's numbers, and its type.

use Severity::{Blocking, Doubtful, Warning};

use super::{Attributes, Counts, NOTHING_ARRIVES, Severity, finding, fine, missing, shown};
use crate::bindings::exports::lwa::rotation::rotation::QueueFinding;
use crate::bindings::lwa::rotation::queue::Flow;

const HOUR: u64 = 60 * 60;
const DAY: u64 = 24 * HOUR;
/// The old secret works for 7 days: a message that is kept for less may be gone before it.
const RETENTION_WANTED: u64 = 8 * DAY;
/// With less, an outage of some hours is enough to lose the message.
const RETENTION_NEEDED: u64 = DAY;
/// The default of SQS.
const VISIBILITY_WANTED: u64 = 30;
/// With more, a message that another reader received may come back after the patience has ended.
const VISIBILITY_ALLOWED: u64 = HOUR;
/// Amazon's example of a notification has 790 bytes; the service may send more.
const SIZE_NEEDED: u64 = 4096;

/// Whether Amazon sends to queues of this type.
pub(super) fn kind(attributes: Attributes<'_>) -> QueueFinding {
    const CHECK: &str = "type";
    let arn = attributes.arn();
    let fifo = attributes.text("FifoQueue");
    if !matches!(fifo, "" | "false") || arn.ends_with(".fifo") {
        let consequence = ["Amazon sends notifications to standard queues only: ", NOTHING_ARRIVES].concat();
        return finding(
            CHECK,
            Blocking,
            "it is a FIFO queue",
            &consequence,
            "create a standard queue, register its ARN in the Developer Console, and use it for the application",
        );
    }
    if arn.is_empty() {
        return missing(CHECK, "QueueArn");
    }
    if !arn.starts_with("arn:aws:") {
        return finding(
            CHECK,
            Warning,
            &["it is in another partition of AWS than aws: ", &shown(arn)].concat(),
            "Amazon accepts no such ARN as a destination of notifications, so nothing may ever arrive",
            "use a queue in a region outside of China and GovCloud",
        );
    }
    fine(CHECK, "a standard queue")
}

/// How long messages are kept.
pub(super) fn retention(attributes: Attributes<'_>) -> QueueFinding {
    const CHECK: &str = "retention";
    const NAME: &str = "MessageRetentionPeriod";
    let Some(seconds) = attributes.number(NAME) else { return missing(CHECK, NAME) };
    let evidence = ["messages are kept for ", &lifetime(seconds)].concat();
    let severity = match seconds {
        0..RETENTION_NEEDED => Doubtful,
        RETENTION_NEEDED..RETENTION_WANTED => Warning,
        _ => return fine(CHECK, &evidence),
    };
    finding(
        CHECK,
        severity,
        &evidence,
        "the message is the only copy of the new secret; it is lost if the queue is not read in that time, and the old secret ends 7 days after the rotate call",
        "set MessageRetentionPeriod to 1209600 (14 days), or to at least 691200 (8 days)",
    )
}

/// How long received messages are hidden where a reader does not say.
pub(super) fn visibility(attributes: Attributes<'_>) -> QueueFinding {
    const CHECK: &str = "visibility-timeout";
    const NAME: &str = "VisibilityTimeout";
    let Some(seconds) = attributes.number(NAME) else { return missing(CHECK, NAME) };
    let evidence = ["received messages are hidden for ", &lifetime(seconds), " by default"].concat();
    let consequence = match seconds {
        0..VISIBILITY_WANTED => {
            "lwa-rotate sets its own timeout with each receive; any other reader may get a message again before it has finished with it"
        }
        VISIBILITY_WANTED..=VISIBILITY_ALLOWED => return fine(CHECK, &evidence),
        _ => {
            "lwa-rotate sets its own timeout with each receive; a message that another reader receives, such as the AWS console, is hidden from it for that long while a rotation waits"
        }
    };
    finding(CHECK, Warning, &evidence, consequence, "set VisibilityTimeout to 120")
}

/// How large a message may be.
pub(super) fn size(attributes: Attributes<'_>) -> QueueFinding {
    const CHECK: &str = "message-size";
    const NAME: &str = "MaximumMessageSize";
    let Some(bytes) = attributes.number(NAME) else { return missing(CHECK, NAME) };
    let evidence = ["a message may have at most ", &bytes.to_string(), " bytes"].concat();
    if bytes >= SIZE_NEEDED {
        return fine(CHECK, &evidence);
    }
    let consequence = ["a notification may be larger, and SQS refuses it: ", NOTHING_ARRIVES].concat();
    finding(CHECK, Blocking, &evidence, &consequence, "set MaximumMessageSize to 262144")
}

/// How long a message is hidden when it comes in.
pub(super) fn delay(attributes: Attributes<'_>) -> QueueFinding {
    const CHECK: &str = "delay";
    const NAME: &str = "DelaySeconds";
    match attributes.number(NAME) {
        None => missing(CHECK, NAME),
        Some(0) => fine(CHECK, "messages can be received as soon as they arrive"),
        Some(seconds) => finding(
            CHECK,
            Warning,
            &["messages can be received only ", &lifetime(seconds), " after they arrive"].concat(),
            "a new secret comes later, and reading the queue before a rotate call misses one that has just arrived",
            "set DelaySeconds to 0",
        ),
    }
}

/// The messages that are in the queue.
pub(super) fn messages(counts: Option<Counts>, flow: Flow) -> QueueFinding {
    const CHECK: &str = "messages";
    let pushed = flow == Flow::Pushed;
    let Some(Counts { visible, in_flight, delayed }) = counts else { return missing(CHECK, "number of messages") };
    let service = if pushed { "; a service consumes the queue and passes its messages to this host" } else { "" };
    if (visible, in_flight, delayed) == (0, 0, 0) {
        return fine(CHECK, &["the queue is empty", service].concat());
    }
    let (consequence, remedy) = if pushed && visible > 0 {
        (
            "the service does not keep up, or has stopped: a new secret waits in the queue",
            "check that the service is enabled and may receive from the queue, such as the event source mapping of AWS Lambda",
        )
    } else if pushed {
        (
            "the service has received messages that are not finished; each comes back until it is",
            "if they stay, check the errors of what the service calls, and give the notifications a queue of their own",
        )
    } else if visible == 0 && in_flight > 0 {
        (
            "another program may be receiving the messages of this queue: it may take a new secret, or hide it while a rotation waits",
            "check again in some minutes; if they are still in flight, find what else receives from this queue and stop it, or give the notifications a queue of their own",
        )
    } else {
        (
            "they are notifications that are not taken up yet, or messages for other programs, which are received again and again",
            "drain the queue, which takes up what is for your applications; if messages stay, give the notifications a queue of their own",
        )
    };
    let [visible, in_flight, delayed] = [visible, in_flight, delayed].map(|count| count.to_string());
    let evidence = [
        "about ",
        &visible,
        " waiting, ",
        &in_flight,
        " in flight (received, not deleted), ",
        &delayed,
        " delayed",
        service,
    ];
    finding(CHECK, Warning, &evidence.concat(), consequence, remedy)
}

/// In the largest unit that it is a whole number of.
fn lifetime(seconds: u64) -> String {
    let (count, unit) = match seconds {
        0 => (0, " second"),
        _ if seconds.is_multiple_of(DAY) => (seconds / DAY, " day"),
        _ if seconds.is_multiple_of(HOUR) => (seconds / HOUR, " hour"),
        _ if seconds.is_multiple_of(60) => (seconds / 60, " minute"),
        _ => (seconds, " second"),
    };
    [count.to_string().as_str(), unit, if count == 1 { "" } else { "s" }].concat()
}

#[cfg(test)]
mod tests;
