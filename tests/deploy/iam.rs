//! `deploy/iam`: the program runs in MiniStack as a user with exactly these policies, and, with each action taken out in turn, says
//! which one it lacks.
//!
//! MiniStack's services ask KMS for nothing, whatever key something is encrypted with: nobody misses `kms:Decrypt` there. On AWS
//! it is what a receive from a queue with a key needs.

use std::cell::Cell;
use std::time::Duration;

use serde_json::{Value, json};

use crate::aws::{ACCOUNT, Account};
use crate::program::{Ran, World};
use crate::tools::text;

/// A policy of `deploy/iam`, for the things that are there.
fn policy(name: &str, things: &[(&str, &str)]) -> Value {
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
    worlds: Cell<u32>,
}

impl Iam {
    fn new() -> Self {
        let account = Account::strict();
        account.call("iam", "CreateUser", json!({ "UserName": "lwa-rotate" }));
        let key = account.call("iam", "CreateAccessKey", json!({ "UserName": "lwa-rotate" }))["AccessKey"].clone();
        let text = |name: &str| key[name].as_str().unwrap().to_owned();
        let key = [("AWS_ACCESS_KEY_ID", text("AccessKeyId")), ("AWS_SECRET_ACCESS_KEY", text("SecretAccessKey"))];
        Self { account, key, worlds: Cell::new(0) }
    }

    fn allow(&self, policies: &[Value]) {
        for (place, policy) in policies.iter().enumerate() {
            let given = json!({ "UserName": "lwa-rotate", "PolicyName": format!("policy-{place}"), "PolicyDocument": policy.to_string() });
            self.account.call("iam", "PutUserPolicy", given);
        }
    }

    /// A world whose program is that user, with a number that no other world of the account has.
    fn world(&self) -> (World, u32) {
        self.worlds.set(self.worlds.get() + 1);
        let world = World::with(|options| options.applications[0].lag = Duration::from_secs(2));
        world.set("AWS_ENDPOINT_URL", &self.account.url());
        for (name, value) in &self.key {
            world.set(name, value);
            world.watch_for(value);
        }
        (world, self.worlds.get())
    }

    /// An application with a queue of its own in that account; enrolled.
    fn shop(&self, key: Option<&str>) -> Shop<'_> {
        let (world, number) = self.world();
        let name = format!("lwa-{number}");
        let arn = format!("arn:aws:sqs:us-east-1:{ACCOUNT}:{name}");
        let amazon = json!({ "Version": "2012-10-17", "Statement": [{ "Effect": "Allow", "Resource": arn,
            "Principal": { "AWS": "arn:aws:iam::437568002678:root" }, "Action": ["sqs:SendMessage", "sqs:GetQueueAttributes"] }] });
        let mut attributes = json!({ "MessageRetentionPeriod": "1209600", "Policy": amazon.to_string() });
        if let Some(key) = key {
            attributes["KmsMasterKeyId"] = key.into();
        }
        let made = self.account.call("sqs", "CreateQueue", json!({ "QueueName": name, "Attributes": attributes }));
        let queue_url = made["QueueUrl"].as_str().unwrap().to_owned();
        let configuration = world.read("lwa-rotate.toml").replace(&world.emulator.queue_url(), &queue_url);
        world.write("lwa-rotate.toml", &configuration);
        world.set("AWS_ENDPOINT_URL_SQS", &self.account.url());
        world.enroll();
        Shop { account: &self.account, world, arn, queue_url }
    }
}

struct Shop<'i> {
    account: &'i Account,
    world: World,
    arn: String,
    queue_url: String,
}

impl Shop<'_> {
    /// A whole rotation, whose new secret is not accepted at once, so that its message is hidden and received again.
    fn rotate(&self, timeout: &str) -> Attempt {
        let rotate = self.world.start(&["rotate", "shop", "--timeout", timeout]);
        rotate.until("the emulator has sent a notification", || self.world.emulator.messages().visible > 0);
        let body = self.world.sqs("ReceiveMessage", json!({}))["Messages"][0]["Body"].clone();
        self.account.call("sqs", "SendMessage", json!({ "QueueUrl": self.queue_url, "MessageBody": body }));
        let mut attempt = Attempt::from(rotate.end());
        let all = json!({ "QueueUrl": self.queue_url, "AttributeNames": ["All"] });
        let left = self.account.call("sqs", "GetQueueAttributes", all)["Attributes"].clone();
        attempt.succeeded &= left["ApproximateNumberOfMessages"] == "0";
        attempt.succeeded &= left["ApproximateNumberOfMessagesNotVisible"] == "0";
        attempt
    }

    /// Whether all of the queue could be looked at.
    fn check(&self) -> Attempt {
        let mut attempt = Attempt::from(self.world.run(&["check"]));
        attempt.succeeded &= !attempt.said.contains("\n  not checked");
        attempt
    }
}

