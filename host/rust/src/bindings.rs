//! The contract as Rust: generated code alone.
//!
//! Generated types that carry secrets (`http` messages, `queue.message`, `store.entry`, `credential`) print them with
//! `Debug` and are not wiped. They live for one import call, inside `runtime/imports.rs`.

#![allow(missing_docs, clippy::all)]

wasmtime::component::bindgen!({
    path: "../../wit",
    world: "rotator",
    imports: { default: async | trappable },
    exports: { default: async },
    additional_derives: [PartialEq, Eq],
});
