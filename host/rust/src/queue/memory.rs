//! A queue in this process, with the visibility of SQS: for tests.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;

use super::{Error, Flow, Gap, Inspection, Message, Queue};
use crate::{clock::Clock, secret::Secret};

/// Queues in memory, by name. They hand out messages as standard queues do, in no promised order, each hidden for its
/// visibility timeout by the clock given. `receive` never waits: a test that wants time to pass moves the clock.
///
/// Stricter than SQS in one point: once a message has been received again, its earlier receipt handles are no longer valid.
pub struct MemoryQueue {
    clock: Box<dyn Clock>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    queues: BTreeMap<String, Vec<Stored>>,
    /// What differs from a queue that is as it should be.
    attributes: BTreeMap<String, BTreeMap<String, Option<String>>>,
    /// Makes ids and receipt handles unique.
    count: u64,
}

struct Stored {
    id: String,
    body: Secret,
    receive_count: u32,
    received_at: u64,
    visible_at: u64,
    receipt_handle: Option<String>,
}

/// Lets the account that Amazon sends notifications from send, as its documentation wants it.
/// <https://developer-docs.amazon.com/sp-api/docs/set-up-credential-rotation-notifications>
const POLICY: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::437568002678:root"},"Action":["sqs:SendMessage","sqs:GetQueueAttributes"],"Resource":"ARN"}]}"#;

/// SQS hides no message for longer than this after its receipt.
const HIDDEN_AT_MOST: u64 = 12 * 60 * 60 * 1000;

impl MemoryQueue {
    /// Queues of these names, all empty.
    pub fn new<N: Into<String>>(clock: impl Clock, names: impl IntoIterator<Item = N>) -> Self {
        let queues = names.into_iter().map(|name| (name.into(), Vec::new())).collect();
        Self { clock: Box::new(clock), state: Mutex::new(State { queues, ..State::default() }) }
    }

    /// Puts a message into a queue, which is made if there is none of that name, and answers the message's id.
    pub fn send(&self, queue: &str, body: impl Into<Secret>) -> String {
        let mut state = self.state();
        state.count += 1;
        let now = self.clock.now();
        let id = format!("message-{}", state.count);
        state.queues.entry(queue.to_owned()).or_default().push(Stored {
            id: id.clone(),
            body: body.into(),
            receive_count: 0,
            received_at: now,
            visible_at: now,
            receipt_handle: None,
        });
        id
    }

    /// The ids of the messages in a queue, hidden ones included.
    pub fn ids(&self, queue: &str) -> Vec<String> {
        let state = self.state();
        let messages = state.queues.get(queue).into_iter().flatten();
        messages.map(|message| message.id.clone()).collect()
    }

    /// Sets an attribute of a queue by the name that SQS gives it, or takes it away, for what [`inspect`](Queue::inspect) finds.
    /// Without it, queues are as they should be.
    pub fn set_attribute(&self, queue: &str, name: &str, value: Option<&str>) {
        let mut state = self.state();
        let attributes = state.attributes.entry(queue.to_owned()).or_default();
        attributes.insert(name.to_owned(), value.map(str::to_owned));
    }

    fn attributes(&self, queue: &str) -> Result<BTreeMap<String, String>, Error> {
        let now = self.clock.now();
        let mut state = self.state();
        let messages = state.queue(queue)?;
        let visible = messages.iter().filter(|message| message.visible_at <= now).count();
        let hidden = messages.len() - visible;
        let arn = format!("arn:aws:sqs:eu-west-1:123456789012:{queue}");
        let mut attributes = BTreeMap::from(
            [
                ("ApproximateNumberOfMessages", visible.to_string()),
                ("ApproximateNumberOfMessagesDelayed", "0".to_owned()),
                ("ApproximateNumberOfMessagesNotVisible", hidden.to_string()),
                ("DelaySeconds", "0".to_owned()),
                ("MaximumMessageSize", "262144".to_owned()),
                ("MessageRetentionPeriod", "1209600".to_owned()),
                ("Policy", POLICY.replace("ARN", &arn)),
                ("QueueArn", arn),
                ("ReceiveMessageWaitTimeSeconds", "0".to_owned()),
                ("SqsManagedSseEnabled", "true".to_owned()),
                ("VisibilityTimeout", "30".to_owned()),
            ]
            .map(|(name, value)| (name.to_owned(), value)),
        );
        for (name, value) in state.attributes.get(queue).into_iter().flatten() {
            match value {
                Some(value) => attributes.insert(name.clone(), value.clone()),
                None => attributes.remove(name),
            };
        }
        Ok(attributes)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn queue(&mut self, name: &str) -> Result<&mut Vec<Stored>, Error> {
        self.queues.get_mut(name).ok_or_else(|| Error::NotFound(format!("there is no queue '{name}'")))
    }
}

#[async_trait]
impl Queue for MemoryQueue {
    async fn receive(&self, queue: &str, max: u32, _wait: u32, visibility: u32) -> Result<Vec<Message>, Error> {
        let now = self.clock.now();
        let mut state = self.state();
        let mut count = state.count;
        let visible = state.queue(queue)?.iter_mut().filter(|message| message.visible_at <= now);
        let mut received = Vec::new();
        for message in visible.take(usize::try_from(max.clamp(1, 10)).unwrap_or(1)) {
            count += 1;
            let receipt_handle = format!("receipt-{count}");
            message.receive_count += 1;
            message.received_at = now;
            message.visible_at = now + u64::from(visibility) * 1000;
            message.receipt_handle = Some(receipt_handle.clone());
            received.push(Message {
                id: message.id.clone(),
                receipt_handle,
                body: message.body.clone(),
                receive_count: message.receive_count,
            });
        }
        state.count = count;
        Ok(received)
    }

