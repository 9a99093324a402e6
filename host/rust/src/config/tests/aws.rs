//! Publish targets in AWS.

use super::*;
use crate::publish::ParameterForm;

const NAMES: &str = r#"names = { client-id = "AppClientId", client-secret = "AppClientSecret" }"#;

fn target(lines: &str) -> String {
    format!("region = \"na\"\n[[apps.shop.publish]]\n{lines}\n")
}

#[test]
fn a_secret_and_a_parameter_are_named_with_their_region_and_form() {
    let lines = format!(
        "kind = \"secretsmanager\"\nsecret = \"prod/lwa\"\nregion = \"eu-west-1\"\n{NAMES}\n\
         [[apps.shop.publish]]\nkind = \"ssm\"\nparameter = \"/prod/lwa\"\nkms-key = \"alias/mine\"\n\
         [[apps.shop.publish]]\nkind = \"ssm\"\nparameter = \"/prod/alone\"\nformat = \"value\"\n"
    );
    let config = good(&format!("{HEAD}{}", target(&lines)));

    let [secret, parameter, alone] = config.apps[0].publish.as_slice() else { panic!("three targets") };
    assert_eq!(
        [&secret.name, &parameter.name, &alone.name],
        ["secretsmanager:prod/lwa", "ssm:/prod/lwa", "ssm:/prod/alone"]
    );
    let TargetKind::SecretsManager { region, names, .. } = &secret.kind else { panic!("a secret") };
    assert_eq!(region.as_deref(), Some("eu-west-1"));
    assert_eq!((names.client_secret.as_str(), names.expires_at.as_str()), ("AppClientSecret", "expires_at"));
    let TargetKind::Ssm { region: None, form, kms_key, .. } = &parameter.kind else { panic!("a parameter") };
    assert_eq!((form, kms_key.as_deref()), (&ParameterForm::Json(Names::of(Format::Json)), Some("alias/mine")));
    assert!(matches!(&alone.kind, TargetKind::Ssm { form: ParameterForm::Value, kms_key: None, .. }));
}

#[test]
fn what_is_no_name_in_aws_is_a_mistake() {
    let arn = "arn:aws:secretsmanager:us-east-1:123456789012:secret:shop-AbCdEf";
    for (lines, start, end) in [
        ("kind = \"secretsmanager\"", "11: missing key `secret`".to_owned(), ""),
        ("kind = \"ssm\"", "11: missing key `parameter`".to_owned(), ""),
        ("kind = \"ssm\"\nparameter = \"a b\"", "13: `parameter` is not the name".to_owned(), "no ARN"),
        (
            "kind = \"ssm\"\nparameter = \"arn:aws:ssm:eu-west-1:1:parameter/x\"",
            "13: `parameter` is not".to_owned(),
            "",
        ),
        ("kind = \"ssm\"\nparameter = \"p\"\nregion = \"US\"", "14: \"US\" is not a region".to_owned(), "us-east-1"),
        ("kind = \"ssm\"\nparameter = \"p\"\nformat = \"env\"", "14: unknown format \"env\"".to_owned(), "\"value\""),
        (
            "kind = \"ssm\"\nparameter = \"p\"\nformat = \"value\"\nnames = { client-secret = \"x\" }",
            "15: there are no `names`".to_owned(),
            "leave `names` out",
        ),
        (
            "kind = \"secretsmanager\"\nsecret = \"arn:aws:sqs:us-east-1:1:x\"",
            "13: `secret` is not the ARN".to_owned(),
            "",
        ),
        (
            &format!("kind = \"secretsmanager\"\nsecret = \"{arn}\"\nregion = \"eu-west-1\""),
            "14: `region` is \"eu-west-1\", but the ARN is of \"us-east-1\"".to_owned(),
            "an ARN names its own",
        ),
    ] {
        assert_only(&app_mistakes(&target(lines)), &start, end);
    }
}

/// Rule 9: the key is called `secret`, and means a name.
#[test]
fn a_client_secret_in_the_place_of_a_name_is_refused_and_not_repeated() {
    for lines in [
        "kind = \"secretsmanager\"\nsecret = \"amzn1.oa2-cs.v1.abc\"",
        "kind = \"ssm\"\nparameter = \"amzn1.oa2-cs.v1.abc\"",
        "kind = \"exec\"\ncommand = [\"x\"]\nsecret = \"amzn1.oa2-cs.v1.abc\"",
    ] {
        let found = app_mistakes(&target(lines));
        assert!(found.len() == 1 && found[0].contains("secrets are never read from the configuration"), "{found:?}");
        assert!(!found[0].contains("abc"), "{found:?}");
    }
}

#[test]
fn two_targets_share_a_secret_by_other_names_and_never_a_parameter() {
    let two = |first: &str, second: &str| {
        let second = format!("[[apps.shop.publish]]\nname = \"second\"\n{second}\n");
        app_mistakes(&target(&format!("{first}{second}")))
    };
    let secret = "kind = \"secretsmanager\"\nsecret = \"s\"\n";
    let parameter = "kind = \"ssm\"\nparameter = \"p\"\n";

    assert_only(
        &two(secret, secret),
        "17: `shop` and `shop` (line 13) would overwrite each other in s",
        "other `names`",
    );
    assert_only(&two(parameter, parameter), "17: `shop` and `shop` (line 13) would overwrite", "another `parameter`");
    let others = format!("{secret}names = {{ client-id = \"i\", client-secret = \"s\", expires-at = \"e\" }}\n");
    good(&format!("{HEAD}{}", target(&format!("{secret}[[apps.shop.publish]]\nname = \"second\"\n{others}"))));
    good(&format!(
        "{HEAD}{}",
        target(&format!("{secret}[[apps.shop.publish]]\nname = \"second\"\n{secret}region = \"eu-west-1\"\n"))
    ));
}
