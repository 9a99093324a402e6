//! What the answers mean, and what to do. Their bodies are searched for known words and never shown.

use serde::Deserialize;

use super::super::Error;
use crate::http::{self, Response};

/// What was refused.
#[derive(Clone, Copy)]
pub(super) enum Asked {
    /// To read the secret.
    Read,
    /// To write it.
    Write,
}

#[derive(Deserialize)]
struct Errors<'a> {
    #[serde(borrow)]
    errors: Vec<std::borrow::Cow<'a, str>>,
}

/// Whether one of the errors in an answer holds these words.
pub(super) fn says(response: &Response, words: &str) -> bool {
    let errors: Option<Errors<'_>> = serde_json::from_slice(response.body.expose()).ok();
    errors.is_some_and(|errors| errors.errors.iter().any(|error| error.contains(words)))
}

/// There was no answer.
pub(super) fn of_call(error: &http::Error, set_by: &str) -> Error {
    Error::Unavailable(format!("vault cannot be asked: {error}; see that {set_by} is right and vault runs"))
}

/// An answer that nobody can go on with, other than that something is not permitted.
pub(super) fn of(response: &Response, address: &str, place: &str) -> Error {
    let status = response.status;
    match status {
        503 if says(response, "sealed") => Error::Unavailable(format!(
            "vault at {address} is sealed; unseal it (`vault operator unseal`), and the credential is written at the next try"
        )),
        503 => Error::Unavailable(format!(
            "vault at {address} is not ready (status 503): sealed, without an active node, or down for maintenance; see `vault status`"
        )),
        300..=399 => Error::Other(format!(
            "vault at {address} sends requests on to another address (status {status}), which no token is sent to; set the address of the active node, or of the load balancer, in `address` or VAULT_ADDR"
        )),
        404 => Error::Other(format!("vault does not know {place}; put `mount` and `path` right")),
        400 if says(response, "Upgrading from non-versioned") => {
            Error::Unavailable(format!("the engine of {place} is being made version 2; it is tried again"))
        }
        413 => {
            Error::Other(format!("{place} would be too large for vault; move other members to a secret of their own"))
        }
        412 | 429 => Error::Unavailable(format!("vault is busy (status {status}); it is tried again")),
        500..=599 => Error::Unavailable(format!(
            "vault at {address} failed (status {status}) when it was asked for {place}; see vault's own log"
        )),
        _ => Error::Other(format!("vault refuses to serve {place} (status {status}); see vault's own log")),
    }
}

/// The token is good, its policies do not do.
pub(super) fn not_permitted(mount: &str, path: &str, asked: Asked) -> Error {
    let asked = match asked {
        Asked::Read => "read",
        Asked::Write => "write",
    };
    Error::AccessDenied(format!(
        "vault does not let the token {asked} {mount}/{path}; give its policy: path \"{mount}/data/{path}\" {{ capabilities = [\"create\", \"read\", \"update\"] }}"
    ))
}

/// Vault does not say which.
pub(super) fn not_permitted_or_expired(mount: &str, path: &str, asked: Asked, from: &str) -> Error {
    not_permitted(mount, path, asked).within(&format!("not permitted, or the token from {from} has expired"))
}

/// Nobody with this token may do anything.
pub(super) fn token_refused(from: &str) -> Error {
    Error::AccessDenied(format!(
        "vault does not accept the token from {from}: it has expired, was revoked, or is of another server or namespace; put a new one there"
    ))
}

/// Nothing is there, or nothing that the token may see.
pub(super) fn no_mount(mount: &str) -> Error {
    Error::Other(format!(
        "no secrets engine that the token may see is mounted at {mount}/ in vault; put `mount` right (`vault secrets list` shows them), or let the token's policy reach it"
    ))
}

/// Another engine answers.
pub(super) fn not_version_2(mount: &str) -> Error {
    Error::Other(format!(
        "the secrets engine at {mount}/ in vault is not KV version 2; make it so with `vault kv enable-versioning {mount}`, or name another `mount`"
    ))
}

/// Somebody took the newest version away, and with it what else it held.
pub(super) fn deleted(mount: &str, path: &str, version: u64, destroyed: bool) -> Error {
    let anew = format!("to begin anew without the other members, `vault kv metadata delete -mount={mount} {path}`");
    Error::Other(if destroyed {
        format!(
            "version {version} of {mount}/{path} in vault was destroyed, and nothing is written over it; write a version with what belongs there (`vault kv put`), or, {anew}"
        )
    } else {
        format!(
            "version {version} of {mount}/{path} in vault was deleted, and nothing is written over it; bring it back with `vault kv undelete -mount={mount} -versions={version} {path}`, or, {anew}"
        )
    })
}
