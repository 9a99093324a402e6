mod aws;
mod targets;

use super::*;

const HEAD: &str = r#"[store]
path = "state"

[queues.main]
url = "https://sqs.us-east-1.amazonaws.com/123456789012/lwa"

[apps.shop]
client-id = "amzn1.application-oa2-client.0123"
queue = "main"
"#;

fn parse(text: &str) -> Result<Config, Mistakes> {
    Config::parse(Path::new("/etc/lwa/lwa-rotate.toml"), text)
}

fn good(text: &str) -> Config {
    parse(text).unwrap_or_else(|mistakes| panic!("{mistakes}"))
}

/// Each mistake as `line: text | hint`.
fn mistakes(text: &str) -> Vec<String> {
    let mistakes = parse(text).expect_err("the text has mistakes");
    let line = |mistake: &Mistake| mistake.line.map_or("-".to_owned(), |line| line.to_string());
    mistakes.all.iter().map(|m| format!("{}: {} | {}", line(m), m.text, m.hint.as_deref().unwrap_or("-"))).collect()
}

/// The mistakes of an application with these lines, the first of which is line 10.
fn app_mistakes(lines: &str) -> Vec<String> {
    mistakes(&format!("{HEAD}{lines}"))
}

#[track_caller]
fn assert_only(found: &[String], start: &str, end: &str) {
    assert!(found.len() == 1 && found[0].starts_with(start) && found[0].contains(end), "{found:#?}");
}

#[test]
fn defaults_are_filled_in() {
    let config = good(&format!("{HEAD}region = \"eu\"\n"));
    assert_eq!(config.store, Store::File { path: "/etc/lwa/state".into() });
    assert_eq!(config.user_agent, UserAgent::default());
    let app = config.app("shop").expect("it is there");
    assert_eq!(app.api_endpoint, "https://sellingpartnerapi-eu.amazon.com");
    assert_eq!(app.token_endpoint, "https://api.amazon.com/auth/o2/token");
    assert_eq!(app.rotate_before, Duration::from_secs(30 * 86_400));
    assert_eq!(app.patience, Duration::from_secs(3_600));
    assert!(app.publish.is_empty());
}

