//! Work that may block its thread, for ever where a file system does not answer.
//!
//! Each place has one try at a time, on a thread of its own. A try that is not done in time is given up by its caller,
//! and its thread stays as long as the file system keeps it. Until then the place has no further try, so that a place
//! which hangs costs one thread and holds up nothing else. The store has its own share of threads.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError, Weak},
    thread,
    time::Duration,
};

use tokio::{
    sync::{Mutex as Turn, Semaphore, oneshot},
    time::{Instant, timeout_at},
};

/// What is waited for.
#[derive(Clone, Copy)]
pub(crate) enum Of {
    /// The records.
    Store,
    /// All else.
    Place,
}

/// How long a try is waited for, its turn included.
pub(crate) const LIMIT: Duration = Duration::from_secs(30);

/// How many threads there are for all places together, and for the store.
const THREADS: usize = 128;

static FOR_STORE: Semaphore = Semaphore::const_new(THREADS);
static FOR_PLACES: Semaphore = Semaphore::const_new(THREADS);
static LANES: Mutex<BTreeMap<PathBuf, Weak<Lane>>> = Mutex::new(BTreeMap::new());

/// The tries of one place.
#[derive(Default)]
struct Lane {
    turn: Arc<Turn<()>>,
    now: Mutex<Now>,
}

/// What its thread does.
#[derive(Clone, Copy, Default, PartialEq)]
enum Now {
    #[default]
    Nothing,
    /// A try is under way.
    Trying,
    /// It was not done in time, and is still under way.
    GivenUp,
}

/// Does what may block where that stops nothing else: at this place, when it has its turn.
pub(crate) async fn aside<T: Send + 'static, E: From<NoAnswer> + Send + 'static>(
    of: Of,
    place: &Path,
    work: impl FnOnce() -> Result<T, E> + Send + 'static,
) -> Result<T, E> {
    let threads = match of {
        Of::Store => &FOR_STORE,
        Of::Place => &FOR_PLACES,
    };
    within(LIMIT, threads, place, work).await
}

async fn within<T: Send + 'static, E: From<NoAnswer> + Send + 'static>(
    limit: Duration,
    threads: &'static Semaphore,
    place: &Path,
    work: impl FnOnce() -> Result<T, E> + Send + 'static,
) -> Result<T, E> {
    let end = Instant::now() + limit;
    let silent = || E::from(NoAnswer { place: place.to_owned(), limit });
    let lane = Lane::of(place);
    if lane.is(Now::GivenUp) {
        return Err(silent());
    }
    let turn = timeout_at(end, Arc::clone(&lane.turn).lock_owned()).await.map_err(|_| silent())?;
    let Ok(Ok(thread)) = timeout_at(end, threads.acquire()).await else { return Err(silent()) };
    lane.set(Now::Trying);
    let (answer, answered) = oneshot::channel();
    let own_lane = Arc::clone(&lane);
    let started = thread::Builder::new().name("lwa-rotate-file".into()).spawn(move || {
        let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(work));
        own_lane.set(Now::Nothing);
        drop((turn, thread));
        let _ = answer.send(result);
    });
    if started.is_err() {
        lane.set(Now::Nothing);
        return Err(silent());
    }
    match timeout_at(end, answered).await {
        Ok(Ok(Ok(result))) => result,
        Ok(Ok(Err(panic))) => std::panic::resume_unwind(panic),
        Ok(Err(_)) => Err(silent()),
        Err(_) => {
            lane.give_up();
            Err(silent())
        }
    }
}

impl Lane {
    fn of(place: &Path) -> Arc<Self> {
        let mut lanes = LANES.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(lane) = lanes.get(place).and_then(Weak::upgrade) {
            return lane;
        }
        // What is left are those with a try under way.
        lanes.retain(|_, lane| lane.strong_count() > 0);
        let lane = Arc::new(Self::default());
        lanes.insert(place.to_owned(), Arc::downgrade(&lane));
        lane
    }

