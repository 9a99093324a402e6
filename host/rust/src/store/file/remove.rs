//! How a record is removed.

use std::fs;

use super::{Error, FileStore, failure, read};
use crate::replace::{Replacement, remedy, sync_folder};

impl FileStore {
    /// Removes the record of this revision. Savers and removers take turns, as for a save.
    pub(super) fn erase(&self, client_id: &str, expected: &str) -> Result<(), Error> {
        let path = self.path(client_id);
        if !self.folder.is_dir() {
            return Err(Error::Conflict);
        }
        // Its lock is held to the end; nothing is put in the place of the record.
        let turn = Replacement::begin(&path, &path.with_extension("record.tmp"));
        let _turn = turn.map_err(|e| failure("write in the folder", &self.folder, &e))?;
        let stored = read(&path, client_id)?.map(|entry| entry.revision);
        if stored.as_deref() != Some(expected) {
            return Err(Error::Conflict);
        }
        fs::remove_file(&path).map_err(|e| failure("remove", &path, &e))?;
        sync_folder(&path).map_err(|error| {
            Error::Unavailable(format!(
                "{} was removed, but the system does not confirm that this will survive a loss of power: {error}{}",
                path.display(),
                remedy(&error)
            ))
        })
    }
}
