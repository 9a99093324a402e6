//! `enroll --from` and `enroll --all`: the secret that applications read already is taken from there.

use lwa_rotate_emulator::Application;
use serde_json::{Value, json};

use crate::program::{CLIENT_ID, SECRET, TARGETS, World, in_days};
use crate::services::Kind;
use crate::{BOTH, SAMPLE_NAMES, create_secret, sample, secret, serve, shop, start, target, world};

const FROM: &str = "secretsmanager:prod/lwa";

fn secrets_manager() -> String {
    target("secretsmanager", &format!("secret = \"prod/lwa\"\n{SAMPLE_NAMES}"))
}

#[test]
fn an_application_moves_over_by_one_command_and_is_rotated_where_it_was() {
    let server = start(Kind::MiniStack);
    create_secret(&server, "prod/lwa", &shop());
    let world = world(&server, &secrets_manager());

    let ran = world.run(&["enroll", "shop", "--from", FROM]).done();
    assert!(ran.stdout.contains("shop is enrolled: Amazon accepts the secret"), "{}", ran.stdout);
    assert_eq!(world.stored("current").as_deref(), Some(SECRET));

    world.run(&["rotate", "shop"]).done();
    assert!(secret(&server, "prod/lwa", "AWSCURRENT").contains(&world.newest()));
}

#[test]
fn the_current_secret_comes_from_any_place_that_can_be_read_with_the_time_at_which_it_ends() {
    let ends_at = format!("{}T00:00:00Z", in_days(100));
    let document = json!({ "client_id": CLIENT_ID, "client_secret": SECRET, "expires_at": ends_at }).to_string();
    for kind in BOTH {
        let server = start(kind);
        create_secret(&server, "shop", &document);
        for (name, value) in [("/json", &*document), ("/value", SECRET)] {
            server.post("AmazonSSM.PutParameter", &json!({ "Name": name, "Type": "SecureString", "Value": value }));
        }
        let targets = target("secretsmanager", "secret = \"shop\"")
            + &target("ssm", "parameter = \"/json\"")
            + &target("ssm", "parameter = \"/value\"\nformat = \"value\"");
        for (from, ends) in [
            ("secretsmanager:shop", ends_at.clone().into()),
            ("ssm:/json", ends_at.clone().into()),
            ("ssm:/value", Value::Null),
            ("file:shop.json", ends_at.clone().into()),
            ("file:shop.env", ends_at.clone().into()),
        ] {
            let world = world(&server, &format!("{targets}{TARGETS}"));
            world.write("shop.json", &document);
            let env = format!("LWA_CLIENT_SECRET=\"{SECRET}\"\nexport LWA_CLIENT_SECRET_EXPIRES_AT={ends_at} # soon\n");
            world.write("shop.env", &env);

            let (code, enrolled) = world.json(&["enroll", "shop", "--from", from]);

            assert_eq!((code, &enrolled["status"]["expires_at"]), (Some(0), &ends), "{kind:?} {from}");
            assert_eq!(world.stored("current").as_deref(), Some(SECRET), "{kind:?} {from}");
        }
    }
}

#[test]
fn a_time_that_is_given_counts_more_than_the_one_that_is_held() {
    let world = World::new();
    let document =
        json!({ "client_id": CLIENT_ID, "client_secret": SECRET, "expires_at": format!("{}T00:00:00Z", in_days(100)) });
    world.write("shop.json", &document.to_string());

    let (_, enrolled) = world.json(&["enroll", "shop", "--from", "file:shop.json", "--expires-at", &in_days(99)]);

    assert_eq!(enrolled["status"]["expires_at"], format!("{}T00:00:00Z", in_days(99)));
}