    async fn delete(&self, queue: &str, receipt_handle: &str) -> Result<(), Error> {
        let mut state = self.state();
        // What is not found is gone, or was received again and stays.
        state.queue(queue)?.retain(|message| message.receipt_handle.as_deref() != Some(receipt_handle));
        Ok(())
    }

    async fn hide(&self, queue: &str, receipt_handle: &str, visibility: u32) -> Result<(), Error> {
        let now = self.clock.now();
        let mut state = self.state();
        let hidden = state
            .queue(queue)?
            .iter_mut()
            .find(|message| message.receipt_handle.as_deref() == Some(receipt_handle) && message.visible_at > now);
        let message = hidden.ok_or(Error::StaleReceipt)?;
        message.visible_at = (now + u64::from(visibility) * 1000).min(message.received_at + HIDDEN_AT_MOST);
        Ok(())
    }

    async fn inspect(&self, queue: &str) -> Inspection {
        let attributes = self.attributes(queue).map_err(Gap::from);
        Inspection { attributes, key: None, flow: Flow::Pulled }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::{sync::Arc, time::Duration};

    use super::*;
    use crate::clock::ManualClock;

    const START: u64 = 1_700_000_000_000;

    fn queue() -> (Arc<ManualClock>, MemoryQueue) {
        let clock = Arc::new(ManualClock::new(START));
        let queue = MemoryQueue::new(Arc::clone(&clock), ["main"]);
        (clock, queue)
    }

    async fn receive(queue: &MemoryQueue) -> Option<Message> {
        queue.receive("main", 10, 20, 30).await.unwrap().pop()
    }

    #[tokio::test]
    async fn a_message_that_is_not_deleted_comes_back_after_its_visibility_timeout() {
        let (clock, queue) = queue();
        let id = queue.send("main", "body");

        let first = receive(&queue).await.unwrap();
        assert_eq!((&first.id, first.receive_count), (&id, 1));
        assert!(receive(&queue).await.is_none());

        clock.advance(Duration::from_secs(30));
        let second = receive(&queue).await.unwrap();
        assert_eq!((&second.id, second.receive_count, second.body.expose()), (&id, 2, b"body".as_slice()));
        assert_ne!(second.receipt_handle, first.receipt_handle);
    }

    #[tokio::test]
    async fn deleting_what_is_gone_is_a_success_and_an_old_receipt_deletes_nothing() {
        let (clock, queue) = queue();
        queue.send("main", "body");
        let first = receive(&queue).await.unwrap();
        clock.advance(Duration::from_secs(30));
        let second = receive(&queue).await.unwrap();

        queue.delete("main", &first.receipt_handle).await.unwrap();
        assert_eq!(queue.ids("main").len(), 1);

        queue.delete("main", &second.receipt_handle).await.unwrap();
        queue.delete("main", &second.receipt_handle).await.unwrap();
        assert_eq!(queue.ids("main").len(), 0);
    }

    #[tokio::test]
    async fn hiding_moves_the_return_and_needs_the_last_receipt() {
        let (clock, queue) = queue();
        queue.send("main", "body");
        let first = receive(&queue).await.unwrap();

        queue.hide("main", &first.receipt_handle, 100).await.unwrap();
        clock.advance(Duration::from_secs(99));
        assert!(receive(&queue).await.is_none());
        queue.hide("main", &first.receipt_handle, 0).await.unwrap();
        let second = receive(&queue).await.unwrap();

        assert_eq!(queue.hide("main", &first.receipt_handle, 5).await, Err(Error::StaleReceipt));
        queue.hide("main", &second.receipt_handle, 43_200).await.unwrap();
        clock.advance(Duration::from_secs(43_200));
        assert_eq!(queue.hide("main", &second.receipt_handle, 5).await, Err(Error::StaleReceipt));
    }

    #[tokio::test]
    async fn an_inspection_counts_the_messages_and_receives_none() {
        let (clock, queue) = queue();
        queue.send("main", "one");
        queue.send("main", "two");
        queue.receive("main", 1, 0, 30).await.unwrap();

        let inspection = queue.inspect("main").await;

        let attributes = inspection.attributes.unwrap();
        assert_eq!(attributes["ApproximateNumberOfMessages"], "1");
        assert_eq!(attributes["ApproximateNumberOfMessagesNotVisible"], "1");
        assert!(attributes["Policy"].contains(&attributes["QueueArn"]), "{attributes:?}");
        assert_eq!((inspection.key, inspection.flow), (None, Flow::Pulled));
        assert_eq!(receive(&queue).await.unwrap().receive_count, 1);
        clock.advance(Duration::from_secs(30));

        queue.set_attribute("main", "Policy", None);
        queue.set_attribute("main", "DelaySeconds", Some("900"));
        let attributes = queue.inspect("main").await.attributes.unwrap();
        assert_eq!((attributes.get("Policy"), attributes["DelaySeconds"].as_str()), (None, "900"));
        assert_eq!(attributes["ApproximateNumberOfMessages"], "2");
        let missing = queue.inspect("other").await;
        assert!(matches!(missing.attributes, Err(Gap::NotFound(_))), "{missing:?}");
    }

    #[tokio::test]
    async fn a_queue_that_nobody_made_is_not_found() {
        let (_, queue) = queue();
        assert!(matches!(queue.receive("other", 1, 0, 0).await, Err(Error::NotFound(_))));
    }
}
