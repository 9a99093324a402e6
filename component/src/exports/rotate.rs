//! The way to the rotate call. The order is: prepare (saved), inspect, read, token, intent (saved), send.
//!
//! A newer secret that is found in the queue is taken up instead of calling. What keeps a new secret from arriving or staying
//! keeps the call from being made.

use super::deliver::{handle, queue_text};
use crate::amazon::error::Failure;
use crate::amazon::lwa::AccessToken;
use crate::amazon::sp_api::{self, Outcome};
use crate::bindings::exports::lwa::rotation::rotation::{Answer as Handling, Error, Severity};
use crate::bindings::lwa::rotation::observe::{Happening, Left, Purpose, QueueReading};
use crate::bindings::lwa::rotation::queue::{Flow, Inspection};
use crate::bindings::lwa::rotation::types::Cause;
use crate::host::{Host, Message, QueueError};
use crate::instant::{Instant, Lifetime};
use crate::policy::{
    BLOCKED_AGAIN, CALL_RETRY, DOUBTS_BLOCK_UNTIL, INTENT_LIVES, LOOK_INTERVAL, LOOKS, MOST_CONFLICTS, MOST_READ,
    READ_VISIBILITY, READ_WAIT, RECEIVES_AT_ONCE, RETRY,
};
use crate::record::call::{Answer, CallEvent, Obstacle, Phase, Reading, Wanted};
use crate::record::{Event, Record};
use crate::schedule::Work;
use crate::session::Session;
use crate::{problem, queue};

/// What keeps the queue from being read: it cannot be received from, or holds too many messages of others.
const RECEIVE: &str = "receive";
const MESSAGES: &str = "messages";

/// Takes a wanted rotation as far as it can go now.
pub(super) fn call<H: Host>(session: &mut Session<'_, H>) -> Result<(), Error> {
    let mut token = None;
    // What has failed before is tried before anything is saved: hourly failures must not wear out a store of versions.
    if let Phase::Wanted(Wanted { failure: Some(failure), .. }) = &session.record.call.phase {
        if failure.cause == Cause::QueueBlocked {
            let known = session.record.call.obstacle.clone();
            let (inspection, _) = inspect(session);
            let unread = match blocked(session) {
                Some(obstacle) => Some(obstacle),
                None => still_unread(session, known, &inspection)?,
            };
            if let Some(obstacle) = unread {
                refuse_blocked(session, obstacle);
                return Ok(());
            }
        } else {
            match mint(session) {
                Ok(minted) => token = Some(minted),
                Err(failure) => {
                    not_prepared(session, failure);
                    return Ok(());
                }
            }
        }
    }
    // The host that saves this takes the call on. Until here nothing has been sent to SP-API, so a store that cannot be written
    // stops a rotation before it begins.
    if !session.decide(&Event::Call(CallEvent::Prepare))? {
        return Ok(());
    }
    if !read_queue(session)? {
        return Ok(());
    }
    let token = match token.map_or_else(|| mint(session), Ok) {
        Ok(token) => token,
        Err(failure) => {
            not_prepared(session, failure);
            return Ok(());
        }
    };
    send(session, &token)
}

fn mint<H: Host>(session: &mut Session<'_, H>) -> Result<AccessToken, Failure> {
    let secret = session.record.secrets.current.secret.clone();
    session.mint(&secret, Purpose::Rotation)
}

