//! The exported calls, natively: each loads, does its part, and says where the application stands.

use crate::acknowledge::{Acknowledgement, acknowledge};
use crate::contract::exports::lwa::rotation::rotation::{Answer, Decision, Delivery, Error, Stage};
use crate::contract::lwa::rotation::observe::{
    Happening, HiddenMessage, Left, LeftMessage, Purpose, Reason, ReceivedMessage, SecretEnds,
};
use crate::contract::lwa::rotation::types::{ApplicationStatus, Problem};
use crate::credential::{ClientSecret, Credential};
use crate::deadline::{self, Work};
use crate::host::{Host, Message, QueueError, StoreError};
use crate::instant::Instant;
use crate::notification::{self, NewSecret, Payload};
use crate::problem;
use crate::record::{Record, Requesting, Stage as CallStage, Standing, State};
use crate::rotation::Event;
use crate::session::{self, Session};
use crate::store;

/// How long received messages are hidden, in seconds: longer than it takes to keep, prove and publish one.
const VISIBILITY: u32 = 120;

/// Takes an application's present secret into the store.
pub fn enroll<H: Host>(
    host: &mut H,
    client_id: &str,
    secret: Vec<u8>,
    expires_at: Option<Instant>,
) -> Result<ApplicationStatus, Error> {
    let secret = ClientSecret::parse(secret).ok_or_else(|| {
        Error::NotAllowed("a client secret is 1 to 1024 visible ASCII characters, without spaces or line ends".into())
    })?;
    let application = host.find(client_id).ok_or(Error::UnknownApplication)?;
    for _ in 0..2 {
        if let Some((record, revision)) = session::load(host, client_id)? {
            return enroll_again(Session::new(host, application, record, revision), &secret, expires_at);
        }
        let now = host.now();
        let jitter = deadline::jitter(host.random());
        let record = Record::enrolled(client_id, secret.clone(), expires_at, now, jitter);
        match host.save(client_id, &store::write(&record), None) {
            Ok(revision) => {
                let mut session = Session::new(host, application, record, revision);
                session.emit(Happening::Enrolled);
                return Ok(session.status());
            }
            // Somebody else enrolled it just now: look at what they wrote.
            Err(StoreError::Conflict) => {}
            Err(error) => return Err(Error::Store(error)),
        }
    }
    Err(Error::Busy)
}

fn enroll_again<H: Host>(
    mut session: Session<'_, H>,
    secret: &ClientSecret,
    expires_at: Option<Instant>,
) -> Result<ApplicationStatus, Error> {
    // Handing over the secret in use takes back one that was handed over by mistake.
    let mut taken_back = false;
    if session.record.current.secret == *secret {
        let handed = session.record.pending.iter().filter(|pending| !pending.from_message());
        let mistaken: Vec<ClientSecret> = handed.map(|pending| pending.secret.clone()).collect();
        for mistaken in mistaken {
            taken_back |= session.report(&Event::Doubted(mistaken, true))?;
        }
    }
    let known = session.record.current.secret == *secret || session.record.pending.iter().any(|p| p.secret == *secret);
    let changed = match expires_at {
        Some(at) if session.record.current.secret == *secret => session.report(&Event::ExpiryKnown(at))?,
        _ if known => session.report(&Event::HandedAgain(secret.clone()))?,
        _ => {
            let kept = session.record.old.iter().find(|old| old.secret == *secret);
            if let Some(old) = kept {
                let text = match old.contested_at {
                    None => "this is an old secret; the one in use is newer",
                    Some(_) => {
                        "this is the secret from before the one in use; it is kept, and used again should the one in use end first"
                    }
                };
                return Err(Error::NotAllowed(text.into()));
            }
            let event = Event::Handed(secret.clone(), expires_at);
            if !session.report(&event)? && !session.record.knows(secret) {
                return Err(Error::NotAllowed(
                    "several new secrets already wait for their proof; let `advance` try them first".into(),
                ));
            }
            true
        }
    };
    if changed || taken_back {
        session.emit(Happening::Enrolled);
    }
    Ok(session.status())
}

/// Takes the application as far as it can go now.
pub fn advance<H: Host>(host: &mut H, client_id: &str) -> Result<ApplicationStatus, Error> {
    let mut session = Session::open(host, client_id)?;
    session.work(&|_| true)?;
    Ok(session.status())
}

