//! Puts into scenario files what the component makes of their answers: `cargo run -p lwa-rotate-tests --example record -- FILE…`.
//!
//! A file that says `"whole": true` gets everything, any other the members that matter as a rule. Read what was put in.

#![allow(missing_docs, clippy::unwrap_used, reason = "a tool for tests")]

#[path = "../scenario/native.rs"]
mod native;
#[path = "record/printed.rs"]
mod printed;
#[allow(dead_code, reason = "nothing is compared here")]
#[path = "../scenario.rs"]
mod scenario;

use std::cell::RefCell;
use std::path::Path;
use std::rc::Rc;

use scenario::file::Scenario;
use scenario::script::{Records, Script};
use serde_json::{Map, Value, json};

fn main() {
    for file in std::env::args().skip(1) {
        let path = Path::new(&file);
        let mut document: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
        for step in document["steps"].as_array_mut().unwrap() {
            keep_answers(step);
        }
        let scenario: Scenario = serde_json::from_value(document.clone()).unwrap();
        if scenario.world.is_some() {
            document["ends"] = ends(&scenario);
        } else {
            record(&file, &scenario, &mut document);
        }
        std::fs::write(path, printed::printed(&document)).unwrap();
    }
}

/// Takes out what was recorded before.
fn keep_answers(step: &mut Value) {
    if let Some(imports) = step.get_mut("imports").and_then(Value::as_array_mut) {
        imports.retain(|item| item.as_object().unwrap().keys().any(|name| !name.contains('.')));
    }
}

fn record(file: &str, scenario: &Scenario, document: &mut Value) {
    let mut records = Records::new(&scenario.records);
    for (number, step) in scenario.steps.iter().enumerate() {
        let mut script = Script::new(file, scenario, number, records);
        script.recorded = Some(Vec::new());
        let script = Rc::new(RefCell::new(script));
        let returns = native::call(scenario, &script, step).unwrap();
        let mut script = Rc::into_inner(script).unwrap().into_inner();
        let mut imports = script.recorded.take().unwrap();
        let mut written = returns;
        if !scenario.whole {
            imports.iter_mut().for_each(shorten_import);
            // With its words: what a person reads.
            if step.call != "status" {
                written = shortened(written);
            }
        }
        document["steps"][number]["imports"] = imports.into();
        document["steps"][number]["returns"] = written;
        records = script.records();
    }
    if scenario.whole || scenario.records_after.is_some() {
        document["records-after"] = json!(records.documents());
    }
}

/// The ends of a scenario with a world.
fn ends(scenario: &Scenario) -> Value {
    let mut ends: Vec<(Value, Vec<u64>)> = Vec::new();
    let (mut stop, mut effects) = (0, 0);
    while stop <= effects {
        let world = native::stopped_after(scenario, stop);
        if stop == 0 {
            effects = world.effects;
        }
        let mut end = Value::Object(native::end(scenario, world));
        for status in end["status"].as_object_mut().unwrap().values_mut() {
            let ok = status["ok"].take();
            let few = |(name, _): &(&String, &Value)| ["state", "generation", "verified"].contains(&name.as_str());
            let kept: Map<_, _> =
                ok.as_object().unwrap().iter().filter(few).map(|(n, v)| (n.clone(), v.clone())).collect();
            *status = json!({ "ok": kept });
        }
        match ends.iter_mut().find(|(known, _)| *known == end) {
            Some((_, stops)) => stops.push(stop),
            None => ends.push((end, vec![stop])),
        }
        stop += 1;
    }
    let with_stops = |(mut end, stops): (Value, Vec<u64>)| {
        end["stopped-after"] = json!(stops);
        end
    };
    ends.into_iter().map(with_stops).collect()
}

/// Leaves of an import what matters as a rule: who is asked for what, with which secret.
fn shorten_import(item: &mut Value) {
    let (name, arguments) = item.as_object().unwrap().iter().find(|(name, _)| name.contains('.')).unwrap();
    let (name, mut arguments) = (name.clone(), arguments.clone());
    let without: &[&str] = match name.as_str() {
        "store.save" => &["document"],
        "http.send" if arguments["method"] == "get" => &["headers", "body", "time-limit", "body-limit"],
        "http.send" => &["headers", "time-limit", "body-limit"],
        "observe.emit" => &["client-id", "at"],
        _ => &[],
    };
    for member in without {
        arguments.as_object_mut().unwrap().remove(*member);
    }
    if arguments["body"] == "" {
        arguments.as_object_mut().unwrap().remove("body");
    }
    item[&name] = shortened(arguments);
}

/// Leaves of a value what matters as a rule: no words for people.
fn shortened(value: Value) -> Value {
    const WORDS: [&str; 8] =
        ["happened", "still-works", "remedy", "amazon", "act-by", "evidence", "consequence", "place"];
    const CASES: [&str; 8] = [
        "not-allowed",
        "needs-confirmation",
        "unreadable-record",
        "message-old",
        "candidate-dropped",
        "not-kept",
        "unreadable",
        "wrapped",
    ];
    match value {
        Value::Object(members) if members.len() == 1 && CASES.contains(&members.keys().next().unwrap().as_str()) => {
            members.keys().next().unwrap().as_str().into()
        }
        Value::Object(mut members) => {
            members.retain(|name, _| !WORDS.contains(&name.as_str()));
            if members.contains_key("generation") {
                for member in ["client-id", "current-since", "rotation-due-at", "called-at"] {
                    members.remove(member);
                }
                members.entry("problem").or_insert(Value::Null);
            }
            if members.contains_key("holds-current") {
                members.remove("failure");
            }
            members.into_iter().map(|(name, value)| (name, shortened(value))).collect::<Map<_, _>>().into()
        }
        Value::Array(all) => all.into_iter().map(shortened).collect(),
        other => other,
    }
}
