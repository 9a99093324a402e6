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
//!
//! What holds for all of them: nothing panics, and memory stays in proportion to the input.

pub mod answers;
pub mod configuration;
mod host;
pub mod memory;
pub mod notification;
pub mod record;
pub mod stored_file;

/// A target: takes hostile bytes in, and panics if a promise is broken.
pub type Target = fn(&[u8]);

/// All targets with their names, which are also those of the folders in `corpus/` and `found/`.
pub const TARGETS: [(&str, Target); 5] = [
    ("notification", notification::take_in),
    ("answers", answers::take_in),
    ("record", record::take_in),
    ("stored-file", stored_file::take_in),
    ("configuration", configuration::take_in),
];

/// What a run needs whatever its input: records, requests and statuses of the simulated host.
const ROOM: usize = 512 * 1024;
/// And for each byte of the input. JSON is the greediest: `[0],` makes a list with room for four values of 32 bytes.
const ROOM_PER_BYTE: usize = 64;

/// Runs a target, and sees that its memory stays in proportion to its input.
pub fn check(target: Target, input: &[u8]) {
    let most = memory::peak_of(|| target(input));
    let permitted = ROOM + ROOM_PER_BYTE * input.len();
    assert!(most <= permitted, "{} bytes of input took {most} bytes of memory, more than {permitted}", input.len());
}
