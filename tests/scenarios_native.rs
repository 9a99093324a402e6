//! The scenarios of `tests/scenarios`, which every host runs, on the component itself. What fails here fails in every host.

#![allow(missing_docs, clippy::unwrap_used, reason = "tests")]

#[path = "scenario/native.rs"]
mod native;
mod scenario;

use std::cell::RefCell;
use std::path::Path;
use std::rc::Rc;

use native::call;
use scenario::file::{self, Scenario, misfit};
use scenario::script::{Records, Script};
use scenario::world::{self, World};
use serde_json::{Value, json};

#[test]
fn every_scenario_comes_out_as_it_says() {
    for (name, scenario) in file::all(&Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios")) {
        assert!(!scenario.rules.is_empty(), "{name} has no rules");
        if scenario.world.is_some() { stopped_anywhere(&name, &scenario) } else { by_steps(&name, &scenario) }
    }
}

fn by_steps(name: &str, scenario: &Scenario) {
    let mut records = Records::new(&scenario.records);
    for (number, step) in scenario.steps.iter().enumerate() {
        let script = Rc::new(RefCell::new(Script::new(name, scenario, number, records)));
        let returns = call(scenario, &script, step).unwrap();
        records = Rc::into_inner(script).unwrap().into_inner().end(step, &returns);
    }
    if let Some(expected) = &scenario.records_after {
        assert_eq!(&records.documents(), expected, "{name}: records");
    }
}

fn stopped_anywhere(name: &str, scenario: &Scenario) {
    let mut effects = 0;
    let mut stop = 0;
    while stop <= effects {
        let world = native::stopped_after(scenario, stop);
        if stop == 0 {
            effects = world.effects;
        }
        let end = native::end(scenario, world);
        world::check(name, scenario, stop, end);
        stop += 1;
    }
}

#[test]
fn a_value_fits_what_a_file_says_of_it() {
    let actual = json!({ "state": "settled", "next": { "at": 1, "kind": "reading" }, "targets": [{ "name": "env" }] });
    let fits = |expected: Value| misfit(&expected, &actual, false).is_none();
    assert!(fits(json!({ "state": "settled", "problem": null, "targets": [{}] })));
    assert!(!fits(json!({ "state": "stalled" })));
    assert!(!fits(json!({ "next": null })));
    assert!(!fits(json!({ "problem": {} })));
    assert!(!fits(json!({ "targets": [] })));
    assert!(misfit(&json!("not-allowed"), &json!({ "not-allowed": "why" }), false).is_none());
    assert!(misfit(&json!("not-allowed"), &json!({ "not-allowed": "why" }), true).is_some());
    assert!(misfit(&json!({ "state": "settled" }), &actual, true).is_some());
    assert!(misfit(&actual, &actual, true).is_none());
}
