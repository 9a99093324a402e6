//! One task for each application, one for each queue.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use lwa_rotate::check::{self, Finding, Severity};
use lwa_rotate::config::App;
use lwa_rotate::{Answer, Delivery, Error, State, Status};
use tokio::sync::{Notify, Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use crate::cli::host::Host;
use crate::cli::text::now;

/// How many applications are advanced at the same time.
const AT_ONCE: usize = 16;
/// An application is looked at no more often than this.
const SHORTEST: Duration = Duration::from_secs(1);
/// An application is looked at no less often than this: another process may have changed it, `resume` for instance.
const LONGEST: Duration = Duration::from_secs(5 * 60);
/// How soon an application that could not be looked at is looked at again.
const AGAIN: Duration = Duration::from_secs(10);
/// How often a queue is read while no rotation waits for it. Documented in docs/commands.md.
const QUIET: Duration = Duration::from_secs(5 * 60);
/// How long a receive waits for a message that a rotation waits for; SQS waits no longer.
const LONG_POLL: u32 = 20;
/// How many messages are received at once; SQS gives no more.
const BATCH: u32 = 10;
/// The pause after the first failed receive; it doubles with each further one, up to `QUIET`.
const FIRST_PAUSE: Duration = Duration::from_secs(2);

/// What is looked after.
pub(super) struct Tended {
    host: Host,
    states: Mutex<BTreeMap<String, State>>,
    /// Wakes an application's task, because something came for it.
    apps: BTreeMap<String, Notify>,
    /// Wakes a queue's task, because somebody waits for it.
    queues: BTreeMap<String, Notify>,
    calls: Semaphore,
    stopped: watch::Sender<bool>,
}

impl Tended {
    /// Starts all tasks.
    pub(super) fn start(host: Host) -> (Arc<Self>, JoinSet<()>) {
        let tended = Arc::new(Self {
            states: Mutex::default(),
            apps: host.config.apps.iter().map(|app| (app.client_id.clone(), Notify::new())).collect(),
            queues: host.config.apps.iter().map(|app| (app.queue.clone(), Notify::new())).collect(),
            calls: Semaphore::new(AT_ONCE),
            stopped: watch::Sender::new(false),
            host,
        });
        let mut tasks = JoinSet::new();
        for app in tended.host.config.apps.clone() {
            let tended = Arc::clone(&tended);
            tasks.spawn(async move { tended.tend_app(&app).await });
        }
        let queues: Vec<String> = tended.queues.keys().cloned().collect();
        for queue in queues {
            let (reader, checker, name) = (Arc::clone(&tended), Arc::clone(&tended), queue.clone());
            tasks.spawn(async move { reader.tend_queue(&queue).await });
            tasks.spawn(async move { checker.check_queue(&name).await });
        }
        (tended, tasks)
    }

    /// Begins nothing any more.
    pub(super) fn stop(&self) {
        self.stopped.send_replace(true);
    }

    async fn tend_app(&self, app: &App) {
        let mut told = None;
        while !self.is_stopped() {
            let advanced = match self.calls.acquire().await {
                Ok(_permit) => self.host.rotator.advance(&app.client_id).await,
                Err(_) => return,
            };
            let pause = match advanced {
                Ok(status) => {
                    told = None;
                    self.note(app, &status);
                    let due = status
                        .next
                        .as_ref()
                        .map_or(LONGEST, |next| Duration::from_millis(next.at.saturating_sub(now())));
                    due.clamp(SHORTEST, LONGEST)
                }
                Err(error) => {
                    tell(app, &error, &mut told);
                    AGAIN
                }
            };
            self.pause(pause, self.apps.get(&app.client_id)).await;
        }
    }

    /// Says once what stands in the way of new secrets. That something cannot be looked at is no trouble of a rotation's.
    async fn check_queue(&self, queue: &str) {
        let mut stopped = self.stopped.subscribe();
        let findings = tokio::select! {
            findings = check::queue(&self.host.queue, queue) => findings,
            _ = stopped.wait_for(|stopped| *stopped) => return,
        };
        for finding in findings {
            let Finding { check, severity, evidence, consequence, remedy } = finding;
            match severity {
                Severity::Blocking => tracing::error!(queue, check, "{evidence}; {consequence}; what to do: {remedy}"),
                Severity::NotChecked => tracing::debug!(queue, check, "not checked: {evidence}"),
                Severity::Fine | Severity::Warning => {}
            }
        }
    }

    async fn tend_queue(&self, queue: &str) {
        let mut pause = FIRST_PAUSE;
        while !self.is_stopped() {
            let wait = if self.is_awaited(queue) { LONG_POLL } else { 0 };
            let wake = self.queues.get(queue);
            let began = Instant::now();
            match self.host.rotator.drain(queue, BATCH, wait).await {
                Ok(deliveries) => {
                    pause = FIRST_PAUSE;
                    self.take(&deliveries);
                    let fruitful = deliveries.iter().any(|delivery| !matches!(delivery.answer, Answer::Leave(_)));
                    // Messages that are left come again and again; they must not keep this task busy.
                    if !fruitful && !self.is_awaited(queue) {
                        self.pause(QUIET, wake).await;
                    } else if !fruitful {
                        self.pause(FIRST_PAUSE.saturating_sub(began.elapsed()), None).await;
                    }
                }
                Err(error) => {
                    tracing::warn!(queue, again_in = ?pause, "{error}");
                    self.pause(pause, None).await;
                    pause = (pause * 2).min(QUIET);
                }
            }
        }
    }

    /// Notes where applications stand after their messages, and has their tasks plan anew.
    fn take(&self, deliveries: &[Delivery]) {
        for delivery in deliveries {
            let Some(status) = &delivery.status else { continue };
            self.states().insert(status.client_id.clone(), status.state);
            if let Some(task) = self.apps.get(&status.client_id) {
                task.notify_one();
            }
        }
    }

    /// Notes where an application stands, and has its queue read if it waits for a message.
    fn note(&self, app: &App, status: &Status) {
        self.states().insert(app.client_id.clone(), status.state);
        if let Some(queue) = self.queues.get(&app.queue).filter(|_| waits(status.state)) {
            queue.notify_one();
        }
    }

    /// Whether any application of the queue waits for a message.
    fn is_awaited(&self, queue: &str) -> bool {
        let states = self.states();
        let mut apps = self.host.config.apps.iter().filter(|app| app.queue == queue);
        apps.any(|app| states.get(&app.client_id).is_some_and(|state| waits(*state)))
    }

    fn states(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, State>> {
        self.states.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_stopped(&self) -> bool {
        *self.stopped.borrow()
    }

    /// Waits, unless somebody wakes the task or everything stops.
    async fn pause(&self, pause: Duration, wake: Option<&Notify>) {
        let mut stopped = self.stopped.subscribe();
        let woken = async {
            match wake {
                Some(wake) => wake.notified().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = sleep(pause) => {}
            () = woken => {}
            _ = stopped.wait_for(|stopped| *stopped) => {}
        }
    }
}

/// Whether an application in this state waits for a message: for the new secret, or for the one to be acknowledged last.
fn waits(state: State) -> bool {
    matches!(state, State::Awaiting | State::Verifying | State::Publishing)
}

/// Says why an application cannot be advanced, once for as long as it stays the same.
fn tell(app: &App, error: &Error, told: &mut Option<Error>) {
    if told.as_ref() == Some(error) {
        return;
    }
    match error {
        Error::NotEnrolled => tracing::warn!(
            app = app.name,
            "not enrolled: hand over its present secret with `lwa-rotate enroll {}`",
            app.name
        ),
        _ => tracing::error!(app = app.name, "{error}"),
    }
    *told = Some(error.clone());
}
