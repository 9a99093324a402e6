//! Rule 9: no secret and no access token in any output. Every `World` of these tests looks for them in all that its commands
//! print; here the commands are as talkative as they can be, everything goes wrong that can, and what they write, start other
//! programs with, and leave in memory is looked through as well.

#![allow(missing_docs, clippy::unwrap_used, reason = "tests")]

mod doubles;
mod program;

#[path = "silence/answers.rs"]
mod answers;
#[path = "silence/library.rs"]
mod library;
#[path = "silence/memory.rs"]
mod memory;
#[path = "silence/tls.rs"]
mod tls;
#[path = "silence/trouble.rs"]
mod trouble;

use std::fs;
use std::time::Duration;

use program::{CLIENT_ID, Hidden, Ran, Running, SECRET, TARGETS, World, script};

/// A secret that Amazon has never issued.
const WRONG: &str = "amzn1.oa2-cs.v1.wrong-51be07c2f94d";

/// As much as the program says in the two forms of log lines, and results for people and for programs.
const FORMS: [&[&str]; 2] = [&["-vvv", "--log-format", "text"], &["-vvv", "--log-format", "json", "--json"]];

/// Whatever the libraries beneath and the language can be asked to tell.
fn ask_for_everything(world: &World) {
    for (name, value) in [("RUST_LOG", "trace"), ("AWS_LOG", "trace"), ("RUST_BACKTRACE", "full")] {
        world.set(name, value);
    }
    world.watch_for(WRONG);
}

fn start<'w>(world: &'w World, form: &[&str], arguments: &[&str], stdin: &str) -> Running<'w> {
    world.start_with(&[form, arguments].concat(), stdin)
}

fn run(world: &World, form: &[&str], arguments: &[&str]) -> Ran {
    start(world, form, arguments, "").end()
}

/// Every file but the store and the places where the credential is published.
fn note_files(world: &World, published: &[&str]) {
    let mut folders = vec![world.folder.path().to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.strip_prefix(world.folder.path()).unwrap().display().to_string();
            if path.is_dir() && name != "state" {
                folders.push(path);
            } else if path.is_file() && !published.contains(&name.as_str()) {
                world.note(format!("the file {name}"), fs::read(path).unwrap());
            }
        }
    }
    let state = fs::read_dir(world.path("state")).into_iter().flatten();
    let names: Vec<_> = state.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    world.note("the names of the store's files", names.join("\n"));
}

/// What the search finds is checked whenever one is made; this is that the outputs are what is searched.
#[test]
fn a_secret_in_any_place_that_is_looked_through_would_be_noticed() {
    let world = World::enrolled();
    let hidden = world.hidden();
    assert!(hidden.first_in(b"amzn1.oa2-cs.v1. and nothing else").is_none());
    let secret = SECRET.trim_start_matches("amzn1.oa2-cs.v1.");
    let cut = &secret[3..17];
    for form in [cut.to_owned(), format!("{:?}", cut.as_bytes()), "ZW5yb2xsZWQtN2YzYTlj".into()] {
        assert!(hidden.first_in(form.as_bytes()).is_some(), "{form}");
    }
    let token = world.emulator.access_tokens().pop().unwrap();
    assert!(hidden.first_in(format!("<{}>", token.replace('|', "%7C")).as_bytes()).is_some());
    assert!(hidden.first_in(&token.as_bytes()[5..20]).is_some());
    world.write("forgotten", SECRET);
    note_files(&world, &["shop.env", "shop.json"]);
    assert!(std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| world.assert_silent())).is_err(), "a file");
    // What this test has planted must not be found when the world goes.
    std::mem::forget(world);

    for line in ["echo \"$1 $(cat shop.env)\"", "cat shop.env >&2"] {
        let world = World::enrolled();
        world.run_in_shell(line, &[]);
        assert!(std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| world.assert_silent())).is_err(), "{line}");
        std::mem::forget(world);
    }
}

#[test]
fn no_secret_is_printed_by_any_command_however_much_it_says() {
    for form in FORMS {
        let world = World::new();
        ask_for_everything(&world);
        script(&world, "publish", "cat >&2; cat; exit 1");
        let target = "[[apps.shop.publish]]\nkind = \"exec\"\ncommand = [\"./publish\"]\n";
        world.configure("", &format!("{TARGETS}{target}"));

        run(&world, form, &["status"]).exits(1);
        run(&world, form, &["rotate", "shop"]).exits(1);
        start(&world, form, &["enroll", "shop"], WRONG).end().exits(1);
        start(&world, form, &["enroll", "shop"], SECRET).end().exits(3);
        run(&world, form, &["rotate", "shop", "--dry-run"]).done();
        world.fault("rotate:lose-answer");
        world.fault("notification:duplicate");
        run(&world, form, &["rotate", "shop", "--timeout", "2s"]).exits(3);
        run(&world, form, &["status"]).exits(1);
        run(&world, form, &["get", "shop"]).done();
        run(&world, form, &["get", "shop", "--stage", "retired", "--format", "env"]).done();
        run(&world, form, &["resume", "shop", "--wait"]).exits(1);
        run(&world, form, &["demo"]).done();
        world.emulator.advance_time(Duration::from_secs(3600));
        world.emulator.rotate_in_console(CLIENT_ID, true);
        let watch = start(&world, form, &["watch", "--json"], "");
        watch.until("the newest secret is in use", || world.read("shop.env").contains(&world.newest()));
        watch.terminate();
        let ran = watch.end().done();

        assert!(ran.stderr.len() > 1000 && ran.stdout.lines().count() > 5, "it did say something");
        note_files(&world, &["shop.env", "shop.json"]);
    }
}

/// The arguments of a process can be read by every user of the machine, its environment by every process of the same user.
#[test]
fn a_secret_stands_in_no_argument_environment_or_open_file_of_a_process_or_its_children() {
    let world = World::enrolled();
    script(
        &world,
        "publish",
        "cat > /dev/null\n\
         for pid in $$ $PPID; do cat /proc/$pid/cmdline /proc/$pid/environ; done > seen 2> denied\n\
         ls -l /proc/$$/fd > open\n\
         for fd in /proc/$$/fd/*; do case $(readlink $fd) in /*/publish | /dev/*) ;; /*) cat $fd ;; esac; done > read",
    );
    let target = "[[apps.shop.publish]]\nkind = \"exec\"\ncommand = [\"./publish\"]\n";
    world.configure("", target);

    world.run(&["rotate", "shop"]).done();

    let seen = world.read("seen");
    assert!(seen.contains("rotate") && seen.contains("publish") && seen.contains("AWS_REGION"), "{seen}");
    let open = world.read("open");
    assert!(
        !open.contains("state") && !open.contains("socket"),
        "the store and connections stay with the program: {open}"
    );
    note_files(&world, &["shop.env", "shop.json"]);
}

#[test]
fn get_alone_prints_a_secret() {
    let world = World::enrolled();
    let ran = world.run(&["get", "shop"]).done();
    assert_eq!((ran.stdout.trim_end(), ran.stderr.as_str()), (SECRET, ""));
    let hidden: Hidden = world.hidden();
    for arguments in [&["status"][..], &["status", "--json"], &["rotate", "shop", "--dry-run"], &["--help"]] {
        let ran = world.run(arguments).done();
        hidden.assert_not_in("its output", format!("{}{}", ran.stdout, ran.stderr).as_bytes());
    }
}
