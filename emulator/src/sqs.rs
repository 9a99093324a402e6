//! The SQS operations that `aws-sdk-sqs` and boto3 use for this work, in SQS's JSON protocol.
//!
//! Signatures are not checked: any access key will do.

use std::fmt::Write as _;
use std::time::Duration;

use md5::{Digest as _, Md5};
use serde_json::{Value, json};
use tokio::time::{Instant, timeout_at};

use crate::Shared;
use crate::amazon::{Amazon, random_id};
use crate::queue::{Queue, Refused};
use crate::server::Reply;

/// The URL of a queue.
pub fn queue_url(base: &str, name: &str) -> String {
    format!("{base}/000000000000/{name}")
}

fn refusal(code: &str, query_code: &str, message: &str) -> Reply {
    Reply::amz_json(400, &json!({ "__type": format!("com.amazonaws.sqs#{code}"), "message": message }))
        .header("x-amzn-query-error", &format!("{query_code};Sender"))
}

fn no_queue() -> Reply {
    refusal("QueueDoesNotExist", "AWS.SimpleQueueService.NonExistentQueue", "The specified queue does not exist.")
}

fn invalid(message: &str) -> Reply {
    refusal("InvalidParameterValue", "InvalidParameterValue", message)
}

fn refused(why: &Refused) -> (&'static str, &'static str, &'static str) {
    match why {
        Refused::Handle => (
            "ReceiptHandleIsInvalid",
            "ReceiptHandleIsInvalid",
            "The input receipt handle is not a valid receipt handle.",
        ),
        Refused::NotInflight => (
            "MessageNotInflight",
            "AWS.SimpleQueueService.MessageNotInflight",
            "The message referred to is not in flight.",
        ),
    }
}

fn md5(text: &str) -> String {
    let mut hex = String::new();
    for byte in Md5::digest(text.as_bytes()) {
        // Writing to a string cannot fail.
        let _ = write!(hex, "{byte:02x}");
    }
    hex
}

fn ok() -> Reply {
    Reply::amz_json(200, &json!({}))
}

/// A whole number of a request, with its bounds; `Err` is the answer to one that is out of them.
fn number(input: &Value, name: &str, default: u64, from: u64, to: u64) -> Result<u64, Reply> {
    match &input[name] {
        Value::Null => Ok(default),
        value => value.as_u64().filter(|number| (from..=to).contains(number)).ok_or_else(|| {
            invalid(&format!("Value for parameter {name} is invalid. Reason: Must be between {from} and {to}."))
        }),
    }
}

