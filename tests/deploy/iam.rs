//! `deploy/iam`: the program runs in MiniStack as a user with exactly these policies, and, with each action taken out in turn, says
//! which one it lacks.
//!
//! MiniStack's services ask KMS for nothing, whatever key something is encrypted with: nobody misses `kms:Decrypt` there. On AWS
//! it is what a receive from a queue with a key needs.

#[path = "iam/places.rs"]
mod places;
#[path = "iam/queue.rs"]
mod queue;

use std::time::Duration;

use serde_json::{Value, json};

use crate::aws::Account;
use crate::program::{Ran, World};
use crate::tools::text;

/// A policy of `deploy/iam`, for the things that are there.
fn policy(name: &str, things: &[(String, String)]) -> Value {
    let mut text = text(&format!("iam/{name}.json"));
    for (example, thing) in things {
        text = text.replace(&format!("{example}\""), &format!("{thing}\""));
    }
    serde_json::from_str(&text).unwrap()
}

fn statements(policy: &Value) -> impl Iterator<Item = &Value> {
    policy["Statement"].as_array().unwrap().iter()
}

fn of_statement(statement: &Value) -> Vec<String> {
    match &statement["Action"] {
        Value::String(action) => vec![action.clone()],
        actions => serde_json::from_value(actions.clone()).unwrap(),
    }
}

fn actions(policy: &Value) -> Vec<String> {
    statements(policy).flat_map(of_statement).collect()
}

/// The policy with one action less.
fn without(policy: &Value, action: &str) -> Value {
    let mut policy = policy.clone();
    for statement in policy["Statement"].as_array_mut().unwrap() {
        let left: Vec<_> = of_statement(statement).into_iter().filter(|known| known != action).collect();
        // An action that nobody has keeps the statement one.
        statement["Action"] = if left.is_empty() { json!("sqs:ListQueues") } else { json!(left) };
    }
    policy
}

/// What a command with some policies came to.
struct Attempt {
    succeeded: bool,
    said: String,
}

impl From<Ran> for Attempt {
    fn from(ran: Ran) -> Self {
        Self { succeeded: ran.code == Some(0), said: ran.stdout + &ran.stderr }
    }
}

/// An account with a user in it, who may do nothing yet.
struct Iam {
    account: Account,
    key: [(&'static str, String); 2],
}

impl Iam {
    fn new() -> Self {
        let account = Account::strict();
        account.call("iam", "CreateUser", json!({ "UserName": "lwa-rotate" }));
        let key = account.call("iam", "CreateAccessKey", json!({ "UserName": "lwa-rotate" }))["AccessKey"].clone();
        let text = |name: &str| key[name].as_str().unwrap().to_owned();
        let key = [("AWS_ACCESS_KEY_ID", text("AccessKeyId")), ("AWS_SECRET_ACCESS_KEY", text("SecretAccessKey"))];
        Self { account, key }
    }

    fn allow(&self, policies: &[Value]) {
        for (place, policy) in policies.iter().enumerate() {
            let given = json!({ "UserName": "lwa-rotate", "PolicyName": format!("policy-{place}"), "PolicyDocument": policy.to_string() });
            self.account.call("iam", "PutUserPolicy", given);
        }
    }

    /// A world whose program is that user.
    fn world(&self) -> World {
        let world = World::with(|options| options.applications[0].lag = Duration::from_secs(2));
        world.set("AWS_ENDPOINT_URL", &self.account.url());
        for (name, value) in &self.key {
            world.set(name, value);
        }
        world.watch_for(&self.key[1].1);
        world
    }
}

/// The things that a policy is about, its example's and those that there are; and what is tried, without this action.
type Things<'i> = (Vec<(String, String)>, Box<dyn FnOnce(&str) -> Attempt + 'i>);

/// With the whole policy it succeeds; without any one of its actions it does not, and AWS's answer that names the action is told.
#[track_caller]
fn assert_all_needed<'i>(iam: &'i Iam, name: &str, mut things: impl FnMut(usize) -> Things<'i>) {
    let all = actions(&policy(name, &[]));
    for (number, action) in [""].into_iter().chain(all.iter().map(String::as_str)).enumerate() {
        let (things, attempt) = things(number);
        iam.allow(&[without(&policy(name, &things), action)]);
        let Attempt { succeeded, said } = attempt(action);
        if action.is_empty() {
            assert!(succeeded, "{name} is not enough: {said}");
        } else {
            assert!(!succeeded, "{name} without {action} is enough: {said}");
            assert!(said.contains(&format!("to perform: {action}")), "{name} without {action} is not told: {said}");
        }
    }
}
