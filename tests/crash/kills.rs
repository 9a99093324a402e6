//! Killed at each system call, and run again.

use crate::call::{Call, On};
use crate::shop::{STALLED, Shop, When};
use crate::sqs::Moto;
use crate::table::{ON_FILES, Row, conclude, trials};
use crate::tracer::Verdict;

const HEADS: [&str; 8] = [
    "killed",
    "at",
    "newest secret in",
    "run again",
    "further runs",
    "newest is current",
    "messages left",
    "rotate calls",
];

/// The same for calls on connections as [`ON_FILES`].
const ON_CONNECTIONS: &[&str] =
    &["GetQueueAttributes", "token request", "rotate call", "ReceiveMessage", "verification", "DeleteMessage"];

/// At what a command is struck.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Strike {
    /// Before a call.
    Before,
    /// Before a call after which others see something else: requests, and files that take their place.
    BeforeEffect,
    /// In the middle of a write to a file.
    Within,
}

impl Strike {
    fn fits(self, call: &Call) -> bool {
        match self {
            Self::Before => true,
            Self::BeforeEffect => matches!(call.on, On::Connection(_) | On::Process) || call.name == "rename",
            Self::Within => call.name == "write" && call.file().is_some(),
        }
    }
}

/// Kills a command at one of its calls. `None` if it has fewer.
fn kill(shop: &Shop<'_>, arguments: &[&str], strike: Strike, number: usize) -> Option<Call> {
    let (mut seen, mut struck) = (0, None);
    let ended = shop.run(arguments, |call| {
        // Another thread may come to a call before the process is gone.
        if struck.is_some() || !strike.fits(call) {
            return Verdict::Let;
        }
        seen += 1;
        if seen <= number {
            return Verdict::Let;
        }
        struck = Some(call.clone());
        if strike == Strike::Within { Verdict::HalfAndKill } else { Verdict::Kill }
    });
    let wanted = if struck.is_some() { None } else { Some(0) };
    assert_eq!(ended.code, wanted, "{struck:?} {}", ended.stderr);
    struck
}

/// A row for each call: killed there, and run again until all is well.
fn table<'m>(
    arguments: &[&str],
    strike: Strike,
    shop: impl Fn() -> Shop<'m> + Sync,
    again: impl Fn(&Shop<'m>) -> Vec<&'static str> + Sync,
) -> Vec<Row> {
    let is_enrolment = arguments[0] == "enroll";
    trials(|number| {
        let shop = shop();
        let call = kill(&shop, arguments, strike, number)?;
        let newest_is_in = shop.newest_is_in();
        let runs = again(&shop);
        let mut wrong = shop.faults(if is_enrolment { 0 } else { 1 });
        // Until it is stored, a secret that is enrolled is in its owner's hands.
        if newest_is_in == "neither" && !is_enrolment {
            wrong.push("the newest secret was lost".to_owned());
        }
        let permitted = if runs.first() == Some(&STALLED) { 3 } else { 2 };
        if runs.len() > permitted {
            wrong.push(format!("it took more than {permitted} further runs"));
        }
        let columns = vec![
            if strike == Strike::Within { "in the middle of" } else { "before" }.to_owned(),
            shop.short(&call),
            newest_is_in.to_owned(),
            if runs.is_empty() { "nothing to do".to_owned() } else { runs.join(", ") },
            runs.len().to_string(),
            if shop.is_current() { "yes" } else { "NO" }.to_owned(),
            shop.left_in_queue().to_string(),
            shop.rotate_calls().to_string(),
        ];
        Some(Row { columns, wrong })
    })
}

fn rotation(moto: Option<&Moto>, strikes: &[Strike], when: When) -> Vec<Row> {
    let table =
        |strike: &Strike| table(&["rotate", "shop"], *strike, || Shop::enrolled(moto), |shop| shop.recover(when));
    strikes.iter().flat_map(table).collect()
}

/// Rules 1, 2, 4 and 5.
#[test]
fn a_rotation_that_is_killed_at_any_system_call_is_finished_by_running_it_again() {
    let rows = [When::AtOnce, When::Later].map(|when| rotation(None, &[Strike::Before, Strike::Within], when));
    let rows = rows.concat();
    conclude(
        "crash-table.txt",
        "lwa-rotate rotate, killed and run again",
        &HEADS,
        &rows,
        &[ON_FILES, ON_CONNECTIONS].concat(),
    );
}

/// The same with an SQS that nobody here wrote. Every call takes a minute more, so it has to be asked for.
#[test]
fn a_rotation_through_moto_that_is_killed_at_any_system_call_is_finished_by_running_it_again() {
    let moto = Moto::start();
    let everything = std::env::var_os("LWA_ROTATE_CRASH_ALL").is_some();
    let strikes: &[Strike] = if everything { &[Strike::Before, Strike::Within] } else { &[Strike::BeforeEffect] };
    let rows = rotation(Some(&moto), strikes, When::AtOnce);
    let expected = [if everything { ON_FILES } else { &["rename state/"] }, ON_CONNECTIONS].concat();
    conclude(
        "crash-table-moto.txt",
        "lwa-rotate rotate with moto as SQS, killed and run again",
        &HEADS,
        &rows,
        &expected,
    );
}

#[test]
fn an_enrolment_that_is_killed_at_any_system_call_is_finished_by_running_it_again() {
    let table = |strike| table(&["enroll", "shop"], strike, || Shop::new(None), Shop::enroll_again);
    let rows = [Strike::Before, Strike::Within].map(table);
    conclude("crash-table-enroll.txt", "lwa-rotate enroll, killed and run again", &HEADS, &rows.concat(), ON_FILES);
}
