//! The library in programs of others: what it says of parts that break their promises, panic, or are stopped.

use std::io;
use std::panic;
use std::sync::{Arc, Mutex, Once};
use std::time::Duration;

use async_trait::async_trait;
use lwa_rotate::http::{self, Client, Http, Origin, Request, Response};
use lwa_rotate::observe::{Event, Observe};
use lwa_rotate::publish::{self, Publish, Reading};
use lwa_rotate::queue::Message;
use lwa_rotate::settings::{Settings, Target as Named};
use lwa_rotate::store::FileStore;
use lwa_rotate::{Application, Builder, Credential, Error, Limits, Rotator, Stage, Stopped};

use crate::WRONG;
use crate::program::{CLIENT_ID, SECRET, World};

/// What panics and log lines have said in this process.
#[derive(Clone, Default)]
struct Said(Arc<Mutex<Vec<u8>>>);

impl Said {
    fn all(&self) -> Vec<u8> {
        self.0.lock().unwrap().clone()
    }
}

impl io::Write for Said {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Listens to all log lines at all levels and to all panics with their stacks, of every test of this process.
fn listen() -> Said {
    static SAID: std::sync::LazyLock<Said> = std::sync::LazyLock::new(Said::default);
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let writer = || SAID.clone();
        tracing_subscriber::fmt().with_max_level(tracing::Level::TRACE).with_writer(writer).init();
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            let stack = std::backtrace::Backtrace::force_capture();
            let _ = io::Write::write(&mut SAID.clone(), format!("{info}\n{info:?}\n{stack}\n").as_bytes());
            before(info);
        }));
    });
    SAID.clone()
}

/// Debug of every event.
#[derive(Clone, Default)]
struct Events(Said);

impl Observe for Events {
    fn emit(&self, event: &Event) {
        let _ = io::Write::write(&mut self.0.clone(), format!("{event:?}\n{event:#?}\n").as_bytes());
    }
}

/// What a part of a host does when it is its turn.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Part {
    Works,
    Panics,
    /// It says what it was given.
    Tells,
}

struct Target(Part);

#[async_trait]
impl Publish for Target {
    async fn put(&self, _: &str, credential: &Credential) -> Result<(), publish::Error> {
        let secret = credential.client_secret.expose_str().unwrap();
        match self.0 {
            Part::Works => Ok(()),
            Part::Panics => panic!("the target is broken, with {credential:?}"),
            Part::Tells => Err(publish::Error::Other(format!("I do not like {secret}, says {credential:?}"))),
        }
    }

    async fn read(&self, _: &str, _: &str) -> Result<Reading, publish::Error> {
        match self.0 {
            Part::Works | Part::Panics => Ok(Reading::Unreadable),
            Part::Tells => Ok(Reading::None),
        }
    }
}

struct Requests(Part, Client);

#[async_trait]
impl Http for Requests {
    async fn send(&self, request: Request) -> Result<Response, http::Error> {
        let body = request.body.expose_str().unwrap().to_owned();
        match self.0 {
            Part::Works => self.1.send(request).await,
            Part::Panics => panic!("requests are broken, with {request:?}"),
            Part::Tells => Err(http::Error::OutcomeUnknown(format!("I do not like {body}, says {request:?}"))),
        }
    }
}

struct Apps(Application);

impl Settings for Apps {
    fn find(&self, client_id: &str) -> Option<Application> {
        (client_id == self.0.client_id).then(|| self.0.clone())
    }
}

fn builder(world: &World, events: &Events, (requests, target): (Part, Part)) -> Builder {
    let url = world.emulator.url();
    let client = Client::new([Origin::of(&url).unwrap()]);
    let application = Application {
        token_endpoint: world.emulator.token_endpoint(),
        targets: vec![Named { name: "target".into(), place: "function://machine/target".into() }],
        ..Application::new(CLIENT_ID, url, "main")
    };
    Rotator::builder()
        .settings(Apps(application))
        .http(Requests(requests, client))
        .store(FileStore::new(world.path(&format!("records-{requests:?}-{target:?}"))))
        .publish(Target(target))
        .observe(events.clone())
}

