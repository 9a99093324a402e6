//! Hostile input to the built component in the real host: what is made to be large does not keep it from its work.
//!
//! What is made to be wrong goes through the same code natively, in `fuzz/`.

#![allow(clippy::unwrap_used)]

use std::sync::Arc;

use async_trait::async_trait;
use lwa_rotate::{
    Answer, Application, Error, Rotator, State,
    clock::SystemClock,
    http::{self, Http, Request, Response},
    publish,
    queue::MemoryQueue,
    settings,
    store::{MemoryStore, Store},
};

const CLIENT_ID: &str = "amzn1.application-oa2-client.0123";
const SECRET: &str = "amzn1.oa2-cs.v1.enrolled";
/// The longest body that Amazon SQS carries.
const LONGEST_BODY: usize = 1024 * 1024;
/// The longest answer that the component takes.
const LONGEST_ANSWER: usize = 256 * 1024;

/// JSON of this length that takes as much memory as it can, each in its own way.
fn greedy(length: usize) -> impl Iterator<Item = String> {
    ["[0],", "[[[0]]],", "{\"\":0},", "\"\",", "0,"]
        .into_iter()
        .map(move |part| format!("[{}0]", part.repeat((length - 3) / part.len())))
}

/// An Amazon that accepts everything, or answers everything with this.
struct Amazon(Option<(u16, String)>);

