//! Writes the built-in component to standard output, for other hosts: `cargo run -p lwa-rotate --example component > FILE`.

use std::io::{self, Write};

fn main() -> io::Result<()> {
    io::stdout().write_all(lwa_rotate::COMPONENT)
}
