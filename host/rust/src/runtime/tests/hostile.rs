//! What a component with bad intentions (`hostile.wat`) comes to: it is refused or stopped before the effect, the error says
//! why, and the real component goes on with the same store.

use std::{
    collections::BTreeMap,
    io::{ErrorKind, Read, Write},
    net::TcpListener,
    sync::Mutex,
};

use async_trait::async_trait;
use tempfile::TempDir;

use super::*;
use crate::{
    Application, Credential, Rotator, bindings,
    clock::SystemClock,
    http::{self, Client, Http, Origin},
    observe::Collector,
    publish::{self, Target, Targets},
    queue::MemoryQueue,
    runtime::{
        bounds::{HANDED_OVER, Subject},
        imports::{Effects, Imports},
        turns::Turns,
    },
    settings,
    store::{FileStore, Store as _},
};
use wasmtime::component::{ComponentNamedList, HasSelf, Lift};

const HOSTILE: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/hostile.cwasm"));
const SECRET: &str = "amzn1.oa2-cs.v1.enrolled";

/// Counts what it is handed.
#[derive(Default)]
struct Shelf(Mutex<usize>);

#[async_trait]
impl Target for Shelf {
    async fn put(&self, _: &Credential) -> Result<(), publish::Error> {
        *self.0.lock().unwrap() += 1;
        Ok(())
    }
}

/// Keeps what it is asked for, and has no connection.
#[derive(Default)]
struct Asked(Mutex<Vec<http::Request>>);

#[async_trait]
impl Http for Asked {
    async fn send(&self, request: http::Request) -> Result<http::Response, http::Error> {
        self.0.lock().unwrap().push(request);
        Err(http::Error::NotSent("no connection".into()))
    }
}

/// A host of two applications, "shop" and "other", with a hostile component and, on the same store, the real one.
struct World {
    runtime: Runtime,
    hostile: Component,
    effects: Arc<Effects>,
    store: FileStore,
    queue: Arc<MemoryQueue>,
    events: Arc<Collector>,
    shelf: Arc<Shelf>,
    attic: Arc<Shelf>,
    honest: Rotator,
    folder: TempDir,
}

impl World {
    async fn new() -> Self {
        Self::with(Asked::default(), Limits { memory: 8 << 20, ..Limits::default() }).await
    }

    async fn with(http: impl Http, limits: Limits) -> Self {
        let application = |client_id: &str, target: &str| {
            let application = Application::new(client_id, "https://api.example", "main");
            let target = settings::Target { name: target.into(), place: format!("function://machine/{target}") };
            (client_id.to_owned(), Application { targets: vec![target], ..application })
        };
        let settings = Arc::new(BTreeMap::from([application("shop", "shelf"), application("other", "attic")]));
        let http = Arc::new(http);
        let folder = tempfile::tempdir().unwrap();
        let store = FileStore::new(folder.path());
        let queue = Arc::new(MemoryQueue::new(SystemClock, ["main"]));
        let events = Arc::new(Collector::default());
        let (shelf, attic) = (Arc::new(Shelf::default()), Arc::new(Shelf::default()));
        let targets = || {
            let targets = Targets::new().with("shop", "shelf", Arc::clone(&shelf));
            targets.with("other", "attic", Arc::clone(&attic))
        };
        let honest = Rotator::builder()
            .settings(Arc::clone(&settings))
            .http(Arc::clone(&http))
            .store(store.clone())
            .publish(targets())
            .build()
            .unwrap();
        for client_id in ["shop", "other"] {
            honest.enroll(client_id, SECRET.into(), None, false).await.unwrap();
        }
        let effects = Arc::new(Effects {
            settings: Box::new(settings),
            http: Box::new(http),
            queue: Box::new(Arc::clone(&queue)),
            store: Box::new(store.clone()),
            publish: Arc::new(Turns::new(Box::new(targets()), limits.target)),
            observe: Box::new(Arc::clone(&events)),
            clock: Box::new(SystemClock),
            random: None,
        });
        let runtime = Runtime::pooled(limits).unwrap();
        // SAFETY: build.rs made it.
        let hostile = unsafe { runtime.load(HOSTILE) }.unwrap();
        Self { runtime, hostile, effects, store, queue, events, shelf, attic, honest, folder }
    }

    async fn call<R>(&self, subject: Subject, function: &str) -> Result<R, Stopped>
    where
        (R,): ComponentNamedList + Lift + Send + Sync + 'static,
    {
        let imports = Imports::new(Arc::clone(&self.effects), subject);
        let call = async |mut store: Store<State<Imports>>| {
            let mut linker = Linker::new(self.runtime.engine());
            bindings::Rotator::add_to_linker::<_, HasSelf<Imports>>(&mut linker, |state: &mut State<Imports>| {
                &mut state.data
            })?;
            let instance = linker.instantiate_async(&mut store, &self.hostile).await?;
            let function = instance.get_typed_func::<(), (R,)>(&mut store, function)?;
            Ok(function.call_async(&mut store, ()).await?.0)
        };
        self.runtime.run(imports, call).await
    }

