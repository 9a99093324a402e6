//! `status`: the state of applications, from the store alone.

mod details;

use lwa_rotate::config::App;
use lwa_rotate::{Error, RemedyBy, State, Status};
use serde_json::{Value, json};

pub(super) use self::details::next_words;
use self::details::{next_line, target_lines};
use super::failure::{Exit, problem_lines, remedies};
use super::host::{Host, failure};
use super::json::{mistakes_json, not_enrolled_json, state_name, status_json};
use super::output::Output;
use super::progress::Progress;
use super::text::{lifetime, now};
use super::{Global, Outcome};

/// What is known of one application.
enum Standing {
    Known(Box<Status>),
    NotEnrolled,
    Unreadable(Error),
}

pub(super) async fn run(global: &Global, app: Option<&str>, output: &Output) -> Outcome {
    let host = Host::open(global, Progress::new("", *output, true)).await?;
    let is_one = app.is_some();
    let apps: Vec<&App> = match app {
        Some(name) => vec![host.app(name)?],
        None => host.config.apps.iter().collect(),
    };
    let mut standings = Vec::new();
    for app in apps {
        let standing = match host.rotator.status(&app.client_id).await {
            Ok(status) => Standing::Known(Box::new(status)),
            Err(Error::NotEnrolled) => Standing::NotEnrolled,
            Err(error) => Standing::Unreadable(error),
        };
        standings.push((app, standing));
    }
    show(&standings, is_one, output)?;
    for (app, standing) in &standings {
        if let Standing::Unreadable(error) = standing {
            return Err(failure(app, error).into());
        }
    }
    let documents: Vec<Value> = standings.iter().map(|(app, standing)| document(app, standing)).collect();
    let skipped = &host.config.skipped;
    for mistakes in skipped.iter().map(|skipped| &skipped.mistakes) {
        output.note(&format!("left out because of its mistakes: {mistakes}"));
    }
    let mistakes: Vec<Value> = skipped.iter().flat_map(|skipped| mistakes_json(&skipped.mistakes)).collect();
    output.document(&json!({ "apps": documents, "mistakes": mistakes }))?;
    let exits = standings.iter().map(|(_, standing)| standing.exit());
    let left_out = if skipped.is_empty() { Exit::Done } else { Exit::Failed };
    Ok(exits.chain([left_out]).max_by_key(|exit| exit.code()).unwrap_or(Exit::Done))
}

impl Standing {
    /// Whether a person has to do something: what monitoring goes by.
    fn exit(&self) -> Exit {
        match self {
            Self::Known(status) if status.state == State::Stalled => Exit::Stalled,
            Self::Known(status) => {
                let needs_person = status.problem.as_ref().is_some_and(|problem| problem.remedy_by == RemedyBy::Person);
                // A target may take the secret the next time, or never; its readers are without it meanwhile.
                let mut own = status.targets.iter().filter(|target| target.name.is_some());
                let unpublished = own.any(|target| !target.holds_current && target.failure.is_some());
                if needs_person || unpublished { Exit::Failed } else { Exit::Done }
            }
            Self::NotEnrolled | Self::Unreadable(_) => Exit::Failed,
        }
    }
}

fn document(app: &App, standing: &Standing) -> Value {
    match standing {
        Standing::Known(status) => status_json(&app.name, status),
        Standing::NotEnrolled | Standing::Unreadable(_) => not_enrolled_json(&app.name, &app.client_id),
    }
}

fn show(standings: &[(&App, Standing)], is_one: bool, output: &Output) -> std::io::Result<()> {
    let now = now();
    let mut rows =
        vec![["APPLICATION", "STATE", "SECRET ENDS", "ROTATION DUE", "RETIRED ENDS", "PUBLISHED"].map(str::to_owned)];
    rows.extend(standings.iter().map(|(app, standing)| row(app, standing, now)));
    for line in arranged(&rows, output.width()) {
        output.result(&line)?;
    }
    for (app, standing) in standings {
        let lines = match standing {
            Standing::Known(status) => known(&app.name, status, is_one, now),
            Standing::NotEnrolled => {
                vec![format!("{0}: supply its current client secret with `lwa-rotate enroll {0}`", app.name)]
            }
            Standing::Unreadable(_) => continue,
        };
        if !lines.is_empty() {
            output.result("")?;
        }
        for line in lines {
            output.result(&line)?;
        }
    }
    Ok(())
}

