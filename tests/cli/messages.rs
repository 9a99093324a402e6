//! Messages that come twice, late, out of order, for others, or make no sense.

use std::time::Duration;

use serde_json::{Value, json};

use crate::program::{CLIENT_ID, Ran, World};

/// What stands in the bodies below where a value is expected, and must not be shown.
const VALUE: &str = "value-of-somebody-else";

/// The events of `watch`, by name.
fn events(ran: &Ran, name: &str) -> Vec<Value> {
    let events = ran.stdout.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    events.filter(|event| event["event"] == name).collect()
}

/// A message with a new secret, as Amazon writes it.
fn notification(client_id: &str) -> Value {
    json!({
        "notificationVersion": "1.0",
        "notificationType": "APPLICATION_OAUTH_CLIENT_NEW_SECRET",
        "payloadVersion": "2023-11-30",
        "eventTime": "2026-01-01T00:00:00.000Z",
        "payload": { "applicationOAuthClientNewSecret": {
            "clientId": client_id,
            "newClientSecret": VALUE,
            "newClientSecretExpiryTime": "2099-01-01T00:00:00.000Z",
            "oldClientSecretExpiryTime": "2098-01-08T00:00:00.000Z",
        } },
        "notificationMetadata": { "applicationId": "a", "subscriptionId": "s", "publishTime": "2026-01-01T00:00:00.000Z", "notificationId": "n" },
    })
}

/// Rule 6: newest wins, and a repetition changes nothing.
#[test]
fn a_message_that_comes_twice_changes_nothing_the_second_time() {
    let world = World::enrolled();
    world.fault("notification:duplicate");

    world.run(&["rotate", "shop"]).done();
    world.watch_until("both are gone", || world.emulator.messages().all() == 0).done();

    assert_eq!(world.status()["generation"], 2);
    assert_eq!(world.count("rotate"), 1);
    world.assert_rotated();
}

/// Rule 6.
#[test]
fn messages_in_the_wrong_order_end_with_the_newest_secret() {
    let world = World::enrolled();
    world.emulator.rotate_in_console(CLIENT_ID, true);
    let middle = world.newest();
    // Within one millisecond nothing of Amazon's would tell which is newer.
    world.emulator.advance_time(Duration::from_secs(1));
    world.fault("notification:reorder");
    world.emulator.rotate_in_console(CLIENT_ID, true);

    let (code, document) = world.json(&["rotate", "shop"]);
    assert_eq!((code, &document["outcome"]), (Some(0), &"taken-up".into()));
    world.emulator.advance_time(Duration::from_secs(60));
    world.watch_until("both are gone", || world.emulator.messages().all() == 0).done();

    assert_ne!(world.stored("current"), Some(middle));
    assert_eq!(world.count("rotate"), 0);
    world.assert_rotated();
}

/// Rule 6.
#[test]
fn an_older_message_that_comes_again_changes_nothing() {
    let world = World::enrolled();
    world.run(&["rotate", "shop"]).done();
    world.fault("notification:old");
    world.emulator.rotate_in_console(CLIENT_ID, true);
    let first = world.watch_until("the newest is taken up", || world.status()["generation"] == 3).done();
    // `watch` reads a quiet queue once in five minutes; if the first has not found the older message, the next one does at once.
    world.emulator.advance_time(Duration::from_secs(60));

    let next = world.watch_until("both are gone", || world.emulator.messages().all() == 0).done();

    let told = [&first, &next].map(|watched| events(watched, "message-old")).concat();
    assert_eq!(told.len(), 1, "{}{}", first.stdout, next.stdout);
    assert!(told[0]["text"].as_str().is_some_and(|text| text.contains(' ')), "{}", told[0]);
    assert_eq!(world.status()["generation"], 3);
    world.assert_rotated();
}

#[test]
fn a_message_that_is_late_is_waited_for() {
    let world = World::enrolled();
    world.fault("notification:delay=3s");

    let ran = world.run(&["rotate", "shop"]).done();

    assert!(ran.took > Duration::from_secs(3), "{:?}", ran.took);
    world.assert_rotated();
}

/// Rule 7: not ours, not touched.
#[test]
fn a_message_for_another_application_stays_in_the_queue() {
    let world = World::enrolled();
    world.fault("notification:foreign");

    world.run(&["rotate", "shop"]).done();
    world.emulator.advance_time(Duration::from_secs(3600));
    world
        .emulator
        .send_message(notification(CLIENT_ID).to_string().replace(CLIENT_ID, "amzn1.application-oa2-client.other"));
    let watched = world.watch_until("both have been looked at", || world.emulator.messages().in_flight == 2).done();

    let left = events(&watched, "left");
    assert_eq!(left.len(), 2, "{}", watched.stdout);
    assert!(left.iter().all(|event| event["why"] == "not-enrolled"), "{left:?}");
    assert_eq!(world.emulator.messages().all(), 2);
    assert!(!watched.stdout.contains(VALUE) && !watched.stderr.contains(VALUE), "rule 9");
    assert_eq!(world.stored("current"), Some(world.newest()));
}

