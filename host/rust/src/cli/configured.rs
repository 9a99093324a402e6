//! The settings and targets of the configuration's applications, made when they are asked for: with very many applications,
//! what nothing happens to takes no memory beside its configuration.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use lwa_rotate::aws::Aws;
use lwa_rotate::config::{App, Config};
use lwa_rotate::http::Origin;
use lwa_rotate::publish::{Error, Publish, Target};
use lwa_rotate::settings::Settings;
use lwa_rotate::{Application, Credential, UserAgent};

use super::failure::Failure;
use super::target::target;

/// What the rotator asks about applications and their targets.
#[derive(Clone)]
pub(super) struct Configured {
    config: Arc<Config>,
    aws: Aws,
}

impl Configured {
    pub(super) fn new(config: Arc<Config>, aws: &Aws) -> Self {
        Self { config, aws: aws.clone() }
    }
}

impl Settings for Configured {
    fn find(&self, client_id: &str) -> Option<Application> {
        self.config.apps.find(client_id).map(|app| application(app, &self.config))
    }
}

#[async_trait]
impl Publish for Configured {
    async fn put(&self, name: &str, credential: &Credential) -> Result<(), Error> {
        let app = self.config.apps.find(&credential.client_id);
        let configured = app.and_then(|app| app.publish.iter().find(|configured| configured.name == name));
        target(configured.ok_or(Error::UnknownTarget)?, &self.aws).put(credential).await
    }
}

fn application(app: &App, config: &Config) -> Application {
    let seconds = |duration: Duration| u32::try_from(duration.as_secs()).unwrap_or(u32::MAX);
    Application {
        token_endpoint: app.token_endpoint.clone(),
        rotate_before: seconds(app.rotate_before),
        patience: seconds(app.patience),
        targets: app.publish.iter().map(|target| target.name.clone()).collect(),
        user_agent: UserAgent {
            application: config.user_agent.application.clone(),
            version: config.user_agent.version.clone(),
            language: "Rust".to_owned(),
        },
        ..Application::new(&app.client_id, &app.api_endpoint)
    }
}

/// Where requests may go: to the endpoints of the applications.
pub(super) fn origins(config: &Config) -> Result<Vec<Origin>, Failure> {
    let urls: BTreeSet<&str> =
        config.apps.iter().flat_map(|app| [app.token_endpoint.as_str(), app.api_endpoint.as_str()]).collect();
    let of = |url| Origin::of(url).map_err(|error| Failure::configuration(format!("'{url}': {error}")));
    urls.into_iter().map(of).collect()
}
