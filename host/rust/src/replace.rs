//! Replaces a file as a whole: readers find the old content or the new one, and never a part.
//!
//! The temporary file is the lock as well. Whoever wants to replace `target` creates `temporary` in the same folder, locks
//! it, and looks whether it still stands under that name: a file that has been renamed over its target, or removed,
//! meanwhile is no lock any more. One that is there already is waited for; when it is not locked any more and still there,
//! its process has died, and it is removed. So processes and threads take turns, and nothing is left behind for long. Only a
//! file of our own making is ever written to, so that nobody else can have prepared one or hold it open.

mod trial;

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, ErrorKind, Write},
    os::unix::fs::{MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

use rustix::fs::OFlags;

pub(crate) use self::trial::{Trial, may_be_replaced};

/// The right to replace one file. Given up, with nothing left behind, when it is dropped.
pub(crate) struct Replacement {
    target: PathBuf,
    temporary: PathBuf,
    file: File,
    renamed: bool,
}

/// How far a replacement had come when it failed.
#[derive(Debug)]
pub(crate) enum Failed {
    /// The target is as it was.
    Before(io::Error),
    /// The target is replaced, but that may not survive the loss of power.
    After(io::Error),
}

/// How long others are waited for, who replace the same file.
const PATIENCE: Duration = Duration::from_secs(10);

/// How often a lock is tried.
const PAUSE: Duration = Duration::from_millis(5);

impl Replacement {
    /// Waits until nobody else replaces `target`; an error of kind `TimedOut` if that takes too long. Blocks. The temporary
    /// file can be read by its owner alone.
    pub(crate) fn begin(target: &Path, temporary: &Path) -> io::Result<Self> {
        let given_up = Instant::now() + PATIENCE;
        loop {
            let (file, ours) = open(temporary)?;
            let Some(file) = file else { continue };
            lock(&file, given_up)?;
            if !stands_under(&file, temporary)? {
                continue;
            }
            if !ours {
                fs::remove_file(temporary)?;
                continue;
            }
            return Ok(Self { target: target.to_owned(), temporary: temporary.to_owned(), file, renamed: false });
        }
    }

    /// The temporary file, for its permissions.
    pub(crate) fn file(&self) -> &File {
        &self.file
    }

    /// Writes the content and puts it in the target's place. When it returns, the content survives the loss of power.
    pub(crate) fn commit(self, content: &[&[u8]]) -> Result<(), Failed> {
        self.commit_unless(|| false, content)
    }

    /// The same, unless it is too late when the content is written: an error of kind `TimedOut`, and the target is as it was.
    pub(crate) fn commit_unless(mut self, too_late: impl FnOnce() -> bool, content: &[&[u8]]) -> Result<(), Failed> {
        self.write(content).map_err(Failed::Before)?;
        if too_late() {
            let text = "the disk has taken too long";
            return Err(Failed::Before(io::Error::new(ErrorKind::TimedOut, text)));
        }
        // Order matters: the content is on the disk before the name points to it, or a loss of power leaves an empty file.
        fs::rename(&self.temporary, &self.target).map_err(Failed::Before)?;
        self.renamed = true;
        sync_folder(&self.target).map_err(Failed::After)
    }

    fn write(&mut self, content: &[&[u8]]) -> io::Result<()> {
        for part in content {
            self.file.write_all(part)?;
        }
        self.file.sync_all()
    }
}

impl Drop for Replacement {
    fn drop(&mut self) {
        if !self.renamed {
            // Still locked, so it is nobody else's; and if it stays, the next one takes it over.
            let _ = fs::remove_file(&self.temporary);
        }
    }
}

/// Whether this user may make and remove files in this folder.
pub(crate) fn access(folder: &Path) -> io::Result<()> {
    use rustix::fs::{Access, AtFlags, CWD, accessat};

    if !fs::metadata(folder)?.is_dir() {
        return Err(ErrorKind::NotADirectory.into());
    }
    Ok(accessat(CWD, folder, Access::WRITE_OK | Access::EXEC_OK, AtFlags::EACCESS)?)
}

/// What a person can do about a disk that does not take what is written; empty where that is not the trouble.
pub(crate) fn remedy(error: &io::Error) -> &'static str {
    /// The number of an input or output error, on every Unix.
    const EIO: i32 = 5;

    match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge => "; make room there",
        _ if cfg!(unix) && error.raw_os_error() == Some(EIO) => {
            "; the disk fails: see what the system's log says of it"
        }
        _ => "",
    }
}

/// Makes the entry of this path in its folder survive the loss of power.
pub(crate) fn sync_folder(path: &Path) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
}

