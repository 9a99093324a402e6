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
        Node::new(self, String::new())
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
    path: String,
    /// How many of its members have been asked for and found.
    found: Cell<usize>,
}

impl<'a> Node<'a> {
    fn new(json: &'a Json, path: String) -> Self {
        Self { json, path, found: Cell::new(0) }
    }

    /// The error that this value is, has or lacks something.
    pub fn wrong(&self, what: &str) -> String {
        let name = if self.path.is_empty() { "the document" } else { &self.path };
        [name, " ", what].concat()
    }

    /// A member that has to be there.
    pub fn member(&self, name: &str) -> Result<Self, String> {
        self.members()?;
        self.find(name).ok_or_else(|| self.below(name) + " is missing")
    }

    /// A member that has to be there, read so.
    pub fn required<T>(&self, name: &str, read: impl Fn(&Self) -> Result<T, String>) -> Result<T, String> {
        read(&self.member(name)?)
    }

    /// A member that may be missing or null, read so.
    pub fn optional<T>(&self, name: &str, read: impl Fn(&Self) -> Result<T, String>) -> Result<Option<T>, String> {
        match self.find(name) {
            Some(node) if !matches!(node.json, Json::Null) => read(&node).map(Some),
            _ => Ok(None),
        }
    }

    /// What was read from the members, unless there are others that nobody has asked for, or one of them twice.
    pub fn nothing_beyond<T>(&self, read: T) -> Result<T, String> {
        if self.members()?.len() == self.found.get() { Ok(read) } else { Err(self.wrong("has an unknown member")) }
    }

    /// This as one of several kinds: a word, or an object whose only member is named by the word and holds the rest.
    pub fn kind(&self) -> Result<(&'a str, Option<Self>), String> {
        match self.json {
            Json::Text(word) => Ok((word.expose_text(), None)),
            Json::Object(members) if let [(word, json)] = &members[..] => {
                Ok((word, Some(Self::new(json, self.below(word)))))
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

    /// This as a list, each item read so.
    pub fn list<T>(&self, read: impl Fn(&Self) -> Result<T, String>) -> Result<Vec<T>, String> {
        match self.json {
            Json::List(items) => items.iter().enumerate().map(|(place, json)| read(&self.item(place, json))).collect(),
            _ => Err(self.wrong("is not a list")),
        }
    }

    /// This as a map from names that are not known beforehand, each value read so.
    pub fn map<T>(&self, read: impl Fn(&Self) -> Result<T, String>) -> Result<BTreeMap<String, T>, String> {
        let members = self.members()?.iter().enumerate();
        members.map(|(place, (name, json))| Ok((name.clone(), read(&self.item(place, json))?))).collect()
    }

    fn members(&self) -> Result<&'a [(String, Json)], String> {
        match self.json {
            Json::Object(members) => Ok(members),
            _ => Err(self.wrong("is not an object")),
        }
    }

    fn find(&self, name: &str) -> Option<Self> {
        let json = self.json.get(name)?;
        self.found.set(self.found.get() + 1);
        Some(Self::new(json, self.below(name)))
    }

    fn below(&self, name: &str) -> String {
        if self.path.is_empty() { name.to_owned() } else { [&self.path, ".", name].concat() }
    }

    /// Named by its place: a name that is not known beforehand may be anything.
    fn item(&self, place: usize, json: &'a Json) -> Self {
        Self::new(json, format!("{}[{place}]", self.path))
    }
}
