//! The component's imports, served from the world; and what a host may suffer at each.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use corosensei::Yielder;
use lwa_rotate_component::bindings::lwa::rotation::observe::Happening;
use lwa_rotate_component::bindings::lwa::rotation::queue::Gap;
use lwa_rotate_component::bindings::lwa::rotation::settings::Application;
use lwa_rotate_component::credential::{Credential, Secret};
use lwa_rotate_component::host::{
    Entry, Held, Host, Inspection, Message, Method, PublishError, QueueError, Reading, Request, Response, SendError,
    StoreError,
};
use lwa_rotate_component::instant::Instant;

use crate::{Failing, Planned, Shared, Stored, World};

/// Longer than this no host takes from its last look at the clock to the end of a write, in milliseconds.
const LONGEST_PUT: u64 = 120_000;

/// The host died here.
#[derive(Debug)]
pub struct Crash;

/// A host in the world. Several may exist at once.
pub struct SimulatedHost<'y> {
    world: Shared,
    /// Stands still before each import, so that others can act; `None` for a host that has the world to itself.
    stop: Option<&'y Yielder<(), String>>,
    /// Die at this import, counted from 0: before its effect if `false` in `crash_at.1`, after it otherwise.
    crash_at: Option<(u64, bool)>,
    imports: u64,
    /// The last intent that this host has saved: whose, and its number.
    intent: Option<(String, u64)>,
    /// The targets of each application by the settings that the component was given.
    targets: BTreeMap<String, Vec<String>>,
    /// What this host has last read in each place.
    seen: BTreeMap<(String, String), Option<String>>,
    /// When the call began.
    began: u64,
    /// When the component last looked at the clock, in the world's own time.
    looked_at: u64,
}

