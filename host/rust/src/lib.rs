//! Rotates Login-with-Amazon (LWA) client secrets of Selling Partner API applications, without ever losing the new one.
//!
//! credential → token → rotate → notification → keep → verify → publish → acknowledge
//!
//! The decisions are taken by a WebAssembly component that is built into this crate and has no effect of its own; this crate
//! is its host. What the component may reach is a list of traits, one for each interface of the contract in `wit/`:
//!
//! | trait | reaches | implementations |
//! | --- | --- | --- |
//! | [`settings::Settings`] | what the operator has set | [`settings::Application`], one by one |
//! | [`http::Http`] | LWA and SP-API | [`http::Client`] |
//! | [`queue::Queue`] | the notifications | [`queue::Sqs`], [`queue::MemoryQueue`] |
//! | [`store::Store`] | the records | [`store::FileStore`], [`store::DynamoDbStore`], [`store::SecretsManagerStore`], [`store::MemoryStore`] |
//! | [`publish::Publish`] | where applications read their credential | [`publish::FileTarget`] and the other targets of [`publish`] |
//! | [`observe::Observe`] | logs, progress, audit | [`observe::TracingObserver`] |
//! | [`clock::Clock`] | the time | [`clock::SystemClock`], [`clock::ManualClock`] |
//!
//! Whether a queue would bring a new secret at all, [`Rotator::check_queue`] tells beforehand.
//!
//! ```no_run
//! use lwa_rotate::{Application, Rotator, queue::Sqs, store::FileStore};
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let client_id = "amzn1.application-oa2-client.0123";
//! let rotator = Rotator::builder()
//!     .application(Application::new(client_id, "https://sellingpartnerapi-eu.amazon.com", "main"))
//!     .queue(Sqs::new([("main", "https://sqs.eu-west-1.amazonaws.com/123456789012/lwa")])?)
//!     .store(FileStore::new("state"))
//!     .build()?;
//! rotator.request(client_id, false).await?;
//! let status = rotator.advance(client_id).await?;
//! println!("{:?}, call again at {:?}", status.state, status.next);
//! for delivery in rotator.drain("main", 10, 20).await?.deliveries {
//!     println!("{:?}", delivery.answer);
//! }
//! # Ok(())
//! # }
//! ```
//!
//! A whole program, with a store and a target of its own, is `examples/embed.rs`; what a store of one's own promises,
//! [`store::conformance`] tests.

mod aside;
pub mod aws;
mod bindings;
pub mod clock;
pub mod config;
pub mod environment;
pub mod error;
pub mod http;
pub mod observe;
mod owner;
pub mod publish;
pub mod queue;
mod regular;
mod replace;
mod rotator;
mod runtime;
pub mod secret;
pub mod settings;
pub mod store;

pub use bindings::{
    exports::lwa::rotation::rotation::{Answer, Decision, Delivery, Drained, QueueFinding, Severity, Stage},
    lwa::rotation::types::{
        Action, AmazonError, ApplicationStatus as Status, Cause, Deadline, DeadlineKind, Problem, RemedyBy, State,
        TargetStatus,
    },
};
pub use error::{BuildError, Error, Stopped};
pub use rotator::{Builder, Rotator};
pub use runtime::Limits;
pub use secret::{Credential, Secret};
pub use settings::{Application, UserAgent};

/// The built-in component as a portable WebAssembly file, for other hosts and for whoever wants to read its imports. A
/// program that does not name it does not carry it.
pub const COMPONENT: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/component.wasm"));
