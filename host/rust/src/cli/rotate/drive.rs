//! Takes one rotation to its end: calls the component when there is something to do, and waits in between.

use std::time::Duration;

use lwa_rotate::config::App;
use lwa_rotate::observe::Left;
use lwa_rotate::{Answer, DeadlineKind, Delivery, Drained, Error, Problem, RemedyBy, State, Status};
use tokio::time::{Instant, sleep};

use crate::cli::failure::Failure;
use crate::cli::host::{Host, failure, passes};
use crate::cli::progress::Progress;
use crate::cli::text::{instant, left, milliseconds, now};

/// How many messages are received at once; SQS gives no more.
const BATCH: u32 = 10;
/// How long a receive waits at most; SQS waits no longer.
const LONG_POLL: Duration = Duration::from_secs(20);
/// A message that is hidden until an instant comes a moment later.
const LATENESS: u64 = 3_000;
/// How long to wait after a failed or fruitless receive, and for what another host is doing.
const PAUSE: Duration = Duration::from_secs(2);
/// How long the message is waited for after everything else is done.
const LAST_MESSAGE: Duration = Duration::from_secs(60);

/// What came while something was waited for.
enum Came {
    /// Nothing of this application's.
    Nothing,
    /// A message, or several.
    TakenIn,
    /// A message that the store could not take in, for this reason.
    NotKept(String),
}

/// One application's rotation on its way.
pub(in crate::cli) struct Drive<'a> {
    pub(in crate::cli) host: &'a Host,
    pub(in crate::cli) app: &'a App,
    pub(in crate::cli) progress: &'a Progress,
    pub(in crate::cli) deadline: Instant,
}

impl Drive<'_> {
    /// Goes on until the application is settled, with a newer secret than that of generation `before` if one is `expected`.
    /// A problem that was `known` at the start may have been put right since; only the next try tells.
    pub(in crate::cli) async fn until_settled(
        &self,
        before: u64,
        expected: bool,
        known: Option<Problem>,
    ) -> Result<Status, Failure> {
        let mut looked = false;
        let mut not_kept = None;
        loop {
            let status =
                self.host.rotator.advance(&self.app.client_id).await.map_err(|error| failure(self.app, &error))?;
            if status.state == State::Settled {
                if expected && status.generation == before {
                    return Err(Failure::failed(format!("{}: the rotation ended without a new secret", self.app.name))
                        .hint("the request was cancelled, or what waited for its verification was taken back or given up; the current secret stays in use")
                        .status(&self.app.name, &status));
                }
                self.last_message().await;
                return Ok(status);
            }
            let problem = status.problem.as_ref().filter(|problem| Some(*problem) != known.as_ref());
            match (problem, status.state) {
                // A newer secret may wait in the queue: it solves whatever the problem is.
                (_, State::Stalled) | (Some(Problem { remedy_by: RemedyBy::Person, .. }), _) if !looked => {
                    looked = true;
                    // Why the queue cannot be read, the problem's own remedy or the next run says; what the person must do
                    // first is the problem.
                    let _ = self.drain_to_the_end().await;
                    continue;
                }
                (_, State::Stalled) => return Err(stalled(self.app, &status)),
                (Some(problem), _) if problem.remedy_by == RemedyBy::Person => {
                    return Err(hopeless(self.app, &status, problem));
                }
                _ => looked = false,
            }
            if self.left().is_zero() {
                return Err(unfinished(self.app, &status, not_kept));
            }
            self.progress.waiting(&status);
            match self.wait(&status).await? {
                Came::Nothing => {}
                Came::TakenIn => not_kept = None,
                Came::NotKept(text) => not_kept = Some(text),
            }
        }
    }

    /// Waits for whatever comes first: a message, the next instant at which there is something to do, or the deadline.
    async fn wait(&self, status: &Status) -> Result<Came, Failure> {
        let due = status.next.as_ref().map_or(u64::MAX, |next| next.at.saturating_sub(now()));
        if status.state == State::Requesting {
            // Another host is at it: what it comes to is in the store, long before they would be overdue.
            let others = status.next.as_ref().is_some_and(|next| next.kind == DeadlineKind::CallOverdue);
            let due = Duration::from_millis(due).min(if others { PAUSE } else { Duration::MAX });
            sleep(due.max(Duration::from_millis(100)).min(self.left())).await;
            return Ok(Came::Nothing);
        }
        // The message comes before the component tries by itself what the message is about, so that a secret that has been
        // verified can be acknowledged in the same step.
        let longest = milliseconds(LONG_POLL.min(self.left()));
        let seconds = longest.min(due.saturating_add(LATENESS)).div_ceil(1_000);
        self.poll(seconds).await
    }

    /// Takes in what comes within so many seconds. What brings nothing, sooner than it should, is not repeated at once.
    async fn poll(&self, seconds: u64) -> Result<Came, Failure> {
        let began = Instant::now();
        let mut came = Came::Nothing;
        let pause = match self.drain(u32::try_from(seconds).unwrap_or(1)).await {
            Ok(drained) if drained.deliveries.iter().any(|delivery| !matches!(delivery.answer, Answer::Leave(_))) => {
                return Ok(Came::TakenIn);
            }
            Ok(drained) => {
                if let Some(text) = drained.deliveries.iter().find_map(|delivery| self.not_kept(delivery)) {
                    came = Came::NotKept(text);
                }
                // What is left is hidden for a while; what lies behind it is received at once.
                let goes_on = drained.more && !drained.deliveries.is_empty();
                if goes_on { Duration::ZERO } else { PAUSE.min(Duration::from_secs(seconds)) }
            }
            Err(Error::Queue(error)) if passes(&error) => {
                self.progress.queue_trouble(&error.to_string());
                PAUSE
            }
            Err(error) => return Err(failure(self.app, &error)),
        };
        sleep(pause.saturating_sub(began.elapsed()).min(self.left())).await;
        Ok(came)
    }

    /// Why the store could not take in a message of this application's.
    fn not_kept(&self, delivery: &Delivery) -> Option<String> {
        match &delivery.answer {
            Answer::Leave(Left::NotKept(text)) if delivery.client_id.as_ref() == Some(&self.app.client_id) => {
                Some(text.clone())
            }
            _ => None,
        }
    }

    /// Waits for the message to be acknowledged when its secret has been verified and published without it. If it does not come
    /// in time, it stays in the queue until it is read next.
    async fn last_message(&self) {
        let end = Instant::now() + LAST_MESSAGE.min(self.left());
        while let Some(until) = self.progress.hidden().values().min().copied() {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() || until > now() + milliseconds(left) {
                return;
            }
            let wait = (until.saturating_sub(now()) + LATENESS).min(milliseconds(LONG_POLL)).div_ceil(1_000);
            if self.poll(wait).await.is_err() {
                return;
            }
        }
    }

    /// Takes in all that waits in the queue now.
    pub(in crate::cli) async fn drain_to_the_end(&self) -> Result<(), Error> {
        while self.drain(1).await?.more && !self.left().is_zero() {}
        Ok(())
    }

    async fn drain(&self, wait: u32) -> Result<Drained, Error> {
        self.host.rotator.drain(&self.app.queue, BATCH, wait).await
    }

    fn left(&self) -> Duration {
        self.deadline.saturating_duration_since(Instant::now())
    }
}

