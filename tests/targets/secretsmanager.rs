//! `kind = "secretsmanager"`.

use lwa_rotate::Credential;
use lwa_rotate::publish::{Names, SecretsManagerTarget, Target};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::program::{SECRET, TARGETS};
use crate::services::{Kind, Server};
use crate::{BOTH, SAMPLE_NAMES, aws, create_secret, labels, secret, shop, start, target, world};

#[test]
fn a_rotation_makes_the_new_value_current_and_the_one_before_previous() {
    let server = start(Kind::MiniStack);
    create_secret(&server, "prod/lwa", &shop());
    let world = world(&server, &target("secretsmanager", &format!("secret = \"prod/lwa\"\n{SAMPLE_NAMES}")));
    world.enroll();
    let enrolled = secret(&server, "prod/lwa", "AWSCURRENT");
    assert_eq!(
        enrolled,
        shop().replace("\"n\":1.50", "\"n\":1.50, \"expires_at\": null"),
        "nothing else has changed, to the byte"
    );

    world.run(&["rotate", "shop"]).done();

    let current: Value = serde_json::from_str(&secret(&server, "prod/lwa", "AWSCURRENT")).unwrap();
    assert_eq!(current["AppClientSecret"], world.newest());
    assert_eq!(current["expires_at"], world.status()["expires_at"]);
    assert_eq!(secret(&server, "prod/lwa", "AWSPREVIOUS"), enrolled);
    assert_eq!(labels(&server, "prod/lwa"), [["AWSCURRENT"], ["AWSPREVIOUS"]], "no label of ours is left");
}

#[test]
fn a_secret_that_does_not_exist_is_made_and_one_that_holds_it_is_left_alone() {
    for kind in BOTH {
        let server = start(kind);
        let world = world(&server, &target("secretsmanager", "secret = \"shop\""));

        world.enroll();
        let made = secret(&server, "shop", "AWSCURRENT");
        world.enroll();

        let document: Value = serde_json::from_str(&made).unwrap();
        assert_eq!(document["client_secret"], SECRET, "{kind:?}");
        assert_eq!(secret(&server, "shop", "AWSCURRENT"), made);
        assert_eq!(labels(&server, "shop"), [["AWSCURRENT"]], "{kind:?}: there is one version");
    }
}

/// Rule 9.
#[test]
fn nothing_of_what_goes_to_a_secret_and_a_parameter_is_told() {
    let server = start(Kind::MiniStack);
    create_secret(&server, "shop", &shop());
    let sample = target("secretsmanager", &format!("secret = \"shop\"\n{SAMPLE_NAMES}"));
    let world = world(&server, &(sample + &target("ssm", "parameter = \"/shop\"")));
    for name in ["RUST_LOG", "AWS_LOG"] {
        world.set(name, "trace");
    }

    world.run(&["enroll", "shop", "--from", "secretsmanager:shop", "-vvv"]).done();
    world.run(&["rotate", "shop", "-vvv", "--log-format", "json"]).done();

    // The world looks through what was printed.
    assert!(secret(&server, "shop", "AWSCURRENT").contains(&world.newest()));
}

/// Whatever one target does, the others get the secret, and it is tried again until it has it as well.
#[test]
fn a_secret_that_waits_for_its_deletion_does_not_stop_the_others_and_gets_it_when_it_is_restored() {
    let server = start(Kind::MiniStack);
    create_secret(&server, "shop", "{}");
    server.post("secretsmanager.DeleteSecret", &json!({ "SecretId": "shop" }));
    let world = world(&server, &(target("secretsmanager", "secret = \"shop\"") + TARGETS));

    world.run_with(&["enroll", "shop"], SECRET).exits(3).says("marked for deletion").says("restore-secret");

    assert!(world.read("shop.env").contains(SECRET) && world.read("shop.json").contains(SECRET));
    let held = || -> Vec<bool> {
        let status = world.status();
        status["targets"].as_array().unwrap().iter().map(|target| target["holds_current"] == true).collect()
    };
    assert_eq!(held(), [false, true, true]);
    let failure = world.status()["targets"][0]["failure"].clone();
    assert!(failure.as_str().unwrap().contains("marked for deletion"), "{failure}");
    let (_, checked) = world.json(&["check"]);
    let findings = checked["findings"].as_array().unwrap();
    assert!(findings.iter().any(|finding| finding["check"] == "target" && finding["severity"] == "warning"));

    server.post("secretsmanager.RestoreSecret", &json!({ "SecretId": "shop" }));
    world.watch_until("it is published there too", || held() == [true; 3]).done();
    assert!(secret(&server, "shop", "AWSCURRENT").contains(SECRET));
}

