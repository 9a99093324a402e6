//! `deploy/cloudformation`: by cfn-lint, and made in MiniStack. Not in moto, which makes a stack's queue without its policy.

use std::process::Command;

use serde_json::{Value, json};

use crate::aws::Account;
use crate::program::World;
use crate::services::environment::environment;
use crate::tools::{file, run, succeeds, text};

const TEMPLATE: &str = "cloudformation/queue.yaml";

/// It comes with moto.
fn cfn_lint() -> Command {
    let mut command = Command::new(environment("moto").join("bin/cfn-lint"));
    command.args(["--include-checks", "I", "--regions", "us-east-1", "eu-west-1", "us-west-2", "--"]);
    command
}

#[test]
fn cfn_lint_finds_nothing_in_the_template() {
    succeeds(cfn_lint().arg(file(TEMPLATE)));

    let world = World::new();
    world.write(
        "wrong.yaml",
        &text(TEMPLATE).replace("MessageRetentionPeriod: 1209600", "MessageRetentionPeriod: 1209601"),
    );
    let (content, said) = run(cfn_lint().arg(world.path("wrong.yaml")));
    assert!(!content && said.contains("1209601"), "it finds mistakes: {said}");
}

/// Makes the stack; what it puts out.
fn stack(account: &Account, parameters: &[(&str, &str)]) -> impl Fn(&str) -> String + use<> {
    let parameters: Vec<Value> =
        parameters.iter().map(|(key, value)| json!({ "ParameterKey": key, "ParameterValue": value })).collect();
    let name = format!("stack-{}", parameters.len());
    account.call(
        "cloudformation",
        "CreateStack",
        json!({ "StackName": name, "TemplateBody": text(TEMPLATE), "Parameters": parameters }),
    );
    let stack = loop {
        let found = account.call("cloudformation", "DescribeStacks", json!({ "StackName": name }))["Stacks"][0].clone();
        if found["StackStatus"] != "CREATE_IN_PROGRESS" {
            break found;
        }
        std::thread::sleep(std::time::Duration::from_millis(50));
    };
    assert_eq!(stack["StackStatus"], "CREATE_COMPLETE", "{stack}");
    move |name| {
        let outputs = stack["Outputs"].as_array().unwrap();
        let output =
            outputs.iter().find(|output| output["OutputKey"] == name).unwrap_or_else(|| panic!("no {name}: {stack}"));
        output["OutputValue"].as_str().unwrap().to_owned()
    }
}

/// A world whose program reads the queue of a stack.
fn world(account: &Account, queue_url: &str) -> World {
    let world = World::enrolled();
    world.set("AWS_ENDPOINT_URL", &account.url());
    world.set("AWS_ENDPOINT_URL_SQS", &account.url());
    let configuration = world.read("lwa-rotate.toml").replace(&world.emulator.queue_url(), queue_url);
    world.write("lwa-rotate.toml", &configuration);
    world
}

/// What `check` says of the queue: which check, how bad, and why.
fn findings(world: &World) -> Vec<(String, String, String)> {
    let (_, document) = world.json(&["check"]);
    let findings = document["findings"].as_array().unwrap().iter().filter(|finding| finding["about"] == "queue");
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    findings.map(|finding| (text(&finding["check"]), text(&finding["severity"]), text(&finding["evidence"]))).collect()
}

#[test]
fn check_finds_nothing_wrong_with_the_queue_of_the_template() {
    let account = Account::lax();
    for (parameters, encryption) in [
        (&[("QueueName", "lwa")][..], "no KMS key is needed"),
        (&[("QueueName", "lwa-kms"), ("Encryption", "kms")], "may use the queue's key"),
    ] {
        let output = stack(&account, parameters);
        let world = world(&account, &output("QueueUrl"));

        let findings = findings(&world);

        assert_eq!(findings.len(), 10, "all of it is looked at: {findings:?}");
        for (check, severity, evidence) in &findings {
            assert_eq!(severity, "fine", "{check}: {evidence}");
        }
        let evidence = |name| &findings.iter().find(|(check, ..)| check == name).unwrap().2;
        assert!(evidence("retention").contains("14 days"));
        assert!(evidence("dead-letter-queue").contains("after 1000 receives"));
        assert!(evidence("encryption").contains(encryption), "{}", evidence("encryption"));
    }
}

/// MiniStack makes no metrics of SQS's, so that no alarm goes off there: what they look at is compared with the queues.
#[test]
fn the_alarms_look_at_the_queue_and_at_its_dead_letters_and_tell_the_topic() {
    let account = Account::lax();
    let topic = "arn:aws:sns:us-east-1:123456789012:alarms";

    let output = stack(&account, &[("QueueName", "shop"), ("Encryption", "sqs"), ("AlarmTopicArn", topic)]);

    assert!(output("QueueArn").ends_with(":shop"));
    let alarms = account.call("cloudwatch", "DescribeAlarms", json!({}))["MetricAlarms"].clone();
    let looks_at: Vec<_> = alarms
        .as_array()
        .unwrap()
        .iter()
        .map(|alarm| {
            assert_eq!(alarm["AlarmActions"], json!([topic]));
            (alarm["MetricName"].as_str().unwrap(), alarm["Dimensions"][0]["Value"].as_str().unwrap())
        })
        .collect();
    assert!(looks_at.contains(&("ApproximateAgeOfOldestMessage", "shop")), "{looks_at:?}");
    assert!(looks_at.contains(&("ApproximateNumberOfMessagesVisible", "shop-dead")), "{looks_at:?}");
}
