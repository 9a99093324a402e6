//! A credential in a file: an environment file, or a JSON file.

mod place;

use std::{
    ffi::OsString,
    fs::{self, Metadata},
    io::{self, ErrorKind},
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    time::Instant,
};

use async_trait::async_trait;

pub use super::form::{Format, Names};
use super::{
    Error, Held, Probe, Reading, Target,
    form::{held, merged},
};
use crate::{
    aside::{LIMIT, Of, aside},
    owner, regular,
    replace::{Failed, Replacement, Trial, may_be_replaced, remedy},
    secret::{Credential, Secret},
};

/// Keeps a credential in a file. Everything else in the file stays as it is.
///
/// The file is replaced as a whole, in one step, and synced before: readers find the old content or the new one. A new file
/// is readable by its owner alone; an existing one keeps its mode, owner and group (not its access control lists). A link is
/// followed. The folder must be there and be writable. Nothing is written if the file holds the credential already.
/// What is no regular file (a named pipe, a device) is neither read nor replaced.
#[derive(Clone, Debug)]
pub struct FileTarget {
    path: PathBuf,
    format: Format,
    names: Names,
}

/// No file of settings is as long.
const LONGEST: u64 = 16 << 20;

/// More than a credential takes.
const ROOM: usize = 1024;

impl FileTarget {
    /// A file of this format with its usual [`Names`].
    pub fn new(path: impl Into<PathBuf>, format: Format) -> Self {
        Self { path: path.into(), format, names: Names::of(format) }
    }

    /// Other names.
    #[must_use]
    pub fn names(mut self, names: Names) -> Self {
        self.names = names;
        self
    }

    /// The file, with links followed, and the one that is put in its place.
    fn places(&self) -> Result<(PathBuf, PathBuf), Error> {
        let path = match fs::canonicalize(&self.path) {
            Ok(path) => path,
            Err(error) if error.kind() == ErrorKind::NotFound && !self.path.is_symlink() => self.path.clone(),
            Err(error) => return Err(failure("write", &self.path, &error)),
        };
        let temporary =
            temporary(&path).ok_or_else(|| Error::Other(format!("{} is no path of a file", path.display())))?;
        Ok((path, temporary))
    }

    fn merged(&self, path: &Path, content: &Secret, credential: &Credential) -> Result<Secret, Error> {
        merged(content.expose(), credential, self.format, &self.names).map_err(|error| about(path, error))
    }

    fn held(&self) -> Result<Option<Held>, Error> {
        let (content, _) = read(&self.path).map_err(|e| failure("read", &self.path, &e))?;
        held(content.expose(), self.format, &self.names).map_err(|error| about(&self.path, error))
    }

    /// Tries all of a write but the write: the file can be read and hold the credential, a file in its place can be locked,
    /// written, synced and given to its owner, and the name can go over to it.
    fn look(&self) -> Result<Probe, Error> {
        let (path, temporary) = self.places()?;
        let folder = path.parent().unwrap_or(Path::new(""));
        let (content, existing) = read(&path).map_err(|e| failure("read", &path, &e))?;
        let empty = Credential { client_id: String::new(), client_secret: Secret::default(), expires_at: None };
        let merged = self.merged(&path, &content, &empty)?;
        if let Err(error) = fs::symlink_metadata(&temporary)
            && error.kind() != ErrorKind::NotFound
        {
            return Err(failure("write next to", &path, &error));
        }
        let trial =
            Trial::of(folder, merged.len() + ROOM).map_err(|(doing, e)| failure_beside(doing, folder, folder, &e))?;
        if let Some(existing) = existing {
            may_be_replaced(&path, &existing).map_err(|e| failure("replace", &path, &e))?;
            trial.give(existing.uid(), existing.gid()).map_err(|e| not_kept(&path, &existing, &e))?;
        }
        Ok(match trial.not_tried() {
            None => Probe::Fine("the file can be written".into()),
            Some(why) => Probe::NotChecked(why),
        })
    }

