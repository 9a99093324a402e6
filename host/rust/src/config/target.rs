//! The publish targets of an application.

mod aws;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::duration::Bounds;
use super::mistake::Report;
use super::section::{Section, Setting};
use super::{Format, Names};
use crate::publish::ParameterForm;

/// A publish target.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Target {
    /// Its name, unique within the application.
    pub name: String,
    /// What it is.
    pub kind: TargetKind,
}

/// What a publish target is.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum TargetKind {
    /// A file that is replaced as a whole.
    File {
        /// The file.
        path: PathBuf,
        /// The form.
        format: Format,
        /// The names in it.
        names: Names,
    },
    /// A program that gets the credential as JSON on its stdin.
    Exec {
        /// The program and its arguments.
        command: Vec<String>,
        /// How long it may take.
        timeout: Duration,
    },
    /// A secret of AWS Secrets Manager.
    SecretsManager {
        /// Its name or ARN.
        secret: String,
        /// Its region, where that is not the one of the AWS settings.
        region: Option<String>,
        /// The names in it.
        names: Names,
    },
    /// A parameter of AWS Systems Manager Parameter Store.
    Ssm {
        /// Its name.
        parameter: String,
        /// Its region, where that is not the one of the AWS settings.
        region: Option<String>,
        /// What it holds.
        form: ParameterForm,
        /// The key that it is encrypted with.
        kms_key: Option<String>,
    },
}

const TIMEOUT: Bounds = Bounds {
    default: "30s",
    // A host that writes for two minutes is taken for dead.
    range: "1s"..="100s",
    reason: "a command that takes longer is stopped and tried again later",
};

/// The places that targets write, of all applications.
#[derive(Default)]
pub(super) struct Places(BTreeMap<Place, Vec<Written>>);

/// A place that several targets might write.
#[derive(Eq, Ord, PartialEq, PartialOrd)]
enum Place {
    File(PathBuf),
    Secret { region: Option<String>, secret: String },
    Parameter { region: Option<String>, parameter: String },
}

/// How a target writes it, and where that is said.
struct Written {
    app: String,
    line: usize,
    /// The form and the names in it; `None` for a place that only one target may have.
    names: Option<(Format, Names)>,
}

impl Written {
    /// Whether both can be kept in one place: they must not overwrite each other.
    fn goes_with(&self, other: &Self) -> bool {
        let all = |names: &Names| [names.client_id.clone(), names.client_secret.clone(), names.expires_at.clone()];
        match (&self.names, &other.names) {
            (Some((format, ours)), Some((other_format, others))) => {
                format == other_format && all(ours).iter().all(|name| !all(others).contains(name))
            }
            _ => false,
        }
    }
}

impl Places {
    /// Takes a place for a target, unless one that has it would be overwritten.
    fn take(&mut self, place: Place, shown: &Setting<&str>, new: Written, report: &mut Report) -> Option<()> {
        let hint = match place {
            Place::File(_) => "give one of them another `path`, or the same `format` and other `names`",
            Place::Secret { .. } => "give one of them another `secret`, or other `names`",
            Place::Parameter { .. } => {
                "give one of them another `parameter`: Parameter Store cannot tell when two write at the same moment"
            }
        };
        let written = self.0.entry(place).or_default();
        if let Some(other) = written.iter().find(|other| !other.goes_with(&new)) {
            let text = format!(
                "`{}` and `{}` (line {}) would overwrite each other in {}",
                new.app, other.app, other.line, shown.value
            );
            report.add(Some(shown.at.clone()), text, Some(hint));
            return None;
        }
        written.push(new);
        Some(())
    }
}

/// Reads the `publish` list of the application of that name.
pub(super) fn targets(
    app: &str,
    section: &mut Section<'_>,
    folder: &Path,
    places: &mut Places,
    report: &mut Report,
) -> Vec<Target> {
    let mut names = BTreeMap::new();
    let mut targets = Vec::new();
    for mut section in section.list("publish", report) {
        let name = section.text("name", report);
        let kind = kind(app, &mut section, folder, places, report);
        let at = name.as_ref().map(|name| name.at.clone()).or_else(|| section.at());
        section.finish(report);
        let Some((default, kind)) = kind else { continue };
        let name = name.map_or(default, |name| name.value.to_owned());
        let line = at.as_ref().map_or(0, |at| report.line(at));
        if let Some(other) = names.insert(name.clone(), line) {
            let text = format!(
                "two publish targets of `{app}` have the name \"{}\", the other in line {other}",
                name.escape_debug()
            );
            report.add(at, text, Some("give one of them another `name`"));
            continue;
        }
        targets.push(Target { name, kind });
    }
    targets
}

