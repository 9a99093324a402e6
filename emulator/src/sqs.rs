//! The SQS operations that `aws-sdk-sqs` and boto3 use for this work, in SQS's JSON protocol.
//!
//! Signatures are not checked: any access key will do.

mod attributes;
mod receive;
mod refusal;

use std::fmt::Write as _;

use md5::{Digest as _, Md5};
use serde_json::{Value, json};

use crate::Shared;
use crate::amazon::Amazon;
use crate::queue::Queue;
use crate::reply::Reply;

pub use refusal::Refusal;

/// SQS's largest message, in bytes.
const LARGEST: usize = 1_048_576;
/// How many entries a batch holds at most.
const LONGEST_BATCH: usize = 10;

/// The URL of a queue.
pub fn queue_url(base: &str, name: &str) -> String {
    format!("{base}/000000000000/{name}")
}

/// Answers an operation; tells how many messages a receive brought.
pub async fn serve(shared: &Shared, operation: &str, body: &[u8]) -> (Reply, Option<usize>) {
    let Ok(input) = serde_json::from_slice(body) else {
        return (Refusal::not_json().into_reply(), None);
    };
    if operation == "ReceiveMessage" {
        return match receive::receive(shared, &input).await {
            Ok((reply, count)) => (reply, Some(count)),
            Err(refusal) => (refusal.into_reply(), None),
        };
    }
    let reply = answer(&mut shared.amazon(), &shared.base, operation, &input).unwrap_or_else(Refusal::into_reply);
    shared.changed.notify_waiters();
    (reply, None)
}

/// The answer to everything but a receive.
fn answer(amazon: &mut Amazon, base: &str, operation: &str, input: &Value) -> Result<Reply, Refusal> {
    let now = amazon.now();
    let url = |name: &str| json!({ "QueueUrl": queue_url(base, name) });
    match operation {
        "DeleteMessage" => {
            delete(queue(amazon, input)?, input)?;
        }
        "DeleteMessageBatch" => {
            let queue = queue(amazon, input)?;
            return batch(input, |entry| delete(queue, entry));
        }
        "ChangeMessageVisibility" => hide(queue(amazon, input)?, input, now)?,
        "ChangeMessageVisibilityBatch" => {
            let queue = queue(amazon, input)?;
            return batch(input, |entry| hide(queue, entry, now));
        }
        "SendMessage" => return send(queue(amazon, input)?, input, now),
        "PurgeQueue" => queue(amazon, input)?.purge(),
        "GetQueueAttributes" => return Ok(attributes::get(queue(amazon, input)?, input, now)),
        "SetQueueAttributes" => {
            let given = attributes::given(amazon, &input["Attributes"])?;
            attributes::set(queue(amazon, input)?, given);
        }
        "GetQueueUrl" => {
            let name = text(input, "QueueName")?;
            amazon.queues.get(name).ok_or_else(Refusal::no_queue)?;
            return Ok(Reply::amz_json(200, &url(name)));
        }
        "CreateQueue" => {
            let name = text(input, "QueueName")?;
            create(amazon, name, &input["Attributes"])?;
            return Ok(Reply::amz_json(200, &url(name)));
        }
        "DeleteQueue" => {
            amazon.queues.remove(name_of(input)).ok_or_else(Refusal::no_queue)?;
        }
        "ListQueues" => {
            let prefix = input["QueueNamePrefix"].as_str().unwrap_or_default();
            let names = amazon.queues.keys().filter(|name| name.starts_with(prefix));
            let urls: Vec<String> = names.map(|name| queue_url(base, name)).collect();
            return Ok(Reply::amz_json(200, &json!({ "QueueUrls": urls })));
        }
        other => return Err(Refusal::unsupported(other)),
    }
    Ok(Reply::amz_json(200, &json!({})))
}

/// The queue's name, which is the end of its URL, whatever the host that the client calls it by.
fn name_of(input: &Value) -> &str {
    input["QueueUrl"].as_str().and_then(|url| url.rsplit('/').next()).unwrap_or_default()
}

fn queue<'a>(amazon: &'a mut Amazon, input: &Value) -> Result<&'a mut Queue, Refusal> {
    amazon.queues.get_mut(name_of(input)).ok_or_else(Refusal::no_queue)
}

