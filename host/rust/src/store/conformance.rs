//! What every store must do, as a test suite made from the sentences of `wit/store.wit`.
//!
//! For the authors of stores: call [`run`] from a test of your own, on a tokio runtime with several threads. It writes
//! documents under client ids of its own, does not remove all of them, and panics at the first broken promise. What it cannot test
//! is durability: whether a saved document survives the loss of power is for you to know.

use std::sync::Arc;

use super::{Error, REMOVED, Store};
use crate::secret::Secret;

/// Runs the whole suite on a store that `open` opens. Each call of `open` gives another handle of the same place, such as
/// another process would have; the place holds nothing at the beginning.
///
/// # Panics
///
/// When a promise is broken; the message is the promise.
pub async fn run<S: Store>(open: impl Fn() -> S) {
    a_client_id_without_a_document_has_none(&open()).await;
    a_document_is_created_only_where_there_is_none(&open()).await;
    save_replaces_the_revision_named_or_nothing(&open()).await;
    a_revision_is_not_used_twice(&open()).await;
    a_save_is_seen_by_every_load_that_starts_after_it(&open(), &open()).await;
    documents_come_back_byte_for_byte(&open()).await;
    documents_of_64_kib_fit(&open()).await;
    a_document_that_does_not_fit_is_full_and_changes_nothing(&open()).await;
    client_ids_are_compared_byte_for_byte(&open()).await;
    of_concurrent_savers_of_one_revision_at_most_one_succeeds(&open).await;
    no_save_is_lost_among_concurrent_savers(&open).await;
    load_never_returns_part_of_a_document_or_a_mixture(&open).await;
    a_removed_document_is_gone_for_every_load_that_starts_after_it(&open(), &open()).await;
    remove_removes_the_revision_named_or_nothing(&open()).await;
    a_document_made_anew_after_a_removal_has_no_revision_of_before(&open()).await;
    of_a_saver_and_a_remover_of_one_revision_one_succeeds(&open).await;
}

const CLIENT_ID: &str = "amzn1.application-oa2-client.conformance";

/// How many savers run at the same time.
const SAVERS: usize = 12;

async fn a_client_id_without_a_document_has_none(store: &impl Store) {
    let loaded = store.load(&id("none")).await;
    assert!(matches!(loaded, Ok(None)), "load answers none where there is no document, not {loaded:?}");

    let saved = store.save(&id("none"), "x".into(), Some("1")).await;
    assert_eq!(saved, Err(Error::Conflict), "a revision of nothing is a conflict");
    assert!(load(store, "none").await.is_none(), "after a conflict nothing was changed");
}

async fn a_document_is_created_only_where_there_is_none(store: &impl Store) {
    let first = store.save(&id("create"), "first".into(), None).await;
    let Ok(revision) = first else { panic!("save creates a document where there is none, not {first:?}") };

    let second = store.save(&id("create"), "second".into(), None).await;

    assert_eq!(second, Err(Error::Conflict), "a document is not created over another");
    let (document, loaded) = load(store, "create").await.expect("the first document is there");
    assert_eq!(document, b"first", "after a conflict nothing was changed");
    assert_eq!(loaded, revision, "load answers the revision that save answered");
}

async fn save_replaces_the_revision_named_or_nothing(store: &impl Store) {
    let first = save(store, "replace", "first", None).await;
    let second = save(store, "replace", "second", Some(&first)).await;

    let repeated = store.save(&id("replace"), "second".into(), Some(&first)).await;
    assert_eq!(repeated, Err(Error::Conflict), "repeating a save that took place is a conflict");
    let other = store.save(&id("replace"), "third".into(), Some(&format!("{second}0"))).await;
    assert_eq!(other, Err(Error::Conflict), "a revision that never was is a conflict");

    let (document, revision) = load(store, "replace").await.expect("the document is there");
    assert_eq!((document.as_slice(), revision), (b"second".as_slice(), second), "after a conflict nothing was changed");
}

async fn a_revision_is_not_used_twice(store: &impl Store) {
    let a = save(store, "aba", "a", None).await;
    let b = save(store, "aba", "b", Some(&a)).await;
    let again = save(store, "aba", "a", Some(&b)).await;

    assert_ne!(again, a, "the same document saved later is another revision");
    assert_ne!(b, a, "another document is another revision");
    let stale = store.save(&id("aba"), "c".into(), Some(&a)).await;
    assert_eq!(stale, Err(Error::Conflict), "an old revision stays old when its document comes back");

    let same = save(store, "aba", "a", Some(&again)).await;
    assert_ne!(same, again, "saving the same document over itself is another revision");
}

