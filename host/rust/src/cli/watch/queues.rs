//! Reads the queues, each in a task of its own: often while a message is awaited, now and then otherwise.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use lwa_rotate::{Answer, Drained, Error, QueueFinding, Severity, State, Status};
use tokio::sync::{Notify, mpsc, watch};
use tokio::time::{Instant, sleep};

use crate::cli::host::{Host, passes, queue_hint};

/// How long a receive waits for a message that a rotation waits for; SQS waits no longer.
const LONG_POLL: u32 = 20;
/// How long it waits otherwise: without waiting at all, SQS asks only some of its servers and may say that there is nothing.
const SHORT_POLL: u32 = 1;
/// How many messages are received at once; SQS gives no more.
const BATCH: u32 = 10;
/// The pause after the first failed receive; it doubles with each further one, up to the interval of the settings, but
/// not beyond the longest: a message that is awaited must not wait a day because the network was away.
const FIRST_PAUSE: Duration = Duration::from_secs(2);
/// The pause after a receive that was refused: what a person puts right, such as credentials in a file, is taken up within a
/// minute.
const REFUSED_PAUSE: Duration = Duration::from_secs(40);
/// Documented in docs/operating.md.
const LONGEST_PAUSE: Duration = Duration::from_secs(300);

/// How often each queue is checked. Documented in docs/operating.md.
const CHECK_INTERVAL: Duration = Duration::from_secs(24 * 60 * 60);

/// The readers of the queues that the applications of one configuration name.
pub(super) struct Readers {
    all: BTreeMap<String, Arc<Reader>>,
    stopped: watch::Sender<bool>,
}

/// How many applications wait for a queue's messages.
#[derive(Default)]
struct Reader {
    awaited: AtomicUsize,
    wake: Notify,
}

impl Readers {
    /// For the queues of the applications of the host. None reads yet.
    pub(super) fn of(host: &Host) -> Self {
        let mut all = BTreeMap::<String, Arc<Reader>>::new();
        for app in &host.config.apps {
            if !all.contains_key(&app.queue) {
                all.insert(app.queue.clone(), Arc::default());
            }
        }
        Self { all, stopped: watch::Sender::new(false) }
    }

    /// The names of the queues.
    pub(super) fn names(&self) -> impl Iterator<Item = &String> {
        self.all.keys()
    }

    /// Reads a queue until it is stopped, and sends the states of applications after their messages.
    pub(super) fn read(
        &self,
        queue: &str,
        host: Arc<Host>,
        told: mpsc::UnboundedSender<Vec<Status>>,
    ) -> impl Future<Output = ()> + Send + use<> {
        let (queue, reader, mut stopped) = (queue.to_owned(), self.all.get(queue).cloned(), self.stopped.subscribe());
        async move {
            let Some(reader) = reader else { return };
            let mut rhythm = Rhythm::new(host.config.watch.queue_interval);
            while !*stopped.borrow() {
                let began = Instant::now();
                let read = match host.rotator.drain(&queue, BATCH, Rhythm::wait(reader.is_awaited())).await {
                    Ok(drained) => {
                        let read = Read::of(&drained);
                        // Where the readers are being stopped, no one listens.
                        let _ =
                            told.send(drained.deliveries.into_iter().filter_map(|delivery| delivery.status).collect());
                        read
                    }
                    Err(error) => match &error {
                        Error::Queue(why) if !passes(why) => {
                            tracing::error!(queue, "{error}; what to do: {}", queue_hint(&queue, why));
                            Read::Refused
                        }
                        _ => {
                            tracing::warn!(queue, "{error}");
                            Read::Failed
                        }
                    },
                };
                let pause = rhythm.after(read, reader.is_awaited(), began.elapsed());
                tokio::select! {
                    () = sleep(pause.length) => {}
                    () = reader.wake.notified(), if pause.may_be_cut => {}
                    _ = stopped.wait_for(|stopped| *stopped) => {}
                }
            }
        }
    }

    /// Says what keeps new secrets from arriving or staying: at once if `now`, and daily. What could not be checked is no
    /// trouble of a rotation's.
    pub(super) fn check(&self, queue: &str, host: Arc<Host>, now: bool) -> impl Future<Output = ()> + Send + use<> {
        let (queue, mut stopped) = (queue.to_owned(), self.stopped.subscribe());
        async move {
            let mut pause = if now { Duration::ZERO } else { CHECK_INTERVAL };
            loop {
                let check = async {
                    sleep(pause).await;
                    host.rotator.check_queue(&queue).await
                };
                let findings = tokio::select! {
                    findings = check => findings,
                    _ = stopped.wait_for(|stopped| *stopped) => return,
                };
                // Why the component was stopped is logged where that happens.
                findings.unwrap_or_default().iter().for_each(|finding| tell(&queue, finding));
                pause = CHECK_INTERVAL;
            }
        }
    }

