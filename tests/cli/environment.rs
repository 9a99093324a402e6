//! What the environment holds that cannot work is named with its variable or its file, and refused before anything is sent.
//!
//! The rows are those of `docs/environment.md`.

use std::fs;
use std::io::{Read as _, Write as _, copy};
use std::net::{TcpListener, TcpStream};
use std::process::Command;
use std::thread;

use serde_json::Value;

use crate::program::{TARGETS, World};

/// A secret that no output may hold.
const PASSWORD: &str = "double-password-in-a-variable";

/// Findings of `check` of this name.
fn findings(world: &World, check: &str) -> Vec<Value> {
    let (_, document) = world.json(&["check"]);
    let all = document["findings"].as_array().unwrap().clone();
    all.into_iter().filter(|finding| finding["check"] == check).collect()
}

/// The variables are sure to fail: `check` says so, and no command that sends anything begins.
#[track_caller]
fn assert_refused(world: &World, words: &[&str], hidden: &str) {
    let before = world.calls().len();
    let (code, document) = world.json(&["check"]);
    assert_eq!(code, Some(1));
    let mut found = document["findings"].as_array().unwrap().clone();
    found.retain(|finding| finding["check"] == "environment");
    let blocking: Vec<&Value> = found.iter().filter(|finding| finding["severity"] == "blocking").collect();
    let texts = format!("{blocking:?}");
    for word in words {
        assert!(texts.contains(word), "{word} in {found:?}");
    }
    assert!(hidden.is_empty() || !texts.contains(hidden), "{texts}");
    let mut seen = world.calls().len();
    assert!(seen >= before);
    for arguments in [&["rotate", "shop"][..], &["watch"]] {
        let ran = world.run(arguments).exits(2);
        for word in words {
            assert!(ran.stderr.contains(word), "{arguments:?}: {word} in {}", ran.stderr);
        }
        assert!(hidden.is_empty() || !ran.stderr.contains(hidden), "{}", ran.stderr);
        assert_eq!(world.calls().len(), seen, "{arguments:?} sends nothing");
        seen = world.calls().len();
    }
}

/// Folders and files that the rows name.
fn prepared() -> World {
    let world = World::enrolled();
    fs::create_dir_all(world.path(".aws")).unwrap();
    fs::create_dir(world.path("folder")).unwrap();
    world.write("nothing.pem", "no certificate");
    world.write("empty", "\n");
    world.write(".aws/config", "[profile shop]\nregion = us-east-1\n\n[profile broken]\nsource_profile = nobody\nrole_arn = arn:aws:iam::1:role/a\n\n[profile zone]\nregion = us-east-1a\n\n[profile console]\nlogin_session = arn:aws:iam::1:user/a\n");
    let made = Command::new("mkfifo").arg(world.path("pipe")).status().unwrap();
    assert!(made.success());
    world
}

