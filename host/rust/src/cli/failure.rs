//! Failures with what a person can do about them, and exit codes.

mod how;

use std::fmt;
use std::io;

use lwa_rotate::config::Mistakes;
use serde_json::{Map, Value};

pub(super) use self::how::remedies;
use super::json::{mistakes_json, problem_json, status_json};
use super::output::Output;
use super::text::{instant_and_left, now};
use lwa_rotate::{AmazonError, Problem, Status};

/// Exit codes, described in `docs/commands.md`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Exit {
    /// Done.
    Done,
    /// Failed.
    Failed,
    /// The arguments or the configuration are wrong; nothing was started.
    Usage,
    /// Not finished; run it again later.
    Unfinished,
    /// A person must decide.
    Stalled,
}

impl Exit {
    pub(super) fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Failed => 1,
            Self::Usage => 2,
            Self::Unfinished => 3,
            Self::Stalled => 4,
        }
    }
}

/// Why a command did not do what was asked.
#[derive(Debug)]
pub(super) struct Failure {
    exit: Exit,
    kind: &'static str,
    message: String,
    hints: Vec<String>,
    mistakes: Option<Box<Mistakes>>,
    problem: Option<Box<Problem>>,
    status: Option<Box<(String, Status)>>,
}

impl Failure {
    fn new(exit: Exit, kind: &'static str, message: impl Into<String>) -> Self {
        // Some libraries explain themselves in several lines.
        let message = message.into().split_whitespace().collect::<Vec<_>>().join(" ");
        Self { exit, kind, message, hints: Vec::new(), mistakes: None, problem: None, status: None }
    }

    /// The arguments are wrong.
    pub(super) fn usage(message: impl Into<String>) -> Self {
        Self::new(Exit::Usage, "usage", message)
    }

    /// The configuration is wrong.
    pub(super) fn configuration(message: impl Into<String>) -> Self {
        Self::new(Exit::Usage, "configuration", message)
    }

    /// The configuration is wrong at these places.
    pub(super) fn mistakes(mistakes: Mistakes) -> Self {
        Self { mistakes: Some(Box::new(mistakes.clone())), ..Self::configuration(mistakes.to_string()) }
    }

    /// It did not work.
    pub(super) fn failed(message: impl Into<String>) -> Self {
        Self::new(Exit::Failed, "failed", message)
    }

    /// It takes longer.
    pub(super) fn unfinished(message: impl Into<String>) -> Self {
        Self::new(Exit::Unfinished, "unfinished", message)
    }

    /// A person must decide.
    pub(super) fn stalled(message: impl Into<String>) -> Self {
        Self::new(Exit::Stalled, "stalled", message)
    }

    /// What to do; may be called several times.
    pub(super) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    /// The problem behind it, of the application of that name; what to do about it comes before all other hints.
    pub(super) fn problem(mut self, app: &str, problem: &Problem) -> Self {
        self.hints.splice(0..0, remedies(app, problem));
        self.problem = Some(Box::new(problem.clone()));
        self
    }

    /// The application's state.
    pub(super) fn status(mut self, app: &str, status: &Status) -> Self {
        self.status = Some(Box::new((app.to_owned(), status.clone())));
        self
    }

    /// The exit code that it ends the command with.
    pub(super) fn exit(&self) -> Exit {
        self.exit
    }

    /// What to do.
    pub(super) fn hints(&self) -> &[String] {
        &self.hints
    }

    /// The failure for people, line by line.
    fn lines(&self) -> Vec<String> {
        let mut lines = Vec::new();
        if let Some(mistakes) = &self.mistakes {
            for mistake in &mistakes.all {
                lines.push(format!("error: {}: {}", mistakes.place(mistake), mistake.text));
                lines.extend(mistake.excerpt.iter().flatten().map(|line| format!("    {line}")));
                lines.extend(mistake.hint.iter().map(|hint| format!("hint: {hint}")));
            }
            lines.extend(self.hints.iter().map(|hint| format!("hint: {hint}")));
            return lines;
        }
        lines.push(format!("error: {}", self.message));
        if let Some(problem) = &self.problem {
            if !self.message.contains(&problem.happened) {
                lines.push(format!("  {:<13}{}", "because", problem.happened));
            }
            lines.extend(problem_lines(problem, now()));
        }
        lines.extend(self.hints.iter().map(|hint| format!("hint: {hint}")));
        lines
    }

    fn json(&self) -> Value {
        let mut error = Map::new();
        error.insert("kind".into(), self.kind.into());
        error.insert("message".into(), self.message.clone().into());
        error.insert("hints".into(), self.hints.clone().into());
        if let Some(mistakes) = &self.mistakes {
            error.insert("mistakes".into(), mistakes_json(mistakes).collect());
        }
        error.insert("problem".into(), self.problem.as_deref().map_or(Value::Null, problem_json));
        let mut document = Map::new();
        document.insert("error".into(), error.into());
        if let Some((app, status)) = self.status.as_deref() {
            document.insert("status".into(), status_json(app, status));
        }
        document.into()
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Failure {}

/// The facts of a problem, but for what happened and what to do.
pub(super) fn problem_lines(problem: &Problem, now: u64) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = |name: &str, text: &str| {
        if !text.is_empty() {
            lines.push(format!("  {name:<13}{text}"));
        }
    };
    if let Some(amazon) = &problem.amazon {
        line("amazon said", &amazon_text(amazon));
        line("request id", &amazon.request_id);
    }
    line("still works", &problem.still_works);
    if let Some(at) = problem.act_by {
        line("act by", &instant_and_left(at, now));
    }
    if let Some(at) = problem.retry_at {
        line("tried again", &instant_and_left(at, now));
    }
    lines
}

/// Amazon's answer in one line.
pub(super) fn amazon_text(amazon: &AmazonError) -> String {
    let mut text = amazon.status.to_string();
    if !amazon.code.is_empty() {
        text = format!("{text} {}", amazon.code);
    }
    let words: Vec<&str> = [&amazon.message, &amazon.details]
        .into_iter()
        .map(|text| text.trim())
        .filter(|text| !text.is_empty())
        .collect();
    if words.is_empty() { text } else { format!("{text}: {}", words.join(" · ")) }
}

/// Says why a command failed, and answers the exit code.
pub(super) fn report(error: &anyhow::Error, output: &Output) -> Exit {
    if let Some(failure) = error.downcast_ref::<Failure>() {
        for line in failure.lines() {
            output.note(&line);
        }
        print_json(failure, output);
        return failure.exit;
    }
    // The reader of the output has gone.
    let broken_pipe = |cause: &(dyn std::error::Error + 'static)| {
        cause.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
    };
    if error.chain().any(broken_pipe) {
        return Exit::Failed;
    }
    let failure = Failure::failed(format!("{error:#}"));
    output.note(&format!("error: {}", failure.message));
    print_json(&failure, output);
    Exit::Failed
}

/// The failure as the one JSON document, if that is wanted.
pub(super) fn print_json(failure: &Failure, output: &Output) {
    if output.is_json() {
        // Where stdout is gone, the exit code still says it.
        let _ = output.document(&failure.json());
    }
}

#[cfg(test)]
mod tests;