/// A person must decide.
fn stalled(app: &App, status: &Status) -> Failure {
    let name = &app.name;
    let failure = match &status.problem {
        Some(problem) => {
            Failure::stalled(format!("{name}: the rotation is stalled: {}", problem.happened)).problem(name, problem)
        }
        None => Failure::stalled(format!("{name}: the rotation is stalled")),
    };
    failure.status(name, status)
}

/// It will not go on before a person has done something.
fn hopeless(app: &App, status: &Status, problem: &Problem) -> Failure {
    let message = match status.state {
        State::Publishing => {
            format!("{}: the new secret is verified, but not published everywhere: {}", app.name, problem.happened)
        }
        State::Verifying => {
            format!("{}: the new secret is kept, but Amazon does not accept it: {}", app.name, problem.happened)
        }
        _ => format!("{}: {}", app.name, problem.happened),
    };
    Failure::failed(message).problem(&app.name, problem).status(&app.name, status)
}

/// The time is up.
fn unfinished(app: &App, status: &Status, not_kept: Option<String>) -> Failure {
    let name = &app.name;
    let now = now();
    let state = match status.state {
        State::Requesting => match &status.next {
            Some(next) => format!("no rotate call has been accepted yet; the next try is {}", left(next.at, now)),
            None => "no rotate call has been accepted yet".to_owned(),
        },
        State::Awaiting => {
            let called = status.called_at.map_or(String::new(), |at| format!(" made {}", left(at, now)));
            format!("the message for the rotate call{called} has not come yet")
        }
        State::Verifying => "the new secret is kept, and Amazon does not accept it yet".to_owned(),
        State::Publishing => "the new secret is verified, and not published everywhere yet".to_owned(),
        State::Settled | State::Stalled => String::new(),
    };
    let state = match not_kept {
        Some(text) => {
            format!("the message has come, and the store could not take in what it brings: {text}; it comes again")
        }
        None => state,
    };
    let failure = Failure::unfinished(format!("{name}: not finished in time: {state}"));
    let failure = match &status.problem {
        Some(problem) => failure.problem(name, problem),
        None => failure,
    };
    let until = status.awaited_until.map_or(String::new(), |at| format!("; it is awaited until {}", instant(at)));
    failure
        .hint(format!("nothing is lost{until}: run `lwa-rotate rotate {name}` again later, or let `lwa-rotate watch` go on with it"))
        .status(name, status)
}
