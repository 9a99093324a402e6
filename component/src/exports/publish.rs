//! Targets: the current secret is written to their places, and read there. What others have put there is not overwritten.

use crate::amazon::error::{self, Failure};
use crate::bindings::exports::lwa::rotation::rotation::Error;
use crate::bindings::lwa::rotation::observe::{Happening, TargetChange, TargetFailure};
use crate::bindings::lwa::rotation::settings::Target;
use crate::bindings::lwa::rotation::types::Cause;
use crate::credential::{ClientSecret, Credential};
use crate::host::{Held, Host, PublishError, Reading};
use crate::problem;
use crate::record::Event;
use crate::record::targets::{Foreign, Found, Seen, TargetEvent};
use crate::schedule::Work;
use crate::session::Session;

/// Writes the current secret to a target, unless its place holds something that is not overwritten.
pub(super) fn write<H: Host>(session: &mut Session<'_, H>, place: usize) -> Result<(), Error> {
    // Another host may have promoted a newer one while this one was busy with other targets.
    if session.refresh()? {
        return Ok(());
    }
    let Some(target) = session.application.targets.get(place).cloned() else { return Ok(()) };
    let overwrite = session.record.targets.get(&target.place).is_some_and(|target| target.overwrite);
    if !overwrite {
        match read(session, &target)? {
            Seen::Current | Seen::Outdated { .. } | Seen::Unreadable => {}
            seen @ (Seen::Foreign(_) | Seen::Failed(..)) => {
                session.failed.push(Work::Publish(place));
                report(session, &target, seen);
                return Ok(());
            }
        }
    }
    let credential = Credential {
        client_id: session.record.client_id.clone(),
        client_secret: session.record.secrets.current.secret.clone(),
        expires_at: session.record.secrets.current.expires_at,
    };
    let generation = session.record.secrets.generation;
    match session.host.put(&target.name, &credential) {
        Ok(()) => {
            session.note(Event::Target(target.place, TargetEvent::Written(generation)));
            session.emit(Happening::Published(target.name));
        }
        Err(error) => {
            let failure = failure(session, error);
            let retry_at = retry_at(session, &target);
            session.failed.push(Work::Publish(place));
            let shown = failure.detail.clone();
            session.note(Event::Target(target.place, TargetEvent::NotWritten { generation, failure, retry_at }));
            let failed = TargetFailure { target: target.name, failure: shown, retry_at: retry_at.0 };
            session.emit(Happening::NotPublished(failed));
        }
    }
    Ok(())
}

/// Reads the place of a target that was given the current secret.
pub(super) fn look<H: Host>(session: &mut Session<'_, H>, place: usize) -> Result<(), Error> {
    if session.refresh()? {
        return Ok(());
    }
    let Some(target) = session.application.targets.get(place).cloned() else { return Ok(()) };
    session.failed.push(Work::Look(place));
    let seen = read(session, &target)?;
    report(session, &target, seen);
    Ok(())
}

/// Notes what was seen, and says so where it is not the current secret.
fn report<H: Host>(session: &mut Session<'_, H>, target: &Target, seen: Seen) {
    let before = session.record.targets.get(&target.place).cloned();
    session.note(Event::Target(target.place.clone(), TargetEvent::Seen(seen.clone())));
    if let Seen::Failed(failure, retry_at) = seen {
        let failed = TargetFailure { target: target.name.clone(), failure: failure.detail, retry_at: retry_at.0 };
        return session.emit(Happening::NotPublished(failed));
    }
    let Some(after) = session.record.targets.get(&target.place) else { return };
    let counted = before.as_ref().map_or(0, |before| before.rewrites) < after.rewrites;
    let (found, by) = match &after.found {
        Some(found) if before.and_then(|before| before.found).as_ref() != Some(found) => {
            (problem::found(found.what), found.by.clone())
        }
        None if counted => {
            let by = if let Seen::Outdated { by } = seen { by } else { None };
            ("it does not hold the current secret any more, and is written again", by)
        }
        _ => return,
    };
    let change = TargetChange { target: target.name.clone(), found: found.into(), written_by: by };
    session.emit(Happening::TargetChanged(change));
}

/// What the place of a target holds. A secret that the record does not know is taken in as a supplied one.
fn read<H: Host>(session: &mut Session<'_, H>, target: &Target) -> Result<Seen, Error> {
    let client_id = session.record.client_id.clone();
    let held = match session.host.read(&target.name, &client_id) {
        Ok(Reading::Unreadable) => return Ok(Seen::Unreadable),
        Ok(Reading::None) => return Ok(Seen::Outdated { by: None }),
        Ok(Reading::Credential(held)) => held,
        // Without the right to read it, it is a place that cannot be read.
        Err(PublishError::AccessDenied(_)) => return Ok(Seen::Unreadable),
        Err(error) => {
            let failure = failure(session, error);
            let retry_at = retry_at(session, target);
            return Ok(Seen::Failed(failure, retry_at));
        }
    };
    let Held { client_id, client_secret, written_by } = held;
    let known = session.known(&[client_secret.expose_text()]);
    let by = written_by.map(|by| error::shown(&by, &known));
    if client_id.is_some_and(|other| other != session.record.client_id) {
        return Ok(Seen::Foreign(Found { what: Foreign::AnotherApplication, by }));
    }
    if client_secret.expose().is_empty() {
        return Ok(Seen::Outdated { by });
    }
    let foreign = Seen::Foreign(Found { what: Foreign::AnotherSecret, by: by.clone() });
    let Some(secret) = ClientSecret::parse(client_secret.expose().to_vec()) else { return Ok(foreign) };
    let secrets = &session.record.secrets;
    if secrets.current.secret == secret {
        Ok(Seen::Current)
    } else if secrets.was_current(&secret) {
        Ok(Seen::Outdated { by })
    } else {
        if secrets.candidate(&secret).is_none() && session.report(&Event::Supplied(secret, None))? {
            session.emit(Happening::Supplied);
        }
        Ok(foreign)
    }
}

fn retry_at<H: Host>(session: &mut Session<'_, H>, target: &Target) -> crate::instant::Instant {
    let attempts = session.record.targets.get(&target.place).map_or(0, |target| target.retry.attempts);
    session.retry_at(attempts)
}

fn failure<H: Host>(session: &Session<'_, H>, error: PublishError) -> Failure {
    let text = match error {
        PublishError::UnknownTarget => "this host has no such target".into(),
        PublishError::AccessDenied(text) | PublishError::Unavailable(text) | PublishError::Other(text) => text,
    };
    Failure { detail: error::shown(&text, &session.known(&[])), ..Failure::new(Cause::TargetFailed) }
}
