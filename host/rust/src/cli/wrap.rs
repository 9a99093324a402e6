//! Lines as wide as the terminal: broken between words, and not inside a figure with its unit.

/// Further lines of a text in columns begin at its last column, if that is no further right than this.
const LAST_COLUMN: usize = 40;
/// A text beside columns has this much room at least; else it goes below them.
const LEAST_ROOM: usize = 30;

/// The text with each line broken so that no part is wider than this unless a single word is.
pub(super) fn wrapped(text: &str, width: usize) -> String {
    text.split('\n').map(|line| broken(line, width)).collect::<Vec<_>>().join("\n")
}

fn broken(line: &str, width: usize) -> String {
    if length(line) <= width {
        return line.to_owned();
    }
    let indent = match column(line) {
        column if column + LEAST_ROOM <= width => column,
        _ => line.len() - line.trim_start_matches(' ').len() + 2,
    };
    let mut wrapped = String::new();
    let mut used = 0;
    let mut rest = line;
    while !rest.is_empty() {
        let piece = &rest[..end_of_piece(rest)];
        rest = &rest[piece.len()..];
        let bare = piece.trim_end_matches(' ');
        if used > indent && used + length(bare) > width {
            wrapped.truncate(wrapped.trim_end_matches(' ').len());
            wrapped.push('\n');
            wrapped.extend(std::iter::repeat_n(' ', indent));
            used = indent;
        }
        wrapped.push_str(piece);
        used += length(piece);
    }
    wrapped.truncate(wrapped.trim_end_matches(' ').len());
    wrapped
}

/// The beginning of the line, with an ellipsis for what does not fit.
pub(super) fn shortened(line: &str, width: usize) -> String {
    if length(line) <= width {
        return line.to_owned();
    }
    let mut shortened = String::new();
    let mut used = 0;
    let mut rest = line;
    while !rest.is_empty() {
        let piece = &rest[..end_of_piece(rest)];
        rest = &rest[piece.len()..];
        if used + length(piece.trim_end_matches(' ')) + 2 > width {
            break;
        }
        shortened.push_str(piece);
        used += length(piece);
    }
    let is_coloured = shortened.contains('\x1b');
    shortened.truncate(shortened.trim_end_matches(' ').len());
    shortened.push_str(" …");
    if is_coloured {
        shortened.push_str("\x1b[0m");
    }
    shortened
}

/// Where the last column of a line begins: behind the last gap of two spaces or more.
fn column(line: &str) -> usize {
    let mut column = 0;
    let mut blanks = 0;
    let mut place = 0;
    let mut characters = line.chars();
    while let Some(c) = characters.next() {
        if c == '\x1b' {
            characters.by_ref().find(|c| *c == 'm');
            continue;
        }
        if c == ' ' {
            blanks += 1;
        } else {
            if blanks > 1 && place <= LAST_COLUMN {
                column = place;
            }
            blanks = 0;
        }
        place += 1;
    }
    column
}

/// The end of the first piece that must not be broken, with the spaces behind it.
fn end_of_piece(text: &str) -> usize {
    let mut at = text.len() - text.trim_start_matches(' ').len();
    loop {
        let word = &text[at..at + text[at..].find(' ').unwrap_or(text.len() - at)];
        at += word.len();
        let blanks = text[at..].len() - text[at..].trim_start_matches(' ').len();
        let next = &text[at + blanks..];
        let starts_with_digit = |text: &str| text.starts_with(|c: char| c.is_ascii_digit());
        let bare = word.trim_start_matches('(');
        let goes_before_a_figure = ["in", "d", "h", "min", "s"].contains(&bare);
        let belongs = starts_with_digit(bare) && !bare.ends_with([',', ';', ':', ')'])
            || goes_before_a_figure && starts_with_digit(next);
        at += blanks;
        if blanks != 1 || next.is_empty() || !belongs {
            return at;
        }
    }
}

/// How many columns a text takes, without its colours.
fn length(text: &str) -> usize {
    let mut length = 0;
    let mut characters = text.chars();
    while let Some(c) = characters.next() {
        if c == '\x1b' {
            characters.by_ref().find(|c| *c == 'm');
        } else {
            length += 1;
        }
    }
    length
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_broken_between_words_below_their_last_column() {
        let line = "  blocking     retention           a new secret is gone 4 d after it came, which is too short";
        assert_eq!(
            wrapped(line, 70),
            "  blocking     retention           a new secret is gone 4 d after it\n                                   came, which is too short"
        );
        assert_eq!(wrapped("error: one two", 11), "error: one\n  two");
        assert_eq!(wrapped("short", 80), "short");
        assert_eq!(wrapped("one\ntwo three\n", 9), "one\ntwo three\n");
    }

    #[test]
    fn nothing_is_broken_inside_a_figure() {
        let line = "the secret ends 2027-01-31 00:00 UTC (in 61 d 9 h), and its rotation is due in 1 min 30 s or so";
        for width in 30..110 {
            let wrapped = wrapped(line, width);
            assert!(wrapped.lines().all(|part| part.chars().count() <= width), "{width}: {wrapped}");
            for figure in ["2027-01-31 00:00 UTC", "(in 61 d 9 h)", "in 1 min 30 s"] {
                assert!(wrapped.contains(figure), "{width}: {wrapped}");
            }
            let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
            assert_eq!(words(&wrapped), words(line), "{width}");
        }
    }

    #[test]
    fn colours_take_no_room() {
        let line = "  \x1b[1;31mblocking\x1b[0m     store               it cannot be written by this user at all";
        for part in wrapped(line, 70).lines() {
            assert!(length(part) <= 70, "{part}");
        }
        assert_eq!(length(line), "  blocking     store               it cannot be written by this user at all".len());
    }

    #[test]
    fn what_is_shortened_ends_with_a_whole_word() {
        assert_eq!(shortened("one two three", 13), "one two three");
        assert_eq!(shortened("one two three", 12), "one two …");
        assert_eq!(shortened("\x1b[2mone two\x1b[0m three", 12), "\x1b[2mone two\x1b[0m …\x1b[0m");
    }
}
