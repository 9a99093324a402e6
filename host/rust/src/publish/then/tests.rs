use std::fs;
use std::path::Path;

use super::*;
use crate::publish::{FileTarget, Format};

const SECRET: &str = "amzn1.oa2-cs.v1.0123456789abcdef";

fn credential() -> Credential {
    Credential { client_id: "amzn1.id".into(), client_secret: SECRET.into(), expires_at: None }
}

fn file(folder: &Path) -> FileTarget {
    FileTarget::new(folder.join("shop.env"), Format::Env)
}

/// A script after the file, with the folder as its `$1`.
fn then(folder: &Path, script: &str) -> Then {
    Then::new(file(folder), "sh", ["-c", script, "sh", folder.to_str().unwrap()])
}

#[tokio::test]
async fn the_command_finds_the_credential_published_and_is_told_nothing_secret() {
    let folder = tempfile::tempdir().unwrap();
    let script = r#"cp "$1/shop.env" "$1/found"; { cat; env; tr '\0' ' ' < /proc/$$/cmdline; } > "$1/seen""#;

    then(folder.path(), script).put(&credential()).await.unwrap();

    let read = |name| fs::read_to_string(folder.path().join(name)).unwrap();
    assert!(read("found").contains(SECRET));
    assert!(!read("seen").contains(SECRET), "rule 9");
    assert!(read("seen").contains("PATH="));
}

#[tokio::test]
async fn a_command_that_fails_makes_the_put_fail_and_runs_again_with_the_next() {
    let folder = tempfile::tempdir().unwrap();
    let script = r#"echo x >> "$1/runs"; [ "$(wc -l < "$1/runs")" -gt 1 ] || { cat "$1/shop.env" >&2; exit 3; }"#;
    let target = then(folder.path(), script);

    let error = target.put(&credential()).await.unwrap_err();

    let Error::Unavailable(text) = &error else { panic!("{error:?}") };
    assert!(
        text.contains("it is published, but what follows failed: the command sh ended with exit status: 3"),
        "{text}"
    );
    assert!(text.contains("LWA_CLIENT_SECRET=[redacted]") && !text.contains(SECRET), "rule 9: {text}");
    target.put(&credential()).await.unwrap();
    assert_eq!(fs::read_to_string(folder.path().join("runs")).unwrap().lines().count(), 2);
}

#[tokio::test]
async fn the_command_does_not_run_when_nothing_was_published() {
    let folder = tempfile::tempdir().unwrap();
    let target = Then::new(
        FileTarget::new(folder.path().join("missing/shop.env"), Format::Env),
        "touch",
        [folder.path().join("ran")],
    );

    let error = target.put(&credential()).await.unwrap_err();

    assert!(error.to_string().contains("make its folder"), "{error}");
    assert!(!folder.path().join("ran").exists());
}

/// A target that never gets done.
struct Hangs;

#[async_trait]
impl Target for Hangs {
    async fn put(&self, _: &Credential) -> Result<(), Error> {
        std::future::pending().await
    }
}

#[tokio::test]
async fn put_and_command_stay_under_the_bound_of_the_contract() {
    let mut then = Then::new(Hangs, "true", [""; 0]);
    assert!(then.put_limit + then.command.time_limit < Duration::from_secs(95));

    then.put_limit = Duration::from_millis(10);
    let error = then.put(&credential()).await.unwrap_err();

    assert!(matches!(&error, Error::Unavailable(text) if text.contains("given up")), "{error:?}");
}

#[tokio::test]
async fn a_probe_looks_at_the_target_and_at_the_command_and_runs_nothing() {
    let folder = tempfile::tempdir().unwrap();
    then(folder.path(), r#"touch "$1/ran""#).probe().await.unwrap();
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);

    let missing = Then::new(file(folder.path()), "no-such-program", [""; 0]).probe().await.unwrap_err();
    assert!(missing.to_string().contains("no-such-program"), "{missing}");
    let unwritable = Then::new(file(&folder.path().join("missing")), "true", [""; 0]).probe().await;
    assert!(unwritable.is_err());
}
