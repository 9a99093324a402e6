//! The rotation of a Login-with-Amazon (LWA) client secret: it decides, a host does.
//!
//! credential → token → rotate → notification → keep → verify → publish → acknowledge
//!
//! A [`credential`] buys an access [`token`], with which SP-API is asked to [`rotate`]. The new secret comes as a
//! [`notification`] in a queue. It is kept in the [`record`] at once, [`verify`] tries it against SP-API, and only when it is
//! proven it is published and its message [`acknowledge`]d.
//!
//! The crate is the component of `wit/world.wit`, built for `wasm32-unknown-unknown`. Everything but `guest` is plain Rust
//! and builds and runs natively too: [`calls`] are the exported functions over a [`host::Host`], which a test can simulate.
//! Nothing in it has a clock, a network or a file of its own, and it uses ordered maps only: same inputs, same run.
//!
//! | module | holds |
//! | --- | --- |
//! | [`credential`], [`instant`] | what cannot be wrong: secrets, times |
//! | [`token`], [`rotate`], [`verify`], [`user_agent`] | Amazon's calls: what is sent, and what an answer means |
//! | [`json`] | documents, messages and answers as they are read |
//! | [`notification`] | message body → typed notification |
//! | [`record`], [`store`] | what is kept, and its form as a document |
//! | [`rotation`] | the table of transitions |
//! | [`deadline`] | every point in time at which something must happen |
//! | [`acknowledge`] | which messages may be deleted, and when |
//! | [`failure`], [`problem`], [`status`] | what went wrong, what to do about it, where it stands |
//! | [`session`], [`calls`] | load, decide, do, save; the exported functions |
//! | [`host`], [`contract`], `guest` | the imports as a trait, the generated types, and the two joined |

pub mod acknowledge;
pub mod calls;
pub mod contract;
pub mod credential;
pub mod deadline;
pub mod failure;
#[cfg(target_arch = "wasm32")]
pub mod guest;
pub mod host;
pub mod instant;
pub mod json;
pub mod notification;
pub mod problem;
pub mod queue;
pub mod record;
pub mod rotate;
pub mod rotation;
pub mod session;
pub mod status;
pub mod store;
#[cfg(test)]
mod testing;
pub mod token;
pub mod user_agent;
pub mod verify;
