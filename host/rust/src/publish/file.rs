//! A credential in a file: an environment file, or a JSON file.

use std::{
    ffi::OsString,
    fs::{self, Metadata},
    io::{self, ErrorKind},
    path::{Path, PathBuf},
};

use async_trait::async_trait;

pub use super::form::{Format, Names};
use super::{
    Error, Held, Probe, Target,
    form::{held, merged},
};
use crate::{
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

    fn write(&self, credential: &Credential) -> Result<(), Error> {
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
        replacement.commit(&[merged.expose()]).map_err(|failed| match failed {
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
        aside(move || target.write(&credential)).await
    }

    async fn probe(&self) -> Result<Probe, Error> {
        let target = self.clone();
        aside(move || target.look()).await?;
        Ok(Probe::Fine("the file can be written".into()))
    }

    async fn read(&self) -> Result<Option<Held>, Error> {
        let target = self.clone();
        aside(move || target.held()).await
    }
}

/// What is wrong with the content, with the file's name.
fn about(path: &Path, error: Error) -> Error {
    match error {
        Error::Other(text) => Error::Other(format!("{}: {text}", path.display())),
        other => other,
    }
}

/// Does what may block where that stops nobody.
async fn aside<T: Send + 'static>(work: impl FnOnce() -> Result<T, Error> + Send + 'static) -> Result<T, Error> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
        Err(_) => Err(Error::Unavailable("the program is being stopped".into())),
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
mod tests {
    use super::*;

    fn credential(secret: &str) -> Credential {
        Credential { client_id: "amzn1.id".into(), client_secret: secret.into(), expires_at: None }
    }

    fn names(folder: &Path) -> Vec<String> {
        let names = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
        names.collect()
    }

    #[tokio::test]
    async fn a_new_file_holds_the_credential_and_nothing_else_is_left() {
        let folder = tempfile::tempdir().unwrap();
        let target = FileTarget::new(folder.path().join("shop.env"), Format::Env);

        target.put(&credential("one")).await.unwrap();
        target.put(&credential("two")).await.unwrap();
        target.put(&credential("two")).await.unwrap();

        let content = fs::read_to_string(folder.path().join("shop.env")).unwrap();
        assert_eq!(content, "LWA_CLIENT_ID=amzn1.id\nLWA_CLIENT_SECRET=two\nLWA_CLIENT_SECRET_EXPIRES_AT=\n");
        assert_eq!(names(folder.path()), ["shop.env"]);
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn a_new_file_is_for_its_owner_and_an_existing_one_keeps_its_mode() {
        use std::os::unix::fs::PermissionsExt;

        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("shop.json");
        let target = FileTarget::new(&path, Format::Json);
        let mode = || fs::metadata(&path).unwrap().permissions().mode() & 0o777;

        target.put(&credential("one")).await.unwrap();
        assert_eq!(mode(), 0o600);

        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        target.put(&credential("two")).await.unwrap();
        assert_eq!(mode(), 0o640);
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn a_link_is_followed_and_stays() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("shared")).unwrap();
        let (file, link) = (folder.path().join("shared/real.env"), folder.path().join("link.env"));
        fs::write(&file, "OTHER=1\n").unwrap();
        std::os::unix::fs::symlink("shared/real.env", &link).unwrap();

        FileTarget::new(&link, Format::Env).put(&credential("one")).await.unwrap();

        assert!(link.is_symlink());
        assert!(fs::read_to_string(&file).unwrap().starts_with("OTHER=1\nLWA_CLIENT_ID=amzn1.id\n"));
    }

    #[tokio::test]
    async fn applications_that_share_a_file_do_not_overwrite_each_other() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("all.env");
        let writers = (0..8).map(|number| {
            let names = Names {
                client_id: format!("ID_{number}"),
                client_secret: format!("SECRET_{number}"),
                expires_at: format!("EXPIRES_{number}"),
            };
            let target = FileTarget::new(&path, Format::Env).names(names);
            tokio::spawn(async move { target.put(&credential("x")).await })
        });
        for writer in writers.collect::<Vec<_>>() {
            writer.await.unwrap().unwrap();
        }

        assert_eq!(fs::read_to_string(&path).unwrap().lines().count(), 24);
    }

    #[tokio::test]
    async fn a_missing_folder_is_an_error_that_names_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let target = FileTarget::new(folder.path().join("missing/shop.env"), Format::Env);

        let error = target.put(&credential("secret-value")).await.unwrap_err();

        assert!(
            matches!(&error, Error::Unavailable(text) if text.contains("shop.env") && text.contains("make its folder")),
            "{error:?}"
        );
        assert!(!format!("{error:?}").contains("secret-value"));
    }

    #[tokio::test]
    async fn a_probe_tells_what_writing_would_and_writes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        fs::write(path("other.json"), r#"{"a":1}"#).unwrap();
        fs::write(path("no.json"), "no json").unwrap();
        fs::create_dir(path("folder")).unwrap();
        let before = fs::metadata(folder.path()).unwrap().modified().unwrap();

        for (name, can) in [
            ("new.json", true),
            ("other.json", true),
            ("no.json", false),
            ("folder", false),
            ("missing/new.json", false),
            ("other.json/new.json", false),
        ] {
            let target = FileTarget::new(path(name), Format::Json);
            let probed = target.probe().await;
            assert_eq!(probed.is_ok(), can, "{name}: {probed:?}");
        }

        assert_eq!(names(folder.path()).len(), 3);
        assert_eq!(fs::metadata(folder.path()).unwrap().modified().unwrap(), before);
    }

    #[tokio::test]
    async fn what_was_put_is_read_back_and_a_file_that_is_not_there_holds_nothing() {
        let folder = tempfile::tempdir().unwrap();
        for format in [Format::Env, Format::Json] {
            let target = FileTarget::new(folder.path().join(format!("{format:?}")), format);
            assert!(target.read().await.unwrap().is_none());

            target.put(&Credential { expires_at: Some(1_767_225_600_500), ..credential("it's \\ one") }).await.unwrap();

            let held = target.read().await.unwrap().unwrap();
            assert_eq!(held.client_id.as_deref(), Some("amzn1.id"));
            assert_eq!(held.client_secret.expose_str(), Some("it's \\ one"));
            assert_eq!(held.expires_at, Some(1_767_225_600_500));
        }
    }

    #[tokio::test]
    async fn a_file_that_cannot_hold_it_is_left_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("shop.json");
        fs::write(&path, "no json").unwrap();

        let error = FileTarget::new(&path, Format::Json).put(&credential("one")).await.unwrap_err();

        assert!(matches!(&error, Error::Other(text) if text.contains("shop.json")), "{error:?}");
        assert_eq!(fs::read_to_string(&path).unwrap(), "no json");
        assert_eq!(names(folder.path()).len(), 1);
    }
}
