//! The checker checks: hosts that break one rule each on purpose, and the world has to notice.

#![allow(missing_docs, clippy::unwrap_used, reason = "tests")]

use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};

use lwa_rotate_component::calls;
use lwa_rotate_component::contract::lwa::rotation::observe::Happening;
use lwa_rotate_component::contract::lwa::rotation::settings::Application;
use lwa_rotate_component::credential::{Credential, Secret};
use lwa_rotate_component::host::{
    Entry, Host, Message, PublishError, QueueError, Request, Response, SendError, StoreError,
};
use lwa_rotate_component::instant::Instant;
use serde_json::Value;
use world::{DAY, Kind, QUEUE, SHOP, World, call};

/// What a host does wrong.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Wrong {
    Nothing,
    /// Says that the intent is saved, and does not save it.
    ForgetsTheIntent,
    /// Sends the rotate call twice.
    CallsTwice,
    /// Answers the proof by itself.
    ClaimsProof,
    /// Deletes what it receives.
    DeletesAtOnce,
    /// Serves the first document it ever saw as the present one.
    ReadsTheOldRecord,
    /// Loses the old secret when it saves.
    DropsTheOldSecret,
    /// Reports a secret.
    Talks,
}

struct Mutant<'a> {
    host: &'a mut dyn Host,
    world: &'a RefCell<World>,
    wrong: Wrong,
    first: &'a RefCell<Option<Vec<u8>>>,
}

impl Mutant<'_> {
    fn json(document: &Secret) -> Value {
        serde_json::from_slice(document.expose()).unwrap()
    }
}

impl Host for Mutant<'_> {
    fn now(&mut self) -> Instant {
        self.host.now()
    }

    fn random(&mut self) -> u64 {
        self.host.random()
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
        };
        if self.wrong == Wrong::CallsTwice && request.url.ends_with("clientSecret") {
            drop(self.host.send(copy(&request)));
        }
        if self.wrong == Wrong::ClaimsProof && request.url.ends_with("destinations") {
            let body = Secret::new(br#"{"payload":[]}"#.to_vec());
            return Ok(Response { status: 200, request_id: String::new(), body });
        }
        self.host.send(request)
    }

    fn receive(&mut self, queue: &str, max: u32, wait: u32, visibility: u32) -> Result<Vec<Message>, QueueError> {
        let messages = self.host.receive(queue, max, wait, visibility)?;
        if self.wrong == Wrong::DeletesAtOnce {
            for message in &messages {
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

    fn load(&mut self, client_id: &str) -> Result<Option<Entry>, StoreError> {
        let entry = self.host.load(client_id)?;
        match (self.wrong, entry) {
            (Wrong::ReadsTheOldRecord, Some(entry)) => {
                let proven = Self::json(&entry.document)["current"]["proof"] == "proven";
                if proven {
                    self.first.borrow_mut().get_or_insert_with(|| entry.document.expose().to_vec());
                }
                let document = self.first.borrow().clone().map_or(entry.document, Secret::new);
                Ok(Some(Entry { revision: entry.revision, document }))
            }
            (_, entry) => Ok(entry),
        }
    }

    fn save(&mut self, client_id: &str, document: &Secret, expected: Option<&str>) -> Result<String, StoreError> {
        let mut json = Self::json(document);
        let intent = json["state"]["requesting"]["stage"]["calling"].is_u64();
        if self.wrong == Wrong::ForgetsTheIntent && intent {
            return Ok(expected.unwrap().to_owned());
        }
        if self.wrong == Wrong::DropsTheOldSecret && json["old"].is_object() {
            json.as_object_mut().unwrap().remove("old");
            return self.host.save(client_id, &Secret::new(json.to_string().into_bytes()), expected);
        }
        self.host.save(client_id, document, expected)
    }

    fn put(&mut self, target: &str, credential: &Credential) -> Result<(), PublishError> {
        self.host.put(target, credential)
    }

    fn emit(&mut self, client_id: Option<&str>, at: Instant, what: Happening) {
        if self.wrong == Wrong::Talks {
            let secret = self.world.borrow().newest(SHOP).secret.clone();
            self.host.emit(client_id, at, Happening::Published(secret));
        }
        self.host.emit(client_id, at, what);
    }
}

/// Two rotations, the second in the console, with garbage in the queue; what the world says to it.
fn noticed(wrong: Wrong) -> Option<String> {
    let world = RefCell::new(World::new(1));
    let first = RefCell::new(None);
    let (secret, ends_at) = (world.borrow().newest(SHOP).secret.clone(), world.borrow().newest(SHOP).ends_at);
    let each = |body: &dyn Fn(&mut Mutant<'_>)| {
        call(&world, None, |host| body(&mut Mutant { host, world: &world, wrong, first: &first }));
    };
    let run = || {
        each(&|host| drop(calls::enroll(host, SHOP, secret.clone().into_bytes(), Some(Instant(ends_at)))));
        for round in 0..2 {
            if round == 1 {
                world.borrow_mut().put_message(b"garbage".to_vec(), Kind::Foreign, 0);
                world.borrow_mut().rotate(SHOP);
            }
            for _ in 0..3 {
                each(&|host| drop(calls::advance(host, SHOP)));
                each(&|host| drop(calls::drain(host, QUEUE, 10, 20)));
            }
            world.borrow_mut().now += DAY;
        }
    };
    let panic = catch_unwind(AssertUnwindSafe(run)).err()?;
    Some(
        panic
            .downcast_ref::<String>()
            .cloned()
            .or_else(|| panic.downcast_ref::<&str>().map(|s| (*s).to_owned()))
            .unwrap(),
    )
}

#[test]
fn a_host_that_keeps_its_promises_breaks_no_rule() {
    assert_eq!(noticed(Wrong::Nothing), None);
}

#[test]
fn each_broken_rule_is_noticed() {
    for (wrong, rules) in [
        (Wrong::ForgetsTheIntent, &["rule 1"][..]),
        (Wrong::CallsTwice, &["rule 2"]),
        (Wrong::ClaimsProof, &["rule 4"]),
        (Wrong::DeletesAtOnce, &["rule 5", "rule 7"]),
        (Wrong::ReadsTheOldRecord, &["rule 6", "rule 8"]),
        (Wrong::DropsTheOldSecret, &["rule 8"]),
        (Wrong::Talks, &["rule 9"]),
    ] {
        let said = noticed(wrong).unwrap_or_default();
        assert!(rules.iter().any(|rule| said.contains(rule)), "wanted {rules:?}, heard {said:?}");
    }
}
