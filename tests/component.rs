//! The built component from outside: what it can reach, what it offers, and what stands in it; and the contract's form.

#![allow(missing_docs, clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use lwa_rotate::COMPONENT;
use sha2::{Digest, Sha256};
use wasmparser::{Encoding, Parser, Payload};
use wit_parser::decoding::DecodedWasm;
use wit_parser::{Docs, Resolve, TypeDefKind, WorldItem};

fn contract() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../wit")
}

/// The names that the outermost component imports and exports.
fn reached_and_offered(component: &[u8]) -> (BTreeSet<String>, BTreeSet<String>) {
    let (mut imports, mut exports) = (BTreeSet::new(), BTreeSet::new());
    let mut depth = 0;
    for payload in Parser::new(0).parse_all(component) {
        match payload.unwrap() {
            Payload::Version { encoding, .. } if depth == 0 => assert_eq!(encoding, Encoding::Component),
            Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => depth += 1,
            Payload::End(_) => depth -= 1,
            Payload::ComponentImportSection(section) if depth == 0 => {
                imports.extend(section.into_iter().map(|import| import.unwrap().name.name.to_owned()));
            }
            Payload::ComponentExportSection(section) if depth == 0 => {
                exports.extend(section.into_iter().map(|export| export.unwrap().name.name.to_owned()));
            }
            _ => {}
        }
    }
    (imports, exports)
}

#[test]
fn the_component_reaches_the_contract_and_nothing_else() {
    let (mut imports, exports) = reached_and_offered(COMPONENT);

    // Shared records without any function: whether they stand in the list is the tools' business.
    imports.remove("lwa:rotation/types@0.1.0");
    let expected = [
        "lwa:rotation/http@0.1.0",
        "lwa:rotation/observe@0.1.0",
        "lwa:rotation/publish@0.1.0",
        "lwa:rotation/queue@0.1.0",
        "lwa:rotation/settings@0.1.0",
        "lwa:rotation/store@0.1.0",
        "wasi:clocks/wall-clock@0.2.12",
        "wasi:random/random@0.2.12",
    ];
    assert_eq!(imports.iter().map(String::as_str).collect::<Vec<_>>(), expected);
    assert_eq!(exports.iter().map(String::as_str).collect::<Vec<_>>(), ["lwa:rotation/rotation@0.1.0"]);
}

/// What the file says of itself is the world of `wit/`.
#[test]
fn the_built_component_and_the_world_of_the_contract_name_the_same_interfaces() {
    let mut resolve = Resolve::new();
    let (package, _) = resolve.push_dir(contract()).unwrap();
    let world = &resolve.worlds[resolve.packages[package].worlds["rotator"]];
    let names = |items: Vec<&WorldItem>| -> BTreeSet<String> {
        let interfaces = items.into_iter().map(|item| match item {
            WorldItem::Interface { id, .. } => resolve.id_of(*id).unwrap(),
            other => panic!("the world holds interfaces alone, not {other:?}"),
        });
        interfaces.collect()
    };
    let (imports, exports) = reached_and_offered(COMPONENT);

    let mut promised = names(world.imports.values().collect());
    assert!(imports.is_subset(&promised), "{imports:?}");
    promised.remove("lwa:rotation/types@0.1.0");
    assert!(promised.is_subset(&imports), "{promised:?}");
    assert_eq!(exports, names(world.exports.values().collect()));
}

/// `wasm-tools component wit`, `jco wit` and their like decode the file as it is decoded here, and print these words.
#[test]
fn the_component_shows_the_contract_with_its_documentation() {
    let DecodedWasm::Component(resolve, world) = wit_parser::decoding::decode(COMPONENT).unwrap() else {
        panic!("it is a component");
    };
    let shown = resolve.worlds[world].docs.contents.as_deref().unwrap();
    let mut rest = shown.to_owned();
    for entry in fs::read_dir(contract()).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "wit") {
            let text = fs::read_to_string(&path).unwrap();
            let before = rest.len();
            rest = rest.replacen(&format!("\n```wit\n{text}```\n"), "", 1);
            assert!(rest.len() < before, "{} is shown as it is", path.display());
        }
    }
    assert_eq!(rest, "Keeps, or holds what keeps, the contract `lwa:rotation` of lwa-rotate:\n");
}

