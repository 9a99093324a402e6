//! When each import began and ended.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use lwa_rotate::http::{self, Http};
use lwa_rotate::publish::{self, Publish, Reading};
use lwa_rotate::queue::{self, Inspection, Queue};
use lwa_rotate::store::{self, Store};
use lwa_rotate::{Credential, Secret};

/// One import.
#[derive(Clone, Debug)]
pub struct Span {
    pub who: Who,
    pub what: &'static str,
    pub from: Duration,
    pub until: Duration,
}

/// Who answers an import.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Who {
    Lwa,
    SpApi,
    Sqs,
    Store,
    Target,
}

/// Who was asked for what, from when until when.
type Noted = (Who, &'static str, Instant, Instant);

/// Notes what passes through it.
#[derive(Clone, Default)]
pub struct Watched(Arc<Mutex<Vec<Noted>>>);

pub struct Over<T> {
    inner: T,
    watched: Watched,
}

impl Watched {
    pub fn over<T>(&self, inner: T) -> Arc<Over<T>> {
        Arc::new(Over { inner, watched: self.clone() })
    }

    /// What has been noted since the last time, counted from an instant.
    pub fn take(&self, began: Instant) -> Vec<Span> {
        let spans = std::mem::take(&mut *self.0.lock().unwrap());
        let span = |(who, what, from, until): Noted| Span {
            who,
            what,
            from: from.saturating_duration_since(began),
            until: until.saturating_duration_since(began),
        };
        spans.into_iter().map(span).collect()
    }

    async fn note<T>(&self, who: Who, what: &'static str, future: impl Future<Output = T>) -> T {
        let from = Instant::now();
        let answer = future.await;
        self.0.lock().unwrap().push((who, what, from, Instant::now()));
        answer
    }
}

#[async_trait]
impl<T: Http> Http for Over<T> {
    async fn send(&self, request: http::Request) -> Result<http::Response, http::Error> {
        let (who, what) = match (request.method, request.url.rsplit('/').next()) {
            (http::Method::Post, Some("token")) => (Who::Lwa, "token"),
            (http::Method::Post, _) => (Who::SpApi, "rotate"),
            (http::Method::Get, _) => (Who::SpApi, "verification"),
        };
        self.watched.note(who, what, self.inner.send(request)).await
    }
}

#[async_trait]
impl<T: Queue> Queue for Over<T> {
    // Without waiting: the emulator's short polls miss nothing, and the second that the one before the call waits would hide the rest.
    async fn receive(&self, queue: &str, max: u32, _: u32, hidden: u32) -> Result<Vec<queue::Message>, queue::Error> {
        self.watched.note(Who::Sqs, "receive", self.inner.receive(queue, max, 0, hidden)).await
    }

    async fn delete(&self, queue: &str, receipt_handle: &str) -> Result<(), queue::Error> {
        self.watched.note(Who::Sqs, "delete", self.inner.delete(queue, receipt_handle)).await
    }

    async fn hide(&self, queue: &str, receipt_handle: &str, visibility: u32) -> Result<(), queue::Error> {
        self.watched.note(Who::Sqs, "hide", self.inner.hide(queue, receipt_handle, visibility)).await
    }

    async fn inspect(&self, queue: &str) -> Inspection {
        self.watched.note(Who::Sqs, "inspect", self.inner.inspect(queue)).await
    }
}

#[async_trait]
impl<T: Store> Store for Over<T> {
    async fn load(&self, client_id: &str) -> Result<Option<store::Entry>, store::Error> {
        self.watched.note(Who::Store, "load", self.inner.load(client_id)).await
    }

    async fn save(&self, id: &str, document: Secret, expected: Option<&str>) -> Result<store::Revision, store::Error> {
        self.watched.note(Who::Store, "save", self.inner.save(id, document, expected)).await
    }

    async fn remove(&self, client_id: &str, expected: &str) -> Result<(), store::Error> {
        self.watched.note(Who::Store, "remove", self.inner.remove(client_id, expected)).await
    }
}

#[async_trait]
impl<T: Publish> Publish for Over<T> {
    async fn put(&self, target: &str, credential: &Credential) -> Result<(), publish::Error> {
        self.watched.note(Who::Target, "publish", self.inner.put(target, credential)).await
    }

    async fn read(&self, target: &str, client_id: &str) -> Result<Reading, publish::Error> {
        self.watched.note(Who::Target, "read", self.inner.read(target, client_id)).await
    }
}
