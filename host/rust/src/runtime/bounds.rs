//! What a component may reach in one call, and how much of it. The built-in one stays far within; one that is defective, or
//! somebody else's, is stopped before its effect.

use std::fmt::{self, Write};
use std::time::Duration;

use crate::observe::Event;

/// What a call is about: no other application, and no other queue, is reached in it.
#[derive(Debug)]
pub(crate) enum Subject {
    /// The application with this client id; no queue.
    Application(String),
    /// A message: any application of this host, because its body names it; no queue.
    Message,
    /// The queue of this name, and any application of this host.
    Queue(String),
}

/// The most that a guest hands over at once, in an import or as a result, and in all events of a call together. A record of
/// thousands of targets is smaller.
pub(crate) const HANDED_OVER: u32 = 4 << 20;
/// The most imports of a call, clock and random numbers apart. Ten messages for a hundred targets need a third of it.
const EFFECTS: u32 = 10_000;

/// How long a call about a queue waits for the publish targets of all applications together: its messages wait meanwhile.
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

    /// How long the next publish target is waited for. In a call about one application that is as long as it may take.
    pub(super) fn patience(&self) -> Duration {
        match self.subject {
            Subject::Queue(_) => FOR_ALL_TARGETS.saturating_sub(self.waited).max(FOR_A_TARGET),
            Subject::Application(_) | Subject::Message => AS_LONG_AS_IT_TAKES,
        }
    }

    /// Counts how long a publish target was waited for.
    pub(super) fn waited(&mut self, time: Duration) {
        self.waited += time;
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
            _ => Ok(()),
        }
    }

    /// Whether the call may be about this queue.
    pub(super) fn queue(&self, name: &str) -> Result<(), Forbidden> {
        match &self.subject {
            Subject::Queue(own) if own == name => Ok(()),
            _ => Err(Forbidden::asking("for a queue that the call is not about")),
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