#[test]
fn a_variable_that_is_sure_to_fail_is_refused_with_its_name() {
    let world = prepared();
    let path = |name: &str| world.path(name).display().to_string();
    let config = path(".aws/config");
    for (name, value, words, hidden) in [
        ("AWS_ACCESS_KEY_ID", "AKIA hid den", &["AWS_ACCESS_KEY_ID holds white space"][..], "hid den"),
        ("AWS_ACCESS_KEY_ID", "\"hidden\"", &["AWS_ACCESS_KEY_ID is in quotes"], "hidden"),
        ("AWS_SECRET_ACCESS_KEY", "hid\nx7q9", &["AWS_SECRET_ACCESS_KEY holds white space, a line end"], "x7q9"),
        ("AWS_SECRET_ACCESS_KEY", "", &["AWS_ACCESS_KEY_ID is set and AWS_SECRET_ACCESS_KEY is not"], ""),
        ("AWS_ACCESS_KEY_ID", " ", &["AWS_SECRET_ACCESS_KEY is set and AWS_ACCESS_KEY_ID is not"], ""),
        ("AWS_SESSION_TOKEN", "hid\tx7q9", &["AWS_SESSION_TOKEN holds white space"], "x7q9"),
        ("AWS_PROFILE", "nobody", &["no profile 'nobody' in", &config, "AWS_PROFILE", "shop"], ""),
        ("AWS_PROFILE", "broken", &["source_profile of the profile 'broken'", "no profile 'nobody'"], ""),
        ("AWS_PROFILE", "zone", &["region of the profile 'zone'", "us-east-1a", "availability zone"], ""),
        ("AWS_CONFIG_FILE", &path("folder"), &["AWS_CONFIG_FILE", "folder", "it is a folder"], ""),
        ("AWS_CONFIG_FILE", &path("pipe"), &["AWS_CONFIG_FILE", "pipe", "not a regular file"], ""),
        ("AWS_SHARED_CREDENTIALS_FILE", &path("pipe"), &["AWS_SHARED_CREDENTIALS_FILE", "not a regular file"], ""),
        ("AWS_SHARED_CREDENTIALS_FILE", &path("nothing.pem"), &["nothing.pem", "line 1"], ""),
        ("AWS_REGION", "eu west 1", &["AWS_REGION is 'eu west 1'", "such as us-east-1"], ""),
        ("AWS_REGION", "EU-WEST-1", &["AWS_REGION is 'EU-WEST-1'"], ""),
        ("AWS_DEFAULT_REGION", "eu-west-1b", &["AWS_DEFAULT_REGION", "availability zone of eu-west-1"], ""),
        ("AWS_USE_FIPS_ENDPOINT", "1", &["AWS_USE_FIPS_ENDPOINT is '1'", "true and false"], ""),
        ("AWS_USE_DUALSTACK_ENDPOINT", "yes", &["AWS_USE_DUALSTACK_ENDPOINT is 'yes'"], ""),
        ("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "x", &["AWS_IGNORE_CONFIGURED_ENDPOINT_URLS is 'x'"], ""),
        ("AWS_EC2_METADATA_DISABLED", "on", &["AWS_EC2_METADATA_DISABLED is 'on'"], ""),
        ("AWS_ENDPOINT_URL", "localhost:4566", &["AWS_ENDPOINT_URL is 'localhost:4566'"], ""),
        ("AWS_ENDPOINT_URL_STS", "http://10.0.0.1", &["AWS_ENDPOINT_URL_STS", "plain http"], ""),
        ("AWS_ENDPOINT_URL_KMS", "https://u:hidden@kms", &["AWS_ENDPOINT_URL_KMS", "a user name"], "hidden"),
        ("AWS_EC2_METADATA_SERVICE_ENDPOINT", "x", &["AWS_EC2_METADATA_SERVICE_ENDPOINT is 'x'"], ""),
        ("AWS_CA_BUNDLE", &path("nothing.pem"), &["AWS_CA_BUNDLE", "nothing.pem", "none in PEM"], ""),
        ("HTTPS_PROXY", "socks5://127.0.0.1:1", &["HTTPS_PROXY names a proxy", "http and https"], ""),
        ("https_proxy", "http://u:hidden@p:x", &["https_proxy names a proxy"], "hidden"),
        ("ALL_PROXY", "http://", &["ALL_PROXY names a proxy"], ""),
        ("NO_PROXY", "http://a.example", &["NO_PROXY holds 'http://a.example'"], ""),
        ("SSL_CERT_FILE", &path("missing.pem"), &["SSL_CERT_FILE", "missing.pem", "no such file"], ""),
        ("SSL_CERT_FILE", &path("pipe"), &["SSL_CERT_FILE", "not a regular file"], ""),
        ("SSL_CERT_FILE", &path("nothing.pem"), &["SSL_CERT_FILE", "none in PEM"], ""),
        ("SSL_CERT_DIR", &path("nowhere"), &["SSL_CERT_DIR", "nowhere", "no such folder"], ""),
        ("SSL_CERT_DIR", &path("folder"), &["SSL_CERT_DIR", "holds none"], ""),
    ] {
        let unset = if name.starts_with("AWS_SECRET") || name.starts_with("AWS_ACCESS") { "test" } else { "" };
        world.set(name, value);
        assert_refused(&world, words, hidden);
        world.set(name, unset);
    }
    world.run(&["check"]).done();
}

/// The world without an access key in its variables.
fn without_keys(world: &World) {
    for name in ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"] {
        world.set(name, "");
    }
    // There is no machine's role in these tests.
    world.set("AWS_EC2_METADATA_DISABLED", "true");
}

