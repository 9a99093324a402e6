//! A simulated Amazon in one process: LWA, SP-API, a queue, a store, publish targets, and a clock that is moved by hand.
//!
//! [`World`] is all of it, [`SimulatedHost`] serves the component's imports from it. Everything random comes from one seed, so a
//! run can be repeated exactly. The world checks the rules of the design while the component works, at the effect itself:
//! a broken rule panics with the rule's number.
//!
//! It is a double for Amazon, not Amazon: it does what FACTS of the published documents say and what users report.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod amazon;
mod calls;
mod host;
mod queue;
mod random;
mod rules;
pub mod steps;
mod view;

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use lwa_rotate_component::bindings::lwa::rotation::queue::{Attribute, Flow, Gap, Inspection};
use lwa_rotate_component::bindings::lwa::rotation::settings::{Application, Rotate, Target, UserAgent};

pub use amazon::{App, Issued};
pub use calls::Call;
pub use host::{Crash, SimulatedHost, call};
pub use queue::{Kind, Queued};
pub use random::Random;
pub use view::View;

/// The client id of the application that most tests look at.
pub const SHOP: &str = "amzn1.application-oa2-client.shop";
/// The one queue.
pub const QUEUE: &str = "main";
/// One day, in milliseconds.
pub const DAY: u64 = 24 * 3600 * 1000;
/// One hour, in milliseconds.
pub const HOUR: u64 = 3600 * 1000;

/// The secret in `vectors/new-secret.json`, whose application is enrolled nowhere.
pub const VALUE_OF_OTHERS: &str = "amzn1.oa2-cs.v1.new-example";

/// What every secret and token of this world has in it.
const HIDDEN: &str = "hush.";

/// How likely what goes wrong does, in thousandths.
#[derive(Clone, Debug, Default)]
pub struct Faults {
    /// A request does not leave the machine.
    pub not_sent: u64,
    /// A request has its effect and its answer is lost.
    pub answer_lost: u64,
    /// A request is lost on the way, unknown to the sender.
    pub lost_on_the_way: u64,
    /// Amazon answers 429, 500 or 503.
    pub failing: u64,
    /// A notification is delivered twice.
    pub twice: u64,
    /// A notification is late by up to a day.
    pub late: u64,
    /// A load fails, or a save fails after it took place, or before.
    pub store: u64,
    /// A queue operation fails, after or before its effect.
    pub queue: u64,
    /// A target fails, after or before its effect.
    pub target: u64,
    /// A short poll sees only some of the messages, or none.
    pub short_polls: u64,
    /// The facts about the queue cannot be had, or not all of them.
    pub inspect: u64,
    /// The host dies at an import, before or after its effect.
    pub crash: u64,
}

/// How an import fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failing {
    /// It has no effect.
    Before,
    /// It has its effect all the same.
    After,
    /// There is no room, which only a store says.
    Full,
    /// It is not permitted.
    Denied,
}

impl Failing {
    /// With or without its effect, by chance.
    fn either(choice: u64) -> Self {
        if choice.is_multiple_of(2) { Self::After } else { Self::Before }
    }
}

/// How an import ends that a test has made a plan for.
#[derive(Clone, Debug)]
pub enum Planned {
    /// As if there were no plan.
    Passes,
    /// It fails.
    Fails(Failing),
    /// A request does not leave the machine.
    NotSent,
    /// A request's answer is lost; whether it has its effect.
    Lost(bool),
    /// Something that is not Amazon, or an Amazon in trouble, answers a request with this status and body.
    Answered(u16, Vec<u8>),
}

/// A world that several hosts live in.
pub type Shared = Rc<RefCell<World>>;

/// A stored document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    /// Counts the saves.
    pub revision: u64,
    /// The document, byte for byte.
    pub document: Vec<u8>,
    /// What it says.
    pub json: serde_json::Value,
}

impl Stored {
    /// A document, of the component's or of something else.
    pub fn new(revision: u64, document: &[u8]) -> Self {
        Self { revision, document: document.to_vec(), json: serde_json::from_slice(document).unwrap_or_default() }
    }
}

