//! `emulator`: Amazon on loopback, for anyone's tests; with the configuration that docs/commands.md shows.

use std::time::Duration;

use crate::program::{Running, World, post};

/// An emulator of the program's own, at a free port, and its address.
fn started<'w>(world: &'w World, options: &[&str]) -> (Running<'w>, String) {
    let emulator = world.start(&[&["emulator", "--listen", "127.0.0.1:0", "--json"], options].concat());
    emulator.until("it listens", || emulator.stdout().contains('\n'));
    let document: serde_json::Value = serde_json::from_str(&emulator.stdout()).unwrap();
    let address = document["api_endpoint"].as_str().unwrap().to_owned();
    (emulator, address)
}

/// The example of docs/commands.md, with another address.
fn as_documented(world: &World, address: &str) {
    let commands = include_str!("../../docs/commands.md");
    let example = commands.split("```toml\n").nth(1).unwrap().split("```").next().unwrap();
    assert!(example.contains("http://127.0.0.1:4577"), "{example}");
    world.write("lwa-rotate.toml", &example.replace("http://127.0.0.1:4577", address));
    world.set("AWS_ENDPOINT_URL_SQS", address);
}

#[test]
fn the_documented_configuration_rotates_against_the_emulator() {
    let world = World::new();
    let (emulator, address) = started(&world, &["--notification-delay", "100ms"]);
    as_documented(&world, &address);

    world.run_with(&["enroll", "shop"], "amzn1.oa2-cs.v1.emulated\n").done();
    world.run(&["rotate", "shop"]).done();

    assert_ne!(world.stored("current").as_deref(), Some("amzn1.oa2-cs.v1.emulated"));
    emulator.terminate();
    let ran = emulator.end().done().says("not Amazon");
    let document = ran.document();
    assert_eq!(document["emulator"], true);
    assert_eq!(document["apps"][0]["client_id"], "amzn1.application-oa2-client.emulated");
    assert_eq!(document["token_endpoint"], format!("{address}/auth/o2/token"));
    assert_eq!(document["queue_url"], format!("{address}/000000000000/lwa"));
}

#[test]
fn faults_and_applications_are_set_by_options() {
    let world = World::new();
    let id = "amzn1.application-oa2-client.emulated";
    let (emulator, address) = started(
        &world,
        &["--app", &format!("{id}=amzn1.oa2-cs.v1.own"), "--unsubscribed", id, "--fault", "token:status=503"],
    );
    as_documented(&world, &address);

    world.run_with(&["enroll", "shop"], "amzn1.oa2-cs.v1.own").exits(3).says("Amazon cannot serve the request");
    world.run_with(&["enroll", "shop"], "amzn1.oa2-cs.v1.own");
    world.run(&["rotate", "shop"]).exits(1).says("not enrolled for rotation notification");

    emulator.terminate();
    emulator.end().done();
}

#[test]
fn the_emulator_listens_on_loopback_alone_and_says_why_it_cannot() {
    let world = World::new();
    world.run(&["emulator", "--listen", "0.0.0.0:0"]).exits(1).says("loopback");
    let taken = world.emulator.address().to_string();
    world.run(&["emulator", "--listen", &taken]).exits(1).says(&taken).says("--listen");
    world.run(&["emulator", "--fault", "rotat:cut"]).exits(2).says("no operation").says("rotate");
    world.run(&["emulator", "--app", "no-secret"]).exits(2);
}

#[test]
fn the_emulator_ends_at_once_when_it_is_told_to() {
    let world = World::new();
    let (emulator, address) = started(&world, &[]);
    as_documented(&world, &address);
    let began = std::time::Instant::now();
    emulator.signal("INT");
    emulator.end().done().says("everything it knew is gone");
    assert!(began.elapsed() < Duration::from_secs(5));
    world.run_with(&["enroll", "shop"], "amzn1.oa2-cs.v1.emulated").exits(3).says("no connection");
}

#[test]
fn the_queue_is_made_different_by_options() {
    let world = World::new();
    let (emulator, address) = started(&world, &["--queue-attribute", "Policy=", "--queue-attribute", "FifoQueue=true"]);
    let read = serde_json::json!({ "QueueUrl": format!("{address}/000000000000/lwa"), "AttributeNames": ["All"] });
    let attributes = post(&address, "AmazonSQS.GetQueueAttributes", &read)["Attributes"].clone();
    assert_eq!((&attributes["FifoQueue"], attributes["Policy"].is_null()), (&"true".into(), true), "{attributes}");
    emulator.terminate();
    emulator.end().done();

    let (emulator, address) = started(&world, &["--no-queue"]);
    let queues = post(&address, "AmazonSQS.ListQueues", &serde_json::json!({}));
    assert_eq!(queues["QueueUrls"], serde_json::json!([]));
    emulator.terminate();
    emulator.end().done();

    let wrong = ["emulator", "--listen", "127.0.0.1:0", "--queue-attribute", "Retention=60"];
    world.run(&wrong).exits(2).says("Retention").says("--queue-attribute");
    world.run(&["emulator", "--queue-attribute", "Policy"]).exits(2).says("=");
}