#[test]
fn what_credentials_come_from_is_refused_with_its_name_where_it_is_sure_to_fail() {
    let world = prepared();
    without_keys(&world);
    let path = |name: &str| world.path(name).display().to_string();
    let role = ("AWS_ROLE_ARN", "arn:aws:iam::123456789012:role/a");
    for (variables, words) in [
        (
            vec![("AWS_WEB_IDENTITY_TOKEN_FILE", path("missing"))],
            vec!["AWS_WEB_IDENTITY_TOKEN_FILE is set and AWS_ROLE_ARN is not"],
        ),
        (
            vec![("AWS_WEB_IDENTITY_TOKEN_FILE", path("missing")), (role.0, role.1.into())],
            vec!["AWS_WEB_IDENTITY_TOKEN_FILE names", "missing", "no such file"],
        ),
        (vec![("AWS_WEB_IDENTITY_TOKEN_FILE", path("empty")), (role.0, role.1.into())], vec!["it is empty"]),
        (vec![("AWS_WEB_IDENTITY_TOKEN_FILE", path("pipe")), (role.0, role.1.into())], vec!["not a regular file"]),
        (
            vec![("AWS_WEB_IDENTITY_TOKEN_FILE", path("empty")), (role.0, "admin".into())],
            vec!["AWS_ROLE_ARN is 'admin'"],
        ),
        (
            vec![("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "creds".into())],
            vec!["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI is 'creds'"],
        ),
        (
            vec![("AWS_CONTAINER_CREDENTIALS_FULL_URI", "creds".into())],
            vec!["AWS_CONTAINER_CREDENTIALS_FULL_URI is 'creds'"],
        ),
        (
            vec![
                ("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://127.0.0.1:1/".into()),
                ("AWS_CONTAINER_AUTHORIZATION_TOKEN", "hid\nx7q9".into()),
            ],
            vec!["AWS_CONTAINER_AUTHORIZATION_TOKEN holds"],
        ),
        (
            vec![
                ("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://127.0.0.1:1/".into()),
                ("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", path("missing")),
            ],
            vec!["AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE names"],
        ),
        (
            vec![("AWS_PROFILE", "console".into())],
            vec!["login_session", "credential_process = aws configure export-credentials"],
        ),
    ] {
        variables.iter().for_each(|(name, value)| world.set(name, value));
        assert_refused(&world, &words, "x7q9");
        variables.iter().for_each(|(name, _)| world.set(name, ""));
    }
}

#[test]
fn empty_variables_are_as_good_as_none_and_line_ends_belong_to_no_value() {
    let world = World::enrolled();
    for name in [
        "AWS_PROFILE",
        "AWS_CONFIG_FILE",
        "AWS_SHARED_CREDENTIALS_FILE",
        "AWS_DEFAULT_REGION",
        "AWS_SESSION_TOKEN",
        "AWS_ENDPOINT_URL",
        "AWS_ENDPOINT_URL_STS",
        "AWS_USE_FIPS_ENDPOINT",
        "AWS_CA_BUNDLE",
        "AWS_WEB_IDENTITY_TOKEN_FILE",
        "AWS_ROLE_ARN",
        "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
        "AWS_CONTAINER_CREDENTIALS_FULL_URI",
        "HTTPS_PROXY",
        "NO_PROXY",
        "SSL_CERT_FILE",
        "SSL_CERT_DIR",
    ] {
        world.set(name, "");
    }
    world.set("AWS_ACCESS_KEY_ID", "test\n");
    world.set("AWS_SECRET_ACCESS_KEY", " test\r\n");
    world.set("AWS_REGION", "us-east-1\n");
    let ran = world.run(&["check"]).done();
    assert!(ran.stdout.contains("accepts the AWS credentials"), "{}", ran.stdout);
    world.run(&["rotate", "shop"]).done();
    world.assert_rotated();
}

#[test]
fn a_file_that_is_named_and_not_there_is_a_warning_where_nothing_needs_it() {
    let world = World::enrolled();
    world.set("AWS_CONFIG_FILE", "/nonexistent/config");
    let found = findings(&world, "environment");
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0]["severity"], "warning");
    assert!(found[0]["evidence"].as_str().unwrap().contains("AWS_CONFIG_FILE names /nonexistent/config"), "{found:?}");
    world.run(&["check"]).done();
}

/// `check` finds that the credentials do not work, and `rotate --dry-run` agrees.
#[track_caller]
fn assert_no_credentials(world: &World, words: &[&str]) {
    let found = findings(world, "aws-credentials");
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0]["severity"], "blocking", "{found:?}");
    let text = found[0]["evidence"].as_str().unwrap();
    let ran = world.run(&["rotate", "shop", "--dry-run"]).exits(1);
    for word in words {
        assert!(text.contains(word), "{word} in {text}");
        assert!(ran.stderr.contains(word), "{word} in {}", ran.stderr);
    }
}

