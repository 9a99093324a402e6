//! A MiniStack server (PyPI).

use std::net::SocketAddr;
use std::process::Command;

use super::environment::environment;

/// The services that are served; the rest of what MiniStack can do would only make its start longer.
const SERVICES: &str = "dynamodb,iam,kms,secretsmanager,sqs,ssm,sts";

/// The command that starts a server, and where that will listen.
pub fn command() -> (Command, SocketAddr) {
    let address = super::free_address();
    let mut command = Command::new(environment("ministack").join("bin/ministack"));
    command.env("BIND_HOST", address.ip().to_string()).env("GATEWAY_PORT", address.port().to_string());
    // It keeps a file with its process id there.
    command.env("SERVICES", SERVICES).env("TMPDIR", env!("CARGO_TARGET_TMPDIR"));
    (command, address)
}
