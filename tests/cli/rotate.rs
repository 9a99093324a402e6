//! `rotate` when all goes well, and what `get`, `status` and `--dry-run` say around it.

use std::fs;

use serde_json::{Value, json};

use crate::program::{CLIENT_ID, SECRET, World};

/// The queue is inspected and read, then a rotation's six calls.
const ROTATION: [&str; 8] = ["queue", "receive", "token", "rotate", "receive", "token", "proof", "delete"];

fn instant(milliseconds: u64) -> String {
    let at = time::OffsetDateTime::from_unix_timestamp_nanos(i128::from(milliseconds) * 1_000_000).unwrap();
    at.format(&time::format_description::well_known::Rfc3339).unwrap()
}

#[test]
fn rotate_makes_one_call_and_stays_until_the_new_secret_is_published() {
    let world = World::enrolled();
    let before = world.calls().len();

    let ran = world.run(&["rotate", "shop"]).done().says("rotating the client secret of shop");

    assert_eq!(world.calls()[before..], ROTATION);
    for line in
        ["shop is rotated", "old secret ends", "new secret ends", "published to      file:shop.env, file:shop.json"]
    {
        assert!(ran.stdout.contains(line), "{line}: {}", ran.stdout);
    }
    world.assert_rotated();
    assert_eq!(world.stored("retired").as_deref(), Some(SECRET), "rule 8: the old secret stays");
    let issued = world.emulator.secrets(CLIENT_ID).pop().unwrap();
    let ends = instant(issued.ends_at);
    let (env, document) = (world.read("shop.env"), world.read("shop.json"));
    for line in [
        format!("LWA_CLIENT_ID={CLIENT_ID}"),
        format!("LWA_CLIENT_SECRET={}", issued.secret),
        format!("LWA_CLIENT_SECRET_EXPIRES_AT={ends}"),
    ] {
        assert!(env.lines().any(|found| found == line), "{env}");
    }
    let document: Value = serde_json::from_str(&document).unwrap();
    assert_eq!(document, json!({ "client_id": CLIENT_ID, "client_secret": issued.secret, "expires_at": ends }));
}

#[test]
fn status_tells_where_the_application_stands_without_any_request() {
    let world = World::enrolled();
    world.run(&["rotate", "shop"]).done();
    let calls = world.calls().len();

    let status = world.status();
    let ran = world.run(&["status"]).done();

    let secrets = world.emulator.secrets(CLIENT_ID);
    assert_eq!(status["app"], "shop");
    assert_eq!(status["client_id"], CLIENT_ID);
    assert_eq!(
        (&status["state"], &status["verified"], &status["generation"]),
        (&"settled".into(), &true.into(), &2.into())
    );
    assert_eq!(status["expires_at"], instant(secrets[1].ends_at));
    assert_eq!(status["retired_ends_at"], instant(secrets[0].ends_at));
    assert_eq!(status["problem"], Value::Null);
    assert!(status["next"]["at"].as_str() > status["current_since"].as_str(), "{status}");
    assert_eq!(status["targets"][1]["name"], "file:shop.json");
    assert_eq!(status["targets"][1]["holds_current"], true);
    assert!(ran.stdout.contains("APPLICATION") && ran.stdout.contains("2 of 2"), "{}", ran.stdout);
    assert_eq!(world.calls().len(), calls);
}

#[test]
fn get_prints_each_stage_in_each_format_and_nothing_else() {
    let world = World::enrolled();
    world.run(&["rotate", "shop"]).done();
    let get = |arguments: &[&str]| {
        let ran = world.run(&[&["get", "shop"], arguments].concat()).done();
        assert_eq!(ran.stderr, "");
        ran.stdout
    };
    let newest = world.newest();

    assert_eq!(get(&[]), format!("{newest}\n"));
    assert_eq!(get(&["--stage", "current", "--format", "value"]), format!("{newest}\n"));
    assert_eq!(get(&["--stage", "retired"]), format!("{SECRET}\n"));
    for form in [&["--format", "json"][..], &["--json"]] {
        let document: Value = serde_json::from_str(&get(form)).unwrap();
        assert_eq!((&document["client_id"], &document["client_secret"]), (&CLIENT_ID.into(), &newest.clone().into()));
        assert!(document["expires_at"].is_string());
    }
    let lines = get(&["--format", "env"]);
    assert!(lines.contains(&format!("LWA_CLIENT_SECRET={newest}\n")), "{lines}");
    let evaluated = world.run_in_shell(
        r#"eval "$("$@")" && [ -n "$LWA_CLIENT_ID" ] && [ "$LWA_CLIENT_SECRET" = "$(cat newest)" ]"#,
        &["get", "shop", "--format", "env"],
    );
    assert_eq!(evaluated.code, Some(1), "nothing is in the file yet");
    world.write("newest", &newest);
    world
        .run_in_shell(
            r#"eval "$("$@")" && [ -n "$LWA_CLIENT_ID" ] && [ "$LWA_CLIENT_SECRET" = "$(cat newest)" ]"#,
            &["get", "shop", "--format", "env"],
        )
        .done();

    world.run(&["get", "shop", "--stage", "candidate"]).exits(1).says("shop has no candidate secret");
}

