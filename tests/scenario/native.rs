//! The component, natively, with every effect answered in the words of a scenario.

use std::{
    cell::RefCell,
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    rc::Rc,
};

use lwa_rotate_component::bindings::exports::lwa::rotation::rotation::{Decision, Error, Stage};
use lwa_rotate_component::bindings::lwa::rotation::observe::Happening;
use lwa_rotate_component::bindings::lwa::rotation::queue::{Attribute, Flow, Gap, Key, KeyDescription};
use lwa_rotate_component::bindings::lwa::rotation::settings::{Application, Rotate, Target, UserAgent};
use lwa_rotate_component::credential::{Credential, Secret};
use lwa_rotate_component::exports;
use lwa_rotate_component::host::{
    Entry, Held, Host, Inspection, Message, Method, PublishError, QueueError, Reading, Request, Response, SendError,
    StoreError,
};
use lwa_rotate_component::instant::Instant;
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::scenario::Answers;
use crate::scenario::file::{Scenario, Step};
use crate::scenario::world::World;

/// The host was stopped.
struct Stopped;

struct Native<'a, A> {
    scenario: &'a Scenario,
    answers: Rc<RefCell<A>>,
}

/// Makes the call of a step on a fresh host; its result as a scenario writes it, or `None` if the host was stopped.
pub fn call<A: Answers>(scenario: &Scenario, answers: &Rc<RefCell<A>>, step: &Step) -> Option<Value> {
    let mut host = Native { scenario, answers: Rc::clone(answers) };
    match catch_unwind(AssertUnwindSafe(|| make(&mut host, step))) {
        Ok(value) => Some(value),
        Err(panic) if panic.is::<Stopped>() => None,
        Err(panic) => resume_unwind(panic),
    }
}

fn make(host: &mut impl Host, step: &Step) -> Value {
    let with = &step.with;
    let text = |name: &str| with[name].as_str().unwrap_or_else(|| panic!("{name} is missing"));
    let number = |name: &str| u32::try_from(with[name].as_u64().unwrap()).unwrap();
    let truth = |name: &str| with[name].as_bool().unwrap_or_else(|| panic!("{name} is missing"));
    let instant = |name: &str| with[name].as_u64().map(Instant);
    let id = || text("client-id");
    let (known, value): (&[&str], Value) = match step.call.as_str() {
        "enroll" => {
            let secret = read_bytes(&with["secret"]).expose().to_vec();
            let result = exports::enroll(host, id(), secret, instant("expires-at"), truth("confirmed"));
            (&["client-id", "secret", "expires-at", "confirmed"], written_result(result))
        }
        "set-expiry" => {
            let result = exports::set_expiry(host, id(), instant("expires-at").unwrap(), truth("confirmed"));
            (&["client-id", "expires-at", "confirmed"], written_result(result))
        }
        "advance" => (&["client-id"], written_result(exports::advance(host, id()))),
        "deliver" => (&["message"], written(&exports::deliver(host, &read_message(&with["message"])))),
        "drain" => {
            let result = exports::drain(host, text("queue"), number("max"), number("wait"));
            (&["queue", "max", "wait"], written_result(result))
        }
        "request" => (&["client-id", "force"], written_result(exports::request(host, id(), truth("force")))),
        "cancel" => (&["client-id", "not-before"], written_result(exports::cancel(host, id(), instant("not-before")))),
        "resume" => {
            let decision = match text("decision") {
                "wait" => Decision::Wait,
                "request-again" => Decision::RequestAgain,
                other => panic!("there is no decision '{other}'"),
            };
            (&["client-id", "decision"], written_result(exports::resume(host, id(), decision)))
        }
        "republish" => {
            let result = exports::republish(host, id(), with["target"].as_str());
            (&["client-id", "target"], written_result(result))
        }
        "forget" => (&["client-id"], written_result(exports::forget(host, id()))),
        "check-queue" => (&["queue"], written(&exports::check_queue(host, text("queue")))),
        "status" => (&["client-id"], written_result(exports::status(host, id()))),
        "verify" => (&["client-id"], written_result(exports::verify(host, id()))),
        "reveal" => {
            let stage = match text("stage") {
                "current" => Stage::Current,
                "candidate" => Stage::Candidate,
                "retired" => Stage::Retired,
                other => panic!("there is no stage '{other}'"),
            };
            (
                &["client-id", "stage"],
                match exports::reveal(host, id(), stage) {
                    Ok(kept) => json!({ "ok": kept.as_ref().map(credential) }),
                    Err(error) => json!({ "err": written(&error) }),
                },
            )
        }
        other => panic!("there is no export '{other}'"),
    };
    for name in with.as_object().unwrap().keys() {
        assert!(known.contains(&name.as_str()), "{} has no argument '{name}'", step.call);
    }
    value
}