#[async_trait]
impl Http for Amazon {
    async fn send(&self, request: Request) -> Result<Response, http::Error> {
        let accepted =
            if request.url.ends_with("/token") { r#"{"access_token":"Atc|x"}"# } else { r#"{"payload":[]}"# };
        let (status, body) = self.0.clone().unwrap_or((200, accepted.into()));
        Ok(Response { status, headers: Vec::new(), body: body.into() })
    }
}

fn rotator(amazon: Amazon, store: &Arc<MemoryStore>, queue: &Arc<MemoryQueue>) -> Rotator {
    let application = Application::new(CLIENT_ID, "https://sellingpartnerapi-eu.amazon.com", "main");
    Rotator::builder()
        .application(application)
        .http(amazon)
        .store(Arc::clone(store))
        .queue(Arc::clone(queue))
        .build()
        .unwrap()
}

fn notification() -> String {
    let payload = format!(
        r#"{{"clientId":"{CLIENT_ID}","newClientSecret":"amzn1.oa2-cs.v1.new","newClientSecretExpiryTime":"2099-06-30T00:01:00.000Z","oldClientSecretExpiryTime":"2099-01-08T00:01:00.000Z"}}"#
    );
    format!(
        r#"{{"notificationType":"APPLICATION_OAUTH_CLIENT_NEW_SECRET","eventTime":"2099-01-01T00:01:00.000Z","payload":{{"applicationOAuthClientNewSecret":{payload}}}}}"#
    )
}

/// Rules 5 and 7: whoever may send to the queue can keep no secret of Amazon's from being taken up.
#[tokio::test]
async fn messages_made_to_take_much_memory_are_left_and_the_secret_behind_them_is_taken_up() {
    for body in greedy(LONGEST_BODY) {
        let (store, queue) = (Arc::new(MemoryStore::new()), Arc::new(MemoryQueue::new(SystemClock, ["main"])));
        let rotator = rotator(Amazon(None), &store, &queue);
        rotator.enroll(CLIENT_ID, SECRET.into(), None, false).await.unwrap();
        for _ in 0..9 {
            queue.send("main", body.clone());
        }
        let id = queue.send("main", notification());

        let deliveries = rotator.drain("main", 10, 0).await.unwrap().deliveries;

        assert_eq!(deliveries.len(), 10);
        for delivery in deliveries {
            assert_eq!(delivery.message_id == id, delivery.answer == Answer::Delete, "{:?}", delivery.answer);
        }
        assert_eq!(queue.ids("main").len(), 9);
        let status = rotator.status(CLIENT_ID).await.unwrap();
        assert_eq!((status.state, status.generation), (State::Settled, 2));
    }
}

#[tokio::test]
async fn answers_made_to_take_much_memory_are_failures_like_others() {
    for body in greedy(LONGEST_ANSWER) {
        for status in [200, 403, 500] {
            let (store, queue) = (Arc::new(MemoryStore::new()), Arc::new(MemoryQueue::new(SystemClock, ["main"])));
            let rotator = rotator(Amazon(Some((status, body.clone()))), &store, &queue);
            rotator.enroll(CLIENT_ID, SECRET.into(), None, false).await.unwrap();

            let status = rotator.advance(CLIENT_ID).await.unwrap();

            assert!(status.problem.is_some() && !status.verified);
        }
    }
}

/// An answer is searched for the token that was sent, so both are made to take long.
#[tokio::test]
async fn a_token_and_an_answer_made_to_take_much_time_do_not_stop_the_component() {
    struct Long;

    #[async_trait]
    impl Http for Long {
        async fn send(&self, request: Request) -> Result<Response, http::Error> {
            let long = "x".repeat(LONGEST_ANSWER / 2);
            let (status, body) = match request.url.ends_with("/token") {
                true => (200, format!(r#"{{"access_token":"{long}y"}}"#)),
                false => (403, format!(r#"{{"errors":[{{"message":"{long}{}"}}]}}"#, "x".repeat(LONGEST_ANSWER / 3))),
            };
            Ok(Response { status, headers: Vec::new(), body: body.into() })
        }
    }

    let application = Application::new(CLIENT_ID, "https://sellingpartnerapi-eu.amazon.com", "main");
    let rotator = Rotator::builder().application(application).http(Long).store(MemoryStore::new()).build().unwrap();
    rotator.enroll(CLIENT_ID, SECRET.into(), None, false).await.unwrap();

    let status = rotator.advance(CLIENT_ID).await.unwrap();

    assert!(status.problem.is_some() && !status.verified);
}

#[tokio::test]
async fn a_record_made_to_take_much_memory_is_an_unreadable_one_and_stays() {
    for document in greedy(4 << 20) {
        let (store, queue) = (Arc::new(MemoryStore::new()), Arc::new(MemoryQueue::new(SystemClock, ["main"])));
        store.save(CLIENT_ID, document.as_str().into(), None).await.unwrap();
        let rotator = rotator(Amazon(None), &store, &queue);

        for result in [rotator.advance(CLIENT_ID).await, rotator.enroll(CLIENT_ID, SECRET.into(), None, false).await] {
            assert!(matches!(&result, Err(Error::UnreadableRecord(text)) if text.contains("too long")), "{result:?}");
        }

        let entry = store.load(CLIENT_ID).await.unwrap().unwrap();
        assert_eq!((entry.revision.as_str(), entry.document.len()), ("1", document.len()));
    }
}

/// The bounds of a call are far from what the most that one can bring needs.
#[tokio::test]
async fn ten_secrets_at_once_for_a_hundred_targets_stay_within_the_bounds() {
    struct Shelf;

    #[async_trait]
    impl publish::Publish for Shelf {
        async fn put(&self, _: &str, _: &lwa_rotate::Credential) -> Result<(), publish::Error> {
            Ok(())
        }

        async fn read(&self, _: &str, _: &str) -> Result<publish::Reading, publish::Error> {
            Ok(publish::Reading::Unreadable)
        }
    }

    let target = |number| settings::Target {
        name: format!("target-{number}"),
        place: format!("function://machine/target-{number}"),
    };
    let targets = (0..100).map(target).collect();
    let application =
        Application { targets, ..Application::new(CLIENT_ID, "https://sellingpartnerapi-eu.amazon.com", "main") };
    let queue = Arc::new(MemoryQueue::new(SystemClock, ["main"]));
    let rotator = Rotator::builder()
        .application(application)
        .http(Amazon(None))
        .store(MemoryStore::new())
        .queue(Arc::clone(&queue))
        .publish(Shelf)
        .build()
        .unwrap();
    rotator.enroll(CLIENT_ID, SECRET.into(), None, false).await.unwrap();
    for number in 0..10 {
        let newer = notification().replace("2099-06-30", &format!("2099-07-1{number}"));
        queue.send("main", newer.replace("v1.new", &format!("v1.new-{number}")));
    }

    let deliveries = rotator.drain("main", 10, 0).await.unwrap().deliveries;

    assert!(deliveries.iter().all(|delivery| delivery.answer == Answer::Delete));
    assert_eq!(rotator.status(CLIENT_ID).await.unwrap().state, State::Settled);
}
