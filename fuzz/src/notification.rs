//! The body of a message, whoever sent it.
//!
//! It is drained beside records in several states, with an Amazon that accepts every secret and with one that cannot be
//! reached. Rules 5, 6, 7 and 9 hold: a body that cannot be read changes nothing and is described by member names alone, and
//! a message is deleted only when nothing is lost with it.

use lwa_rotate_component::calls;
use lwa_rotate_component::bindings::exports::lwa::rotation::rotation::Answer;
use lwa_rotate_component::bindings::lwa::rotation::observe::Left;
use lwa_rotate_component::instant::Lifetime;
use lwa_rotate_component::notification::{self, Notification, Payload};
use lwa_rotate_component::record::{Call, Record, Standing, State};

use crate::host::{CLIENT_ID, QUEUE, Scripted, document, settled, verifying};

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
    let now = settled().current.since;
    let mut awaiting = settled();
    awaiting.state = State::Awaiting { until: now + Lifetime::hours(1) };
    awaiting.call = Some(Call { number: 1, id: 7, at: now, accepted: true, failure: None });
    (awaiting.calls, awaiting.called_at) = (1, Some(now));
    [None, Some(settled()), Some(awaiting), Some(verifying())]
}

fn drain(body: &[u8], record: Option<&Record>, accepting: bool) {
    let mut host = Scripted::new(record.map(document));
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

    let deliveries = calls::drain(&mut host, QUEUE, 1, 0).expect("the queue can be read");

    let [delivery] = &deliveries[..] else { panic!("one message is one delivery") };
    assert_eq!(host.deleted, delivery.answer == Answer::Delete);
    assert_eq!(host.hidden, matches!(delivery.answer, Answer::HideUntil(_)));
    match &parsed {
        Err(reason) => {
            assert!(is_told_without_values(reason), "rule 7: {reason}");
            assert_eq!(delivery.answer, Answer::Leave(Left::Unreadable(reason.clone())));
            assert!(host.saves == 0 && host.requests == 0, "rule 7: not readable, not acted on");
        }
        Ok(other) if other.client_id != CLIENT_ID || record.is_none() => {
            assert_eq!(delivery.answer, Answer::Leave(Left::NotEnrolled));
            assert!(host.saves == 0 && host.requests == 0, "rule 7: not ours, not touched");
        }
        Ok(ours) => keeps(&host, ours),
    }
}

/// Rule 5: a message goes last. Rule 4: proof before use.
fn keeps(host: &Scripted, notification: &Notification) {
    let record = host.record().expect("the record is still there");
    let Payload::NewSecret(new) = &notification.payload else { return };
    let standing = record.standing(&new.secret, new.expires_at, notification.event_time);
    if host.deleted {
        assert!(record.proven() && matches!(standing, Standing::Current | Standing::Older), "rule 5: {standing:?}");
    }
    let text = new.secret.expose_text();
    if host.published.iter().any(|published| published == text) {
        assert!(standing == Standing::Current && record.proven(), "rule 4: published without being proven");
    }
}

/// Whether every word of the reason is the program's own.
fn is_told_without_values(reason: &str) -> bool {
    const WHOLE: [&str; 3] = [
        "the body is longer than any message that is for this program",
        "the body is not JSON",
        "notificationType is neither of the two that are about client secrets",
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
