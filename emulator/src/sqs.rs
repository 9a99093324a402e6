//! The SQS operations that `aws-sdk-sqs` and boto3 use for this work, in SQS's JSON protocol.
//!
//! Signatures are not checked: any access key will do.

pub mod attributes;
mod batch;
mod input;
mod message;
mod receive;
mod refusal;

use serde_json::{Value, json};

use crate::amazon::Amazon;
use crate::queue::Queue;
use crate::reply::Reply;
use crate::shared::Shared;
use input::{name_of, number, queue, text};

pub use refusal::Refusal;

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
            return Ok(batch::act(batch::entries(input)?, |entry| delete(queue, entry)));
        }
        "ChangeMessageVisibility" => {
            hide(queue(amazon, input)?, input, now)?;
        }
        "ChangeMessageVisibilityBatch" => {
            let queue = queue(amazon, input)?;
            return Ok(batch::act(batch::entries(input)?, |entry| hide(queue, entry, now)));
        }
        "SendMessage" => return Ok(Reply::amz_json(200, &message::send(queue(amazon, input)?, input, now)?)),
        "SendMessageBatch" => {
            let queue = queue(amazon, input)?;
            let entries = batch::entries(input)?;
            message::check_batch(entries)?;
            return Ok(batch::act(entries, |entry| message::send(queue, entry, now)));
        }
        "PurgeQueue" => queue(amazon, input)?.purge(),
        "GetQueueAttributes" => return attributes::get(queue(amazon, input)?, input, now),
        "SetQueueAttributes" => {
            let given = attributes::given(amazon, &input["Attributes"])?;
            attributes::set(queue(amazon, input)?, given, now);
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

fn delete(queue: &mut Queue, input: &Value) -> Result<Value, Refusal> {
    let handle = text(input, "ReceiptHandle")?;
    queue.delete(handle).map_err(|why| Refusal::of_message(&why, handle))?;
    Ok(json!({}))
}

fn hide(queue: &mut Queue, input: &Value, now: u64) -> Result<Value, Refusal> {
    let handle = text(input, "ReceiptHandle")?;
    if input["VisibilityTimeout"].is_null() {
        return Err(Refusal::missing("VisibilityTimeout"));
    }
    let visibility = number(input, "VisibilityTimeout", 0, 0, 43_200)?;
    queue.hide(handle, visibility, now).map_err(|why| Refusal::of_message(&why, handle))?;
    Ok(json!({}))
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
    let now = amazon.now();
    let mut queue = Queue::new(name, now);
    attributes::set(&mut queue, given, now);
    amazon.queues.insert(name.to_owned(), queue);
    Ok(())
}
