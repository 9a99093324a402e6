//! What the rules see of a stored record. This is the only place that knows its form.

use serde_json::Value;

/// What a stored record says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct View {
    /// The secret in use.
    pub current: String,
    /// How many secrets have been current.
    pub generation: u64,
    /// Whether SP-API has accepted it.
    pub verified: bool,
    /// When a message said that it ends, if one did.
    pub ends_by_message: Option<u64>,
    /// The candidates, with whether each may be the newer one of two that were current.
    pub candidates: Vec<(String, bool)>,
    /// The retired secrets with their ends.
    pub retired: Vec<(String, u64)>,
    /// The number of a call that may have been sent and was not answered.
    pub sent: Option<u64>,
    /// Whether a rotation is wanted, and has not been refused before.
    pub wanted_first: bool,
    /// The places that are still to be written or read again: what they hold is not settled.
    pub unsettled: Vec<String>,
    /// The generation that each place was given.
    pub given: Vec<(String, u64)>,
    /// How far the call is.
    pub phase: String,
    /// Whether the call is sent in spite of the queue.
    pub forced: bool,
    /// When the secret in use ends, as far as messages and operators have said.
    pub ends_at: Option<u64>,
    /// The places that an operator wants written whatever they hold.
    pub overwritten: Vec<String>,
}

impl View {
    /// Reads a document; `None` for what is no record.
    pub fn of(record: &Value) -> Option<Self> {
        let secrets = &record["secrets"];
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
        let phase = &record["call"]["phase"];
        let wanted = &phase["wanted"];
        let targets = record["targets"].as_object().cloned().unwrap_or_default();
        let old_ends = |candidate: &Value| {
            (candidate["promote"] == "when-accepted").then(|| candidate["old_ends_at"].as_u64()).flatten()
        };
        let ends = list(&secrets["candidates"]).iter().filter_map(old_ends).min();
        Some(Self {
            current: text(&secrets["current"]["secret"])?,
            generation: secrets["generation"].as_u64()?,
            verified: secrets["current"]["verification"] == "verified",
            ends_by_message: secrets["current"]["origin"]["message"]["expires_at"].as_u64(),
            candidates: list(&secrets["candidates"])
                .iter()
                .map(|candidate| (text(&candidate["secret"]).unwrap_or_default(), candidate["replaced_at"].is_u64()))
                .collect(),
            retired: list(&secrets["retired"])
                .iter()
                .map(|old| (text(&old["secret"]).unwrap_or_default(), old["ends_at"].as_u64().unwrap_or_default()))
                .collect(),
            sent: phase["sent"].is_object().then(|| record["call"]["count"].as_u64()).flatten(),
            wanted_first: wanted["attempts"] == 0,
            unsettled: targets
                .iter()
                .filter(|(_, target)| target["look_at"].is_u64() || target["generation"] != secrets["generation"])
                .map(|(place, _)| place.clone())
                .collect(),
            forced: phase["sent"]["wanted"]["force"] == true,
            ends_at: secrets["current"]["expires_at"].as_u64().into_iter().chain(ends).min(),
            overwritten: targets
                .iter()
                .filter(|(_, target)| target["overwrite"] == true)
                .map(|(place, _)| place.clone())
                .collect(),
            given: targets
                .iter()
                .map(|(place, target)| (place.clone(), target["generation"].as_u64().unwrap_or_default()))
                .collect(),
            phase: match phase {
                Value::String(name) => name.clone(),
                other => other.as_object().and_then(|phases| phases.keys().next()).cloned().unwrap_or_default(),
            },
        })
    }

    /// Whether this secret is kept, in whatever place.
    pub fn keeps(&self, secret: &str) -> bool {
        self.current == secret
            || self.candidates.iter().any(|(kept, _)| kept == secret)
            || self.retired.iter().any(|(kept, _)| kept == secret)
    }
}
