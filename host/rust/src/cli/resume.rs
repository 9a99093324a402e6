//! `resume`: the decision on a stalled rotation.

use lwa_rotate::{Decision, Error};
use serde_json::json;

use super::failure::{Exit, Failure};
use super::host::{Host, failure};
use super::json::status_json;
use super::output::Output;
use super::progress::Progress;
use super::{Global, Outcome, ResumeArguments};

pub(super) async fn run(global: &Global, arguments: &ResumeArguments, output: &Output) -> Outcome {
    let host = Host::open(global, Progress::new("", *output, true)).await?;
    let app = host.app(&arguments.app)?;
    let (decision, done) = if arguments.decision.request_again {
        (Decision::RequestAgain, "another rotate call will be made")
    } else {
        (Decision::Wait, "it waits once more")
    };
    let status = host.rotator.resume(&app.client_id, decision).await.map_err(|error| match error {
        Error::NotAllowed(text) => Failure::failed(format!("{}: {text}", app.name)).hint("see `lwa-rotate status`"),
        error => failure(app, &error),
    })?;
    output.result(&format!("{}: {done}", app.name))?;
    output.note(&format!(
        "hint: `lwa-rotate rotate {}` goes on with it at once; `lwa-rotate watch` does so by itself",
        app.name
    ));
    output.document(&json!({ "status": status_json(&app.name, &status) }))?;
    Ok(Exit::Done)
}