/// A text that a request must have.
fn text<'a>(input: &'a Value, name: &str) -> Result<&'a str, Refusal> {
    input[name].as_str().filter(|text| !text.is_empty()).ok_or_else(|| Refusal::missing(name))
}

/// A whole number of a request, within its bounds.
fn number(input: &Value, name: &str, default: u64, from: u64, to: u64) -> Result<u64, Refusal> {
    match &input[name] {
        Value::Null => Ok(default),
        value => value
            .as_u64()
            .filter(|number| (from..=to).contains(number))
            .ok_or_else(|| Refusal::invalid_parameter(name, value, &format!("Must be between {from} and {to}."))),
    }
}

fn delete(queue: &mut Queue, input: &Value) -> Result<(), Refusal> {
    let handle = text(input, "ReceiptHandle")?;
    queue.delete(handle).map_err(|why| Refusal::of_message(&why, handle))
}

fn hide(queue: &mut Queue, input: &Value, now: u64) -> Result<(), Refusal> {
    let handle = text(input, "ReceiptHandle")?;
    if input["VisibilityTimeout"].is_null() {
        return Err(Refusal::missing("VisibilityTimeout"));
    }
    let visibility = number(input, "VisibilityTimeout", 0, 0, 43_200)?;
    queue.hide(handle, visibility, now).map_err(|why| Refusal::of_message(&why, handle))
}

/// Acts on each entry; a refused one does not keep back the others.
fn batch(input: &Value, mut act: impl FnMut(&Value) -> Result<(), Refusal>) -> Result<Reply, Refusal> {
    let entries = input["Entries"].as_array().map(Vec::as_slice).unwrap_or_default();
    if entries.is_empty() {
        return Err(Refusal::batch_is_empty());
    }
    if entries.len() > LONGEST_BATCH {
        return Err(Refusal::batch_is_too_long(LONGEST_BATCH));
    }
    let repeats = |(place, entry): (usize, &Value)| entries[..place].iter().any(|other| other["Id"] == entry["Id"]);
    if entries.iter().enumerate().any(repeats) {
        return Err(Refusal::ids_repeat());
    }
    let (mut successful, mut failed) = (Vec::new(), Vec::new());
    for entry in entries {
        match act(entry) {
            Ok(()) => successful.push(json!({ "Id": entry["Id"] })),
            Err(refusal) => failed.push(refusal.into_entry(&entry["Id"])),
        }
    }
    Ok(Reply::amz_json(200, &json!({ "Successful": successful, "Failed": failed })))
}

fn send(queue: &mut Queue, input: &Value, now: u64) -> Result<Reply, Refusal> {
    let body = text(input, "MessageBody")?;
    if body.len() > LARGEST {
        return Err(Refusal::invalid(format!(
            "One or more parameters are invalid. Reason: Message must be shorter than {LARGEST} bytes."
        )));
    }
    let delay = number(input, "DelaySeconds", queue.attribute_seconds("DelaySeconds"), 0, 900)?;
    let id = queue.send(body.to_owned(), now, now + delay * 1000);
    Ok(Reply::amz_json(200, &json!({ "MessageId": id, "MD5OfMessageBody": md5(body) })))
}

/// Creates a queue. One of this name and these attributes already there is a success.
fn create(amazon: &mut Amazon, name: &str, attributes: &Value) -> Result<(), Refusal> {
    let stem = name.strip_suffix(".fifo").unwrap_or(name);
    if stem.is_empty() || name.len() > 80 || !stem.chars().all(|c| c.is_ascii_alphanumeric() || "-_".contains(c)) {
        return Err(Refusal::invalid(
            "Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length",
        ));
    }
    let given = attributes::given(amazon, attributes)?;
    if let Some(queue) = amazon.queues.get(name) {
        return match given.iter().find(|(name, value)| queue.attributes.get(*name) != Some(value)) {
            None => Ok(()),
            Some((attribute, _)) => Err(Refusal::name_exists(attribute)),
        };
    }
    let mut queue = Queue::new(name);
    attributes::set(&mut queue, given);
    amazon.queues.insert(name.to_owned(), queue);
    Ok(())
}

fn md5(text: &str) -> String {
    let mut hex = String::new();
    for byte in Md5::digest(text.as_bytes()) {
        // Writing to a string cannot fail.
        let _ = write!(hex, "{byte:02x}");
    }
    hex
}
