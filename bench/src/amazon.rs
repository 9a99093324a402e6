//! Amazon in this process, with answers that take no time, and everything else that a rotation needs.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use lwa_rotate::clock::ManualClock;
use lwa_rotate::http::{Error, Http, Method, Request, Response};
use lwa_rotate::observe::{Event, Observe};
use lwa_rotate::publish::{self, Publish, Reading};
use lwa_rotate::queue::{MemoryQueue, Message};
use lwa_rotate::settings::Target;
use lwa_rotate::store::MemoryStore;
use lwa_rotate::{Application, Credential, Rotator, Secret};
use serde_json::json;

use crate::native::Effects;

pub const CLIENT_ID: &str = "amzn1.application-oa2-client.bench";
pub const SECRET: &str = "amzn1.oa2-cs.v1.bench";
/// 2026-01-09T22:00:00Z.
const START: u64 = 1_767_996_000_000;
const DAY: u64 = 86_400_000;

/// An application at Amazon, enrolled, verified and published in a store of its own.
pub struct World {
    pub effects: Effects,
    pub clock: Arc<ManualClock>,
    pub rotator: Rotator,
}

impl World {
    pub async fn new() -> Self {
        Self::with(|amazon| amazon).await
    }

    /// With something between the component and Amazon.
    pub async fn with<H: Http>(change: impl FnOnce(Amazon) -> H) -> Self {
        let clock = Arc::new(ManualClock::new(START));
        let queue = Arc::new(MemoryQueue::new(Arc::clone(&clock), ["main"]));
        let amazon = Amazon { clock: Arc::clone(&clock), queue: Arc::clone(&queue), issued: AtomicU64::new(0) };
        let mut application = Application::new(CLIENT_ID, "https://api.test", "main");
        application.targets = vec![Target { name: "file".into(), place: "file://machine/file".into() }];
        let effects = Effects {
            application,
            http: Arc::new(change(amazon)),
            queue,
            store: Arc::new(MemoryStore::new()),
            publish: Arc::new(Taken),
            clock: Arc::<ManualClock>::clone(&clock),
        };
        let rotator = effects.rotator(|builder| builder.observe(Unseen).random(|| 0));
        rotator.enroll(CLIENT_ID, Secret::from(SECRET), Some(START + 180 * DAY), false).await.unwrap();
        assert!(rotator.advance(CLIENT_ID).await.unwrap().verified);
        Self { effects, clock, rotator }
    }

    /// Takes the application over the end of its retired secret, to where another rotation may begin.
    pub async fn settle(&self) {
        self.clock.advance(Duration::from_millis(8 * DAY));
        self.rotator.advance(CLIENT_ID).await.unwrap();
    }

    /// A message whose secret is not newer than the one in use: it is parsed, compared and found old.
    pub fn old_message(&self) -> Message {
        Message {
            id: "00000000-0000-4000-8000-000000000003".into(),
            receipt_handle: "receipt".into(),
            body: notification(0, START - 90 * DAY).into(),
            receive_count: 1,
        }
    }
}

pub struct Amazon {
    clock: Arc<ManualClock>,
    queue: Arc<MemoryQueue>,
    issued: AtomicU64,
}

#[async_trait]
impl Http for Amazon {
    async fn send(&self, request: Request) -> Result<Response, Error> {
        let (status, body) = match (request.method, request.url.rsplit('/').next()) {
            (Method::Post, Some("token")) => {
                (200, r#"{"access_token":"Atc|bench","token_type":"bearer","expires_in":3600}"#)
            }
            (Method::Post, _) => {
                use lwa_rotate::clock::Clock as _;
                let number = self.issued.fetch_add(1, Ordering::Relaxed) + 1;
                self.queue.send("main", notification(number, self.clock.now()));
                (204, "")
            }
            (Method::Get, _) => (200, r#"{"payload":[]}"#),
        };
        Ok(Response { status, headers: Vec::new(), body: Secret::from(body) })
    }
}

/// Amazon's message at the time of a rotation.
fn notification(number: u64, at: u64) -> String {
    let time = |at: u64| {
        let at = time::OffsetDateTime::from_unix_timestamp_nanos(i128::from(at) * 1_000_000).unwrap();
        at.format(&time::format_description::well_known::Rfc3339).unwrap()
    };
    json!({
        "notificationVersion": "1.0",
        "notificationType": "APPLICATION_OAUTH_CLIENT_NEW_SECRET",
        "payloadVersion": "2023-11-30",
        "eventTime": time(at),
        "payload": { "applicationOAuthClientNewSecret": {
            "clientId": CLIENT_ID,
            "newClientSecret": format!("amzn1.oa2-cs.v1.bench-{number}"),
            "newClientSecretExpiryTime": time(at + 180 * DAY),
            "oldClientSecretExpiryTime": time(at + 7 * DAY),
        } },
        "notificationMetadata": {
            "applicationId": "amzn1.sp.solution.bench",
            "subscriptionId": "00000000-0000-4000-8000-000000000001",
            "publishTime": time(at),
            "notificationId": "00000000-0000-4000-8000-000000000002",
        },
    })
    .to_string()
}

/// A target that takes everything.
struct Taken;

#[async_trait]
impl Publish for Taken {
    async fn put(&self, _: &str, _: &Credential) -> Result<(), publish::Error> {
        Ok(())
    }

    async fn read(&self, _: &str, _: &str) -> Result<Reading, publish::Error> {
        Ok(Reading::Unreadable)
    }
}

/// Nobody looks.
pub struct Unseen;

impl Observe for Unseen {
    fn emit(&self, _: &Event) {}
}
