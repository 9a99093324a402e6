//! The one place that writes to stdout and stderr: results to stdout, everything else to stderr.

use std::io::{self, IsTerminal, Write};

use clap::ValueEnum;
use rustix::termios::tcgetwinsize;
use serde_json::Value;

use super::wrap::wrapped;

/// When to colour what is put out.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, ValueEnum)]
pub(super) enum Color {
    /// Where a terminal takes it, and NO_COLOR is not set.
    #[default]
    Auto,
    Always,
    Never,
}

/// Where a command's words go.
#[derive(Clone, Copy, Debug)]
pub(super) struct Output {
    json: bool,
    color: Color,
}

/// What a word on stdout says of a thing.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Tone {
    Good,
    Unknown,
    Doubtful,
    Bad,
}

impl Output {
    /// With `json`, stdout gets JSON documents alone.
    pub(super) fn new(json: bool, color: Color) -> Self {
        Self { json, color }
    }

    pub(super) fn is_json(&self) -> bool {
        self.json
    }

    /// A line of the result, for people; nothing with `--json`. A terminal gets it broken between words.
    pub(super) fn result(&self, line: &str) -> io::Result<()> {
        let line = self.width().map_or_else(|| line.to_owned(), |width| wrapped(line, width));
        if self.json { Ok(()) } else { self.bytes(&[line.as_bytes(), b"\n"].concat()) }
    }

    /// A JSON document, in one line; nothing without `--json`.
    pub(super) fn document(&self, document: &Value) -> io::Result<()> {
        if self.json { self.bytes(format!("{document}\n").as_bytes()) } else { Ok(()) }
    }

    /// Bytes on stdout, as they are.
    pub(super) fn bytes(&self, bytes: &[u8]) -> io::Result<()> {
        let mut stdout = io::stdout().lock();
        stdout.write_all(bytes)?;
        stdout.flush()
    }

    /// A line on stderr. That it cannot be written is no reason to stop a rotation.
    pub(super) fn note(&self, line: &str) {
        let line = self.width_of_notes().map_or_else(|| line.to_owned(), |width| wrapped(line, width));
        self.draw(&format!("{line}\n"));
    }

    /// Text on stderr as it is, in one write.
    pub(super) fn draw(&self, text: &str) {
        let mut stderr = io::stderr().lock();
        let _ = stderr.write_all(text.as_bytes());
        let _ = stderr.flush();
    }

    /// How many columns stdout has, if it is a terminal.
    pub(super) fn width(&self) -> Option<usize> {
        columns(tcgetwinsize(io::stdout()))
    }

    /// How many columns stderr has, if it is a terminal.
    pub(super) fn width_of_notes(&self) -> Option<usize> {
        columns(tcgetwinsize(io::stderr()))
    }

    /// Whether stderr is a terminal that can be drawn on.
    pub(super) fn is_watched(&self) -> bool {
        io::stderr().is_terminal() && can_draw()
    }

    /// Whether stderr may be coloured.
    pub(super) fn is_coloured(&self) -> bool {
        self.may_colour(io::stderr().is_terminal())
    }

    /// A word of the result, in its colour.
    pub(super) fn toned(&self, word: &str, tone: Tone) -> String {
        if !self.may_colour(io::stdout().is_terminal()) {
            return word.to_owned();
        }
        let code = match tone {
            Tone::Good => "32",
            Tone::Unknown => "36",
            Tone::Doubtful => "33",
            Tone::Bad => "1;31",
        };
        format!("\x1b[{code}m{word}\x1b[0m")
    }

    /// See <https://no-color.org>.
    fn may_colour(&self, is_terminal: bool) -> bool {
        match self.color {
            Color::Always => true,
            Color::Never => false,
            Color::Auto => {
                is_terminal && can_draw() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
            }
        }
    }
}

fn can_draw() -> bool {
    std::env::var_os("TERM").is_some_and(|term| term != "dumb")
}

/// Some terminals do not know their size, and say that it is none.
fn columns(size: rustix::io::Result<rustix::termios::Winsize>) -> Option<usize> {
    size.ok().map(|size| usize::from(size.ws_col)).filter(|columns| *columns > 0)
}
