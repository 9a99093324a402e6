//! What Amazon knows: applications, their secrets, access tokens, queues, and the time.

mod notify;

use std::collections::BTreeMap;
use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::json;

use crate::fault::{Fault, Operation};
use crate::notification::Subscription;
use crate::options::{Application, Options};
use crate::queue::{Counts, Message, Queue};
use crate::random::random_hex;
use crate::secret::IssuedSecret;

/// The lifetime of an access token.
pub const TOKEN_LIFETIME: u64 = 3_600_000;
/// No clock, and no lifetime, goes further than a thousand years.
const LONGEST: u64 = 1000 * 365 * 86_400_000;

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
    /// Its secrets, oldest first.
    pub issued: Vec<IssuedSecret>,
    pub subscribed: bool,
    pub queue: String,
    /// The last call that the usage plan let pass.
    pub called_at: Option<u64>,
    /// The body of the notification that was sent last.
    pub last_body: String,
    subscription: Subscription,
    lag: u64,
    lifetime: u64,
    overlap: u64,
}

impl App {
    fn new(application: Application, queue: &str, now: u64) -> Self {
        let Application { client_id, client_secret, expires_in, subscribed, lag, lifetime, overlap, queue: own } =
            application;
        let first = IssuedSecret { secret: client_secret, ends_at: now + milliseconds(expires_in), works_from: 0 };
        let (lifetime, overlap) = (milliseconds(lifetime), milliseconds(overlap));
        let issued_at = first.ends_at.saturating_sub(lifetime);
        let subscription = Subscription::new();
        // Some notification has brought the first secret, too; the fault "old" may send it again.
        let last_body = subscription.new_secret(&client_id, &first, issued_at + overlap, issued_at, issued_at);
        Self {
            issued: vec![first],
            subscribed,
            queue: own.unwrap_or_else(|| queue.to_owned()),
            called_at: None,
            last_body,
            subscription,
            lag: milliseconds(lag),
            lifetime,
            overlap,
        }
    }
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
    /// Whether to refuse what the documentation does not allow.
    pub strict: bool,
    pub rotate_interval: Duration,
    pub notification_delay: Duration,
    /// How far the emulator's clock is ahead of the machine's, in milliseconds.
    ahead: i64,
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

/// A duration in milliseconds; a thousand years at most, so that it can be added to any time there is.
pub fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX).min(LONGEST)
}

fn since_1970(time: SystemTime) -> u64 {
    milliseconds(time.duration_since(UNIX_EPOCH).unwrap_or_default())
}

impl Amazon {
    /// Amazon as the options describe it, at the machine's time or another.
    pub fn new(options: Options, start: Option<SystemTime>) -> Self {
        let machine = SystemTime::now();
        let ahead = since_1970(start.unwrap_or(machine)).cast_signed() - since_1970(machine).cast_signed();
        let mut amazon = Self {
            apps: BTreeMap::new(),
            tokens: BTreeMap::new(),
            queues: BTreeMap::new(),
            faults: options.faults,
            calls: Vec::new(),
            refuse_dead_secrets: options.refuse_dead_secrets,
            strict: options.strict,
            rotate_interval: options.rotate_interval,
            notification_delay: options.notification_delay,
            ahead,
        };
        let now = amazon.now();
        for application in options.applications {
            let client_id = application.client_id.clone();
            let app = App::new(application, &options.queue, now);
            amazon.add_queue(&app.queue);
            amazon.apps.insert(client_id, app);
        }
        amazon.set_queue_exists(&options.queue, options.queue_exists);
        amazon
    }

    /// The time, in milliseconds since 1970.
    pub fn now(&self) -> u64 {
        since_1970(SystemTime::now()).saturating_add_signed(self.ahead)
    }

    pub fn advance_time(&mut self, by: Duration) {
        let furthest = LONGEST.cast_signed();
        self.ahead = self.ahead.saturating_add_unsigned(milliseconds(by)).min(furthest);
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

    /// Puts a body into a queue, to be seen after a delay; tells the message id, or `None` if there is no such queue.
    pub fn send(&mut self, queue: &str, body: String, delay: Duration) -> Option<String> {
        let now = self.now();
        self.queues.get_mut(queue).map(|queue| queue.send(body, now, now + milliseconds(delay)))
    }

    /// Creates a queue as Amazon wants it for notifications, if there is none of this name, or deletes it.
    pub fn set_queue_exists(&mut self, name: &str, exists: bool) {
        if exists {
            self.add_queue(name);
        } else {
            self.queues.remove(name);
        }
    }

    /// Creates a queue as Amazon wants it for notifications, if there is none of this name.
    fn add_queue(&mut self, name: &str) {
        let now = self.now();
        self.queues.entry(name.to_owned()).or_insert_with_key(|name| Queue::for_notifications(name, now));
    }

    /// Makes a queue the dead-letter queue of another.
    pub fn add_dead_letter_queue(&mut self, source: &str, name: &str, max_receive_count: u32) {
        let now = self.now();
        let dead = self.queues.entry(name.to_owned()).or_insert_with_key(|name| Queue::new(name, now));
        let policy = json!({ "deadLetterTargetArn": dead.attributes["QueueArn"], "maxReceiveCount": max_receive_count.to_string() });
        if let Some(source) = self.queues.get_mut(source) {
            source.attributes.insert("RedrivePolicy".into(), policy.to_string());
        }
    }

    /// Receives from a queue. What was received too often goes to the queue's dead-letter queue, if there is one.
    pub fn receive(&mut self, queue: &str, max: usize, visibility: u64) -> Vec<(String, Message)> {
        let now = self.now();
        let redrive = self.queues.get(queue).and_then(Queue::redrive);
        let redrive = redrive.filter(|redrive| self.queues.contains_key(&redrive.target));
        let Some(source) = self.queues.get_mut(queue) else { return Vec::new() };
        let (received, dead) = source.receive(max, visibility, redrive.as_ref().map(|redrive| redrive.most), now);
        if let Some(target) = redrive.and_then(|redrive| self.queues.get_mut(&redrive.target)) {
            dead.into_iter().for_each(|message| target.put(message, now));
        }
        received
    }

    /// Issues a new secret: the one before lives on for the overlap, one that was old already keeps its own end.
    pub fn rotate(&mut self, client_id: &str, notify: bool) -> bool {
        let now = self.now();
        let Some(app) = self.apps.get_mut(client_id) else { return false };
        let mut old_ends_at = now;
        if let Some(last) = app.issued.last_mut() {
            last.ends_at = last.ends_at.min(now + app.overlap);
            old_ends_at = last.ends_at;
        }
        let new = IssuedSecret {
            secret: format!("amzn1.oa2-cs.v1.{}", random_hex(32)),
            ends_at: now + app.lifetime,
            works_from: now + app.lag,
        };
        app.issued.push(new.clone());
        if notify {
            self.notify(client_id, |app, at, published_at| {
                app.subscription.new_secret(client_id, &new, old_ends_at, at, published_at)
            });
        }
        true
    }

    /// Sends an expiry notice.
    pub fn remind(&mut self, client_id: &str, of_old: bool) -> bool {
        let secrets = self.secrets(client_id);
        let Some(secret) = secrets.iter().rev().nth(usize::from(of_old)) else { return false };
        self.notify(client_id, |app, at, published_at| {
            app.subscription.secret_expiry(client_id, secret.ends_at, at, published_at)
        })
    }
}
