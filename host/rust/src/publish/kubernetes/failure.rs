//! What went wrong, and what to do. The bodies of answers, the kubeconfig and what its commands write are never shown.

use std::{error::Error as StdError, time::Duration};

use kube::{client::AuthError, config::KubeconfigError};

use super::super::Error;
use crate::http::OriginError;

/// What was refused.
#[derive(Clone, Copy)]
pub(super) enum Asked {
    /// To read the Secret.
    Get,
    /// To change it.
    Patch,
    /// To make it.
    Create,
}

/// An answer that nobody can go on with.
pub(super) fn of(status: u16, asked: Asked, secret: &str, namespace: &str) -> Error {
    let place = format!("the secret {secret} in namespace {namespace}");
    let verb = match asked {
        Asked::Get => "get",
        Asked::Patch => "patch",
        Asked::Create => "create",
    };
    match status {
        401 => Error::AccessDenied(
            "the cluster does not accept the credentials of the kubeconfig or the service account: they have expired or are of another cluster; renew them"
                .into(),
        ),
        403 => Error::AccessDenied(format!(
            "the cluster does not let this user {verb} {place}; give it a role with the verbs get, create and patch on secrets in that namespace"
        )),
        404 => Error::Other(format!("there is no namespace {namespace} in the cluster; make it, or set another `namespace`")),
        413 | 422 => Error::Other(format!(
            "the cluster does not take {place} with these keys (status {status}): it has become immutable, would be larger than 1 MiB, or a name is no key; see it with `kubectl describe secret {secret} -n {namespace}`"
        )),
        429 | 500..=599 => Error::Unavailable(format!(
            "the cluster failed (status {status}) to {verb} {place}; it is tried again"
        )),
        _ => Error::Other(format!(
            "the cluster refuses to {verb} {place} (status {status}); see whether an admission webhook or a proxy stands in the way"
        )),
    }
}

/// Nobody may change it, not even the cluster's administrator.
pub(super) fn immutable(place: &str) -> Error {
    Error::Other(format!(
        "{place} is immutable and cannot hold a new credential; delete it, so that it is made anew, or name another `secret`"
    ))
}

/// Neither can be named so in a cluster.
pub(super) fn no_name(place: &str) -> Error {
    Error::Other(format!("there can be no such thing as {place}; use lower case letters, digits, `-` and `.`"))
}

/// An answer that is no Secret.
pub(super) fn unreadable(place: &str) -> Error {
    Error::Other(format!(
        "what answers for {place} is not a cluster of kubernetes, or too long; see the `server` of the kubeconfig"
    ))
}

/// An answer that was cut.
pub(super) fn broken_off(place: &str) -> Error {
    Error::Unavailable(format!("the cluster's answer about {place} broke off; it is tried again"))
}

/// There was no answer.
pub(super) fn no_answer_in_time(limit: Duration) -> Error {
    Error::Unavailable(format!("the cluster has not answered within {} s; it is tried again", limit.as_secs()))
}

/// The kubeconfig's command hangs.
pub(super) fn no_credentials_in_time(limit: Duration) -> Error {
    Error::Unavailable(format!(
        "the command that the kubeconfig names for credentials was not done after {} s; end it if it still runs, and run it by hand to see why",
        limit.as_secs_f32()
    ))
}

/// The kubeconfig's command asks questions.
pub(super) fn wants_a_person() -> Error {
    Error::Other(
        "the command that the kubeconfig names for credentials wants a person (interactiveMode: Always); use a service account, or a command that needs nobody"
            .into(),
    )
}

/// Neither a kubeconfig nor a service account.
pub(super) fn no_kubeconfig() -> Error {
    Error::Other(
        "no cluster is known: there is no kubeconfig and no service account of a pod; set KUBECONFIG, or write ~/.kube/config".into(),
    )
}

/// The kubeconfig's server is no address to send a secret to.
pub(super) fn wrong_server(error: &OriginError) -> Error {
    Error::Other(format!("the `server` of the kubeconfig cannot be used: {error}"))
}

/// The kubeconfig wants no verification.
pub(super) fn unverified() -> Error {
    Error::Other(
        "the kubeconfig says insecure-skip-tls-verify, and a secret is sent to verified servers only; give the cluster's certificate-authority instead"
            .into(),
    )
}

/// A proxy that is no address.
pub(super) fn wrong_proxy() -> Error {
    Error::Other("the proxy of the kubeconfig or of HTTPS_PROXY is no address; put it right".into())
}

/// A kubeconfig that cannot be used. What it says of its text might show a token.
pub(super) fn of_kubeconfig(error: &KubeconfigError) -> Error {
    let text = match error {
        KubeconfigError::CurrentContextNotSet => "it names no current-context; set `context`".into(),
        KubeconfigError::LoadContext(name) => format!("it has no context {name}"),
        KubeconfigError::LoadClusterOfContext(name) => format!("it has no cluster {name}, which its context names"),
        KubeconfigError::ReadConfig(error, path) => format!("{}: {error}", path.display()),
        KubeconfigError::MissingClusterUrl => "its cluster has no server".into(),
        KubeconfigError::LoadCertificateAuthority(_) | KubeconfigError::ParseCertificates(_) => {
            "its certificate-authority cannot be read".into()
        }
        KubeconfigError::LoadClientCertificate(_) => "its client-certificate cannot be read".into(),
        KubeconfigError::LoadClientKey(_) => "its client-key cannot be read".into(),
        KubeconfigError::ParseProxyUrl(_) => return wrong_proxy(),
        KubeconfigError::ParseNoProxy(_) => "NO_PROXY holds something other than hosts and networks".into(),
        _ => "it is no kubeconfig; `kubectl config view` shows what is wrong".into(),
    };
    Error::Other(format!("the kubeconfig cannot be used: {text}"))
}

/// A request that was not answered.
pub(super) fn of_call(error: &kube::Error) -> Error {
    match error {
        kube::Error::Auth(error) => of_credentials(error),
        kube::Error::ProxyProtocolUnsupported { .. } | kube::Error::ProxyProtocolDisabled { .. } => {
            Error::Other("the proxy to the cluster is of an unknown kind; use one of http or https".into())
        }
        kube::Error::RustlsTls(error) => {
            Error::Other(format!("the certificates of the kubeconfig cannot be used: {}", innermost(error)))
        }
        error => {
            let text = innermost(error);
            let hint = if text.contains("certificate") {
                "; the kubeconfig's certificate-authority must be the one that signed the cluster's certificate"
            } else {
                "; see that the cluster runs and can be reached from here"
            };
            Error::Unavailable(format!("the cluster cannot be asked: {text}{hint}"))
        }
    }
}

fn of_credentials(error: &AuthError) -> Error {
    let text = match error {
        // What it wrote may be the token.
        AuthError::AuthExecRun { out, .. } => format!("the command for them ended with {}", out.status),
        AuthError::AuthExecStart(error) => format!("the command for them cannot be started: {error}"),
        AuthError::ReadTokenFile(error, path) => format!("{}: {error}", path.display()),
        _ => "they are incomplete or of a kind that is not known".into(),
    };
    Error::AccessDenied(format!(
        "the kubeconfig's credentials cannot be had: {text}; `kubectl auth whoami` shows whether they work"
    ))
}

/// The innermost cause: what is around it says that a request failed.
fn innermost(error: &dyn StdError) -> String {
    let chain = std::iter::successors(Some(error), |&error| error.source());
    chain.last().map(ToString::to_string).unwrap_or_default()
}