    fn is(&self, now: Now) -> bool {
        *self.now.lock().unwrap_or_else(PoisonError::into_inner) == now
    }

    fn set(&self, now: Now) {
        *self.now.lock().unwrap_or_else(PoisonError::into_inner) = now;
    }

    fn give_up(&self) {
        let mut now = self.now.lock().unwrap_or_else(PoisonError::into_inner);
        // It may have come to its end in this moment.
        if *now == Now::Trying {
            *now = Now::GivenUp;
        }
    }
}

/// The file system of a place has not answered in time, or a try from before is still under way.
pub(crate) struct NoAnswer {
    place: PathBuf,
    limit: Duration,
}

impl std::fmt::Display for NoAnswer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "the file system of {} has not answered for {} s; see whether it is mounted and its server runs",
            self.place.display(),
            self.limit.as_secs()
        )
    }
}

impl From<NoAnswer> for crate::store::Error {
    fn from(error: NoAnswer) -> Self {
        Self::Unavailable(error.to_string())
    }
}

impl From<NoAnswer> for crate::publish::Error {
    fn from(error: NoAnswer) -> Self {
        Self::Unavailable(error.to_string())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::sync::mpsc;

    use super::*;
    use crate::publish::Error;

    /// A file system that answers when the test says so.
    fn hanging() -> (mpsc::Sender<()>, impl FnOnce() -> Result<u8, Error> + Send + 'static) {
        let (answer, wait) = mpsc::channel();
        (answer, move || {
            let _ = wait.recv();
            Ok(1)
        })
    }

    fn is_silent(result: Result<u8, Error>) -> bool {
        matches!(result, Err(Error::Unavailable(text)) if text.contains("has not answered"))
    }

    #[tokio::test]
    async fn a_place_that_hangs_has_one_try_and_holds_up_no_other_place() {
        let place = Path::new("/hung/one");
        let (answer, work) = hanging();
        let short = Duration::from_millis(10);
        assert!(is_silent(within(short, &FOR_PLACES, place, work).await));

        // Not even begun, and answered at once.
        let again = aside(Of::Place, place, || -> Result<u8, Error> { panic!("there is a try under way") });
        assert!(is_silent(again.await));
        assert_eq!(aside(Of::Place, Path::new("/hung/two"), || Ok::<u8, Error>(2)).await, Ok(2));

        answer.send(()).unwrap();
        let end = Instant::now() + Duration::from_secs(60);
        while aside(Of::Place, place, || Ok::<u8, Error>(3)).await != Ok(3) {
            assert!(Instant::now() < end, "it is tried again when it has answered");
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test]
    async fn those_who_write_one_place_wait_for_their_turn() {
        let place = Path::new("/shared");
        let (answer, work) = hanging();
        let first = tokio::spawn(aside(Of::Place, place, work));
        while !Lane::of(place).is(Now::Trying) {
            tokio::task::yield_now().await;
        }
        let second = tokio::spawn(aside(Of::Place, place, || Ok::<u8, Error>(2)));

        answer.send(()).unwrap();

        assert_eq!((first.await.unwrap(), second.await.unwrap()), (Ok(1), Ok(2)));
    }

    #[tokio::test]
    async fn places_that_hang_in_any_number_leave_the_store_its_threads() {
        static FEW: Semaphore = Semaphore::const_new(3);
        let mut answers = Vec::new();
        for number in 0..5 {
            let (answer, work) = hanging();
            answers.push(answer);
            let place = PathBuf::from(format!("/many/{number}"));
            assert!(is_silent(within(Duration::from_millis(1), &FEW, &place, work).await));
        }
        assert_eq!(FEW.available_permits(), 0, "no more threads than that");

        assert_eq!(aside(Of::Store, Path::new("/record"), || Ok::<u8, Error>(1)).await, Ok(1));
    }
}