#[test]
fn rotate_answers_one_json_document() {
    let world = World::enrolled();

    let (code, document) = world.json(&["rotate", "shop"]);

    assert_eq!((code, &document["outcome"]), (Some(0), &"rotated".into()));
    assert_eq!(document["status"]["generation"], 2);
    assert_eq!(document["status"], world.status());
}

#[test]
fn a_newer_secret_that_waits_in_the_queue_is_taken_up_instead_of_a_rotation() {
    let world = World::enrolled();
    world.emulator.rotate_in_console(CLIENT_ID, true);

    let (code, document) = world.json(&["rotate", "shop"]);

    assert_eq!((code, &document["outcome"]), (Some(0), &"taken-up".into()));
    assert_eq!(world.count("rotate"), 0, "rule 2: never twice");
    world.assert_rotated();
}

#[test]
fn a_dry_run_checks_and_changes_nothing() {
    let world = World::enrolled();
    world.emulator.send_message("somebody's message");
    let record = || {
        let entries = world.path("state").read_dir().unwrap();
        let files: Vec<_> = entries.map(|entry| fs::read(entry.unwrap().path()).unwrap()).collect();
        (files, world.read("shop.env"), world.read("shop.json"))
    };
    let (before, calls) = (record(), world.calls().len());

    let ran = world.run(&["rotate", "shop", "--dry-run"]).done();

    assert!(ran.stdout.contains("would read the queue, make the rotate call"), "{}", ran.stdout);
    assert_eq!(world.calls()[calls..], ["queue", "token", "token", "proof"]);
    assert_eq!(record(), before);
    assert_eq!(world.emulator.messages().visible, 1);
    assert_eq!(world.emulator.secrets(CLIENT_ID).len(), 1);

    let (code, document) = world.json(&["rotate", "shop", "--dry-run"]);
    assert_eq!((code, &document["dry_run"], &document["plan"]), (Some(0), &true.into(), &"request".into()));
    assert_eq!(document["queue_url"], world.emulator.queue_url());
}

#[test]
fn a_dry_run_says_when_amazon_refuses_the_secret() {
    let world = World::enrolled();
    world.emulator.advance_time(std::time::Duration::from_secs(181 * 86_400));

    world
        .run(&["rotate", "shop", "--dry-run"])
        .exits(1)
        .says("a rotation would not go as it should")
        .says("The LWA secret token you provided has expired.");
    assert_eq!(world.count("rotate"), 0);
}

/// Amazon does not say what a second rotation inside the overlap does.
#[test]
fn a_second_rotation_at_once_has_to_be_confirmed_and_keeps_to_the_rate() {
    let world = World::enrolled();
    world.run(&["rotate", "shop"]).done();

    world.run(&["rotate", "shop"]).exits(2).says("nothing was changed").says("run it again with --force");
    assert_eq!(world.status()["state"], "settled");

    world.run(&["rotate", "shop", "--force", "--timeout", "1s"]).exits(3).says("no rotate call has been accepted yet");
    assert_eq!(world.count("rotate"), 1, "one rotate call a minute");
    assert_eq!(world.status()["next"]["kind"], "call-permitted");
}

/// Rule 11: say what to do, and nothing that is not so.
#[test]
fn a_joined_rotation_that_ends_without_a_new_secret_is_not_called_rotated() {
    let world = World::enrolled();
    world.fault("proof:status=503*always");
    world.emulator.rotate_in_console(CLIENT_ID, false);
    world.run_with(&["enroll", "shop"], &world.newest()).exits(3);
    assert_eq!(world.status()["state"], "verifying");
    let rotate = world.start(&["rotate", "shop"]);
    rotate.until("it has joined", || rotate.stderr().contains("finishing the rotation"));

    // Supplying the one in use takes the other back.
    world.run_with(&["enroll", "shop"], SECRET);

    let ran = rotate.end().exits(1).says("the rotation ended without a new secret").says("stays in use");
    assert!(!ran.stdout.contains("is rotated"), "{}", ran.stdout);
    assert_eq!(world.count("rotate"), 0);
}
