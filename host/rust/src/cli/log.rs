//! Log lines on stderr.

use std::io;

use tracing_subscriber::EnvFilter;

use super::output::Output;
use super::{Command, Global, LogFormat};

/// Where the program's own events are logged.
pub(super) const TARGET: &str = "lwa_rotate::rotation";

/// Starts logging for a command.
pub(super) fn start(global: &Global, command: &Command, output: &Output) {
    // What `rotate`, `demo` and `enroll` have to say they say themselves; `watch` says it in the log.
    let own = match (command, global.verbose) {
        (Command::Watch, 0) => "info",
        (Command::Watch, 1) => "debug",
        (_, 0) => "off",
        (_, 1) => "info",
        (_, 2) => "debug",
        (_, _) => "trace",
    };
    // The libraries beneath log requests at their debug level and lower, and with them what must not be logged.
    let filter = EnvFilter::new(format!("off,lwa_rotate={own},lwa_rotate_emulator={own}"));
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr)
        // It would tell that a line cannot be written where that cannot be written either, and panic.
        .log_internal_errors(false)
        .with_ansi(output.is_coloured())
        .with_target(global.verbose > 1);
    match global.log_format {
        LogFormat::Text => builder.init(),
        LogFormat::Json => builder.json().flatten_event(true).init(),
    }
}