/// Answers an operation; tells how many messages a receive brought.
pub async fn serve(shared: &Shared, operation: &str, body: &[u8]) -> (Reply, Option<usize>) {
    let input: Value = serde_json::from_slice(body).unwrap_or_default();
    let reply = match operation {
        "ReceiveMessage" => return receive(shared, &input).await,
        "DeleteMessage" => on_queue(shared, &input, |queue, _| delete(queue, &input)),
        "DeleteMessageBatch" => on_queue(shared, &input, |queue, _| {
            batch(&input, |entry| queue.delete(entry["ReceiptHandle"].as_str().unwrap_or_default()))
        }),
        "ChangeMessageVisibility" => on_queue(shared, &input, |queue, now| hide(queue, &input, now)),
        "ChangeMessageVisibilityBatch" => on_queue(shared, &input, |queue, now| {
            batch(&input, |entry| {
                let visibility = entry["VisibilityTimeout"].as_u64().unwrap_or(0);
                queue.hide(entry["ReceiptHandle"].as_str().unwrap_or_default(), visibility, now)
            })
        }),
        "SendMessage" => on_queue(shared, &input, |queue, now| send(queue, &input, now)),
        "GetQueueAttributes" => on_queue(shared, &input, |queue, now| attributes(queue, &input, now)),
        "SetQueueAttributes" => on_queue(shared, &input, |queue, _| {
            set_attributes(queue, &input["Attributes"]);
            ok()
        }),
        "PurgeQueue" => on_queue(shared, &input, |queue, _| {
            queue.purge();
            ok()
        }),
        "GetQueueUrl" => {
            let name = input["QueueName"].as_str().unwrap_or_default();
            match shared.amazon().queues.contains_key(name) {
                true => Reply::amz_json(200, &json!({ "QueueUrl": queue_url(&shared.base, name) })),
                false => no_queue(),
            }
        }
        "CreateQueue" => {
            let name = input["QueueName"].as_str().unwrap_or_default();
            let sound = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
            if name.is_empty() || !name.chars().all(sound) {
                invalid("Can only include alphanumeric characters, hyphens, or underscores.")
            } else {
                let mut amazon = shared.amazon();
                let queue = amazon.queues.entry(name.to_owned()).or_insert_with(|| Queue::new(name));
                set_attributes(queue, &input["Attributes"]);
                Reply::amz_json(200, &json!({ "QueueUrl": queue_url(&shared.base, name) }))
            }
        }
        "ListQueues" => {
            let urls: Vec<String> = shared.amazon().queues.keys().map(|name| queue_url(&shared.base, name)).collect();
            Reply::amz_json(200, &json!({ "QueueUrls": urls }))
        }
        other => refusal(
            "UnsupportedOperation",
            "AWS.SimpleQueueService.UnsupportedOperation",
            &format!("the emulator has no operation {other}"),
        ),
    };
    shared.changed.notify_waiters();
    (reply, None)
}

fn name_of(input: &Value) -> &str {
    input["QueueUrl"].as_str().and_then(|url| url.rsplit('/').next()).unwrap_or_default()
}

fn on_queue(shared: &Shared, input: &Value, act: impl FnOnce(&mut Queue, u64) -> Reply) -> Reply {
    let mut amazon = shared.amazon();
    let now = amazon.now();
    amazon.queues.get_mut(name_of(input)).map_or_else(no_queue, |queue| act(queue, now))
}

fn delete(queue: &mut Queue, input: &Value) -> Reply {
    match queue.delete(input["ReceiptHandle"].as_str().unwrap_or_default()) {
        Ok(()) => ok(),
        Err(why) => {
            let (code, query_code, message) = refused(&why);
            refusal(code, query_code, message)
        }
    }
}

fn hide(queue: &mut Queue, input: &Value, now: u64) -> Reply {
    let visibility = match number(input, "VisibilityTimeout", 0, 0, 43_200) {
        Ok(visibility) => visibility,
        Err(reply) => return reply,
    };
    match queue.hide(input["ReceiptHandle"].as_str().unwrap_or_default(), visibility, now) {
        Ok(()) => ok(),
        Err(why) => {
            let (code, query_code, message) = refused(&why);
            refusal(code, query_code, message)
        }
    }
}

fn batch(input: &Value, mut act: impl FnMut(&Value) -> Result<(), Refused>) -> Reply {
    let (mut successful, mut failed) = (Vec::new(), Vec::new());
    for entry in input["Entries"].as_array().into_iter().flatten() {
        match act(entry) {
            Ok(()) => successful.push(json!({ "Id": entry["Id"] })),
            Err(why) => {
                let (code, _, message) = refused(&why);
                failed.push(json!({ "Id": entry["Id"], "SenderFault": true, "Code": code, "Message": message }));
            }
        }
    }
    Reply::amz_json(200, &json!({ "Successful": successful, "Failed": failed }))
}

fn send(queue: &mut Queue, input: &Value, now: u64) -> Reply {
    let Some(body) = input["MessageBody"].as_str().filter(|body| !body.is_empty() && body.len() <= 1_048_576) else {
        return invalid("One or more parameters are invalid. Reason: Message must be shorter than 1048576 bytes.");
    };
    let delay = input["DelaySeconds"].as_u64().unwrap_or_else(|| queue.attribute_seconds("DelaySeconds"));
    let id = queue.send(body.to_owned(), now, now + delay * 1000);
    Reply::amz_json(200, &json!({ "MessageId": id, "MD5OfMessageBody": md5(body) }))
}

