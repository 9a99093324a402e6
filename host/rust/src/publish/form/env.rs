//! A credential as lines of an environment file.

mod scan;

use self::scan::{continues, not_plain, scan};
use super::Error;
use crate::secret::Secret;

/// Values of the names are replaced where they are; everything else stays, to the byte. Names that are not set yet are added
/// at the end.
///
/// Errors: [`Error::Other`] for a file of which only a shell could say what sets the names.
pub(super) fn merged(content: &[u8], values: &[(&str, Option<&str>)]) -> Result<Secret, Error> {
    let names: Vec<&str> = values.iter().map(|(name, _)| *name).collect();
    let assignments = scan(content, &names)?;
    let mut merged = Secret::default();
    let mut done = 0;
    for assignment in &assignments {
        merged.append(&content[done..assignment.value.start]);
        append_quoted(&mut merged, values[assignment.name].1.unwrap_or_default());
        done = assignment.value.end;
        // Docker takes spaces at the end of a line for a part of the value.
        let blanks = content[done..].iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
        if matches!(content[done + blanks..], [] | [b'\n', ..] | [b'\r', b'\n', ..]) {
            done += blanks;
        }
    }
    merged.append(&content[done..]);
    let is_missing = |name: usize| assignments.iter().all(|found| found.name != name);
    for (_, (name, value)) in values.iter().enumerate().filter(|(place, _)| is_missing(*place)) {
        if continues(merged.expose()) {
            return Err(not_plain(content, content.len(), "ends with a backslash, so that the next one belongs to it"));
        }
        if !merged.is_empty() && !merged.expose().ends_with(b"\n") {
            merged.append(b"\n");
        }
        merged.append(name.as_bytes());
        merged.append(b"=");
        append_quoted(&mut merged, value.unwrap_or_default());
        merged.append(b"\n");
    }
    Ok(merged)
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

/// The value that the content gives to this name, as a shell reads it; the last assignment counts.
pub(super) fn value(content: &[u8], name: &str) -> Result<Option<Secret>, Error> {
    let Some(last) = scan(content, &[name])?.pop() else { return Ok(None) };
    let only_a_shell = || Error::Other(format!("the value of {name} is one that only a shell can work out"));
    last.text.map(Some).ok_or_else(only_a_shell)
}

#[cfg(all(test, unix))]
#[allow(clippy::unwrap_used)]
mod tests;
