//! Rule 9: no secret and no access token in any output. Every [`World`] looks for them when it goes; here is the rest.

use std::time::Duration;

use crate::program::{CLIENT_ID, SECRET, World, script};

/// Every command, as talkative as it can be, in good and in bad times.
#[test]
fn no_secret_is_printed_by_any_command_however_much_it_says() {
    for form in ["text", "json"] {
        let world = World::new();
        script(&world, "publish", "cat >&2; cat; exit 1");
        let target = "[[apps.shop.publish]]\nkind = \"exec\"\ncommand = [\"./publish\"]\n";
        world.configure("", &format!("{}{target}", crate::program::TARGETS));
        let loud = |arguments: &[&str]| world.run(&[&["-vvv", "--log-format", form], arguments].concat());
        world.set("RUST_LOG", "trace");
        world.set("AWS_LOG", "trace");

        world.run_with(&["-vvv", "enroll", "shop"], "amzn1.oa2-cs.v1.wrong-one").exits(1);
        world.watch_for("amzn1.oa2-cs.v1.wrong-one");
        world.run_with(&["-vvv", "enroll", "shop"], SECRET);
        loud(&["rotate", "shop", "--dry-run"]).done();
        world.fault("rotate:lose-answer");
        world.fault("notification:duplicate");
        loud(&["rotate", "shop", "--timeout", "2s"]).exits(3);
        loud(&["status"]);
        loud(&["--json", "status"]);
        loud(&["resume", "shop", "--wait"]).exits(1);
        loud(&["demo"]).done();
        world.emulator.advance_time(Duration::from_secs(3600));
        world.emulator.rotate_in_console(CLIENT_ID, true);
        let watch = world.start(&["-vvv", "--log-format", form, "watch", "--json"]);
        watch.until("the newest secret is in use", || world.read("shop.env").contains(&world.newest()));
        watch.terminate();
        let ran = watch.end().done();

        assert!(ran.stderr.len() > 1000, "it did say something");
        world.assert_silent();
    }
}

/// What looks for secrets finds them.
#[test]
#[should_panic(expected = "rule 9")]
fn an_output_with_a_secret_would_be_noticed() {
    let world = World::enrolled();
    world.run_in_shell("echo \"$1 $(cat shop.env)\"", &[]);
    world.assert_silent();
}

/// The arguments of a process can be read by every user of the machine.
#[test]
fn a_secret_stands_in_no_argument_and_no_environment_of_a_process() {
    let world = World::enrolled();
    script(
        &world,
        "publish",
        "cat > /dev/null; cat /proc/$$/cmdline /proc/$PPID/cmdline /proc/$$/environ /proc/$PPID/environ > seen",
    );
    let target = "[[apps.shop.publish]]\nkind = \"exec\"\ncommand = [\"./publish\"]\n";
    world.configure("", target);

    world.run(&["rotate", "shop"]).done();

    let seen = world.read("seen");
    assert!(seen.contains("rotate") && seen.contains("publish"), "{seen}");
    assert!(!seen.contains(SECRET) && !seen.contains(&world.newest()));
}

#[test]
fn get_alone_prints_a_secret() {
    let world = World::enrolled();
    let ran = world.run(&["get", "shop"]).done();
    assert_eq!((ran.stdout.trim_end(), ran.stderr.as_str()), (SECRET, ""));
    for arguments in [&["status"][..], &["status", "--json"], &["rotate", "shop", "--dry-run"], &["--help"]] {
        let ran = world.run(arguments).done();
        assert!(!ran.stdout.contains(SECRET) && !ran.stderr.contains(SECRET), "{arguments:?}");
    }
}
