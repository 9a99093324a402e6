//! From the configuration to a [`Rotator`].

use std::path::PathBuf;
use std::sync::Arc;

use lwa_rotate::aws::Aws;
use lwa_rotate::config::{self, App, Config};
use lwa_rotate::environment::Mistake;
use lwa_rotate::http::{self, Client, Http};
use lwa_rotate::observe::Observe;
use lwa_rotate::queue::{Error as QueueError, Sqs};
use lwa_rotate::store::{DynamoDbStore, Error as StoreError, FileStore, SecretsManagerStore, Store};
use lwa_rotate::{Error, Rotator};

use super::Global;
use super::configured::{Configured, origins};
use super::failure::Failure;

/// What commands work with: the configuration, and the component in its host.
pub(super) struct Host {
    pub(super) config: Arc<Config>,
    pub(super) rotator: Rotator,
    /// Where queues and targets are reached.
    pub(super) aws: Aws,
}

impl Host {
    /// Reads the configuration and loads the component. Touches neither network nor store.
    pub(super) async fn open(global: &Global, observe: impl Observe) -> anyhow::Result<Self> {
        Self::with(configuration(global)?, observe).await
    }

    /// The component for this configuration, with AWS as its variables and files say.
    pub(super) async fn with(config: impl Into<Arc<Config>>, observe: impl Observe) -> anyhow::Result<Self> {
        Self::with_aws(config, Aws::new(), observe).await
    }

    /// The component for this configuration.
    pub(super) async fn with_aws(
        config: impl Into<Arc<Config>>,
        aws: Aws,
        observe: impl Observe,
    ) -> anyhow::Result<Self> {
        let config = config.into();
        let client = Client::new(origins(&config)?);
        Self::with_http(config, aws, client, observe).await
    }

    /// The component for this configuration, with requests sent through this.
    pub(super) async fn with_http(
        config: Arc<Config>,
        aws: Aws,
        http: impl Http,
        observe: impl Observe,
    ) -> anyhow::Result<Self> {
        let queues = Sqs::new(config.queues.iter().map(|(name, queue)| (name, &queue.url)))
            .map_err(|error| Failure::configuration(error.to_string()))?;
        let configured = Configured::new(Arc::clone(&config), &aws).await;
        let rotator = Rotator::builder()
            .store(store(&config, &aws))
            .queue(queues.aws(aws.clone()))
            .http(http)
            .settings(configured.clone())
            .publish(configured)
            .observe(observe)
            .build()
            .map_err(|error| Failure::failed(error.to_string()))?;
        Ok(Self { config, rotator, aws })
    }

    /// Refuses what of the environment is sure to fail, before anything is sent.
    pub(super) async fn expect_environment(&self) -> Result<(), Failure> {
        let mistakes = environment(&self.aws).await;
        let Some(first) = mistakes.first() else { return Ok(()) };
        let failure = Failure::configuration(first.to_string());
        Err(mistakes.iter().skip(1).fold(failure, |failure, mistake| failure.hint(format!("also: {mistake}"))))
    }

    /// The application of this name, as the user typed it.
    pub(super) fn app(&self, name: &str) -> Result<&App, Failure> {
        find(&self.config, name)
    }
}

/// What of the variables and files of the environment cannot work, of those that every command needs which sends anything.
pub(super) async fn environment(aws: &Aws) -> Vec<Mistake> {
    let mut mistakes = http::mistakes().await;
    mistakes.extend(aws.mistakes().await);
    mistakes
}

/// The store of this configuration.
fn store(config: &Config, aws: &Aws) -> Arc<dyn Store> {
    match &config.store {
        config::Store::File { path } => Arc::new(FileStore::new(path)),
        config::Store::DynamoDb { table, region } => Arc::new(dynamodb(table, region, aws)),
        config::Store::SecretsManager { prefix, region, kms_key } => {
            Arc::new(secretsmanager(prefix, region, aws).kms_key(kms_key.clone()))
        }
    }
}

pub(super) fn dynamodb(table: &str, region: &Option<String>, aws: &Aws) -> DynamoDbStore {
    DynamoDbStore::new(table).region(region.clone()).aws(aws.clone())
}

pub(super) fn secretsmanager(prefix: &str, region: &Option<String>, aws: &Aws) -> SecretsManagerStore {
    SecretsManagerStore::new(prefix).region(region.clone()).aws(aws.clone())
}

