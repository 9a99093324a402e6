//! The checker checks: hosts that break one rule each on purpose, and the world has to notice.

#![allow(missing_docs, clippy::unwrap_used, reason = "tests")]

use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};

use lwa_rotate_component::bindings::lwa::rotation::observe::Happening;
use lwa_rotate_component::bindings::lwa::rotation::settings::Application;
use lwa_rotate_component::credential::{Credential, Secret};
use lwa_rotate_component::exports;
use lwa_rotate_component::host::{
    Entry, Host, Message, PublishError, QueueError, Request, Response, SendError, StoreError,
};
use lwa_rotate_component::instant::Instant;
use serde_json::Value;
use world::{Call, DAY, Kind, QUEUE, SHOP, Shared, VALUE_OF_OTHERS, World, call};

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
    /// Deletes what it cannot read.
    DeletesGarbage,
    /// Deletes what is for an application that is not enrolled.
    DeletesWhatIsForOthers,
    /// Puts the secret before back in the place of the one that replaced it.
    TurnsBack,
    /// Serves the first document it ever saw as the present one.
    ReadsTheOldRecord,
    /// Loses the old secret when it saves.
    DropsTheOldSecret,
    /// Keeps what Amazon has ended.
    KeepsTheOldSecret,
    /// Reports a secret.
    Talks,
    /// Reports what stands in somebody else's message.
    Repeats,
    /// Saves whatever the revision.
    SavesOverOthers,
    /// Has a source of randomness of its own.
    IsMoody,
}

struct Mutant<'a> {
    host: &'a mut dyn Host,
    world: &'a Shared,
    wrong: Wrong,
    first: &'a RefCell<Option<Vec<u8>>>,
}

