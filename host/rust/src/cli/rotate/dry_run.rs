//! `rotate --dry-run`: what would be done, whether Amazon accepts the secret, and whether the queue stands in the way. Changes
//! nothing.

use lwa_rotate::check::Severity;
use lwa_rotate::config::App;
use lwa_rotate::{State, Status};
use serde_json::json;

use super::preflight::preflight;
use crate::cli::Outcome;
use crate::cli::check::places;
use crate::cli::failure::{Exit, Failure};
use crate::cli::host::{Host, failure};
use crate::cli::json::{state_name, status_json};
use crate::cli::output::Output;
use crate::cli::text::{instant_and_left, now};

pub(super) async fn run(host: &Host, app: &App, force: bool, output: &Output) -> Outcome {
    let status = host.rotator.status(&app.client_id).await.map_err(|error| failure(app, &error))?;
    let (word, plan) = plan(&status);
    output.result(&format!("{}: {plan}", app.name))?;
    for (name, text) in facts(host, app, &status) {
        output.result(&format!("  {name:<18}{text}"))?;
    }
    let problem = host.rotator.prove(&app.client_id).await.map_err(|error| failure(app, &error))?;
    if let Some(problem) = &problem {
        let message = format!("{}: a rotation would fail at present: {}", app.name, problem.happened);
        return Err(Failure::failed(message).problem(problem).status(&app.name, &status).into());
    }
    if word == "request" {
        preflight(host, app, &status, force, output).await?;
    }
    for finding in places(&host.config, app, &host.aws, &status).await {
        match finding.severity {
            Severity::Blocking => {
                let message = format!("{}: no rotation could begin: {}", app.name, finding.evidence);
                return Err(Failure::failed(message).hint(finding.remedy).status(&app.name, &status).into());
            }
            Severity::Warning => {
                output.note(&format!("warning: {}; {}; {}", finding.evidence, finding.consequence, finding.remedy));
            }
            Severity::NotChecked => output.note(&format!("not checked: {}", finding.evidence)),
            Severity::Fine => {}
        }
    }
    output.result("  tried             LWA grants the rotate call's scope, and SP-API accepts the current secret")?;
    output.result("  not tried         the rotate call, receiving from the queue, and publishing: none can be tried without changing something")?;
    output.document(&json!({ "dry_run": true, "plan": word, "queue_url": queue_url(host, app), "status": status_json(&app.name, &status) }))?;
    Ok(if status.state == State::Stalled { Exit::Stalled } else { Exit::Done })
}

/// What `rotate` would do, for programs and for people.
fn plan(status: &Status) -> (&'static str, &'static str) {
    match status.state {
        State::Publishing if status.old_ends_at.is_some() => {
            ("join", "would go on publishing the new secret that is proven already")
        }
        State::Settled | State::Publishing => {
            ("request", "would make the rotate call, wait for the new secret, prove it and publish it")
        }
        State::Requesting => {
            ("request", "would try the rotate call again at once, wait for the new secret, prove it and publish it")
        }
        State::Awaiting => ("join", "would wait for the message of the rotate call that was made already"),
        State::Verifying => ("join", "would go on trying the new secret that is kept already"),
        State::Stalled => {
            ("none", "would do nothing: the rotation is stalled, and a person must decide; see `lwa-rotate status`")
        }
    }
}

fn facts(host: &Host, app: &App, status: &Status) -> Vec<(&'static str, String)> {
    let now = now();
    let mut facts = vec![("client id", app.client_id.clone()), ("state", state_name(status.state).to_owned())];
    facts.push(("secret ends", status.expires_at.map_or("not known".to_owned(), |at| instant_and_left(at, now))));
    if let Some(at) = status.old_ends_at {
        facts.push(("old secret ends", instant_and_left(at, now)));
    }
    facts.push(("asks for a token", app.token_endpoint.clone()));
    facts.push(("calls", app.api_endpoint.clone()));
    facts.push(("reads the queue", queue_url(host, app).to_owned()));
    facts.push(("keeps secrets in", host.config.store.to_string()));
    let targets: Vec<&str> = app.publish.iter().map(|target| target.name.as_str()).collect();
    facts.push(("publishes to", if targets.is_empty() { "nothing".to_owned() } else { targets.join(", ") }));
    facts
}

fn queue_url<'h>(host: &'h Host, app: &App) -> &'h str {
    host.config.queues.get(&app.queue).map_or("", |queue| queue.url.as_str())
}
