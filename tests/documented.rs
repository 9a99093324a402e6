//! What `docs/tested.md` says is shown by a test: the test is there.

#![allow(missing_docs, clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// The names of all functions in the Rust files of a folder and of those in it.
fn functions(folder: &Path, found: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            functions(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&path).unwrap();
            let named = text.lines().filter_map(|line| line.trim().trim_start_matches("async ").strip_prefix("fn "));
            found.extend(named.filter_map(|rest| Some(rest.split_once('(')?.0.to_owned())));
        }
    }
}

#[test]
fn each_row_of_the_table_of_faults_names_tests_that_are_there() {
    let project = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut tests = BTreeSet::new();
    for folder in ["tests", "fuzz/tests", "host/rust/src", "host/rust/tests"] {
        functions(&project.join(folder), &mut tests);
    }
    let text = fs::read_to_string(project.join("docs/tested.md")).unwrap();
    let (_, table) = text.split_once("| fault |").unwrap();
    let rows: Vec<&str> = table.lines().skip(2).take_while(|line| line.starts_with('|')).collect();
    assert!(rows.len() > 30, "{} rows", rows.len());
    for row in rows {
        let cells: Vec<&str> = row.trim_matches('|').split('|').map(str::trim).collect();
        let shown_by: Vec<&str> = cells[1].split('`').skip(1).step_by(2).collect();
        let named: Vec<&&str> = shown_by.iter().filter(|name| !name.contains('/')).collect();
        assert!(!named.is_empty(), "no test: {row}");
        for name in named {
            assert!(tests.contains(*name), "there is no test {name}");
        }
    }
}