/// The file, and whether it is new; no file if it went away in between.
fn open(path: &Path) -> io::Result<(Option<File>, bool)> {
    let mut options = OpenOptions::new();
    // What is there may be no file at all; nothing is waited for.
    options.read(true).write(true).custom_flags(OFlags::NONBLOCK.bits().cast_signed());
    match options.clone().create_new(true).mode(0o600).open(path) {
        Ok(file) => return Ok((Some(file), true)),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
        Err(error) => return Err(error),
    }
    match options.open(path) {
        Ok(file) => Ok((Some(file), false)),
        Err(error) if error.kind() == ErrorKind::NotFound && !path.is_symlink() => Ok((None, false)),
        Err(error) => Err(error),
    }
}

fn lock(file: &File, given_up: Instant) -> io::Result<()> {
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(()),
            Err(TryLockError::WouldBlock) if Instant::now() < given_up => thread::sleep(PAUSE),
            Err(TryLockError::WouldBlock) => {
                let text = "another process has been replacing it for too long";
                return Err(io::Error::new(ErrorKind::TimedOut, text));
            }
            Err(TryLockError::Error(error)) => return Err(error),
        }
    }
}

fn stands_under(file: &File, path: &Path) -> io::Result<bool> {
    let locked = file.metadata()?;
    match fs::metadata(path) {
        Ok(standing) => Ok((locked.dev(), locked.ino()) == (standing.dev(), standing.ino())),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn places(folder: &tempfile::TempDir) -> (PathBuf, PathBuf) {
        (folder.path().join("target"), folder.path().join("temporary"))
    }

    #[test]
    fn a_replacement_that_is_given_up_leaves_nothing_behind() {
        let folder = tempfile::tempdir().unwrap();
        let (target, temporary) = places(&folder);

        drop(Replacement::begin(&target, &temporary).unwrap());

        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn what_is_written_too_late_is_not_put_in_place() {
        let folder = tempfile::tempdir().unwrap();
        let (target, temporary) = places(&folder);
        fs::write(&target, "newer").unwrap();

        let failed = Replacement::begin(&target, &temporary).unwrap().commit_unless(|| true, &[b"older"]).unwrap_err();

        assert!(matches!(failed, Failed::Before(error) if error.kind() == ErrorKind::TimedOut));
        assert_eq!(fs::read(&target).unwrap(), b"newer");
        assert!(!temporary.exists());
    }

    #[test]
    fn what_a_dead_process_left_is_taken_over() {
        let folder = tempfile::tempdir().unwrap();
        let (target, temporary) = places(&folder);
        fs::write(&temporary, "half of something much longer").unwrap();

        Replacement::begin(&target, &temporary).unwrap().commit(&[b"who", b"le"]).unwrap();

        assert_eq!(fs::read(&target).unwrap(), b"whole");
        assert!(!temporary.exists());
    }

    #[cfg(unix)]
    #[test]
    fn nothing_is_written_through_a_link_that_somebody_prepared() {
        let folder = tempfile::tempdir().unwrap();
        let (target, temporary) = places(&folder);
        let elsewhere = folder.path().join("elsewhere");
        fs::write(&elsewhere, "").unwrap();
        std::os::unix::fs::symlink(&elsewhere, &temporary).unwrap();

        Replacement::begin(&target, &temporary).unwrap().commit(&[b"secret"]).unwrap();

        assert_eq!(fs::read(&elsewhere).unwrap(), b"");
        assert!(!target.is_symlink());
    }

    #[test]
    fn those_who_replace_one_file_take_turns() {
        let folder = tempfile::tempdir().unwrap();
        let (target, temporary) = places(&folder);
        let add_one = || {
            for _ in 0..25 {
                let replacement = Replacement::begin(&target, &temporary).unwrap();
                let count: usize = fs::read_to_string(&target).unwrap_or("0".into()).parse().unwrap();
                replacement.commit(&[(count + 1).to_string().as_bytes()]).unwrap();
                drop(Replacement::begin(&target, &temporary).unwrap());
            }
        };

        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(add_one);
            }
        });

        assert_eq!(fs::read_to_string(&target).unwrap(), "100");
        assert!(!temporary.exists());
    }

    #[cfg(unix)]
    #[test]
    fn a_new_file_is_readable_by_its_owner_alone() {
        use std::os::unix::fs::PermissionsExt;

        let folder = tempfile::tempdir().unwrap();
        let (target, temporary) = places(&folder);

        Replacement::begin(&target, &temporary).unwrap().commit(&[b"x"]).unwrap();

        assert_eq!(fs::metadata(&target).unwrap().permissions().mode() & 0o777, 0o600);
    }
}
