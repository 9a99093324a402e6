//! What an operator decides: `set-expiry`, `cancel`, `publish`, `forget`, and what has to be confirmed.

use std::fs;

use serde_json::Value;

use crate::program::{CLIENT_ID, SECRET, TARGETS, World, in_days};

/// Enrolled, with an expiry time far enough ahead.
fn enrolled() -> World {
    let world = World::new();
    world.run_with(&["enroll", "shop", "--expires-at", &in_days(150)], SECRET).done();
    world
}

fn expiry(world: &World) -> Value {
    world.status()["expires_at"].clone()
}

#[test]
fn set_expiry_says_when_the_secret_ends_without_supplying_it_again() {
    let world = World::enrolled();
    assert_eq!(expiry(&world), Value::Null);
    let (ends, calls) = (in_days(100), world.calls().len());

    let ran = world.run(&["set-expiry", "shop", &ends]).done();

    assert!(ran.stdout.contains("shop: the date is recorded") && ran.stdout.contains(&ends), "{}", ran.stdout);
    assert_eq!(expiry(&world), format!("{ends}T00:00:00Z"));
    assert_eq!(world.calls().len(), calls, "it asks nothing of Amazon");
    let (code, document) = world.json(&["set-expiry", "shop", &ends]);
    assert_eq!((code, &document["status"]["expires_at"]), (Some(0), &expiry(&world)), "it may be repeated");
}

#[test]
fn a_date_with_which_a_rotation_is_due_has_to_be_confirmed_and_is_never_followed_by_a_call_at_once() {
    for (command, stdin) in [(&["set-expiry", "shop"][..], ""), (&["enroll", "shop", "--expires-at"][..], SECRET)] {
        let world = enrolled();
        let (before, soon) = (expiry(&world), in_days(3));
        let arguments = [command, &[soon.as_str()]].concat();

        world.run_with(&arguments, stdin).exits(2).says("nothing was changed").says("run it again with --yes");
        assert_eq!(expiry(&world), before);

        world.run_with(&[&arguments[..], &["--yes"]].concat(), stdin).done();
        assert_eq!(expiry(&world), format!("{soon}T00:00:00Z"));
        world.run_with(&["enroll", "shop"], SECRET);
        assert_eq!(world.count("rotate"), 0, "{command:?}: there is time to correct a slip");
    }
}

#[test]
fn a_date_that_no_secret_has_is_refused_whatever_is_confirmed() {
    let world = enrolled();
    let before = expiry(&world);
    world.run(&["set-expiry", "shop", "2100-01-31", "--yes"]).exits(1).says("181 days");
    world.run_with(&["enroll", "shop", "--expires-at", "2100-01-31", "--yes"], SECRET).exits(1).says("181 days");
    assert_eq!(expiry(&world), before);
}

#[test]
fn bad_input_of_the_operators_commands_is_refused_and_changes_nothing() {
    let world = enrolled();
    let state = world.status();
    for (arguments, code, said) in [
        (&["set-expiry", "shop"][..], 2, "<DATE>"),
        (&["set-expiry", "shop", "soon"], 2, "2027-01-31"),
        (&["set-expiry", "shpo", "2027-01-31"], 2, "did you mean shop?"),
        (&["cancel", "shop", "--not-before", "tomorrow"], 2, "2027-01-31"),
        (&["cancel", "shop", "--not-before", "2020-01-31"], 2, "a time that has passed"),
        (&["cancel", "shpo"], 2, "did you mean shop?"),
        (&["publish", "shop", "--target", "nowhere"], 2, "it has: file:shop.env, file:shop.json"),
        (&["publish", "shpo"], 2, "did you mean shop?"),
        (&["forget", "shpo", "--yes"], 2, "did you mean shop?"),
        (&["forget"], 2, "<APP>"),
    ] {
        world.run(arguments).exits(code).says(said);
    }
    assert_eq!(world.status(), state);
}

