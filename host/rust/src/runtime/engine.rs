//! How WebAssembly code is compiled and run: the one place, read by `build.rs` as well, because code compiled under other
//! settings is refused when it is loaded.

/// The settings that compiler and runtime must share.
pub(crate) fn config() -> wasmtime::Config {
    let mut config = wasmtime::Config::new();
    config.wasm_component_model(true);
    // Looping guests are interrupted by epochs, which cost next to nothing.
    config.epoch_interruption(true);
    // Small reservations, so that the program also runs where address space is limited (ulimit -v, containers). Guests are
    // limited to a few dozen MiB anyway.
    config.memory_reservation(64 << 20);
    config.memory_reservation_for_growth(16 << 20);
    config.memory_guard_size(64 << 10);
    config
}
