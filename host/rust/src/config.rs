//! The configuration file: which applications there are, where their secrets are kept, and where they are published.
//!
//! [`Config::read`] takes a TOML file and answers either a configuration in which nothing is left to doubt (defaults filled
//! in, paths absolute or relative to where the file lies, endpoints checked) or every mistake in it, each with its line. It
//! holds no secret: client secrets are never read from it. Every key is described in `docs/configuration.md`.
//!
//! Applications may stand in a folder of further files. One of these with mistakes is left out and named in
//! [`Config::skipped`]: it must not stop the rotation of the others, nor of those that it had before ([`Config::read_again`]).

mod application;
mod apps;
mod duration;
mod endpoint;
mod folder;
mod mistake;
mod path;
mod section;
mod store;
mod taken;
mod target;
mod watch;

use std::collections::BTreeMap;
use std::env;
use std::path::{Path, PathBuf};
use std::time::Duration;

use toml::Spanned;
use toml::de::DeTable;

use self::application::applications;
pub use self::apps::Apps;
pub use self::duration::{BadDuration, parse_duration};
use self::endpoint::{Purpose, endpoint};
use self::folder::AppsFolder;
use self::mistake::Report;
pub use self::mistake::{Mistake, Mistakes};
use self::section::{Section, is_name};
pub use self::store::Store;
use self::store::store;
use self::taken::Taken;
pub use self::target::{Target, TargetKind};
pub use self::watch::Watch;
pub use crate::publish::file::{Format, Names};
use crate::regular;

/// The name of the configuration file in the current folder.
pub const FILE_NAME: &str = "lwa-rotate.toml";

/// More than a hundred thousand applications need.
const LONGEST: u64 = 256 << 20;

/// A configuration without mistakes.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Config {
    /// The file that it was read from.
    pub path: PathBuf,
    /// Where the records are kept.
    pub store: Store,
    /// The queues by name.
    pub queues: BTreeMap<String, Queue>,
    /// The applications: those of the file first, then those of the folder's files in the order of their names.
    pub apps: Apps,
    /// The files of the folder that are left out, because they have mistakes.
    pub skipped: Vec<Skipped>,
    /// How often `watch` reads what has nothing due.
    pub watch: Watch,
    /// Who calls.
    pub user_agent: UserAgent,
    /// The name of this machine in the places of targets, in place of its host name.
    pub machine: Option<String>,
}

/// A file of applications that is left out.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Skipped {
    /// The file, and what is wrong in it.
    pub mistakes: Mistakes,
    /// The names of its applications, as far as they can be told.
    pub apps: Vec<String>,
    /// The names of the applications that are in use as they were before: see [`Config::read_again`].
    pub kept: Vec<String>,
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
    /// When a rotation begins.
    pub rotate: Rotate,
    /// How long before its expiry time a secret is rotated.
    pub rotate_before: Duration,
    /// How long the message is awaited after a rotate call.
    pub patience: Duration,
    /// Where its credential is published.
    pub publish: Vec<Target>,
}

/// When a rotation begins.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Rotate {
    /// By itself when the current secret is near its end, and on request.
    #[default]
    Automatic,
    /// On request only.
    OnRequest,
}

/// A file by itself, with what is needed to go on with others.
struct Parsed {
    config: Config,
    folder: Option<AppsFolder>,
    queues: BTreeMap<String, Option<Queue>>,
    taken: Taken,
}

impl Config {
    /// Reads a configuration file, and the files of the folder that it names.
    pub fn read(path: &Path) -> Result<Self, Mistakes> {
        Self::read_after(path, None)
    }

    /// Reads a configuration file again, in place of the one in use. A file of the folder that has mistakes by now does not
    /// end the rotation of the applications that it had: these stay as they were, behind all others, and are named in
    /// [`Skipped::kept`]. Left out are those whose queue has gone, and those of which another application has the name, the
    /// client id or the place of a target by now.
    pub fn read_again(path: &Path, before: &Self) -> Result<Self, Mistakes> {
        Self::read_after(path, Some(before))
    }

