//! The clients' packages, pinned, in `clients/` of the target directory. The test that comes first installs them.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::output;

/// The files that pin the packages, by the name under which each is kept beside what it has brought.
const PYTHON: &[(&str, &str)] = &[("requirements.txt", include_str!("requirements.txt"))];
const NODE: &[(&str, &str)] = &[
    (".npmrc", include_str!(".npmrc")),
    ("package.json", include_str!("package.json")),
    ("package-lock.json", include_str!("package-lock.json")),
];

/// Python with the clients from PyPI, to run a program.
pub fn python(program: &str) -> Command {
    let folder = installed("python", PYTHON, |folder| {
        run(Command::new("python3").args(["-m", "venv"]).arg(folder.join("venv")));
        let mut pip = Command::new(folder.join("venv/bin/python"));
        pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r", "requirements.txt"]);
        run(pip.current_dir(folder));
    });
    let mut command = Command::new(folder.join("venv/bin/python"));
    command.args(["-c", program]).current_dir(folder);
    command
}

/// Node with the clients from npm, to run a module.
pub fn node(module: &str) -> Command {
    let folder = installed("node", NODE, |folder| {
        run(Command::new("npm").args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"]).current_dir(folder));
    });
    let mut command = Command::new("node");
    command.args(["--input-type=module", "--eval", module]).current_dir(folder);
    command
}

/// The folder of this name, with what its files pin installed.
fn installed(name: &str, files: &[(&str, &str)], install: impl FnOnce(&Path)) -> PathBuf {
    // Beside `tmp`, which cargo gives to tests.
    let clients = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().expect("a parent").join("clients");
    fs::create_dir_all(&clients).expect("a folder");
    // Tests run at once, in threads of several processes.
    let lock = File::create(clients.join(format!("{name}.lock"))).expect("a file");
    lock.lock().expect("a lock");
    let folder = clients.join(name);
    let complete = folder.join("complete");
    let is_current = |(name, text): &(&str, &str)| fs::read_to_string(folder.join(name)).is_ok_and(|has| has == *text);
    if complete.exists() && files.iter().all(is_current) {
        return folder;
    }
    if folder.exists() {
        // Other versions, or an installation that was interrupted.
        fs::remove_dir_all(&folder).expect("an old folder removed");
    }
    fs::create_dir(&folder).expect("a folder");
    for (name, text) in files {
        fs::write(folder.join(name), text).expect("a file");
    }
    install(&folder);
    fs::write(complete, "").expect("a file");
    folder
}

fn run(command: &mut Command) {
    let ran = output(command);
    let said = [ran.stdout, ran.stderr].concat();
    assert!(ran.status.success(), "{command:?} ended with {}: {}", ran.status, String::from_utf8_lossy(&said));
}
