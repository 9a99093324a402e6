//! JSON as it is read: one parse for every document, message and answer, then typed members.
//!
//! An error names the member that is missing or wrong and holds no value. One type for all of them, rather than a derived
//! reader for each, keeps the component small.

use core::cell::Cell;
use core::fmt;
use std::collections::BTreeMap;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};

use crate::credential::Secret;

/// A JSON value. Every text in it counts as a secret, because one may be: it is wiped on drop, whether or not the parse came
/// to its end.
pub enum Json {
    /// `null`.
    Null,
    /// `true` or `false`.
    Truth(bool),
    /// A whole number that is not negative.
    Number(u64),
    /// Any other number; nothing here is measured in those.
    OtherNumber,
    /// A string.
    Text(Secret),
    /// An array.
    List(Vec<Json>),
    /// An object, in its own order.
    Object(Vec<(String, Json)>),
}

impl Json {
    /// Parses a text; `None` if it is not JSON. The parser bounds the depth.
    pub fn parse(text: &[u8]) -> Option<Self> {
        serde_json::from_slice(text).ok()
    }

    /// The whole, to be read.
    pub fn root(&self) -> Node<'_> {
        Node { json: self, place: None, found: Cell::new(0) }
    }

    /// The value of a member; `None` if this is not an object that has it.
    pub fn get(&self, name: &str) -> Option<&Self> {
        match self {
            Self::Object(members) => members.iter().rev().find(|(other, _)| other == name).map(|(_, value)| value),
            _ => None,
        }
    }

    /// The text of a member, for those who can do without; empty if there is none.
    pub fn text_or_empty(&self, name: &str) -> &str {
        match self.get(name) {
            Some(Self::Text(text)) => text.expose_text(),
            _ => "",
        }
    }
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Any;

        impl<'de> Visitor<'de> for Any {
            type Value = Json;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("JSON")
            }

            fn visit_unit<E>(self) -> Result<Json, E> {
                Ok(Json::Null)
            }

            fn visit_bool<E>(self, truth: bool) -> Result<Json, E> {
                Ok(Json::Truth(truth))
            }

            fn visit_u64<E>(self, number: u64) -> Result<Json, E> {
                Ok(Json::Number(number))
            }

            fn visit_i64<E>(self, number: i64) -> Result<Json, E> {
                Ok(u64::try_from(number).map_or(Json::OtherNumber, Json::Number))
            }

            fn visit_f64<E>(self, _: f64) -> Result<Json, E> {
                Ok(Json::OtherNumber)
            }

            fn visit_str<E>(self, text: &str) -> Result<Json, E> {
                Ok(Json::Text(Secret::new(text.as_bytes().to_vec())))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Json, A::Error> {
                let mut items = Vec::new();
                while let Some(item) = access.next_element()? {
                    items.push(item);
                }
                Ok(Json::List(items))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Json, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = access.next_entry()? {
                    members.push(member);
                }
                Ok(Json::Object(members))
            }
        }

        deserializer.deserialize_any(Any)
    }
}

/// A value with its place in the whole.
pub struct Node<'a> {
    json: &'a Json,
    /// Where it was found; `None` for the whole.
    place: Option<(&'a Node<'a>, Step<'a>)>,
    /// How many of its members have been asked for and found.
    found: Cell<usize>,
}

/// From a value to one that it holds.
#[derive(Clone, Copy)]
enum Step<'a> {
    /// To the member of this name.
    Member(&'a str),
    /// To the item, or to the member of an unforeseen name, at this place. Such a name may be anything, so it is not told.
    Item(usize),
}

impl<'a> Node<'a> {
    fn below(&'a self, json: &'a Json, step: Step<'a>) -> Self {
        Self { json, place: Some((self, step)), found: Cell::new(0) }
    }

    /// Such as `pending[0].secret`; empty for the whole.
    fn path(&self) -> String {
        let Some((parent, step)) = self.place else { return String::new() };
        let mut path = parent.path();
        match step {
            Step::Item(place) => {
                path.push('[');
                path.push_str(&place.to_string());
                path.push(']');
            }
            Step::Member(name) => {
                if !path.is_empty() {
                    path.push('.');
                }
                path.push_str(name);
            }
        }
        path
    }

    /// The error that this value is, has or lacks something.
    pub fn wrong(&self, what: &str) -> String {
        let mut error = self.path();
        if error.is_empty() {
            error.push_str("the document");
        }
        error.push(' ');
        error.push_str(what);
        error
    }

    /// A member that has to be there.
    pub fn member(&'a self, name: &'a str) -> Result<Self, String> {
        self.members()?;
        self.find(name).ok_or_else(|| self.below(self.json, Step::Member(name)).wrong("is missing"))
    }

    /// A member that has to be there, read so.
    pub fn required<T>(&'a self, name: &'a str, read: impl Fn(&Self) -> Result<T, String>) -> Result<T, String> {
        read(&self.member(name)?)
    }

    /// A member that may be missing or null, read so.
    pub fn optional<T>(
        &'a self,
        name: &'a str,
        read: impl Fn(&Self) -> Result<T, String>,
    ) -> Result<Option<T>, String> {
        match self.find(name) {
            Some(node) if !matches!(node.json, Json::Null) => read(&node).map(Some),
            _ => Ok(None),
        }
    }

    /// What was read from the members, unless there are others that nobody has asked for, or one of them twice.
    pub fn nothing_beyond<T>(&self, read: T) -> Result<T, String> {
        if self.members()?.len() == self.found.get() {
            Ok(read)
        } else {
            Err(self.wrong("has a member that is unknown, or one twice"))
        }
    }

