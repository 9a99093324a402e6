//! A simulated Amazon in one process: LWA, SP-API, a queue, a store, publish targets, and a clock that is moved by hand.
//!
//! [`World`] is all of it, [`SimulatedHost`] serves the component's imports from it. Everything random comes from one seed, so a
//! run can be repeated exactly. The world checks the rules of the design while the component works, at the effect itself:
//! a broken rule panics with the rule's number.
//!
//! It is a double for Amazon, not Amazon: it does what FACTS of the published documents say and what users report.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod amazon;
mod host;
mod queue;
mod random;
mod rules;

use std::collections::{BTreeMap, BTreeSet};

use lwa_rotate_component::contract::lwa::rotation::settings::{Application, UserAgent};

pub use amazon::{App, Issued};
pub use host::{Crash, SimulatedHost, call};
pub use queue::{Kind, Queued};
pub use random::Random;

/// The client id of the application that most tests look at.
pub const SHOP: &str = "amzn1.application-oa2-client.shop";
/// The one queue.
pub const QUEUE: &str = "main";
/// One day, in milliseconds.
pub const DAY: u64 = 24 * 3600 * 1000;
/// One hour, in milliseconds.
pub const HOUR: u64 = 3600 * 1000;

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
    /// A save conflicts with nobody, or fails after it took place, or before.
    pub store: u64,
    /// A queue operation fails, after or before its effect.
    pub queue: u64,
    /// A target fails, after or before its effect.
    pub target: u64,
    /// The host dies at an import, before or after its effect.
    pub crash: u64,
    /// Another host makes a whole call of its own in between.
    pub meanwhile: u64,
}

/// Everything outside the component.
#[derive(Debug)]
pub struct World {
    /// The time, in milliseconds since 1970.
    pub now: u64,
    /// The source of everything random.
    pub random: Random,
    /// What goes wrong.
    pub faults: Faults,
    /// The next request of this name (`token`, `rotate`, `proof`) gets no answer; whether it has its effect.
    pub lose: Option<(&'static str, bool)>,
    /// Amazon's applications.
    pub apps: BTreeMap<String, App>,
    /// The queue's messages, delivered or on their way.
    pub queue: Vec<Queued>,
    /// The stored documents with their revisions.
    pub store: BTreeMap<String, (u64, Vec<u8>)>,
    /// What each target of each application holds.
    pub targets: BTreeMap<(String, String), String>,
    /// The settings.
    pub settings: BTreeMap<String, Application>,
    /// What happened, without secrets.
    pub journal: Vec<String>,
    /// Rotate calls that reached Amazon, by client id and number of the intent.
    pub calls: BTreeMap<(String, u64), u32>,
    /// Requests to Amazon and the queue, as the operator counts them.
    pub requests: Vec<&'static str>,
    /// How deep hosts are nested.
    depth: u32,
    /// Secrets that SP-API has accepted a token of.
    proved: BTreeSet<String>,
    /// Everything that must not be printed.
    secrets: BTreeSet<String>,
    tokens: BTreeMap<String, amazon::Token>,
    made: u64,
}

impl World {
    /// A world with one application whose secret ends in 20 days, one queue, one target, and nothing that goes wrong.
    pub fn new(seed: u64) -> Self {
        let mut world = Self {
            now: 1_767_225_600_000,
            random: Random::new(seed),
            faults: Faults::default(),
            lose: None,
            apps: BTreeMap::new(),
            queue: Vec::new(),
            store: BTreeMap::new(),
            targets: BTreeMap::new(),
            settings: BTreeMap::new(),
            journal: Vec::new(),
            calls: BTreeMap::new(),
            requests: Vec::new(),
            depth: 0,
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
        self.apps.insert(client_id.into(), App { issued: vec![issued], called_at: None, subscribed: true, lag: 0 });
        self.settings.insert(
            client_id.into(),
            Application {
                client_id: client_id.into(),
                token_endpoint: "https://lwa.test/auth/o2/token".into(),
                api_endpoint: "https://api.test".into(),
                rotate_before: 30 * 24 * 3600,
                patience: 3600,
                targets: vec!["env".into(), "hook".into()],
                user_agent: UserAgent { application: "world".into(), version: "1".into(), language: "Rust".into() },
            },
        );
    }

    /// A word that nobody has used yet. It is never printed.
    fn invent(&mut self, what: &str) -> String {
        self.made += 1;
        let word = format!("{what}-{:x}-{}", self.random.next(), self.made);
        self.secrets.insert(word.clone());
        word
    }

    fn happens(&mut self, thousandths: u64) -> bool {
        thousandths > 0 && self.random.below(1000) < thousandths
    }

    fn note(&mut self, text: String) {
        self.journal.push(format!("{} {text}", self.now));
    }

    /// The newest secret that Amazon has issued for an application.
    pub fn newest(&self, client_id: &str) -> &Issued {
        self.apps[client_id].issued.last().unwrap()
    }

    /// The stored record of an application, as JSON.
    pub fn record(&self, client_id: &str) -> Option<serde_json::Value> {
        self.store.get(client_id).map(|(_, document)| serde_json::from_slice(document).unwrap())
    }

    /// The secret that the record calls current.
    pub fn current(&self, client_id: &str) -> Option<String> {
        Some(self.record(client_id)?["current"]["secret"].as_str()?.to_owned())
    }

    /// Whether every target holds this secret.
    pub fn published(&self, client_id: &str, secret: &str) -> bool {
        self.settings[client_id]
            .targets
            .iter()
            .all(|target| self.targets.get(&(client_id.to_owned(), target.clone())).is_some_and(|held| held == secret))
    }
}
