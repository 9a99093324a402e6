//! The header that Amazon demands of every caller: `AppId/AppVersionId (Language=Name)`, 500 characters at most.
//!
//! See <https://developer-docs.amazon.com/sp-api/docs/include-a-user-agent-header-in-all-requests>.

use crate::bindings::lwa::rotation::settings::UserAgent;

const LONGEST: usize = 500;
/// Room for each part, escapes included, so that the whole fits with its punctuation.
const LONGEST_PART: usize = 160;

/// The header's value.
pub fn user_agent(parts: &UserAgent) -> String {
    let application = escape(&parts.application, &['/'], "lwa-rotate");
    let version = escape(&parts.version, &['('], "0");
    let language = escape(&parts.language, &[';', ')'], "WebAssembly");
    let value = format!("{application}/{version} (Language={language})");
    debug_assert!(value.len() <= LONGEST);
    value
}

/// Puts a backslash before itself and the characters that would end this part, drops what no header can carry, and cuts
/// between characters, never inside an escape.
fn escape(part: &str, special: &[char], if_empty: &str) -> String {
    let mut escaped = String::new();
    for c in part.trim().chars().filter(|c| c.is_ascii_graphic() || *c == ' ') {
        let needed = if c == '\\' || special.contains(&c) { 2 } else { 1 };
        if escaped.len() + needed > LONGEST_PART {
            break;
        }
        if needed == 2 {
            escaped.push('\\');
        }
        escaped.push(c);
    }
    if escaped.is_empty() { if_empty.into() } else { escaped }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(application: &str, version: &str, language: &str) -> String {
        user_agent(&UserAgent { application: application.into(), version: version.into(), language: language.into() })
    }

    #[test]
    fn the_three_parts_stand_as_amazon_wants_them() {
        assert_eq!(of("My App", "2.0", "Rust"), "My App/2.0 (Language=Rust)");
    }

    #[test]
    fn characters_that_would_end_a_part_are_escaped() {
        assert_eq!(of(r"a/b\c", "1(2", "x;y)z"), r"a\/b\\c/1\(2 (Language=x\;y\)z)");
    }

    #[test]
    fn the_header_is_never_longer_than_amazon_takes_and_ends_with_no_half_escape() {
        let value = of(&"/".repeat(999), &"(".repeat(999), &")".repeat(999));
        assert!(value.len() <= LONGEST, "{}", value.len());
        assert!(value.contains("\\//") && value.ends_with("\\))"), "{value}");
    }

    #[test]
    fn what_no_header_can_carry_is_dropped() {
        assert_eq!(of("a\r\nx-evil: 1", "é1", "\u{7f}"), "ax-evil: 1/1 (Language=WebAssembly)");
        assert_eq!(of(" ", "", ""), "lwa-rotate/0 (Language=WebAssembly)");
    }
}
