//! `rotate --dry-run`: what would be done, and what `check` says about it. Changes nothing.

use lwa_rotate::config::{App, Config};
use lwa_rotate::{State, Status};
use serde_json::json;

use crate::cli::Outcome;
use crate::cli::check::{Checked, findings_json};
use crate::cli::failure::{Exit, Failure};
use crate::cli::host::failure;
use crate::cli::json::{state_name, status_json};
use crate::cli::output::Output;
use crate::cli::text::{instant_and_left, now};

pub(super) async fn run(config: Config, app: &App, force: bool, output: &Output) -> Outcome {
    let checked = Checked::of(config, Some(app)).await?;
    let status = checked.host.rotator.status(&app.client_id).await.map_err(|error| failure(app, &error))?;
    let (word, plan) = plan(&status);
    output.result(&format!("{}: {plan}", app.name))?;
    for (name, text) in facts(&checked.host.config, app, &status) {
        output.result(&format!("  {name:<18}{text}"))?;
    }
    output.result("")?;
    checked.show(output)?;
    output.result("not tried: the rotate call, receiving from the queue, and publishing, which change something")?;
    // It would refuse to begin, whatever the state of the application.
    checked.host.expect_environment().await?;
    if word == "request" && !force && checked.stops() {
        let message = format!("{}: a rotation would not go as it should; see the findings", app.name);
        let message = match checked.first_stop() {
            Some(finding) => format!("{message}: {}", finding.evidence),
            None => message,
        };
        let problem = checked.problem();
        let mut failure = Failure::failed(message);
        // The problem says itself what to do about the secret.
        for finding in checked.stopping().filter(|finding| problem.is_none() || finding.check != "secret") {
            failure = failure.hint(&finding.remedy);
        }
        if let Some(problem) = problem {
            failure = failure.problem(&app.name, problem);
        }
        return Err(failure
            .hint(format!(
                "`lwa-rotate check {}` says the same; --force makes the rotate call in spite of the queue",
                app.name
            ))
            .status(&app.name, &status)
            .into());
    }
    output.document(&json!({
        "dry_run": true,
        "plan": word,
        "queue_url": queue_url(&checked.host.config, app),
        "findings": findings_json(&checked.groups),
        "status": status_json(&app.name, &status),
    }))?;
    Ok(if status.state == State::Stalled { Exit::Stalled } else { Exit::Done })
}

/// What `rotate` would do, for programs and for people.
fn plan(status: &Status) -> (&'static str, &'static str) {
    match status.state {
        State::Publishing if status.retired_ends_at.is_some() => {
            ("join", "would go on publishing the new secret that is verified already")
        }
        State::Settled | State::Publishing => {
            ("request", "would read the queue, make the rotate call, wait for the new secret, verify it and publish it")
        }
        State::Requesting => (
            "request",
            "would read the queue, try the rotate call again at once, wait for the new secret, verify it and publish it",
        ),
        State::Awaiting => ("join", "would wait for the message of the rotate call that was made already"),
        State::Verifying => ("join", "would go on verifying the new secret that is kept already"),
        State::Stalled => {
            ("none", "would do nothing: the rotation is stalled, and a person must decide; see `lwa-rotate status`")
        }
    }
}

fn facts(config: &Config, app: &App, status: &Status) -> Vec<(&'static str, String)> {
    let now = now();
    let mut facts = vec![("client id", app.client_id.clone()), ("state", state_name(status.state).to_owned())];
    facts.push(("secret ends", status.expires_at.map_or("not known".to_owned(), |at| instant_and_left(at, now))));
    if let Some(at) = status.retired_ends_at {
        facts.push(("old secret ends", instant_and_left(at, now)));
    }
    facts.push(("asks for a token", app.token_endpoint.clone()));
    facts.push(("calls", app.api_endpoint.clone()));
    facts.push(("reads the queue", queue_url(config, app).to_owned()));
    facts.push(("keeps secrets in", config.store.to_string()));
    let targets: Vec<&str> = app.publish.iter().map(|target| target.name.as_str()).collect();
    facts.push(("publishes to", if targets.is_empty() { "nothing".to_owned() } else { targets.join(", ") }));
    facts
}

fn queue_url<'c>(config: &'c Config, app: &App) -> &'c str {
    config.queues.get(&app.queue).map_or("", |queue| queue.url.as_str())
}
