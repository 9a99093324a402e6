//! The component's imports, as a fuzz target scripts them; each effect is checked against the rules as it happens.

use std::collections::{BTreeMap, VecDeque};

use lwa_rotate_component::bindings::lwa::rotation::observe::Happening;
use lwa_rotate_component::bindings::lwa::rotation::queue::{Attribute, Flow};
use lwa_rotate_component::bindings::lwa::rotation::settings::{Application, Rotate, Target, UserAgent};
use lwa_rotate_component::credential::{ClientSecret, Credential, Secret};
use lwa_rotate_component::document;
use lwa_rotate_component::host::{
    Entry, Held, Host, Inspection, Message, PublishError, QueueError, Reading, Request, Response, SendError, StoreError,
};
use lwa_rotate_component::instant::{Instant, Lifetime};
use lwa_rotate_component::record::Record;
use lwa_rotate_component::record::call::Phase;
use lwa_rotate_component::record::secrets::{Candidate, Current, Origin, Promote, Retry, Verification};

/// The application; that of `tests/vectors/`.
pub(crate) const CLIENT_ID: &str = "amzn1.application-oa2-client.example";
/// The secret in use.
pub(crate) const SECRET: &str = "amzn1.oa2-cs.v1.current-example";
/// The place of its target.
pub(crate) const PLACE: &str = "file://host/file";
/// The queue.
pub(crate) const QUEUE: &str = "main";
/// The rotate call's path.
const ROTATE: &str = "/applications/2023-11-30/clientSecret";

/// 2026-01-10T00:00:00Z.
const START: u64 = 1_768_003_200_000;

/// A host that does as the script says.
pub(crate) struct Scripted {
    pub(crate) now: Instant,
    random: u64,
    /// The stored document; every save counts up.
    pub(crate) stored: Option<Vec<u8>>,
    pub(crate) saves: usize,
    /// What comes back from Amazon, in this order; afterwards there is no connection.
    pub(crate) answers: VecDeque<Result<Response, SendError>>,
    pub(crate) requests: usize,
    /// Rotate calls by the number of their intent.
    calls: BTreeMap<u64, usize>,
    /// The message in the queue, until it is received.
    pub(crate) message: Option<Vec<u8>>,
    pub(crate) deleted: bool,
    pub(crate) hidden: bool,
    /// Secrets that were given to the target.
    pub(crate) published: Vec<String>,
    /// What others have put in its place.
    pub(crate) held: Option<Vec<u8>>,
    /// What no event may hold.
    pub(crate) secrets: Vec<String>,
    /// Nor the access token of the last request, as long as nothing else is sent.
    token: Option<String>,
}

impl Scripted {
    pub(crate) fn new(stored: Option<Vec<u8>>) -> Self {
        Self {
            now: Instant(START),
            random: 0,
            stored,
            saves: 0,
            answers: VecDeque::new(),
            requests: 0,
            calls: BTreeMap::new(),
            message: None,
            deleted: false,
            hidden: false,
            published: Vec::new(),
            held: None,
            secrets: Vec::new(),
            token: None,
        }
    }

