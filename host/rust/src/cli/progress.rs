//! A rotation as it happens: a table of its stages on a terminal, plain lines elsewhere.

mod stages;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use lwa_rotate::observe::{Event, Happening, Observe};
use lwa_rotate::{DeadlineKind, State, Status};

use self::stages::Stages;
use super::events::{Stage, stage, words};
use super::output::Output;
use super::text::{clock, left, now, soon};
use super::wrap::shortened;

/// How often a table is drawn again, for the times in it.
const REDRAW: Duration = Duration::from_millis(200);

/// Why a call is not sent yet. It takes 6 minutes at most.
pub(super) const READ_AGAIN: &str =
    "other programs may hold messages of the queue, so that it is read up to twice more, 3 minutes apart; again at";
/// Another host is at it.
const OTHER_HOST: &str = "another host prepares or makes the rotate call; taken over at";

/// Shows the events of one application, and remembers which messages are still to be acknowledged.
#[derive(Clone)]
pub(super) struct Progress {
    shared: Arc<Mutex<Shared>>,
}

struct Shared {
    client_id: String,
    output: Output,
    /// The table, where there is a terminal to draw it on.
    stages: Option<Stages>,
    /// How many lines of the table are on the terminal.
    drawn: usize,
    hidden: BTreeMap<String, u64>,
    quiet: bool,
    /// The instant until which something is waited for, as the last line said.
    told_until: Option<u64>,
    /// What keeps the queue from being read, as it was last said.
    told_trouble: Option<String>,
    /// Whether a new secret has become current.
    has_promoted: bool,
    /// Whether the queue is being read before a call.
    is_reading: bool,
}

impl Progress {
    /// Follows one application. With `verbose`, log lines are expected on the terminal too, and lines do not disturb lines.
    pub(super) fn new(client_id: &str, output: Output, verbose: bool) -> Self {
        let stages = (output.is_watched() && !verbose).then(|| Stages::new(now(), output.is_coloured()));
        let shared = Shared {
            client_id: client_id.to_owned(),
            output,
            stages,
            drawn: 0,
            hidden: BTreeMap::new(),
            quiet: true,
            told_until: None,
            told_trouble: None,
            has_promoted: false,
            is_reading: false,
        };
        Self { shared: Arc::new(Mutex::new(shared)) }
    }

    /// Shows what happens from here on. The table is drawn again and again until [`end`](Self::end).
    pub(super) fn begin(&self) {
        let mut shared = self.lock();
        shared.quiet = false;
        if shared.stages.is_none() {
            return;
        }
        shared.stages = Some(Stages::new(now(), shared.output.is_coloured()));
        shared.draw();
        let again = Arc::downgrade(&self.shared);
        tokio::spawn(async move {
            loop {
                tokio::time::sleep(REDRAW).await;
                let Some(shared) = again.upgrade() else { return };
                let mut shared = shared.lock().unwrap_or_else(PoisonError::into_inner);
                if shared.quiet {
                    return;
                }
                shared.draw();
            }
        });
    }

    /// Says what is waited for, and until when.
    pub(super) fn waiting(&self, status: &Status) {
        let mut shared = self.lock();
        if let Some(stages) = &mut shared.stages {
            stages.waiting(status);
            if !shared.quiet {
                shared.draw();
            }
            return;
        }
        let reading = shared.is_reading;
        let waited = match status.state {
            State::Requesting => status.next.as_ref().map(|next| match (next.kind, &status.problem) {
                (DeadlineKind::CallPermitted, None) if reading => (Stage::Queue, READ_AGAIN, next.at),
                (DeadlineKind::CallPermitted, None) => (Stage::Rotate, "a rotate call is permitted again at", next.at),
                (DeadlineKind::CallOverdue, _) => (Stage::Rotate, OTHER_HOST, next.at),
                _ => (Stage::Rotate, "tried again at", next.at),
            }),
            State::Awaiting => status.awaited_until.map(|at| (Stage::Message, "waiting for the new secret, until", at)),
            // For hidden messages there is an event.
            State::Verifying | State::Publishing | State::Settled | State::Stalled => None,
        };
        if let Some((stage, words, at)) = waited.filter(|(_, _, at)| *at > now() && shared.told_until != Some(*at)) {
            shared.told_until = Some(at);
            let line =
                format!("{}  {:<12} {words} {} ({})", clock(now()), stage.name(), soon(at, now()), left(at, now()));
            shared.output.note(&line);
        }
    }

    /// Says that the queue cannot be read, and why: once for as long as it stays the same.
    pub(super) fn queue_trouble(&self, why: &str) {
        let mut shared = self.lock();
        if shared.quiet || shared.told_trouble.as_deref() == Some(why) {
            return;
        }
        shared.told_trouble = Some(why.to_owned());
        if let Some(stages) = &mut shared.stages {
            stages.queue_trouble(now(), why);
            shared.draw();
        } else {
            shared.output.note(&format!("{}  {:<12} {why}; trying again", clock(now()), Stage::Message.name()));
        }
    }

    /// Shows nothing any more; what is on the terminal stays there.
    pub(super) fn end(&self) {
        let mut shared = self.lock();
        if shared.quiet {
            return;
        }
        shared.quiet = true;
        if let Some(stages) = &mut shared.stages {
            stages.stop();
            shared.draw();
        }
        shared.output.note("");
    }

    /// Whether a new secret has become current since the start.
    pub(super) fn has_promoted(&self) -> bool {
        self.lock().has_promoted
    }

    /// The messages that are hidden and will come again, with the instants at which they do.
    pub(super) fn hidden(&self) -> BTreeMap<String, u64> {
        self.lock().hidden.clone()
    }

    fn lock(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Observe for Progress {
    fn emit(&self, event: &Event) {
        let mut shared = self.lock();
        if event.client_id.as_ref().is_some_and(|client_id| *client_id != shared.client_id) {
            return;
        }
        match &event.what {
            Happening::Hidden(message) => {
                shared.hidden.insert(message.id.clone(), message.until);
            }
            Happening::Acknowledged(id) => {
                shared.hidden.remove(id);
            }
            Happening::Promoted(_) => shared.has_promoted = true,
            Happening::ReadingQueue => shared.is_reading = true,
            Happening::QueueRead(_) => shared.is_reading = false,
            _ => {}
        }
        if let Some(stages) = &mut shared.stages {
            stages.take(event);
        }
        if shared.quiet {
            return;
        }
        if shared.stages.is_some() {
            shared.draw();
        } else {
            let stage = stage(&event.what).map_or("", Stage::name);
            shared.output.note(&format!("{}  {stage:<12} {}", clock(event.at), words(event)));
        }
    }
}

impl Shared {
    /// Draws the table over the one that is there.
    fn draw(&mut self) {
        let Some(stages) = &self.stages else { return };
        let lines = stages.lines(now());
        let mut text = String::new();
        if self.drawn > 0 {
            text.push_str(&format!("\x1b[{}A", self.drawn));
        }
        // Lines that are wider than the terminal are cut there instead of wrapped: wrapped ones could not be drawn over.
        text.push_str("\r\x1b[?7l");
        let width = self.output.width_of_notes().unwrap_or(usize::MAX);
        for line in &lines {
            text.push_str(&shortened(line, width));
            text.push_str("\x1b[K\n");
        }
        text.push_str("\x1b[?7h");
        self.drawn = lines.len();
        self.output.draw(&text);
    }
}
