//! One table of the file: typed access to its keys, and what was not asked for.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::duration::article;
use super::mistake::Report;

/// How alike two words must be, from 0 to 1, for one to be offered in place of the other.
const ALIKE: f64 = 0.75;

/// A value with its place in the file.
#[derive(Clone, Debug)]
pub(super) struct Setting<T> {
    pub(super) value: T,
    pub(super) at: Range<usize>,
}

/// A table that is being read.
pub(super) struct Section<'a> {
    name: String,
    at: Option<Range<usize>>,
    table: &'a DeTable<'a>,
    known: Vec<&'static str>,
    lenient: bool,
}

impl<'a> Section<'a> {
    pub(super) fn root(table: &'a DeTable<'a>) -> Self {
        Self { name: String::new(), at: None, table, known: Vec::new(), lenient: false }
    }

    /// The place of its header.
    pub(super) fn at(&self) -> Option<Range<usize>> {
        self.at.clone()
    }

    /// Whether the key is there, whatever its value.
    pub(super) fn holds(&self, key: &str) -> bool {
        self.table.iter().any(|(name, _)| name.get_ref() == key)
    }

    /// The place of a key's name.
    pub(super) fn key(&self, key: &str) -> Option<Range<usize>> {
        self.table.keys().find(|name| name.get_ref() == key).map(Spanned::span)
    }

    /// The value of a key, of any type.
    pub(super) fn value(&mut self, key: &'static str) -> Option<Setting<&'a DeValue<'a>>> {
        self.known.push(key);
        let (_, value) = self.table.iter().find(|(name, _)| name.get_ref() == key)?;
        Some(Setting { value: value.get_ref(), at: value.span() })
    }

