//! The binary as a user runs it, against an emulator of Amazon in this process.

#![allow(missing_docs, clippy::unwrap_used, reason = "tests")]

mod program;

#[path = "cli/alarms.rs"]
mod alarms;
#[path = "cli/applications.rs"]
mod applications;
#[path = "cli/call_rate.rs"]
mod call_rate;
#[path = "cli/check.rs"]
mod check;
#[path = "cli/configuration.rs"]
mod configuration;
#[path = "cli/demo.rs"]
mod demo;
#[path = "cli/emulator.rs"]
mod emulator;
#[path = "cli/enroll.rs"]
mod enroll;
#[path = "cli/environment.rs"]
mod environment;
#[path = "cli/messages.rs"]
mod messages;
#[path = "cli/operator.rs"]
mod operator;
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
#[path = "cli/places.rs"]
mod places;
#[path = "cli/refusals.rs"]
mod refusals;
#[path = "cli/rotate.rs"]
mod rotate;
#[path = "cli/stalled.rs"]
mod stalled;
#[path = "cli/stopping.rs"]
mod stopping;
#[path = "cli/store.rs"]
mod store;
#[path = "cli/targets.rs"]
mod targets;
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
#[path = "cli/terminal.rs"]
mod terminal;
#[path = "cli/trouble.rs"]
mod trouble;
#[path = "cli/watch.rs"]
mod watch;
