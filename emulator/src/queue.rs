//! A standard queue of Amazon SQS: at least once, in any order, hidden while somebody works on a message.
//!
//! A receipt handle is good for deleting and hiding until the message is received again. That is the strict reading of the
//! documents ("you must use the most recent receipt handle"); SQS itself sometimes accepts older ones.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::amazon::{random_hex, random_id};

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
    /// The message is not in flight.
    NotInflight,
}

/// A queue.
pub struct Queue {
    pub attributes: BTreeMap<String, String>,
    messages: Vec<Message>,
    dead_letters: Vec<(String, Message)>,
}

impl Queue {
    /// A queue with the attributes that SQS gives by default.
    pub fn new(name: &str) -> Self {
        let defaults = [
            ("QueueArn", format!("arn:aws:sqs:us-east-1:000000000000:{name}")),
            ("VisibilityTimeout", "30".into()),
            ("MessageRetentionPeriod", "345600".into()),
            ("MaximumMessageSize", "1048576".into()),
            ("DelaySeconds", "0".into()),
            ("ReceiveMessageWaitTimeSeconds", "0".into()),
            ("SqsManagedSseEnabled", "true".into()),
        ];
        let attributes = defaults.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        Self { attributes, messages: Vec::new(), dead_letters: Vec::new() }
    }

    /// A queue as this work wants it: retention of 14 days, and a policy that lets Amazon send.
    pub fn for_notifications(name: &str) -> Self {
        let mut queue = Self::new(name);
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

    pub fn attribute_seconds(&self, name: &str) -> u64 {
        self.attributes.get(name).and_then(|value| value.parse().ok()).unwrap_or(0)
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

    /// Delays what nobody has seen.
    pub fn put_off(&mut self, until: u64) {
        for message in self.messages.iter_mut().filter(|message| message.received == 0) {
            message.visible_at = message.visible_at.max(until);
        }
    }

    /// Drops what is older than the retention.
    fn expire(&mut self, now: u64) {
        let retention = self.attribute_seconds("MessageRetentionPeriod") * 1000;
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

    /// Receives up to `max` messages and hides them for `visibility` seconds. What was received too often goes to the
    /// dead-letter queue, if there is one.
    pub fn receive(&mut self, max: usize, visibility: u64, now: u64) -> Vec<(String, Message)> {
        self.expire(now);
        let redrive: Option<Value> =
            self.attributes.get("RedrivePolicy").and_then(|text| serde_json::from_str(text).ok());
        let most = redrive.as_ref().and_then(|policy| {
            let count = &policy["maxReceiveCount"];
            count.as_u64().or_else(|| count.as_str()?.parse().ok())
        });
        let target = redrive.as_ref().and_then(|policy| policy["deadLetterTargetArn"].as_str());
        let target = target.and_then(|arn| arn.rsplit(':').next()).map(str::to_owned);
        let mut received = Vec::new();
        let mut place = 0;
        while place < self.messages.len() && received.len() < max {
            let message = &mut self.messages[place];
            if message.visible_at > now {
                place += 1;
                continue;
            }
            if let (Some(most), Some(target)) = (most, &target)
                && u64::from(message.received) >= most
            {
                let dead = self.messages.remove(place);
                self.dead_letters.push((target.clone(), dead));
                continue;
            }
            message.received += 1;
            message.first_received_at.get_or_insert(now);
            message.received_at = now;
            message.visible_at = now + visibility * 1000;
            message.receipt = random_hex(24);
            let handle = format!("{}:{}", message.id, message.receipt);
            received.push((handle, message.clone()));
            place += 1;
        }
        received
    }

    /// The messages that have gone to dead-letter queues since the last call, with their names.
    pub fn take_dead_letters(&mut self) -> Vec<(String, Message)> {
        std::mem::take(&mut self.dead_letters)
    }

    pub fn put(&mut self, message: Message, now: u64) {
        self.messages.push(Message { visible_at: now, ..message });
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
        let (id, receipt) = Self::parts(handle)?;
        let message = self.messages.iter_mut().find(|message| message.id == id && message.receipt == receipt);
        match message {
            Some(message) if message.visible_at > now => {
                message.visible_at = (now + visibility * 1000).min(message.received_at + LONGEST_HIDDEN);
                Ok(())
            }
            _ => Err(Refused::NotInflight),
        }
    }

    pub fn purge(&mut self) {
        self.messages.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one() -> Queue {
        let mut queue = Queue::new("q");
        queue.send("body".into(), 0, 0);
        queue
    }

    #[test]
    fn a_message_comes_back_until_it_is_deleted() {
        let mut queue = one();
        let first = queue.receive(10, 30, 1000);
        assert_eq!((first.len(), first[0].1.received), (1, 1));
        assert!(queue.receive(10, 30, 30_999).is_empty());
        let second = queue.receive(10, 30, 31_000);
        assert_eq!(second[0].1.received, 2);
        assert_eq!(queue.delete(&first[0].0), Ok(()));
        assert_eq!(queue.counts(31_001).in_flight, 1, "an older receipt handle does not delete");
        assert_eq!(queue.delete(&second[0].0), Ok(()));
        assert_eq!(queue.delete(&second[0].0), Ok(()));
        assert_eq!(queue.counts(99_999).all(), 0);
    }

    #[test]
    fn hiding_counts_from_now_and_ends_12_hours_after_the_receipt() {
        let mut queue = one();
        let handle = queue.receive(1, 30, 0)[0].0.clone();
        queue.hide(&handle, 43_200, 10_000).expect("in flight");
        assert_eq!(queue.next_visible_at(), Some(LONGEST_HIDDEN));
        queue.hide(&handle, 0, 20_000).expect("in flight");
        assert_eq!(queue.counts(20_000).visible, 1);
        assert_eq!(queue.hide(&handle, 5, 20_000), Err(Refused::NotInflight));
        assert_eq!(queue.hide("nonsense", 5, 20_000), Err(Refused::Handle));
    }

    #[test]
    fn what_is_received_too_often_goes_to_the_dead_letter_queue() {
        let mut queue = one();
        let policy = r#"{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:000000000000:dead","maxReceiveCount":"2"}"#;
        queue.attributes.insert("RedrivePolicy".into(), policy.into());
        for time in [0, 1, 2] {
            queue.receive(1, 0, time);
        }
        assert_eq!(queue.counts(3).all(), 0);
        assert_eq!(queue.take_dead_letters()[0].0, "dead");
    }

    #[test]
    fn retention_ends_a_message() {
        let mut queue = one();
        assert_eq!(queue.counts(345_599_999).visible, 1);
        assert_eq!(queue.counts(345_600_000).all(), 0);
    }
}
