//! `deploy/systemd`: by systemd's own checks.

use std::fs;
use std::path::Path;

use lwa_rotate::config::{Config, TargetKind};
use tempfile::TempDir;

use crate::program::{TARGETS, World};
use crate::tools::{file, run, shell, succeeds, systemd, text};

/// How exposed the service may be, in tenths; systemd calls up to 1.9 the best there is.
const EXPOSURE: &str = "--threshold=14";

/// Which drop-ins are installed.
const DROP_INS: [&[&str]; 4] =
    [&[], &["aws-credentials.conf"], &["visit.conf"], &["aws-credentials.conf", "visit.conf"]];

/// The units and some drop-ins, as they would be installed, with the program that is tested.
fn installed(drop_ins: &[&str], change: impl Fn(String) -> String) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let install = |from: &str, to: &str| {
        let text =
            text(&format!("systemd/{from}")).replace("/usr/local/bin/lwa-rotate", env!("CARGO_BIN_EXE_lwa-rotate"));
        let to = folder.path().join(to);
        fs::create_dir_all(to.parent().unwrap()).unwrap();
        fs::write(to, change(text)).unwrap();
    };
    install("lwa-rotate.service", "lwa-rotate.service");
    install("lwa-rotate.timer", "lwa-rotate.timer");
    for name in drop_ins {
        install(name, &format!("lwa-rotate.service.d/{name}"));
    }
    folder
}

/// Whether systemd finds the units correct, and what it says. It is content with what it does not know, and says so.
fn verify(folder: &TempDir) -> (bool, String) {
    let units = ["lwa-rotate.service", "lwa-rotate.timer"].map(|name| folder.path().join(name));
    let (content, said) = run(systemd("systemd-analyze").args(["--man=no", "verify"]).args(units));
    (content && said.is_empty(), said)
}

fn security(folder: &TempDir) -> (bool, String) {
    let mut command = systemd("systemd-analyze");
    run(command
        .args(["security", "--no-pager", "--offline=yes", EXPOSURE])
        .arg(folder.path().join("lwa-rotate.service")))
}

#[test]
fn the_units_are_correct_with_and_without_their_drop_ins() {
    for drop_ins in DROP_INS {
        let (correct, said) = verify(&installed(drop_ins, |text| text));
        assert!(correct, "{drop_ins:?}: {said}");
    }
    for mistake in ["OnCalendar=hourly", "ProtectSystem=strict", "ExecStart=timeout"] {
        let wrong = installed(&["visit.conf"], |text| text.replace(mistake, &format!("{mistake}ly")));
        let (correct, _) = verify(&wrong);
        assert!(!correct, "systemd finds mistakes: {mistake}");
    }
}

#[test]
fn the_service_is_as_little_exposed_as_it_can_be() {
    for drop_ins in DROP_INS {
        let (little, said) = security(&installed(drop_ins, |text| text));
        assert!(little, "{drop_ins:?}: {said}");
    }
    let (little, said) = security(&installed(&[], |text| text.replace("CapabilityBoundingSet=\n", "")));
    assert!(!little, "systemd sees what is missing: {said}");
}

#[test]
fn the_user_of_the_service_is_made() {
    let root = tempfile::tempdir().unwrap();
    fs::create_dir(root.path().join("etc")).unwrap();
    let root_option = format!("--root={}", root.path().display());

    succeeds(systemd("systemd-sysusers").arg(root_option).arg(file("systemd/sysusers.conf")));

    let users = fs::read_to_string(root.path().join("etc/passwd")).unwrap();
    let user = users.lines().find(|line| line.starts_with("lwa-rotate:")).unwrap();
    assert!(user.ends_with("nologin"), "{user}");
    let service = text("systemd/lwa-rotate.service");
    assert!(service.contains("\nUser=lwa-rotate\n") && service.contains("\nGroup=lwa-rotate\n"));
}

/// The values of a key in a unit, in its order.
pub fn values(unit: &str, key: &str) -> Vec<String> {
    let start = format!("{key}=");
    text(unit).lines().filter_map(|line| line.strip_prefix(&start)).map(str::to_owned).collect()
}

#[test]
fn a_visit_of_the_timer_rotates_what_is_due_and_the_service_fails_if_a_rotation_is_stalled() {
    let commands = values("systemd/visit.conf", "ExecStart");
    let [reset, visit, status] = &commands[..] else { panic!("{commands:?}") };
    assert_eq!(reset, "", "the service's own command is taken away");
    let world = World::new();
    world.enroll_an_hour_ago(20);

    shell(&world, visit).done();
    shell(&world, status).done();

    world.assert_rotated();
    let world = World::enrolled();
    world.configure("patience = \"2s\"", TARGETS);
    world.fault("notification:drop");
    world.run(&["rotate", "shop"]).exits(4);
    shell(&world, visit).done();
    shell(&world, status).exits(4);
}

#[test]
fn the_store_of_the_service_is_the_folder_that_systemd_makes() {
    let [folder] = &values("systemd/lwa-rotate.service", "StateDirectory")[..] else { panic!("one folder") };
    assert_eq!(Path::new("/var/lib").join(folder), Path::new("/var/lib/lwa-rotate"), "the README's [store] path");
}

/// Otherwise `enroll`, which runs outside the sandbox, publishes, and the first rotation cannot.
#[test]
fn the_service_may_write_to_the_folders_of_the_files_that_it_publishes() {
    let writable = values("systemd/lwa-rotate.service", "ReadWritePaths");
    let writable: Vec<&Path> = writable.iter().map(|path| Path::new(path.trim_start_matches('-'))).collect();
    let readme = fs::read_to_string(file("../README.md")).unwrap();
    let mut blocks = readme.split("```toml\n").skip(1).map(|rest| rest.split("```").next().unwrap());
    let configuration = blocks.find(|block| block.contains("[[apps.shop.publish]]")).unwrap();
    let configuration = Config::parse(Path::new("/etc/lwa-rotate/lwa-rotate.toml"), configuration).unwrap();

    let targets = configuration.apps.iter().flat_map(|app| &app.publish);
    let files: Vec<&Path> = targets
        .filter_map(|target| match &target.kind {
            TargetKind::File { path, .. } => Some(path.as_path()),
            _ => None,
        })
        .collect();

    assert!(!files.is_empty());
    for path in files {
        assert!(writable.contains(&path.parent().unwrap()), "{} with {writable:?}", path.display());
    }
}
