//! Mistakes of the configuration: exit 2, with file, line and what was probably meant; nothing is started.

use crate::program::{CLIENT_ID, TARGETS, World};

#[track_caller]
fn assert_refused(world: &World, line: Option<&str>, said: &[&str]) {
    let text = world.read("lwa-rotate.toml");
    for command in [&["rotate", "shop"][..], &["watch"], &["status"], &["enroll", "shop"]] {
        let ran = world.run(command).exits(2);
        let mut ran = said.iter().fold(ran, |ran, said| ran.says(said));
        if let Some(line) = line {
            let number = text.lines().position(|found| found == line).unwrap() + 1;
            ran = ran.says(&format!("lwa-rotate.toml:{number}: "));
        }
        assert_eq!(ran.stdout, "");
    }
    let (code, document) = world.json(&["rotate", "shop"]);
    assert_eq!((code, &document["error"]["kind"]), (Some(2), &"configuration".into()));
    let mistake = &document["error"]["mistakes"][0];
    assert!(mistake["file"].as_str().is_some_and(|file| file.ends_with("/lwa-rotate.toml")), "{mistake}");
    assert_eq!(mistake["line"].is_u64(), line.is_some(), "{mistake}");
    assert_eq!(world.calls(), [""; 0], "nothing is sent");
    assert!(!world.path("state").exists(), "nothing is started");
}

#[test]
fn an_unknown_key_is_named_with_its_line_and_the_nearest_known_one() {
    let world = World::new();
    world.configure("rotate-befor = \"30d\"", TARGETS);
    assert_refused(
        &world,
        Some("rotate-befor = \"30d\""),
        &["unknown key `rotate-befor`", "did you mean `rotate-before`?"],
    );
}

#[test]
fn a_bad_duration_is_named_with_its_line() {
    let world = World::new();
    for (line, said) in [
        ("patience = \"1 hour\"", "`patience` is not a duration"),
        ("patience = \"7d\"", "`patience` must be between"),
        ("rotate-before = 30", "`rotate-before` must be a duration"),
    ] {
        world.configure(line, TARGETS);
        assert_refused(&world, Some(line), &[said]);
    }
}

#[test]
fn two_applications_with_one_client_id_are_both_named() {
    let world = World::new();
    let line = format!("client-id = \"{CLIENT_ID}\" # again");
    world.configure("", &format!("[apps.other]\n{line}\nqueue = \"main\"\nregion = \"eu\"\n"));
    assert_refused(&world, Some(&line), &["`other`", "`shop`", "have the same client id"]);
}

#[test]
fn plain_http_is_refused_for_anything_but_loopback() {
    let world = World::new();
    for line in [
        "api-endpoint = \"http://sellingpartnerapi-na.amazon.com\"",
        "api-endpoint = \"http://192.0.2.1\"",
        "token-endpoint = \"http://api.amazon.com/auth/o2/token\"",
        "token-endpoint = \"http://127.0.0.1.example.com/auth/o2/token\"",
    ] {
        world.configure(line, TARGETS);
        assert_refused(&world, Some(line), &["plain http is accepted for loopback addresses only", "https"]);
    }
}

#[test]
fn region_and_endpoint_at_once_are_refused() {
    let world = World::new();
    let line = "api-endpoint = \"https://example.com\"";
    world.configure(&format!("region = \"na\"\n{line}"), TARGETS);
    assert_refused(&world, Some(line), &["`region` and `api-endpoint` are both given"]);
}

/// Rule 9: a file that everybody may read is no place for a secret.
#[test]
fn a_secret_in_the_configuration_is_refused_and_not_repeated() {
    let world = World::new();
    let line = "client-secret = \"amzn1.oa2-cs.v1.in-the-wrong-place\"";
    world.watch_for("in-the-wrong-place");
    world.configure(line, TARGETS);
    assert_refused(&world, Some(line), &["secrets are never read from the configuration", "lwa-rotate enroll"]);
}

#[test]
fn what_is_no_toml_is_refused_with_its_line() {
    let world = World::new();
    world.configure("patience = \"1h", TARGETS);
    assert_refused(&world, Some("patience = \"1h"), &[]);
}

#[test]
fn a_queue_that_is_not_there_is_named() {
    let world = World::new();
    let text = world.read("lwa-rotate.toml").replace("queue = \"main\"", "queue = \"mian\"");
    world.write("lwa-rotate.toml", &text);
    assert_refused(&world, Some("queue = \"mian\""), &["there is no queue named \"mian\"", "did you mean \"main\"?"]);
}

#[test]
fn all_mistakes_are_told_at_once() {
    let world = World::new();
    world.configure("patience = \"soon\"\nrotate-before = \"late\"\ncolour = \"red\"", TARGETS);
    assert_refused(&world, Some("colour = \"red\""), &["`patience`", "`rotate-before`", "`colour`"]);
}

#[test]
fn a_configuration_that_is_not_there_says_where_it_was_looked_for() {
    let world = World::new();
    world.run(&["--config", "nowhere.toml", "rotate", "shop"]).exits(2).says("nowhere.toml: no such file");
    std::fs::remove_file(world.path("lwa-rotate.toml")).unwrap();
    world
        .run(&["rotate", "shop"])
        .exits(2)
        .says("there is no configuration: looked for")
        .says(".config/lwa-rotate/config.toml")
        .says("lwa-rotate demo");
    let (code, document) = world.json(&["rotate", "shop"]);
    assert_eq!((code, &document["error"]["kind"]), (Some(2), &"configuration".into()));
    assert_eq!(world.calls(), [""; 0]);
}

#[test]
fn the_configuration_is_found_in_the_users_folder_and_where_it_is_named() {
    let world = World::new();
    let text = world.read("lwa-rotate.toml");
    std::fs::remove_file(world.path("lwa-rotate.toml")).unwrap();
    std::fs::create_dir_all(world.path(".config/lwa-rotate")).unwrap();
    world.write(".config/lwa-rotate/config.toml", &text);
    assert_eq!(world.status()["app"], "shop");

    std::fs::rename(world.path(".config/lwa-rotate/config.toml"), world.path("elsewhere.toml")).unwrap();
    world.run(&["status"]).exits(2);
    let ran = world.run(&["status", "--config", "elsewhere.toml"]).exits(1);
    assert!(ran.stdout.contains("not enrolled"), "{}", ran.stdout);
}

#[test]
fn wrong_arguments_are_told_apart_from_a_wrong_configuration() {
    let world = World::new();
    world.run(&["rotate", "shop", "--timeout", "soon"]).exits(2).says("--timeout");
    world.run(&["rotat", "shop"]).exits(2).says("rotate");
    let (code, document) = world.json(&["rotate", "shop", "--tiemout", "1s"]);
    assert_eq!((code, &document["error"]["kind"]), (Some(2), &"usage".into()));
    assert!(document["error"]["message"].as_str().is_some_and(|text| text.contains("--tiemout")), "{document}");
    let help = world.run(&["--help"]).done();
    assert!(help.stdout.contains("Exit codes: 0 done, 1 failed"), "{}", help.stdout);
}