    fn write(&self, credential: &Credential, until: Instant) -> Result<(), Error> {
        let (path, temporary) = self.places()?;
        // Before others wait for the lock.
        read(&path).map_err(|e| failure("read", &path, &e))?;
        let replacement = Replacement::begin(&path, &temporary);
        let replacement = replacement.map_err(|e| failure_beside("write next to", &path, &temporary, &e))?;

        let (content, existing) = read(&path).map_err(|e| failure("read", &path, &e))?;
        let merged = self.merged(&path, &content, credential)?;
        if let Some(existing) = existing {
            if merged.expose() == content.expose() {
                return Ok(());
            }
            keep_access(&replacement, &existing).map_err(|e| not_kept(&path, &existing, &e))?;
        }
        let too_late = || Instant::now() >= until;
        replacement.commit_unless(too_late, &[merged.expose()]).map_err(|failed| match failed {
            Failed::Before(error) => failure("write", &path, &error),
            Failed::After(error) => Error::Unavailable(format!(
                "{} was written, but the system does not confirm that it will survive a loss of power: {error}{}",
                path.display(),
                remedy(&error)
            )),
        })
    }
}

#[async_trait]
impl Target for FileTarget {
    async fn put(&self, credential: &Credential) -> Result<(), Error> {
        let (target, credential) = (self.clone(), credential.clone());
        let until = Instant::now() + LIMIT;
        let place = self.path.clone();
        aside(Of::Place, &place, move || target.write(&credential, until)).await
    }

    async fn probe(&self) -> Result<Probe, Error> {
        let target = self.clone();
        aside(Of::Place, &self.path, move || target.look()).await
    }

    async fn read(&self) -> Result<Reading, Error> {
        let target = self.clone();
        Ok(aside(Of::Place, &self.path, move || target.held()).await?.into())
    }

    async fn place(&self, machine: &str, _name: &str) -> Result<String, Error> {
        let (target, machine) = (self.clone(), machine.to_owned());
        aside(Of::Place, &self.path, move || place::of(&target.path, &machine)).await
    }
}

/// What is wrong with the content, with the file's name.
fn about(path: &Path, error: Error) -> Error {
    match error {
        Error::Other(text) => Error::Other(format!("{}: {text}", path.display())),
        other => other,
    }
}

/// Beside the file, because a file is replaced in one step only within its file system.
fn temporary(path: &Path) -> Option<PathBuf> {
    let mut name = OsString::from(".");
    name.push(path.file_name()?);
    name.push(".lwa-rotate.tmp");
    Some(path.with_file_name(name))
}

fn read(path: &Path) -> io::Result<(Secret, Option<Metadata>)> {
    match regular::read(path, LONGEST) {
        Ok((content, existing)) => Ok((content, Some(existing))),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok((Secret::default(), None)),
        Err(error) => Err(error),
    }
}

fn keep_access(replacement: &Replacement, existing: &Metadata) -> io::Result<()> {
    // Order matters: the owner first, while nobody else may read the file; changing it may reset parts of the mode.
    owner::give(replacement.file(), existing.uid(), existing.gid())?;
    replacement.file().set_permissions(existing.permissions())
}

/// The new file cannot have the owner and the group of the one that is there.
fn not_kept(path: &Path, existing: &Metadata, error: &io::Error) -> Error {
    let (path, owner, group) = (path.display(), owner::user(existing.uid()), existing.gid());
    Error::AccessDenied(format!(
        "cannot keep mode, owner and group of {path}: {error}; it belongs to {owner} and to group {group}: run lwa-rotate as that user and as a member of that group, or change both with chown"
    ))
}

fn failure(doing: &str, path: &Path, error: &io::Error) -> Error {
    failure_beside(doing, path, path, error)
}

/// `culprit` is what may not be had.
fn failure_beside(doing: &str, path: &Path, culprit: &Path, error: &io::Error) -> Error {
    let shown = path.display();
    match error.kind() {
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => {
            Error::AccessDenied(format!("cannot {doing} {shown}: {error}{}", owner::remedy(culprit, error)))
        }
        ErrorKind::NotFound => Error::Unavailable(format!("cannot {doing} {shown}: {error}; make its folder first")),
        ErrorKind::ResourceBusy => Error::Unavailable(format!(
            "cannot {doing} {shown}: {error}; the file is mounted by itself: mount its folder instead"
        )),
        _ => Error::Unavailable(format!("cannot {doing} {shown}: {error}{}", remedy(error))),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;
