//! Verification: whether SP-API accepts a secret, and what follows.

use crate::bindings::exports::lwa::rotation::rotation::Error;
use crate::bindings::lwa::rotation::observe::{Happening, SecretEnds};
use crate::credential::ClientSecret;
use crate::host::Host;
use crate::policy::CONTEST_AGAIN;
use crate::problem;
use crate::record::secrets::{Candidate, Verification};
use crate::record::{Event, Trial};
use crate::schedule::{self, Work};
use crate::session::Session;

/// Tries the current secret.
pub(super) fn current<H: Host>(session: &mut Session<'_, H>) -> Result<(), Error> {
    let secret = session.record.secrets.current.secret.clone();
    match session.try_secret(&secret) {
        Ok(()) => accepted(session, secret),
        Err(failure) => {
            let attempts = match &session.record.secrets.current.verification {
                Verification::Open(retry) => retry.attempts,
                Verification::Verified => 0,
            };
            let retry_at = session.retry_at(attempts);
            session.failed.push(Work::TryCurrent);
            let problem = problem::of_current(&session.record, &failure, Some(retry_at));
            session.note(Event::Tried { secret, trial: Trial::Not(failure, retry_at) });
            session.emit(Happening::NotVerified(problem));
            Ok(())
        }
    }
}

/// Tries the candidate in this place of the list, or the current secret beside one that is likely to be older.
pub(super) fn candidate<H: Host>(session: &mut Session<'_, H>, place: usize) -> Result<(), Error> {
    let Some(candidate) = session.record.secrets.candidates.get(place).cloned() else { return Ok(()) };
    if candidate.is_awaited() { awaited(session, candidate) } else { rival(session, candidate) }
}

/// Tries the candidate with this secret now.
pub(super) fn secret<H: Host>(session: &mut Session<'_, H>, secret: &ClientSecret) -> Result<(), Error> {
    match session.record.secrets.candidate(secret).cloned() {
        Some(candidate) if candidate.is_awaited() => awaited(session, candidate),
        _ => Ok(()),
    }
}

/// One that becomes current when it is accepted.
fn awaited<H: Host>(session: &mut Session<'_, H>, candidate: Candidate) -> Result<(), Error> {
    let secret = candidate.secret.clone();
    let Err(failure) = session.try_secret(&secret) else { return accepted(session, secret) };
    let now = session.host.now();
    if candidate.doubted_at() <= now && current_works(session) {
        return give_up(session, secret);
    }
    let retry_at = session.retry_at(candidate.retry.attempts);
    session.failed.push(Work::Try(0));
    let problem = problem::of_candidate(&session.record, &candidate, &failure, retry_at);
    session.note(Event::Tried { secret, trial: Trial::Not(failure, retry_at) });
    session.emit(Happening::NotVerified(problem));
    Ok(())
}

/// One that may be newer than the current secret, and is likely to be older: once Amazon has ended one of them, that was the
/// older one.
fn rival<H: Host>(session: &mut Session<'_, H>, candidate: Candidate) -> Result<(), Error> {
    let secret = candidate.secret.clone();
    let current = session.record.secrets.current.secret.clone();
    let now = session.host.now();
    let again = session.again_at(&[CONTEST_AGAIN], 0);
    let trial = match session.try_secret(&current) {
        Err(failure) if failure.is_refusal() => match session.try_secret(&secret) {
            Ok(()) => return accepted(session, secret),
            Err(failure) => Trial::Not(failure, again),
        },
        Ok(()) if candidate.doubted_at() <= now => return give_up(session, secret),
        _ => Trial::PutOff(again),
    };
    session.failed.push(Work::Try(0));
    session.note(Event::Tried { secret, trial });
    Ok(())
}

fn current_works<H: Host>(session: &mut Session<'_, H>) -> bool {
    let current = session.record.secrets.current.secret.clone();
    session.try_secret(&current).is_ok()
}

/// Notes that SP-API accepts a secret. A candidate becomes current with that.
fn accepted<H: Host>(session: &mut Session<'_, H>, secret: ClientSecret) -> Result<(), Error> {
    session.emit(Happening::Verified);
    let generation = session.record.secrets.generation;
    let jitter = schedule::jitter(session.host.random());
    session.report(&Event::Tried { secret: secret.clone(), trial: Trial::Accepted(jitter) })?;
    let secrets = &session.record.secrets;
    if secrets.generation != generation && secrets.current.secret == secret {
        session.emit(Happening::Promoted(SecretEnds {
            new_ends_at: session.record.secrets.current.expires_at.map(|at| at.0),
            old_ends_at: session.record.secrets.previous().map(|(_, ends_at)| ends_at.0),
        }));
    }
    Ok(())
}

fn give_up<H: Host>(session: &mut Session<'_, H>, secret: ClientSecret) -> Result<(), Error> {
    if session.report(&Event::Tried { secret, trial: Trial::GivenUp })? {
        let text =
            "the current secret has worked beside it for two weeks, so that it is none of Amazon's, or an older one";
        session.emit(Happening::CandidateDropped(text.into()));
    }
    Ok(())
}
