//! An operator supplies a secret, or says when it ends. Neither leads to a rotate call by itself.

use crate::bindings::exports::lwa::rotation::rotation::Error;
use crate::bindings::lwa::rotation::observe::Happening;
use crate::bindings::lwa::rotation::settings::Application;
use crate::bindings::lwa::rotation::types::ApplicationStatus;
use crate::credential::ClientSecret;
use crate::document;
use crate::host::{Host, StoreError};
use crate::instant::Instant;
use crate::policy::FURTHEST_EXPIRY;
use crate::record::{Event, Record};
use crate::schedule;
use crate::session::{self, Loaded, Session};

/// Takes an application's current secret into the store.
pub fn enroll<H: Host>(
    host: &mut H,
    client_id: &str,
    secret: Vec<u8>,
    expires_at: Option<Instant>,
    confirmed: bool,
) -> Result<ApplicationStatus, Error> {
    let secret = ClientSecret::parse(secret).ok_or_else(|| {
        Error::NotAllowed("a client secret is 1 to 1024 visible ASCII characters, without spaces or line ends".into())
    })?;
    let application = host.find(client_id).ok_or(Error::UnknownApplication)?;
    let now = host.now();
    let jitter = schedule::jitter(host.random());
    let record = Record::enrolled(client_id, secret.clone(), expires_at, now, jitter);
    if let Some(at) = expires_at {
        check(at, now)?;
    }
    for _ in 0..2 {
        let revision = match session::load(host, client_id)? {
            Loaded::Record(record, revision) => {
                let session = Session::new(host, application, *record, revision);
                return enroll_again(session, &secret, expires_at, confirmed);
            }
            Loaded::Removed(revision) => Some(revision),
            Loaded::None => None,
        };
        confirm(&record, &application, expires_at, confirmed, now)?;
        match host.save(client_id, &document::write(&record), revision.as_deref()) {
            Ok(revision) => {
                let mut session = Session::new(host, application, record, revision);
                session.emit(Happening::Supplied);
                return Ok(session.status());
            }
            // Another host enrolled it just now: see what it wrote.
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
    confirmed: bool,
) -> Result<ApplicationStatus, Error> {
    let event = Event::Supplied(secret.clone(), expires_at);
    let now = session.host.now();
    let mut changed = session.record.clone();
    if let Err(illegal) = changed.apply(&event, now) {
        return Err(Error::NotAllowed(match illegal.state {
            "retired" => "this is a retired secret; the current one is newer".into(),
            _ => "several secrets already wait for their verification; let `advance` try them first".into(),
        }));
    }
    // A date for a secret that is not current yet matters when it becomes current.
    let is_current = changed.secrets.current.secret == *secret;
    confirm(&changed, &session.application, expires_at.filter(|_| is_current), confirmed, now)?;
    // A candidate's own slip time ends before it can be promoted; nothing else of it is worth a save.
    let known = session.record.secrets.all().any(|kept| kept == secret);
    if session.report(&event)? && (!known || expires_at.is_some()) {
        session.emit(Happening::Supplied);
    }
    Ok(session.status())
}

/// Says when the current secret ends.
pub fn set_expiry<H: Host>(
    host: &mut H,
    client_id: &str,
    expires_at: Instant,
    confirmed: bool,
) -> Result<ApplicationStatus, Error> {
    let mut session = Session::open(host, client_id)?;
    let now = session.host.now();
    check(expires_at, now)?;
    let known = session.record.secrets.current.expires_at;
    if known == Some(expires_at) {
        return Ok(session.status());
    }
    let event = Event::Expiry(expires_at);
    let mut changed = session.record.clone();
    if changed.apply(&event, now).is_err() {
        let known = known.map_or_else(String::new, |at| format!(": {at}"));
        return Err(Error::NotAllowed(format!("Amazon has said when the current secret ends{known}")));
    }
    confirm(&changed, &session.application, Some(expires_at), confirmed, now)?;
    if session.report(&event)? {
        session.emit(Happening::ExpirySet(expires_at.0));
    }
    Ok(session.status())
}

/// An expiry time that no secret can have is a slip.
fn check(expires_at: Instant, now: Instant) -> Result<(), Error> {
    if expires_at <= now + FURTHEST_EXPIRY {
        return Ok(());
    }
    Err(Error::NotAllowed(format!(
        "{expires_at} is more than 181 days ahead, and Amazon ends a client secret after 180 days: see the date in the Developer Console"
    )))
}

/// An expiry time with which a rotation is due leads to a rotate call soon.
fn confirm(
    changed: &Record,
    application: &Application,
    expires_at: Option<Instant>,
    confirmed: bool,
    now: Instant,
) -> Result<(), Error> {
    let Some(at) = expires_at.filter(|_| !confirmed) else { return Ok(()) };
    if at <= now {
        return Err(Error::NeedsConfirmation(format!(
            "{at} has passed: if it is right, the secret works no more, and a rotation is due"
        )));
    }
    if schedule::rotation_due(changed, application).is_some()
        && schedule::due_by_date(changed, application).is_some_and(|due| due <= now)
    {
        return Err(Error::NeedsConfirmation(format!(
            "with {at} as its end, the secret is due for rotation now: a rotate call is made in 15 minutes or later"
        )));
    }
    Ok(())
}
