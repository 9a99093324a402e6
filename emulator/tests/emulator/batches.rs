use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn batches_answer_for_each_entry() {
    let world = World::new().await;
    world.emulator.send_message("one");
    world.emulator.send_message("two");
    let messages = world.receive();
    let entries = json!([
        { "Id": "a", "ReceiptHandle": messages[0]["ReceiptHandle"], "VisibilityTimeout": 0 },
        { "Id": "b", "ReceiptHandle": "nonsense", "VisibilityTimeout": 0 },
        { "Id": "c", "ReceiptHandle": messages[1]["ReceiptHandle"], "VisibilityTimeout": 99_999 },
    ]);
    let reply = world.sqs("ChangeMessageVisibilityBatch", json!({ "Entries": entries })).json();
    assert_eq!(reply["Successful"], json!([{ "Id": "a" }]));
    let failed: Vec<_> = reply["Failed"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|entry| (text(entry, "Id"), text(entry, "Code"), entry["SenderFault"].as_bool()))
        .collect();
    let expected = [("b", "ReceiptHandleIsInvalid", Some(true)), ("c", "InvalidParameterValue", Some(true))];
    assert_eq!(failed, expected);
    let reply = world.sqs("DeleteMessageBatch", json!({ "Entries": entries })).json();
    assert_eq!(reply["Successful"], json!([{ "Id": "a" }, { "Id": "c" }]));
    assert_eq!(world.emulator.messages().all(), 0);
    let twice = json!([entries[0], entries[0]]);
    let answer = world.sqs("DeleteMessageBatch", json!({ "Entries": twice }));
    assert_eq!(refusal(&answer).0, "com.amazonaws.sqs#BatchEntryIdsNotDistinct");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_of_messages_is_sent_entry_by_entry() {
    let world = World::new().await;
    let entries = json!([
        { "Id": "a", "MessageBody": "hello" },
        { "Id": "b", "MessageBody": "\u{0}" },
        { "Id": "c", "MessageBody": "later", "DelaySeconds": 60 },
        { "Id": "d" },
    ]);
    let reply = world.sqs("SendMessageBatch", json!({ "Entries": entries })).json();
    let sent = reply["Successful"].as_array().expect("a list");
    let ids: Vec<&str> = sent.iter().map(|entry| text(entry, "Id")).collect();
    assert_eq!(ids, ["a", "c"]);
    assert_eq!(text(&sent[0], "MD5OfMessageBody"), "5d41402abc4b2a76b9719d911017c592");
    let failed = reply["Failed"].as_array().expect("a list");
    let codes: Vec<_> = failed.iter().map(|entry| (text(entry, "Id"), text(entry, "Code"))).collect();
    assert_eq!(codes, [("b", "InvalidMessageContents"), ("d", "MissingParameter")]);
    let received = world.receive();
    assert_eq!((received.len(), &received[0]["MessageId"]), (1, &sent[0]["MessageId"]));
    assert_eq!(world.emulator.messages().delayed, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_that_sqs_does_not_accept_has_no_effect() {
    let world = World::new().await;
    let entry = |id: &str, body: &str| json!({ "Id": id, "MessageBody": body });
    let half = "x".repeat(600_000);
    let many: Vec<_> = (0..11).map(|place| entry(&place.to_string(), "x")).collect();
    for (entries, code) in [
        (json!([]), "EmptyBatchRequest"),
        (json!(many), "TooManyEntriesInBatchRequest"),
        (json!([entry("a", "x"), entry("a", "x")]), "BatchEntryIdsNotDistinct"),
        (json!([entry("a", "x"), entry("b c", "x")]), "InvalidBatchEntryId"),
        (json!([entry(&"a".repeat(81), "x")]), "InvalidBatchEntryId"),
        (json!([entry("a", &half), entry("b", &half)]), "BatchRequestTooLong"),
    ] {
        let answer = world.sqs("SendMessageBatch", json!({ "Entries": entries }));
        let expected = (format!("com.amazonaws.sqs#{code}"), format!("AWS.SimpleQueueService.{code};Sender"));
        assert_eq!(refusal(&answer), expected);
    }
    assert_eq!(world.emulator.messages().all(), 0);
}
