//! The table of stages: what is done, what is going on, and how long it takes.

use lwa_rotate::observe::{Event, Happening, Purpose};
use lwa_rotate::{Cause, State, Status};

use super::READ_AGAIN;
use crate::cli::events::{Stage, is_trouble, stage, words};
use crate::cli::text::{left, lifetime, soon};

/// What is drawn beside a stage that is going on, one after the other.
const SPINNER: [&str; 8] = ["⠋", "⠙", "⠸", "⠴", "⠦", "⠧", "⠇", "⠏"];
const SPINNER_STEP: u64 = 200;

/// The stages of one rotation.
pub(super) struct Stages {
    rows: Vec<Row>,
    started: u64,
    coloured: bool,
}

struct Row {
    stage: Stage,
    mark: Mark,
    note: String,
    since: Option<u64>,
    took: Option<u64>,
    until: Option<u64>,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Mark {
    Ahead,
    Active,
    /// Neither going on nor done: it is left for later.
    Open,
    Trouble,
    Done,
}

impl Stages {
    pub(super) fn new(started: u64, coloured: bool) -> Self {
        let row = |stage| Row { stage, mark: Mark::Ahead, note: String::new(), since: None, took: None, until: None };
        Self { rows: Stage::ALL.into_iter().map(row).collect(), started, coloured }
    }

    /// The queue cannot be read.
    pub(super) fn queue_trouble(&mut self, at: u64, why: &str) {
        self.trouble(Stage::Message, at, why, None);
    }

    /// Takes in what happened.
    pub(super) fn take(&mut self, event: &Event) {
        let at = event.at;
        match &event.what {
            Happening::QueueRead(_) if !is_trouble(&event.what) => self.done(Stage::Queue, at, &words(event)),
            Happening::TokenIssued(Purpose::Rotation) => self.done(Stage::Token, at, "LWA issued an access token"),
            Happening::RotateAccepted => {
                self.done(Stage::Rotate, at, "SP-API accepted the rotate call");
                self.active(Stage::Message, at, "waiting for the new secret");
            }
            Happening::RotateOutcomeUnknown(_) => {
                self.trouble(Stage::Rotate, at, &words(event), None);
                self.active(Stage::Message, at, "waiting for the new secret");
            }
            Happening::SecretKept(_) => {
                self.done(Stage::Message, at, "the new secret arrived");
                self.done(Stage::Keep, at, "stored as a candidate");
                self.active(Stage::Verify, at, "");
            }
            Happening::Verified => self.done(Stage::Verify, at, "SP-API accepts the new secret"),
            Happening::Promoted(ends) => {
                // Another host may have taken the earlier steps.
                for stage in [Stage::Queue, Stage::Token, Stage::Rotate, Stage::Message, Stage::Keep] {
                    self.done(stage, at, "");
                }
                let note = ends.old_ends_at.map_or(String::new(), |ends| {
                    format!("SP-API accepts the new secret; the old one ends {}", left(ends, at))
                });
                self.done(Stage::Verify, at, &note);
                self.active(Stage::Publish, at, "");
            }
            Happening::Published(target) => self.published(at, target),
            Happening::Acknowledged(_) => {
                self.done(Stage::Publish, at, "nothing to publish to");
                self.done(Stage::Acknowledge, at, "the message is deleted");
            }
            Happening::RotateRefused(problem) => {
                // It may have been the queue that blocks, or the token for it that was refused.
                let ahead = [Stage::Queue, Stage::Token].into_iter().find(|stage| {
                    let mark = self.row(*stage).mark;
                    mark != Mark::Done && (*stage == Stage::Token || problem.cause == Cause::QueueBlocked)
                });
                let stage = ahead.unwrap_or(Stage::Rotate);
                self.trouble(stage, at, &problem.happened, problem.retry_at);
            }
            Happening::NotVerified(problem) => self.trouble(Stage::Verify, at, &problem.happened, problem.retry_at),
            Happening::NotPublished(failure) => {
                let note = format!("{}: {}", failure.target, failure.failure);
                self.trouble(Stage::Publish, at, &note, Some(failure.retry_at));
            }
            Happening::Hidden(message) => {
                self.active(Stage::Acknowledge, at, "the message is hidden");
                self.row(Stage::Acknowledge).until = Some(message.until);
            }
            // It comes again and again until its secret is published.
            Happening::MessageReceived(_) if self.row(Stage::Message).mark == Mark::Done => {}
            what => {
                let Some(stage) = stage(what) else { return };
                if is_trouble(what) {
                    self.trouble(stage, at, &words(event), None);
                } else {
                    self.active(stage, at, &words(event));
                }
            }
        }
    }

