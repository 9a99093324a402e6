//! Where a file of `NAME=value` lines sets a name, as shells, systemd and Docker read it.
//!
//! All readers agree on comments and on one assignment in a line. What else a file may hold is read as a shell reads it:
//! several assignments in a line, `export`, quotes over several lines, a comment behind a value. Lines that are none of
//! this, and lines in which one of the names is used otherwise, mean what only a shell can work out: the file is refused.
//! A line that does not concern the names may have any value, because systemd and Docker take the rest of it as it is.

use std::ops::Range;

use super::Error;
use crate::secret::Secret;

/// One of the names is set here.
pub(super) struct Assignment {
    /// Which of the names, by its place.
    pub(super) name: usize,
    /// What is behind the `=`, with its quotes.
    pub(super) value: Range<usize>,
    /// What a reader finds; `None` where a shell has to expand it.
    pub(super) text: Option<Secret>,
}

/// All assignments to one of the names, in their order.
pub(super) fn scan(content: &[u8], names: &[&str]) -> Result<Vec<Assignment>, Error> {
    let mut all = Vec::new();
    let mut at = 0;
    while at < content.len() {
        let line = &content[at..line_end(content, at)];
        if !is_plain(line) {
            return Err(not_plain(content, at, "is neither a comment nor an assignment"));
        }
        let mut reader = Reader { content, names, at, found: Vec::new() };
        if is_comment(line) {
            reader.at += line.len();
        } else if reader.read().is_ok() {
            let whole = &content[at..reader.at];
            let mut further = whole.split(|byte| *byte == b'\n').skip(1);
            if mentions(whole, names) && further.any(|line| name_of(after_export(line)).is_some()) {
                return Err(not_plain(content, at, "continues in lines that look like assignments"));
            }
        } else {
            // No value for a shell, or only a shell can find its end. Others end it with the line.
            if mentions(line, names) {
                return Err(not_plain(
                    content,
                    at,
                    "has a name of the credential in a place that only a shell understands",
                ));
            }
            let rest = &content[at + line.len()..];
            let is_open = left_open(line).is_some_and(|closing| rest.contains(&closing));
            if is_open || continues(line) || line.windows(2).any(|two| two == b"<<") {
                return Err(not_plain(content, at, "may continue in the next lines, which only a shell can tell"));
            }
            reader = Reader { content, names, at: at + line.len(), found: Vec::new() };
        }
        all.append(&mut reader.found);
        at = reader.at + 1;
    }
    Ok(all)
}

/// Refuses a file because of the line at this place. What is in the line is not shown.
pub(super) fn not_plain(content: &[u8], at: usize, why: &str) -> Error {
    let line = content[..at].iter().filter(|byte| **byte == b'\n').count() + 1;
    Error::Other(format!(
        "line {line} {why}; the file is left as it is. Move what only a shell understands to another file, or publish to a file of its own and read both"
    ))
}

/// Whether the next line would belong to the last one.
pub(super) fn continues(content: &[u8]) -> bool {
    let content = content.strip_suffix(b"\n").unwrap_or(content);
    let last = content.rsplit(|byte| *byte == b'\n').next().unwrap_or_default();
    last.iter().rev().take_while(|byte| **byte == b'\\').count() % 2 == 1
}

/// Something that only a shell can work out.
struct Unclear;

/// Reads one line as a shell does, with those that belong to it.
struct Reader<'a> {
    content: &'a [u8],
    names: &'a [&'a str],
    at: usize,
    found: Vec<Assignment>,
}

/// What the words of a command are so far.
#[derive(PartialEq)]
enum Command {
    /// Nothing but assignments, which stay.
    Assigns,
    /// `export` and its names.
    Exports,
    /// Another command. Assignments before it are for it alone.
    Other,
}

/// One word. Its value is what is behind the first `=`, if a name is before that.
struct Word {
    at: Range<usize>,
    value: Option<Range<usize>>,
    text: Option<Secret>,
}

