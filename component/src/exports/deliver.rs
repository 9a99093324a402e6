//! Messages: taken in, and acknowledged last.
//!
//! At every instant the newest secret that Amazon issued is in the store or in the queue. A message goes when its secret is
//! current, verified and published, or superseded by a newer verified one; until then it is hidden and comes back.

use super::{advance, trial};
use crate::amazon::notification::{self, NewSecret, Notification, Payload};
use crate::bindings::exports::lwa::rotation::rotation::{Answer, Delivery, Drained, Error};
use crate::bindings::lwa::rotation::observe::{
    Happening, HiddenMessage, Left, LeftMessage, ReceivedMessage, SecretEnds,
};
use crate::bindings::lwa::rotation::settings::Application;
use crate::bindings::lwa::rotation::types::ApplicationStatus;
use crate::host::{Host, Message, QueueError, StoreError};
use crate::instant::Instant;
use crate::policy::{LONGEST_HIDING, SHORTEST_HIDING, VISIBILITY};
use crate::record::secrets::{Notice, Promote, Standing, Verification};
use crate::record::{Event, Record};
use crate::schedule::Work;
use crate::session::Session;

/// Receives messages, delivers each, and carries out the answers.
pub fn drain<H: Host>(host: &mut H, queue: &str, max: u32, wait: u32) -> Result<Drained, Error> {
    let wait = wait.min(20);
    let messages = host.receive(queue, max.clamp(1, 10), wait, VISIBILITY).map_err(Error::Queue)?;
    // Only an empty long poll says that no message is visible.
    let more = wait == 0 || !messages.is_empty();
    let deliveries = messages.iter().map(|message| handle(host, queue, message)).collect();
    Ok(Drained { deliveries, more })
}

/// Delivers a message and carries out the answer.
pub(super) fn handle<H: Host>(host: &mut H, queue: &str, message: &Message) -> Delivery {
    let delivery = deliver(host, message);
    let client_id = delivery.client_id.as_deref();
    let (carried_out, what) = match &delivery.answer {
        Answer::Delete => (host.delete(queue, &message.receipt_handle), Happening::Acknowledged(message.id.clone())),
        Answer::HideUntil(until) => {
            let seconds = until.saturating_sub(host.now().0).div_ceil(1000);
            let seconds = u32::try_from(seconds).unwrap_or(u32::MAX).clamp(1, 43_200);
            let hidden = HiddenMessage { id: message.id.clone(), until: *until };
            (host.hide(queue, &message.receipt_handle, seconds), Happening::Hidden(hidden))
        }
        Answer::Leave(_) => return delivery,
    };
    let at = host.now();
    let what = carried_out.map_or_else(|error| Happening::NotAcknowledged(queue_text(error)), |()| what);
    host.emit(client_id, at, what);
    delivery
}

/// Takes in one message.
pub fn deliver<H: Host>(host: &mut H, message: &Message) -> Delivery {
    let parsed = notification::parse(message.body.expose());
    let client_id = parsed.as_ref().ok().map(|notification| notification.client_id.clone());
    let now = host.now();
    let received = ReceivedMessage { id: message.id.clone(), receive_count: message.receive_count };
    host.emit(client_id.as_deref(), now, Happening::MessageReceived(received));
    let (answer, status) = match parsed.and_then(|notification| take_in(host, &notification)) {
        Ok((None, status)) => (Answer::Delete, Some(status)),
        Ok((Some(until), status)) => (Answer::HideUntil(until.0), Some(status)),
        Err(why) => {
            let at = host.now();
            let left = LeftMessage { id: message.id.clone(), why: why.clone() };
            host.emit(client_id.as_deref(), at, Happening::Left(left));
            (Answer::Leave(why), None)
        }
    };
    Delivery { message_id: message.id.clone(), client_id, answer, status }
}

/// Takes in what a message says. Until when it is to be hidden; `None` for one that is finished.
fn take_in<H: Host>(host: &mut H, notification: &Notification) -> Result<(Option<Instant>, ApplicationStatus), Left> {
    let mut session = Session::open(host, &notification.client_id).map_err(not_kept)?;
    let until = match &notification.payload {
        Payload::Expiry(at) => notice(&mut session, *at).map(|()| None),
        Payload::NewSecret(new) => new_secret(&mut session, new, notification.event_time),
    };
    Ok((until.map_err(not_kept)?, session.status()))
}

