//! A [`Rotator`] whose every effect is answered in the words of a scenario.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use lwa_rotate::{
    Application, Credential, Decision, Rotator, Secret, Stage, UserAgent,
    clock::Clock,
    http::{self, Http},
    observe::{Event, Observe},
    publish::{self, Publish},
    queue::{self, Gap, Inspection, Queue},
    settings::{Rotate, Target},
    store::{self, Store},
};
use serde_json::{Value, json};
use tokio::sync::Notify;

use crate::scenario::Answers;
use crate::scenario::file::{self, Scenario, Step};
use crate::written;

/// What answers the imports of hosts, one after the other.
pub struct Shared<A> {
    pub answers: Mutex<A>,
    /// The host is stopped: it waits for an answer that never comes.
    pub stopped: Notify,
}

impl<A: Answers> Shared<A> {
    pub fn new(answers: A) -> Arc<Self> {
        Arc::new(Self { answers: Mutex::new(answers), stopped: Notify::new() })
    }

    async fn answer(&self, name: &str, arguments: Value) -> Result<Value, Value> {
        let reply = self.answers.lock().unwrap().answer(name, arguments);
        match reply {
            Some(reply) => reply,
            None => {
                self.stopped.notify_one();
                std::future::pending().await
            }
        }
    }

    fn now(&self) -> u64 {
        self.answers.lock().unwrap().now()
    }

    fn emit(&self, event: Value) {
        self.answers.lock().unwrap().emit(event);
    }
}

struct Host<A>(Arc<Shared<A>>);

/// A fresh host.
pub fn rotator(scenario: &Scenario, answers: &Arc<Shared<impl Answers + Send + 'static>>) -> Rotator {
    let host = Arc::new(Host(Arc::clone(answers)));
    let random: u64 = scenario.random.parse().unwrap();
    let builder =
        scenario.applications.iter().map(application).fold(Rotator::builder(), |builder, one| builder.application(one));
    builder
        .http(Arc::clone(&host))
        .queue(Arc::clone(&host))
        .store(Arc::clone(&host))
        .publish(Arc::clone(&host))
        .observe(Arc::clone(&host))
        .clock(host)
        .random(move || random)
        .build()
        .unwrap()
}

fn application(one: &file::Application) -> Application {
    let target = |target: &file::Target| Target { name: target.name.clone(), place: target.place.clone() };
    Application {
        client_id: one.client_id.clone(),
        token_endpoint: one.token_endpoint.clone(),
        api_endpoint: one.api_endpoint.clone(),
        queue: one.queue.clone(),
        rotate: match one.rotate.as_str() {
            "automatic" => Rotate::Automatic,
            "on-request" => Rotate::OnRequest,
            other => panic!("rotations do not begin '{other}'"),
        },
        rotate_before: one.rotate_before,
        patience: one.patience,
        targets: one.targets.iter().map(target).collect(),
        user_agent: UserAgent {
            application: one.user_agent.application.clone(),
            version: one.user_agent.version.clone(),
            language: one.user_agent.language.clone(),
        },
    }
}

/// Makes the call of a step; its result as a scenario writes it.
pub async fn call(rotator: &Rotator, step: &Step) -> Value {
    let text = |name: &str| step.with[name].as_str().unwrap_or_else(|| panic!("{name} is missing"));
    let number = |name: &str| u32::try_from(step.with[name].as_u64().unwrap()).unwrap();
    let truth = |name: &str| step.with[name].as_bool().unwrap_or_else(|| panic!("{name} is missing"));
    let instant = |name: &str| step.with[name].as_u64();
    let id = || text("client-id");
    let (known, result): (&[&str], _) = match step.call.as_str() {
        "enroll" => {
            let secret = written::read_bytes(&step.with["secret"]);
            let enrolled = rotator.enroll(id(), secret, instant("expires-at"), truth("confirmed")).await;
            (&["client-id", "secret", "expires-at", "confirmed"], enrolled.map(|status| written::status(&status)))
        }
        "set-expiry" => {
            let set = rotator.set_expiry(id(), instant("expires-at").unwrap(), truth("confirmed")).await;
            (&["client-id", "expires-at", "confirmed"], set.map(|status| written::status(&status)))
        }
        "advance" => (&["client-id"], rotator.advance(id()).await.map(|status| written::status(&status))),
        "deliver" => {
            let delivery = rotator.deliver(written::read_message(&step.with["message"])).await.unwrap();
            return written::delivery(&delivery);
        }
        "drain" => {
            let deliveries = rotator.drain(text("queue"), number("max"), number("wait")).await;
            (&["queue", "max", "wait"], deliveries.map(|all| written::drained(&all)))
        }
        "request" => {
            let requested = rotator.request(id(), truth("force")).await;
            (&["client-id", "force"], requested.map(|status| written::status(&status)))
        }
        "cancel" => {
            let cancelled = rotator.cancel(id(), instant("not-before")).await;
            (&["client-id", "not-before"], cancelled.map(|status| written::status(&status)))
        }
        "republish" => {
            let republished = rotator.republish(id(), step.with["target"].as_str()).await;
            (&["client-id", "target"], republished.map(|status| written::status(&status)))
        }
        "forget" => (&["client-id"], rotator.forget(id()).await.map(|()| Value::Null)),
        "check-queue" => return written::findings(&rotator.check_queue(text("queue")).await.unwrap()),
        "resume" => {
            let decision = match text("decision") {
                "wait" => Decision::Wait,
                "request-again" => Decision::RequestAgain,
                other => panic!("there is no decision '{other}'"),
            };
            let resumed = rotator.resume(id(), decision).await;
            (&["client-id", "decision"], resumed.map(|status| written::status(&status)))
        }
        "status" => (&["client-id"], rotator.status(id()).await.map(|status| written::status(&status))),
        "verify" => {
            let problem = rotator.verify(id()).await;
            (&["client-id"], problem.map(|problem| json!(problem.as_ref().map(written::problem))))
        }
        "reveal" => {
            let stage = match text("stage") {
                "current" => Stage::Current,
                "candidate" => Stage::Candidate,
                "retired" => Stage::Retired,
                other => panic!("there is no stage '{other}'"),
            };
            let revealed = rotator.reveal(id(), stage).await;
            (&["client-id", "stage"], revealed.map(|kept| json!(kept.as_ref().map(written::credential))))
        }
        other => panic!("there is no export '{other}'"),
    };
    for name in step.with.as_object().unwrap().keys() {
        assert!(known.contains(&name.as_str()), "{} has no argument '{name}'", step.call);
    }
    match result {
        Ok(value) => json!({ "ok": value }),
        Err(error) => json!({ "err": written::error(&error) }),
    }
}

