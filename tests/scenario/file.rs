//! A scenario as it stands in its file. A member that is not known is an error.

use std::{collections::BTreeMap, path::Path};

use lwa_rotate::{Application, UserAgent};
use serde::Deserialize;
use serde_json::{Map, Value};

/// One file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Scenario {
    #[serde(rename = "what")]
    _what: String,
    pub rules: Vec<u8>,
    applications: Vec<ApplicationMembers>,
    pub random: String,
    #[serde(default)]
    pub records: BTreeMap<String, String>,
    pub steps: Vec<Step>,
    pub records_after: Option<BTreeMap<String, String>>,
    pub world: Option<Simulated>,
    pub ends: Option<Vec<End>>,
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

/// What there is in the end.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct End {
    pub stopped_after: Vec<u64>,
    pub rotate_calls: u64,
    pub targets: BTreeMap<String, String>,
    pub messages: Vec<String>,
    pub records_after: BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct ApplicationMembers {
    client_id: String,
    token_endpoint: String,
    api_endpoint: String,
    rotate_before: u32,
    patience: u32,
    targets: Vec<String>,
    user_agent: UserAgentMembers,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct UserAgentMembers {
    application: String,
    version: String,
    language: String,
}

impl Scenario {
    pub fn read(path: &Path) -> Self {
        let text = std::fs::read(path).unwrap();
        serde_json::from_slice(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }

    pub fn applications(&self) -> impl Iterator<Item = Application> {
        self.applications.iter().map(|application| Application {
            client_id: application.client_id.clone(),
            token_endpoint: application.token_endpoint.clone(),
            api_endpoint: application.api_endpoint.clone(),
            rotate_before: application.rotate_before,
            patience: application.patience,
            targets: application.targets.clone(),
            user_agent: UserAgent {
                application: application.user_agent.application.clone(),
                version: application.user_agent.version.clone(),
                language: application.user_agent.language.clone(),
            },
        })
    }
}
