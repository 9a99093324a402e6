//! One application: its record, its secret, Amazon's endpoints, where its rotation stands, and its publish targets.

use std::sync::Arc;
use std::time::Duration;

use lwa_rotate::aws::Aws;
use lwa_rotate::check::{Finding, Severity};
use lwa_rotate::config::{App, Target};
use lwa_rotate::publish::{Error as PublishError, Probe};
use lwa_rotate::{Cause, Error, Problem, RemedyBy, Rotator, State, Status};

use super::answers::Answers;
use crate::cli::failure::amazon_text;
use crate::cli::json::state_name;
use crate::cli::target::{remedy, target};
use crate::cli::text::{instant, instant_and_left, left, milliseconds, now};

/// `watch` looks at each application within the interval of the settings: what waits for so much longer has nobody who does it.
const OVERDUE: Duration = Duration::from_secs(10 * 60);

pub(super) struct Applications {
    pub(super) rotator: Rotator,
    pub(super) aws: Aws,
    pub(super) answers: Arc<Answers>,
    pub(super) record_interval: Duration,
}

impl Applications {
    pub(super) async fn findings(&self, app: &App) -> Vec<Finding> {
        let status = match self.rotator.status(&app.client_id).await {
            Ok(status) => status,
            Err(error) => {
                let mut findings = vec![no_record(app, &error), self.endpoints(app, None)];
                targets(app, &self.aws, None, &mut findings).await;
                return findings;
            }
        };
        let proof = self.rotator.prove(&app.client_id).await;
        let mut findings = vec![
            Finding::fine("record", format!("it is readable; {} so far", secrets(status.generation))),
            secret(&proof),
            self.endpoints(app, proof.as_ref().ok().and_then(Option::as_ref)),
            expiry(app, &status, now()),
            rotation(app, &status, now(), milliseconds(self.record_interval + OVERDUE)),
        ];
        targets(app, &self.aws, Some(&status), &mut findings).await;
        findings
    }

    /// Whether LWA and SP-API have answered when the secret was tried, with the problem that this ended in.
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
                format!("see that this machine reaches {}", silent.join(" and ")),
            ),
            _ => Finding::new(
                CHECK,
                Severity::NotChecked,
                format!("not asked: {}", silent.join(" and ")),
                "nobody knows whether it can be reached",
                "check again when the findings about the record and the secret are put right",
            ),
        }
    }
}

/// Whether a new secret could be published.
pub(super) async fn targets(app: &App, aws: &Aws, status: Option<&Status>, findings: &mut Vec<Finding>) {
    for configured in &app.publish {
        let probed = target(configured, aws).probe().await;
        findings.push(of_target(configured, probed, status, now()));
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
            format!("hand over its present client secret: lwa-rotate enroll {}", app.name),
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
            "nobody knows whether the application can be rotated",
            "check again, and report it if it happens again",
        ),
    }
}

/// By use: SP-API has to accept a token that was minted with it.
fn secret(proof: &Result<Option<Problem>, Error>) -> Finding {
    const CHECK: &str = "secret";
    let problem = match proof {
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
            problem.remedy.clone(),
        ),
        RemedyBy::Time => unknown(CHECK, evidence),
    }
}

fn unknown(check: &'static str, evidence: String) -> Finding {
    Finding::new(
        check,
        Severity::NotChecked,
        evidence,
        "nobody knows whether Amazon accepts the current secret",
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
            format!("make a new secret in the Developer Console, and hand it over: lwa-rotate enroll {}", app.name),
        ),
        None => Finding::new(
            CHECK,
            Severity::Warning,
            "nobody has said when the current secret ends",
            "the first rotation waits for Amazon's notice that it ends, or for `lwa-rotate rotate`",
            format!(
                "run `lwa-rotate enroll {} --expires-at DATE` with the same secret, and the date that the Developer Console shows",
                app.name
            ),
        ),
    }
}

fn rotation(app: &App, status: &Status, now: u64, overdue: u64) -> Finding {
    const CHECK: &str = "rotation";
    let name = &app.name;
    let problem = status.problem.as_ref();
    let happened = problem.map_or(String::new(), |problem| format!(": {}", problem.happened));
    if status.state == State::Stalled {
        return Finding::new(
            CHECK,
            Severity::Blocking,
            format!("it is stalled{happened}"),
            problem.map_or("no rotation begins before a person has decided".into(), |problem| {
                format!("no rotation begins before a person has decided; {}", problem.still_works)
            }),
            format!("decide: lwa-rotate resume {name} --wait, or lwa-rotate resume {name} --request-again"),
        );
    }
    let state = state_name(status.state);
    if let Some(problem) = problem {
        return Finding::new(
            CHECK,
            Severity::Warning,
            format!("{state}{happened}"),
            format!("it does not go on at present; {}", problem.still_works),
            problem.remedy.clone(),
        );
    }
    match &status.next {
        Some(next) if next.at.saturating_add(overdue) < now => Finding::new(
            CHECK,
            Severity::Warning,
            format!("{state}; what was due {} has not been done ({})", instant(next.at), left(next.at, now)),
            "nobody looks after the application: its secret ends, or is not published, without anybody noticing",
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

/// What was tried now comes first. That a place does not hold the current secret is a fact of now as well; why it did not take
/// it is one of then.
fn of_target(target: &Target, probed: Result<Probe, PublishError>, status: Option<&Status>, now: u64) -> Finding {
    let name = &target.name;
    let waiting =
        status.and_then(|status| status.targets.iter().find(|known| known.name == *name && !known.holds_current));
    let failed = waiting.and_then(|known| known.failure.as_ref());
    if let (Ok(probe), Some(failed)) = (&probed, failed) {
        let (Probe::Fine(seen) | Probe::NotChecked(seen)) = probe;
        let next = status.and_then(|status| status.next.as_ref());
        let next = next.map_or(String::new(), |next| format!("; tried again {}", left(next.at, now)));
        return Finding::new(
            "target",
            Severity::Warning,
            format!("{name}: it does not hold the current secret yet: the last try failed: {failed}. Now: {seen}"),
            format!("its readers go without the current secret until then{next}"),
            remedy(&target.kind),
        );
    }
    match probed {
        Ok(Probe::Fine(seen)) => Finding::fine("target", format!("{name}: {seen}")),
        Ok(Probe::NotChecked(why)) => Finding::new(
            "target",
            Severity::NotChecked,
            format!("{name}: {why}"),
            "nobody knows whether a new secret could be published there",
            remedy(&target.kind),
        ),
        Err(error) => Finding::new(
            "target",
            Severity::Warning,
            format!("{name}: {error}"),
            "a new secret would be kept but not published there, and the old one ends 7 days after the rotate call",
            remedy(&target.kind),
        ),
    }
}
