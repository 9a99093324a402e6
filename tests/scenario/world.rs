//! Scenarios with a world: the host is stopped after each of its effects, and started anew.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use async_trait::async_trait;
use serde_json::{Value, json};
use tokio::sync::Notify;

use crate::file::{Brought, End, Scenario, Simulated, Step};
use crate::host::{Answers, call, rotator};
use crate::script::Records;

struct Message {
    brought: Brought,
    receive_count: u64,
    visible_at: u64,
}

/// What outlives a host.
struct State<'a> {
    simulated: &'a Simulated,
    now: u64,
    records: Records,
    messages: Vec<Message>,
    targets: BTreeMap<String, String>,
    rotate_calls: u64,
    effects: u64,
}

struct World {
    state: Mutex<State<'static>>,
    /// After so many effects the host is stopped.
    stop: u64,
    stopped: Notify,
}

impl State<'_> {
    fn bring(&mut self, brought: &Brought) {
        self.messages.push(Message { brought: brought.clone(), receive_count: 0, visible_at: 0 });
    }

    fn answer(&mut self, name: &str, arguments: &Value) -> Result<Value, Value> {
        let receipt = arguments["receipt-handle"].as_str().unwrap_or_default();
        let is_of = |message: &Message| receipt.split('#').next() == Some(&message.brought.id);
        let until = self.now + arguments["visibility"].as_u64().unwrap_or_default() * 1000;
        match name {
            "http.send" => self.send(arguments),
            "publish.put" => {
                let secret = arguments["credential"]["client-secret"].as_str().unwrap();
                self.targets.insert(arguments["target"].as_str().unwrap().into(), secret.into());
                Ok(Value::Null)
            }
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
                self.messages
                    .iter_mut()
                    .filter(|message| is_of(message))
                    .for_each(|message| message.visible_at = until);
                Ok(Value::Null)
            }
            _ => self.records.answer(name, arguments),
        }
    }

    fn send(&mut self, request: &Value) -> Result<Value, Value> {
        let asked = format!("{} {}", request["method"].as_str().unwrap(), request["url"].as_str().unwrap());
        let sent: Vec<&str> = request["headers"]
            .as_array()
            .unwrap()
            .iter()
            .map(|header| &header[1])
            .chain([&request["body"]])
            .filter_map(Value::as_str)
            .collect();
        self.rotate_calls += u64::from(asked.ends_with("/applications/2023-11-30/clientSecret"));
        let fits =
            |one: &&crate::file::Answered| one.request == asked && sent.iter().any(|text| text.contains(&one.holds));
        let answered = self.simulated.http.iter().find(fits).unwrap_or_else(|| panic!("nothing answers {asked}"));
        if let Some(brought) = &answered.brings {
            self.bring(brought);
        }
        match answered.answer.get("ok") {
            Some(value) => Ok(value.clone()),
            None => Err(answered.answer["err"].clone()),
        }
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

#[async_trait]
impl Answers for World {
    async fn answer(&self, name: &str, arguments: Value) -> Result<Value, Value> {
        let (answer, effects) = {
            let mut state = self.state.lock().unwrap();
            let answer = state.answer(name, &arguments);
            state.effects += 1;
            (answer, state.effects)
        };
        if effects == self.stop {
            self.stopped.notify_one();
            // The answer never reaches the component.
            std::future::pending::<()>().await;
        }
        answer
    }

    fn now(&self) -> u64 {
        self.state.lock().unwrap().now
    }

    fn emit(&self, _: Value) {}
}

impl World {
    async fn step(self: &Arc<Self>, scenario: &Scenario, step: &Step) {
        assert!(step.imports.is_none() && step.returns.is_none(), "a step in a world has neither imports nor a result");
        self.state.lock().unwrap().now = step.at;
        let stopped = tokio::select! {
            biased;
            () = self.stopped.notified() => true,
            _ = async { call(&rotator(scenario, self), step).await } => false,
        };
        if stopped {
            call(&rotator(scenario, self), step).await;
        }
    }
}

/// Runs all steps with one stop; the end, and how many effects there were.
async fn stopped_after(scenario: &'static Scenario, stop: u64) -> (End, u64) {
    let simulated = scenario.world.as_ref().unwrap();
    let mut state = State {
        simulated,
        now: 0,
        records: Records::new(&scenario.records),
        messages: Vec::new(),
        targets: BTreeMap::new(),
        rotate_calls: 0,
        effects: 0,
    };
    simulated.messages.iter().for_each(|message| state.bring(message));
    let world = Arc::new(World { state: Mutex::new(state), stop, stopped: Notify::new() });
    for step in &scenario.steps {
        world.step(scenario, step).await;
    }
    let state = Arc::into_inner(world).unwrap().state.into_inner().unwrap();
    let end = End {
        stopped_after: vec![stop],
        rotate_calls: state.rotate_calls,
        targets: state.targets,
        messages: state.messages.into_iter().map(|message| message.brought.id).collect(),
        records_after: state.records.documents(),
    };
    (end, state.effects)
}

pub async fn run(name: &str, scenario: &'static Scenario) {
    assert!(scenario.records_after.is_none(), "{name}");
    let (whole, effects) = stopped_after(scenario, 0).await;
    let mut ends = vec![whole];
    for stop in 1..=effects {
        let (end, _) = stopped_after(scenario, stop).await;
        match ends.iter_mut().find(|known| End { stopped_after: vec![stop], ..(**known).clone() } == end) {
            Some(known) => known.stopped_after.push(stop),
            None => ends.push(end),
        }
    }
    assert_eq!(Some(&ends), scenario.ends.as_ref(), "{name}");
}
