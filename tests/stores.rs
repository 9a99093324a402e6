//! The stores in DynamoDB and Secrets Manager, against moto server and MiniStack (PyPI): the promises of a store, and the program
//! with its records there.

#![allow(missing_docs, clippy::unwrap_used, reason = "tests")]

mod program;
mod services;

use lwa_rotate::aws::Aws;
use lwa_rotate::store::{DynamoDbStore, SecretsManagerStore, conformance};
use program::{CLIENT_ID, World};
use serde_json::{Value, json};
use services::ministack::{python, user, with_authorization};
use services::{Kind, Server};

const TABLE: &str = "lwa-rotate";
const DYNAMODB: &str = "kind = \"dynamodb\"\ntable = \"lwa-rotate\"";
const SECRETS: &str = "kind = \"secretsmanager\"";

/// The secret of the one application.
fn secret() -> String {
    format!("lwa-rotate/{CLIENT_ID}")
}

fn aws(server: &Server) -> Aws {
    let aws = Aws::new().region("us-east-1").access_key("test", "test".into());
    aws.endpoint(server.url()).unwrap()
}

fn table() -> Value {
    json!({
        "TableName": TABLE,
        "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": [{ "AttributeName": "client_id", "AttributeType": "S" }],
        "KeySchema": [{ "AttributeName": "client_id", "KeyType": "HASH" }],
    })
}

fn with_table(kind: Kind) -> Server {
    let server = Server::start(kind);
    server.post("DynamoDB_20120810.CreateTable", &table());
    server
}

/// A world whose records are kept on a server; nobody is enrolled yet.
fn world(server: &Server, store: &str) -> World {
    let world = World::new();
    world.set("AWS_ENDPOINT_URL_DYNAMODB", &server.url());
    world.set("AWS_ENDPOINT_URL_SECRETS_MANAGER", &server.url());
    keep_in(&world, store);
    world
}

/// Writes `[store]` of the configuration anew.
fn keep_in(world: &World, store: &str) {
    let configuration = world.read("lwa-rotate.toml");
    let (_, rest) = configuration.split_once("\n\n").unwrap();
    world.write("lwa-rotate.toml", &format!("[store]\n{store}\n\n{rest}"));
}

/// What `check` says of the store.
fn finding(world: &World) -> Value {
    let (_, document) = world.json(&["check"]);
    let findings = document["findings"].as_array().unwrap();
    findings.iter().find(|finding| finding["check"] == "store").unwrap().clone()
}

