//! A moto server (PyPI) and its queues.

use std::net::SocketAddr;
use std::process::Command;

use serde_json::{Value, json};

use super::environment::environment;
use crate::program::{World, post};

/// Starts moto, with a lock: it serves each request in a thread of its own, and between checking a condition and acting on it
/// another one may come in, which AWS's services rule out. Requests to queues wait for messages, so they stay as they are.
const START: &str = r"
import sys, threading
from moto import server

lock, dispatch = threading.RLock(), server.DomainDispatcherApplication.__call__

def one_by_one(application, environ, start_response):
    if environ.get('HTTP_X_AMZ_TARGET', '').startswith('AmazonSQS.'):
        return dispatch(application, environ, start_response)
    with lock:
        return dispatch(application, environ, start_response)

server.DomainDispatcherApplication.__call__ = one_by_one
sys.exit(server.main())
";

/// The command that starts a server, and where that will listen.
pub fn command() -> (Command, SocketAddr) {
    let address = super::free_address();
    let mut command = Command::new(environment("moto").join("bin/python"));
    command.args(["-c", START, "-H", &address.ip().to_string(), "-p", &address.port().to_string()]);
    (command, address)
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
