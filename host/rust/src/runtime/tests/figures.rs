//! What the component costs, in figures that are the same on every machine: its size, its imports, the fuel and the memory of
//! each call, and what a rotation asks of others. Fuel is wasmtime's count of the instructions that a guest has carried out.

use std::{collections::BTreeMap, sync::Mutex};

use async_trait::async_trait;

use super::*;
use crate::{
    Application, Credential, Secret,
    bindings::{self, exports::lwa::rotation::rotation::Guest},
    clock::ManualClock,
    http::{self, Http},
    observe::Collector,
    publish::{self, Publish},
    queue::{self, MemoryQueue, Message, Queue},
    runtime::{
        bounds::Subject,
        imports::{Effects, Imports},
        turns::Turns,
    },
    settings,
    store::{self, MemoryStore},
};
use committed::{Kind, compare};
use wasmtime::component::HasSelf;

#[path = "../../../../../tests/committed.rs"]
mod committed;

/// The built-in component as code that counts its instructions.
const COUNTING: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/counting.cwasm"));
const CLIENT_ID: &str = "amzn1.application-oa2-client.shop";
/// 2026-01-09T22:00:00Z, a month before the secret ends; a new one ends half a year later.
const NOW: u64 = 1_767_996_000_000;
const DAY: u64 = 86_400_000;
const NEW_SECRET: &str = include_str!("../../../../../tests/vectors/new-secret.json");

/// Amazon, the queue, the store and the target: all answer at once, and note that they were asked.
#[derive(Default)]
struct Others {
    asked: Mutex<Vec<&'static str>>,
    store: MemoryStore,
}

impl Others {
    fn note(&self, what: &'static str) {
        self.asked.lock().unwrap().push(what);
    }
}

struct Noted<T>(Arc<Others>, T);

