//! Every input that was ever worth keeping goes through its target: the corpora, and what once broke a promise.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeSet;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use hostile::{TARGETS, Target, check, memory, target};

fn here(folder: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)
}

/// The files of a folder in their order; none if there is no folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let files: BTreeSet<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    files.into_iter().collect()
}

fn replay(name: &str) {
    let target = target(name);
    let (corpus, found) = (files(&here("corpus").join(name)), files(&here("found").join(name)));
    assert!(corpus.len() >= 10, "the corpus of {name} is not there");
    // What a run makes once, for all inputs, is no input's memory.
    (target.take_in)(b"");
    let broken: Vec<_> = corpus.iter().chain(&found).filter(|path| is_broken_by(target, path)).collect();
    assert!(broken.is_empty(), "{name} breaks a promise for {broken:?}; each is told above");
}

fn is_broken_by(target: Target, path: &Path) -> bool {
    let input = fs::read(path).unwrap();
    catch_unwind(AssertUnwindSafe(|| check(target, &input))).is_err()
}

/// Rules 5, 6, 7 and 9.
#[test]
fn no_body_of_a_message_breaks_a_promise() {
    replay("notification");
}

/// Rules 1, 2 and 9.
#[test]
fn no_answer_in_amazons_place_breaks_a_promise() {
    replay("answers");
}

#[test]
fn no_stored_document_breaks_a_promise_or_is_overwritten() {
    replay("record");
}

#[test]
fn no_record_file_breaks_a_promise_or_is_overwritten() {
    replay("stored-file");
}

#[test]
fn no_configuration_breaks_a_promise() {
    replay("configuration");
}

/// Rules 12 and 16.
#[test]
fn no_policy_of_a_queue_or_a_key_breaks_a_promise() {
    replay("queue");
}

#[test]
fn every_folder_of_inputs_belongs_to_a_target() {
    for folder in ["corpus", "found"] {
        for path in files(&here(folder)) {
            let name = path.file_name().unwrap().to_str().unwrap();
            assert!(TARGETS.iter().any(|target| target.name == name), "{}", path.display());
        }
    }
}

/// The measure of all the others.
#[test]
fn memory_is_counted_at_its_highest() {
    let run = || {
        let first = vec![0_u8; 3 << 20];
        drop(std::hint::black_box(first));
        drop(std::hint::black_box(vec![0_u8; 1 << 20]));
    };
    let peak = memory::peak_of(run);
    assert!((3 << 20..4 << 20).contains(&peak), "{peak}");
}
