//! Scenarios with a script: each import is answered as the step says, in its order.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use async_trait::async_trait;
use serde_json::{Map, Value, json};

use crate::file::Scenario;
use crate::host::{Answers, call, rotator};

/// Documents with their revisions, which are counted.
#[derive(Default)]
pub struct Records(BTreeMap<String, (u64, String)>);

impl Records {
    pub fn new(documents: &BTreeMap<String, String>) -> Self {
        Self(documents.iter().map(|(id, document)| (id.clone(), (1, document.clone()))).collect())
    }

    pub fn documents(&self) -> BTreeMap<String, String> {
        self.0.iter().map(|(id, (_, document))| (id.clone(), document.clone())).collect()
    }

    fn revision(&self, id: &str) -> Option<String> {
        self.0.get(id).map(|(revision, _)| revision.to_string())
    }

    fn put(&mut self, arguments: &Value) -> Value {
        let id = arguments["client-id"].as_str().unwrap();
        let revision = self.0.get(id).map_or(0, |(revision, _)| *revision) + 1;
        self.0.insert(id.into(), (revision, arguments["document"].as_str().unwrap().into()));
        revision.to_string().into()
    }

    /// Answers the two functions of the store; any other with nothing.
    pub fn answer(&mut self, name: &str, arguments: &Value) -> Result<Value, Value> {
        let id = arguments["client-id"].as_str().unwrap_or_default();
        match name {
            "store.load" => Ok(json!(
                self.0
                    .get(id)
                    .map(|(revision, document)| { json!({ "revision": revision.to_string(), "document": document }) })
            )),
            "store.save" if self.revision(id).as_deref() != arguments["expected"].as_str() => Err("conflict".into()),
            "store.save" => Ok(self.put(arguments)),
            _ => Ok(Value::Null),
        }
    }
}

struct Script {
    place: String,
    now: u64,
    records: Records,
    expected: std::vec::IntoIter<Map<String, Value>>,
}

impl Script {
    fn next(&mut self, name: &str, arguments: Value) -> Map<String, Value> {
        let place = &self.place;
        let mut item =
            self.expected.next().unwrap_or_else(|| panic!("{place}: {name} is not expected, nor anything else"));
        let expected =
            item.remove(name).unwrap_or_else(|| panic!("{place}: {name} was called, and expected is {item:?}"));
        assert_eq!(arguments, expected, "{place}: {name}");
        item
    }
}

#[async_trait]
impl Answers for Mutex<Script> {
    async fn answer(&self, name: &str, arguments: Value) -> Result<Value, Value> {
        let mut script = self.lock().unwrap();
        let mut item = script.next(name, arguments.clone());
        let (answer, kept) = (item.remove("answer"), item.remove("kept").is_some());
        if let Some(meanwhile) = item.remove("meanwhile") {
            script.records.put(&meanwhile);
        }
        script.now += item.remove("takes").map_or(0, |takes| takes.as_u64().unwrap());
        assert!(item.is_empty(), "{}: unknown members {item:?}", script.place);
        let stored = if answer.is_none() || kept { script.records.answer(name, &arguments) } else { Ok(Value::Null) };
        match answer {
            None => {
                assert!(!matches!(name, "http.send" | "queue.receive"), "{}: {name} has no answer", script.place);
                stored
            }
            Some(answer) => match answer.as_object().unwrap().iter().next().unwrap() {
                (ok, value) if ok == "ok" => Ok(value.clone()),
                (_, value) => Err(value.clone()),
            },
        }
    }

    fn now(&self) -> u64 {
        self.lock().unwrap().now
    }

    fn emit(&self, event: Value) {
        let left = self.lock().unwrap().next("observe.emit", event);
        assert!(left.is_empty(), "unknown members {left:?}");
    }
}

pub async fn run(name: &str, scenario: &Scenario) {
    assert!(scenario.ends.is_none() && !scenario.rules.is_empty(), "{name}");
    let mut records = Records::new(&scenario.records);
    for (number, step) in scenario.steps.iter().enumerate() {
        let place = format!("{name}, step {}", number + 1);
        let imports = step.imports.clone().unwrap_or_else(|| panic!("{place} has no imports"));
        let script = Script { place, now: step.at, records, expected: imports.into_iter() };
        let answers = Arc::new(Mutex::new(script));
        let returns = call(&rotator(scenario, &answers), step).await;
        let script = Arc::into_inner(answers).unwrap().into_inner().unwrap();
        assert_eq!(Some(&returns), step.returns.as_ref(), "{}: result", script.place);
        assert_eq!(script.expected.as_slice(), [], "{}: not called", script.place);
        records = script.records;
    }
    assert_eq!(Some(records.documents()), scenario.records_after, "{name}: records");
}
