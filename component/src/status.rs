//! Where an application stands: the record without its secrets.

use crate::bindings::lwa::rotation::settings::Application;
use crate::bindings::lwa::rotation::types::{ApplicationStatus, TargetStatus};
use crate::instant::Instant;
use crate::record::Record;
use crate::record::call::Phase;
use crate::record::targets::Target;
use crate::{problem, schedule};

/// The status that this record has under these settings.
pub fn of(record: &Record, application: &Application) -> ApplicationStatus {
    let secrets = &record.secrets;
    let milliseconds = |at: Option<Instant>| at.map(|at| at.0);
    let ours = application
        .targets
        .iter()
        .map(|target| of_target(record, Some(target.name.clone()), &target.place, record.targets.get(&target.place)));
    let others =
        record.targets.iter().filter(|(place, _)| application.targets.iter().all(|ours| ours.place != **place));
    ApplicationStatus {
        client_id: record.client_id.clone(),
        state: record.state(&application.targets),
        expires_at: milliseconds(record.ends_at()),
        current_since: secrets.current.since.0,
        verified: secrets.verified(),
        generation: secrets.generation,
        candidate_expires_at: milliseconds(secrets.awaited().next_back().and_then(|candidate| candidate.expires_at)),
        retired_ends_at: milliseconds(secrets.previous().map(|(_, ends_at)| ends_at)),
        rotation_due_at: match record.call.phase {
            Phase::Idle if record.may_want_another(false) => milliseconds(schedule::rotation_due(record, application)),
            _ => None,
        },
        called_at: milliseconds(record.call.last_at),
        awaited_until: match record.call.phase {
            Phase::Awaited { since, .. } => Some((since + schedule::patience(application)).0),
            _ => None,
        },
        next: schedule::next(record, application),
        problem: problem::of(record, application),
        targets: ours.chain(others.map(|(place, target)| of_target(record, None, place, Some(target)))).collect(),
    }
}

fn of_target(record: &Record, name: Option<String>, place: &str, kept: Option<&Target>) -> TargetStatus {
    let holds_current = record.holds(place);
    let found = kept.and_then(|target| target.found.as_ref()).map(|found| problem::found(found.what).to_owned());
    let failed = kept.and_then(|target| target.retry.failure.as_ref()).map(|failure| failure.detail.clone());
    TargetStatus {
        name,
        place: place.to_owned(),
        holds_current,
        read_at: kept.filter(|_| holds_current).and_then(|target| target.read_at).map(|at| at.0),
        failure: found.or(failed),
        retry_at: kept
            .filter(|_| !holds_current)
            .and_then(|target| target.written_at(record.secrets.generation).or(target.look_at))
            .map(|at| at.0),
    }
}