#[test]
fn a_secret_that_is_no_json_object_is_left_as_it_is() {
    for kind in BOTH {
        let server = start(kind);
        create_secret(&server, "shop", "no json");
        let world = world(&server, &target("secretsmanager", "secret = \"shop\""));

        world.run_with(&["enroll", "shop"], SECRET).exits(3).says("'shop'").says("left as it is");

        assert_eq!(secret(&server, "shop", "AWSCURRENT"), "no json");
        assert_eq!(world.stored("current").as_deref(), Some(SECRET), "the secret itself is enrolled");
    }
}

#[test]
fn check_says_what_there_is_and_writes_nothing() {
    for kind in BOTH {
        let server = start(kind);
        let world = world(&server, &target("secretsmanager", "secret = \"shop\""));
        let seen = || {
            let (_, checked) = world.json(&["check"]);
            let findings = checked["findings"].as_array().unwrap();
            let target = findings.iter().find(|finding| finding["check"] == "target").unwrap();
            format!("{} {}", target["severity"].as_str().unwrap(), target["evidence"].as_str().unwrap())
        };

        let missing = seen();
        assert!(missing.starts_with("not-checked") && missing.contains("does not exist yet"), "{kind:?}: {missing}");
        assert_eq!(server.post("secretsmanager.ListSecrets", &json!({}))["SecretList"], json!([]), "it was not made");
        create_secret(&server, "shop", "[1]");
        let bad = seen();
        assert!(bad.starts_with("warning") && bad.contains("left as it is"), "{kind:?}: {bad}");
    }
}

fn credential(number: usize, round: usize) -> Credential {
    Credential {
        client_id: format!("amzn1.application-oa2-client.{number}"),
        client_secret: format!("secret-{number}-{round}").into(),
        expires_at: None,
    }
}

/// The targets of several applications in one secret.
fn shared(server: &Server, number: usize) -> SecretsManagerTarget {
    let names = Names {
        client_id: format!("id-{number}"),
        client_secret: format!("secret-{number}"),
        expires_at: format!("ends-{number}"),
    };
    SecretsManagerTarget::new("shared").names(names).aws(aws(server))
}

#[tokio::test(flavor = "multi_thread")]
async fn applications_that_share_a_secret_lose_nothing_of_each_other() {
    const APPLICATIONS: usize = 6;
    const ROUNDS: usize = 3;
    let server = start(Kind::MiniStack);
    // Even making it is a race.
    let mut racers = JoinSet::new();
    for number in 0..APPLICATIONS {
        let target = shared(&server, number);
        racers.spawn(async move {
            for round in 0..ROUNDS {
                target.put(&credential(number, round)).await.unwrap();
            }
        });
    }
    while let Some(ended) = racers.join_next().await {
        ended.unwrap();
    }

    let document: Value = serde_json::from_str(&secret(&server, "shared", "AWSCURRENT")).unwrap();
    for number in 0..APPLICATIONS {
        assert_eq!(document[format!("secret-{number}")], format!("secret-{number}-{}", ROUNDS - 1), "{document}");
    }
    assert_eq!(document.as_object().unwrap().len(), 3 * APPLICATIONS);
    assert_eq!(labels(&server, "shared"), [["AWSCURRENT"], ["AWSPREVIOUS"]], "no label of ours is left");
}

#[tokio::test(flavor = "multi_thread")]
async fn several_hosts_that_put_the_same_credential_make_one_version_of_it() {
    let server = start(Kind::MiniStack);
    create_secret(&server, "shared", "{}");
    let mut hosts = JoinSet::new();
    for _ in 0..6 {
        let target = shared(&server, 0);
        hosts.spawn(async move { target.put(&credential(0, 0)).await.unwrap() });
    }
    while let Some(ended) = hosts.join_next().await {
        ended.unwrap();
    }

    assert_eq!(labels(&server, "shared"), [["AWSCURRENT"], ["AWSPREVIOUS"]]);
    assert_eq!(secret(&server, "shared", "AWSPREVIOUS"), "{}", "the one before the first");
}
