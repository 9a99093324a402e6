//! Hostile input: what may come from outside, and what must hold whatever it is.
//!
//! Each target is a function of some bytes that panics when a promise is broken. libFuzzer makes the bytes up
//! (`fuzz_targets/`, see `CONTRIBUTING.md`); `tests/replay.rs` has every committed input go through the same functions, in
//! every test run.
//!
//! | target | bytes |
//! | --- | --- |
//! | [`notification`] | the body of a message |
//! | [`answers`] | what LWA and SP-API answer, one after the other |
//! | [`record`] | the stored document of an application |
//! | [`stored_file`] | the file that holds it |
//! | [`configuration`] | the operator's configuration |
//! | [`queue`] | what SQS and KMS say of a queue |
//!
//! What holds for all of them: nothing panics, and memory stays in proportion to the input.

pub mod answers;
pub mod configuration;
mod host;
pub mod memory;
pub mod notification;
pub mod queue;
pub mod record;
pub mod stored_file;

/// A target.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// Its name, which is also that of its folders in `corpus/` and `found/`.
    pub name: &'static str,
    /// Takes hostile bytes in, and panics if a promise is broken.
    pub take_in: fn(&[u8]),
    /// The memory, in bytes, that it may take for each byte of the input.
    per_byte: usize,
}

/// The greediest JSON is `[[[0]]],`: each list has room for four values of 32 bytes.
const JSON: usize = 64;
/// Each key that is unknown is an entry of a table, a mistake, and a hint that lists the known ones; and the parser keeps every
/// error that it comes upon.
const TOML: usize = 512;
/// A policy is read by the component, and by the target for what it compares with: an object of serde_json's has room for
/// eleven members.
const POLICY: usize = 512;
/// What a run needs whatever its input: records, requests and statuses of the simulated host.
const ROOM: usize = 160 * 1024;

/// All targets.
pub const TARGETS: [Target; 6] = [
    Target { name: "notification", take_in: notification::take_in, per_byte: JSON },
    Target { name: "answers", take_in: answers::take_in, per_byte: JSON },
    Target { name: "record", take_in: record::take_in, per_byte: JSON },
    Target { name: "stored-file", take_in: stored_file::take_in, per_byte: JSON },
    Target { name: "configuration", take_in: configuration::take_in, per_byte: TOML },
    Target { name: "queue", take_in: queue::take_in, per_byte: POLICY },
];

/// The target of this name.
pub fn target(name: &str) -> Target {
    TARGETS.into_iter().find(|target| target.name == name).expect("a target of that name")
}

/// Runs a target, and sees that its memory stays in proportion to its input.
pub fn check(target: Target, input: &[u8]) {
    let most = memory::peak_of(|| (target.take_in)(input));
    let permitted = ROOM + target.per_byte * input.len();
    assert!(most <= permitted, "{} bytes of input took {most} bytes of memory, more than {permitted}", input.len());
}
