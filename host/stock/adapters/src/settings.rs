//! Behind `wit/settings.wit`.

use std::io::{Write, stderr};

use crate::Adapters;
use crate::config::{Config, Rotate as Begins};
use crate::contract::exports::lwa::rotation::settings::{Application, Guest, Rotate, Target, UserAgent};

impl Guest for Adapters {
    fn find(client_id: String) -> Option<Application> {
        let config = Config::get().inspect_err(|wrong| drop(writeln!(stderr(), "{wrong}"))).ok()?;
        let app = config.app(&client_id)?;
        Some(Application {
            token_endpoint: app.token_endpoint().to_owned(),
            api_endpoint: app.api_endpoint().to_owned(),
            queue: app.queue.clone(),
            rotate: match app.rotate {
                Begins::Automatic => Rotate::Automatic,
                Begins::OnRequest => Rotate::OnRequest,
            },
            rotate_before: app.rotate_before,
            patience: app.patience,
            targets: app
                .publish
                .iter()
                .map(|target| {
                    let path = config.folder.join(&target.path);
                    let place =
                        format!("file://{}/{}", config.machine(), path.display().to_string().trim_start_matches('/'));
                    Target { name: target.name(), place }
                })
                .collect(),
            user_agent: UserAgent {
                application: "lwa-rotate".into(),
                version: env!("CARGO_PKG_VERSION").into(),
                language: "WASI".into(),
            },
            client_id,
        })
    }
}
