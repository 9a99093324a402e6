//! What is looked at before a rotate call: whether the new secret could arrive, and stay until it is received.

use lwa_rotate::Status;
use lwa_rotate::check::{self, Finding, Severity};
use lwa_rotate::config::App;

use crate::cli::check::environment::credentials;
use crate::cli::failure::Failure;
use crate::cli::host::Host;
use crate::cli::output::Output;

/// Refuses if something is known to stand in the way, unless it is risked on purpose. What cannot be looked at is told, and
/// stands in nobody's way: the queue has been read, and that its settings may not be is no fault.
pub(super) async fn preflight(
    host: &Host,
    app: &App,
    status: &Status,
    force: bool,
    output: &Output,
) -> Result<(), Failure> {
    let mut findings = check::queue(&host.queue, &app.queue).await;
    let credentials = credentials(&host.aws);
    if credentials.severity == Severity::Blocking {
        findings.push(credentials);
    }
    for finding in findings.iter().filter(|finding| finding.severity == Severity::NotChecked) {
        output.note(&format!("not checked before the rotate call: {}", finding.evidence));
    }
    let blocking: Vec<&Finding> = findings.iter().filter(|finding| finding.severity == Severity::Blocking).collect();
    if force {
        for finding in &blocking {
            output.note(&format!("warning: risked by --force: {}; {}", finding.evidence, finding.consequence));
        }
        return Ok(());
    }
    let Some(first) = blocking.first() else { return Ok(()) };
    let evidence: Vec<&str> = blocking.iter().map(|finding| finding.evidence.as_str()).collect();
    let mut failure = Failure::failed(format!(
        "{}: no rotate call is made, because of the queue {}: {}; {}",
        app.name,
        app.queue,
        evidence.join("; "),
        first.consequence
    ));
    for finding in &blocking {
        failure = failure.hint(&finding.remedy);
    }
    Err(failure
        .hint(format!(
            "the current secret works on; to risk the new one all the same: lwa-rotate rotate {} --force",
            app.name
        ))
        .status(&app.name, status))
}
