//! The variables of the environment, by one rule for all of them: a variable that is empty is not set, and white space at
//! either end does not belong to its value. A value that cannot work is a [`Mistake`] that names the variable.
//!
//! `docs/environment.md` lists every variable, file and address, with what a wrong value gets.

use std::{
    collections::BTreeMap,
    env, fmt,
    io::ErrorKind,
    path::{Path, PathBuf},
};

use crate::regular;

/// A value of the environment that cannot work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    /// The variable, or the file, that holds the value.
    pub setting: String,
    /// What is wrong with it, and what to do; it names the setting. No secret.
    pub text: String,
}

impl Mistake {
    pub(crate) fn new(setting: impl Into<String>, text: impl Into<String>) -> Self {
        Self { setting: setting.into(), text: text.into() }
    }
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl std::error::Error for Mistake {}

/// Variables whose names begin with one of these, or are one of them, are read by this library or by one that it uses.
const PREFIXES: [&str; 3] = ["AWS_", "VAULT_", "KUBERNETES_SERVICE_"];
const NAMES: [&str; 11] = [
    "SECRET_ACCESS_KEY",
    "HTTPS_PROXY",
    "https_proxy",
    "ALL_PROXY",
    "all_proxy",
    "NO_PROXY",
    "no_proxy",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "KUBECONFIG",
    "HOME",
];

fn is_read(name: &str) -> bool {
    NAMES.contains(&name) || PREFIXES.iter().any(|prefix| name.starts_with(prefix))
}

/// Makes the environment of this process follow the rule of this module, so that libraries which read it themselves see what
/// this one sees: variables that are empty are removed, and white space at the ends of the others goes. It is about the
/// variables of `docs/environment.md` alone.
///
/// # Safety
///
/// No other thread may run yet: see [`std::env::set_var`].
pub unsafe fn normalize() {
    for (name, value) in env::vars_os() {
        let (Some(known), Some(value)) = (name.to_str().filter(|name| is_read(name)), value.to_str()) else { continue };
        let trimmed = value.trim();
        if trimmed.is_empty() {
            // SAFETY: the caller has promised that this is the only thread.
            unsafe { env::remove_var(known) };
        } else if trimmed.len() != value.len() {
            // SAFETY: as above.
            unsafe { env::set_var(known, trimmed) };
        }
    }
}

/// The variables as they were at one moment.
#[derive(Clone, Default)]
pub(crate) struct Environment {
    variables: BTreeMap<String, String>,
    unreadable: Vec<String>,
}

impl Environment {
    /// Those of this process.
    pub(crate) fn of_process() -> Self {
        let mut environment = Self::default();
        for (name, value) in env::vars_os() {
            let Some(name) = name.to_str().filter(|name| is_read(name)) else { continue };
            match value.to_str() {
                Some(value) => environment.set(name, value),
                None => environment.unreadable.push(name.to_owned()),
            }
        }
        environment
    }

    #[cfg(test)]
    pub(crate) fn of(variables: &[(&str, &str)]) -> Self {
        let mut environment = Self::default();
        variables.iter().for_each(|(name, value)| environment.set(name, value));
        environment
    }

    fn set(&mut self, name: &str, value: &str) {
        let value = value.trim();
        if !value.is_empty() {
            self.variables.insert(name.to_owned(), value.to_owned());
        }
    }

    /// The value, if there is one.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.variables.get(name).map(String::as_str)
    }

    /// The first of these that is set, with its name.
    pub(crate) fn first<'n>(&self, names: &[&'n str]) -> Option<(&'n str, &str)> {
        names.iter().find_map(|name| Some((*name, self.get(name)?)))
    }

    /// Those whose names begin so.
    pub(crate) fn beginning_with(&self, prefix: &str) -> impl Iterator<Item = (&str, &str)> {
        let set = self.variables.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        set.filter(move |(name, _)| name.starts_with(prefix))
    }

    /// Variables whose values are not text.
    pub(crate) fn unreadable(&self, is_asked: impl Fn(&str) -> bool) -> impl Iterator<Item = Mistake> {
        let asked = self.unreadable.iter().filter(move |name| is_asked(name));
        asked.map(|name| Mistake::new(name, format!("the value of {name} is not valid UTF-8; set it again")))
    }

    /// The home folder, where it can be used.
    pub(crate) fn home(&self) -> Option<PathBuf> {
        self.get("HOME").map(PathBuf::from).or_else(env::home_dir).filter(|home| home.is_absolute())
    }

    /// A path that may begin with `~/`.
    pub(crate) fn path(&self, path: &str) -> PathBuf {
        match (path.strip_prefix("~/"), self.home()) {
            (Some(rest), Some(home)) => home.join(rest),
            _ => PathBuf::from(path),
        }
    }
}

/// Without the values, some of which are secrets.
impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.variables.keys()).finish()
    }
}

/// No file of settings, tokens or certificates is nearly as long.
const LONGEST: u64 = 16 << 20;

/// Reads a file whole that is a regular file, a link to one, or `/dev/null`; `None` where there is none. Blocks.
pub(crate) fn read_file(path: &Path) -> Result<Option<Vec<u8>>, String> {
    if path == Path::new("/dev/null") {
        return Ok(Some(Vec::new()));
    }
    match regular::read(path, LONGEST) {
        Ok((content, _)) => Ok(Some(content.into_bytes())),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error.to_string()),
    }
}

/// Why a value cannot be one of those that have visible ASCII characters and nothing else: keys, tokens. Never shows it.
pub(crate) fn visible_ascii(value: &str) -> Result<(), &'static str> {
    if value.len() > 1 && value.starts_with(['"', '\'']) && value.ends_with(['"', '\'']) {
        return Err("is in quotes, which belong to the value here; leave them out");
    }
    if value.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Ok(());
    }
    Err("holds white space, a line end or other characters that no such value has; set it again")
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn an_empty_variable_is_not_set_and_white_space_at_the_ends_is_no_part_of_a_value() {
        let environment = Environment::of(&[("AWS_PROFILE", " \n"), ("AWS_REGION", "\teu-west-1\n")]);
        assert_eq!(environment.get("AWS_PROFILE"), None);
        assert_eq!(environment.get("AWS_REGION"), Some("eu-west-1"));
        assert_eq!(environment.first(&["AWS_PROFILE", "AWS_REGION"]), Some(("AWS_REGION", "eu-west-1")));
    }

    #[test]
    fn only_what_ends_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a");
        assert_eq!(read_file(&file), Ok(None));
        fs::write(&file, "x").unwrap();
        assert_eq!(read_file(&file), Ok(Some(b"x".to_vec())));
        assert!(read_file(folder.path()).is_err_and(|why| why.contains("it is a folder")));
        let made = std::process::Command::new("mkfifo").arg(folder.path().join("pipe")).status().unwrap();
        assert!(made.success());
        assert!(read_file(&folder.path().join("pipe")).is_err_and(|why| why.contains("not a regular file")));
        assert_eq!(read_file(Path::new("/dev/null")), Ok(Some(Vec::new())));
    }

    #[test]
    fn values_are_not_shown() {
        assert!(!format!("{:?}", Environment::of(&[("AWS_SECRET_ACCESS_KEY", "hidden")])).contains("hidden"));
        for value in ["a b", "a\nb", "\"a\"", "é"] {
            assert!(visible_ascii(value).is_err_and(|why| !why.contains(value)), "{value}");
        }
        assert_eq!(visible_ascii("AKIA/+="), Ok(()));
    }
}
