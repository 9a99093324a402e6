//! `rotate`: rotates now, and stays until the new secret is proven and published.

pub(super) mod drive;
mod dry_run;
mod preflight;

use lwa_rotate::config::App;
use lwa_rotate::{Error, State, Status};
use serde_json::json;
use tokio::time::Instant;

use self::drive::Drive;
use self::preflight::preflight;
use super::failure::{Exit, Failure};
use super::host::{Host, failure};
use super::json::status_json;
use super::output::Output;
use super::progress::Progress;
use super::signal::Signals;
use super::text::{instant_and_left, now};
use super::{Global, Outcome, RotateArguments};

/// How the rotation that is watched came about.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Way {
    /// This command asked for it.
    Requested,
    /// It was under way before.
    Joined,
    /// A secret of somebody else's rotation was waiting in the queue.
    TakenUp,
}

pub(super) async fn run(global: &Global, arguments: &RotateArguments, output: &Output) -> Outcome {
    let mut signals = Signals::catch()?;
    let config = super::host::configuration(global)?;
    let client_id = super::host::find(&config, &arguments.app)?.client_id.clone();
    let progress = Progress::new(&client_id, *output, global.verbose > 0);
    let host = Host::with(config, progress.clone())?;
    let app = host.app(&arguments.app)?;
    host.expect_environment().await?;
    if arguments.dry_run {
        return dry_run::run(&host, app, arguments.force, output).await;
    }

    let deadline = Instant::now() + arguments.timeout;
    let drive = Drive { host: &host, app, progress: &progress, deadline };
    let outcome = tokio::select! {
        outcome = rotate(&drive, arguments.force, output) => outcome,
        () = signals.received() => Err(Failure::unfinished(format!("{}: stopped before the rotation was finished", app.name))
            .hint(format!("nothing is lost: run `lwa-rotate rotate {}` again, or let `lwa-rotate watch` go on with it", app.name))),
    };
    progress.end();
    let (status, way) = outcome?;
    finish(app, &status, way, output)
}

async fn rotate(drive: &Drive<'_>, force: bool, output: &Output) -> Result<(Status, Way), Failure> {
    let Drive { host, app, .. } = drive;
    let status = async || host.rotator.status(&app.client_id).await.map_err(|error| failure(app, &error));
    let found = status().await?;
    // The queue is looked at before anything is asked of Amazon: a newer secret may wait in it, and a rotate call whose
    // message nobody can receive had better not be made.
    drive.look_into_queue().await?;
    let before = status().await?;

    if before.state == State::Stalled {
        return Err(drive::stalled(app, &before));
    }
    let came = before.generation > found.generation;
    // What was under way may have been finished by what came from the queue; it is not begun again.
    let way = match (under_way(&found) || under_way(&before), came) {
        (true, _) => Way::Joined,
        (false, true) => Way::TakenUp,
        (false, false) => Way::Requested,
    };
    let mut known = None;
    if way == Way::Requested {
        preflight(host, app, &before, force, output).await?;
        if let Some(ends) = before.old_ends_at.filter(|ends| *ends > now()) {
            output.note(&format!(
                "warning: {} was rotated less than 7 days ago, and its old secret works until {}",
                app.name,
                instant_and_left(ends, now())
            ));
        }
        let requested = host.rotator.request(&app.client_id).await.map_err(|error| match error {
            Error::NotAllowed(text) => Failure::failed(format!("{}: {text}", app.name)),
            error => failure(app, &error),
        })?;
        known = requested.problem;
    }
    output.note(&match way {
        Way::Requested => format!("rotating the client secret of {} ({})", app.name, app.client_id),
        Way::Joined | Way::TakenUp => {
            format!("finishing the rotation of {} ({}) that is under way", app.name, app.client_id)
        }
    });
    drive.progress.begin();
    // What only has to be published has its new secret already.
    let waits = |status: &Status| matches!(status.state, State::Awaiting | State::Verifying);
    let expected = way == Way::Requested || waits(&found) || waits(&before);
    let status = drive.until_settled(found.generation, expected, known).await?;
    Ok((status, way))
}

/// Whether a rotate call has been made whose new secret is not everywhere yet.
fn under_way(status: &Status) -> bool {
    match status.state {
        State::Awaiting | State::Verifying | State::Stalled => true,
        // Without an old secret it is the enrolled one that is being published.
        State::Publishing => status.old_ends_at.is_some(),
        State::Settled | State::Requesting => false,
    }
}

fn finish(app: &App, status: &Status, way: Way, output: &Output) -> Outcome {
    let now = now();
    let (word, line) = match way {
        Way::Requested => ("rotated", format!("{} is rotated", app.name)),
        Way::Joined => ("joined", format!("{} is rotated; the rotation had begun before", app.name)),
        Way::TakenUp => (
            "taken-up",
            format!("{} has a new secret: it waited in the queue, so that no rotate call was made", app.name),
        ),
    };
    output.result(&line)?;
    for (name, text) in ends(status, now) {
        output.result(&format!("  {name:<18}{text}"))?;
    }
    output.document(&json!({ "outcome": word, "status": status_json(&app.name, status) }))?;
    Ok(Exit::Done)
}

/// When secrets end, and where the current one is published.
pub(super) fn ends(status: &Status, now: u64) -> Vec<(&'static str, String)> {
    let mut lines = Vec::new();
    if let Some(at) = status.old_ends_at {
        lines.push(("old secret ends", instant_and_left(at, now)));
    }
    if let Some(at) = status.expires_at {
        lines.push(("new secret ends", instant_and_left(at, now)));
    }
    let holders: Vec<&str> =
        status.targets.iter().filter(|target| target.holds_current).map(|target| target.name.as_str()).collect();
    lines.push((
        "published to",
        if holders.is_empty() { "nothing; the configuration names no target".to_owned() } else { holders.join(", ") },
    ));
    lines
}
