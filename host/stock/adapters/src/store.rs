//! Behind `wit/store.wit`: a folder for each client id, in it a file for each revision, of which the one with the highest number
//! counts.
//!
//! A WASI file system has no locks, so compare-and-swap is by names: revision 7 is replaced by linking a file that is written and
//! synced already to the name `8.record`, which the file system allows to one of any number of savers. Of the file before it only
//! the name stays, for a while and without content, so that one who slept since it compared does not find the name free. Whoever
//! stops anywhere in that leaves one revision or the other in force; what it left behind is removed by a later one.
//!
//! The files have the form of the program's, so that one can be given to it as `CLIENT-ID.record`.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use sha2::{Digest, Sha256};

use crate::Adapters;
use crate::config::Config;
use crate::contract::exports::lwa::rotation::store::{Entry, Error, Guest};
use crate::files::{random, sync, temporary};
use crate::sigv4::hex;

/// How often it is looked again when others go on meanwhile.
const TRIES: u32 = 100;
/// How long a name that has been replaced stays taken, and a temporary file is left to whoever made it.
const KEPT: Duration = Duration::from_secs(600);
/// How long a save may take, so that it ends well before that.
const LIMIT: Duration = Duration::from_secs(300);

impl Guest for Adapters {
    fn load(client_id: String) -> Result<Option<Entry>, Error> {
        load(&folder(&client_id)?, &client_id)
    }

    fn save(client_id: String, document: Vec<u8>, expected: Option<String>) -> Result<String, Error> {
        save(&folder(&client_id)?, &client_id, &document, expected.as_deref(), SystemTime::now())
    }

    fn remove(client_id: String, expected: String) -> Result<(), Error> {
        // A name that has been replaced must stay taken for a while, so what is left is the document for that.
        let removed = br#"{"removed":true}"#;
        save(&folder(&client_id)?, &client_id, removed, Some(&expected), SystemTime::now()).map(drop)
    }
}

/// The folder of this client id.
fn folder(client_id: &str) -> Result<PathBuf, Error> {
    let config = Config::get().map_err(|wrong| Error::Other(wrong.to_owned()))?;
    Ok(config.folder.join(&config.store.path).join(name(client_id)))
}

/// Lower-case letters, digits, `.`, `_` and `-` stand for themselves; other bytes, and a dot at the beginning, are hexadecimal.
fn name(client_id: &str) -> String {
    let mut name = String::new();
    for byte in client_id.bytes() {
        match byte {
            b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-' => name.push(byte.into()),
            b'.' if !name.is_empty() => name.push('.'),
            _ => name.push_str(&format!("%{byte:02x}")),
        }
    }
    name
}

fn load(folder: &Path, client_id: &str) -> Result<Option<Entry>, Error> {
    let reading = |error| failure("read", folder, &error);
    for _ in 0..TRIES {
        let number = numbers(folder).map_err(reading)?.pop();
        let content = match number {
            Some(number) => fs::read(file(folder, number)),
            None => Ok(Vec::new()),
        };
        match content {
            // Taken away since, because there is a higher one.
            Err(error) if error.kind() == ErrorKind::NotFound => continue,
            Err(error) => return Err(reading(error)),
            // Others may go on while the names are listed: what is the highest after that as well was so for a moment.
            Ok(_) if numbers(folder).map_err(reading)?.pop() != number => continue,
            Ok(content) => return number.map(|number| open(&file(folder, number), client_id, content)).transpose(),
        }
    }
    Err(Error::Unavailable(format!("{}: others save all the time", folder.display())))
}

fn save(
    folder: &Path,
    client_id: &str,
    document: &[u8],
    expected: Option<&str>,
    began: SystemTime,
) -> Result<String, Error> {
    let writing = |error| failure("write", folder, &error);
    let stored = load(folder, client_id)?.map(|entry| entry.revision);
    if stored.as_deref() != expected {
        return Err(Error::Conflict);
    }
    if expected.is_none() {
        create(folder).map_err(writing)?;
    }
    let number = stored.as_deref().and_then(number_of).unwrap_or_default() + 1;
    let revision = format!("{number}.{:016x}", random());
    let target = file(folder, number);
    let written = temporary(folder, &[head(client_id, &revision, document).as_bytes(), document]).map_err(writing)?;
    // Order matters: the content is on the disk before it counts, or a loss of power leaves an empty record.
    let linked = fs::hard_link(&written, &target);
    let _ = fs::remove_file(&written);
    match linked {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => return Err(Error::Conflict),
        linked => linked.map_err(writing)?,
    }
    let unknown = |why: &str| Error::Unavailable(format!("{}: {why}", target.display()));
    if SystemTime::now().duration_since(began).is_ok_and(|took| took > LIMIT) {
        return Err(unknown("it took so long that others may have saved before"));
    }
    sync(folder).map_err(|error| unknown(&format!("it is not certain that it survives a loss of power: {error}")))?;
    // Order matters: the new one is on the disk, so the one before it may go. One that stays is taken away by the next.
    let _ = clear(folder, number);
    Ok(revision)
}

