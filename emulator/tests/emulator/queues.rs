use std::time::Instant;

use super::*;

fn handle(message: &Value) -> Value {
    json!({ "ReceiptHandle": message["ReceiptHandle"] })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_comes_with_a_checksum_and_the_attributes_that_were_asked_for() {
    let world = World::new().await;
    let sent = world.sqs("SendMessage", json!({ "MessageBody": "hello" })).json();
    assert_eq!(text(&sent, "MD5OfMessageBody"), "5d41402abc4b2a76b9719d911017c592");
    let received = world
        .sqs("ReceiveMessage", json!({ "MessageSystemAttributeNames": ["ApproximateReceiveCount", "SentTimestamp"] }))
        .json();
    let message = &received["Messages"][0];
    assert_eq!((text(message, "Body"), text(message, "MessageId")), ("hello", text(&sent, "MessageId")));
    assert_eq!(text(message, "MD5OfBody"), "5d41402abc4b2a76b9719d911017c592");
    let attributes = message["Attributes"].as_object().expect("attributes");
    assert_eq!(attributes.len(), 2, "no more than was asked for");
    assert_eq!(attributes["ApproximateReceiveCount"], "1");
    assert!(attributes["SentTimestamp"].as_str().is_some_and(|time| time.len() == 13));
    world.emulator.advance_time(Duration::from_secs(30));
    assert!(world.sqs("ReceiveMessage", json!({})).json()["Messages"][0]["Attributes"].is_null());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_received_message_is_hidden_and_comes_back_with_a_new_receipt_handle() {
    let world = World::new().await;
    world.emulator.send_message("body");
    let first = world.receive();
    assert!(world.receive().is_empty());
    assert_eq!(world.emulator.messages().in_flight, 1);
    world.emulator.advance_time(Duration::from_secs(30));
    let second = world.receive();
    assert_eq!(second[0]["Attributes"]["ApproximateReceiveCount"], "2");
    assert_eq!(second[0]["MessageId"], first[0]["MessageId"]);
    let first_received = |messages: &[Value]| messages[0]["Attributes"]["ApproximateFirstReceiveTimestamp"].clone();
    assert_eq!(first_received(&first), first_received(&second));
    assert_ne!(second[0]["ReceiptHandle"], first[0]["ReceiptHandle"]);
    assert_eq!(world.sqs("DeleteMessage", handle(&first[0])).status, 200);
    assert_eq!(world.emulator.messages().all(), 1, "the handle of an earlier receive does not delete");
    assert_eq!(world.sqs("DeleteMessage", handle(&second[0])).status, 200);
    assert_eq!(world.emulator.messages().all(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receive_brings_no_more_than_asked_for() {
    let world = World::new().await;
    for place in 0..12 {
        world.emulator.send_message(place.to_string());
    }
    assert_eq!(world.sqs("ReceiveMessage", json!({})).json()["Messages"].as_array().map(Vec::len), Some(1));
    assert_eq!(world.receive().len(), 10);
    assert_eq!(world.receive().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_poll_ends_as_soon_as_a_message_is_sent() {
    let world = World::new().await;
    let began = Instant::now();
    let answer = std::thread::scope(|scope| {
        let poll = scope.spawn(|| world.sqs("ReceiveMessage", json!({ "WaitTimeSeconds": 20 })));
        std::thread::sleep(Duration::from_millis(100));
        assert!(!poll.is_finished());
        world.rotate(SECRET);
        poll.join().expect("an answer")
    });
    assert_eq!(answer.json()["Messages"].as_array().map(Vec::len), Some(1));
    assert!(began.elapsed() < Duration::from_secs(5));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_poll_ends_as_soon_as_a_hidden_message_becomes_visible() {
    let world = World::new().await;
    world.emulator.send_message("body");
    world.sqs("ReceiveMessage", json!({ "VisibilityTimeout": 1 }));
    let began = Instant::now();
    let answer = world.sqs("ReceiveMessage", json!({ "WaitTimeSeconds": 20, "VisibilityTimeout": 3600 }));
    assert_eq!(answer.json()["Messages"][0]["Body"], "body");
    assert!(began.elapsed() < Duration::from_secs(5));
    let answer = std::thread::scope(|scope| {
        let poll = scope.spawn(|| world.sqs("ReceiveMessage", json!({ "WaitTimeSeconds": 20 })));
        std::thread::sleep(Duration::from_millis(100));
        world.emulator.advance_time(Duration::from_secs(3600));
        poll.join().expect("an answer")
    });
    assert_eq!(answer.json()["Messages"][0]["Body"], "body", "a jump in time shows it, too");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_poll_of_a_client_that_went_away_takes_no_message() {
    let world = World::new().await;
    let input = json!({ "QueueUrl": world.emulator.queue_url(), "WaitTimeSeconds": 20 }).to_string();
    let request = Request::post("/", &input).header(("x-amz-target", "AmazonSQS.ReceiveMessage"));
    let stream = client::open(world.emulator.address(), &request);
    std::thread::sleep(Duration::from_millis(100));
    drop(stream);
    std::thread::sleep(Duration::from_millis(100));
    world.emulator.send_message("body");
    std::thread::sleep(Duration::from_millis(100));
    assert_eq!(world.emulator.messages().visible, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn hiding_shows_or_hides_a_message_in_flight_and_no_other() {
    let world = World::new().await;
    world.emulator.send_message("body");
    let message = world.receive().remove(0);
    let hide = |seconds: u64| {
        let mut input = handle(&message);
        input["VisibilityTimeout"] = seconds.into();
        world.sqs("ChangeMessageVisibility", input)
    };
    assert_eq!(hide(600).status, 200);
    world.emulator.advance_time(Duration::from_secs(599));
    assert_eq!(world.emulator.messages().in_flight, 1);
    let (shape, code) = refusal(&hide(43_200));
    assert_eq!(shape, "com.amazon.coral.service#InvalidParameterValueException");
    assert_eq!(code, "InvalidParameterValue;Sender");
    assert!(hide(43_200).body.contains("Total VisibilityTimeout for the message is beyond the limit [43200 seconds]"));
    assert_eq!(hide(0).status, 200);
    assert_eq!(world.emulator.messages().visible, 1);
    let (shape, code) = refusal(&hide(30));
    assert_eq!(shape, "com.amazonaws.sqs#MessageNotInflight");
    assert_eq!(code, "AWS.SimpleQueueService.MessageNotInflight;Sender");
    world.sqs("DeleteMessage", handle(&message));
    assert!(hide(30).body.contains("Message does not exist"));
    assert_eq!(refusal(&hide(43_201)).1, "InvalidParameterValue;Sender");
    assert_eq!(refusal(&world.sqs("ChangeMessageVisibility", handle(&message))).1, "MissingParameter;Sender");
}

#[tokio::test(flavor = "multi_thread")]
async fn refusals_have_sqs_types_and_codes() {
    let world = World::new().await;
    let nowhere = world.emulator.queue_url_of("nowhere");
    for (operation, input, shape, code) in [
        (
            "ReceiveMessage",
            json!({ "QueueUrl": nowhere }),
            "com.amazonaws.sqs#QueueDoesNotExist",
            "AWS.SimpleQueueService.NonExistentQueue;Sender",
        ),
        (
            "GetQueueUrl",
            json!({ "QueueName": "nowhere" }),
            "com.amazonaws.sqs#QueueDoesNotExist",
            "AWS.SimpleQueueService.NonExistentQueue;Sender",
        ),
        (
            "DeleteMessage",
            json!({ "ReceiptHandle": "nonsense" }),
            "com.amazonaws.sqs#ReceiptHandleIsInvalid",
            "ReceiptHandleIsInvalid;Sender",
        ),
        (
            "ReceiveMessage",
            json!({ "MaxNumberOfMessages": 11 }),
            "com.amazon.coral.service#InvalidParameterValueException",
            "InvalidParameterValue;Sender",
        ),
        (
            "ReceiveMessage",
            json!({ "WaitTimeSeconds": 21 }),
            "com.amazon.coral.service#InvalidParameterValueException",
            "InvalidParameterValue;Sender",
        ),
        (
            "SendMessage",
            json!({ "MessageBody": "late", "DelaySeconds": u64::MAX }),
            "com.amazon.coral.service#InvalidParameterValueException",
            "InvalidParameterValue;Sender",
        ),
        (
            "DeleteMessageBatch",
            json!({ "Entries": [] }),
            "com.amazonaws.sqs#EmptyBatchRequest",
            "AWS.SimpleQueueService.EmptyBatchRequest;Sender",
        ),
        (
            "StartMessageMoveTask",
            json!({}),
            "com.amazonaws.sqs#UnsupportedOperation",
            "AWS.SimpleQueueService.UnsupportedOperation;Sender",
        ),
    ] {
        let answer = world.sqs(operation, input);
        assert_eq!(refusal(&answer), (shape.into(), code.into()), "{operation}");
        assert_eq!(answer.headers["content-type"], "application/x-amz-json-1.0");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_received_too_often_goes_to_the_dead_letter_queue() {
    let world = World::new().await;
    world.emulator.add_dead_letter_queue("dead", 2);
    world.emulator.send_message("body");
    for _ in 0..2 {
        assert_eq!(world.receive().len(), 1);
        world.emulator.advance_time(Duration::from_secs(30));
    }
    assert!(world.receive().is_empty());
    assert_eq!((world.emulator.messages().all(), world.emulator.messages_in("dead").visible), (0, 1));
    let dead = world.sqs("ReceiveMessage", json!({ "QueueUrl": world.emulator.queue_url_of("dead") })).json();
    assert_eq!(dead["Messages"][0]["Body"], "body");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_letter_queue_that_is_gone_swallows_nothing() {
    let world = World::new().await;
    world.emulator.add_dead_letter_queue("dead", 1);
    world.sqs("DeleteQueue", json!({ "QueueUrl": world.emulator.queue_url_of("dead") }));
    world.emulator.send_message("body");
    for _ in 0..3 {
        assert_eq!(world.receive().len(), 1);
        world.emulator.advance_time(Duration::from_secs(30));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn retention_ends_a_message_that_nobody_took() {
    let world = World::new().await;
    world.emulator.send_message("body");
    world.emulator.advance_time(14 * DAY - Duration::from_secs(60));
    assert_eq!(world.emulator.messages().visible, 1);
    world.emulator.advance_time(Duration::from_secs(60));
    assert!(world.receive().is_empty());
    let seconds = json!({ "Attributes": { "MessageRetentionPeriod": "60" } });
    assert_eq!(world.sqs("SetQueueAttributes", seconds).status, 200);
    world.emulator.send_message("body");
    world.emulator.advance_time(Duration::from_secs(60));
    assert!(world.receive().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn queues_are_created_found_listed_purged_and_deleted() {
    let world = World::new().await;
    let create = |attributes: Value| world.sqs("CreateQueue", json!({ "QueueName": "new", "Attributes": attributes }));
    let url = world.emulator.queue_url_of("new");
    assert_eq!(text(&create(json!({ "VisibilityTimeout": "5" })).json(), "QueueUrl"), url);
    assert_eq!(create(json!({ "VisibilityTimeout": "5" })).status, 200, "the same once more");
    let other = create(json!({ "VisibilityTimeout": "6" }));
    assert_eq!(refusal(&other), ("com.amazonaws.sqs#QueueNameExists".into(), "QueueAlreadyExists;Sender".into()));
    assert_eq!(text(&world.sqs("GetQueueUrl", json!({ "QueueName": "new" })).json(), "QueueUrl"), url);
    assert_eq!(world.sqs("ListQueues", json!({})).json()["QueueUrls"], json!([world.emulator.queue_url(), url]));
    assert_eq!(world.sqs("ListQueues", json!({ "QueueNamePrefix": "n" })).json()["QueueUrls"], json!([url]));
    let defaults = world.sqs("GetQueueAttributes", json!({ "QueueUrl": url, "AttributeNames": ["All"] })).json();
    assert_eq!(text(&defaults["Attributes"], "MessageRetentionPeriod"), "345600", "4 days, as SQS has it");
    assert!(world.emulator.send_message_to("new", "body"));
    assert_eq!(world.sqs("PurgeQueue", json!({ "QueueUrl": url })).status, 200);
    assert_eq!(world.emulator.messages_in("new").all(), 0);
    assert_eq!(world.sqs("DeleteQueue", json!({ "QueueUrl": url })).status, 200);
    assert!(!world.emulator.send_message_to("new", "body"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sender_may_delay_its_message() {
    let world = World::new().await;
    world.sqs("SendMessage", json!({ "MessageBody": "later", "DelaySeconds": 60 }));
    assert!(world.receive().is_empty());
    world.emulator.advance_time(Duration::from_secs(60));
    assert_eq!(world.receive().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_has_the_characters_and_the_size_that_sqs_accepts() {
    let world = World::new().await;
    let answer = world.sqs("SendMessage", json!({ "MessageBody": "a bell: \u{7}" }));
    let expected = ("com.amazonaws.sqs#InvalidMessageContents".into(), "InvalidMessageContents;Sender".into());
    assert_eq!(refusal(&answer), expected);
    assert!(answer.body.contains("Invalid binary character '#x7' was found in the message body"), "{}", answer.body);
    assert_eq!(world.sqs("SendMessage", json!({ "MessageBody": "\u{ffff}" })).status, 400);
    assert_eq!(world.sqs("SendMessage", json!({ "MessageBody": "tab\tline\r\n\u{1f511}" })).status, 200);
    world.emulator.set_queue_attribute("MaximumMessageSize", "1024");
    assert_eq!(world.sqs("SendMessage", json!({ "MessageBody": "x".repeat(1024) })).status, 200);
    let answer = world.sqs("SendMessage", json!({ "MessageBody": "x".repeat(1025) }));
    assert!(answer.body.contains("Message must be shorter than 1024 bytes."), "{}", answer.body);
    assert_eq!(world.emulator.messages().all(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_short_poll_may_miss_messages_that_a_long_poll_finds() {
    let world = World::new().await;
    for place in 0..3 {
        world.emulator.send_message(place.to_string());
    }
    world.fault("short-poll:at-most=0*always");
    assert!(world.receive().is_empty());
    let long = json!({ "MaxNumberOfMessages": 10, "WaitTimeSeconds": 1, "VisibilityTimeout": 0 });
    let found = world.sqs("ReceiveMessage", long).json();
    assert_eq!(found["Messages"].as_array().map(Vec::len), Some(3));
    world.emulator.clear_faults();
    world.fault("short-poll:at-most=2");
    assert_eq!(world.receive().len(), 2);
    assert_eq!(world.receive().len(), 1, "once, and not by default");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_queue_that_always_waits_has_no_short_polls() {
    let world = World::new().await;
    world.fault("short-poll:at-most=0*always");
    world.emulator.send_message("body");
    assert!(world.receive().is_empty());
    world.emulator.set_queue_attribute("ReceiveMessageWaitTimeSeconds", "1");
    assert_eq!(world.receive().len(), 1);
}
