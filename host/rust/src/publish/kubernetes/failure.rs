//! What went wrong, and what to do. The bodies of answers, the kubeconfig and what its commands write are never shown.

use std::{path::Path, time::Duration};

use kube::{
    client::AuthError,
    config::{KubeconfigError, LoadDataError},
};

use super::super::Error;
use crate::http::{
    OriginError,
    connection::{self, causes},
    proxy::Proxy,
};

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
pub(super) fn no_answer_in_time(limit: Duration, server: &str, proxy: Option<&Proxy>) -> Error {
    let through = proxy.map_or_else(String::new, |proxy| format!(" through {proxy}"));
    Error::Unavailable(format!(
        "the cluster at {server} has not answered{through} within {} s; it is tried again",
        limit.as_secs()
    ))
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
pub(super) fn no_kubeconfig(places: &str) -> Error {
    let places = if places.is_empty() { "~/.kube/config" } else { places };
    Error::Other(format!(
        "no cluster is known: there is no kubeconfig at {places}, and no service account of a pod (KUBERNETES_SERVICE_HOST is not set); set KUBECONFIG, or write ~/.kube/config"
    ))
}

/// A variable that a pod has cannot work.
pub(super) fn service(variable: &str, why: &str) -> Error {
    Error::Other(format!(
        "the cluster of this pod is not known: {variable} {why}; leave it as the cluster sets it, or name a kubeconfig in KUBECONFIG"
    ))
}

/// A file that a pod has cannot be used.
pub(super) fn service_account(why: &str) -> Error {
    Error::Other(format!(
        "the service account of this pod cannot be used: {why}; let the pod mount it (automountServiceAccountToken), or name a kubeconfig in KUBECONFIG"
    ))
}

/// A kubeconfig that cannot be read.
pub(super) fn unreadable_kubeconfig(path: &Path, why: &str) -> Error {
    Error::Other(format!(
        "the kubeconfig {} cannot be read: {why}; let the user that runs lwa-rotate read it, or name another in KUBECONFIG",
        path.display()
    ))
}

/// A way of logging in that `kubectl` has given up.
pub(super) fn unknown_provider(user: &str, provider: &str) -> Error {
    Error::Other(format!(
        "the user {user} of the kubeconfig has the auth-provider {provider}, which kubectl no longer takes either; name a command in `exec`"
    ))
}

/// The command for credentials did not give any.
pub(super) fn command(name: &str, why: &str, install: Option<&str>) -> Error {
    let install = install.map(|hint| format!(" ({})", hint.split_whitespace().collect::<Vec<_>>().join(" ")));
    Error::AccessDenied(format!(
        "the kubeconfig's credentials cannot be had: the command {name} {why}{}; run it by hand, `kubectl auth whoami` shows whether they work",
        install.unwrap_or_default()
    ))
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

/// A kubeconfig that cannot be used. What it says of its text might show a token.
pub(super) fn of_kubeconfig(error: &KubeconfigError, path: &Path) -> Error {
    let text: String = match error {
        KubeconfigError::CurrentContextNotSet => "it names no current-context; set `context`".into(),
        KubeconfigError::LoadContext(name) => format!("it has no context {name}"),
        KubeconfigError::LoadClusterOfContext(name) => format!("it has no cluster {name}, which its context names"),
        KubeconfigError::ReadConfig(error, path) => format!("{}: {error}", path.display()),
        KubeconfigError::MissingClusterUrl => "its cluster has no server".into(),
        KubeconfigError::ParseClusterUrl(_) => "the `server` of its cluster is no address".into(),
        KubeconfigError::LoadCertificateAuthority(error) => format!("its certificate-authority {}", data(error)),
        KubeconfigError::ParseCertificates(_) => "its certificate-authority holds no certificates in PEM".into(),
        KubeconfigError::LoadClientCertificate(error) => format!("its client-certificate {}", data(error)),
        KubeconfigError::LoadClientKey(error) => format!("its client-key {}", data(error)),
        KubeconfigError::ParseProxyUrl(_) => "its proxy-url, or HTTPS_PROXY, is no address".into(),
        KubeconfigError::ParseNoProxy(_) => "NO_PROXY holds something other than hosts and networks".into(),
        _ => "it is no kubeconfig; `kubectl config view` shows what is wrong".into(),
    };
    Error::Other(format!("the kubeconfig {} cannot be used: {text}", path.display()))
}

fn data(error: &LoadDataError) -> String {
    match error {
        LoadDataError::ReadFile(error, path) => format!("cannot be read: {}: {error}", path.display()),
        LoadDataError::DecodeBase64(_) => "is not in base64".into(),
        LoadDataError::NoBase64DataOrFile => "is not there, and belongs to the other half".into(),
    }
}

/// A request that was not answered.
pub(super) fn of_call(error: &kube::Error, server: &str, proxy: Option<&Proxy>) -> Error {
    match error {
        kube::Error::Auth(error) => of_credentials(error),
        kube::Error::RustlsTls(error) => Error::Other(format!(
            "the certificates of the kubeconfig cannot be used: {}; see its certificate-authority, client-certificate and client-key",
            causes(error).pop().unwrap_or_default()
        )),
        error => {
            let causes = causes(error);
            let is_trust = causes.iter().any(|cause| cause.contains("certificate"));
            if proxy.is_some() && !is_trust {
                return Error::Unavailable(format!(
                    "the cluster cannot be asked: {}",
                    connection::failed(server, proxy, &causes)
                ));
            }
            let text = causes.last().map(String::as_str).unwrap_or_default();
            let hint = if is_trust {
                "the kubeconfig's certificate-authority must be the one that signed the cluster's certificate"
            } else {
                "see that the cluster runs and can be reached from here"
            };
            Error::Unavailable(format!("the cluster at {server} cannot be asked: {text}; {hint}"))
        }
    }
}

fn of_credentials(error: &AuthError) -> Error {
    let text = match error {
        AuthError::ReadTokenFile(error, path) => format!("{}: {error}", path.display()),
        _ => "they are incomplete or of a kind that is not known".into(),
    };
    Error::AccessDenied(format!(
        "the kubeconfig's credentials cannot be had: {text}; `kubectl auth whoami` shows whether they work"
    ))
}
