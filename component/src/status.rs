//! Where an application stands, for those who ask: the record without its secrets.

use crate::contract::lwa::rotation::settings::Application;
use crate::contract::lwa::rotation::types::{ApplicationStatus, State as StateName, TargetStatus};
use crate::deadline;
use crate::problem;
use crate::record::{Record, State};

/// The status that this record has under these settings.
pub fn of(record: &Record, application: &Application) -> ApplicationStatus {
    ApplicationStatus {
        client_id: record.client_id.clone(),
        state: match record.state {
            State::Settled => StateName::Settled,
            State::Requesting(_) => StateName::Requesting,
            State::Awaiting { .. } => StateName::Awaiting,
            State::Verifying => StateName::Verifying,
            State::Publishing => StateName::Publishing,
            State::Stalled(_) => StateName::Stalled,
        },
        expires_at: record.current.expires_at.map(|at| at.0),
        current_since: record.current.since.0,
        proven: record.proven(),
        generation: record.generation,
        pending_expires_at: record.newest_pending().and_then(|pending| pending.expires_at).map(|at| at.0),
        old_ends_at: record.last_old().map(|old| old.ends_at.0),
        rotation_due_at: match record.state {
            State::Settled | State::Publishing => deadline::rotation_due(record, application).map(|at| at.0),
            _ => None,
        },
        called_at: record.called_at.map(|at| at.0),
        awaited_until: match record.state {
            State::Awaiting { until } => Some(until.0),
            _ => None,
        },
        next: deadline::next(record, application),
        problem: problem::of(record, application),
        targets: application.targets.iter().map(|name| target(record, name)).collect(),
    }
}

fn target(record: &Record, name: &str) -> TargetStatus {
    let kept = record.targets.get(name);
    let holds_current = kept.is_some_and(|target| target.generation == record.generation);
    let open = kept.filter(|_| !holds_current);
    TargetStatus {
        name: name.to_owned(),
        holds_current,
        failure: open.and_then(|target| target.retry.failure.as_ref()).map(|failure| failure.detail.clone()),
        retry_at: open.map(|target| target.retry.at.0),
    }
}
