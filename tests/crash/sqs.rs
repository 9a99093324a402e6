//! The queue that the program reads: the emulator's, or one of moto's.

use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use serde_json::json;

use crate::program::World;
use crate::services::{Kind, moto::Queue};
use crate::tracer::{self, Ended, Verdict};

/// A moto server that is traced, so that its clock can be moved.
pub struct Moto {
    address: SocketAddr,
    ahead: Arc<AtomicU64>,
    stop: Arc<AtomicBool>,
    server: Option<JoinHandle<Ended>>,
}

impl Moto {
    pub fn start() -> Self {
        let (mut command, address) = Kind::Moto.command();
        command.current_dir("/").env("PATH", "/usr/local/bin:/usr/bin:/bin");
        let (ahead, stop) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
        let server = thread::spawn({
            let (ahead, stop) = (Arc::clone(&ahead), Arc::clone(&stop));
            let verdict = move || if stop.load(Ordering::Relaxed) { Verdict::Kill } else { Verdict::Let };
            move || tracer::run(&command, "", &ahead, |_| verdict())
        });
        Kind::Moto.wait_for(address, || !server.is_finished());
        Self { address, ahead, stop, server: Some(server) }
    }
}

impl Drop for Moto {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        // It is killed at its next call, which is to look after this.
        let woken = TcpStream::connect(self.address).is_ok_and(|mut stream| {
            std::io::Write::write_all(&mut stream, b"GET / HTTP/1.1\r\nhost: moto\r\n\r\n").is_ok()
        });
        if woken && let Some(server) = self.server.take() {
            let _ = server.join();
        }
    }
}

/// Where the messages of one world are.
pub enum Sqs<'m> {
    Emulator,
    Moto(&'m Moto, Queue),
}

impl<'m> Sqs<'m> {
    /// A queue of moto's, for this world's program.
    pub fn of(moto: &'m Moto, world: &World) -> Self {
        // Every world has an address of its own.
        let queue = Queue::create(moto.address, &format!("lwa-{}", world.emulator.address().port()));
        queue.serve(world);
        Self::Moto(moto, queue)
    }

    /// How many messages there are, whether visible or not.
    pub fn messages(&self, world: &World) -> usize {
        let emulator = world.emulator.messages().all();
        match self {
            Self::Emulator => emulator,
            Self::Moto(_, queue) => {
                let (visible, received) = queue.counts();
                emulator + usize::try_from(visible + received).unwrap()
            }
        }
    }

    /// So much time passes.
    pub fn advance(&self, world: &World, by: Duration) {
        world.emulator.advance_time(by);
        if let Self::Moto(moto, _) = self {
            moto.ahead.fetch_add(by.as_secs(), Ordering::Relaxed);
        }
    }

    /// While something runs, what the emulator sends is carried over to moto.
    pub fn while_carried<R>(&self, world: &World, run: impl FnOnce() -> R) -> R {
        let Self::Moto(_, queue) = self else { return run() };
        let ended = AtomicBool::new(false);
        thread::scope(|scope| {
            scope.spawn(|| {
                loop {
                    // Order matters: looked at before the last time, so that nothing stays behind.
                    let last = ended.load(Ordering::Acquire);
                    carry(world, queue);
                    if last {
                        return;
                    }
                    thread::sleep(Duration::from_millis(5));
                }
            });
            // Also when it panics; otherwise nobody would ever know.
            let _end = OnDrop(&ended);
            run()
        })
    }
}

struct OnDrop<'a>(&'a AtomicBool);

impl Drop for OnDrop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Release);
    }
}

/// A message is in one of the queues at any instant.
fn carry(world: &World, queue: &Queue) {
    while world.emulator.messages().visible > 0 {
        let received = world.sqs("ReceiveMessage", json!({ "MaxNumberOfMessages": 1 }));
        let message = &received["Messages"][0];
        queue.send(message["Body"].as_str().unwrap());
        world.sqs("DeleteMessage", json!({ "ReceiptHandle": message["ReceiptHandle"] }));
    }
}
