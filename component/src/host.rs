//! What the component asks of its host: the imports of the contract as one trait, with types that do not print secrets.
//!
//! `guest` implements it with the imports; tests implement it with a simulated Amazon. The promises of each
//! function stand in `wit/`.

use crate::contract::lwa::rotation::observe::Happening;
use crate::contract::lwa::rotation::settings::Application;
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
}

/// An HTTP answer. The body may be secret.
#[derive(Debug)]
pub struct Response {
    /// The status code.
    pub status: u16,
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

pub use crate::contract::lwa::rotation::publish::Error as PublishError;
pub use crate::contract::lwa::rotation::queue::Error as QueueError;
pub use crate::contract::lwa::rotation::store::Error as StoreError;

/// The imports. Synchronous: whoever implements it may suspend, the component does not notice.
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
    /// Loads the document of a client id.
    fn load(&mut self, client_id: &str) -> Result<Option<Entry>, StoreError>;
    /// Saves it, if the stored revision is the expected one.
    fn save(&mut self, client_id: &str, document: &Secret, expected: Option<&str>) -> Result<String, StoreError>;
    /// Hands a proven credential to a target.
    fn put(&mut self, target: &str, credential: &Credential) -> Result<(), PublishError>;
    /// Reports what happened.
    fn emit(&mut self, client_id: Option<&str>, at: Instant, what: Happening);
}
