//! The built component in the real host: a whole rotation, with Amazon played by a script and the clock moved by hand.

#![allow(clippy::unwrap_used)]

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, atomic::AtomicUsize, atomic::Ordering},
    time::Duration,
};

use async_trait::async_trait;
use lwa_rotate::{
    Answer, Application, BuildError, COMPONENT, Credential, DeadlineKind, Error, Limits, Rotator, Secret, Stage, State,
    Status, Stopped,
    clock::ManualClock,
    http::{self, Http, Method, Request, Response},
    observe::{Collector, Happening},
    publish::{self, Target, Targets},
    queue::MemoryQueue,
    settings::{self, Settings},
    store::{self, FileStore, MemoryStore, Store},
};

const CLIENT_ID: &str = "amzn1.application-oa2-client.0123";
const OLD_SECRET: &str = "amzn1.oa2-cs.v1.old";
const NEW_SECRET: &str = "amzn1.oa2-cs.v1.new";

/// 2026-01-01T00:00:00Z.
const START: u64 = 1_767_225_600_000;
const DAY: u64 = 24 * 60 * 60 * 1000;

/// Answers requests in the order of its script, and keeps them.
#[derive(Default)]
struct Script {
    answers: Mutex<VecDeque<Result<(u16, String), http::Error>>>,
    requests: Mutex<Vec<Request>>,
}

impl Script {
    fn answer(&self, status: u16, body: impl Into<String>) {
        self.answers.lock().unwrap().push_back(Ok((status, body.into())));
    }

    fn token(&self) {
        self.answer(
            200,
            r#"{"access_token":"Atza|token","token_type":"bearer","expires_in":3600,"scope":"sellingpartnerapi::notifications"}"#,
        );
    }

    fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap().clone()
    }
}

#[async_trait]
impl Http for Script {
    async fn send(&self, request: Request) -> Result<Response, http::Error> {
        self.requests.lock().unwrap().push(request.clone());
        let answer = self.answers.lock().unwrap().pop_front();
        let (status, body) = answer.unwrap_or_else(|| panic!("no answer is written for {}", request.url))?;
        Ok(Response { status, headers: Vec::new(), body: body.into() })
    }
}

/// Keeps what was published.
#[derive(Default)]
struct Shelf(Mutex<Vec<Credential>>);

#[async_trait]
impl Target for Shelf {
    async fn put(&self, credential: &Credential) -> Result<(), publish::Error> {
        self.0.lock().unwrap().push(credential.clone());
        Ok(())
    }
}

impl Shelf {
    fn secrets(&self) -> Vec<String> {
        let credentials = self.0.lock().unwrap();
        credentials.iter().map(|credential| text(&credential.client_secret)).collect()
    }
}

struct World {
    clock: Arc<ManualClock>,
    amazon: Arc<Script>,
    queue: Arc<MemoryQueue>,
    shelf: Arc<Shelf>,
    events: Arc<Collector>,
    rotator: Rotator,
}

impl World {
    fn with(store: impl Store) -> Self {
        let clock = Arc::new(ManualClock::new(START));
        let amazon = Arc::new(Script::default());
        let queue = Arc::new(MemoryQueue::new(Arc::clone(&clock), ["main"]));
        let shelf = Arc::new(Shelf::default());
        let events = Arc::new(Collector::default());
        let rotator = Rotator::builder()
            .application(application())
            .http(Arc::clone(&amazon))
            .queue(Arc::clone(&queue))
            .store(store)
            .publish(Targets::new().with(CLIENT_ID, "shelf", Arc::clone(&shelf)))
            .observe(Arc::clone(&events))
            .clock(Arc::clone(&clock))
            .build()
            .unwrap();
        Self { clock, amazon, queue, shelf, events, rotator }
    }

