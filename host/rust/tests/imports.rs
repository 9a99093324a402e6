//! What the built component can reach: the contract, and nothing else.

#![allow(clippy::unwrap_used)]

use wasmparser::{Parser, Payload};

/// Names of the component's own imports and exports, without those of what is nested in it.
fn names(component: &[u8]) -> (Vec<String>, Vec<String>) {
    let (mut imports, mut exports, mut depth) = (Vec::new(), Vec::new(), 0);
    for payload in Parser::new(0).parse_all(component) {
        match payload.unwrap() {
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
    imports.sort();
    exports.sort();
    (imports, exports)
}

#[test]
fn the_component_imports_the_contract_and_nothing_else() {
    let (imports, exports) = names(lwa_rotate::COMPONENT);

    assert_eq!(
        imports,
        [
            "lwa:rotation/http@0.1.0",
            "lwa:rotation/observe@0.1.0",
            "lwa:rotation/publish@0.1.0",
            "lwa:rotation/queue@0.1.0",
            "lwa:rotation/settings@0.1.0",
            "lwa:rotation/store@0.1.0",
            "lwa:rotation/types@0.1.0",
            "wasi:clocks/wall-clock@0.2.12",
            "wasi:random/random@0.2.12",
        ]
    );
    assert_eq!(exports, ["lwa:rotation/rotation@0.1.0"]);
}