    /// The state of an application of the queue has changed.
    pub(super) fn changed(&self, queue: &str, before: Option<State>, now: Option<State>) {
        let Some(reader) = self.all.get(queue) else { return };
        let waited = before.is_some_and(waits);
        match (waited, now.is_some_and(waits)) {
            (false, true) => {
                reader.awaited.fetch_add(1, Ordering::Relaxed);
                reader.wake.notify_one();
            }
            (true, false) => {
                reader.awaited.fetch_sub(1, Ordering::Relaxed);
            }
            _ => {}
        }
    }

    /// No queue is read any more; reads under way come to their end.
    pub(super) fn stop(&self) {
        self.stopped.send_replace(true);
    }
}

fn tell(queue: &str, finding: &QueueFinding) {
    let QueueFinding { check, severity, evidence, consequence, remedy } = finding;
    match severity {
        Severity::Blocking => tracing::error!(queue, check, "{evidence}; {consequence}; what to do: {remedy}"),
        Severity::Doubtful => tracing::warn!(queue, check, "{evidence}; {consequence}; what to do: {remedy}"),
        Severity::NotChecked => tracing::debug!(queue, check, "not checked: {evidence}"),
        Severity::Fine | Severity::Warning => {}
    }
}

impl Reader {
    fn is_awaited(&self) -> bool {
        self.awaited.load(Ordering::Relaxed) > 0
    }
}

/// Whether an application in this state waits for a message: for the new secret, or for the one to be acknowledged last.
fn waits(state: State) -> bool {
    matches!(state, State::Awaiting | State::Verifying | State::Publishing)
}

/// What came of reading a queue.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Read {
    /// No message, or none that could be taken in.
    Nothing,
    /// Messages that were taken in, or others in front of those that are not received yet.
    Messages,
    Failed,
    /// The queue is not there, or may not be read with these credentials.
    Refused,
}

impl Read {
    pub(super) fn of(drained: &Drained) -> Self {
        let fruitful = drained.deliveries.iter().any(|delivery| !matches!(delivery.answer, Answer::Leave(_)));
        // What is left is hidden for a while, so that this comes to an end.
        let goes_on = drained.more && !drained.deliveries.is_empty();
        if fruitful || goes_on { Self::Messages } else { Self::Nothing }
    }
}

/// How often a queue is read.
pub(super) struct Rhythm {
    interval: Duration,
    failed_pause: Duration,
}

/// How long a queue is left alone.
pub(super) struct Pause {
    pub(super) length: Duration,
    /// It ends when a message begins to be awaited.
    pub(super) may_be_cut: bool,
}

impl Rhythm {
    pub(super) fn new(interval: Duration) -> Self {
        Self { interval, failed_pause: FIRST_PAUSE }
    }

    /// How long a receive waits for the first message.
    pub(super) fn wait(awaited: bool) -> u32 {
        if awaited { LONG_POLL } else { SHORT_POLL }
    }

    /// The pause after a read that took so long.
    pub(super) fn after(&mut self, read: Read, awaited: bool, took: Duration) -> Pause {
        let failed_pause = std::mem::replace(&mut self.failed_pause, FIRST_PAUSE);
        match read {
            Read::Messages => Pause { length: Duration::ZERO, may_be_cut: true },
            Read::Nothing if !awaited => Pause { length: self.interval, may_be_cut: true },
            // Messages that are left come again and again; they must not keep the reader busy.
            Read::Nothing => Pause { length: FIRST_PAUSE.saturating_sub(took), may_be_cut: false },
            Read::Refused => Pause { length: REFUSED_PAUSE, may_be_cut: false },
            Read::Failed => {
                self.failed_pause = (failed_pause * 2).min(self.interval.clamp(FIRST_PAUSE, LONGEST_PAUSE));
                Pause { length: failed_pause, may_be_cut: false }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_queue_that_cannot_be_read_is_tried_again_within_minutes_whatever_its_interval() {
        for (interval, longest) in [(1, 2), (60, 60), (86_400, 300)] {
            let mut rhythm = Rhythm::new(Duration::from_secs(interval));
            let mut pauses = (0..20).map(|_| rhythm.after(Read::Failed, true, Duration::ZERO).length.as_secs());
            assert_eq!((pauses.next(), pauses.last()), (Some(2), Some(longest)));
        }
    }

    #[test]
    fn a_queue_that_may_not_be_read_is_tried_again_within_a_minute_for_as_long_as_it_lasts() {
        let mut rhythm = Rhythm::new(Duration::from_secs(86_400));
        for _ in 0..20 {
            assert!(rhythm.after(Read::Refused, true, Duration::ZERO).length < Duration::from_secs(60));
        }
    }
}
