//! A command under way, and what it left.

use std::io::Read;
use std::process::{Child, Command};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use serde_json::Value;

use super::World;

/// No command of these tests takes nearly as long.
const LONGEST: Duration = Duration::from_secs(150);
/// How often something that must come about is looked for.
const LOOK: Duration = Duration::from_millis(10);

/// What a command left.
#[derive(Debug)]
pub struct Ran {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
    pub took: Duration,
}

/// What a command has written so far.
struct Reading {
    text: Arc<Mutex<Vec<u8>>>,
    thread: JoinHandle<()>,
}

impl Reading {
    fn of(mut pipe: impl Read + Send + 'static) -> Self {
        let text = Arc::new(Mutex::new(Vec::new()));
        let written = Arc::clone(&text);
        let thread = thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(length @ 1..) = pipe.read(&mut buffer) {
                written.lock().unwrap().extend_from_slice(&buffer[..length]);
            }
        });
        Self { text, thread }
    }

    fn so_far(&self) -> String {
        String::from_utf8_lossy(&self.text.lock().unwrap()).into_owned()
    }

    fn end(self) -> String {
        self.thread.join().unwrap();
        String::from_utf8_lossy(&self.text.lock().unwrap()).into_owned()
    }
}

/// A process that does not outlive its test.
struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A command under way.
pub struct Running<'w> {
    world: &'w World,
    child: Killed,
    began: Instant,
    stdout: Reading,
    stderr: Reading,
    /// The command.
    started: String,
    /// It is one of those that may print a secret.
    reveals: bool,
}

impl<'w> Running<'w> {
    pub fn new(world: &'w World, mut child: Child, started: String, reveals: bool) -> Self {
        let stdout = Reading::of(child.stdout.take().unwrap());
        let stderr = Reading::of(child.stderr.take().unwrap());
        Self { world, child: Killed(child), began: Instant::now(), stdout, stderr, started, reveals }
    }

    /// The process.
    pub fn id(&self) -> u32 {
        self.child.0.id()
    }

    pub fn stderr(&self) -> String {
        self.stderr.so_far()
    }

    pub fn stdout(&self) -> String {
        self.stdout.so_far()
    }

    /// Waits until something has come about.
    #[track_caller]
    pub fn until(&self, what: &str, come_about: impl Fn() -> bool) {
        while !come_about() {
            let late = self.began.elapsed() > LONGEST / 3;
            assert!(!late, "it has not come about: {what}; so far:\n{}{}", self.stdout(), self.stderr());
            thread::sleep(LOOK);
        }
    }

    pub fn terminate(&self) {
        self.signal("TERM");
    }

    pub fn signal(&self, signal: &str) {
        let id = self.child.0.id();
        let sent = Command::new("/bin/sh").args(["-c", &format!("kill -{signal} {id}")]).status().unwrap();
        assert!(sent.success());
    }

    /// Waits for its end.
    pub fn end(mut self) -> Ran {
        let code = loop {
            if let Some(status) = self.child.0.try_wait().unwrap() {
                break status.code();
            }
            assert!(self.began.elapsed() < LONGEST, "it does not end: {}{}", self.stdout(), self.stderr());
            thread::sleep(LOOK);
        };
        let ran = Ran { code, stdout: self.stdout.end(), stderr: self.stderr.end(), took: self.began.elapsed() };
        self.world.note(format!("stderr of {}", self.started), &*ran.stderr);
        if !self.reveals {
            self.world.note(format!("stdout of {}", self.started), &*ran.stdout);
        }
        ran
    }
}

impl Ran {
    #[track_caller]
    pub fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "stdout: {}\nstderr: {}", self.stdout, self.stderr);
        self
    }

    #[track_caller]
    pub fn done(self) -> Self {
        self.exits(0)
    }

    /// Something was told to the person.
    #[track_caller]
    pub fn says(self, text: &str) -> Self {
        assert!(self.stderr.contains(text), "nothing says {text:?}: {}", self.stderr);
        self
    }

    /// The one JSON document on stdout.
    #[track_caller]
    pub fn document(&self) -> Value {
        assert_eq!(self.stdout.lines().count(), 1, "one document in one line: {:?} {}", self.stdout, self.stderr);
        serde_json::from_str(&self.stdout).unwrap()
    }
}
