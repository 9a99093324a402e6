//! The promises of a store kept by files, and what only files can get wrong.

use std::process::Command;

use super::*;
use crate::store::conformance;

const ID: &str = "amzn1.application-oa2-client.0123";

fn in_folder() -> (tempfile::TempDir, FileStore) {
    let folder = tempfile::tempdir().unwrap();
    let store = FileStore::new(folder.path().join("state"));
    (folder, store)
}

fn names(folder: &Path) -> Vec<String> {
    let names = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_file_store_keeps_the_promises_of_a_store() {
    let (_folder, store) = in_folder();

    conformance::run(|| FileStore::new(&store.folder)).await;

    let left_over: Vec<_> = names(&store.folder).into_iter().filter(|name| !name.ends_with(".record")).collect();
    assert_eq!(left_over, [""; 0], "nothing but records is left in the folder");
}

/// Not a test by itself: the other process of the next one.
#[tokio::test]
#[ignore = "run by processes_take_turns"]
async fn adds_twenty_five() {
    let Some(folder) = std::env::var_os("LWA_ROTATE_TEST_FOLDER") else { return };
    let store = FileStore::new(folder);
    for _ in 0..25 {
        loop {
            let entry = store.load(ID).await.unwrap().unwrap();
            let count: usize = entry.document.expose_str().unwrap().parse().unwrap();
            match store.save(ID, (count + 1).to_string().into(), Some(&entry.revision)).await {
                Ok(_) => break,
                Err(Error::Conflict) => {}
                Err(other) => panic!("{other}"),
            }
        }
    }
}

#[tokio::test]
async fn processes_take_turns() {
    let (_folder, store) = in_folder();
    store.save(ID, "0".into(), None).await.unwrap();
    let start = || {
        Command::new(std::env::current_exe().unwrap())
            .args(["store::file::tests::adds_twenty_five", "--exact", "--ignored"])
            .env("LWA_ROTATE_TEST_FOLDER", &store.folder)
            .stdout(std::process::Stdio::null())
            .spawn()
            .unwrap()
    };

    let processes: Vec<_> = (0..4).map(|_| start()).collect();
    for mut process in processes {
        assert!(process.wait().unwrap().success());
    }

    let entry = store.load(ID).await.unwrap().unwrap();
    assert_eq!(entry.document.expose_str(), Some("100"));
}

#[tokio::test]
async fn loading_touches_nothing() {
    let (folder, store) = in_folder();

    assert!(store.load(ID).await.unwrap().is_none());

    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[tokio::test]
async fn a_damaged_record_is_neither_loaded_nor_overwritten() {
    let (_folder, store) = in_folder();
    let revision = store.save(ID, "the only copy of a secret".into(), None).await.unwrap();
    let path = store.path(ID);
    let whole = fs::read(&path).unwrap();

    for damaged in [&whole[..whole.len() - 1], b"", b"{}"] {
        fs::write(&path, damaged).unwrap();

        let loaded = store.load(ID).await.unwrap_err();
        assert!(matches!(&loaded, Error::Other(text) if text.contains("not a readable record")), "{loaded:?}");
        for expected in [None, Some(revision.as_str())] {
            let saved = store.save(ID, "another".into(), expected).await;
            assert!(matches!(saved, Err(Error::Other(_))), "{saved:?}");
        }
        assert_eq!(fs::read(&path).unwrap(), damaged);
    }

    fs::write(&path, &whole).unwrap();
    assert_eq!(store.load(ID).await.unwrap().unwrap().revision, revision);
}

#[tokio::test]
async fn a_record_made_anew_does_not_answer_to_an_old_revision() {
    let (_folder, store) = in_folder();
    let old = store.save(ID, "a".into(), None).await.unwrap();
    fs::remove_file(store.path(ID)).unwrap();

    store.save(ID, "a".into(), None).await.unwrap();

    assert_eq!(store.save(ID, "b".into(), Some(&old)).await, Err(Error::Conflict));
}

#[tokio::test]
async fn what_a_dead_process_left_is_cleaned_up() {
    let (_folder, store) = in_folder();
    let revision = store.save(ID, "first".into(), None).await.unwrap();
    let temporary = store.path(ID).with_extension("record.tmp");
    fs::write(&temporary, "half of a document that is longer than the next one").unwrap();

    assert_eq!(store.load(ID).await.unwrap().unwrap().document.expose(), b"first");
    store.save(ID, "second".into(), Some(&revision)).await.unwrap();

    assert_eq!(store.load(ID).await.unwrap().unwrap().document.expose(), b"second");
    assert_eq!(names(&store.folder).len(), 1);
}

#[tokio::test]
async fn client_ids_do_not_lead_out_of_the_folder() {
    let (folder, store) = in_folder();
    for client_id in ["../../outside", "/tmp/outside", "..", ""] {
        store.save(client_id, client_id.into(), None).await.unwrap();
    }
    assert_eq!(names(folder.path()), ["state"]);
    assert_eq!(names(&store.folder).len(), 4);
}

#[cfg(unix)]
#[tokio::test]
async fn folder_and_records_are_for_their_owner_alone() {
    use std::os::unix::fs::PermissionsExt;

    let (_folder, store) = in_folder();
    let revision = store.save(ID, "first".into(), None).await.unwrap();
    store.save(ID, "second".into(), Some(&revision)).await.unwrap();

    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&store.folder), mode(&store.path(ID))), (0o700, 0o600));
}

