//! Instants as texts, in UTC. This file is a module of the adapters and of the driver.

/// `2027-01-31T12:00:00Z`, with milliseconds where there are some; the form of RFC 3339.
pub fn rfc3339(milliseconds: u64) -> String {
    let [year, month, day, hour, minute, second] = parts(milliseconds / 1000);
    let fraction = match milliseconds % 1000 {
        0 => String::new(),
        rest => format!(".{rest:03}"),
    };
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}{fraction}Z")
}

/// Year, month, day, hour, minute and second of the seconds since 1970-01-01T00:00:00Z.
pub fn parts(seconds: u64) -> [u64; 6] {
    // Days are counted from the first of March of the year 0, so that the leap day is a year's last. The method is Howard
    // Hinnant's: https://howardhinnant.github.io/date_algorithms.html#civil_from_days
    let days = seconds / 86_400 + 719_468;
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = (month_from_march + 2) % 12 + 1;
    let year = era * 400 + year_of_era + u64::from(month <= 2);
    [year, month, day, seconds / 3_600 % 24, seconds / 60 % 60, seconds % 60]
}

/// The instant of `2027-01-31T12:00:00Z`, or of the beginning of the day `2027-01-31`, in milliseconds.
#[allow(dead_code, reason = "the adapters read none")]
pub fn instant(text: &str) -> Option<u64> {
    let (date, time) = text.split_once('T').unwrap_or((text, "00:00:00Z"));
    let numbers = |text: &str, sign| text.split(sign).map(|part| part.parse().ok()).collect::<Option<Vec<u64>>>();
    let [year @ 1970..=9999, month @ 1..=12, day @ 1..=31] = numbers(date, '-')?[..] else { return None };
    let [hour @ 0..24, minute @ 0..60, second @ 0..60] = numbers(time.strip_suffix('Z')?, ':')?[..] else {
        return None;
    };
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let days = year * 365 + year / 4 - year / 100 + year / 400 + (153 * month + 2) / 5 + day - 1 - 719_468;
    let instant = (days * 86_400 + hour * 3_600 + minute * 60 + second) * 1_000;
    // A day that its month does not have would be another's.
    rfc3339(instant).starts_with(date).then_some(instant)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn instants_are_written_and_read() {
        for (text, milliseconds) in [
            ("1970-01-01T00:00:00Z", 0),
            ("2000-02-29T23:59:59Z", 951_868_799_000),
            ("2026-01-01T00:00:00Z", 1_767_225_600_000),
            ("2100-03-01T00:00:00Z", 4_107_542_400_000),
            ("9999-12-31T23:59:59Z", 253_402_300_799_000),
        ] {
            assert_eq!((rfc3339(milliseconds).as_str(), instant(text)), (text, Some(milliseconds)));
        }
        assert_eq!(rfc3339(1_720_476_557_198), "2024-07-08T22:09:17.198Z");
        assert_eq!(instant("2026-01-01"), Some(1_767_225_600_000));
        for day in 0..100_000 {
            assert_eq!(instant(&rfc3339(day * 86_400_000)), Some(day * 86_400_000));
        }
    }

    #[test]
    fn what_is_no_instant_is_not_read() {
        for text in
            ["", "2026", "2026-02-29", "2026-13-01", "2026-1-1", "2026-01-01T12:00:00", "2026-01-01T24:00:00Z", "x"]
        {
            assert_eq!(instant(text), None, "{text}");
        }
    }
}