async fn a_save_is_seen_by_every_load_that_starts_after_it(one: &impl Store, other: &impl Store) {
    let mut revision = None;
    for turn in 0..20 {
        let document = format!("turn {turn}");
        let (writer, reader): (&dyn Store, &dyn Store) = if turn % 2 == 0 { (one, other) } else { (other, one) };

        let saved = writer.save(&id("read"), document.as_str().into(), revision.as_deref()).await;
        let saved = saved.unwrap_or_else(|e| panic!("a save of the revision that is stored succeeds: {e:?}"));

        let loaded = reader.load(&id("read")).await.ok().flatten().expect("the document is there");
        assert_eq!(
            loaded.document.expose(),
            document.as_bytes(),
            "a load that starts after a save sees it, wherever it runs"
        );
        assert_eq!(loaded.revision, saved, "a revision is the same wherever it is read");
        revision = Some(saved);
    }
}

async fn documents_come_back_byte_for_byte(store: &impl Store) {
    let every_byte: Vec<u8> = (0..=255).collect();
    for (name, document) in [
        ("bytes", every_byte.as_slice()),
        ("empty", b""),
        ("line-ends", b"\r\n\n\r\n\0"),
        ("text", "{\"größe\":1}\n".as_bytes()),
    ] {
        let revision = store.save(&id(name), document.into(), None).await;
        let revision = revision.unwrap_or_else(|e| panic!("a document of any bytes is saved: {e:?}"));
        let loaded = load(store, name).await.expect("the document is there");
        assert_eq!(loaded, (document.to_vec(), revision), "a document comes back byte for byte");
    }
}

async fn documents_of_64_kib_fit(store: &impl Store) {
    let document: Vec<u8> = (0..64 << 10).map(|i: u32| i.to_le_bytes()[i as usize % 3]).collect();
    let saved = store.save(&id("large"), document.clone().into(), None).await;
    assert!(saved.is_ok(), "a document of 64 KiB fits: {saved:?}");
    let (loaded, _) = load(store, "large").await.expect("the document is there");
    assert!(loaded == document, "a document of 64 KiB comes back byte for byte");
}

async fn a_document_that_does_not_fit_is_full_and_changes_nothing(store: &impl Store) {
    for (name, large) in [("beyond", (64 << 10) + 1), ("far-beyond", 1 << 20)] {
        let large = vec![b'x'; large];
        let created = store.save(&id(name), large.clone().into(), None).await;
        let small = match created {
            Ok(revision) => Some((large.clone(), revision)),
            Err(Error::Full(_)) => {
                assert!(load(store, name).await.is_none(), "what does not fit is not there");
                let revision = save(store, name, "small", None).await;
                let again = store.save(&id(name), large.clone().into(), Some(&revision)).await;
                assert!(matches!(again, Err(Error::Full(_))), "a document that does not fit is full, not {again:?}");
                Some((b"small".to_vec(), revision))
            }
            Err(other) => panic!("a document that does not fit is full, not {other:?}"),
        };
        assert!(
            load(store, name).await == small,
            "what was saved comes back, and what did not fit has changed nothing"
        );
    }
}

async fn client_ids_are_compared_byte_for_byte(store: &impl Store) {
    let names = [
        "A",
        "a",
        "a.b",
        "a_b",
        "a-b",
        "a/b",
        "../a",
        "a%2Fb",
        "a b",
        ".",
        "..",
        "",
        "ä",
        "a\u{308}",
        "a\0b",
        "con",
        "a.tmp",
        "a.lock",
        &"x".repeat(300),
    ];
    for name in names {
        save(store, name, name, None).await;
    }
    for name in names {
        let (document, _) = load(store, name).await.unwrap_or_else(|| panic!("the document of {name:?} is there"));
        assert_eq!(document, name.as_bytes(), "client ids are compared byte for byte; {name:?} is itself");
    }
}

