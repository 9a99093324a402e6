use std::{
    fs,
    process::{Command, Stdio},
    time::Instant,
};

use super::*;
use crate::publish::command::TAIL;

const SECRET: &str = "amzn1.oa2-cs.v1.0123456789abcdef";

fn credential() -> Credential {
    Credential { client_id: "amzn1.id".into(), client_secret: SECRET.into(), expires_at: Some(1_767_225_600_000) }
}

fn shell(script: &str) -> ExecTarget {
    ExecTarget::new("sh", ["-c", script])
}

#[tokio::test]
async fn the_command_gets_the_credential_on_its_standard_input_and_nowhere_else() {
    let folder = tempfile::tempdir().unwrap();
    let (input, seen) = (folder.path().join("input"), folder.path().join("seen"));
    let script = r#"cat > "$1"; { env; tr '\0' ' ' < /proc/$$/cmdline; } > "$2" 2>/dev/null; true"#;
    let target = ExecTarget::new("sh", ["-c", script, "sh", input.to_str().unwrap(), seen.to_str().unwrap()]);

    target.put(&credential()).await.unwrap();

    let document: serde_json::Value = serde_json::from_slice(&fs::read(&input).unwrap()).unwrap();
    assert_eq!(
        document,
        serde_json::json!({"client_id": "amzn1.id", "client_secret": SECRET, "expires_at": "2026-01-01T00:00:00Z"})
    );
    assert!(!fs::read_to_string(&seen).unwrap().contains(SECRET));
}

#[tokio::test]
async fn the_exit_code_decides() {
    shell("exit 0").put(&credential()).await.unwrap();
    shell("cat >/dev/null; echo fine >&2").put(&credential()).await.unwrap();

    let error = shell("cat >/dev/null; echo no vault here >&2; exit 3").put(&credential()).await.unwrap_err();

    assert!(
        matches!(&error, Error::Unavailable(text) if text.contains('3') && text.ends_with(": no vault here")),
        "{error:?}"
    );
}

#[tokio::test]
async fn rule_9_what_a_command_says_is_shown_without_the_secret() {
    let one_line = shell("cat >&2; exit 1");
    let much = shell(r#"s=$(cat); i=0; while [ $i -lt 300 ]; do echo "$s" >&2; i=$((i+1)); done; exit 1"#);
    for target in [one_line, much] {
        let Err(Error::Unavailable(text)) = target.put(&credential()).await else { panic!("it failed") };

        assert!(text.contains("[redacted]"), "{text}");
        // Not even its second half, where the end was cut.
        assert!(!text.contains(&SECRET[SECRET.len() / 2..]), "{text}");
        assert!(text.len() < 2 * TAIL, "{}", text.len());
        assert!(!text.contains('\n'));
    }
}

#[tokio::test]
async fn a_command_that_is_not_done_in_time_is_killed() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("pid");
    let target = ExecTarget::new("sh", ["-c", r#"echo $$ > "$1"; exec sleep 1000"#, "sh", file.to_str().unwrap()]);
    let begun = Instant::now();

    let error = target.time_limit(Duration::from_millis(300)).put(&credential()).await.unwrap_err();

    assert!(matches!(&error, Error::Unavailable(text) if text.contains("killed")), "{error:?}");
    assert!(begun.elapsed() < Duration::from_secs(30));
    let pid = fs::read_to_string(&file).unwrap();
    let alive = Command::new("kill").args(["-0", pid.trim()]).stderr(Stdio::null()).status().unwrap();
    assert!(!alive.success(), "the process is gone");
}

fn is_alive(pid_file: &std::path::Path) -> bool {
    let pid = fs::read_to_string(pid_file).unwrap();
    // One that was not waited for yet is dead all the same.
    fs::read_to_string(format!("/proc/{}/stat", pid.trim())).is_ok_and(|stat| !stat.contains(") Z "))
}

/// Starts a child of its own that hangs, and hangs with it.
fn hangs_in_a_child(pid_file: &std::path::Path) -> ExecTarget {
    let script = r#"cat > /dev/null; sleep 1000 & echo $! > "$1.new"; mv "$1.new" "$1"; wait; echo done"#;
    ExecTarget::new("sh", ["-c", script, "sh", pid_file.to_str().unwrap()])
}

#[tokio::test]
async fn a_command_that_is_not_done_in_time_ends_with_its_children() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("pid");

    let target = hangs_in_a_child(&file).time_limit(Duration::from_secs(2));
    let error = target.put(&credential()).await.unwrap_err();

    assert!(matches!(&error, Error::Unavailable(text) if text.contains("killed")), "{error:?}");
    until_dead(&file).await;
}

#[tokio::test]
async fn a_command_that_nothing_waits_for_any_more_ends_with_its_children() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("pid");
    let (target, credential) = (hangs_in_a_child(&file), credential());

    tokio::select! {
        put = target.put(&credential) => panic!("it hangs: {put:?}"),
        () = async { while !file.exists() { tokio::time::sleep(Duration::from_millis(5)).await } } => {}
    }

    until_dead(&file).await;
}

