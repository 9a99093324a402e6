//! A credential as members of a JSON object.

use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor},
};
use serde_json::value::RawValue;

use super::Error;
use crate::secret::Secret;

/// Only the values of ours are replaced, where they stand; members that are missing are added behind the last, spaced like the
/// first.
pub(super) fn merged(content: &[u8], values: &[(&str, Option<&str>)]) -> Result<Secret, Error> {
    let object = Object::of(content)?;
    let (Some((_, first)), Some((_, last))) = (object.0.first(), object.0.last()) else {
        return Ok(fresh(values));
    };
    let start = |value: &RawValue| value.get().as_ptr().addr() - content.as_ptr().addr();
    let mut merged = Secret::default();
    let mut done = 0;
    for (name, present) in &object.0 {
        let Some((_, value)) = values.iter().find(|(ours, _)| ours == name) else { continue };
        if is(present, *value) {
            continue;
        }
        merged.append(&content[done..start(present)]);
        append_value(&mut merged, *value);
        done = start(present) + present.get().len();
    }
    let end = start(last) + last.get().len();
    merged.append(&content[done..end]);
    let space = space_before_first(content);
    let spaced = content[start(first) - 1].is_ascii_whitespace();
    for (name, value) in values.iter().filter(|(name, _)| object.0.iter().all(|(other, _)| other != name)) {
        merged.append(b",");
        merged.append(if space.is_empty() && spaced { b" " } else { space });
        append_string(&mut merged, name);
        merged.append(if spaced { b": " } else { b":" });
        append_value(&mut merged, *value);
    }
    merged.append(&content[end..]);
    Ok(merged)
}

/// The text that the object has under this name; the last one counts. `null` is none.
pub(super) fn value(content: &[u8], name: &str) -> Result<Option<Secret>, Error> {
    let object = Object::of(content)?;
    let Some((_, value)) = object.0.iter().rfind(|(other, _)| other == name) else { return Ok(None) };
    // The reason would show the value.
    text(value).map_err(|_| Error::Other(format!("its member {name} is no text")))
}

fn text(value: &RawValue) -> serde_json::Result<Option<Secret>> {
    serde_json::from_str::<Option<String>>(value.get()).map(|text| text.map(Secret::from))
}

fn is(present: &RawValue, value: Option<&str>) -> bool {
    text(present).is_ok_and(|text| text.as_ref().map(Secret::expose) == value.map(str::as_bytes))
}

fn space_before_first(content: &[u8]) -> &[u8] {
    let inside = content.iter().position(|byte| *byte == b'{').map_or(&[][..], |open| &content[open + 1..]);
    &inside[..inside.len() - inside.trim_ascii_start().len()]
}

fn fresh(values: &[(&str, Option<&str>)]) -> Secret {
    let mut written = Secret::default();
    let mut separator: &[u8] = b"{\n  ";
    for (name, value) in values {
        written.append(separator);
        append_string(&mut written, name);
        written.append(b": ");
        append_value(&mut written, *value);
        separator = b",\n  ";
    }
    written.append(b"\n}\n");
    written
}

fn append_value(to: &mut Secret, value: Option<&str>) {
    match value {
        Some(value) => append_string(to, value),
        None => to.append(b"null"),
    }
}

pub(in crate::publish) fn append_string(to: &mut Secret, text: &str) {
    to.append(b"\"");
    let mut buffer = [0; 4];
    for character in text.chars() {
        match character {
            '"' | '\\' => to.append(format!("\\{character}").as_bytes()),
            '\0'..='\u{1f}' | '\u{7f}' => to.append(format!("\\u{:04x}", u32::from(character)).as_bytes()),
            _ => to.append(character.encode_utf8(&mut buffer).as_bytes()),
        }
    }
    to.append(b"\"");
}

/// The members of an object in their order, values as they were written.
#[derive(Default)]
struct Object<'a>(Vec<(String, &'a RawValue)>);

impl<'a> Object<'a> {
    /// An empty content is an empty object.
    fn of(content: &'a [u8]) -> Result<Self, Error> {
        if content.trim_ascii().is_empty() {
            return Ok(Self::default());
        }
        // The reason would show a part of the content.
        serde_json::from_slice(content).map_err(|_| {
            Error::Other(
                "it holds something else than one JSON object and is left as it is; move it away, or name another place"
                    .into(),
            )
        })
    }
}

impl<'de> Deserialize<'de> for Object<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members;

        impl<'de> Visitor<'de> for Members {
            type Value = Object<'de>;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Object(members))
            }
        }

        deserializer.deserialize_map(Members)
    }
}
