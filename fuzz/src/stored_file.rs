//! The file that holds a record: cut, changed, or written by somebody else.
//!
//! What a damaged file holds is not loaded, and the file stays as it is. The first byte of the input says what the rest is: a
//! whole file, or a document that is stored and then damaged at a place that the two bytes after it name.

use std::fs;
use std::sync::LazyLock;

use lwa_rotate::store::{Error, FileStore, Store};
use tempfile::TempDir;
use tokio::runtime::{Builder, Runtime};

const CLIENT_ID: &str = "amzn1.application-oa2-client.example";

/// The folder is the same for all inputs of a process; they come one at a time.
static WORLD: LazyLock<(Runtime, TempDir)> = LazyLock::new(|| {
    let runtime = Builder::new_current_thread().enable_time().build().expect("a runtime");
    (runtime, tempfile::tempdir().expect("a folder"))
});

/// Takes a file, or a document with its damage, in.
pub fn take_in(input: &[u8]) {
    let (runtime, folder) = &*WORLD;
    let store = FileStore::new(folder.path());
    let _ = fs::remove_file(store.path(CLIENT_ID));
    runtime.block_on(async {
        match input {
            [b'd', high, low, change, document @ ..] => {
                damaged(&store, document, u16::from_be_bytes([*high, *low]), *change).await;
            }
            [_, file @ ..] => whole(&store, file).await,
            [] => {}
        }
    });
}

/// A file of any bytes.
async fn whole(store: &FileStore, file: &[u8]) {
    let path = store.path(CLIENT_ID);
    fs::write(&path, file).expect("written");
    match store.load(CLIENT_ID).await {
        Ok(entry) => {
            let entry = entry.expect("there is a file");
            // A digest that fits was made by this program; the corpus has one.
            assert!(file.ends_with(entry.document.expose()));
            assert_eq!(store.save(CLIENT_ID, "other".into(), Some("no such revision")).await, Err(Error::Conflict));
        }
        Err(Error::Other(text)) => {
            assert!(text.contains("not a readable record"), "{text}");
            for expected in [None, Some("1.0")] {
                assert!(matches!(store.save(CLIENT_ID, "other".into(), expected).await, Err(Error::Other(_))));
            }
        }
        Err(other) => panic!("{other}"),
    }
    assert_eq!(fs::read(&path).expect("still there"), file, "it is left as it is");
}

/// A stored document, of which one byte is changed, or from which the end is cut.
async fn damaged(store: &FileStore, document: &[u8], place: u16, change: u8) {
    let path = store.path(CLIENT_ID);
    store.save(CLIENT_ID, document.into(), None).await.expect("saved");
    let entry = store.load(CLIENT_ID).await.expect("loaded").expect("it is there");
    assert_eq!(entry.document.expose(), document, "what was saved is loaded");

    let mut file = fs::read(&path).expect("a file");
    let place = usize::from(place) % file.len();
    match change {
        0 => file.truncate(place),
        change => file[place] ^= change,
    }
    whole(store, &file).await;
    assert!(store.load(CLIENT_ID).await.is_err(), "damage at {place} is not noticed");
}
