//! The Amazon SQS queues that Amazon sends the notifications to: behind `wit/queue.wit`.

mod inspection;
pub mod memory;
pub mod sqs;

use async_trait::async_trait;

use crate::secret::Secret;

pub use inspection::{Flow, Gap, Inspection, Key, KeyDescription};
pub use memory::MemoryQueue;
pub use sqs::Sqs;

/// Receives, deletes and hides messages.
///
/// What an implementation promises (`wit/queue.wit`):
/// - A message that is not deleted comes back after its visibility timeout, again and again, until the queue's retention
///   ends. The host never deletes a message by itself, whatever its body.
/// - Every call returns within a bounded time, [`receive`](Queue::receive) within `wait` and a few seconds.
/// - A `receive` with a `wait` of 1 or more is a long poll: it asks all servers of SQS, so that an empty answer means that no
///   message is visible. An empty answer to a `wait` of 0 means nothing.
/// - [`inspect`](Queue::inspect) changes nothing, receives nothing, and judges nothing.
/// - Bodies are not logged; they may hold the only copy of a new secret.
///
/// All durations are whole seconds. `queue` is a name of the operator's settings, not a URL.
#[async_trait]
pub trait Queue: Send + Sync + 'static {
    /// Receives up to `max` (1 to 10) messages, waiting up to `wait` (0 to 20) for the first; an empty list if none came.
    /// They stay hidden from everybody else for `visibility` (0 to 43200). A repetition may return the same messages or
    /// others.
    async fn receive(&self, queue: &str, max: u32, wait: u32, visibility: u32) -> Result<Vec<Message>, Error>;

    /// Deletes a message for good. Deleting what is gone already is a success.
    async fn delete(&self, queue: &str, receipt_handle: &str) -> Result<(), Error>;

    /// Hides a received message for another `visibility` from now (0 to 43200; 0 shows it at once). SQS hides no message
    /// for longer than 12 hours after its receipt; an implementation may shorten to that.
    async fn hide(&self, queue: &str, receipt_handle: &str, visibility: u32) -> Result<(), Error>;

    /// The facts about a queue, as they are now. It cannot fail as a whole: each part that could not be had says why.
    async fn inspect(&self, queue: &str) -> Inspection;
}

/// A message as SQS hands it out.
#[derive(Clone, Debug)]
pub struct Message {
    /// SQS's message id; no secret.
    pub id: String,
    /// The receipt handle of this receipt; needed to delete or hide.
    pub receipt_handle: String,
    /// The body, unchanged.
    pub body: Secret,
    /// How often it has been received, this time included; 0 when unknown.
    pub receive_count: u32,
}

/// Why a queue operation failed. The texts are for people and hold no secret.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Error {
    /// There is no queue of that name among the settings, or the queue does not exist.
    NotFound(String),
    /// The caller may not do this, or has no valid AWS credentials.
    AccessDenied(String),
    /// The receipt handle is no longer valid: the message has been received again or is gone. Nothing is lost.
    StaleReceipt,
    /// Not reachable, throttled or failing at present. Whether the operation had its effect is unknown; repeating is safe.
    Unavailable(String),
    /// Anything else.
    Other(String),
}

impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::StaleReceipt => f.write_str("the receipt of the message is no longer valid; it will come again"),
            Self::NotFound(text) | Self::AccessDenied(text) | Self::Unavailable(text) | Self::Other(text) => {
                f.write_str(text)
            }
        }
    }
}

impl std::error::Error for Error {}

/// No queue at all: for hosts that receive messages elsewhere and hand them to [`Rotator::deliver`](crate::Rotator::deliver).
#[derive(Clone, Copy, Debug, Default)]
pub struct NoQueue;

#[async_trait]
impl Queue for NoQueue {
    async fn receive(&self, queue: &str, _: u32, _: u32, _: u32) -> Result<Vec<Message>, Error> {
        Err(Error::NotFound(format!("this host reads no queue, so not '{queue}' either")))
    }

    async fn delete(&self, queue: &str, _: &str) -> Result<(), Error> {
        Err(Error::NotFound(format!("this host reads no queue, so not '{queue}' either")))
    }

    async fn hide(&self, queue: &str, _: &str, _: u32) -> Result<(), Error> {
        Err(Error::NotFound(format!("this host reads no queue, so not '{queue}' either")))
    }

    async fn inspect(&self, queue: &str) -> Inspection {
        let denied = format!("this host has no access to queues, so it cannot inspect '{queue}'");
        Inspection { attributes: Err(Gap::Denied(denied)), key: None, flow: Flow::Pushed }
    }
}

#[async_trait]
impl<Q: Queue + ?Sized> Queue for std::sync::Arc<Q> {
    async fn receive(&self, queue: &str, max: u32, wait: u32, visibility: u32) -> Result<Vec<Message>, Error> {
        (**self).receive(queue, max, wait, visibility).await
    }

    async fn delete(&self, queue: &str, receipt_handle: &str) -> Result<(), Error> {
        (**self).delete(queue, receipt_handle).await
    }

    async fn hide(&self, queue: &str, receipt_handle: &str, visibility: u32) -> Result<(), Error> {
        (**self).hide(queue, receipt_handle, visibility).await
    }

    async fn inspect(&self, queue: &str) -> Inspection {
        (**self).inspect(queue).await
    }
}