    fn read_after(path: &Path, before: Option<&Self>) -> Result<Self, Mistakes> {
        let text = regular::read_text(path, LONGEST).map_err(|error| Mistakes::unreadable(path, &error))?;
        let Parsed { mut config, folder, queues, mut taken } = parse(path, &text)?;
        drop(text);
        if let Some(folder) = folder {
            for file in folder.files().map_err(|error| folder.unreadable(path, &error))? {
                config.skipped.extend(folder::file(&file, beside(path), &queues, &mut taken).err());
            }
        }
        // When all files are read: what is without mistakes comes first.
        if let Some(before) = before {
            for skipped in &mut config.skipped {
                let file = &skipped.mistakes.path;
                let apps = before.apps.of_file(file).iter().filter(|app| config.queues.contains_key(&app.queue));
                skipped.kept = taken.keep_as_before(file, apps);
            }
        }
        config.apps = taken.into_apps();
        Ok(config)
    }

    /// Parses the text of a configuration file by itself; relative paths in it start at the folder of `path`.
    pub fn parse(path: &Path, text: &str) -> Result<Self, Mistakes> {
        let parsed = parse(path, text)?;
        Ok(Self { apps: parsed.taken.into_apps(), ..parsed.config })
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

fn parse(path: &Path, text: &str) -> Result<Parsed, Mistakes> {
    let folder = beside(path);
    let mut report = Report::new(text);
    let Some(table) = table(text, &mut report) else {
        return Err(report.mistakes(path));
    };
    let mut root = Section::root(table.get_ref());
    let user_agent = user_agent(&mut root, &mut report);
    let machine = machine(&mut root, &mut report);
    let store = store(&mut root, folder, &mut report);
    let queues = queues(&mut root, &mut report);
    let watch = watch::watch(&mut root, store.as_ref(), &mut report);
    let apps_folder = root.text("apps-folder", &mut report);
    let apps_folder = apps_folder.and_then(|text| {
        let line = report.line(&text.at);
        Some(AppsFolder { path: path::path(&text, folder, &mut report)?, line })
    });
    if !root.holds("apps") && !root.holds("apps-folder") {
        report.add(
            None,
            "there is no application",
            Some("add a table such as [apps.shop] with client-id, region and queue"),
        );
    }
    let mut taken = Taken::new();
    taken.begin(path);
    let apps = applications(&mut root, folder, &queues, &mut taken, &mut Vec::new(), &mut report);
    root.finish(&mut report);

    let (Some(store), true) = (store, report.is_empty()) else {
        return Err(report.mistakes(path));
    };
    let config = Config {
        path: path.to_owned(),
        store,
        queues: queues.iter().filter_map(|(name, queue)| Some((name.clone(), queue.clone()?))).collect(),
        apps: Apps::default(),
        skipped: Vec::new(),
        watch,
        user_agent,
        machine,
    };
    taken.keep(apps);
    Ok(Parsed { config, folder: apps_folder, queues, taken })
}

/// The text as a table; `None` with the mistakes reported.
fn table<'t>(text: &'t str, report: &mut Report) -> Option<Spanned<DeTable<'t>>> {
    let (table, errors) = DeTable::parse_recoverable(text);
    if errors.is_empty() {
        return Some(table);
    }
    let mut told = None;
    for error in errors {
        // What follows in the same line is mostly about the same.
        let line = error.span().map(|at| report.line(&at));
        if line.is_some() && line == told {
            continue;
        }
        told = line;
        report.add_shown(error.span(), error.message(), text);
    }
    None
}

/// Where paths start that are not absolute.
fn beside(path: &Path) -> &Path {
    path.parent().unwrap_or(Path::new(""))
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

fn machine(root: &mut Section<'_>, report: &mut Report) -> Option<String> {
    let name = root.text("machine", report)?;
    if !is_name(name.value) {
        let text = format!("\"{}\" is not a name of a machine", name.value.escape_debug());
        report.add(Some(name.at), text, Some("use letters, digits, `-`, `_` and `.`, with a letter or digit first"));
        return None;
    }
    Some(name.value.to_owned())
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
