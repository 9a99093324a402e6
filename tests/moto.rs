//! The program with moto server (PyPI) in SQS's place, which nobody here wrote. The emulator plays LWA and SP-API alone: its
//! notifications are carried over to moto's queue by the test.

#![allow(missing_docs, clippy::unwrap_used, reason = "tests")]

mod program;
mod services;

use std::ops::Deref;
use std::time::Duration;

use program::{Running, World};
use serde_json::{Value, json};
use services::moto::{Queue, arn, policy};
use services::{Kind, Server};

/// A moto server with one queue.
struct Moto {
    server: Server,
    queue: Queue,
}

impl Deref for Moto {
    type Target = Queue;

    fn deref(&self) -> &Queue {
        &self.queue
    }
}

impl Moto {
    fn start() -> Self {
        let server = Server::start(Kind::Moto);
        Self { queue: Queue::create(server.address(), "lwa"), server }
    }

    /// Another queue in place of the one there is.
    fn create(&mut self, name: &str, attributes: Value) {
        self.queue = Queue::with(&self.queue.url, name, attributes);
    }

    /// A key with this policy; its ARN.
    fn create_key(&self, policy: &Value) -> String {
        let created = self.server.post("TrentService.CreateKey", &json!({ "Policy": policy.to_string() }));
        created["KeyMetadata"]["Arn"].as_str().unwrap().to_owned()
    }

    /// A world whose program reads moto's queue; enrolled.
    fn world(&self, change: impl FnOnce(&mut lwa_rotate_emulator::Options)) -> World {
        let world = World::with(change);
        self.serve(&world);
        world.enroll();
        world
    }
}

/// The policy of a key, which Amazon may use for these actions.
fn key_policy(actions: &[&str]) -> Value {
    json!({ "Version": "2012-10-17", "Statement": [
        { "Effect": "Allow", "Principal": { "AWS": "arn:aws:iam::123456789012:root" }, "Action": "kms:*", "Resource": "*" },
        { "Effect": "Allow", "Principal": { "AWS": "arn:aws:iam::437568002678:root" }, "Action": actions, "Resource": "*" },
    ] })
}

/// What `check` says of the queue that is not fine: which check, how bad.
fn faults(world: &World) -> Vec<[String; 2]> {
    let (_, document) = world.json(&["check"]);
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let findings = document["findings"].as_array().unwrap().iter();
    let faults = findings.filter(|finding| finding["about"] == "queue" && finding["severity"] != "fine");
    faults.map(|finding| [text(&finding["check"]), text(&finding["severity"])]).collect()
}

/// Takes the next notification out of the emulator's queue, as soon as there is one.
fn next_notification(world: &World, meanwhile: &Running<'_>) -> String {
    meanwhile.until("the emulator has sent a notification", || world.emulator.messages().visible > 0);
    let received = world.sqs("ReceiveMessage", json!({ "MaxNumberOfMessages": 1 }));
    let message = &received["Messages"][0];
    world.sqs("DeleteMessage", json!({ "ReceiptHandle": message["ReceiptHandle"] }));
    message["Body"].as_str().unwrap().to_owned()
}

fn assert_rotated(world: &World) {
    assert_eq!(world.stored("current"), Some(world.newest()));
    assert!(world.read("shop.env").contains(&world.newest()));
    let status = world.status();
    assert_eq!((&status["state"], &status["generation"]), (&"settled".into(), &2.into()));
    assert_eq!(world.count("rotate"), 1);
}

#[test]
fn a_rotation_goes_through_a_queue_of_moto_and_its_message_is_deleted() {
    let moto = Moto::start();
    let world = moto.world(|_| {});

    let rotate = world.start(&["rotate", "shop"]);
    moto.send(&next_notification(&world, &rotate));
    rotate.end().done();

    assert_rotated(&world);
    assert_eq!(moto.counts(), (0, 0), "rule 5: acknowledged");
    assert_eq!(world.count("receive"), 1, "the emulator's queue was read by this test alone");
}

/// Rule 6.
#[test]
fn a_message_that_moto_delivers_twice_changes_nothing_the_second_time() {
    let moto = Moto::start();
    let world = moto.world(|_| {});

    let rotate = world.start(&["rotate", "shop"]);
    let body = next_notification(&world, &rotate);
    moto.send(&body);
    moto.send(&body);
    rotate.end().done();
    world.watch_until("both are deleted", || moto.counts() == (0, 0)).done();

    assert_rotated(&world);
}

/// Rules 4 and 5: while its secret is not verified, the message is hidden and comes back.
#[test]
fn a_message_that_was_hidden_in_moto_returns_and_is_deleted_when_its_secret_works() {
    let moto = Moto::start();
    let world = moto.world(|options| options.applications[0].lag = Duration::from_secs(2));

    let rotate = world.start(&["rotate", "shop"]);
    moto.send(&next_notification(&world, &rotate));
    rotate.until("the new secret was tried in vain", || rotate.stderr().contains("the message is hidden"));
    assert_eq!(moto.counts(), (0, 1));
    let ran = rotate.end().done();

    assert!(ran.stderr.contains("for the 2nd time"), "the receive count comes from moto: {}", ran.stderr);
    assert_rotated(&world);
    assert_eq!(moto.counts(), (0, 0));
}

