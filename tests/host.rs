//! The real component in the real host against the emulator: files, HTTP and SQS as in the program, and Amazon's clock, which
//! the test moves.

#![allow(missing_docs, clippy::unwrap_used, reason = "tests")]

use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use lwa_rotate::aws::Aws;
use lwa_rotate::clock::Clock;
use lwa_rotate::observe::{Collector, Happening};
use lwa_rotate::publish::{FileTarget, Format, Targets};
use lwa_rotate::queue::Sqs;
use lwa_rotate::store::FileStore;
use lwa_rotate::{Answer, Application, Cause, Decision, Rotator, Secret, Stage, State, Status};
use lwa_rotate_emulator::{Application as AtAmazon, Emulator, Options};

const CLIENT_ID: &str = "amzn1.application-oa2-client.shop";
const SECRET: &str = "amzn1.oa2-cs.v1.enrolled";
const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3_600);
const DAY: Duration = Duration::from_secs(86_400);

/// The time as it is at Amazon.
struct AtAmazonNow(Arc<Emulator>);

impl Clock for AtAmazonNow {
    fn now(&self) -> u64 {
        u64::try_from(self.0.now().duration_since(UNIX_EPOCH).unwrap().as_millis()).unwrap()
    }
}

struct World {
    emulator: Arc<Emulator>,
    events: Arc<Collector>,
    folder: tempfile::TempDir,
    rotator: Rotator,
}

impl World {
    /// Enrolled, verified and published.
    async fn with(change: impl FnOnce(&mut Options)) -> Self {
        let mut options = Options { applications: vec![AtAmazon::new(CLIENT_ID, SECRET)], ..Options::default() };
        change(&mut options);
        let emulator = Arc::new(Emulator::start(options).await.unwrap());
        let folder = tempfile::tempdir().unwrap();
        let events = Arc::new(Collector::default());
        let rotator = Self::host(&emulator, &events, &folder).await;
        let world = Self { emulator, events, folder, rotator };
        let ends = world.emulator.secrets(CLIENT_ID)[0].ends_at;
        world.rotator.enroll(CLIENT_ID, SECRET.into(), Some(ends), false).await.unwrap();
        let status = world.advance().await;
        assert_eq!((status.state, status.verified), (State::Settled, true), "{:?}", status.problem);
        // A message that was made soon after a secret was supplied leaves open which of the two is the newer one.
        world.pass(HOUR);
        world.advance().await;
        world
    }

    async fn new() -> Self {
        Self::with(|_| {}).await
    }

    /// One of any number of hosts with the same store.
    async fn host(emulator: &Arc<Emulator>, events: &Arc<Collector>, folder: &tempfile::TempDir) -> Rotator {
        let aws = Aws::new().endpoint(emulator.url()).unwrap().region("us-east-1");
        let aws = aws.access_key("test", Secret::from("test"));
        let queue = Sqs::new([("main", emulator.queue_url())]).unwrap().aws(aws);
        let target = FileTarget::new(folder.path().join("shop.env"), Format::Env);
        let targets = Targets::new().with(CLIENT_ID, "file", target);
        let application = Application {
            token_endpoint: emulator.token_endpoint(),
            targets: targets.of(CLIENT_ID).await.unwrap(),
            ..Application::new(CLIENT_ID, emulator.url(), "main")
        };
        Rotator::builder()
            .application(application)
            .queue(queue)
            .store(FileStore::new(folder.path().join("state")))
            .publish(targets)
            .observe(Arc::clone(events))
            .clock(AtAmazonNow(Arc::clone(emulator)))
            .build()
            .unwrap()
    }

    async fn another(&self) -> Rotator {
        Self::host(&self.emulator, &self.events, &self.folder).await
    }

    /// Time passes for everybody.
    fn pass(&self, time: Duration) {
        self.emulator.advance_time(time);
    }

    async fn advance(&self) -> Status {
        self.rotator.advance(CLIENT_ID).await.unwrap()
    }

    async fn drain(&self) -> Vec<Answer> {
        let deliveries = self.rotator.drain("main", 10, 0).await.unwrap().deliveries;
        deliveries.into_iter().map(|delivery| delivery.answer).collect()
    }

    async fn revealed(&self, stage: Stage) -> Option<String> {
        let credential = self.rotator.reveal(CLIENT_ID, stage).await.unwrap();
        credential.map(|credential| credential.client_secret.expose_str().unwrap().to_owned())
    }

    fn count(&self, operation: &str) -> usize {
        self.emulator.calls().iter().filter(|call| call.operation.name() == operation).count()
    }

