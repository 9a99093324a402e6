//! Figures that must not change by accident: compared with those in `tests/figures.json`.
//!
//! None of them is a time. Where a change is meant, this writes them again, and the commit shows by how much:
//! `LWA_ROTATE_FIGURES=update cargo test --locked -p lwa-rotate --lib --bins figures`.

use std::collections::BTreeMap;
use std::fs;
use std::sync::{Mutex, PoisonError};

/// How far a size or a cost may be from what is committed, in thousandths. Counts must be the same.
const TOLERANCE: u64 = 20;
const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/figures.json");

/// What a figure is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Exactly as committed.
    Count,
    /// Within the tolerance of what is committed.
    Cost,
}

/// The figures of one group as measured.
pub fn compare(group: &str, kind: Kind, measured: &[(&str, u64)]) {
    // Several tests of a process may write.
    static WRITING: Mutex<()> = Mutex::new(());
    let _writing = WRITING.lock().unwrap_or_else(PoisonError::into_inner);
    let text = fs::read_to_string(FILE).unwrap();
    let mut all: BTreeMap<String, BTreeMap<String, u64>> = serde_json::from_str(&text).unwrap();
    let measured: BTreeMap<String, u64> = measured.iter().map(|(name, value)| ((*name).to_owned(), *value)).collect();
    if std::env::var_os("LWA_ROTATE_FIGURES").is_some_and(|value| value == "update") {
        all.insert(group.to_owned(), measured);
        fs::write(FILE, serde_json::to_string_pretty(&all).unwrap() + "\n").unwrap();
        return;
    }
    let differences = differences(kind, all.get(group).unwrap_or(&BTreeMap::new()), &measured);
    assert!(
        differences.is_empty(),
        "{group}: {}; if that is meant, LWA_ROTATE_FIGURES=update with the same test takes it into tests/figures.json",
        differences.join(", ")
    );
}

/// What is not as committed, in words.
fn differences(kind: Kind, committed: &BTreeMap<String, u64>, measured: &BTreeMap<String, u64>) -> Vec<String> {
    let mut differences = Vec::new();
    for (name, value) in measured {
        match committed.get(name) {
            None => differences.push(format!("{name} is not committed")),
            Some(before) => {
                let most = if kind == Kind::Cost { before * TOLERANCE / 1000 } else { 0 };
                if value.abs_diff(*before) > most {
                    differences.push(format!("{name} was {before} and is {value}"));
                }
            }
        }
    }
    differences
        .extend(committed.keys().filter(|name| !measured.contains_key(*name)).map(|name| format!("{name} is gone")));
    differences
}

#[test]
fn figures_that_differ_by_more_than_the_tolerance_are_named() {
    let figures = |values: &[(&str, u64)]| values.iter().map(|(name, value)| ((*name).to_owned(), *value)).collect();
    let committed = figures(&[("calls", 6), ("gone", 1), ("large", 1000), ("small", 1000)]);
    let measured = figures(&[("calls", 6), ("large", 1021), ("new", 1), ("small", 980)]);

    let named = differences(Kind::Cost, &committed, &measured);

    assert_eq!(named, ["large was 1000 and is 1021", "new is not committed", "gone is gone"]);
    assert_eq!(differences(Kind::Count, &committed, &committed), Vec::<String>::new());
    assert_eq!(differences(Kind::Count, &figures(&[("calls", 1000)]), &figures(&[("calls", 1001)])).len(), 1);
}
