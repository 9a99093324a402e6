//! What a runtime calls: a command line for `wasmtime run`, and an HTTP trigger for `wasmtime serve`.

mod applications;
mod command;
mod json;
#[path = "../../shared/problem.rs"]
mod problem;
#[path = "../../shared/time.rs"]
mod time;
mod trigger;

/// Generated from `wit/`.
#[allow(missing_docs, reason = "generated; the documentation stands in wit/")]
mod contract {
    wit_bindgen::generate!({ path: ["../../../wit", "../wit"], world: "lwa:stock/driver", generate_all });

    pub use lwa::rotation::types::Problem;
}

/// All that is exported.
struct Driver;

#[cfg(target_arch = "wasm32")]
mod exported {
    use super::Driver;

    wasip2::cli::command::export!(Driver);
    wasip2::http::proxy::export!(Driver);
}
