//! `compose ADAPTERS COMPONENT DRIVER OUT`: one file of the three, by the library behind the command `wac`. The imports of each are
//! answered by the exports of those before it, what is left is imported by the whole, and the last one's exports are the whole's.

use std::{env, error::Error, fs};

use wac_graph::{CompositionGraph, EncodeOptions, NodeId, types::Package};

fn main() -> Result<(), Box<dyn Error>> {
    let paths: Vec<String> = env::args().skip(1).collect();
    let Some((out, parts @ [_, _, _])) = paths.split_last() else {
        return Err("usage: compose ADAPTERS COMPONENT DRIVER OUT".into());
    };
    let mut graph = CompositionGraph::new();
    let mut before: Vec<(NodeId, Vec<String>)> = Vec::new();
    for (number, path) in parts.iter().enumerate() {
        let package = Package::from_bytes(&format!("lwa:part{number}"), None, fs::read(path)?, graph.types_mut())?;
        let package = graph.register_package(package)?;
        let instance = graph.instantiate(package);
        let world = &graph.types()[graph[package].ty()];
        let (imports, exports): (Vec<_>, Vec<_>) =
            (world.imports.keys().cloned().collect(), world.exports.keys().cloned().collect());
        for name in imports {
            if let Some((other, _)) = before.iter().rfind(|(_, exports)| exports.contains(&name)) {
                let export = graph.alias_instance_export(*other, &name)?;
                graph.set_instantiation_argument(instance, &name, export)?;
            }
        }
        before.push((instance, exports));
    }
    let (driver, exports) = before.pop().ok_or("there is no driver")?;
    for name in exports {
        let export = graph.alias_instance_export(driver, &name)?;
        graph.export(export, &name)?;
    }
    fs::write(out, graph.encode(EncodeOptions::default())?)?;
    Ok(())
}