fn set_attributes(queue: &mut Queue, given: &Value) {
    for (name, value) in given.as_object().into_iter().flatten() {
        queue.attributes.insert(name.clone(), value.as_str().map_or_else(|| value.to_string(), str::to_owned));
    }
}

fn attributes(queue: &mut Queue, input: &Value, now: u64) -> Reply {
    let counts = queue.counts(now);
    let mut all = queue.attributes.clone();
    all.insert("ApproximateNumberOfMessages".into(), counts.visible.to_string());
    all.insert("ApproximateNumberOfMessagesNotVisible".into(), counts.in_flight.to_string());
    all.insert("ApproximateNumberOfMessagesDelayed".into(), counts.delayed.to_string());
    let names: Vec<&str> = input["AttributeNames"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    if !names.contains(&"All") {
        all.retain(|name, _| names.contains(&name.as_str()));
    }
    Reply::amz_json(200, &json!({ "Attributes": all }))
}

/// Receives, waiting for the first message. The wait is of real time; the emulator's own may jump.
async fn receive(shared: &Shared, input: &Value) -> (Reply, Option<usize>) {
    let bounds = || -> Result<(u64, u64, u64), Reply> {
        let mut amazon = shared.amazon();
        let queue = amazon.queues.get_mut(name_of(input)).ok_or_else(no_queue)?;
        let wait = number(input, "WaitTimeSeconds", queue.attribute_seconds("ReceiveMessageWaitTimeSeconds"), 0, 20)?;
        let visibility = number(input, "VisibilityTimeout", queue.attribute_seconds("VisibilityTimeout"), 0, 43_200)?;
        Ok((number(input, "MaxNumberOfMessages", 1, 1, 10)?, wait, visibility))
    };
    let (max, wait, visibility) = match bounds() {
        Ok(bounds) => bounds,
        Err(reply) => return (reply, None),
    };
    let end = Instant::now() + Duration::from_secs(wait);
    loop {
        // Listen before looking, or a message that comes in between goes unnoticed.
        let changed = shared.changed.notified();
        let wake_at = {
            let mut amazon = shared.amazon();
            let now = amazon.now();
            let received = take(&mut amazon, name_of(input), max, visibility, now);
            if !received.is_empty() || Instant::now() >= end {
                let count = received.len();
                let reply = if received.is_empty() { json!({}) } else { json!({ "Messages": received }) };
                return (Reply::amz_json(200, &reply), Some(count));
            }
            let next = amazon.queues.get(name_of(input)).and_then(Queue::next_visible_at);
            let next = next.map(|at| Instant::now() + Duration::from_millis(at.saturating_sub(now)));
            next.map_or(end, |next| next.min(end))
        };
        // Whether it was the time or a change, look again.
        let _ = timeout_at(wake_at, changed).await;
    }
}

fn take(amazon: &mut Amazon, name: &str, max: u64, visibility: u64, now: u64) -> Vec<Value> {
    let Some(queue) = amazon.queues.get_mut(name) else { return Vec::new() };
    let received = queue.receive(usize::try_from(max).unwrap_or(1), visibility, now);
    for (target, message) in queue.take_dead_letters() {
        if let Some(queue) = amazon.queues.get_mut(&target) {
            queue.put(message, now);
        }
    }
    received
        .into_iter()
        .map(|(handle, message)| {
            json!({
                "MessageId": message.id,
                "ReceiptHandle": handle,
                "MD5OfBody": md5(&message.body),
                "Attributes": {
                    "SenderId": "437568002678",
                    "ApproximateReceiveCount": message.received.to_string(),
                    "SentTimestamp": message.sent_at.to_string(),
                    "ApproximateFirstReceiveTimestamp": message.first_received_at.unwrap_or(now).to_string(),
                },
                "Body": message.body,
            })
        })
        .collect()
}

/// The header that SQS names its answers with.
pub fn request_id() -> String {
    random_id()
}
