//! Scenarios with a world: the host is stopped after each of its effects, and started anew.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::file::{Answered, Brought, Scenario, Simulated, misfit};
use super::script::Records;
use super::{Answers, Reply};

struct Message {
    brought: Brought,
    receive_count: u64,
    visible_at: u64,
}

/// What outlives a host.
pub struct World<'a> {
    simulated: &'a Simulated,
    inspection: &'a Value,
    pub now: u64,
    records: Records,
    messages: Vec<Message>,
    targets: BTreeMap<String, Value>,
    rotate_calls: u64,
    pub effects: u64,
    /// After so many effects the host is stopped.
    stop: u64,
}

impl<'a> World<'a> {
    pub fn new(scenario: &'a Scenario, stop: u64) -> Self {
        let simulated = scenario.world.as_ref().unwrap();
        let mut world = Self {
            simulated,
            inspection: &scenario.inspection,
            now: 0,
            records: Records::new(&scenario.records),
            messages: Vec::new(),
            targets: BTreeMap::new(),
            rotate_calls: 0,
            effects: 0,
            stop,
        };
        simulated.messages.iter().for_each(|message| world.bring(message));
        world
    }

    fn bring(&mut self, brought: &Brought) {
        self.messages.push(Message { brought: brought.clone(), receive_count: 0, visible_at: 0 });
    }

    fn serve(&mut self, name: &str, arguments: &Value) -> Reply {
        let receipt = arguments["receipt-handle"].as_str().unwrap_or_default();
        let is_of = |message: &Message| receipt.split('#').next() == Some(&message.brought.id);
        let until = self.now + arguments["visibility"].as_u64().unwrap_or_default() * 1000;
        match name {
            "http.send" => self.send(arguments),
            "publish.put" => {
                let mut held = arguments["credential"].clone();
                held.as_object_mut().unwrap().remove("expires-at");
                self.targets.insert(arguments["target"].as_str().unwrap().into(), held);
                Ok(Value::Null)
            }
            "publish.read" => Ok(match self.targets.get(arguments["target"].as_str().unwrap()) {
                Some(held) => json!({ "credential": held }),
                None => "none".into(),
            }),
            "queue.inspect" => Ok(self.inspection.clone()),
            "queue.receive" => {
                let now = self.now;
                let max = usize::try_from(arguments["max"].as_u64().unwrap()).unwrap();
                let visible = self.messages.iter_mut().filter(|message| message.visible_at <= now).take(max);
                Ok(visible.map(|message| message.receive(until)).collect())
            }
            "queue.delete" => {
                self.messages.retain(|message| !is_of(message));
                Ok(Value::Null)
            }
            "queue.hide" => {
                self.messages.iter_mut().filter(|message| is_of(message)).for_each(|one| one.visible_at = until);
                Ok(Value::Null)
            }
            _ => self.records.answer(name, arguments),
        }
    }

    fn send(&mut self, request: &Value) -> Reply {
        let asked = format!("{} {}", request["method"].as_str().unwrap(), request["url"].as_str().unwrap());
        let headers = request["headers"].as_array().unwrap().iter().map(|header| &header[1]);
        let sent: Vec<&str> = headers.chain([&request["body"]]).filter_map(Value::as_str).collect();
        self.rotate_calls += u64::from(asked.ends_with("/applications/2023-11-30/clientSecret"));
        let fits = |one: &&Answered| one.request == asked && sent.iter().any(|text| text.contains(&one.holds));
        let answered = self.simulated.http.iter().find(fits).unwrap_or_else(|| panic!("nothing answers {asked}"));
        if let Some(brought) = &answered.brings {
            self.bring(brought);
        }
        match answered.answer.get("ok") {
            Some(value) => Ok(value.clone()),
            None => Err(answered.answer["err"].clone()),
        }
    }

    /// What there is in the end, without what `status` returns.
    pub fn end(&self) -> Map<String, Value> {
        let targets = self.targets.iter().map(|(name, held)| (name.clone(), held["client-secret"].clone()));
        let messages: Vec<_> = self.messages.iter().map(|message| &message.brought.id).collect();
        Map::from_iter([
            ("rotate-calls".into(), self.rotate_calls.into()),
            ("targets".into(), Value::Object(targets.collect())),
            ("messages".into(), json!(messages)),
        ])
    }
}

impl Message {
    fn receive(&mut self, visible_at: u64) -> Value {
        self.visible_at = visible_at;
        self.receive_count += 1;
        json!({
            "id": self.brought.id,
            "body": self.brought.body,
            "receive-count": self.receive_count,
            "receipt-handle": format!("{}#{}", self.brought.id, self.receive_count),
        })
    }
}

impl Answers for World<'_> {
    fn answer(&mut self, name: &str, arguments: Value) -> Option<Reply> {
        let reply = self.serve(name, &arguments);
        self.effects += 1;
        // The answer never reaches the component.
        (self.effects != self.stop).then_some(reply)
    }

    fn now(&self) -> u64 {
        self.now
    }

    fn emit(&mut self, _: Value) {}
}

/// Checks the end of a run that was stopped after so many effects.
pub fn check(name: &str, scenario: &Scenario, stop: u64, end: Map<String, Value>) {
    let ends = scenario.ends.as_ref().unwrap_or_else(|| panic!("{name} has no ends"));
    let holds = |end: &&Map<String, Value>| end["stopped-after"].as_array().unwrap().contains(&stop.into());
    let [expected] = ends.iter().filter(holds).collect::<Vec<_>>()[..] else {
        panic!("{name}: {stop} is not in exactly one end");
    };
    let mut expected = expected.clone();
    expected.remove("stopped-after");
    if let Some(why) = misfit(&expected.into(), &end.into(), scenario.whole) {
        panic!("{name}, stopped after {stop}: {why}");
    }
}
