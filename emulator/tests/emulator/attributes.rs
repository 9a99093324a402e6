use super::*;

fn attributes(world: &World, names: &[&str]) -> Value {
    world.sqs("GetQueueAttributes", json!({ "AttributeNames": names })).json()["Attributes"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn its_own_queue_is_as_amazon_wants_it() {
    let world = World::new().await;
    let all = attributes(&world, &["All"]);
    let policy: Value = serde_json::from_str(text(&all, "Policy")).expect("JSON");
    assert_eq!(policy["Statement"][0]["Principal"]["AWS"], "arn:aws:iam::437568002678:root");
    assert_eq!(policy["Statement"][0]["Action"], json!(["sqs:SendMessage", "sqs:GetQueueAttributes"]));
    for (name, value) in [
        ("QueueArn", "arn:aws:sqs:us-east-1:000000000000:lwa"),
        ("MessageRetentionPeriod", "1209600"),
        ("VisibilityTimeout", "30"),
        ("MaximumMessageSize", "1048576"),
        ("DelaySeconds", "0"),
        ("ReceiveMessageWaitTimeSeconds", "0"),
        ("SqsManagedSseEnabled", "true"),
        ("ApproximateNumberOfMessages", "0"),
        ("ApproximateNumberOfMessagesNotVisible", "0"),
        ("ApproximateNumberOfMessagesDelayed", "0"),
    ] {
        assert_eq!(text(&all, name), value, "{name}");
    }
    let now = world.emulator.now().duration_since(std::time::UNIX_EPOCH).expect("after 1970").as_secs();
    let created: u64 = text(&all, "CreatedTimestamp").parse().expect("seconds");
    assert!(now - created < 60 && text(&all, "LastModifiedTimestamp") == text(&all, "CreatedTimestamp"));
    for absent in ["FifoQueue", "KmsMasterKeyId", "RedrivePolicy"] {
        assert!(all[absent].is_null(), "{absent}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn attributes_are_answered_by_name_and_a_name_that_sqs_does_not_have_is_refused() {
    let world = World::new().await;
    let asked = ["QueueArn", "RedrivePolicy", "KmsMasterKeyId", "FifoQueue"];
    assert_eq!(attributes(&world, &asked), json!({ "QueueArn": "arn:aws:sqs:us-east-1:000000000000:lwa" }));
    assert!(attributes(&world, &["KmsMasterKeyId"]).is_null());
    assert!(attributes(&world, &[]).is_null());
    let answer = world.sqs("GetQueueAttributes", json!({ "AttributeNames": ["QueueArn", "Owner"] }));
    assert_eq!(refusal(&answer).1, "InvalidAttributeName;Sender");
}

#[tokio::test(flavor = "multi_thread")]
async fn attributes_must_be_such_as_sqs_takes() {
    let world = World::new().await;
    let set = |name: &str, value: &str| world.sqs("SetQueueAttributes", json!({ "Attributes": { name: value } }));
    let redrive = r#"{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:000000000000:nowhere","maxReceiveCount":"3"}"#;
    for (name, value, code) in [
        ("Retention", "60", "InvalidAttributeName;Sender"),
        ("VisibilityTimeout", "43201", "InvalidAttributeValue;Sender"),
        ("MessageRetentionPeriod", "forever", "InvalidAttributeValue;Sender"),
        ("Policy", "{", "InvalidAttributeValue;Sender"),
        ("RedrivePolicy", "{}", "InvalidAttributeValue;Sender"),
        ("RedrivePolicy", redrive, "InvalidParameterValue;Sender"),
    ] {
        assert_eq!(refusal(&set(name, value)).1, code, "{name} {value}");
    }
    assert_eq!(set("RedrivePolicy", &redrive.replace("nowhere", "lwa")).status, 200);
    assert_eq!(set("RedrivePolicy", "").status, 200);
    let all = world.sqs("GetQueueAttributes", json!({ "AttributeNames": ["All"] })).json();
    assert!(all["Attributes"]["RedrivePolicy"].is_null());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_queue_may_start_otherwise_than_amazon_wants_it() {
    let redrive = r#"{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:000000000000:dead","maxReceiveCount":"1"}"#;
    let bad = [
        ("Policy", ""),
        ("KmsMasterKeyId", "alias/aws/sqs"),
        ("FifoQueue", "true"),
        ("MessageRetentionPeriod", "345600"),
        ("RedrivePolicy", redrive),
    ];
    let world = World::with(|options| {
        options.queue_attributes = bad.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    })
    .await;
    let all = attributes(&world, &["All"]);
    for (name, value) in bad {
        assert_eq!(all[name].as_str().unwrap_or_default(), value, "{name}");
    }
    assert_eq!(all["SqsManagedSseEnabled"], "false", "a key of KMS takes the place of SQS's own");
    world.emulator.send_message("body");
    world.receive();
    world.emulator.advance_time(Duration::from_secs(30));
    assert!(world.receive().is_empty());
    assert_eq!(world.emulator.messages_in("dead").visible, 1, "the dead-letter queue was created");
}

#[tokio::test]
async fn it_does_not_start_with_an_attribute_that_sqs_does_not_accept() {
    for (name, value) in [("Retention", "60"), ("MessageRetentionPeriod", "14d"), ("Policy", "{")] {
        let queue_attributes = [(name.to_owned(), value.to_owned())].into();
        let started = Emulator::start(Options { queue_attributes, ..Options::default() }).await;
        let error = started.expect_err("not an attribute").to_string();
        assert!(error.contains(name) && error.contains("lwa"), "{error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_queue_may_be_missing_and_come_back() {
    let world = World::with(|options| options.queue_exists = false).await;
    let missing = "com.amazonaws.sqs#QueueDoesNotExist";
    assert_eq!(refusal(&world.sqs("GetQueueAttributes", json!({ "AttributeNames": ["All"] }))).0, missing);
    assert_eq!(refusal(&world.sqs("ReceiveMessage", json!({}))).0, missing);
    assert_eq!(world.rotate(SECRET).status, 204, "the secret is lost");
    world.emulator.set_queue_exists(true);
    assert!(attributes(&world, &["Policy"])["Policy"].is_string());
    assert!(world.receive().is_empty());
}
