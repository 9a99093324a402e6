//! The program `lwa-rotate`: rotates Login-with-Amazon client secrets. See `lwa-rotate --help` and `docs/commands.md`.

use std::alloc::System;
use std::process::ExitCode;

use rustix::process::{Resource, Rlimit, setrlimit};
use zeroizing_alloc::ZeroAlloc;

mod cli;

/// Memory is wiped when it is freed, by whatever code: libraries copy secrets, and wipe none of their copies.
#[global_allocator]
static ALLOCATOR: ZeroAlloc<System> = ZeroAlloc(System);

fn main() -> ExitCode {
    leave_no_core_dump();
    // SAFETY: no thread has been started.
    unsafe { lwa_rotate::environment::normalize() };
    cli::main()
}

/// A core dump would hold every secret of the moment. Neither call can fail in a way that could be corrected.
fn leave_no_core_dump() {
    let _ = setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) });
    // A program that takes core dumps over from the kernel gets them whatever the limit; this keeps them from it, and other
    // processes of the same user from reading the memory.
    #[cfg(target_os = "linux")]
    let _ = rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable);
}
