//! The component with its host: what programs call.

use std::{collections::BTreeMap, sync::Arc};

use zeroize::Zeroizing;

use crate::{
    Decision, Delivery, Drained, Problem, QueueFinding, Stage, Status,
    bindings::exports::lwa::rotation::rotation::{Error as RotationError, Guest},
    clock::{Clock, SystemClock},
    error::{BuildError, Error, Stopped},
    http::{self, Http, Origin},
    observe::{Observe, Outlet, TracingObserver},
    publish::{Publish, Targets},
    queue::{Message, NoQueue, Queue},
    runtime::{
        Limits, State,
        bounds::Subject,
        component::BuiltIn,
        imports::{BorrowedMessage, Effects, Imports},
        turns::Turns,
    },
    secret::{Credential, Secret},
    settings::{Application, Settings},
    store::Store,
};

/// Rotates client secrets. Cheap to clone; may be called from many tasks at the same time.
///
/// 1. [`builder`](Rotator::builder) takes what the component needs: settings, store, queue, HTTP, publish targets.
/// 2. [`enroll`](Rotator::enroll) once for each application.
/// 3. For as long as the application lives: [`advance`](Rotator::advance) when the last status's `next` comes, and
///    [`drain`](Rotator::drain) (or [`deliver`](Rotator::deliver)) for each queue: often while the state is
///    [`Awaiting`](crate::State::Awaiting) or [`Verifying`](crate::State::Verifying), every few minutes otherwise. Go on at once
///    while it answers `more`.
/// 4. [`check_queue`](Rotator::check_queue) for each queue at the start and daily; report what it finds.
///
/// Each call runs in a fresh instance of the component within [`Limits`], and any call may be dropped, cut off or repeated:
/// what was saved decides. Calls need a tokio runtime with time enabled.
///
/// # What is wiped
///
/// [`Secret`]s are overwritten when they go. The component's memory and stack are overwritten or unmapped at the end of a call.
/// Not wiped are the short-lived copies that carry answers of imports into the instance, and the buffers of the HTTP, TLS
/// and AWS libraries; a program that wants those wiped too installs an allocator that wipes what it frees.
#[derive(Clone)]
pub struct Rotator {
    inner: Arc<Inner>,
}

struct Inner {
    component: BuiltIn,
    effects: Arc<Effects>,
    outlet: Arc<Outlet>,
}

impl Rotator {
    /// Starts to put one together.
    pub fn builder() -> Builder {
        Builder::default()
    }

    /// Takes an application's current secret into the store, with the instant at which Amazon ends it if that is known
    /// (milliseconds since 1970-01-01T00:00:00Z).
    ///
    /// The first time, the secret becomes current at once, marked as not verified; the next [`advance`](Rotator::advance)
    /// verifies it by use and then publishes it. If the application is enrolled already: the current secret again adds the expiry
    /// time, and takes back another one that was supplied by mistake; another secret becomes a candidate, which becomes current
    /// when it is verified, or replaces a first one that was never verified. Calls only the store. Repeating it changes nothing.
    ///
    /// It never leads to a rotate call by itself: a rotation that is due begins 15 minutes later at the earliest.
    ///
    /// Errors: [`Error::NotAllowed`] for a secret that is not 1 to 1024 visible ASCII characters, a retired one, or an expiry time
    /// more than 181 days ahead; [`Error::NeedsConfirmation`] for an expiry time with which a rotation would be due, unless
    /// `confirmed`.
    pub async fn enroll(
        &self,
        client_id: &str,
        secret: Secret,
        expires_at: Option<u64>,
        confirmed: bool,
    ) -> Result<Status, Error> {
        let secret = Zeroizing::new(secret.into_bytes());
        self.call(Subject::Application(client_id.to_owned()), async |guest, store| {
            guest.call_enroll(store, &client_id.to_owned(), &secret, expires_at, confirmed).await
        })
        .await
    }

    /// Says when the current secret ends (milliseconds since 1970-01-01T00:00:00Z), without supplying it again. Changes nothing
    /// where Amazon has said it in a notification. Repeating it changes nothing. A rotation that is due with it begins 15 minutes
    /// later at the earliest.
    ///
    /// Errors: [`Error::NotAllowed`] for an instant more than 181 days ahead, or where Amazon's own date differs;
    /// [`Error::NeedsConfirmation`] for one with which a rotation would be due, unless `confirmed`.
    pub async fn set_expiry(&self, client_id: &str, expires_at: u64, confirmed: bool) -> Result<Status, Error> {
        self.call(Subject::Application(client_id.to_owned()), async |guest, store| {
            guest.call_set_expiry(store, &client_id.to_owned(), expires_at, confirmed).await
        })
        .await
    }

