//! `set-expiry`: says when the current secret ends.

use lwa_rotate::{Error, Status};
use serde_json::json;

use super::confirm::confirm;
use super::failure::{Exit, Failure};
use super::host::{Host, failure};
use super::json::status_json;
use super::output::Output;
use super::progress::Progress;
use super::status::next_words;
use super::text::{instant_and_left, now};
use super::{Global, Outcome, SetExpiryArguments};

pub(super) async fn run(global: &Global, arguments: &SetExpiryArguments, output: &Output) -> Outcome {
    let host = Host::open(global, Progress::new("", *output, true)).await?;
    let app = host.app(&arguments.app)?;
    let set = async |confirmed| host.rotator.set_expiry(&app.client_id, arguments.expires_at, confirmed).await;
    let set = match set(arguments.yes).await {
        Err(Error::NeedsConfirmation(text)) => {
            confirm(&app.name, &text, "--yes").await?;
            set(true).await
        }
        set => set,
    };
    let status = set.map_err(|error| match error {
        Error::NotAllowed(text) => Failure::failed(format!("{}: {text}", app.name)),
        error => failure(app, &error),
    })?;
    show(&app.name, &status, output)
}

fn show(app: &str, status: &Status, output: &Output) -> Outcome {
    let now = now();
    let ends = status.expires_at.map_or("not known".to_owned(), |at| instant_and_left(at, now));
    output.result(&format!("{app}: the date is recorded"))?;
    output.result(&format!("  secret ends       {ends}"))?;
    if let Some(next) = next_words(status, now) {
        output.result(&format!("  next              {next}"))?;
    }
    output.document(&json!({ "status": status_json(app, status) }))?;
    Ok(Exit::Done)
}