/// Takes away the content of what is replaced, and the names of what has been for long.
fn clear(folder: &Path, number: u64) -> io::Result<()> {
    for old in numbers(folder)?.into_iter().filter(|old| *old < number) {
        let path = file(folder, old);
        if fs::metadata(&path)?.len() > 0 {
            fs::rename(temporary(folder, &[])?, &path)?;
        } else if is_old(&path)? {
            fs::remove_file(&path)?;
        }
    }
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "tmp") && is_old(&path)? {
            fs::remove_file(&path)?;
        }
    }
    Ok(())
}

fn is_old(path: &Path) -> io::Result<bool> {
    Ok(SystemTime::now().duration_since(fs::metadata(path)?.modified()?).is_ok_and(|age| age > KEPT))
}

fn file(folder: &Path, number: u64) -> PathBuf {
    folder.join(format!("{number}.record"))
}

/// The numbers of the files, the highest last; none if there is no folder.
fn numbers(folder: &Path) -> io::Result<Vec<u64>> {
    let mut tries = TRIES;
    loop {
        match fs::read_dir(folder).and_then(|entries| entries.collect::<io::Result<Vec<_>>>()) {
            Ok(entries) => {
                let number = |name: &str| name.strip_suffix(".record")?.parse::<u64>().ok();
                let mut numbers: Vec<u64> =
                    entries.iter().filter_map(|entry| number(entry.file_name().to_str()?)).collect();
                numbers.sort_unstable();
                return Ok(numbers);
            }
            // A runtime looks at each file while it lists them, and fails where one has been removed since.
            Err(error) if error.kind() == ErrorKind::NotFound && folder.exists() && tries > 0 => tries -= 1,
            Err(error) if error.kind() == ErrorKind::NotFound && !folder.exists() => return Ok(Vec::new()),
            Err(error) => return Err(error),
        }
    }
}

fn number_of(revision: &str) -> Option<u64> {
    revision.split('.').next()?.parse().ok()
}

/// Creates the folder, and makes it and those above it survive the loss of power.
fn create(folder: &Path) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    folder.ancestors().skip(1).take(2).try_for_each(sync)
}

/// The line before a document: by it a file that was cut, changed, or given to another client id is no record.
fn head(client_id: &str, revision: &str, document: &[u8]) -> String {
    let mut digest = Sha256::new();
    for part in [client_id, revision] {
        digest.update((part.len() as u64).to_le_bytes());
        digest.update(part);
    }
    digest.update(document);
    format!("lwa-rotate-record 1 {revision} {} {}\n", document.len(), hex(&digest.finalize()))
}

fn open(path: &Path, client_id: &str, content: Vec<u8>) -> Result<Entry, Error> {
    let parts = || {
        let end = content.iter().position(|byte| *byte == b'\n')?;
        let (line, document) = content.split_at(end + 1);
        let revision = std::str::from_utf8(line).ok()?.split(' ').nth(2)?;
        (head(client_id, revision, document).as_bytes() == line)
            .then(|| Entry { revision: revision.to_owned(), document: document.to_vec() })
    };
    parts().ok_or_else(|| {
        let wrong = "it is damaged, of another client id, or of a later version of lwa-rotate; it is left as it is";
        Error::Other(format!(
            "{} is not a readable record: {wrong}. Put back a copy, or move it away and enroll again",
            path.display()
        ))
    })
}

fn failure(doing: &str, folder: &Path, error: &io::Error) -> Error {
    let text = format!("cannot {doing} in {}: {error}", folder.display());
    match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge => {
            Error::Full(format!("{text}; make room there"))
        }
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => Error::AccessDenied(format!(
            "{text}; give the runtime this folder to write, on a file system with hard links"
        )),
        _ => Error::Unavailable(text),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;
