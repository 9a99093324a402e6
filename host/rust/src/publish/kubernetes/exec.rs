//! The command that a kubeconfig names for credentials:
//! <https://kubernetes.io/docs/reference/access-authn-authz/authentication/#client-go-credential-plugins>.
//!
//! It runs here, and not in `kube`, which takes what the command writes for a header as it comes.

use std::process::{Command, Stdio};

use base64::{Engine, engine::general_purpose::STANDARD};
use kube::config::{AuthInfo, ExecConfig};
use serde::Deserialize;
use serde_json::{Map, json};

use super::{super::Error, failure, kubeconfig::usable};
use crate::secret::Secret;

#[derive(Deserialize)]
struct Written {
    status: Option<Status>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Status {
    token: Option<String>,
    client_certificate_data: Option<String>,
    client_key_data: Option<String>,
}

/// Runs the command of this user, if there is one, and puts what it writes in its place. Blocks for as long as it runs.
pub(super) fn run(user: &mut AuthInfo) -> Result<(), Error> {
    let Some(exec) = user.exec.take() else { return Ok(()) };
    // As `kubectl`: what the user holds beside it counts first.
    if user.token.is_some() || user.username.is_some() {
        return Ok(());
    }
    let Some(name) = exec.command.as_deref().map(str::trim).filter(|name| !name.is_empty()) else {
        return Err(failure::command("", "the kubeconfig names no command", None));
    };
    let hint = exec.install_hint.as_deref();
    let output = command(name, &exec)
        .output()
        .map_err(|error| failure::command(name, &format!("cannot be started: {error}"), hint))?;
    if !output.status.success() {
        // What it wrote may be the token.
        return Err(failure::command(name, &format!("ended with {}", output.status), None));
    }
    let output = Secret::from(output.stdout);
    let written: Option<Written> = serde_json::from_slice(output.expose()).ok();
    let Some(status) = written.and_then(|written| written.status) else {
        return Err(failure::command(name, "wrote no ExecCredential with a status", None));
    };
    if let (Some(certificate), Some(key)) = (status.client_certificate_data, status.client_key_data) {
        user.client_certificate_data = Some(STANDARD.encode(certificate));
        user.client_key_data = Some(STANDARD.encode(key).into());
    }
    if let Some(token) = status.token {
        let what = format!("the token that {name} writes, the command of the kubeconfig for credentials,");
        user.token = Some(usable(&token, &what)?.into());
    }
    Ok(())
}

fn command(name: &str, exec: &ExecConfig) -> Command {
    let mut command = Command::new(name);
    command.args(exec.args.iter().flatten()).stdin(Stdio::null());
    for variable in exec.env.iter().flatten() {
        if let (Some(name), Some(value)) = (variable.get("name"), variable.get("value")) {
            command.env(name, value);
        }
    }
    let mut spec = Map::new();
    spec.insert("interactive".into(), false.into());
    if let Some(cluster) = exec.cluster.as_ref().filter(|_| exec.provide_cluster_info) {
        spec.insert("cluster".into(), serde_json::to_value(cluster).unwrap_or_default());
    }
    let info = json!({ "apiVersion": exec.api_version, "kind": "ExecCredential", "spec": spec });
    command.env("KUBERNETES_EXEC_INFO", info.to_string());
    for name in exec.drop_env.iter().flatten() {
        command.env_remove(name);
    }
    command
}

#[cfg(all(test, unix))]
#[allow(clippy::unwrap_used)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    fn user(script: &str) -> AuthInfo {
        let exec = ExecConfig {
            command: Some("sh".into()),
            args: Some(vec!["-c".into(), script.into()]),
            ..ExecConfig::default()
        };
        AuthInfo { exec: Some(exec), ..AuthInfo::default() }
    }

    #[test]
    fn what_the_command_writes_takes_its_place() {
        let mut user = user(r#"printf %s '{"kind":"ExecCredential","status":{"token":"abc\n"}}'"#);
        run(&mut user).unwrap();
        assert_eq!(user.token.unwrap().expose_secret(), "abc");
        assert!(user.exec.is_none());
    }

    #[test]
    fn a_command_that_writes_no_token_is_named_and_what_it_writes_is_not_shown() {
        for (script, why) in [
            ("echo hidden; exit 3", "ended with exit status: 3"),
            ("echo hidden", "wrote no ExecCredential"),
            (r#"printf %s '{"status":{"token":"hid\nden"}}'"#, "line end"),
            (r#"echo '{"status":{"token":""}}'"#, "is empty"),
        ] {
            let Err(Error::AccessDenied(text)) = run(&mut user(script)) else { panic!("{script}") };
            assert!(text.contains(why) && text.contains("sh") && !text.contains("hid"), "{text}");
        }
        let exec = ExecConfig { command: Some("/no/such/command".into()), ..ExecConfig::default() };
        let mut user = AuthInfo { exec: Some(exec), ..AuthInfo::default() };
        let Err(Error::AccessDenied(text)) = run(&mut user) else { panic!("there is none") };
        assert!(text.contains("/no/such/command cannot be started"), "{text}");
    }
}
