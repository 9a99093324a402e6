//! An application in a world of its own, the queue that the program reads, and how to find out whether all is well.

use std::cell::RefCell;
use std::fs;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::call::Call;
use crate::program::{CLIENT_ID, SECRET, TARGETS, World};
use crate::sqs::{Moto, Sqs};
use crate::tracer::{self, Ended, Verdict};

/// A host that has begun to prepare a call and has not come back after ten minutes is taken for dead. Everything else that a dead
/// one holds is free before that.
const LATER: Duration = Duration::from_secs(660);

/// A run that only says that a person has to decide.
pub const STALLED: &str = "rotate: stalled";

/// Long enough for everything but for somebody who is dead.
const PATIENTLY: &[&str] = &["rotate", "shop", "--timeout", "60s"];

/// When the program is run again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    AtOnce,
    Later,
}

/// The application `shop`, its queue and its time.
pub struct Shop<'m> {
    pub world: World,
    sqs: Sqs<'m>,
    /// How many seconds the program's clock is ahead of the machine's.
    ahead: AtomicU64,
    /// What was found wrong at some instant.
    wrong: RefCell<Vec<String>>,
}

impl<'m> Shop<'m> {
    /// Known to Amazon, and not enrolled yet. The patience is over when a dead host is given up on.
    pub fn new(moto: Option<&'m Moto>) -> Self {
        let world = World::new();
        world.configure("patience = \"2m\"", TARGETS);
        let sqs = moto.map_or(Sqs::Emulator, |moto| Sqs::of(moto, &world));
        Self { world, sqs, ahead: AtomicU64::new(0), wrong: RefCell::default() }
    }

    pub fn enrolled(moto: Option<&'m Moto>) -> Self {
        let shop = Self::new(moto);
        shop.world.enroll();
        shop
    }

    /// Runs a command of the program's. At each of its calls the newest secret has to be in the store or in the queue.
    pub fn run(&self, arguments: &[&str], mut decide: impl FnMut(&Call) -> Verdict) -> Ended {
        let command = self.world.command(env!("CARGO_BIN_EXE_lwa-rotate"), arguments);
        let given = if arguments[0] == "enroll" { SECRET } else { "" };
        let ended = self.sqs.while_carried(&self.world, || {
            tracer::run(&command, given, &self.ahead, |call| {
                if given.is_empty() && !self.is_kept_somewhere() {
                    self.wrong.borrow_mut().push(format!("the newest secret is lost before: {}", self.short(call)));
                }
                decide(call)
            })
        });
        self.world.note("a traced run", format!("{}{}", ended.stdout, ended.stderr));
        ended
    }

    /// Rule 5: at every instant the newest secret is in the store or in the queue.
    fn is_kept_somewhere(&self) -> bool {
        let newest = self.world.newest();
        // Order matters: it goes from the queue to the store, so that the store is looked at again.
        self.record().contains(&newest) || self.left_in_queue() > 0 || self.record().contains(&newest)
    }

