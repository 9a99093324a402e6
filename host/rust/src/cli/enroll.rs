//! `enroll`: takes the present secret in, proves it by use, and publishes it.

mod all;
mod door;
mod present;
mod prompt;

use std::fs::{self, File};
use std::io::{self, IsTerminal, Read};
use std::path::Path;

use anyhow::Context;
use lwa_rotate::config::App;
use lwa_rotate::{Cause, Problem, RemedyBy, Rotator, Secret, Stage, State, Status};
use serde_json::json;

use super::failure::{Exit, Failure};
use super::host::{Host, failure};
use super::json::status_json;
use super::output::Output;
use super::progress::Progress;
use super::text::{instant_and_left, now};
use super::{EnrollArguments, Global, Outcome};

/// More than any secret of Amazon's; a file that is longer is some other file.
const LONGEST: u64 = 4096;

/// The longest that Amazon lets a secret live, in milliseconds.
const LIFETIME: u64 = 180 * 24 * 60 * 60 * 1000;

pub(super) async fn run(global: &Global, arguments: EnrollArguments, output: &Output) -> Outcome {
    if arguments.secret.is_some() || !arguments.positional.is_empty() {
        let app = arguments.app.as_deref().unwrap_or("APP");
        return Err(Failure::usage("a client secret is never taken as an argument: every user of this machine could read it, and the shell would keep it")
            .hint(format!("run `lwa-rotate enroll {app}` and paste it at the prompt, or pipe it to stdin, or name a file with --secret-file"))
            .hint("if that was the real secret, rotate it soon")
            .into());
    }
    let Some(name) = &arguments.app else { return all::run(global, output).await };
    let progress = Progress::new("", *output, true);
    let host = Host::open(global, progress)?;
    let app = host.app(name)?;
    let (secret, expires_at, said_by) = match &arguments.from {
        Some(target) => {
            let held = present::of_target(app, present::named(app, target)?, &host.aws).await?;
            let said_by = if arguments.expires_at.is_some() { "--expires-at" } else { target };
            (held.client_secret, arguments.expires_at.or(held.expires_at), said_by)
        }
        None => (secret(&arguments, app).await?, arguments.expires_at, "--expires-at"),
    };
    if let Some(at) = expires_at {
        doubt(at, said_by, output);
    }
    let (status, proven) = hand_over(&host.rotator, app, secret, expires_at, output).await?;
    finish(app, &status, proven, output)
}

/// Takes the secret in, and tries it: where the application stands then, and whether the secret has been accepted.
async fn hand_over(
    rotator: &Rotator,
    app: &App,
    secret: Secret,
    expires_at: Option<u64>,
    output: &Output,
) -> Result<(Status, bool), Failure> {
    let handed = secret.clone();
    rotator.enroll(&app.client_id, secret, expires_at).await.map_err(|error| refused(app, &error))?;
    output.note(&format!("{}: the secret is stored; trying it against Amazon", app.name));
    let status = rotator.advance(&app.client_id).await.map_err(|error| failure(app, &error))?;
    let current = rotator.reveal(&app.client_id, Stage::Current).await.map_err(|error| failure(app, &error))?;
    // One that was not accepted waits beside the one in use, whatever the state.
    let is_current = current.is_some_and(|current| current.client_secret.expose() == handed.expose());
    let proven = status.proven && is_current;
    Ok((status, proven))
}

/// The secret from wherever it is offered, without the line end that editors and `echo` add.
async fn secret(arguments: &EnrollArguments, app: &App) -> anyhow::Result<Secret> {
    let offered = if arguments.secret_file.is_none() && io::stdin().is_terminal() {
        prompt::hidden(format!("client secret of {} ({}), not shown: ", app.name, app.client_id)).await?
    } else {
        let file = arguments.secret_file.clone();
        // Nothing ends a read of a pipe; on a thread of its own it holds up no signal.
        tokio::task::spawn_blocking(move || offered(file.as_deref())).await??
    };
    Ok(door::checked(&offered, &app.client_id)?)
}

