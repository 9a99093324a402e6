//! The turns of publish targets: one write or read at a time for each, and none that holds up more than its own application.
//!
//! A write or read runs in a task of its own. Its caller waits only so long; it goes on, and the next one of that target waits
//! for it too. So a target that hangs takes one task and not one for each try, and a command that takes long comes to its end
//! although a call about a whole queue cannot wait for it.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{sync::watch, time::timeout};

use crate::{
    publish::{Error, Publish, Reading},
    secret::Credential,
};

/// The targets of one host.
pub(crate) struct Turns {
    publish: Box<dyn Publish>,
    /// How long a write or a read may take.
    limit: Duration,
    under_way: Mutex<BTreeMap<Key, Turn>>,
}

/// Client id and name of the target.
type Key = (String, String);

/// The result, when there is one.
type Answer<T> = watch::Receiver<Option<Result<T, Error>>>;

/// What is under way at a target.
#[derive(Clone)]
enum Turn {
    Write(Credential, Answer<()>),
    Read(Answer<Reading>),
}

impl Turns {
    pub(crate) fn new(publish: Box<dyn Publish>, limit: Duration) -> Self {
        Self { publish, limit, under_way: Mutex::default() }
    }

    /// Gives the credential to the target, and waits so long for that. The same write that is under way already is joined.
    pub(crate) async fn put(
        self: &Arc<Self>,
        target: &str,
        credential: &Credential,
        patience: Duration,
    ) -> Result<(), Error> {
        let key = (credential.client_id.clone(), target.to_owned());
        let written = async {
            loop {
                let (this, name, given) = (Arc::clone(self), target.to_owned(), credential.clone());
                let write = async move { this.publish.put(&name, &given).await };
                match self.begin(&key, |answer| Turn::Write(credential.clone(), answer), write, UNKNOWN) {
                    Ok(answer) => return result(answer).await,
                    Err(Turn::Write(given, answer)) if is_same(&given, credential) => return result(answer).await,
                    Err(other) => other.ended().await,
                }
            }
        };
        timeout(patience, written).await.unwrap_or_else(|_| Err(not_done(patience)))
    }

    /// Reads the place of the target, and waits so long for that. A read that began before says nothing about now.
    pub(crate) async fn read(
        self: &Arc<Self>,
        target: &str,
        client_id: &str,
        patience: Duration,
    ) -> Result<Reading, Error> {
        let key = (client_id.to_owned(), target.to_owned());
        let read = async {
            loop {
                let (this, (client_id, name)) = (Arc::clone(self), key.clone());
                let read = async move { this.publish.read(&name, &client_id).await };
                match self.begin(&key, Turn::Read, read, "what it holds is not known") {
                    Ok(answer) => return result(answer).await,
                    Err(other) => other.ended().await,
                }
            }
        };
        timeout(patience, read).await.unwrap_or_else(|_| Err(not_done(patience)))
    }

