//! `check`: whether a rotation would bring a new secret and keep it. Changes nothing.

mod answers;
mod application;
mod machine;
mod store;

use std::sync::Arc;

use lwa_rotate::Status;
use lwa_rotate::aws::Aws;
use lwa_rotate::check::{self, Finding, Severity};
use lwa_rotate::config::{App, Config};
use lwa_rotate::observe::TracingObserver;
use serde_json::{Value, json};

use self::answers::Answers;
use self::application::Applications;
use super::failure::{Exit, Failure};
use super::host::{builder, configuration, find, queues};
use super::in_order::in_order;
use super::output::{Output, Tone};
use super::{Global, Outcome};

/// What the findings of one thing are about.
struct Group {
    /// For programs: `machine`, `queue` or `app`.
    about: &'static str,
    /// Its name in the configuration.
    name: Option<String>,
    /// For people.
    title: String,
    findings: Vec<Finding>,
}

pub(super) async fn run(global: &Global, app: Option<&str>, output: &Output) -> Outcome {
    let config = Arc::new(configuration(global)?);
    let apps: Vec<App> = match app {
        Some(name) => vec![find(&config, name)?.clone()],
        None => config.apps.to_vec(),
    };
    let aws = Aws::new();
    let queue = queues(&config, &aws)?;
    let answers = Arc::new(Answers::of(&config)?);
    let builder = builder(&config, Arc::clone(&answers), Arc::clone(&queue), &aws).observe(TracingObserver);
    let rotator = builder.build().map_err(|error| Failure::failed(error.to_string()))?;

    let mut groups = Vec::new();
    // With all applications, the queues that none of them names as well.
    let named = |name: &String| app.is_none() || apps.iter().any(|app| app.queue == *name);
    for (name, settings) in config.queues.iter().filter(|(name, _)| named(name)) {
        groups.push(Group {
            about: "queue",
            name: Some(name.clone()),
            title: format!("queue {name} ({})", settings.url),
            findings: check::queue(&queue, name).await,
        });
    }
    let record_interval = config.watch.record_interval;
    let applications = Applications { rotator, aws: aws.clone(), answers: Arc::clone(&answers), record_interval };
    groups.extend(applications.check(apps).await);
    let machine = machine::findings(&config, &aws, &answers).await;
    groups.insert(0, Group { about: "machine", name: None, title: "this machine".into(), findings: machine });

    show(&groups, output)?;
    output.document(&document(&groups))?;
    Ok(if count(&groups, Severity::Blocking) > 0 { Exit::Failed } else { Exit::Done })
}

impl Applications {
    /// Several at the same time, in the order of the configuration.
    async fn check(self, apps: Vec<App>) -> Vec<Group> {
        let this = Arc::new(self);
        let check = |app: App| {
            let this = Arc::clone(&this);
            async move {
                let findings = this.findings(&app).await;
                let title = format!("application {} ({})", app.name, app.client_id);
                Group { about: "app", name: Some(app.name), title, findings }
            }
        };
        in_order(apps, check).await
    }
}

/// What a rotation needs of this machine and of the application's targets.
pub(super) async fn places(config: &Config, app: &App, aws: &Aws, status: &Status) -> Vec<Finding> {
    let mut findings = vec![store::store(config, aws).await];
    application::targets(app, aws, Some(status), &mut findings).await;
    findings
}

fn count(groups: &[Group], severity: Severity) -> usize {
    groups.iter().flat_map(|group| &group.findings).filter(|finding| finding.severity == severity).count()
}

fn show(groups: &[Group], output: &Output) -> std::io::Result<()> {
    for group in groups {
        output.result(&group.title)?;
        for finding in &group.findings {
            let severity = format!("{:<13}", words(finding.severity));
            let severity = output.toned(&severity, tone(finding.severity));
            output.result(&format!("  {severity}{:<20}{}", finding.check, finding.evidence))?;
            for (name, text) in [("consequence", &finding.consequence), ("remedy", &finding.remedy)] {
                if !text.is_empty() {
                    output.result(&format!("  {:<13}{name:<20}{text}", ""))?;
                }
            }
        }
        output.result("")?;
    }
    let (blocking, warnings) = (count(groups, Severity::Blocking), count(groups, Severity::Warning));
    output.result(&format!(
        "{}: {blocking} blocking, {warnings} warnings, {} not checked",
        match (blocking, warnings) {
            (0, 0) => "nothing was found that stands in the way of a rotation",
            (0, _) => "nothing blocks a rotation",
            _ => "a rotation would bring no new secret, or lose it",
        },
        count(groups, Severity::NotChecked)
    ))
}

fn words(severity: Severity) -> &'static str {
    match severity {
        Severity::Fine => "fine",
        Severity::NotChecked => "not checked",
        Severity::Warning => "warning",
        Severity::Blocking => "blocking",
    }
}

fn tone(severity: Severity) -> Tone {
    match severity {
        Severity::Fine => Tone::Good,
        Severity::NotChecked => Tone::Unknown,
        Severity::Warning => Tone::Doubtful,
        Severity::Blocking => Tone::Bad,
    }
}

fn document(groups: &[Group]) -> Value {
    let findings =
        groups.iter().flat_map(|group| group.findings.iter().map(move |finding| finding_json(group, finding)));
    json!({
        "blocking": count(groups, Severity::Blocking),
        "warnings": count(groups, Severity::Warning),
        "not_checked": count(groups, Severity::NotChecked),
        "findings": findings.collect::<Vec<_>>(),
    })
}

fn finding_json(group: &Group, finding: &Finding) -> Value {
    let text = |text: &String| (!text.is_empty()).then(|| text.clone());
    json!({
        "about": group.about,
        "name": group.name,
        "check": finding.check,
        "severity": words(finding.severity).replace(' ', "-"),
        "evidence": finding.evidence,
        "consequence": text(&finding.consequence),
        "remedy": text(&finding.remedy),
    })
}
