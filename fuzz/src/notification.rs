//! The body of a message, whoever sent it.
//!
//! It is drained beside records in several states, with an Amazon that accepts every secret and with one that cannot be
//! reached. Rules 5, 6, 7 and 9 hold: a body that cannot be read changes nothing and is described by member names alone, and
//! a message is deleted only when nothing is lost with it.

use lwa_rotate_component::amazon::notification::{self, Notification, Payload};
use lwa_rotate_component::bindings::exports::lwa::rotation::rotation::Answer;
use lwa_rotate_component::bindings::lwa::rotation::observe::Left;
use lwa_rotate_component::exports;
use lwa_rotate_component::record::Record;
use lwa_rotate_component::record::call::{Call, Phase};
use lwa_rotate_component::record::secrets::Standing;

use crate::host::{CLIENT_ID, QUEUE, Scripted, settled, stored, verifying};

/// Takes a body in.
pub fn take_in(body: &[u8]) {
    for record in records() {
        for accepting in [true, false] {
            drain(body, record.as_ref(), accepting);
        }
    }
}

/// The states that differ in what a message does.
fn records() -> [Option<Record>; 4] {
    let mut awaiting = settled();
    let now = awaiting.secrets.current.since;
    let call = Call { id: 7, at: now, accepted: true, failure: None };
    awaiting.call.phase = Phase::Awaited { call, since: now };
    (awaiting.call.count, awaiting.call.last_at) = (1, Some(now));
    [None, Some(settled()), Some(awaiting), Some(verifying())]
}

fn drain(body: &[u8], record: Option<&Record>, accepting: bool) {
    let mut host = Scripted::new(record.map(stored));
    host.message = Some(body.to_vec());
    // A secret may be any word; only one that looks like Amazon's cannot stand in an event by chance.
    let parsed = notification::parse(body);
    if let Ok(Notification { payload: Payload::NewSecret(new), client_id, .. }) = &parsed {
        let text = new.secret.expose_text();
        if text.starts_with("amzn1.oa2-cs.v1.") && text.len() > 20 && !client_id.contains(text) {
            host.secrets.push(text.to_owned());
        }
    }
    if accepting {
        (0..4).for_each(|_| host.accept());
    }

    let deliveries = exports::drain(&mut host, QUEUE, 1, 0).expect("the queue can be read").deliveries;

    let [delivery] = &deliveries[..] else { panic!("one message is one delivery") };
    assert_eq!(host.deleted, delivery.answer == Answer::Delete);
    assert_eq!(host.hidden, matches!(delivery.answer, Answer::HideUntil(_)));
    match &parsed {
        Err(why) => {
            let (Left::Unreadable(reason) | Left::Wrapped(reason)) = why else { panic!("rule 7: {why:?}") };
            assert!(is_described_without_values(reason), "rule 7: {reason}");
            assert_eq!(delivery.answer, Answer::Leave(why.clone()));
            assert!(host.saves == 0 && host.requests == 0, "rule 7: not readable, not acted on");
        }
        Ok(other) if other.client_id != CLIENT_ID || record.is_none() => {
            assert_eq!(delivery.answer, Answer::Leave(Left::NotEnrolled));
            assert!(host.saves == 0 && host.requests == 0, "rule 7: not ours, not touched");
        }
        Ok(ours) => keeps(&host, ours),
    }
}

/// Rule 5: a message goes last. Rule 4: verification before use.
fn keeps(host: &Scripted, notification: &Notification) {
    let record = host.record().expect("the record is still there");
    let Payload::NewSecret(new) = &notification.payload else { return };
    let standing = record.standing(&new.secret, new.expires_at, notification.event_time);
    if host.deleted {
        assert!(
            record.secrets.verified() && matches!(standing, Standing::Current | Standing::Older),
            "rule 5: {standing:?}"
        );
    }
    let text = new.secret.expose_text();
    if host.published.iter().any(|published| published == text) {
        assert!(standing == Standing::Current && record.secrets.verified(), "rule 4: published without being verified");
    }
}

/// Whether every word of the reason is the program's own.
fn is_described_without_values(reason: &str) -> bool {
    const WHOLE: [&str; 6] = [
        "the body is longer than any message that is for this program",
        "the body is not JSON",
        "notificationType is neither of the two that are about client secrets",
        "Amazon SNS (raw message delivery is off)",
        "Amazon EventBridge",
        "an event for AWS Lambda",
    ];
    const PLACES: [&str; 11] = [
        "the document",
        "eventTime",
        "notificationType",
        "payload",
        "payload.applicationOAuthClientNewSecret",
        "payload.applicationOAuthClientNewSecret.clientId",
        "payload.applicationOAuthClientNewSecret.newClientSecret",
        "payload.applicationOAuthClientNewSecret.newClientSecretExpiryTime",
        "payload.applicationOAuthClientNewSecret.oldClientSecretExpiryTime",
        "payload.applicationOAuthClientSecretExpiry",
        "payload.applicationOAuthClientSecretExpiry.clientId",
    ];
    const EXPIRY: &str = "payload.applicationOAuthClientSecretExpiry.clientSecretExpiryTime";
    const WRONG: [&str; 6] = [
        "is missing",
        "is not an object",
        "is not a string",
        "is not an RFC 3339 time",
        "is not 1 to 256 visible ASCII characters",
        "is not 1 to 1024 visible ASCII characters",
    ];
    WHOLE.contains(&reason)
        || WRONG.iter().any(|wrong| {
            let place = reason.strip_suffix(wrong).and_then(|place| place.strip_suffix(' '));
            place.is_some_and(|place| PLACES.contains(&place) || place == EXPIRY)
        })
}
