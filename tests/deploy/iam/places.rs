//! The policies of the stores and of the publish targets in AWS.

use serde_json::json;

use super::{Attempt, Iam, assert_all_needed};
use crate::aws::ACCOUNT;
use crate::program::{SECRET, TARGETS, World};

/// Enrols, which keeps a record and publishes, then checks.
fn enroll_and_check(world: &World) -> Attempt {
    let enrolled = Attempt::from(world.run_with(&["enroll", "shop"], SECRET));
    let mut attempt = Attempt::from(world.run(&["check"]));
    let mut lines = attempt.said.lines().filter(|line| line.starts_with("  not checked"));
    // Writing is what `enroll` has shown, and the subscription can never be checked.
    let expected = |line: &str| line.contains(" subscription ") || line.contains("was not tried");
    attempt.succeeded &= enrolled.succeeded && lines.all(expected);
    attempt.said = enrolled.said + &attempt.said;
    attempt
}

/// The same, and removes the record at last.
fn enroll_check_and_forget(world: &World) -> Attempt {
    let attempt = enroll_and_check(world);
    let forgotten = Attempt::from(world.run(&["forget", "shop", "--yes"]));
    Attempt { succeeded: attempt.succeeded && forgotten.succeeded, said: attempt.said + &forgotten.said }
}

/// Has a world keep its records in this store.
fn keep_in(world: &World, store: &str) {
    world.configure("", TARGETS);
    let configuration = world.read("lwa-rotate.toml");
    world.write("lwa-rotate.toml", &configuration.replace("path = \"state\"", store));
}

#[test]
fn the_policy_of_the_dynamodb_store_is_enough_and_nothing_of_it_is_too_much() {
    let iam = Iam::new();
    assert_all_needed(&iam, "store-dynamodb", |number| {
        let (world, table) = (iam.world(), format!("lwa-rotate-{number}"));
        let key = json!([{ "AttributeName": "client_id", "AttributeType": "S" }]);
        iam.account.call(
            "dynamodb",
            "CreateTable",
            json!({ "TableName": table, "BillingMode": "PAY_PER_REQUEST", "AttributeDefinitions": key,
                "KeySchema": [{ "AttributeName": "client_id", "KeyType": "HASH" }] }),
        );
        keep_in(&world, &format!("kind = \"dynamodb\"\ntable = \"{table}\""));
        let arn = |table: &str| format!("arn:aws:dynamodb:us-east-1:{ACCOUNT}:table/{table}");
        (vec![(arn("lwa-rotate"), arn(&table))], Box::new(move |_| enroll_check_and_forget(&world)))
    });
}

#[test]
fn the_policy_of_the_secretsmanager_store_is_enough_and_nothing_of_it_is_too_much() {
    let iam = Iam::new();
    assert_all_needed(&iam, "store-secretsmanager", |number| {
        let world = iam.world();
        keep_in(&world, &format!("kind = \"secretsmanager\"\nprefix = \"lwa-rotate-{number}/\""));
        let things = vec![(":lwa-rotate/*".to_owned(), format!(":lwa-rotate-{number}/*"))];
        (things, Box::new(move |_| enroll_check_and_forget(&world)))
    });
}

#[test]
fn the_policy_of_the_secretsmanager_target_is_enough_and_nothing_of_it_is_too_much() {
    let iam = Iam::new();
    assert_all_needed(&iam, "publish-secretsmanager", |number| {
        let (world, secret) = (iam.world(), format!("shop/lwa-{number}"));
        world.configure("", &format!("[[apps.shop.publish]]\nkind = \"secretsmanager\"\nsecret = \"{secret}\""));
        let account = &iam.account;
        let attempt = move |action: &str| {
            let input = json!({ "Name": secret, "SecretString": r#"{"theirs": "stays"}"# });
            let made = account.call("secretsmanager", "CreateSecret", input);
            // A secret without a current value is told from none by its description, which nobody needs otherwise.
            if action == "secretsmanager:DescribeSecret" {
                let version = &made["VersionId"];
                let input = json!({ "SecretId": secret, "VersionStage": "AWSCURRENT", "RemoveFromVersionId": version });
                account.call("secretsmanager", "UpdateSecretVersionStage", input);
            }
            enroll_and_check(&world)
        };
        (vec![("secret:shop/lwa-??????".into(), format!("secret:shop/lwa-{number}-??????"))], Box::new(attempt))
    });
}

#[test]
fn the_policy_of_the_ssm_target_is_enough_and_nothing_of_it_is_too_much() {
    let iam = Iam::new();
    assert_all_needed(&iam, "publish-ssm", |number| {
        let (world, parameter) = (iam.world(), format!("/shop/lwa-{number}"));
        world.configure("", &format!("[[apps.shop.publish]]\nkind = \"ssm\"\nparameter = \"{parameter}\""));
        let input = json!({ "Name": parameter, "Value": r#"{"theirs": "stays"}"#, "Type": "SecureString" });
        iam.account.call("ssm", "PutParameter", input);
        let things = vec![("parameter/shop/lwa".to_owned(), format!("parameter/shop/lwa-{number}"))];
        (things, Box::new(move |_| enroll_and_check(&world)))
    });
}