impl Reader<'_> {
    fn read(&mut self) -> Result<(), Unclear> {
        let mut command = Command::Assigns;
        let mut is_first = true;
        loop {
            self.skip_blanks();
            match self.peek(0) {
                None | Some(b'\n') => return Ok(()),
                Some(b'#') => {
                    self.at = line_end(self.content, self.at);
                    return Ok(());
                }
                Some(b';') => {
                    self.at += 1;
                    command = Command::Assigns;
                    is_first = true;
                }
                Some(_) => {
                    let word = self.word()?;
                    self.take(word, &mut command, is_first)?;
                    is_first = false;
                }
            }
        }
    }

    /// Sorts a word in.
    fn take(&mut self, word: Word, command: &mut Command, is_first: bool) -> Result<(), Unclear> {
        let raw = &self.content[word.at.clone()];
        if is_first && raw == b"export" {
            *command = Command::Exports;
            return Ok(());
        }
        let Some(value) = word.value else {
            // With `export NAME` a reader still finds the same value.
            let is_exported = *command == Command::Exports && self.names.iter().any(|name| name.as_bytes() == raw);
            if *command == Command::Assigns {
                *command = Command::Other;
            }
            return if !is_exported && mentions(raw, self.names) || *command == Command::Other && !self.found.is_empty()
            {
                Err(Unclear)
            } else {
                Ok(())
            };
        };
        let name = &self.content[word.at.start..value.start - 1];
        match self.names.iter().position(|ours| ours.as_bytes() == name) {
            Some(_) if *command == Command::Other => Err(Unclear),
            Some(name) => {
                self.found.push(Assignment { name, value, text: word.text });
                Ok(())
            }
            None => Ok(()),
        }
    }

    fn word(&mut self) -> Result<Word, Unclear> {
        let start = self.at;
        let value_at = name_of(&self.content[start..]).map(|length| start + length + 1);
        self.at = value_at.unwrap_or(start);
        // A tilde at its beginning is a user's folder.
        let mut text = Some(Secret::default()).filter(|_| self.peek(0) != Some(b'~'));
        let mut quote = None;
        let mut add = |byte: u8| {
            if let Some(text) = &mut text {
                text.append(&[byte]);
            }
        };
        let mut expands = false;
        loop {
            match (quote, self.peek(0)) {
                (None, None) => break,
                (Some(_), None) => return Err(Unclear),
                (Some(open), Some(byte)) if byte == open => quote = None,
                (Some(b'\''), Some(byte)) => add(byte),
                (None, Some(b' ' | b'\t' | b'\n' | b';')) => break,
                (None, Some(b'\r')) if matches!(self.peek(1), None | Some(b'\n')) => break,
                (None, Some(b'&' | b'|' | b'<' | b'>' | b'(' | b')')) | (_, Some(b'`')) => return Err(Unclear),
                (_, Some(b'$')) => {
                    self.skip_variable()?;
                    expands = true;
                    continue;
                }
                (_, Some(b'\\')) => {
                    let next = self.peek(1).ok_or(Unclear)?;
                    if next != b'\n' {
                        if quote.is_some() && !b"$`\"\\".contains(&next) {
                            add(b'\\');
                        }
                        add(next);
                    }
                    self.at += 1;
                }
                (None, Some(open @ (b'\'' | b'"'))) => quote = Some(open),
                (_, Some(byte)) => add(byte),
            }
            self.at += 1;
        }
        Ok(Word { at: start..self.at, value: value_at.map(|value| value..self.at), text: text.filter(|_| !expands) })
    }

    /// `$NAME` or `${NAME}`, of another name.
    fn skip_variable(&mut self) -> Result<(), Unclear> {
        let is_in_braces = self.peek(1) == Some(b'{');
        let start = self.at + if is_in_braces { 2 } else { 1 };
        let length = self.content[start..].iter().take_while(|byte| is_of_name(**byte)).count();
        let name = &self.content[start..start + length];
        self.at = start + length;
        if name.is_empty() || self.names.iter().any(|ours| ours.as_bytes() == name) {
            return Err(Unclear);
        }
        if is_in_braces {
            if self.peek(0) != Some(b'}') {
                return Err(Unclear);
            }
            self.at += 1;
        }
        Ok(())
    }

    fn skip_blanks(&mut self) {
        loop {
            self.at += match (self.peek(0), self.peek(1)) {
                (Some(b' ' | b'\t'), _) => 1,
                (Some(b'\r'), None | Some(b'\n')) => 1,
                (Some(b'\\'), Some(b'\n')) => 2,
                _ => return,
            };
        }
    }

    fn peek(&self, further: usize) -> Option<u8> {
        self.content.get(self.at + further).copied()
    }
}

fn line_end(content: &[u8], at: usize) -> usize {
    content[at..].iter().position(|byte| *byte == b'\n').map_or(content.len(), |length| at + length)
}

fn is_of_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// The length of the name that is set here.
fn name_of(text: &[u8]) -> Option<usize> {
    let length = text.iter().take_while(|byte| is_of_name(**byte)).count();
    (length > 0 && !text[0].is_ascii_digit() && text.get(length) == Some(&b'=')).then_some(length)
}

/// Whether one of the names is in it, and not as a part of another name.
fn mentions(text: &[u8], names: &[&str]) -> bool {
    text.split(|byte| !is_of_name(*byte)).any(|word| names.iter().any(|name| name.as_bytes() == word))
}

/// For shells, for systemd, or none at all.
fn is_comment(line: &[u8]) -> bool {
    matches!(line.trim_ascii_start().first(), None | Some(b'#' | b';'))
}

fn after_export(line: &[u8]) -> &[u8] {
    let line = line.trim_ascii_start();
    let exported = line.strip_prefix(b"export").filter(|rest| matches!(rest.first(), Some(b' ' | b'\t')));
    exported.map_or(line, <[u8]>::trim_ascii_start)
}

/// A comment, an assignment, the export of a name, or a name alone (which Docker takes from its own environment); and what
/// makes a shell export all that follows.
fn is_plain(line: &[u8]) -> bool {
    let line = line.trim_ascii();
    let is_a_name = |text: &[u8]| text.iter().all(|byte| is_of_name(*byte) && !byte.is_ascii_lowercase());
    let exported = after_export(line);
    is_comment(line)
        || name_of(exported).is_some()
        || exported.len() < line.len()
        || is_a_name(line)
        || [&b"set -a"[..], b"set +a", b"set -o allexport", b"set +o allexport"].contains(&line)
}

/// What would close, in a later line, something that a shell takes for open at the end of this one.
fn left_open(line: &[u8]) -> Option<u8> {
    let mut open = Vec::new();
    let mut before = b' ';
    let mut bytes = line.iter().copied();
    while let Some(byte) = bytes.next() {
        match (open.last().copied(), byte) {
            (Some(closing), _) if byte == closing => {
                open.pop();
            }
            (Some(b'\''), _) => {}
            (_, b'\\') => {
                bytes.next();
            }
            (None, b'#') if matches!(before, b' ' | b'\t') => break,
            (last, b'\'') if last != Some(b'"') => open.push(b'\''),
            (_, b'"' | b'`') => open.push(byte),
            (last, b'(') if last != Some(b'"') || before == b'$' => open.push(b')'),
            (_, b'{') if before == b'$' => open.push(b'}'),
            _ => {}
        }
        before = byte;
    }
    open.first().copied()
}
