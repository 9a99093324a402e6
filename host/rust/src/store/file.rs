//! One file for each client id.

mod envelope;
mod remove;

use std::{
    fs,
    io::{self, ErrorKind},
    os::unix::fs::{DirBuilderExt, MetadataExt, chown},
    path::{Path, PathBuf},
};

use async_trait::async_trait;

use super::{Entry, Error, Revision, Store, name, revision};
use crate::{
    aside::{Of, aside},
    owner,
    publish::Probe,
    regular,
    replace::{Failed, Replacement, Trial, may_be_replaced, remedy, sync_folder},
    secret::Secret,
};

/// Keeps each document in a file of its own in one folder: `CLIENT-ID.record`, readable by its owner alone.
///
/// A save writes a temporary file in the same folder, syncs it, renames it over the record and syncs the folder; so a
/// document survives the loss of power, as far as the disk tells the truth about what it has written. Savers in this and in
/// other processes take turns by an advisory lock. That needs a local file system, or a network one that honours locks
/// between machines.
///
/// A record keeps its owner at each save, also by another user; a new one, and the folder, belong to the owner of the folder
/// that they are made in when root makes them. So one run as another user does not lock a service out: where the owner cannot be kept, the save
/// fails.
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

/// What a save has to have room for, at least (`wit/store.wit`).
const TRIED: usize = 64 << 10;

impl FileStore {
    /// A store in this folder. Nothing is touched yet; the first save creates the folder, for its owner alone.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into() }
    }

    /// Whether the records of these client ids could be saved, tried without a trace: a file in the folder can be locked,
    /// written, synced and given to each record's owner. Where the folder is not there yet, it can be made.
    pub async fn probe(&self, client_ids: impl IntoIterator<Item = impl AsRef<str>>) -> Result<Probe, Error> {
        let (store, records) = (self.clone(), client_ids.into_iter().map(|id| self.path(id.as_ref())).collect());
        aside(Of::Store, &self.folder, move || store.look(records)).await
    }

    fn look(&self, records: Vec<PathBuf>) -> Result<Probe, Error> {
        // The first save makes the folder, and those above it.
        let there = self.folder.ancestors().find(|folder| folder.as_os_str().is_empty() || folder.exists());
        let there = there.unwrap_or(&self.folder);
        let trial = Trial::of(there, TRIED).map_err(|(doing, e)| failure(doing, there, &e))?;
        for record in records {
            let found = match fs::metadata(&record) {
                Ok(found) => found,
                Err(error) if error.kind() == ErrorKind::NotFound => continue,
                Err(error) => return Err(failure("read", &record, &error)),
            };
            may_be_replaced(&record, &found).map_err(|e| failure("replace", &record, &e))?;
            trial.give(found.uid(), found.gid()).map_err(|e| not_kept(&record, found.uid(), &e))?;
        }
        Ok(match trial.not_tried() {
            None => Probe::Fine(format!("{} can be written", self.folder.display())),
            Some(why) => Probe::NotChecked(why),
        })
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
        let place = path.clone();
        aside(Of::Store, &place, move || read(&path, &client_id)).await
    }

    async fn save(&self, client_id: &str, document: Secret, expected: Option<&str>) -> Result<Revision, Error> {
        let (store, client_id, expected) = (self.clone(), client_id.to_owned(), expected.map(str::to_owned));
        // When the caller goes away meanwhile, this goes on to its end: the file is whole at any time.
        let place = self.path(&client_id);
        aside(Of::Store, &place, move || store.write(&client_id, &document, expected.as_deref())).await
    }

    async fn remove(&self, client_id: &str, expected: &str) -> Result<(), Error> {
        let (store, client_id, expected) = (self.clone(), client_id.to_owned(), expected.to_owned());
        let place = self.path(&client_id);
        aside(Of::Store, &place, move || store.erase(&client_id, &expected)).await
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
        keep_owner(&replacement, &path, &self.folder)?;

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

/// Gives the new file to the owner of the record that is there, or for a new one as the folder says.
fn keep_owner(replacement: &Replacement, record: &Path, folder: &Path) -> Result<(), Error> {
    let (owner, group) = match fs::metadata(record) {
        Ok(found) => (found.uid(), found.gid()),
        Err(error) if error.kind() == ErrorKind::NotFound => {
            let folder = fs::metadata(folder).map_err(|e| failure("read", folder, &e))?;
            let Some(of_new) = owner::of_new(&folder) else { return Ok(()) };
            of_new
        }
        Err(error) => return Err(failure("read", record, &error)),
    };
    owner::give(replacement.file(), owner, group).map_err(|error| not_kept(record, owner, &error))
}

/// A record that its owner could not read any more would lock out the service that runs as that user.
fn not_kept(record: &Path, owner: u32, error: &io::Error) -> Error {
    let (record, owner) = (record.display(), owner::user(owner));
    Error::AccessDenied(format!(
        "cannot keep the owner of {record}: {error}; it belongs to {owner}, who could not read it afterwards: run lwa-rotate as that user"
    ))
}

fn read(path: &Path, client_id: &str) -> Result<Option<Entry>, Error> {
    let content = match regular::read(path, LONGEST) {
        Ok((content, _)) => content,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failure("read", path, &error)),
    };
    let (revision, document) = envelope::open(client_id, content).map_err(|what| {
        Error::Other(format!(
            "{} is not a readable record: {what}; it is left as it is. Put back a copy, or move it away and enroll again",
            path.display()
        ))
    })?;
    Ok(Some(Entry { revision, document }))
}

/// Folders that root makes belong to who owns the one that they are made in.
fn create_folder(folder: &Path) -> io::Result<()> {
    let missing: Vec<&Path> =
        folder.ancestors().take_while(|folder| !folder.as_os_str().is_empty() && !folder.exists()).collect();
    for folder in missing.into_iter().rev() {
        match fs::DirBuilder::new().mode(0o700).create(folder) {
            Ok(()) => {}
            Err(error) if error.kind() == ErrorKind::AlreadyExists => continue,
            Err(error) => return Err(error),
        }
        let parent = folder.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let made = fs::metadata(folder)?;
        if let Some(owner) = owner::of_new(&fs::metadata(parent)?)
            && owner != (made.uid(), made.gid())
        {
            chown(folder, Some(owner.0), Some(owner.1))?;
        }
        sync_folder(folder)?;
    }
    Ok(())
}

fn failure(doing: &str, path: &Path, error: &io::Error) -> Error {
    let (shown, remedy) = (path.display(), remedy(error));
    match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge => {
            Error::Full(format!("cannot {doing} {shown}: {error}{remedy}"))
        }
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => {
            Error::AccessDenied(format!("cannot {doing} {shown}: {error}{}", owner::remedy(path, error)))
        }
        _ => Error::Unavailable(format!("cannot {doing} {shown}: {error}{remedy}")),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;
