//! Builds the component, compiles it ahead of time for the target machine, and leaves both in `OUT_DIR`, so that the
//! program carries the component as machine code and no compiler.
//!
//! `LWA_ROTATE_COMPONENT=/path/to/component.wasm` takes a ready component instead of building one: for packagers and for
//! builds without the WebAssembly target.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

use wasm_encoder::{CustomSection, Section};

#[path = "src/runtime/engine.rs"]
mod engine;

const WASM_TARGET: &str = "wasm32-unknown-unknown";

/// The files of `wit/` in the order in which they are to be read.
const CONTRACT: [&str; 9] = ["world", "rotation", "settings", "http", "queue", "store", "publish", "observe", "types"];

fn main() {
    let out = PathBuf::from(variable("OUT_DIR"));
    let workspace = workspace();
    for input in ["component/Cargo.toml", "component/build.rs", "component/src", "wit", "Cargo.lock", "Cargo.toml"] {
        println!("cargo::rerun-if-changed={}", workspace.join(input).display());
    }
    for input in ["build.rs", "src/runtime/engine.rs", "src/runtime/guests.wat", "src/runtime/hostile.wat"] {
        println!("cargo::rerun-if-changed={input}");
    }
    println!("cargo::rerun-if-env-changed=LWA_ROTATE_COMPONENT");

    let wasm = match env::var_os("LWA_ROTATE_COMPONENT").filter(|path| !path.is_empty()) {
        Some(path) => fs::read(&path).unwrap_or_else(|e| panic!("cannot read LWA_ROTATE_COMPONENT={path:?}: {e}")),
        None => documented(build(&workspace, &out.join("component")), &workspace),
    };
    write(&out.join("component.wasm"), &wasm);
    write(&out.join("component.cwasm"), &precompile(&wasm, engine::config()));

    // For the unit tests, which `cfg(test)` alone compiles in: the component as code that counts its instructions,
    let mut counting = engine::config();
    // Fuel is counted by the instructions of WebAssembly, whatever becomes of them.
    counting.consume_fuel(true).cranelift_opt_level(wasmtime::OptLevel::None);
    write(&out.join("counting.cwasm"), &precompile(&wasm, counting));
    // and guests that misbehave.
    for name in ["guests", "hostile"] {
        let guests = fs::read(format!("src/runtime/{name}.wat")).expect("the test guests are in the source tree");
        write(&out.join(name).with_extension("cwasm"), &precompile(&guests, engine::config()));
    }
}

/// Builds the component with a cargo of its own: the outer one holds the lock of the target directory.
fn build(workspace: &Path, target_dir: &Path) -> Vec<u8> {
    let rustc = variable("RUSTC");
    let sysroot = output(Command::new(&rustc).args(["--print", "sysroot"]));
    let cargo_home = env::var_os("CARGO_HOME").map(PathBuf::from).or_else(|| {
        let home = env::home_dir()?;
        Some(home.join(".cargo"))
    });

    // Paths of this machine would end up in the component as locations of panics: without them the bytes are the same
    // wherever it is built.
    let mut flags =
        vec![remap(workspace, "/lwa-rotate"), remap(&Path::new(&sysroot).join("lib/rustlib/src/rust"), "/rust")];
    for source in cargo_home.iter().flat_map(|home| registry_sources(home)) {
        flags.push(remap(&source, "/registry"));
    }

    let mut cargo = Command::new(variable("CARGO"));
    cargo
        .current_dir(workspace)
        // Only the `cdylib`: together with the crate's other form it would be compiled without link-time optimization.
        .args(["rustc", "--locked", "--package", "lwa-rotate-component", "--lib", "--crate-type", "cdylib"])
        .args(["--profile", "component", "--target", WASM_TARGET])
        .arg("--target-dir")
        .arg(target_dir);
    // Flags and wrappers of the outer build (coverage, clippy, target CPU, cross linkers) are not meant for the component.
    for (name, _) in env::vars_os() {
        let foreign = name.to_str().is_some_and(|name| {
            matches!(
                name,
                "RUSTFLAGS"
                    | "RUSTC_WRAPPER"
                    | "RUSTC_WORKSPACE_WRAPPER"
                    | "RUSTDOCFLAGS"
                    | "TARGET"
                    | "CARGO_INCREMENTAL"
            ) || ["CARGO_BUILD_", "CARGO_PROFILE_", "CARGO_TARGET_", "CARGO_FEATURE_", "CARGO_CFG_"]
                .iter()
                .any(|prefix| name.starts_with(prefix))
        });
        if foreign {
            cargo.env_remove(name);
        }
    }
    cargo
        .env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER", "wasm-component-ld")
        .env("CARGO_ENCODED_RUSTFLAGS", flags.join("\u{1f}"));

    let status = cargo.status().unwrap_or_else(|e| panic!("cannot start cargo to build the component: {e}"));
    if !status.success() {
        let installed = Path::new(&sysroot).join("lib/rustlib").join(WASM_TARGET).exists();
        if !installed {
            panic!(
                "the component needs the target {WASM_TARGET}, which this Rust toolchain does not have. \
                 Run `rustup target add {WASM_TARGET}`, or name a ready component in LWA_ROTATE_COMPONENT"
            );
        }
        panic!("building the component failed; its compiler's messages stand above");
    }
    let built = target_dir.join(WASM_TARGET).join("component/lwa_rotate_component.wasm");
    fs::read(&built).unwrap_or_else(|e| panic!("cannot read the built component {}: {e}", built.display()))
}