/// What there is to say of an application beside its row: all of it where it was asked for alone, or what is going on.
fn known(app: &str, status: &Status, is_one: bool, now: u64) -> Vec<String> {
    let mut lines = Vec::new();
    if let Some(problem) = &status.problem {
        lines.push(format!("{app}: {}", problem.happened));
        lines.extend(problem_lines(problem, now));
        lines.extend(remedies(app, problem).iter().map(|remedy| format!("  {:<13}{remedy}", "what to do")));
    } else if is_one || status.state != State::Settled {
        lines.push(format!("{app}: {}", state_name(status.state)));
    } else {
        return lines;
    }
    lines.extend(next_line(status, now));
    if is_one || status.targets.iter().any(|target| !target.holds_current) {
        lines.extend(target_lines(status, now));
    }
    lines
}

fn row(app: &App, standing: &Standing, now: u64) -> [String; 6] {
    let status = match standing {
        Standing::Known(status) => status,
        Standing::NotEnrolled => return [&app.name, "not enrolled", "", "", "", ""].map(str::to_owned),
        Standing::Unreadable(_) => return [&app.name, "unreadable", "", "", "", ""].map(str::to_owned),
    };
    let state = match status.state {
        State::Settled if !status.verified => "not verified",
        state => state_name(state),
    };
    // Places of other machines are theirs to write.
    let own = || status.targets.iter().filter(|target| target.name.is_some());
    let published = match own().count() {
        0 => "-".to_owned(),
        all => format!("{} of {all}", own().filter(|target| target.holds_current).count()),
    };
    [
        app.name.clone(),
        state.to_owned(),
        status.expires_at.map_or("unknown".to_owned(), |at| short_left(at, now)),
        status.rotation_due_at.map_or("-".to_owned(), |at| short_left(at, now)),
        status.retired_ends_at.map_or("-".to_owned(), |at| short_left(at, now)),
        published,
    ]
}

fn short_left(at: u64, now: u64) -> String {
    match at.checked_sub(now) {
        Some(0) | None => "now".to_owned(),
        Some(left) => format!("in {}", lifetime(left)),
    }
}

/// Rows with their columns one below the other.
fn table(rows: &[[String; 6]]) -> Vec<String> {
    let mut widths = [0; 6];
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let line = |row: &[String; 6]| {
        let cells: Vec<String> = row.iter().zip(widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
        cells.join("  ").trim_end().to_owned()
    };
    rows.iter().map(line).collect()
}

/// The rows as a table, or below each other where that is wider than the terminal.
fn arranged(rows: &[[String; 6]], width: Option<usize>) -> Vec<String> {
    let lines = table(rows);
    let is_wider = |width: usize| lines.iter().any(|line| line.chars().count() > width);
    let [heads, rows @ ..] = rows else { return lines };
    if !width.is_some_and(is_wider) {
        return lines;
    }
    let of_row = |row: &[String; 6]| {
        let cells = row.iter().zip(heads).skip(1).filter(|(cell, _)| !cell.is_empty());
        let cells = cells.map(|(cell, head)| format!("  {:<18}{cell}", head.to_lowercase()));
        std::iter::once(row[0].clone()).chain(cells).collect::<Vec<_>>()
    };
    rows.iter().flat_map(of_row).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_that_is_wider_than_the_terminal_becomes_a_list() {
        let row = |name: &str, state: &str| [name, state, "", "in 1 h", "", ""].map(str::to_owned);
        let rows = [["APPLICATION", "STATE", "A", "ROTATION DUE", "B", "C"].map(str::to_owned), row("shop", "settled")];
        assert_eq!(arranged(&rows, Some(80)), table(&rows));
        assert_eq!(arranged(&rows, None), table(&rows));
        assert_eq!(arranged(&rows, Some(30)), ["shop", "  state             settled", "  rotation due      in 1 h"]);
    }

    #[test]
    fn columns_stand_one_below_the_other() {
        let row = |name: &str, state: &str| [name, state, "", "x", "", ""].map(str::to_owned);
        assert_eq!(table(&[row("a", "settled"), row("shop", "-")]), ["a     settled    x", "shop  -          x"]);
    }

    #[test]
    fn what_has_passed_is_now() {
        assert_eq!(short_left(5, 6), "now");
        assert_eq!(short_left(3_600_000, 0), "in 1 h");
    }
}
