//! Log lines on stderr.

use std::io;

use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

use super::output::Output;
use super::{Command, Global, LogFormat};

/// Where the program's own events are logged.
pub(super) const TARGET: &str = "lwa_rotate::rotation";

/// Starts logging for a command.
pub(super) fn start(global: &Global, command: &Command, output: &Output) {
    // What `rotate`, `demo` and `enroll` have to say they say themselves; `watch` says it in the log.
    let own = match (command, global.verbose) {
        (Command::Watch, 0) => LevelFilter::INFO,
        (Command::Watch, 1) => LevelFilter::DEBUG,
        (_, 0) => LevelFilter::OFF,
        (_, 1) => LevelFilter::INFO,
        (_, 2) => LevelFilter::DEBUG,
        (_, _) => LevelFilter::TRACE,
    };
    // The libraries beneath log requests at their debug level and lower, and with them what must not be logged.
    let filter = Targets::new().with_target("lwa_rotate", own).with_target("lwa_rotate_emulator", own);
    let lines = tracing_subscriber::fmt::layer()
        .with_writer(io::stderr)
        // It would say that a line cannot be written where that cannot be written either, and panic.
        .log_internal_errors(false)
        .with_ansi(output.is_coloured())
        .with_target(global.verbose > 1);
    let subscriber = tracing_subscriber::registry().with(filter);
    match global.log_format {
        LogFormat::Text => subscriber.with(lines).init(),
        LogFormat::Json => subscriber.with(lines.json().flatten_event(true)).init(),
    }
}
