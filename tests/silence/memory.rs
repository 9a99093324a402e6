//! What lies in the memory of the program when it has nothing to do, and what is left of it when it dies.

use std::fs::{self, File};
use std::io::{ErrorKind, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::doubles::kubernetes::{self, Cluster};
use crate::doubles::vault::{self, Vault};
use crate::program::{CLIENT_ID, Hidden, Running, SECRET, TARGETS, World};
use crate::tls;

/// The program's writable memory: heaps, stacks, and what it has mapped. `None` where nobody but the superuser may read it, which
/// is as it should be.
fn memory(of: &Running<'_>) -> Option<Vec<(String, Vec<u8>)>> {
    let folder = format!("/proc/{}", of.id());
    let mut memory = match File::open(format!("{folder}/mem")) {
        Err(error) if error.kind() == ErrorKind::PermissionDenied => return None,
        opened => opened.unwrap(),
    };
    of.signal("STOP");
    let maps = fs::read_to_string(format!("{folder}/maps")).unwrap();
    let mut areas = Vec::new();
    for area in maps.lines().filter(|area| area.split(' ').nth(1).is_some_and(|mode| mode.starts_with("rw"))) {
        let (from, to) = area.split(' ').next().unwrap().split_once('-').unwrap();
        let (from, to) = (u64::from_str_radix(from, 16).unwrap(), u64::from_str_radix(to, 16).unwrap());
        let mut bytes = vec![0; usize::try_from(to - from).unwrap()];
        // An area may have gone in the moment before the process stood still.
        if memory.seek(SeekFrom::Start(from)).is_ok() && memory.read_exact(&mut bytes).is_ok() {
            areas.push((area.to_owned(), bytes));
        }
    }
    of.signal("CONT");
    Some(areas)
}

/// A rotation and what came of it, by a `watch` that goes on.
fn watch_after_a_rotation(world: &World) -> Running<'_> {
    let watch = world.start(&["watch", "--json"]);
    watch.until("it has begun", || watch.stderr().contains("watching"));
    world.emulator.rotate_in_console(CLIENT_ID, true);
    watch.until("the new secret is everywhere", || watch.stdout().contains("\"acknowledged\""));
    watch
}

/// Rule 9, and docs/security.md: memory is wiped when it is freed, and nothing is kept.
#[test]
fn a_program_that_waits_holds_no_secret_and_no_access_token_in_its_memory() {
    let world = World::new();
    let target = "[[apps.shop.publish]]\nkind = \"exec\"\ncommand = [\"/bin/cat\"]\n";
    world.configure("", &format!("{TARGETS}{target}"));
    assert_forgets(&world);
}

/// The buffers of a TLS connection live as long as it does.
#[test]
fn a_program_that_waits_has_kept_nothing_of_what_came_through_tls() {
    let world = World::new();
    tls::secure(&world);
    assert_forgets(&world);
}

#[test]
fn a_program_that_waits_has_kept_nothing_of_what_went_to_vault_and_kubernetes() {
    let (vault, cluster) = (Vault::start(), Cluster::start());
    let secured = |url: &str| tls::serve(url.strip_prefix("http://").unwrap().parse().unwrap());
    let world = World::new();
    tls::secure(&world);
    for token in [vault::TOKEN, kubernetes::TOKEN] {
        world.watch_for(token);
    }
    world.write("token", vault::TOKEN);
    let kubeconfig = cluster.kubeconfig(&json!({ "token": kubernetes::TOKEN }));
    world.write("kubeconfig", &kubeconfig.replace(&cluster.url, &secured(&cluster.url)));
    world.set("KUBECONFIG", "kubeconfig");
    let targets = format!(
        "[[apps.shop.publish]]\nkind = \"vault\"\npath = \"shop\"\naddress = \"{}\"\ntoken-file = \"token\"\n\
         [[apps.shop.publish]]\nkind = \"kubernetes\"\nsecret = \"shop\"\n",
        secured(&vault.url)
    );
    world.write("lwa-rotate.toml", &format!("{}{targets}", world.read("lwa-rotate.toml")));

    assert_forgets(&world);

    assert_eq!(cluster.values("default/shop")["LWA_CLIENT_SECRET"], world.newest());
    assert!(vault.newest("secret/shop").0.contains(&world.newest()));
}

fn assert_forgets(world: &World) {
    world.enroll();
    let watch = watch_after_a_rotation(world);
    let (shown, hidden) = (Hidden::new([CLIENT_ID]), world.hidden());
    let holds = |what: &Hidden| -> Option<String> {
        let found = |(area, bytes): (String, Vec<u8>)| Some(format!("{area}: {}", what.around(&bytes)?));
        memory(&watch)?.into_iter().find_map(found)
    };
    if memory(&watch).is_none() {
        let _ = writeln!(std::io::stderr(), "NOT CHECKED: only the superuser may read the program's memory");
    } else {
        assert!(holds(&shown).is_some(), "what it does hold is found");
        let last = Instant::now() + Duration::from_secs(20);
        let mut found = holds(&hidden);
        // It may be at work at this moment.
        while found.is_some() && Instant::now() < last {
            thread::sleep(Duration::from_millis(50));
            found = holds(&hidden);
        }
        assert_eq!(found, None);
    }
    watch.terminate();
    watch.end().done();
    assert_ne!(world.newest(), SECRET);
}

#[test]
fn a_program_that_dies_leaves_no_core_dump() {
    let world = World::enrolled();
    let pattern = fs::read_to_string("/proc/sys/kernel/core_pattern").unwrap_or_default();
    for signal in ["ABRT", "SYS"] {
        let watch = world.start(&["watch"]);
        watch.until("it has begun", || watch.stderr().contains("watching"));
        let limits = fs::read_to_string(format!("/proc/{}/limits", watch.id())).unwrap();
        let core = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap();
        assert_eq!(core.split_whitespace().filter(|word| *word == "0").count(), 2, "{core}");
        watch.signal(signal);

        assert_eq!(watch.end().code, None, "{signal}");

        let files = fs::read_dir(world.folder.path()).unwrap().map(|entry| entry.unwrap().file_name());
        let files: Vec<String> = files.map(|name| name.into_string().unwrap()).collect();
        assert!(!files.iter().any(|name| name.contains("core")), "{files:?}, by {pattern}");
    }
}

/// A program of the system's may take a dump over whatever the limit, and a process of the same user may read the memory of
/// another: of one that is marked not to be dumped, neither.
#[test]
fn the_memory_belongs_to_the_superuser_alone() {
    let world = World::enrolled();
    let as_superuser = fs::metadata("/proc/self").unwrap().uid() == 0;
    // A superuser's files in /proc show it by their group.
    let command = |command: &mut Command| {
        if as_superuser {
            command.gid(65_534);
        }
    };
    let watch = world.start_as(command, &["watch"], "");
    watch.until("it has begun", || watch.stderr().contains("watching"));

    let memory = fs::metadata(format!("/proc/{}/mem", watch.id())).unwrap();

    assert_eq!((memory.uid(), memory.gid()), (0, 0));
    watch.terminate();
    watch.end().done();
}
