//! `watch` with very many applications: its memory, and what it computes for each of them.
//!
//! The folder lies in memory where there is such a place: what is measured is the program, and hundreds of thousands of small files
//! would take a disk long.

use std::fs::{self, File};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use lwa_rotate::clock::ManualClock;
use lwa_rotate::publish;
use lwa_rotate::settings::Target;
use lwa_rotate::store::{FileStore, MemoryStore, Store};
use lwa_rotate::{Application, Rotator, Secret};
use lwa_rotate_emulator::{Emulator, Options};
use tempfile::TempDir;

use crate::sample::figure;
use crate::size::megabytes;
use crate::{memory, program, table};

const SECRET: &str = "amzn1.oa2-cs.v1.bench-7f3a9c51e8b2d6049c1e";
/// How many applications stand in a file of the folder.
const IN_FILE: usize = 100;
/// How many applications are looked at in a second, however many there are: so each look costs the same but for their number.
const LOOKS: usize = 1000;
/// How long it is watched, after each application has been looked at.
const FOR: Duration = Duration::from_secs(20);
const MOST_MEMORY: u64 = 200_000_000;

pub fn measure() {
    if !cfg!(target_os = "linux") {
        return table::without(
            "`watch` with very many applications",
            "the system does not tell the memory of a process",
        );
    }
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let (alone, _) = Watch::start(&enrolled(&runtime, 1), 1).memory();
    table::row("memory of `watch` with 1 application", megabytes(alone));

    let counts = [1_000, 10_000, 100_000];
    let mut costs = Vec::new();
    for count in counts {
        let folder = enrolled(&runtime, count);
        let watch = Watch::start(&folder, count);
        let cost = watch.cost();
        let (resident, highest) = watch.memory();
        let each = resident.saturating_sub(alone) / count as u64;
        let value = format!("{}, at its highest {}; {each} bytes for each", megabytes(resident), megabytes(highest));
        let what = format!("memory of `watch` with {count} applications");
        if count == 100_000 {
            table::target(&what, value, "under 200 MB", highest < MOST_MEMORY);
        } else {
            table::row(&what, value);
        }
        costs.push(cost);
        table::row(&format!("computing of one look at one of {count} applications"), format!("{} µs", figure(cost)));
    }
    let ratio = costs[2] / costs[0];
    table::target(
        "the same with 100000 against 1000",
        format!("{} times", figure(ratio)),
        "within 1.2 times",
        ratio <= 1.2,
    );
}

/// How often each is looked at.
fn interval(count: usize) -> Duration {
    Duration::from_secs(count.div_ceil(LOOKS) as u64)
}

fn enrolled(runtime: &tokio::runtime::Runtime, count: usize) -> TempDir {
    let folder = configured(count);
    runtime.block_on(enroll(folder.path(), count));
    folder
}

fn client_id(place: usize) -> String {
    format!("amzn1.application-oa2-client.{place:032x}")
}

/// A folder of applications, each with one target.
fn configured(count: usize) -> TempDir {
    let memory = Path::new("/dev/shm");
    let folder = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() }.unwrap();
    let main = format!(
        "apps-folder = \"apps.d\"\n[store]\npath = \"state\"\n\
         [queues.main]\nurl = \"http://127.0.0.1:1/000000000000/lwa\"\n\
         [watch]\nrecord-interval = \"{}s\"\n",
        interval(count).as_secs()
    );
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

/// Records of applications whose secrets are verified, published, and read where they were published. One is made by a rotator, the others are its copies.
async fn enroll(folder: &Path, count: usize) {
    let application = lwa_rotate_emulator::Application::new(client_id(0), SECRET);
    let emulator = Emulator::start(Options { applications: vec![application], ..Options::default() }).await.unwrap();
    let memory = std::sync::Arc::new(MemoryStore::new());
    let mut settings = Application::new(client_id(0), emulator.url(), "main");
    settings.token_endpoint = emulator.token_endpoint();
    let place = |number: usize| format!("file://{}/var/lib/sellers/seller-{number}/lwa.env", publish::machine());
    settings.targets = vec![Target { name: "file".into(), place: place(0) }];
    let taken = publish::Targets::new().with(
        client_id(0),
        "file",
        publish::FileTarget::new(folder.join("taken.env"), publish::Format::Env),
    );
    // An hour ago, and so that the place is not read again before tomorrow.
    let clock = std::sync::Arc::new(ManualClock::new(milliseconds(emulator.now()) - 3_600_000));
    let builder = Rotator::builder().application(settings).store(std::sync::Arc::clone(&memory)).publish(taken);
    let rotator = builder.clock(std::sync::Arc::clone(&clock)).build().unwrap();
    let ends_at = emulator.secrets(&client_id(0))[0].ends_at;
    rotator.enroll(&client_id(0), Secret::from(SECRET), Some(ends_at), false).await.unwrap();
    rotator.advance(&client_id(0)).await.unwrap();
    clock.advance(Duration::from_secs(180));
    let status = rotator.advance(&client_id(0)).await.unwrap();
    assert!(status.verified && status.targets[0].read_at.is_some(), "{status:?}");
    let document = memory.load(&client_id(0)).await.unwrap().unwrap().document;
    let document = document.expose_str().unwrap();
    let store = FileStore::new(folder.join("state"));
    for number in 0..count {
        let document = document.replace(&client_id(0), &client_id(number)).replace(&place(0), &place(number));
        store.save(&client_id(number), document.into_bytes().into(), None).await.unwrap();
    }
}

fn milliseconds(time: std::time::SystemTime) -> u64 {
    u64::try_from(time.duration_since(std::time::SystemTime::UNIX_EPOCH).unwrap().as_millis()).unwrap()
}

/// `watch` in a folder, ended with it.
struct Watch(Child);

impl Watch {
    /// Starts it, and waits until it has looked at each application.
    fn start(folder: &TempDir, count: usize) -> Self {
        let folder = folder.path();
        let log = folder.join("log");
        let began = Instant::now();
        let child = Command::new(program())
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
        let watch = Self(child);
        while !fs::read_to_string(&log).unwrap().contains("watching") {
            assert!(began.elapsed() < Duration::from_secs(300), "it does not start");
            thread::sleep(Duration::from_millis(20));
        }
        thread::sleep(interval(count) + Duration::from_secs(3));
        watch
    }

    /// Resident and at its highest, in bytes.
    fn memory(&self) -> (u64, u64) {
        memory::of(self.0.id())
    }

    /// The microseconds of one look.
    fn cost(&self) -> f64 {
        let (before, began) = (memory::computed(self.0.id()), Instant::now());
        thread::sleep(FOR);
        let looks = began.elapsed().as_secs_f64() * LOOKS as f64;
        (memory::computed(self.0.id()) - before) * 1e6 / looks
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
