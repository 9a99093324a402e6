//! A host that does one thing wrong.

use std::cell::RefCell;
use std::sync::atomic::{AtomicU64, Ordering};

use lwa_rotate_component::bindings::lwa::rotation::observe::Happening;
use lwa_rotate_component::bindings::lwa::rotation::queue::Attribute;
use lwa_rotate_component::bindings::lwa::rotation::settings::Application;
use lwa_rotate_component::credential::{Credential, Secret};
use lwa_rotate_component::host::{
    Entry, Held, Host, Inspection, Message, PublishError, QueueError, Reading, Request, Response, SendError, StoreError,
};
use lwa_rotate_component::instant::Instant;
use serde_json::Value;
use world::{SHOP, Shared, VALUE_OF_OTHERS};

/// What a host does wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wrong {
    Nothing,
    /// Says that the intent is saved, and does not save it.
    ForgetsTheIntent,
    /// Sends the rotate call twice.
    CallsTwice,
    /// Answers the verification by itself.
    ClaimsVerification,
    /// Deletes what it receives.
    DeletesAtOnce,
    /// Deletes what it cannot read.
    DeletesGarbage,
    /// Deletes what is for an application that is not enrolled.
    DeletesWhatIsForOthers,
    /// Puts the secret before back in the place of the one that replaced it.
    TurnsBack,
    /// Serves the first document it ever saw as the one that is stored.
    ReadsTheOldRecord,
    /// Loses the retired secrets when it saves.
    DropsTheOldSecret,
    /// Keeps what Amazon has ended.
    KeepsTheOldSecret,
    /// Reports a secret.
    Talks,
    /// Reports a value of a message that is for others.
    Repeats,
    /// Saves whatever the revision.
    SavesOverOthers,
    /// Has a source of randomness of its own.
    IsMoody,
    /// Makes up the facts about the queue.
    PraisesTheQueue,
    /// Says that the queue is empty, and has not received from it.
    ClaimsAnEmptyQueue,
    /// Nothing; a portal answers in the place of Amazon, which has carried the call out.
    HasAPortal,
    /// The same, and it takes the portal's answer for one of SP-API's.
    TrustsThePortal,
    /// Says of each place that it holds the current secret.
    ClaimsToHoldTheCurrent,
    /// Says of each place that it holds nothing.
    ClaimsToHoldNothing,
    /// Swallows what needs a person.
    HidesWhatNeedsAPerson,
}

pub struct Mutant<'a> {
    pub host: &'a mut dyn Host,
    pub world: &'a Shared,
    pub wrong: Wrong,
    pub first: &'a RefCell<Option<Vec<u8>>>,
}

/// The body of a message that is none.
pub const GARBAGE: &[u8] = b"garbage";
/// An application that is enrolled elsewhere.
pub const STRANGER: &str = "amzn1.application-oa2-client.stranger";

fn json(document: &Secret) -> Value {
    serde_json::from_slice(document.expose()).unwrap()
}

impl Mutant<'_> {
    fn save_json(&mut self, client_id: &str, json: &Value, expected: Option<&str>) -> Result<String, StoreError> {
        self.host.save(client_id, &Secret::new(json.to_string().into_bytes()), expected)
    }
}

fn portal(marked: bool) -> Response {
    let body = Secret::new(b"<html>please sign in</html>".to_vec());
    Response { status: 403, marked, request_id: String::new(), body }
}

