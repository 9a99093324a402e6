//! `check`: each fault of a queue, an application and the machine is found, named with its remedy, and nothing is changed.
//!
//! Each test breaks one thing.

use std::collections::BTreeMap;
use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::path::Path;
use std::time::{Duration, SystemTime};

use serde_json::{Value, json};

use crate::program::{CLIENT_ID, SECRET, TARGETS, World};

/// Enrolled, with the end of the secret known, and nothing to find fault with.
fn faultless() -> World {
    let world = World::new();
    enroll(&world);
    world
}

fn enroll(world: &World) {
    let ends = world.emulator.secrets(CLIENT_ID)[0].ends_at / 1000;
    enroll_until(world, time::OffsetDateTime::from_unix_timestamp(i64::try_from(ends).unwrap()).unwrap());
}

fn enroll_until(world: &World, ends: time::OffsetDateTime) {
    let ends = ends.format(&time::format_description::well_known::Rfc3339).unwrap();
    world.run_with(&["enroll", "shop", "--expires-at", &ends, "--yes"], SECRET).done();
}

fn set(world: &World, name: &str, value: &str) {
    world.sqs("SetQueueAttributes", json!({ "Attributes": { name: value } }));
}

fn findings(world: &World) -> Vec<Value> {
    let (_, document) = world.json(&["check"]);
    document["findings"].as_array().unwrap().clone()
}

/// What is not fine, but for the subscription, which is never checked: about what, which check, how bad.
fn faults(world: &World) -> Vec<[String; 3]> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let findings = findings(world);
    let faults = findings.iter().filter(|finding| is_fault(finding)).map(|finding| {
        for member in ["evidence", "consequence", "remedy"] {
            assert!(finding[member].as_str().is_some_and(|text| !text.is_empty()), "{member}: {finding}");
        }
        [text(&finding["about"]), text(&finding["check"]), text(&finding["severity"])]
    });
    faults.collect()
}

fn is_fault(finding: &Value) -> bool {
    finding["severity"] != "fine" && finding["check"] != "subscription"
}

/// The one thing that is not fine, with its remedy, and the exit code that goes with it.
#[track_caller]
fn assert_only(world: &World, about: &str, check: &str, severity: &str, remedy: &str) {
    assert_eq!(faults(world), [[about, check, severity]]);
    let finding = findings(world).into_iter().find(is_fault).unwrap();
    assert!(finding["remedy"].as_str().unwrap().contains(remedy), "{remedy}: {finding}");
    let code = if matches!(severity, "blocking" | "doubtful") { 1 } else { 0 };
    let ran = world.run(&["check"]).exits(code);
    assert!(ran.stdout.contains(remedy), "people are told too: {}", ran.stdout);
}

#[test]
fn where_nothing_is_wrong_nothing_is_found() {
    let world = faultless();

    assert_eq!(faults(&world), [[""; 3]; 0]);

    let (code, document) = world.json(&["check", "shop"]);
    let counts = ["blocking", "doubtful", "warnings", "not_checked"].map(|name| document[name].as_u64());
    assert_eq!((code, counts), (Some(0), [Some(0), Some(0), Some(0), Some(1)]), "the subscription is never checked");
    for (about, name, check) in [
        ("machine", Value::Null, "configuration"),
        ("machine", Value::Null, "store"),
        ("machine", Value::Null, "clock"),
        ("queue", "main".into(), "reachable"),
        ("queue", "main".into(), "type"),
        ("queue", "main".into(), "delay"),
        ("queue", "main".into(), "policy"),
        ("queue", "main".into(), "retention"),
        ("queue", "main".into(), "dead-letter-queue"),
        ("queue", "main".into(), "visibility-timeout"),
        ("queue", "main".into(), "message-size"),
        ("queue", "main".into(), "messages"),
        ("queue", "main".into(), "encryption"),
        ("app", "shop".into(), "record"),
        ("app", "shop".into(), "secret"),
        ("app", "shop".into(), "endpoints"),
        ("app", "shop".into(), "expiry"),
        ("app", "shop".into(), "rotation"),
        ("app", "shop".into(), "target"),
    ] {
        let found = document["findings"].as_array().unwrap().iter().find(|finding| finding["check"] == check);
        let found = found.unwrap_or_else(|| panic!("{check}: {document}"));
        assert_eq!((&found["about"], &found["name"]), (&about.into(), &name), "{found}");
        assert_eq!((&found["consequence"], &found["remedy"]), (&Value::Null, &Value::Null), "{found}");
    }
    let ran = world.run(&["check"]).done();
    assert!(ran.stdout.contains("nothing was found that is in the way"), "{}", ran.stdout);
}

