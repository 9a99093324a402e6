//! Batches: up to ten entries, each with an answer of its own.

use serde_json::{Value, json};

use super::refusal::Refusal;
use crate::reply::Reply;

/// How many entries a batch has at most.
const LONGEST: usize = 10;
/// How long the id of an entry is at most.
const LONGEST_ID: usize = 80;

/// The entries of a batch, if SQS accepts it.
pub fn entries(input: &Value) -> Result<&[Value], Refusal> {
    let entries = input["Entries"].as_array().map(Vec::as_slice).unwrap_or_default();
    if entries.is_empty() {
        return Err(Refusal::batch_is_empty());
    }
    if entries.len() > LONGEST {
        return Err(Refusal::batch_is_too_long(LONGEST));
    }
    let is_id = |id: &str| {
        (1..=LONGEST_ID).contains(&id.len()) && id.chars().all(|c| c.is_ascii_alphanumeric() || "-_".contains(c))
    };
    if !entries.iter().all(|entry| entry["Id"].as_str().is_some_and(is_id)) {
        return Err(Refusal::batch_id());
    }
    let repeats = |(place, entry): (usize, &Value)| entries[..place].iter().any(|other| other["Id"] == entry["Id"]);
    if entries.iter().enumerate().any(repeats) {
        return Err(Refusal::ids_repeat());
    }
    Ok(entries)
}

/// Acts on each entry, which answers with the members of its success. A refused entry does not keep back the others.
pub fn act(entries: &[Value], mut act: impl FnMut(&Value) -> Result<Value, Refusal>) -> Reply {
    let (mut successful, mut failed) = (Vec::new(), Vec::new());
    for entry in entries {
        match act(entry) {
            Ok(mut done) => {
                done["Id"] = entry["Id"].clone();
                successful.push(done);
            }
            Err(refusal) => failed.push(refusal.into_entry(&entry["Id"])),
        }
    }
    Reply::amz_json(200, &json!({ "Successful": successful, "Failed": failed }))
}
