//! `publish`: writes the current secret to the publish targets again, and says what became of each.

use std::time::Duration;

use lwa_rotate::config::App;
use lwa_rotate::{Error, Status, TargetStatus};
use serde_json::json;
use tokio::time::{Instant, sleep};

use super::failure::{Exit, Failure};
use super::host::{Host, failure};
use super::json::status_json;
use super::output::Output;
use super::progress::Progress;
use super::{Global, Outcome, PublishArguments};

/// How long another host that writes the same targets is waited for. Longer than it may take.
const LONGEST: Duration = Duration::from_secs(150);
const PAUSE: Duration = Duration::from_secs(2);

pub(super) async fn run(global: &Global, arguments: &PublishArguments, output: &Output) -> Outcome {
    let host = Host::open(global, Progress::new("", *output, true)).await?;
    let app = host.app(&arguments.app)?;
    let target = arguments.target.as_deref();
    if app.publish.is_empty() {
        return Err(Failure::failed(format!("{} has no publish target", app.name))
            .hint(format!("add one to [apps.{}] of the configuration, as [[apps.{}.publish]]", app.name, app.name))
            .into());
    }
    if let Some(target) = target {
        super::target::named(app, target, "--target")?;
    }
    host.rotator.republish(&app.client_id, target).await.map_err(|error| match error {
        Error::NotAllowed(text) => Failure::failed(format!("{}: {text}", app.name))
            .hint(format!("what is going on: lwa-rotate status {}", app.name)),
        error => failure(app, &error),
    })?;
    let deadline = Instant::now() + LONGEST;
    let status = loop {
        let status = host.rotator.advance(&app.client_id).await.map_err(|error| failure(app, &error))?;
        let settled = asked(&status, target).all(|target| target.holds_current || target.failure.is_some());
        if settled || Instant::now() >= deadline {
            break status;
        }
        sleep(PAUSE).await;
    };
    finish(app, &status, target, output)
}

/// The targets that were asked for.
fn asked<'s>(status: &'s Status, name: Option<&'s str>) -> impl Iterator<Item = &'s TargetStatus> {
    let own = status.targets.iter().filter(|target| target.name.is_some());
    own.filter(move |target| name.is_none() || target.name.as_deref() == name)
}

fn finish(app: &App, status: &Status, target: Option<&str>, output: &Output) -> Outcome {
    let mut failures = Vec::new();
    for target in asked(status, target) {
        let name = target.name.as_deref().unwrap_or_default();
        if target.holds_current {
            output.result(&format!("{}: {name} holds the current secret", app.name))?;
        } else {
            let why = target.failure.as_deref().unwrap_or("another host is writing it");
            failures.push(format!("{name}: {why}"));
        }
    }
    if failures.is_empty() {
        output.document(&json!({ "status": status_json(&app.name, status) }))?;
        return Ok(Exit::Done);
    }
    let message = format!("{}: the current secret is not published everywhere: {}", app.name, failures.join("; "));
    Err(Failure::failed(message)
        .hint(format!("correct what the target reports, then run `lwa-rotate publish {}` again", app.name))
        .hint("`lwa-rotate watch` tries it again by itself too")
        .status(&app.name, status)
        .into())
}