#[test]
fn what_is_not_enrolled_is_named_by_every_command() {
    let world = World::new();
    for arguments in [
        &["set-expiry", "shop", "2027-01-31", "--yes"][..],
        &["cancel", "shop"],
        &["publish", "shop"],
        &["forget", "shop", "--yes"],
    ] {
        world.run(arguments).exits(1).says("shop is not enrolled yet").says("lwa-rotate enroll shop");
    }
}

#[test]
fn cancel_takes_back_a_rotation_whose_call_is_not_sent_yet() {
    let world = enrolled();
    world.fault("rotate:refuse=QuotaExceeded*always");
    world.run(&["rotate", "shop", "--timeout", "1s"]).exits(3);
    assert_eq!(world.status()["state"], "requesting");

    let (code, document) = world.json(&["cancel", "shop"]);

    assert_eq!((code, &document["status"]["state"]), (Some(0), &"settled".into()), "{document}");
    let calls = world.count("rotate");
    world.run(&["enroll", "shop"]);
    assert_eq!(world.count("rotate"), calls);
}

#[test]
fn cancel_puts_off_a_rotation_that_is_due() {
    let world = World::new();
    world.run_with(&["enroll", "shop", "--expires-at", &in_days(20), "--yes"], SECRET).done();

    let until = in_days(5);
    let ran = world.run(&["cancel", "shop", "--not-before", &until]).done();

    assert!(ran.stdout.contains("no rotate call is made"), "{}", ran.stdout);
    let status = world.status();
    assert_eq!(status["state"], "settled");
    assert!(status["rotation_due_at"].as_str().is_some_and(|at| at >= until.as_str()), "{status}");
}

/// Rule 2: what may have been sent cannot be taken back.
#[test]
fn cancel_is_refused_when_the_call_was_sent() {
    let world = World::enrolled();
    world.fault("notification:delay=1h");
    world.run(&["rotate", "shop", "--timeout", "1s"]).exits(3);

    world.run(&["cancel", "shop"]).exits(1).says("lwa-rotate status shop");

    assert_eq!(world.status()["state"], "awaiting");
}

#[test]
fn publish_writes_the_current_secret_again_whatever_a_place_holds() {
    let world = enrolled();
    for target in [None, Some("file:shop.env")] {
        world.write("shop.env", "LWA_CLIENT_SECRET=amzn1.oa2-cs.v1.put-there-by-hand\n");
        let arguments = ["publish", "shop", "--target", "file:shop.env"];
        let arguments = if target.is_some() { &arguments[..] } else { &arguments[..2] };

        let ran = world.run(arguments).done();

        assert!(ran.stdout.contains("file:shop.env holds the current secret"), "{}", ran.stdout);
        assert_eq!(ran.stdout.contains("file:shop.json"), target.is_none(), "{}", ran.stdout);
        assert!(world.read("shop.env").contains(SECRET));
    }
    let (code, document) = world.json(&["publish", "shop"]);
    assert_eq!((code, &document["status"]["targets"][0]["holds_current"]), (Some(0), &true.into()));
}

#[test]
fn publish_names_each_target_that_cannot_be_written() {
    let world = enrolled();
    fs::remove_file(world.path("shop.env")).unwrap();
    fs::create_dir(world.path("shop.env")).unwrap();

    let (code, document) = world.json(&["publish", "shop"]);

    assert_eq!((code, &document["error"]["kind"]), (Some(1), &"failed".into()));
    assert!(document["error"]["message"].as_str().unwrap().contains("file:shop.env"), "{document}");
    assert_eq!(document["status"]["targets"][1]["holds_current"], true, "the other one is written");
}

#[test]
fn publish_needs_a_target() {
    let world = enrolled();
    world.configure("", "");
    world.run(&["publish", "shop"]).exits(1).says("shop has no publish target");
    world.configure("", TARGETS);
}

