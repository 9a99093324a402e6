use std::collections::BTreeSet;

use super::*;

const NEW_SECRET: &str = "APPLICATION_OAUTH_CLIENT_NEW_SECRET";

/// Every member of a JSON value, as paths.
fn members(value: &Value, path: &str, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(object) => {
            object.iter().for_each(|(name, value)| members(value, &format!("{path}/{name}"), found));
        }
        _ => drop(found.insert(path.to_owned())),
    }
}

fn assert_members(notification: &Value, payload: &[&str]) {
    let metadata = ["applicationId", "subscriptionId", "publishTime", "notificationId"];
    let expected: BTreeSet<String> = ["/notificationVersion", "/notificationType", "/payloadVersion", "/eventTime"]
        .into_iter()
        .map(str::to_owned)
        .chain(metadata.map(|name| format!("/notificationMetadata/{name}")))
        .chain(payload.iter().map(|name| format!("/payload/{name}")))
        .collect();
    let mut found = BTreeSet::new();
    members(notification, "", &mut found);
    assert_eq!(found, expected);
}

fn new_secret(notification: &Value) -> &Value {
    assert_eq!(text(notification, "notificationType"), NEW_SECRET);
    &notification["payload"]["applicationOAuthClientNewSecret"]
}

#[tokio::test(flavor = "multi_thread")]
async fn the_new_secret_comes_with_the_members_of_amazons_example() {
    let start = std::time::SystemTime::UNIX_EPOCH + Duration::from_secs(1_704_924_557);
    let options = Options { applications: vec![Application::new(CLIENT_ID, SECRET)], ..Options::default() };
    let world = World { emulator: Emulator::start_at(options, start).await.expect("a free port") };
    world.rotate(SECRET);
    let notification = &world.notifications()[0];
    assert_members(
        notification,
        &["clientId", "newClientSecret", "newClientSecretExpiryTime", "oldClientSecretExpiryTime"]
            .map(|name| format!("applicationOAuthClientNewSecret/{name}"))
            .each_ref()
            .map(String::as_str),
    );
    assert_eq!(
        (&notification["notificationVersion"], &notification["payloadVersion"]),
        (&"1.0".into(), &"2023-11-30".into())
    );
    let payload = new_secret(notification);
    assert_eq!((text(payload, "clientId"), text(payload, "newClientSecret")), (CLIENT_ID, &*world.current_secret()));
    assert!(text(payload, "newClientSecretExpiryTime").starts_with("2024-07-08T22:09:"));
    assert!(text(payload, "oldClientSecretExpiryTime").starts_with("2024-01-17T22:09:"));
    assert!(text(notification, "eventTime").starts_with("2024-01-10T22:09:"));
    assert!(text(notification, "eventTime").ends_with('Z'));
}

