//! The rotation of a Login-with-Amazon client secret.

#[cfg(target_arch = "wasm32")]
mod guest;
