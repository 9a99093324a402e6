//! The stored document of an application: cut, changed, of another program, of an earlier or later version.
//!
//! One that cannot be read is never overwritten: every call says so and does nothing. One that can is written the same again,
//! and every call comes to an end with it, whatever it says.

use lwa_rotate_component::bindings::exports::lwa::rotation::rotation::{Answer, Decision, Error, Stage};
use lwa_rotate_component::bindings::lwa::rotation::observe::Left;
use lwa_rotate_component::credential::Secret;
use lwa_rotate_component::host::Message;
use lwa_rotate_component::instant::Instant;
use lwa_rotate_component::{document, exports};

use crate::host::{CLIENT_ID, SECRET, Scripted};

const NEW_SECRET: &[u8] = include_bytes!("../../tests/vectors/new-secret.json");
const EXPIRY: &[u8] = include_bytes!("../../tests/vectors/secret-expiry.json");

/// What a call came to, as far as it matters here.
type Came<T = ()> = Result<T, Error>;

/// Every exported call that is about one application.
const CALLS: [fn(&mut Scripted) -> Came; 18] = [
    |host| exports::status(host, CLIENT_ID).map(drop),
    |host| exports::reveal(host, CLIENT_ID, Stage::Current).map(drop),
    |host| exports::reveal(host, CLIENT_ID, Stage::Candidate).map(drop),
    |host| exports::reveal(host, CLIENT_ID, Stage::Retired).map(drop),
    |host| exports::verify(host, CLIENT_ID).map(drop),
    |host| exports::request(host, CLIENT_ID, false).map(drop),
    |host| exports::request(host, CLIENT_ID, true).map(drop),
    |host| exports::cancel(host, CLIENT_ID, None).map(drop),
    |host| exports::cancel(host, CLIENT_ID, Some(Instant(u64::MAX))).map(drop),
    |host| exports::resume(host, CLIENT_ID, Decision::Wait).map(drop),
    |host| exports::resume(host, CLIENT_ID, Decision::RequestAgain).map(drop),
    |host| exports::republish(host, CLIENT_ID, None).map(drop),
    |host| exports::enroll(host, CLIENT_ID, SECRET.into(), Some(SOON), true).map(drop),
    |host| exports::enroll(host, CLIENT_ID, b"amzn1.oa2-cs.v1.another".to_vec(), None, false).map(drop),
    |host| exports::set_expiry(host, CLIENT_ID, SOON, true).map(drop),
    |host| exports::set_expiry(host, CLIENT_ID, Instant(0), false).map(drop),
    |host| exports::advance(host, CLIENT_ID).map(drop),
    |host| exports::forget(host, CLIENT_ID),
];
/// An end of the secret within what is permitted.
const SOON: Instant = Instant(1_770_000_000_000);

/// Takes a document in.
pub fn take_in(input: &[u8]) {
    let read = document::read(&Secret::new(input.to_vec()), CLIENT_ID);
    match read {
        Err(reason) => stays(input, &reason),
        // What a store leaves in place of a removed record counts as none.
        Ok(None) => {
            let mut host = Scripted::new(Some(input.to_vec()));
            assert_eq!(exports::status(&mut host, CLIENT_ID), Err(Error::NotEnrolled));
            assert!(exports::enroll(&mut host, CLIENT_ID, SECRET.into(), None, false).is_ok());
        }
        Ok(Some(record)) => {
            let written = document::write(&record);
            assert_eq!(document::read(&written, CLIENT_ID), Ok(Some(record)), "what is written is read again");
            for call in CALLS {
                for accepting in [true, false] {
                    ends(input, accepting, |host| drop(call(host)));
                }
            }
            for body in [NEW_SECRET, EXPIRY] {
                ends(input, true, |host| drop(exports::deliver(host, &message(body))));
            }
        }
    }
}

/// The document cannot be read: every call says so, and nothing is saved or sent.
fn stays(input: &[u8], reason: &str) {
    let mut host = Scripted::new(Some(input.to_vec()));
    for call in CALLS {
        assert_eq!(call(&mut host), Err(Error::UnreadableRecord(reason.to_owned())));
    }
    for body in [NEW_SECRET, EXPIRY] {
        let delivery = exports::deliver(&mut host, &message(body));
        assert!(matches!(delivery.answer, Answer::Leave(Left::NotKept(text)) if text.ends_with(reason)));
    }
    assert_eq!((host.saves, host.requests), (0, 0));
    assert_eq!(host.stored.as_deref(), Some(input), "it is left as it is");
}

/// A call with a readable document ends, twice over and long after.
fn ends(input: &[u8], accepting: bool, call: impl Fn(&mut Scripted)) {
    let mut host = Scripted::new(Some(input.to_vec()));
    for later in [Instant(0), Instant(4_000_000_000_000)] {
        host.now = host.now.max(later);
        if accepting {
            (0..8).for_each(|_| host.accept());
        }
        call(&mut host);
        // Only a settled record can be removed, which the host checks.
        if host.record().is_none() {
            return;
        }
    }
}

fn message(body: &[u8]) -> Message {
    Message {
        id: "message-1".into(),
        receipt_handle: "receipt-1".into(),
        body: Secret::new(body.to_vec()),
        receive_count: 1,
    }
}
