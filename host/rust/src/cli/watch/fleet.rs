//! All applications of a configuration, and what is under way for them.

use std::convert::Infallible;
use std::sync::Arc;

use lwa_rotate::config::{App, Config};
use lwa_rotate::{Error, RemedyBy, Status};
use tokio::sync::mpsc;
use tokio::task::{JoinError, JoinSet};
use tokio::time::{Instant, sleep_until};

use super::plan::{AT_ONCE, Moment, Plan};
use super::queues::Readers;
use crate::cli::failure::remedies;
use crate::cli::host::{Host, failure};
use crate::cli::text::{instant, now};

/// All that `watch` does.
pub(super) struct Fleet {
    began: Instant,
    host: Arc<Host>,
    plan: Plan,
    readers: Readers,
    /// Applications being advanced, under this configuration or one before it.
    calls: JoinSet<Called>,
    /// The tasks of the queues; those of a configuration before this one end by themselves.
    tasks: JoinSet<()>,
    tell: mpsc::UnboundedSender<Vec<Status>>,
    told: mpsc::UnboundedReceiver<Vec<Status>>,
}

/// An application that has been advanced, with the configuration under which that was begun.
struct Called {
    host: Arc<Host>,
    place: usize,
    result: Result<Status, Error>,
}

impl Fleet {
    /// Begins to read the queues. Applications are advanced by [`work`](Fleet::work).
    pub(super) fn start(host: Host) -> Self {
        let host = Arc::new(host);
        let (tell, told) = mpsc::unbounded_channel();
        let began = Instant::now();
        let watch = host.config.watch;
        let apps = host.config.apps.iter().map(|_| (None, true));
        let plan = Plan::new(watch.record_interval).follow(apps, watch.record_interval, Moment::ZERO, chance);
        let readers = Readers::of(&host);
        let mut fleet = Self { began, host, plan, readers, calls: JoinSet::new(), tasks: JoinSet::new(), tell, told };
        fleet.read_queues(None);
        fleet
    }

    /// Does all that is due for as long as it is polled. May be dropped at any await and called again.
    pub(super) async fn work(&mut self) -> Infallible {
        loop {
            self.begin_what_is_due();
            let next = self.plan.next().filter(|_| self.calls.len() < AT_ONCE).map(|next| self.began + next);
            tokio::select! {
                Some(called) = self.calls.join_next() => self.called(finished(called)),
                Some(ended) = self.tasks.join_next() => finished(ended),
                Some(statuses) = self.told.recv() => self.messages(&statuses),
                () = sleep_until(next.unwrap_or(self.began)), if next.is_some() => {}
            }
        }
    }

    /// The configuration in use.
    pub(super) fn config(&self) -> Arc<Config> {
        Arc::clone(&self.host.config)
    }

    /// Goes on with another configuration. Calls under way end under the one they began with.
    pub(super) fn reload(&mut self, host: Host) {
        let before = std::mem::replace(&mut self.host, Arc::new(host));
        let (config, old) = (&self.host.config, &before.config);
        let is_other_store = config.store != old.store;
        let apps = config.apps.iter().map(|app| {
            let place = old.apps.place(&app.client_id);
            (place, is_other_store || place.is_none_or(|place| old.apps[place] != *app))
        });
        let now = self.now();
        let plan = std::mem::replace(&mut self.plan, Plan::new(config.watch.record_interval));
        self.plan = plan.follow(apps, config.watch.record_interval, now, chance);
        self.readers.stop();
        self.readers = Readers::of(&self.host);
        for (place, app) in config.apps.iter().enumerate() {
            self.readers.changed(&app.queue, None, self.plan.state(place));
        }
        self.read_queues(Some(&before));
    }

    /// Begins nothing any more, and waits until all calls have come to their end.
    pub(super) async fn stop(&mut self) {
        self.readers.stop();
        while self.calls.join_next().await.is_some() {}
        while self.tasks.join_next().await.is_some() {}
    }

    /// A queue is checked when it is new, and daily.
    fn read_queues(&mut self, before: Option<&Host>) {
        for queue in self.readers.names() {
            self.tasks.spawn(self.readers.read(queue, Arc::clone(&self.host), self.tell.clone()));
            let url = |host: &Host| host.config.queues.get(queue).map(|queue| queue.url.clone());
            let is_new = before.and_then(url) != url(&self.host);
            self.tasks.spawn(self.readers.check(queue, Arc::clone(&self.host), is_new));
        }
    }

    fn begin_what_is_due(&mut self) {
        let now = self.now();
        while self.calls.len() < AT_ONCE
            && let Some(place) = self.plan.begin(now)
        {
            let host = Arc::clone(&self.host);
            self.calls.spawn(async move {
                let result = host.rotator.advance(&host.config.apps[place].client_id).await;
                Called { host, place, result }
            });
        }
    }

    fn called(&mut self, called: Called) {
        let Called { host, place, result } = called;
        let client_id = &host.config.apps[place].client_id;
        // It may have gone, or have another position, since the call was begun.
        let Some(place) = self.host.config.apps.place(client_id) else { return };
        let app = &self.host.config.apps[place];
        let (moment, before) = (self.now(), self.plan.state(place));
        match result {
            Ok(status) => {
                if before.is_none() {
                    tell_needs_person(app, &status);
                }
                self.plan.looked(place, &status, moment, now());
                self.readers.changed(&app.queue, before, Some(status.state));
            }
            Err(error) => {
                if self.plan.failed(place, &error, moment) {
                    tell(app, &error);
                }
            }
        }
    }

    /// Applications have got messages.
    fn messages(&mut self, statuses: &[Status]) {
        let moment = self.now();
        for status in statuses {
            let Some(place) = self.host.config.apps.place(&status.client_id) else { continue };
            let before = self.plan.state(place);
            self.plan.told(place, status, moment, now());
            self.readers.changed(&self.host.config.apps[place].queue, before, Some(status.state));
        }
    }

    fn now(&self) -> Moment {
        self.began.elapsed()
    }
}

/// Without randomness all calls fall on one moment, which is no more than inconvenient.
fn chance() -> u64 {
    getrandom::u64().unwrap_or_default()
}

/// What a task has answered. None is aborted; one that panicked takes the program with it.
fn finished<T>(joined: Result<T, JoinError>) -> T {
    joined.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()))
}

/// Says at the start what needs a person: it began before, perhaps long ago.
fn tell_needs_person(app: &App, status: &Status) {
    let Some(problem) = status.problem.as_ref().filter(|problem| problem.remedy_by == RemedyBy::Person) else { return };
    let remedies = remedies(&app.name, problem).join("; ");
    let act_by = problem.act_by.map_or(String::new(), |at| format!("; act by {}", instant(at)));
    let (happened, still_works) = (&problem.happened, &problem.still_works);
    tracing::error!(
        app = app.name,
        "a person is needed: {happened}; still works: {still_works}{act_by}; what to do: {remedies}"
    );
}

/// Says why an application cannot be advanced.
fn tell(app: &App, error: &Error) {
    let happened = match error {
        Error::NotEnrolled => "not enrolled".to_owned(),
        _ => error.to_string(),
    };
    match failure(app, error).hints() {
        [] => tracing::error!(app = app.name, "{happened}"),
        hints => tracing::error!(app = app.name, "{happened}; what to do: {}", hints.join("; ")),
    }
}
