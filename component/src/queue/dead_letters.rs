//! The queue that messages go to which are received too often.

use Severity::{Doubtful, Warning};

use super::{Attributes, Severity, finding, fine, missing, shown};
use crate::bindings::exports::lwa::rotation::rotation::QueueFinding;
use crate::json::Json;

const CHECK: &str = "dead-letter-queue";
/// A message that cannot be kept at once comes back every two minutes, and every reader of the queue counts.
const NEEDED: u64 = 10;
/// A new secret that Amazon does not accept yet is tried every ten minutes, for some hours.
const WANTED: u64 = 100;

pub(super) fn judge(attributes: Attributes<'_>) -> QueueFinding {
    let text = attributes.text("RedrivePolicy");
    if text.is_empty() {
        return fine(CHECK, "the queue has none");
    }
    let redrive = Json::parse(text.as_bytes()).unwrap_or(Json::Null);
    let most = match redrive.get("maxReceiveCount") {
        Some(Json::Number(most)) => Some(*most),
        Some(Json::Text(most)) => most.expose_text().parse().ok(),
        _ => None,
    };
    let Some(most) = most else { return missing(CHECK, "maxReceiveCount in RedrivePolicy") };
    let target = shown(redrive.text_or_empty("deadLetterTargetArn"));
    let evidence = ["after ", &most.to_string(), " receives, a message goes to ", &target].concat();
    let (severity, consequence) = match most {
        0..NEEDED => (
            Doubtful,
            "a message that cannot be kept at once comes back, and each receive counts, those of other readers too: the only copy of the new secret may go to a queue that is not read",
        ),
        NEEDED..WANTED => (
            Warning,
            "a message comes back until Amazon accepts its secret, which can take hours: a copy of the new secret may stay in a queue that is not read",
        ),
        _ => return fine(CHECK, &evidence),
    };
    let remedy = "remove the redrive policy from this queue, or set maxReceiveCount to 1000";
    finding(CHECK, severity, &evidence, consequence, remedy)
}

#[cfg(test)]
mod tests;
