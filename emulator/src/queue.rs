//! A standard queue of Amazon SQS: at least once, in any order, hidden while somebody works on a message.
//!
//! A receipt handle is good for deleting and hiding until the message is received again. That is the strict reading of the
//! documents ("you must use the most recent receipt handle"); SQS itself sometimes accepts older ones.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::random::{random_hex, random_id};

/// SQS hides a message for at most 12 hours from its receipt.
const LONGEST_HIDDEN: u64 = 12 * 3_600_000;

/// How many messages a queue holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// That can be received now.
    pub visible: usize,
    /// That somebody has received and not deleted.
    pub in_flight: usize,
    /// That are on their way.
    pub delayed: usize,
}

impl Counts {
    /// All of them.
    pub fn all(self) -> usize {
        self.visible + self.in_flight + self.delayed
    }
}

/// A message.
#[derive(Clone)]
pub struct Message {
    pub id: String,
    pub body: String,
    pub sent_at: u64,
    pub visible_at: u64,
    pub received: u32,
    pub first_received_at: Option<u64>,
    received_at: u64,
    receipt: String,
}

/// Why an operation on a receipt handle fails.
#[derive(Debug, PartialEq, Eq)]
pub enum Refused {
    /// It is no receipt handle of this queue.
    Handle,
    /// There is no such message any more.
    Gone,
    /// The message is not in flight, or not under this receipt handle.
    NotInflight,
    /// It would be hidden for longer than SQS hides any message.
    TooLong(u64),
}

/// Where messages go that are received too often.
pub struct Redrive {
    /// The dead-letter queue.
    pub target: String,
    /// So often a message is received at most.
    pub most: u64,
}

impl Redrive {
    /// Reads the attribute `RedrivePolicy`.
    pub fn parse(policy: &str) -> Option<Self> {
        let policy: Value = serde_json::from_str(policy).ok()?;
        let target = policy["deadLetterTargetArn"].as_str()?.rsplit(':').next()?.to_owned();
        let most = &policy["maxReceiveCount"];
        Some(Self { target, most: most.as_u64().or_else(|| most.as_str()?.parse().ok())? })
    }
}

/// A queue.
pub struct Queue {
    pub attributes: BTreeMap<String, String>,
    /// How SP-API names it among its destinations.
    pub destination_id: String,
    messages: Vec<Message>,
}

impl Queue {
    /// A queue with the attributes that SQS gives by default.
    pub fn new(name: &str, now: u64) -> Self {
        let created = (now / 1000).to_string();
        let defaults = [
            ("CreatedTimestamp", created.clone()),
            ("LastModifiedTimestamp", created),
            ("QueueArn", format!("arn:aws:sqs:us-east-1:000000000000:{name}")),
            ("VisibilityTimeout", "30".into()),
            ("MessageRetentionPeriod", "345600".into()),
            ("MaximumMessageSize", "1048576".into()),
            ("DelaySeconds", "0".into()),
            ("ReceiveMessageWaitTimeSeconds", "0".into()),
            ("SqsManagedSseEnabled", "true".into()),
        ];
        let attributes = defaults.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        Self { attributes, destination_id: random_id(), messages: Vec::new() }
    }

    /// A queue as Amazon wants it for notifications: retention of 14 days, and a policy that lets Amazon send.
    pub fn for_notifications(name: &str, now: u64) -> Self {
        let mut queue = Self::new(name, now);
        let policy = json!({
            "Version": "2012-10-17",
            "Statement": [{
                "Effect": "Allow",
                "Principal": { "AWS": "arn:aws:iam::437568002678:root" },
                "Action": ["sqs:SendMessage", "sqs:GetQueueAttributes"],
                "Resource": queue.attributes["QueueArn"],
            }],
        });
        queue.attributes.insert("MessageRetentionPeriod".into(), "1209600".into());
        queue.attributes.insert("Policy".into(), policy.to_string());
        queue
    }

    /// An attribute that is a number.
    pub fn number(&self, name: &str) -> u64 {
        self.attributes.get(name).and_then(|value| value.parse().ok()).unwrap_or(0)
    }

