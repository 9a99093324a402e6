//! How an emulator starts.

use std::collections::BTreeMap;
use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use crate::fault::Fault;

/// An application that exists from the start.
#[derive(Clone)]
pub struct Application {
    /// Its client id.
    pub client_id: String,
    /// Its current client secret.
    pub client_secret: String,
    /// How long this secret still lives.
    pub expires_in: Duration,
    /// Whether it is subscribed to rotation notifications; without, the rotate call answers 400.
    pub subscribed: bool,
    /// How long a new secret does not work yet.
    pub lag: Duration,
    /// How long a new secret lives.
    pub lifetime: Duration,
    /// How long the secret before it lives on, if it does not end sooner.
    pub overlap: Duration,
    /// The name of the queue that its notifications go to, if it is not that of the [`Options`].
    pub queue: Option<String>,
}

impl Application {
    /// An application whose secrets live for 180 days and overlap by 7, as Amazon's do; subscribed, without lag.
    pub fn new(client_id: impl Into<String>, client_secret: impl Into<String>) -> Self {
        let day = Duration::from_secs(86_400);
        Self {
            client_id: client_id.into(),
            client_secret: client_secret.into(),
            expires_in: 180 * day,
            subscribed: true,
            lag: Duration::ZERO,
            lifetime: 180 * day,
            overlap: 7 * day,
            queue: None,
        }
    }
}

/// Without the secret.
impl fmt::Debug for Application {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Application")
            .field("client_id", &self.client_id)
            .field("expires_in", &self.expires_in)
            .field("subscribed", &self.subscribed)
            .field("lag", &self.lag)
            .field("lifetime", &self.lifetime)
            .field("overlap", &self.overlap)
            .field("queue", &self.queue)
            .finish_non_exhaustive()
    }
}

/// How the emulator starts.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where it listens; a loopback address. Port 0 takes a free one.
    pub listen: SocketAddr,
    /// The applications.
    pub applications: Vec<Application>,
    /// The name of the queue that notifications go to. It is as Amazon wants it: a standard queue with a policy that lets Amazon
    /// send, which keeps messages for 14 days.
    pub queue: String,
    /// Attributes of that queue that are to be different, by SQS's names; an empty value takes an attribute away. A dead-letter
    /// queue that `RedrivePolicy` names is created.
    pub queue_attributes: BTreeMap<String, String>,
    /// Whether that queue exists.
    pub queue_exists: bool,
    /// How long a notification takes.
    pub notification_delay: Duration,
    /// How far apart rotate calls must be.
    pub rotate_interval: Duration,
    /// Whether LWA refuses a secret that has ended, or does not work yet (401 `invalid_client`). By default it issues access
    /// tokens for both, as it has been seen to do, and SP-API refuses those.
    pub refuse_dead_secrets: bool,
    /// Whether to refuse what Amazon accepts although its documentation does not allow it, such as a `User-Agent` of another form.
    /// The crate's `README.md` lists what is refused.
    pub strict: bool,
    /// What goes wrong.
    pub faults: Vec<Fault>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            applications: Vec::new(),
            queue: "lwa".into(),
            queue_attributes: BTreeMap::new(),
            queue_exists: true,
            notification_delay: Duration::ZERO,
            rotate_interval: Duration::from_secs(60),
            refuse_dead_secrets: false,
            strict: false,
            faults: Vec::new(),
        }
    }
}
