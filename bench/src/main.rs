//! The figures of `docs/performance.md`, as its one table: `cargo run --release --locked -p lwa-rotate-bench`.
//!
//! Names of sections after it measure these alone. Sizes and counts are exact. Times are medians of interleaved runs with their
//! range, on whatever machine this is; only ratios of one run mean much elsewhere.

#![allow(missing_docs, clippy::unwrap_used, clippy::print_stdout, reason = "a measurement may stop, and prints")]

use std::alloc::System;
use std::path::PathBuf;
use std::process::Command;

use zeroizing_alloc::ZeroAlloc;

mod amazon;
mod calls;
mod fleet;
mod memory;
mod native;
mod picture;
mod rotation;
mod sample;
mod size;
mod start;
mod table;
mod watched;

#[global_allocator]
static ALLOCATOR: ZeroAlloc<System> = ZeroAlloc(System);

/// In the order of the table.
const SECTIONS: [(&str, fn()); 6] = [
    ("size", size::measure),
    ("calls", calls::measure),
    ("rotation", rotation::measure),
    ("start", start::measure),
    ("fleet", fleet::measure),
    ("picture", rotation::draw),
];

fn main() {
    std::env::set_current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/..")).unwrap();
    // A trial without `--release` takes the program that is there.
    if !cfg!(debug_assertions) {
        // Together, so that both are made of the same parts.
        let build = ["build", "--release", "--locked", "--quiet", "-p", "lwa-rotate", "-p", "lwa-rotate-bench"];
        assert!(Command::new(env!("CARGO")).args(build).status().unwrap().success());
    }
    std::fs::write("target/component.wasm", lwa_rotate::COMPONENT).unwrap();

    let asked: Vec<String> = std::env::args().skip(1).collect();
    table::head();
    for (name, measure) in SECTIONS {
        if asked.is_empty() || asked.iter().any(|asked| asked == name) {
            measure();
        }
    }
}

/// The program as a release hands it out: it stands beside this one.
fn program() -> PathBuf {
    std::env::current_exe().unwrap().with_file_name("lwa-rotate")
}
