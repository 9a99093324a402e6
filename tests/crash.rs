//! The program, killed or failed at each of its system calls, and run again. On x86-64 Linux alone: it is traced.

#![allow(missing_docs, clippy::unwrap_used, clippy::print_stdout, reason = "tests")]
#![cfg(all(target_os = "linux", target_arch = "x86_64"))]

#[path = "crash/call.rs"]
mod call;
#[path = "crash/disk.rs"]
mod disk;
#[path = "crash/faults.rs"]
mod faults;
#[path = "crash/kills.rs"]
mod kills;
mod program;
mod services;
#[path = "crash/shop.rs"]
mod shop;
#[path = "crash/sqs.rs"]
mod sqs;
#[path = "crash/table.rs"]
mod table;
#[path = "crash/tracer.rs"]
mod tracer;