/// The component with the contract as the documentation of its world. The types in a component have names and no words, and
/// the section in which the tools look for words has no place for those of interfaces that other packages share.
fn documented(mut component: Vec<u8>, workspace: &Path) -> Vec<u8> {
    // True inside other files too: the tools take it for theirs, however deep it lies.
    let mut docs = String::from("Keeps, or holds what keeps, the contract `lwa:rotation` of lwa-rotate:\n");
    for name in CONTRACT {
        let path = workspace.join("wit").join(name).with_extension("wit");
        let text = fs::read_to_string(&path).unwrap_or_else(|e| panic!("cannot read {}: {e}", path.display()));
        docs += &format!("\n```wit\n{text}```\n");
    }
    // Of the section's two forms the first, which old tools read too; `root` is their name for the world of a component.
    let mut data = vec![0];
    data.extend(serde_json::json!({ "worlds": { "root": { "docs": docs } } }).to_string().into_bytes());
    CustomSection { name: "package-docs".into(), data: data.into() }.append_to(&mut component);
    component
}

/// Machine code for the target's baseline, not for the CPU of the machine that builds.
fn precompile(wasm: &[u8], mut config: wasmtime::Config) -> Vec<u8> {
    config.target(&variable("TARGET")).expect("Cranelift knows the target");
    wasmtime::Engine::new(&config)
        .and_then(|engine| engine.precompile_component(wasm))
        .unwrap_or_else(|e| panic!("cannot compile the component ahead of time: {e:?}"))
}

fn registry_sources(cargo_home: &Path) -> Vec<PathBuf> {
    let Ok(sources) = fs::read_dir(cargo_home.join("registry/src")) else {
        return Vec::new();
    };
    let mut sources: Vec<PathBuf> = sources.filter_map(|entry| Some(entry.ok()?.path())).collect();
    sources.sort();
    sources
}

fn remap(from: &Path, to: &str) -> String {
    format!("--remap-path-prefix={}={to}", from.display())
}

fn workspace() -> PathBuf {
    let manifest = PathBuf::from(variable("CARGO_MANIFEST_DIR"));
    let workspace = manifest.join("../..");
    workspace.canonicalize().unwrap_or(workspace)
}

fn output(command: &mut Command) -> String {
    let output = command.output().unwrap_or_else(|e| panic!("cannot run {command:?}: {e}"));
    assert!(output.status.success(), "{command:?} failed");
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

fn variable(name: &str) -> String {
    env::var(name).unwrap_or_else(|_| panic!("cargo sets {name}"))
}

fn write(path: &Path, bytes: &[u8]) {
    fs::write(path, bytes).unwrap_or_else(|e| panic!("cannot write {}: {e}", path.display()));
}
