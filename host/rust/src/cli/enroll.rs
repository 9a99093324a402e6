//! `enroll`: takes the current secret in, verifies it by use, and publishes it.

mod all;
mod current;
mod door;
mod prompt;

use std::fs::{self, File};
use std::io::{self, IsTerminal, Read};
use std::path::Path;

use anyhow::Context;
use lwa_rotate::config::App;
use lwa_rotate::{Cause, Error, Problem, RemedyBy, Rotator, Secret, Stage, Status};
use serde_json::json;

use super::confirm::confirm;
use super::failure::{Exit, Failure};
use super::host::{Host, failure};
use super::json::status_json;
use super::output::Output;
use super::progress::Progress;
use super::rotate::holders;
use super::status::next_words;
use super::target::named;
use super::text::{instant_and_left, now};
use super::{EnrollArguments, Global, Outcome};

/// More than any secret of Amazon's; a file that is longer is some other file.
const LONGEST: u64 = 4096;

pub(super) async fn run(global: &Global, arguments: EnrollArguments, output: &Output) -> Outcome {
    if arguments.secret.is_some() || !arguments.positional.is_empty() {
        let app = arguments.app.as_deref().unwrap_or("APP");
        return Err(Failure::usage("a client secret is never taken as an argument: every user of this machine could read it, and the shell would keep it")
            .hint(format!("run `lwa-rotate enroll {app}` and paste it at the prompt, or pipe it to stdin, or name a file with --secret-file"))
            .hint("if that was the real secret, rotate it soon")
            .into());
    }
    let Some(name) = &arguments.app else { return all::run(global, arguments.yes, output).await };
    let host = Host::open(global, Progress::new("", *output, true)).await?;
    let app = host.app(name)?;
    host.expect_environment().await?;
    let (secret, expires_at) = match &arguments.from {
        Some(target) => {
            let held = current::of_target(app, named(app, target, "--from")?, &host.aws).await?;
            (held.client_secret, arguments.expires_at.or(held.expires_at))
        }
        None => (secret(&arguments, app).await?, arguments.expires_at),
    };
    let rotator = &host.rotator;
    let supplied = match supply(rotator, app, &secret, expires_at, arguments.yes).await {
        Err(Error::NeedsConfirmation(text)) => {
            confirm(&app.name, &text, "--yes").await?;
            supply(rotator, app, &secret, expires_at, true).await
        }
        supplied => supplied,
    };
    supplied.map_err(|error| refused(app, &error))?;
    output.note(&format!("{}: the secret is stored; verifying it with Amazon", app.name));
    let (status, verified) = verify(rotator, app, &secret).await?;
    finish(app, &status, verified, output)
}

/// Takes the secret in.
async fn supply(
    rotator: &Rotator,
    app: &App,
    secret: &Secret,
    expires_at: Option<u64>,
    confirmed: bool,
) -> Result<(), Error> {
    rotator.enroll(&app.client_id, secret.clone(), expires_at, confirmed).await.map(|_| ())
}

/// Has the secret verified and published: the state of the application then, and whether the secret was accepted.
async fn verify(rotator: &Rotator, app: &App, secret: &Secret) -> Result<(Status, bool), Failure> {
    let status = rotator.advance(&app.client_id).await.map_err(|error| failure(app, &error))?;
    let current = rotator.reveal(&app.client_id, Stage::Current).await.map_err(|error| failure(app, &error))?;
    // One that was not accepted waits beside the one in use, whatever the state.
    let is_current = current.is_some_and(|current| current.client_secret.expose() == secret.expose());
    let verified = status.verified && is_current;
    Ok((status, verified))
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

fn refused(app: &App, error: &Error) -> Failure {
    match error {
        Error::NeedsConfirmation(text) => Failure::usage(format!("{}: {text}; nothing was changed", app.name))
            .hint("if that is intended, run it again with --yes"),
        Error::NotAllowed(text) => Failure::failed(format!("{}: the secret was not taken: {text}", app.name)),
        _ => failure(app, error),
    }
}

/// What keeps the secret from being accepted and published everywhere.
fn hindrance(app: &App, status: &Status, verified: bool) -> Option<Failure> {
    let name = &app.name;
    // The problem of a rotation that is under way is not the secret's.
    let ours = |problem: &&Problem| {
        !verified || matches!(problem.cause, Cause::TargetFailed | Cause::PlaceChanged | Cause::NoticeUnmatched)
    };
    if let Some(problem) = status.problem.as_ref().filter(ours) {
        let happened = &problem.happened;
        let message = match (verified, problem.cause) {
            (false, _) => format!("{name}: the secret is kept, but not verified: {happened}"),
            (true, Cause::NoticeUnmatched) => format!("{name}: Amazon accepts the secret, but {happened}"),
            (true, _) => format!("{name}: Amazon accepts the secret, but it is not published everywhere: {happened}"),
        };
        let failure = match problem.remedy_by {
            RemedyBy::Time => Failure::unfinished(message)
                .hint("`lwa-rotate watch` goes on trying by itself; or run this command again later"),
            RemedyBy::Person => Failure::failed(message),
        };
        return Some(failure.problem(name, problem).status(name, status));
    }
    if verified {
        let own = status.targets.iter().filter(|target| !target.holds_current);
        let without: Vec<String> = own
            .filter_map(|target| {
                let why = target.failure.as_deref().unwrap_or("another host is writing it");
                Some(format!("{}: {why}", target.name.as_ref()?))
            })
            .collect();
        if without.is_empty() {
            return None;
        }
        let without = without.join("; ");
        let message = format!("{name}: Amazon accepts the secret, but it is not published everywhere: {without}");
        let hint = format!("to publish it whatever a place holds: lwa-rotate publish {name}");
        return Some(Failure::failed(message).hint(hint).status(name, status));
    }
    let failure = Failure::unfinished(format!("{name}: the secret is kept; Amazon has not accepted it yet"));
    let hint = format!("run `lwa-rotate enroll {name}` again, or leave it to `lwa-rotate watch`");
    Some(failure.hint(hint).status(name, status))
}

fn finish(app: &App, status: &Status, verified: bool, output: &Output) -> Outcome {
    if let Some(failure) = hindrance(app, status, verified) {
        return Err(failure.into());
    }
    let now = now();
    output.result(&format!("{} is enrolled: Amazon accepts the secret", app.name))?;
    match status.expires_at {
        Some(at) => output.result(&format!("  secret ends       {}", instant_and_left(at, now)))?,
        None => output.result(
            &format!("  secret ends       not known; say it, so that the secret is rotated in time: lwa-rotate set-expiry {} DATE", app.name),
        )?,
    }
    if let Some(next) = next_words(status, now) {
        output.result(&format!("  next              {next}"))?;
    }
    let holders = holders(status);
    if !holders.is_empty() {
        output.result(&format!("  published to      {}", holders.join(", ")))?;
    }
    output.document(&json!({ "status": status_json(&app.name, status) }))?;
    Ok(Exit::Done)
}