#[async_trait]
impl<A: Answers + Send + 'static> Http for Host<A> {
    async fn send(&self, request: http::Request) -> Result<http::Response, http::Error> {
        let headers = request.headers.iter().map(|header| json!([header.name, written::bytes(&header.value)]));
        let arguments = written::object([
            ("method", written::name(&request.method)),
            ("url", json!(request.url)),
            ("headers", headers.collect()),
            ("body", written::bytes(&request.body)),
            ("time-limit", request.time_limit.as_secs().into()),
            ("body-limit", request.body_limit.into()),
            ("not-after", json!(request.not_after)),
        ]);
        match self.0.answer("http.send", arguments).await {
            Ok(answer) => Ok(http::Response {
                status: answer["status"].as_u64().unwrap().try_into().unwrap(),
                headers: answer["headers"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .map(|header| http::Header {
                        name: header[0].as_str().unwrap().into(),
                        value: header[1].as_str().unwrap().into(),
                    })
                    .collect(),
                body: written::read_bytes(&answer["body"]),
            }),
            Err(error) => Err(match written::read_case(&error) {
                ("not-sent", text) => http::Error::NotSent(text),
                ("forbidden", text) => http::Error::Forbidden(text),
                ("outcome-unknown", text) => http::Error::OutcomeUnknown(text),
                ("too-large", _) => http::Error::TooLarge,
                ("other", text) => http::Error::Other(text),
                (other, _) => panic!("http has no error '{other}'"),
            }),
        }
    }
}

fn queue_error(error: &Value) -> queue::Error {
    match written::read_case(error) {
        ("not-found", text) => queue::Error::NotFound(text),
        ("access-denied", text) => queue::Error::AccessDenied(text),
        ("stale-receipt", _) => queue::Error::StaleReceipt,
        ("unavailable", text) => queue::Error::Unavailable(text),
        ("other", text) => queue::Error::Other(text),
        (other, _) => panic!("queue has no error '{other}'"),
    }
}

#[async_trait]
impl<A: Answers + Send + 'static> Queue for Host<A> {
    async fn receive(
        &self,
        queue: &str,
        max: u32,
        wait: u32,
        visibility: u32,
    ) -> Result<Vec<queue::Message>, queue::Error> {
        let arguments = json!({ "queue": queue, "max": max, "wait": wait, "visibility": visibility });
        let answer = self.0.answer("queue.receive", arguments).await.map_err(|error| queue_error(&error))?;
        Ok(answer.as_array().unwrap().iter().map(written::read_message).collect())
    }

    async fn delete(&self, queue: &str, receipt_handle: &str) -> Result<(), queue::Error> {
        let arguments = json!({ "queue": queue, "receipt-handle": receipt_handle });
        self.0.answer("queue.delete", arguments).await.map(drop).map_err(|error| queue_error(&error))
    }

    async fn hide(&self, queue: &str, receipt_handle: &str, visibility: u32) -> Result<(), queue::Error> {
        let arguments = json!({ "queue": queue, "receipt-handle": receipt_handle, "visibility": visibility });
        self.0.answer("queue.hide", arguments).await.map(drop).map_err(|error| queue_error(&error))
    }

    async fn inspect(&self, queue: &str) -> Inspection {
        inspection(&self.0.answer("queue.inspect", json!({ "queue": queue })).await.unwrap())
    }
}

