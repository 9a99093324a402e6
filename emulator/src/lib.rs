//! Login with Amazon (LWA), the rotation part of SP-API, and Amazon SQS on loopback, in one process. **It is not Amazon.**
//!
//! It does what Amazon's documents say and what users report: two secrets alive for 7 days, access tokens of a dead secret
//! still issued and then refused by SP-API with 403, one rotate call a minute, no answer but `204`, and the new secret in a
//! queue with real SQS semantics. [`Fault`]s and time are set through [`Emulator`] or over HTTP, under `/_emulator/`; that
//! address, and what is known to differ from Amazon, are in the crate's `README.md`.
//!
//! Its clock is the machine's and can jump ahead. Secrets, access tokens, visibility timeouts, delays of messages and retention
//! go by that clock; long polls and the waiting of faults take real time.
//!
//! ```no_run
//! # async fn example() -> std::io::Result<()> {
//! use lwa_rotate_emulator::{Application, Emulator, Options};
//!
//! let emulator = Emulator::start(Options {
//!     applications: vec![Application::new("amzn1.application-oa2-client.demo", "amzn1.oa2-cs.v1.demo")],
//!     ..Options::default()
//! })
//! .await?;
//! println!("{}", emulator.token_endpoint());
//! # Ok(())
//! # }
//! ```

mod admin;
mod amazon;
mod fault;
mod lwa;
mod notification;
mod options;
mod queue;
mod random;
mod reply;
mod secret;
mod server;
mod shared;
mod sp_api;
mod sqs;

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio::task::JoinHandle;

pub use amazon::Call;
pub use fault::{Action, Fault, Operation, Times};
pub use options::{Application, Options};
pub use queue::Counts;
pub use secret::IssuedSecret;

use amazon::Amazon;
use shared::Shared;

/// A running emulator. It ends when this is dropped.
#[derive(Debug)]
pub struct Emulator {
    address: SocketAddr,
    shared: Arc<Shared>,
    task: JoinHandle<Infallible>,
}

impl Drop for Emulator {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Emulator {
    /// Starts listening, at the machine's time. Fails if the address is taken, or is not a loopback address, and if an attribute
    /// of the queue is not one that SQS accepts.
    pub async fn start(options: Options) -> io::Result<Self> {
        Self::start_with(options, None).await
    }

    /// As [`start`](Self::start), with another time on the emulator's clock.
    pub async fn start_at(options: Options, time: SystemTime) -> io::Result<Self> {
        Self::start_with(options, Some(time)).await
    }