impl Host for Mutant<'_> {
    fn now(&mut self) -> Instant {
        self.host.now()
    }

    fn random(&mut self) -> u64 {
        static MOOD: AtomicU64 = AtomicU64::new(0);
        match self.wrong {
            Wrong::IsMoody => MOOD.fetch_add(12_345_678_901, Ordering::Relaxed),
            _ => self.host.random(),
        }
    }

    fn find(&mut self, client_id: &str) -> Option<Application> {
        self.host.find(client_id)
    }

    fn send(&mut self, request: Request) -> Result<Response, SendError> {
        let copy = |request: &Request| Request {
            method: request.method,
            url: request.url.clone(),
            headers: request.headers.clone(),
            body: request.body.clone(),
            not_after: request.not_after,
        };
        let rotates = request.url.ends_with("clientSecret");
        if self.wrong == Wrong::CallsTwice && rotates {
            drop(self.host.send(copy(&request)));
        }
        if self.wrong == Wrong::ClaimsVerification && request.url.ends_with("destinations") {
            let body = Secret::new(br#"{"payload":[]}"#.to_vec());
            return Ok(Response { status: 200, marked: true, request_id: String::new(), body });
        }
        let answer = self.host.send(request);
        match self.wrong {
            Wrong::HasAPortal if rotates => Ok(portal(false)),
            Wrong::TrustsThePortal if rotates => Ok(portal(true)),
            _ => answer,
        }
    }

    fn receive(&mut self, queue: &str, max: u32, wait: u32, visibility: u32) -> Result<Vec<Message>, QueueError> {
        if self.wrong == Wrong::ClaimsAnEmptyQueue {
            return Ok(Vec::new());
        }
        let messages = self.host.receive(queue, max, wait, visibility)?;
        for message in &messages {
            let holds = |word: &[u8]| message.body.expose().windows(word.len()).any(|part| part == word);
            let deleted = match self.wrong {
                Wrong::DeletesAtOnce => true,
                Wrong::DeletesGarbage => holds(GARBAGE),
                Wrong::DeletesWhatIsForOthers => holds(STRANGER.as_bytes()),
                _ => false,
            };
            if deleted {
                self.host.delete(queue, &message.receipt_handle)?;
            }
        }
        Ok(messages)
    }

    fn delete(&mut self, queue: &str, receipt_handle: &str) -> Result<(), QueueError> {
        self.host.delete(queue, receipt_handle)
    }

    fn hide(&mut self, queue: &str, receipt_handle: &str, visibility: u32) -> Result<(), QueueError> {
        self.host.hide(queue, receipt_handle, visibility)
    }

    fn inspect(&mut self, queue: &str) -> Inspection {
        let mut inspection = self.host.inspect(queue);
        if self.wrong == Wrong::PraisesTheQueue {
            let counts = ["", "NotVisible", "Delayed"]
                .map(|which| (format!("ApproximateNumberOfMessages{which}"), "0".to_owned()));
            let good = world::good_attributes().into_iter().chain(counts);
            inspection.attributes = Ok(good.map(|(name, value)| Attribute { name, value }).collect());
        }
        inspection
    }

    fn load(&mut self, client_id: &str) -> Result<Option<Entry>, StoreError> {
        let entry = self.host.load(client_id)?;
        match (self.wrong, entry) {
            (Wrong::ReadsTheOldRecord, Some(entry)) => {
                if json(&entry.document)["secrets"]["current"]["verification"] == "verified" {
                    self.first.borrow_mut().get_or_insert_with(|| entry.document.expose().to_vec());
                }
                let document = self.first.borrow().clone().map_or(entry.document, Secret::new);
                Ok(Some(Entry { revision: entry.revision, document }))
            }
            (_, entry) => Ok(entry),
        }
    }

    fn save(&mut self, client_id: &str, document: &Secret, expected: Option<&str>) -> Result<String, StoreError> {
        let mut json = json(document);
        if self.wrong == Wrong::ForgetsTheIntent && json["call"]["phase"]["sent"].is_object() {
            return Ok(expected.unwrap().to_owned());
        }
        if self.wrong == Wrong::DropsTheOldSecret && json["secrets"]["retired"].is_array() {
            json["secrets"].as_object_mut().unwrap().remove("retired");
            return self.save_json(client_id, &json, expected);
        }
        if self.wrong == Wrong::TurnsBack
            && json["secrets"]["current"]["origin"]["message"].is_object()
            && json["secrets"]["retired"].is_array()
        {
            let stored = self.world.borrow().current(client_id);
            let (mut current, mut retired) = (json["secrets"]["current"].take(), json["secrets"]["retired"].take());
            let before = retired.as_array_mut().unwrap().last_mut().unwrap();
            // The record first has the newer one, as it should.
            if stored.as_deref() == current["secret"].as_str() && before["expires_at"].is_u64() {
                let newer = current["secret"].take();
                current["secret"] = std::mem::replace(&mut before["secret"], newer);
                current["expires_at"] = before["expires_at"].clone();
                current["origin"]["message"]["expires_at"] = before["expires_at"].clone();
                (json["secrets"]["current"], json["secrets"]["retired"]) = (current, retired);
                return self.save_json(client_id, &json, expected);
            }
        }
        if self.wrong == Wrong::KeepsTheOldSecret {
            let count = |record: &Value| record["secrets"]["retired"].as_array().map_or(0, Vec::len);
            let before = self.world.borrow().record(client_id).cloned().unwrap_or_default();
            if count(&before) > count(&json) {
                json["secrets"]["retired"] = before["secrets"]["retired"].clone();
                return self.save_json(client_id, &json, expected);
            }
        }
        if self.wrong == Wrong::SavesOverOthers {
            loop {
                let stored = self.world.borrow().store.get(client_id).map(|stored| stored.revision.to_string());
                match self.host.save(client_id, document, stored.as_deref()) {
                    Err(StoreError::Conflict) => {}
                    saved => return saved,
                }
            }
        }
        self.host.save(client_id, document, expected)
    }

    fn remove(&mut self, client_id: &str, expected: &str) -> Result<(), StoreError> {
        self.host.remove(client_id, expected)
    }

    fn put(&mut self, target: &str, credential: &Credential) -> Result<(), PublishError> {
        self.host.put(target, credential)
    }

    fn read(&mut self, target: &str, client_id: &str) -> Result<Reading, PublishError> {
        match self.wrong {
            Wrong::ClaimsToHoldTheCurrent => {
                let current = self.world.borrow().current(client_id).unwrap();
                let client_secret = Secret::new(current.into_bytes());
                Ok(Reading::Credential(Held { client_id: None, client_secret, written_by: None }))
            }
            Wrong::ClaimsToHoldNothing => Ok(Reading::None),
            _ => self.host.read(target, client_id),
        }
    }

    fn emit(&mut self, client_id: Option<&str>, at: Instant, what: Happening) {
        if self.wrong == Wrong::Talks {
            let secret = self.world.borrow().newest(SHOP).secret.clone();
            self.host.emit(client_id, at, Happening::Published(secret));
        }
        if self.wrong == Wrong::Repeats {
            self.host.emit(client_id, at, Happening::NotAcknowledged(VALUE_OF_OTHERS.into()));
        }
        if self.wrong == Wrong::HidesWhatNeedsAPerson && matches!(what, Happening::NeedsPerson(_)) {
            return;
        }
        self.host.emit(client_id, at, what);
    }
}