/// The value of a result, or its gap.
fn or_gap<T>(result: &Value, value: impl Fn(&Value) -> T) -> Result<T, Gap> {
    match result.get("ok") {
        Some(ok) => Ok(value(ok)),
        None => Err(match written::read_case(&result["err"]) {
            ("not-found", text) => Gap::NotFound(text),
            ("denied", text) => Gap::Denied(text),
            ("unreachable", text) => Gap::Unreachable(text),
            (other, _) => panic!("there is no gap '{other}'"),
        }),
    }
}

fn inspection(answer: &Value) -> Inspection {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let description = |ok: &Value| queue::KeyDescription {
        arn: text(&ok["arn"]),
        state: text(&ok["state"]),
        managed_by_aws: ok["managed-by-aws"].as_bool().unwrap(),
    };
    let attribute = |pair: &Value| (text(&pair[0]), text(&pair[1]));
    Inspection {
        attributes: or_gap(&answer["attributes"], |all| all.as_array().unwrap().iter().map(attribute).collect()),
        key: answer.get("key").map(|key| queue::Key {
            description: or_gap(&key["description"], description),
            policy: or_gap(&key["policy"], text),
        }),
        flow: match answer["flow"].as_str().unwrap() {
            "pulled" => queue::Flow::Pulled,
            "pushed" => queue::Flow::Pushed,
            other => panic!("there is no flow '{other}'"),
        },
    }
}

fn store_error(error: &Value) -> store::Error {
    match written::read_case(error) {
        ("conflict", _) => store::Error::Conflict,
        ("access-denied", text) => store::Error::AccessDenied(text),
        ("full", text) => store::Error::Full(text),
        ("unavailable", text) => store::Error::Unavailable(text),
        ("other", text) => store::Error::Other(text),
        (other, _) => panic!("store has no error '{other}'"),
    }
}

#[async_trait]
impl<A: Answers + Send + 'static> Store for Host<A> {
    async fn load(&self, client_id: &str) -> Result<Option<store::Entry>, store::Error> {
        let answer = self.0.answer("store.load", json!({ "client-id": client_id })).await;
        let entry = answer.map_err(|error| store_error(&error))?;
        Ok((!entry.is_null()).then(|| store::Entry {
            revision: entry["revision"].as_str().unwrap().into(),
            document: written::read_bytes(&entry["document"]),
        }))
    }

    async fn save(&self, client_id: &str, document: Secret, expected: Option<&str>) -> Result<String, store::Error> {
        let arguments = written::object([
            ("client-id", client_id.into()),
            ("document", written::bytes(&document)),
            ("expected", json!(expected)),
        ]);
        let revision = self.0.answer("store.save", arguments).await.map_err(|error| store_error(&error))?;
        Ok(revision.as_str().unwrap().into())
    }

    async fn remove(&self, client_id: &str, expected: &str) -> Result<(), store::Error> {
        let arguments = json!({ "client-id": client_id, "expected": expected });
        self.0.answer("store.remove", arguments).await.map(drop).map_err(|error| store_error(&error))
    }
}

#[async_trait]
impl<A: Answers + Send + 'static> Publish for Host<A> {
    async fn put(&self, target: &str, credential: &Credential) -> Result<(), publish::Error> {
        let arguments = json!({ "target": target, "credential": written::credential(credential) });
        self.0.answer("publish.put", arguments).await.map(drop).map_err(|error| publish_error(&error))
    }

    async fn read(&self, target: &str, client_id: &str) -> Result<publish::Reading, publish::Error> {
        let arguments = json!({ "target": target, "client-id": client_id });
        let answer = self.0.answer("publish.read", arguments).await.map_err(|error| publish_error(&error))?;
        Ok(match answer.as_str() {
            Some("none") => publish::Reading::None,
            Some("unreadable") => publish::Reading::Unreadable,
            Some(other) => panic!("there is no reading '{other}'"),
            None => {
                let held = &answer["credential"];
                publish::Reading::Credential(publish::Held {
                    client_id: held["client-id"].as_str().map(str::to_owned),
                    client_secret: written::read_bytes(&held["client-secret"]),
                    expires_at: None,
                    written_by: held["written-by"].as_str().map(str::to_owned),
                })
            }
        })
    }
}

fn publish_error(error: &Value) -> publish::Error {
    match written::read_case(error) {
        ("unknown-target", _) => publish::Error::UnknownTarget,
        ("access-denied", text) => publish::Error::AccessDenied(text),
        ("unavailable", text) => publish::Error::Unavailable(text),
        ("other", text) => publish::Error::Other(text),
        (other, _) => panic!("publish has no error '{other}'"),
    }
}

impl<A: Answers + Send + 'static> Observe for Host<A> {
    fn emit(&self, event: &Event) {
        self.0.emit(written::event(event));
    }
}

impl<A: Answers + Send + 'static> Clock for Host<A> {
    fn now(&self) -> u64 {
        self.0.now()
    }
}
