//! Secrets that wipe themselves and print nothing.

use std::fmt;

use zeroize::Zeroize;

/// Bytes that are wiped when they go, and that `Debug` shows as `[redacted]`.
///
/// There is no `Display` and no comparison: whoever needs the bytes says so with [`expose`](Secret::expose).
#[derive(Clone, Default)]
pub struct Secret(Vec<u8>);

impl Secret {
    /// Takes the bytes over; no copy is made.
    pub fn new(bytes: impl Into<Vec<u8>>) -> Self {
        Self(bytes.into())
    }

    /// The bytes.
    pub fn expose(&self) -> &[u8] {
        &self.0
    }

    /// The bytes as text, if they are UTF-8.
    pub fn expose_str(&self) -> Option<&str> {
        std::str::from_utf8(&self.0).ok()
    }

    /// Gives the bytes away; wiping them is the taker's business.
    pub fn into_bytes(mut self) -> Vec<u8> {
        std::mem::take(&mut self.0)
    }

    /// Adds bytes. Memory that becomes too small is wiped, which a growing `Vec` would not do.
    pub(crate) fn append(&mut self, bytes: &[u8]) {
        let length = self.0.len() + bytes.len();
        if length > self.0.capacity() {
            let mut larger = Vec::with_capacity(length.max(2 * self.0.capacity()));
            larger.extend_from_slice(&self.0);
            self.0.zeroize();
            self.0 = larger;
        }
        self.0.extend_from_slice(bytes);
    }

    /// How many bytes.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Drop for Secret {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl AsRef<[u8]> for Secret {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

impl From<Vec<u8>> for Secret {
    fn from(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self(text.into_bytes())
    }
}

impl From<&str> for Secret {
    fn from(text: &str) -> Self {
        Self(text.as_bytes().to_vec())
    }
}

impl From<&[u8]> for Secret {
    fn from(bytes: &[u8]) -> Self {
        Self(bytes.to_vec())
    }
}

/// A client id with one of its client secrets.
#[derive(Clone, Debug)]
pub struct Credential {
    /// The application; no secret.
    pub client_id: String,
    /// The secret half.
    pub client_secret: Secret,
    /// When Amazon ends this secret, in milliseconds since 1970-01-01T00:00:00Z; `None` when nobody has said so yet.
    pub expires_at: Option<u64>,
}

/// Whether it has the form of Amazon's client ids, and so is no secret.
pub(crate) fn is_client_id(text: &str) -> bool {
    text.starts_with("amzn1.application-oa2-client.")
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn rule_9_no_debug_output_shows_a_secret() {
        let credential = Credential {
            client_id: "amzn1.application-oa2-client.0123".into(),
            client_secret: "amzn1.oa2-cs.v1.secret".into(),
            expires_at: None,
        };

        let printed = format!("{credential:?} {credential:#?}");

        assert!(printed.contains("[redacted]"));
        assert!(!printed.contains("oa2-cs"));
    }

    #[test]
    fn bytes_appended_stand_behind_those_before() {
        let mut secret = Secret::default();
        for part in [&b"ab"[..], b"", b"cdefgh", b"i"] {
            secret.append(part);
        }
        assert_eq!(secret.expose(), b"abcdefghi");
    }

    #[test]
    fn bytes_given_away_are_the_bytes_taken() {
        let secret = Secret::new(b"abc".to_vec());
        assert_eq!(secret.expose_str(), Some("abc"));
        assert_eq!(secret.into_bytes(), b"abc");
    }
}
