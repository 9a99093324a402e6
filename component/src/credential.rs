//! Client id and client secret: the two halves of an LWA credential. The secret is wiped on drop and never printed.

use core::fmt;

use serde::{Serialize, Serializer};
use zeroize::Zeroize;

use crate::instant::Instant;

/// Text that must not be seen: a client secret, an access token, a body that holds one. Wiped when dropped, `[redacted]`
/// when printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Vec<u8>);

impl Drop for Secret {
    // Out of line: wiping is not short, and secrets are dropped in many places.
    #[inline(never)]
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl Secret {
    /// Takes the bytes over; no copy of them is left behind.
    pub fn new(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    /// The bytes, for the one place that needs them.
    pub fn expose(&self) -> &[u8] {
        &self.0
    }

    /// The bytes as text; empty if they are not UTF-8, which no constructor of this crate lets through.
    pub fn expose_text(&self) -> &str {
        core::str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

/// The secret half of an LWA credential: 1 to 1024 visible ASCII characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientSecret(Secret);

impl ClientSecret {
    const LONGEST: usize = 1024;

    /// Parses a client secret. `None` if it is empty, too long, or holds anything but visible ASCII: no such secret could be
    /// sent, kept or published whole.
    pub fn parse(bytes: Vec<u8>) -> Option<Self> {
        let secret = Secret::new(bytes);
        let sound =
            (1..=Self::LONGEST).contains(&secret.expose().len()) && secret.expose().iter().all(u8::is_ascii_graphic);
        sound.then_some(Self(secret))
    }

    /// The bytes, for the one place that needs them.
    pub fn expose(&self) -> &[u8] {
        self.0.expose()
    }

    /// The text, for the one place that needs it.
    pub fn expose_text(&self) -> &str {
        self.0.expose_text()
    }

    /// 64 bits by which it is recognised, and no more of it than that.
    pub fn digest(&self) -> u64 {
        spread(self.expose())
    }
}

/// FNV-1a: few bits of whatever length, evenly spread.
pub fn spread(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}

impl Serialize for ClientSecret {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.expose_text())
    }
}

/// A client id with one of its client secrets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credential {
    /// The application.
    pub client_id: String,
    /// Its secret.
    pub client_secret: ClientSecret,
    /// When Amazon ends the secret; `None` when nobody has said so.
    pub expires_at: Option<Instant>,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rule 9: no secret in any output.
    #[test]
    fn a_secret_is_not_printed() {
        let credential = Credential {
            client_id: "amzn1.application-oa2-client.1".into(),
            client_secret: ClientSecret::parse(b"hidden".to_vec()).expect("sound"),
            expires_at: None,
        };
        let printed = format!("{credential:?}");
        assert!(!printed.contains("hidden") && printed.contains("[redacted]"), "{printed}");
    }

    #[test]
    fn what_cannot_be_a_secret_is_refused() {
        for bytes in [&b""[..], b"with space", b"line\n", &[0xff], &[b'a'; 1025]] {
            assert!(ClientSecret::parse(bytes.to_vec()).is_none());
        }
        assert!(ClientSecret::parse(b"amzn1.oa2-cs.v1.8b6+&=%".to_vec()).is_some());
    }
}