    /// Says what is waited for, and until when.
    pub(super) fn waiting(&mut self, status: &Status) {
        let next = status.next.as_ref().map(|next| next.at);
        let (stage, until) = match status.state {
            State::Requesting if self.row(Stage::Rotate).mark == Mark::Trouble => (Stage::Rotate, next),
            State::Requesting if self.row(Stage::Queue).mark == Mark::Active => (Stage::Queue, next),
            State::Requesting => (Stage::Token, next),
            State::Awaiting => (Stage::Message, status.awaited_until.or(next)),
            State::Verifying => (Stage::Verify, next),
            State::Publishing => (Stage::Publish, next),
            State::Settled | State::Stalled => return,
        };
        let at = status.called_at.unwrap_or(self.started).max(self.started);
        // What was joined on its way has its first stages behind it.
        for row in self.rows.iter_mut().filter(|row| row.stage < stage && row.mark == Mark::Ahead) {
            row.mark = Mark::Done;
        }
        let row = self.row(stage);
        if row.mark == Mark::Ahead {
            row.mark = Mark::Active;
            row.since = Some(at);
        }
        if row.note.is_empty() {
            row.note = match stage {
                Stage::Message => "waiting for the new secret",
                Stage::Verify => "waiting until Amazon accepts the new secret",
                Stage::Publish => "waiting for a publish target",
                _ => "waiting for the next try",
            }
            .to_owned();
        }
        if stage == Stage::Queue && row.mark == Mark::Active {
            READ_AGAIN.clone_into(&mut row.note);
        }
        // Trouble says when it is tried again.
        if row.mark != Mark::Trouble {
            row.until = until;
        }
    }

    /// Nothing goes on any more.
    pub(super) fn stop(&mut self) {
        for row in self.rows.iter_mut().filter(|row| row.mark == Mark::Active) {
            row.mark = Mark::Open;
        }
    }

    /// The table, line by line.
    pub(super) fn lines(&self, now: u64) -> Vec<String> {
        self.rows.iter().map(|row| self.line(row, now)).collect()
    }

    fn line(&self, row: &Row, now: u64) -> String {
        let turn = usize::try_from(now / SPINNER_STEP).unwrap_or_default() % SPINNER.len();
        let (mark, colour) = match row.mark {
            Mark::Ahead => ("·", "2"),
            Mark::Active => (SPINNER[turn], "36"),
            Mark::Open => ("○", "33"),
            Mark::Trouble => ("!", "33"),
            Mark::Done => ("✓", "32"),
        };
        let running = matches!(row.mark, Mark::Active | Mark::Trouble);
        let time = match (row.took, row.since) {
            (Some(took), _) => lifetime(took),
            (None, Some(since)) if running => lifetime(now.saturating_sub(since)),
            _ => String::new(),
        };
        let mut note = row.note.clone();
        if let Some(until) = row.until.filter(|until| running && *until > now) {
            // What the terminal may cut off must not be the time.
            note = match row.mark {
                Mark::Trouble => format!("tried again in {}: {note}", lifetime(until - now)),
                _ => format!("{note} · until {}, {} left", soon(until, now), lifetime(until - now)),
            };
        }
        let line = format!("{:<12} {time:>9}  {note}", row.stage.name());
        let line = line.trim_end();
        if !self.coloured {
            return format!("  {mark} {line}");
        }
        let line = if row.mark == Mark::Ahead { format!("\x1b[2m{line}\x1b[0m") } else { line.to_owned() };
        format!("  \x1b[{colour}m{mark}\x1b[0m {line}")
    }

    fn row(&mut self, stage: Stage) -> &mut Row {
        &mut self.rows[stage as usize]
    }

    fn active(&mut self, stage: Stage, at: u64, note: &str) {
        let row = self.row(stage);
        // A stage can begin anew, such as a call that is tried again.
        if row.mark != Mark::Active {
            row.since = row.since.filter(|_| row.mark == Mark::Trouble).or(Some(at));
            row.took = None;
        }
        row.mark = Mark::Active;
        row.until = None;
        note.clone_into(&mut row.note);
    }

    fn trouble(&mut self, stage: Stage, at: u64, note: &str, until: Option<u64>) {
        self.active(stage, at, note);
        let row = self.row(stage);
        row.mark = Mark::Trouble;
        row.until = until;
    }

    /// The first note stays: what is done twice, or reported by two events, was done the first time.
    fn done(&mut self, stage: Stage, at: u64, note: &str) {
        let row = self.row(stage);
        if row.mark != Mark::Done {
            row.took = row.since.map(|since| at.saturating_sub(since));
            row.note.clear();
        }
        row.mark = Mark::Done;
        row.until = None;
        if row.note.is_empty() || stage == Stage::Verify && !note.is_empty() {
            note.clone_into(&mut row.note);
        }
    }

    fn published(&mut self, at: u64, target: &str) {
        let before = Some(self.row(Stage::Publish)).filter(|row| row.mark == Mark::Done).map(|row| row.note.clone());
        self.done(Stage::Publish, at, "");
        self.row(Stage::Publish).note = match before {
            Some(before) => format!("{before}, {target}"),
            None => target.to_owned(),
        };
        self.active(Stage::Acknowledge, at, "");
    }
}

#[cfg(test)]
mod tests;