    /// Calls a function in a call that is about "shop".
    async fn about_shop(&self, function: &str) -> Result<u32, Stopped> {
        self.call(Subject::Application("shop".into()), function).await
    }

    /// What the files of the store hold.
    fn files(&self) -> BTreeMap<String, Vec<u8>> {
        let entries = std::fs::read_dir(self.folder.path()).unwrap().map(|entry| entry.unwrap());
        entries.map(|e| (e.file_name().into_string().unwrap(), std::fs::read(e.path()).unwrap())).collect()
    }

    /// What the hostile component is to find as the record of "shop".
    async fn plant(&self, document: &str) {
        let entry = self.store.load("shop").await.unwrap().unwrap();
        self.store.save("shop", document.into(), Some(&entry.revision)).await.unwrap();
    }

    /// The real component reads and writes a record of the same store.
    async fn assert_that_the_host_goes_on(&self) {
        let status = self.honest.request("other", false).await.unwrap();
        assert_eq!(status.state, crate::State::Requesting);
        assert_eq!(self.honest.status("other").await.unwrap(), status);
    }
}

fn forbidden<R: std::fmt::Debug>(result: Result<R, Stopped>, told: &str) {
    match result {
        Err(Stopped::Forbidden(text)) if text.contains(told) => {}
        other => panic!("{told}: {other:?}"),
    }
}

#[tokio::test]
async fn a_call_about_one_application_reaches_no_other() {
    let world = World::new().await;
    let before = world.files();

    for function in [
        "find-other",
        "load-other",
        "save-other",
        "remove-other",
        "put-for-other",
        "read-for-other",
        "load-stranger",
        "save-stranger",
    ] {
        forbidden(world.about_shop(function).await, "another application");
        assert_eq!(world.files(), before, "{function}");
    }

    assert_eq!(*world.attic.0.lock().unwrap(), 0);
    world.assert_that_the_host_goes_on().await;
}

#[tokio::test]
async fn a_message_may_be_about_any_application_of_the_host_and_about_no_other() {
    let world = World::new().await;
    let before = world.files();

    assert_eq!(world.call(Subject::Message, "load-other").await, Ok(0_u32));
    for function in ["load-stranger", "save-stranger"] {
        forbidden(world.call::<u32>(Subject::Message, function).await, "not of this host");
    }

    assert_eq!(world.files(), before);
    world.assert_that_the_host_goes_on().await;
}

#[tokio::test]
async fn nothing_is_published_to_a_target_that_is_not_of_the_application() {
    let world = World::new().await;

    for function in ["put-elsewhere", "read-elsewhere"] {
        forbidden(world.about_shop(function).await, "not of the application");
    }

    assert_eq!((*world.shelf.0.lock().unwrap(), *world.attic.0.lock().unwrap()), (0, 0));
    world.assert_that_the_host_goes_on().await;
}

#[tokio::test]
async fn a_queue_is_reached_by_the_calls_about_it_alone() {
    let world = World::new().await;
    world.queue.send("main", "the only copy");

    for function in ["receive-from-queue", "delete-from-queue", "inspect-queue"] {
        forbidden(world.about_shop(function).await, "a queue that the call is not about");
        forbidden(world.call::<u32>(Subject::Message, function).await, "a queue that the call is not about");
        forbidden(
            world.call::<u32>(Subject::Queue("side".into()), function).await,
            "a queue that the call is not about",
        );
    }
    assert_eq!(world.queue.ids("main").len(), 1);

    for function in ["receive-from-queue", "delete-from-queue"] {
        let inspection = world.call::<u32>(Subject::Inspection("main".into()), function).await;
        forbidden(inspection, "a queue that the call is not about");
    }
    let other = world.call::<u32>(Subject::Inspection("side".into()), "inspect-queue").await;
    forbidden(other, "a queue that the call is not about");
    let record = world.call::<u32>(Subject::Inspection("main".into()), "load-other").await;
    forbidden(record, "an application, which the call is not about");
    assert_eq!(world.queue.ids("main").len(), 1);

    assert_eq!(world.call(Subject::Inspection("main".into()), "inspect-queue").await, Ok(0_u32));
    assert_eq!(world.call(Subject::Advance("shop".into()), "inspect-queue").await, Ok(0_u32));
    assert_eq!(world.call(Subject::Queue("main".into()), "receive-from-queue").await, Ok(0_u32));
    world.assert_that_the_host_goes_on().await;
}

/// The store decides, not what a component says of it.
#[tokio::test]
async fn a_lie_about_a_revision_is_a_conflict_and_changes_nothing() {
    let world = World::new().await;
    let before = world.files();

    for function in ["save-as-new", "save-over-invented", "remove-invented"] {
        assert_eq!(world.about_shop(function).await, Ok(1), "{function}: a conflict");
    }
    assert_eq!(world.about_shop("claim-that-it-is-saved").await, Ok(0));

    assert_eq!(world.files(), before);
    assert_eq!(world.honest.status("shop").await.unwrap().generation, 1);
    world.assert_that_the_host_goes_on().await;
}

