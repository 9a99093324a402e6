//! What Amazon refuses for good: exit 1, Amazon's own words, what still works and what to do.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::time::Duration;

use serde_json::{Value, json};

use crate::program::{CLIENT_ID, TARGETS, World};

#[test]
fn an_application_that_is_not_subscribed_gets_the_console_steps() {
    let world = World::enrolled();
    world.emulator.set_subscribed(CLIENT_ID, false);

    let ran = world
        .run(&["rotate", "shop"])
        .exits(1)
        .says("400 InvalidInput: Application is not enrolled for rotation notification")
        .says("request id")
        .says("open Notification Preferences and subscribe the application")
        .says("nothing has changed: the current secret works");

    assert_eq!(ran.stdout, "");
    assert_eq!(world.count("rotate"), 1);
    assert_eq!(world.emulator.secrets(CLIENT_ID).len(), 1);
    assert_eq!(world.status()["problem"]["cause"], "not-subscribed");
}

/// The current secret is dead, in both ways in which Amazon has been seen to say so, while a newer one is on its way.
#[test]
fn when_the_current_secret_is_dead_the_queue_is_read_and_a_newer_one_recovers_it() {
    for (refuse, cause, said) in [
        (true, "secret-refused", "401 invalid_client: Client authentication failed"),
        (
            false,
            "secret-expired",
            "403 Unauthorized: Access to requested resource is denied. · The LWA secret token you provided has expired.",
        ),
    ] {
        let world = World::enrolled_with(|options| options.refuse_dead_secrets = refuse);
        // It comes ten minutes after the old secret has ended.
        world.fault("notification:delay=691800s");
        world.emulator.rotate_in_console(CLIENT_ID, true);
        world.emulator.advance_time(Duration::from_secs(8 * 86_400));

        world
            .run(&["rotate", "shop"])
            .exits(1)
            .says("shop: ")
            .says(said)
            .says("in the Developer Console")
            .says("lwa-rotate enroll shop");
        assert_eq!(world.status()["problem"]["cause"], cause);
        let calls = world.calls();
        let refused = calls.iter().rposition(|name| *name == if refuse { "token" } else { "rotate" });
        let looked = calls.iter().rposition(|name| *name == "receive");
        assert!(refused < looked, "the queue is read after the refusal: {calls:?}");

        let asked = world.count("rotate");
        world.emulator.advance_time(Duration::from_secs(600));
        let (code, document) = world.json(&["rotate", "shop"]);
        assert_eq!((code, &document["outcome"]), (Some(0), &"taken-up".into()), "{document}");
        assert_eq!(world.count("rotate"), asked, "no rotate call for what is there already");
        world.assert_rotated();
    }
}

#[test]
fn a_newer_secret_that_comes_during_the_refusal_is_taken_up_by_the_same_run() {
    let world = World::enrolled_with(|options| options.refuse_dead_secrets = true);
    // The first read finds nothing; the second comes after the refusal.
    world.fault("notification:delay=691800s");
    world.emulator.rotate_in_console(CLIENT_ID, true);
    world.emulator.advance_time(Duration::from_secs(8 * 86_400));
    world.fault("token:delay=3s");
    let rotate = world.start(&["rotate", "shop"]);
    rotate.until("the secret is refused", || world.count("token") == 2);
    world.emulator.advance_time(Duration::from_secs(600));

    rotate.end().done();

    assert_eq!(world.count("rotate"), 0);
    world.assert_rotated();
}

#[test]
fn what_sp_api_refuses_is_told_in_its_own_words_with_the_request_id() {
    let world = World::enrolled();
    world.fault("rotate:refuse=Unauthorized");

    let (code, document) = world.json(&["rotate", "shop"]);

    assert_eq!(code, Some(1));
    let error = &document["error"];
    assert_eq!((&error["kind"], &error["problem"]["cause"]), (&"failed".into(), &"access-denied".into()));
    let amazon = &error["problem"]["amazon"];
    assert_eq!((&amazon["status"], &amazon["code"]), (&403.into(), &"Unauthorized".into()));
    assert_eq!(amazon["message"], "Access to requested resource is denied.");
    assert!(amazon["request_id"].as_str().is_some_and(|id| id.len() > 20), "{amazon}");
    assert_eq!(error["problem"]["remedy_by"], "person");
    assert!(error["hints"][0].as_str().is_some_and(|hint| hint.contains("region")), "{error}");
    assert_eq!(document["status"]["state"], "requesting");
    assert_eq!(world.count("rotate"), 1);
    assert_eq!(world.emulator.secrets(CLIENT_ID).len(), 1);
}

/// An LWA of one answer.
fn lwa_that_answers(head: &str, body: &Value) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let body = body.to_string();
    let answer = format!(
        "HTTP/1.1 {head}\r\ncontent-type: application/json\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut request = Vec::new();
            let mut buffer = [0; 4096];
            // The request's last words are those of its form.
            while !request.windows(6).any(|window| window == b"scope=") {
                let length = stream.read(&mut buffer).unwrap();
                request.extend_from_slice(&buffer[..length]);
            }
            stream.write_all(answer.as_bytes()).unwrap();
        }
    });
    format!("http://{address}/auth/o2/token")
}

#[test]
fn a_scope_that_lwa_does_not_grant_is_told_in_its_own_words_with_the_likely_cause() {
    let world = World::enrolled();
    let refusal =
        json!({ "error_description": "The request has an invalid parameter : scope", "error": "invalid_scope" });
    let endpoint = lwa_that_answers("400 Bad Request\r\nx-amzn-requestid: 7f1c-scope", &refusal);
    world.configure(&format!("token-endpoint = \"{endpoint}\""), TARGETS);

    world
        .run(&["rotate", "shop"])
        .exits(1)
        .says("does not grant")
        .says("400 invalid_scope: The request has an invalid parameter : scope")
        .says("request id   7f1c-scope")
        .says("that the client id is that of a Selling Partner API application");

    assert_eq!(world.count("rotate"), 0);
    let (code, document) = world.json(&["rotate", "shop", "--dry-run"]);
    assert_eq!((code, &document["error"]["problem"]["cause"]), (Some(1), &"scope-refused".into()));
    assert_eq!(document["error"]["problem"]["amazon"]["request_id"], "7f1c-scope");
    let happened = document["error"]["problem"]["happened"].as_str().unwrap();
    assert!(happened.ends_with("the scope of the rotate call"), "which of the two scopes: {happened}");
}

/// Rule 9, and a server that is none of Amazon's.
#[test]
fn an_answer_that_echoes_the_secret_is_withheld() {
    let world = World::enrolled();
    let refusal =
        json!({ "error": "invalid_client", "error_description": format!("no such secret: {}", world.newest()) });
    let endpoint = lwa_that_answers("401 Unauthorized", &refusal);
    world.configure(&format!("token-endpoint = \"{endpoint}\""), TARGETS);

    world.run(&["-vvv", "rotate", "shop"]).exits(1).says("[withheld: the text holds a secret or a part of one]");
    world.assert_silent();
}