/// Every file and folder below this one, with its content and the time of its last change.
fn tree(folder: &Path) -> BTreeMap<String, (Vec<u8>, SystemTime)> {
    let mut tree = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let metadata = fs::metadata(&path).unwrap();
        let content = if metadata.is_dir() { Vec::new() } else { fs::read(&path).unwrap() };
        tree.insert(path.display().to_string(), (content, metadata.modified().unwrap()));
        if metadata.is_dir() {
            tree.extend(self::tree(&path));
        }
    }
    tree
}

#[test]
fn check_changes_nothing() {
    let world = faultless();
    world.emulator.send_message("somebody's message");
    let (before, calls) = (tree(world.folder.path()), world.calls().len());

    world.run(&["check"]).done();

    assert_eq!(tree(world.folder.path()), before, "no file or folder, not even for a moment");
    let mut calls = world.calls().split_off(calls);
    calls.sort_unstable();
    assert_eq!(calls, ["proof", "queue", "token", "token"], "nothing is received, hidden, deleted or rotated");
    let counts = world.emulator.messages();
    assert_eq!((counts.visible, counts.in_flight), (1, 0));
}

#[test]
fn a_queue_whose_settings_lose_new_secrets_is_found() {
    for (attribute, value, check, severity, remedy) in [
        ("FifoQueue", "true", "type", "blocking", "create a standard queue"),
        ("Policy", "", "policy", "blocking", "arn:aws:iam::437568002678:root"),
        ("MessageRetentionPeriod", "345600", "retention", "warning", "1209600"),
        ("MessageRetentionPeriod", "3600", "retention", "doubtful", "1209600"),
        ("VisibilityTimeout", "1", "visibility-timeout", "warning", "VisibilityTimeout"),
        ("VisibilityTimeout", "43200", "visibility-timeout", "warning", "VisibilityTimeout"),
        ("MaximumMessageSize", "1024", "message-size", "blocking", "MaximumMessageSize"),
        ("KmsMasterKeyId", "alias/aws/sqs", "encryption", "blocking", "SSE-SQS"),
        ("KmsMasterKeyId", "alias/mine", "encryption", "doubtful", "kms:GetKeyPolicy"),
    ] {
        let world = faultless();
        set(&world, attribute, value);
        assert_only(&world, "queue", check, severity, remedy);
    }
}

/// The policy is read as AWS reads it, and not searched for a number.
#[test]
fn a_policy_that_names_amazon_and_does_not_let_it_send_is_found() {
    let arn = "arn:aws:sqs:us-east-1:000000000000:lwa";
    let allow =
        json!({ "Effect": "Allow", "Principal": { "AWS": "437568002678" }, "Action": "SQS:*", "Resource": arn });
    let with = |name: &str, value: Value| {
        let mut statement = allow.clone();
        statement[name] = value;
        statement
    };
    for (statements, severity) in [
        (json!([allow]), None),
        (json!(with("Principal", "*".into())), None),
        (json!([with("Resource", "arn:aws:sqs:us-east-1:000000000000:other".into())]), Some("blocking")),
        (json!([allow, with("Effect", "Deny".into())]), Some("blocking")),
        (
            json!([{ "Sid": "437568002678", "Effect": "Allow", "Principal": { "AWS": "000000000000" }, "Action": "sqs:SendMessage", "Resource": arn }]),
            Some("blocking"),
        ),
        (json!([with("Condition", json!({ "StringEquals": { "aws:PrincipalOrgID": "o-1" } }))]), Some("doubtful")),
        (json!([with("Action", "sqs:SendMessage".into())]), Some("warning")),
    ] {
        let world = faultless();
        let policy = json!({ "Version": "2012-10-17", "Statement": statements });
        set(&world, "Policy", &policy.to_string());
        match severity {
            Some(severity) => assert_only(&world, "queue", "policy", severity, "437568002678"),
            None => assert_eq!(faults(&world), [[""; 3]; 0], "{policy}"),
        }
    }
}