/// What a file holds, or else standard input.
fn offered(file: Option<&Path>) -> anyhow::Result<Secret> {
    let mut bytes = Vec::new();
    if let Some(path) = file {
        let file = open(path).map_err(|error| {
            Failure::failed(format!("{} cannot be read: {error}", path.display()))
                .hint("name a regular file, or give the secret on stdin")
        })?;
        file.take(LONGEST + 1).read_to_end(&mut bytes).with_context(|| path.display().to_string())?;
    } else {
        io::stdin().lock().take(LONGEST + 1).read_to_end(&mut bytes).context("the secret cannot be read from stdin")?;
    }
    Ok(Secret::new(bytes))
}

/// A pipe that the caller has opened already is as good as a file; any other might never be written to.
fn open(path: &Path) -> io::Result<File> {
    let is_open = ["/dev/fd", "/proc/self/fd"].iter().any(|folder| path.starts_with(folder));
    if !is_open && !fs::metadata(path)?.is_file() {
        return Err(io::Error::other("it is not a regular file"));
    }
    File::open(path)
}

/// A date that is probably a slip.
fn doubt(expires_at: u64, said_by: &str, output: &Output) {
    let now = now();
    if expires_at <= now {
        output.note(&format!(
            "warning: by {said_by} the secret has ended already: {}",
            instant_and_left(expires_at, now)
        ));
    } else if expires_at - now > LIFETIME {
        output.note(&format!(
            "warning: no secret lives longer than 180 days, but by {said_by} this one ends {}",
            instant_and_left(expires_at, now)
        ));
    }
}

fn refused(app: &App, error: &lwa_rotate::Error) -> Failure {
    match error {
        lwa_rotate::Error::NotAllowed(text) => {
            Failure::failed(format!("{}: the secret was not taken: {text}", app.name))
        }
        _ => failure(app, error),
    }
}

/// What keeps the secret from being accepted and published everywhere.
fn hindrance(app: &App, status: &Status, proven: bool) -> Option<Failure> {
    // The problem of a rotation that is under way is no problem of the secret's.
    let ours = |problem: &&Problem| !proven || problem.cause == Cause::TargetFailed;
    if let Some(problem) = status.problem.as_ref().filter(ours) {
        let message = if proven {
            format!("{}: Amazon accepts the secret, but it is not published everywhere: {}", app.name, problem.happened)
        } else {
            format!("{}: the secret is kept, but not proven: {}", app.name, problem.happened)
        };
        let failure = match problem.remedy_by {
            RemedyBy::Time => Failure::unfinished(message)
                .hint("`lwa-rotate watch` goes on trying by itself; or run this command again later"),
            RemedyBy::Person => Failure::failed(message),
        };
        return Some(failure.problem(problem).status(&app.name, status));
    }
    if proven {
        return None;
    }
    let failure = Failure::unfinished(format!("{}: the secret is kept; Amazon has not accepted it yet", app.name));
    let hint = format!("run `lwa-rotate enroll {}` again, or leave it to `lwa-rotate watch`", app.name);
    Some(failure.hint(hint).status(&app.name, status))
}

fn finish(app: &App, status: &Status, proven: bool, output: &Output) -> Outcome {
    if let Some(failure) = hindrance(app, status, proven) {
        return Err(failure.into());
    }
    let now = now();
    output.result(&format!("{} is enrolled: Amazon accepts the secret", app.name))?;
    match status.expires_at {
        Some(at) => output.result(&format!("  secret ends       {}", instant_and_left(at, now)))?,
        None => output.result(
            "  secret ends       not known; enroll it again with --expires-at, so that it is rotated in time",
        )?,
    }
    if let Some(at) = status.rotation_due_at {
        output.result(&format!("  rotation due      {}", instant_and_left(at, now)))?;
    }
    if matches!(status.state, State::Requesting | State::Awaiting) {
        let next = format!("`lwa-rotate rotate {}` or `lwa-rotate watch` finishes it", app.name);
        output.result(&format!("  rotation          is under way; {next}"))?;
    }
    if !status.targets.is_empty() {
        let names: Vec<&str> =
            status.targets.iter().filter(|target| target.holds_current).map(|target| target.name.as_str()).collect();
        output.result(&format!("  published to      {}", names.join(", ")))?;
    }
    output.document(&json!({ "status": status_json(&app.name, status) }))?;
    Ok(Exit::Done)
}
