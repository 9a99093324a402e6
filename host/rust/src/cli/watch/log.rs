//! What `watch` says: each event as a log line on stderr, and with `--json` as a JSON line on stdout.

use std::sync::Arc;

use lwa_rotate::config::Config;
use lwa_rotate::observe::{Event, Observe};

use crate::cli::events::{is_trouble, needs_person, remedy, stage, words};
use crate::cli::failure::remedies;
use crate::cli::json::event_json;
use crate::cli::log::TARGET;
use crate::cli::output::Output;

/// Logs events.
pub(super) struct WatchLog {
    config: Arc<Config>,
    output: Output,
}

impl WatchLog {
    pub(super) fn new(config: Arc<Config>, output: Output) -> Self {
        Self { config, output }
    }
}

impl Observe for WatchLog {
    fn emit(&self, event: &Event) {
        let app = event.client_id.as_ref().and_then(|client_id| self.config.apps.find(client_id));
        let app = app.map(|app| app.name.as_str());
        // Events must not stop a rotation, not even when stdout is gone.
        let _ = self.output.document(&event_json(app, event));
        let name = app.or(event.client_id.as_deref()).unwrap_or("unknown");
        let (stage, words) = (stage(&event.what).map_or("-", |stage| stage.name()), words(event));
        let remedies = needs_person(&event.what).map(|problem| remedies(name, problem).join("; "));
        if let Some(remedy) = remedies.or_else(|| remedy(&event.what).map(str::to_owned)) {
            tracing::error!(target: TARGET, app = name, stage, "{words}; what to do: {remedy}");
        } else if is_trouble(&event.what) {
            tracing::warn!(target: TARGET, app = name, stage, "{words}");
        } else {
            tracing::info!(target: TARGET, app = name, stage, "{words}");
        }
    }
}