/// Nothing may be asked of the real KMS because of a queue that is none of Amazon's.
#[test]
fn where_the_key_of_another_queue_is_kept_has_to_be_said() {
    let world = faultless();
    set(&world, "KmsMasterKeyId", "alias/mine");
    assert!(world.run(&["check"]).exits(1).stdout.contains("set AWS_ENDPOINT_URL_KMS"));
}

#[test]
fn a_dead_letter_queue_that_takes_messages_after_a_few_receives_is_found() {
    for (count, severity) in [(1, "doubtful"), (9, "doubtful"), (10, "warning"), (99, "warning")] {
        let world = faultless();
        world.emulator.add_dead_letter_queue("dead", count);
        assert_only(&world, "queue", "dead-letter-queue", severity, "maxReceiveCount");
    }
}

#[test]
fn messages_that_wait_are_counted_without_being_received() {
    let world = faultless();
    world.emulator.send_message("somebody's message");
    assert_only(&world, "queue", "messages", "warning", "a queue of their own");
    assert_eq!(world.count("receive"), 0);
    let finding = findings(&world).into_iter().find(|finding| finding["check"] == "messages").unwrap();
    assert!(finding["evidence"].as_str().unwrap().contains("about 1 waiting, 0 in flight"), "{finding}");
}

#[test]
fn what_may_not_be_inspected_is_not_checked_and_never_fine() {
    for (fault, severity) in
        [("queue:refuse=AccessDenied*always", "not-checked"), ("queue:status=503*always", "doubtful")]
    {
        let world = faultless();
        world.fault(fault);

        let mut expected = vec![["queue", "reachable", severity]];
        if fault.contains("503") {
            // Nothing in AWS has said whether it knows who asks; a refusal has.
            expected.insert(0, ["machine", "aws-credentials", "not-checked"]);
        }
        assert_eq!(faults(&world), expected, "{fault}");

        let about_the_queue = findings(&world).into_iter().filter(|finding| finding["about"] == "queue");
        assert_eq!(about_the_queue.count(), 1, "nothing else is said of it");
        world.run(&["check"]).exits(i32::from(severity == "doubtful"));
    }
    let world = faultless();
    world.fault("queue:refuse=AccessDenied*always");
    assert_only(&world, "queue", "reachable", "not-checked", "sqs:GetQueueAttributes");
}

/// Answers every request as KMS does to a caller without the right, for as long as the test runs; its URL.
fn kms_that_refuses() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for connection in listener.incoming() {
            let mut connection = connection.unwrap();
            let mut request = Vec::new();
            let mut buffer = [0; 8192];
            while !request.ends_with(b"}") {
                let read = connection.read(&mut buffer).unwrap();
                request.extend_from_slice(&buffer[..read]);
            }
            let request = String::from_utf8_lossy(&request);
            let body = if request.contains("GetKeyPolicy") && request.contains("alias/") {
                r#"{"__type":"InvalidArnException","message":"no policy is told by an alias"}"#
            } else {
                r#"{"__type":"AccessDeniedException","message":"no identity-based policy allows it"}"#
            };
            let head = "HTTP/1.1 400 x\r\nconnection: close\r\ncontent-type: application/x-amz-json-1.1";
            let _ = write!(connection, "{head}\r\ncontent-length: {}\r\n\r\n{body}", body.len());
        }
    });
    url
}

#[test]
fn a_key_that_may_not_be_inspected_is_not_checked_and_keeps_no_one_from_rotating() {
    for key in ["alias/mine", "0123abcd-0000-0000-0000-000000000000"] {
        let world = faultless();
        world.set("AWS_ENDPOINT_URL_KMS", &kms_that_refuses());
        set(&world, "KmsMasterKeyId", key);

        assert_only(&world, "queue", "encryption", "not-checked", "kms:GetKeyPolicy");

        world.run(&["rotate", "shop"]).done().says("kms:");
        world.assert_rotated();
    }
}

#[test]
fn a_queue_that_is_not_there_is_found() {
    let world = faultless();
    let configuration = world.read("lwa-rotate.toml").replace("/lwa\"", "/no-such-queue\"");
    world.write("lwa-rotate.toml", &configuration);
    assert_only(&world, "queue", "reachable", "blocking", "queue");
}