/// Reads the configuration that was named, or the first that is there.
pub(super) fn configuration(global: &Global) -> anyhow::Result<Config> {
    let path = match &global.config {
        Some(path) => path.clone(),
        None => {
            let places = Config::places();
            let found = places.iter().find(|path| path.exists()).cloned();
            found.ok_or_else(|| nothing_found(&places))?
        }
    };
    // Publish commands and log lines must mean the same file wherever they run.
    let path = std::path::absolute(&path)?;
    Ok(Config::read(&path).map_err(Failure::mistakes)?)
}

fn nothing_found(places: &[PathBuf]) -> Failure {
    let places: Vec<String> = places.iter().map(|path| path.display().to_string()).collect();
    Failure::configuration(format!("there is no configuration: looked for {}", places.join(" and ")))
        .hint("write one as docs/configuration.md shows, or name it with --config")
        .hint("to see a rotation without any configuration, run `lwa-rotate demo`")
}

/// The application of this name.
pub(super) fn find<'c>(config: &'c Config, name: &str) -> Result<&'c App, Failure> {
    config.app(name).ok_or_else(|| {
        if let Some(skipped) = config.skipped.iter().find(|skipped| skipped.apps.iter().any(|app| app == name)) {
            return Failure::mistakes(skipped.mistakes.clone())
                .hint(format!("{name} is in this file; nothing of it is used until its mistakes are corrected"));
        }
        let nearest = config
            .apps
            .iter()
            .map(|app| (strsim::jaro_winkler(&app.name, name), &app.name))
            .filter(|(likeness, _)| *likeness > 0.75);
        let hint = match nearest.max_by(|a, b| a.0.total_cmp(&b.0)) {
            Some((_, nearest)) => format!("did you mean {nearest}?"),
            None => {
                let names: Vec<&str> = config.apps.iter().map(|app| app.name.as_str()).collect();
                format!("{} has: {}", config.path.display(), names.join(", "))
            }
        };
        let failure = Failure::usage(format!("there is no application named {name} in the configuration")).hint(hint);
        // Where a file is no TOML at all, its applications are not known.
        config.skipped.iter().fold(failure, |failure, skipped| {
            failure.hint(format!("this file is left out because of its mistakes: {}", skipped.mistakes))
        })
    })
}

/// A call that could not be carried out, with what to do about it.
pub(super) fn failure(app: &App, error: &Error) -> Failure {
    let failure = Failure::failed(format!("{}: {error}", app.name));
    match error {
        Error::NotEnrolled => Failure::failed(format!("{} is not enrolled yet", app.name))
            .hint(format!("supply its current client secret: lwa-rotate enroll {}", app.name)),
        Error::UnreadableRecord(_) => {
            failure.hint("restore the record from a backup, or use the version of lwa-rotate that wrote it")
        }
        Error::Store(error) => failure.hint(match error {
            StoreError::AccessDenied(_) => {
                "let lwa-rotate read and write its store, or set another in [store] of the configuration"
            }
            StoreError::Full(_) => "make room in the store, then run it again",
            _ => "correct it, then run it again; nothing was sent to Amazon after that",
        }),
        Error::Busy => failure.hint("another lwa-rotate is working on the same application; run it again in a moment"),
        // Its own words say that it is about the queue, and which.
        Error::Queue(error) => Failure::failed(format!("{}: {error}", app.name)).hint(queue_hint(&app.queue, error)),
        Error::Stopped(_) => {
            failure.hint("nothing is lost: what was saved decides; run it again, and report it if it happens again")
        }
        Error::NeedsConfirmation(text) => Failure::usage(format!("{}: {text}", app.name)),
        _ => failure,
    }
}

/// What to do about a queue that cannot be read.
pub(super) fn queue_hint(queue: &str, error: &QueueError) -> String {
    match error {
        QueueError::NotFound(_) => format!("the url is set in [queues.{queue}] of the configuration"),
        QueueError::AccessDenied(_) => {
            "check the AWS credentials and region in use; they need sqs:ReceiveMessage, sqs:DeleteMessage and sqs:ChangeMessageVisibility on this queue, and sqs:GetQueueAttributes to check it"
                .to_owned()
        }
        _ => "messages stay in the queue until they are taken; check the connection to SQS, then run it again".to_owned(),
    }
}

/// Whether a queue may be reached later by itself.
pub(super) fn passes(error: &QueueError) -> bool {
    !matches!(error, QueueError::NotFound(_) | QueueError::AccessDenied(_))
}
