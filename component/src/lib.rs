//! The rotation of a Login-with-Amazon (LWA) client secret: it decides, a host does.
//!
//! credential → token → rotate → notification → keep → verify → publish → acknowledge
//!
//! A [`credential`] buys an access token from [`amazon::lwa`], with which [`amazon::sp_api`] is asked to rotate. The new secret
//! comes as an [`amazon::notification`] in a [`queue`], which was judged and read before. It is kept in the [`record`] at
//! once, verified with SP-API, published, and only then its message is acknowledged.
//!
//! The crate is the component of `wit/world.wit`, built for `wasm32-unknown-unknown`. Everything but `guest` is plain Rust and
//! builds and runs natively too: [`exports`] are the exported functions over a [`host::Host`], which a test can simulate.
//! Nothing in it has a clock, a network or a file of its own, and it uses ordered maps only: same inputs, same run.
//!
//! | module | holds |
//! | --- | --- |
//! | [`exports`] | the exported functions: `advance` and the way to the rotate call, messages, targets, the operator |
//! | [`record`] | what is kept: the call, the secrets, the targets, and what an event changes in them |
//! | [`schedule`] | every point in time at which something must happen |
//! | [`policy`] | every duration and bound |
//! | [`session`] | one call on one application: load, decide, do, save |
//! | [`amazon`] | what is sent to Amazon, and what its answers and messages mean |
//! | [`queue`] | whether a new secret would arrive in a queue, and stay |
//! | [`document`], [`json`] | the record as a document; documents, messages and answers as they are read |
//! | [`problem`], [`status`] | what to do about it, and where it stands |
//! | [`credential`], [`instant`] | what cannot be wrong: secrets, times |
//! | [`host`], [`bindings`], `guest` | the imports as a trait, the generated types, and the two joined |

pub mod amazon;
pub mod bindings;
pub mod credential;
pub mod document;
pub mod exports;
#[cfg(target_arch = "wasm32")]
pub mod guest;
pub mod host;
pub mod instant;
pub mod json;
pub mod policy;
pub mod problem;
pub mod queue;
pub mod record;
pub mod schedule;
pub mod session;
pub mod status;
#[cfg(test)]
mod testing;