#[test]
fn an_application_that_is_not_enrolled_is_told_and_its_queue_is_checked_all_the_same() {
    let world = World::new();

    assert_eq!(
        faults(&world),
        [["machine", "clock", "not-checked"], ["app", "record", "warning"], ["app", "endpoints", "not-checked"]]
    );
    assert!(world.run(&["check"]).done().stdout.contains("lwa-rotate enroll shop"));

    set(&world, "FifoQueue", "true");
    assert!(faults(&world).contains(&["queue", "type", "blocking"].map(str::to_owned)));
}

#[test]
fn a_secret_that_amazon_refuses_is_found_by_use() {
    for fault in ["token:refuse=invalid_client*always", "proof:refuse=Unauthorized*always"] {
        let world = faultless();
        world.fault(fault);
        assert_only(&world, "app", "secret", "blocking", "");
    }
}

#[test]
fn a_secret_that_cannot_be_tried_at_present_is_not_checked() {
    let world = faultless();
    world.fault("proof:status=503*always");
    assert_only(&world, "app", "secret", "not-checked", "later");
}

#[test]
fn an_endpoint_that_cannot_be_reached_is_found() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let closed = listener.local_addr().unwrap();
    drop(listener);
    let world = faultless();
    world.configure(&format!("api-endpoint = \"http://{closed}\""), TARGETS);

    assert_eq!(faults(&world), [["app", "secret", "not-checked"], ["app", "endpoints", "warning"]]);

    assert!(world.run(&["check"]).done().stdout.contains(&format!("reach http://{closed}")));
}

/// Amazon's sandbox answers every rotate call that the application is not enrolled.
#[test]
fn the_sandbox_is_found() {
    // Nothing is sent there for an application without a secret.
    let world = World::new();
    world.configure("api-endpoint = \"https://sandbox.sellingpartnerapi-na.amazon.com\"", TARGETS);
    assert!(faults(&world).contains(&["app", "endpoints", "blocking"].map(str::to_owned)));
    assert!(world.run(&["check"]).exits(1).stdout.contains("without sandbox"));
}

#[test]
fn an_unknown_expiry_time_is_found() {
    let world = World::enrolled();
    assert_only(&world, "app", "expiry", "warning", "lwa-rotate set-expiry shop DATE");
}

#[test]
fn a_secret_that_has_ended_by_what_is_recorded_is_found() {
    let world = World::new();
    enroll_until(&world, time::OffsetDateTime::now_utc() + Duration::from_secs(3));
    std::thread::sleep(Duration::from_secs(3));

    assert!(faults(&world).contains(&["app", "expiry", "warning"].map(str::to_owned)));
    assert!(world.run(&["check"]).stdout.contains("the current secret has ended"));
}

#[test]
fn a_rotation_that_does_not_go_on_is_found_with_the_reason() {
    let world = faultless();
    world.fault("rotate:refuse=Unauthorized*always");
    world.run(&["rotate", "shop"]).exits(1);
    assert_only(&world, "app", "rotation", "warning", "");
    let finding = findings(&world).into_iter().find(|finding| finding["check"] == "rotation").unwrap();
    assert!(finding["consequence"].as_str().unwrap().contains("does not go on by itself"), "{finding}");
}

#[test]
fn a_stalled_rotation_is_found() {
    let world = faultless();
    world.configure("patience = \"1s\"", TARGETS);
    world.fault("notification:drop");
    world.run(&["rotate", "shop"]).exits(4);
    assert_only(&world, "app", "rotation", "blocking", "lwa-rotate resume shop --wait");
}

#[test]
fn a_record_that_cannot_be_read_is_found() {
    let world = faultless();
    let record = fs::read_dir(world.path("state")).unwrap().next().unwrap().unwrap().path();
    fs::write(record, "no record").unwrap();

    // Amazon is not asked without a secret.
    assert_eq!(
        faults(&world),
        [["machine", "clock", "not-checked"], ["app", "record", "blocking"], ["app", "endpoints", "not-checked"]]
    );
    assert!(world.run(&["check"]).exits(1).stdout.contains("put back a copy of it"));
}

