//! What the places of an application hold now, and whether they could be written.

use lwa_rotate::config::{App, Target};
use lwa_rotate::publish::{Error, Held, Probe, Reading};
use lwa_rotate::{Credential, Severity, Stage, Status, TargetStatus};

use super::application::Applications;
use super::finding::Finding;
use crate::cli::target::{remedy, target};

const CHECK: &str = "target";

/// The secrets of a record.
struct Secrets(Vec<(Stage, Credential)>);

/// Reads each place, and looks whether it could be written.
pub(super) async fn targets(checked: &Applications, app: &App, status: Option<&Status>) -> Vec<Finding> {
    let mut secrets = Secrets(Vec::new());
    if status.is_some() {
        for stage in [Stage::Current, Stage::Candidate, Stage::Retired] {
            let revealed = checked.rotator.reveal(&app.client_id, stage).await;
            secrets.0.extend(revealed.ok().flatten().map(|credential| (stage, credential)));
        }
    }
    let mut findings = Vec::new();
    for configured in &app.publish {
        let place = target(configured, &checked.aws);
        let (probed, read) = (place.probe().await, place.read().await);
        findings.push(match probed.and_then(|probe| Ok((probe, read?))) {
            Ok((probe, reading)) => {
                of_place(app, configured, probe, &reading, &secrets, known(status, &configured.name))
            }
            Err(error) => unreachable(configured, &error),
        });
    }
    findings
}

fn unreachable(target: &Target, error: &Error) -> Finding {
    Finding::new(
        CHECK,
        Severity::Warning,
        format!("{}: {error}", target.name),
        "a new secret would be kept but not published there, and the old one ends 7 days after the rotate call",
        remedy(&target.kind),
    )
}

fn of_place(
    app: &App,
    target: &Target,
    probe: Probe,
    reading: &Reading,
    secrets: &Secrets,
    known: Option<&TargetStatus>,
) -> Finding {
    let name = &target.name;
    let is_enrolled = !secrets.0.is_empty();
    let publish = || format!("publish it: lwa-rotate publish {} --target {name}", app.name);
    let warning = |holds: &str, consequence: &str, remedy: String| {
        Finding::new(CHECK, Severity::Warning, format!("{name}: {holds}"), consequence, remedy)
    };
    if let (Reading::Unreadable, Some(known)) = (reading, known.filter(|known| !known.holds_current)) {
        let why = known.failure.as_ref().map_or(String::new(), |failure| format!(": the last try failed: {failure}"));
        let (Probe::Fine(seen) | Probe::NotChecked(seen)) = probe;
        return warning(
            &format!("it does not hold the current secret yet{why}. Now: {seen}"),
            "its readers go without the current secret until then",
            remedy(&target.kind).to_owned(),
        );
    }
    let holds = match reading {
        Reading::Unreadable if is_enrolled => "what it holds cannot be read",
        Reading::Unreadable => "",
        Reading::None if is_enrolled => {
            return warning("it holds no client secret", "its readers have none", publish());
        }
        Reading::None => "it holds no client secret yet",
        Reading::Credential(held) if is_other(app, held) => {
            return warning(
                "it holds the credential of another application",
                "it is not overwritten, so that the readers of this application get no new secret there",
                "correct the target, its `names`, or the application's `client-id`".into(),
            );
        }
        Reading::Credential(_) if !is_enrolled => "it holds a client secret",
        Reading::Credential(held) => match secrets.stage(held) {
            Some(Stage::Current) => "it was read and holds the current secret",
            Some(Stage::Retired) => {
                return warning(
                    "it holds a retired secret",
                    "its readers are locked out when Amazon ends that secret",
                    publish(),
                );
            }
            Some(Stage::Candidate) => {
                return warning(
                    "it holds a secret that is not verified yet",
                    "its readers are locked out if Amazon does not accept it",
                    publish(),
                );
            }
            None => return unknown(app, target, held),
        },
    };
    let words = |seen: String| match holds {
        "" => format!("{name}: {seen}"),
        holds => format!("{name}: {holds}; {seen}"),
    };
    match probe {
        Probe::Fine(seen) => Finding::fine(CHECK, words(seen)),
        Probe::NotChecked(why) => Finding::new(
            CHECK,
            Severity::NotChecked,
            words(why),
            "whether a new secret could be published there is not known",
            remedy(&target.kind),
        ),
    }
}

/// What the record says of a target.
fn known<'s>(status: Option<&'s Status>, name: &str) -> Option<&'s TargetStatus> {
    status?.targets.iter().find(|known| known.name.as_deref() == Some(name))
}