/// A process that was killed takes a moment to go.
async fn until_dead(pid_file: &std::path::Path) {
    let begun = Instant::now();
    while is_alive(pid_file) {
        assert!(begun.elapsed() < Duration::from_secs(60), "the child is still there");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn a_process_left_behind_does_not_hold_up_the_answer() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("pid");
    let target = ExecTarget::new("sh", ["-c", r#"sleep 1000 & echo $! > "$1"; exit 0"#, "sh", file.to_str().unwrap()]);
    let begun = Instant::now();

    target.put(&credential()).await.unwrap();

    assert!(begun.elapsed() < Duration::from_secs(20));
    assert!(is_alive(&file), "what a command that has ended leaves in the background is meant to be there");
    let pid = fs::read_to_string(&file).unwrap();
    Command::new("kill").arg(pid.trim()).status().unwrap();
}

#[tokio::test]
async fn a_command_that_cannot_be_started_is_named() {
    let error = ExecTarget::new("no-such-command-here", [""; 0]).put(&credential()).await.unwrap_err();
    assert!(matches!(&error, Error::Other(text) if text.contains("no-such-command-here")), "{error:?}");

    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("script");
    fs::write(&file, "").unwrap();
    let error = ExecTarget::new(&file, [""; 0]).put(&credential()).await.unwrap_err();
    assert!(matches!(&error, Error::AccessDenied(text) if text.contains("executable")), "{error:?}");
}

#[tokio::test]
async fn a_probe_tells_whether_the_program_may_be_run_and_does_not_run_it() {
    use std::os::unix::fs::PermissionsExt;

    let folder = tempfile::tempdir().unwrap();
    let program = folder.path().join("publish");
    let ran = folder.path().join("ran");
    fs::write(&program, format!("#!/bin/sh\ntouch '{}'\n", ran.display())).unwrap();
    let probe = async |program: &std::path::Path| ExecTarget::new(program, [""; 0]).probe().await;

    assert!(matches!(probe(&program).await, Err(Error::AccessDenied(text)) if text.contains("make it executable")));
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    probe(&program).await.unwrap();
    probe("sh".as_ref()).await.unwrap();
    assert!(
        matches!(probe(&folder.path().join("missing")).await, Err(Error::Other(text)) if text.contains("whole path"))
    );
    assert!(matches!(probe("no-such-program".as_ref()).await, Err(Error::Other(_))));
    assert!(matches!(probe(folder.path()).await, Err(Error::AccessDenied(_))));
    assert!(!ran.exists());
}

#[tokio::test]
async fn a_command_cannot_be_read_and_its_place_is_its_name_on_this_machine() {
    let target = shell("exit 0");

    assert!(matches!(target.read().await, Ok(crate::publish::Reading::Unreadable)));
    assert_eq!(target.place("shop-1", "vault").await.unwrap(), "exec://shop-1/vault");
}
