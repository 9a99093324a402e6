//! The emulator over real sockets, with a client that knows no more of HTTP than it must.

mod admin;
mod attributes;
mod batches;
mod client;
mod faults;
mod lwa;
mod notifications;
mod queues;
mod sp_api;
mod start;

use std::time::Duration;

use lwa_rotate_emulator::{Application, Emulator, Fault, Options};
use serde_json::{Value, json};

use client::{Answer, Lost, Request};

const CLIENT_ID: &str = "amzn1.application-oa2-client.0123";
const SECRET: &str = "amzn1.oa2-cs.v1.first+secret&=%";
const ROTATION: &str = "sellingpartnerapi::client_credential:rotation";
const NOTIFICATIONS: &str = "sellingpartnerapi::notifications";
const USER_AGENT: &str = "Tests/1.0 (Language=Rust)";
const DAY: Duration = Duration::from_secs(86_400);

/// An emulator with one application, and what its users do with it.
struct World {
    emulator: Emulator,
}

impl World {
    async fn new() -> Self {
        Self::with(|_| {}).await
    }

    async fn with(change: impl FnOnce(&mut Options)) -> Self {
        let mut options = Options { applications: vec![Application::new(CLIENT_ID, SECRET)], ..Options::default() };
        change(&mut options);
        Self { emulator: Emulator::start(options).await.expect("a free port") }
    }

    fn fault(&self, text: &str) {
        self.emulator.add_fault(text.parse::<Fault>().expect("a fault"));
    }

    fn send(&self, request: &Request<'_>) -> Result<Answer, Lost> {
        client::send(self.emulator.address(), request)
    }

    fn ask(&self, request: &Request<'_>) -> Answer {
        self.send(request).expect("an answer")
    }

    /// A token request as Amazon documents it.
    fn request_token(&self, secret: &str, scope: &str) -> Result<Answer, Lost> {
        let form = form_urlencoded::Serializer::new(String::new())
            .append_pair("grant_type", "client_credentials")
            .append_pair("client_id", CLIENT_ID)
            .append_pair("client_secret", secret)
            .append_pair("scope", scope)
            .finish();
        let content_type = ("content-type", "application/x-www-form-urlencoded;charset=UTF-8");
        self.send(&Request::post("/auth/o2/token", &form).header(content_type))
    }

    fn token(&self, secret: &str, scope: &str) -> String {
        let answer = self.request_token(secret, scope).expect("an answer");
        assert_eq!(answer.status, 200, "{}", answer.body);
        answer.json()["access_token"].as_str().expect("a token").to_owned()
    }

    fn rotate_with(&self, token: &str) -> Result<Answer, Lost> {
        let request = Request::post("/applications/2023-11-30/clientSecret", "");
        self.send(&request.header(("x-amz-access-token", token)).header(("user-agent", USER_AGENT)))
    }

    /// Token and rotate call, as a program does it.
    fn rotate(&self, secret: &str) -> Answer {
        self.rotate_with(&self.token(secret, ROTATION)).expect("an answer")
    }

    fn prove_with(&self, token: &str) -> Result<Answer, Lost> {
        let request = Request::get("/notifications/v1/destinations");
        self.send(&request.header(("x-amz-access-token", token)).header(("user-agent", USER_AGENT)))
    }

    /// Token and harmless call: does SP-API accept this secret?
    fn prove(&self, secret: &str) -> Answer {
        self.prove_with(&self.token(secret, NOTIFICATIONS)).expect("an answer")
    }

    fn call_sqs(&self, operation: &str, input: &Value) -> Result<Answer, Lost> {
        let (target, body) = (format!("AmazonSQS.{operation}"), input.to_string());
        let request = Request::post("/", &body).header(("content-type", "application/x-amz-json-1.0"));
        self.send(&request.header(("x-amz-target", &target)))
    }

    fn sqs(&self, operation: &str, input: Value) -> Answer {
        let mut input = input;
        if input["QueueUrl"].is_null() {
            input["QueueUrl"] = self.emulator.queue_url().into();
        }
        self.call_sqs(operation, &input).expect("an answer")
    }

    /// The messages that a receive brings, without waiting.
    fn receive(&self) -> Vec<Value> {
        let answer = self.sqs("ReceiveMessage", json!({ "MaxNumberOfMessages": 10, "AttributeNames": ["All"] }));
        assert_eq!(answer.status, 200, "{}", answer.body);
        answer.json()["Messages"].as_array().cloned().unwrap_or_default()
    }

    /// The notifications that a receive brings.
    fn notifications(&self) -> Vec<Value> {
        let bodies = self.receive();
        bodies.iter().map(|message| serde_json::from_str(text(message, "Body")).expect("JSON")).collect()
    }

    fn current_secret(&self) -> String {
        self.emulator.current_secret(CLIENT_ID).expect("an application").secret
    }
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap_or_else(|| panic!("no {name} in {value}"))
}

/// The first error of an SP-API answer: status, code, details.
fn sp_api_error(answer: &Answer) -> (u16, String, String) {
    let error = &answer.json()["errors"][0];
    assert!(error["message"].is_string(), "{error}");
    assert!(answer.headers.contains_key("x-amzn-requestid"));
    assert_eq!(answer.headers["x-amzn-errortype"], text(error, "code"));
    (answer.status, text(error, "code").to_owned(), error["details"].as_str().unwrap_or_default().to_owned())
}

/// The refusal of an SQS operation: its type, and the code in the header.
fn refusal(answer: &Answer) -> (String, String) {
    assert_eq!(answer.status, 400, "{}", answer.body);
    let shape = text(&answer.json(), "__type").to_owned();
    (shape, answer.headers["x-amzn-query-error"].clone())
}
