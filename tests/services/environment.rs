//! Python environments with pinned packages, one for each server: what they bring differs.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use sha2::{Digest as _, Sha256};

/// The folder of the environment of this name, with the packages of `tests/services/NAME.txt`; made once, by whoever comes
/// first.
pub fn environment(name: &str) -> PathBuf {
    let requirements = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../../tests/services/{name}.txt"));
    let target = target();
    let venv = target.join(format!("{name}-venv"));
    let lock = File::create(target.join(format!("{name}-venv.lock"))).unwrap();
    lock.lock().unwrap();
    let marker = venv.join("requirements.sha256");
    let hash: String =
        Sha256::digest(fs::read(&requirements).unwrap()).iter().map(|byte| format!("{byte:02x}")).collect();
    if fs::read_to_string(&marker).is_ok_and(|found| found == hash) {
        return venv;
    }
    // What is there is of other versions, or half made.
    if venv.exists() {
        fs::remove_dir_all(&venv).unwrap();
    }
    run(Command::new("python3").args(["-m", "venv"]).arg(&venv), "a Python environment cannot be made");
    let mut pip = Command::new(venv.join("bin/python"));
    pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r"]).arg(&requirements);
    run(&mut pip, "the packages of a server cannot be installed");
    fs::write(marker, hash).unwrap();
    venv
}

/// Beside `tmp`, which cargo gives to tests.
fn target() -> &'static Path {
    Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap()
}

/// What it has written to stdout.
pub fn run(command: &mut Command, what: &str) -> String {
    let ran = command.output().unwrap_or_else(|error| panic!("{what}: {command:?} cannot be started: {error}"));
    let said = [String::from_utf8_lossy(&ran.stdout), String::from_utf8_lossy(&ran.stderr)].concat();
    assert!(ran.status.success(), "{what}: {command:?} ended with {}: {said}", ran.status);
    String::from_utf8_lossy(&ran.stdout).into_owned()
}
