//! Scenarios with a script: each import is answered as the step says, in its order.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::file::{Scenario, Step, misfit};
use super::{Answers, Reply};

/// Documents with their revisions, which are counted.
#[derive(Clone, Default)]
pub struct Records(BTreeMap<String, (u64, String)>);

impl Records {
    pub fn new(documents: &BTreeMap<String, String>) -> Self {
        Self(documents.iter().map(|(id, document)| (id.clone(), (1, document.clone()))).collect())
    }

    pub fn documents(&self) -> BTreeMap<String, String> {
        self.0.iter().map(|(id, (_, document))| (id.clone(), document.clone())).collect()
    }

    fn put(&mut self, arguments: &Value) -> Value {
        let id = arguments["client-id"].as_str().unwrap();
        let revision = self.0.get(id).map_or(0, |(revision, _)| *revision) + 1;
        self.0.insert(id.into(), (revision, arguments["document"].as_str().unwrap().into()));
        revision.to_string().into()
    }

    /// Answers the three functions of the store; any other with nothing.
    pub fn answer(&mut self, name: &str, arguments: &Value) -> Reply {
        let id = arguments["client-id"].as_str().unwrap_or_default();
        let stored = self.0.get(id).map(|(revision, document)| (revision.to_string(), document.clone()));
        let expected = || stored.as_ref().map(|(revision, _)| revision.as_str()) == arguments["expected"].as_str();
        match name {
            "store.load" => {
                Ok(json!(stored.map(|(revision, document)| json!({ "revision": revision, "document": document }))))
            }
            "store.save" | "store.remove" if !expected() => Err("conflict".into()),
            "store.save" => Ok(self.put(arguments)),
            "store.remove" => {
                self.0.remove(id);
                Ok(Value::Null)
            }
            _ => Ok(Value::Null),
        }
    }
}

/// One step.
pub struct Script {
    place: String,
    whole: bool,
    inspection: Value,
    now: u64,
    pub records: Records,
    expected: std::vec::IntoIter<Map<String, Value>>,
    /// In place of comparing: what is called, with its answers.
    pub recorded: Option<Vec<Value>>,
}

impl Script {
    pub fn new(name: &str, scenario: &Scenario, number: usize, records: Records) -> Self {
        let step = &scenario.steps[number];
        let place = format!("{name}, step {}", number + 1);
        let imports = step.imports.clone().unwrap_or_else(|| panic!("{place} has no imports"));
        Self {
            place,
            whole: scenario.whole,
            inspection: scenario.inspection.clone(),
            now: step.at,
            records,
            expected: imports.into_iter(),
            recorded: None,
        }
    }

    /// What the file has beside this import.
    fn next(&mut self, name: &str, arguments: &Value) -> Map<String, Value> {
        let place = &self.place;
        if let Some(recorded) = &mut self.recorded {
            let given = self.expected.as_slice().first().is_some_and(|item| item.contains_key(name));
            let mut item = if given { self.expected.next().unwrap() } else { Map::new() };
            item.insert(name.into(), arguments.clone());
            recorded.push(item.clone().into());
            item.remove(name);
            return item;
        }
        let mut item = self.expected.next().unwrap_or_else(|| panic!("{place}: {name} is not expected: {arguments}"));
        let expected = item.remove(name).unwrap_or_else(|| panic!("{place}: {name} was called, expected is {item:?}"));
        if let Some(why) = misfit(&expected, arguments, self.whole) {
            panic!("{place}: {name}{why}");
        }
        item
    }

    /// After the call: all that is expected was called.
    pub fn end(self, step: &Step, returns: &Value) -> Records {
        assert_eq!(self.expected.as_slice(), [], "{}: not called", self.place);
        let expected = step.returns.as_ref().unwrap_or_else(|| panic!("{} has no result", self.place));
        if let Some(why) = misfit(expected, returns, self.whole) {
            panic!("{}: result{why}", self.place);
        }
        self.records
    }
}

impl Answers for Script {
    fn answer(&mut self, name: &str, arguments: Value) -> Option<Reply> {
        let mut item = self.next(name, &arguments);
        let (answer, kept) = (item.remove("answer"), item.remove("kept").is_some());
        if let Some(meanwhile) = item.remove("meanwhile") {
            self.records.put(&meanwhile);
        }
        self.now += item.remove("takes").map_or(0, |takes| takes.as_u64().unwrap());
        assert!(item.is_empty(), "{}: unknown members {item:?}", self.place);
        let stored = if answer.is_none() || kept { self.records.answer(name, &arguments) } else { Ok(Value::Null) };
        Some(match answer {
            None if name == "queue.inspect" => Ok(self.inspection.clone()),
            None => {
                let needed = matches!(name, "http.send" | "queue.receive" | "publish.read");
                assert!(!needed, "{}: {name} has no answer: {arguments}", self.place);
                stored
            }
            Some(answer) if name == "queue.inspect" => Ok(answer),
            Some(answer) => match answer.as_object().unwrap().iter().next().unwrap() {
                (ok, value) if ok == "ok" => Ok(value.clone()),
                (_, value) => Err(value.clone()),
            },
        })
    }

    fn now(&self) -> u64 {
        self.now
    }

    fn emit(&mut self, event: Value) {
        let left = self.next("observe.emit", &event);
        assert!(left.is_empty(), "unknown members {left:?}");
    }
}
