//! What is wrong in a configuration file, and where.

mod excerpt;

use std::fmt;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};

use crate::owner;

/// One mistake.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Mistake {
    /// The line, counted from 1; `None` when it is about the file as a whole.
    pub line: Option<usize>,
    /// What is wrong.
    pub text: String,
    /// What to do.
    pub hint: Option<String>,
    /// The line itself, and below it a mark at the place, where the line is no TOML. What might be a secret in it is hidden.
    pub excerpt: Option<[String; 2]>,
}

/// Every mistake in a configuration file, in the order of its lines.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Mistakes {
    /// The file.
    pub path: PathBuf,
    /// At least one.
    pub all: Vec<Mistake>,
}

impl Mistakes {
    /// The file cannot be read at all.
    pub(super) fn unreadable(path: &Path, error: &io::Error) -> Self {
        let text = match error.kind() {
            io::ErrorKind::NotFound => "no such file".to_owned(),
            io::ErrorKind::InvalidData => "the file is not UTF-8 text".to_owned(),
            _ => format!("the configuration cannot be read: {error}{}", owner::remedy(path, error)),
        };
        Self { path: path.to_owned(), all: vec![Mistake { line: None, text, hint: None, excerpt: None }] }
    }

    /// A mistake's place, as editors and terminals understand it.
    pub fn place(&self, mistake: &Mistake) -> String {
        match mistake.line {
            Some(line) => format!("{}:{line}", self.path.display()),
            None => self.path.display().to_string(),
        }
    }
}

impl fmt::Display for Mistakes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, mistake) in self.all.iter().enumerate() {
            if index > 0 {
                f.write_str("; ")?;
            }
            write!(f, "{}: {}", self.place(mistake), mistake.text)?;
        }
        Ok(())
    }
}

impl std::error::Error for Mistakes {}

/// A text that may quote the file, without what would move the cursor of a terminal.
fn one_line(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_control() { line.extend(c.escape_debug()) } else { line.push(c) }
    }
    line
}

/// Collects mistakes while a file is read.
pub(super) struct Report {
    /// Where lines end: a file may hold as many mistakes as lines.
    ends: Vec<usize>,
    all: Vec<Mistake>,
}

impl Report {
    pub(super) fn new(text: &str) -> Self {
        Self { ends: text.match_indices('\n').map(|(end, _)| end).collect(), all: Vec::new() }
    }

    pub(super) fn add(&mut self, at: Option<Range<usize>>, text: impl Into<String>, hint: Option<&str>) {
        let line = at.map(|at| self.line(&at));
        self.all.push(Mistake { line, text: one_line(&text.into()), hint: hint.map(one_line), excerpt: None });
    }

    /// The same for what is no TOML, with its line.
    pub(super) fn add_shown(&mut self, at: Option<Range<usize>>, text: &str, whole: &str) {
        let shown = at.as_ref().and_then(|at| excerpt::of(whole, at.start));
        let hint = at.as_ref().and_then(|at| excerpt::hint(whole, at.start));
        self.add(at, text, hint);
        if let Some(mistake) = self.all.last_mut() {
            mistake.excerpt = shown;
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    pub(super) fn line(&self, at: &Range<usize>) -> usize {
        self.ends.partition_point(|end| *end < at.start) + 1
    }

    pub(super) fn mistakes(mut self, path: &Path) -> Mistakes {
        self.all.sort_by_key(|mistake| mistake.line);
        Mistakes { path: path.to_owned(), all: self.all }
    }
}
