//! The applications of a configuration, and where to find one among many.

use std::ops::Deref;

use super::App;

/// The applications, in the order of their files. The strings of each are here and nowhere else: there may be very many.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Apps {
    all: Vec<App>,
    /// Their places in the order of their client ids.
    by_client_id: Vec<u32>,
}

impl Apps {
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
        Self { all, by_client_id }
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
