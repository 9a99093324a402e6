//! A scenario as it is in its file. A member that is not known is an error.

use std::{collections::BTreeMap, path::Path};

use serde::Deserialize;
use serde_json::{Map, Value};

/// One file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Scenario {
    #[serde(rename = "what")]
    _what: String,
    pub rules: Vec<u8>,
    #[serde(default)]
    pub whole: bool,
    pub applications: Vec<Application>,
    pub random: String,
    #[serde(default)]
    pub inspection: Value,
    #[serde(default)]
    pub records: BTreeMap<String, String>,
    pub steps: Vec<Step>,
    pub records_after: Option<BTreeMap<String, String>>,
    pub world: Option<Simulated>,
    pub ends: Option<Vec<Map<String, Value>>>,
}

/// The settings of an application.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Application {
    pub client_id: String,
    pub token_endpoint: String,
    pub api_endpoint: String,
    pub queue: String,
    pub rotate: String,
    pub rotate_before: u32,
    pub patience: u32,
    pub targets: Vec<Target>,
    pub user_agent: UserAgent,
}

/// A publish target.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Target {
    pub name: String,
    pub place: String,
}

/// Who calls.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UserAgent {
    pub application: String,
    pub version: String,
    pub language: String,
}

/// One call of an export.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    #[serde(default, rename = "what")]
    _what: Option<String>,
    pub at: u64,
    pub call: String,
    pub with: Value,
    pub imports: Option<Vec<Map<String, Value>>>,
    pub returns: Option<Value>,
}

/// What a host that is stopped works in.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Simulated {
    pub http: Vec<Answered>,
    #[serde(default)]
    pub messages: Vec<Brought>,
}

/// A request and its answer.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Answered {
    pub request: String,
    pub holds: String,
    pub answer: Value,
    pub brings: Option<Brought>,
}

/// A message.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Brought {
    pub id: String,
    pub body: String,
}

impl Step {
    /// The call of `status` on what is there in the end.
    pub fn status(client_id: &str, at: u64) -> Self {
        let with = serde_json::json!({ "client-id": client_id });
        Self { _what: None, at, call: "status".into(), with, imports: None, returns: None }
    }
}

impl Scenario {
    pub fn read(path: &Path) -> Self {
        let text = std::fs::read(path).unwrap();
        serde_json::from_slice(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }
}

/// All files of the folder.
pub fn all(folder: &Path) -> Vec<(String, Scenario)> {
    let mut paths: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| !path.ends_with("README.md"));
    paths.sort();
    assert!(paths.len() >= 40, "scenarios are missing");
    let name = |path: &Path| path.file_name().unwrap().to_str().unwrap().to_owned();
    paths.iter().map(|path| (name(path), Scenario::read(path))).collect()
}

/// Why what happened does not fit what a file says; `None` if it does. `whole` wants them equal.
pub fn misfit(expected: &Value, actual: &Value, whole: bool) -> Option<String> {
    match (expected, actual) {
        (Value::Object(expected), Value::Object(actual)) => {
            let missing = || actual.keys().find(|name| whole && !expected.contains_key(*name));
            expected
                .iter()
                .find_map(|(name, member)| {
                    let found = actual.get(name).unwrap_or(&Value::Null);
                    misfit(member, found, whole).map(|why| format!(".{name}{why}"))
                })
                .or_else(|| missing().map(|name| format!(".{name}: is not expected")))
        }
        (Value::Array(expected), Value::Array(actual)) if expected.len() == actual.len() => {
            let pairs = expected.iter().zip(actual).enumerate();
            pairs.into_iter().find_map(|(at, (one, other))| misfit(one, other, whole).map(|why| format!("[{at}]{why}")))
        }
        (Value::String(case), Value::Object(actual)) if !whole && actual.len() == 1 && actual.contains_key(case) => {
            None
        }
        _ if expected == actual => None,
        _ => Some(format!(": expected is {expected}, and there is {actual}")),
    }
}
