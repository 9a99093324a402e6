//! Many trials at a time, and the table of what came of them.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex};
use std::thread;

/// Trials under way at the same time, of all tests together; each spends most of its time waiting.
const AT_ONCE: usize = 12;

/// How many more may begin.
static ROOM: (Mutex<usize>, Condvar) = (Mutex::new(AT_ONCE), Condvar::new());

/// One of them; the next may begin when it is dropped.
struct Turn;

impl Turn {
    fn wait() -> Self {
        *ROOM.1.wait_while(ROOM.0.lock().unwrap(), |room| *room == 0).unwrap() -= 1;
        Self
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        *ROOM.0.lock().unwrap() += 1;
        ROOM.1.notify_one();
    }
}

/// What came of one trial: its columns, and what was found wrong.
#[derive(Clone, Debug)]
pub struct Row {
    pub columns: Vec<String>,
    pub wrong: Vec<String>,
}

/// Carries out the trials 0, 1, 2 and so on, until one has no call left to strike at.
pub fn trials(trial: impl Fn(usize) -> Option<Row> + Sync) -> Vec<Row> {
    let (next, at_end) = (AtomicUsize::new(0), AtomicBool::new(false));
    let rows = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                while !at_end.load(Ordering::Relaxed) {
                    let _turn = Turn::wait();
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    match trial(number) {
                        Some(row) => rows.lock().unwrap().push((number, row)),
                        None => at_end.store(true, Ordering::Relaxed),
                    }
                }
            });
        }
    });
    let mut rows = rows.into_inner().unwrap();
    rows.sort_by_key(|(number, _)| *number);
    rows.into_iter().map(|(_, row)| row).collect()
}

/// Calls on the record's file at which a table has to have rows, or nothing was looked at.
pub const ON_FILES: &[&str] = &["create state/", "write state/", "fsync state", "rename state/"];

/// Prints the table, keeps it beside what is built, and fails if anything was wrong, or if there is no row for one of the calls
/// that are expected.
pub fn conclude(file: &str, title: &str, heads: &[&str], rows: &[Row], expected: &[&str]) {
    let heads: Vec<String> = heads.iter().map(|&head| head.to_owned()).collect();
    let lines: Vec<&Vec<String>> = std::iter::once(&heads).chain(rows.iter().map(|row| &row.columns)).collect();
    let widths: Vec<usize> =
        (0..heads.len()).map(|place| lines.iter().map(|line| line[place].len()).max().unwrap_or_default()).collect();
    let mut text = format!("{title}: {} rows\n\n", rows.len());
    for line in lines {
        let cells: Vec<String> = line.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
        writeln!(text, "{}", cells.join("  ").trim_end()).unwrap();
    }
    println!("{text}");
    // Beside `tmp`, which cargo gives to tests.
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap();
    fs::write(target.join(file), text).unwrap();

    for call in expected {
        assert!(rows.iter().any(|row| row.columns[1].contains(call)), "nothing was done at a call like '{call}'");
    }
    let wrong: Vec<String> = rows
        .iter()
        .filter(|row| !row.wrong.is_empty())
        .map(|row| format!("{:?}\n  {}", row.columns, row.wrong.join("\n  ")))
        .collect();
    assert!(wrong.is_empty(), "{} of {} rows are not well:\n{}", wrong.len(), rows.len(), wrong.join("\n"));
}
