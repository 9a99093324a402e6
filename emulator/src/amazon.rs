//! What Amazon knows: applications, their secrets, access tokens, queues, and the time.

use std::collections::BTreeMap;
use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::fault::{self, Action, Fault, Operation};
use crate::message;
use crate::queue::{Counts, Queue};
use crate::{Application, Options};

/// The lifetime of a secret.
const LIFETIME: u64 = 180 * 86_400_000;
/// So long the secret before the new one lives on.
const OVERLAP: u64 = 7 * 86_400_000;
/// The lifetime of an access token.
pub const TOKEN_LIFETIME: u64 = 3_600_000;

/// A secret that was issued.
#[derive(Clone)]
pub struct IssuedSecret {
    /// The secret.
    pub secret: String,
    /// When it ends, in milliseconds since 1970.
    pub ends_at: u64,
    /// From when on SP-API accepts it, in milliseconds since 1970.
    pub works_from: u64,
}

/// Without the secret.
impl fmt::Debug for IssuedSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IssuedSecret").field("ends_at", &self.ends_at).finish_non_exhaustive()
    }
}

/// An operation that was carried out, or attempted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// When, in milliseconds since 1970, by the emulator's clock.
    pub at: u64,
    /// Which.
    pub operation: Operation,
    /// The application, where the request names one.
    pub client_id: Option<String>,
    /// The HTTP status; `None` if no answer was given.
    pub status: Option<u16>,
    /// How many messages a receive brought.
    pub messages: Option<usize>,
}

/// An application at Amazon.
pub struct App {
    pub issued: Vec<IssuedSecret>,
    pub subscribed: bool,
    pub lag: Duration,
    pub called_at: Option<u64>,
    /// The bodies that were sent for it.
    sent: Vec<String>,
}

/// An access token, as the services know it.
#[derive(Clone)]
pub struct Token {
    pub client_id: String,
    pub secret: String,
    /// The scopes; `None` for a token of a seller's authorization.
    pub scope: Option<String>,
    pub ends_at: u64,
}

/// Everything.
pub struct Amazon {
    pub apps: BTreeMap<String, App>,
    pub tokens: BTreeMap<String, Token>,
    pub queues: BTreeMap<String, Queue>,
    pub faults: Vec<Fault>,
    pub calls: Vec<Call>,
    pub refuse_dead_secrets: bool,
    pub rotate_interval: Duration,
    queue: String,
    notification_delay: Duration,
    offset: Duration,
}

/// Without secrets and tokens.
impl fmt::Debug for Amazon {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Amazon")
            .field("apps", &self.apps.keys())
            .field("queues", &self.queues.keys())
            .finish_non_exhaustive()
    }
}

