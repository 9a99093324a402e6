//! A double of Vault, not Vault: what its documentation says of the secrets engine KV version 2, of tokens, and of how both
//! fail, and no more than what a publish target asks.
//!
//! - <https://developer.hashicorp.com/vault/api-docs/secret/kv/kv-v2>
//! - <https://developer.hashicorp.com/vault/api-docs#http-status-codes>
//! - <https://developer.hashicorp.com/vault/api-docs/system/capabilities-self>
//! - <https://developer.hashicorp.com/vault/api-docs/auth/token#lookup-a-token-self>

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::server::{Answer, Request, serve};

pub const TOKEN: &str = "hvs.CAESIJ-double-0f5b7c2e91d4";

/// A running double.
pub struct Vault {
    pub url: String,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
pub struct State {
    /// The mounts by their paths, with the version of KV.
    pub mounts: BTreeMap<String, u8>,
    /// The secrets by mount and path.
    pub secrets: BTreeMap<String, Vec<Version>>,
    /// What the token may do at each path of the API; any other token may nothing.
    pub policy: BTreeMap<String, Vec<&'static str>>,
    /// Whether the token is still good.
    pub expired: bool,
    /// The only namespace that there is.
    pub namespace: Option<String>,
    pub sealed: bool,
    /// A standby node that sends clients on to this address.
    pub active: Option<String>,
    /// An answer to everything.
    pub broken: Option<(u16, String)>,
    /// Somebody else writes this just before each write, so often.
    pub rival: (u32, String),
    /// What was asked.
    pub seen: Vec<Request>,
}

/// One version of a secret.
pub struct Version {
    pub data: Box<RawValue>,
    pub deleted: bool,
    pub destroyed: bool,
}

impl Vault {
    /// With KV version 2 at `secret/`, and a token that may do all that a target needs at `shop`.
    pub fn start() -> Self {
        let state = State {
            mounts: BTreeMap::from([("secret".into(), 2)]),
            policy: BTreeMap::from([
                ("secret/data/shop".into(), vec!["create", "read", "update"]),
                ("sys/capabilities-self".into(), vec!["update"]),
                ("auth/token/lookup-self".into(), vec!["read"]),
            ]),
            ..State::default()
        };
        let state = Arc::new(Mutex::new(state));
        let address = serve(Arc::clone(&state), State::answer);
        Self { url: format!("http://{address}"), state }
    }

    pub fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// Writes a version, as somebody else would.
    pub fn put(&self, place: &str, data: &str) {
        self.state().put(place, data);
    }

    /// The newest version, to the byte, and its number.
    pub fn newest(&self, place: &str) -> (String, usize) {
        let state = self.state();
        let versions = state.secrets.get(place).expect("it was written");
        (versions.last().unwrap().data.get().to_owned(), versions.len())
    }

    pub fn writes(&self) -> usize {
        self.state().seen.iter().filter(|request| request.method == "POST" && request.path.contains("/data/")).count()
    }
}

#[derive(Deserialize)]
struct Write {
    data: Option<Box<RawValue>>,
    #[serde(default)]
    options: Options,
}

#[derive(Default, Deserialize)]
struct Options {
    cas: Option<usize>,
}

fn errors(status: u16, texts: &[&str]) -> Answer {
    Answer::new(status, json!({ "errors": texts }).to_string())
}

fn denied() -> Answer {
    errors(403, &["1 error occurred:\n\t* permission denied\n\n"])
}

impl State {
    pub fn put(&mut self, place: &str, data: &str) {
        let data = RawValue::from_string(data.to_owned()).unwrap();
        self.secrets.entry(place.into()).or_default().push(Version { data, deleted: false, destroyed: false });
    }

    fn answer(&mut self, request: &Request) -> Answer {
        self.seen.push(request.clone());
        if let Some((status, body)) = &self.broken {
            return Answer::new(*status, body.clone());
        }
        if self.sealed {
            return errors(503, &["Vault is sealed"]);
        }
        if let Some(active) = &self.active {
            let mut answer = Answer::new(307, "");
            answer.headers.push(("location", format!("{active}{}", request.path)));
            return answer;
        }
        let path = request.path.strip_prefix("/v1/").unwrap_or_default();
        let known = request.header("x-vault-token") == Some(TOKEN) && !self.expired;
        if !known || request.header("x-vault-namespace") != self.namespace.as_deref() {
            return errors(403, &["2 errors occurred:\n\t* permission denied\n\t* invalid token\n\n"]);
        }
        if let Some(place) = path.strip_prefix("sys/internal/ui/mounts/") {
            return self.mount(place);
        }
        let may = |needed: &str| self.policy.get(path).is_some_and(|granted| granted.contains(&needed));
        match (request.method.as_str(), path) {
            ("GET", "auth/token/lookup-self") if may("read") => {
                Answer::new(200, json!({ "data": { "id": TOKEN, "ttl": 3600 } }).to_string())
            }
            ("POST", "sys/capabilities-self") if may("update") => self.capabilities(request),
            ("GET", _) if path.contains("/data/") && may("read") => self.read(path),
            ("POST", _) if path.contains("/data/") && (may("create") || may("update")) => self.write(path, request),
            _ => denied(),
        }
    }

