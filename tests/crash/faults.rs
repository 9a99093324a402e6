//! The disk fails at a single call, and the program is run again without that.

use nix::errno::Errno;

use crate::call::Call;
use crate::program::CLIENT_ID;
use crate::shop::{STALLED, Shop, When};
use crate::table::{ON_FILES, Row, conclude, trials};
use crate::tracer::{Ended, Verdict};

const HEADS: [&str; 9] = [
    "fault",
    "at",
    "exit code",
    "newest secret in",
    "run again",
    "newest is current",
    "messages left",
    "rotate calls",
    "what was said",
];

/// Fails `rotate` at one of its calls on files. `None` if it has fewer.
fn fail(shop: &Shop<'_>, fits: impl Fn(&Call) -> bool, verdict: Verdict, number: usize) -> Option<(Call, Ended)> {
    // Where the program tries again by itself it is not waited for: it goes on when it is run again.
    for timeout in ["8s", "60s"] {
        let (mut seen, mut struck) = (0, None);
        let ended = shop.run(&["rotate", "shop", "--timeout", timeout], |call| {
            if struck.is_some() || !fits(call) {
                return Verdict::Let;
            }
            seen += 1;
            if seen <= number {
                return Verdict::Let;
            }
            struck = Some(call.clone());
            verdict
        });
        match (struck, ended.code) {
            (Some(call), _) => return Some((call, ended)),
            (None, Some(0)) => return None,
            // This machine is so busy that the time was up before the call.
            (None, _) => {}
        }
    }
    panic!("a rotation without a fault has not come to its end");
}

/// The file that a person knows: the record, the published file, or the folder that they are in.
fn known_as(shop: &Shop<'_>, call: &Call) -> String {
    let name = shop.short(call).rsplit([' ', '/']).next().unwrap().to_owned();
    let target = name.strip_prefix('.').and_then(|name| name.strip_suffix(".lwa-rotate.tmp"));
    match name.as_str() {
        // The folder of the published files; one of them is being written.
        "." => "shop.".to_owned(),
        // A folder in which nothing can be created is named itself.
        "state" | "ID.record.tmp" => "state".to_owned(),
        _ => target.unwrap().to_owned(),
    }
}

/// What a person reads of it, without what differs from world to world.
fn said(shop: &Shop<'_>, ended: &Ended) -> String {
    let folder = format!("{}/", shop.world.folder.path().display());
    let text = ended.stderr.replace(&folder, "").replace(CLIENT_ID, "ID");
    let line = text.lines().find(|line| line.contains("os error")).unwrap_or_default();
    let reason = ["failed: ", "brings: ", "take it: "].iter().find_map(|mark| line.split_once(mark));
    let reason = reason.map_or(line, |(_, reason)| reason);
    reason.split_once("; tried again").map_or(reason, |(reason, _)| reason).to_owned()
}

fn table(fault: &str, verdict: Verdict, remedy: &str, fits: impl Fn(&Call) -> bool + Sync) -> Vec<Row> {
    trials(|number| {
        let shop = Shop::enrolled(None);
        let (call, ended) = fail(&shop, &fits, verdict, number)?;
        let newest_is_in = shop.newest_is_in();
        let runs = shop.recover(When::Later);

        let mut wrong = shop.faults(1);
        if newest_is_in == "neither" {
            wrong.push("the newest secret was lost".to_owned());
        }
        if runs.len() > 1 && runs[0] != STALLED {
            wrong.push("it took more than one further run".to_owned());
        }
        // A failure is told at the end. What was put right by writing once more needs no telling.
        let told = match ended.code {
            Some(1 | 3) => ended.stderr.find("error: ").map(|place| &ended.stderr[place..]),
            _ => None,
        };
        let file = known_as(&shop, &call);
        let is_told = |told: &str| told.contains(&file) && told.contains(remedy);
        if !remedy.is_empty() && ended.code != Some(0) && !told.is_some_and(is_told) {
            wrong.push(format!("{file} and {remedy:?} are not told: {:?} {}", ended.code, ended.stderr));
        }
        let columns = vec![
            fault.to_owned(),
            shop.short(&call),
            ended.code.map_or("killed".to_owned(), |code| code.to_string()),
            newest_is_in.to_owned(),
            if runs.is_empty() { "nothing to do".to_owned() } else { runs.join(", ") },
            if shop.is_current() { "yes" } else { "NO" }.to_owned(),
            shop.left_in_queue().to_string(),
            shop.rotate_calls().to_string(),
            said(&shop, &ended),
        ];
        Some(Row { columns, wrong })
    })
}

/// Rule 11; and rules 1, 2, 4 and 5 all the same.
#[test]
fn a_disk_that_fails_at_any_call_that_changes_it_is_told_and_costs_nothing() {
    let faults = [("EIO", Errno::EIO, "the system's log"), ("ENOSPC", Errno::ENOSPC, "make room")];
    let rows =
        faults.map(|(fault, error, remedy)| table(fault, Verdict::Fail(error), remedy, |call| call.file().is_some()));
    conclude("crash-table-faults.txt", "lwa-rotate rotate on a disk that fails once", &HEADS, &rows.concat(), ON_FILES);
}

/// The system may take a part of what it is given; the rest is written after it.
#[test]
fn a_write_that_is_cut_short_is_completed() {
    let mut rows = table("half", Verdict::Half, "", |call| call.name == "write" && call.file().is_some());
    for row in &mut rows {
        if row.columns[2] != "0" || row.columns[4] != "nothing to do" {
            row.wrong.push("it was no success".to_owned());
        }
    }
    conclude("crash-table-short-writes.txt", "lwa-rotate rotate with a short write", &HEADS, &rows, &["write state/"]);
}