/// Random hexadecimal digits.
pub fn random_hex(bytes: usize) -> String {
    let mut buffer = vec![0; bytes];
    // Worth nothing to anybody; without randomness they are all zero, and collide.
    let _ = getrandom::fill(&mut buffer);
    buffer.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Something shaped like a UUID.
pub fn random_id() -> String {
    let hex = random_hex(16);
    format!("{}-{}-4{}-8{}-{}", &hex[..8], &hex[8..12], &hex[13..16], &hex[17..20], &hex[20..])
}

impl Amazon {
    pub fn new(options: Options) -> Self {
        let mut amazon = Self {
            apps: BTreeMap::new(),
            tokens: BTreeMap::new(),
            queues: BTreeMap::new(),
            faults: options.faults,
            calls: Vec::new(),
            refuse_dead_secrets: options.refuse_dead_secrets,
            rotate_interval: options.rotate_interval,
            queue: options.queue.clone(),
            notification_delay: options.notification_delay,
            offset: Duration::ZERO,
        };
        let now = amazon.now();
        amazon.queues.insert(options.queue.clone(), Queue::for_notifications(&options.queue));
        for Application { client_id, client_secret, expires_in, subscribed, lag } in options.applications {
            let first = IssuedSecret { secret: client_secret, ends_at: now + milliseconds(expires_in), works_from: 0 };
            let app = App { issued: vec![first], subscribed, lag, called_at: None, sent: Vec::new() };
            amazon.apps.insert(client_id, app);
        }
        amazon
    }

    /// The time, in milliseconds since 1970.
    pub fn now(&self) -> u64 {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        milliseconds(now + self.offset)
    }

    pub fn advance_time(&mut self, by: Duration) {
        self.offset += by;
    }

    pub fn secrets(&self, client_id: &str) -> Vec<IssuedSecret> {
        self.apps.get(client_id).map(|app| app.issued.clone()).unwrap_or_default()
    }

    pub fn counts(&mut self, queue: &str) -> Counts {
        let now = self.now();
        self.queues.get_mut(queue).map(|queue| queue.counts(now)).unwrap_or_default()
    }

    pub fn set_subscribed(&mut self, client_id: &str, subscribed: bool) -> bool {
        self.apps.get_mut(client_id).map(|app| app.subscribed = subscribed).is_some()
    }

    pub fn note(
        &mut self,
        operation: Operation,
        client_id: Option<String>,
        status: Option<u16>,
        messages: Option<usize>,
    ) {
        let at = self.now();
        self.calls.push(Call { at, operation, client_id, status, messages });
    }

    /// Puts a body into a queue, to be seen after a delay.
    pub fn send(&mut self, queue: &str, body: String, delay: Duration) -> Option<String> {
        let now = self.now();
        self.queues.get_mut(queue).map(|queue| queue.send(body, now, now + milliseconds(delay)))
    }

    /// Issues a new secret: the one before lives on for the overlap, one that was old already keeps its own end.
    pub fn rotate(&mut self, client_id: &str, notify: bool) -> bool {
        let now = self.now();
        let Some(app) = self.apps.get_mut(client_id) else { return false };
        let mut old_ends_at = now;
        if let Some(last) = app.issued.last_mut() {
            last.ends_at = last.ends_at.min(now + OVERLAP);
            old_ends_at = last.ends_at;
        }
        let new = IssuedSecret {
            secret: format!("amzn1.oa2-cs.v1.{}", random_hex(32)),
            ends_at: now + LIFETIME,
            works_from: now + milliseconds(app.lag),
        };
        let body = message::new_secret(client_id, &new, old_ends_at, now);
        app.issued.push(new);
        if notify {
            self.notify(client_id, body);
        }
        true
    }

    /// Sends an expiry notice.
    pub fn remind(&mut self, client_id: &str, of_old: bool) -> bool {
        let now = self.now();
        let Some(app) = self.apps.get(client_id) else { return false };
        let Some(secret) = app.issued.iter().rev().nth(usize::from(of_old)) else { return false };
        let body = message::secret_expiry(client_id, secret.ends_at, now);
        self.notify(client_id, body);
        true
    }

    fn notify(&mut self, client_id: &str, body: String) {
        let queue = self.queue.clone();
        let mut delay = self.notification_delay;
        let later = Duration::from_secs(1);
        let before = self.apps.get(client_id).and_then(|app| app.sent.last().cloned());
        if let Some(app) = self.apps.get_mut(client_id) {
            app.sent.push(body.clone());
        }
        let now = self.now();
        match fault::take(&mut self.faults, Operation::Notification) {
            Some(Action::Drop) => return,
            Some(Action::Delay(by)) => delay += by,
            Some(Action::Duplicate) => drop(self.send(&queue, body.clone(), delay)),
            Some(Action::Foreign) => {
                let secret = IssuedSecret { secret: "somebody-else".into(), ends_at: now + LIFETIME, works_from: 0 };
                let foreign = message::new_secret("amzn1.application-oa2-client.foreign", &secret, now + OVERLAP, now);
                self.send(&queue, foreign, delay);
            }
            Some(Action::Garbage) => drop(self.send(&queue, "this is { no JSON".into(), delay)),
            Some(Action::Old) => {
                if let Some(before) = before {
                    self.send(&queue, before, delay + later);
                }
            }
            // What was sent before and not yet seen comes after this one.
            Some(Action::Reorder) => {
                if let Some(queue) = self.queues.get_mut(&queue) {
                    queue.put_off(now + milliseconds(delay + later));
                }
            }
            _ => {}
        }
        self.send(&queue, body, delay);
    }
}

/// A duration in milliseconds.
pub fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