    /// Where the newest secret that Amazon issued is, while nothing runs.
    pub fn newest_is_in(&self) -> &'static str {
        match (self.record().contains(&self.world.newest()), self.left_in_queue() > 0) {
            (true, true) => "store, queue",
            (true, false) => "store",
            (false, true) => "queue",
            (false, false) => "neither",
        }
    }

    /// The record as it lies on the disk; empty if there is none.
    fn record(&self) -> String {
        let Ok(entries) = self.world.path("state").read_dir() else { return String::new() };
        let records =
            entries.map(|entry| entry.unwrap().path()).filter(|path| path.extension() == Some("record".as_ref()));
        records.map(|path| fs::read_to_string(path).unwrap()).collect()
    }

    /// Time passes, for the program and for Amazon.
    fn later(&self) {
        self.ahead.fetch_add(LATER.as_secs(), Ordering::Relaxed);
        self.sqs.advance(&self.world, LATER);
    }

    /// A call with the paths as they are in this world's folder.
    pub fn short(&self, call: &Call) -> String {
        let folder = format!("{}/", self.world.folder.path().display());
        call.to_string().replace(&folder, "").replace(CLIENT_ID, "ID").replace(folder.trim_end_matches('/'), ".")
    }

    pub fn rotate_calls(&self) -> usize {
        self.world.count("rotate")
    }

    /// The intent to call is saved, and no call has reached Amazon: nobody can know that, so a person must decide.
    fn must_stall(&self) -> bool {
        self.record().contains("\"phase\":{\"sent\"") && self.rotate_calls() == 0
    }

    fn is_settled(&self) -> bool {
        self.world.status()["state"] == "settled"
    }

    /// Runs the program again until all is well, and says what was run: at once, as a supervisor would, or only later.
    pub fn recover(&self, when: When) -> Vec<&'static str> {
        let mut runs = Vec::new();
        // An application that was settled before anything had begun is asked to rotate, as before.
        let finished = |shop: &Self| shop.rotate_calls() > 0 && shop.is_settled();
        if self.must_stall() {
            self.later();
            // Nobody can know, so that a person decides; only then is it carried out.
            runs.push(STALLED);
            self.expect(PATIENTLY, &[4]);
            runs.push("resume --request-again");
            self.expect(&["resume", "shop", "--request-again"], &[0]);
            runs.push("rotate");
            self.expect(PATIENTLY, &[0]);
        } else {
            if when == When::AtOnce && !finished(self) {
                // What a dead host has begun or received, nobody else can have yet.
                runs.push("rotate");
                self.expect(&["rotate", "shop", "--timeout", "1s"], &[0, 3]);
            }
            if !finished(self) {
                self.later();
                runs.push("rotate later");
                self.expect(PATIENTLY, &[0]);
            }
        }
        // A settled application that is told to rotate rotates once more; what is left of the last time is for `watch`.
        if self.left_in_queue() > 0 {
            self.later();
            runs.push("watch later");
            let watch = self.world.watch_until("the message is deleted", || self.left_in_queue() == 0);
            if watch.code != Some(0) {
                self.wrong.borrow_mut().push(format!("watch: {watch:?}"));
            }
        }
        runs
    }

    /// Runs the program again until the secret is enrolled, and says what was run.
    pub fn enroll_again(&self) -> Vec<&'static str> {
        self.expect(&["enroll", "shop"], &[0]);
        vec!["enroll"]
    }

    fn expect(&self, arguments: &[&str], codes: &[i32]) {
        let ended = self.run(arguments, |_| Verdict::Let);
        if !ended.code.is_some_and(|code| codes.contains(&code)) {
            self.wrong.borrow_mut().push(format!("{arguments:?} ended with {:?}: {}", ended.code, ended.stderr));
        }
    }

    pub fn left_in_queue(&self) -> usize {
        self.sqs.messages(&self.world)
    }

    pub fn is_current(&self) -> bool {
        self.world.stored("current") == Some(self.world.newest())
    }

    /// Everything that is wrong now, or was at some instant.
    pub fn faults(&self, rotate_calls: usize) -> Vec<String> {
        let mut wrong = self.wrong.take();
        let mut must = |holds: bool, what: &str| {
            if !holds {
                wrong.push(what.to_owned());
            }
        };
        must(self.is_settled(), "it is not settled");
        must(self.is_current(), "the newest secret is not current");
        let newest = self.world.newest();
        for target in ["shop.env", "shop.json"] {
            let published = fs::read_to_string(self.world.path(target)).unwrap_or_default();
            must(published.contains(&newest), &format!("{target} does not hold the newest secret"));
        }
        must(self.left_in_queue() == 0, "a message is left");
        must(self.rotate_calls() == rotate_calls, &format!("{} rotate calls were made", self.rotate_calls()));
        for folder in ["", "state", "tmp"] {
            for entry in self.world.path(folder).read_dir().unwrap() {
                let name = entry.unwrap().file_name().into_string().unwrap();
                must(!name.contains("tmp") || name == "tmp", &format!("a temporary file is left: {folder}/{name}"));
                must(folder != "tmp", &format!("{name} is left in the folder for temporary files"));
            }
        }
        wrong
    }
}
