//! Durations as people write them: `90s`, `15m`, `1h`, `30d`.

use std::fmt;
use std::ops::{Range, RangeInclusive};
use std::time::Duration;

use super::mistake::Report;
use super::section::Section;

/// The units, with their lengths in milliseconds.
const UNITS: [(&str, u64); 5] = [("ms", 1), ("s", 1_000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000)];

/// A text that is no duration.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct BadDuration;

impl fmt::Display for BadDuration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a duration is a whole number with a unit: ms, s, m, h or d, such as 90s, 15m, 1h or 30d")
    }
}

impl std::error::Error for BadDuration {}

/// Parses one whole number with one unit.
pub fn parse_duration(text: &str) -> Result<Duration, BadDuration> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let number: u64 = number.parse().map_err(|_| BadDuration)?;
    let (_, length) = UNITS.iter().find(|(name, _)| *name == unit).ok_or(BadDuration)?;
    number.checked_mul(*length).map(Duration::from_millis).ok_or(BadDuration)
}

/// What a setting may be, and why.
pub(super) struct Bounds {
    pub(super) default: &'static str,
    pub(super) range: RangeInclusive<&'static str>,
    pub(super) reason: &'static str,
}

impl Bounds {
    /// What it is unless it is set.
    pub(super) fn usual(&self) -> Duration {
        parse_duration(self.default).unwrap_or_default()
    }
}

impl Section<'_> {
    /// A duration in whole seconds; the default where the key is missing, and also, with a mistake reported, where it is wrong.
    pub(super) fn duration(&mut self, key: &'static str, bounds: &Bounds, report: &mut Report) -> Duration {
        let default = bounds.usual();
        let [least, most] =
            [bounds.range.start(), bounds.range.end()].map(|text| parse_duration(text).unwrap_or_default());
        let Some(setting) = self.value(key) else {
            return default;
        };
        let mut wrong = |at: Range<usize>, text: String, hint: &str| {
            report.add(Some(at), text, Some(hint));
            default
        };
        let Some(text) = setting.value.as_str() else {
            let kind = setting.value.type_str();
            return wrong(
                setting.at,
                format!("`{key}` must be a duration, not {}", article(kind)),
                "write it in quotes with a unit, such as \"15m\" or \"30d\"",
            );
        };
        match parse_duration(text) {
            Ok(duration) if duration.subsec_nanos() > 0 => wrong(
                setting.at,
                format!("`{key}` is in whole seconds: \"{text}\""),
                "use one of the units s, m, h or d",
            ),
            Ok(duration) if duration < least || duration > most => wrong(
                setting.at,
                format!("`{key}` must be between {} and {}: \"{text}\"", bounds.range.start(), bounds.range.end()),
                bounds.reason,
            ),
            Ok(duration) => duration,
            Err(BadDuration) => wrong(
                setting.at,
                format!("`{key}` is not a duration: \"{text}\""),
                "write a whole number and one of the units s, m, h or d, such as \"90s\" or \"30d\"",
            ),
        }
    }
}

/// A TOML type's name with its article.
pub(super) fn article(kind: &str) -> String {
    let article = if kind.starts_with(['a', 'i']) { "an" } else { "a" };
    format!("{article} {kind}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_is_a_whole_number_with_a_unit() {
        assert_eq!(parse_duration("250ms"), Ok(Duration::from_millis(250)));
        assert_eq!(parse_duration("90s"), Ok(Duration::from_secs(90)));
        assert_eq!(parse_duration("15m"), Ok(Duration::from_secs(900)));
        assert_eq!(parse_duration("1h"), Ok(Duration::from_secs(3_600)));
        assert_eq!(parse_duration("30d"), Ok(Duration::from_secs(2_592_000)));
    }

    #[test]
    fn anything_else_is_no_duration() {
        for text in [
            "",
            "30",
            "d",
            "30 d",
            "-1d",
            "+1d",
            "1.5h",
            "1h30m",
            "30D",
            "1w",
            "99999999999999999999s",
            "999999999999999999d",
        ] {
            assert_eq!(parse_duration(text), Err(BadDuration), "{text}");
        }
    }
}