    /// A text that is not empty.
    pub(super) fn text(&mut self, key: &'static str, report: &mut Report) -> Option<Setting<&'a str>> {
        let setting = self.value(key)?;
        let Some(text) = setting.value.as_str() else {
            let kind = article(setting.value.type_str());
            report.add(Some(setting.at), format!("`{key}` must be a text, not {kind}"), Some("put it in quotes"));
            return None;
        };
        if text.trim().is_empty() {
            report.add(Some(setting.at), format!("`{key}` is empty"), None);
            return None;
        }
        Some(Setting { value: text, at: setting.at })
    }

    /// A text that must be there.
    pub(super) fn required_text(&mut self, key: &'static str, report: &mut Report) -> Option<Setting<&'a str>> {
        if !self.holds(key) {
            self.known.push(key);
            self.missing(key, None, report);
            return None;
        }
        self.text(key, report)
    }

    /// Reports that a key is missing.
    pub(super) fn missing(&self, key: &str, hint: Option<&str>, report: &mut Report) {
        report.add(self.at(), format!("missing key `{key}` in {}", self.name), hint);
    }

    /// Whether a key has a name that it has elsewhere; that is reported then.
    pub(super) fn is_misnamed(&mut self, name: &'static str, key: &str, report: &mut Report) -> bool {
        let found = self.key(name);
        if let Some(at) = &found {
            self.known.push(name);
            report.add(
                Some(at.clone()),
                format!("unknown key `{name}` in {}", self.name),
                Some(&format!("did you mean `{key}`?")),
            );
        }
        found.is_some()
    }

    /// Takes every key for known, where a mistake has been reported already that leaves their meaning open.
    pub(super) fn ignore_the_rest(&mut self) {
        self.lenient = true;
    }

    /// One of several words; `None` where the key is missing, and also, with a mistake reported, where it is wrong.
    pub(super) fn choice<T: Clone>(
        &mut self,
        key: &'static str,
        words: &[(&str, T)],
        report: &mut Report,
    ) -> Option<T> {
        let text = self.text(key, report)?;
        if let Some((_, value)) = words.iter().find(|(word, _)| *word == text.value) {
            return Some(value.clone());
        }
        let offered: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
        let other_case = offered.iter().find(|word| word.eq_ignore_ascii_case(text.value.trim()));
        let hint = match (other_case, offered.as_slice()) {
            (Some(word), _) => format!("did you mean \"{word}\"?"),
            (None, [one]) => format!("the only one there is: \"{one}\""),
            (None, several) => {
                format!("one of: {}", several.iter().map(|word| format!("\"{word}\"")).collect::<Vec<_>>().join(", "))
            }
        };
        report.add(Some(text.at), format!("unknown {key} \"{}\"", text.value), Some(&hint));
        None
    }

    /// The table under a key.
    pub(super) fn section(&mut self, key: &'static str, report: &mut Report) -> Option<Section<'a>> {
        let setting = self.value(key)?;
        let at = self.key(key);
        self.child(key, at, &setting, report)
    }

    /// All tables in this one, in the order of the file, by the names that the user gave them.
    pub(super) fn sections(&mut self, report: &mut Report) -> Vec<(Setting<&'a str>, Section<'a>)> {
        let mut entries: Vec<_> = self.table.iter().collect();
        entries.sort_by_key(|(name, _)| name.span().start);
        let mut sections = Vec::new();
        for (name, value) in entries {
            let name = Setting { value: name.get_ref().as_ref(), at: name.span() };
            let value = Setting { value: value.get_ref(), at: value.span() };
            if !is_name(name.value) {
                report.add(
                    Some(name.at.clone()),
                    format!("\"{}\" cannot be used as a name", name.value.escape_debug()),
                    Some("use letters, digits, `-`, `_` and `.`, with a letter or digit first"),
                );
            }
            if let Some(section) = self.child(name.value, Some(name.at.clone()), &value, report) {
                sections.push((name, section));
            }
        }
        sections
    }

    /// The tables of an array of tables.
    pub(super) fn list(&mut self, key: &'static str, report: &mut Report) -> Vec<Section<'a>> {
        let Some(setting) = self.value(key) else {
            return Vec::new();
        };
        let name = format!("[{}]", self.path(key));
        let Some(list) = setting.value.as_array() else {
            let kind = article(setting.value.type_str());
            report.add(
                self.key(key),
                format!("`{key}` must be a list of tables, not {kind}"),
                Some(&format!("write [{name}]")),
            );
            return Vec::new();
        };
        let mut sections = Vec::new();
        for item in list.iter() {
            match item.get_ref().as_table() {
                Some(table) => sections.push(Section {
                    name: format!("[{name}]"),
                    at: Some(item.span()),
                    table,
                    known: Vec::new(),
                    lenient: false,
                }),
                None => report.add(
                    Some(item.span()),
                    format!("`{key}` must hold tables only"),
                    Some(&format!("write [{name}]")),
                ),
            }
        }
        sections
    }

    /// Reports every key that was not asked for.
    pub(super) fn finish(self, report: &mut Report) {
        for (name, _) in self.table.iter().filter(|(name, _)| !self.known.contains(&name.get_ref().as_ref())) {
            let key = name.get_ref();
            if self.lenient && !sounds_secret(key) {
                continue;
            }
            if sounds_secret(key) {
                report.add(
                    Some(name.span()),
                    format!("secrets are never read from the configuration: `{key}`"),
                    Some("remove this line, and supply the secret with `lwa-rotate enroll`, which reads it from stdin, a file or a prompt"),
                );
                continue;
            }
            let place = if self.name.is_empty() { String::new() } else { format!(" in {}", self.name) };
            let hint = match nearest(key, &self.known) {
                Some(nearest) => format!("did you mean `{nearest}`?"),
                None => format!(
                    "known here: {}",
                    self.known.iter().map(|key| format!("`{key}`")).collect::<Vec<_>>().join(", ")
                ),
            };
            report.add(Some(name.span()), format!("unknown key `{}`{place}", key.escape_debug()), Some(&hint));
        }
    }

    fn child(
        &self,
        key: &str,
        at: Option<Range<usize>>,
        setting: &Setting<&'a DeValue<'a>>,
        report: &mut Report,
    ) -> Option<Section<'a>> {
        let name = format!("[{}]", self.path(key));
        let Some(table) = setting.value.as_table() else {
            let kind = article(setting.value.type_str());
            let (text, hint) =
                (format!("`{key}` must be a table, not {kind}"), format!("write {name} and its keys below"));
            // A text in the place of a table is often a secret's place by name as well.
            if sounds_secret(key) {
                report.add(
                    at,
                    "secrets are never read from the configuration",
                    Some("supply the secret with `lwa-rotate enroll`"),
                );
            } else {
                report.add(at, text, Some(&hint));
            }
            return None;
        };
        Some(Section { name, at, table, known: Vec::new(), lenient: false })
    }

    fn path(&self, key: &str) -> String {
        let parent = self.name.trim_start_matches('[').trim_end_matches(']');
        if parent.is_empty() { key.to_owned() } else { format!("{parent}.{key}") }
    }
}

/// Whether a name can be typed as an argument and printed in a table.
pub(super) fn is_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphanumeric())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c))
}

pub(super) fn sounds_secret(key: &str) -> bool {
    let key = key.to_ascii_lowercase();
    key.contains("secret") || key.contains("password")
}

pub(super) fn nearest<'k>(key: &str, known: &[&'k str]) -> Option<&'k str> {
    let likeness = |other: &str| strsim::jaro_winkler(&key.to_ascii_lowercase().replace('_', "-"), other);
    known
        .iter()
        .map(|other| (likeness(other), *other))
        .filter(|(likeness, _)| *likeness >= ALIKE)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, other)| other)
}