    /// The engine that serves a path of the API, and the rest of the path.
    fn engine<'a>(&self, path: &'a str) -> Option<(String, u8, &'a str)> {
        self.mounts.iter().find_map(|(mount, version)| {
            let rest = path.strip_prefix(mount.as_str())?.strip_prefix('/')?;
            Some((mount.clone(), *version, rest))
        })
    }

    /// What Vault's own program asks before it reads or writes.
    fn mount(&self, place: &str) -> Answer {
        match self.engine(place) {
            Some((mount, version, _)) => {
                let options = if version == 2 { json!({ "version": "2" }) } else { Value::Null };
                let data = json!({ "path": format!("{mount}/"), "type": "kv", "options": options });
                Answer::new(200, json!({ "data": data }).to_string())
            }
            None => errors(
                403,
                &[
                    "preflight capability check returned 403, please ensure client's policies grant access to path \"x/\"",
                ],
            ),
        }
    }

    fn capabilities(&self, request: &Request) -> Answer {
        let asked: Value = serde_json::from_slice(&request.body).unwrap();
        let path = asked["paths"][0].as_str().unwrap();
        let granted = self.policy.get(path).cloned().unwrap_or_else(|| vec!["deny"]);
        Answer::new(200, json!({ "data": { path: granted, "capabilities": granted } }).to_string())
    }

    fn read(&self, path: &str) -> Answer {
        let Some((mount, version, rest)) = self.engine(path) else {
            return errors(404, &["no handler for route \"x\". route entry not found."]);
        };
        if version == 1 {
            return match self.secrets.get(path) {
                Some(versions) => {
                    let data = versions.last().unwrap().data.get();
                    Answer::new(200, format!("{{\"lease_duration\":2764800,\"data\":{data}}}"))
                }
                None => errors(404, &[]),
            };
        }
        let place = format!("{mount}/{}", rest.trim_start_matches("data/"));
        let Some(versions) = self.secrets.get(&place) else { return errors(404, &[]) };
        let newest = versions.last().unwrap();
        let gone = newest.deleted || newest.destroyed;
        let metadata = json!({
            "created_time": "2026-01-01T00:00:00.1Z",
            "custom_metadata": null,
            "deletion_time": if newest.deleted { "2026-01-02T00:00:00.1Z" } else { "" },
            "destroyed": newest.destroyed,
            "version": versions.len(),
        });
        let data = if gone { "null" } else { newest.data.get() };
        let body = format!(
            "{{\"request_id\":\"r\",\"lease_id\":\"\",\"renewable\":false,\"lease_duration\":0,\
             \"data\":{{\"data\":{data},\"metadata\":{metadata}}},\"wrap_info\":null,\"warnings\":null,\"auth\":null}}"
        );
        Answer::new(if gone { 404 } else { 200 }, body)
    }

    fn write(&mut self, path: &str, request: &Request) -> Answer {
        let Some((mount, version, rest)) = self.engine(path) else {
            return errors(404, &["no handler for route \"x\". route entry not found."]);
        };
        if version == 1 {
            // Whatever it is, it is the content of a secret.
            self.put(path, std::str::from_utf8(&request.body).unwrap());
            return Answer::new(204, "");
        }
        let place = format!("{mount}/{}", rest.trim_start_matches("data/"));
        if self.rival.0 > 0 {
            self.rival.0 -= 1;
            let theirs = self.rival.1.clone();
            self.put(&place, &theirs);
        }
        let write: Write = serde_json::from_slice(&request.body).unwrap();
        let Some(data) = write.data else { return errors(400, &["no data provided"]) };
        let current = self.secrets.get(&place).map_or(0, Vec::len);
        if write.options.cas.is_some_and(|cas| cas != current) {
            return errors(400, &["check-and-set parameter did not match the current version"]);
        }
        self.put(&place, data.get());
        Answer::new(200, json!({ "data": { "version": current + 1, "destroyed": false } }).to_string())
    }
}