fn written_result(result: Result<impl Serialize, Error>) -> Value {
    match result {
        Ok(value) => json!({ "ok": written(&value) }),
        Err(error) => json!({ "err": written(&error) }),
    }
}

/// A value without secrets, as a scenario writes it.
fn written(value: &impl Serialize) -> Value {
    in_kebab_case(&serde_json::to_value(value).unwrap(), "error")
}

/// What the derived forms call in the manner of Rust. `name` is that of the member which has the value.
fn in_kebab_case(value: &Value, name: &str) -> Value {
    /// Members, and cases, whose value is a case.
    const HAVE_CASES: [&str; 16] = [
        "error",
        "what",
        "state",
        "kind",
        "cause",
        "remedy-by",
        "action",
        "severity",
        "answer",
        "why",
        "leave",
        "store",
        "queue",
        "rotation-wanted",
        "asking-for-token",
        "token-issued",
    ];
    match value {
        Value::String(text) if HAVE_CASES.contains(&name) => kebab(text).into(),
        Value::Array(all) => all.iter().map(|one| in_kebab_case(one, name)).collect(),
        Value::Object(members) => {
            let members = members.iter().filter(|(_, value)| !value.is_null());
            members.map(|(name, value)| (kebab(name), in_kebab_case(value, &kebab(name)))).collect::<Map<_, _>>().into()
        }
        other => other.clone(),
    }
}

fn kebab(name: &str) -> String {
    let mut kebab = String::new();
    for letter in name.chars() {
        if letter.is_ascii_uppercase() && !kebab.is_empty() {
            kebab.push('-');
        }
        kebab.push(if letter == '_' { '-' } else { letter.to_ascii_lowercase() });
    }
    kebab
}

/// An object without the members that are none.
fn object<const N: usize>(members: [(&str, Value); N]) -> Value {
    let members = members.into_iter().filter(|(_, value)| !value.is_null());
    Value::Object(members.map(|(name, value)| (name.to_owned(), value)).collect())
}

/// Bytes: their text, or their digits.
fn bytes(secret: &Secret) -> Value {
    match std::str::from_utf8(secret.expose()) {
        Ok(text) => text.into(),
        Err(_) => json!({ "hex": secret.expose().iter().map(|byte| format!("{byte:02x}")).collect::<String>() }),
    }
}

/// The bytes that are written so.
fn read_bytes(value: &Value) -> Secret {
    if let Some(text) = value.as_str() {
        return Secret::new(text.as_bytes().to_vec());
    }
    let digits = value["hex"].as_str().unwrap();
    let byte = |at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap();
    Secret::new((0..digits.len()).step_by(2).map(byte).collect())
}

/// The only case of a variant, with its text if it has one.
fn case(value: &Value) -> (&str, String) {
    match value {
        Value::String(name) => (name, String::new()),
        _ => {
            let (name, text) = value.as_object().unwrap().iter().next().unwrap();
            (name, text.as_str().unwrap().to_owned())
        }
    }
}

fn read_message(value: &Value) -> Message {
    let text = |name: &str| value[name].as_str().unwrap().to_owned();
    Message {
        id: text("id"),
        receipt_handle: text("receipt-handle"),
        body: read_bytes(&value["body"]),
        receive_count: value["receive-count"].as_u64().unwrap().try_into().unwrap(),
    }
}

fn credential(credential: &Credential) -> Value {
    object([
        ("client-id", json!(credential.client_id)),
        ("client-secret", credential.client_secret.expose_text().into()),
        ("expires-at", json!(credential.expires_at.map(|at| at.0))),
    ])
}

fn gap(value: &Value) -> Gap {
    match case(value) {
        ("not-found", text) => Gap::NotFound(text),
        ("denied", text) => Gap::Denied(text),
        ("unreachable", text) => Gap::Unreachable(text),
        (other, _) => panic!("there is no gap '{other}'"),
    }
}

/// The value of a result, or its gap.
fn or_gap<T>(result: &Value, value: impl Fn(&Value) -> T) -> Result<T, Gap> {
    match result.get("ok") {
        Some(ok) => Ok(value(ok)),
        None => Err(gap(&result["err"])),
    }
}

fn inspection(answer: &Value) -> Inspection {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let attribute = |pair: &Value| Attribute { name: text(&pair[0]), value: text(&pair[1]) };
    let description = |ok: &Value| KeyDescription {
        arn: text(&ok["arn"]),
        state: text(&ok["state"]),
        managed_by_aws: ok["managed-by-aws"].as_bool().unwrap(),
    };
    Inspection {
        attributes: or_gap(&answer["attributes"], |all| all.as_array().unwrap().iter().map(attribute).collect()),
        key: answer.get("key").map(|key| Key {
            description: or_gap(&key["description"], description),
            policy: or_gap(&key["policy"], text),
        }),
        flow: match answer["flow"].as_str().unwrap() {
            "pulled" => Flow::Pulled,
            "pushed" => Flow::Pushed,
            other => panic!("there is no flow '{other}'"),
        },
    }
}

