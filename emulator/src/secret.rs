//! Client secrets that Amazon has issued.

use std::fmt;

/// A secret that was issued.
#[derive(Clone)]
pub struct IssuedSecret {
    /// The secret.
    pub secret: String,
    /// When it ends, in milliseconds since 1970.
    pub ends_at: u64,
    /// From when on SP-API accepts it, in milliseconds since 1970.
    pub works_from: u64,
}

impl IssuedSecret {
    /// Whether SP-API accepts it at this time, in milliseconds since 1970.
    pub fn works_at(&self, now: u64) -> bool {
        self.works_from <= now && now < self.ends_at
    }
}

/// Without the secret.
impl fmt::Debug for IssuedSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IssuedSecret").field("ends_at", &self.ends_at).finish_non_exhaustive()
    }
}
