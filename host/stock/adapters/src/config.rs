//! The configuration: the program's own file `lwa-rotate.toml`, as far as it is about what this host has.

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use serde::{Deserialize, Deserializer, de::Error};

use crate::Adapters;
use crate::contract::exports::lwa::stock::configuration::{Application, Guest};
use crate::origin::Url;

/// The whole file. Paths in it start at its folder.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    pub store: Store,
    pub queues: BTreeMap<String, Queue>,
    pub apps: BTreeMap<String, App>,
    /// What this machine is called in the places of its targets.
    machine: Option<String>,
    /// The folder of the file.
    #[serde(skip)]
    pub folder: PathBuf,
}

/// `[store]`
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Store {
    #[serde(default, rename = "kind")]
    _kind: File,
    pub path: PathBuf,
}

/// `[queues.NAME]`
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Queue {
    pub url: Url,
}

/// `[apps.NAME]`
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct App {
    pub client_id: String,
    region: Option<Region>,
    api_endpoint: Option<Url>,
    token_endpoint: Option<Url>,
    pub queue: String,
    #[serde(default)]
    pub rotate: Rotate,
    #[serde(default = "thirty_days", deserialize_with = "rotate_before")]
    pub rotate_before: u32,
    #[serde(default = "one_hour", deserialize_with = "patience")]
    pub patience: u32,
    #[serde(default)]
    pub publish: Vec<Target>,
}

/// `[[apps.NAME.publish]]`
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Target {
    #[serde(rename = "kind")]
    _kind: File,
    name: Option<String>,
    pub path: String,
    pub format: Format,
}

/// When a rotation begins.
#[derive(Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Rotate {
    /// By itself and on request.
    #[default]
    Automatic,
    /// On request only.
    OnRequest,
}

/// The one kind of store and target that this host has.
#[derive(Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum File {
    #[default]
    File,
}

/// How a credential is written.
#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    Env,
    Json,
}

/// Where SP-API is. See <https://developer-docs.amazon.com/sp-api/docs/sp-api-endpoints>.
#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Region {
    Na,
    Eu,
    Fe,
}

impl App {
    /// SP-API's endpoint, without a path.
    pub fn api_endpoint(&self) -> &str {
        match (&self.api_endpoint, self.region) {
            (Some(url), _) => url.text().trim_end_matches('/'),
            (None, Some(Region::Eu)) => "https://sellingpartnerapi-eu.amazon.com",
            (None, Some(Region::Fe)) => "https://sellingpartnerapi-fe.amazon.com",
            (None, _) => "https://sellingpartnerapi-na.amazon.com",
        }
    }

    /// LWA's token endpoint.
    pub fn token_endpoint(&self) -> &str {
        self.token_endpoint.as_ref().map_or("https://api.amazon.com/auth/o2/token", Url::text)
    }
}

impl Target {
    /// The name by which record and status know it.
    pub fn name(&self) -> String {
        self.name.clone().unwrap_or_else(|| format!("file:{}", self.path))
    }
}

impl Config {
    /// The configuration of this instance, which stays as it was at first. The error says what is wrong.
    pub fn get() -> Result<&'static Self, &'static str> {
        static CONFIG: OnceLock<Result<Config, String>> = OnceLock::new();
        let read = || {
            let path = env::var("LWA_ROTATE_CONFIG").unwrap_or_else(|_| "lwa-rotate.toml".into());
            let text = fs::read_to_string(&path).map_err(|error| {
                format!(
                    "cannot read {path}: {error}; give the runtime its folder, or name another in LWA_ROTATE_CONFIG"
                )
            })?;
            Self::parse(&text, Path::new(&path)).map_err(|error| format!("{path}: {error}"))
        };
        CONFIG.get_or_init(read).as_ref().map_err(String::as_str)
    }

    /// Reads the text of the file at this path.
    pub fn parse(text: &str, path: &Path) -> Result<Self, String> {
        let mut config: Self = toml::from_str(text).map_err(|error| error.to_string())?;
        config.folder = path.parent().unwrap_or(Path::new("")).to_owned();
        let mut client_ids = BTreeMap::new();
        for (name, app) in &config.apps {
            let wrong = |what: &str| Err(format!("in [apps.{name}] {what}"));
            // It would be shown wherever the application is named.
            if app.client_id.starts_with("amzn1.oa2-cs.") {
                return wrong("`client-id` holds a client secret, which has been written down by that: rotate it soon");
            }
            if app.region.is_some() == app.api_endpoint.is_some() {
                return wrong("`region` or `api-endpoint` has to be given, and one of them alone");
            }
            if !config.queues.contains_key(&app.queue) {
                return wrong("`queue` names none of [queues]");
            }
            if let Some(other) = client_ids.insert(&app.client_id, name) {
                return wrong(&format!("`client-id` is that of `{other}`"));
            }
        }
        Ok(config)
    }

    /// The name of this machine: WASI knows none, so it is a setting, or `HOSTNAME` where the runtime passes that on.
    pub fn machine(&self) -> String {
        let variable = || env::var("HOSTNAME").ok().filter(|name| !name.is_empty());
        self.machine.clone().or_else(variable).unwrap_or_else(|| "wasi".into())
    }

