//! The program as a user runs it: its own folder, configuration and environment, and an emulator in this process as Amazon.

#![allow(dead_code, reason = "each test binary uses its part")]

mod hidden;
mod running;

use std::fs;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::thread;

use lwa_rotate_emulator::{Application, Emulator, Options};
use serde_json::Value;
use tempfile::TempDir;
use tokio::runtime::Runtime;

pub use hidden::Hidden;
pub use running::{Ran, Running};

pub const CLIENT_ID: &str = "amzn1.application-oa2-client.shop";
pub const SECRET: &str = "amzn1.oa2-cs.v1.enrolled-7f3a9c51e8b2d604";

/// One test's world. When it goes, no output of any command in it may have held a secret (rule 9).
pub struct World {
    pub emulator: Emulator,
    pub folder: TempDir,
    /// The configuration; a command finds it in its current folder.
    configuration: PathBuf,
    environment: Mutex<Vec<(String, String)>>,
    seen: Mutex<Vec<(String, Vec<u8>)>>,
    enrolled: Mutex<Vec<String>>,
    is_searched: bool,
    runtime: Runtime,
}

impl World {
    /// An application named `shop`, known to Amazon and not enrolled yet, published to `shop.env` and `shop.json`.
    pub fn new() -> Self {
        Self::with(|_| {})
    }

