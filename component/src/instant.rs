//! Instants and lifetimes. The component never asks a clock itself: instants come in as arguments.

use core::fmt;
use core::ops::{Add, Sub};

use serde::Serialize;
use time::{Date, Month, OffsetDateTime, Time};

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
        // By hand and not with the parser of `time`: that one knows every form of date there is, and is large.
        let mut text = Digits(text.as_bytes());
        let (year, month, day) = (text.number(4)?, text.after(b"-", 2)?, text.after(b"-", 2)?);
        let (hour, minute, second) = (text.after(b"Tt", 2)?, text.after(b":", 2)?, text.after(b":", 2)?);
        let milliseconds = text.fraction()?;
        let offset = match text.0 {
            b"Z" | b"z" => 0,
            [sign, ..] => {
                let (hours, minutes) = (text.after(b"+-", 2)?, text.after(b":", 2)?);
                if hours > 23 || minutes > 59 || !text.0.is_empty() {
                    return None;
                }
                let seconds = i64::from(hours * 60 + minutes) * 60;
                if *sign == b'+' { seconds } else { -seconds }
            }
            [] => return None,
        };
        let [month, day, hour, minute, second] = [month, day, hour, minute, second].map(|number| number as u8);
        let date = Date::from_calendar_date(i32::from(year), Month::try_from(month).ok()?, day).ok()?;
        // A leap second counts as the one before it.
        let time = Time::from_hms(hour, minute, if second == 60 { 59 } else { second }).ok()?;
        let seconds = u64::try_from(date.with_time(time).assume_utc().unix_timestamp() - offset).ok()?;
        Some(Self(seconds * 1000 + u64::from(milliseconds)))
    }
}

/// The rest of a text made of numbers.
struct Digits<'a>(&'a [u8]);

impl Digits<'_> {
    /// Takes a number of so many digits, four at most.
    fn number(&mut self, digits: usize) -> Option<u16> {
        let (number, rest) = self.0.split_at_checked(digits)?;
        self.0 = rest;
        number.iter().try_fold(0, |number, digit| digit.is_ascii_digit().then(|| number * 10 + u16::from(digit - b'0')))
    }

    /// Takes one of these signs, and a number behind it.
    fn after(&mut self, signs: &[u8], digits: usize) -> Option<u16> {
        let (sign, rest) = self.0.split_first()?;
        self.0 = rest;
        if signs.contains(sign) { self.number(digits) } else { None }
    }

    /// Takes a decimal fraction of any length, if there is one, as thousandths.
    fn fraction(&mut self) -> Option<u16> {
        let [b'.', rest @ ..] = self.0 else { return Some(0) };
        let length = rest.iter().take_while(|digit| digit.is_ascii_digit()).count();
        let (fraction, rest) = rest.split_at(length);
        self.0 = rest;
        let thousandths = fraction.iter().chain(b"00").take(3).fold(0, |sum, digit| sum * 10 + u16::from(digit - b'0'));
        (length > 0).then_some(thousandths)
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
    fn every_form_of_rfc_3339_is_read_as_the_parser_of_time_reads_it() {
        use time::format_description::well_known::Rfc3339;

        for date in ["2024-02-29", "2023-02-29", "1970-01-01", "9999-12-31", "2024-00-10", "2024-1-010", "20240-1-01"] {
            for time in ["00:00:00", "23:59:59", "24:00:00", "12:60:00", "12:00:61", "12:00", "1:000:00", "+1:00:00"] {
                for fraction in ["", ".", ".5", ".198", ".1989999999", ".00000000000", ",5"] {
                    for offset in
                        ["Z", "z", "", "+00:00", "-00:00", "+23:59", "-08:00", "+24:00", "+01:60", "+0100", "Zx"]
                    {
                        let text = format!("{date}T{time}{fraction}{offset}");
                        let expected = OffsetDateTime::parse(&text, &Rfc3339)
                            .ok()
                            .and_then(|at| u64::try_from(at.unix_timestamp_nanos() / 1_000_000).ok().map(Instant));
                        assert_eq!(Instant::parse(&text), expected, "{text}");
                    }
                }
            }
        }
        assert_eq!(Instant::parse("2016-12-31T23:59:60Z"), Instant::parse("2016-12-31T23:59:59Z"));
        assert_eq!(Instant::parse("2016-12-31t23:59:59z"), Instant::parse("2016-12-31T23:59:59Z"));
    }

    #[test]
    fn arithmetic_stops_at_the_ends_of_time() {
        assert_eq!(Instant(5) - Lifetime::seconds(1), Instant(0));
        assert_eq!(Instant(u64::MAX) + Lifetime::days(1), Instant(u64::MAX));
        assert_eq!(Instant(u64::MAX).to_string(), "the far future");
    }
}