fn queue_error(error: &Value) -> QueueError {
    match case(error) {
        ("not-found", text) => QueueError::NotFound(text),
        ("access-denied", text) => QueueError::AccessDenied(text),
        ("stale-receipt", _) => QueueError::StaleReceipt,
        ("unavailable", text) => QueueError::Unavailable(text),
        ("other", text) => QueueError::Other(text),
        (other, _) => panic!("queue has no error '{other}'"),
    }
}

fn store_error(error: &Value) -> StoreError {
    match case(error) {
        ("conflict", _) => StoreError::Conflict,
        ("access-denied", text) => StoreError::AccessDenied(text),
        ("full", text) => StoreError::Full(text),
        ("unavailable", text) => StoreError::Unavailable(text),
        ("other", text) => StoreError::Other(text),
        (other, _) => panic!("store has no error '{other}'"),
    }
}

fn publish_error(error: &Value) -> PublishError {
    match case(error) {
        ("unknown-target", _) => PublishError::UnknownTarget,
        ("access-denied", text) => PublishError::AccessDenied(text),
        ("unavailable", text) => PublishError::Unavailable(text),
        ("other", text) => PublishError::Other(text),
        (other, _) => panic!("publish has no error '{other}'"),
    }
}

/// As the component's own skin reads an answer.
fn response(answer: &Value) -> Response {
    let header = |name: &str| {
        let mut headers = answer["headers"].as_array().unwrap().iter();
        let header = headers.find(|header| header[0].as_str().unwrap().eq_ignore_ascii_case(name));
        header.map(|header| header[1].as_str().unwrap().to_owned())
    };
    let request_id = header("x-amzn-requestid");
    Response {
        status: answer["status"].as_u64().unwrap().try_into().unwrap(),
        marked: request_id.is_some() || header("x-amzn-errortype").is_some(),
        request_id: request_id.unwrap_or_default(),
        body: read_bytes(&answer["body"]),
    }
}

impl<A: Answers> Native<'_, A> {
    fn ask(&self, name: &str, arguments: Value) -> Result<Value, Value> {
        let reply = self.answers.borrow_mut().answer(name, arguments);
        reply.unwrap_or_else(|| resume_unwind(Box::new(Stopped)))
    }
}

