//! The imports of the contract in `wit/`, by what a stock WebAssembly runtime offers: `wasi:http`, a file system, the environment.
//!
//! - `config` reads the program's configuration file; `settings` answers from it,
//! - `http` sends one request, to an origin of the configuration, by way of `exchange`,
//! - `queue` speaks the JSON protocol of Amazon SQS, with the signature of `sigv4`,
//! - `store` keeps the record, by compare-and-swap, in files, and `publish` the credential in another,
//! - `observe` writes events to standard error.
//!
//! Nothing here decides anything about a rotation.

mod config;
mod exchange;
mod files;
mod http;
mod observe;
mod origin;
#[path = "../../shared/problem.rs"]
mod problem;
mod publish;
mod queue;
mod settings;
mod sigv4;
mod store;
#[path = "../../shared/time.rs"]
mod time;

/// Generated from `wit/`.
#[allow(missing_docs, reason = "generated; the documentation stands in wit/")]
mod contract {
    wit_bindgen::generate!({ path: ["../../../wit", "../wit"], world: "lwa:stock/adapters", pub_export_macro: true });

    pub use exports::lwa::rotation::types::{Credential, Problem};
}

/// All that is exported.
struct Adapters;

#[cfg(target_arch = "wasm32")]
contract::export!(Adapters with_types_in contract);