    fn newest(&self) -> String {
        self.emulator.secrets(CLIENT_ID).pop().unwrap().secret
    }

    fn published(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("shop.env")).unwrap()
    }

    async fn assert_rotated(&self) {
        assert_eq!(self.revealed(Stage::Current).await, Some(self.newest()), "the newest secret is current");
        assert!(self.published().contains(&self.newest()), "and published");
        assert_eq!(self.emulator.messages().all(), 0, "and acknowledged");
        let events = format!("{:?}", self.events.take());
        for secret in self.emulator.secrets(CLIENT_ID) {
            assert!(!events.contains(&secret.secret), "rule 9");
        }
    }
}

#[tokio::test]
async fn a_whole_rotation_takes_eight_calls_of_the_emulator() {
    let world = World::new().await;
    let before = world.emulator.calls().len();

    world.rotator.request(CLIENT_ID, false).await.unwrap();
    assert_eq!(world.advance().await.state, State::Awaiting);
    assert_eq!(world.drain().await, [Answer::Delete]);

    let calls = world.emulator.calls();
    let operations: Vec<_> = calls[before..].iter().map(|call| call.operation.name()).collect();
    let preparation = ["queue", "receive"];
    assert_eq!(operations, [&preparation[..], &["token", "rotate", "receive", "token", "proof", "delete"]].concat());
    let status = world.rotator.status(CLIENT_ID).await.unwrap();
    let secrets = world.emulator.secrets(CLIENT_ID);
    assert_eq!((status.state, status.generation), (State::Settled, 2));
    assert_eq!((status.expires_at, status.retired_ends_at), (Some(secrets[1].ends_at), Some(secrets[0].ends_at)));
    world.assert_rotated().await;
}

/// Rule 8: the retired secret stays until Amazon ends it, then it is purged.
#[tokio::test]
async fn the_retired_secret_is_kept_for_seven_days_and_then_erased() {
    let world = World::new().await;
    world.rotator.request(CLIENT_ID, false).await.unwrap();
    world.advance().await;
    world.drain().await;

    world.pass(7 * DAY - HOUR);
    world.advance().await;
    assert_eq!(world.revealed(Stage::Retired).await.as_deref(), Some(SECRET));
    assert_eq!(world.rotator.verify(CLIENT_ID).await.unwrap(), None);

    world.pass(HOUR + MINUTE);
    let status = world.advance().await;
    assert_eq!((world.revealed(Stage::Retired).await, status.retired_ends_at), (None, None));
    let events = world.events.take();
    assert!(events.iter().any(|event| matches!(event.what, Happening::RetiredPurged)));
    for entry in std::fs::read_dir(world.folder.path().join("state")).unwrap() {
        let record = std::fs::read(entry.unwrap().path()).unwrap();
        assert!(!String::from_utf8_lossy(&record).contains(SECRET), "it stands in no file any more");
    }
    world.assert_rotated().await;
}

/// Rule 3: one caller.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn eight_hosts_on_one_application_make_one_call() {
    let world = World::with(|options| options.notification_delay = Duration::from_millis(200)).await;
    world.rotator.request(CLIENT_ID, false).await.unwrap();

    let mut hosts = Vec::new();
    for _ in 0..8 {
        let host = world.another().await;
        hosts.push(tokio::spawn(async move {
            for _ in 0..20 {
                // Which of them is too late is told by `Busy`; nothing else may fail.
                match host.advance(CLIENT_ID).await {
                    Ok(status) if status.state == State::Settled && status.generation == 2 => return,
                    Ok(_) | Err(lwa_rotate::Error::Busy) => {}
                    Err(error) => panic!("{error}"),
                }
                host.drain("main", 10, 1).await.unwrap();
            }
            panic!("it did not come to its end");
        }));
    }
    for host in hosts {
        host.await.unwrap();
    }

    assert_eq!(world.count("rotate"), 1);
    assert_eq!(world.emulator.secrets(CLIENT_ID).len(), 2);
    // Whoever was late may have hidden the message for a moment.
    world.pass(10 * MINUTE);
    world.drain().await;
    world.assert_rotated().await;
}