/// Inspects the queue and reads it to its end. `false` if no call follows now: it goes on later, something blocks, or a newer
/// secret was found.
fn read_queue<H: Host>(session: &mut Session<'_, H>) -> Result<bool, Error> {
    session.emit(Happening::ReadingQueue);
    let (inspection, mut notes) = inspect(session);
    if let Some(obstacle) = blocked(session) {
        refuse_blocked(session, obstacle);
        return Ok(false);
    }
    let Phase::Preparing { reading, .. } = &session.record.call.phase else { return Ok(false) };
    let mut reading = reading.clone();
    let in_flight = queue::counts(&inspection).map_or(0, |counts| counts.in_flight);
    let elsewhere = in_flight.saturating_sub(reading.messages.into());
    let forced = session.record.call.phase.unsent().is_some_and(|wanted| wanted.force);
    let mut to_the_end = true;
    let most_looks = match inspection.flow {
        Flow::Pulled => {
            match receive_all(session, &mut reading)? {
                Received::All => {}
                Received::Taken => return Ok(false),
                Received::More => {
                    let goes_on = Some(session.host.now());
                    return pause(session, Reading { goes_on, ..reading });
                }
                Received::Obstacle(obstacle) => {
                    to_the_end = false;
                    notes.push(obstacle.evidence.clone());
                    let now = session.host.now();
                    if blocks(&session.record, &obstacle, now) {
                        refuse_blocked(session, obstacle);
                        return Ok(false);
                    }
                }
            }
            if elsewhere > 0 { LOOKS } else { 1 }
        }
        // What a service has passed on is seen by its effect: the newer secret would have been delivered.
        Flow::Pushed => LOOKS - 1,
    };
    let looks = reading.looks + 1;
    if looks < most_looks && !forced {
        let goes_on = Some(session.host.now() + LOOK_INTERVAL);
        return pause(session, Reading { messages: 0, looks, goes_on });
    }
    if elsewhere > 0 {
        notes.push(format!("{elsewhere} messages are in flight, received by others and not deleted"));
    }
    session.emit(Happening::QueueRead(QueueReading { messages: reading.messages, to_the_end, notes }));
    Ok(true)
}

/// The facts about the queue, and what could not be checked. What keeps a new secret from arriving or staying is noted; it
/// stands until an inspection that could look at the same thing clears it.
fn inspect<H: Host>(session: &mut Session<'_, H>) -> (Inspection, Vec<String>) {
    let inspection = session.host.inspect(&session.application.queue);
    let findings = queue::judge(&inspection);
    let severity = |wanted: Severity| findings.iter().filter(move |finding| finding.severity == wanted);
    let unchecked: Vec<String> =
        severity(Severity::NotChecked).map(|finding| format!("not checked: {}", finding.evidence)).collect();
    let worst = severity(Severity::Blocking).chain(severity(Severity::Doubtful)).next();
    let obstacle = match (worst, &session.record.call.obstacle) {
        (Some(finding), _) => Some(Obstacle {
            check: finding.check.clone(),
            fact: finding.severity == Severity::Blocking,
            evidence: finding.evidence.clone(),
            remedy: finding.remedy.clone(),
        }),
        // What kept the queue from being read is seen by reading it.
        (None, Some(known))
            if ![RECEIVE, MESSAGES].contains(&known.check.as_str())
                && !severity(Severity::Fine).chain(severity(Severity::Warning)).any(|f| f.check == known.check) =>
        {
            Some(known.clone())
        }
        _ => None,
    };
    // What the call goes ahead in spite of is said too; what blocks it is said otherwise.
    let in_spite = obstacle.iter().map(|obstacle| format!("in spite of: {}", obstacle.evidence));
    let notes = unchecked.into_iter().chain(in_spite).collect();
    session.note(Event::Call(CallEvent::Inspected(obstacle)));
    (inspection, notes)
}

/// What blocks the call, of what the record knows about the queue.
fn blocked<H: Host>(session: &mut Session<'_, H>) -> Option<Obstacle> {
    let now = session.host.now();
    session.record.call.obstacle.clone().filter(|obstacle| blocks(&session.record, obstacle, now))
}

/// Facts always block; doubts block until shortly before the end of the current secret, when the call cannot make things
/// worse. An operator's force overrides both.
fn blocks(record: &Record, obstacle: &Obstacle, now: Instant) -> bool {
    let forced = record.call.phase.unsent().is_some_and(|wanted| wanted.force);
    let near = record.ends_at().is_some_and(|end| end <= now + DOUBTS_BLOCK_UNTIL);
    !forced && (obstacle.fact || !near)
}

