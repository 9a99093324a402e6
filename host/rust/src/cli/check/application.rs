//! One application: its record, its secret, Amazon's endpoints, the state of its rotation, and its publish targets.

use std::sync::Arc;
use std::time::Duration;

use lwa_rotate::aws::Aws;
use lwa_rotate::config::App;
use lwa_rotate::{Cause, DeadlineKind, Error, Problem, RemedyBy, Rotator, Severity, State, Status};

use super::answers::Answers;
use super::finding::Finding;
use super::targets::targets;
use crate::cli::failure::{amazon_text, remedies};
use crate::cli::json::state_name;
use crate::cli::text::{instant, instant_and_left, left, milliseconds, now};

/// `watch` takes each application further within the interval of the settings: what waits for so much longer is done by no one.
const OVERDUE: Duration = Duration::from_secs(10 * 60);

pub(super) struct Applications {
    pub(super) rotator: Rotator,
    pub(super) aws: Aws,
    pub(super) answers: Arc<Answers>,
    pub(super) record_interval: Duration,
}

impl Applications {
    /// What was found, and why Amazon does not accept the secret.
    pub(super) async fn findings(&self, app: &App) -> (Vec<Finding>, Option<Problem>) {
        let status = match self.rotator.status(&app.client_id).await {
            Ok(status) => status,
            Err(error) => {
                let mut findings = vec![no_record(app, &error), subscription(), self.endpoints(app, None)];
                findings.extend(targets(self, app, None).await);
                return (findings, None);
            }
        };
        let verified = self.rotator.verify(&app.client_id).await;
        let mut findings = vec![
            Finding::fine("record", format!("it is readable; {} so far", secrets(status.generation))),
            secret(&app.name, &verified),
            subscription(),
            self.endpoints(app, verified.as_ref().ok().and_then(Option::as_ref)),
            expiry(app, &status, now()),
            rotation(app, &status, now(), milliseconds(self.record_interval + OVERDUE)),
        ];
        findings.extend(targets(self, app, Some(&status)).await);
        (findings, verified.ok().flatten())
    }

    /// Whether LWA and SP-API have answered when the secret was verified, with the problem that this ended in.
    fn endpoints(&self, app: &App, problem: Option<&Problem>) -> Finding {
        const CHECK: &str = "endpoints";
        if app.api_endpoint.contains("//sandbox.") {
            return Finding::new(
                CHECK,
                Severity::Blocking,
                format!("{} is Amazon's sandbox", app.api_endpoint),
                "the sandbox rotates nothing: it answers every rotate call that the application is not enrolled",
                "set region, or an api-endpoint without sandbox",
            );
        }
        let silent: Vec<&str> = [app.token_endpoint.as_str(), app.api_endpoint.as_str()]
            .into_iter()
            .filter(|url| !self.answers.came_from(url))
            .collect();
        if silent.is_empty() {
            return Finding::fine(CHECK, format!("{} and {} answer", app.token_endpoint, app.api_endpoint));
        }
        match problem {
            Some(problem) if matches!(problem.cause, Cause::NotConnected | Cause::AnswerLost) => Finding::new(
                CHECK,
                Severity::Warning,
                problem.happened.clone(),
                "nothing can be asked of Amazon while it lasts; a rotation waits, and nothing is lost",
                format!("let this machine reach {}", silent.join(" and ")),
            ),
            _ => Finding::new(
                CHECK,
                Severity::NotChecked,
                format!("not asked: {}", silent.join(" and ")),
                "whether it can be reached is not known",
                "correct what the findings about the record and the secret say, then check again",
            ),
        }
    }
}

fn secrets(generation: u64) -> String {
    format!("{generation} secret{}", if generation == 1 { "" } else { "s" })
}

fn no_record(app: &App, error: &Error) -> Finding {
    match error {
        Error::NotEnrolled => Finding::new(
            "record",
            Severity::Warning,
            "the application is not enrolled yet",
            "nothing is rotated, and nothing else of the application can be checked",
            format!("supply its current client secret: lwa-rotate enroll {}", app.name),
        ),
        Error::Store(_) | Error::UnreadableRecord(_) => Finding::new(
            "record",
            Severity::Blocking,
            error.to_string(),
            "no rotation begins, and a new secret that comes by itself stays in the queue until its retention ends",
            "let the user that runs lwa-rotate read the record, put back a copy of it, or use the version of lwa-rotate that wrote it",
        ),
        _ => Finding::new(
            "record",
            Severity::NotChecked,
            error.to_string(),
            "whether the application can be rotated is not known",
            "check again, and report it if it happens again",
        ),
    }
}

