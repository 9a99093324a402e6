use super::*;

/// Asks the emulator itself.
fn ask(world: &World, method: &str, what: &str, body: &str) -> Answer {
    world.ask(&Request::new(method, &format!("/_emulator/{what}"), body))
}

#[tokio::test(flavor = "multi_thread")]
async fn state_and_journal_tell_everything_but_secrets_and_tokens() {
    let world = World::new().await;
    let token = world.token(SECRET, ROTATION);
    world.rotate_with(&token).expect("an answer");
    world.receive();
    world.fault("proof:delay=1500ms*2");
    let state = ask(&world, "GET", "state", "");
    let application = &state.json()["applications"][CLIENT_ID];
    assert_eq!(application["secrets_end_at"].as_array().map(Vec::len), Some(2));
    assert_eq!((&application["subscribed"], &application["queue"]), (&true.into(), &"lwa".into()));
    assert_eq!(state.json()["queues"]["lwa"], json!({ "visible": 0, "in_flight": 1, "delayed": 0 }));
    assert_eq!(state.json()["faults"], json!(["proof:delay=1500ms*2"]));
    let calls = ask(&world, "GET", "calls", "");
    let seen: Vec<_> = calls.json()["calls"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|call| (text(call, "operation").to_owned(), call["client_id"].clone(), call["status"].clone()))
        .collect();
    let expected = [
        ("token".to_owned(), CLIENT_ID.into(), 200.into()),
        ("rotate".to_owned(), CLIENT_ID.into(), 204.into()),
        ("receive".to_owned(), Value::Null, 200.into()),
    ];
    assert_eq!(seen, expected);
    assert_eq!(calls.json()["calls"][2]["messages"], 1);
    for secret in [SECRET, &world.current_secret(), &token] {
        assert!(!state.body.contains(secret) && !calls.body.contains(secret));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_faulty_request_is_in_the_journal_without_a_status() {
    let world = World::new().await;
    world.fault("token:cut");
    assert!(world.request_token(SECRET, ROTATION).is_err());
    let calls = world.emulator.calls();
    assert_eq!((calls.len(), calls[0].operation.name(), calls[0].status), (1, "token", None));
}

#[tokio::test(flavor = "multi_thread")]
async fn faults_are_added_and_ended_over_http() {
    let world = World::new().await;
    assert_eq!(ask(&world, "POST", "faults", r#"{"fault": "token:status=500*always"}"#).status, 200);
    assert_eq!(world.request_token(SECRET, ROTATION).expect("an answer").status, 500);
    assert_eq!(ask(&world, "DELETE", "faults", "").status, 200);
    assert_eq!(world.request_token(SECRET, ROTATION).expect("an answer").status, 200);
    let answer = ask(&world, "POST", "faults", r#"{"fault": "token:explode"}"#);
    assert_eq!(answer.status, 400);
    assert!(answer.body.contains("lose-answer"), "it says which there are: {}", answer.body);
}

#[tokio::test(flavor = "multi_thread")]
async fn time_jumps_over_http() {
    let world = World::with(|options| options.applications[0].expires_in = DAY).await;
    assert_eq!(ask(&world, "POST", "time", r#"{"advance_seconds": 86400}"#).status, 200);
    assert_eq!(world.prove(SECRET).status, 403);
    for wrong in ["{}", r#"{"advance_seconds": -1}"#, r#"{"advance_seconds": "1d"}"#, "no JSON"] {
        assert_eq!(ask(&world, "POST", "time", wrong).status, 400, "{wrong}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_rotations_and_notices_are_made_over_http() {
    let world = World::new().await;
    // Its name comes before that of the emulator's own queue.
    world.sqs("CreateQueue", json!({ "QueueName": "another" }));
    assert_eq!(ask(&world, "POST", "messages", r#"{"body": "anything"}"#).status, 200);
    assert_eq!(world.receive()[0]["Body"], "anything");
    assert_eq!(ask(&world, "POST", "messages", r#"{"body": "anything", "queue": "another"}"#).status, 200);
    assert_eq!(world.emulator.messages_in("another").visible, 1);
    assert_eq!(ask(&world, "POST", "messages", r#"{"body": "anything", "queue": "nowhere"}"#).status, 400);
    let id = json!({ "client_id": CLIENT_ID }).to_string();
    assert_eq!(ask(&world, "POST", "console-rotation", &id).status, 200);
    assert_eq!(ask(&world, "POST", "expiry-notice", &id).status, 200);
    let kinds: Vec<String> = world.notifications().iter().map(|n| text(n, "notificationType").to_owned()).collect();
    assert_eq!(kinds, ["APPLICATION_OAUTH_CLIENT_NEW_SECRET", "APPLICATION_OAUTH_CLIENT_SECRET_EXPIRY"]);
    let silent = json!({ "client_id": CLIENT_ID, "notify": false }).to_string();
    assert_eq!(ask(&world, "POST", "console-rotation", &silent).status, 200);
    assert!(world.receive().is_empty());
    assert_eq!(ask(&world, "POST", "console-rotation", r#"{"client_id": "nobody"}"#).status, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_queue_is_changed_deleted_and_created_over_http() {
    let world = World::new().await;
    assert_eq!(ask(&world, "POST", "queue", r#"{"attributes": {"Policy": "", "VisibilityTimeout": "5"}}"#).status, 200);
    let attributes = || world.sqs("GetQueueAttributes", json!({ "AttributeNames": ["Policy", "VisibilityTimeout"] }));
    assert_eq!(attributes().json()["Attributes"], json!({ "VisibilityTimeout": "5" }));
    assert_eq!(ask(&world, "POST", "queue", r#"{"exists": false}"#).status, 200);
    assert_eq!(attributes().status, 400);
    assert_eq!(ask(&world, "POST", "queue", r#"{"exists": true}"#).status, 200);
    assert_eq!(attributes().json()["Attributes"]["VisibilityTimeout"], "30");
    assert_eq!(ask(&world, "POST", "queue", r#"{"queue": "second", "exists": true}"#).status, 200);
    assert!(world.emulator.send_message_to("second", "body"));
    for wrong in [
        "{}",
        r#"{"attributes": []}"#,
        r#"{"attributes": {"Policy": 1}}"#,
        r#"{"attributes": {"Retention": "60"}}"#,
        r#"{"queue": "nowhere", "attributes": {"Policy": ""}}"#,
    ] {
        assert_eq!(ask(&world, "POST", "queue", wrong).status, 400, "{wrong}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_subscription_ends_and_begins_over_http() {
    let world = World::new().await;
    let ended = json!({ "client_id": CLIENT_ID, "subscribed": false }).to_string();
    assert_eq!(ask(&world, "POST", "subscription", &ended).status, 200);
    assert_eq!(world.rotate(SECRET).status, 400);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_does_not_exist_is_404() {
    let world = World::new().await;
    assert_eq!(ask(&world, "GET", "secrets", "").status, 404);
    assert_eq!(ask(&world, "DELETE", "time", "").status, 404);
}
