use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;

use super::*;

/// A folder of a test's own.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        Self(std::env::temp_dir().join(format!("lwa-rotate-stock-{:016x}", random())))
    }

    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(&self.0).unwrap();
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn loaded(folder: &Folder) -> Option<(String, Vec<u8>)> {
    load(&folder.0, "id").unwrap().map(|entry| (entry.revision, entry.document))
}

#[test]
fn a_document_comes_back_and_nothing_else_is_left_in_the_folder() {
    let folder = Folder::new();
    assert_eq!(loaded(&folder), None);

    let first = save(&folder.0, "id", b"one", None).unwrap();
    assert_eq!(loaded(&folder), Some((first.clone(), b"one".to_vec())));
    let second = save(&folder.0, "id", b"two\n", Some(&first)).unwrap();

    assert_eq!(loaded(&folder), Some((second, b"two\n".to_vec())));
    assert_eq!(folder.names(), ["2.record"]);
}

#[test]
fn a_save_replaces_the_revision_that_it_names_or_nothing() {
    let folder = Folder::new();
    assert!(matches!(save(&folder.0, "id", b"x", Some("1.0")), Err(Error::Conflict)));
    let first = save(&folder.0, "id", b"one", None).unwrap();
    let second = save(&folder.0, "id", b"two", Some(&first)).unwrap();

    for expected in [None, Some(first.as_str()), Some("2.0123456789abcdef")] {
        assert!(matches!(save(&folder.0, "id", b"x", expected), Err(Error::Conflict)), "{expected:?}");
    }
    assert_eq!(loaded(&folder), Some((second, b"two".to_vec())));
}

#[test]
fn of_savers_of_one_revision_at_most_one_succeeds() {
    let folder = Folder::new();
    let saved = AtomicU32::new(0);
    save(&folder.0, "id", b"0", None).unwrap();
    let add = || {
        for _ in 0..50 {
            let Some(entry) = load(&folder.0, "id").unwrap() else { panic!("there is a record all the time") };
            let count: u32 = String::from_utf8(entry.document).unwrap().parse().unwrap();
            match save(&folder.0, "id", (count + 1).to_string().as_bytes(), Some(&entry.revision)) {
                Ok(_) => drop(saved.fetch_add(1, Ordering::SeqCst)),
                Err(Error::Conflict) => {}
                Err(Error::Unavailable(_)) => {
                    // Whether it took place is not known: `load` tells whether it did, but not to others.
                    saved.fetch_add(1_000, Ordering::SeqCst);
                }
                Err(error) => panic!("{error:?}"),
            }
        }
    };

    thread::scope(|scope| (0..4).for_each(|_| drop(scope.spawn(add))));

    let count: u32 = String::from_utf8(loaded(&folder).unwrap().1).unwrap().parse().unwrap();
    let (known, unknown) = (saved.load(Ordering::SeqCst) % 1_000, saved.load(Ordering::SeqCst) / 1_000);
    assert!(known > 0 && (known..=known + unknown).contains(&count), "{known} and perhaps {unknown}: {count}");
}

#[test]
fn one_that_slept_while_others_went_on_has_not_saved() {
    let folder = Folder::new();
    let mut revision = save(&folder.0, "id", b"old", None).unwrap();
    for _ in 0..3 {
        revision = save(&folder.0, "id", b"new", Some(&revision)).unwrap();
    }
    // What it links when it wakes: the name is free again.
    fs::write(file(&folder.0, 2), "late").unwrap();

    assert_eq!(loaded(&folder), Some((revision.clone(), b"new".to_vec())));
    save(&folder.0, "id", b"newer", Some(&revision)).unwrap();
    assert_eq!(folder.names(), ["5.record"]);
}

#[test]
fn what_a_dead_process_left_does_not_count_and_goes_away() {
    let folder = Folder::new();
    let revision = save(&folder.0, "id", b"one", None).unwrap();
    let left = folder.0.join(".0123.tmp");
    fs::write(&left, "half").unwrap();
    let long_ago = SystemTime::now() - 2 * ABANDONED;
    fs::File::options().write(true).open(&left).unwrap().set_modified(long_ago).unwrap();

    assert_eq!(loaded(&folder), Some((revision.clone(), b"one".to_vec())));
    save(&folder.0, "id", b"two", Some(&revision)).unwrap();
    assert_eq!(folder.names(), ["2.record"]);
}

#[test]
fn a_damaged_record_is_an_error_and_is_left_as_it_is() {
    let folder = Folder::new();
    save(&folder.0, "id", b"the document", None).unwrap();
    let path = file(&folder.0, 1);
    let whole = fs::read(&path).unwrap();
    let mut damaged: Vec<Vec<u8>> = (0..whole.len()).map(|length| whole[..length].to_vec()).collect();
    damaged.extend((0..whole.len()).map(|at| {
        let mut changed = whole.clone();
        changed[at] ^= 1;
        changed
    }));
    damaged.push([&whole[..], b"\n"].concat());

    for content in damaged {
        fs::write(&path, &content).unwrap();
        assert!(matches!(load(&folder.0, "id"), Err(Error::Other(_))));
        assert!(matches!(save(&folder.0, "id", b"x", None), Err(Error::Other(_))));
        assert_eq!(fs::read(&path).unwrap(), content);
    }
    fs::write(&path, whole).unwrap();
    assert!(matches!(load(&folder.0, "other"), Err(Error::Other(_))), "it is of another client id");
}

#[test]
fn a_record_has_the_form_of_the_programs() {
    assert_eq!(
        head("id", "7.x", b"the document"),
        "lwa-rotate-record 1 7.x 12 155acf28224c0c420268e8e9962d08064efc9acffc77d0cb217988440ff06887\n"
    );
}

#[test]
fn no_client_id_leads_out_of_the_folder() {
    let client_ids = ["", ".", "..", "/etc/passwd", "../../x", "a/../b", "a\\b", "a", "A", "%41", ".a", "a.", "%2ea", "ä"];
    let names: BTreeSet<String> = client_ids.iter().map(|client_id| name(client_id).to_lowercase()).collect();
    assert_eq!(names.len(), client_ids.len(), "{names:?}");
    assert!(names.iter().all(|name| !name.starts_with('.') && !name.contains(['/', '\\'])), "{names:?}");
}
