//! The place of a file: `file://MACHINE/ABSOLUTE/PATH`, with links in the folder's path resolved.

use std::{
    ffi::OsStr,
    fs,
    path::{Path, PathBuf},
};

use super::{Error, failure};

/// The place of this file on that machine.
pub(super) fn of(path: &Path, machine: &str) -> Result<String, Error> {
    let absolute = std::path::absolute(path).map_err(|e| failure("find", path, &e))?;
    let (Some(folder), Some(name)) = (absolute.parent(), absolute.file_name()) else {
        return Err(Error::Other(format!("{} is no path of a file", path.display())));
    };
    let resolved = resolved(folder).join(name);
    let text = resolved.to_string_lossy().replace('\\', "/");
    Ok(format!("file://{machine}/{}", text.trim_start_matches('/')))
}

/// The folder with links resolved, as far as it is there.
fn resolved(folder: &Path) -> PathBuf {
    let mut missing: Vec<&OsStr> = Vec::new();
    for there in folder.ancestors() {
        if let Ok(there) = fs::canonicalize(there) {
            return missing.into_iter().rev().fold(there, |path, name| path.join(name));
        }
        missing.extend(there.file_name());
    }
    folder.to_owned()
}

#[cfg(all(test, unix))]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn one_file_has_one_place_by_whatever_link_its_folder_is_reached() {
        let folder = tempfile::tempdir().unwrap();
        let root = fs::canonicalize(folder.path()).unwrap();
        fs::create_dir(root.join("shared")).unwrap();
        std::os::unix::fs::symlink("shared", root.join("link")).unwrap();
        let place = |path: &str| of(&root.join(path), "shop-1").unwrap();

        assert_eq!(place("shared/shop.env"), format!("file://shop-1{}/shared/shop.env", root.display()));
        assert_eq!(place("link/shop.env"), place("shared/shop.env"));
        assert_eq!(place("link/../shared/./shop.env"), place("shared/shop.env"));
        assert_eq!(place("link/new/shop.env"), place("shared/new/shop.env"));
        assert_ne!(of(&root.join("shared/shop.env"), "shop-2").unwrap(), place("shared/shop.env"));
        assert!(matches!(of(Path::new("/"), "shop-1"), Err(Error::Other(_))));
    }

    #[test]
    fn a_relative_path_has_the_place_of_the_absolute_one() {
        let here = fs::canonicalize(".").unwrap();
        assert_eq!(of(Path::new("shop.env"), "m").unwrap(), format!("file://m{}/shop.env", here.display()));
    }
}