fn new_secret(body: &str) -> Message {
    let body = body.replace("amzn1.application-oa2-client.example", CLIENT_ID);
    Message { id: "m".into(), receipt_handle: "r".into(), body: body.into(), receive_count: 1 }
}

#[test]
fn a_part_of_a_host_that_panics_or_tells_what_it_was_given_gives_no_secret_away() {
    let said = listen();
    let world = World::new();
    world.watch_for(WRONG);
    tokio::runtime::Runtime::new().unwrap().block_on(async {
        let events = Events::default();
        for (requests, target) in [
            (Part::Panics, Part::Works),
            (Part::Tells, Part::Works),
            (Part::Works, Part::Panics),
            (Part::Works, Part::Tells),
        ] {
            let rotator = builder(&world, &events, (requests, target)).build().unwrap();
            rotator.enroll(CLIENT_ID, SECRET.into(), None, false).await.unwrap();
            let call = {
                let rotator = rotator.clone();
                tokio::spawn(async move { rotator.advance(CLIENT_ID).await })
            };
            let ended = call.await;
            world.note("how a call ended", format!("{ended:?}"));
            // A target is written in a task of its own: its panic is a failure of the target.
            assert_eq!(ended.is_err(), requests == Part::Panics, "{ended:?}");
            world.note("the rotator", format!("{rotator:?}"));
            // The next call finds everything as it was saved.
            let status = rotator.status(CLIENT_ID).await.unwrap();
            world.note("the status", format!("{status:?}"));
            let current = rotator.reveal(CLIENT_ID, Stage::Current).await.unwrap().unwrap();
            assert_eq!(current.client_secret.expose_str(), Some(SECRET));
        }
        assert!(String::from_utf8_lossy(&said.all()).contains("the target is broken"), "panics are listened to");
        world.note("panics and log lines", said.all());
        world.note("events", events.0.all());
    });
}

/// A guest that is stopped in the middle of something has secrets in its memory.
#[test]
fn a_component_that_is_stopped_gives_no_secret_away() {
    let said = listen();
    let world = World::new();
    world.watch_for(WRONG);
    tokio::runtime::Runtime::new().unwrap().block_on(async {
        let events = Events::default();
        let limited = |limits| builder(&world, &events, (Part::Works, Part::Works)).limits(limits).build().unwrap();
        limited(Limits::default()).enroll(CLIENT_ID, SECRET.into(), None, false).await.unwrap();
        let note = |error: &Error| world.note("why a call was stopped", format!("{error} {error:?} {error:#?}"));
        let padded = |size: usize| {
            let body = include_str!("../vectors/new-secret.json").replace("amzn1.oa2-cs.v1.new-example", WRONG);
            new_secret(&format!("{}{body}", " ".repeat(size)))
        };
        let mut stopped = (0, 0);
        for pages in 0..48 {
            let mut limits = Limits::default();
            limits.memory = pages << 16;
            let rotator = limited(limits);
            for ended in [
                rotator.reveal(CLIENT_ID, Stage::Current).await.map(drop),
                rotator.enroll(CLIENT_ID, SECRET.into(), None, false).await.map(drop),
                rotator.deliver(padded(pages << 14)).await.map(drop),
            ] {
                match ended {
                    Err(error @ Error::Stopped(Stopped::Memory(_))) => {
                        note(&error);
                        stopped.0 += 1;
                    }
                    ended => ended.unwrap(),
                }
            }
        }
        for fault in ["token:hang=2s", "proof:hang=2s"] {
            world.fault(fault);
            let mut limits = Limits::default();
            limits.call = Duration::from_millis(300);
            if let Err(error @ Error::Stopped(Stopped::Time(_))) = limited(limits).verify(CLIENT_ID).await {
                note(&error);
                stopped.1 += 1;
            }
        }
        world.emulator.clear_faults();
        assert!(stopped.0 > 10 && stopped.1 == 2, "{stopped:?}");
        let current = limited(Limits::default()).reveal(CLIENT_ID, Stage::Current).await.unwrap().unwrap();
        assert_eq!(current.client_secret.expose_str(), Some(SECRET));

        world.note("panics and log lines", said.all());
        world.note("events", events.0.all());
    });
}
