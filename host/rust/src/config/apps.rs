//! The applications of a configuration, and where to find one among many.

use std::ops::Deref;
use std::path::Path;
use std::sync::Arc;

use super::App;

/// The applications, in the order of their files. The strings of each are here and nowhere else: there may be very many.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Apps {
    all: Vec<App>,
    /// Their places in the order of their client ids.
    by_client_id: Vec<u32>,
    /// The files that they come from, in their order, each with the place behind its last one.
    files: Vec<(Arc<Path>, u32)>,
}

impl Apps {
    /// The applications of these files.
    pub(super) fn of_files(all: Vec<App>, files: Vec<(Arc<Path>, u32)>) -> Self {
        Self { files, ..Self::from(all) }
    }

    /// The applications of a file.
    pub(super) fn of_file(&self, path: &Path) -> &[App] {
        let Some(at) = self.files.iter().position(|(file, _)| **file == *path) else { return &[] };
        let begin = at.checked_sub(1).map_or(0, |before| self.files[before].1);
        &self.all[begin as usize..self.files[at].1 as usize]
    }

    /// The place of the application with this client id.
    pub fn place(&self, client_id: &str) -> Option<usize> {
        let found =
            self.by_client_id.binary_search_by(|place| self.all[*place as usize].client_id.as_str().cmp(client_id));
        found.ok().map(|at| self.by_client_id[at] as usize)
    }

    /// The application with this client id.
    pub fn find(&self, client_id: &str) -> Option<&App> {
        self.place(client_id).map(|place| &self.all[place])
    }
}

impl From<Vec<App>> for Apps {
    fn from(mut all: Vec<App>) -> Self {
        all.shrink_to_fit();
        let mut by_client_id: Vec<u32> = (0..).take(all.len()).collect();
        by_client_id.sort_unstable_by(|a, b| all[*a as usize].client_id.cmp(&all[*b as usize].client_id));
        Self { all, by_client_id, files: Vec::new() }
    }
}

impl Deref for Apps {
    type Target = [App];

    fn deref(&self) -> &[App] {
        &self.all
    }
}

impl<'a> IntoIterator for &'a Apps {
    type Item = &'a App;
    type IntoIter = std::slice::Iter<'a, App>;

    fn into_iter(self) -> Self::IntoIter {
        self.all.iter()
    }
}