#[track_caller]
fn assert_found(world: &World, severity: &str, text: &str) {
    let finding = finding(world);
    assert_eq!(finding["severity"], severity, "{finding}");
    assert!(format!("{} {}", finding["evidence"], finding["remedy"]).contains(text), "{finding}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_table_of_moto_keeps_the_promises_of_a_store() {
    let server = with_table(Kind::Moto);
    let aws = aws(&server);
    conformance::run(|| DynamoDbStore::new(TABLE).aws(aws.clone())).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_table_of_ministack_keeps_the_promises_of_a_store() {
    let server = with_table(Kind::MiniStack);
    let aws = aws(&server);
    conformance::run(|| DynamoDbStore::new(TABLE).aws(aws.clone())).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn secrets_of_moto_keep_the_promises_of_a_store() {
    let server = Server::start(Kind::Moto);
    let aws = aws(&server);
    conformance::run(|| SecretsManagerStore::new("lwa-rotate/").aws(aws.clone())).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn secrets_of_ministack_keep_the_promises_of_a_store() {
    let server = Server::start(Kind::MiniStack);
    let aws = aws(&server);
    conformance::run(|| SecretsManagerStore::new("lwa-rotate/").aws(aws.clone())).await;
}

/// Rule 9 as well: as talkative as the program can be.
#[test]
fn a_rotation_goes_through_with_its_record_in_either_store_of_either_server() {
    for kind in [Kind::Moto, Kind::MiniStack] {
        let server = with_table(kind);
        for store in [DYNAMODB, SECRETS] {
            let world = world(&server, store);
            assert_found(
                &world,
                "not-checked",
                if store == SECRETS { "0 for 1 applications" } else { "the table lwa-rotate" },
            );
            world.run(&["rotate", "shop"]).exits(1).says("not enrolled");
            world.enroll();

            world.run(&["-vvv", "rotate", "shop"]).done();

            world.assert_rotated();
            assert_eq!(world.count("rotate"), 1, "{kind:?} {store}");
            assert!(!world.path("state").exists());
            assert_found(
                &world,
                "not-checked",
                if store == SECRETS { "1 for 1 applications" } else { "the table lwa-rotate" },
            );
            world.run(&["rotate", "shop", "--dry-run"]).done();
        }
    }
}

/// Rule 3: one caller, though each process knows of the other by the store alone.
#[test]
fn processes_that_share_a_store_make_one_call() {
    for (kind, store) in [(Kind::Moto, DYNAMODB), (Kind::MiniStack, SECRETS)] {
        let server = with_table(kind);
        let world = world(&server, store);
        world.enroll();

        let racers = [world.start(&["rotate", "shop"]), world.start(&["rotate", "shop"])];
        for racer in racers {
            let ran = racer.end();
            // 1: the store had no answer in time, or the other kept changing the record. It is run again then.
            assert!(matches!(ran.code, Some(0 | 1 | 3)), "{:?} {}", ran.code, ran.stderr);
        }
        if world.status()["state"] != "settled" || world.emulator.messages().all() > 0 {
            world.emulator.advance_time(std::time::Duration::from_secs(600));
            let finished = || world.emulator.messages().all() == 0 && world.status()["state"] == "settled";
            world.watch_until("what was left is finished", finished).done();
        }

        world.assert_rotated();
        assert_eq!(world.count("rotate"), 1, "{store}");
    }
}

/// What a save that was killed halfway leaves, and what old versions keep: moto tells all versions there are.
#[test]
fn old_versions_of_a_record_have_no_labels() {
    let server = Server::start(Kind::Moto);
    let world = world(&server, SECRETS);
    world.enroll();
    server.post(
        "secretsmanager.PutSecretValue",
        &json!({ "SecretId": secret(), "SecretString": "half saved", "VersionStages": ["lwa-rotate-saving"] }),
    );

    world.run(&["rotate", "shop"]).done();

    world.assert_rotated();
    let listed =
        server.post("secretsmanager.ListSecretVersionIds", &json!({ "SecretId": secret(), "IncludeDeprecated": true }));
    let mut labels: Vec<&str> = Vec::new();
    let versions = listed["Versions"].as_array().unwrap();
    for version in versions {
        labels.extend(version["VersionStages"].as_array().into_iter().flatten().map(|label| label.as_str().unwrap()));
    }
    labels.sort_unstable();
    assert_eq!(labels, ["AWSCURRENT", "AWSPREVIOUS", "lwa-rotate-saving"]);
    assert!(versions.len() > 5, "a version for each save: {listed}");
}

#[test]
fn a_table_that_is_not_there_or_has_another_key_is_told_with_how_to_make_one() {
    let server = with_table(Kind::MiniStack);
    let mut other = table();
    other["TableName"] = "other".into();
    other["AttributeDefinitions"][0]["AttributeName"] = "id".into();
    other["KeySchema"][0]["AttributeName"] = "id".into();
    server.post("DynamoDB_20120810.CreateTable", &other);
    let world = world(&server, DYNAMODB);
    world.enroll();

    for (line, place) in [
        ("table = \"no-such-table\"", "'no-such-table' of DynamoDB in us-east-1"),
        ("table = \"lwa-rotate\"\nregion = \"eu-west-1\"", "'lwa-rotate' of DynamoDB in eu-west-1"),
        ("table = \"other\"", "'other' of DynamoDB in us-east-1"),
    ] {
        keep_in(&world, &format!("kind = \"dynamodb\"\n{line}"));
        let ran = world.run(&["rotate", "shop"]).exits(1).says(place).says("AttributeName=client_id,KeyType=HASH");
        assert!(ran.stderr.contains("hint: "), "{}", ran.stderr);
        assert_found(&world, "blocking", "AttributeName=client_id,KeyType=HASH");
    }
    assert_eq!(world.count("rotate"), 0, "rule 1: what cannot be recorded is not begun");
}

/// The record is not lost, and not made anew either.
#[test]
fn a_secret_that_is_to_be_deleted_is_told_with_how_to_take_that_back() {
    let server = Server::start(Kind::MiniStack);
    let world = world(&server, SECRETS);
    world.enroll();
    server.post("secretsmanager.DeleteSecret", &json!({ "SecretId": secret(), "RecoveryWindowInDays": 7 }));

    let remedy = format!("restore-secret --secret-id {}", secret());
    world.run(&["rotate", "shop"]).exits(1).says("scheduled for deletion").says(&remedy);
    world.run_with(&["enroll", "shop"], program::SECRET).exits(1).says(&remedy);
    assert_found(&world, "blocking", &remedy);
    assert_eq!(world.count("rotate"), 0);

    server.post("secretsmanager.RestoreSecret", &json!({ "SecretId": secret() }));
    world.run(&["rotate", "shop"]).done();
    world.assert_rotated();
}

/// MiniStack looks at signatures and policies here: what the documents say is needed is enough, and less is told.
#[test]
fn the_permissions_that_are_documented_are_enough_and_without_one_it_is_named() {
    let server = with_authorization();
    python(&server, &format!("client('dynamodb').create_table(**json.loads('{}'))", table()));
    let dynamodb = ["dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:DeleteItem"].as_slice();
    let secrets = [
        "secretsmanager:CreateSecret",
        "secretsmanager:DescribeSecret",
        "secretsmanager:GetSecretValue",
        "secretsmanager:PutSecretValue",
        "secretsmanager:UpdateSecretVersionStage",
    ]
    .as_slice();
    let mut users = 0;
    for (store, actions, resource) in [
        (DYNAMODB, dynamodb, "arn:aws:dynamodb:us-east-1:000000000000:table/lwa-rotate"),
        (SECRETS, secrets, "arn:aws:secretsmanager:us-east-1:000000000000:secret:lwa-rotate/*"),
    ] {
        let world = world(&server, store);
        let mut may = |actions: &[&str]| {
            users += 1;
            let policy = json!({ "Version": "2012-10-17",
                "Statement": [{ "Effect": "Allow", "Action": actions, "Resource": resource }] });
            let (id, key) = user(&server, &format!("user-{users}"), &policy);
            world.set("AWS_ACCESS_KEY_ID", &id);
            world.set("AWS_SECRET_ACCESS_KEY", &key);
        };
        may(actions);
        world.enroll();
        world.run(&["rotate", "shop"]).done();
        world.assert_rotated();

        for missing in actions {
            let rest: Vec<&str> = actions.iter().copied().filter(|action| action != missing).collect();
            may(&rest);
            let command: &[&str] = match *missing {
                "secretsmanager:CreateSecret" => continue,
                "dynamodb:DeleteItem" => &["forget", "shop", "--yes"],
                _ => &["rotate", "shop", "--force"],
            };
            world.run(command).exits(1).says(missing).says("let lwa-rotate read and write its store");
        }
        assert_eq!(world.count("rotate"), 1, "rule 1: what cannot be recorded is not begun");
        may(&actions[..1]);
        let severity = if store == SECRETS { "blocking" } else { "not-checked" };
        assert_found(&world, severity, if store == SECRETS { actions[1] } else { "dynamodb:DescribeTable" });

        world.set("AWS_SECRET_ACCESS_KEY", "another");
        world.run(&["rotate", "shop"]).exits(1).says("AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY");
    }
}