async fn of_concurrent_savers_of_one_revision_at_most_one_succeeds<S: Store>(open: &impl Fn() -> S) {
    let mut revision = None;
    for turn in 0..10 {
        let savers = (0..SAVERS).map(|saver| {
            let (store, expected) = (open(), revision.clone());
            tokio::spawn(async move {
                let document = format!("turn {turn} saver {saver}");
                let saved = store.save(&id("race"), document.as_str().into(), expected.as_deref()).await;
                (document, saved)
            })
        });
        let mut won = Vec::new();
        for saver in savers.collect::<Vec<_>>() {
            match saver.await.expect("a saver does not panic") {
                (document, Ok(revision)) => won.push((document.into_bytes(), revision)),
                (_, Err(Error::Conflict)) => {}
                (_, Err(other)) => panic!("all others get a conflict, not {other:?}"),
            }
        }
        assert_eq!(won.len(), 1, "of concurrent savers of one revision one succeeds and no other");
        assert_eq!(
            load(&open(), "race").await.as_ref(),
            won.first(),
            "the document is that of the saver that succeeded"
        );
        revision = won.pop().map(|(_, revision)| revision);
    }
}

async fn no_save_is_lost_among_concurrent_savers<S: Store>(open: &impl Fn() -> S) {
    const EACH: usize = 3;
    let savers = (0..SAVERS).map(|_| {
        let store = open();
        tokio::spawn(async move {
            for _ in 0..EACH {
                loop {
                    let (count, revision) = match load(&store, "count").await {
                        Some((document, revision)) => (number(&document), Some(revision)),
                        None => (0, None),
                    };
                    let document = (count + 1).to_string();
                    match store.save(&id("count"), document.as_str().into(), revision.as_deref()).await {
                        Ok(_) => break,
                        Err(Error::Conflict) => tokio::task::yield_now().await,
                        Err(other) => panic!("all others get a conflict, not {other:?}"),
                    }
                }
            }
        })
    });
    for saver in savers.collect::<Vec<_>>() {
        saver.await.expect("a saver does not panic");
    }
    let (document, _) = load(&open(), "count").await.expect("the document is there");
    assert_eq!(number(&document), SAVERS * EACH, "every save that succeeded was of the revision before it");
}

async fn load_never_returns_part_of_a_document_or_a_mixture<S: Store>(open: &impl Fn() -> S) {
    let document = |letter: u8, turn: usize| Secret::new(vec![letter; 1000 + 6000 * (turn % 7)]);
    let store = open();
    let mut revision = store.save(&id("whole"), document(b'a', 0), None).await.expect("the document is saved");
    let writing = Arc::new(());
    let readers = (0..2).map(|_| {
        let (store, writing) = (open(), Arc::downgrade(&writing));
        tokio::spawn(async move {
            while writing.upgrade().is_some() {
                let (document, _) = load(&store, "whole").await.expect("a document that is replaced is always there");
                let first = document.first().expect("no document here is empty");
                assert!(document.iter().all(|byte| byte == first), "load never returns a mixture of two documents");
                assert_eq!(document.len() % 6000, 1000, "load never returns part of a document");
                tokio::task::yield_now().await;
            }
        })
    });
    let readers: Vec<_> = readers.collect();
    for turn in 1..40 {
        let letter = b'a' + u8::try_from(turn % 26).expect("less than 26");
        let saved = store.save(&id("whole"), document(letter, turn), Some(&revision)).await;
        revision = saved.unwrap_or_else(|e| panic!("a save of the revision that is stored succeeds: {e:?}"));
    }
    drop(writing);
    for reader in readers {
        reader.await.expect("a reader finds whole documents");
    }
}

async fn a_removed_document_is_gone_for_every_load_that_starts_after_it(one: &impl Store, other: &impl Store) {
    let revision = save(one, "remove", "secret", None).await;

    let removed = one.remove(&id("remove"), &revision).await;

    assert_eq!(removed, Ok(()), "the revision that is stored is removed");
    for store in [one as &dyn Store, other] {
        let loaded = store.load(&id("remove")).await.expect("load answers");
        assert!(
            loaded.is_none_or(|entry| entry.document.expose() == REMOVED.as_bytes()),
            "after a removal load answers none, or the document that means none"
        );
    }
}

