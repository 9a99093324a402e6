//! A double of a Kubernetes API server, not one: what its documentation says of Secrets, of merge patches, and of how both
//! fail, and no more than what a publish target asks.
//!
//! - <https://kubernetes.io/docs/reference/kubernetes-api/config-and-storage-resources/secret-v1/>
//! - <https://kubernetes.io/docs/reference/using-api/api-concepts/> (resource versions, dry run)
//! - <https://kubernetes.io/docs/concepts/configuration/secret/#secret-immutable>

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

use serde_json::{Value, json};

use super::server::{Answer, Request, serve};

pub const TOKEN: &str = "double-token-8c41e7d20b9f";

/// A running double.
pub struct Cluster {
    pub url: String,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
pub struct State {
    pub namespaces: Vec<String>,
    /// The Secrets by namespace and name, as they are answered.
    pub secrets: BTreeMap<String, Value>,
    /// What the token may do with Secrets.
    pub verbs: Vec<&'static str>,
    pub expired: bool,
    /// An answer to everything.
    pub broken: Option<(u16, String)>,
    /// So many writes find that somebody else was faster; what that somebody does.
    pub rival: (u32, Option<Rival>),
    /// What was asked.
    pub seen: Vec<Request>,
    version: u64,
}

/// Somebody else.
#[derive(Clone, Copy)]
pub enum Rival {
    /// Sets a key of theirs.
    Changes,
    /// Makes the Secret, if it is not there.
    Makes,
    /// Deletes it.
    Deletes,
}

impl Cluster {
    /// With the namespaces `default` and `shops`, and a token that may do all that a target needs.
    pub fn start() -> Self {
        let state = State {
            namespaces: vec!["default".into(), "shops".into()],
            verbs: vec!["get", "create", "patch"],
            ..State::default()
        };
        let state = Arc::new(Mutex::new(state));
        let address = serve(Arc::clone(&state), State::answer);
        Self { url: format!("http://{address}"), state }
    }

    pub fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// A kubeconfig with this user.
    pub fn kubeconfig(&self, user: &Value) -> String {
        json!({
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "main",
            "contexts": [
                { "name": "main", "context": { "cluster": "double", "user": "rotate" } },
                { "name": "shops", "context": { "cluster": "double", "user": "rotate", "namespace": "shops" } },
            ],
            "clusters": [{ "name": "double", "cluster": { "server": self.url } }],
            "users": [{ "name": "rotate", "user": user }],
        })
        .to_string()
    }

    /// The values of a Secret's keys.
    pub fn values(&self, place: &str) -> BTreeMap<String, String> {
        let state = self.state();
        let data = state.secrets.get(place).expect("it is there")["data"].as_object().unwrap();
        data.iter().map(|(key, value)| (key.clone(), decoded(value.as_str().unwrap()))).collect()
    }

    pub fn writes(&self) -> usize {
        self.state().seen.iter().filter(|request| request.method != "GET" && request.stores()).count()
    }

    /// Makes a Secret, as somebody else would.
    pub fn make(&self, place: &str, secret: Value) {
        self.state().store(place, secret);
    }
}

impl Request {
    /// Whether it is no rehearsal.
    fn stores(&self) -> bool {
        !self.query.contains("dryRun=All")
    }
}

fn status(code: u16, reason: &str) -> Answer {
    // A server says more, and may repeat what it was sent.
    let message = format!("secrets \"shop\" and {TOKEN}: {reason}");
    let body = json!({ "kind": "Status", "apiVersion": "v1", "status": "Failure", "message": message, "reason": reason, "code": code });
    Answer::new(code, body.to_string())
}

impl State {
    pub fn store(&mut self, place: &str, mut secret: Value) -> Value {
        self.version += 1;
        secret["metadata"]["resourceVersion"] = self.version.to_string().into();
        let texts = secret.as_object_mut().unwrap().remove("stringData");
        for (key, text) in texts.as_ref().and_then(Value::as_object).into_iter().flatten() {
            secret["data"][key] = encoded(text.as_str().unwrap()).into();
        }
        self.secrets.insert(place.to_owned(), secret.clone());
        secret
    }