/// Nothing tells it but Amazon's console, or the answer to a rotate call.
fn subscription() -> Finding {
    Finding::new(
        "subscription",
        Severity::NotChecked,
        "whether the application is subscribed to Amazon's rotation notifications can only be seen in the Developer Console",
        "without the subscription Amazon refuses the rotate call, and sends no notice when a secret is about to end",
        "in the Developer Console (Solution Provider Portal, or Develop Apps in Seller Central) open Notification Preferences, and see that \"Application Client New Secret\" and \"Application Client Secret Expiry\" go to this queue",
    )
}

/// By use: SP-API has to accept a token that was minted with it.
fn secret(app: &str, verified: &Result<Option<Problem>, Error>) -> Finding {
    const CHECK: &str = "secret";
    let problem = match verified {
        Ok(None) => {
            return Finding::fine(CHECK, "LWA grants the rotate call's scope, and SP-API accepts the current secret");
        }
        Ok(Some(problem)) => problem,
        Err(error) => return unknown(CHECK, error.to_string()),
    };
    let words = problem.amazon.as_ref().map(|amazon| format!("; amazon said {}", amazon_text(amazon)));
    let evidence = format!("{}{}", problem.happened, words.unwrap_or_default());
    match problem.remedy_by {
        RemedyBy::Person => Finding::new(
            CHECK,
            Severity::Blocking,
            evidence,
            "no rotate call can be made with it, so that no new secret would come",
            remedies(app, problem).join("; "),
        ),
        RemedyBy::Time => unknown(CHECK, evidence),
    }
}

fn unknown(check: &str, evidence: String) -> Finding {
    Finding::new(
        check,
        Severity::NotChecked,
        evidence,
        "whether Amazon accepts the current secret is not known",
        "check again later",
    )
}

fn expiry(app: &App, status: &Status, now: u64) -> Finding {
    const CHECK: &str = "expiry";
    match status.expires_at {
        Some(at) if at > now => Finding::fine(CHECK, format!("the current secret ends {}", instant_and_left(at, now))),
        Some(at) => Finding::new(
            CHECK,
            Severity::Warning,
            format!("the current secret has ended, {}, by what is recorded", instant_and_left(at, now)),
            "applications are locked out, unless the date that was given is wrong",
            format!(
                "correct the date: lwa-rotate set-expiry {0} DATE; or rotate in the Developer Console, and supply the new secret: lwa-rotate enroll {0}",
                app.name
            ),
        ),
        None => Finding::new(
            CHECK,
            Severity::Warning,
            "when the current secret ends is not known",
            "the first rotation waits for Amazon's notice that it ends, or for `lwa-rotate rotate`",
            format!("say it as the Developer Console shows it: lwa-rotate set-expiry {} DATE", app.name),
        ),
    }
}

fn rotation(app: &App, status: &Status, now: u64, overdue: u64) -> Finding {
    const CHECK: &str = "rotation";
    let name = &app.name;
    // What places hold now, their own findings say.
    let of_places = |problem: &&Problem| matches!(problem.cause, Cause::TargetFailed | Cause::PlaceChanged);
    let problem = status.problem.as_ref().filter(|problem| !of_places(problem));
    let happened = problem.map_or(String::new(), |problem| format!(": {}", problem.happened));
    if status.state == State::Stalled {
        return Finding::new(
            CHECK,
            Severity::Blocking,
            format!("it is stalled{happened}"),
            problem.map_or("no rotation begins before a person has decided".into(), |problem| {
                format!("no rotation begins before a person has decided; {}", problem.still_works)
            }),
            problem.map_or_else(
                || format!("see `lwa-rotate status {name}`"),
                |problem| remedies(name, problem).join("; "),
            ),
        );
    }
    let state = state_name(status.state);
    if let Some(problem) = problem {
        return Finding::new(
            CHECK,
            Severity::Warning,
            format!("{state}{happened}"),
            format!("it does not go on by itself; {}", problem.still_works),
            if remedies(name, problem).is_empty() {
                problem.remedy.clone()
            } else {
                remedies(name, problem).join("; ")
            },
        );
    }
    match &status.next {
        Some(next) if next.kind != DeadlineKind::Reading && next.at.saturating_add(overdue) < now => Finding::new(
            CHECK,
            Severity::Warning,
            format!("{state}; what was due {} has not been done ({})", instant(next.at), left(next.at, now)),
            "no `watch` runs for this application: its secret may end, or not be published, unnoticed",
            format!("leave `lwa-rotate watch` running, or call `lwa-rotate rotate {name}` from a scheduler"),
        ),
        _ => Finding::fine(
            CHECK,
            match status.rotation_due_at {
                Some(at) => format!("{state}; the next one is due {}", instant_and_left(at, now)),
                None => state.to_owned(),
            },
        ),
    }
}
