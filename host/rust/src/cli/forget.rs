//! `forget`: removes the record of an application.

use lwa_rotate::Error;
use serde_json::json;

use super::confirm::confirm;
use super::failure::{Exit, Failure};
use super::host::{Host, failure};
use super::json::not_enrolled_json;
use super::output::Output;
use super::progress::Progress;
use super::{ForgetArguments, Global, Outcome};

const CONSEQUENCE: &str = "its record is removed from the store with all its client secrets; publish targets keep what they hold, and the secret stays valid at Amazon";

pub(super) async fn run(global: &Global, arguments: &ForgetArguments, output: &Output) -> Outcome {
    let host = Host::open(global, Progress::new("", *output, true)).await?;
    let app = host.app(&arguments.app)?;
    // What is not there needs no question.
    host.rotator.status(&app.client_id).await.map_err(|error| failure(app, &error))?;
    if !arguments.yes {
        confirm(&app.name, CONSEQUENCE, "--yes").await?;
    }
    host.rotator.forget(&app.client_id).await.map_err(|error| match error {
        Error::NotAllowed(text) => Failure::failed(format!("{}: {text}", app.name))
            .hint(format!("what is going on: lwa-rotate status {}", app.name)),
        error => failure(app, &error),
    })?;
    output.result(&format!("{}: the record is removed", app.name))?;
    output.note("hint: remove the application from the configuration too, or `watch` reports that it is not enrolled");
    output.document(&json!({ "status": not_enrolled_json(&app.name, &app.client_id) }))?;
    Ok(Exit::Done)
}
