//! The program `lwa-rotate`: rotates Login-with-Amazon client secrets. See `lwa-rotate --help` and `docs/commands.md`.

use std::process::ExitCode;

mod cli;

fn main() -> ExitCode {
    cli::main()
}
