//! Takes an application as far as it can go now.

use super::{publish, rotate, trial};
use crate::amazon::error::Failure;
use crate::bindings::exports::lwa::rotation::rotation::Error;
use crate::bindings::lwa::rotation::observe::{Happening, Reason};
use crate::bindings::lwa::rotation::types::{ApplicationStatus, Cause, RemedyBy};
use crate::host::Host;
use crate::problem;
use crate::record::call::{CallEvent, Phase};
use crate::record::{Event, Reminded};
use crate::schedule::{self, Work};
use crate::session::Session;

/// Does everything that is due.
pub fn advance<H: Host>(host: &mut H, client_id: &str) -> Result<ApplicationStatus, Error> {
    let mut session = Session::open(host, client_id)?;
    work(&mut session, &|_| true)?;
    Ok(session.status())
}

/// Does everything that is due and wanted, each failing thing once, and saves the notes.
pub(super) fn work<H: Host>(session: &mut Session<'_, H>, wanted: &dyn Fn(Work) -> bool) -> Result<(), Error> {
    // Every piece of work moves the record on or is noted as failed, so this many are not needed; it bounds the call when other
    // hosts keep changing the record.
    let most = 40 + 6 * session.application.targets.len();
    for _ in 0..most {
        match session.due(wanted) {
            Some(work) => carry_out(session, work)?,
            None => return session.flush(),
        }
    }
    session.flush()?;
    Err(Error::Busy)
}

fn carry_out<H: Host>(session: &mut Session<'_, H>, work: Work) -> Result<(), Error> {
    match work {
        Work::Purge => {
            session.note(Event::Ended);
            session.emit(Happening::RetiredPurged);
        }
        Work::Try(place) => trial::candidate(session, place)?,
        Work::TryCurrent => trial::current(session)?,
        Work::Publish(place) => publish::write(session, place)?,
        Work::Look(place) => publish::look(session, place)?,
        Work::StallCandidate => {
            if session.decide(&Event::NewSecretRefused)? {
                stalled(session);
            }
        }
        Work::StallCall => {
            let patience = schedule::patience(&session.application);
            if session.decide(&Event::Call(CallEvent::PatienceEnded(patience)))?
                && matches!(session.record.call.phase, Phase::Missing(_))
            {
                stalled(session);
            }
        }
        Work::GiveUpOnCaller => {
            if session.decide(&Event::Call(CallEvent::CallerLost))? {
                let failure = Failure {
                    detail: "the host that made the rotate call did not come back".into(),
                    ..Failure::new(Cause::AnswerLost)
                };
                let problem = problem::of_rotation(&session.record, &failure, None);
                session.emit(Happening::RotateOutcomeUnknown(problem));
            }
        }
        Work::Call => rotate::call(session)?,
        Work::Rotate => {
            let now = session.host.now();
            let from = session.record.call.permitted(now);
            let want = CallEvent::Want { reason: Reason::Due, force: false, from };
            if session.decide(&Event::Call(want))? {
                session.emit(Happening::RotationWanted(Reason::Due));
            }
        }
        Work::Remind => remind(session),
    }
    Ok(())
}

fn stalled<H: Host>(session: &mut Session<'_, H>) {
    if let Some(problem) = problem::of(&session.record, &session.application) {
        session.emit(Happening::Stalled(problem));
    }
}

/// Reports what needs a person, when it begins and daily.
fn remind<H: Host>(session: &mut Session<'_, H>) {
    let problem = problem::of(&session.record, &session.application);
    let at = session.host.now();
    match problem.filter(|problem| problem.remedy_by == RemedyBy::Person) {
        None => drop(session.note(Event::Reminded(None))),
        Some(problem) => {
            session.note(Event::Reminded(Some(Reminded { cause: problem.cause, at })));
            session.emit(Happening::NeedsPerson(problem));
        }
    }
}
