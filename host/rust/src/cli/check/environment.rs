//! The variables and files of the environment, and whether the AWS credentials work.

use lwa_rotate::Severity;
use lwa_rotate::aws::{Aws, Credential};

use super::finding::Finding;
use crate::cli::host::environment;

const VARIABLES: &str = "environment";
const CREDENTIALS: &str = "aws-credentials";

/// What of the variables and files cannot work.
pub(super) async fn variables(aws: &Aws) -> Vec<Finding> {
    let mistakes = environment(aws).await;
    let missing = aws.missing_files();
    let blocking = mistakes.into_iter().map(|mistake| {
        Finding::new(
            VARIABLES,
            Severity::Blocking,
            mistake.text,
            "every command that sends anything refuses to begin",
            format!("put {} right", mistake.setting),
        )
    });
    let warnings = missing.into_iter().map(|mistake| {
        Finding::new(
            VARIABLES,
            Severity::Warning,
            mistake.text,
            "what you have written there is not used",
            format!("put {} right", mistake.setting),
        )
    });
    let mut findings: Vec<Finding> = blocking.chain(warnings).collect();
    if findings.is_empty() {
        findings
            .push(Finding::fine(VARIABLES, "the variables and files for AWS, proxies and certificates can be read"));
    }
    findings
}

/// Whether AWS accepts the credentials, by what the other checks have asked of it.
pub(super) fn credentials(aws: &Aws) -> Finding {
    match aws.credential() {
        Some(Credential::Accepted(host)) => Finding::fine(CREDENTIALS, format!("{host} accepts the AWS credentials")),
        Some(Credential::Refused(text)) => Finding::new(
            CREDENTIALS,
            Severity::Blocking,
            text,
            "no queue can be read, so that no new secret would be received",
            "do what is said of it, then check again",
        ),
        Some(Credential::Unknown(text)) => unknown(text),
        None => unknown("nothing in AWS has answered".into()),
    }
}

fn unknown(text: String) -> Finding {
    Finding::new(
        CREDENTIALS,
        Severity::NotChecked,
        text,
        "it could not be determined whether AWS accepts the credentials",
        "check again when AWS can be reached",
    )
}
