//! What a component may reach in one call, and how much of it. The built-in one stays far within; one that is defective, or
//! another one, is stopped before its effect.

use std::fmt::{self, Write};
use std::time::Duration;

use crate::observe::Event;

/// What a call is about: no other application, and no other queue, is reached in it.
#[derive(Debug)]
pub(crate) enum Subject {
    /// The application with this client id; no queue.
    Application(String),
    /// The application with this client id and its queue; any application of this host, because messages of the queue may name
    /// it.
    Advance(String),
    /// A message: any application of this host, because its body names it; no queue.
    Message,
    /// The queue of this name, and any application of this host.
    Queue(String),
    /// The facts about the queue of this name, and nothing else.
    Inspection(String),
}

/// The most that a guest hands over at once, in an import or as a result, and in all events of a call together. A record of
/// thousands of targets is smaller.
pub(crate) const HANDED_OVER: u32 = 4 << 20;
/// The most imports of a call, clock and random numbers apart. The messages of ten receives, each for a hundred targets, need two
/// thirds of it.
const EFFECTS: u32 = 50_000;

/// How long a call that reads a queue waits for the publish targets of all applications together, but the one that it
/// advances: the messages wait meanwhile.
const FOR_ALL_TARGETS: Duration = Duration::from_secs(10);
/// How long it waits for each of them all the same.
const FOR_A_TARGET: Duration = Duration::from_secs(1);

/// Longer than any call.
const AS_LONG_AS_IT_TAKES: Duration = Duration::from_secs(60 * 60);

/// The bounds of one call.
pub(crate) struct Bounds {
    subject: Subject,
    effects: u32,
    told: Length,
    waited: Duration,
}

impl Bounds {
    pub(crate) fn new(subject: Subject) -> Self {
        Self { subject, effects: 0, told: Length(0), waited: Duration::ZERO }
    }

    /// How long the next publish target is waited for, which is one of this application.
    pub(super) fn patience(&self, client_id: &str) -> Duration {
        if self.holds_up_others(client_id) {
            FOR_ALL_TARGETS.saturating_sub(self.waited).max(FOR_A_TARGET)
        } else {
            AS_LONG_AS_IT_TAKES
        }
    }

    /// Counts how long a publish target of this application was waited for.
    pub(super) fn waited(&mut self, client_id: &str, time: Duration) {
        if self.holds_up_others(client_id) {
            self.waited += time;
        }
    }

    /// Whether messages of other applications wait while a target of this one is waited for.
    fn holds_up_others(&self, client_id: &str) -> bool {
        match &self.subject {
            Subject::Queue(_) => true,
            Subject::Advance(own) => own != client_id,
            Subject::Application(_) | Subject::Message | Subject::Inspection(_) => false,
        }
    }

    /// Counts one import.
    pub(super) fn effect(&mut self) -> Result<(), Forbidden> {
        self.effects += 1;
        if self.effects > EFFECTS {
            return Err(Forbidden(format!("it asked its host for more than {EFFECTS} things in one call")));
        }
        Ok(())
    }

    /// Counts what an event tells.
    pub(super) fn told(&mut self, event: &Event) -> Result<(), Forbidden> {
        // Its length as it would be printed.
        let printed = write!(self.told, "{event:?}");
        if printed.is_err() || self.told.0 > HANDED_OVER as usize {
            return Err(Forbidden(format!("it told more than {HANDED_OVER} bytes of events in one call")));
        }
        Ok(())
    }

    /// Whether the call may be about this application.
    pub(super) fn application(&self, client_id: &str) -> Result<(), Forbidden> {
        match &self.subject {
            Subject::Application(own) if own != client_id => {
                Err(Forbidden::asking("for another application than the call is about"))
            }
            Subject::Inspection(_) => Err(Forbidden::asking("for an application, which the call is not about")),
            _ => Ok(()),
        }
    }

    /// The application whose queue the call may be about, if it may be about one of an application.
    pub(super) fn advancing(&self) -> Option<&str> {
        match &self.subject {
            Subject::Advance(client_id) => Some(client_id),
            _ => None,
        }
    }

    /// Whether messages of this queue may be received, deleted and hidden. `own` is the queue of the application that is
    /// [advancing](Self::advancing).
    pub(super) fn queue(&self, name: &str, own: Option<&str>) -> Result<(), Forbidden> {
        match &self.subject {
            Subject::Queue(subject) if subject == name => Ok(()),
            Subject::Advance(_) if own == Some(name) => Ok(()),
            _ => Err(Forbidden::asking("for a queue that the call is not about")),
        }
    }

    /// Whether this queue may be inspected.
    pub(super) fn inspection(&self, name: &str, own: Option<&str>) -> Result<(), Forbidden> {
        match &self.subject {
            Subject::Inspection(subject) if subject == name => Ok(()),
            _ => self.queue(name, own),
        }
    }
}

/// Counts what is written.
struct Length(usize);

impl Write for Length {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0 = self.0.saturating_add(text.len());
        Ok(())
    }
}

/// The guest asked for what is out of bounds; nothing of it was done.
#[derive(Debug)]
pub(crate) struct Forbidden(String);

impl Forbidden {
    /// Says what was asked for. The guest's own words for it are not repeated: they may hold a secret.
    pub(super) fn asking(what: &str) -> Self {
        Self(format!("it asked {what}"))
    }
}

impl fmt::Display for Forbidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Forbidden {}