    /// Takes the application as far as it can go now without waiting, and says when to call again.
    ///
    /// Begins a rotation that is due, inspects and reads the queue, makes the rotate call, verifies secrets, publishes, reads
    /// places, purges, and notices what is overdue: whatever is permitted now. It receives at most 10 times from the application's
    /// queue, with a wait of 1 s each, and only before a rotate call. Failures of Amazon's or of a target are no error here: they
    /// are in the status's `problem`. May be repeated at any time.
    pub async fn advance(&self, client_id: &str) -> Result<Status, Error> {
        self.call(Subject::Advance(client_id.to_owned()), async |guest, store| {
            guest.call_advance(store, &client_id.to_owned()).await
        })
        .await
    }

    /// Takes in one message that another program received, and says what to do with it. A new secret is kept, verified, made
    /// current and published before `Delete` is answered. May be repeated with the same message.
    ///
    /// Errors: [`Error::Stopped`] alone; leave the message then.
    pub async fn deliver(&self, message: Message) -> Result<Delivery, Error> {
        let message = BorrowedMessage(message.into());
        self.call(Subject::Message, async |guest, store| Ok(Ok(guest.call_deliver(store, &message.0).await?))).await
    }

    /// Receives up to `max` (1 to 10) messages from a queue, waiting up to `wait` seconds (0 to 20) for the first, delivers
    /// each, and carries out the answers. Go on at once while it answers `more`.
    ///
    /// Errors: [`Error::Queue`] when the queue could not be read. A message that could not be deleted or hidden is no error:
    /// it comes again, and is reported as an event.
    pub async fn drain(&self, queue: &str, max: u32, wait: u32) -> Result<Drained, Error> {
        let subject = Subject::Queue(queue.to_owned());
        self.call(subject, async |guest, store| guest.call_drain(store, queue, max, wait).await).await
    }

    /// Records that the operator wants a rotation now; the next [`advance`](Rotator::advance) goes on with it.
    ///
    /// Already under way: changes nothing, except that a call that backs off or is blocked is tried at once, though never sooner
    /// than Amazon's rate allows, and that `force` is added. With `force` the rotate call is made in spite of what the queue looks
    /// like, and within 7 days of the last call; it holds until the call.
    ///
    /// Errors: [`Error::NotAllowed`] when the rotation is stalled (use [`resume`](Rotator::resume)) or a new secret is still being
    /// verified; [`Error::NeedsConfirmation`] within 7 days of the last rotation, while its old secret may still be in use, unless
    /// `force`.
    pub async fn request(&self, client_id: &str, force: bool) -> Result<Status, Error> {
        self.call(Subject::Application(client_id.to_owned()), async |guest, store| {
            guest.call_request(store, &client_id.to_owned(), force).await
        })
        .await
    }

    /// Takes back a wanted rotation while no rotate call has been sent. One that is due by its date begins again at `not_before`
    /// (milliseconds since 1970-01-01T00:00:00Z); `None` means 24 hours from now. Where nothing is wanted, it puts off the next
    /// one.
    ///
    /// Errors: [`Error::NotAllowed`] when a rotate call was or may have been sent.
    pub async fn cancel(&self, client_id: &str, not_before: Option<u64>) -> Result<Status, Error> {
        self.call(Subject::Application(client_id.to_owned()), async |guest, store| {
            guest.call_cancel(store, &client_id.to_owned(), not_before).await
        })
        .await
    }

    /// The operator's decision on a stalled rotation.
    ///
    /// Errors: [`Error::NotAllowed`] when it is not stalled.
    pub async fn resume(&self, client_id: &str, decision: Decision) -> Result<Status, Error> {
        self.call(Subject::Application(client_id.to_owned()), async |guest, store| {
            guest.call_resume(store, &client_id.to_owned(), decision).await
        })
        .await
    }

    /// Has the current secret written again to the target of this name, or to all of them, by the next
    /// [`advance`](Rotator::advance), whatever their places hold.
    ///
    /// Errors: [`Error::NotAllowed`] for an unknown target, or while the current secret is not verified.
    pub async fn republish(&self, client_id: &str, target: Option<&str>) -> Result<Status, Error> {
        self.call(Subject::Application(client_id.to_owned()), async |guest, store| {
            guest.call_republish(store, &client_id.to_owned(), target).await
        })
        .await
    }

