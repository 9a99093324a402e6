//! A credential as lines of an environment file.

use super::Error;
use crate::secret::Secret;

/// Lines that set one of the names are replaced where they stand, with their `export`; names that are not set yet are added
/// at the end.
pub(super) fn merged(content: &[u8], values: &[(&str, Option<&str>)]) -> Secret {
    let mut merged = Secret::default();
    let mut missing = values.to_vec();
    for line in content.split_inclusive(|byte| *byte == b'\n') {
        let end = line.iter().rposition(|byte| !matches!(byte, b'\r' | b'\n')).map_or(0, |last| last + 1);
        let found = values.iter().find_map(|(name, value)| Some((*name, *value, before_value(&line[..end], name)?)));
        let Some((name, value, before)) = found else {
            merged.append(line);
            continue;
        };
        merged.append(&line[..before]);
        append_quoted(&mut merged, value.unwrap_or_default());
        merged.append(&line[end..]);
        missing.retain(|(other, _)| *other != name);
    }
    if !missing.is_empty() && !merged.is_empty() && !merged.expose().ends_with(b"\n") {
        merged.append(b"\n");
    }
    for (name, value) in missing {
        merged.append(name.as_bytes());
        merged.append(b"=");
        append_quoted(&mut merged, value.unwrap_or_default());
        merged.append(b"\n");
    }
    merged
}

/// How much of a line stands before the value, if the line sets this name.
fn before_value(line: &[u8], name: &str) -> Option<usize> {
    let indent = line.iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
    let mut rest = &line[indent..];
    if let Some(exported) = rest.strip_prefix(b"export ") {
        rest = exported.trim_ascii_start();
    }
    let value = rest.strip_prefix(name.as_bytes())?.strip_prefix(b"=")?;
    Some(line.len() - value.len())
}

fn append_quoted(to: &mut Secret, value: &str) {
    let bare = |byte: u8| byte.is_ascii_alphanumeric() || b"._-:/+=@,%".contains(&byte);
    if value.bytes().all(bare) {
        to.append(value.as_bytes());
        return;
    }
    to.append(b"'");
    for part in value.split_inclusive('\'') {
        match part.strip_suffix('\'') {
            Some(before) => {
                to.append(before.as_bytes());
                to.append(br"'\''");
            }
            None => to.append(part.as_bytes()),
        }
    }
    to.append(b"'");
}

/// The value that the content gives to this name, as a shell reads it; the last line that sets it counts.
pub(super) fn value(content: &[u8], name: &str) -> Result<Option<Secret>, Error> {
    let lines = content.split(|byte| *byte == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line));
    let Some(value) = lines.filter_map(|line| Some(&line[before_value(line, name)?..])).next_back() else {
        return Ok(None);
    };
    let unquoted = unquoted(value);
    unquoted.map(Some).ok_or_else(|| Error::Other(format!("the value of {name} is one that only a shell can work out")))
}

/// A word of a shell, up to the space behind it. `None` if it has to be evaluated, or goes on in the next line.
fn unquoted(text: &[u8]) -> Option<Secret> {
    let mut value = Secret::default();
    let mut quote = None;
    let mut bytes = text.iter().copied();
    while let Some(byte) = bytes.next() {
        match (quote, byte) {
            (Some(open), _) if byte == open => quote = None,
            (Some(b'\''), _) => value.append(&[byte]),
            (_, b'$' | b'`') => return None,
            (Some(_), b'\\') => {
                let next = bytes.next()?;
                if !b"$`\"\\".contains(&next) {
                    value.append(b"\\");
                }
                value.append(&[next]);
            }
            (None, b'\\') => value.append(&[bytes.next()?]),
            (None, b'\'' | b'"') => quote = Some(byte),
            (None, b' ' | b'\t') => break,
            _ => value.append(&[byte]),
        }
    }
    quote.is_none().then_some(value)
}
