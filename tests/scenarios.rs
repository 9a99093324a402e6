//! The scenarios of `tests/scenarios`, which every host runs, on the Rust host: [`Rotator`](lwa_rotate::Rotator) with traits that
//! answer as a scenario says. The format is described beside them, in `README.md`.

#![allow(missing_docs, clippy::unwrap_used, reason = "tests")]

#[path = "scenario/host.rs"]
mod host;
#[path = "scenario.rs"]
mod scenario;
#[path = "scenario/written.rs"]
mod written;

use std::path::Path;
use std::sync::Arc;

use host::{Shared, call, rotator};
use scenario::file::{self, Scenario, Step};
use scenario::script::{Records, Script};
use scenario::world::{self, World};
use serde_json::Value;

#[tokio::test]
async fn every_scenario_comes_out_as_it_says() {
    for (name, scenario) in file::all(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/scenarios")) {
        // The hosts of a scenario need one that outlives them.
        let scenario: &'static Scenario = Box::leak(Box::new(scenario));
        assert!(!scenario.rules.is_empty(), "{name} has no rules");
        if scenario.world.is_some() {
            stopped_anywhere(&name, scenario).await;
        } else {
            by_steps(&name, scenario).await;
        }
    }
}

async fn by_steps(name: &str, scenario: &Scenario) {
    let mut records = Records::new(&scenario.records);
    for (number, step) in scenario.steps.iter().enumerate() {
        let answers = Shared::new(Script::new(name, scenario, number, records.clone()));
        let returns = call(&rotator(scenario, &answers), step).await;
        let script = std::mem::replace(
            &mut *answers.answers.lock().unwrap(),
            Script::new(name, scenario, number, Records::default()),
        );
        records = script.end(step, &returns);
    }
    if let Some(expected) = &scenario.records_after {
        assert_eq!(&records.documents(), expected, "{name}: records");
    }
}

async fn stopped_anywhere(name: &str, scenario: &'static Scenario) {
    let (mut effects, mut stop) = (0, 0);
    while stop <= effects {
        let shared = Shared::new(World::new(scenario, stop));
        for step in &scenario.steps {
            shared.answers.lock().unwrap().now = step.at;
            let stopped = tokio::select! {
                biased;
                () = shared.stopped.notified() => true,
                _ = async { call(&rotator(scenario, &shared), step).await } => false,
            };
            if stopped {
                call(&rotator(scenario, &shared), step).await;
            }
        }
        if stop == 0 {
            effects = shared.answers.lock().unwrap().effects;
        }
        world::check(name, scenario, stop, end(scenario, &shared).await);
        stop += 1;
    }
}

async fn end(scenario: &Scenario, shared: &Arc<Shared<World<'static>>>) -> serde_json::Map<String, Value> {
    let mut end = shared.answers.lock().unwrap().end();
    let at = scenario.steps.last().unwrap().at;
    let mut status = serde_json::Map::new();
    for application in &scenario.applications {
        let step = Step::status(&application.client_id, at);
        status.insert(application.client_id.clone(), call(&rotator(scenario, shared), &step).await);
    }
    end.insert("status".into(), status.into());
    end
}