/// With the whole policy it succeeds; without any one of its actions it does not, and the program says which it lacks.
#[track_caller]
fn assert_all_needed(
    iam: &Iam,
    name: &str,
    things: &[(&str, &str)],
    but: &[&str],
    mut attempt: impl FnMut(&str) -> Attempt,
) {
    let policy = policy(name, things);
    for action in actions(&policy).iter().filter(|action| !but.contains(&action.as_str())) {
        iam.allow(&[without(&policy, action)]);
        let Attempt { succeeded, said } = attempt(action);
        assert!(!succeeded, "{name} without {action} is enough: {said}");
        assert!(said.contains(action.as_str()), "{name} without {action}: nothing names it: {said}");
    }
    iam.allow(&[policy]);
    let Attempt { succeeded, said } = attempt("");
    assert!(succeeded, "{name} is not enough: {said}");
}

const QUEUE: &str = "arn:aws:sqs:us-east-1:123456789012:lwa";
const KEY: &str = "arn:aws:kms:us-east-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab";

#[test]
fn the_policy_of_the_queue_is_enough_for_a_rotation_and_nothing_of_it_is_too_much() {
    let iam = Iam::new();
    let shop_without = |action: &str| {
        let shop = iam.shop(None);
        iam.allow(&[without(&policy("queue", &[(QUEUE, &shop.arn)]), action)]);
        shop
    };
    let shop = shop_without("");
    for attempt in [shop.check(), shop.rotate("60s")] {
        assert!(attempt.succeeded, "{}", attempt.said);
    }

    for action in actions(&policy("queue", &[])) {
        let shop = shop_without(&action);
        let attempt = match &*action {
            "sqs:ReceiveMessage" => {
                let attempt = Attempt::from(shop.world.run(&["rotate", "shop"]));
                assert_eq!(shop.world.count("rotate"), 0, "no call whose message nobody can receive");
                attempt
            }
            // Nobody sees whether a new secret would arrive.
            "sqs:GetQueueAttributes" => shop.check(),
            // The message comes back when it was hidden for long enough in vain.
            "sqs:ChangeMessageVisibility" => shop.rotate("8s"),
            // The rotation is finished, and its message comes again and again.
            _ => shop.rotate("60s"),
        };
        assert!(!attempt.succeeded, "{action} is not missed: {}", attempt.said);
        assert!(attempt.said.contains(&action), "nothing names {action}: {}", attempt.said);
    }
}

#[test]
fn the_policy_of_check_is_enough_for_check_and_nothing_of_it_is_too_much() {
    let iam = Iam::new();
    let key_policy = json!({ "Version": "2012-10-17", "Statement": [
        { "Effect": "Allow", "Principal": { "AWS": format!("arn:aws:iam::{ACCOUNT}:root") }, "Action": "kms:*", "Resource": "*" },
        { "Effect": "Allow", "Principal": { "AWS": "arn:aws:iam::437568002678:root" },
          "Action": ["kms:GenerateDataKey", "kms:Decrypt"], "Resource": "*" },
    ] });
    let key = iam.account.call("kms", "CreateKey", json!({ "Policy": key_policy.to_string() }));
    let key = key["KeyMetadata"]["Arn"].as_str().unwrap();
    let shop = iam.shop(Some(key));

    assert_all_needed(&iam, "check", &[(QUEUE, &shop.arn), (KEY, key)], &[], |_| shop.check());

    let both = [policy("queue", &[(QUEUE, &shop.arn)]), policy("queue-key", &[(KEY, key)])];
    iam.allow(&both);
    for attempt in [shop.check(), shop.rotate("60s")] {
        assert!(attempt.succeeded, "{}", attempt.said);
    }
}
