//! Publish targets in AWS, and moving over from them, against servers (PyPI) that nobody here wrote. Moto answers the old value
//! after a label has moved, so that what depends on it is tried on MiniStack alone.

#![allow(missing_docs, clippy::unwrap_used, reason = "tests")]

mod program;
mod services;

#[path = "targets/moving_over.rs"]
mod moving_over;
#[path = "targets/secretsmanager.rs"]
mod secretsmanager;
#[path = "targets/ssm.rs"]
mod ssm;

use lwa_rotate::aws::Aws;
use program::{CLIENT_ID, SECRET, World};
use serde_json::{Value, json};
use services::{Kind, Server};

const BOTH: [Kind; 2] = [Kind::Moto, Kind::MiniStack];

/// The layout of Amazon's sample.
const SAMPLE_NAMES: &str = r#"names = { client-id = "AppClientId", client-secret = "AppClientSecret" }"#;

/// A server that has loaded both services: the first call of each may take longer than a call of the program's.
fn start(kind: Kind) -> Server {
    let server = Server::start(kind);
    for list in ["secretsmanager.ListSecrets", "AmazonSSM.DescribeParameters"] {
        server.post(list, &json!({}));
    }
    server
}

/// A world whose program has Secrets Manager and Parameter Store in that server, and publishes to these targets.
fn world(server: &Server, targets: &str) -> World {
    let world = World::new();
    serve(server, &world);
    world.configure("", targets);
    world
}

fn serve(server: &Server, world: &World) {
    for service in ["SECRETS_MANAGER", "SSM"] {
        world.set(&format!("AWS_ENDPOINT_URL_{service}"), &server.url());
    }
}

/// The table of a target of the shop.
fn target(kind: &str, lines: &str) -> String {
    format!("\n[[apps.shop.publish]]\nkind = \"{kind}\"\n{lines}\n")
}

/// The same settings for the library.
fn aws(server: &Server) -> Aws {
    Aws::new().endpoint(server.url()).unwrap().region("us-east-1").access_key("test", "test".into())
}

fn create_secret(server: &Server, name: &str, value: &str) {
    server.post("secretsmanager.CreateSecret", &json!({ "Name": name, "SecretString": value }));
}

/// The value of a secret with this label.
fn secret(server: &Server, name: &str, label: &str) -> String {
    let asked = json!({ "SecretId": name, "VersionStage": label });
    server.post("secretsmanager.GetSecretValue", &asked)["SecretString"].as_str().unwrap().to_owned()
}

/// The labels of each version of a secret that has any.
fn labels(server: &Server, name: &str) -> Vec<Vec<String>> {
    let described = server.post("secretsmanager.DescribeSecret", &json!({ "SecretId": name }));
    let versions = described["VersionIdsToStages"].as_object().unwrap().values();
    let mut labels: Vec<Vec<String>> = versions.map(|labels| serde_json::from_value(labels.clone()).unwrap()).collect();
    labels.sort();
    labels
}

fn parameter(server: &Server, name: &str) -> Value {
    let asked = json!({ "Name": name, "WithDecryption": true });
    server.post("AmazonSSM.GetParameter", &asked)["Parameter"].clone()
}

/// Amazon's sample, with something else in it.
fn sample(client_id: &str, secret: &str) -> String {
    format!("{{\"note\": \"\\u00e9\", \"AppClientId\":\"{client_id}\",\"AppClientSecret\": \"{secret}\", \"n\":1.50}}")
}

fn shop() -> String {
    sample(CLIENT_ID, SECRET)
}
