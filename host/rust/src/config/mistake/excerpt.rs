//! A line of a file that is no TOML, shown with a mark at the place where it stops being that.

/// How much of a line is shown on either side of the place.
const AROUND: usize = 40;
/// A word that is longer may be a secret, and so may what looks like one of Amazon's.
const LONGEST_WORD: usize = 15;

/// The line and the mark below it; `None` where the line says by itself that it is about a secret.
pub(super) fn of(text: &str, at: usize) -> Option<[String; 2]> {
    let (line, place) = line_of(text, at)?;
    if super::super::section::sounds_secret(line) {
        return None;
    }
    let hidden: Vec<char> = hidden(line);
    let begin = place.saturating_sub(AROUND);
    let shown = &hidden[begin..hidden.len().min(place + AROUND)];
    Some([shown.iter().collect::<String>().trim_end().to_owned(), format!("{}^", " ".repeat(place - begin))])
}

/// What to do about the usual ways in which a line is no TOML.
pub(super) fn hint(text: &str, at: usize) -> Option<&'static str> {
    let (line, _) = line_of(text, at)?;
    if line.contains(['\u{201c}', '\u{201d}', '\u{2018}', '\u{2019}']) {
        return Some("these are typographic quotes, which word processors make; write \" instead");
    }
    let key = line.trim_start().split(|c: char| !c.is_ascii_alphanumeric() && c != '-' && c != '_').next()?;
    let rest = line.trim_start().strip_prefix(key)?.trim_start();
    match rest.chars().next() {
        Some(':') if !key.is_empty() => Some("write key = \"value\", with an equals sign"),
        Some('=') if !rest[1..].contains(['"', '\'']) => Some("write texts in quotes: key = \"value\""),
        _ => None,
    }
}

/// The line at this byte, and the place in it in characters.
fn line_of(text: &str, at: usize) -> Option<(&str, usize)> {
    let before = text.get(..at)?;
    let begin = before.rfind('\n').map_or(0, |end| end + 1);
    let line = text[begin..].lines().next().unwrap_or_default();
    Some((line, before[begin..].chars().count()))
}

/// As many characters, with each word that may be a secret as asterisks.
fn hidden(line: &str) -> Vec<char> {
    let mut shown = Vec::new();
    let is_of_word = |c: &char| c.is_alphanumeric() || "-_+/=|".contains(*c);
    let mut rest: Vec<char> = line.chars().collect();
    while !rest.is_empty() {
        let length = rest.iter().take_while(|c| is_of_word(c)).count();
        let word = rest.drain(..length.max(1));
        if length > LONGEST_WORD {
            shown.extend(word.map(|_| '*'));
        } else {
            shown.extend(word.map(|c| if c.is_control() { ' ' } else { c }));
        }
    }
    shown
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn the_line_is_shown_with_a_mark_at_the_place() {
        let text = "a = 1\nregion: \"eu\"\n";
        assert_eq!(of(text, 12).unwrap(), ["region: \"eu\"", "      ^"]);
        assert_eq!(hint(text, 12), Some("write key = \"value\", with an equals sign"));
        assert!(hint("path = \u{201c}x\u{201d}", 7).unwrap().contains("typographic"));
        assert!(hint("path = /var/lib", 7).unwrap().contains("in quotes"));
        assert_eq!(hint("[apps", 5), None);
        assert_eq!(of("", 0).unwrap(), ["", "^"]);
    }

    #[test]
    fn what_may_be_a_secret_is_not_shown() {
        let line = "x y amzn1.oa2-cs.v1.0123456789abcdef0123456789abcdef";
        let [shown, _] = of(line, 2).unwrap();
        assert!(shown.starts_with("x y amzn1.oa2-cs.v1.****") && !shown.contains("0123"), "{shown}");
        assert!(of("client-secret: hunter2", 13).is_none());
        assert!(of("password hunter2", 9).is_none());
        let far = format!("{} x", "a b ".repeat(100));
        assert!(of(&far, 200).unwrap()[0].chars().count() <= 2 * AROUND);
    }
}
