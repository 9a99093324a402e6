//! `demo`: a whole rotation with nothing to configure.

use std::fs;
use std::path::Path;

use crate::program::World;

fn entries(folder: &Path) -> Vec<String> {
    let names = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned());
    names.collect()
}

/// Nothing but what the helper puts there.
fn assert_nothing_left_behind(world: &World) {
    let mut found = entries(world.folder.path());
    found.sort();
    assert_eq!(found, ["lwa-rotate.toml", "tmp"]);
    assert_eq!(entries(&world.path("tmp")), [""; 0]);
}

#[test]
fn demo_shows_a_whole_rotation_in_six_calls_and_leaves_nothing_behind() {
    let world = World::new();

    let ran = world.run(&["demo"]).done().says("not Amazon");

    for line in ["old secret ends", "new secret ends", "published to", "demo.env"] {
        assert!(ran.stdout.contains(line), "{line}: {}", ran.stdout);
    }
    assert!(ran.stdout.contains("8: queue, receive, token, rotate, receive, token, proof, delete"), "{}", ran.stdout);
    assert_nothing_left_behind(&world);
    assert_eq!(world.calls(), [""; 0], "it has an emulator of its own");
}

#[test]
fn demo_answers_one_json_document() {
    let world = World::new();

    let (code, document) = world.json(&["demo"]);

    assert_eq!(code, Some(0));
    assert_eq!(document["emulator"], true);
    let operations: Vec<_> = document["calls"].as_array().unwrap().iter().map(|call| &call["operation"]).collect();
    assert_eq!(operations, ["queue", "receive", "token", "rotate", "receive", "token", "proof", "delete"]);
    assert_eq!(document["calls"][3]["status"], 204);
    assert_eq!(document["published_to"].as_array().map(Vec::len), Some(1));
    assert_eq!(document["status"]["state"], "settled");
    assert_eq!(document["status"]["generation"], 2);
    assert!(document["old_secret_ends_at"].as_str() < document["new_secret_ends_at"].as_str());
    assert!(document["took_ms"].as_u64().is_some_and(|took| took < 20_000), "{document}");
}

#[test]
fn demo_takes_no_notice_of_aws_settings_proxies_and_configurations() {
    let world = World::new();
    world.write("lwa-rotate.toml", "this is no configuration");
    for (name, value) in [
        ("AWS_ENDPOINT_URL", "http://127.0.0.1:1"),
        ("AWS_ENDPOINT_URL_SQS", "http://127.0.0.1:1"),
        ("AWS_REGION", "moon-1"),
        ("AWS_DEFAULT_REGION", "moon-1"),
        ("AWS_PROFILE", "nobody"),
        ("AWS_CONFIG_FILE", "/nonexistent/config"),
        ("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent/credentials"),
        ("AWS_ACCESS_KEY_ID", ""),
        ("AWS_SECRET_ACCESS_KEY", ""),
        ("AWS_USE_FIPS_ENDPOINT", "true"),
        ("HTTP_PROXY", "http://127.0.0.1:1"),
        ("HTTPS_PROXY", "http://127.0.0.1:1"),
        ("ALL_PROXY", "http://127.0.0.1:1"),
    ] {
        world.set(name, value);
    }

    let ran = world.run(&["demo"]).done();

    assert!(ran.stdout.contains("8: queue, receive, token, rotate, receive, token, proof, delete"), "{}", ran.stdout);
}

#[test]
fn a_demo_that_is_stopped_leaves_nothing_behind_either() {
    let world = World::new();
    let demo = world.start(&["demo"]);
    demo.until("it has begun", || demo.stderr().contains("rotating it"));

    demo.terminate();

    // It may have been at its very end.
    let ran = demo.end();
    assert!(matches!(ran.code, Some(0 | 3)), "{ran:?}");
    assert_nothing_left_behind(&world);
}
