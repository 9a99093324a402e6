//! The configuration file: which applications there are, where their secrets are kept, and where they are published.
//!
//! [`Config::read`] takes a TOML file and answers either a configuration in which nothing is left to doubt (defaults filled
//! in, paths absolute or relative to where the file lies, endpoints checked) or every mistake in it, each with its line. It
//! holds no secret: client secrets are never read from it. Every key is described in `docs/configuration.md`.

mod application;
mod duration;
mod endpoint;
mod mistake;
mod section;
mod store;
mod target;

use std::collections::BTreeMap;
use std::env;
use std::path::{Path, PathBuf};
use std::time::Duration;

use toml::de::DeTable;

use self::application::applications;
pub use self::duration::{BadDuration, parse_duration};
use self::endpoint::{Purpose, endpoint};
use self::mistake::Report;
pub use self::mistake::{Mistake, Mistakes};
use self::section::Section;
pub use self::store::Store;
use self::store::store;
pub use self::target::{Target, TargetKind};
pub use crate::publish::file::{Format, Names};

/// The name of the configuration file in the current folder.
pub const FILE_NAME: &str = "lwa-rotate.toml";

/// A configuration without mistakes.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Config {
    /// The file that it was read from.
    pub path: PathBuf,
    /// Where the records are kept.
    pub store: Store,
    /// The queues by name.
    pub queues: BTreeMap<String, Queue>,
    /// The applications in the order of the file.
    pub apps: Vec<App>,
    /// Who calls.
    pub user_agent: UserAgent,
}

/// An Amazon SQS queue.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Queue {
    /// Its URL, as SQS gives it.
    pub url: String,
}

/// Who calls, for the header `User-Agent`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct UserAgent {
    /// The application.
    pub application: String,
    /// Its version.
    pub version: String,
}

/// One application.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct App {
    /// Its name in this file.
    pub name: String,
    /// Its client id.
    pub client_id: String,
    /// SP-API's endpoint, without a path.
    pub api_endpoint: String,
    /// LWA's token endpoint.
    pub token_endpoint: String,
    /// The name of its queue.
    pub queue: String,
    /// How long before its expiry time a secret is rotated.
    pub rotate_before: Duration,
    /// How long the message is awaited after a rotate call.
    pub patience: Duration,
    /// Where its credential is published.
    pub publish: Vec<Target>,
}

impl Config {
    /// Reads a configuration file.
    pub fn read(path: &Path) -> Result<Self, Mistakes> {
        match std::fs::read_to_string(path) {
            Ok(text) => Self::parse(path, &text),
            Err(error) => Err(Mistakes::unreadable(path, &error)),
        }
    }

    /// Parses the text of a configuration file; relative paths in it start at the folder of `path`.
    pub fn parse(path: &Path, text: &str) -> Result<Self, Mistakes> {
        let folder = path.parent().unwrap_or(Path::new(""));
        let mut report = Report::new(text);
        let (table, errors) = DeTable::parse_recoverable(text);
        if !errors.is_empty() {
            let mut told = None;
            for error in errors {
                // What follows in the same line is mostly about the same.
                let line = error.span().map(|at| report.line(&at));
                if line.is_some() && line == told {
                    continue;
                }
                told = line;
                // The error's own `Display` would quote the line, and with it whatever somebody put there by mistake.
                report.add(error.span(), error.message(), None);
            }
            return Err(report.mistakes(path));
        }

        let mut root = Section::root(table.get_ref());
        let user_agent = user_agent(&mut root, &mut report);
        let store = store(&mut root, folder, &mut report);
        let queues = queues(&mut root, &mut report);
        let apps = applications(&mut root, folder, &queues, &mut report);
        root.finish(&mut report);

        match store {
            Some(store) if report.is_empty() => Ok(Self {
                path: path.to_owned(),
                store,
                queues: queues.into_iter().filter_map(|(name, queue)| Some((name, queue?))).collect(),
                apps,
                user_agent,
            }),
            _ => Err(report.mistakes(path)),
        }
    }

    /// The places where a configuration is looked for when none is named, in their order.
    pub fn places() -> Vec<PathBuf> {
        let absolute = |name| env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
        let folder = absolute("XDG_CONFIG_HOME").or_else(|| absolute("HOME").map(|home| home.join(".config")));
        let mut places = vec![PathBuf::from(FILE_NAME)];
        places.extend(folder.map(|folder| folder.join("lwa-rotate").join("config.toml")));
        places
    }

    /// The application of this name.
    pub fn app(&self, name: &str) -> Option<&App> {
        self.apps.iter().find(|app| app.name == name)
    }
}

impl Default for UserAgent {
    fn default() -> Self {
        Self { application: env!("CARGO_PKG_NAME").to_owned(), version: env!("CARGO_PKG_VERSION").to_owned() }
    }
}

fn user_agent(root: &mut Section<'_>, report: &mut Report) -> UserAgent {
    let default = UserAgent::default();
    let Some(mut section) = root.section("user-agent", report) else {
        return default;
    };
    let user_agent = UserAgent {
        application: section.text("application", report).map_or(default.application, |text| text.value.to_owned()),
        version: section.text("version", report).map_or(default.version, |text| text.value.to_owned()),
    };
    section.finish(report);
    user_agent
}

/// The queues by name; `None` for one with a mistake in it, so that an application may still name it.
fn queues(root: &mut Section<'_>, report: &mut Report) -> BTreeMap<String, Option<Queue>> {
    let mut queues = BTreeMap::new();
    let Some(mut all) = root.section("queues", report) else {
        return queues;
    };
    for (name, mut section) in all.sections(report) {
        let url = section.required_text("url", report);
        let url = url.and_then(|url| endpoint(&url, Purpose::Queue, report));
        section.finish(report);
        queues.insert(name.value.to_owned(), url.map(|url| Queue { url }));
    }
    queues
}

#[cfg(test)]
mod tests;