/// The promise of the whole before its parts: who reads the component reads the contract from above.
#[test]
fn the_component_shows_the_world_first_and_the_shared_records_last() {
    let DecodedWasm::Component(resolve, world) = wit_parser::decoding::decode(COMPONENT).unwrap() else {
        panic!("it is a component");
    };
    let shown = resolve.worlds[world].docs.contents.as_deref().unwrap();
    let opened = shown.lines().filter_map(|line| line.strip_suffix(" {"));
    let names: Vec<&str> = opened.filter(|line| line.starts_with("interface ") || line.starts_with("world ")).collect();
    let interfaces = ["rotation", "settings", "http", "queue", "store", "publish", "observe", "types"];
    let expected: Vec<String> = interfaces.iter().map(|name| format!("interface {name}")).collect();
    assert_eq!(
        (names[0], &names[1..]),
        ("world rotator", &expected.iter().map(String::as_str).collect::<Vec<_>>()[..])
    );
}

/// A person's machine has no business in a file that everybody gets; and without it the bytes are the same everywhere.
#[test]
fn no_path_of_a_machine_stands_in_the_component() {
    let text = String::from_utf8_lossy(COMPONENT);
    let here = fs::canonicalize(contract().join("..")).unwrap();
    for path in ["/root", "/home", "/Users", ".cargo", ".rustup", "/target/", &*here.to_string_lossy()] {
        let place = text.find(path);
        assert!(place.is_none(), "{path}: {:?}", place.map(|at| text[at..].chars().take(80).collect::<String>()));
    }
}

#[test]
fn each_file_of_the_contract_holds_the_one_interface_that_it_is_named_after() {
    let mut files = Vec::new();
    for entry in fs::read_dir(contract()).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "wit") {
            files.push(path);
        }
    }
    assert_eq!(files.len(), 9, "{files:?}");
    for path in files {
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        let text = fs::read_to_string(&path).unwrap();
        let named = |kind: &str| -> Vec<String> {
            let names = text.lines().filter_map(|line| line.strip_prefix(kind));
            names.map(|rest| rest.trim_end_matches('{').trim().to_owned()).collect()
        };
        // The world's own file names the interfaces of the others.
        let expected =
            if name == "world" { (vec![], vec!["rotator".to_owned()]) } else { (vec![name.clone()], vec![]) };
        assert_eq!((named("interface "), named("world ")), expected, "{name}");
        assert!(text.contains("package lwa:rotation@0.1.0;"), "{name}");
    }
}

/// The packages of others are there as they were published: with the digests of the lock, and with every interface that they have.
#[test]
fn the_packages_that_the_contract_uses_are_whole_and_unchanged() {
    let deps = contract().join("deps");
    let mut locked = BTreeSet::new();
    for line in fs::read_to_string(deps.join("lock.sha256")).unwrap().lines() {
        let (digest, name) = line.split_once("  ").unwrap();
        let found = Sha256::digest(fs::read(deps.join(name)).unwrap());
        let found: String = found.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(found, digest, "{name}");
        locked.insert(name.to_owned());
    }
    let mut present = BTreeSet::new();
    for folder in fs::read_dir(&deps).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_dir()) {
        for file in fs::read_dir(folder).unwrap() {
            present.insert(file.unwrap().path().strip_prefix(&deps).unwrap().to_str().unwrap().to_owned());
        }
    }
    assert_eq!(present, locked);

    let mut resolve = Resolve::new();
    resolve.push_dir(contract()).unwrap();
    let wasi = resolve.packages.iter().filter(|(_, package)| package.name.namespace == "wasi");
    let mut names = BTreeSet::new();
    for (_, package) in wasi {
        names.insert(package.name.to_string());
        // Each has a world that lists what it offers.
        let listed = &resolve.worlds[package.worlds["imports"]].imports;
        let own: BTreeSet<_> = listed
            .values()
            .filter_map(|item| match item {
                WorldItem::Interface { id, .. } => Some(*id),
                _ => None,
            })
            .filter(|id| resolve.interfaces[*id].package.is_some_and(|of| resolve.packages[of].name == package.name))
            .collect();
        assert_eq!(own, package.interfaces.values().copied().collect(), "{}", package.name);
    }
    assert_eq!(names, ["wasi:clocks@0.2.12", "wasi:io@0.2.12", "wasi:random@0.2.12"].map(str::to_owned).into());
}

