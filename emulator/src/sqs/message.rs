//! Messages: what SQS accepts, and how it shows them.

use std::fmt::Write as _;

use md5::{Digest as _, Md5};
use serde_json::{Map, Value, json};

use super::input::{number, text};
use super::refusal::Refusal;
use crate::queue::{Message, Queue};

/// How many bytes a batch of messages has at most.
const LARGEST_BATCH: usize = 1_048_576;

/// Whether SQS accepts a character: those of XML 1.0.
fn is_allowed(character: char) -> bool {
    matches!(character, '\t' | '\n' | '\r' | ' '..='\u{fffd}' | '\u{10000}'..)
}

/// Sends a message, if SQS accepts it. What comes back is the answer.
pub fn send(queue: &mut Queue, input: &Value, now: u64) -> Result<Value, Refusal> {
    let body = text(input, "MessageBody")?;
    let largest = queue.number("MaximumMessageSize");
    if u64::try_from(body.len()).is_ok_and(|size| size > largest) {
        return Err(Refusal::invalid(format!(
            "One or more parameters are invalid. Reason: Message must be shorter than {largest} bytes."
        )));
    }
    if let Some(refused) = body.chars().find(|character| !is_allowed(*character)) {
        return Err(Refusal::character(refused));
    }
    let delay = number(input, "DelaySeconds", queue.number("DelaySeconds"), 0, 900)?;
    let id = queue.send(body.to_owned(), now, now + delay * 1000);
    Ok(json!({ "MessageId": id, "MD5OfMessageBody": md5(body) }))
}

/// The messages of a batch together have a largest size, too.
pub fn check_batch(entries: &[Value]) -> Result<(), Refusal> {
    let size = entries.iter().filter_map(|entry| entry["MessageBody"].as_str()).map(str::len).sum();
    if size > LARGEST_BATCH { Err(Refusal::batch_is_too_large(LARGEST_BATCH, size)) } else { Ok(()) }
}

/// A message as SQS shows it: with those of its attributes that the request asks for.
pub fn shown(handle: &str, message: &Message, input: &Value) -> Value {
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

fn md5(text: &str) -> String {
    let mut hex = String::new();
    for byte in Md5::digest(text.as_bytes()) {
        // Writing to a string cannot fail.
        let _ = write!(hex, "{byte:02x}");
    }
    hex
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_outside_xml_are_not_allowed() {
        for character in
            ['\t', '\n', '\r', ' ', '~', '\u{7f}', '\u{d7ff}', '\u{e000}', '\u{fffd}', '\u{10000}', '\u{10ffff}']
        {
            assert!(is_allowed(character), "{character:?}");
        }
        for character in ['\0', '\u{8}', '\u{b}', '\u{c}', '\u{e}', '\u{1f}', '\u{fffe}', '\u{ffff}'] {
            assert!(!is_allowed(character), "{character:?}");
        }
    }
}
