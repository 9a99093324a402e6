//! The one place that writes to stdout and stderr: results to stdout, everything else to stderr.

use std::io::{self, IsTerminal, Write};

use serde_json::Value;

/// Where a command's words go.
#[derive(Clone, Copy, Debug)]
pub(super) struct Output {
    json: bool,
}

impl Output {
    /// With `json`, stdout gets JSON documents alone.
    pub(super) fn new(json: bool) -> Self {
        Self { json }
    }

    pub(super) fn is_json(&self) -> bool {
        self.json
    }

    /// A line of the result, for people; nothing with `--json`.
    pub(super) fn result(&self, line: &str) -> io::Result<()> {
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
        self.draw(&format!("{line}\n"));
    }

    /// Text on stderr as it is, in one write.
    pub(super) fn draw(&self, text: &str) {
        let mut stderr = io::stderr().lock();
        let _ = stderr.write_all(text.as_bytes());
        let _ = stderr.flush();
    }

    /// Whether stderr is a terminal that can be drawn on.
    pub(super) fn is_watched(&self) -> bool {
        io::stderr().is_terminal() && std::env::var_os("TERM").is_some_and(|term| term != "dumb")
    }

    /// Whether stderr may be coloured; see <https://no-color.org>.
    pub(super) fn is_coloured(&self) -> bool {
        self.is_watched() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
    }
}
