//! Options of the linker that make the component and its memory smaller.

use std::env;

fn main() {
    let is = |name: &str, value: &str| env::var(name).as_deref() == Ok(value);
    println!("cargo::rerun-if-changed=build.rs");
    if is("CARGO_CFG_TARGET_ARCH", "wasm32") && is("PROFILE", "release") {
        // Each address in the code takes the room of the largest there is, unless the linker is told to cut it to what it
        // needs. It cannot do that and keep debug information.
        for option in ["--strip-debug", "--compress-relocations"] {
            println!("cargo::rustc-link-arg-cdylib={option}");
        }
        // On the stack in linear memory lies what has an address. The deepest there is, JSON in 127 brackets, takes less than a
        // quarter of this, and hosts clear the whole memory after each call.
        for option in ["-z", "stack-size=131072"] {
            println!("cargo::rustc-link-arg-cdylib={option}");
        }
    }
}