/// Everything outside the component.
#[derive(Debug)]
pub struct World {
    /// The time, in milliseconds since 1970.
    pub now: u64,
    /// How far the hosts' clocks are ahead of the time, in milliseconds; behind it if negative.
    pub clock_error: i64,
    /// When that last changed.
    clocks_set_at: u64,
    /// The source of everything random.
    pub random: Random,
    /// What goes wrong.
    pub faults: Faults,
    /// How the next imports of a name end, the first first: a request (`token`, `rotate`, `proof`), `receive`, `delete`, `hide`,
    /// `load`, `save`, `put`. Without a plan, [`World::faults`] decides.
    pub plans: Vec<(&'static str, Planned)>,
    /// Amazon's applications.
    pub apps: BTreeMap<String, App>,
    /// The queue's messages, delivered or on their way.
    pub queue: Vec<Queued>,
    /// The stored documents with their revisions.
    pub store: BTreeMap<String, Stored>,
    /// What each target of each application holds.
    pub targets: BTreeMap<(String, String), String>,
    /// The settings.
    pub settings: BTreeMap<String, Application>,
    /// The queue's attributes, but for the counts; or why they cannot be had.
    pub attributes: Result<BTreeMap<String, String>, Gap>,
    /// How messages come to the hosts.
    pub flow: Flow,
    /// What happened, without secrets, if anybody wants to know.
    pub journal: Option<Vec<String>>,
    /// Rotate calls that were sent, by client id and number of the intent.
    pub calls: BTreeMap<(String, u64), u32>,
    /// Requests to Amazon and the queue, as the operator counts them.
    pub requests: Vec<&'static str>,
    /// Applications whose records were removed.
    pub forgotten: BTreeSet<String>,
    /// Which places others than the component's hosts have written last, as far as the places tell.
    changed_by_others: BTreeSet<(String, String)>,
    /// Secrets that a stored record has called current.
    were_current: BTreeSet<String>,
    /// When the preparation of each application's next call was begun.
    prepared_at: BTreeMap<String, u64>,
    /// When the queue was last inspected.
    inspected_at: Option<u64>,
    /// When a long poll last came back empty.
    emptied_at: Option<u64>,
    /// When each cause that needs a person was last reported, by client id.
    reported: BTreeMap<(String, String), u64>,
    /// The latest time that any host's clock has shown.
    latest_clock: u64,
    /// Secrets that SP-API has accepted a token of.
    proved: BTreeSet<String>,
    /// Everything that must not be printed.
    secrets: BTreeSet<String>,
    tokens: BTreeMap<String, amazon::Token>,
    made: u64,
}

impl World {
    /// The same, for several hosts.
    pub fn shared(seed: u64) -> Shared {
        Rc::new(RefCell::new(Self::new(seed)))
    }

    /// A world with one application whose secret ends in 20 days, one queue, one target, and nothing that goes wrong.
    pub fn new(seed: u64) -> Self {
        let mut world = Self {
            now: 1_767_225_600_000,
            clock_error: 0,
            clocks_set_at: 0,
            random: Random::new(seed),
            faults: Faults::default(),
            plans: Vec::new(),
            apps: BTreeMap::new(),
            queue: Vec::new(),
            store: BTreeMap::new(),
            targets: BTreeMap::new(),
            settings: BTreeMap::new(),
            attributes: Ok(good_attributes()),
            flow: Flow::Pulled,
            journal: None,
            calls: BTreeMap::new(),
            requests: Vec::new(),
            forgotten: BTreeSet::new(),
            changed_by_others: BTreeSet::new(),
            were_current: BTreeSet::new(),
            prepared_at: BTreeMap::new(),
            inspected_at: None,
            emptied_at: None,
            reported: BTreeMap::new(),
            latest_clock: 0,
            proved: BTreeSet::new(),
            secrets: BTreeSet::new(),
            tokens: BTreeMap::new(),
            made: 0,
        };
        world.add_app(SHOP, 20 * DAY);
        world
    }

    /// Adds an application whose secret ends after so many milliseconds.
    pub fn add_app(&mut self, client_id: &str, ends_in: u64) {
        let secret = self.invent("secret");
        let issued = Issued { secret, ends_at: self.now + ends_in, works_from: 0 };
        self.apps.insert(
            client_id.into(),
            App { issued: vec![issued], called_at: None, wanted: 0, carried_out: 0, subscribed: true, lag: 0 },
        );
        self.settings.insert(
            client_id.into(),
            Application {
                client_id: client_id.into(),
                token_endpoint: "https://lwa.test/auth/o2/token".into(),
                api_endpoint: "https://api.test".into(),
                queue: QUEUE.into(),
                rotate: Rotate::Automatic,
                rotate_before: 30 * 24 * 3600,
                patience: 3600,
                targets: targets(&["env", "hook"]),
                user_agent: UserAgent { application: "world".into(), version: "1".into(), language: "Rust".into() },
            },
        );
    }

    /// A word that nobody has used yet. It is never printed.
    fn invent(&mut self, what: &str) -> String {
        self.made += 1;
        let word = format!("{what}-{HIDDEN}{:x}-{}", self.random.next(), self.made);
        self.secrets.insert(word.clone());
        word
    }

    fn happens(&mut self, thousandths: u64) -> bool {
        thousandths > 0 && self.random.below(1000) < thousandths
    }

    fn planned(&mut self, name: &str) -> Option<Planned> {
        let place = self.plans.iter().position(|(planned, _)| *planned == name)?;
        Some(self.plans.remove(place).1)
    }

    fn note(&mut self, text: impl FnOnce() -> String) {
        if let Some(journal) = &mut self.journal {
            journal.push(format!("{} {}", self.now, text()));
        }
    }

