//! The attributes of queues: which ones exist, and what their values may be.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::refusal::Refusal;
use crate::amazon::Amazon;
use crate::queue::{Queue, Redrive};
use crate::reply::Reply;

/// Attributes that are whole numbers, with their bounds.
const NUMBERS: [(&str, u64, u64); 6] = [
    ("DelaySeconds", 0, 900),
    ("KmsDataKeyReusePeriodSeconds", 60, 86_400),
    ("MaximumMessageSize", 1024, 1_048_576),
    ("MessageRetentionPeriod", 60, 1_209_600),
    ("ReceiveMessageWaitTimeSeconds", 0, 20),
    ("VisibilityTimeout", 0, 43_200),
];
/// Attributes that SQS keeps by itself.
const KEPT_BY_SQS: [&str; 7] = [
    "All",
    "ApproximateNumberOfMessages",
    "ApproximateNumberOfMessagesDelayed",
    "ApproximateNumberOfMessagesNotVisible",
    "CreatedTimestamp",
    "LastModifiedTimestamp",
    "QueueArn",
];
/// Attributes that are kept as they are. Queues with `FifoQueue` are standard queues all the same; it is there for programs
/// that check which kind a queue is.
const TEXTS: [&str; 8] = [
    "ContentBasedDeduplication",
    "DeduplicationScope",
    "FifoQueue",
    "FifoThroughputLimit",
    "KmsMasterKeyId",
    "Policy",
    "RedriveAllowPolicy",
    "SqsManagedSseEnabled",
];

/// The attributes that a request gives, if they are such that SQS takes them.
pub fn given(amazon: &Amazon, attributes: &Value) -> Result<BTreeMap<String, String>, Refusal> {
    let members = attributes.as_object().into_iter().flatten();
    members
        .map(|(name, value)| {
            let value = value.as_str().ok_or_else(|| Refusal::attribute_value(name))?;
            check(amazon, name, value)?;
            Ok((name.clone(), value.to_owned()))
        })
        .collect()
}

fn check(amazon: &Amazon, name: &str, value: &str) -> Result<(), Refusal> {
    if let Some((_, from, to)) = NUMBERS.iter().find(|(number, ..)| *number == name) {
        let within = value.parse::<u64>().is_ok_and(|value| (from..=to).contains(&&value));
        return within.then_some(()).ok_or_else(|| Refusal::attribute_value(name));
    }
    let is_json = || value.is_empty() || serde_json::from_str::<Value>(value).is_ok_and(|value| value.is_object());
    match name {
        "RedrivePolicy" => check_redrive(amazon, value),
        "Policy" | "RedriveAllowPolicy" if !is_json() => Err(Refusal::attribute_value(name)),
        _ if TEXTS.contains(&name) => Ok(()),
        _ => Err(Refusal::attribute_name(name)),
    }
}

/// A redrive policy names a queue that exists; an empty one ends that.
fn check_redrive(amazon: &Amazon, value: &str) -> Result<(), Refusal> {
    if value.is_empty() {
        return Ok(());
    }
    match Redrive::parse(value) {
        Some(redrive) if !(1..=1000).contains(&redrive.most) => Err(Refusal::invalid_parameter(
            "RedrivePolicy",
            value,
            "Invalid value for maxReceiveCount: must be between 1 and 1000.",
        )),
        Some(redrive) if !amazon.queues.contains_key(&redrive.target) => {
            Err(Refusal::invalid_parameter("RedrivePolicy", value, "Dead letter target does not exist."))
        }
        Some(_) => Ok(()),
        None => Err(Refusal::attribute_value("RedrivePolicy")),
    }
}

/// Gives a queue these attributes; an empty one is taken away. With a key of KMS, SQS no longer encrypts with its own.
pub fn set(queue: &mut Queue, given: BTreeMap<String, String>, now: u64) {
    if given.get("KmsMasterKeyId").is_some_and(|key| !key.is_empty()) {
        queue.attributes.insert("SqsManagedSseEnabled".into(), "false".into());
    }
    for (name, value) in given {
        if value.is_empty() {
            queue.attributes.remove(&name);
        } else {
            queue.attributes.insert(name, value);
        }
    }
    queue.attributes.insert("LastModifiedTimestamp".into(), (now / 1000).to_string());
}

/// Sets attributes of a queue for the emulator's user. A dead-letter queue that does not exist is created.
pub fn prepare<'a>(
    amazon: &mut Amazon,
    queue: &str,
    attributes: impl Iterator<Item = (&'a str, &'a str)>,
) -> Result<(), String> {
    let now = amazon.now();
    let mut given = BTreeMap::new();
    for (name, value) in attributes {
        if let Some(redrive) = Redrive::parse(value).filter(|_| name == "RedrivePolicy") {
            amazon.queues.entry(redrive.target).or_insert_with_key(|name| Queue::new(name, now));
        }
        check(amazon, name, value).map_err(Refusal::into_message)?;
        given.insert(name.to_owned(), value.to_owned());
    }
    let queue = amazon.queues.get_mut(queue).ok_or("there is no such queue")?;
    set(queue, given, now);
    Ok(())
}

/// The attributes that a request asks for, with the counts of messages.
pub fn get(queue: &mut Queue, input: &Value, now: u64) -> Result<Reply, Refusal> {
    let names: Vec<&str> = input["AttributeNames"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    if let Some(unknown) = names.iter().find(|name| !exists(name)) {
        return Err(Refusal::attribute_name(unknown));
    }
    let counts = queue.counts(now);
    let mut all = queue.attributes.clone();
    all.insert("ApproximateNumberOfMessages".into(), counts.visible.to_string());
    all.insert("ApproximateNumberOfMessagesNotVisible".into(), counts.in_flight.to_string());
    all.insert("ApproximateNumberOfMessagesDelayed".into(), counts.delayed.to_string());
    if !names.contains(&"All") {
        all.retain(|name, _| names.contains(&name.as_str()));
    }
    let reply = if all.is_empty() { json!({}) } else { json!({ "Attributes": all }) };
    Ok(Reply::amz_json(200, &reply))
}

fn exists(name: &str) -> bool {
    name == "RedrivePolicy"
        || TEXTS.contains(&name)
        || KEPT_BY_SQS.contains(&name)
        || NUMBERS.iter().any(|(number, ..)| *number == name)
}
