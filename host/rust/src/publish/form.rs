//! The forms in which a credential is written: JSON, and lines of an environment file.

use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor},
};
use serde_json::value::RawValue;
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use super::Error;
use crate::secret::{Credential, Secret};

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

/// The content of a file with the credential in it and everything else as it was.
pub(super) fn merged(content: &[u8], credential: &Credential, format: Format, names: &Names) -> Result<Secret, Error> {
    let secret = credential
        .client_secret
        .expose_str()
        .ok_or_else(|| Error::Other("the client secret is no text and cannot be written in this form".into()))?;
    let expires_at = credential.expires_at.map(rfc3339).transpose()?;
    let values = [
        (names.client_id.as_str(), Some(credential.client_id.as_str())),
        (names.client_secret.as_str(), Some(secret)),
        (names.expires_at.as_str(), expires_at.as_deref()),
    ];
    match format {
        Format::Env => Ok(env(content, &values)),
        Format::Json => json(content, &values),
    }
}

fn rfc3339(milliseconds: u64) -> Result<String, Error> {
    OffsetDateTime::from_unix_timestamp_nanos(i128::from(milliseconds) * 1_000_000)
        .ok()
        .and_then(|instant| instant.format(&Rfc3339).ok())
        .ok_or_else(|| Error::Other("the expiry time lies beyond the year 9999".into()))
}

/// Lines that set one of the names are replaced where they stand, with their `export`; names that are not set yet are added
/// at the end.
fn env(content: &[u8], values: &[(&str, Option<&str>)]) -> Secret {
    let mut merged = Secret::default();
    let mut missing = values.to_vec();
    for line in content.split_inclusive(|byte| *byte == b'\n') {
        let end = line.iter().rposition(|byte| !matches!(byte, b'\r' | b'\n')).map_or(0, |last| last + 1);
        let found = values.iter().find_map(|(name, value)| Some((*name, *value, before_value(&line[..end], name)?)));
        let Some((name, value, before)) = found else {
            merged.append(line);
            continue;
        };
        merged.append(&line[..before]);
        append_quoted(&mut merged, value.unwrap_or_default());
        merged.append(&line[end..]);
        missing.retain(|(other, _)| *other != name);
    }
    if !missing.is_empty() && !merged.is_empty() && !merged.expose().ends_with(b"\n") {
        merged.append(b"\n");
    }
    for (name, value) in missing {
        merged.append(name.as_bytes());
        merged.append(b"=");
        append_quoted(&mut merged, value.unwrap_or_default());
        merged.append(b"\n");
    }
    merged
}

/// How much of a line stands before the value, if the line sets this name.
fn before_value(line: &[u8], name: &str) -> Option<usize> {
    let indent = line.iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
    let mut rest = &line[indent..];
    if let Some(exported) = rest.strip_prefix(b"export ") {
        rest = exported.trim_ascii_start();
    }
    let value = rest.strip_prefix(name.as_bytes())?.strip_prefix(b"=")?;
    Some(line.len() - value.len())
}

fn append_quoted(to: &mut Secret, value: &str) {
    let bare = |byte: u8| byte.is_ascii_alphanumeric() || b"._-:/+=@,%".contains(&byte);
    if value.bytes().all(bare) {
        to.append(value.as_bytes());
        return;
    }
    to.append(b"'");
    for part in value.split_inclusive('\'') {
        match part.strip_suffix('\'') {
            Some(before) => {
                to.append(before.as_bytes());
                to.append(br"'\''");
            }
            None => to.append(part.as_bytes()),
        }
    }
    to.append(b"'");
}

/// Members keep their order and, to the byte, their values; only the space between members is ours.
fn json(content: &[u8], values: &[(&str, Option<&str>)]) -> Result<Secret, Error> {
    let object = if content.trim_ascii().is_empty() {
        Object::default()
    } else {
        // The reason would show a part of the content.
        serde_json::from_slice(content).map_err(|_| {
            Error::Other(
                "it holds something else than one JSON object and is left as it is; move it away, or set another path"
                    .into(),
            )
        })?
    };
    let mut merged = Secret::default();
    let value_of = |name: &str| values.iter().find(|(ours, _)| *ours == name).map(|(_, value)| *value);
    let missing = values.iter().filter(|(name, _)| object.0.iter().all(|(other, _)| other != name));
    let mut separator: &[u8] = b"{\n  ";
    for (name, kept) in &object.0 {
        merged.append(separator);
        append_string(&mut merged, name);
        merged.append(b": ");
        match value_of(name) {
            Some(value) => append_value(&mut merged, value),
            None => merged.append(kept.get().as_bytes()),
        }
        separator = b",\n  ";
    }
    for (name, value) in missing {
        merged.append(separator);
        append_string(&mut merged, name);
        merged.append(b": ");
        append_value(&mut merged, *value);
        separator = b",\n  ";
    }
    merged.append(b"\n}\n");
    Ok(merged)
}

fn append_value(to: &mut Secret, value: Option<&str>) {
    match value {
        Some(value) => append_string(to, value),
        None => to.append(b"null"),
    }
}

fn append_string(to: &mut Secret, text: &str) {
    to.append(b"\"");
    let mut buffer = [0; 4];
    for character in text.chars() {
        match character {
            '"' | '\\' => to.append(format!("\\{character}").as_bytes()),
            '\0'..='\u{1f}' | '\u{7f}' => to.append(format!("\\u{:04x}", u32::from(character)).as_bytes()),
            _ => to.append(character.encode_utf8(&mut buffer).as_bytes()),
        }
    }
    to.append(b"\"");
}

/// The members of an object in their order, values as they were written.
#[derive(Default)]
struct Object<'a>(Vec<(String, &'a RawValue)>);

impl<'de> Deserialize<'de> for Object<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members;

        impl<'de> Visitor<'de> for Members {
            type Value = Object<'de>;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Object(members))
            }
        }

        deserializer.deserialize_map(Members)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;
