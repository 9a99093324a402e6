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

    /// The names of what has a content, and of what has none.
    fn names(&self) -> (Vec<String>, Vec<String>) {
        let entries = fs::read_dir(&self.0).unwrap().map(Result::unwrap);
        let mut entries: Vec<_> = entries
            .map(|entry| (entry.file_name().into_string().unwrap(), entry.metadata().unwrap().len() > 0))
            .collect();
        entries.sort();
        let of = |content| entries.iter().filter(|entry| entry.1 == content).map(|entry| entry.0.clone()).collect();
        (of(true), of(false))
    }

    fn save(&self, document: &[u8], expected: Option<&str>) -> Result<String, Error> {
        save(&self.0, "id", document, expected, SystemTime::now())
    }

    fn age(&self, name: &str) {
        let file = fs::File::options().write(true).open(self.0.join(name)).unwrap();
        file.set_modified(SystemTime::now() - 2 * KEPT).unwrap();
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

    let first = folder.save(b"one", None).unwrap();
    assert_eq!(loaded(&folder), Some((first.clone(), b"one".to_vec())));
    let second = folder.save(b"two\n", Some(&first)).unwrap();

    assert_eq!(loaded(&folder), Some((second, b"two\n".to_vec())));
    assert_eq!(folder.names(), (vec!["2.record".into()], vec!["1.record".into()]));
}

#[test]
fn a_save_replaces_the_revision_that_it_names_or_nothing() {
    let folder = Folder::new();
    assert!(matches!(folder.save(b"x", Some("1.0")), Err(Error::Conflict)));
    let first = folder.save(b"one", None).unwrap();
    let second = folder.save(b"two", Some(&first)).unwrap();

    for expected in [None, Some(first.as_str()), Some("2.0123456789abcdef")] {
        assert!(matches!(folder.save(b"x", expected), Err(Error::Conflict)), "{expected:?}");
    }
    assert_eq!(loaded(&folder), Some((second, b"two".to_vec())));
}

#[test]
fn of_savers_of_one_revision_at_most_one_succeeds() {
    let folder = Folder::new();
    let saved = AtomicU32::new(0);
    folder.save(b"0", None).unwrap();
    let add = || {
        for _ in 0..50 {
            let Some(entry) = load(&folder.0, "id").unwrap() else { panic!("there is a record all the time") };
            let count: u32 = String::from_utf8(entry.document).unwrap().parse().unwrap();
            match folder.save((count + 1).to_string().as_bytes(), Some(&entry.revision)) {
                Ok(_) => drop(saved.fetch_add(1, Ordering::SeqCst)),
                Err(Error::Conflict) => {}
                Err(error) => panic!("{error:?}"),
            }
        }
    };

    thread::scope(|scope| (0..4).for_each(|_| drop(scope.spawn(add))));

    let count: u32 = String::from_utf8(loaded(&folder).unwrap().1).unwrap().parse().unwrap();
    assert!(count > 0);
    assert_eq!(count, saved.load(Ordering::SeqCst), "each save stands on the one before it");
}

#[test]
fn one_that_slept_while_others_went_on_does_not_save() {
    let folder = Folder::new();
    let first = folder.save(b"one", None).unwrap();
    let second = folder.save(b"two", Some(&first)).unwrap();
    folder.save(b"three", Some(&second)).unwrap();
    assert_eq!(fs::hard_link(file(&folder.0, 3), file(&folder.0, 2)).unwrap_err().kind(), ErrorKind::AlreadyExists);

    // When the name is free again at last, so much time has passed that it knows.
    let third = loaded(&folder).unwrap().0;
    let late = save(&folder.0, "id", b"late", Some(&third), SystemTime::now() - 2 * LIMIT);
    assert!(matches!(late, Err(Error::Unavailable(_))));
}

#[test]
fn what_is_left_behind_does_not_count_and_goes_away() {
    let folder = Folder::new();
    let first = folder.save(b"one", None).unwrap();
    let second = folder.save(b"two", Some(&first)).unwrap();
    fs::write(folder.0.join(".0123.tmp"), "half").unwrap();
    fs::write(folder.0.join(".4567.tmp"), "somebody writes it").unwrap();
    folder.age("1.record");
    folder.age(".0123.tmp");
    // Somebody died before it was cleared.
    fs::write(file(&folder.0, 0), "secrets of before").unwrap();

    assert_eq!(loaded(&folder), Some((second.clone(), b"two".to_vec())));
    folder.save(b"three", Some(&second)).unwrap();
    assert_eq!(
        folder.names(),
        (vec![".4567.tmp".into(), "3.record".into()], vec!["0.record".into(), "2.record".into()])
    );
}

#[test]
fn a_damaged_record_is_an_error_and_is_left_as_it_is() {
    let folder = Folder::new();
    folder.save(b"the document", None).unwrap();
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
        assert!(matches!(folder.save(b"x", None), Err(Error::Other(_))));
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
    let client_ids =
        ["", ".", "..", "/etc/passwd", "../../x", "a/../b", "a\\b", "a", "A", "%41", ".a", "a.", "%2ea", "ä"];
    let names: BTreeSet<String> = client_ids.iter().map(|client_id| name(client_id).to_lowercase()).collect();
    assert_eq!(names.len(), client_ids.len(), "{names:?}");
    assert!(names.iter().all(|name| !name.starts_with('.') && !name.contains(['/', '\\'])), "{names:?}");
}