/// Rule 7.
#[test]
fn an_unreadable_message_beside_the_right_one_stays_in_the_queue_and_is_reported() {
    let world = World::enrolled();
    world.fault("notification:garbage");

    world.run(&["rotate", "shop"]).done().says("stays in the queue: it cannot be read");

    assert_eq!(world.emulator.messages().all(), 1);
    assert_eq!(world.stored("current"), Some(world.newest()));
}

/// Rule 7: reported by member names, never values.
#[test]
fn bodies_with_wrong_types_and_unknown_types_are_left_and_told_without_their_values() {
    let world = World::enrolled();
    let with = |pointer: &str, value: Value| {
        let mut body = notification(CLIENT_ID);
        *body.pointer_mut(pointer).unwrap() = value;
        body.to_string()
    };
    let payload = "/payload/applicationOAuthClientNewSecret";
    let bodies = [
        VALUE.to_owned(),
        format!("[\"{VALUE}\"]"),
        format!("{{\"{VALUE}\":1}}"),
        with("/notificationType", json!(VALUE)),
        with("/notificationType", json!({ "of": VALUE })),
        with("/payload", json!([VALUE])),
        with("/eventTime", json!(VALUE)),
        with(payload, json!(VALUE)),
        with(&format!("{payload}/clientId"), json!([VALUE])),
        with(&format!("{payload}/newClientSecret"), json!({ "secret": VALUE })),
        with(&format!("{payload}/newClientSecret"), json!("")),
        with(&format!("{payload}/newClientSecret"), json!("two words")),
        with(&format!("{payload}/newClientSecretExpiryTime"), json!(VALUE)),
        with(&format!("{payload}/newClientSecretExpiryTime"), json!(4_102_444_800_000_u64)),
        with(&format!("{payload}/oldClientSecretExpiryTime"), Value::Null),
    ];
    for body in &bodies {
        world.emulator.send_message(body.as_str());
    }

    // Ten at a time.
    let rotate = world.run(&["rotate", "shop"]).done();
    let watched = world.watch_until("all have been looked at", || world.emulator.messages().visible == 0).done();

    assert_eq!(world.emulator.messages().all(), bodies.len());
    let left = events(&watched, "left");
    for event in &left {
        assert_eq!(event["why"], "unreadable", "{event}");
        assert!(event["text"].as_str().is_some_and(|text| !text.is_empty()), "{event}");
    }
    for output in [&rotate.stdout, &rotate.stderr, &watched.stdout, &watched.stderr] {
        assert!(!output.contains(VALUE), "rule 9: {output}");
    }
    assert_eq!(world.stored("current"), Some(world.newest()));
}

/// Rule 7, with the largest message that SQS carries.
#[test]
fn a_mebibyte_of_anything_is_left_and_does_not_stop_the_rotation() {
    let size = 1 << 20;
    let long = notification(CLIENT_ID).to_string();
    let long = long.replace(VALUE, &VALUE.repeat((size - long.len()) / VALUE.len()));
    for body in [
        "x".repeat(size),
        "[".repeat(size),
        "{\"a\":".repeat(size / 5),
        format!("\"{}\"", "\\u0000".repeat(size / 6 - 1)),
        long,
    ] {
        let world = World::enrolled();
        let kind: String = body.chars().take(8).collect();
        world.emulator.send_message(body);

        let ran = world.run(&["rotate", "shop"]).done();

        assert_eq!(world.emulator.messages().all(), 1, "{kind}");
        assert!(ran.stderr.len() < 8192, "{kind}: {} bytes on stderr", ran.stderr.len());
        assert!(!ran.stderr.contains(VALUE), "{kind}: {}", ran.stderr);
        assert_eq!(world.stored("current"), Some(world.newest()), "{kind}");
    }
}

#[test]
fn an_expiry_notice_is_recorded_and_deleted() {
    let world = World::enrolled();
    assert_eq!(world.status()["expires_at"], Value::Null);
    world.emulator.send_expiry_notice(CLIENT_ID, false);

    let watched = world.watch_until("it is deleted", || world.emulator.messages().all() == 0).done();

    assert_eq!(events(&watched, "expiry-noticed").len(), 1, "{}", watched.stdout);
    assert!(world.status()["expires_at"].is_string(), "expiry cannot be queried: the notice tells it");
    assert_eq!(world.count("rotate"), 0, "it is far off");
}

/// Whoever may send to the queue can make the program try secrets, and no more.
#[test]
fn a_secret_that_is_none_of_amazons_is_never_used_and_stands_in_nobodys_way() {
    let world = World::enrolled();
    world.watch_for(VALUE);
    world.emulator.send_message(notification(CLIENT_ID).to_string());

    world.run(&["rotate", "shop", "--timeout", "1s"]).exits(3);
    assert!(!world.read("shop.env").contains(VALUE), "rule 4: verified before use");

    world.emulator.rotate_in_console(CLIENT_ID, true);
    world.run(&["rotate", "shop", "--timeout", "1s"]);
    assert_eq!(world.stored("current"), Some(world.newest()), "the real one is taken up");
    assert!(world.read("shop.env").contains(&world.newest()));
}
