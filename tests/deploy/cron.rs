//! `deploy/cron`: what cron would mail.

use std::time::Duration;

use crate::program::{CLIENT_ID, TARGETS, World};
use crate::tools::{run, shell, text, tool};

/// The lines that cron runs, each with its time, its user and its command, those for taking over too.
fn lines() -> [String; 2] {
    let text = text("cron/lwa-rotate");
    let lines: Vec<String> = text
        .lines()
        .map(|line| line.trim_start_matches('#'))
        .filter(|line| line.starts_with(|c: char| c.is_ascii_digit()))
        .map(str::to_owned)
        .collect();
    lines.try_into().unwrap()
}

/// What a line runs.
fn command(line: &str) -> &str {
    line.splitn(7, ' ').last().unwrap()
}

fn check(world: &World, text: &str) -> (bool, String) {
    world.write("lwa-rotate", text);
    run(tool("checkcrontab").args(["--no-colors", "--system"]).arg(world.path("lwa-rotate")))
}

#[test]
fn the_lines_for_cron_are_correct() {
    let world = World::new();
    let text = text("cron/lwa-rotate");
    let all = text.replace("\n#41", "\n41");
    assert_ne!(all, text);

    for text in [&text, &all] {
        let (correct, said) = check(&world, text);
        assert!(correct, "{said}");
        assert!(!text.contains('%'), "for cron that is the end of the line");
        assert!(text.ends_with('\n'), "cron reads no line without an end");
    }
    let (correct, _) = check(&world, &all.replace("41 5 ", "41 25 "));
    assert!(!correct, "the tool finds mistakes");
}

#[test]
fn the_hourly_line_rotates_what_is_due_and_says_nothing() {
    let [hourly, _] = lines();
    let world = World::new();
    world.enroll_an_hour_ago(20);

    let ran = shell(&world, command(&hourly)).done();

    world.assert_rotated();
    assert_eq!((ran.stdout, ran.stderr), (String::new(), String::new()));
    let ran = shell(&world, command(&hourly)).done();
    assert_eq!((ran.stdout, ran.stderr), (String::new(), String::new()), "nothing to do");
    assert_eq!(world.count("rotate"), 1);
}

#[test]
fn the_hourly_line_finishes_what_was_interrupted() {
    let [hourly, _] = lines();
    let world = World::enrolled_with(|options| options.notification_delay = Duration::from_secs(2));
    world.run(&["rotate", "shop", "--timeout", "1s"]).exits(3);

    let ran = shell(&world, command(&hourly)).done();

    world.assert_rotated();
    assert_eq!(ran.stdout, "");
}

/// Rule 11: say what to do.
#[test]
fn the_hourly_line_says_that_a_rotation_is_stalled() {
    let [hourly, _] = lines();
    let world = World::enrolled();
    world.configure("patience = \"2s\"", TARGETS);
    world.fault("notification:drop");
    world.run(&["rotate", "shop"]).exits(4);

    let ran = shell(&world, command(&hourly)).done();

    assert!(ran.stdout.contains("stalled") && ran.stdout.contains("shop"), "{}", ran.stdout);
}

#[test]
fn the_hourly_line_says_what_is_wrong_with_the_configuration() {
    let [hourly, _] = lines();
    let world = World::enrolled();
    world.write("lwa-rotate.toml", "[stor]\n");

    let ran = shell(&world, command(&hourly)).done();

    assert!(ran.stdout.contains("stor"), "{}", ran.stdout);
}

#[test]
fn the_line_for_fixed_times_leaves_what_is_unfinished_to_the_hourly_one() {
    let [hourly, fixed] = lines();
    let rotate = command(&fixed).replace("rotate shop", "rotate shop --timeout 1s");
    let world = World::enrolled_with(|options| options.notification_delay = Duration::from_secs(2));

    let ran = shell(&world, &rotate).done();

    assert_eq!((ran.stdout, world.count("rotate")), (String::new(), 1));
    assert_ne!(world.status()["state"], "settled");
    shell(&world, command(&hourly)).done();
    world.assert_rotated();
}

#[test]
fn the_line_for_fixed_times_says_why_it_has_failed() {
    let [_, fixed] = lines();
    let world = World::enrolled_with(|options| options.applications[0].subscribed = false);

    let ran = shell(&world, command(&fixed)).done();

    assert!(ran.stdout.contains("error:") && ran.stdout.contains("hint:"), "{}", ran.stdout);
}

/// Otherwise nobody hears of it before the old secret ends.
#[test]
fn the_hourly_line_says_that_a_target_does_not_take_the_new_secret() {
    let [hourly, _] = lines();
    let world = World::enrolled();
    std::fs::remove_file(world.path("shop.json")).unwrap();
    std::fs::create_dir(world.path("shop.json")).unwrap();
    world.emulator.rotate_in_console(CLIENT_ID, true);

    let ran = shell(&world, command(&hourly)).done();

    assert!(ran.stdout.contains("shop.json") && ran.stdout.contains("what to do"), "{}", ran.stdout);
}

#[test]
fn the_hourly_line_says_that_an_application_is_not_enrolled() {
    let [hourly, _] = lines();
    let world = World::new();

    let ran = shell(&world, command(&hourly)).done();

    assert!(ran.stdout.contains("lwa-rotate enroll shop"), "{}", ran.stdout);
}

#[test]
fn the_hourly_line_says_that_a_queue_may_not_be_read() {
    let [hourly, _] = lines();
    let world = World::enrolled();
    world.fault("receive:refuse=AccessDenied*always");

    let ran = shell(&world, command(&hourly)).done();

    assert!(ran.stdout.contains("sqs:ReceiveMessage"), "{}", ran.stdout);
}
