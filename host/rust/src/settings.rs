//! What the operator has set for each application: behind `wit/settings.wit`.

use std::collections::BTreeMap;

pub use crate::bindings::lwa::rotation::settings::{Application, Rotate, Target, UserAgent};

/// LWA's token endpoint.
pub const TOKEN_ENDPOINT: &str = "https://api.amazon.com/auth/o2/token";

const DAY: u32 = 24 * 60 * 60;

/// Finds an application's settings. The answer comes from memory and does not block.
pub trait Settings: Send + Sync + 'static {
    /// The settings of the application with this client id; `None` if this host does not look after it. Asked once for each
    /// call of the [`Rotator`](crate::Rotator), so that they stay the same for the call.
    fn find(&self, client_id: &str) -> Option<Application>;
}

impl Settings for BTreeMap<String, Application> {
    fn find(&self, client_id: &str) -> Option<Application> {
        self.get(client_id).cloned()
    }
}

impl<S: Settings + ?Sized> Settings for std::sync::Arc<S> {
    fn find(&self, client_id: &str) -> Option<Application> {
        (**self).find(client_id)
    }
}

impl Application {
    /// The usual settings: rotated by itself 30 days before the end, an hour's patience, Amazon's token endpoint, no targets, and
    /// this program as the caller. `api_endpoint` is SP-API's without a path, such as
    /// `https://sellingpartnerapi-eu.amazon.com`; `queue` is the name of the queue that Amazon sends the application's
    /// notifications to. The places of targets come from [`Targets::of`](crate::publish::Targets::of).
    pub fn new(client_id: impl Into<String>, api_endpoint: impl Into<String>, queue: impl Into<String>) -> Self {
        Self {
            client_id: client_id.into(),
            token_endpoint: TOKEN_ENDPOINT.into(),
            api_endpoint: api_endpoint.into(),
            queue: queue.into(),
            rotate: Rotate::Automatic,
            rotate_before: 30 * DAY,
            patience: 60 * 60,
            targets: Vec::new(),
            user_agent: UserAgent {
                application: "lwa-rotate".into(),
                version: env!("CARGO_PKG_VERSION").into(),
                language: "Rust".into(),
            },
        }
    }
}
