//! One application in detail: what happens next, and what its places hold.

use lwa_rotate::{DeadlineKind, State, Status, TargetStatus};

use crate::cli::text::{instant_and_left, left};

/// What happens next and when, as a line below the application.
pub(super) fn next_line(status: &Status, now: u64) -> Option<String> {
    next_words(status, now).map(|words| format!("  {:<13}{words}", "next"))
}

/// What happens next and when; `None` if only a message or a person can change anything.
pub(in crate::cli) fn next_words(status: &Status, now: u64) -> Option<String> {
    if let (State::Awaiting, Some(at)) = (status.state, status.awaited_until) {
        let until = instant_and_left(at, now);
        return Some(format!("the message with the new secret is awaited until {until}; then a person has to decide"));
    }
    let next = status.next.as_ref()?;
    let at = instant_and_left(next.at, now);
    Some(match next.kind {
        DeadlineKind::RotationDue => format!("a rotation begins {at}"),
        DeadlineKind::CallPermitted if status.problem.is_some() => format!("the rotate call is tried again {at}"),
        DeadlineKind::CallPermitted => {
            format!("the rotate call, or another reading of the queue before it, {at}")
        }
        DeadlineKind::CallOverdue => {
            format!("a host is preparing or making the rotate call; if it does not finish, another one takes over {at}")
        }
        DeadlineKind::PatienceEnd => format!("a person has to decide if no message has come until {at}"),
        DeadlineKind::Verification => format!("the new secret is verified again {at}"),
        DeadlineKind::VerificationOfCurrent => format!("the current secret is verified again {at}"),
        DeadlineKind::Publication => format!("a publish target is tried again {at}"),
        DeadlineKind::Reading => format!("the publish targets are read again {at}"),
        DeadlineKind::RetiredEnd => format!("a retired secret ends and is erased {at}"),
        DeadlineKind::Reminder => format!("what needs a person is reported again {at}"),
    })
}

/// The publish targets of this host by name and place, then the places that other hosts write.
pub(super) fn target_lines(status: &Status, now: u64) -> Vec<String> {
    let (own, others): (Vec<_>, Vec<_>) = status.targets.iter().partition(|target| target.name.is_some());
    let mut lines = Vec::new();
    for (title, targets) in [("published to", own), ("written by other machines, or under other settings", others)] {
        if targets.is_empty() {
            continue;
        }
        lines.push(format!("  {title}"));
        for target in targets {
            lines.push(match &target.name {
                Some(name) => format!("    {name}: {}", holds(target, now)),
                None => format!("    {}: {}", target.place, holds(target, now)),
            });
            if target.name.is_some() {
                lines.push(format!("      {}", target.place));
            }
        }
    }
    lines
}

fn holds(target: &TargetStatus, now: u64) -> String {
    let mut text = match (target.holds_current, target.read_at) {
        (true, Some(at)) => format!("holds the current secret, read {}", left(at, now)),
        (true, None) => "was given the current secret, not read since".to_owned(),
        (false, _) => "does not hold the current secret".to_owned(),
    };
    if let Some(failure) = &target.failure {
        text.push_str(": ");
        text.push_str(failure);
    }
    if let Some(at) = target.retry_at {
        text.push_str(&format!("; tried again {}", left(at, now)));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use lwa_rotate::Deadline;

    fn status() -> Status {
        Status {
            client_id: "amzn1.application-oa2-client.0123".into(),
            state: State::Settled,
            expires_at: None,
            current_since: 0,
            verified: true,
            generation: 1,
            candidate_expires_at: None,
            retired_ends_at: None,
            rotation_due_at: None,
            called_at: None,
            awaited_until: None,
            next: None,
            problem: None,
            targets: Vec::new(),
        }
    }

    fn target(name: Option<&str>, holds_current: bool, read_at: Option<u64>, failure: Option<&str>) -> TargetStatus {
        TargetStatus {
            name: name.map(str::to_owned),
            place: "file://here/a".into(),
            holds_current,
            read_at,
            failure: failure.map(str::to_owned),
            retry_at: None,
        }
    }

    #[test]
    fn what_happens_next_is_said_while_a_call_is_prepared_and_while_a_message_is_awaited() {
        assert_eq!(next_words(&status(), 0), None);
        let next = Some(Deadline { at: 180_000, kind: DeadlineKind::CallPermitted });
        let requesting = Status { state: State::Requesting, next, ..status() };
        let words = next_words(&requesting, 0).expect("it is known");
        assert!(words.contains("another reading of the queue") && words.contains("in 3 min"), "{words}");
        let awaiting = Status { state: State::Awaiting, next, awaited_until: Some(3_600_000), ..status() };
        let words = next_words(&awaiting, 0).expect("it is known");
        assert!(words.contains("awaited until") && words.contains("in 1 h"), "{words}");
    }

    #[test]
    fn places_of_other_machines_are_shown_apart() {
        let targets = vec![
            target(Some("env"), true, Some(0), None),
            target(Some("json"), false, None, Some("it holds a client secret that this record does not know")),
            target(None, true, None, None),
        ];
        assert_eq!(
            target_lines(&Status { targets, ..status() }, 60_000),
            [
                "  published to",
                "    env: holds the current secret, read 1 min ago",
                "      file://here/a",
                "    json: does not hold the current secret: it holds a client secret that this record does not know",
                "      file://here/a",
                "  written by other machines, or under other settings",
                "    file://here/a: was given the current secret, not read since",
            ]
        );
    }
}
