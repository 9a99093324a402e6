//! Paths: of files and folders, as the configuration gives them.

use std::env;
use std::path::{Path, PathBuf};

use super::mistake::Report;
use super::section::Setting;

/// The path, from the folder of the configuration if it is not absolute; `None`, with a mistake reported, for what a shell
/// would have to expand.
pub(super) fn path(setting: &Setting<&str>, folder: &Path, report: &mut Report) -> Option<PathBuf> {
    match expanded(setting.value, |name| env::var_os(name).map(PathBuf::from)) {
        None => Some(folder.join(setting.value)),
        Some(whole) => {
            let hint = format!("write the whole path: {}", whole.display());
            let text = format!("nothing expands \"{}\" here, as a shell would", setting.value.escape_debug());
            report.add(Some(setting.at.clone()), text, Some(&hint));
            None
        }
    }
}

/// What a shell would make of a path that begins with `~/`, `$NAME` or `${NAME}`.
fn expanded(path: &str, variable: impl Fn(&str) -> Option<PathBuf>) -> Option<PathBuf> {
    let (name, rest) = if path == "~" || path.starts_with("~/") {
        ("HOME", &path[1..])
    } else if let Some(braced) = path.strip_prefix("${") {
        braced.split_once('}')?
    } else {
        let named = path.strip_prefix('$')?;
        named.split_at(named.find('/').unwrap_or(named.len()))
    };
    let start = variable(name).filter(|start| start.is_absolute()).unwrap_or_else(|| PathBuf::from("/home/YOU"));
    Some(start.join(rest.trim_start_matches('/')))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn what_a_shell_would_expand_is_told_as_a_whole_path() {
        let variable = |name: &str| (name == "HOME").then(|| PathBuf::from("/home/shop"));
        for (path, whole) in [
            ("~/state", Some("/home/shop/state")),
            ("~", Some("/home/shop/")),
            ("$HOME/x/y", Some("/home/shop/x/y")),
            ("${HOME}/x", Some("/home/shop/x")),
            ("$STATE_DIRECTORY/x", Some("/home/YOU/x")),
            ("state", None),
            ("/a/$b", None),
            ("a~b", None),
            ("~shop", None),
        ] {
            assert_eq!(expanded(path, variable), whole.map(PathBuf::from), "{path}");
        }
    }
}