/// What kept the queue from being read, if it still does: tried without a save, of which a whole reading takes many.
fn still_unread<H: Host>(
    session: &mut Session<'_, H>,
    known: Option<Obstacle>,
    inspection: &Inspection,
) -> Result<Option<Obstacle>, Error> {
    let now = session.host.now();
    let Some(known) = known.filter(|known| blocks(&session.record, known, now)) else { return Ok(None) };
    match known.check.as_str() {
        MESSAGES => {
            let attempts = session.record.call.phase.unsent().map_or(0, |wanted| wanted.attempts);
            let too_many = match queue::counts(inspection) {
                Some(counts) => counts.visible + counts.in_flight >= MOST_READ.into(),
                // It is read once more every day.
                None => !attempts.is_multiple_of(24),
            };
            Ok(Some(known).filter(|_| too_many))
        }
        RECEIVE => {
            let name = session.application.queue.clone();
            match receive(session, &name) {
                Err(obstacle) => Ok(Some(obstacle)),
                Ok(messages) => {
                    for message in messages {
                        handle(session.host, &name, &message);
                    }
                    session.reload().map(|()| None)
                }
            }
        }
        _ => Ok(None),
    }
}

/// Receives by a long poll.
fn receive<H: Host>(session: &mut Session<'_, H>, queue: &str) -> Result<Vec<Message>, Obstacle> {
    session.host.receive(queue, 10, READ_WAIT, READ_VISIBILITY).map_err(|error| Obstacle {
        check: RECEIVE.into(),
        fact: matches!(error, QueueError::NotFound(_) | QueueError::AccessDenied(_)),
        evidence: format!("the queue cannot be received from ({})", queue_text(error)),
        remedy: "let this host receive from the queue, or correct the queue's address".into(),
    })
}

/// How far the receives of one call came.
enum Received {
    /// To the end of the queue.
    All,
    /// Not to the end; the next call goes on.
    More,
    /// Another host has the call, or a newer secret has come or could not be kept.
    Taken,
    /// The end was not reached and will not be.
    Obstacle(Obstacle),
}

/// Receives by long polls until one comes back empty, and delivers each message. What is left is given back at the end.
fn receive_all<H: Host>(session: &mut Session<'_, H>, reading: &mut Reading) -> Result<Received, Error> {
    let name = session.application.queue.clone();
    let phase = session.record.call.phase.clone();
    let mut left = Vec::new();
    let mut received = Received::More;
    for _ in 0..RECEIVES_AT_ONCE {
        let messages = match receive(session, &name) {
            Ok(messages) => messages,
            Err(obstacle) => {
                received = Received::Obstacle(obstacle);
                break;
            }
        };
        if messages.is_empty() {
            received = Received::All;
            break;
        }
        reading.messages = reading.messages.saturating_add(u32::try_from(messages.len()).unwrap_or(u32::MAX));
        let mut not_kept = false;
        for message in messages {
            let delivery = handle(session.host, &name, &message);
            if let Handling::Leave(why) = delivery.answer {
                let ours = delivery.client_id.as_ref() == Some(&session.record.client_id);
                not_kept = not_kept || ours && matches!(why, Left::NotKept(_));
                left.push(message.receipt_handle);
            }
        }
        // A delivery has a session of its own.
        session.reload()?;
        // What could not be kept may be a newer secret: the reading begins anew when this preparation is taken over.
        if not_kept || session.record.call.phase != phase {
            received = Received::Taken;
            break;
        }
        if reading.messages >= MOST_READ {
            received = Received::Obstacle(Obstacle {
                check: MESSAGES.into(),
                fact: false,
                evidence: format!("the queue could not be read to its end: {} messages of others", reading.messages),
                remedy: "give the notifications about client secrets a queue of their own".into(),
            });
            break;
        }
    }
    if !matches!(received, Received::More) {
        for handle in left {
            // Where it fails, the message comes back by itself.
            drop(session.host.hide(&name, &handle, 0));
        }
    }
    Ok(received)
}

/// Saves how far the queue was read, for the next call of any host.
fn pause<H: Host>(session: &mut Session<'_, H>, reading: Reading) -> Result<bool, Error> {
    session.failed.push(Work::Call);
    decide_as_preparer(session, &Event::Call(CallEvent::Read(reading)))?;
    Ok(false)
}