/// Takes in one message.
pub fn deliver<H: Host>(host: &mut H, message: &Message) -> Delivery {
    let parsed = notification::parse(message.body.expose());
    let client_id = parsed.as_ref().ok().map(|notification| notification.client_id.clone());
    let now = host.now();
    let received = ReceivedMessage { id: message.id.clone(), receive_count: message.receive_count };
    host.emit(client_id.as_deref(), now, Happening::MessageReceived(received));
    let taken_in = match parsed {
        Ok(notification) => take_in(host, &notification),
        Err(reason) => Err(Left::Unreadable(reason)),
    };
    let (answer, status) = match taken_in {
        Ok((Acknowledgement::Delete, status)) => (Answer::Delete, Some(status)),
        Ok((Acknowledgement::HideUntil(until), status)) => (Answer::HideUntil(until.0), Some(status)),
        Err(why) => {
            let at = host.now();
            let left = LeftMessage { id: message.id.clone(), why: why.clone() };
            host.emit(client_id.as_deref(), at, Happening::Left(left));
            (Answer::Leave(why), None)
        }
    };
    Delivery { message_id: message.id.clone(), client_id, answer, status }
}

fn take_in<H: Host>(
    host: &mut H,
    notification: &notification::Notification,
) -> Result<(Acknowledgement, ApplicationStatus), Left> {
    let mut session = Session::open(host, &notification.client_id).map_err(not_kept)?;
    let acknowledgement = match &notification.payload {
        Payload::Expiry(at) => {
            if session.report(&Event::Noticed(*at)).map_err(not_kept)? {
                session.emit(Happening::ExpiryNoticed(at.0));
            }
            Acknowledgement::Delete
        }
        Payload::NewSecret(new) => take_in_secret(&mut session, new, notification.event_time).map_err(not_kept)?,
    };
    Ok((acknowledgement, session.status()))
}

/// Keep before proof, proof before use, acknowledge last.
fn take_in_secret<H: Host>(
    session: &mut Session<'_, H>,
    new: &NewSecret,
    event_time: Instant,
) -> Result<Acknowledgement, Error> {
    let standing = session.record.standing(&new.secret, new.expires_at, event_time);
    match standing {
        Standing::Newer => {
            if session.report(&Event::NewSecret(new.clone(), event_time))? {
                session.emit(Happening::SecretKept(SecretEnds {
                    new_ends_at: Some(new.expires_at.0),
                    old_ends_at: Some(new.old_ends_at.0),
                }));
            }
        }
        Standing::Current | Standing::Pending => {
            session.report(&Event::SeenAgain(new.clone(), event_time))?;
        }
        Standing::Older => session.emit(Happening::MessageOld("a newer secret is in use".into())),
        Standing::OlderOnOperatorsWord => {
            session.report(&Event::Rival(new.clone(), event_time))?;
            session.emit(Happening::MessageOld(
                "the secret in use is newer if the expiry time given at its enrolment is right; this one is kept beside it, and used if that one ends first".into(),
            ));
        }
    }
    // The message is here, so its secret is tried as soon as its time has come, without the lead that messages have.
    let now = session.host.now();
    let due = session.record.pending.iter().any(|pending| pending.secret == new.secret && pending.retry.at <= now);
    if due {
        session.prove(&new.secret)?;
    }
    session.work(&|work| matches!(work, Work::Verify(_) | Work::ProveCurrent | Work::Publish(_) | Work::PurgeOld))?;
    let standing = session.record.standing(&new.secret, new.expires_at, event_time);
    let now = session.host.now();
    Ok(acknowledge(&session.record, &session.application, standing, now))
}

