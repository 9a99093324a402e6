//! The files of `deploy/`, and the tools that read them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::program::World;
use crate::services::environment::environment;

/// A file of `deploy/`.
pub fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy").join(name)
}

pub fn text(name: &str) -> String {
    fs::read_to_string(file(name)).unwrap_or_else(|error| panic!("deploy/{name}: {error}"))
}

/// A tool out of the packages of `tests/services/deploy.txt`.
pub fn tool(name: &str) -> Command {
    Command::new(environment("deploy").join("bin").join(name))
}

/// One of systemd's own programs.
pub fn systemd(name: &str) -> Command {
    let command = Command::new(name);
    let found = Command::new(name).arg("--version").output().is_ok_and(|ran| ran.status.success());
    assert!(
        found,
        "{name} reads the units of deploy/systemd, and is not here: install systemd, on Debian with `apt-get install systemd`"
    );
    command
}

/// Runs a tool to its end: whether it was content, and all that it said.
pub fn run(command: &mut Command) -> (bool, String) {
    let ran = command.output().unwrap_or_else(|error| panic!("{command:?} cannot be started: {error}"));
    (ran.status.success(), [ran.stdout, ran.stderr].map(|said| String::from_utf8_lossy(&said).into_owned()).concat())
}

/// Runs a tool that has to be content.
#[track_caller]
pub fn succeeds(command: &mut Command) -> String {
    let (content, said) = run(command);
    assert!(content, "{command:?}: {said}");
    said
}

/// A command of `deploy/` as it can be run here: with the program that is tested, a world's configuration, and not for minutes.
pub fn here(line: &str, world: &World) -> String {
    let configuration = world.path("lwa-rotate.toml").display().to_string();
    let short = line.replace("/etc/lwa-rotate/lwa-rotate.toml", &configuration).replace(" 5m ", " 8s ");
    assert_ne!(short, line, "it names the configuration");
    short.replace("/usr/local/bin/lwa-rotate", "lwa-rotate")
}

/// Runs a command of `deploy/` in a shell that finds the program where `PATH` leads.
pub fn shell(world: &World, line: &str) -> crate::program::Ran {
    world.run_in_shell(&format!("PATH=$(dirname \"$1\"):$PATH; {}", here(line, world)), &[])
}
