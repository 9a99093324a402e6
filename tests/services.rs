//! Servers (PyPI) in the place of AWS's services, which nobody here wrote.

#![allow(dead_code, reason = "each test binary uses its part")]

pub mod environment;
pub mod ministack;
pub mod moto;

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::program::post;

/// How long a server's start may take.
const START: Duration = Duration::from_secs(60);

/// Where servers listen. On Linux, apart from everything else in these tests, which might get the same port before the server
/// has started.
const HOST: &str = if cfg!(target_os = "linux") { "127.0.0.2" } else { "127.0.0.1" };

/// Which server.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Kind {
    Moto,
    MiniStack,
}

impl Kind {
    /// The command that starts a server, and where that will listen.
    pub fn command(self) -> (Command, SocketAddr) {
        match self {
            Self::Moto => moto::command(),
            Self::MiniStack => ministack::command(),
        }
    }

    /// What is there as soon as a server answers.
    fn health(self) -> &'static str {
        match self {
            Self::Moto => "/moto-api/",
            Self::MiniStack => "/_ministack/health",
        }
    }

    /// Waits until a server answers. That something listens is not enough: until the program that is started replaces the copy
    /// of this process, the copy holds whatever sockets were open here, perhaps the one that found the free port.
    pub fn wait_for(self, address: SocketAddr, mut is_alive: impl FnMut() -> bool) {
        let began = Instant::now();
        while !answers(address, self.health()) {
            assert!(is_alive(), "{self:?} has ended");
            assert!(began.elapsed() < START, "{self:?} does not answer");
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

/// A server that runs until this goes.
pub struct Server {
    process: Child,
    address: SocketAddr,
}

impl Server {
    pub fn start(kind: Kind) -> Self {
        Self::start_as(kind, |_| {})
    }

    /// Starts it in a way of the test's own.
    pub fn start_as(kind: Kind, change: impl FnOnce(&mut Command)) -> Self {
        let (mut command, address) = kind.command();
        change(&mut command);
        let process = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let mut server = Self { process, address };
        kind.wait_for(address, || server.process.try_wait().unwrap().is_none());
        server
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// One request of a service's JSON protocol, such as `secretsmanager.CreateSecret`.
    pub fn post(&self, target: &str, input: &Value) -> Value {
        post(&self.url(), target, input)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn free_address() -> SocketAddr {
    TcpListener::bind((HOST, 0)).unwrap().local_addr().unwrap()
}

fn answers(address: SocketAddr, path: &str) -> bool {
    let asked = TcpStream::connect(address).and_then(|mut stream| {
        stream.set_read_timeout(Some(Duration::from_secs(5)))?;
        write!(stream, "GET {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n")?;
        let mut status = [0; b"HTTP/1.1 200".len()];
        stream.read_exact(&mut status)?;
        Ok(status)
    });
    asked.is_ok_and(|status| status.ends_with(b" 200"))
}
