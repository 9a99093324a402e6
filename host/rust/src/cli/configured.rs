//! The settings and targets of the configuration's applications, made when they are asked for: with very many applications,
//! what nothing happens to takes no memory beside its configuration and the places of its targets.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use lwa_rotate::aws::Aws;
use lwa_rotate::config::{App, Config, Rotate as ConfiguredRotate};
use lwa_rotate::http::Origin;
use lwa_rotate::publish::{Error, Publish, Reading, Target, machine};
use lwa_rotate::settings::{self, Rotate, Settings};
use lwa_rotate::{Application, Credential, UserAgent};

use super::failure::Failure;
use super::in_order::in_order;
use super::target::target;

/// What the rotator asks about applications and their targets.
#[derive(Clone)]
pub(super) struct Configured {
    config: Arc<Config>,
    aws: Aws,
    /// The places of the targets of each application, in the order of the configuration.
    places: Arc<[Vec<String>]>,
}

impl Configured {
    pub(super) async fn new(config: Arc<Config>, aws: &Aws) -> Self {
        let machine = config.machine.clone().unwrap_or_else(machine);
        // Several at the same time: a place on a file system that hangs takes long to be given up.
        let places = in_order(0..config.apps.len(), |app| {
            let (config, machine, aws) = (Arc::clone(&config), machine.clone(), aws.clone());
            async move { places_of(&config.apps[app], &machine, &aws).await }
        });
        let places = places.await;
        Self { config, aws: aws.clone(), places: places.into() }
    }

    fn target(&self, client_id: &str, name: &str) -> Result<Box<dyn Target>, Error> {
        let app = self.config.apps.find(client_id);
        let configured = app.and_then(|app| app.publish.iter().find(|configured| configured.name == name));
        Ok(target(configured.ok_or(Error::UnknownTarget)?, &self.aws))
    }
}

impl Settings for Configured {
    fn find(&self, client_id: &str) -> Option<Application> {
        let place = self.config.apps.place(client_id)?;
        Some(application(&self.config.apps[place], &self.places[place], &self.config))
    }
}

#[async_trait]
impl Publish for Configured {
    async fn put(&self, name: &str, credential: &Credential) -> Result<(), Error> {
        self.target(&credential.client_id, name)?.put(credential).await
    }

    async fn read(&self, name: &str, client_id: &str) -> Result<Reading, Error> {
        self.target(client_id, name)?.read().await
    }
}

/// Where the targets of an application write. What does not say its place at present, such as a cluster whose kubeconfig is
/// missing, cannot be written either: it gets a place of its own until it does.
async fn places_of(app: &App, machine: &str, aws: &Aws) -> Vec<String> {
    let mut places = Vec::new();
    for configured in &app.publish {
        let place = target(configured, aws).place(machine, &configured.name).await;
        places.push(place.unwrap_or_else(|_| format!("unknown:{machine}/{}", configured.name)));
    }
    places
}

fn application(app: &App, places: &[String], config: &Config) -> Application {
    let seconds = |duration: Duration| u32::try_from(duration.as_secs()).unwrap_or(u32::MAX);
    let targets = app.publish.iter().zip(places);
    Application {
        token_endpoint: app.token_endpoint.clone(),
        rotate: match app.rotate {
            ConfiguredRotate::Automatic => Rotate::Automatic,
            ConfiguredRotate::OnRequest => Rotate::OnRequest,
        },
        rotate_before: seconds(app.rotate_before),
        patience: seconds(app.patience),
        targets: targets
            .map(|(target, place)| settings::Target { name: target.name.clone(), place: place.clone() })
            .collect(),
        user_agent: UserAgent {
            application: config.user_agent.application.clone(),
            version: config.user_agent.version.clone(),
            language: "Rust".to_owned(),
        },
        ..Application::new(&app.client_id, &app.api_endpoint, &app.queue)
    }
}

/// Where requests may go: to the endpoints of the applications.
pub(super) fn origins(config: &Config) -> Result<Vec<Origin>, Failure> {
    let urls: BTreeSet<&str> =
        config.apps.iter().flat_map(|app| [app.token_endpoint.as_str(), app.api_endpoint.as_str()]).collect();
    let of = |url| Origin::of(url).map_err(|error| Failure::configuration(format!("'{url}': {error}")));
    urls.into_iter().map(of).collect()
}
