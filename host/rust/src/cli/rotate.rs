//! `rotate`: rotates now, and stays until the new secret is verified and published.

pub(super) mod drive;
mod dry_run;

use lwa_rotate::config::App;
use lwa_rotate::{Error, State, Status};
use serde_json::json;
use tokio::time::Instant;

use self::drive::Drive;
use super::confirm::confirm;
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
    /// A secret of another rotation was waiting in the queue.
    TakenUp,
}

pub(super) async fn run(global: &Global, arguments: &RotateArguments, output: &Output) -> Outcome {
    let mut signals = Signals::catch()?;
    let config = super::host::configuration(global)?;
    let app = super::host::find(&config, &arguments.app)?.clone();
    if arguments.dry_run {
        return dry_run::run(config, &app, arguments.force, output).await;
    }
    let progress = Progress::new(&app.client_id, *output, global.verbose > 0);
    let host = Host::with(config, progress.clone()).await?;
    host.expect_environment().await?;

    let deadline = Instant::now() + arguments.timeout;
    let drive = Drive { host: &host, app: &app, progress: &progress, deadline };
    let outcome = tokio::select! {
        outcome = rotate(&drive, arguments.force, output) => outcome,
        () = signals.received() => {
            progress.end();
            tokio::select! {
                outcome = stopped(&drive) => outcome,
                () = signals.received() => Err(unfinished(&app)),
            }
        }
    };
    progress.end();
    let (status, way) = outcome?;
    finish(&app, &status, way, output)
}

async fn rotate(drive: &Drive<'_>, force: bool, output: &Output) -> Result<(Status, Way), Failure> {
    let Drive { host, app, progress, .. } = drive;
    let before = host.rotator.status(&app.client_id).await.map_err(|error| failure(app, &error))?;
    let joins = under_way(&before);
    let mut known = None;
    if !joins {
        let request = async |force| host.rotator.request(&app.client_id, force).await;
        let requested = match request(force).await {
            Err(Error::NeedsConfirmation(text)) => {
                // `force` is more than a yes to this.
                let consequence =
                    format!("{text}. With --force the call is also made in spite of what the queue looks like");
                confirm(&app.name, &consequence, "--force").await?;
                request(true).await
            }
            requested => requested,
        };
        let requested = requested.map_err(|error| match error {
            Error::NotAllowed(text) => Failure::failed(format!("{}: {text}", app.name)),
            error => failure(app, &error),
        })?;
        known = requested.problem;
    }
    let (name, id) = (&app.name, &app.client_id);
    output.note(&if joins {
        format!("finishing the rotation of {name} ({id}) that is under way")
    } else {
        format!("rotating the client secret of {name} ({id})")
    });
    progress.begin();
    if joins {
        // Its message may be there already. Why the queue cannot be read, what follows says.
        let _ = drive.drain_to_the_end().await;
    }
    // What only has to be published has its new secret already.
    let expected = before.state != State::Publishing || !joins;
    let status = drive.until_settled(before.generation, expected, known).await?;
    let way = match joins {
        true => Way::Joined,
        // No rotate call was made: the reading of the queue before it has found a newer secret.
        false if status.called_at == before.called_at => Way::TakenUp,
        false => Way::Requested,
    };
    Ok((status, way))
}

/// The program is to stop in the middle. What was saved decides, and says how far the rotation is.
async fn stopped(drive: &Drive<'_>) -> Result<(Status, Way), Failure> {
    let Drive { host, app, progress, .. } = drive;
    let Ok(status) = host.rotator.status(&app.client_id).await else { return Err(unfinished(app)) };
    if progress.has_promoted() && status.state == State::Settled {
        let name = &app.name;
        return Err(Failure::unfinished(format!(
            "{name}: stopped when the new secret was verified and published, and its message not yet deleted"
        ))
        .hint("the rotation is done: do not rotate again")
        .hint("`lwa-rotate watch` deletes the message when it comes again; it changes nothing until then")
        .status(name, &status));
    }
    Err(unfinished(app).status(&app.name, &status))
}

fn unfinished(app: &App) -> Failure {
    let name = &app.name;
    Failure::unfinished(format!("{name}: stopped before the rotation was finished"))
        .hint(format!("what happens next: lwa-rotate status {name}"))
        .hint(format!("nothing is lost: run `lwa-rotate rotate {name}` again, or let `lwa-rotate watch` go on with it; a rotate call that was sent is not made again"))
}

/// Whether a rotate call has been made whose new secret is not everywhere yet.
fn under_way(status: &Status) -> bool {
    match status.state {
        State::Awaiting | State::Verifying | State::Stalled => true,
        // Without a retired secret it is the enrolled one that is being published.
        State::Publishing => status.retired_ends_at.is_some(),
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
    if let Some(at) = status.retired_ends_at {
        lines.push(("old secret ends", instant_and_left(at, now)));
    }
    if let Some(at) = status.expires_at {
        lines.push(("new secret ends", instant_and_left(at, now)));
    }
    let holders = holders(status);
    lines.push((
        "published to",
        if holders.is_empty() { "nothing; the configuration names no target".to_owned() } else { holders.join(", ") },
    ));
    lines
}

/// The targets of this host that hold the current secret.
pub(super) fn holders(status: &Status) -> Vec<&str> {
    let holders = status.targets.iter().filter(|target| target.holds_current);
    holders.filter_map(|target| target.name.as_deref()).collect()
}