    /// Enrolled, verified and published.
    async fn settled(store: impl Store) -> Self {
        let world = Self::with(store);
        world.rotator.enroll(CLIENT_ID, OLD_SECRET.into(), Some(START + 100 * DAY), false).await.unwrap();
        world.amazon.token();
        world.amazon.answer(200, r#"{"payload":[]}"#);
        let status = world.rotator.advance(CLIENT_ID).await.unwrap();
        assert_eq!((status.state, status.verified), (State::Settled, true), "{:?}", status.problem);
        world.events.take();
        world.amazon.requests.lock().unwrap().clear();
        world
    }

    async fn revealed(&self, stage: Stage) -> Option<String> {
        let credential = self.rotator.reveal(CLIENT_ID, stage).await.unwrap();
        credential.map(|credential| text(&credential.client_secret))
    }
}

fn application() -> Application {
    Application {
        targets: vec![target("shelf")],
        ..Application::new(CLIENT_ID, "https://sellingpartnerapi-eu.amazon.com", "main")
    }
}

fn target(name: &str) -> settings::Target {
    settings::Target { name: name.into(), place: format!("function://machine/{name}") }
}

fn text(secret: &Secret) -> String {
    secret.expose_str().unwrap().to_owned()
}

fn notification() -> String {
    format!(
        r#"{{"notificationVersion":"1.0","notificationType":"APPLICATION_OAUTH_CLIENT_NEW_SECRET","payloadVersion":"1.0","eventTime":"2026-01-01T00:01:00.000Z","payload":{{"applicationOAuthClientNewSecret":{{"clientId":"{CLIENT_ID}","newClientSecret":"{NEW_SECRET}","newClientSecretExpiryTime":"2026-06-30T00:01:00.000Z","oldClientSecretExpiryTime":"2026-01-08T00:01:00.000Z"}}}},"notificationMetadata":{{"applicationId":"a","subscriptionId":"s","publishTime":"2026-01-01T00:01:00.000Z","notificationId":"n"}}}}"#
    )
}

#[tokio::test]
async fn a_rotation_without_trouble_takes_six_calls() {
    let world = World::settled(MemoryStore::new()).await;

    world.rotator.request(CLIENT_ID, false).await.unwrap();
    world.amazon.token();
    world.amazon.answer(204, "");
    let status = world.rotator.advance(CLIENT_ID).await.unwrap();
    assert_eq!(status.state, State::Awaiting, "{:?}", status.problem);

    let id = world.queue.send("main", notification());
    world.amazon.token();
    world.amazon.answer(200, r#"{"payload":[]}"#);
    let deliveries = world.rotator.drain("main", 10, 20).await.unwrap().deliveries;

    let [delivery] = deliveries.try_into().unwrap();
    assert_eq!((delivery.message_id, delivery.client_id.as_deref()), (id, Some(CLIENT_ID)));
    assert_eq!(delivery.answer, Answer::Delete);
    let status = delivery.status.unwrap();
    assert_eq!((status.state, status.verified), (State::Settled, true), "{:?}", status.problem);
    assert_eq!(world.queue.ids("main"), [""; 0]);

    // Token, rotate, (receive,) token, verification, (delete).
    let requests = world.amazon.requests();
    let lines: Vec<_> = requests.iter().map(|request| (request.method, request.url.as_str())).collect();
    assert_eq!(
        lines,
        [
            (Method::Post, "https://api.amazon.com/auth/o2/token"),
            (Method::Post, "https://sellingpartnerapi-eu.amazon.com/applications/2023-11-30/clientSecret"),
            (Method::Post, "https://api.amazon.com/auth/o2/token"),
            (Method::Get, "https://sellingpartnerapi-eu.amazon.com/notifications/v1/destinations"),
        ]
    );
    assert!(text(&requests[0].body).contains(OLD_SECRET) && text(&requests[2].body).contains(NEW_SECRET));
    for request in &requests {
        assert!(request.headers.iter().any(|header| header.name == "user-agent"));
    }

    assert_eq!(world.shelf.secrets(), [OLD_SECRET, NEW_SECRET]);
    assert_eq!(world.revealed(Stage::Current).await.as_deref(), Some(NEW_SECRET));
    assert_eq!(world.revealed(Stage::Retired).await.as_deref(), Some(OLD_SECRET));
    assert_eq!(world.revealed(Stage::Candidate).await, None);

    let events: Vec<_> = world.events.take().into_iter().map(|event| event.what).collect();
    let position = |wanted: fn(&Happening) -> bool| events.iter().position(wanted).unwrap();
    let kept = position(|what| matches!(what, Happening::SecretKept(_)));
    let verified = position(|what| matches!(what, Happening::Verified));
    let published = position(|what| matches!(what, Happening::Published(_)));
    let acknowledged = position(|what| matches!(what, Happening::Acknowledged(_)));
    assert!(kept < verified && verified < published && published < acknowledged, "rules 4 and 5");
    assert!(!format!("{events:?}").contains("oa2-cs"), "rule 9");
}

#[tokio::test]
async fn a_rotation_goes_on_in_another_process_with_the_same_store() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::settled(FileStore::new(folder.path())).await;
    world.rotator.request(CLIENT_ID, false).await.unwrap();
    world.amazon.token();
    world.amazon.answer(204, "");
    world.rotator.advance(CLIENT_ID).await.unwrap();

    let other = World::with(FileStore::new(folder.path()));
    assert_eq!(other.rotator.status(CLIENT_ID).await.unwrap().state, State::Awaiting);
    other.queue.send("main", notification());
    other.amazon.token();
    other.amazon.answer(200, r#"{"payload":[]}"#);
    other.rotator.drain("main", 10, 0).await.unwrap();

    assert_eq!(world.rotator.status(CLIENT_ID).await.unwrap().state, State::Settled);
    assert_eq!(world.revealed(Stage::Current).await.as_deref(), Some(NEW_SECRET));
}

#[tokio::test]
async fn a_message_that_somebody_else_received_is_delivered() {
    let world = World::settled(MemoryStore::new()).await;
    world.queue.send("main", notification());
    let received = lwa_rotate::queue::Queue::receive(&world.queue, "main", 1, 0, 30).await.unwrap();
    let [message] = received.try_into().unwrap();
    world.amazon.token();
    world.amazon.answer(200, r#"{"payload":[]}"#);

    let delivery = world.rotator.deliver(message.clone()).await.unwrap();
    let repeated = world.rotator.deliver(message).await.unwrap();

    assert_eq!((delivery.answer, repeated.answer), (Answer::Delete, Answer::Delete));
    assert_eq!(world.shelf.secrets(), [OLD_SECRET, NEW_SECRET], "the repetition changes nothing");
    assert_eq!(world.queue.ids("main").len(), 1, "deleting is the business of who received it");
}

#[tokio::test]
async fn the_host_is_told_when_to_come_back() {
    let world = World::settled(MemoryStore::new()).await;

    let status = world.rotator.status(CLIENT_ID).await.unwrap();

    // What was written is read again soon, and daily from then on.
    assert_eq!(status.next.unwrap().kind, DeadlineKind::Reading);
    let due = status.rotation_due_at.unwrap();
    assert!(due > START + 60 * DAY && due <= START + 71 * DAY, "{due:?}");
    world.clock.set(due);
    world.amazon.token();
    world.amazon.answer(204, "");
    assert_eq!(world.rotator.advance(CLIENT_ID).await.unwrap().state, State::Awaiting);
}

#[tokio::test]
async fn an_application_that_is_not_enrolled_or_not_known_is_told_apart() {
    let world = World::with(MemoryStore::new());
    assert_eq!(world.rotator.status(CLIENT_ID).await, Err(Error::NotEnrolled));
    assert_eq!(world.rotator.status("other").await, Err(Error::UnknownApplication));
    let refused = world.rotator.enroll(CLIENT_ID, "".into(), None, false).await;
    assert!(matches!(refused, Err(Error::NotAllowed(_))), "{refused:?}");
    let unknown = world.rotator.drain("other", 1, 0).await;
    assert!(matches!(unknown, Err(Error::Queue(lwa_rotate::queue::Error::NotFound(_)))), "{unknown:?}");
}

/// A store with nothing in it, or with something that nobody can use.
struct Odd(fn() -> Result<Option<store::Entry>, store::Error>);

#[async_trait]
impl Store for Odd {
    async fn load(&self, _: &str) -> Result<Option<store::Entry>, store::Error> {
        (self.0)()
    }

    async fn save(&self, _: &str, _: Secret, _: Option<&str>) -> Result<String, store::Error> {
        Err(store::Error::Full("no room".into()))
    }

    async fn remove(&self, _: &str, _: &str) -> Result<(), store::Error> {
        Err(store::Error::Conflict)
    }
}

#[tokio::test]
async fn failures_of_the_store_come_back_as_they_were() {
    let full = World::with(Odd(|| Ok(None)));
    let enrolled = full.rotator.enroll(CLIENT_ID, OLD_SECRET.into(), None, false).await;
    assert_eq!(enrolled, Err(Error::Store(store::Error::Full("no room".into()))));
    assert!(full.amazon.requests().is_empty());

    let damaged = World::with(Odd(|| Ok(Some(store::Entry { revision: "1".into(), document: "{".into() }))));
    let status = damaged.rotator.status(CLIENT_ID).await;
    assert!(matches!(status, Err(Error::UnreadableRecord(_))), "{status:?}");
}

#[tokio::test]
async fn a_component_that_wants_too_much_memory_is_stopped_and_the_next_call_works() {
    static LOADS: AtomicUsize = AtomicUsize::new(0);
    let world = World::with(Odd(|| {
        let document = if LOADS.fetch_add(1, Ordering::SeqCst) == 0 { vec![b' '; 40 << 20] } else { b"{".to_vec() };
        Ok(Some(store::Entry { revision: "1".into(), document: document.into() }))
    }));

    let stopped = world.rotator.status(CLIENT_ID).await;

    assert_eq!(stopped, Err(Error::Stopped(Stopped::Memory(32 << 20))));
    assert!(matches!(world.rotator.status(CLIENT_ID).await, Err(Error::UnreadableRecord(_))));
}

/// The component's stack is small: nothing that comes from outside may use it up.
#[tokio::test]
async fn json_is_refused_however_deep_it_is() {
    // A parser goes down 127 levels.
    for depth in [1, 126, 127, 128, 100_000] {
        for (open, close) in [("[", "]"), (r#"{"payload":"#, "}")] {
            let deep = format!("{}null{}", open.repeat(depth), close.repeat(depth));
            let store = MemoryStore::new();
            store.save(CLIENT_ID, deep.clone().into(), None).await.unwrap();
            let world = World::with(store);
            world.queue.send("main", deep.clone());

            let read = world.rotator.status(CLIENT_ID).await;
            let delivered = world.rotator.drain("main", 1, 0).await;

            assert!(matches!(read, Err(Error::UnreadableRecord(_))), "{depth}: {read:?}");
            assert!(matches!(delivered.unwrap().deliveries[0].answer, Answer::Leave(_)), "{depth}");

            let world = World::with(MemoryStore::new());
            world.rotator.enroll(CLIENT_ID, OLD_SECRET.into(), None, false).await.unwrap();
            world.amazon.answer(200, deep);
            assert!(world.rotator.verify(CLIENT_ID).await.unwrap().is_some(), "{depth}");
        }
    }
}

/// A store that never answers.
struct Silent;

#[async_trait]
impl Store for Silent {
    async fn load(&self, _: &str) -> Result<Option<store::Entry>, store::Error> {
        std::future::pending().await
    }

    async fn save(&self, _: &str, _: Secret, _: Option<&str>) -> Result<String, store::Error> {
        std::future::pending().await
    }

    async fn remove(&self, _: &str, _: &str) -> Result<(), store::Error> {
        std::future::pending().await
    }
}

#[tokio::test]
async fn a_call_whose_host_does_not_answer_ends_at_its_time_limit() {
    let mut limits = Limits::default();
    limits.call = Duration::from_millis(50);
    let rotator = Rotator::builder().application(application()).store(Silent).limits(limits).build().unwrap();

    assert_eq!(rotator.status(CLIENT_ID).await, Err(Error::Stopped(Stopped::Time(limits.call))));
}

/// Never done.
struct Hanging;

#[async_trait]
impl Target for Hanging {
    async fn put(&self, _: &Credential) -> Result<(), publish::Error> {
        std::future::pending().await
    }
}

#[tokio::test]
async fn a_target_that_hangs_counts_as_failed_and_stands_in_no_others_way() {
    let (amazon, shelf) = (Arc::new(Script::default()), Arc::new(Shelf::default()));
    let targets = Targets::new().with(CLIENT_ID, "hanging", Hanging).with(CLIENT_ID, "shelf", Arc::clone(&shelf));
    let mut limits = Limits::default();
    limits.target = Duration::from_millis(20);
    let rotator = Rotator::builder()
        .application(Application { targets: vec![target("hanging"), target("shelf")], ..application() })
        .http(Arc::clone(&amazon))
        .store(MemoryStore::new())
        .publish(targets)
        .clock(Arc::new(ManualClock::new(START)))
        .limits(limits)
        .build()
        .unwrap();
    rotator.enroll(CLIENT_ID, OLD_SECRET.into(), None, false).await.unwrap();
    amazon.token();
    amazon.answer(200, r#"{"payload":[]}"#);

    let status = rotator.advance(CLIENT_ID).await.unwrap();

    assert_eq!(status.state, State::Publishing);
    let [hanging, other] = status.targets.try_into().unwrap();
    assert!(!hanging.holds_current && hanging.retry_at.is_some());
    assert!(hanging.failure.is_some_and(|failure| failure.contains("not done within")), "{:?}", status.problem);
    assert!(other.holds_current);
    assert_eq!(shelf.secrets(), [OLD_SECRET]);
}

/// Answers when so many wait.
struct Meeting(tokio::sync::Barrier);

#[async_trait]
impl Store for Meeting {
    async fn load(&self, _: &str) -> Result<Option<store::Entry>, store::Error> {
        self.0.wait().await;
        Ok(None)
    }

    async fn save(&self, _: &str, _: Secret, _: Option<&str>) -> Result<String, store::Error> {
        std::future::pending().await
    }

    async fn remove(&self, _: &str, _: &str) -> Result<(), store::Error> {
        std::future::pending().await
    }
}

#[tokio::test]
async fn no_call_waits_for_another_however_many_there_are() {
    // More than there are places for; the others get memory of their own.
    let store = Meeting(tokio::sync::Barrier::new(100));
    let rotator = Rotator::builder().application(application()).store(store).build().unwrap();
    for _ in 0..2 {
        let calls: Vec<_> = (0..100)
            .map(|_| {
                let rotator = rotator.clone();
                tokio::spawn(async move { rotator.status(CLIENT_ID).await })
            })
            .collect();
        for call in calls {
            assert_eq!(call.await.unwrap(), Err(Error::NotEnrolled));
        }
    }
}

#[tokio::test]
async fn an_instance_may_be_allowed_more_memory_than_there_are_places_for() {
    for memory in [33 << 20, 100 << 20, 1 << 40] {
        let mut limits = Limits::default();
        limits.memory = memory;
        let rotator =
            Rotator::builder().application(application()).store(MemoryStore::new()).limits(limits).build().unwrap();

        assert_eq!(rotator.status(CLIENT_ID).await, Err(Error::NotEnrolled), "{memory}");
    }
}

#[tokio::test]
async fn calls_can_run_in_tasks_and_be_dropped() {
    let rotator = Rotator::builder().application(application()).store(Silent).build().unwrap();
    let calls: Vec<_> = (0..50)
        .map(|_| {
            let rotator = rotator.clone();
            tokio::spawn(async move { rotator.advance(CLIENT_ID).await })
        })
        .collect();
    tokio::task::yield_now().await;
    for call in calls {
        call.abort();
        assert!(call.await.unwrap_err().is_cancelled());
    }
}

#[tokio::test]
async fn settings_stay_the_same_for_one_call() {
    struct Counting(Arc<AtomicUsize>);

    impl Settings for Counting {
        fn find(&self, client_id: &str) -> Option<Application> {
            self.0.fetch_add(1, Ordering::SeqCst);
            (client_id == CLIENT_ID).then(application)
        }
    }

    let asked = Arc::new(AtomicUsize::new(0));
    let rotator = Rotator::builder()
        .settings(Counting(Arc::clone(&asked)))
        .http(Arc::new(Script::default()))
        .store(MemoryStore::new())
        .build()
        .unwrap();
    let enrolled: Result<Status, Error> = rotator.enroll(CLIENT_ID, OLD_SECRET.into(), None, false).await;
    assert!(enrolled.is_ok());
    assert_eq!(asked.load(Ordering::SeqCst), 1);
}

#[test]
fn what_is_missing_to_build_is_named() {
    let build = |builder: lwa_rotate::Builder| builder.build().unwrap_err();
    assert_eq!(build(Rotator::builder()), BuildError::NoSettings);
    assert_eq!(build(Rotator::builder().application(application())), BuildError::NoStore);
    let twice = Rotator::builder().application(application()).application(application()).store(MemoryStore::new());
    assert_eq!(build(twice), BuildError::TwoApplications(CLIENT_ID.into()));
    let plain = Application::new(CLIENT_ID, "http://sellingpartnerapi-eu.amazon.com", "main");
    let error = build(Rotator::builder().application(plain).store(MemoryStore::new()));
    assert!(error.to_string().contains("plain http is for loopback"), "{error}");
}

#[test]
fn the_component_names_no_path_of_the_machine_that_built_it() {
    let text = String::from_utf8_lossy(COMPONENT);
    for path in [env!("CARGO_MANIFEST_DIR"), "/.cargo/", "/rustlib/", "/home/", "/root/"] {
        assert!(!text.contains(path), "{path}");
    }
}