    /// Removes the record of an application that is settled, with all its secrets. Places keep what they hold.
    ///
    /// Errors: [`Error::NotAllowed`] when it is not settled.
    pub async fn forget(&self, client_id: &str) -> Result<(), Error> {
        self.call(Subject::Application(client_id.to_owned()), async |guest, store| {
            guest.call_forget(store, &client_id.to_owned()).await
        })
        .await
    }

    /// Inspects a queue and judges whether a new secret would arrive there and stay. Changes nothing and receives nothing. What
    /// could not be checked is a finding of its own. Findings come in a fixed order.
    ///
    /// Errors: [`Error::Stopped`] alone.
    pub async fn check_queue(&self, queue: &str) -> Result<Vec<QueueFinding>, Error> {
        let subject = Subject::Inspection(queue.to_owned());
        self.call(subject, async |guest, store| Ok(Ok(guest.call_check_queue(store, queue).await?))).await
    }

    /// Where the application stands. Reads the store and changes nothing.
    pub async fn status(&self, client_id: &str) -> Result<Status, Error> {
        self.call(Subject::Application(client_id.to_owned()), async |guest, store| {
            guest.call_status(store, &client_id.to_owned()).await
        })
        .await
    }

    /// Verifies the current secret with Amazon, with three calls that change nothing; does not touch the store. `None` when all
    /// is well.
    pub async fn verify(&self, client_id: &str) -> Result<Option<Problem>, Error> {
        self.call(Subject::Application(client_id.to_owned()), async |guest, store| {
            guest.call_verify(store, &client_id.to_owned()).await
        })
        .await
    }

    /// One of the secrets of the record; `None` if there is none at that stage. The only call that returns a secret.
    pub async fn reveal(&self, client_id: &str, stage: Stage) -> Result<Option<Credential>, Error> {
        let revealed = self
            .call(Subject::Application(client_id.to_owned()), async |guest, store| {
                guest.call_reveal(store, &client_id.to_owned(), stage).await
            })
            .await?;
        Ok(revealed.map(Credential::from))
    }

    /// Runs one exported function in a fresh instance, which reaches nothing but the call's subject.
    async fn call<R>(
        &self,
        subject: Subject,
        function: impl AsyncFnOnce(
            &Guest,
            &mut wasmtime::Store<State<Imports>>,
        ) -> wasmtime::Result<Result<R, RotationError>>,
    ) -> Result<R, Error> {
        let inner = &*self.inner;
        let imports = Imports::new(Arc::clone(&inner.effects), subject);
        let turn = inner.component.turn().await;
        let loaded = turn.loaded;
        let result = loaded.runtime.run(imports, |mut store| async move {
            let component = loaded.component.instantiate_async(&mut store).await?;
            function(component.lwa_rotation_rotation(), &mut store).await
        });
        let result = result.await;
        inner.outlet.settle().await;
        match result {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(error)) => Err(error.into()),
            Err(stopped) => {
                tracing::error!(%stopped, "the component was stopped");
                Err(Error::Stopped(stopped))
            }
        }
    }
}

impl std::fmt::Debug for Rotator {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Rotator").finish_non_exhaustive()
    }
}

impl From<RotationError> for Error {
    fn from(error: RotationError) -> Self {
        match error {
            RotationError::UnknownApplication => Self::UnknownApplication,
            RotationError::NotEnrolled => Self::NotEnrolled,
            RotationError::UnreadableRecord(text) => Self::UnreadableRecord(text),
            RotationError::Store(error) => Self::Store(error.into()),
            RotationError::Busy => Self::Busy,
            RotationError::NotAllowed(text) => Self::NotAllowed(text),
            RotationError::NeedsConfirmation(text) => Self::NeedsConfirmation(text),
            RotationError::Queue(error) => Self::Queue(error.into()),
            RotationError::Other(text) => Self::Other(text),
        }
    }
}

impl From<Stopped> for Error {
    fn from(stopped: Stopped) -> Self {
        Self::Stopped(stopped)
    }
}

/// Puts a [`Rotator`] together. Settings and a store are needed; the rest has defaults.
#[derive(Default)]
pub struct Builder {
    applications: Vec<Application>,
    settings: Option<Box<dyn Settings>>,
    http: Option<Box<dyn Http>>,
    queue: Option<Box<dyn Queue>>,
    store: Option<Box<dyn Store>>,
    publish: Option<Box<dyn Publish>>,
    observe: Option<Box<dyn Observe>>,
    clock: Option<Box<dyn Clock>>,
    random: Option<Box<dyn Fn() -> u64 + Send + Sync>>,
    limits: Limits,
}

