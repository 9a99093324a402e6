//! Sizes of what is built and handed out.

use std::fs;
use std::path::PathBuf;

use crate::{program, table};

pub fn measure() {
    let component = lwa_rotate::COMPONENT.len() as u64;
    table::target("component", kilobytes(component), "at most 100 KB", component <= 100_000);
    let size = fs::metadata(program()).unwrap().len();
    table::target("program, stripped", megabytes(size), "at most 16 MB", size <= 16_000_000);
    for (figure, folder, ending, first) in [
        ("composed component", "target/stock", "lwa-rotate.wasm", "host/stock/build"),
        ("npm package", "target/node", ".tgz", "host/node/test/run"),
        ("Python wheel", "target/python/dist", ".whl", "host/python/test"),
    ] {
        match newest(folder, ending) {
            Some(path) => table::row(figure, kilobytes(fs::metadata(path).unwrap().len())),
            None => table::without(figure, &format!("run {first} first")),
        }
    }
}

/// The file with this ending that was written last.
fn newest(folder: &str, ending: &str) -> Option<PathBuf> {
    let files = fs::read_dir(folder).ok()?.map(|entry| entry.unwrap().path());
    files
        .filter(|path| path.to_string_lossy().ends_with(ending))
        .max_by_key(|path| fs::metadata(path).and_then(|metadata| metadata.modified()).ok())
}

pub fn kilobytes(bytes: u64) -> String {
    format!("{:.1} KB", bytes as f64 / 1e3)
}

pub fn megabytes(bytes: u64) -> String {
    format!("{:.1} MB", bytes as f64 / 1e6)
}
