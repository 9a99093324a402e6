//! What an operator asks and decides.

use crate::bindings::exports::lwa::rotation::rotation::{Decision, Error, QueueFinding, Stage};
use crate::bindings::lwa::rotation::observe::{Happening, Purpose, Reason};
use crate::bindings::lwa::rotation::types::{ApplicationStatus, Problem, State};
use crate::credential::Credential;
use crate::host::{Host, StoreError};
use crate::instant::Instant;
use crate::policy::CANCELLED_FOR;
use crate::record::Event;
use crate::record::call::{CallEvent, Phase};
use crate::record::targets::TargetEvent;
use crate::session::Session;
use crate::{problem, queue, schedule};

/// How often a decision is made anew because others changed the record.
const TRIES: usize = 3;

/// The operator wants a rotation now.
pub fn request<H: Host>(host: &mut H, client_id: &str, force: bool) -> Result<ApplicationStatus, Error> {
    let mut session = Session::open(host, client_id)?;
    for _ in 0..TRIES {
        let now = session.host.now();
        let record = &session.record;
        if record.state(&[]) == State::Stalled {
            return Err(Error::NotAllowed("the rotation is stalled: decide first, to wait or to request again".into()));
        }
        let idle = record.call.phase == Phase::Idle;
        if idle && !record.may_want_another(true) {
            return Err(Error::NotAllowed(
                "a new secret has come and is being verified; `advance` tries it when its time comes".into(),
            ));
        }
        let previous = record.secrets.previous().filter(|(_, ends_at)| *ends_at > now);
        if let Some((_, ends_at)) = previous.filter(|_| idle && !force) {
            return Err(Error::NeedsConfirmation(format!(
                "the secret was rotated less than 7 days ago, and the one before works until {ends_at}: what another rotation does to the secret in use is not documented by Amazon"
            )));
        }
        let from = record.call.permitted(now);
        let event = Event::Call(CallEvent::Want { reason: Reason::Requested, force, from });
        let mut changed = record.clone();
        // A call that is being made or awaited is what the operator wants.
        if changed.apply(&event, now).is_err() || changed == *record {
            return Ok(session.status());
        }
        if session.decide(&event)? {
            if idle {
                session.emit(Happening::RotationWanted(Reason::Requested));
            }
            return Ok(session.status());
        }
    }
    Err(Error::Busy)
}

/// The operator takes back a wanted rotation, or puts the next one off.
pub fn cancel<H: Host>(host: &mut H, client_id: &str, not_before: Option<Instant>) -> Result<ApplicationStatus, Error> {
    let mut session = Session::open(host, client_id)?;
    for _ in 0..TRIES {
        let wanted = session.record.call.phase.unsent().is_some();
        if !wanted && session.record.call.phase != Phase::Idle {
            return Err(Error::NotAllowed(
                "the rotate call was or may have been sent, and cannot be taken back: the message with the new secret is awaited".into(),
            ));
        }
        let now = session.host.now();
        let not_before = not_before.unwrap_or(now + CANCELLED_FOR);
        if session.decide(&Event::Call(CallEvent::Cancel(not_before)))? {
            if wanted {
                session.emit(Happening::RotationCancelled);
            }
            return Ok(session.status());
        }
    }
    Err(Error::Busy)
}

/// The operator's decision on a stalled rotation.
pub fn resume<H: Host>(host: &mut H, client_id: &str, decision: Decision) -> Result<ApplicationStatus, Error> {
    let mut session = Session::open(host, client_id)?;
    if session.record.state(&[]) != State::Stalled {
        return Err(Error::NotAllowed("there is nothing to decide: the rotation is not stalled".into()));
    }
    let now = session.host.now();
    let event = match decision {
        Decision::Wait => Event::WaitMore(schedule::patience(&session.application)),
        Decision::RequestAgain => Event::RequestAgain(session.record.call.permitted(now)),
    };
    if !session.decide(&event)? {
        return Err(Error::Busy);
    }
    session.emit(Happening::Resumed);
    if decision == Decision::RequestAgain {
        session.emit(Happening::RotationWanted(Reason::RequestedAgain));
    }
    Ok(session.status())
}

/// The operator wants the current secret written again.
pub fn republish<H: Host>(host: &mut H, client_id: &str, target: Option<&str>) -> Result<ApplicationStatus, Error> {
    let mut session = Session::open(host, client_id)?;
    if !session.record.secrets.verified() {
        return Err(Error::NotAllowed("the current secret is not verified yet, and is not published before".into()));
    }
    let targets = session.application.targets.clone();
    let mut chosen = targets.iter().filter(|known| target.is_none_or(|name| known.name == name)).peekable();
    if chosen.peek().is_none() {
        return Err(Error::NotAllowed(match target {
            Some(name) => format!("the application has no target \"{name}\""),
            None => "the application has no targets".into(),
        }));
    }
    for target in chosen {
        session.note(Event::Target(target.place.clone(), TargetEvent::Republish));
    }
    session.flush()?;
    Ok(session.status())
}

/// Removes the record of a settled application.
pub fn forget<H: Host>(host: &mut H, client_id: &str) -> Result<(), Error> {
    let mut session = Session::open(host, client_id)?;
    for _ in 0..TRIES {
        if session.record.state(&session.application.targets) != State::Settled {
            return Err(Error::NotAllowed(
                "the application is not settled: a record with something under way is not removed".into(),
            ));
        }
        let revision = session.revision().to_owned();
        match session.host.remove(client_id, &revision) {
            Ok(()) => {
                session.emit(Happening::Forgotten);
                return Ok(());
            }
            Err(StoreError::Conflict) => session.reload()?,
            Err(error) => return Err(Error::Store(error)),
        }
    }
    Err(Error::Busy)
}

/// Inspects a queue and judges it.
pub fn check_queue<H: Host>(host: &mut H, queue: &str) -> Vec<QueueFinding> {
    queue::judge(&host.inspect(queue))
}

/// Where the application stands.
pub fn status<H: Host>(host: &mut H, client_id: &str) -> Result<ApplicationStatus, Error> {
    Ok(Session::open(host, client_id)?.status())
}

/// Verifies the current secret: the scope of the rotate call, then use. The store is not touched.
pub fn verify<H: Host>(host: &mut H, client_id: &str) -> Result<Option<Problem>, Error> {
    let mut session = Session::open(host, client_id)?;
    let secret = session.record.secrets.current.secret.clone();
    if let Err(failure) = session.mint(&secret, Purpose::Rotation) {
        return Ok(Some(problem::of_rotation(&session.record, &failure, None)));
    }
    let tried = session.try_secret(&secret);
    Ok(tried.err().map(|failure| problem::of_current(&session.record, &failure, None)))
}

/// One of the secrets.
pub fn reveal<H: Host>(host: &mut H, client_id: &str, stage: Stage) -> Result<Option<Credential>, Error> {
    let session = Session::open(host, client_id)?;
    let secrets = &session.record.secrets;
    let found = match stage {
        Stage::Current => Some((&secrets.current.secret, secrets.current.expires_at)),
        Stage::Candidate => secrets.awaited().next_back().map(|candidate| (&candidate.secret, candidate.expires_at)),
        Stage::Retired => secrets.previous().map(|(secret, ends_at)| (secret, Some(ends_at))),
    };
    Ok(found.map(|(secret, expires_at)| Credential {
        client_id: session.record.client_id.clone(),
        client_secret: secret.clone(),
        expires_at,
    }))
}
