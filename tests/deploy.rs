//! What `deploy/` shows: each file read by the tools that exist for it, and run as far as a machine without the real thing can
//! run it.

#![allow(missing_docs, clippy::unwrap_used, reason = "tests")]
#![cfg(target_os = "linux")]

#[path = "deploy/aws.rs"]
mod aws;
#[path = "deploy/cloudformation.rs"]
mod cloudformation;
#[path = "deploy/container.rs"]
mod container;
#[path = "deploy/cron.rs"]
mod cron;
#[path = "deploy/iam.rs"]
mod iam;
#[path = "deploy/kubernetes.rs"]
mod kubernetes;
mod program;
mod services;
#[path = "deploy/system_calls.rs"]
#[cfg(target_arch = "x86_64")]
mod system_calls;
#[path = "deploy/systemd.rs"]
mod systemd;
#[path = "deploy/tools.rs"]
mod tools;
