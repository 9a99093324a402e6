//! Instants and lifetimes. The component never asks a clock itself: instants come in as arguments.

use core::fmt;
use core::ops::{Add, Sub};

use serde::Serialize;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// An instant: milliseconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct Instant(pub u64);

/// A lifetime or a delay, in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Lifetime(pub u64);

impl Lifetime {
    /// This many seconds.
    pub const fn seconds(seconds: u64) -> Self {
        Self(seconds.saturating_mul(1000))
    }

    /// This many minutes.
    pub const fn minutes(minutes: u64) -> Self {
        Self::seconds(minutes * 60)
    }

    /// This many hours.
    pub const fn hours(hours: u64) -> Self {
        Self::minutes(hours * 60)
    }

    /// This many days of 24 hours.
    pub const fn days(days: u64) -> Self {
        Self::hours(days * 24)
    }
}

impl Instant {
    /// Reads an instant as Amazon writes it: RFC 3339, such as `2024-07-08T22:09:17.198Z`. Parts of a millisecond are cut.
    pub fn parse(text: &str) -> Option<Self> {
        // Longer than any instant; keeps hostile input cheap.
        if text.len() > 64 {
            return None;
        }
        let parsed = OffsetDateTime::parse(text, &Rfc3339).ok()?;
        u64::try_from(parsed.unix_timestamp_nanos() / 1_000_000).ok().map(Self)
    }
}

/// RFC 3339 in UTC, to the second.
impl fmt::Display for Instant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = i64::try_from(self.0 / 1000).unwrap_or(i64::MAX);
        match OffsetDateTime::from_unix_timestamp(seconds) {
            Ok(t) => write!(
                f,
                "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z",
                t.year(),
                u8::from(t.month()),
                t.day(),
                t.hour(),
                t.minute(),
                t.second()
            ),
            Err(_) => f.write_str("the far future"),
        }
    }
}

impl Add<Lifetime> for Instant {
    type Output = Self;

    fn add(self, lifetime: Lifetime) -> Self {
        Self(self.0.saturating_add(lifetime.0))
    }
}

impl Sub<Lifetime> for Instant {
    type Output = Self;

    fn sub(self, lifetime: Lifetime) -> Self {
        Self(self.0.saturating_sub(lifetime.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instant_is_read_as_amazon_writes_it() {
        assert_eq!(Instant::parse("1970-01-01T00:00:01.198Z"), Some(Instant(1198)));
        assert_eq!(Instant::parse("1970-01-01T01:00:00+01:00"), Some(Instant(0)));
        assert_eq!(
            Instant::parse("2024-07-08T22:09:17Z").map(|t| t.to_string()).as_deref(),
            Some("2024-07-08T22:09:17Z")
        );
    }

    #[test]
    fn what_is_no_instant_is_none() {
        for text in ["", "2024-07-08", "1969-12-31T23:59:59Z", "yesterday", "2024-13-08T22:09:17Z", &"9".repeat(1000)] {
            assert_eq!(Instant::parse(text), None, "{text}");
        }
    }

    #[test]
    fn arithmetic_stops_at_the_ends_of_time() {
        assert_eq!(Instant(5) - Lifetime::seconds(1), Instant(0));
        assert_eq!(Instant(u64::MAX) + Lifetime::days(1), Instant(u64::MAX));
        assert_eq!(Instant(u64::MAX).to_string(), "the far future");
    }
}
