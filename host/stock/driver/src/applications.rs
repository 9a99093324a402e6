//! The applications of the configuration, and what is done with one.

use std::thread::sleep;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::contract::lwa::rotation::rotation::{self, Answer, ApplicationStatus, Delivery, Error};
use crate::contract::lwa::rotation::types::{DeadlineKind, RemedyBy, State};
use crate::contract::lwa::stock::configuration::{Application, applications};

/// How many messages are received at once; SQS gives no more.
const BATCH: u32 = 10;
/// How long a receive waits at most, in seconds; SQS waits no longer.
const LONG_POLL: u64 = 20;
/// How long to wait for what another host is doing, and after a receive that brought nothing of ours.
const PAUSE: Duration = Duration::from_secs(1);
/// How long a rotation is waited for.
pub const PATIENCE: Duration = Duration::from_secs(600);

/// Why something was not done.
pub enum Failed {
    /// The configuration has a mistake.
    Configuration(String),
    /// It has no application of this name; here are those that it has.
    NoSuch(Vec<String>),
    /// The component could not do it.
    Rotation(Error),
}

/// The application of this name.
pub fn named(name: &str) -> Result<Application, Failed> {
    let all = applications().map_err(Failed::Configuration)?;
    let names = all.iter().map(|app| app.name.clone()).collect();
    all.into_iter().find(|app| app.name == name).ok_or(Failed::NoSuch(names))
}

/// Takes in what waits in the queue, and takes the application as far as it can go now.
pub fn advance(app: &Application) -> Result<ApplicationStatus, Failed> {
    drain(app, 0)?;
    rotation::advance(&app.client_id).map_err(Failed::Rotation)
}

/// Rotates now, or finishes a rotation that is under way, and stays until the new secret is published, a person has to do
/// something, or the patience is at its end. What waits in the queue is taken in first: it may finish what was under way, which
/// is not begun again then. Whether a rotate call may be made is the component's to decide.
pub fn rotate(app: &Application, force: bool) -> Result<ApplicationStatus, Failed> {
    let status = || rotation::status(&app.client_id).map_err(Failed::Rotation);
    let found = status()?;
    drain(app, 0)?;
    let before = status()?;
    if before.state == State::Stalled {
        return Ok(before);
    }
    if !under_way(&found) && !under_way(&before) && before.generation == found.generation {
        rotation::request(&app.client_id, force).map_err(Failed::Rotation)?;
    }
    settle(app)
}

/// Goes on until the application is settled, a person has to do something, or the patience is at its end.
pub fn settle(app: &Application) -> Result<ApplicationStatus, Failed> {
    let until = Instant::now() + PATIENCE;
    loop {
        let status = rotation::advance(&app.client_id).map_err(Failed::Rotation)?;
        if status.state == State::Settled || needs_a_person(&status) || Instant::now() > until {
            return Ok(status);
        }
        wait(app, &status)?;
    }
}

/// Whether a rotate call has been made whose new secret is not everywhere yet.
fn under_way(status: &ApplicationStatus) -> bool {
    match status.state {
        State::Awaiting | State::Verifying | State::Stalled => true,
        // Without a retired secret it is the enrolled one that is being published.
        State::Publishing => status.retired_ends_at.is_some(),
        State::Settled | State::Requesting => false,
    }
}

/// Whether it does not go on before a person has done something.
pub fn needs_a_person(status: &ApplicationStatus) -> bool {
    let by_person = status.problem.as_ref().is_some_and(|problem| problem.remedy_by == RemedyBy::Person);
    status.state == State::Stalled || by_person
}

/// Waits for whatever comes first: a message, or the next instant at which there is something to do.
fn wait(app: &Application, status: &ApplicationStatus) -> Result<(), Failed> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as u64);
    let due = status.next.map_or(u64::MAX, |next| next.at.saturating_sub(now));
    if status.state == State::Requesting {
        // Nothing has been asked for yet, or another host is asking: what it comes to is in the store.
        let others = status.next.is_some_and(|next| next.kind == DeadlineKind::CallOverdue);
        let due = Duration::from_millis(due.min(LONG_POLL * 1_000));
        sleep(if others { PAUSE } else { due });
        return Ok(());
    }
    // A message that is hidden until an instant comes a moment later.
    let seconds = due.saturating_add(3_000).div_ceil(1_000).min(LONG_POLL);
    let came = drain(app, seconds as u32)?;
    if came.iter().all(|delivery| matches!(delivery.answer, Answer::Leave(_))) {
        sleep(PAUSE);
    }
    Ok(())
}

fn drain(app: &Application, wait: u32) -> Result<Vec<Delivery>, Failed> {
    Ok(rotation::drain(&app.queue, BATCH, wait).map_err(Failed::Rotation)?.deliveries)
}
