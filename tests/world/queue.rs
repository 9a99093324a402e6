//! The queue: at least once, in any order, sometime.

use lwa_rotate_component::credential::Secret;
use lwa_rotate_component::host::Message;
use lwa_rotate_component::instant::Instant;

use crate::{DAY, World};

/// The longest that SQS keeps a message, and what the documents of this project ask for.
const RETENTION: u64 = 14 * DAY;

/// What a message is, for the rules.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A new secret of an application.
    NewSecret {
        /// The application.
        client_id: String,
        /// The secret.
        secret: String,
    },
    /// An expiry notice.
    Expiry,
    /// Not ours, or not readable.
    Foreign,
}

/// A message in the queue, or on its way.
#[derive(Clone, Debug)]
pub struct Queued {
    /// SQS's message id.
    pub id: String,
    /// The body.
    pub body: Vec<u8>,
    /// When it was sent.
    pub sent_at: u64,
    /// From when on it can be received.
    pub visible_at: u64,
    /// How often it was received.
    pub received: u32,
    /// What it is.
    pub kind: Kind,
}

fn rfc3339(at: u64) -> String {
    let text = Instant(at).to_string();
    format!("{}.{:03}Z", text.trim_end_matches('Z'), at % 1000)
}

impl World {
    pub(crate) fn notify_new_secret(&mut self, client_id: &str, secret: &str, ends_at: u64, old_ends_at: u64) {
        let payload = serde_json::json!({ "applicationOAuthClientNewSecret": {
            "clientId": client_id, "newClientSecret": secret,
            "newClientSecretExpiryTime": rfc3339(ends_at), "oldClientSecretExpiryTime": rfc3339(old_ends_at) } });
        let kind = Kind::NewSecret { client_id: client_id.into(), secret: secret.into() };
        self.notify("APPLICATION_OAUTH_CLIENT_NEW_SECRET", &payload, kind);
    }

    /// Amazon sends an expiry notice.
    pub fn notify_expiry(&mut self, client_id: &str, at: u64) {
        let payload = serde_json::json!({ "applicationOAuthClientSecretExpiry": {
            "clientId": client_id, "clientSecretExpiryTime": rfc3339(at), "clientSecretExpiryReason": "PERIODIC_ROTATION" } });
        self.notify("APPLICATION_OAUTH_CLIENT_SECRET_EXPIRY", &payload, Kind::Expiry);
    }

    /// Somebody who may send to the queue invents a new secret that looks newer than any.
    pub fn forge(&mut self, client_id: &str) {
        let (secret, far) = (self.invent("forged"), self.now + 1000 * DAY + self.random.below(DAY));
        self.notify_new_secret(client_id, &secret, far, far);
        let forged = Kind::NewSecret { client_id: client_id.into(), secret };
        self.queue.iter_mut().filter(|message| message.kind == forged).for_each(|message| message.kind = Kind::Foreign);
    }

    fn notify(&mut self, kind_name: &str, payload: &serde_json::Value, kind: Kind) {
        let body = serde_json::json!({ "notificationVersion": "1.0", "notificationType": kind_name,
            "payloadVersion": "2023-11-30", "eventTime": rfc3339(self.now), "payload": payload })
        .to_string();
        let copies = if self.happens(self.faults.twice) { 2 } else { 1 };
        for _ in 0..copies {
            let delay = if self.happens(self.faults.late) { self.random.below(DAY) } else { self.random.below(3000) };
            self.put_message(body.clone().into_bytes(), kind.clone(), delay);
        }
    }

    /// Puts any message into the queue.
    pub fn put_message(&mut self, body: Vec<u8>, kind: Kind, delay: u64) {
        self.made += 1;
        let id = format!("message-{}", self.made);
        self.queue.push(Queued { id, body, sent_at: self.now, visible_at: self.now + delay, received: 0, kind });
    }

    /// The retention ends the life of messages whose secrets the record keeps. Whether anybody looks in time for the others
    /// is not the component's.
    pub(crate) fn retain(&mut self) {
        let (now, store) = (self.now, &self.store);
        self.queue.retain(|message| match &message.kind {
            _ if now < message.sent_at + RETENTION => true,
            Kind::NewSecret { client_id, secret } => {
                let view = store.get(client_id).and_then(|stored| crate::View::of(&stored.json));
                !view.is_some_and(|view| {
                    view.current == *secret || view.candidates.iter().any(|(kept, _)| kept == secret)
                })
            }
            _ => false,
        });
    }

    pub(crate) fn receive(&mut self, max: u32, wait: u32, visibility: u32) -> Vec<Message> {
        self.retain();
        let mut visible = self.visible();
        // A long poll ends with the first message.
        if visible.is_empty() {
            let first = self.queue.iter().map(|m| m.visible_at).min().unwrap_or(u64::MAX);
            self.now = first.clamp(self.now, self.now + u64::from(wait) * 1000);
            visible = self.visible();
        }
        // A short poll asks some of SQS's servers.
        if wait == 0 && self.happens(self.faults.short_polls) {
            let most = self.random.below(visible.len() as u64 + 1) as usize;
            visible.truncate(most);
        }
        let mut messages = Vec::new();
        while !visible.is_empty() && messages.len() < max as usize {
            let place = visible.swap_remove(self.random.below(visible.len() as u64) as usize);
            let message = &mut self.queue[place];
            message.received += 1;
            message.visible_at = self.now + u64::from(visibility) * 1000;
            messages.push(Message {
                id: message.id.clone(),
                receipt_handle: format!("{}#{}", message.id, message.received),
                body: Secret::new(message.body.clone()),
                receive_count: message.received,
            });
        }
        messages
    }

    fn visible(&self) -> Vec<usize> {
        (0..self.queue.len()).filter(|&place| self.queue[place].visible_at <= self.now).collect()
    }

    /// The message that this receipt handle is of. SQS deletes by an old handle sometimes, and sometimes says that it has.
    pub(crate) fn deleted_by(&mut self, receipt_handle: &str) -> Option<usize> {
        let place = self.received(receipt_handle);
        if place.is_none() && self.random.below(2) == 0 {
            let (id, _) = receipt_handle.split_once('#')?;
            return self.queue.iter().position(|message| message.id == id);
        }
        place
    }

    /// The message that this receipt handle is of, if it has not been received again.
    pub(crate) fn received(&self, receipt_handle: &str) -> Option<usize> {
        let (id, received) = receipt_handle.split_once('#')?;
        self.queue.iter().position(|m| m.id == id && m.received.to_string() == received)
    }
}
