//! Servers that cannot be had where the tests run, as far as their documentation tells what they do.

#![allow(dead_code, reason = "each test binary uses its part")]

pub mod kubernetes;
pub mod proxy;
pub mod server;
pub mod vault;
