//! `enroll`: the current secret is supplied, verified by use, and published.

use crate::program::{CLIENT_ID, SECRET, World, in_days, mode};

#[test]
fn enroll_takes_the_secret_from_stdin_verifies_it_by_use_and_publishes_it() {
    let world = World::new();

    let ran = world.run_with(&["enroll", "shop"], &format!("  {SECRET}\r\n")).done();

    assert!(ran.stdout.contains("shop is enrolled: Amazon accepts the secret"), "{}", ran.stdout);
    assert_eq!(world.calls(), ["token", "proof"], "rule 4: verified before use");
    assert_eq!(world.stored("current").as_deref(), Some(SECRET));
    assert!(world.read("shop.env").contains(SECRET) && world.read("shop.json").contains(SECRET));
    let record = world.path("state").read_dir().unwrap().next().unwrap().unwrap().path();
    assert_eq!((mode(&world.path("state")), mode(&record)), (0o700, 0o600));
}

#[test]
fn enroll_takes_the_secret_from_a_file_and_the_expiry_time_from_an_option() {
    let world = World::new();
    world.write("secret", &format!("{SECRET}\n"));

    let ends = in_days(150);
    let enroll = ["enroll", "shop", "--secret-file", "secret", "--expires-at", &ends];
    let (code, document) = world.json(&enroll);

    assert_eq!(code, Some(0));
    assert_eq!(document["status"]["expires_at"], format!("{ends}T00:00:00Z"));
    assert_eq!(document["status"]["verified"], true);
    assert_eq!(world.stored("current").as_deref(), Some(SECRET));
}

/// Rule 9: arguments are seen by every user of the machine.
#[test]
fn a_secret_among_the_arguments_is_refused_and_not_repeated() {
    for arguments in [
        &["enroll", "shop", SECRET][..],
        &["enroll", "shop", "--secret", SECRET],
        &["enroll", "shop", "--client-secret", SECRET],
    ] {
        let world = World::new();
        let ran = world.run(arguments).exits(2).says("never taken as an argument").says("--secret-file");
        assert!(!ran.stderr.contains(SECRET) && !ran.stdout.contains(SECRET));
        let (code, document) = world.json(arguments);
        assert_eq!((code, document["error"]["kind"].as_str()), (Some(2), Some("usage")));
        assert_eq!(world.calls(), [""; 0]);
        assert!(!world.path("state").exists(), "nothing was started");
    }
}

/// Rule 4: a secret that Amazon does not accept is not used.
#[test]
fn a_wrong_secret_is_kept_and_not_published_and_the_text_says_what_to_do() {
    let world = World::new();
    let wrong = "amzn1.oa2-cs.v1.a-slip-of-the-mouse";
    world.watch_for(wrong);

    world
        .run_with(&["enroll", "shop"], wrong)
        .exits(1)
        .says("shop: the secret is kept, but not verified")
        .says(CLIENT_ID)
        .says("401 invalid_client: Client authentication failed")
        .says("look up the client secret in the Developer Console");

    assert_eq!(world.calls(), ["token"]);
    assert!(!world.path("shop.env").exists());
    let status = world.status();
    assert_eq!((&status["verified"], &status["problem"]["cause"]), (&false.into(), &"secret-refused".into()));

    world.enroll();
    assert_eq!(world.stored("current").as_deref(), Some(SECRET));
    assert!(world.read("shop.env").contains(SECRET));
}

#[test]
fn what_cannot_be_a_secret_is_not_taken() {
    let world = World::new();
    for (input, said) in [
        ("", "the input is empty"),
        ("  \n", "the input is empty"),
        ("two words", "this is no client secret"),
        ("two\nlines", "this is no client secret"),
    ] {
        world.run_with(&["enroll", "shop"], input).exits(1).says(said);
    }
    world.run_with(&["enroll", "shop"], &"x".repeat(5000)).exits(1).says("too long");
    world.run(&["enroll", "shop", "--secret-file", "nowhere"]).exits(1).says("nowhere cannot be read");
    world.run_with(&["enroll", "shop", "--expires-at", "tomorrow"], SECRET).exits(2).says("--expires-at");
    assert_eq!(world.calls(), [""; 0]);
    assert!(!world.path("state").exists());
}

#[test]
fn an_application_that_is_not_configured_is_a_mistake_of_usage() {
    let world = World::new();
    world.run_with(&["enroll", "shpo"], SECRET).exits(2).says("no application named shpo").says("did you mean shop?");
    for command in ["rotate", "status", "get"] {
        world.run(&[command, "somewhere-else"]).exits(2).says("lwa-rotate.toml has: shop");
    }
    assert_eq!(world.calls(), [""; 0]);
}

#[test]
fn what_is_not_enrolled_says_so() {
    let world = World::new();
    world.run(&["rotate", "shop"]).exits(1).says("shop is not enrolled yet").says("lwa-rotate enroll shop");
    world.run(&["get", "shop"]).exits(1).says("lwa-rotate enroll shop");
    let ran = world.run(&["status"]).exits(1);
    assert!(ran.stdout.contains("lwa-rotate enroll shop"), "{}", ran.stdout);
    assert_eq!(world.status()["enrolled"], false);
    assert_eq!(world.calls(), [""; 0], "nothing is asked for an application without a secret");
}

/// A rotation in the console whose message goes elsewhere.
#[test]
fn a_secret_supplied_later_becomes_current_when_it_is_verified() {
    let world = World::enrolled();
    world.emulator.rotate_in_console(CLIENT_ID, false);

    world.run_with(&["enroll", "shop"], &world.newest()).done();

    assert_eq!(world.stored("current"), Some(world.newest()));
    assert!(world.read("shop.env").contains(&world.newest()));
    assert_eq!(world.count("rotate"), 0);
}

/// Rule 9: a secret in the wrong place is not repeated.
#[test]
fn a_secret_in_the_place_of_an_argument_is_not_repeated() {
    let world = World::enrolled();
    for arguments in [
        &["enroll", "shop", "--expires-at", SECRET][..],
        &["resume", "shop", SECRET],
        &["rotate", "shop", SECRET],
        &["rotate", "shop", "--timeout", SECRET, "--json"],
        &["status", "shop", "0123456789abcdef0123456789abcdef"],
    ] {
        let ran = world.run(arguments);
        let printed = format!("{}{}", ran.stdout, ran.stderr);
        assert!(!printed.contains(arguments.iter().find(|argument| argument.len() > 20).unwrap()), "{printed}");
        ran.exits(2).says("it may be a secret");
    }
    world.run(&["status", "--sometimes"]).exits(2).says("--sometimes");
}
