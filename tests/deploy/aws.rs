//! An account of AWS's in MiniStack, and its administrator.

use std::cell::RefCell;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};

use serde_json::{Value, json};

use crate::services::environment::environment;
use crate::services::{Kind, Server};

/// The account of the examples in `deploy/`.
pub const ACCOUNT: &str = "123456789012";
const SERVICES: &str = "cloudformation,cloudwatch,dynamodb,iam,kms,secretsmanager,sqs,ssm,sts";
/// Whoever signs with these may do everything.
const ROOT: [(&str, &str); 3] =
    [("AWS_ACCESS_KEY_ID", "root"), ("AWS_SECRET_ACCESS_KEY", "made-up"), ("AWS_DEFAULT_REGION", "us-east-1")];

pub struct Account {
    server: Server,
    administrator: RefCell<Administrator>,
}

struct Administrator {
    process: Child,
    answers: BufReader<ChildStdout>,
}

impl Account {
    /// An account whose calls are all signed, and allowed by some policy.
    pub fn strict() -> Self {
        Self::start("true")
    }

    /// An account in which everybody may do everything.
    pub fn lax() -> Self {
        Self::start("false")
    }

    fn start(auth: &str) -> Self {
        let server = Server::start_as(Kind::MiniStack, |command| {
            command.env("AUTH", auth).env("MINISTACK_ACCOUNT_ID", ACCOUNT).env("SERVICES", SERVICES).envs(ROOT);
        });
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/deploy/aws.py");
        let mut command = Command::new(environment("ministack").join("bin/python"));
        command
            .arg(script)
            .env_clear()
            .envs(ROOT)
            .env("AWS_ENDPOINT_URL", server.url())
            .env("HOME", env!("CARGO_TARGET_TMPDIR"));
        let mut process = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let answers = BufReader::new(process.stdout.take().unwrap());
        Self { server, administrator: RefCell::new(Administrator { process, answers }) }
    }

    pub fn url(&self) -> String {
        self.server.url()
    }

    /// Calls an operation as the administrator, who fails with the test if it fails.
    #[track_caller]
    pub fn call(&self, service: &str, operation: &str, input: Value) -> Value {
        let mut administrator = self.administrator.borrow_mut();
        writeln!(administrator.process.stdin.as_mut().unwrap(), "{}", json!([service, operation, input])).unwrap();
        let mut answer = String::new();
        administrator.answers.read_line(&mut answer).unwrap();
        serde_json::from_str(&answer)
            .unwrap_or_else(|_| panic!("{service} {operation} has failed; see the error on stderr"))
    }
}

impl Drop for Administrator {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