    /// The same, with other options of the emulator's.
    pub fn with(change: impl FnOnce(&mut Options)) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let mut options = Options { applications: vec![Application::new(CLIENT_ID, SECRET)], ..Options::default() };
        change(&mut options);
        let emulator = runtime.block_on(Emulator::start(options)).unwrap();
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("tmp")).unwrap();
        let path = |name: &str| folder.path().join(name).display().to_string();
        let mut environment = vec![
            ("HOME".to_owned(), folder.path().display().to_string()),
            ("TMPDIR".to_owned(), path("tmp")),
            ("PATH".to_owned(), "/usr/local/bin:/usr/bin:/bin".to_owned()),
        ];
        // What the emulator tells people to set is what works.
        let banner = emulator.banner();
        let advice = banner.lines().find_map(|line| line.strip_prefix("for AWS clients: ")).unwrap();
        environment.extend(advice.split(' ').map(|pair| {
            let (name, value) = pair.split_once('=').unwrap();
            (name.to_owned(), value.to_owned())
        }));
        let world = Self {
            configuration: folder.path().join("lwa-rotate.toml"),
            emulator,
            folder,
            environment: Mutex::new(environment),
            seen: Mutex::default(),
            enrolled: Mutex::new(vec![SECRET.to_owned()]),
            is_searched: true,
            runtime,
        };
        world.configure("", TARGETS);
        world
    }

    /// The same, without the search for secrets in what its commands put out.
    pub fn unsearched(change: impl FnOnce(&mut Options)) -> Self {
        let mut world = Self::with(change);
        world.is_searched = false;
        world
    }

    /// A world with the application enrolled; the emulator's journal begins after that.
    pub fn enrolled() -> Self {
        Self::enrolled_with(|_| {})
    }

    /// The same, with other options of the emulator's.
    pub fn enrolled_with(change: impl FnOnce(&mut Options)) -> Self {
        let world = Self::with(change);
        world.enroll();
        world
    }

    pub fn enroll(&self) {
        self.run_with(&["enroll", "shop"], SECRET).done();
    }

    /// Writes the configuration: lines of `[apps.shop]`, and what follows it.
    pub fn configure(&self, app: &str, rest: &str) {
        let (url, token, queue) = (self.emulator.url(), self.emulator.token_endpoint(), self.emulator.queue_url());
        let mut lines = vec![format!("client-id = \"{CLIENT_ID}\""), "queue = \"main\"".to_owned()];
        for (key, value) in [("api-endpoint", url), ("token-endpoint", token)] {
            if !app.contains(key) {
                lines.push(format!("{key} = \"{value}\""));
            }
        }
        let lines = lines.join("\n");
        self.write(
            "lwa-rotate.toml",
            &format!(
                "[store]\npath = \"state\"\n\n[queues.main]\nurl = \"{queue}\"\n\n[apps.shop]\n{lines}\n{app}\n{rest}\n"
            ),
        );
    }

    /// Sets a variable of the commands' environment.
    pub fn set(&self, name: &str, value: &str) {
        let mut environment = self.environment.lock().unwrap();
        environment.retain(|(known, _)| known != name);
        environment.push((name.to_owned(), value.to_owned()));
    }

    /// Has a secret looked for in the outputs.
    pub fn watch_for(&self, secret: &str) {
        self.enrolled.lock().unwrap().push(secret.to_owned());
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn write(&self, name: &str, content: &str) {
        fs::write(self.path(name), content).unwrap();
    }

    pub fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    /// Runs a command to its end, with nothing on its stdin.
    pub fn run(&self, arguments: &[&str]) -> Ran {
        self.run_with(arguments, "")
    }

    /// Runs a command to its end.
    pub fn run_with(&self, arguments: &[&str], stdin: &str) -> Ran {
        self.start_with(arguments, stdin).end()
    }

    /// Runs a command with `--json`, and reads its one document.
    pub fn json(&self, arguments: &[&str]) -> (Option<i32>, Value) {
        let ran = self.run(&[arguments, &["--json"]].concat());
        (ran.code, ran.document())
    }

    /// Where the application stands.
    pub fn status(&self) -> Value {
        let (_, document) = self.json(&["status", "shop"]);
        document["apps"][0].clone()
    }

    pub fn start(&self, arguments: &[&str]) -> Running<'_> {
        self.start_with(arguments, "")
    }

    pub fn start_with(&self, arguments: &[&str], stdin: &str) -> Running<'_> {
        self.start_as(|_| {}, arguments, stdin)
    }

    /// Starts it in a way of the test's own.
    pub fn start_as(&self, change: impl FnOnce(&mut Command), arguments: &[&str], stdin: &str) -> Running<'_> {
        let mut command = self.command(env!("CARGO_BIN_EXE_lwa-rotate"), arguments);
        change(&mut command);
        self.spawn(command, arguments, stdin)
    }

    /// Runs the program from a line of a shell, in which it is `"$@"`.
    pub fn run_in_shell(&self, line: &str, arguments: &[&str]) -> Ran {
        self.start_in_shell(line, arguments).end()
    }

    pub fn start_in_shell(&self, line: &str, arguments: &[&str]) -> Running<'_> {
        let shell = ["-c", line, "sh", env!("CARGO_BIN_EXE_lwa-rotate")];
        self.spawn(self.command("/bin/sh", &[&shell, arguments].concat()), arguments, "")
    }

    /// A command in this world's folder and environment.
    pub fn command(&self, program: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new(program);
        command.args(arguments).env_clear().envs(self.environment.lock().unwrap().iter().cloned());
        command.current_dir(self.folder.path());
        command
    }

    fn spawn(&self, mut command: Command, arguments: &[&str], stdin: &str) -> Running<'_> {
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        // A command that does not read it closes the pipe.
        let _ = child.stdin.take().unwrap().write_all(stdin.as_bytes());
        // These may print a secret.
        let reveals = arguments.contains(&"get") || arguments.contains(&"emulator");
        let started = format!("`{}`", arguments.join(" "));
        Running::new(self, child, started, reveals)
    }

    /// A rotation of the enrolled application is wanted, which any driver goes on with in some seconds.
    pub fn want_rotation(&self) {
        self.fault("token:status=503");
        self.run(&["rotate", "shop", "--timeout", "1s"]).exits(3);
        assert_eq!((self.status()["state"].as_str(), self.count("rotate")), (Some("requesting"), 0));
    }

    /// The operations that reached the emulator, by their names.
    pub fn calls(&self) -> Vec<&'static str> {
        self.emulator.calls().iter().map(|call| call.operation.name()).collect()
    }

    pub fn count(&self, operation: &str) -> usize {
        self.calls().into_iter().filter(|name| *name == operation).count()
    }

    pub fn fault(&self, fault: &str) {
        self.emulator.add_fault(fault.parse().unwrap());
    }

    /// The secret that Amazon has issued last.
    pub fn newest(&self) -> String {
        self.emulator.secrets(CLIENT_ID).pop().unwrap().secret
    }

    /// What `get` prints for a stage.
    pub fn stored(&self, stage: &str) -> Option<String> {
        let ran = self.run(&["get", "shop", "--stage", stage]);
        (ran.code == Some(0)).then(|| ran.stdout.trim_end().to_owned())
    }

    /// The newest secret is current and published, the old one kept, and nothing is left in the queue.
    pub fn assert_rotated(&self) {
        assert_eq!(self.stored("current"), Some(self.newest()), "the newest secret is current");
        assert!(self.read("shop.env").contains(&self.newest()), "and published");
        assert_eq!(self.status()["state"], "settled");
        assert_eq!(self.emulator.messages().all(), 0, "and acknowledged");
    }

    /// Sends a message to the emulator's queue, by SQS's own protocol, and answers the document.
    pub fn sqs(&self, operation: &str, mut input: Value) -> Value {
        input["QueueUrl"] = self.emulator.queue_url().into();
        post(&self.emulator.url(), &format!("AmazonSQS.{operation}"), &input)
    }

    /// Watches until something has come about.
    pub fn watch_until(&self, what: &str, come_about: impl Fn() -> bool) -> Ran {
        let watch = self.start(&["watch", "--json"]);
        // Before that it does not listen to signals either.
        watch.until("it has begun", || watch.stderr().contains("watching"));
        watch.until(what, come_about);
        watch.terminate();
        watch.end()
    }

    /// Keeps what somebody could see, to be looked through.
    pub fn note(&self, what: impl Into<String>, seen: impl Into<Vec<u8>>) {
        self.seen.lock().unwrap().push((what.into(), seen.into()));
    }

    /// Every secret and access token that there is.
    pub fn hidden(&self) -> Hidden {
        let mut hidden = self.enrolled.lock().unwrap().clone();
        hidden.extend(self.emulator.secrets(CLIENT_ID).into_iter().map(|issued| issued.secret));
        hidden.extend(self.emulator.access_tokens());
        Hidden::new(hidden)
    }

    /// Rule 9: no secret and no access token in any output.
    pub fn assert_silent(&self) {
        let hidden = self.hidden();
        for (what, seen) in self.seen.lock().unwrap().iter() {
            hidden.assert_not_in(what, seen);
        }
        hidden.assert_not_in("the emulator's journal", format!("{:?}", self.emulator.calls()).as_bytes());
    }
}