    /// The application of this client id.
    pub fn app(&self, client_id: &str) -> Option<&App> {
        self.apps.values().find(|app| app.client_id == client_id)
    }
}

impl Guest for Adapters {
    fn applications() -> Result<Vec<Application>, String> {
        let apps = Config::get()?.apps.iter();
        Ok(apps
            .map(|(name, app)| Application {
                name: name.clone(),
                client_id: app.client_id.clone(),
                queue: app.queue.clone(),
            })
            .collect())
    }
}

fn thirty_days() -> u32 {
    30 * 86_400
}

fn one_hour() -> u32 {
    3_600
}

/// An Amazon secret lives for 180 days, and for the first 7 of them the one before it lives too.
fn rotate_before<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    duration(deserializer, "rotate-before", 173)
}

/// The one before ends 7 days after the rotate call, and a person must have time to act before that.
fn patience<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    duration(deserializer, "patience", 6)
}

/// `90s`, `15m`, `1h`, `30d`, in seconds: from one second to so many days.
fn duration<'de, D: Deserializer<'de>>(deserializer: D, key: &str, days: u32) -> Result<u32, D::Error> {
    let text = String::deserialize(deserializer)?;
    let seconds = seconds(&text).ok_or_else(|| {
        D::Error::custom(format!(
            "`{key}` is no duration: that is a whole number with a unit, such as \"90s\", \"15m\", \"1h\" or \"30d\""
        ))
    })?;
    u32::try_from(seconds)
        .ok()
        .filter(|seconds| (1..=days * 86_400).contains(seconds))
        .ok_or_else(|| D::Error::custom(format!("`{key}` must be between 1s and {days}d")))
}

fn seconds(text: &str) -> Option<u64> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let unit = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3_600,
        "d" => 86_400,
        _ => return None,
    };
    number.parse::<u64>().ok()?.checked_mul(unit)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    const WHOLE: &str = r#"
        [store]
        path = "state"
        [queues.main]
        url = "https://sqs.us-east-1.amazonaws.com/123456789012/lwa"
        [apps.shop]
        client-id = "amzn1.application-oa2-client.0123"
        region = "eu"
        queue = "main"
        patience = "15m"
        [[apps.shop.publish]]
        kind = "file"
        path = "shop.env"
        format = "env"
    "#;

    fn wrong(from: &str, to: &str) -> String {
        Config::parse(&WHOLE.replace(from, to), Path::new("x.toml")).err().unwrap()
    }

    #[test]
    fn the_programs_configuration_is_read_with_its_defaults() {
        let config = Config::parse(WHOLE, Path::new("/etc/x.toml")).unwrap();
        let app = config.app("amzn1.application-oa2-client.0123").unwrap();

        assert_eq!(config.folder, Path::new("/etc"));
        assert_eq!((app.rotate_before, app.patience), (30 * 86_400, 900));
        assert_eq!(app.api_endpoint(), "https://sellingpartnerapi-eu.amazon.com");
        assert_eq!(app.token_endpoint(), "https://api.amazon.com/auth/o2/token");
        assert_eq!(app.publish[0].name(), "file:shop.env");
        assert!(config.app("amzn1.application-oa2-client.9999").is_none());
    }

    #[test]
    fn durations_reach_to_their_bounds() {
        for (rotate_before, patience, expected) in [("1s", "1s", (1, 1)), ("173d", "6d", (173 * 86_400, 6 * 86_400))] {
            let both = format!("rotate-before = \"{rotate_before}\"\npatience = \"{patience}\"");
            let config = Config::parse(&WHOLE.replace("patience = \"15m\"", &both), Path::new("x.toml")).unwrap();
            let app = &config.apps["shop"];
            assert_eq!((app.rotate_before, app.patience), expected);
        }
    }

    #[test]
    fn what_this_host_does_not_have_is_a_mistake_that_is_told() {
        for (from, to, told) in [
            ("path = \"state\"", "kind = \"dynamodb\"\npath = \"x\"", "dynamodb"),
            ("kind = \"file\"", "kind = \"vault\"", "vault"),
            ("queue = \"main\"", "queue = \"other\"", "none of [queues]"),
            ("region = \"eu\"", "", "one of them alone"),
            ("patience = \"15m\"", "patience = \"15\"", "a whole number with a unit"),
            ("patience = \"15m\"", "patience = \"+15m\"", "`patience` is no duration"),
            ("patience = \"15m\"", "patience = \"0s\"", "`patience` must be between 1s and 6d"),
            ("patience = \"15m\"", "patience = \"7d\"", "`patience` must be between 1s and 6d"),
            ("patience = \"15m\"", "patience = \"49711d\"", "`patience` must be between 1s and 6d"),
            ("patience = \"15m\"", "rotate-before = \"174d\"", "`rotate-before` must be between 1s and 173d"),
            ("patience", "pations", "pations"),
            ("https://sqs", "http://sqs", "loopback"),
        ] {
            let error = wrong(from, to);
            assert!(error.contains(told), "{to}: {error}");
        }
    }

    #[test]
    fn rule_9_a_secret_in_the_place_of_the_client_id_is_not_shown() {
        let error = wrong("amzn1.application-oa2-client.0123", "amzn1.oa2-cs.v1.hidden");
        assert!(error.contains("holds a client secret") && !error.contains("hidden"), "{error}");
    }
}
