//! The forms in which a credential is written: JSON, and lines of an environment file.

mod env;
mod json;

use time::{OffsetDateTime, format_description::well_known::Rfc3339};

pub(super) use self::json::append_string;
use super::{Error, Held};
use crate::secret::{Credential, Secret, is_client_id};

/// How a credential is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// `NAME=value` lines, for shells, systemd's `EnvironmentFile` and Docker's `--env-file`.
    ///
    /// A value of letters, digits and `._-:/+=@,%` stands bare, which all of them read alike; Amazon issues no other. Any
    /// other value stands in single quotes, as shells and systemd read it (Docker would keep the quotes). An expiry time
    /// that nobody knows is empty.
    Env,
    /// A JSON object of strings; an expiry time that nobody knows is `null`.
    Json,
}

/// The names of the three values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Names {
    /// Name of the client id.
    pub client_id: String,
    /// Name of the client secret.
    pub client_secret: String,
    /// Name of the expiry time, which is written as RFC 3339 in UTC.
    pub expires_at: String,
}

impl Names {
    /// The usual names of a format: `LWA_CLIENT_ID`, `LWA_CLIENT_SECRET`, `LWA_CLIENT_SECRET_EXPIRES_AT`, or `client_id`,
    /// `client_secret`, `expires_at`.
    pub fn of(format: Format) -> Self {
        let (client_id, client_secret, expires_at) = match format {
            Format::Env => ("LWA_CLIENT_ID", "LWA_CLIENT_SECRET", "LWA_CLIENT_SECRET_EXPIRES_AT"),
            Format::Json => ("client_id", "client_secret", "expires_at"),
        };
        Self { client_id: client_id.into(), client_secret: client_secret.into(), expires_at: expires_at.into() }
    }
}

/// The credential in this form, with a line end.
///
/// Errors: [`Error::Other`] for a secret that is no text, which Amazon does not issue.
pub fn written(credential: &Credential, format: Format, names: &Names) -> Result<Secret, Error> {
    merged(b"", credential, format, names)
}

/// The content of a place with the credential in it and everything else as it was, to the byte. It stays as it is if it holds
/// the credential already.
pub(super) fn merged(content: &[u8], credential: &Credential, format: Format, names: &Names) -> Result<Secret, Error> {
    let (secret, expires_at) = texts(credential)?;
    // What only a shell can work out, or is no text, is none that anybody has written for us.
    if let Some(present) = value(content, format, &names.client_id).ok().flatten() {
        expect_no_other(&present, credential)?;
    }
    let values = [
        (names.client_id.as_str(), Some(credential.client_id.as_str())),
        (names.client_secret.as_str(), Some(secret)),
        (names.expires_at.as_str(), expires_at.as_deref()),
    ];
    match format {
        Format::Env => env::merged(content, &values),
        Format::Json => json::merged(content, &values),
    }
}

/// Refuses to put a credential in the place of another application's. `present` is what stands under the name of the client id.
pub(super) fn expect_no_other(present: &Secret, credential: &Credential) -> Result<(), Error> {
    // A probe is made with no client id.
    match present.expose_str().map(str::trim) {
        Some(other) if is_client_id(other) && other != credential.client_id && !credential.client_id.is_empty() => {
            Err(Error::Other(format!(
                "it holds the credential of another application (its client id is {other}) and is left as it is; set other `names` or another place, or, if this application is to take that one's place, remove that client id there by hand"
            )))
        }
        _ => Ok(()),
    }
}

/// What the content has under this name.
fn value(content: &[u8], format: Format, name: &str) -> Result<Option<Secret>, Error> {
    match format {
        Format::Env => env::value(content, name),
        Format::Json => json::value(content, name),
    }
}

/// The secret and the expiry time as they are written.
pub(super) fn texts(credential: &Credential) -> Result<(&str, Option<String>), Error> {
    let secret = credential
        .client_secret
        .expose_str()
        .ok_or_else(|| Error::Other("the client secret is no text and cannot be written in this form".into()))?;
    Ok((secret, credential.expires_at.map(rfc3339).transpose()?))
}

/// What readers of such a content find; `None` if there is no client secret in it.
pub(super) fn held(content: &[u8], format: Format, names: &Names) -> Result<Option<Held>, Error> {
    let value = |name: &str| value(content, format, name).map(|value| value.filter(|value| !value.is_empty()));
    let Some(client_secret) = value(&names.client_secret)? else { return Ok(None) };
    let client_id = value(&names.client_id)?.and_then(|id| id.expose_str().map(str::to_owned));
    // A date in a form of somebody else's is as good as none: whoever takes the secret over is told that it is not known.
    let expires_at = value(&names.expires_at).ok().flatten().and_then(|text| instant(text.expose_str()?));
    Ok(Some(Held { client_id, client_secret, expires_at, written_by: None }))
}

/// Milliseconds since 1970-01-01T00:00:00Z.
pub(super) fn instant(text: &str) -> Option<u64> {
    let instant = OffsetDateTime::parse(text, &Rfc3339).ok()?;
    u64::try_from(instant.unix_timestamp_nanos() / 1_000_000).ok()
}

fn rfc3339(milliseconds: u64) -> Result<String, Error> {
    OffsetDateTime::from_unix_timestamp_nanos(i128::from(milliseconds) * 1_000_000)
        .ok()
        .and_then(|instant| instant.format(&Rfc3339).ok())
        .ok_or_else(|| Error::Other("the expiry time lies beyond the year 9999".into()))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;
