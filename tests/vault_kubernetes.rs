//! Publishing to Vault and to Kubernetes, and the command that follows a publication. Neither server can be had where these
//! tests run, so that doubles stand in for them, which do what the documentation of both says.

#![allow(missing_docs, clippy::print_stdout, clippy::unwrap_used, reason = "tests")]

mod doubles;
mod program;

#[path = "vault_kubernetes/kubernetes.rs"]
mod kubernetes;
#[path = "vault_kubernetes/silence.rs"]
mod silence;
#[path = "vault_kubernetes/then.rs"]
mod then;
#[path = "silence/tls.rs"]
#[allow(dead_code, reason = "another test binary uses the rest")]
mod tls;
#[path = "vault_kubernetes/vault.rs"]
mod vault;

use program::{SECRET, TARGETS, World};
use serde_json::Value;

/// What `status` says of the target of that name.
fn target(world: &World, name: &str) -> Value {
    let status = world.status();
    let targets = status["targets"].as_array().unwrap();
    targets.iter().find(|target| target["name"] == name).unwrap_or_else(|| panic!("{name}: {status}")).clone()
}

/// The secret is enrolled and goes to the other targets; this one fails, and its status says so.
#[track_caller]
fn assert_fails(world: &World, name: &str, texts: &[&str]) {
    world.run_with(&["enroll", "shop"], SECRET).exits(3);

    let target = target(world, name);
    let failure = target["failure"].as_str().unwrap_or_default();
    for text in texts {
        assert!(failure.contains(text), "nothing says {text:?}: {target}");
    }
    assert_eq!(target["holds_current"], false);
    assert!(world.read("shop.env").contains(SECRET), "the others have it");
    assert_eq!(world.stored("current").as_deref(), Some(SECRET), "nothing is lost");
}

/// Has the same credential published again, as if it were the first time.
fn publish_again(world: &World) {
    std::fs::remove_dir_all(world.path("state")).unwrap();
    world.run_with(&["enroll", "shop"], &world.newest()).done();
}

/// The finding of `check` about the target of that name: its severity and its text.
fn finding(world: &World, name: &str) -> (String, String) {
    let (_, document) = world.json(&["check", "shop"]);
    let text = document.to_string();
    let mut found = Vec::new();
    collect(&document, &mut found);
    let target = found.into_iter().find(|finding| {
        finding["check"] == "target" && finding["evidence"].as_str().is_some_and(|evidence| evidence.starts_with(name))
    });
    let target = target.unwrap_or_else(|| panic!("{name}: {text}"));
    (target["severity"].as_str().unwrap().to_owned(), target["evidence"].as_str().unwrap().to_owned())
}

fn collect<'v>(value: &'v Value, found: &mut Vec<&'v Value>) {
    match value {
        Value::Array(list) => list.iter().for_each(|value| collect(value, found)),
        Value::Object(members) => {
            if members.contains_key("check") {
                found.push(value);
            }
            members.values().for_each(|value| collect(value, found));
        }
        _ => {}
    }
}

/// The lines of a target beside the two files.
fn configure(world: &World, lines: &str) {
    world.configure("", &format!("{TARGETS}\n[[apps.shop.publish]]\n{lines}\n"));
}