    /// Has Amazon accept a secret once: a token, then the call that verifies it.
    pub(crate) fn accept(&mut self) {
        self.answers.push_back(Ok(answer(200, r#"{"access_token":"Atc|example"}"#)));
        self.answers.push_back(Ok(answer(200, r#"{"payload":[]}"#)));
    }

    /// The stored record.
    pub(crate) fn record(&self) -> Option<Record> {
        let document = Secret::new(self.stored.clone()?);
        document::read(&document, CLIENT_ID).expect("what is stored can be read")
    }

    /// Rule 9: no secret in any output.
    pub(crate) fn check_silent(&self, output: &str) {
        for secret in self.secrets.iter().chain(&self.token) {
            assert!(!output.contains(secret.as_str()), "rule 9: a secret is shown");
        }
    }
}

pub(crate) fn answer(status: u16, body: &str) -> Response {
    Response { status, marked: false, request_id: "r-1".into(), body: Secret::new(body.as_bytes().to_vec()) }
}

pub(crate) fn secret(text: &str) -> ClientSecret {
    ClientSecret::parse(text.as_bytes().to_vec()).expect("a secret")
}

/// The record of an application that is enrolled, verified and not published, and ends in 60 days.
pub(crate) fn settled() -> Record {
    let now = Instant(START);
    let ends = now + Lifetime::days(60);
    let mut record = Record::enrolled(CLIENT_ID, secret(SECRET), Some(ends), now, 0);
    record.secrets.current = Current {
        verification: Verification::Verified,
        origin: Origin::Message { expires_at: ends, event_time: now - Lifetime::days(120) },
        ..record.secrets.current
    };
    record
}

/// The same with a new secret, from a message, that waits for its verification.
pub(crate) fn verifying() -> Record {
    let mut record = settled();
    let now = record.secrets.current.since;
    let ends = now + Lifetime::days(180);
    record.secrets.candidates.push(Candidate {
        secret: secret("amzn1.oa2-cs.v1.candidate-example"),
        origin: Origin::Message { expires_at: ends, event_time: now },
        expires_at: Some(ends),
        old_ends_at: Some(now + Lifetime::days(7)),
        kept_at: now,
        replaced_at: None,
        promote: Promote::WhenAccepted,
        retry: Retry::now(now),
        stalls_at: Some(now + Lifetime::days(6)),
        stalled: false,
    });
    record
}

/// A record as the store keeps it.
pub(crate) fn stored(record: &Record) -> Vec<u8> {
    document::write(record).expose().to_vec()
}

impl Host for Scripted {
    fn now(&mut self) -> Instant {
        self.now = self.now + Lifetime(1);
        self.now
    }

    fn random(&mut self) -> u64 {
        self.random = self.random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        self.random
    }

    fn find(&mut self, client_id: &str) -> Option<Application> {
        (client_id == CLIENT_ID).then(|| Application {
            client_id: CLIENT_ID.into(),
            token_endpoint: "https://lwa.test/auth/o2/token".into(),
            api_endpoint: "https://api.test".into(),
            queue: QUEUE.into(),
            rotate: Rotate::Automatic,
            rotate_before: 30 * 24 * 3600,
            patience: 3600,
            targets: vec![Target { name: "file".into(), place: PLACE.into() }],
            user_agent: UserAgent { application: "fuzz".into(), version: "1".into(), language: "Rust".into() },
        })
    }

    fn send(&mut self, request: Request) -> Result<Response, SendError> {
        self.requests += 1;
        if request.url.ends_with(ROTATE) {
            let record = self.record().expect("rule 1: a rotate call without a record");
            assert!(
                matches!(record.call.phase, Phase::Sent { .. }),
                "rule 1: a rotate call that the record does not tell of"
            );
            let made = self.calls.entry(record.call.count).or_default();
            *made += 1;
            assert_eq!(*made, 1, "rule 2: one intent made two calls");
            assert!(request.not_after.is_some(), "rule 1: a rotate call that may be sent late");
        }
        let token = request.headers.iter().find(|(name, _)| *name == "x-amz-access-token");
        let token = token.map_or("", |(_, token)| token.expose_text());
        assert!(token.bytes().all(|byte| byte.is_ascii_graphic()), "a header value that cannot be sent");
        // Short ones stand in other words by chance.
        self.token = Some(token.to_owned()).filter(|token| token.starts_with("Atc|") && token.len() >= 16);
        self.answers.pop_front().unwrap_or_else(|| Err(SendError::NotSent("no connection".into())))
    }

    fn receive(&mut self, _: &str, _: u32, _: u32, _: u32) -> Result<Vec<Message>, QueueError> {
        let message = |body| Message {
            id: "message-1".into(),
            receipt_handle: "receipt-1".into(),
            body: Secret::new(body),
            receive_count: 1,
        };
        Ok(self.message.take().map(message).into_iter().collect())
    }

    fn delete(&mut self, _: &str, _: &str) -> Result<(), QueueError> {
        self.deleted = true;
        Ok(())
    }

    fn hide(&mut self, _: &str, _: &str, seconds: u32) -> Result<(), QueueError> {
        assert!(seconds <= 43_200, "SQS does not hide a message for {seconds} s");
        self.hidden = seconds > 0;
        Ok(())
    }

    fn inspect(&mut self, _: &str) -> Inspection {
        let policy = r#"{"Statement":{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}}"#;
        let attributes = [
            ("QueueArn", "arn:aws:sqs:us-east-1:123456789012:lwa"),
            ("Policy", policy),
            ("MessageRetentionPeriod", "1209600"),
        ];
        let attributes = attributes.map(|(name, value)| Attribute { name: name.into(), value: value.into() });
        Inspection { attributes: Ok(attributes.into()), key: None, flow: Flow::Pulled }
    }

    fn load(&mut self, _: &str) -> Result<Option<Entry>, StoreError> {
        let entry = |document| Entry { revision: self.saves.to_string(), document: Secret::new(document) };
        Ok(self.stored.clone().map(entry))
    }

    fn save(&mut self, client_id: &str, document: &Secret, expected: Option<&str>) -> Result<String, StoreError> {
        assert_eq!(client_id, CLIENT_ID, "a save for another application");
        if let Some(stored) = &self.stored {
            let before = document::read(&Secret::new(stored.clone()), CLIENT_ID);
            assert!(before.is_ok(), "a record that cannot be read is overwritten");
        }
        assert_eq!(expected.map(str::to_owned), self.stored.as_ref().map(|_| self.saves.to_string()));
        let record = document::read(document, client_id).expect("what is saved can be read again");
        let record = record.expect("and is a record");
        assert_eq!(document::write(&record).expose(), document.expose(), "and is written the same again");
        self.saves += 1;
        self.stored = Some(document.expose().to_vec());
        Ok(self.saves.to_string())
    }

    fn remove(&mut self, client_id: &str, expected: &str) -> Result<(), StoreError> {
        assert_eq!((client_id, expected), (CLIENT_ID, self.saves.to_string().as_str()), "another record is removed");
        let removed = self.record().expect("a record that cannot be read is removed");
        let call = removed.call.phase;
        assert!(removed.secrets.verified() && call == Phase::Idle, "a record with something under way is removed");
        self.stored = None;
        Ok(())
    }

    fn read(&mut self, target: &str, client_id: &str) -> Result<Reading, PublishError> {
        assert_eq!((target, client_id), ("file", CLIENT_ID), "a target of another application");
        Ok(self.held.clone().map_or(Reading::None, |held| {
            let client_secret = Secret::new(held);
            Reading::Credential(Held { client_id: Some(CLIENT_ID.into()), client_secret, written_by: None })
        }))
    }

    fn put(&mut self, target: &str, credential: &Credential) -> Result<(), PublishError> {
        assert_eq!((target, credential.client_id.as_str()), ("file", CLIENT_ID), "a target of another application");
        self.published.push(credential.client_secret.expose_text().to_owned());
        self.held = Some(credential.client_secret.expose().to_vec());
        Ok(())
    }

    fn emit(&mut self, _: Option<&str>, _: Instant, what: Happening) {
        self.check_silent(&format!("{what:?}"));
    }
}
