//! Writes to publish targets: at most one at a time for each target, and none that holds up more than its own application.
//!
//! A write runs in a task of its own. Whoever asked for it waits only so long; the write goes on, and who asks for the same
//! again waits for it too. So a target that hangs takes one write and not one for each try, and a command that takes long
//! comes to its end although a call about a whole queue cannot wait for it.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{
    sync::watch,
    time::{Instant, timeout, timeout_at},
};

use crate::{
    publish::{Error, Publish},
    secret::Credential,
};

/// The targets of one host.
pub(crate) struct Puts {
    publish: Box<dyn Publish>,
    /// How long a write may take.
    limit: Duration,
    under_way: Mutex<BTreeMap<Key, Write>>,
}

/// Client id and name of the target.
type Key = (String, String);

/// A write that is under way.
#[derive(Clone)]
struct Write {
    credential: Credential,
    result: watch::Receiver<Option<Result<(), Error>>>,
}

impl Puts {
    pub(crate) fn new(publish: Box<dyn Publish>, limit: Duration) -> Self {
        Self { publish, limit, under_way: Mutex::default() }
    }

    /// Hands the credential to the target, and waits so long for that.
    pub(crate) async fn put(
        self: &Arc<Self>,
        target: &str,
        credential: &Credential,
        patience: Duration,
    ) -> Result<(), Error> {
        let end = Instant::now() + patience;
        let key = (credential.client_id.clone(), target.to_owned());
        loop {
            let Write { credential: written, mut result } = self.begin(&key, credential);
            let waited = timeout_at(end, result.wait_for(Option::is_some)).await;
            match waited {
                // Of an older or newer secret: ours comes after it.
                Ok(_) if !is_same(&written, credential) => {}
                Ok(Ok(result)) => return result.clone().unwrap_or(Err(Error::Unavailable(STOPPING.into()))),
                Ok(Err(_)) => return Err(Error::Unavailable(STOPPING.into())),
                Err(_) => {
                    return Err(Error::Unavailable(format!(
                        "the target was not done within {} s and is still being written; whether it takes the secret is not known yet",
                        patience.as_secs()
                    )));
                }
            }
        }
    }

    /// The write that is under way for this target, begun if there is none.
    fn begin(self: &Arc<Self>, key: &Key, credential: &Credential) -> Write {
        let mut under_way = self.lock();
        if let Some(write) = under_way.get(key) {
            return write.clone();
        }
        let (tell, result) = watch::channel(None);
        let write = Write { credential: credential.clone(), result };
        under_way.insert(key.clone(), write.clone());
        let (this, key, credential) = (Arc::clone(self), key.clone(), credential.clone());
        tokio::spawn(async move {
            let ended = Ended { puts: &this, key: &key };
            let put = timeout(this.limit, this.publish.put(&key.1, &credential)).await;
            let given_up = || {
                let seconds = this.limit.as_secs();
                let text =
                    format!("the target was not done within {seconds} s; nobody knows whether it has taken the secret");
                Err(Error::Unavailable(text))
            };
            let result = put.unwrap_or_else(|_| given_up());
            // Before it is told, so that whoever hears it can begin another.
            drop(ended);
            tell.send_replace(Some(result));
        });
        write
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<Key, Write>> {
        self.under_way.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Takes a write out of those that are under way, also where its task panics.
struct Ended<'a> {
    puts: &'a Puts,
    key: &'a Key,
}

impl Drop for Ended<'_> {
    fn drop(&mut self) {
        self.puts.lock().remove(self.key);
    }
}

fn is_same(one: &Credential, other: &Credential) -> bool {
    one.client_secret.expose() == other.client_secret.expose() && one.expires_at == other.expires_at
}

const STOPPING: &str = "the write ended without a result";

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use async_trait::async_trait;
    use tokio::sync::Semaphore;

    use super::*;

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
    }

    fn gated(limit: Duration) -> (Arc<Gate>, Arc<Puts>) {
        let gate = Arc::new(Gate { permits: Semaphore::new(0), begun: AtomicUsize::new(0), written: Mutex::default() });
        let puts = Arc::new(Puts::new(Box::new(Arc::clone(&gate)), limit));
        (gate, puts)
    }

    fn credential(secret: &str) -> Credential {
        Credential { client_id: "id".into(), client_secret: secret.into(), expires_at: None }
    }

    const LONG: Duration = Duration::from_secs(60);

    #[tokio::test]
    async fn a_write_that_hangs_is_begun_once_and_joined_by_later_tries() {
        let (gate, puts) = gated(LONG);
        for _ in 0..3 {
            let error = puts.put("target", &credential("new"), Duration::from_millis(1)).await.unwrap_err();
            assert!(matches!(&error, Error::Unavailable(text) if text.contains("still being written")), "{error:?}");
        }
        gate.permits.add_permits(1);

        assert_eq!(puts.put("target", &credential("new"), LONG).await, Ok(()));

        assert_eq!(gate.begun.load(Ordering::SeqCst), 1);
        assert!(puts.lock().is_empty());
    }

    #[tokio::test]
    async fn a_newer_secret_comes_after_the_one_that_is_being_written() {
        let (gate, puts) = gated(LONG);
        puts.put("target", &credential("old"), Duration::ZERO).await.unwrap_err();
        gate.permits.add_permits(2);

        puts.put("target", &credential("new"), LONG).await.unwrap();

        assert_eq!(*gate.written.lock().unwrap(), ["old", "new"]);
    }

    #[tokio::test]
    async fn a_write_that_takes_too_long_is_given_up_and_may_be_tried_again() {
        let (gate, puts) = gated(Duration::from_millis(5));

        let error = puts.put("target", &credential("new"), LONG).await.unwrap_err();

        assert!(matches!(&error, Error::Unavailable(text) if text.contains("nobody knows")), "{error:?}");
        gate.permits.add_permits(1);
        assert_eq!(puts.put("target", &credential("new"), LONG).await, Ok(()));
    }
}
