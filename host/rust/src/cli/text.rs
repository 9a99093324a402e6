//! Instants and lifetimes as people and as programs read them.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use time::format_description::well_known::Rfc3339;
use time::{Date, Month, OffsetDateTime, Time};

const SECOND: u64 = 1_000;
const MINUTE: u64 = 60 * SECOND;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

/// The time, in milliseconds since 1970-01-01T00:00:00Z.
pub(super) fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, milliseconds)
}

/// A lifetime in milliseconds.
pub(super) fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// An instant for programs: RFC 3339, in UTC.
pub(super) fn rfc3339(at: u64) -> String {
    moment(at).and_then(|moment| moment.format(&Rfc3339).ok()).unwrap_or_default()
}

/// An instant for people: `2026-11-30 09:12 UTC`.
pub(super) fn instant(at: u64) -> String {
    let Some(at) = moment(at) else { return "never".to_owned() };
    format!("{:04}-{:02}-{:02} {:02}:{:02} UTC", at.year(), u8::from(at.month()), at.day(), at.hour(), at.minute())
}

/// The time of day of an instant: `09:12:04`.
pub(super) fn clock(at: u64) -> String {
    let Some(at) = moment(at) else { return "never".to_owned() };
    format!("{:02}:{:02}:{:02}", at.hour(), at.minute(), at.second())
}

/// An instant that is waited for: `09:12:04 UTC`, with the date if it is far away.
pub(super) fn soon(at: u64, now: u64) -> String {
    if at.saturating_sub(now) > 12 * HOUR { instant(at) } else { format!("{} UTC", clock(at)) }
}

/// An instant with what is left until then: `2026-11-30 09:12 UTC (in 6 d 23 h)`.
pub(super) fn instant_and_left(at: u64, now: u64) -> String {
    format!("{} ({})", instant(at), left(at, now))
}

/// What is left until an instant, or how long it has passed: `in 6 d 23 h`, `5 min ago`.
pub(super) fn left(at: u64, now: u64) -> String {
    match at.checked_sub(now) {
        Some(left) => format!("in {}", lifetime(left)),
        None => format!("{} ago", lifetime(now - at)),
    }
}

/// A lifetime in its two largest units, rounded: `6 d 23 h`, `5 min`, `12 s`.
pub(super) fn lifetime(milliseconds: u64) -> String {
    let two = |large: u64, large_name: &str, small: u64, small_name: &str| {
        let rounded = milliseconds.saturating_add(if small > SECOND { small / 2 } else { 0 });
        let (many, rest) = (rounded / large, rounded % large / small);
        if rest == 0 { format!("{many} {large_name}") } else { format!("{many} {large_name} {rest} {small_name}") }
    };
    match milliseconds {
        0..SECOND => format!("{}.{} s", milliseconds / SECOND, milliseconds % SECOND / 100),
        SECOND..MINUTE => format!("{} s", milliseconds / SECOND),
        MINUTE..HOUR => two(MINUTE, "min", SECOND, "s"),
        HOUR..DAY => two(HOUR, "h", MINUTE, "min"),
        _ => two(DAY, "d", HOUR, "h"),
    }
}

/// Reads an instant: RFC 3339, or a date, which means its first moment in UTC.
pub(super) fn parse_instant(text: &str) -> Result<u64, String> {
    let moment = OffsetDateTime::parse(text, &Rfc3339)
        .ok()
        .or_else(|| date(text).map(|date| date.with_time(Time::MIDNIGHT).assume_utc()));
    moment
        .and_then(|moment| u64::try_from(moment.unix_timestamp_nanos() / 1_000_000).ok())
        .ok_or_else(|| "write a date such as 2027-01-31, or a time such as 2027-01-31T12:00:00Z".to_owned())
}

fn date(text: &str) -> Option<Date> {
    let mut parts = text.splitn(3, '-');
    let (year, month, day) = (parts.next()?, parts.next()?, parts.next()?);
    if (year.len(), month.len(), day.len()) != (4, 2, 2)
        || !text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-')
    {
        return None;
    }
    let month = Month::try_from(month.parse::<u8>().ok()?).ok()?;
    Date::from_calendar_date(year.parse().ok()?, month, day.parse().ok()?).ok()
}

fn moment(at: u64) -> Option<OffsetDateTime> {
    OffsetDateTime::from_unix_timestamp_nanos(i128::from(at) * 1_000_000).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instant_is_rfc_3339_for_programs_and_short_for_people() {
        let at = parse_instant("2026-11-30T09:12:04.5Z").expect("it is an instant");
        assert_eq!(rfc3339(at), "2026-11-30T09:12:04.5Z");
        assert_eq!(rfc3339(at - 500), "2026-11-30T09:12:04Z");
        assert_eq!(instant(at), "2026-11-30 09:12 UTC");
        assert_eq!(clock(at), "09:12:04");
        assert_eq!(instant(u64::MAX), "never");
        assert_eq!(soon(at, at - HOUR), "09:12:04 UTC");
        assert_eq!(soon(at, at - DAY), "2026-11-30 09:12 UTC");
    }

    #[test]
    fn what_is_left_is_told_in_two_units() {
        assert_eq!(left(7 * DAY - 1, 0), "in 7 d");
        assert_eq!(left(7 * DAY - HOUR, 0), "in 6 d 23 h");
        assert_eq!(left(0, 5 * MINUTE), "5 min ago");
        assert_eq!(lifetime(0), "0.0 s");
        assert_eq!(lifetime(450), "0.4 s");
        assert_eq!(lifetime(12_999), "12 s");
        assert_eq!(lifetime(HOUR + MINUTE), "1 h 1 min");
        assert_eq!(lifetime(DAY), "1 d");
    }

    #[test]
    fn a_date_is_its_first_moment_in_utc() {
        assert_eq!(parse_instant("2027-01-31"), parse_instant("2027-01-31T00:00:00Z"));
        assert_eq!(parse_instant("2027-01-31T01:00:00+01:00"), parse_instant("2027-01-31"));
    }

    #[test]
    fn anything_else_is_no_instant() {
        for text in ["", "tomorrow", "2027-1-31", "2027-02-30", "2027-01-31 12:00", "+027-01-31", "1969-12-31"] {
            assert!(parse_instant(text).is_err(), "{text}");
        }
    }
}
