//! The memory of `watch` with very many applications, for `docs/performance.md`: `cargo bench -p lwa-rotate --bench fleet`.
//!
//! Only on Linux, which tells the memory of a process. The folder lies in memory where there is such a place: what is measured
//! is the program, and hundreds of thousands of small files would take a disk long.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a measurement may stop, and prints")]

use std::fs::{self, File};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use lwa_rotate::store::{FileStore, MemoryStore, Store};
use lwa_rotate::{Application, Rotator, Secret};
use lwa_rotate_emulator::{Emulator, Options};
use tempfile::TempDir;

const PROGRAM: &str = env!("CARGO_BIN_EXE_lwa-rotate");
const SECRET: &str = "amzn1.oa2-cs.v1.bench-7f3a9c51e8b2d6049c1e";
/// How many applications stand in a file of the folder.
const IN_FILE: usize = 100;
/// How long after its start the memory is read.
const AFTER: Duration = Duration::from_secs(30);

fn main() {
    // `cargo test --benches` asks with this: there is nothing to test here.
    if std::env::args().any(|argument| argument == "--test") || !cfg!(target_os = "linux") {
        return;
    }
    let runtime = tokio::runtime::Runtime::new().unwrap();
    println!("| applications | enrolled | resident memory | at its highest | for each application | starts in |");
    println!("| --- | --- | --- | --- | --- | --- |");
    for enrolled in [false, true] {
        let mut base = None;
        for count in [1, 1_000, 10_000, 100_000] {
            let folder = configured(count);
            if enrolled {
                runtime.block_on(enroll(folder.path(), count));
            }
            let (resident, highest, started) = measured(folder.path());
            let base = *base.get_or_insert(resident);
            let each = if count > 1 {
                format!("{} bytes", resident.saturating_sub(base) / count as u64)
            } else {
                String::new()
            };
            let megabytes = |bytes: u64| format!("{:.1} MB", bytes as f64 / 1e6);
            println!(
                "| {count} | {} | {} | {} | {each} | {:.1} s |",
                if enrolled { "all" } else { "none" },
                megabytes(resident),
                megabytes(highest),
                started.as_secs_f64()
            );
        }
    }
}

fn client_id(place: usize) -> String {
    format!("amzn1.application-oa2-client.{place:032x}")
}

/// A folder of applications, each with one target.
fn configured(count: usize) -> TempDir {
    let memory = Path::new("/dev/shm");
    let folder = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() }.unwrap();
    let main = "apps-folder = \"apps.d\"\n[store]\npath = \"state\"\n\
                [queues.main]\nurl = \"http://127.0.0.1:1/000000000000/lwa\"\n";
    fs::write(folder.path().join("lwa-rotate.toml"), main).unwrap();
    fs::create_dir(folder.path().join("apps.d")).unwrap();
    for first in (0..count).step_by(IN_FILE) {
        let apps = (first..count.min(first + IN_FILE)).map(|place| {
            format!(
                "[apps.seller-{place}]\nclient-id = \"{}\"\nregion = \"na\"\nqueue = \"main\"\n\
                 [[apps.seller-{place}.publish]]\nname = \"file\"\nkind = \"file\"\n\
                 path = \"/var/lib/sellers/seller-{place}/lwa.env\"\nformat = \"env\"\n",
                client_id(place)
            )
        });
        fs::write(folder.path().join(format!("apps.d/{first:06}.toml")), apps.collect::<String>()).unwrap();
    }
    folder
}

/// Records of applications whose secrets are proven and published. One is made by a rotator, the others are its copies.
async fn enroll(folder: &Path, count: usize) {
    let application = lwa_rotate_emulator::Application::new(client_id(0), SECRET);
    let emulator = Emulator::start(Options { applications: vec![application], ..Options::default() }).await.unwrap();
    let memory = std::sync::Arc::new(MemoryStore::new());
    let mut settings = Application::new(client_id(0), emulator.url());
    settings.token_endpoint = emulator.token_endpoint();
    settings.targets = vec!["file".to_owned()];
    let taken = lwa_rotate::publish::Targets::new().with(
        client_id(0),
        "file",
        lwa_rotate::publish::FileTarget::new(folder.join("taken.env"), lwa_rotate::publish::Format::Env),
    );
    let builder = Rotator::builder().application(settings).store(std::sync::Arc::clone(&memory)).publish(taken);
    let rotator = builder.build().unwrap();
    let ends_at = emulator.secrets(&client_id(0))[0].ends_at;
    rotator.enroll(&client_id(0), Secret::from(SECRET), Some(ends_at)).await.unwrap();
    let status = rotator.advance(&client_id(0)).await.unwrap();
    assert!(status.proven && status.targets[0].holds_current, "{status:?}");
    let document = memory.load(&client_id(0)).await.unwrap().unwrap().document;
    let document = document.expose_str().unwrap();
    let store = FileStore::new(folder.join("state"));
    for place in 0..count {
        let document = document.replace(&client_id(0), &client_id(place));
        store.save(&client_id(place), document.into_bytes().into(), None).await.unwrap();
    }
}

/// The memory of `watch` in this folder, and how long it took to start.
fn measured(folder: &Path) -> (u64, u64, Duration) {
    let log = folder.join("log");
    let began = Instant::now();
    let mut child = Command::new(PROGRAM)
        .arg("watch")
        .current_dir(folder)
        .env("AWS_REGION", "us-east-1")
        .env("AWS_ACCESS_KEY_ID", "test")
        .env("AWS_SECRET_ACCESS_KEY", "test")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(File::create(&log).unwrap())
        .spawn()
        .unwrap();
    while !fs::read_to_string(&log).unwrap().contains("watching") {
        assert!(began.elapsed() < Duration::from_secs(300), "it does not start");
        thread::sleep(Duration::from_millis(20));
    }
    let started = began.elapsed();
    thread::sleep(AFTER);
    // The program lets nobody of the same user read its memory, but its size is no secret.
    let (resident, highest) = memory(&child);
    child.kill().unwrap();
    child.wait().unwrap();
    (resident, highest, started)
}

/// Resident at present, and at the highest, in bytes.
fn memory(child: &Child) -> (u64, u64) {
    let status = fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap();
    let value = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
        line.trim().trim_end_matches(" kB").trim().parse::<u64>().unwrap() * 1024
    };
    (value("VmRSS:"), value("VmHWM:"))
}
