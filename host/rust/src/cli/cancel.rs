//! `cancel`: takes back a rotation whose rotate call is not sent yet.

use lwa_rotate::Error;
use serde_json::json;

use super::failure::{Exit, Failure};
use super::host::{Host, failure};
use super::json::status_json;
use super::output::Output;
use super::progress::Progress;
use super::status::next_words;
use super::text::now;
use super::{CancelArguments, Global, Outcome};

pub(super) async fn run(global: &Global, arguments: &CancelArguments, output: &Output) -> Outcome {
    if arguments.not_before.is_some_and(|at| at <= now()) {
        return Err(Failure::usage("--not-before is a time that has passed")
            .hint("give a time ahead, or leave it out: then a rotation that is due begins again in 24 hours")
            .into());
    }
    let host = Host::open(global, Progress::new("", *output, true)).await?;
    let app = host.app(&arguments.app)?;
    let cancelled = host.rotator.cancel(&app.client_id, arguments.not_before).await;
    let status = cancelled.map_err(|error| match error {
        Error::NotAllowed(text) => Failure::failed(format!("{}: {text}", app.name))
            .hint(format!("what happens next: lwa-rotate status {}", app.name)),
        error => failure(app, &error),
    })?;
    output.result(&format!("{}: no rotate call is made; the current secret stays in use", app.name))?;
    if let Some(next) = next_words(&status, now()) {
        output.result(&format!("  next              {next}"))?;
    }
    output.document(&json!({ "status": status_json(&app.name, &status) }))?;
    Ok(Exit::Done)
}
