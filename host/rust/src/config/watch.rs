//! How often `watch` reads what has nothing due.

use std::time::Duration;

use super::Store;
use super::duration::Bounds;
use super::mistake::Report;
use super::section::Section;

/// The longest time between two reads of what has nothing due. What is due, or awaited, is read when its time comes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Watch {
    /// Between two reads of a queue.
    pub queue_interval: Duration,
    /// Between two reads of an application's record, which another process may have changed.
    pub record_interval: Duration,
}

const QUEUE_INTERVAL: Bounds = Bounds {
    default: "5m",
    range: "1s"..="1d",
    reason: "messages wait in the queue meanwhile: Amazon's word that a secret expires, and secrets made in the Developer Console",
};

/// Where each look is a call that is paid for.
const RECORD_INTERVAL: Bounds = Bounds {
    default: "1h",
    range: "1s"..="1d",
    reason: "what another process has decided, such as `resume`, waits meanwhile for `watch` to go on with it",
};

/// Reading a file costs nothing.
const RECORD_INTERVAL_OF_FILES: Bounds = Bounds { default: "5m", ..RECORD_INTERVAL };

pub(super) fn watch(root: &mut Section<'_>, store: Option<&Store>, report: &mut Report) -> Watch {
    let is_of_files = store.is_none_or(|store| matches!(store, Store::File { .. }));
    let records = if is_of_files { RECORD_INTERVAL_OF_FILES } else { RECORD_INTERVAL };
    let Some(mut section) = root.section("watch", report) else {
        return Watch { queue_interval: QUEUE_INTERVAL.usual(), record_interval: records.usual() };
    };
    let watch = Watch {
        queue_interval: section.duration("queue-interval", &QUEUE_INTERVAL, report),
        record_interval: section.duration("record-interval", &records, report),
    };
    section.finish(report);
    watch
}
