//! `ReceiveMessage`, with its long poll.

use std::time::Duration;

use serde_json::{Map, Value, json};
use tokio::time::{Instant, timeout_at};

use super::refusal::Refusal;
use super::{md5, name_of, number, queue};
use crate::Shared;
use crate::queue::{Message, Queue};
use crate::reply::Reply;

/// Receives, waiting for the first message; tells how many there are. The wait is of real time; the emulator's own may jump.
pub async fn receive(shared: &Shared, input: &Value) -> Result<(Reply, usize), Refusal> {
    let (max, wait, visibility) = {
        let mut amazon = shared.amazon();
        let queue = queue(&mut amazon, input)?;
        let wait = queue.attribute_seconds("ReceiveMessageWaitTimeSeconds");
        let visibility = queue.attribute_seconds("VisibilityTimeout");
        (
            usize::try_from(number(input, "MaxNumberOfMessages", 1, 1, 10)?).unwrap_or(1),
            number(input, "WaitTimeSeconds", wait, 0, 20)?,
            number(input, "VisibilityTimeout", visibility, 0, 43_200)?,
        )
    };
    let end = Instant::now() + Duration::from_secs(wait);
    loop {
        // Listen before looking, or a message that comes in between goes unnoticed.
        let changed = shared.changed.notified();
        let wake_at = {
            let mut amazon = shared.amazon();
            queue(&mut amazon, input)?;
            let received = amazon.receive(name_of(input), max, visibility);
            if !received.is_empty() || Instant::now() >= end {
                let messages: Vec<Value> =
                    received.iter().map(|(handle, message)| shown(handle, message, input)).collect();
                let reply = if messages.is_empty() { json!({}) } else { json!({ "Messages": messages }) };
                return Ok((Reply::amz_json(200, &reply), messages.len()));
            }
            let now = amazon.now();
            let next = amazon.queues.get(name_of(input)).and_then(Queue::next_visible_at);
            let next = next.map(|at| Instant::now() + Duration::from_millis(at.saturating_sub(now)));
            next.map_or(end, |next| next.min(end))
        };
        // Whether it was the time or a change, look again.
        let _ = timeout_at(wake_at, changed).await;
    }
}

/// A message as SQS shows it: with those of its attributes that the request asks for.
fn shown(handle: &str, message: &Message, input: &Value) -> Value {
    let asked = |list: &str, name: &str| {
        input[list].as_array().is_some_and(|names| names.iter().any(|asked| asked == name || asked == "All"))
    };
    let attributes: Map<String, Value> = [
        ("SenderId", "437568002678".to_owned()),
        ("ApproximateReceiveCount", message.received.to_string()),
        ("SentTimestamp", message.sent_at.to_string()),
        ("ApproximateFirstReceiveTimestamp", message.first_received_at.unwrap_or_default().to_string()),
    ]
    .into_iter()
    .filter(|(name, _)| asked("AttributeNames", name) || asked("MessageSystemAttributeNames", name))
    .map(|(name, value)| (name.to_owned(), value.into()))
    .collect();
    let mut shown = json!({
        "MessageId": message.id,
        "ReceiptHandle": handle,
        "MD5OfBody": md5(&message.body),
        "Body": message.body,
    });
    if !attributes.is_empty() {
        shown["Attributes"] = attributes.into();
    }
    shown
}