/// Keep before verification, verification before use, acknowledge last.
fn new_secret<H: Host>(
    session: &mut Session<'_, H>,
    new: &NewSecret,
    event_time: Instant,
) -> Result<Option<Instant>, Error> {
    let standing = session.record.standing(new, event_time);
    if standing == Standing::Older {
        session.emit(Happening::MessageOld("a newer secret is current".into()));
    } else {
        let kept = session.report(&Event::Received(new.clone(), event_time))?;
        match standing {
            Standing::Newer if kept => session.emit(Happening::SecretKept(SecretEnds {
                new_ends_at: Some(new.expires_at.0),
                old_ends_at: Some(new.old_ends_at.0),
            })),
            Standing::Beside => session.emit(Happening::MessageOld(
                "the current secret is likely to be newer; this one is kept beside it, and used if that one ends first"
                    .into(),
            )),
            _ => {}
        }
    }
    // The message is here, so its secret is tried as soon as its time has come, without the lead that messages have.
    let now = session.host.now();
    if session.record.secrets.candidate(&new.secret).is_some_and(|candidate| candidate.retry.at <= now) {
        trial::secret(session, &new.secret)?;
    }
    advance::work(session, &|work| matches!(work, Work::Try(_) | Work::TryCurrent | Work::Publish(_) | Work::Purge))?;
    let now = session.host.now();
    let standing = session.record.standing(new, event_time);
    Ok(hidden_until(&session.record, &session.application, new, standing, now))
}

/// Until when the message of a secret that stands so is hidden; `None` if it is finished. Decided from the record as it is
/// stored.
fn hidden_until(
    record: &Record,
    application: &Application,
    new: &NewSecret,
    standing: Standing,
    now: Instant,
) -> Option<Instant> {
    let secrets = &record.secrets;
    let until = match (&secrets.current.verification, standing) {
        (Verification::Open(retry), Standing::Current | Standing::Older) => Some(retry.at),
        (Verification::Verified, Standing::Older) => None,
        (Verification::Verified, Standing::Current) => {
            let open = application.targets.iter().filter(|target| !record.holds(&target.place));
            open.map(|target| match record.targets.get(&target.place) {
                Some(target) => target.written_at(secrets.generation).unwrap_or(now + LONGEST_HIDING),
                None => now,
            })
            .max()
        }
        (_, Standing::Candidate) => Some(match secrets.candidate(&new.secret) {
            Some(candidate) if candidate.promote == Promote::WhenAccepted => candidate.retry.at,
            _ => now + LONGEST_HIDING,
        }),
        // There was no room for it.
        (_, Standing::Newer) => Some(secrets.awaited().map(|candidate| candidate.retry.at).min().unwrap_or(now)),
        (_, Standing::Beside) => Some(now + LONGEST_HIDING),
    };
    until.map(|until| until.clamp(now + SHORTEST_HIDING, now + LONGEST_HIDING))
}

/// An expiry notice. One that fits no secret that is or was kept is a person's matter, and the current secret is tried.
fn notice<H: Host>(session: &mut Session<'_, H>, at: Instant) -> Result<(), Error> {
    let now = session.host.now();
    let notice = session.record.notice(at, now);
    let new = session.report(&Event::Notice(at))?;
    if notice == Notice::Learned || new {
        session.emit(Happening::ExpiryNoticed(at.0));
    }
    if notice == Notice::Unmatched && new && session.record.secrets.verified() {
        let secret = session.record.secrets.current.secret.clone();
        let tried = session.try_secret(&secret);
        if let Err(failure) = tried.as_ref() {
            let problem = crate::problem::of_current(&session.record, failure, None);
            session.emit(Happening::NotVerified(problem));
        }
    }
    Ok(())
}

/// Why a message is left, when the record could not take in what it brings.
fn not_kept(error: Error) -> Left {
    let text = match error {
        Error::UnknownApplication | Error::NotEnrolled => return Left::NotEnrolled,
        Error::UnreadableRecord(text) => format!("the record cannot be read: {text}"),
        Error::Store(error) => store_text(error),
        Error::Busy => "other hosts kept changing the record".into(),
        Error::NotAllowed(text) | Error::NeedsConfirmation(text) | Error::Other(text) => text,
        Error::Queue(error) => queue_text(error),
    };
    Left::NotKept(text)
}

fn store_text(error: StoreError) -> String {
    match error {
        StoreError::Conflict => "other hosts kept changing the record".into(),
        StoreError::AccessDenied(text)
        | StoreError::Full(text)
        | StoreError::Unavailable(text)
        | StoreError::Other(text) => text,
    }
}

pub(super) fn queue_text(error: QueueError) -> String {
    match error {
        QueueError::StaleReceipt => "it has been received again since, or is gone".into(),
        QueueError::NotFound(text)
        | QueueError::AccessDenied(text)
        | QueueError::Unavailable(text)
        | QueueError::Other(text) => text,
    }
}
