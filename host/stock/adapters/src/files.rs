//! Files that are whole or not there.
//!
//! A WASI file system has neither locks nor modes: who may read a new file is for the runtime's own umask to say.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// Writes the content to a file of a name of its own in this folder, and to the disk.
pub fn temporary(folder: &Path, content: &[&[u8]]) -> io::Result<PathBuf> {
    let path = folder.join(format!(".{:016x}.tmp", random()));
    let mut file = OpenOptions::new().write(true).create_new(true).open(&path)?;
    let written = content.iter().try_for_each(|part| file.write_all(part)).and_then(|()| file.sync_all());
    written.map(|()| path.clone()).inspect_err(|_| drop(fs::remove_file(&path)))
}

/// Makes the entries of this folder survive the loss of power.
pub fn sync(folder: &Path) -> io::Result<()> {
    let here = folder.as_os_str().is_empty();
    File::open(if here { Path::new(".") } else { folder })?.sync_all()
}

/// A number by chance.
pub fn random() -> u64 {
    #[cfg(target_arch = "wasm32")]
    return wasip2::random::random::get_random_u64();
    #[cfg(not(target_arch = "wasm32"))]
    return std::hash::BuildHasher::hash_one(&std::hash::RandomState::new(), 0);
}
