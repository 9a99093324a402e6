//! What all applications have in common: the configuration, the store, the clock.

use lwa_rotate::Severity;
use lwa_rotate::aws::Aws;
use lwa_rotate::config::{Config, Skipped};

use super::answers::Answers;
use super::environment;
use super::finding::Finding;
use super::store::store;
use crate::cli::text::lifetime;

/// AWS takes no request that was signed so far from its own time.
const SKEW_ALLOWED: u64 = 5 * 60_000;
/// A clock that is kept right is never so far off.
const SKEW_WANTED: u64 = 60_000;

pub(super) async fn findings(config: &Config, aws: &Aws, answers: &Answers) -> Vec<Finding> {
    let readable =
        Finding::fine("configuration", format!("{} is readable and without mistakes", config.path.display()));
    let mut findings = vec![readable];
    findings.extend(config.skipped.iter().map(skipped));
    findings.extend(environment::variables(aws).await);
    findings.extend([store(config, aws).await, clock(answers.furthest())]);
    // Last: the others have used them.
    findings.push(environment::credentials(aws));
    findings
}

fn skipped(skipped: &Skipped) -> Finding {
    let mistakes = &skipped.mistakes;
    let hints: Vec<&str> = mistakes.all.iter().filter_map(|mistake| mistake.hint.as_deref()).collect();
    let apps = if skipped.apps.is_empty() { "which is not known".to_owned() } else { skipped.apps.join(", ") };
    Finding::new(
        "configuration",
        Severity::Blocking,
        mistakes.to_string(),
        format!("the file is left out, and nothing in it is rotated: {apps}"),
        if hints.is_empty() { "correct the file".to_owned() } else { hints.join("; ") },
    )
}

fn clock(furthest: Option<(i64, String)>) -> Finding {
    let Some((ahead, origin)) = furthest else {
        return Finding::new(
            "clock",
            Severity::NotChecked,
            "no answer of Amazon's came whose date could be compared",
            "whether this machine's clock is right is not known",
            "check again when an application is enrolled and Amazon can be reached",
        );
    };
    let apart = ahead.unsigned_abs();
    if apart <= SKEW_WANTED {
        return Finding::fine("clock", format!("within {} of that of {origin}", lifetime(apart.max(1000))));
    }
    let severity = if apart <= SKEW_ALLOWED { Severity::Warning } else { Severity::Blocking };
    let side = if ahead > 0 { "behind" } else { "ahead of" };
    Finding::new(
        "clock",
        severity,
        format!("this machine's clock is {} {side} that of {origin}", lifetime(apart)),
        "AWS refuses requests that are signed more than 5 minutes from its own time, and every deadline is off by as much",
        "set the clock, and keep it right with NTP",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_may_be_off_by_a_minute_and_no_more() {
        let clock = |ahead| clock(Some((ahead, "https://api.amazon.com".into())));
        for (ahead, severity) in [
            (0, Severity::Fine),
            (-60_000, Severity::Fine),
            (61_000, Severity::Warning),
            (-300_000, Severity::Warning),
            (301_000, Severity::Blocking),
            (-301_000, Severity::Blocking),
        ] {
            assert_eq!(clock(ahead).severity, severity, "{ahead}");
        }
        assert!(clock(301_000).evidence.contains("5 min 1 s behind"), "{:?}", clock(301_000));
        assert!(clock(-301_000).evidence.contains("ahead of"));
    }

    #[test]
    fn without_an_answer_the_clock_is_not_checked() {
        assert_eq!(clock(None).severity, Severity::NotChecked);
    }
}