#[test]
fn a_store_of_each_kind_has_keys_of_its_own() {
    let rest = HEAD.strip_prefix("[store]\npath = \"state\"\n").expect("it begins so");
    let of = |lines: &str| format!("[store]\n{lines}\n{rest}region = \"eu\"\n");
    let text = |text: &str| text.to_owned();

    for (lines, store) in [
        (
            r#"kind = "file"
path = "/x""#,
            Store::File { path: "/x".into() },
        ),
        (
            r#"kind = "dynamodb"
table = "lwa""#,
            Store::DynamoDb { table: text("lwa"), region: None },
        ),
        (
            r#"kind = "dynamodb"
table = "lwa"
region = "eu-west-1""#,
            Store::DynamoDb { table: text("lwa"), region: Some(text("eu-west-1")) },
        ),
        (
            r#"kind = "secretsmanager""#,
            Store::SecretsManager { prefix: text("lwa-rotate/"), region: None, kms_key: None },
        ),
        (
            r#"kind = "secretsmanager"
prefix = "prod/lwa="
region = "us-east-2"
kms-key = "alias/mine""#,
            Store::SecretsManager {
                prefix: text("prod/lwa="),
                region: Some(text("us-east-2")),
                kms_key: Some(text("alias/mine")),
            },
        ),
    ] {
        assert_eq!(good(&of(lines)).store, store, "{lines}");
    }

    for (lines, start, end) in [
        (
            r#"kind = "redis"
table = "x""#,
            "2: unknown kind",
            r#"one of: "file", "dynamodb", "secretsmanager""#,
        ),
        (r#"kind = "dynamodb""#, "1: missing key `table` in [store]", ""),
        (r#"kind = "file""#, "1: missing key `path` in [store]", ""),
        (
            r#"kind = "secretsmanager"
path = "x""#,
            "3: unknown key `path` in [store]",
            "known here: `kind`, `prefix`, `region`, `kms-key`",
        ),
        (
            r#"kind = "dynamodb"
tabel = "x"
table = "x""#,
            "3: unknown key `tabel`",
            "did you mean `table`?",
        ),
        (
            r#"kind = "dynamodb"
table = "x"
region = "EU (Ireland)""#,
            "4: `region` is no name",
            "eu-west-1",
        ),
        (
            r#"kind = "secretsmanager"
prefix = "a b""#,
            "3: `prefix` cannot begin",
            "allowed",
        ),
    ] {
        assert_only(&mistakes(&of(lines)), start, end);
    }
}

#[test]
fn publish_targets_have_names_of_their_own_and_paths_beside_the_file() {
    let text = r#"api-endpoint = "http://127.0.0.1:4577/"
rotate-before = "20d"
patience = "90s"

[[apps.shop.publish]]
kind = "file"
path = "shop.env"
format = "env"
names = { client-secret = "SHOP_SECRET" }

[[apps.shop.publish]]
kind = "exec"
command = ["./reload", "shop"]
timeout = "1m"

[[apps.shop.publish]]
name = "vault"
kind = "exec"
command = ["vault-put"]
"#;
    let config = good(&format!("{HEAD}{text}"));
    let app = config.app("shop").expect("it is there");
    assert_eq!(app.api_endpoint, "http://127.0.0.1:4577");
    let names: Vec<&str> = app.publish.iter().map(|target| target.name.as_str()).collect();
    assert_eq!(names, ["file:shop.env", "exec:./reload", "vault"]);
    let TargetKind::File { path, format, names } = &app.publish[0].kind else { panic!("a file") };
    assert_eq!((path.as_path(), *format), (Path::new("/etc/lwa/shop.env"), Format::Env));
    assert_eq!((names.client_id.as_str(), names.client_secret.as_str()), ("LWA_CLIENT_ID", "SHOP_SECRET"));
    let TargetKind::Exec { command, timeout } = &app.publish[1].kind else { panic!("a command") };
    assert_eq!(command.as_slice(), ["/etc/lwa/./reload", "shop"]);
    assert_eq!(*timeout, Duration::from_secs(60));
    let TargetKind::Exec { command, .. } = &app.publish[2].kind else { panic!("a command") };
    assert_eq!(command.as_slice(), ["vault-put"]);
}

#[test]
fn an_unknown_key_is_named_with_its_line_and_the_nearest_known_one() {
    assert_only(
        &app_mistakes("region = \"na\"\nrotate-befor = \"30d\"\n"),
        "11: unknown key `rotate-befor` in [apps.shop]",
        "did you mean `rotate-before`?",
    );
    assert_only(&app_mistakes("region = \"na\"\nclient_di = \"x\"\n"), "11: unknown key `client_di`", "`client-id`?");
    assert_only(
        &app_mistakes("region = \"na\"\nzzz = 1\n"),
        "11: unknown key `zzz` in [apps.shop]",
        "known here: `client-id`",
    );
}

#[test]
fn of_the_errors_in_one_line_the_first_is_told() {
    let found = app_mistakes("region = }}}}}}}\nqueue = ]]]\n");
    let lines: Vec<_> = found.iter().filter_map(|mistake| mistake.split(':').next()).collect();
    assert_eq!(lines, ["10", "11"], "{found:#?}");
}

#[test]
fn a_mistake_is_one_line_whatever_it_quotes() {
    for (line, told) in [
        (r#"region = "n\na""#, r#"10: unknown region "n\na""#),
        ("region = \"na\"\npatience = \"1\\u001b[31m\"", r#"11: `patience` is not a duration: "1\u{1b}[31m""#),
    ] {
        assert_only(&app_mistakes(&format!("{line}\n")), told, "");
    }
}

#[test]
fn an_unknown_table_is_named_with_its_line() {
    assert_only(
        &app_mistakes("region = \"na\"\n[queue.other]\nurl = \"https://x/y\"\n"),
        "11: unknown key `queue`",
        "`queues`?",
    );
}

#[test]
fn an_unknown_key_of_every_table_is_found() {
    for (table, key) in [("[user-agent]", "aplication"), ("[queues.other]\nurl = \"https://x/y\"", "ulr")] {
        let found = app_mistakes(&format!("region = \"na\"\n{table}\n{key} = \"x\"\n"));
        assert_only(&found, "1", &format!("unknown key `{key}`"));
    }
    let target = "region = \"na\"\n[[apps.shop.publish]]\nkind = \"file\"\npath = \"a\"\nformat = \"env\"\n";
    assert_only(&app_mistakes(&format!("{target}mode = 1\n")), "15: unknown key `mode` in [[apps.shop.publish]]", "");
    assert_only(
        &app_mistakes(&format!("{target}names = {{ secret = \"x\" }}\n")),
        "15: secrets are never read",
        "enroll",
    );
}

#[test]
fn a_secret_in_the_configuration_is_refused_without_showing_it() {
    for key in ["client-secret", "client_secret", "lwa-secret"] {
        let found = app_mistakes(&format!("region = \"na\"\n{key} = \"amzn1.oa2-cs.v1.hidden\"\n"));
        assert_only(&found, "11: secrets are never read from the configuration", "lwa-rotate enroll");
        assert!(!found[0].contains("hidden"));
    }
}

#[test]
fn a_secret_in_the_place_of_the_client_id_is_refused_without_showing_it() {
    let text =
        "region = \"na\"\n[apps.other]\nclient-id = \"amzn1.oa2-cs.v1.hidden\"\nqueue = \"main\"\nregion = \"eu\"\n";
    let found = app_mistakes(text);
    assert_only(&found, "12: `client-id` holds a client secret", "lwa-rotate enroll");
    assert!(!found[0].contains("hidden"));
}

#[test]
fn a_bad_duration_is_refused() {
    assert_only(
        &app_mistakes("region = \"na\"\npatience = \"1 hour\"\n"),
        "11: `patience` is not a duration: \"1 hour\"",
        "\"90s\"",
    );
    assert_only(
        &app_mistakes("region = \"na\"\npatience = 60\n"),
        "11: `patience` must be a duration, not an integer",
        "\"15m\"",
    );
    assert_only(
        &app_mistakes("region = \"na\"\npatience = \"7d\"\n"),
        "11: `patience` must be between 1s and 6d",
        "7 days",
    );
    assert_only(&app_mistakes("region = \"na\"\npatience = \"0s\"\n"), "11: `patience` must be between", "");
    assert_only(
        &app_mistakes("region = \"na\"\nrotate-before = \"500ms\"\n"),
        "11: `rotate-before` is in whole seconds",
        "",
    );
    assert_only(
        &app_mistakes("region = \"na\"\nrotate-before = \"180d\"\n"),
        "11: `rotate-before` must be between",
        "180 days",
    );
}

#[test]
fn a_missing_key_is_named_with_its_table() {
    assert_only(&app_mistakes(""), "7: missing key `region` in [apps.shop]", "\"na\"");
    let found = mistakes("[store]\n[queues.main]\n[apps.shop]\n");
    assert_eq!(found.len(), 5, "{found:#?}");
    assert!(found[0].starts_with("1: missing key `path` in [store]"));
    assert!(found[1].starts_with("2: missing key `url` in [queues.main]"));
    assert!(found[2].starts_with("3: missing key `client-id` in [apps.shop]"));
    assert!(found[4].starts_with("3: missing key `queue` in [apps.shop]"));
}

#[test]
fn an_empty_file_says_what_it_lacks() {
    let found = mistakes("");
    assert_eq!(found.len(), 2, "{found:#?}");
    assert!(found[0].starts_with("-: missing table [store]"));
    assert!(found[1].starts_with("-: there is no application"));
}

#[test]
fn a_wrong_type_is_named() {
    assert_only(&app_mistakes("region = 1\n"), "10: `region` must be a text, not an integer", "quotes");
    assert_only(
        &app_mistakes("region = \"na\"\npublish = \"x\"\n"),
        "11: `publish` must be a list of tables",
        "[[apps.shop.publish]]",
    );
    assert_only(&mistakes("store = 1\n[apps]\n"), "1: `store` must be a table, not an integer", "[store]");
    assert_only(
        &app_mistakes("region = \"na\"\n[[apps.shop.publish]]\nkind = \"exec\"\ncommand = \"x y\"\n"),
        "13: `command` must be a list",
        "",
    );
}

#[test]
fn an_unknown_queue_is_named_with_the_nearest() {
    let text = HEAD.replace("queue = \"main\"", "queue = \"mian\"") + "region = \"na\"\n";
    assert_only(&mistakes(&text), "9: there is no queue named \"mian\"", "did you mean \"main\"?");
}

#[test]
fn two_applications_with_one_client_id_are_both_named_with_their_lines() {
    let text = "region = \"na\"\n[apps.other]\nclient-id = \"amzn1.application-oa2-client.0123\"\nqueue = \"main\"\nregion = \"eu\"\n";
    assert_only(
        &app_mistakes(text),
        "12: `other` and `shop` (line 8) have the same client id amzn1.application-oa2-client.0123",
        "one application",
    );
}

#[test]
fn two_targets_with_one_name_or_one_file_are_refused() {
    let exec = "[[apps.shop.publish]]\nkind = \"exec\"\ncommand = [\"a\"]\n";
    assert_only(
        &app_mistakes(&format!("region = \"na\"\n{exec}{exec}")),
        "14: two publish targets of `shop` have the name \"exec:a\", the other in line 11",
        "`name`",
    );
    let file = "[[apps.shop.publish]]\nkind = \"file\"\npath = \"a\"\nformat = \"env\"\n";
    assert_only(
        &app_mistakes(&format!("region = \"na\"\n{file}{file}name = \"b\"\n")),
        "17: `shop` and `shop` (line 13) would overwrite each other in a",
        "",
    );
}

#[test]
fn two_applications_may_share_a_file_under_different_names() {
    let target = |app: &str, names: &str| {
        format!("[[apps.{app}.publish]]\nkind = \"file\"\npath = \"a\"\nformat = \"env\"\n{names}\n")
    };
    let other = "[apps.other]\nclient-id = \"amzn1.other\"\nqueue = \"main\"\nregion = \"eu\"\n";
    let names = "names = { client-id = \"ID_2\", client-secret = \"SECRET_2\", expires-at = \"EXPIRES_2\" }";
    let with = |names| format!("region = \"na\"\n{}{other}{}", target("shop", ""), target("other", names));
    good(&format!("{HEAD}{}", with(names)));
    assert_only(
        &app_mistakes(&with("")),
        "22: `other` and `shop` (line 13) would overwrite each other in a",
        "`names`",
    );
}

#[test]
fn plain_http_leaves_this_machine_nowhere() {
    for (key, address) in [
        ("api-endpoint", "http://example.com"),
        ("api-endpoint", "http://127.0.0.1.example.com"),
        ("api-endpoint", "http://10.0.0.1"),
    ] {
        assert_only(
            &app_mistakes(&format!("{key} = \"{address}\"\n")),
            "10: plain http is accepted for loopback",
            "https",
        );
    }
    assert_only(
        &app_mistakes("region = \"na\"\ntoken-endpoint = \"http://api.amazon.com/auth/o2/token\"\n"),
        "11: plain http",
        "",
    );
    let queue = HEAD.replace("https://sqs", "http://sqs") + "region = \"na\"\n";
    assert_only(&mistakes(&queue), "5: plain http is accepted for loopback addresses only", "");
    for host in ["127.0.0.1", "127.1.2.3:80", "[::1]:8080", "localhost:1"] {
        good(&format!("{HEAD}api-endpoint = \"http://{host}\"\n"));
    }
}

#[test]
fn an_address_that_cannot_be_one_is_refused() {
    for (address, text) in [
        ("sellingpartnerapi-eu.amazon.com", "this is not an address"),
        ("ftp://example.com", "this is not an https address"),
        ("https://me:word@example.com", "an address must not hold a user name or a password"),
        ("https://example.com/path", "`api-endpoint` must not have a path"),
        ("https://example.com/?a=b", "an address must not have a query"),
    ] {
        let found = app_mistakes(&format!("api-endpoint = \"{address}\"\n"));
        assert_only(&found, &format!("10: {text}"), "");
        assert!(!found[0].contains("word@"));
    }
}

#[test]
fn region_and_endpoint_together_are_refused() {
    assert_only(
        &app_mistakes("region = \"na\"\napi-endpoint = \"https://example.com\"\n"),
        "11: `region` and `api-endpoint` are both given",
        "keep",
    );
    assert_only(&app_mistakes("region = \"us\"\n"), "10: unknown region \"us\"", "\"na\", \"eu\", \"fe\"");
}

#[test]
fn an_empty_client_id_is_refused() {
    let text = HEAD.replace("amzn1.application-oa2-client.0123", "") + "region = \"na\"\n";
    assert_only(&mistakes(&text), "8: `client-id` is empty", "");
    let text = HEAD.replace("amzn1.", "amzn1 ") + "region = \"na\"\n";
    assert_only(&mistakes(&text), "8: `client-id` holds a space", "");
}

#[test]
fn a_file_that_is_no_toml_is_refused_without_quoting_it() {
    let found = app_mistakes("region = na-hidden\n");
    assert!(!found.is_empty() && found[0].starts_with("10: ") && !found.concat().contains("hidden"), "{found:#?}");
    assert_only(&app_mistakes("region = \"na\"\nregion = \"eu\"\n"), "11: duplicate key", "");
}

#[test]
fn all_mistakes_are_reported_at_once_in_the_order_of_the_lines() {
    let found = mistakes(
        "[store]\nkind = \"dynamodb\"\npth = \"x\"\n[queues.q]\nurl = \"x\"\n[apps.a]\nqueue = \"r\"\nregion = \"xx\"\n",
    );
    let lines: Vec<&str> = found.iter().filter_map(|mistake| mistake.split(':').next()).collect();
    assert_eq!(lines, ["1", "3", "5", "6", "7", "8"], "{found:#?}");
}

#[test]
fn a_target_of_an_unknown_kind_is_one_mistake() {
    assert_only(
        &app_mistakes("region = \"na\"\n[[apps.shop.publish]]\nkind = \"s3\"\nbucket = \"b\"\n"),
        "12: unknown kind \"s3\"",
        "\"file\", \"exec\"",
    );
    assert_only(
        &app_mistakes("region = \"na\"\n[[apps.shop.publish]]\nbucket = \"b\"\n"),
        "11: missing key `kind`",
        "",
    );
    assert_only(
        &app_mistakes(
            "region = \"na\"\n[[apps.shop.publish]]\nkind = \"file\"\npath = \"a\"\nformat = \"env\"\nnames = { client-id = \"MY-ID\" }\n",
        ),
        "15: \"MY-ID\" is not the name of an environment variable",
        "",
    );
}

#[test]
fn the_intervals_of_watch_have_defaults_and_bounds() {
    let watch = |lines: &str| good(&format!("{HEAD}region = \"eu\"\n{lines}")).watch;
    let minutes = |minutes: u64| Duration::from_secs(60 * minutes);
    assert_eq!(
        watch(""),
        Watch { queue_interval: minutes(5), record_interval: minutes(5) },
        "a look at a file is free"
    );
    let set = watch("[watch]\nqueue-interval = \"2m\"\nrecord-interval = \"1h\"\n");
    assert_eq!(set, Watch { queue_interval: minutes(2), record_interval: minutes(60) });
    let found = mistakes(&format!("{HEAD}region = \"eu\"\n[watch]\nqueue-interval = \"2d\"\n"));
    assert_only(&found, "12: `queue-interval` must be between 1s and 1d", "messages wait in the queue");
}

#[test]
fn what_is_pasted_by_mistake_is_told_with_what_was_meant() {
    assert_only(
        &app_mistakes("region = \"us-east-1\"\n"),
        "10: `region` is SP-API's region, and not one of AWS",
        "for us-east-1 that would be \"na\"",
    );
    assert_only(&app_mistakes("region = \"EU\"\n"), "10: unknown region \"EU\"", "did you mean \"eu\"?");
    for (id, what) in [
        ("amzn1.sp.solution.0123-4567", "the id of an application"),
        ("amzn1.sellerapps.app.0123", "the id of an application"),
        ("Atzr|IwEBI", "a token of LWA"),
        ("AKIAIOSFODNN7EXAMPLE", "an access key of AWS"),
        ("'amzn1.application-oa2-client.0123'", "a text in quotes of its own"),
    ] {
        let text = HEAD.replace("amzn1.application-oa2-client.0123", id) + "region = \"na\"\n";
        assert_only(&mistakes(&text), &format!("8: `client-id` holds {what}"), "amzn1.application-oa2-client.");
    }
    for (url, hint) in [
        ("arn:aws:sqs:eu-west-1:123456789012:lwa", "https://sqs.eu-west-1.amazonaws.com/123456789012/lwa"),
        ("arn:aws:sns:eu-west-1:123456789012:lwa", "the ARN of something else"),
        ("lwa-queue", "get-queue-url --queue-name lwa-queue"),
    ] {
        let found = mistakes(&format!("[store]\npath = \"x\"\n[queues.q]\nurl = \"{url}\"\n[apps]\n"));
        assert_only(&found, "4: this is not the URL of a queue", hint);
    }
}

#[test]
fn what_a_shell_would_expand_is_told_with_the_whole_path() {
    let file = "region = \"na\"\n[[apps.shop.publish]]\nkind = \"file\"\nformat = \"env\"\npath = \"$NOWHERE/x\"\n";
    assert_only(&app_mistakes(file), "14: nothing expands \"$NOWHERE/x\" here", "write the whole path");
    let command = "region = \"na\"\n[[apps.shop.publish]]\nkind = \"exec\"\ncommand = [\"~/take\"]\n";
    assert_only(&app_mistakes(command), "13: nothing expands \"~/take\" here", "write the whole path");
    let found = mistakes("[store]\npath = \"~/state\"\n[apps]\n");
    assert_only(&found, "2: nothing expands \"~/state\" here", "/state");
}

#[test]
fn a_kind_under_another_name_is_recognised() {
    let target = "region = \"na\"\n[[apps.shop.publish]]\ntype = \"file\"\nformat = \"env\"\npath = \"x\"\n";
    assert_only(&app_mistakes(target), "12: unknown key `type` in [[apps.shop.publish]]", "did you mean `kind`?");
    let found = mistakes("[store]\ntype = \"dynamodb\"\ntable = \"x\"\n[apps]\n");
    assert_only(&found, "2: unknown key `type` in [store]", "did you mean `kind`?");
}

#[test]
fn a_line_that_is_no_toml_is_shown_with_a_mark() {
    let found = parse("[store]\npath: \"x\"\n").expect_err("it is no TOML").all;
    let [line, mark] = found[0].excerpt.as_ref().expect("it is shown");
    assert_eq!((line.as_str(), mark.trim_start()), ("path: \"x\"", "^"), "{found:?}");
    assert!(found[0].hint.as_deref().is_some_and(|hint| hint.contains("equals sign")));
}

#[test]
fn an_application_rotates_by_itself_unless_it_is_to_be_asked_for() {
    let rotate = |line: &str| good(&format!("{HEAD}region = \"eu\"\n{line}\n")).apps[0].rotate;
    assert_eq!(rotate(""), Rotate::Automatic);
    assert_eq!(rotate("rotate = \"automatic\""), Rotate::Automatic);
    assert_eq!(rotate("rotate = \"on-request\""), Rotate::OnRequest);
    let never = app_mistakes("region = \"eu\"\nrotate = \"never\"\n");
    assert_only(&never, "11: unknown rotate \"never\"", "one of: \"automatic\", \"on-request\"");
}

#[test]
fn a_machine_may_have_a_name_of_its_own() {
    let with = |name: &str| format!("machine = \"{name}\"\n{HEAD}region = \"eu\"\n");
    assert_eq!(good(&format!("{HEAD}region = \"eu\"\n")).machine, None);
    assert_eq!(good(&with("vm-7.shop")).machine.as_deref(), Some("vm-7.shop"));
    for name in ["", "a/b", "two words", "-x"] {
        assert_only(&mistakes(&with(name)), "1: ", "machine");
    }
}