async fn remove_removes_the_revision_named_or_nothing(store: &impl Store) {
    let nothing = store.remove(&id("remove-none"), "1").await;
    assert_eq!(nothing, Err(Error::Conflict), "a revision of nothing is a conflict");

    let first = save(store, "remove-older", "first", None).await;
    let second = save(store, "remove-older", "second", Some(&first)).await;
    let stale = store.remove(&id("remove-older"), &first).await;
    assert_eq!(stale, Err(Error::Conflict), "an older revision never removes");
    let never = store.remove(&id("remove-older"), &format!("{second}0")).await;
    assert_eq!(never, Err(Error::Conflict), "a revision that never was is a conflict");
    let stored = load(store, "remove-older").await;
    assert_eq!(stored, Some((b"second".to_vec(), second.clone())), "after a conflict nothing was changed");

    let removed = store.remove(&id("remove-older"), &second).await;
    assert_eq!(removed, Ok(()), "the revision that is stored is removed");
    let again = store.remove(&id("remove-older"), &second).await;
    assert!(
        matches!(again, Ok(()) | Err(Error::Conflict)),
        "repeating a removal is a conflict or nothing, not {again:?}"
    );
    let over = store.save(&id("remove-older"), "third".into(), Some(&second)).await;
    assert_eq!(over, Err(Error::Conflict), "a revision that was removed is a conflict");
}

async fn a_document_made_anew_after_a_removal_has_no_revision_of_before(store: &impl Store) {
    let before = save(store, "anew", "same", None).await;
    store.remove(&id("anew"), &before).await.expect("the revision that is stored is removed");

    // The document that means none is replaced by its revision.
    let means_none = load(store, "anew").await.map(|(_, revision)| revision);
    let anew = save(store, "anew", "same", means_none.as_deref()).await;

    assert_ne!(anew, before, "a document that is made anew has another revision");
    assert_eq!(store.remove(&id("anew"), &before).await, Err(Error::Conflict), "an older revision never removes");
    let saved = store.save(&id("anew"), "other".into(), Some(&before)).await;
    assert_eq!(saved, Err(Error::Conflict), "a revision of before a removal stays old");
    assert_eq!(load(store, "anew").await, Some((b"same".to_vec(), anew)), "after a conflict nothing was changed");
}

async fn of_a_saver_and_a_remover_of_one_revision_one_succeeds<S: Store>(open: &impl Fn() -> S) {
    for turn in 0..10 {
        let name = format!("remove-race-{turn}");
        let revision = save(&open(), &name, "before", None).await;
        let (saver, remover, client_id) = (open(), open(), id(&name));
        let (of_saver, of_remover) = (revision.clone(), client_id.clone());
        let saving = tokio::spawn(async move { saver.save(&client_id, "after".into(), Some(&of_saver)).await });
        let removing = tokio::spawn(async move { remover.remove(&of_remover, &revision).await });

        let saved = saving.await.expect("a saver does not panic");
        let removed = removing.await.expect("a remover does not panic");

        let stored = load(&open(), &name).await.map(|(document, _)| document);
        match (saved, removed) {
            (Ok(_), Err(Error::Conflict)) => {
                assert_eq!(stored.as_deref(), Some(b"after".as_slice()), "the save is stored")
            }
            (Err(Error::Conflict), Ok(())) => {
                assert!(stored.is_none_or(|document| document == REMOVED.as_bytes()), "the document is removed");
            }
            other => panic!("of a saver and a remover of one revision one succeeds, not {other:?}"),
        }
    }
}

fn id(name: &str) -> String {
    format!("{CLIENT_ID}.{name}")
}

async fn save(store: &impl Store, name: &str, document: &str, expected: Option<&str>) -> String {
    let saved = store.save(&id(name), document.into(), expected).await;
    saved.unwrap_or_else(|e| panic!("a save of the revision that is stored succeeds, for {name:?}: {e:?}"))
}

async fn load(store: &impl Store, name: &str) -> Option<(Vec<u8>, String)> {
    let loaded = store.load(&id(name)).await;
    let loaded = loaded.unwrap_or_else(|e| panic!("load answers the document, for {name:?}: {e:?}"));
    loaded.map(|entry| (entry.document.into_bytes(), entry.revision))
}

fn number(document: &[u8]) -> usize {
    let text = std::str::from_utf8(document).ok();
    text.and_then(|text| text.parse().ok()).expect("the document is a number")
}
