//! Files that a person names, opened only where they are regular files. Opening anything else may hang for ever (a named
//! pipe that nothing writes to), or do something (a device).

use std::{
    fs::{self, File, FileType, Metadata},
    io::{self, ErrorKind, Read},
    os::unix::fs::{FileTypeExt, OpenOptionsExt},
    path::Path,
};

use rustix::fs::OFlags;

use crate::secret::Secret;

/// Opens a regular file for reading; links are followed. Anything else is an error of kind `InvalidInput` that names what it
/// is. Waits for nothing but the file system.
pub(crate) fn open(path: &Path) -> io::Result<(File, Metadata)> {
    // Before it is opened: even that would let the other end of a pipe go on.
    expect(fs::metadata(path)?.file_type())?;
    let flags = OFlags::NONBLOCK | OFlags::NOCTTY;
    let file = File::options().read(true).custom_flags(flags.bits().cast_signed()).open(path)?;
    // Again: another file may have taken its place.
    let metadata = file.metadata()?;
    expect(metadata.file_type())?;
    Ok((file, metadata))
}

/// The content of a regular file; an error of kind `FileTooLarge` if it is longer than that.
pub(crate) fn read(path: &Path, longest: u64) -> io::Result<(Secret, Metadata)> {
    let (file, metadata) = open(path)?;
    // Into memory of the right size at once: growing would leave unwiped copies behind.
    let mut content = Vec::with_capacity(usize::try_from(metadata.len().min(longest)).unwrap_or_default() + 1);
    file.take(longest + 1).read_to_end(&mut content)?;
    if content.len() as u64 > longest {
        return Err(io::Error::new(ErrorKind::FileTooLarge, format!("it is longer than {longest} bytes")));
    }
    Ok((content.into(), metadata))
}

/// The same as a text; an error of kind `InvalidData` if it is none.
pub(crate) fn read_text(path: &Path, longest: u64) -> io::Result<String> {
    let (content, _) = read(path, longest)?;
    String::from_utf8(content.into_bytes()).map_err(|_| ErrorKind::InvalidData.into())
}

/// Refuses what is no regular file.
pub(crate) fn expect(found: FileType) -> io::Result<()> {
    let what = match found {
        found if found.is_file() => return Ok(()),
        found if found.is_dir() => "a folder",
        found if found.is_fifo() => "a named pipe",
        found if found.is_socket() => "a socket",
        _ => "a device",
    };
    Err(io::Error::new(
        ErrorKind::InvalidInput,
        format!("it is {what}, and not a regular file; name a regular file, or remove what is there"),
    ))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::os::unix::net::UnixListener;

    use rustix::fs::{CWD, Mode, mkfifoat};

    use super::*;

    #[test]
    fn what_is_no_regular_file_is_named_and_not_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        mkfifoat(CWD, path("pipe"), Mode::from_raw_mode(0o600)).unwrap();
        let _listener = UnixListener::bind(path("socket")).unwrap();
        std::os::unix::fs::symlink("pipe", path("link")).unwrap();
        for (path, what) in [
            (path("pipe"), "a named pipe"),
            (path("link"), "a named pipe"),
            (path("socket"), "a socket"),
            (folder.path().to_owned(), "a folder"),
            ("/dev/zero".into(), "a device"),
        ] {
            let error = read(&path, 100).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidInput, "{path:?}: {error}");
            assert!(error.to_string().contains(what), "{path:?}: {error}");
        }
    }

    #[test]
    fn a_regular_file_is_read_through_links_and_up_to_its_longest() {
        let folder = tempfile::tempdir().unwrap();
        let (file, link) = (folder.path().join("file"), folder.path().join("link"));
        fs::write(&file, "four").unwrap();
        std::os::unix::fs::symlink(&file, &link).unwrap();

        assert_eq!(read(&link, 4).unwrap().0.expose(), b"four");
        assert_eq!(read(&file, 3).unwrap_err().kind(), ErrorKind::FileTooLarge);
        fs::write(&file, [0xff]).unwrap();
        assert_eq!(read_text(&file, 4).unwrap_err().kind(), ErrorKind::InvalidData);
    }
}
