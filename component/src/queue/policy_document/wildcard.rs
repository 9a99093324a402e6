//! Patterns with wildcards, as policies have them.

/// ARNs are compared part by part. Parts that a pattern lacks are wildcards.
pub(super) fn is_arn_like(pattern: &str, arn: &str) -> bool {
    let mut patterns = pattern.splitn(6, ':');
    arn.splitn(6, ':').all(|part| is_like(patterns.next().unwrap_or("*"), part, same))
}

/// Whether a pattern has a policy variable, such as `${aws:SourceAccount}`.
pub(super) fn has_variable(pattern: &str) -> bool {
    // Not with `contains`: its search for a text is large.
    pattern.as_bytes().windows(2).any(|pair| pair == b"${")
}

pub(super) fn same(a: u8, b: u8) -> bool {
    a == b
}

/// `*` stands for any characters, `?` for one. The text is ASCII. Takes at most as many steps as the text's length times
/// the shorter length of the two.
pub(super) fn is_like(pattern: &str, text: &str, same: fn(u8, u8) -> bool) -> bool {
    let (pattern, text) = (pattern.as_bytes(), text.as_bytes());
    let (mut p, mut t) = (0, 0);
    // Behind the last star, and up to where the text is taken for it.
    let mut star = None;
    while t < text.len() {
        match pattern.get(p) {
            Some(b'*') => {
                p += 1;
                star = Some((p, t));
            }
            Some(byte) if *byte == b'?' || same(*byte, text[t]) => {
                p += 1;
                t += 1;
            }
            _ => {
                let Some((behind, taken)) = star else { return false };
                star = Some((behind, taken + 1));
                (p, t) = (behind, taken + 1);
            }
        }
    }
    pattern[p..].iter().all(|byte| *byte == b'*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wildcards_stand_for_any_characters_or_for_one() {
        for (pattern, text, expected) in [
            ("", "", true),
            ("*", "", true),
            ("a*c*e", "abcde", true),
            ("a*c*e", "abcd", false),
            ("*b*b", "abab", true),
            ("?", "", false),
            ("a?", "ab", true),
            ("a", "ab", false),
            ("ab**", "ab", true),
            ("A", "a", false),
        ] {
            assert_eq!(is_like(pattern, text, same), expected, "{pattern} {text}");
        }
        assert!(is_like("sqs:SEND*", "sqs:sendmessage", |a, b| a.eq_ignore_ascii_case(&b)));
    }

    #[test]
    fn an_arn_is_compared_part_by_part() {
        const ARN: &str = "arn:aws:sqs:us-east-1:123456789012:lwa";
        for (pattern, expected) in [
            (ARN, true),
            ("arn:aws:sqs", true),
            ("arn:aws:sqs:*:123456789012:*", true),
            ("arn:aws:sqs:us-east-?:*:l?a", true),
            ("arn:aws:sqs:*:lwa", false),
            ("arn:aws:sqs:us-east-1:123456789012:LWA", false),
        ] {
            assert_eq!(is_arn_like(pattern, ARN), expected, "{pattern}");
        }
    }
}
