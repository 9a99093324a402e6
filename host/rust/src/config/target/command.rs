//! Commands: as targets, and after any target.

use std::path::Path;
use std::time::Duration;

use super::TargetKind;
use crate::config::duration::Bounds;
use crate::config::mistake::Report;
use crate::config::path::path;
use crate::config::section::{Section, Setting};

const TIMEOUT: Bounds = Bounds {
    default: "30s",
    // A host that writes for two minutes is taken for dead.
    range: "1s"..="100s",
    reason: "a command that takes longer is stopped and tried again later",
};

/// How long a command may take that another one follows: both stay within the time of one write.
const BEFORE_THEN: Duration = Duration::from_secs(60);

/// A command that takes the credential.
pub(super) fn exec(section: &mut Section<'_>, folder: &Path, report: &mut Report) -> Option<(String, TargetKind)> {
    let timeout = section.duration("timeout", &TIMEOUT, report);
    let hint = "write the program and its arguments as a list, such as [\"/usr/local/bin/take-secret\", \"shop\"]";
    if !section.holds("command") {
        section.missing("command", Some(hint), report);
    }
    let mut command = command(section, "command", hint, folder, report)?;
    let program = command.first()?.clone();
    beside(folder, &mut command);
    Some((format!("exec:{program}"), TargetKind::Exec { command, timeout }))
}

/// What runs after a target of this kind.
pub(super) fn then(
    section: &mut Section<'_>,
    kind: Option<&TargetKind>,
    folder: &Path,
    report: &mut Report,
) -> Option<Vec<String>> {
    let hint = "write the program and its arguments as a list, such as [\"systemctl\", \"reload\", \"shop\"]";
    let mut command = command(section, "then", hint, folder, report)?;
    if let Some(TargetKind::Exec { timeout, .. }) = kind
        && *timeout > BEFORE_THEN
    {
        let hint = "both together must be done in less than 100 s: set a `timeout` of 60s or less";
        report.add(section.key("then"), "the command takes too long for another one to follow it", Some(hint));
        return None;
    }
    beside(folder, &mut command);
    Some(command)
}

/// A bare name is looked up in PATH; anything with a folder in it starts where the configuration lies.
fn beside(folder: &Path, command: &mut [String]) {
    if let Some(program) = command.first_mut().filter(|program| program.contains('/')) {
        *program = folder.join(&*program).display().to_string();
    }
}

fn command(
    section: &mut Section<'_>,
    key: &'static str,
    hint: &str,
    folder: &Path,
    report: &mut Report,
) -> Option<Vec<String>> {
    let setting = section.value(key)?;
    let words: Option<Vec<String>> = setting
        .value
        .as_array()
        .and_then(|list| list.iter().map(|word| word.get_ref().as_str().map(str::to_owned)).collect());
    match words {
        Some(words) if words.first().is_some_and(|program| !program.is_empty()) => {
            let program = Setting { value: words.first()?.as_str(), at: setting.at };
            path(&program, folder, report)?;
            Some(words)
        }
        Some(_) => {
            report.add(Some(setting.at), format!("`{key}` names no program"), Some(hint));
            None
        }
        None => {
            report.add(Some(setting.at), format!("`{key}` must be a list of texts"), Some(hint));
            None
        }
    }
}
