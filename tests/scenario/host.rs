//! A [`Rotator`] whose every effect is answered in the words of a scenario.

use std::sync::Arc;

use async_trait::async_trait;
use lwa_rotate::{
    Credential, Decision, Rotator, Secret, Stage,
    clock::Clock,
    http::{self, Http},
    observe::{Event, Observe},
    publish::{self, Publish},
    queue::{self, Queue},
    store::{self, Store},
};
use serde_json::{Value, json};

use crate::file::{Scenario, Step};
use crate::written;

/// What the imports lead to. The name is that of the contract, arguments and answers are as a scenario writes them; an error is a
/// case of the import's.
#[async_trait]
pub trait Answers: Send + Sync + 'static {
    async fn answer(&self, name: &str, arguments: Value) -> Result<Value, Value>;
    fn now(&self) -> u64;
    fn emit(&self, event: Value);
}

struct Host<A>(Arc<A>);

/// A fresh host.
pub fn rotator(scenario: &Scenario, answers: &Arc<impl Answers>) -> Rotator {
    let host = Arc::new(Host(Arc::clone(answers)));
    let random: u64 = scenario.random.parse().unwrap();
    let builder = scenario.applications().fold(Rotator::builder(), |builder, one| builder.application(one));
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

/// Makes the call of a step; its result as a scenario writes it.
pub async fn call(rotator: &Rotator, step: &Step) -> Value {
    let text = |name: &str| step.with[name].as_str().unwrap_or_else(|| panic!("{name} is missing"));
    let number = |name: &str| u32::try_from(step.with[name].as_u64().unwrap()).unwrap();
    let id = || text("client-id");
    let (known, result): (&[&str], _) = match step.call.as_str() {
        "enroll" => {
            let secret = written::read_bytes(&step.with["secret"]);
            let enrolled = rotator.enroll(id(), secret, step.with["expires-at"].as_u64()).await;
            (&["client-id", "secret", "expires-at"], enrolled.map(|status| written::status(&status)))
        }
        "advance" => (&["client-id"], rotator.advance(id()).await.map(|status| written::status(&status))),
        "deliver" => {
            let delivery = rotator.deliver(written::read_message(&step.with["message"])).await.unwrap();
            return written::delivery(&delivery);
        }
        "drain" => {
            let deliveries = rotator.drain(text("queue"), number("max"), number("wait")).await;
            (&["queue", "max", "wait"], deliveries.map(|all| all.iter().map(written::delivery).collect()))
        }
        "request" => (&["client-id"], rotator.request(id()).await.map(|status| written::status(&status))),
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
        "prove" => {
            let problem = rotator.prove(id()).await;
            (&["client-id"], problem.map(|problem| json!(problem.as_ref().map(written::problem))))
        }
        "reveal" => {
            let stage = match text("stage") {
                "current" => Stage::Current,
                "pending" => Stage::Pending,
                "old" => Stage::Old,
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
impl<A: Answers> Http for Host<A> {
    async fn send(&self, request: http::Request) -> Result<http::Response, http::Error> {
        let headers = request.headers.iter().map(|header| json!([header.name, written::bytes(&header.value)]));
        let arguments = json!({
            "method": written::name(&request.method),
            "url": request.url,
            "headers": headers.collect::<Value>(),
            "body": written::bytes(&request.body),
            "time-limit": request.time_limit.as_secs(),
            "body-limit": request.body_limit,
        });
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
impl<A: Answers> Queue for Host<A> {
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
impl<A: Answers> Store for Host<A> {
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
}

#[async_trait]
impl<A: Answers> Publish for Host<A> {
    async fn put(&self, target: &str, credential: &Credential) -> Result<(), publish::Error> {
        let arguments = json!({ "target": target, "credential": written::credential(credential) });
        self.0.answer("publish.put", arguments).await.map(drop).map_err(|error| match written::read_case(&error) {
            ("unknown-target", _) => publish::Error::UnknownTarget,
            ("access-denied", text) => publish::Error::AccessDenied(text),
            ("unavailable", text) => publish::Error::Unavailable(text),
            ("other", text) => publish::Error::Other(text),
            (other, _) => panic!("publish has no error '{other}'"),
        })
    }
}

impl<A: Answers> Observe for Host<A> {
    fn emit(&self, event: &Event) {
        self.0.emit(written::event(event));
    }
}

impl<A: Answers> Clock for Host<A> {
    fn now(&self) -> u64 {
        self.0.now()
    }
}