/// A server on loopback that answers everything with an empty 200, and says how many connections came.
fn server() -> (String, std::thread::JoinHandle<usize>, Arc<std::sync::atomic::AtomicBool>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let over = Arc::new(std::sync::atomic::AtomicBool::new(false));
    let serving = {
        let over = Arc::clone(&over);
        std::thread::spawn(move || {
            let mut count = 0;
            loop {
                let (mut connection, _) = listener.accept().unwrap();
                if over.load(std::sync::atomic::Ordering::SeqCst) {
                    return count;
                }
                count += 1;
                let mut bytes = [0; 4096];
                let _ = connection.read(&mut bytes);
                let _ = connection.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
            }
        })
    };
    (url, serving, over)
}

#[tokio::test]
async fn nothing_arrives_at_an_origin_that_is_not_allowed() {
    let elsewhere = TcpListener::bind("127.0.0.1:0").unwrap();
    elsewhere.set_nonblocking(true).unwrap();
    let url = format!("http://{}", elsewhere.local_addr().unwrap());
    let (allowed, serving, over) = server();
    let world = World::with(Client::new([Origin::of(&allowed).unwrap()]), Limits::default()).await;

    world.plant(&url).await;
    assert_eq!(world.about_shop("send").await, Ok(1 + 1), "forbidden");
    assert_eq!(elsewhere.accept().unwrap_err().kind(), ErrorKind::WouldBlock, "no connection came");

    world.plant(&allowed).await;
    assert_eq!(world.about_shop("send-with-host").await, Ok(1), "not sent: it would lead to another host");
    assert_eq!(world.about_shop("send").await, Ok(0), "the same request without that header is answered");

    over.store(true, std::sync::atomic::Ordering::SeqCst);
    drop(std::net::TcpStream::connect(allowed.trim_start_matches("http://")).unwrap());
    assert_eq!(serving.join().unwrap(), 1);
    world.assert_that_the_host_goes_on().await;
}

#[tokio::test]
async fn an_answer_is_bounded_whatever_limit_was_asked_for() {
    let asked = Arc::new(Asked::default());
    let world = World::with(Arc::clone(&asked), Limits::default()).await;

    assert_eq!(world.about_shop("send-without-limit").await, Ok(1));

    assert_eq!(asked.0.lock().unwrap()[0].body_limit, HANDED_OVER);
    world.assert_that_the_host_goes_on().await;
}

#[tokio::test]
async fn a_list_that_is_larger_than_it_can_be_ends_the_call() {
    let world = World::new().await;

    for function in ["send-a-list-out-of-memory", "send-the-same-again-and-again"] {
        let stopped = world.about_shop(function).await;
        assert!(matches!(&stopped, Err(Stopped::Trap(_))), "{function}: {stopped:?}");
    }
    let subject = || Subject::Application("shop".into());
    let text = world.call::<String>(subject(), "answer-out-of-memory").await;
    assert!(matches!(&text, Err(Stopped::Trap(_))), "{text:?}");
    let list = world.call::<Vec<String>>(subject(), "answer-the-same-again-and-again").await;
    assert!(matches!(&list, Err(Stopped::Trap(_))), "{} texts", list.unwrap().len());

    world.assert_that_the_host_goes_on().await;
}

#[tokio::test]
async fn a_flood_of_events_is_cut_off() {
    let world = World::new().await;

    forbidden(world.about_shop("emit-without-end").await, "more than 50000 things");
    assert_eq!(world.events.take().len(), 50_000);

    forbidden(world.about_shop("emit-at-length").await, "bytes of events");
    let told: usize = world.events.take().iter().map(|event| format!("{event:?}").len()).sum();
    assert!(told <= HANDED_OVER as usize, "{told}");

    world.assert_that_the_host_goes_on().await;
}

#[tokio::test]
async fn imports_without_end_are_cut_off() {
    let asked = Arc::new(Asked::default());
    let world = World::with(Arc::clone(&asked), Limits::default()).await;

    forbidden(world.call::<u32>(Subject::Message, "find-without-end").await, "more than 50000 things");
    for function in ["load-without-end", "send-without-end"] {
        let stopped = world.about_shop(function).await;
        // On a slow machine the limit of computing comes first.
        assert!(matches!(&stopped, Err(Stopped::Forbidden(_) | Stopped::Computing(_))), "{function}: {stopped:?}");
    }

    assert!(asked.0.lock().unwrap().len() <= 25_000, "and each request takes two imports here");
    world.assert_that_the_host_goes_on().await;
}

#[tokio::test]
async fn imports_that_cost_nothing_count_as_computing() {
    let limits = Limits { computing: Duration::from_millis(50), ..Limits::default() };
    let world = World::with(Asked::default(), limits).await;

    assert_eq!(world.about_shop("ask-the-time-without-end").await, Err(Stopped::Computing(limits.computing)));
}

#[tokio::test]
async fn data_that_a_guest_never_lets_go_of_ends_the_call() {
    let world = World::new().await;
    world.plant(&"x".repeat(64 << 10)).await;

    assert_eq!(world.about_shop("load-without-end").await, Err(Stopped::Memory(8 << 20)));

    world.assert_that_the_host_goes_on().await;
}
