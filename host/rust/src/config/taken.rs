//! What only one application may have, through all files of a configuration.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::{Format, Names};

/// Who has what. A file that turns out to have mistakes takes nothing.
pub(super) struct Taken {
    /// The file that is being read.
    file: Arc<Path>,
    /// Taken by the files before it.
    before: Claims,
    /// Taken by this one.
    own: Claims,
}

#[derive(Default)]
struct Claims {
    names: BTreeMap<String, Place>,
    client_ids: BTreeMap<String, (String, Place)>,
    files: BTreeMap<PathBuf, Vec<Written>>,
}

/// A line of a file.
#[derive(Clone)]
pub(super) struct Place {
    file: Arc<Path>,
    line: usize,
}

/// A file that a target writes, and how.
pub(super) struct Written {
    pub(super) app: String,
    pub(super) place: Place,
    pub(super) format: Format,
    pub(super) names: Names,
}

impl Written {
    /// Whether both can be kept in one file: they must not overwrite each other.
    pub(super) fn goes_with(&self, format: Format, names: &Names) -> bool {
        let all = |names: &Names| [names.client_id.clone(), names.client_secret.clone(), names.expires_at.clone()];
        self.format == format && all(&self.names).iter().all(|name| !all(names).contains(name))
    }
}

impl Taken {
    /// Nothing is taken yet; this is the first file.
    pub(super) fn new(file: &Path) -> Self {
        Self { file: file.into(), before: Claims::default(), own: Claims::default() }
    }

    /// The next file begins. What the one before has taken counts, unless it was forgotten.
    pub(super) fn begin(&mut self, file: &Path) {
        let Claims { mut names, mut client_ids, files } = std::mem::take(&mut self.own);
        self.before.names.append(&mut names);
        self.before.client_ids.append(&mut client_ids);
        for (path, written) in files {
            self.before.files.entry(path).or_default().extend(written);
        }
        self.file = file.into();
    }

    /// Nothing of the file that was read last is used.
    pub(super) fn forget(&mut self) {
        self.own = Claims::default();
    }

    /// A line of the file that is being read.
    pub(super) fn place(&self, line: usize) -> Place {
        Place { file: Arc::clone(&self.file), line }
    }

    /// A place as a person reads it who has this file open.
    pub(super) fn words(&self, place: &Place) -> String {
        if place.file == self.file {
            format!("line {}", place.line)
        } else {
            format!("{}:{}", place.file.display(), place.line)
        }
    }

    /// Where a name stands already.
    pub(super) fn name(&self, name: &str) -> Option<&Place> {
        self.own.names.get(name).or_else(|| self.before.names.get(name))
    }

    pub(super) fn take_name(&mut self, name: &str, place: Place) {
        self.own.names.insert(name.to_owned(), place);
    }

    /// Which application has a client id already, and where.
    pub(super) fn client_id(&self, client_id: &str) -> Option<&(String, Place)> {
        self.own.client_ids.get(client_id).or_else(|| self.before.client_ids.get(client_id))
    }

    pub(super) fn take_client_id(&mut self, client_id: &str, app: &str, place: Place) {
        self.own.client_ids.insert(client_id.to_owned(), (app.to_owned(), place));
    }

    /// Who writes a file already.
    pub(super) fn written(&self, file: &Path) -> impl Iterator<Item = &Written> {
        [&self.before, &self.own].into_iter().filter_map(|claims| claims.files.get(file)).flatten()
    }

    pub(super) fn take_file(&mut self, file: PathBuf, written: Written) {
        self.own.files.entry(file).or_default().push(written);
    }
}