/// Why a message is left, when the record could not take in what it brings.
fn not_kept(error: Error) -> Left {
    let text = match error {
        Error::UnknownApplication | Error::NotEnrolled => return Left::NotEnrolled,
        Error::UnreadableRecord(text) => format!("the record cannot be read: {text}"),
        Error::Store(error) => store_text(error),
        Error::Busy => "other hosts kept changing the record".into(),
        Error::NotAllowed(text) | Error::Other(text) => text,
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

fn queue_text(error: QueueError) -> String {
    match error {
        QueueError::StaleReceipt => "it has been received again since, or is gone".into(),
        QueueError::NotFound(text)
        | QueueError::AccessDenied(text)
        | QueueError::Unavailable(text)
        | QueueError::Other(text) => text,
    }
}

/// Receives messages, delivers each, and carries out the answers.
pub fn drain<H: Host>(host: &mut H, queue: &str, max: u32, wait: u32) -> Result<Vec<Delivery>, Error> {
    let messages = host.receive(queue, max.clamp(1, 10), wait.min(20), VISIBILITY).map_err(Error::Queue)?;
    let mut deliveries = Vec::with_capacity(messages.len());
    for message in messages {
        let delivery = deliver(host, &message);
        let client_id = delivery.client_id.as_deref();
        let (carried_out, what) = match &delivery.answer {
            Answer::Delete => {
                (host.delete(queue, &message.receipt_handle), Happening::Acknowledged(message.id.clone()))
            }
            Answer::HideUntil(until) => {
                let seconds = until.saturating_sub(host.now().0).div_ceil(1000);
                let hidden = HiddenMessage { id: message.id.clone(), until: *until };
                let seconds = u32::try_from(seconds).unwrap_or(u32::MAX).clamp(1, 43_200);
                (host.hide(queue, &message.receipt_handle, seconds), Happening::Hidden(hidden))
            }
            Answer::Leave(_) => {
                deliveries.push(delivery);
                continue;
            }
        };
        let at = host.now();
        match carried_out {
            Ok(()) => host.emit(client_id, at, what),
            Err(error) => host.emit(client_id, at, Happening::NotAcknowledged(queue_text(error))),
        }
        deliveries.push(delivery);
    }
    Ok(deliveries)
}

/// The operator wants a rotation now.
pub fn request<H: Host>(host: &mut H, client_id: &str) -> Result<ApplicationStatus, Error> {
    let mut session = Session::open(host, client_id)?;
    for _ in 0..3 {
        let from = session.permitted();
        let decided = match &session.record.state {
            State::Stalled(_) => {
                return Err(Error::NotAllowed(
                    "the rotation is stalled: decide with `resume`, to wait or to request again".into(),
                ));
            }
            State::Verifying if !session.record.may_want_another(true) => {
                return Err(Error::NotAllowed(
                    "a new secret has come and waits for its proof; `advance` tries it when its time comes".into(),
                ));
            }
            State::Awaiting { .. } => return Ok(session.status()),
            State::Requesting(Requesting { stage: CallStage::Waiting(at), .. }) if *at > from => {
                session.decide(&Event::Hastened { from })?
            }
            State::Requesting(_) => return Ok(session.status()),
            State::Settled | State::Publishing | State::Verifying => {
                let decided = session.decide(&Event::Wanted { reason: Reason::Requested, from })?;
                if decided {
                    session.emit(Happening::RotationBegun(Reason::Requested));
                }
                decided
            }
        };
        if decided {
            return Ok(session.status());
        }
    }
    Err(Error::Busy)
}

/// The operator's decision on a stalled rotation.
pub fn resume<H: Host>(host: &mut H, client_id: &str, decision: Decision) -> Result<ApplicationStatus, Error> {
    let mut session = Session::open(host, client_id)?;
    let from = session.permitted();
    let event = match decision {
        Decision::Wait => Event::WaitMore,
        Decision::RequestAgain => Event::RequestAgain { from },
    };
    if !matches!(session.record.state, State::Stalled(_)) {
        let state = session.record.state.name();
        return Err(Error::NotAllowed(format!("there is nothing to decide: the application is {state}")));
    }
    if !session.decide(&event)? {
        return Err(Error::Busy);
    }
    session.emit(Happening::Resumed);
    if decision == Decision::RequestAgain {
        session.emit(Happening::RotationBegun(Reason::RequestedAgain));
    }
    Ok(session.status())
}

/// Where the application stands.
pub fn status<H: Host>(host: &mut H, client_id: &str) -> Result<ApplicationStatus, Error> {
    Ok(Session::open(host, client_id)?.status())
}

/// Tries the current secret: the scope of the rotate call, then use. The store is not touched.
pub fn prove<H: Host>(host: &mut H, client_id: &str) -> Result<Option<Problem>, Error> {
    let mut session = Session::open(host, client_id)?;
    let secret = session.record.current.secret.clone();
    if let Err(failure) = session.mint(&secret, Purpose::Rotation) {
        return Ok(Some(problem::of_rotation(&session.record, &failure, None)));
    }
    let tried = session.try_secret(&secret);
    Ok(tried.err().map(|failure| problem::of_trial(&session.record, &failure)))
}

/// One of the secrets.
pub fn reveal<H: Host>(host: &mut H, client_id: &str, stage: Stage) -> Result<Option<Credential>, Error> {
    let session = Session::open(host, client_id)?;
    let record = &session.record;
    let (secret, expires_at) = match stage {
        Stage::Current => (&record.current.secret, record.current.expires_at),
        Stage::Pending => match record.newest_pending() {
            Some(pending) => (&pending.secret, pending.expires_at),
            None => return Ok(None),
        },
        Stage::Old => match record.last_old() {
            Some(old) => (&old.secret, Some(old.ends_at)),
            None => return Ok(None),
        },
    };
    Ok(Some(Credential { client_id: record.client_id.clone(), client_secret: secret.clone(), expires_at }))
}
