//! What the component asks of its host: the imports of the contract as one trait, with types that do not print secrets.
//!
//! `guest` implements it with the imports; tests implement it with a simulated Amazon. The promises of each
//! function are in `wit/`.

use crate::bindings::lwa::rotation::observe::Happening;
use crate::bindings::lwa::rotation::settings::Application;
use crate::credential::{Credential, Secret};
use crate::instant::Instant;

/// The methods of [`Request`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// GET.
    Get,
    /// POST.
    Post,
}

/// An HTTP request. Header values and the body may be secret.
#[derive(Debug)]
pub struct Request {
    /// The method.
    pub method: Method,
    /// The absolute URL.
    pub url: String,
    /// Header names, in lower case, with their values.
    pub headers: Vec<(&'static str, Secret)>,
    /// The body; empty for none.
    pub body: Secret,
    /// It must not begin to be sent after this instant.
    pub not_after: Option<Instant>,
}

/// An HTTP answer. The body may be secret.
#[derive(Debug)]
pub struct Response {
    /// The status code.
    pub status: u16,
    /// Whether it has a header that only SP-API sets: `x-amzn-RequestId` or `x-amzn-ErrorType`.
    pub marked: bool,
    /// The header `x-amzn-RequestId`; empty if absent.
    pub request_id: String,
    /// The body.
    pub body: Secret,
}

/// Why there is no answer. The texts are the host's.
#[derive(Debug, PartialEq, Eq)]
pub enum SendError {
    /// Nothing left the machine.
    NotSent(String),
    /// The origin is not allowed; nothing left the machine.
    Forbidden(String),
    /// The request may have had its effect.
    OutcomeUnknown(String),
}

/// A message of a queue. The body may hold the only copy of a new secret.
#[derive(Debug)]
pub struct Message {
    /// SQS's message id.
    pub id: String,
    /// Names this receipt.
    pub receipt_handle: String,
    /// The body.
    pub body: Secret,
    /// How often it has been received; 0 when unknown.
    pub receive_count: u32,
}

/// A stored document and its revision.
#[derive(Debug)]
pub struct Entry {
    /// The store's name of this version.
    pub revision: String,
    /// The document.
    pub document: Secret,
}

/// What reading a target's place gave.
#[derive(Debug)]
pub enum Reading {
    /// A credential.
    Credential(Held),
    /// None.
    None,
    /// This kind of place cannot be read.
    Unreadable,
}

/// A credential that a place holds.
#[derive(Debug)]
pub struct Held {
    /// The client id beside the secret, if there is one.
    pub client_id: Option<String>,
    /// The client secret.
    pub client_secret: Secret,
    /// Who seems to have written it last.
    pub written_by: Option<String>,
}

pub use crate::bindings::lwa::rotation::publish::Error as PublishError;
pub use crate::bindings::lwa::rotation::queue::Error as QueueError;
pub use crate::bindings::lwa::rotation::queue::Inspection;
pub use crate::bindings::lwa::rotation::store::Error as StoreError;

/// The imports. Synchronous: an implementation may suspend, and the component does not notice.
pub trait Host {
    /// The time.
    fn now(&mut self) -> Instant;
    /// A random number, for jitter.
    fn random(&mut self) -> u64;
    /// The settings of an application.
    fn find(&mut self, client_id: &str) -> Option<Application>;
    /// Sends one request, at most once.
    fn send(&mut self, request: Request) -> Result<Response, SendError>;
    /// Receives messages: at most `max`, waiting up to `wait` seconds, hidden for `visibility` seconds.
    fn receive(&mut self, queue: &str, max: u32, wait: u32, visibility: u32) -> Result<Vec<Message>, QueueError>;
    /// Deletes a message.
    fn delete(&mut self, queue: &str, receipt_handle: &str) -> Result<(), QueueError>;
    /// Hides a message for `visibility` seconds from now.
    fn hide(&mut self, queue: &str, receipt_handle: &str, visibility: u32) -> Result<(), QueueError>;
    /// The facts about a queue.
    fn inspect(&mut self, queue: &str) -> Inspection;
    /// Loads the document of a client id.
    fn load(&mut self, client_id: &str) -> Result<Option<Entry>, StoreError>;
    /// Saves it, if the stored revision is the expected one.
    fn save(&mut self, client_id: &str, document: &Secret, expected: Option<&str>) -> Result<String, StoreError>;
    /// Removes it, if the stored revision is the expected one.
    fn remove(&mut self, client_id: &str, expected: &str) -> Result<(), StoreError>;
    /// Gives a verified credential to a target.
    fn put(&mut self, target: &str, credential: &Credential) -> Result<(), PublishError>;
    /// Reads what the place of a target holds.
    fn read(&mut self, target: &str, client_id: &str) -> Result<Reading, PublishError>;
    /// Reports what happened.
    fn emit(&mut self, client_id: Option<&str>, at: Instant, what: Happening);
}
