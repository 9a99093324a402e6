//! The policies of the queue and of `check`.

use serde_json::json;

use super::{Attempt, Iam, Things, assert_all_needed, policy};
use crate::aws::{ACCOUNT, Account};
use crate::program::World;

const QUEUE: &str = "arn:aws:sqs:us-east-1:123456789012:lwa";
const KEY: &str = "arn:aws:kms:us-east-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab";

/// An application whose queue is in the account.
struct Shop<'i> {
    account: &'i Account,
    world: World,
    arn: String,
    queue_url: String,
}

impl<'i> Shop<'i> {
    /// Enrolled, with a queue of this number in the user's account.
    fn new(iam: &'i Iam, number: usize, key: Option<&str>) -> Self {
        let (account, world) = (&iam.account, iam.world());
        let name = format!("lwa-{number}");
        let arn = format!("arn:aws:sqs:us-east-1:{ACCOUNT}:{name}");
        let amazon = json!({ "Version": "2012-10-17", "Statement": [{ "Effect": "Allow", "Resource": arn,
            "Principal": { "AWS": "arn:aws:iam::437568002678:root" }, "Action": ["sqs:SendMessage", "sqs:GetQueueAttributes"] }] });
        let mut attributes = json!({ "MessageRetentionPeriod": "1209600", "Policy": amazon.to_string() });
        if let Some(key) = key {
            attributes["KmsMasterKeyId"] = key.into();
        }
        let made = account.call("sqs", "CreateQueue", json!({ "QueueName": name, "Attributes": attributes }));
        let queue_url = made["QueueUrl"].as_str().unwrap().to_owned();
        let configuration = world.read("lwa-rotate.toml").replace(&world.emulator.queue_url(), &queue_url);
        world.write("lwa-rotate.toml", &configuration);
        world.set("AWS_ENDPOINT_URL_SQS", &account.url());
        world.enroll();
        Self { account, world, arn, queue_url }
    }

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

    fn things(&self) -> Vec<(String, String)> {
        vec![(QUEUE.to_owned(), self.arn.clone())]
    }

    /// Whether all of the queue could be looked at.
    fn check(&self) -> Attempt {
        let mut attempt = Attempt::from(self.world.run(&["check"]));
        // The subscription can never be checked.
        let mut unchecked = attempt.said.lines().filter(|line| line.starts_with("  not checked"));
        attempt.succeeded &= unchecked.all(|line| line.contains(" subscription "));
        attempt
    }
}

#[test]
fn the_policy_of_the_queue_is_enough_for_a_rotation_and_nothing_of_it_is_too_much() {
    let iam = Iam::new();
    assert_all_needed(&iam, "queue", |number| -> Things<'_> {
        let shop = Shop::new(&iam, number, None);
        let attempt = |shop: &Shop<'_>, action: &str| match action {
            "sqs:ReceiveMessage" => {
                let attempt = Attempt::from(shop.world.run(&["rotate", "shop"]));
                assert_eq!(shop.world.count("rotate"), 0, "no call whose message nobody can receive");
                attempt
            }
            // Nobody sees whether a new secret would arrive.
            "sqs:GetQueueAttributes" => shop.check(),
            // The message comes back when it has been hidden by its receipt for long enough.
            "sqs:ChangeMessageVisibility" => shop.rotate("8s"),
            // The rotation is finished, and its message comes again and again.
            "sqs:DeleteMessage" => shop.rotate("60s"),
            _ => {
                let Attempt { succeeded, said } = shop.rotate("60s");
                Attempt { succeeded: succeeded && shop.check().succeeded, said }
            }
        };
        (shop.things(), Box::new(move |action| attempt(&shop, action)))
    });
}

/// A key that Amazon may use; its ARN.
fn key(account: &Account) -> String {
    let policy = json!({ "Version": "2012-10-17", "Statement": [
        { "Effect": "Allow", "Principal": { "AWS": format!("arn:aws:iam::{ACCOUNT}:root") }, "Action": "kms:*", "Resource": "*" },
        { "Effect": "Allow", "Principal": { "AWS": "arn:aws:iam::437568002678:root" },
          "Action": ["kms:GenerateDataKey", "kms:Decrypt"], "Resource": "*" },
    ] });
    let made = account.call("kms", "CreateKey", json!({ "Policy": policy.to_string() }));
    made["KeyMetadata"]["Arn"].as_str().unwrap().to_owned()
}

#[test]
fn the_policy_of_check_is_enough_for_check_and_nothing_of_it_is_too_much() {
    let iam = Iam::new();
    let key = key(&iam.account);
    assert_all_needed(&iam, "check", |number| -> Things<'_> {
        let shop = Shop::new(&iam, number, Some(&key));
        let things = [shop.things(), vec![(KEY.to_owned(), key.clone())]].concat();
        (things, Box::new(move |_| shop.check()))
    });
}

#[test]
fn the_policies_of_the_queue_and_of_its_key_are_enough_for_a_rotation() {
    let iam = Iam::new();
    let key = key(&iam.account);
    let shop = Shop::new(&iam, 0, Some(&key));
    iam.allow(&[policy("queue", &shop.things()), policy("queue-key", &[(KEY.to_owned(), key)])]);

    for attempt in [shop.check(), shop.rotate("60s")] {
        assert!(attempt.succeeded, "{}", attempt.said);
    }
}