    /// Begins the work of a turn, unless another is under way. `unknown` says what is not known when it takes too long.
    fn begin<T: Clone + Send + Sync + 'static>(
        self: &Arc<Self>,
        key: &Key,
        turn: impl FnOnce(Answer<T>) -> Turn,
        work: impl Future<Output = Result<T, Error>> + Send + 'static,
        unknown: &'static str,
    ) -> Result<Answer<T>, Turn> {
        let mut under_way = self.lock();
        if let Some(other) = under_way.get(key) {
            return Err(other.clone());
        }
        let (tell, answer) = watch::channel(None);
        under_way.insert(key.clone(), turn(answer.clone()));
        let ended = Ended { turns: Arc::clone(self), key: key.clone() };
        let limit = self.limit;
        tokio::spawn(async move {
            let late =
                || Err(Error::Unavailable(format!("the target was not done within {} s; {unknown}", limit.as_secs())));
            let result = timeout(limit, work).await.unwrap_or_else(|_| late());
            // Before the result is there, so that the one who gets it can begin another.
            drop(ended);
            tell.send_replace(Some(result));
        });
        Ok(answer)
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<Key, Turn>> {
        self.under_way.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Turn {
    /// Waits until it is over.
    async fn ended(self) {
        match self {
            Self::Write(_, answer) => drop(result(answer).await),
            Self::Read(answer) => drop(result(answer).await),
        }
    }
}

async fn result<T: Clone>(mut answer: Answer<T>) -> Result<T, Error> {
    let ended = answer.wait_for(Option::is_some).await.ok().and_then(|result| result.clone());
    ended.unwrap_or_else(|| Err(Error::Unavailable("it ended without a result".into())))
}

/// Takes a turn out of those that are under way, also where its task panics or is never run.
struct Ended {
    turns: Arc<Turns>,
    key: Key,
}

impl Drop for Ended {
    fn drop(&mut self) {
        self.turns.lock().remove(&self.key);
    }
}

fn is_same(one: &Credential, other: &Credential) -> bool {
    one.client_secret.expose() == other.client_secret.expose() && one.expires_at == other.expires_at
}

fn not_done(patience: Duration) -> Error {
    let seconds = patience.as_secs();
    Error::Unavailable(format!("the target was not done within {seconds} s and is still busy; {UNKNOWN}"))
}

const UNKNOWN: &str = "whether it has taken the secret is not known";

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use async_trait::async_trait;
    use tokio::sync::Semaphore;

    use super::*;
    use crate::publish::Held;

    /// Writes when the test permits it.
    struct Gate {
        permits: Semaphore,
        begun: AtomicUsize,
        written: Mutex<Vec<String>>,
    }

    #[async_trait]
    impl Publish for Arc<Gate> {
        async fn put(&self, _: &str, credential: &Credential) -> Result<(), Error> {
            self.begun.fetch_add(1, Ordering::SeqCst);
            self.permits.acquire().await.unwrap().forget();
            self.written.lock().unwrap().push(credential.client_secret.expose_str().unwrap().to_owned());
            Ok(())
        }

        async fn read(&self, _: &str, _: &str) -> Result<Reading, Error> {
            self.begun.fetch_add(1, Ordering::SeqCst);
            self.permits.acquire().await.unwrap().forget();
            let written = self.written.lock().unwrap().last().cloned();
            Ok(written.map_or(Reading::None, |secret| Reading::Credential(held(&secret))))
        }
    }

    fn held(secret: &str) -> Held {
        Held { client_id: None, client_secret: secret.into(), expires_at: None, written_by: None }
    }

    fn gated(limit: Duration) -> (Arc<Gate>, Arc<Turns>) {
        let gate = Arc::new(Gate { permits: Semaphore::new(0), begun: AtomicUsize::new(0), written: Mutex::default() });
        let turns = Arc::new(Turns::new(Box::new(Arc::clone(&gate)), limit));
        (gate, turns)
    }

    fn credential(secret: &str) -> Credential {
        Credential { client_id: "id".into(), client_secret: secret.into(), expires_at: None }
    }

    const LONG: Duration = Duration::from_secs(60);

    #[tokio::test]
    async fn a_write_that_hangs_is_begun_once_and_joined_by_later_tries() {
        let (gate, turns) = gated(LONG);
        for _ in 0..3 {
            let error = turns.put("target", &credential("new"), Duration::from_millis(1)).await.unwrap_err();
            assert!(matches!(&error, Error::Unavailable(text) if text.contains("still busy")), "{error:?}");
        }
        gate.permits.add_permits(1);

        assert_eq!(turns.put("target", &credential("new"), LONG).await, Ok(()));

        assert_eq!(gate.begun.load(Ordering::SeqCst), 1);
        assert!(turns.lock().is_empty());
    }

    #[tokio::test]
    async fn a_newer_secret_comes_after_the_one_that_is_being_written() {
        let (gate, turns) = gated(LONG);
        turns.put("target", &credential("old"), Duration::ZERO).await.unwrap_err();
        gate.permits.add_permits(2);

        turns.put("target", &credential("new"), LONG).await.unwrap();

        assert_eq!(*gate.written.lock().unwrap(), ["old", "new"]);
    }

    #[tokio::test]
    async fn a_write_that_takes_too_long_is_given_up_and_may_be_tried_again() {
        let (gate, turns) = gated(Duration::from_millis(5));

        let error = turns.put("target", &credential("new"), LONG).await.unwrap_err();

        assert!(matches!(&error, Error::Unavailable(text) if text.contains("is not known")), "{error:?}");
        gate.permits.add_permits(1);
        assert_eq!(turns.put("target", &credential("new"), LONG).await, Ok(()));
    }

    #[tokio::test]
    async fn a_read_that_hangs_is_one_and_no_later_read_takes_its_answer() {
        let (gate, turns) = gated(LONG);
        for _ in 0..3 {
            let error = turns.read("target", "id", Duration::from_millis(1)).await.unwrap_err();
            assert!(matches!(&error, Error::Unavailable(text) if text.contains("still busy")), "{error:?}");
        }
        assert_eq!(gate.begun.load(Ordering::SeqCst), 1);
        // It reads nothing; the write that follows it, and the read after that, have their own turns.
        gate.permits.add_permits(3);
        turns.put("target", &credential("new"), LONG).await.unwrap();

        let reading = turns.read("target", "id", LONG).await.unwrap();

        assert_eq!(reading.held().unwrap().client_secret.expose_str(), Some("new"));
        assert_eq!(gate.begun.load(Ordering::SeqCst), 3);
        assert!(turns.lock().is_empty());
    }

    #[tokio::test]
    async fn targets_wait_for_their_own_turns_alone() {
        let (gate, turns) = gated(LONG);
        turns.read("hung", "id", Duration::from_millis(1)).await.unwrap_err();
        turns.put("other", &credential("new"), Duration::ZERO).await.unwrap_err();
        turns.read("hung", "another application", Duration::ZERO).await.unwrap_err();
        assert_eq!(turns.lock().len(), 3);
        gate.permits.add_permits(3);
        turns.put("other", &credential("new"), LONG).await.unwrap();
    }
}