/// Rule 7: not ours, not touched.
#[test]
fn messages_of_others_and_garbage_stay_in_moto() {
    let moto = Moto::start();
    let world = moto.world(|_| {});
    moto.send("this is { no JSON");

    let rotate = world.start(&["rotate", "shop"]);
    let body = next_notification(&world, &rotate);
    moto.send(&body.replace(program::CLIENT_ID, "amzn1.application-oa2-client.other"));
    moto.send(&body);
    rotate.end().done();

    assert_rotated(&world);
    let (visible, received) = moto.counts();
    assert_eq!(visible + received, 2);
}

#[test]
fn a_queue_that_moto_does_not_have_is_named() {
    let moto = Moto::start();
    let world = moto.world(|_| {});
    let configuration = world.read("lwa-rotate.toml").replace(&moto.queue_url, &format!("{}-else", moto.queue_url));
    world.write("lwa-rotate.toml", &configuration);

    world.run(&["rotate", "shop"]).exits(1).says("lwa-else").says("set the url that SQS shows");

    assert_eq!(world.count("rotate"), 0, "no call whose message could not be received");
}

#[test]
fn check_finds_nothing_wrong_with_a_good_queue_of_moto_and_each_fault_of_a_bad_one() {
    let mut moto = Moto::start();
    let world = moto.world(|_| {});
    assert_eq!(faults(&world), [[""; 2]; 0]);
    moto.send("somebody's message");
    assert_eq!(faults(&world), [["messages", "warning"]]);
    assert_eq!(moto.counts(), (1, 0), "it was not received");

    let configuration = world.read("lwa-rotate.toml");
    let good_url = moto.queue_url.clone();
    moto.create("dead", json!({}));
    let redrive = json!({ "deadLetterTargetArn": arn("dead"), "maxReceiveCount": "3" }).to_string();
    for (name, attribute, value, expected) in [
        ("bare", "Policy", "", ["policy", "blocking"]),
        ("misdirected", "Policy", &*policy(&arn("other")), ["policy", "blocking"]),
        ("lwa.fifo", "FifoQueue", "true", ["type", "blocking"]),
        ("dying", "RedrivePolicy", &*redrive, ["dead-letter-queue", "doubtful"]),
        ("fleeting", "MessageRetentionPeriod", "3600", ["retention", "doubtful"]),
        ("usual", "MessageRetentionPeriod", "345600", ["retention", "warning"]),
        ("hidden", "VisibilityTimeout", "43200", ["visibility-timeout", "warning"]),
    ] {
        let mut attributes = json!({ "MessageRetentionPeriod": "1209600", "Policy": policy(&arn(name)) });
        attributes[attribute] = value.into();
        moto.create(name, attributes);
        world.write("lwa-rotate.toml", &configuration.replace(&good_url, &moto.queue_url));

        assert_eq!(faults(&world), [expected], "{name}");
        if expected[1] != "warning" {
            world.run(&["rotate", "shop"]).exits(1).says("--force");
        }
    }
    assert_eq!(world.count("rotate"), 0);
}

/// The key's policy comes from moto's KMS.
#[test]
fn check_reads_the_policy_of_the_key_that_a_queue_of_moto_is_encrypted_with() {
    let mut moto = Moto::start();
    let world = moto.world(|_| {});
    let url = moto.url.clone();
    let good = moto.create_key(&key_policy(&["kms:GenerateDataKey*", "kms:Decrypt"]));
    let bad = moto.create_key(&key_policy(&["kms:GenerateDataKey*"]));
    let strange = moto.create_key(&json!({ "Version": "2012-10-17", "Statement": [key_policy(&[])["Statement"][0]] }));
    let disabled = moto.create_key(&key_policy(&["kms:*"]));
    let id = |key: &str| key.rsplit('/').next().unwrap().to_owned();
    moto.server.post("TrentService.DisableKey", &json!({ "KeyId": id(&disabled) }));
    moto.server.post("TrentService.CreateAlias", &json!({ "AliasName": "alias/mine", "TargetKeyId": id(&good) }));
    let configuration = world.read("lwa-rotate.toml");
    let good_url = moto.queue_url.clone();
    let mut count = 0;
    // Moto forgets the policy of a queue whose key is set later.
    let mut encrypt_with = |key: &str| {
        count += 1;
        let name = format!("encrypted-{count}");
        let attributes =
            json!({ "MessageRetentionPeriod": "1209600", "Policy": policy(&arn(&name)), "KmsMasterKeyId": key });
        moto.create(&name, attributes);
        world.write("lwa-rotate.toml", &configuration.replace(&good_url, &moto.queue_url));
    };

    encrypt_with(&good);
    assert_eq!(faults(&world), [["encryption", "doubtful"]], "where KMS is, is not known");
    world.set("AWS_ENDPOINT_URL_KMS", &url);
    for key in [good.as_str(), &id(&good), "alias/mine"] {
        encrypt_with(key);
        assert_eq!(faults(&world), [[""; 2]; 0], "{key}");
    }
    for key in [disabled.as_str(), "alias/aws/sqs", "alias/no-such-key", &strange, &bad] {
        encrypt_with(key);
        assert_eq!(faults(&world), [["encryption", "blocking"]], "{key}");
    }
    world.run(&["rotate", "shop"]).exits(1).says("kms:Decrypt").says("--force");
    assert_eq!(world.count("rotate"), 0);
}