    /// Where its messages go that are received too often.
    pub fn redrive(&self) -> Option<Redrive> {
        Redrive::parse(self.attributes.get("RedrivePolicy")?)
    }

    pub fn send(&mut self, body: String, now: u64, visible_at: u64) -> String {
        let id = random_id();
        self.messages.push(Message {
            id: id.clone(),
            body,
            sent_at: now,
            visible_at,
            received: 0,
            first_received_at: None,
            received_at: 0,
            receipt: String::new(),
        });
        id
    }

    /// Delays the messages that have not been received yet.
    pub fn put_off(&mut self, until: u64) {
        for message in self.messages.iter_mut().filter(|message| message.received == 0) {
            message.visible_at = message.visible_at.max(until);
        }
    }

    /// Drops what is older than the retention.
    fn expire(&mut self, now: u64) {
        let retention = self.number("MessageRetentionPeriod") * 1000;
        self.messages.retain(|message| message.sent_at + retention > now);
    }

    pub fn counts(&mut self, now: u64) -> Counts {
        self.expire(now);
        let mut counts = Counts::default();
        for message in &self.messages {
            match message {
                message if message.visible_at <= now => counts.visible += 1,
                message if message.received > 0 => counts.in_flight += 1,
                _ => counts.delayed += 1,
            }
        }
        counts
    }

    /// When the next message becomes visible.
    pub fn next_visible_at(&self) -> Option<u64> {
        self.messages.iter().map(|message| message.visible_at).min()
    }

    /// Receives up to `max` messages and hides them for `visibility` seconds. Those that have been received `most` times are
    /// taken out instead, and come second.
    pub fn receive(
        &mut self,
        max: usize,
        visibility: u64,
        most: Option<u64>,
        now: u64,
    ) -> (Vec<(String, Message)>, Vec<Message>) {
        self.expire(now);
        let is_dead = |message: &mut Message| {
            message.visible_at <= now && most.is_some_and(|most| u64::from(message.received) >= most)
        };
        let dead = self.messages.extract_if(.., is_dead).collect();
        let visible = self.messages.iter_mut().filter(|message| message.visible_at <= now);
        let receive = |message: &mut Message| {
            message.received += 1;
            message.first_received_at.get_or_insert(now);
            message.received_at = now;
            message.visible_at = now + visibility * 1000;
            message.receipt = random_hex(24);
            (format!("{}:{}", message.id, message.receipt), message.clone())
        };
        (visible.take(max).map(receive).collect(), dead)
    }

    /// Takes in a message of another queue, as its dead-letter queue. The message keeps its age, as in SQS.
    pub fn put(&mut self, message: Message, now: u64) {
        self.messages.push(Message { visible_at: now, receipt: String::new(), ..message });
    }

    fn parts(handle: &str) -> Result<(&str, &str), Refused> {
        handle.split_once(':').filter(|(_, receipt)| receipt.len() == 48).ok_or(Refused::Handle)
    }

    /// Deletes a message. One that is gone, or was received again, is left as it is; SQS answers 200 for both.
    pub fn delete(&mut self, handle: &str) -> Result<(), Refused> {
        let (id, receipt) = Self::parts(handle)?;
        self.messages.retain(|message| message.id != id || message.receipt != receipt);
        Ok(())
    }

    /// Hides a message in flight for another `visibility` seconds from now.
    pub fn hide(&mut self, handle: &str, visibility: u64, now: u64) -> Result<(), Refused> {
        self.expire(now);
        let (id, receipt) = Self::parts(handle)?;
        let message = self.messages.iter_mut().find(|message| message.id == id).ok_or(Refused::Gone)?;
        if message.receipt != receipt || message.visible_at <= now {
            return Err(Refused::NotInflight);
        }
        let visible_at = now + visibility * 1000;
        if visible_at > message.received_at + LONGEST_HIDDEN {
            return Err(Refused::TooLong(visibility));
        }
        message.visible_at = visible_at;
        Ok(())
    }