/// A decision of the host that prepares the call. Others may have saved something else meanwhile, such as what they published:
/// as long as the preparation is still this host's, it holds, or nobody would go on for as long as a preparer is waited for.
fn decide_as_preparer<H: Host>(session: &mut Session<'_, H>, event: &Event) -> Result<bool, Error> {
    let preparing_since = |record: &Record| match &record.call.phase {
        Phase::Preparing { since, reading, .. } if reading.goes_on.is_none() => Some(*since),
        _ => None,
    };
    let own = preparing_since(&session.record);
    for _ in 0..MOST_CONFLICTS {
        if session.decide(event)? {
            return Ok(true);
        }
        if own.is_none() || preparing_since(&session.record) != own {
            return Ok(false);
        }
    }
    Err(Error::Busy)
}

/// Notes that the queue blocks the call.
fn refuse_blocked<H: Host>(session: &mut Session<'_, H>, obstacle: Obstacle) {
    let failure = Failure { detail: obstacle.evidence.clone(), ..Failure::new(Cause::QueueBlocked) };
    // A queue that fails for a moment is no person's matter yet.
    let passing = obstacle.check == RECEIVE && !obstacle.fact;
    session.note(Event::Call(CallEvent::Inspected(Some(obstacle))));
    refuse(session, failure, if passing { &RETRY } else { &[BLOCKED_AGAIN] });
}

/// Notes that there is no token for the call.
fn not_prepared<H: Host>(session: &mut Session<'_, H>, failure: Failure) {
    refuse(session, failure, &RETRY);
}

/// Nothing was sent, so the note may be lost.
fn refuse<H: Host>(session: &mut Session<'_, H>, failure: Failure, steps: &[Lifetime]) {
    let attempts = session.record.call.phase.unsent().map_or(0, |wanted| wanted.attempts);
    let retry_at = session.again_at(steps, attempts);
    session.failed.push(Work::Call);
    session.note(Event::Call(CallEvent::Answered(None, Answer::Refused(failure.clone(), retry_at))));
    let problem = problem::of_rotation(&session.record, &failure, Some(retry_at));
    session.emit(Happening::RotateRefused(problem));
}

/// Makes the rotate call. Intent first: it is sent only when the record says that it may have been.
fn send<H: Host>(session: &mut Session<'_, H>, token: &AccessToken) -> Result<(), Error> {
    // Order matters: if the call were sent before this save, a crash in between would leave no record of the rotation, and the
    // next host would make a second one.
    let id = session.host.random();
    match decide_as_preparer(session, &Event::Call(CallEvent::Send(id))) {
        Ok(true) => {}
        Ok(false) => return Ok(()),
        Err(error) => {
            // The save may have taken place all the same. Only if the record has this very call is it this host's.
            session.reload()?;
            if !matches!(&session.record.call.phase, Phase::Sent { call, .. } if call.id == id) {
                return Err(error);
            }
            session.save_again()?;
        }
    }
    let Phase::Sent { wanted, call } = session.record.call.phase.clone() else { return Ok(()) };
    session.emit(Happening::CallingRotate);
    let answer = session.host.send(sp_api::rotate(&session.application, token, call.at + INTENT_LIVES));
    let secret = session.record.secrets.current.secret.clone();
    let outcome = sp_api::outcome(answer, &session.known(&[secret.expose_text(), token.expose_text()]));
    match outcome {
        Outcome::Accepted => {
            session.report(&Event::Call(CallEvent::Answered(Some(id), Answer::Accepted)))?;
            session.emit(Happening::RotateAccepted);
        }
        Outcome::Unknown(failure) => {
            session.report(&Event::Call(CallEvent::Answered(Some(id), Answer::Unknown(failure.clone()))))?;
            let problem = problem::of_rotation(&session.record, &failure, None);
            session.emit(Happening::RotateOutcomeUnknown(problem));
        }
        Outcome::Refused(failure) => {
            // Overload and maintenance do not pass within a minute.
            let steps = if failure.cause == Cause::Unavailable { &CALL_RETRY[1..] } else { &CALL_RETRY[..] };
            let now = session.host.now();
            let retry_at = session.again_at(steps, wanted.attempts).max(session.record.call.permitted(now));
            session.failed.push(Work::Call);
            let answer = Answer::Refused(failure.clone(), retry_at);
            session.report(&Event::Call(CallEvent::Answered(Some(id), answer)))?;
            let problem = problem::of_rotation(&session.record, &failure, Some(retry_at));
            session.emit(Happening::RotateRefused(problem));
        }
    }
    Ok(())
}