impl Mutant<'_> {
    fn json(document: &Secret) -> Value {
        serde_json::from_slice(document.expose()).unwrap()
    }

    fn save_json(&mut self, client_id: &str, json: &Value, expected: Option<&str>) -> Result<String, StoreError> {
        self.host.save(client_id, &Secret::new(json.to_string().into_bytes()), expected)
    }
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

    fn load(&mut self, client_id: &str) -> Result<Option<Entry>, StoreError> {
        let entry = self.host.load(client_id)?;
        match (self.wrong, entry) {
            (Wrong::ReadsTheOldRecord, Some(entry)) => {
                let proven = Self::json(&entry.document)["current"]["verify"] == "proven";
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
        if self.wrong == Wrong::DropsTheOldSecret && json["old"].is_array() {
            json.as_object_mut().unwrap().remove("old");
            return self.save_json(client_id, &json, expected);
        }
        if self.wrong == Wrong::TurnsBack && json["current"]["said_by_amazon"] == true && json["old"].is_array() {
            let present = self.world.borrow().current(client_id);
            let (mut current, mut old) = (json["current"].take(), json["old"].take());
            let before = old.as_array_mut().unwrap().last_mut().unwrap();
            // The record first has the newer one, as it should.
            if present.as_deref() == current["secret"].as_str() && before["expires_at"].is_u64() {
                let newer = current["secret"].take();
                current["secret"] = std::mem::replace(&mut before["secret"], newer);
                current["expires_at"] = before["expires_at"].clone();
                (json["current"], json["old"]) = (current, old);
                return self.save_json(client_id, &json, expected);
            }
        }
        if self.wrong == Wrong::KeepsTheOldSecret {
            let count = |record: &Value| record["old"].as_array().map_or(0, Vec::len);
            let before = self.world.borrow().record(client_id).cloned().unwrap_or_default();
            if count(&before) > count(&json) {
                json["old"] = before["old"].clone();
                return self.save_json(client_id, &json, expected);
            }
        }
        if self.wrong == Wrong::SavesOverOthers {
            loop {
                let present = self.world.borrow().store.get(client_id).map(|stored| stored.revision.to_string());
                match self.host.save(client_id, document, present.as_deref()) {
                    Err(StoreError::Conflict) => {}
                    saved => return saved,
                }
            }
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
        if self.wrong == Wrong::Repeats {
            self.host.emit(client_id, at, Happening::NotAcknowledged(VALUE_OF_OTHERS.into()));
        }
        self.host.emit(client_id, at, what);
    }
}

/// The body of a message that is none.
const GARBAGE: &[u8] = b"garbage";
/// An application that is enrolled elsewhere.
const STRANGER: &str = "amzn1.application-oa2-client.stranger";

/// Two rotations, the second in the console, with messages in the queue that are none and somebody else's; what the world says
/// to it.
fn noticed(wrong: Wrong) -> Option<String> {
    let world = World::shared(1);
    world.borrow_mut().add_app(STRANGER, 20 * DAY);
    let first = RefCell::new(None);
    let (secret, ends_at) = (world.borrow().newest(SHOP).secret.clone(), world.borrow().newest(SHOP).ends_at);
    let each = |body: &dyn Fn(&mut Mutant<'_>)| {
        call(&world, None, |host| body(&mut Mutant { host, world: &world, wrong, first: &first }));
    };
    let run = || {
        each(&|host| drop(exports::enroll(host, SHOP, secret.clone().into_bytes(), Some(Instant(ends_at)), true)));
        for round in 0..2 {
            if round == 1 {
                world.borrow_mut().put_message(GARBAGE.to_vec(), Kind::Foreign, 0);
                world.borrow_mut().rotate(STRANGER);
                world.borrow_mut().rotate(SHOP);
            }
            for _ in 0..3 {
                each(&|host| drop(exports::advance(host, SHOP)));
                each(&|host| drop(exports::drain(host, QUEUE, 10, 20)));
            }
            world.borrow_mut().now += DAY;
        }
        world.borrow_mut().now += 8 * DAY;
        each(&|host| drop(exports::advance(host, SHOP)));
        world.borrow().check_purged(SHOP);
    };
    said(run)
}

/// What a panic says, if there is one.
fn said(run: impl FnOnce()) -> Option<String> {
    let panic = catch_unwind(AssertUnwindSafe(run)).err()?;
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    Some(text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap())
}

#[test]
fn a_host_that_keeps_its_promises_breaks_no_rule() {
    assert_eq!(noticed(Wrong::Nothing), None);
}

#[test]
fn each_broken_rule_is_noticed() {
    assert!(include_str!("vectors/new-secret.json").contains(VALUE_OF_OTHERS));
    for (wrong, rule) in [
        (Wrong::ForgetsTheIntent, "rule 1"),
        (Wrong::CallsTwice, "rule 2"),
        (Wrong::ClaimsProof, "rule 4"),
        (Wrong::DeletesAtOnce, "rule 5: acknowledged"),
        (Wrong::TurnsBack, "rule 6"),
        (Wrong::DeletesGarbage, "rule 7: a message that is not ours"),
        (Wrong::DeletesWhatIsForOthers, "rule 7: a message of an application that is not enrolled"),
        (Wrong::Repeats, "rule 7: a value of somebody else's message"),
        (Wrong::ReadsTheOldRecord, "rule 8: the replaced secret"),
        (Wrong::DropsTheOldSecret, "rule 8: the replaced secret"),
        (Wrong::KeepsTheOldSecret, "rule 8: an old secret is kept"),
        (Wrong::Talks, "rule 9"),
    ] {
        let said = noticed(wrong).unwrap_or_default();
        assert!(said.contains(rule), "wanted {rule}, heard {said:?}");
    }
}

/// What the world says when two hosts are at the same rotation, in turn from import to import.
fn noticed_of_two(wrong: Wrong) -> Option<String> {
    let world = World::shared(1);
    let secret = world.borrow().newest(SHOP).secret.clone();
    call(&world, None, |host| drop(exports::enroll(host, SHOP, secret.into_bytes(), None, true)));
    call(&world, None, |host| drop(exports::advance(host, SHOP)));
    call(&world, None, |host| drop(exports::request(host, SHOP, false)));
    let begin = || {
        let inner = world.clone();
        Call::begin(&world, move |host| {
            let first = RefCell::new(None);
            drop(exports::advance(&mut Mutant { host, world: &inner, wrong, first: &first }, SHOP));
        })
    };
    said(|| {
        let mut running = vec![begin(), begin()];
        while !running.is_empty() {
            running = running.into_iter().filter_map(|call| call?.go_on().map(Some)).collect();
        }
    })
}

/// Rule 3: one caller.
#[test]
fn a_store_that_does_not_compare_revisions_is_noticed() {
    assert_eq!(noticed_of_two(Wrong::Nothing), None);
    let said = noticed_of_two(Wrong::SavesOverOthers).unwrap_or_default();
    assert!(said.contains("rule 3"), "heard {said:?}");
}

/// Rule 10: same inputs, same run.
#[test]
fn randomness_from_elsewhere_is_noticed() {
    let journal = |wrong| {
        let world = World::shared(1);
        world.borrow_mut().journal = Some(Vec::new());
        let first = RefCell::new(None);
        let secret = world.borrow().newest(SHOP).secret.clone();
        // It does not work for an hour, so that tries are put off, by chance.
        world.borrow_mut().apps.get_mut(SHOP).unwrap().issued[0].works_from = u64::MAX;
        for _ in 0..3 {
            let secret = secret.clone().into_bytes();
            call(&world, None, |host| {
                let host = &mut Mutant { host, world: &world, wrong, first: &first };
                drop(exports::enroll(host, SHOP, secret, None, true));
                drop(exports::advance(host, SHOP));
            });
        }
        world.borrow_mut().journal.take()
    };
    assert_eq!(journal(Wrong::Nothing), journal(Wrong::Nothing));
    assert_ne!(journal(Wrong::IsMoody), journal(Wrong::IsMoody));
}

/// Rule 11: say what to do.
#[test]
fn a_problem_without_a_remedy_is_noticed() {
    let world = World::shared(1);
    world.borrow_mut().apps.get_mut(SHOP).unwrap().issued[0].works_from = u64::MAX;
    let secret = world.borrow().newest(SHOP).secret.clone().into_bytes();
    let status = call(&world, None, |host| {
        exports::enroll(host, SHOP, secret, None, true).unwrap();
        exports::advance(host, SHOP)
    });
    let mut status = status.0.unwrap().unwrap();
    assert_eq!(said(|| world.borrow().check_answer(&Ok(status.clone()))), None);
    status.problem.as_mut().unwrap().remedy.clear();
    assert!(said(|| world.borrow().check_answer(&Ok(status.clone()))).unwrap().contains("rule 11"));
}