/// A secret that the record does not know: a newer one than the record's, if that was put back from a backup, or one that was
/// supplied there.
fn unknown(app: &App, target: &Target, held: &Held) -> Finding {
    let by = held.written_by.as_ref().map_or(String::new(), |by| format!(", last written by {by}"));
    Finding::new(
        CHECK,
        Severity::Doubtful,
        format!("{}: it holds a client secret that the record does not know{by}", target.name),
        "it may be newer than the record's, if the store was put back from a backup or the secret was rotated elsewhere; it is never overwritten",
        format!(
            "to have it verified and taken in: lwa-rotate enroll {0} --from {1}; if it is a mistake, publish over it: lwa-rotate publish {0} --target {1}",
            app.name, target.name
        ),
    )
}

fn is_other(app: &App, held: &Held) -> bool {
    held.client_id.as_ref().is_some_and(|id| *id != app.client_id)
}

impl Secrets {
    fn stage(&self, held: &Held) -> Option<Stage> {
        let same =
            |credential: &Credential| credential.client_secret.expose() == held.client_secret.expose().trim_ascii();
        self.0.iter().find(|(_, credential)| same(credential)).map(|(stage, _)| *stage)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lwa_rotate::Secret;
    use lwa_rotate::config::{Format, Names, TargetKind};

    fn finding(held: Option<&str>, client_id: Option<&str>, enrolled: bool) -> Finding {
        let reading = held.map_or(Reading::None, |secret| {
            Reading::Credential(Held {
                client_id: client_id.map(str::to_owned),
                client_secret: Secret::from(secret),
                expires_at: None,
                written_by: None,
            })
        });
        of_reading(&reading, enrolled, None)
    }

    fn of_reading(reading: &Reading, enrolled: bool, known: Option<&TargetStatus>) -> Finding {
        let text = "[store]\npath = \"s\"\n[queues.q]\nurl = \"https://sqs.us-east-1.amazonaws.com/1/q\"\n[apps.shop]\nclient-id = \"amzn1.id\"\nqueue = \"q\"\nregion = \"eu\"";
        let config = lwa_rotate::config::Config::parse(std::path::Path::new("/a.toml"), text).expect("it is right");
        let kind = TargetKind::File { path: "/a.env".into(), format: Format::Env, names: Names::of(Format::Env) };
        let target = Target { name: "env".into(), kind, then: None };
        let credential = |secret: &str| Credential {
            client_id: "amzn1.id".into(),
            client_secret: Secret::from(secret),
            expires_at: None,
        };
        let secrets = [(Stage::Current, "new"), (Stage::Candidate, "newer"), (Stage::Retired, "old")];
        let secrets = if enrolled { &secrets[..] } else { &[] };
        let secrets = Secrets(secrets.iter().map(|(stage, secret)| (*stage, credential(secret))).collect());
        of_place(&config.apps[0], &target, Probe::Fine("it can be written".into()), reading, &secrets, known)
    }

    #[test]
    fn a_place_that_cannot_be_read_is_not_fine_while_its_last_write_has_failed() {
        let mut known = TargetStatus {
            name: Some("env".into()),
            place: "exec://machine/env".into(),
            holds_current: false,
            read_at: None,
            failure: Some("it ended with exit code 1".into()),
            retry_at: None,
        };
        let waiting = of_reading(&Reading::Unreadable, true, Some(&known));
        assert_eq!(waiting.severity, Severity::Warning);
        assert!(waiting.evidence.contains("it ended with exit code 1"), "{waiting:?}");
        known.holds_current = true;
        assert_eq!(of_reading(&Reading::Unreadable, true, Some(&known)).severity, Severity::Fine);
    }

    #[test]
    fn a_place_is_fine_only_if_it_was_read_and_holds_the_current_secret() {
        for (held, severity) in [
            (Some("new"), Severity::Fine),
            (Some("newer"), Severity::Warning),
            (Some("old"), Severity::Warning),
            (Some("unknown"), Severity::Doubtful),
            (None, Severity::Warning),
        ] {
            let finding = finding(held, Some("amzn1.id"), true);
            assert_eq!(finding.severity, severity, "{held:?}: {finding:?}");
        }
    }

    #[test]
    fn a_secret_that_the_record_does_not_know_points_to_enrolling_from_there() {
        let finding = finding(Some("unknown"), None, true);
        assert!(finding.remedy.contains("lwa-rotate enroll shop --from env"), "{finding:?}");
    }

    #[test]
    fn the_credential_of_another_application_is_named_as_one_and_not_shown() {
        let finding = finding(Some("new"), Some("amzn1.other"), true);
        assert_eq!(finding.severity, Severity::Warning);
        assert!(!finding.evidence.contains("amzn1.other"), "{finding:?}");
    }

    #[test]
    fn without_a_record_nothing_is_said_about_which_secret_it_is() {
        assert_eq!(finding(None, None, false).severity, Severity::Fine);
        assert_eq!(finding(Some("unknown"), None, false).severity, Severity::Fine);
    }
}