#[test]
fn what_cannot_be_taken_over_is_told_and_nothing_is_stored() {
    let world = World::new();
    let other = "amzn1.application-oa2-client.other";
    for (content, exit, said) in [
        ("{}", 1, "there is no client secret in file:shop.json yet"),
        ("no json", 1, "left as it is"),
        (&*json!({ "client_id": other, "client_secret": SECRET }).to_string(), 1, other),
        (&*json!({ "client_secret": ["x"] }).to_string(), 1, "client_secret is no text"),
        (&*json!({ "client_secret": "two words" }).to_string(), 1, "this is no client secret"),
    ] {
        world.write("shop.json", content);
        world.run(&["enroll", "shop", "--from", "file:shop.json"]).exits(exit).says(said);
    }
    let mismatch = json!({ "client_id": other, "client_secret": SECRET }).to_string();
    world.write("shop.json", &mismatch);
    world.run(&["enroll", "shop", "--from", "file:shop.json"]).exits(1).says(other).says(CLIENT_ID);
    world.run(&["enroll", "shop", "--from", "shop.json"]).exits(2).says("it has: file:shop.env, file:shop.json");
    // Rule 9: it may be a secret in the wrong place.
    world.run(&["enroll", "shop", "--from", SECRET]).exits(2).says("no publish target of the name");
    world.run(&["enroll", "--all", "--from", "file:shop.json"]).exits(2);
    world.run(&["enroll"]).exits(2);
    assert_eq!(world.calls(), [""; 0]);
    assert!(!world.path("state").exists());
}

#[test]
fn a_place_that_cannot_be_reached_at_present_is_one_to_try_again() {
    let world = World::new();
    world.configure("", &secrets_manager());
    world.set("AWS_ENDPOINT_URL_SECRETS_MANAGER", "http://127.0.0.1:9");
    world.run(&["enroll", "shop", "--from", FROM]).exits(3).says("prod/lwa").says("run it again later");
}

/// An application of the configuration with its targets.
fn application(world: &World, name: &str, targets: &str) -> String {
    let (url, token) = (world.emulator.url(), world.emulator.token_endpoint());
    format!(
        "\n[apps.{name}]\nclient-id = \"{}\"\nqueue = \"main\"\napi-endpoint = \"{url}\"\ntoken-endpoint = \"{token}\"\n{}",
        id(name),
        targets.replace("apps.shop", &format!("apps.{name}"))
    )
}

fn id(name: &str) -> String {
    format!("amzn1.application-oa2-client.{name}")
}

fn secret_of(name: &str) -> String {
    format!("amzn1.oa2-cs.v1.{name}-9c0d1e2f3a4b5c6d")
}

#[test]
fn all_that_are_not_enrolled_yet_move_over_by_one_command_with_a_line_for_each() {
    const NAMES: [&str; 5] = ["sample", "alone", "bare", "torn", "wrong"];
    let server = start(Kind::MiniStack);
    let world = World::with(|options| {
        options.applications.extend(NAMES.map(|name| Application::new(id(name), secret_of(name))));
    });
    serve(&server, &world);
    NAMES.iter().for_each(|name| world.watch_for(&secret_of(name)));
    create_secret(&server, "sample", &sample(&id("sample"), &secret_of("sample")));
    world.write("alone.json", &json!({ "client_secret": secret_of("alone") }).to_string());
    world.write("torn-1.json", &json!({ "client_secret": secret_of("torn") }).to_string());
    world.write("torn-2.json", &json!({ "client_secret": secret_of("alone") }).to_string());
    world.write("wrong.json", &json!({ "client_secret": secret_of("alone") }).to_string());
    let file = |path: &str| target("file", &format!("path = \"{path}\"\nformat = \"json\""));
    let apps = [
        ("sample", target("secretsmanager", &format!("secret = \"sample\"\n{SAMPLE_NAMES}")) + &file("sample.json")),
        ("alone", file("alone.json")),
        ("bare", target("exec", "command = [\"/bin/false\"]")),
        ("torn", file("torn-1.json") + &file("torn-2.json")),
        ("wrong", file("wrong.json")),
    ];
    let tables: String = apps.iter().map(|(name, targets)| application(&world, name, targets)).collect();
    world.configure("", &format!("{TARGETS}{tables}"));
    world.enroll();

    let (code, document) = world.json(&["enroll", "--all"]);

    assert_eq!(code, Some(1), "one of them needs a person");
    let became: Vec<[&str; 2]> = document["apps"]
        .as_array()
        .unwrap()
        .iter()
        .map(|app| [app["app"].as_str().unwrap(), app["outcome"].as_str().unwrap()])
        .collect();
    assert_eq!(
        became,
        [
            ["shop", "already"],
            ["sample", "enrolled"],
            ["alone", "enrolled"],
            ["bare", "failed"],
            ["torn", "failed"],
            ["wrong", "failed"],
        ]
    );
    let app = |name: &str| document["apps"].as_array().unwrap().iter().find(|app| app["app"] == name).unwrap().clone();
    assert_eq!(app("sample")["from"], "secretsmanager:sample");
    assert_eq!(app("sample")["status"]["verified"], true);
    for (name, said) in
        [("bare", "none of its targets"), ("torn", "different client secrets"), ("wrong", "not verified")]
    {
        assert!(app(name)["message"].as_str().unwrap().contains(said), "{}", app(name));
    }
    assert!(world.read("sample.json").contains(&secret_of("sample")), "published to its other targets as well");

    let ran = world.run(&["enroll", "--all"]).exits(1);
    assert_eq!(ran.stdout.lines().count(), 6, "{}", ran.stdout);
    assert!(ran.stdout.contains("alone is enrolled already"), "{}", ran.stdout);
}

