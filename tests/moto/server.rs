//! A moto server (PyPI) and its queues.

use std::fs::{self, File};
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::program::{World, post};

/// How long moto's start may take.
const START: Duration = Duration::from_secs(60);

/// Where servers listen. On Linux, apart from everything else in these tests, which might get the same port before the server
/// has started.
const HOST: &str = if cfg!(target_os = "linux") { "127.0.0.2" } else { "127.0.0.1" };

fn run(command: &mut Command, what: &str) {
    let ran = command.output().unwrap_or_else(|error| panic!("{what}: {command:?} cannot be started: {error}"));
    let said = [String::from_utf8_lossy(&ran.stdout), String::from_utf8_lossy(&ran.stderr)].concat();
    assert!(ran.status.success(), "{what}: {command:?} ended with {}: {said}", ran.status);
}

/// The folder of a Python environment with the pinned packages; made once, by whoever comes first.
fn environment() -> PathBuf {
    let requirements = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/moto/requirements.txt");
    // Beside `tmp`, which cargo gives to tests.
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap();
    let venv = target.join("moto-venv");
    let lock = File::create(target.join("moto-venv.lock")).unwrap();
    lock.lock().unwrap();
    let marker = venv.join("requirements.sha256");
    let hash: String =
        Sha256::digest(fs::read(&requirements).unwrap()).iter().map(|byte| format!("{byte:02x}")).collect();
    if fs::read_to_string(&marker).is_ok_and(|found| found == hash) {
        return venv;
    }
    // What is there is of other versions, or half made.
    if venv.exists() {
        fs::remove_dir_all(&venv).unwrap();
    }
    run(Command::new("python3").args(["-m", "venv"]).arg(&venv), "a Python environment for moto cannot be made");
    let mut pip = Command::new(venv.join("bin/python"));
    pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r"]).arg(&requirements);
    run(&mut pip, "moto cannot be installed");
    fs::write(marker, hash).unwrap();
    venv
}

/// The command that starts a server, and where that will listen.
pub fn command() -> (Command, SocketAddr) {
    let listener = TcpListener::bind((HOST, 0)).unwrap();
    let address = listener.local_addr().unwrap();
    let mut command = Command::new(environment().join("bin/moto_server"));
    command.args(["-H", HOST, "-p", &address.port().to_string()]);
    (command, address)
}

/// Waits until a server answers. That something listens is not enough: until the program that is started replaces the copy of
/// this process, the copy holds whatever sockets were open here, perhaps the one that found the free port.
pub fn wait_for(address: SocketAddr, mut is_alive: impl FnMut() -> bool) {
    let began = Instant::now();
    while !answers(address) {
        assert!(is_alive(), "moto server has ended");
        assert!(began.elapsed() < START, "moto server does not answer");
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn answers(address: SocketAddr) -> bool {
    let asked = TcpStream::connect(address).and_then(|mut stream| {
        stream.set_read_timeout(Some(Duration::from_secs(5)))?;
        stream.write_all(b"GET /moto-api/ HTTP/1.0\r\n\r\n")?;
        let mut status = [0; b"HTTP/1.0 200".len()];
        stream.read_exact(&mut status)?;
        Ok(status)
    });
    asked.is_ok_and(|status| status.ends_with(b" 200"))
}

pub fn arn(queue: &str) -> String {
    format!("arn:aws:sqs:us-east-1:123456789012:{queue}")
}

/// The policy that Amazon's documents want.
pub fn policy(arn: &str) -> String {
    json!({ "Version": "2012-10-17", "Statement": [{
        "Effect": "Allow",
        "Principal": { "AWS": "arn:aws:iam::437568002678:root" },
        "Action": ["sqs:SendMessage", "sqs:GetQueueAttributes"],
        "Resource": arn,
    }] })
    .to_string()
}

/// A queue of a server.
pub struct Queue {
    pub url: String,
    pub queue_url: String,
}

impl Queue {
    /// A new queue, as Amazon's documents want it.
    pub fn create(address: SocketAddr, name: &str) -> Self {
        let attributes = json!({ "MessageRetentionPeriod": "1209600", "Policy": policy(&arn(name)) });
        Self::with(&format!("http://{address}"), name, attributes)
    }

    /// A new queue with these attributes.
    pub fn with(url: &str, name: &str, attributes: Value) -> Self {
        let created = post(url, "AmazonSQS.CreateQueue", &json!({ "QueueName": name, "Attributes": attributes }));
        Self { url: url.to_owned(), queue_url: created["QueueUrl"].as_str().unwrap().to_owned() }
    }

    pub fn call(&self, operation: &str, mut input: Value) -> Value {
        input["QueueUrl"] = self.queue_url.clone().into();
        post(&self.url, &format!("AmazonSQS.{operation}"), &input)
    }

    pub fn send(&self, body: &str) {
        let sent = self.call("SendMessage", json!({ "MessageBody": body }));
        assert!(sent["MessageId"].is_string(), "{sent}");
    }

    /// How many messages are visible, and how many somebody has received.
    pub fn counts(&self) -> (u64, u64) {
        let all = self.call("GetQueueAttributes", json!({ "AttributeNames": ["All"] }));
        let number = |name: &str| all["Attributes"][name].as_str().unwrap().parse().unwrap();
        (number("ApproximateNumberOfMessages"), number("ApproximateNumberOfMessagesNotVisible"))
    }

    /// Has a world's program read this queue instead of the emulator's.
    pub fn serve(&self, world: &World) {
        let configuration = world.read("lwa-rotate.toml").replace(&world.emulator.queue_url(), &self.queue_url);
        assert!(configuration.contains(&self.queue_url));
        world.write("lwa-rotate.toml", &configuration);
        world.set("AWS_ENDPOINT_URL_SQS", &self.url);
    }
}
