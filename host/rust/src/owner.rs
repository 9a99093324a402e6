//! Whose a file is, and what to do for a user who may not have it.

use std::{
    fs::{self, File, Metadata},
    io::{self, ErrorKind},
    os::unix::fs::{MetadataExt, fchown},
    path::Path,
};

use rustix::process::geteuid;

/// Gives a new file to this user and group, as far as they differ from its own. Only root gives files away.
pub(crate) fn give(file: &File, owner: u32, group: u32) -> io::Result<()> {
    let ours = file.metadata()?;
    let changed = |wanted: u32, ours: u32| (wanted != ours).then_some(wanted);
    match (changed(owner, ours.uid()), changed(group, ours.gid())) {
        (None, None) => Ok(()),
        (owner, group) => fchown(file, owner, group),
    }
}

/// Whose a new file must be, which this program makes beside others: who owns the folder, where root makes it. A service
/// that runs as that user would be locked out otherwise.
pub(crate) fn of_new(folder: &Metadata) -> Option<(u32, u32)> {
    geteuid().is_root().then(|| (folder.uid(), folder.gid()))
}

/// For the end of an error about this path: who owns it, and what to do; empty where that is not the trouble.
pub(crate) fn remedy(path: &Path, error: &io::Error) -> String {
    match error.kind() {
        ErrorKind::ReadOnlyFilesystem => "; the file system is mounted read-only".to_owned(),
        ErrorKind::PermissionDenied => {
            let there = path.ancestors().find_map(|path| Some((path, fs::symlink_metadata(path).ok()?)));
            let Some((there, found)) = there else { return String::new() };
            let (there, us, owner) = (there.display(), user(geteuid().as_raw()), user(found.uid()));
            if us == owner {
                return format!(
                    "; {there} belongs to {owner}, as whom this runs: give that user the right to write it, or see what else forbids it"
                );
            }
            format!(
                "; {there} belongs to {owner}, and this runs as {us}: run it as {owner}, or change the owner with chown"
            )
        }
        _ => String::new(),
    }
}

/// A user by name and number.
pub(crate) fn user(number: u32) -> String {
    let users = fs::read_to_string("/etc/passwd").unwrap_or_default();
    let name = users.lines().find_map(|line| {
        let mut parts = line.split(':');
        let name = parts.next()?;
        (parts.nth(1)?.parse() == Ok(number)).then_some(name)
    });
    name.map_or_else(|| format!("user {number}"), |name| format!("{name} (user {number})"))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_user_has_a_name_where_the_system_knows_one() {
        assert_eq!(user(0), "root (user 0)");
        assert_eq!(user(3_999_999_999), "user 3999999999");
    }

    #[test]
    fn the_remedy_names_the_first_that_is_there_and_its_owner() {
        let folder = tempfile::tempdir().unwrap();
        let denied = io::Error::from(ErrorKind::PermissionDenied);
        let text = remedy(&folder.path().join("missing/file"), &denied);
        assert!(
            text.contains(&format!("{} belongs to {}", folder.path().display(), user(geteuid().as_raw()))),
            "{text}"
        );
        assert_eq!(remedy(folder.path(), &ErrorKind::NotFound.into()), "");
    }
}
