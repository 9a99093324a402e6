//! The figures of `docs/performance.md`: `cargo bench -p lwa-rotate --bench figures`.
//!
//! Sizes are exact. Times are medians of interleaved runs with their range, on whatever machine this is; only their ratios
//! mean much elsewhere.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a measurement may stop, and prints")]

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use lwa_rotate::aws::Aws;
use lwa_rotate::queue::Sqs;
use lwa_rotate::store::{FileStore, MemoryStore};
use lwa_rotate::{Application, Rotator, Secret, State};
use lwa_rotate_emulator::{Emulator, Options};

const PROGRAM: &str = env!("CARGO_BIN_EXE_lwa-rotate");
const CLIENT_ID: &str = "amzn1.application-oa2-client.bench";
const SECRET: &str = "amzn1.oa2-cs.v1.bench";
const RUNS: usize = 21;

fn main() {
    // `cargo test --benches` asks with this: there is nothing to test here.
    if std::env::args().any(|argument| argument == "--test") {
        return;
    }
    println!("| figure | value | aim |");
    println!("| --- | --- | --- |");
    println!("| component | {} | at most 200 KB |", kilobytes(lwa_rotate::COMPONENT.len() as u64));
    println!("| its imports | {} | the contract's |", imports());
    println!("| program | {} | at most 20 MB |", kilobytes(fs::metadata(PROGRAM).unwrap().len()));

    let folder = tempfile::tempdir().unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(enroll(folder.path()));
    let (mut status, mut help, mut demo) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..RUNS {
        help.push(process(folder.path(), &["--version"]));
        status.push(process(folder.path(), &["status"]));
        demo.push(process(folder.path(), &["demo"]));
    }
    println!("| `lwa-rotate --version`, whole process | {} | |", spread(&mut help));
    println!("| `lwa-rotate status`, whole process, one guest call | {} | at most 20 ms |", spread(&mut status));
    println!("| `lwa-rotate demo`, whole process | {} | at most 2 s |", spread(&mut demo));

    let mut builds = Vec::new();
    let mut calls = Vec::new();
    for _ in 0..RUNS {
        let begun = Instant::now();
        let rotator = rotator(MemoryStore::new());
        builds.push(begun.elapsed());
        runtime.block_on(async {
            rotator.enroll(CLIENT_ID, Secret::from(SECRET), None).await.unwrap();
            let begun = Instant::now();
            rotator.status(CLIENT_ID).await.unwrap();
            calls.push(begun.elapsed());
        });
    }
    println!("| mapping and linking the component | {} | |", spread(&mut builds));
    println!("| one `status` call in a fresh instance | {} | |", spread(&mut calls));
    let mut rotations: Vec<Duration> = (0..RUNS).map(|_| runtime.block_on(rotation())).collect();
    println!("| one rotation against the emulator (six calls over loopback) | {} | |", spread(&mut rotations));
}

fn kilobytes(bytes: u64) -> String {
    format!("{:.1} KB", bytes as f64 / 1000.0)
}

fn spread(times: &mut [Duration]) -> String {
    times.sort();
    let milliseconds = |time: Duration| time.as_secs_f64() * 1000.0;
    format!(
        "{:.2} ms ({:.2} to {:.2})",
        milliseconds(times[times.len() / 2]),
        milliseconds(times[0]),
        milliseconds(times[times.len() - 1])
    )
}

/// The interfaces that the component imports.
fn imports() -> usize {
    let mut depth = 0;
    let mut count = 0;
    for payload in wasmparser::Parser::new(0).parse_all(lwa_rotate::COMPONENT) {
        match payload.unwrap() {
            wasmparser::Payload::ModuleSection { .. } | wasmparser::Payload::ComponentSection { .. } => depth += 1,
            wasmparser::Payload::End(_) => depth -= 1,
            wasmparser::Payload::ComponentImportSection(section) if depth == 0 => count += section.count() as usize,
            _ => {}
        }
    }
    count
}

fn process(folder: &Path, arguments: &[&str]) -> Duration {
    let begun = Instant::now();
    let ended = Command::new(PROGRAM)
        .args(arguments)
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .unwrap();
    let took = begun.elapsed();
    assert!(ended.success(), "{arguments:?}");
    took
}

/// A record and a configuration for `status` to read.
async fn enroll(folder: &Path) {
    let rotator = rotator(FileStore::new(folder.join("state")));
    rotator.enroll(CLIENT_ID, Secret::from(SECRET), None).await.unwrap();
    let configuration = format!(
        "[store]\npath = \"state\"\n[queues.main]\nurl = \"http://127.0.0.1:1/000000000000/lwa\"\n\
         [apps.bench]\nclient-id = \"{CLIENT_ID}\"\nregion = \"na\"\nqueue = \"main\"\n"
    );
    fs::write(folder.join("lwa-rotate.toml"), configuration).unwrap();
}

fn rotator(store: impl lwa_rotate::store::Store) -> Rotator {
    Rotator::builder().application(Application::new(CLIENT_ID, "http://127.0.0.1:1")).store(store).build().unwrap()
}

/// A whole rotation in the real host: from `request` until the message is deleted.
async fn rotation() -> Duration {
    let application = lwa_rotate_emulator::Application::new(CLIENT_ID, SECRET);
    let emulator = Emulator::start(Options { applications: vec![application], ..Options::default() }).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let mut settings = Application::new(CLIENT_ID, emulator.url());
    settings.token_endpoint = emulator.token_endpoint();
    let aws = Aws::new().endpoint(emulator.url()).unwrap().region("us-east-1");
    let aws = aws.access_key("bench", Secret::from("bench"));
    let queue = Sqs::new([("main", emulator.queue_url())]).unwrap().aws(aws);
    let rotator = Rotator::builder()
        .application(settings)
        .queue(queue)
        .store(FileStore::new(folder.path().join("state")))
        .build()
        .unwrap();
    rotator.enroll(CLIENT_ID, Secret::from(SECRET), None).await.unwrap();
    rotator.advance(CLIENT_ID).await.unwrap();
    let before = emulator.calls().len();
    let begun = Instant::now();
    rotator.request(CLIENT_ID).await.unwrap();
    rotator.advance(CLIENT_ID).await.unwrap();
    let deliveries = rotator.drain("main", 10, 20).await.unwrap();
    let took = begun.elapsed();
    assert_eq!(deliveries.len(), 1);
    let status = rotator.status(CLIENT_ID).await.unwrap();
    assert_eq!((status.state, status.generation), (State::Settled, 2));
    assert_eq!(emulator.calls().len() - before, 6);
    took
}