#[tokio::test]
async fn a_folder_that_cannot_be_made_is_an_error_that_names_it() {
    let (folder, _) = in_folder();
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    let store = FileStore::new(file.join("state"));

    let error = store.save(ID, "x".into(), None).await.unwrap_err();

    assert!(error.to_string().contains("file"), "{error}");
}

/// Not a test by itself: the process with a limit of the next one.
#[tokio::test]
#[ignore = "run by a_full_disk_is_told_apart_and_changes_nothing"]
async fn saves_where_there_is_no_room() {
    let Some(folder) = std::env::var_os("LWA_ROTATE_TEST_FOLDER") else { return };
    let store = FileStore::new(folder);
    let entry = store.load(ID).await.unwrap().unwrap();

    let saved = store.save(ID, vec![b'x'; 64 << 10].into(), Some(&entry.revision)).await;

    assert!(matches!(&saved, Err(Error::Full(text)) if text.contains("make room")), "{saved:?}");
}

#[cfg(unix)]
#[tokio::test]
async fn a_full_disk_is_told_apart_and_changes_nothing() {
    let (_folder, store) = in_folder();
    let revision = store.save(ID, "first".into(), None).await.unwrap();

    // A limit on the length of files is the kind of "no room" that needs no other file system.
    let output = Command::new("sh")
        .args(["-c", "trap '' XFSZ; ulimit -f 8; exec \"$0\" \"$@\""])
        .arg(std::env::current_exe().unwrap())
        .args(["store::file::tests::saves_where_there_is_no_room", "--exact", "--ignored"])
        .env("LWA_ROTATE_TEST_FOLDER", &store.folder)
        .output()
        .unwrap();

    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    let entry = store.load(ID).await.unwrap().unwrap();
    assert_eq!((entry.document.expose(), entry.revision), (b"first".as_slice(), revision));
    assert_eq!(names(&store.folder).len(), 1, "nothing but the record is left");
}

#[test]
fn failures_are_told_apart() {
    let kind = |kind| failure("write", Path::new("/x/y"), &io::Error::from(kind));
    assert!(matches!(kind(ErrorKind::StorageFull), Error::Full(_)));
    assert!(matches!(kind(ErrorKind::QuotaExceeded), Error::Full(_)));
    assert!(matches!(kind(ErrorKind::PermissionDenied), Error::AccessDenied(_)));
    assert!(matches!(kind(ErrorKind::ReadOnlyFilesystem), Error::AccessDenied(_)));
    assert!(matches!(kind(ErrorKind::TimedOut), Error::Unavailable(text) if text.contains("/x/y")));
}

#[tokio::test]
async fn a_probe_tells_whether_records_could_be_saved_and_writes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("file"), "").unwrap();
    let probe = async |name: &str| FileStore::new(folder.path().join(name)).probe([ID]).await;

    for name in ["", "new", "new/and/deeper"] {
        assert!(matches!(probe(name).await, Ok(Probe::Fine(_))), "{name}");
    }
    assert!(matches!(probe("file").await, Err(Error::Unavailable(text)) if text.contains("file")));
    assert!(probe("file/below").await.is_err());
    assert_eq!(names(folder.path()), ["file"]);
}