#[test]
fn credentials_that_cannot_be_had_are_blocking_with_where_they_come_from_and_what_to_do() {
    let world = World::enrolled();
    fs::create_dir_all(world.path(".aws")).unwrap();
    without_keys(&world);
    assert_no_credentials(&world, &["there are no AWS credentials", "AWS_PROFILE", "aws sso login"]);

    world.write(
        ".aws/config",
        &format!("[profile sso]\nsso_start_url = https://example.com/start\nsso_region = us-east-1\nsso_account_id = 123456789012\nsso_role_name = a\n\n[profile process]\ncredential_process = sh -c 'echo {PASSWORD} >&2; exit 7' {PASSWORD}\n"),
    );
    world.set("AWS_PROFILE", "sso");
    assert_no_credentials(&world, &["the profile 'sso' in", "log in again: aws sso login --profile sso"]);
    world.set("AWS_PROFILE", "process");
    world.watch_for(PASSWORD);
    assert_no_credentials(&world, &["the profile 'process' in", "7", "log in again", "credential_process"]);

    world.set("AWS_PROFILE", "");
    world.set("AWS_CONTAINER_CREDENTIALS_FULL_URI", &format!("http://{}/", dead()));
    let found = findings(&world, "aws-credentials");
    assert!(found[0]["evidence"].as_str().unwrap().contains("AWS_CONTAINER_CREDENTIALS_FULL_URI"), "{found:?}");
}

/// An address at which nothing listens.
fn dead() -> String {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string()
}

#[test]
fn a_proxy_that_is_dead_is_named_by_both_stacks_and_not_taken_for_amazon() {
    let world = World::enrolled();
    let proxy = dead();
    world.configure("api-endpoint = \"https://api.invalid\"\ntoken-endpoint = \"https://token.invalid/\"", TARGETS);
    world.set("HTTPS_PROXY", &format!("http://u:{PASSWORD}@{proxy}"));
    world.set("AWS_ENDPOINT_URL_SQS", "https://sqs.invalid");
    world.watch_for(PASSWORD);
    let ran = world.run(&["check"]);
    let named = format!("the proxy http://{proxy} (HTTPS_PROXY) cannot be reached");
    for target in ["https://token.invalid", "https://sqs.invalid"] {
        let line = ran.stdout.lines().find(|line| line.contains(target) && line.contains("no connection"));
        assert!(line.is_some_and(|line| line.contains(&named)), "{target}: {}", ran.stdout);
    }
}

/// Stands before the emulator's queue, and takes no request that is signed with this access key.
fn refusing(world: &World, key: &'static str, code: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let to = world.emulator.address();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut inside = stream.unwrap();
            let mut head = Vec::new();
            let mut byte = [0];
            while !head.ends_with(b"\r\n\r\n") && inside.read_exact(&mut byte).is_ok() {
                head.extend(byte);
            }
            if String::from_utf8_lossy(&head).contains(&format!("Credential={key}/")) {
                let body = format!(
                    "{{\"__type\":\"com.amazon.coral.service#{code}\",\"message\":\"The security token is no good\"}}"
                );
                // Who asks may go away at any time.
                let _ = write!(
                    inside,
                    "HTTP/1.1 403 Forbidden\r\nconnection: close\r\ncontent-type: application/x-amz-json-1.0\r\ncontent-length: {}\r\n\r\n{body}",
                    body.len()
                );
                // Its body is read before the connection is closed, which would lose the answer.
                let _ = inside.shutdown(std::net::Shutdown::Write);
                let _ = inside.read_to_end(&mut Vec::new());
                continue;
            }
            let mut outside = TcpStream::connect(to).unwrap();
            outside.write_all(&head).unwrap();
            for (mut from, mut to) in [(inside.try_clone().unwrap(), outside.try_clone().unwrap()), (outside, inside)] {
                thread::spawn(move || copy(&mut from, &mut to).and_then(|_| to.shutdown(std::net::Shutdown::Write)));
            }
        }
    });
    url
}

#[test]
fn credentials_that_aws_does_not_accept_are_blocking_with_their_profile_and_how_to_log_in_again() {
    let world = World::enrolled();
    fs::create_dir_all(world.path(".aws")).unwrap();
    without_keys(&world);
    let keys =
        |key: &str| format!("[shop]\naws_access_key_id = {key}\naws_secret_access_key = x\naws_session_token = y\n");
    world.write(".aws/credentials", &keys("OLD"));
    world.set("AWS_PROFILE", "shop");
    for (code, words) in [
        ("ExpiredTokenException", &["ExpiredToken", "the profile 'shop' in", "have expired", "log in again"][..]),
        ("InvalidClientTokenId", &["InvalidClientTokenId", "does not know the credentials", "log in again"]),
        ("SignatureDoesNotMatch", &["SignatureDoesNotMatch", "this machine's clock"]),
    ] {
        world.set("AWS_ENDPOINT_URL_SQS", &refusing(&world, "OLD", code));
        assert_no_credentials(&world, words);
    }
    world.write(".aws/credentials", &keys("NEW"));
    let found = findings(&world, "aws-credentials");
    assert_eq!(found[0]["severity"], "fine", "{found:?}");
}