/// Rule 4: a failed verification is never final while there is time left.
#[tokio::test]
async fn a_new_secret_that_lags_by_half_an_hour_is_tried_until_it_works() {
    for refuse in [false, true] {
        let world = World::with(|options| {
            options.applications[0].lag = HOUR / 2;
            options.refuse_dead_secrets = refuse;
        })
        .await;
        world.rotator.request(CLIENT_ID, false).await.unwrap();
        world.advance().await;
        assert!(matches!(world.drain().await[..], [Answer::HideUntil(_)]), "rule 5: not verified, so it comes back");

        let mut tries = 0;
        while world.rotator.status(CLIENT_ID).await.unwrap().state == State::Verifying {
            assert_eq!(world.revealed(Stage::Current).await.as_deref(), Some(SECRET));
            assert!(world.published().contains(SECRET), "verification before use");
            assert!(tries < 120, "it never works");
            tries += 1;
            world.pass(MINUTE);
            world.advance().await;
            world.drain().await;
        }

        assert!(tries >= 29, "{tries}");
        assert_eq!(world.count("rotate"), 1);
        world.pass(10 * MINUTE);
        world.drain().await;
        world.assert_rotated().await;
    }
}

/// A token is no proof: LWA goes on issuing tokens for a secret that has ended, and SP-API refuses them.
#[tokio::test]
async fn a_token_of_a_dead_secret_is_minted_and_refused_by_sp_api() {
    let world = World::new().await;
    world.emulator.rotate_in_console(CLIENT_ID, false);
    assert_eq!(world.rotator.verify(CLIENT_ID).await.unwrap(), None, "both live during the overlap");
    world.pass(7 * DAY + MINUTE);
    let before = world.emulator.calls().len();

    let problem = world.rotator.verify(CLIENT_ID).await.unwrap().unwrap();

    assert_eq!(problem.cause, Cause::SecretExpired);
    let amazon = problem.amazon.unwrap();
    assert_eq!((amazon.status, amazon.details.as_str()), (403, "The LWA secret token you provided has expired."));
    let calls = world.emulator.calls();
    let answers: Vec<_> = calls[before..].iter().map(|call| (call.operation.name(), call.status)).collect();
    assert_eq!(answers, [("token", Some(200)), ("token", Some(200)), ("proof", Some(403))]);
}

/// Rule 2: definite refusals are tried again, and never sooner than the rate allows.
#[tokio::test]
async fn a_refused_call_is_tried_again_when_its_time_has_come() {
    for (fault, soonest) in [("rotate:status=429", MINUTE), ("rotate:refuse=ServiceUnavailable", 7 * MINUTE)] {
        let world = World::new().await;
        world.emulator.add_fault(fault.parse().unwrap());
        world.rotator.request(CLIENT_ID, false).await.unwrap();
        let status = world.advance().await;
        assert_eq!(status.state, State::Requesting, "{fault}");
        let now = AtAmazonNow(Arc::clone(&world.emulator)).now();
        let wait = Duration::from_millis(status.problem.unwrap().retry_at.unwrap() - now);
        assert!(wait > soonest - Duration::from_secs(5), "{fault}: {wait:?}");

        world.pass(wait - Duration::from_secs(10));
        world.advance().await;
        assert_eq!(world.count("rotate"), 1, "{fault}: not yet");
        world.pass(Duration::from_secs(11));
        assert_eq!(world.advance().await.state, State::Awaiting, "{fault}");

        world.drain().await;
        assert_eq!(world.count("rotate"), 2, "{fault}");
        world.assert_rotated().await;
    }
}

/// Rule 2: repeating is an operator's decision.
#[tokio::test]
async fn another_call_is_made_when_a_person_has_decided_so() {
    let world = World::new().await;
    world.emulator.add_fault("notification:drop".parse().unwrap());
    world.rotator.request(CLIENT_ID, false).await.unwrap();
    world.advance().await;
    for _ in 0..5 {
        world.pass(HOUR);
        assert_eq!(world.drain().await, []);
        assert_eq!(world.advance().await.state, State::Stalled);
    }
    assert_eq!(world.count("rotate"), 1);

    world.rotator.resume(CLIENT_ID, Decision::RequestAgain).await.unwrap();
    assert_eq!(world.advance().await.state, State::Awaiting);
    assert_eq!(world.drain().await, [Answer::Delete]);

    assert_eq!(world.count("rotate"), 2);
    world.assert_rotated().await;
}

/// Rule 6 over a whole life: secrets follow each other, each known from Amazon's own dates.
#[tokio::test]
async fn a_year_of_rotations_goes_by_itself() {
    let world = World::new().await;
    for _ in 0..370 {
        world.pass(DAY);
        let status = world.advance().await;
        assert_ne!(status.state, State::Stalled, "{:?}", status.problem);
        world.drain().await;
    }

    let rotations = world.count("rotate");
    assert_eq!(rotations, 2, "every 150 days or a little sooner");
    assert_eq!(world.emulator.secrets(CLIENT_ID).len(), rotations + 1);
    assert_eq!(world.rotator.verify(CLIENT_ID).await.unwrap(), None);
    world.assert_rotated().await;
}