/// What could not be looked at may hold a newer secret, which this one would be put over.
#[test]
fn a_target_that_cannot_be_read_keeps_its_application_from_being_enrolled_with_what_another_holds() {
    let world = World::new();
    let old = format!("LWA_CLIENT_SECRET={SECRET}\n");
    let other = json!({ "client_id": id("other"), "client_secret": "amzn1.oa2-cs.v1.live" }).to_string();
    for (content, said) in [("no json", "left as it is"), (&*other, "the secret of another application")] {
        world.write("shop.env", &old);
        world.write("shop.json", content);

        world.run(&["enroll", "--all"]).exits(1).says("lwa-rotate enroll shop --from TARGET");

        let (_, document) = world.json(&["enroll", "--all"]);
        let message = document["apps"][0]["message"].as_str().unwrap();
        assert!(message.contains(said) && !message.contains("live"), "{message}");
        assert_eq!((world.read("shop.env"), world.read("shop.json")), (old.clone(), content.to_owned()));
        assert!(!world.path("state").exists(), "nothing is stored");
    }

    // The other way is still there, and what belongs to another application stays that of the other.
    world.run(&["enroll", "shop", "--from", "file:shop.env"]);
    assert_eq!(world.stored("current").as_deref(), Some(SECRET));
    assert_eq!(world.read("shop.json"), other);
    let failure = world.status().to_string();
    assert!(failure.contains("another application, and is not overwritten"), "{failure}");
}

/// Rule 9: where `names` are swapped, the secret stands in the place of the client id.
#[test]
fn what_stands_in_the_place_of_the_client_id_is_shown_only_if_it_is_one() {
    let world = World::new();
    world.write("shop.json", &json!({ "client_id": SECRET, "client_secret": CLIENT_ID }).to_string());
    world.run(&["enroll", "shop", "--from", "file:shop.json"]).exits(1).says("no client id of Amazon's");
}

/// It is not that of whatever was used first.
#[test]
fn a_target_of_which_nobody_says_where_it_is_is_not_looked_for_in_another_region() {
    let world = World::new();
    world.configure("", &target("ssm", "parameter = \"/shop\""));
    world.set("AWS_REGION", "");
    world.run(&["enroll", "shop", "--from", "ssm:/shop"]).exits(1).says("no AWS region is known: set `region`");
}

#[test]
fn when_all_are_enrolled_the_command_is_done() {
    let world = World::new();
    world.write("shop.json", &json!({ "client_id": CLIENT_ID, "client_secret": SECRET }).to_string());

    let ran = world.run(&["enroll", "--all"]).done();

    assert_eq!(ran.stdout, "shop is enrolled: Amazon accepts the secret that file:shop.json holds\n");
    let ran = world.run(&["enroll", "--all"]).done();
    assert_eq!(ran.stdout, "shop is enrolled already\n");
}