#[async_trait]
impl Http for Noted<Arc<MemoryQueue>> {
    async fn send(&self, request: http::Request) -> Result<http::Response, http::Error> {
        let (what, status, body) = match (request.method, request.url.rsplit('/').next()) {
            (http::Method::Post, Some("token")) => {
                ("token", 200, r#"{"access_token":"Atc|1","token_type":"bearer","expires_in":3600}"#)
            }
            (http::Method::Post, _) => {
                self.1.send("main", NEW_SECRET.replace("amzn1.application-oa2-client.example", CLIENT_ID));
                ("rotate", 204, "")
            }
            (http::Method::Get, _) => ("verification", 200, r#"{"payload":[]}"#),
        };
        self.0.note(what);
        Ok(http::Response { status, headers: Vec::new(), body: body.into() })
    }
}

#[async_trait]
impl Queue for Noted<Arc<MemoryQueue>> {
    async fn receive(&self, name: &str, max: u32, wait: u32, hidden: u32) -> Result<Vec<Message>, queue::Error> {
        self.0.note("receive");
        self.1.receive(name, max, wait, hidden).await
    }

    async fn delete(&self, queue: &str, receipt_handle: &str) -> Result<(), queue::Error> {
        self.0.note("delete");
        self.1.delete(queue, receipt_handle).await
    }

    async fn hide(&self, queue: &str, receipt_handle: &str, visibility: u32) -> Result<(), queue::Error> {
        self.0.note("hide");
        self.1.hide(queue, receipt_handle, visibility).await
    }

    async fn inspect(&self, queue: &str) -> queue::Inspection {
        self.0.note("inspect");
        self.1.inspect(queue).await
    }
}

#[async_trait]
impl store::Store for Noted<()> {
    async fn load(&self, client_id: &str) -> Result<Option<store::Entry>, store::Error> {
        self.0.note("load");
        store::Store::load(&self.0.store, client_id).await
    }

    async fn save(&self, id: &str, document: Secret, expected: Option<&str>) -> Result<store::Revision, store::Error> {
        self.0.note("save");
        store::Store::save(&self.0.store, id, document, expected).await
    }

    async fn remove(&self, client_id: &str, expected: &str) -> Result<(), store::Error> {
        self.0.note("remove");
        store::Store::remove(&self.0.store, client_id, expected).await
    }
}

#[async_trait]
impl Publish for Noted<()> {
    async fn put(&self, _: &str, _: &Credential) -> Result<(), publish::Error> {
        self.0.note("publish");
        Ok(())
    }

    async fn read(&self, _: &str, _: &str) -> Result<publish::Reading, publish::Error> {
        self.0.note("read");
        Ok(publish::Reading::Unreadable)
    }
}

struct World {
    runtime: Runtime,
    component: bindings::RotatorPre<State<Imports>>,
    effects: Arc<Effects>,
    others: Arc<Others>,
    queue: Arc<MemoryQueue>,
    /// Of each call, in their order.
    fuel: Vec<(&'static str, u64)>,
    /// Of the call that took most.
    memory: u64,
}

impl World {
    fn new() -> Self {
        let mut config = engine::config();
        config.consume_fuel(true);
        let runtime = Runtime::with(&config, Limits::default()).unwrap();
        // SAFETY: build.rs made it.
        let component = unsafe { runtime.load(COUNTING) }.unwrap();
        let mut linker = Linker::new(runtime.engine());
        bindings::Rotator::add_to_linker::<_, HasSelf<Imports>>(&mut linker, |state: &mut State<Imports>| {
            &mut state.data
        })
        .unwrap();
        let component = bindings::RotatorPre::new(linker.instantiate_pre(&component).unwrap()).unwrap();

        let clock = Arc::new(ManualClock::new(NOW));
        let (others, queue) = (Arc::<Others>::default(), Arc::new(MemoryQueue::new(Arc::clone(&clock), ["main"])));
        let application = Application::new(CLIENT_ID, "https://api.example", "main");
        let target = settings::Target { name: "file".into(), place: "exec://machine/file".into() };
        let application = Application { targets: vec![target], ..application };
        let effects = Effects {
            settings: Box::new(BTreeMap::from([(CLIENT_ID.to_owned(), application)])),
            http: Box::new(Noted(Arc::clone(&others), Arc::clone(&queue))),
            queue: Box::new(Noted(Arc::clone(&others), Arc::clone(&queue))),
            store: Box::new(Noted(Arc::clone(&others), ())),
            publish: Arc::new(Turns::new(Box::new(Noted(Arc::clone(&others), ())), Limits::default().target)),
            observe: Box::new(Collector::default()),
            clock: Box::new(clock),
            random: Some(Box::new(|| 0)),
        };
        let effects = Arc::new(effects);
        Self { runtime, component, effects, others, queue, fuel: Vec::new(), memory: 0 }
    }

    async fn call<R>(
        &mut self,
        name: &'static str,
        subject: Subject,
        function: impl AsyncFnOnce(&Guest, &mut Store<State<Imports>>) -> wasmtime::Result<R>,
    ) -> R {
        const FUEL: u64 = 1 << 40;
        let imports = Imports::new(Arc::clone(&self.effects), subject);
        let call = async |mut store: Store<State<Imports>>| {
            store.set_fuel(FUEL)?;
            let component = self.component.instantiate_async(&mut store).await?;
            let answer = function(component.lwa_rotation_rotation(), &mut store).await?;
            Ok((answer, FUEL - store.get_fuel()?, store.data().memory.used as u64))
        };
        let (answer, fuel, memory) = self.runtime.run(imports, call).await.unwrap();
        self.fuel.push((name, fuel));
        self.memory = self.memory.max(memory);
        answer
    }
}

fn shop() -> Subject {
    Subject::Application(CLIENT_ID.into())
}

fn advance() -> Subject {
    Subject::Advance(CLIENT_ID.into())
}

/// From the enrolment to the second secret in use.
#[tokio::test]
async fn the_figures_of_the_calls_are_those_that_are_committed() {
    let mut world = World::new();
    let client_id = CLIENT_ID.to_owned();
    world
        .call("enroll", shop(), async |guest, store| {
            guest
                .call_enroll(store, &client_id, &b"amzn1.oa2-cs.v1.enrolled".to_vec(), Some(NOW + 100 * DAY), false)
                .await
        })
        .await
        .unwrap();
    let status = world
        .call("advance, the first verification", advance(), async |guest, store| {
            guest.call_advance(store, &client_id).await
        })
        .await
        .unwrap();
    assert!(status.verified, "{:?}", status.problem);
    world.call("status", shop(), async |guest, store| guest.call_status(store, &client_id).await).await.unwrap();
    world
        .call("advance, nothing due", advance(), async |guest, store| guest.call_advance(store, &client_id).await)
        .await
        .unwrap();
    world.others.asked.lock().unwrap().clear();
    world
        .call("request", shop(), async |guest, store| guest.call_request(store, &client_id, false).await)
        .await
        .unwrap();
    world
        .call("advance, the rotate call", advance(), async |guest, store| guest.call_advance(store, &client_id).await)
        .await
        .unwrap();
    let drained = world
        .call("drain, the new secret", Subject::Queue("main".into()), async |guest, store| {
            guest.call_drain(store, "main", 10, 0).await
        })
        .await
        .unwrap();
    assert_eq!(drained.deliveries[0].status.as_ref().unwrap().generation, 2);
    let asked = std::mem::take(&mut *world.others.asked.lock().unwrap());
    world.queue.send("main", NEW_SECRET.replace("amzn1.application-oa2-client.example", CLIENT_ID));
    let message = world.queue.receive("main", 1, 0, 60).await.unwrap().remove(0).into();
    world
        .call("deliver, the same again", Subject::Message, async |guest, store| {
            guest.call_deliver(store, &message).await
        })
        .await;

    compare("fuel of a call", Kind::Cost, &world.fuel);
    compare("memory of a call", Kind::Cost, &[("bytes", world.memory)]);
    let mut counts = BTreeMap::<_, u64>::new();
    asked.into_iter().for_each(|what| *counts.entry(what).or_default() += 1);
    compare("a rotation without trouble", Kind::Count, &counts.into_iter().collect::<Vec<_>>());
}

#[test]
fn the_figures_of_the_component_are_those_that_are_committed() {
    let (mut depth, mut imports) = (0, 0);
    for payload in wasmparser::Parser::new(0).parse_all(crate::COMPONENT) {
        match payload.unwrap() {
            wasmparser::Payload::ModuleSection { .. } | wasmparser::Payload::ComponentSection { .. } => depth += 1,
            wasmparser::Payload::End(_) => depth -= 1,
            wasmparser::Payload::ComponentImportSection(section) if depth == 0 => imports += u64::from(section.count()),
            _ => {}
        }
    }

    compare("bytes of the component", Kind::Cost, &[("bytes", crate::COMPONENT.len() as u64)]);
    compare("imports of the component", Kind::Count, &[("imports", imports)]);
}