#[test]
fn a_store_that_cannot_be_written_is_found() {
    let world = World::new();
    world.write("state", "a file where the folder should be");
    assert!(faults(&world).contains(&["machine", "store", "blocking"].map(str::to_owned)));
    assert!(world.run(&["check"]).exits(1).stdout.contains("own and write the store's folder"));
}

#[test]
fn a_publish_target_that_could_not_be_written_is_found() {
    let file = |path: &str| format!("[[apps.shop.publish]]\nkind = \"file\"\npath = \"{path}\"\nformat = \"json\"\n");
    let exec = "[[apps.shop.publish]]\nkind = \"exec\"\ncommand = [\"./no-such-command\"]\n".to_owned();
    for (target, remedy) in [
        (file("no/such/folder/shop.json"), "make its folder"),
        (file("no.json"), "correct its content"),
        (exec, "path of a program"),
    ] {
        let world = faultless();
        world.write("no.json", "this is no JSON");
        world.configure("", &format!("{TARGETS}{target}"));
        assert_only(&world, "app", "target", "warning", remedy);
        assert!(!world.path("no").exists());
    }
}

#[test]
fn a_clock_that_differs_from_amazons_is_found() {
    for (seconds, severity) in [(120, "warning"), (600, "blocking")] {
        let world = faultless();
        world.emulator.advance_time(Duration::from_secs(seconds));
        assert_only(&world, "machine", "clock", severity, "NTP");
    }
}

#[test]
fn a_configuration_with_mistakes_ends_the_check_before_anything_is_asked() {
    let world = faultless();
    let calls = world.calls().len();
    world.run(&["check", "shoop"]).exits(2).says("did you mean shop?");
    world.configure("colour = \"blue\"", TARGETS);
    world.run(&["check"]).exits(2).says("colour");
    assert_eq!(world.calls().len(), calls);
}

#[test]
fn rotate_makes_no_call_whose_new_secret_could_not_arrive() {
    for (attribute, value) in
        [("FifoQueue", "true"), ("Policy", ""), ("KmsMasterKeyId", "alias/aws/sqs"), ("MessageRetentionPeriod", "3600")]
    {
        let world = World::enrolled();
        set(&world, attribute, value);

        let refused = ["rotate", "shop", "--dry-run"];
        for arguments in [&refused[..], &refused[..2]] {
            world.run(arguments).exits(1).says("hint: ").says("--force");
        }

        assert_eq!(world.count("rotate"), 0, "{attribute}");
        let (code, document) = world.json(&["rotate", "shop"]);
        assert_eq!((code, &document["error"]["kind"]), (Some(1), &"failed".into()));
        assert_eq!(document["error"]["problem"]["cause"], "queue-blocked");
        assert_eq!(document["status"]["state"], "requesting");
        world.run(&["status"]).exits(1);
    }
}

#[test]
fn rotate_with_force_makes_the_call_in_spite_of_the_queue() {
    let world = World::enrolled();
    set(&world, "Policy", "");

    world.run(&["rotate", "shop", "--force"]).done();

    // The emulator does not look at policies.
    world.assert_rotated();
}

#[test]
fn rotate_goes_on_when_the_queue_may_be_read_and_not_inspected() {
    let world = World::enrolled();
    world.fault("queue:refuse=AccessDenied*always");

    world.run(&["rotate", "shop"]).done().says("sqs:GetQueueAttributes");

    assert_eq!(world.count("rotate"), 1);
    world.assert_rotated();
}

/// A rotation under way cannot be prevented any more: its message is taken, whatever the queue is like.
#[test]
fn rotate_joins_a_rotation_under_way_whatever_the_queue_is_like() {
    let world = World::enrolled();
    world.fault("notification:delay=1h");
    world.run(&["rotate", "shop", "--timeout", "1s"]).exits(3);
    set(&world, "Policy", "");
    world.emulator.advance_time(Duration::from_secs(3600));

    world.run(&["rotate", "shop"]).done();

    world.assert_rotated();
}

#[test]
fn watch_says_at_its_start_what_is_in_the_way() {
    let world = faultless();
    set(&world, "Policy", "");

    let watch = world.start(&["watch"]);
    watch.until("it is said", || watch.stderr().contains("the queue has no policy"));
    watch.terminate();
    watch.end().done().says("arn:aws:iam::437568002678:root");
}