    fn answer(&mut self, request: &Request) -> Answer {
        self.seen.push(request.clone());
        if let Some((status, body)) = &self.broken {
            return Answer::new(*status, body.clone());
        }
        if request.header("authorization") != Some(&format!("Bearer {TOKEN}")) || self.expired {
            return status(401, "Unauthorized");
        }
        let verb = match request.method.as_str() {
            "GET" => "get",
            "POST" => "create",
            "PATCH" => "patch",
            _ => return status(405, "MethodNotAllowed"),
        };
        if !self.verbs.contains(&verb) {
            return status(403, "Forbidden");
        }
        let parts: Vec<&str> = request.path.split('/').collect();
        let ["", "api", "v1", "namespaces", namespace, "secrets", rest @ ..] = parts.as_slice() else {
            return status(404, "NotFound");
        };
        match (verb, rest) {
            ("get", [name]) => match self.secrets.get(&format!("{namespace}/{name}")) {
                Some(secret) => Answer::new(200, secret.to_string()),
                None => status(404, "NotFound"),
            },
            ("create", []) => self.create(namespace, request),
            ("patch", [name]) => self.patch(&format!("{namespace}/{name}"), request),
            _ => status(404, "NotFound"),
        }
    }

    fn be_faster(&mut self, place: &str) {
        let (left, Some(rival)) = self.rival else { return };
        if left == 0 {
            return;
        }
        self.rival.0 -= 1;
        let mut secret = self.secrets.remove(place).unwrap_or_else(|| json!({ "type": "Opaque" }));
        match rival {
            Rival::Deletes => return,
            Rival::Makes => {}
            Rival::Changes => secret["data"]["THEIRS"] = encoded(&format!("{left}")).into(),
        }
        self.store(place, secret);
    }

    fn create(&mut self, namespace: &str, request: &Request) -> Answer {
        let secret: Value = serde_json::from_slice(&request.body).unwrap();
        let name = secret["metadata"]["name"].as_str().unwrap().to_owned();
        let place = format!("{namespace}/{name}");
        if !self.namespaces.iter().any(|known| known == namespace) {
            return status(404, "NotFound");
        }
        self.be_faster(&place);
        if self.secrets.contains_key(&place) {
            return status(409, "AlreadyExists");
        }
        if !request.stores() {
            return Answer::new(201, secret.to_string());
        }
        Answer::new(201, self.store(&place, secret).to_string())
    }

    fn patch(&mut self, place: &str, request: &Request) -> Answer {
        if request.header("content-type") != Some("application/merge-patch+json") {
            return status(415, "UnsupportedMediaType");
        }
        let before = self.secrets.get(place).map(|secret| secret["metadata"]["resourceVersion"].clone());
        self.be_faster(place);
        let Some(secret) = self.secrets.get(place).cloned() else { return status(404, "NotFound") };
        let patch: Value = serde_json::from_slice(&request.body).unwrap();
        let asked = patch.pointer("/metadata/resourceVersion");
        if asked.is_some_and(|asked| *asked != secret["metadata"]["resourceVersion"])
            || before.is_some_and(|before| before != secret["metadata"]["resourceVersion"])
        {
            return status(409, "Conflict");
        }
        if secret["immutable"] == true && patch.get("stringData").is_some_and(|data| data != &json!({})) {
            return status(422, "Invalid");
        }
        let mut merged = secret;
        merge(&mut merged, &patch);
        if !request.stores() {
            return Answer::new(200, merged.to_string());
        }
        Answer::new(200, self.store(place, merged).to_string())
    }
}

/// <https://www.rfc-editor.org/rfc/rfc7396>
fn merge(target: &mut Value, patch: &Value) {
    let Value::Object(patch) = patch else {
        *target = patch.clone();
        return;
    };
    if !target.is_object() {
        *target = json!({});
    }
    for (name, value) in patch {
        if value.is_null() {
            target.as_object_mut().unwrap().remove(name);
        } else {
            merge(&mut target[name], value);
        }
    }
}

const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Base64, as `data` holds it.
pub fn encoded(text: &str) -> String {
    let mut encoded = String::new();
    for part in text.as_bytes().chunks(3) {
        let number =
            part.iter().fold(0, |number: usize, byte| number << 8 | usize::from(*byte)) << (8 * (3 - part.len()));
        for place in 0..4 {
            encoded.push(if place > part.len() { '=' } else { char::from(DIGITS[number >> (18 - 6 * place) & 63]) });
        }
    }
    encoded
}

pub fn decoded(text: &str) -> String {
    let mut bytes = Vec::new();
    for part in text.as_bytes().chunks(4) {
        let digits = part.iter().filter_map(|byte| DIGITS.iter().position(|digit| digit == byte));
        let (number, count) = digits.fold((0, 0), |(number, count), digit| (number << 6 | digit, count + 1));
        let number = number << (6 * (4 - count));
        bytes.extend([16, 8, 0].into_iter().take(count - 1).map(|shift| u8::try_from(number >> shift & 255).unwrap()));
    }
    String::from_utf8(bytes).unwrap()
}