    pub fn purge(&mut self) {
        self.messages.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one() -> Queue {
        let mut queue = Queue::new("q", 0);
        queue.send("body".into(), 0, 0);
        queue
    }

    fn receive(queue: &mut Queue, visibility: u64, now: u64) -> Vec<(String, Message)> {
        queue.receive(10, visibility, None, now).0
    }

    #[test]
    fn a_message_comes_back_until_it_is_deleted() {
        let mut queue = one();
        let first = receive(&mut queue, 30, 1000);
        assert_eq!((first.len(), first[0].1.received), (1, 1));
        assert!(receive(&mut queue, 30, 30_999).is_empty());
        let second = receive(&mut queue, 30, 31_000);
        assert_eq!(second[0].1.received, 2);
        assert_eq!(queue.delete(&first[0].0), Ok(()));
        assert_eq!(queue.counts(31_001).in_flight, 1, "an older receipt handle does not delete");
        assert_eq!(queue.delete(&second[0].0), Ok(()));
        assert_eq!(queue.delete(&second[0].0), Ok(()));
        assert_eq!(queue.counts(99_999).all(), 0);
    }

    #[test]
    fn a_message_can_be_deleted_after_its_visibility_timeout_while_nobody_else_has_received_it() {
        let mut queue = one();
        let handle = receive(&mut queue, 30, 0)[0].0.clone();
        assert_eq!(queue.counts(30_000).visible, 1);
        assert_eq!(queue.delete(&handle), Ok(()));
        assert_eq!(queue.counts(30_000).all(), 0);
    }

    #[test]
    fn hiding_counts_from_now_and_only_while_the_message_is_in_flight() {
        let mut queue = one();
        let handle = receive(&mut queue, 30, 0)[0].0.clone();
        assert_eq!(queue.hide(&handle, 60, 20_000), Ok(()));
        assert_eq!(queue.next_visible_at(), Some(80_000));
        assert_eq!(queue.hide(&handle, 0, 20_000), Ok(()));
        assert_eq!(queue.counts(20_000).visible, 1);
        assert_eq!(queue.hide(&handle, 5, 20_000), Err(Refused::NotInflight));
        receive(&mut queue, 30, 20_000);
        assert_eq!(queue.hide(&handle, 5, 20_000), Err(Refused::NotInflight), "received again");
        assert_eq!(queue.hide("nonsense", 5, 20_000), Err(Refused::Handle));
        queue.purge();
        assert_eq!(queue.hide(&handle, 5, 20_000), Err(Refused::Gone));
    }

    #[test]
    fn nothing_is_hidden_for_longer_than_12_hours_from_its_receipt() {
        let mut queue = one();
        let handle = receive(&mut queue, 30, 0)[0].0.clone();
        assert_eq!(queue.hide(&handle, 43_200, 10_000), Err(Refused::TooLong(43_200)));
        assert_eq!(queue.next_visible_at(), Some(30_000), "a refusal changes nothing");
        assert_eq!(queue.hide(&handle, 43_190, 10_000), Ok(()));
        assert_eq!(queue.next_visible_at(), Some(LONGEST_HIDDEN));
    }

    #[test]
    fn what_is_received_too_often_is_taken_out() {
        let mut queue = one();
        for time in [0, 1] {
            assert_eq!(queue.receive(1, 0, Some(2), time).0.len(), 1);
        }
        let (received, dead) = queue.receive(1, 0, Some(2), 2);
        assert!(received.is_empty());
        assert_eq!(dead[0].received, 2);
        assert_eq!(queue.counts(3).all(), 0);
    }

    #[test]
    fn a_redrive_policy_names_queue_and_count_either_way_it_is_written() {
        for count in ["2", "\"2\""] {
            let arn = "arn:aws:sqs:us-east-1:000000000000:dead";
            let policy = format!(r#"{{"deadLetterTargetArn":"{arn}","maxReceiveCount":{count}}}"#);
            let redrive = Redrive::parse(&policy).expect("a policy");
            assert_eq!((redrive.target.as_str(), redrive.most), ("dead", 2));
        }
        assert!(one().redrive().is_none());
    }

    #[test]
    fn retention_ends_a_message() {
        let mut queue = one();
        assert_eq!(queue.counts(345_599_999).visible, 1);
        assert_eq!(queue.counts(345_600_000).all(), 0);
    }
}