/// What a target is, with the name it has if it is given none.
fn kind(
    app: &str,
    section: &mut Section<'_>,
    folder: &Path,
    places: &mut Places,
    report: &mut Report,
) -> Option<(String, TargetKind)> {
    #[derive(Clone)]
    enum Kind {
        File,
        Exec,
        SecretsManager,
        Ssm,
    }
    const KINDS: [(&str, Kind); 4] =
        [("file", Kind::File), ("exec", Kind::Exec), ("secretsmanager", Kind::SecretsManager), ("ssm", Kind::Ssm)];
    if !section.holds("kind") {
        let kinds: Vec<String> = KINDS.iter().map(|(name, _)| format!("\"{name}\"")).collect();
        section.missing("kind", Some(&format!("write kind = and one of {}", kinds.join(", "))), report);
    }
    match section.choice("kind", &KINDS, report) {
        Some(Kind::File) => file(app, section, folder, places, report),
        Some(Kind::Exec) => exec(section, folder, report),
        Some(Kind::SecretsManager) => aws::secret(app, section, places, report),
        Some(Kind::Ssm) => aws::parameter(app, section, places, report),
        None => {
            // Without a kind nobody can tell which keys belong here.
            section.ignore_the_rest();
            None
        }
    }
}

fn file(
    app: &str,
    section: &mut Section<'_>,
    folder: &Path,
    places: &mut Places,
    report: &mut Report,
) -> Option<(String, TargetKind)> {
    let path = section.required_text("path", report);
    if !section.holds("format") {
        section.missing("format", Some("write format = \"env\" or format = \"json\""), report);
    }
    let format = section.choice("format", &[("env", Format::Env), ("json", Format::Json)], report);
    let names = names(section, format.unwrap_or(Format::Json), report);
    let (path, format, names) = (path?, format?, names?);
    let file = folder.join(path.value);
    let line = report.line(&path.at);
    let new = Written { app: app.to_owned(), line, names: Some((format, names.clone())) };
    places.take(Place::File(file.clone()), &path, new, report)?;
    Some((format!("file:{}", path.value), TargetKind::File { path: file, format, names }))
}

fn names(section: &mut Section<'_>, format: Format, report: &mut Report) -> Option<Names> {
    let default = Names::of(format);
    let Some(mut section) = section.section("names", report) else {
        return Some(default);
    };
    let mut all_right = true;
    let mut name = |key, default| {
        let Some(text) = section.text(key, report) else { return default };
        if format == Format::Env && !is_variable(text.value) {
            let hint = "use letters, digits and `_`, with a letter or `_` first";
            report.add(
                Some(text.at),
                format!("\"{}\" is not the name of an environment variable", text.value.escape_debug()),
                Some(hint),
            );
            all_right = false;
        }
        text.value.to_owned()
    };
    let names = Names {
        client_id: name("client-id", default.client_id),
        client_secret: name("client-secret", default.client_secret),
        expires_at: name("expires-at", default.expires_at),
    };
    if names.client_id == names.client_secret
        || names.client_id == names.expires_at
        || names.client_secret == names.expires_at
    {
        report.add(section.at(), "two of the `names` are the same", None);
        all_right = false;
    }
    section.finish(report);
    all_right.then_some(names)
}

fn exec(section: &mut Section<'_>, folder: &Path, report: &mut Report) -> Option<(String, TargetKind)> {
    let timeout = section.duration("timeout", &TIMEOUT, report);
    let mut command = command(section, report)?;
    let program = command.first()?.clone();
    // A bare name is looked up in PATH; anything with a folder in it starts where the configuration lies.
    if program.contains('/') {
        command[0] = folder.join(&program).display().to_string();
    }
    Some((format!("exec:{program}"), TargetKind::Exec { command, timeout }))
}

fn command(section: &mut Section<'_>, report: &mut Report) -> Option<Vec<String>> {
    let hint = "write the program and its arguments as a list, such as [\"/usr/local/bin/take-secret\", \"shop\"]";
    let Some(setting) = section.value("command") else {
        section.missing("command", Some(hint), report);
        return None;
    };
    let words: Option<Vec<String>> = setting
        .value
        .as_array()
        .and_then(|list| list.iter().map(|word| word.get_ref().as_str().map(str::to_owned)).collect());
    match words {
        Some(words) if words.first().is_some_and(|program| !program.is_empty()) => Some(words),
        Some(_) => {
            report.add(Some(setting.at), "`command` names no program", Some(hint));
            None
        }
        None => {
            report.add(Some(setting.at), "`command` must be a list of texts", Some(hint));
            None
        }
    }
}

fn is_variable(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}
