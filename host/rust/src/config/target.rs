//! The publish targets of an application.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::duration::Bounds;
use super::mistake::Report;
use super::section::Section;
use super::{Format, Names};

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
}

const TIMEOUT: Bounds = Bounds {
    default: "30s",
    // A host that writes for two minutes is taken for dead.
    range: "1s"..="100s",
    reason: "a command that takes longer is stopped and tried again later",
};

/// The files that targets write, of all applications.
#[derive(Default)]
pub(super) struct Files(BTreeMap<PathBuf, Vec<Written>>);

/// A file that a target writes, and how.
struct Written {
    app: String,
    line: usize,
    format: Format,
    names: Names,
}

impl Written {
    /// Whether both can be kept in one file: they must not overwrite each other.
    fn goes_with(&self, format: Format, names: &Names) -> bool {
        let all = |names: &Names| [names.client_id.clone(), names.client_secret.clone(), names.expires_at.clone()];
        self.format == format && all(&self.names).iter().all(|name| !all(names).contains(name))
    }
}

/// Reads the `publish` list of the application of that name.
pub(super) fn targets(
    app: &str,
    section: &mut Section<'_>,
    folder: &Path,
    files: &mut Files,
    report: &mut Report,
) -> Vec<Target> {
    let mut names = BTreeMap::new();
    let mut targets = Vec::new();
    for mut section in section.list("publish", report) {
        let name = section.text("name", report);
        let kind = kind(app, &mut section, folder, files, report);
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
    files: &mut Files,
    report: &mut Report,
) -> Option<(String, TargetKind)> {
    #[derive(Clone)]
    enum Kind {
        File,
        Exec,
    }
    if !section.holds("kind") {
        section.missing("kind", Some("write kind = \"file\" or kind = \"exec\""), report);
    }
    match section.choice("kind", &[("file", Kind::File), ("exec", Kind::Exec)], report) {
        Some(Kind::File) => file(app, section, folder, files, report),
        Some(Kind::Exec) => exec(section, folder, report),
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
    files: &mut Files,
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
    let written = files.0.entry(file.clone()).or_default();
    if let Some(other) = written.iter().find(|other| !other.goes_with(format, &names)) {
        let text =
            format!("`{app}` and `{}` (line {}) would overwrite each other in {}", other.app, other.line, path.value);
        report.add(
            Some(path.at),
            text,
            Some("give one of them another `path`, or the same `format` and other `names`"),
        );
        return None;
    }
    written.push(Written { app: app.to_owned(), line, format, names: names.clone() });
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