/// Makes a call as a host would that has the world to itself; `None` if the host died in it. Returns the number of imports
/// too.
pub fn call<T>(
    world: &Shared,
    crash_at: Option<(u64, bool)>,
    body: impl FnOnce(&mut SimulatedHost<'_>) -> T,
) -> (Option<T>, u64) {
    let mut host = SimulatedHost { crash_at, ..SimulatedHost::new(world.clone(), None) };
    let result = catch_unwind(AssertUnwindSafe(|| body(&mut host)));
    match result {
        Ok(value) => (Some(value), host.imports),
        Err(panic) if panic.is::<Crash>() => (None, host.imports),
        Err(panic) => resume_unwind(panic),
    }
}

impl<'y> SimulatedHost<'y> {
    fn new(world: Shared, stop: Option<&'y Yielder<(), String>>) -> Self {
        let began = world.borrow().now;
        Self {
            world,
            stop,
            crash_at: None,
            imports: 0,
            intent: None,
            targets: BTreeMap::new(),
            seen: BTreeMap::new(),
            began,
            looked_at: began,
        }
    }

    /// A host among others.
    pub(crate) fn among_others(world: Shared, stop: &'y Yielder<(), String>) -> Self {
        Self::new(world, Some(stop))
    }

    fn die(&self) -> ! {
        self.world.borrow_mut().note(|| "a host dies".into());
        resume_unwind(Box::new(Crash))
    }

    /// Before an effect, named so: perhaps other hosts act first, perhaps this one dies.
    fn before(&mut self, name: &str) {
        let place = self.imports;
        self.imports += 1;
        if let Some(stop) = self.stop {
            stop.suspend(name.to_owned());
        }
        let crash = {
            let mut world = self.world.borrow_mut();
            let crash = world.faults.crash;
            world.happens(crash)
        };
        if crash || self.crash_at == Some((place, false)) {
            self.die();
        }
    }

    /// After an effect on what Amazon, the queue or the store holds: the rules must hold at every instant.
    fn after_change(&mut self) {
        self.world.borrow().check_always();
        self.after();
    }

    /// After an effect: the host may die.
    fn after(&mut self) {
        let crash = {
            let mut world = self.world.borrow_mut();
            let crash = world.faults.crash;
            world.happens(crash)
        };
        if crash || self.crash_at == Some((self.imports - 1, true)) {
            self.die();
        }
    }

    /// How this import fails, if it does: as a test has planned it, or by chance.
    fn fails(&self, name: &str, likely: impl Fn(&World) -> u64, by_chance: impl Fn(u64) -> Failing) -> Option<Failing> {
        let mut world = self.world.borrow_mut();
        if let Some(planned) = world.planned(name) {
            return match planned {
                Planned::Passes => None,
                Planned::Fails(how) => Some(how),
                other => panic!("{name} cannot end with {other:?}"),
            };
        }
        let thousandths = likely(&world);
        world.happens(thousandths).then(|| by_chance(world.random.next()))
    }
}

impl Host for SimulatedHost<'_> {
    fn now(&mut self) -> Instant {
        let mut world = self.world.borrow_mut();
        // Time passes while a host works.
        world.now += 1;
        self.looked_at = world.now;
        Instant(world.clock())
    }

    fn random(&mut self) -> u64 {
        self.world.borrow_mut().random.next()
    }

    fn find(&mut self, client_id: &str) -> Option<Application> {
        let found = self.world.borrow().settings.get(client_id).cloned();
        if let Some(settings) = &found {
            let places = settings.targets.iter().map(|target| target.place.clone()).collect();
            self.targets.insert(client_id.to_owned(), places);
        }
        found
    }

    fn send(&mut self, request: Request) -> Result<Response, SendError> {
        let name = match (request.method, request.url.rsplit('/').next()) {
            (Method::Post, Some("token")) => "token",
            (Method::Post, _) => "rotate",
            (Method::Get, _) => "verify",
        };
        self.before(name);
        let agent = request.headers.iter().find(|(name, _)| *name == "user-agent").unwrap();
        assert!(agent.1.expose_text().contains("(Language="), "Amazon demands a user agent");
        let result = {
            let mut world = self.world.borrow_mut();
            world.requests.push(name);
            world.note(|| format!("{name} is sent"));
            // The host's clock is read again before anything is sent.
            let late = request.not_after.is_some_and(|not_after| world.clock() > not_after.0);
            if name == "rotate" && !late {
                world.check_call(self.intent.as_ref());
            }
            let faults = world.faults.clone();
            if late {
                Err(SendError::NotSent("too late".into()))
            } else if let Some(planned) = world.planned(name) {
                world.serve_as(planned, &request)
            } else if world.happens(faults.not_sent) {
                Err(SendError::NotSent("no connection".into()))
            } else if world.happens(faults.lost_on_the_way) {
                Err(SendError::OutcomeUnknown("it was lost".into()))
            } else if world.happens(faults.failing) {
                let status = [429, 500, 503, 502][world.random.below(4) as usize];
                // A 500 or 502 may come after the effect.
                let effect = matches!(status, 500 | 502) && world.random.below(2) == 0;
                let answer = effect.then(|| world.serve(&request));
                drop(answer);
                let body = if world.random.below(2) == 0 { Vec::new() } else { crate::amazon::ERRORS.to_vec() };
                Ok(Response { status, marked: false, request_id: String::new(), body: Secret::new(body) })
            } else {
                let answer = world.serve(&request);
                let lost = world.happens(faults.answer_lost);
                if lost { Err(SendError::OutcomeUnknown("the answer was lost".into())) } else { Ok(answer) }
            }
        };
        self.after_change();
        result
    }

    fn receive(&mut self, _: &str, max: u32, wait: u32, visibility: u32) -> Result<Vec<Message>, QueueError> {
        self.before("receive");
        let fault = self.fails("receive", |world| world.faults.queue, |_| Failing::After);
        let received = {
            let mut world = self.world.borrow_mut();
            world.requests.push("receive");
            if fault.is_none_or(|how| how == Failing::After) {
                let received = world.receive(max, wait, visibility);
                if wait > 0 && received.is_empty() && fault.is_none() {
                    world.emptied_at = Some(world.now);
                }
                received
            } else {
                Vec::new()
            }
        };
        self.after_change();
        match fault {
            Some(Failing::Denied) => Err(QueueError::AccessDenied("it may not be read".into())),
            Some(_) => Err(QueueError::Unavailable("the queue fails".into())),
            None => Ok(received),
        }
    }

    fn delete(&mut self, _: &str, receipt_handle: &str) -> Result<(), QueueError> {
        self.before("delete");
        let fault = self.fails("delete", |world| world.faults.queue, Failing::either);
        {
            let mut world = self.world.borrow_mut();
            world.requests.push("delete");
            if fault.is_none_or(|how| how == Failing::After)
                && let Some(place) = world.deleted_by(receipt_handle)
            {
                world.check_delete(place, &self.targets);
                let gone = world.queue.remove(place);
                world.note(|| format!("{} is deleted", gone.id));
            }
        }
        self.after_change();
        fault.map_or(Ok(()), |_| Err(QueueError::Unavailable("the queue fails".into())))
    }

    fn hide(&mut self, _: &str, receipt_handle: &str, visibility: u32) -> Result<(), QueueError> {
        self.before("hide");
        let fault = self.fails("hide", |world| world.faults.queue, |_| Failing::Before);
        {
            let mut world = self.world.borrow_mut();
            world.requests.push("hide");
            if fault.is_none()
                && let Some(place) = world.received(receipt_handle)
            {
                let until = world.now + u64::from(visibility) * 1000;
                world.queue[place].visible_at = until;
            }
        }
        self.after();
        fault.map_or(Ok(()), |_| Err(QueueError::StaleReceipt))
    }

    fn load(&mut self, client_id: &str) -> Result<Option<Entry>, StoreError> {
        self.before("load");
        match self.fails("load", |world| world.faults.store / 2, |_| Failing::Before) {
            Some(Failing::Denied) => return Err(StoreError::AccessDenied("it may not be read".into())),
            Some(_) => return Err(StoreError::Unavailable("the store fails".into())),
            None => {}
        }
        let entry = self.world.borrow().store.get(client_id).map(|stored| Entry {
            revision: stored.revision.to_string(),
            document: Secret::new(stored.document.clone()),
        });
        self.after();
        Ok(entry)
    }

    fn save(&mut self, client_id: &str, document: &Secret, expected: Option<&str>) -> Result<String, StoreError> {
        self.before("save");
        let fault = self.fails(
            "save",
            |world| world.faults.store,
            |choice| match choice {
                choice if choice % 3 == 0 => Failing::Before,
                choice if choice % 2 == 0 => Failing::Full,
                _ => Failing::After,
            },
        );
        let result = {
            let mut world = self.world.borrow_mut();
            let stored = world.store.get(client_id).map(|stored| stored.revision);
            if fault == Some(Failing::Before) {
                Err(StoreError::Unavailable("the store fails".into()))
            } else if fault == Some(Failing::Denied) {
                Err(StoreError::AccessDenied("it may not be written".into()))
            } else if stored.map(|revision| revision.to_string()).as_deref() != expected {
                Err(StoreError::Conflict)
            } else if fault == Some(Failing::Full) {
                Err(StoreError::Full("no room".into()))
            } else {
                let revision = stored.unwrap_or(0) + 1;
                let new = Stored::new(revision, document.expose());
                world.check_save(client_id, &new.json);
                world.count_wanted(client_id, &new.json);
                let view = crate::View::of(&new.json).unwrap();
                world.check_prepared(client_id, &view);
                world.were_current.insert(view.current.clone());
                if let Some(number) = view.sent {
                    self.intent = Some((client_id.to_owned(), number));
                }
                world.note(|| format!("{client_id} is saved: {}", view.phase));
                world.store.insert(client_id.into(), new);
                match fault {
                    Some(_) => Err(StoreError::Unavailable("saved, perhaps".into())),
                    None => Ok(revision.to_string()),
                }
            }
        };
        self.after_change();
        result
    }

    fn remove(&mut self, client_id: &str, expected: &str) -> Result<(), StoreError> {
        self.before("remove");
        let result = {
            let mut world = self.world.borrow_mut();
            let stored = world.store.get(client_id).map(|stored| stored.revision.to_string());
            if stored.as_deref() == Some(expected) {
                world.store.remove(client_id);
                world.forgotten.insert(client_id.to_owned());
                Ok(())
            } else {
                Err(StoreError::Conflict)
            }
        };
        self.after_change();
        result
    }

    fn inspect(&mut self, _: &str) -> Inspection {
        self.before("inspect");
        let inspection = {
            let mut world = self.world.borrow_mut();
            world.requests.push("inspect");
            world.inspected_at = Some(world.now);
            let fault = world.faults.inspect;
            if world.happens(fault) {
                let gap = if world.random.below(2) == 0 {
                    Gap::Denied("it may not be asked".into())
                } else {
                    Gap::Unreachable("no connection".into())
                };
                Inspection { attributes: Err(gap), key: None, flow: world.flow }
            } else {
                world.inspection()
            }
        };
        self.after();
        inspection
    }

    fn read(&mut self, target: &str, client_id: &str) -> Result<Reading, PublishError> {
        self.before(&format!("read {target}"));
        if crate::is_command(target) {
            return Ok(Reading::Unreadable);
        }
        if self.fails("read", |world| world.faults.target, |_| Failing::Before).is_some() {
            return Err(PublishError::Unavailable("the target fails".into()));
        }
        let world = self.world.borrow();
        let place = (client_id.to_owned(), target.to_owned());
        self.seen.insert(place.clone(), world.targets.get(&place).cloned());
        let held = world.holds(client_id, target).map(|secret| Held {
            client_id: Some(client_id.to_owned()),
            client_secret: Secret::new(secret.as_bytes().to_vec()),
            written_by: world.changed_by_others.contains(&place).then(|| "another program".into()),
        });
        Ok(held.map_or(Reading::None, Reading::Credential))
    }

    fn put(&mut self, target: &str, credential: &Credential) -> Result<(), PublishError> {
        self.before(&format!("put {target}"));
        // A host that takes so long to write counts as dead. So does one whose clock was set in the middle of the call: by
        // the record's times nobody can see then how long it took.
        let dead = {
            let world = self.world.borrow();
            world.now > self.looked_at + LONGEST_PUT || world.clocks_set_at > self.began
        };
        if dead {
            self.die();
        }
        let fault = self.fails("put", |world| world.faults.target, Failing::either);
        {
            let mut world = self.world.borrow_mut();
            let secret = credential.client_secret.expose_text().to_owned();
            world.check_publish(&credential.client_id, &secret);
            let place = (credential.client_id.clone(), target.to_owned());
            world.check_overwrite(&place, self.seen.get(&place));
            if fault.is_none_or(|how| how == Failing::After) {
                world.changed_by_others.remove(&place);
                world.targets.insert(place, secret);
                world.note(|| format!("{target} is written"));
            }
        }
        self.after();
        fault.map_or(Ok(()), |_| Err(PublishError::Unavailable("the target fails".into())))
    }

    fn emit(&mut self, client_id: Option<&str>, _: Instant, what: Happening) {
        let mut world = self.world.borrow_mut();
        let line = format!("{} {what:?}", client_id.unwrap_or("-"));
        world.check_silent(&line);
        if let (Some(client_id), Happening::NeedsPerson(problem) | Happening::Stalled(problem)) = (client_id, &what) {
            let now = world.now;
            world.reported.insert((client_id.to_owned(), format!("{:?}", problem.cause)), now);
        }
        world.note(|| line);
    }
}
