//! Generated from `wit/`: the types and functions of the contract, and nothing else.
//!
//! The secret-free types (status, problem, event, settings) are used throughout the crate. Those that carry secrets print
//! them in `Debug`, so they stay in `guest`; the rest of the crate has its own, redacted.

#![allow(missing_docs, reason = "generated; the documentation stands in wit/")]

wit_bindgen::generate!({
    path: "../wit",
    world: "rotator",
    with: {
        "wasi:clocks/wall-clock@0.2.12": wasip2::clocks::wall_clock,
        "wasi:random/random@0.2.12": wasip2::random::random,
    },
    additional_derives: [PartialEq, Eq, serde::Serialize],
    pub_export_macro: true,
});
