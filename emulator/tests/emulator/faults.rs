use std::time::Instant;

use super::*;

/// Nothing at all came back: no status line, no byte.
fn assert_nothing(answer: Result<Answer, Lost>) {
    assert_eq!(answer.expect_err("no answer").received, "");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_answer_is_a_closed_connection_after_the_effect() {
    let world = World::new().await;
    world.fault("rotate:lose-answer");
    let token = world.token(SECRET, ROTATION);
    assert_nothing(world.rotate_with(&token));
    assert_eq!(world.emulator.secrets(CLIENT_ID).len(), 2);
    assert_eq!(world.receive().len(), 1);
    assert_eq!(
        world.emulator.calls().iter().find(|call| call.operation.name() == "rotate").and_then(|c| c.status),
        None
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cut_is_a_closed_connection_without_an_effect() {
    let world = World::new().await;
    world.fault("rotate:cut");
    let token = world.token(SECRET, ROTATION);
    assert_nothing(world.rotate_with(&token));
    assert_eq!(world.emulator.secrets(CLIENT_ID).len(), 1);
    assert_eq!(world.rotate_with(&token).expect("an answer").status, 204, "once, and not counted by the usage plan");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hanging_request_ends_without_an_effect() {
    let world = World::new().await;
    world.fault("rotate:hang=200ms");
    let token = world.token(SECRET, ROTATION);
    let began = Instant::now();
    assert_nothing(world.rotate_with(&token));
    assert!(began.elapsed() >= Duration::from_millis(200));
    assert_eq!(world.emulator.secrets(CLIENT_ID).len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_late_answer_is_a_whole_one() {
    let world = World::new().await;
    world.fault("proof:delay=200ms");
    let began = Instant::now();
    assert_eq!(world.prove(SECRET).status, 200);
    assert!(began.elapsed() >= Duration::from_millis(200));
}

#[tokio::test(flavor = "multi_thread")]
async fn half_an_answer_is_a_status_and_half_a_body() {
    let world = World::new().await;
    world.fault("token:half-answer");
    let received = world.request_token(SECRET, ROTATION).expect_err("not whole").received;
    assert!(received.starts_with("HTTP/1.1 200 OK\r\n") && received.contains("\"access_token\""), "{received:?}");
    world.fault("receive:half-answer");
    world.emulator.send_message("body");
    let input = json!({ "QueueUrl": world.emulator.queue_url() });
    assert!(world.call_sqs("ReceiveMessage", &input).expect_err("not whole").received.starts_with("HTTP/1.1 200"));
    assert_eq!(world.emulator.messages().in_flight, 1, "it was received all the same");
    world.fault("rotate:half-answer");
    assert_nothing(world.rotate_with(&world.token(SECRET, ROTATION)));
    assert_eq!(world.emulator.secrets(CLIENT_ID).len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failing_operation_has_no_effect_and_fails_as_often_as_asked() {
    let world = World::new().await;
    world.fault("rotate:status=500*2");
    let statuses = [0; 3].map(|_| world.rotate(SECRET).status);
    assert_eq!(statuses, [500, 500, 204]);
    assert_eq!(world.emulator.secrets(CLIENT_ID).len(), 2);
    world.fault("token:status=503*always");
    assert_eq!(world.request_token(SECRET, ROTATION).expect("an answer").status, 503);
    assert_eq!(world.request_token(SECRET, ROTATION).expect("an answer").status, 503);
    world.emulator.clear_faults();
    assert_eq!(world.request_token(SECRET, ROTATION).expect("an answer").status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_is_worded_as_its_service_words_it() {
    let world = World::new().await;
    let token = world.token(SECRET, ROTATION);
    for fault in ["token:refuse=invalid_scope", "rotate:refuse=QuotaExceeded", "receive:refuse=QueueDoesNotExist"] {
        world.fault(fault);
    }
    let answer = world.request_token(SECRET, ROTATION).expect("an answer");
    assert_eq!((answer.status, text(&answer.json(), "error")), (400, "invalid_scope"));
    let answer = world.rotate_with(&token).expect("an answer");
    assert_eq!(sp_api_error(&answer), (429, "QuotaExceeded".into(), String::new()));
    let answer = world.sqs("ReceiveMessage", json!({}));
    assert_eq!(text(&answer.json(), "__type"), "com.amazonaws.sqs#QueueDoesNotExist");
    assert_eq!(answer.headers["x-amzn-query-error"], "AWS.SimpleQueueService.NonExistentQueue;Sender");
    world.fault("delete:refuse=ServiceUnavailable");
    let answer = world.sqs("DeleteMessage", json!({ "ReceiptHandle": "any" }));
    assert_eq!((answer.status, &*answer.headers["x-amzn-query-error"]), (503, "ServiceUnavailable;Receiver"));
}

#[tokio::test(flavor = "multi_thread")]
async fn every_operation_of_a_queue_can_fail_by_itself() {
    let world = World::new().await;
    world.emulator.send_message("body");
    let message = world.receive().remove(0);
    let mut input = json!({ "QueueUrl": world.emulator.queue_url(), "ReceiptHandle": message["ReceiptHandle"],
                            "VisibilityTimeout": 60 });
    world.fault("hide:lose-answer");
    assert_nothing(world.call_sqs("ChangeMessageVisibility", &input));
    world.emulator.advance_time(Duration::from_secs(30));
    assert_eq!(world.emulator.messages().in_flight, 1, "the effect was there");
    world.fault("delete:cut");
    assert_nothing(world.call_sqs("DeleteMessage", &input));
    assert_eq!(world.emulator.messages().all(), 1);
    world.fault("delete:lose-answer");
    assert_nothing(world.call_sqs("DeleteMessage", &input));
    assert_eq!(world.emulator.messages().all(), 0);
    world.fault("receive:status=503");
    assert_eq!(world.sqs("ReceiveMessage", json!({})).status, 503);
    world.fault("queue:cut");
    input["MessageBody"] = "more".into();
    assert_nothing(world.call_sqs("SendMessage", &input));
    assert_eq!(world.emulator.messages().all(), 0);
}

/// A page of a proxy: not JSON, and without any header of Amazon's.
fn assert_page(answer: &Answer, status: u16) {
    assert_eq!(answer.status, status);
    assert!(answer.headers["content-type"].starts_with("text/html") && answer.body.starts_with("<html>"));
    assert!(!answer.headers.keys().any(|name| name.starts_with("x-amz")), "{:?}", answer.headers);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_of_a_proxy_comes_instead_of_the_operation() {
    let world = World::new().await;
    let token = world.token(SECRET, ROTATION);
    for status in [200, 302, 401, 403, 404, 407, 503] {
        world.fault(&format!("rotate:page={status}"));
        assert_page(&world.rotate_with(&token).expect("an answer"), status);
    }
    assert_eq!(world.emulator.secrets(CLIENT_ID).len(), 1, "nothing was rotated");
    world.fault("token:page=403");
    assert_page(&world.request_token(SECRET, ROTATION).expect("an answer"), 403);
    world.fault("receive:page=503");
    assert_page(&world.sqs("ReceiveMessage", json!({})), 503);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_of_a_proxy_comes_after_the_operation() {
    let world = World::new().await;
    world.fault("rotate:page-after=503");
    assert_page(&world.rotate(SECRET), 503);
    assert_eq!(world.emulator.secrets(CLIENT_ID).len(), 2, "it was rotated all the same");
    assert_eq!(world.emulator.calls().last().and_then(|call| call.status), Some(503));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_is_cut_in_the_middle() {
    let world = World::new().await;
    let token = world.token(SECRET, ROTATION);
    world.fault("rotate:half-refuse=ServiceUnavailable");
    let received = world.rotate_with(&token).expect_err("not whole").received;
    assert!(received.starts_with("HTTP/1.1 503 ") && received.contains("errors"), "{received:?}");
    assert!(received.to_lowercase().contains("x-amzn-errortype: serviceunavailable"), "{received:?}");
    assert_eq!(world.emulator.secrets(CLIENT_ID).len(), 1);
    for (code, status) in [("InternalFailure", 500), ("ServiceUnavailable", 503)] {
        world.fault(&format!("rotate:refuse={code}"));
        assert_eq!(sp_api_error(&world.rotate_with(&token).expect("an answer")), (status, code.into(), String::new()));
    }
}
