//! `check`: whether a rotation would bring a new secret and keep it. Changes nothing. A queue is judged by the component.

mod answers;
mod application;
mod environment;
mod finding;
mod machine;
mod store;
mod targets;

use std::sync::Arc;

use lwa_rotate::aws::Aws;
use lwa_rotate::config::{App, Config};
use lwa_rotate::observe::TracingObserver;
use lwa_rotate::{Problem, QueueFinding, Severity};
use serde_json::{Value, json};

use self::answers::Answers;
use self::application::Applications;
use self::finding::Finding;
use super::failure::{Exit, Failure};
use super::host::{Host, configuration, find};
use super::in_order::in_order;
use super::output::{Output, Tone};
use super::{Global, Outcome};

/// What the findings of one thing are about.
pub(super) struct Group {
    /// For programs: `machine`, `queue` or `app`.
    about: &'static str,
    /// Its name in the configuration.
    name: Option<String>,
    /// For people.
    title: String,
    findings: Vec<Finding>,
    /// Why Amazon does not accept an application's secret, if that was tried.
    problem: Option<Problem>,
}

/// What was checked, with all that was found.
pub(super) struct Checked {
    pub(super) host: Host,
    pub(super) groups: Vec<Group>,
}

pub(super) async fn run(global: &Global, app: Option<&str>, output: &Output) -> Outcome {
    let config = configuration(global)?;
    let app = match app {
        Some(name) => Some(find(&config, name)?.clone()),
        None => None,
    };
    let checked = Checked::of(config, app.as_ref()).await?;
    checked.show(output)?;
    output.document(&document(&checked.groups))?;
    Ok(if checked.stops() { Exit::Failed } else { Exit::Done })
}

impl Checked {
    /// One application with its queue, or all of them and all queues.
    pub(super) async fn of(config: Config, app: Option<&App>) -> anyhow::Result<Self> {
        let config = Arc::new(config);
        let apps: Vec<App> = app.map_or_else(|| config.apps.to_vec(), |app| vec![app.clone()]);
        let aws = Aws::new();
        let answers = Arc::new(Answers::of(&config)?);
        let host = Host::with_http(Arc::clone(&config), aws.clone(), Arc::clone(&answers), TracingObserver).await?;

        let mut groups = Vec::new();
        // With all applications, the queues that none of them names as well.
        let named = |name: &String| app.is_none_or(|app| app.queue == *name);
        for (name, settings) in config.queues.iter().filter(|(name, _)| named(name)) {
            let findings: Vec<QueueFinding> =
                host.rotator.check_queue(name).await.map_err(|error| Failure::failed(error.to_string()))?;
            groups.push(Group {
                about: "queue",
                name: Some(name.clone()),
                title: format!("queue {name} ({})", settings.url),
                findings: findings.into_iter().map(Finding::from).collect(),
                problem: None,
            });
        }
        let record_interval = config.watch.record_interval;
        let rotator = host.rotator.clone();
        let applications = Applications { rotator, aws: aws.clone(), answers: Arc::clone(&answers), record_interval };
        groups.extend(applications.check(apps).await);
        let machine = machine::findings(&config, &aws, &answers).await;
        groups.insert(
            0,
            Group { about: "machine", name: None, title: "this machine".into(), findings: machine, problem: None },
        );
        Ok(Self { host, groups })
    }

    /// Whether anything is blocking or doubtful.
    pub(super) fn stops(&self) -> bool {
        self.first_stop().is_some()
    }

    /// The first thing that is blocking, or else doubtful.
    pub(super) fn first_stop(&self) -> Option<&Finding> {
        let first = |severity| self.stopping().find(|finding| finding.severity == severity);
        first(Severity::Blocking).or_else(|| first(Severity::Doubtful))
    }

    /// Why Amazon does not accept the secret of an application, the first one.
    pub(super) fn problem(&self) -> Option<&Problem> {
        self.groups.iter().find_map(|group| group.problem.as_ref())
    }

    /// What is blocking or doubtful.
    pub(super) fn stopping(&self) -> impl Iterator<Item = &Finding> {
        self.groups.iter().flat_map(|group| &group.findings).filter(|finding| finding.stops())
    }

    pub(super) fn show(&self, output: &Output) -> std::io::Result<()> {
        show(&self.groups, output)
    }
}

impl Applications {
    /// Several at the same time, in the order of the configuration.
    async fn check(self, apps: Vec<App>) -> Vec<Group> {
        let this = Arc::new(self);
        let check = |app: App| {
            let this = Arc::clone(&this);
            async move {
                let (findings, problem) = this.findings(&app).await;
                let title = format!("application {} ({})", app.name, app.client_id);
                Group { about: "app", name: Some(app.name), title, findings, problem }
            }
        };
        in_order(apps, check).await
    }
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
    let [blocking, doubtful, warnings, not_checked] =
        [Severity::Blocking, Severity::Doubtful, Severity::Warning, Severity::NotChecked]
            .map(|severity| count(groups, severity));
    output.result(&format!(
        "{}: {blocking} blocking, {doubtful} doubtful, {warnings} warnings, {not_checked} not checked",
        match (blocking, doubtful, warnings) {
            (0, 0, 0) => "nothing was found that is in the way of a rotation",
            (0, 0, _) => "nothing blocks a rotation",
            (0, _, _) => "a rotation might bring no new secret, or lose it",
            _ => "a rotation would bring no new secret, or lose it",
        }
    ))
}

fn words(severity: Severity) -> &'static str {
    match severity {
        Severity::Fine => "fine",
        Severity::NotChecked => "not checked",
        Severity::Warning => "warning",
        Severity::Doubtful => "doubtful",
        Severity::Blocking => "blocking",
    }
}

fn tone(severity: Severity) -> Tone {
    match severity {
        Severity::Fine => Tone::Good,
        Severity::NotChecked => Tone::Unknown,
        Severity::Warning | Severity::Doubtful => Tone::Doubtful,
        Severity::Blocking => Tone::Bad,
    }
}

fn document(groups: &[Group]) -> Value {
    json!({
        "blocking": count(groups, Severity::Blocking),
        "doubtful": count(groups, Severity::Doubtful),
        "warnings": count(groups, Severity::Warning),
        "not_checked": count(groups, Severity::NotChecked),
        "findings": findings_json(groups),
    })
}

/// All findings in their order, for programs.
pub(super) fn findings_json(groups: &[Group]) -> Vec<Value> {
    let of_group = |group| move |finding| finding_json(group, finding);
    groups.iter().flat_map(|group| group.findings.iter().map(of_group(group))).collect()
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
