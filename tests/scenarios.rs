//! The scenarios of `tests/scenarios`, which every host runs, on the Rust host: [`Rotator`] with traits that answer as a scenario
//! says. The format is described beside them, in `README.md`.

#![allow(missing_docs, clippy::unwrap_used, reason = "tests")]

#[path = "scenario/file.rs"]
mod file;
#[path = "scenario/host.rs"]
mod host;
#[path = "scenario/script.rs"]
mod script;
#[path = "scenario/world.rs"]
mod world;
#[path = "scenario/written.rs"]
mod written;

use std::path::Path;

use file::Scenario;

#[tokio::test]
async fn every_scenario_comes_out_as_it_says() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/scenarios");
    let mut paths: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| !path.ends_with("README.md"));
    paths.sort();
    assert!(paths.len() >= 15, "scenarios are missing");
    for path in paths {
        let name = path.file_name().unwrap().to_str().unwrap();
        // The hosts of a scenario need one that outlives them.
        let scenario: &'static Scenario = Box::leak(Box::new(Scenario::read(&path)));
        match &scenario.world {
            Some(_) => world::run(name, scenario).await,
            None => script::run(name, scenario).await,
        }
    }
}
