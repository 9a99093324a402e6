//! One file for each client id.

mod envelope;
mod remove;

use std::{
    fs::{self, File},
    io::{self, ErrorKind, Read},
    path::{Path, PathBuf},
};

use async_trait::async_trait;

use super::{Entry, Error, Revision, Store, name, revision};
use crate::{
    aside::aside,
    replace::{Failed, Replacement, probe, remedy, sync_folder},
    secret::Secret,
};

/// Keeps each document in a file of its own in one folder: `CLIENT-ID.record`, readable by its owner alone.
///
/// A save writes a temporary file in the same folder, syncs it, renames it over the record and syncs the folder; so a
/// document survives the loss of power, as far as the disk tells the truth about what it has written. Savers in this and in
/// other processes take turns by an advisory lock. That needs a local file system, or a network one that honours locks
/// between machines.
///
/// A damaged file (cut, changed, of another client id, of a later version) is not loaded and never overwritten.
///
/// What can be lost: nothing that was saved, while the disk lives. Deleting or restoring a file is noticed by whoever saves a
/// revision read before; but an older copy that is put back is taken for the present one, so do not restore single records
/// from a backup without need.
#[derive(Clone, Debug)]
pub struct FileStore {
    folder: PathBuf,
}

/// No record is anywhere near as long.
const LONGEST: u64 = 16 << 20;

impl FileStore {
    /// A store in this folder. Nothing is touched yet; the first save creates the folder, for its owner alone.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into() }
    }

    /// Whether records could be saved, as far as that can be told without writing: the folder may be written, or made.
    pub fn probe(&self) -> Result<(), Error> {
        // The first save makes the folder, and those above it.
        let there = self.folder.ancestors().find(|folder| folder.as_os_str().is_empty() || folder.exists());
        let there = there.unwrap_or(&self.folder);
        probe(there).map_err(|e| failure("write in the folder", there, &e))
    }

    /// The file that holds the record of this client id, whether it is there or not.
    pub fn path(&self, client_id: &str) -> PathBuf {
        self.folder.join(format!("{}.record", name::of(client_id, '%')))
    }
}

#[async_trait]
impl Store for FileStore {
    async fn load(&self, client_id: &str) -> Result<Option<Entry>, Error> {
        let (path, client_id) = (self.path(client_id), client_id.to_owned());
        aside(move || read(&path, &client_id)).await
    }

    async fn save(&self, client_id: &str, document: Secret, expected: Option<&str>) -> Result<Revision, Error> {
        let (store, client_id, expected) = (self.clone(), client_id.to_owned(), expected.map(str::to_owned));
        // When the caller goes away meanwhile, this goes on to its end: the file is whole at any time.
        aside(move || store.write(&client_id, &document, expected.as_deref())).await
    }

    async fn remove(&self, client_id: &str, expected: &str) -> Result<(), Error> {
        let (store, client_id, expected) = (self.clone(), client_id.to_owned(), expected.to_owned());
        aside(move || store.erase(&client_id, &expected)).await
    }
}

impl FileStore {
    fn write(&self, client_id: &str, document: &Secret, expected: Option<&str>) -> Result<Revision, Error> {
        let path = self.path(client_id);
        if !self.folder.is_dir() {
            if expected.is_some() {
                return Err(Error::Conflict);
            }
            create_folder(&self.folder).map_err(|e| failure("create the folder", &self.folder, &e))?;
        }

        let replacement = Replacement::begin(&path, &path.with_extension("record.tmp"));
        let replacement = replacement.map_err(|e| failure("write in the folder", &self.folder, &e))?;
        let stored = read(&path, client_id)?.map(|entry| entry.revision);
        if stored.as_deref() != expected {
            return Err(Error::Conflict);
        }

        let revision = revision::next(stored.as_deref())?;
        let line = envelope::line(client_id, &revision, document.expose());
        match replacement.commit(&[line.as_bytes(), document.expose()]) {
            Ok(()) => Ok(revision),
            Err(Failed::Before(error)) => Err(failure("write", &path, &error)),
            Err(Failed::After(error)) => Err(Error::Unavailable(format!(
                "{} was written, but the system does not confirm that it will survive a loss of power: {error}{}",
                path.display(),
                remedy(&error)
            ))),
        }
    }
}

fn read(path: &Path, client_id: &str) -> Result<Option<Entry>, Error> {
    let mut file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failure("read", path, &error)),
    };
    let content = read_to_end(&mut file).map_err(|e| failure("read", path, &e))?;
    let (revision, document) = envelope::open(client_id, content).map_err(|what| {
        Error::Other(format!(
            "{} is not a readable record: {what}; it is left as it is. Put back a copy, or move it away and enroll again",
            path.display()
        ))
    })?;
    Ok(Some(Entry { revision, document }))
}

/// Into memory of the right size at once: growing would leave unwiped copies behind.
fn read_to_end(file: &mut File) -> io::Result<Secret> {
    let length = file.metadata()?.len().min(LONGEST);
    let mut content = Vec::with_capacity(usize::try_from(length).unwrap_or_default() + 1);
    file.take(LONGEST + 1).read_to_end(&mut content)?;
    Ok(content.into())
}

fn create_folder(folder: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)?;
    sync_folder(folder)
}

fn failure(doing: &str, path: &Path, error: &io::Error) -> Error {
    let (path, remedy) = (path.display(), remedy(error));
    match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge => {
            Error::Full(format!("cannot {doing} {path}: {error}{remedy}"))
        }
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => Error::AccessDenied(format!(
            "cannot {doing} {path}: {error}; let the user that runs lwa-rotate own and write the store's folder"
        )),
        _ => Error::Unavailable(format!("cannot {doing} {path}: {error}{remedy}")),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;