    /// Sets all hosts' clocks to be ahead of the time by this many milliseconds.
    pub fn set_clocks(&mut self, error: i64) {
        self.clock_error = error;
        self.clocks_set_at = self.now;
        self.note(|| format!("all clocks are set, {error} ms ahead"));
    }

    /// What the hosts' clocks show.
    fn clock(&mut self) -> u64 {
        let shown = self.now.saturating_add_signed(self.clock_error);
        self.latest_clock = self.latest_clock.max(shown);
        shown
    }

    /// The newest secret that Amazon has issued for an application.
    pub fn newest(&self, client_id: &str) -> &Issued {
        self.apps[client_id].issued.last().unwrap()
    }

    /// The stored record of an application, as JSON.
    pub fn record(&self, client_id: &str) -> Option<&serde_json::Value> {
        self.store.get(client_id).map(|stored| &stored.json)
    }

    /// The secret that the record calls current.
    pub fn current(&self, client_id: &str) -> Option<String> {
        Some(self.view(client_id)?.current)
    }

    /// Whether the store keeps this secret of an application, in whatever place of its record.
    pub fn keeps(&self, client_id: &str, secret: &str) -> bool {
        let holds = |stored: &Stored| stored.document.windows(secret.len()).any(|part| part == secret.as_bytes());
        self.store.get(client_id).is_some_and(holds)
    }

    /// Something else writes this in place of an application's record.
    pub fn overwrite(&mut self, client_id: &str, document: &[u8]) {
        let revision = self.store.get(client_id).map_or(0, |stored| stored.revision) + 1;
        self.store.insert(client_id.into(), Stored::new(revision, document));
    }

    /// What can be read of the stored record.
    pub fn view(&self, client_id: &str) -> Option<View> {
        View::of(self.record(client_id)?)
    }

    /// The facts about the queue.
    pub(crate) fn inspection(&mut self) -> Inspection {
        self.retain();
        let attributes = match &self.attributes {
            Err(gap) => Err(gap.clone()),
            Ok(known) => {
                let received = |message: &&Queued| message.received > 0;
                let hidden = self.queue.iter().filter(|message| message.visible_at > self.now);
                let (in_flight, delayed): (Vec<&Queued>, Vec<&Queued>) = hidden.partition(received);
                let visible = self.queue.len() - in_flight.len() - delayed.len();
                let counts = [
                    ("ApproximateNumberOfMessages", visible),
                    ("ApproximateNumberOfMessagesNotVisible", in_flight.len()),
                    // What is on its way at Amazon is in no count.
                    ("ApproximateNumberOfMessagesDelayed", 0),
                ];
                let counts = counts.map(|(name, count)| (name.to_owned(), count.to_string()));
                let all = known.clone().into_iter().chain(counts);
                Ok(all.map(|(name, value)| Attribute { name, value }).collect())
            }
        };
        Inspection { attributes, key: None, flow: self.flow }
    }

    /// Whether every target holds this secret.
    pub fn published(&self, client_id: &str, secret: &str) -> bool {
        self.settings[client_id].targets.iter().all(|target| self.holds(client_id, &target.name) == Some(secret))
    }

    /// Another program writes a place.
    pub fn put_by_others(&mut self, client_id: &str, target: &str, secret: &str) {
        let place = (client_id.to_owned(), target.to_owned());
        self.changed_by_others.insert(place.clone());
        self.targets.insert(place, secret.to_owned());
    }

    /// A secret that Amazon has never issued, and that must not be printed.
    pub fn unknown_secret(&mut self) -> String {
        self.invent("unknown")
    }

    /// How often the record of an application was saved.
    pub fn saves(&self, client_id: &str) -> u64 {
        self.store[client_id].revision
    }

    /// What a target holds.
    pub fn holds(&self, client_id: &str, target: &str) -> Option<&str> {
        self.targets.get(&(client_id.to_owned(), target.to_owned())).map(String::as_str)
    }
}

/// Whether the target of this name is a command, which cannot be read.
pub(crate) fn is_command(target: &str) -> bool {
    ["hook", "exec"].contains(&target)
}

/// The settings of targets with these names. Each writes a place of its own.
pub fn targets(names: &[&str]) -> Vec<Target> {
    names.iter().map(|name| Target { name: (*name).into(), place: format!("function://world/{name}") }).collect()
}

/// The attributes of a queue that is as it should be.
pub fn good_attributes() -> BTreeMap<String, String> {
    let arn = "arn:aws:sqs:us-east-1:123456789012:lwa";
    let policy = serde_json::json!({ "Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Principal": { "AWS": "arn:aws:iam::437568002678:root" },
        "Action": ["sqs:SendMessage", "sqs:GetQueueAttributes"], "Resource": arn,
    }] });
    [
        ("QueueArn", arn),
        ("Policy", &policy.to_string()),
        ("MessageRetentionPeriod", "1209600"),
        ("VisibilityTimeout", "120"),
        ("MaximumMessageSize", "262144"),
        ("DelaySeconds", "0"),
        ("SqsManagedSseEnabled", "true"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .into()
}
