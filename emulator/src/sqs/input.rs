//! The members of requests.

use serde_json::Value;

use super::refusal::Refusal;
use crate::amazon::Amazon;
use crate::queue::Queue;

/// The queue's name, which is the end of its URL, whatever the host that the client calls it by.
pub fn name_of(input: &Value) -> &str {
    input["QueueUrl"].as_str().and_then(|url| url.rsplit('/').next()).unwrap_or_default()
}

pub fn queue<'a>(amazon: &'a mut Amazon, input: &Value) -> Result<&'a mut Queue, Refusal> {
    amazon.queues.get_mut(name_of(input)).ok_or_else(Refusal::no_queue)
}

/// A text that a request must have.
pub fn text<'a>(input: &'a Value, name: &str) -> Result<&'a str, Refusal> {
    input[name].as_str().filter(|text| !text.is_empty()).ok_or_else(|| Refusal::missing(name))
}

/// A whole number of a request, within its bounds.
pub fn number(input: &Value, name: &str, default: u64, from: u64, to: u64) -> Result<u64, Refusal> {
    match &input[name] {
        Value::Null => Ok(default),
        value => value
            .as_u64()
            .filter(|number| (from..=to).contains(number))
            .ok_or_else(|| Refusal::invalid_parameter(name, value, &format!("Must be between {from} and {to}."))),
    }
}