impl Builder {
    /// Adds an application. Not used if [`settings`](Builder::settings) is given.
    #[must_use]
    pub fn application(mut self, application: Application) -> Self {
        self.applications.push(application);
        self
    }

    /// Looks applications up elsewhere, for hosts with many; needs [`http`](Builder::http) as well.
    #[must_use]
    pub fn settings(mut self, settings: impl Settings) -> Self {
        self.settings = Some(Box::new(settings));
        self
    }

    /// Sends requests through this; otherwise through an [`http::Client`] that allows the origins of the applications'
    /// endpoints and no other.
    #[must_use]
    pub fn http(mut self, http: impl Http) -> Self {
        self.http = Some(Box::new(http));
        self
    }

    /// Where the messages come from; otherwise there is no queue, and messages come through
    /// [`deliver`](Rotator::deliver).
    #[must_use]
    pub fn queue(mut self, queue: impl Queue) -> Self {
        self.queue = Some(Box::new(queue));
        self
    }

    /// Where the records are kept.
    #[must_use]
    pub fn store(mut self, store: impl Store) -> Self {
        self.store = Some(Box::new(store));
        self
    }

    /// Where credentials are published; otherwise there is no target.
    #[must_use]
    pub fn publish(mut self, publish: impl Publish) -> Self {
        self.publish = Some(Box::new(publish));
        self
    }

    /// Who is told what happens; otherwise a [`TracingObserver`].
    #[must_use]
    pub fn observe(mut self, observe: impl Observe) -> Self {
        self.observe = Some(Box::new(observe));
        self
    }

    /// Where the time comes from; otherwise from the system.
    #[must_use]
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = Some(Box::new(clock));
        self
    }

    /// Where the component's random numbers come from; otherwise from the system. For tests: with the same time, answers and
    /// random numbers a run is the same to the byte.
    #[must_use]
    pub fn random(mut self, random: impl Fn() -> u64 + Send + Sync + 'static) -> Self {
        self.random = Some(Box::new(random));
        self
    }

    /// How much one call may use.
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Loads the component and connects it. Touches neither network nor store.
    pub fn build(self) -> Result<Rotator, BuildError> {
        let clock: Arc<dyn Clock> = Arc::from(self.clock.unwrap_or_else(|| Box::new(SystemClock)));
        let (settings, http) = match (self.settings, self.http) {
            (Some(settings), Some(http)) => (settings, http),
            (Some(_), None) => return Err(BuildError::NoHttp),
            (None, http) => {
                let http = match http {
                    Some(http) => http,
                    None => Box::new(http::Client::new(origins(&self.applications)?).clock(Arc::clone(&clock))),
                };
                (by_client_id(self.applications)?, http)
            }
        };
        let outlet = Outlet::new(self.observe.unwrap_or_else(|| Box::new(TracingObserver)));
        let outlet = outlet.map_err(|e| BuildError::Component(format!("no thread can be started: {e}")))?;
        let outlet = Arc::new(outlet);
        let effects = Arc::new(Effects {
            settings,
            http,
            queue: self.queue.unwrap_or_else(|| Box::new(NoQueue)),
            store: self.store.ok_or(BuildError::NoStore)?,
            publish: Arc::new(Turns::new(self.publish.unwrap_or_else(|| Box::new(Targets::new())), self.limits.target)),
            observe: Box::new(Arc::clone(&outlet)),
            clock: Box::new(clock),
            random: self.random,
        });
        let component = BuiltIn::load(self.limits).map_err(|e| BuildError::Component(format!("{e:#}")))?;
        Ok(Rotator { inner: Arc::new(Inner { component, effects, outlet }) })
    }
}

fn origins(applications: &[Application]) -> Result<Vec<Origin>, BuildError> {
    let mut origins = Vec::new();
    for application in applications {
        for url in [&application.token_endpoint, &application.api_endpoint] {
            let origin = Origin::of(url)
                .map_err(|error| BuildError::Endpoint { client_id: application.client_id.clone(), error })?;
            origins.push(origin);
        }
    }
    Ok(origins)
}

fn by_client_id(applications: Vec<Application>) -> Result<Box<dyn Settings>, BuildError> {
    if applications.is_empty() {
        return Err(BuildError::NoSettings);
    }
    let mut by_client_id = BTreeMap::new();
    for application in applications {
        let client_id = application.client_id.clone();
        if by_client_id.insert(client_id.clone(), application).is_some() {
            return Err(BuildError::TwoApplications(client_id));
        }
    }
    Ok(Box::new(by_client_id))
}