impl<A: Answers> Host for Native<'_, A> {
    fn now(&mut self) -> Instant {
        Instant(self.answers.borrow().now())
    }

    fn random(&mut self) -> u64 {
        self.scenario.random.parse().unwrap()
    }

    fn find(&mut self, client_id: &str) -> Option<Application> {
        let found = self.scenario.applications.iter().find(|application| application.client_id == client_id)?;
        Some(Application {
            client_id: found.client_id.clone(),
            token_endpoint: found.token_endpoint.clone(),
            api_endpoint: found.api_endpoint.clone(),
            queue: found.queue.clone(),
            rotate: match found.rotate.as_str() {
                "automatic" => Rotate::Automatic,
                "on-request" => Rotate::OnRequest,
                other => panic!("rotations do not begin '{other}'"),
            },
            rotate_before: found.rotate_before,
            patience: found.patience,
            targets: found
                .targets
                .iter()
                .map(|target| Target { name: target.name.clone(), place: target.place.clone() })
                .collect(),
            user_agent: UserAgent {
                application: found.user_agent.application.clone(),
                version: found.user_agent.version.clone(),
                language: found.user_agent.language.clone(),
            },
        })
    }

    fn send(&mut self, request: Request) -> Result<Response, SendError> {
        let headers = request.headers.iter().map(|(name, value)| json!([name, bytes(value)]));
        let arguments = object([
            ("method", if request.method == Method::Get { "get" } else { "post" }.into()),
            ("url", request.url.into()),
            ("headers", headers.collect()),
            ("body", bytes(&request.body)),
            // The component's skin, which this is in place of, adds these two.
            ("time-limit", 30.into()),
            ("body-limit", 262_144.into()),
            ("not-after", json!(request.not_after.map(|at| at.0))),
        ]);
        self.ask("http.send", arguments).map(|answer| response(&answer)).map_err(|error| match case(&error) {
            ("not-sent", text) => SendError::NotSent(text),
            ("forbidden", text) => SendError::Forbidden(text),
            ("outcome-unknown" | "other", text) => SendError::OutcomeUnknown(text),
            ("too-large", _) => SendError::OutcomeUnknown("the answer was too large".into()),
            (other, _) => panic!("http has no error '{other}'"),
        })
    }

    fn receive(&mut self, queue: &str, max: u32, wait: u32, visibility: u32) -> Result<Vec<Message>, QueueError> {
        let arguments = json!({ "queue": queue, "max": max, "wait": wait, "visibility": visibility });
        let answer = self.ask("queue.receive", arguments).map_err(|error| queue_error(&error))?;
        Ok(answer.as_array().unwrap().iter().map(read_message).collect())
    }

    fn delete(&mut self, queue: &str, receipt_handle: &str) -> Result<(), QueueError> {
        let arguments = json!({ "queue": queue, "receipt-handle": receipt_handle });
        self.ask("queue.delete", arguments).map(drop).map_err(|error| queue_error(&error))
    }

    fn hide(&mut self, queue: &str, receipt_handle: &str, visibility: u32) -> Result<(), QueueError> {
        let arguments = json!({ "queue": queue, "receipt-handle": receipt_handle, "visibility": visibility });
        self.ask("queue.hide", arguments).map(drop).map_err(|error| queue_error(&error))
    }

    fn inspect(&mut self, queue: &str) -> Inspection {
        match self.ask("queue.inspect", json!({ "queue": queue })) {
            Ok(answer) if answer.is_object() => inspection(&answer),
            other => panic!("nothing answers queue.inspect: {other:?}"),
        }
    }

    fn load(&mut self, client_id: &str) -> Result<Option<Entry>, StoreError> {
        let answer = self.ask("store.load", json!({ "client-id": client_id })).map_err(|error| store_error(&error))?;
        Ok((!answer.is_null()).then(|| Entry {
            revision: answer["revision"].as_str().unwrap().into(),
            document: read_bytes(&answer["document"]),
        }))
    }

    fn save(&mut self, client_id: &str, document: &Secret, expected: Option<&str>) -> Result<String, StoreError> {
        let arguments =
            object([("client-id", client_id.into()), ("document", bytes(document)), ("expected", json!(expected))]);
        let revision = self.ask("store.save", arguments).map_err(|error| store_error(&error))?;
        Ok(revision.as_str().unwrap().into())
    }

    fn remove(&mut self, client_id: &str, expected: &str) -> Result<(), StoreError> {
        let arguments = json!({ "client-id": client_id, "expected": expected });
        self.ask("store.remove", arguments).map(drop).map_err(|error| store_error(&error))
    }

    fn put(&mut self, target: &str, published: &Credential) -> Result<(), PublishError> {
        let arguments = json!({ "target": target, "credential": credential(published) });
        self.ask("publish.put", arguments).map(drop).map_err(|error| publish_error(&error))
    }

    fn read(&mut self, target: &str, client_id: &str) -> Result<Reading, PublishError> {
        let arguments = json!({ "target": target, "client-id": client_id });
        let answer = self.ask("publish.read", arguments).map_err(|error| publish_error(&error))?;
        Ok(match answer.as_str() {
            Some("none") => Reading::None,
            Some("unreadable") => Reading::Unreadable,
            Some(other) => panic!("there is no reading '{other}'"),
            None => {
                let held = &answer["credential"];
                Reading::Credential(Held {
                    client_id: held["client-id"].as_str().map(str::to_owned),
                    client_secret: read_bytes(&held["client-secret"]),
                    written_by: held["written-by"].as_str().map(str::to_owned),
                })
            }
        })
    }

    fn emit(&mut self, client_id: Option<&str>, at: Instant, what: Happening) {
        let event = object([("client-id", json!(client_id)), ("at", at.0.into()), ("what", written_case(&what))]);
        self.answers.borrow_mut().emit(event);
    }
}

fn written_case(what: &Happening) -> Value {
    in_kebab_case(&serde_json::to_value(what).unwrap(), "what")
}

/// The world after all steps, with one stop after so many effects; 0 for none.
pub fn stopped_after(scenario: &Scenario, stop: u64) -> World<'_> {
    let world = Rc::new(RefCell::new(World::new(scenario, stop)));
    for step in &scenario.steps {
        assert!(step.imports.is_none() && step.returns.is_none(), "a step in a world has neither imports nor a result");
        world.borrow_mut().now = step.at;
        if call(scenario, &world, step).is_none() {
            call(scenario, &world, step);
        }
    }
    Rc::into_inner(world).unwrap().into_inner()
}

/// What there is in the end of a run.
pub fn end(scenario: &Scenario, world: World<'_>) -> Map<String, Value> {
    let mut end = world.end();
    let world = Rc::new(RefCell::new(world));
    let at = scenario.steps.last().unwrap().at;
    let status = scenario.applications.iter().map(|application| {
        let id = application.client_id.clone();
        let step = Step::status(&id, at);
        (id, call(scenario, &world, &step).unwrap())
    });
    end.insert("status".into(), Value::Object(status.collect()));
    end
}