/// `wkg` reads the packages from the folder beside the contract, and asks no registry.
#[test]
fn the_usual_tools_find_each_package_of_others_in_the_folder() {
    let settings: toml::Table = fs::read_to_string(contract().join("../wkg.toml")).unwrap().parse().unwrap();
    let overrides = settings["overrides"].as_table().unwrap();
    let mut folders = BTreeSet::new();
    for (name, package) in overrides {
        let path = package["path"].as_str().unwrap();
        for file in fs::read_dir(contract().join("..").join(path)).unwrap() {
            let text = fs::read_to_string(file.unwrap().path()).unwrap();
            assert!(text.starts_with(&format!("package {name}@")), "{name} is in {path}");
        }
        folders.insert(path);
    }
    assert_eq!(folders, ["wit/deps/clocks", "wit/deps/io", "wit/deps/random"].into());
}

/// Text behind `//` reaches no language; `///` does.
#[test]
fn everything_in_the_contract_is_documented() {
    let mut resolve = Resolve::new();
    let (package, _) = resolve.push_dir(contract()).unwrap();
    let package = &resolve.packages[package];
    let mut seen = 0;
    let mut bare = Vec::new();
    let mut look = |docs: &Docs, name: String| {
        seen += 1;
        if docs.contents.as_deref().is_none_or(|text| text.trim().is_empty()) {
            bare.push(name);
        }
    };
    look(&package.docs, "the package".into());
    for (name, world) in &package.worlds {
        look(&resolve.worlds[*world].docs, format!("world {name}"));
    }
    for (interface_name, id) in &package.interfaces {
        let interface = &resolve.interfaces[*id];
        look(&interface.docs, format!("interface {interface_name}"));
        for (name, function) in &interface.functions {
            look(&function.docs, format!("{interface_name}.{name}"));
        }
        for (name, id) in &interface.types {
            let definition = &resolve.types[*id];
            let place = format!("{interface_name}.{name}");
            match &definition.kind {
                // Taken over by `use`; documented where it stands.
                TypeDefKind::Type(wit_parser::Type::Id(_)) => continue,
                TypeDefKind::Record(record) => {
                    record.fields.iter().for_each(|field| look(&field.docs, format!("{place}.{}", field.name)));
                }
                TypeDefKind::Variant(variant) => {
                    variant.cases.iter().for_each(|case| look(&case.docs, format!("{place}.{}", case.name)));
                }
                TypeDefKind::Enum(kinds) => {
                    kinds.cases.iter().for_each(|case| look(&case.docs, format!("{place}.{}", case.name)));
                }
                TypeDefKind::Flags(flags) => {
                    flags.flags.iter().for_each(|flag| look(&flag.docs, format!("{place}.{}", flag.name)));
                }
                TypeDefKind::Resource => panic!("{place}: the contract has no resources"),
                _ => {}
            }
            look(&definition.docs, place);
        }
    }
    assert!(bare.is_empty(), "without ///: {bare:?}");
    assert!(seen > 100, "{seen} items were looked at");
}