impl Drop for World {
    fn drop(&mut self) {
        if self.is_searched && !thread::panicking() {
            self.assert_silent();
        }
    }
}

/// Two files with the credential.
pub const TARGETS: &str = r#"
[[apps.shop.publish]]
kind = "file"
path = "shop.env"
format = "env"

[[apps.shop.publish]]
kind = "file"
path = "shop.json"
format = "json"
"#;

/// One request of an AWS service's JSON protocol, over plain HTTP.
pub fn post(base: &str, target: &str, input: &Value) -> Value {
    let address = base.strip_prefix("http://").unwrap();
    let mut stream = std::net::TcpStream::connect(address).unwrap();
    let body = input.to_string();
    // By the name in the signature servers of many services tell them apart.
    let service = match target.split_once('.') {
        Some(("TrentService", _)) => "kms",
        Some(("DynamoDB_20120810", _)) => "dynamodb",
        Some(("AmazonSSM", _)) => "ssm",
        Some(("secretsmanager", _)) => "secretsmanager",
        _ => "sqs",
    };
    let authorization = format!(
        "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/{service}/aws4_request, SignedHeaders=host, Signature=0"
    );
    let request = format!(
        "POST / HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\ncontent-type: application/x-amz-json-1.0\r\n\
         authorization: {authorization}\r\nx-amz-target: {target}\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 200"), "{target}: {answer}");
    serde_json::from_str(body).unwrap_or_default()
}

/// The day in so many days from now, as a person would type it.
pub fn in_days(days: i64) -> String {
    let then = time::OffsetDateTime::now_utc() + time::Duration::days(days);
    then.date().to_string()
}

/// A file's permissions.
pub fn mode(path: &Path) -> u32 {
    use std::os::unix::fs::PermissionsExt;
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

/// A script that can be run.
pub fn script(world: &World, name: &str, text: &str) {
    use std::os::unix::fs::PermissionsExt;
    world.write(name, &format!("#!/bin/sh\n{text}\n"));
    fs::set_permissions(world.path(name), fs::Permissions::from_mode(0o755)).unwrap();
}
