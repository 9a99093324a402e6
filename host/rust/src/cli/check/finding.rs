//! What was found out about one thing.

use lwa_rotate::{QueueFinding, Severity};

/// What was found out about one thing. The texts are for people and hold no secret.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::cli) struct Finding {
    /// What was checked, as a name for programs. They are listed in `docs/json-output.md`.
    pub(in crate::cli) check: String,
    /// How bad it is.
    pub(in crate::cli) severity: Severity,
    /// What was seen.
    pub(in crate::cli) evidence: String,
    /// What comes of it; empty where all is well.
    pub(in crate::cli) consequence: String,
    /// What to do; empty where all is well.
    pub(in crate::cli) remedy: String,
}

impl Finding {
    /// As it should be: only of what was tried in a way that would have failed.
    pub(super) fn fine(check: &str, evidence: impl Into<String>) -> Self {
        Self::new(check, Severity::Fine, evidence, "", "")
    }

    /// Not as it should be, or not known.
    pub(super) fn new(
        check: &str,
        severity: Severity,
        evidence: impl Into<String>,
        consequence: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        Self {
            check: check.to_owned(),
            severity,
            evidence: evidence.into(),
            consequence: consequence.into(),
            remedy: remedy.into(),
        }
    }

    /// Whether a rotation would not go as it should: no call, or a new secret at risk.
    pub(super) fn stops(&self) -> bool {
        matches!(self.severity, Severity::Blocking | Severity::Doubtful)
    }
}

impl From<QueueFinding> for Finding {
    fn from(finding: QueueFinding) -> Self {
        let QueueFinding { check, severity, evidence, consequence, remedy } = finding;
        Self { check, severity, evidence, consequence, remedy }
    }
}
