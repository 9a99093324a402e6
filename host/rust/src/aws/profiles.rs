//! The files of AWS settings and credentials, and the profile that is meant.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use aws_config::profile::ProfileSet;
use aws_runtime::env_config::file::{EnvConfigFileKind, EnvConfigFiles};
use aws_types::os_shim_internal::{Env, Fs};

use super::variables;
use crate::environment::{Environment, Mistake, read_file, visible_ascii};

const PROFILE: &str = "AWS_PROFILE";

/// The files as they were when they were read.
#[derive(Clone, Debug)]
pub(super) struct Profiles {
    pub(super) set: ProfileSet,
    /// The files for the SDK.
    pub(super) files: EnvConfigFiles,
    /// The name of the profile that is meant.
    pub(super) name: String,
    /// Both files, whether they are there or not.
    pub(super) paths: [PathBuf; 2],
    pub(super) seen: Seen,
}

/// What a file's change changes.
pub(super) type Seen = [Option<(SystemTime, u64, u64)>; 2];

/// One of the two files.
struct File {
    kind: EnvConfigFileKind,
    path: PathBuf,
    /// The variable that names it.
    named_by: Option<&'static str>,
}

fn files(environment: &Environment) -> [File; 2] {
    [
        (EnvConfigFileKind::Config, "AWS_CONFIG_FILE", "~/.aws/config"),
        (EnvConfigFileKind::Credentials, "AWS_SHARED_CREDENTIALS_FILE", "~/.aws/credentials"),
    ]
    .map(|(kind, variable, default)| match environment.get(variable) {
        Some(path) => File { kind, path: environment.path(path), named_by: Some(variable) },
        None => File { kind, path: environment.path(default), named_by: None },
    })
}

impl Profiles {
    /// None at all.
    pub(super) fn none() -> Self {
        let files = EnvConfigFiles::builder().with_contents(EnvConfigFileKind::Config, "").build();
        let (name, paths) = ("default".to_owned(), [PathBuf::new(), PathBuf::new()]);
        Self { set: ProfileSet::default(), files, name, paths, seen: [None, None] }
    }

    /// Reads the files. One that is not there is empty, as for every AWS tool; one that cannot be read, or not understood, is
    /// a mistake, and so is a profile that is named and not there.
    pub(super) async fn read(environment: &Environment) -> Result<Self, Mistake> {
        let files = files(environment);
        let paths = files.each_ref().map(|file| file.path.clone());
        let seen = seen(&paths);
        let checked = tokio::task::spawn_blocking(move || usable(&files)).await;
        let files = checked.map_err(|error| Mistake::new(PROFILE, error.to_string()))??;
        let name = environment.get(PROFILE).unwrap_or("default").to_owned();
        let loaded = aws_config::profile::load(&Fs::real(), &Env::real(), &files, Some(name.clone().into())).await;
        let set = loaded.map_err(|error| {
            let text = causes(&error);
            Mistake::new("~/.aws/config", format!("a file of AWS settings cannot be read: {text}; put that line right"))
        })?;
        let profiles = Self { set, files, name, paths, seen };
        if environment.get(PROFILE).is_some() && profiles.set.get_profile(&profiles.name).is_none() {
            return Err(profiles.no_profile(PROFILE, &profiles.name));
        }
        profiles.checked()
    }

    /// A value of the profile.
    pub(super) fn get(&self, key: &str) -> Option<&str> {
        self.set.get(key).map(str::trim).filter(|value| !value.is_empty())
    }

    /// The profile with its files, for people.
    pub(super) fn place(&self) -> String {
        format!("the profile '{}' in {}", self.name, self.both("and"))
    }

    fn both(&self, word: &str) -> String {
        format!("{} {word} {}", self.paths[0].display(), self.paths[1].display())
    }

    /// A profile that is named and not there.
    pub(super) fn no_profile(&self, named_by: &str, name: &str) -> Mistake {
        let mut others: Vec<&str> = self.set.profiles().collect();
        others.sort_unstable();
        let others = match others.as_slice() {
            [] => "they hold none".to_owned(),
            others => format!("they hold {}", others.join(", ")),
        };
        Mistake::new(
            named_by,
            format!(
                "{named_by} is '{name}', and there is no profile '{name}' in {}; {others}: name one of them, or make it with `aws configure --profile {name}` or `aws configure sso --profile {name}`",
                self.both("or")
            ),
        )
    }

