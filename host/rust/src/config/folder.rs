//! Applications in a folder of TOML files, each with tables `[apps.NAME]`. A file with mistakes is left out; the others count.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::application::applications;
use super::mistake::{Mistake, Mistakes, Report};
use super::section::Section;
use super::taken::Taken;
use super::{LONGEST, Queue, Skipped, table};
use crate::regular;

/// The folder, and the line that names it.
pub(super) struct AppsFolder {
    pub(super) path: PathBuf,
    pub(super) line: usize,
}

impl AppsFolder {
    /// Its files, in the order of their names. Hidden ones belong to editors and to those who copy files.
    pub(super) fn files(&self) -> io::Result<Vec<PathBuf>> {
        let mut files = Vec::new();
        for entry in fs::read_dir(&self.path)? {
            let path = entry?.path();
            let is_hidden = path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
            if !is_hidden && path.extension().is_some_and(|extension| extension == "toml") {
                files.push(path);
            }
        }
        files.sort_unstable();
        Ok(files)
    }

    /// It cannot be read: a mistake of the file that names it.
    pub(super) fn unreadable(&self, configuration: &Path, error: &io::Error) -> Mistakes {
        let mistake = Mistake {
            line: Some(self.line),
            text: format!("the folder of applications {} cannot be read: {error}", self.path.display()),
            excerpt: None,
            hint: Some("make it, and let the user that runs lwa-rotate read it; it may be empty".to_owned()),
        };
        Mistakes { path: configuration.to_owned(), all: vec![mistake] }
    }
}

/// Takes up the applications of one file. `base` is where their paths start.
pub(super) fn file(
    path: &Path,
    base: &Path,
    queues: &BTreeMap<String, Option<Queue>>,
    taken: &mut Taken,
) -> Result<(), Skipped> {
    let text = match regular::read_text(path, LONGEST) {
        Ok(text) => text,
        Err(error) => {
            return Err(Skipped { mistakes: Mistakes::unreadable(path, &error), apps: Vec::new(), kept: Vec::new() });
        }
    };
    taken.begin(path);
    let mut report = Report::new(&text);
    let Some(table) = table(&text, &mut report) else {
        return Err(Skipped { mistakes: report.mistakes(path), apps: Vec::new(), kept: Vec::new() });
    };
    let mut root = Section::root(table.get_ref());
    let mut names = Vec::new();
    let apps = applications(&mut root, base, queues, taken, &mut names, &mut report);
    root.finish(&mut report);
    if report.is_empty() {
        taken.keep(apps);
        return Ok(());
    }
    Err(Skipped { mistakes: report.mistakes(path), apps: names, kept: Vec::new() })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;