    async fn start_with(options: Options, time: Option<SystemTime>) -> io::Result<Self> {
        if !options.listen.ip().is_loopback() {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                format!("the emulator listens on loopback addresses only, and {} is none", options.listen.ip()),
            ));
        }
        let listener = TcpListener::bind(options.listen).await?;
        let address = listener.local_addr()?;
        let (queue, attributes) = (options.queue.clone(), options.queue_attributes.clone());
        let mut amazon = Amazon::new(options, time);
        if !attributes.is_empty() {
            sqs::attributes::prepare(
                &mut amazon,
                &queue,
                attributes.iter().map(|(name, value)| (name.as_str(), value.as_str())),
            )
            .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, format!("the queue {queue}: {error}")))?;
        }
        let shared = Arc::new(Shared {
            queue,
            amazon: Mutex::new(amazon),
            changed: Notify::new(),
            base: format!("http://{address}"),
        });
        let task = tokio::spawn(server::accept(listener, Arc::clone(&shared)));
        Ok(Self { address, shared, task })
    }

    /// Ends it; when this returns, the address is free. Requests under way get no answer.
    pub async fn stop(mut self) {
        self.task.abort();
        // The task ends in no other way, so its result says nothing.
        let _ = (&mut self.task).await;
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The base of all its URLs; also the endpoint of SP-API, and that of SQS.
    pub fn url(&self) -> String {
        self.shared.base.clone()
    }

    /// LWA's token endpoint.
    pub fn token_endpoint(&self) -> String {
        format!("{}/auth/o2/token", self.shared.base)
    }

    /// The URL of the queue of the options.
    pub fn queue_url(&self) -> String {
        self.queue_url_of(&self.shared.queue)
    }

    /// The URL of a queue with this name, whether or not there is one.
    pub fn queue_url_of(&self, queue: &str) -> String {
        sqs::queue_url(&self.shared.base, queue)
    }

    /// What a person needs to know when it starts.
    pub fn banner(&self) -> String {
        format!(
            "this is the lwa-rotate emulator, not Amazon: nothing it issues is worth anything\n\
             token endpoint  {token}\n\
             SP-API endpoint {base}\n\
             queue           {queue}\n\
             for AWS clients: AWS_ENDPOINT_URL_SQS={base} AWS_REGION=us-east-1 AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test\n\
             faults and time: {base}/_emulator/ (see the emulator's README)",
            token = self.token_endpoint(),
            base = self.shared.base,
            queue = self.queue_url(),
        )
    }

    /// Its time.
    pub fn now(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_millis(self.shared.amazon().now())
    }

    /// Adds a fault, behind those there are for the same operation.
    pub fn add_fault(&self, fault: Fault) {
        self.shared.amazon().faults.push(fault);
    }

    /// Ends all faults.
    pub fn clear_faults(&self) {
        self.shared.amazon().faults.clear();
    }

    /// Jumps ahead in time: hidden messages become visible, secrets and tokens end, retention runs out. A thousand years at most.
    pub fn advance_time(&self, by: Duration) {
        self.shared.amazon().advance_time(by);
        self.shared.changed.notify_waiters();
    }

    /// Every operation so far, in order. No secret, no token.
    pub fn calls(&self) -> Vec<Call> {
        self.shared.amazon().calls.clone()
    }

    /// The secrets that Amazon has issued for an application, oldest first; empty if there is no such application.
    pub fn secrets(&self, client_id: &str) -> Vec<IssuedSecret> {
        self.shared.amazon().secrets(client_id)
    }

    /// The secret that Amazon has issued for an application last.
    pub fn current_secret(&self, client_id: &str) -> Option<IssuedSecret> {
        self.secrets(client_id).pop()
    }

    /// The access tokens that were issued, for tests that search output for them.
    pub fn access_tokens(&self) -> Vec<String> {
        self.shared.amazon().tokens.keys().cloned().collect()
    }

    /// How many messages the queue of the options holds.
    pub fn messages(&self) -> Counts {
        self.messages_in(&self.shared.queue)
    }

    /// How many messages a queue holds, such as a dead-letter queue; none if there is no such queue.
    pub fn messages_in(&self, queue: &str) -> Counts {
        self.shared.amazon().counts(queue)
    }

    /// Puts any body into the queue of the options.
    pub fn send_message(&self, body: impl Into<String>) {
        self.send_message_to(&self.shared.queue, body);
    }

    /// Puts any body into a queue. `false` if there is no such queue.
    pub fn send_message_to(&self, queue: &str, body: impl Into<String>) -> bool {
        let sent = self.shared.amazon().send(queue, body.into(), Duration::ZERO).is_some();
        self.shared.changed.notify_waiters();
        sent
    }

    /// Sets an attribute of the queue of the options, by SQS's name, as an option `queue_attributes` does. `false` if SQS has no such
    /// attribute or does not accept the value, or if the queue does not exist.
    pub fn set_queue_attribute(&self, name: &str, value: &str) -> bool {
        let attribute = std::iter::once((name, value));
        sqs::attributes::prepare(&mut self.shared.amazon(), &self.shared.queue, attribute).is_ok()
    }

    /// Deletes the queue of the options, with its messages, or creates it anew as Amazon wants it.
    pub fn set_queue_exists(&self, exists: bool) {
        self.shared.amazon().set_queue_exists(&self.shared.queue, exists);
    }

    /// Makes a queue, created if there is none of this name, the dead-letter queue of the options' queue: what has been received
    /// `max_receive_count` times goes there instead of being received again.
    pub fn add_dead_letter_queue(&self, name: &str, max_receive_count: u32) {
        self.shared.amazon().add_dead_letter_queue(&self.shared.queue, name, max_receive_count);
    }

    /// The secret is rotated in the Developer Console. Amazon does not say whether that sends a notification. `false`
    /// if there is no such application.
    pub fn rotate_in_console(&self, client_id: &str, notify: bool) -> bool {
        let done = self.shared.amazon().rotate(client_id, notify);
        self.shared.changed.notify_waiters();
        done
    }

    /// Amazon reminds of the end of a secret: the current one, or the one before. `false` if there is none.
    pub fn send_expiry_notice(&self, client_id: &str, of_old: bool) -> bool {
        let done = self.shared.amazon().remind(client_id, of_old);
        self.shared.changed.notify_waiters();
        done
    }

    /// Subscribes an application to rotation notifications, or ends that. `false` if there is no such application.
    pub fn set_subscribed(&self, client_id: &str, subscribed: bool) -> bool {
        self.shared.amazon().set_subscribed(client_id, subscribed)
    }
}
