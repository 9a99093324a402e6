//! A credential in a file: an environment file, or a JSON file.

mod place;

use std::{
    ffi::OsString,
    fs::{self, Metadata},
    io::{self, ErrorKind},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use async_trait::async_trait;

pub use super::form::{Format, Names};
use super::{
    Error, Held, Probe, Reading, Target,
    form::{held, merged},
};
use crate::{
    aside::aside,
    replace::{Failed, Replacement, probe, remedy},
    secret::{Credential, Secret},
};

/// Keeps a credential in a file. Everything else in the file stays as it is.
///
/// The file is replaced as a whole, in one step, and synced before: readers find the old content or the new one. A new file
/// is readable by its owner alone; an existing one keeps its mode, owner and group (not its access control lists). A link is
/// followed. The folder must be there and be writable. Nothing is written if the file holds the credential already.
#[derive(Clone, Debug)]
pub struct FileTarget {
    path: PathBuf,
    format: Format,
    names: Names,
}

/// How long after its beginning a put may still replace the file. Nothing stops a write that hangs, on a file system of the
/// network for instance; when it goes on after the put was given up, a newer secret may be there already.
const LIMIT: Duration = Duration::from_secs(50);

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

    /// The folder may be written, and the file can be read and hold it.
    fn look(&self) -> Result<(), Error> {
        let (path, _) = self.places()?;
        let folder = path.parent().unwrap_or(Path::new(""));
        probe(folder).map_err(|e| failure("write next to", &path, &e))?;
        let (content, existing) = read(&path).map_err(|e| failure("read", &path, &e))?;
        let nobody = Credential { client_id: String::new(), client_secret: Secret::default(), expires_at: None };
        self.merged(&path, &content, &nobody)?;
        match existing {
            Some(existing) => may_keep_owner(&existing).map_err(|e| failure("keep the owner of", &path, &e)),
            None => Ok(()),
        }
    }

    fn write(&self, credential: &Credential, until: Instant) -> Result<(), Error> {
        let (path, temporary) = self.places()?;
        let replacement = Replacement::begin(&path, &temporary).map_err(|e| failure("write next to", &path, &e))?;

        let (content, existing) = read(&path).map_err(|e| failure("read", &path, &e))?;
        let merged = self.merged(&path, &content, credential)?;
        if let Some(existing) = existing {
            if merged.expose() == content.expose() {
                return Ok(());
            }
            keep_access(&replacement, &existing).map_err(|e| failure("keep mode, owner and group of", &path, &e))?;
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
        aside(move || target.write(&credential, until)).await
    }

    async fn probe(&self) -> Result<Probe, Error> {
        let target = self.clone();
        aside(move || target.look()).await?;
        Ok(Probe::Fine("the file can be written".into()))
    }

    async fn read(&self) -> Result<Reading, Error> {
        let target = self.clone();
        Ok(aside(move || target.held()).await?.into())
    }

    async fn place(&self, machine: &str, _name: &str) -> Result<String, Error> {
        let (target, machine) = (self.clone(), machine.to_owned());
        aside(move || place::of(&target.path, &machine)).await
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
    match fs::read(path) {
        Ok(content) => Ok((content.into(), Some(fs::metadata(path)?))),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok((Secret::default(), None)),
        Err(error) => Err(error),
    }
}

fn keep_access(replacement: &Replacement, existing: &Metadata) -> io::Result<()> {
    // Order matters: the owner first, while nobody else may read the file; changing it may reset parts of the mode.
    #[cfg(unix)]
    {
        use std::os::unix::fs::{MetadataExt, fchown};

        let ours = replacement.file().metadata()?;
        let changed = |existing: u32, ours: u32| (existing != ours).then_some(existing);
        let (owner, group) = (changed(existing.uid(), ours.uid()), changed(existing.gid(), ours.gid()));
        if owner.is_some() || group.is_some() {
            fchown(replacement.file(), owner, group)?;
        }
    }
    replacement.file().set_permissions(existing.permissions())
}

/// Only root gives a file to somebody else.
fn may_keep_owner(existing: &Metadata) -> io::Result<()> {
    #[cfg(unix)]
    {
        use rustix::process::geteuid;
        use std::os::unix::fs::MetadataExt;

        let ours = geteuid();
        if !ours.is_root() && existing.uid() != ours.as_raw() {
            return Err(ErrorKind::PermissionDenied.into());
        }
    }
    let _ = existing;
    Ok(())
}

fn failure(doing: &str, path: &Path, error: &io::Error) -> Error {
    let path = path.display();
    match error.kind() {
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => Error::AccessDenied(format!(
            "cannot {doing} {path}: {error}; let the user that runs lwa-rotate own the file and write its folder"
        )),
        ErrorKind::NotFound => Error::Unavailable(format!("cannot {doing} {path}: {error}; make its folder first")),
        ErrorKind::ResourceBusy => Error::Unavailable(format!(
            "cannot {doing} {path}: {error}; if the file is mounted by itself, mount its folder instead"
        )),
        _ => Error::Unavailable(format!("cannot {doing} {path}: {error}{}", remedy(error))),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;