#[test]
fn forget_removes_the_record_when_it_is_confirmed_and_leaves_the_places() {
    let world = enrolled();

    world.run(&["forget", "shop"]).exits(2).says("nothing was changed").says("run it again with --yes");
    assert_eq!(world.status()["enrolled"], true);

    let (code, document) = world.json(&["forget", "shop", "--yes"]);

    assert_eq!((code, &document["status"]["enrolled"]), (Some(0), &false.into()), "{document}");
    assert_eq!(world.status()["enrolled"], false);
    assert_eq!(world.stored("current"), None);
    assert!(world.read("shop.env").contains(SECRET), "places keep what they hold");
    let left = fs::read_dir(world.path("state")).unwrap().map(|entry| fs::read(entry.unwrap().path()).unwrap());
    for file in left {
        world.hidden().assert_not_in("a file of the store", &file);
    }
    world.enroll();
}

#[test]
fn forget_is_refused_while_a_rotation_is_under_way() {
    let world = World::enrolled();
    world.fault("notification:delay=1h");
    world.run(&["rotate", "shop", "--timeout", "1s"]).exits(3);
    world.run(&["forget", "shop", "--yes"]).exits(1).says("lwa-rotate status shop");
    assert_eq!(world.status()["enrolled"], true);
}

/// A terminal of its own for a command, and what is typed on it.
fn on_a_terminal(world: &World, command: &str, typed: &str) -> (Option<i32>, String) {
    let line = format!("printf '%s' \"$1\" | script -qec '{} {command}' typescript", env!("CARGO_BIN_EXE_lwa-rotate"));
    let mut shell = world.command("/bin/sh", &["-c", &line, "sh", typed]);
    let output = shell.env("TERM", "dumb").output().unwrap();
    (output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned())
}

#[test]
fn on_a_terminal_a_question_is_asked_and_only_yes_goes_ahead() {
    let world = enrolled();
    for (typed, code, enrolled) in [("\n", 1, true), ("n\n", 1, true), ("y\n", 0, false)] {
        let (exit, said) = on_a_terminal(&world, "forget shop", typed);
        assert!(said.contains("Go ahead? [y/N]"), "{said}");
        assert_eq!((exit, world.status()["enrolled"].as_bool()), (Some(code), Some(enrolled)), "{typed:?}: {said}");
    }
}

/// A place that others wrote is found by `check`, never overwritten, and `enroll --from` takes it in.
#[test]
fn a_newer_secret_in_a_target_is_found_by_check_and_taken_in_by_enroll_from() {
    let world = enrolled();
    world.emulator.rotate_in_console(CLIENT_ID, false);
    world.write("shop.env", &format!("LWA_CLIENT_ID={CLIENT_ID}\nLWA_CLIENT_SECRET={}\n", world.newest()));

    let ran = world.run(&["check", "shop"]).exits(1);
    assert!(ran.stdout.contains("it holds a client secret that the record does not know"), "{}", ran.stdout);
    assert!(ran.stdout.contains("lwa-rotate enroll shop --from file:shop.env"), "{}", ran.stdout);
    let (code, document) = world.json(&["rotate", "shop", "--dry-run"]);
    assert_eq!((code, &document["error"]["kind"]), (Some(1), &"failed".into()), "the dry run agrees: {document}");

    world.run(&["enroll", "shop", "--from", "file:shop.env"]).done();
    assert_eq!(world.stored("current"), Some(world.newest()));
    assert!(world.read("shop.json").contains(&world.newest()));
}

/// Rule 14: what a place holds and the record does not know is never overwritten, but by `publish`.
#[test]
fn enroll_says_which_place_was_left_as_it_was_because_it_holds_another_secret() {
    let world = World::new();
    world.write("shop.env", "LWA_CLIENT_SECRET=amzn1.oa2-cs.v1.put-there-by-hand\n");

    world
        .run_with(&["enroll", "shop"], SECRET)
        .exits(1)
        .says("not published everywhere: publish target \"file:shop.env\"")
        .says("lwa-rotate publish shop");

    assert!(world.read("shop.env").contains("put-there-by-hand") && world.read("shop.json").contains(SECRET));
    world.run(&["publish", "shop", "--target", "file:shop.env"]).done();
    assert!(world.read("shop.env").contains(SECRET));
}
