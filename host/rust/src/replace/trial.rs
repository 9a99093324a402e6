//! Whether a file could be replaced, tried with a file that never gets a name: nothing in the folder changes.

use std::{
    fs::{File, Metadata},
    io::{self, Write},
    path::{Path, PathBuf},
};

use super::{access, sync_folder};
use crate::owner;

/// A file in the folder without a name; or only what the system says of the folder, where its file system has none.
pub(crate) struct Trial {
    folder: PathBuf,
    file: Option<File>,
}

/// What was being done, and why it failed.
pub(crate) type Failed = (&'static str, io::Error);

impl Trial {
    /// Makes, locks, writes and syncs a file of this length in the folder, and syncs the folder.
    pub(crate) fn of(folder: &Path, length: usize) -> Result<Self, Failed> {
        let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
        access(folder).map_err(|error| ("write in", error))?;
        let file = nameless(folder).map_err(|error| ("write in", error))?;
        if let Some(mut file) = file.as_ref() {
            file.try_lock().map_err(|error| ("lock files in", without(error.into(), "locks")))?;
            file.write_all(&vec![0; length]).map_err(|error| ("write in", error))?;
            file.sync_all().map_err(|error| ("sync files in", without(error, "syncing")))?;
        }
        sync_folder(&folder.join("file")).map_err(|error| ("sync", without(error, "syncing of folders")))?;
        Ok(Self { folder: folder.to_owned(), file })
    }

    /// Gives the file to this user and group.
    pub(crate) fn give(&self, owner: u32, group: u32) -> io::Result<()> {
        self.file.as_ref().map_or(Ok(()), |file| owner::give(file, owner, group))
    }

    /// Why it was not tried; `None` if it was.
    pub(crate) fn not_tried(&self) -> Option<String> {
        let folder = self.folder.display();
        let text = || {
            format!(
                "whether files in {folder} can be locked and synced was not tried, because its file system has no files without names"
            )
        };
        self.file.is_none().then(text)
    }
}

/// The same error, with what to do where the file system does not know the thing at all.
fn without(error: io::Error, what: &str) -> io::Error {
    const ENOLCK: i32 = 37;

    let is_unknown = matches!(error.kind(), io::ErrorKind::Unsupported | io::ErrorKind::InvalidInput)
        || error.raw_os_error() == Some(ENOLCK);
    if !is_unknown {
        return error;
    }
    io::Error::new(
        error.kind(),
        format!("{error}; its file system is without {what}: use a local one, or mount it with them"),
    )
}

/// An error if another file cannot get this one's name: what is mounted there, or may not be changed.
pub(crate) fn may_be_replaced(path: &Path, found: &Metadata) -> io::Result<()> {
    crate::regular::expect(found.file_type())?;
    #[cfg(target_os = "linux")]
    {
        use rustix::fs::{AtFlags, CWD, StatxAttributes, StatxFlags, statx};

        let attributes = |path: &Path| match statx(CWD, path, AtFlags::empty(), StatxFlags::BASIC_STATS) {
            Ok(found) => Ok(found.stx_attributes & found.stx_attributes_mask),
            // Kernels and sandboxes that do not know it.
            Err(rustix::io::Errno::NOSYS) => Ok(StatxAttributes::empty()),
            Err(error) => Err(io::Error::from(error)),
        };
        let of_file = attributes(path)?;
        if of_file.contains(StatxAttributes::MOUNT_ROOT) {
            return Err(rustix::io::Errno::BUSY.into());
        }
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let fixed = StatxAttributes::IMMUTABLE | StatxAttributes::APPEND;
        if of_file.intersects(fixed) || attributes(folder)?.intersects(fixed) {
            return Err(io::Error::other("chattr has made it immutable or append-only"));
        }
    }
    Ok(())
}

#[cfg(target_os = "linux")]
fn nameless(folder: &Path) -> io::Result<Option<File>> {
    use rustix::fs::{CWD, Mode, OFlags, openat};
    use rustix::io::Errno;

    let flags = OFlags::TMPFILE | OFlags::RDWR | OFlags::CLOEXEC;
    match openat(CWD, folder, flags, Mode::RUSR | Mode::WUSR) {
        Ok(file) => Ok(Some(file.into())),
        Err(Errno::OPNOTSUPP | Errno::ISDIR | Errno::INVAL | Errno::NOENT) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

#[cfg(not(target_os = "linux"))]
fn nameless(_: &Path) -> io::Result<Option<File>> {
    Ok(None)
}