#[tokio::test(flavor = "multi_thread")]
async fn expiry_notices_come_for_the_current_secret_and_for_the_old_one() {
    let world = World::new().await;
    world.rotate(SECRET);
    world.receive();
    assert!(world.emulator.send_expiry_notice(CLIENT_ID, false));
    assert!(world.emulator.send_expiry_notice(CLIENT_ID, true));
    assert!(!world.emulator.send_expiry_notice("nobody", false));
    let notices = world.notifications();
    assert_eq!(notices.len(), 2);
    for notice in &notices {
        assert_members(
            notice,
            &["clientId", "clientSecretExpiryTime", "clientSecretExpiryReason"]
                .map(|name| format!("applicationOAuthClientSecretExpiry/{name}"))
                .each_ref()
                .map(String::as_str),
        );
        assert_eq!(text(notice, "notificationType"), "APPLICATION_OAUTH_CLIENT_SECRET_EXPIRY");
    }
    let ends = |notice: &Value| {
        text(&notice["payload"]["applicationOAuthClientSecretExpiry"], "clientSecretExpiryTime").to_owned()
    };
    assert!(ends(&notices[0]) > ends(&notices[1]), "the current secret ends after the old one");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_notification_takes_its_time() {
    let world = World::with(|options| options.notification_delay = Duration::from_secs(60)).await;
    world.rotate(SECRET);
    assert!(world.receive().is_empty());
    assert_eq!(world.emulator.messages().delayed, 1);
    world.emulator.advance_time(Duration::from_secs(60));
    assert_eq!(world.notifications().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rotation_in_the_console_may_come_with_or_without_a_notification() {
    let world = World::new().await;
    assert!(world.emulator.rotate_in_console(CLIENT_ID, false));
    assert!(world.receive().is_empty());
    assert!(world.emulator.rotate_in_console(CLIENT_ID, true));
    assert_eq!(text(new_secret(&world.notifications()[0]), "newClientSecret"), world.current_secret());
    assert_eq!(world.emulator.secrets(CLIENT_ID).len(), 3);
    assert!(!world.emulator.rotate_in_console("nobody", true));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_application_may_have_a_queue_of_its_own() {
    let world = World::with(|options| options.applications[0].queue = Some("shop".into())).await;
    world.rotate(SECRET);
    assert_eq!((world.emulator.messages().all(), world.emulator.messages_in("shop").visible), (0, 1));
    let arn = &world.prove(SECRET).json()["payload"][0]["resource"]["sqs"]["arn"];
    assert_eq!(arn, "arn:aws:sqs:us-east-1:000000000000:shop");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dropped_notification_never_comes() {
    let world = World::new().await;
    world.fault("notification:drop");
    assert_eq!(world.rotate(SECRET).status, 204);
    world.emulator.advance_time(DAY);
    assert!(world.receive().is_empty());
    assert_eq!(world.emulator.secrets(CLIENT_ID).len(), 2, "and still there is a new secret");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_duplicate_is_the_same_notification_in_another_message() {
    let world = World::new().await;
    world.fault("notification:duplicate");
    world.rotate(SECRET);
    let messages = world.receive();
    assert_eq!(messages.len(), 2);
    assert_eq!(messages[0]["Body"], messages[1]["Body"]);
    assert_ne!(messages[0]["MessageId"], messages[1]["MessageId"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_notification_may_be_late() {
    let world = World::new().await;
    world.fault("notification:delay=30m");
    world.rotate(SECRET);
    world.emulator.advance_time(Duration::from_secs(1700));
    assert!(world.receive().is_empty());
    world.emulator.advance_time(Duration::from_secs(100));
    assert_eq!(world.receive().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_newer_notification_may_overtake_an_older_one() {
    let world = World::new().await;
    world.emulator.rotate_in_console(CLIENT_ID, true);
    let older = world.current_secret();
    world.fault("notification:reorder");
    world.emulator.rotate_in_console(CLIENT_ID, true);
    let newer = world.current_secret();
    let secrets = |notifications: Vec<Value>| -> Vec<String> {
        notifications.iter().map(|n| text(new_secret(n), "newClientSecret").to_owned()).collect()
    };
    assert_eq!(secrets(world.notifications()), [newer]);
    world.emulator.advance_time(Duration::from_secs(1));
    assert_eq!(secrets(world.notifications()), [older]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_notification_of_another_application_may_lie_beside() {
    let world = World::new().await;
    world.fault("notification:foreign");
    world.rotate(SECRET);
    let notifications = world.notifications();
    let ids: Vec<&str> = notifications.iter().map(|n| text(new_secret(n), "clientId")).collect();
    assert_eq!(ids.len(), 2);
    assert!(ids.contains(&CLIENT_ID) && ids.iter().any(|id| *id != CLIENT_ID));
}

#[tokio::test(flavor = "multi_thread")]
async fn something_unreadable_may_lie_beside() {
    let world = World::new().await;
    world.fault("notification:garbage");
    world.rotate(SECRET);
    let bodies = world.receive();
    let readable: Vec<bool> = bodies.iter().map(|m| serde_json::from_str::<Value>(text(m, "Body")).is_ok()).collect();
    assert_eq!(readable, [false, true]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_old_notification_may_come_again_even_that_of_the_first_secret() {
    let world = World::with(|options| options.applications[0].expires_in = 30 * DAY).await;
    world.fault("notification:old");
    world.rotate(SECRET);
    world.emulator.advance_time(Duration::from_secs(1));
    let notifications = world.notifications();
    assert_eq!(notifications.len(), 2);
    let old =
        notifications.iter().find(|n| text(new_secret(n), "newClientSecret") == SECRET).expect("the first secret's");
    let new = notifications.iter().find(|n| text(new_secret(n), "newClientSecret") != SECRET).expect("the new one's");
    let ends = |notification| text(new_secret(notification), "newClientSecretExpiryTime").to_owned();
    assert!(ends(old) < ends(new));
}