    /// This as one of several kinds: a word, or an object whose only member is named by the word and holds the rest.
    pub fn kind(&'a self) -> Result<(&'a str, Option<Self>), String> {
        match self.json {
            Json::Text(word) => Ok((word.expose_text(), None)),
            Json::Object(members) if let [(word, json)] = &members[..] => {
                Ok((word, Some(self.below(json, Step::Member(word)))))
            }
            _ => Err(self.unknown_kind()),
        }
    }

    /// The error that this is of none of the kinds there are.
    pub fn unknown_kind(&self) -> String {
        self.wrong("is of no known kind")
    }

    /// This as a text.
    pub fn text(&self) -> Result<&'a str, String> {
        match self.json {
            Json::Text(text) => Ok(text.expose_text()),
            _ => Err(self.wrong("is not a string")),
        }
    }

    /// This as a text of the reader's own.
    pub fn string(&self) -> Result<String, String> {
        self.text().map(str::to_owned)
    }

    /// This as a whole number of that size.
    pub fn number<T: TryFrom<u64>>(&self) -> Result<T, String> {
        match self.json {
            Json::Number(number) => T::try_from(*number).ok(),
            _ => None,
        }
        .ok_or_else(|| self.wrong("is not a number of its range"))
    }

    /// This as `true` or `false`.
    pub fn truth(&self) -> Result<bool, String> {
        match self.json {
            Json::Truth(truth) => Ok(*truth),
            _ => Err(self.wrong("is neither true nor false")),
        }
    }

    /// This as one of these words.
    pub fn one_of<T: Copy>(&self, words: &[(&str, T)]) -> Result<T, String> {
        let text = self.text()?;
        words.iter().find(|(word, _)| *word == text).map(|(_, meaning)| *meaning).ok_or_else(|| self.unknown_kind())
    }

    /// Whether this is a list.
    pub fn is_list(&self) -> bool {
        matches!(self.json, Json::List(_))
    }

    /// This as a list, each item read so.
    pub fn list<T>(&'a self, read: impl Fn(&Self) -> Result<T, String>) -> Result<Vec<T>, String> {
        match self.json {
            Json::List(items) => {
                items.iter().enumerate().map(|(place, json)| read(&self.below(json, Step::Item(place)))).collect()
            }
            _ => Err(self.wrong("is not a list")),
        }
    }

    /// This as a map from names that are not known beforehand, each value read so.
    pub fn map<T>(&'a self, read: impl Fn(&Self) -> Result<T, String>) -> Result<BTreeMap<String, T>, String> {
        let mut map = BTreeMap::new();
        for (place, (name, json)) in self.members()?.iter().enumerate() {
            map.insert(name.clone(), read(&self.below(json, Step::Item(place)))?);
        }
        Ok(map)
    }

    fn members(&self) -> Result<&'a [(String, Json)], String> {
        match self.json {
            Json::Object(members) => Ok(members),
            _ => Err(self.wrong("is not an object")),
        }
    }

    fn find(&'a self, name: &'a str) -> Option<Self> {
        let json = self.json.get(name)?;
        self.found.set(self.found.get() + 1);
        Some(self.below(json, Step::Member(name)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(text: &str, read: impl Fn(&Node<'_>) -> Result<(), String>) -> String {
        let json = Json::parse(text.as_bytes()).expect("json");
        read(&json.root()).expect_err("an error")
    }

    #[test]
    fn an_error_names_the_place_and_no_value() {
        let read = |node: &Node<'_>| {
            let list = |node: &Node<'_>| node.list(|node| node.required("b", |node| node.number::<u16>().map(|_| ())));
            node.required("a", list).map(|_| ())
        };
        for (text, told) in [
            ("7", "the document is not an object"),
            ("{}", "a is missing"),
            (r#"{"a":null}"#, "a is not a list"),
            (r#"{"a":[{"b":1},[]]}"#, "a[1] is not an object"),
            (r#"{"a":[{}]}"#, "a[0].b is missing"),
            (r#"{"a":[{"b":"hunter2"}]}"#, "a[0].b is not a number of its range"),
            (r#"{"a":[{"b":65536}]}"#, "a[0].b is not a number of its range"),
            (r#"{"a":[{"b":-1}]}"#, "a[0].b is not a number of its range"),
            (r#"{"a":[{"b":1.0}]}"#, "a[0].b is not a number of its range"),
        ] {
            assert_eq!(error(text, read), told, "{text}");
        }
        let map = |node: &Node<'_>| node.map(|node| node.truth()).map(|_| ());
        assert_eq!(error(r#"{"hunter2":1}"#, map), "[0] is neither true nor false");
    }

    #[test]
    fn members_that_nobody_asked_for_are_an_error_and_so_are_doubles() {
        let read = |node: &Node<'_>| {
            let a = node.optional("a", Node::truth)?;
            node.nothing_beyond(a)
        };
        for (text, expected) in [("{}", None), (r#"{"a":null}"#, None), (r#"{"a":true}"#, Some(true))] {
            assert_eq!(read(&Json::parse(text.as_bytes()).expect("json").root()), Ok(expected), "{text}");
        }
        for text in [r#"{"a":true,"b":1}"#, r#"{"b":1}"#, r#"{"a":true,"a":true}"#, r#"{"a":1}"#, "[]"] {
            assert!(read(&Json::parse(text.as_bytes()).expect("json").root()).is_err(), "{text}");
        }
    }
}