    /// The same, where nothing of the profile is sure to fail.
    fn checked(self) -> Result<Self, Mistake> {
        let key = |key: &str| format!("{key} of {}", self.place());
        if let Some(value) = self.get("region") {
            variables::region(&key("region"), value)?;
        }
        for name in ["use_fips_endpoint", "use_dualstack_endpoint"] {
            if let Some(value) = self.get(name) {
                variables::boolean(&key(name), value)?;
            }
        }
        if let Some(value) = self.get("endpoint_url") {
            variables::endpoint(&key("endpoint_url"), value)?;
        }
        let (mut at, mut left) = (self.name.clone(), 10);
        // Profiles that lead to each other are for the SDK to tell.
        while let Some(profile) = self.set.get_profile(&at).filter(|_| left > 0) {
            for name in ["aws_access_key_id", "aws_secret_access_key", "aws_session_token"] {
                if let Some(value) = profile.get(name) {
                    let setting = format!("{name} of the profile '{at}' in {}", self.both("and"));
                    visible_ascii(value.trim()).map_err(|why| Mistake::new(&setting, format!("{setting} {why}")))?;
                }
            }
            let Some(source) = profile.get("source_profile").filter(|source| *source != at) else { break };
            if self.set.get_profile(source).is_none() {
                return Err(self.no_profile(&format!("source_profile of the profile '{at}'"), source));
            }
            at = source.to_owned();
            left -= 1;
        }
        Ok(self)
    }
}

/// How the files are at present.
pub(super) fn seen(paths: &[PathBuf; 2]) -> Seen {
    paths.each_ref().map(|path| {
        use std::os::unix::fs::MetadataExt;
        let metadata = std::fs::metadata(path).ok()?;
        Some((metadata.modified().ok()?, metadata.len(), metadata.ino()))
    })
}

/// Files that a variable names and that are not there: every AWS tool passes over them in silence.
pub(super) fn missing(environment: &Environment) -> Vec<Mistake> {
    let missing = files(environment).into_iter().filter(|file| !file.path.exists());
    let named = missing.filter_map(|file| Some((file.named_by?, file.path)));
    let mistake = |(name, path): (&str, PathBuf)| {
        Mistake::new(
            name,
            format!("{name} names {}, and there is no such file; put it right, or leave it out", path.display()),
        )
    };
    named.map(mistake).collect()
}

/// Those that are there and can be read. Blocks.
fn usable(files: &[File; 2]) -> Result<EnvConfigFiles, Mistake> {
    let mut builder = EnvConfigFiles::builder();
    // So that there is one at least.
    builder = builder.with_contents(EnvConfigFileKind::Config, "");
    for file in files {
        let (name, path) = (file.named_by.unwrap_or("HOME"), file.path.display());
        let wrong = |why: &str| {
            let named = file.named_by.map_or_else(String::new, |name| format!(", which {name} names,"));
            Mistake::new(
                name,
                format!(
                    "{path}{named} cannot be read for AWS settings: {why}; let the user that runs lwa-rotate read it, or name another in {}",
                    variable(file.kind)
                ),
            )
        };
        match read_file(&file.path) {
            Ok(Some(content)) if std::str::from_utf8(&content).is_err() => return Err(wrong("it is not UTF-8")),
            Ok(Some(_)) if file.path == Path::new("/dev/null") => {}
            Ok(Some(_)) => builder = builder.with_file(file.kind, &file.path),
            Ok(None) => {}
            Err(why) => return Err(wrong(&why)),
        }
    }
    Ok(builder.build())
}

fn variable(kind: EnvConfigFileKind) -> &'static str {
    match kind {
        EnvConfigFileKind::Config => "AWS_CONFIG_FILE",
        _ => "AWS_SHARED_CREDENTIALS_FILE",
    }
}

/// In one line.
fn causes(error: &dyn std::error::Error) -> String {
    let innermost = crate::http::connection::causes(error).pop().unwrap_or_default();
    innermost.split_whitespace().collect::<Vec<_>>().join(" ")
}
