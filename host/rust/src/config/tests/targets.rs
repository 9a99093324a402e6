//! Vault, Kubernetes, and what follows a publication.

use super::*;

/// The lines of a target, the first of which is line 11.
fn publish(lines: &str) -> String {
    format!("region = \"na\"\n[[apps.shop.publish]]\n{lines}\n")
}

fn target(lines: &str) -> Target {
    good(&format!("{HEAD}{}", publish(lines))).apps[0].publish[0].clone()
}

#[test]
fn vault_and_kubernetes_need_no_more_than_the_name_of_a_secret() {
    let Target { name, kind, .. } = target("kind = \"vault\"\npath = \"shop/lwa\"");
    let TargetKind::Vault { path, mount, address, namespace, token_file, names } = kind else { panic!("a vault") };
    assert_eq!((name.as_str(), path.as_str(), mount.as_str()), ("vault:secret/shop/lwa", "shop/lwa", "secret"));
    assert_eq!((address, namespace, token_file), (None, None, None));
    assert_eq!(names, Names::of(Format::Json));

    let Target { name, kind, .. } = target("kind = \"kubernetes\"\nsecret = \"shop\"");
    let TargetKind::Kubernetes { secret, namespace, context, names } = kind else { panic!("a cluster") };
    assert_eq!((name.as_str(), secret.as_str()), ("kubernetes:shop", "shop"));
    assert_eq!((namespace, context), (None, None));
    assert_eq!(names, Names::of(Format::Env));
}

#[test]
fn what_neither_can_hold_is_refused_with_its_line() {
    let vault = "kind = \"vault\"\npath = \"shop\"\n";
    for (lines, start, hint) in [
        ("kind = \"vault\"", "11: missing key `path`", ""),
        ("kind = \"vault\"\npath = \"/shop\"", "13: \"/shop\" is not a path in vault", "no slash at either end"),
        ("kind = \"vault\"\npath = \"a/../b\"", "13: \"a/../b\" is not a path", ""),
        (&format!("{vault}mount = \"kv/\""), "14: \"kv/\" is not a path", ""),
        (&format!("{vault}address = \"http://vault.example.com\""), "14: plain http", "use https"),
        (
            &format!("{vault}address = \"https://t:s@vault.example.com\""),
            "14: an address must not hold a user name",
            "",
        ),
        (&format!("{vault}token = \"x\""), "14: unknown key `token`", "`token-file`?"),
        ("kind = \"kubernetes\"", "11: missing key `secret`", ""),
        ("kind = \"kubernetes\"\nsecret = \"Shop_1\"", "13: \"Shop_1\" is not a name in kubernetes", "lower case"),
        ("kind = \"kubernetes\"\nsecret = \"a\"\nnamespace = \"-\"", "14: \"-\" is not a name", ""),
        (
            "kind = \"kubernetes\"\nsecret = \"a\"\nnames = { client-id = \"a b\" }",
            "14: \"a b\" is not a key of a secret in kubernetes",
            "",
        ),
    ] {
        assert_only(&app_mistakes(&publish(lines)), start, hint);
    }
    for lines in ["kind = \"kubernetes\"\nsecret", "kind = \"vault\"\npath"] {
        let found = app_mistakes(&publish(&format!("{lines} = \"amzn1.oa2-cs.v1.hidden\"")));
        assert_only(&found, "13: this looks like a client secret", "lwa-rotate enroll");
        assert!(!found[0].contains("hidden"), "rule 9");
    }
    good(&format!("{HEAD}{}", publish("kind = \"kubernetes\"\nsecret = \"a\"\nnames = { client-id = \"lwa.id-1\" }")));
}

#[test]
fn two_targets_that_would_overwrite_each_other_in_one_secret_are_refused() {
    for lines in ["kind = \"vault\"\npath = \"a\"", "kind = \"kubernetes\"\nsecret = \"a\""] {
        let twice =
            |more: &str| publish(&format!("{lines}\n[[apps.shop.publish]]\nname = \"second\"\n{lines}\n{more}"));
        assert_only(&app_mistakes(&twice("")), "17: `shop` and `shop` (line 13) would overwrite each other in a", "");
        let names = "names = { client-id = \"ID_2\", client-secret = \"SECRET_2\", expires-at = \"EXPIRES_2\" }";
        good(&format!("{HEAD}{}", twice(names)));
        good(&format!("{HEAD}{}", twice("namespace = \"other\"")));
    }
}

#[test]
fn a_command_may_follow_any_target_and_is_found_as_others_are() {
    let file = "kind = \"file\"\npath = \"a\"\nformat = \"env\"\n";
    let then = |lines: &str| target(lines).then.unwrap_or_default();
    assert_eq!(then(&format!("{file}then = [\"systemctl\", \"reload\", \"shop\"]")), ["systemctl", "reload", "shop"]);
    assert_eq!(then(&format!("{file}then = [\"./reload\", \"a/b\"]")), ["/etc/lwa/./reload", "a/b"]);
    assert_eq!(target(file).then, None);

    let exec = "kind = \"exec\"\ncommand = [\"a\"]\n";
    assert_eq!(then(&format!("{exec}timeout = \"60s\"\nthen = [\"b\"]")), ["b"]);
    assert_only(
        &app_mistakes(&publish(&format!("{exec}timeout = \"61s\"\nthen = [\"b\"]"))),
        "15: the command takes too long for another one to follow it",
        "60s or less",
    );
    assert_only(&app_mistakes(&publish(&format!("{file}then = \"a b\""))), "15: `then` must be a list of texts", "");
    assert_only(&app_mistakes(&publish(&format!("{file}then = []"))), "15: `then` names no program", "systemctl");
}
