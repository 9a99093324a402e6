//! The same work for many applications, several at the same time.

use tokio::task::JoinSet;

/// How many applications are worked on at the same time.
const AT_ONCE: usize = 16;

/// Does it for all of them; the answers have their order.
pub(super) async fn in_order<T, R, F>(all: impl IntoIterator<Item = T>, work: impl Fn(T) -> F) -> Vec<R>
where
    F: Future<Output = R> + Send + 'static,
    R: Send + 'static,
{
    let mut waiting = all.into_iter().enumerate();
    let mut running = JoinSet::new();
    let mut done = Vec::new();
    loop {
        while running.len() < AT_ONCE
            && let Some((place, one)) = waiting.next()
        {
            let work = work(one);
            running.spawn(async move { (place, work.await) });
        }
        match running.join_next().await {
            Some(Ok(one)) => done.push(one),
            Some(Err(error)) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
            Some(Err(_)) => {}
            None => break,
        }
    }
    done.sort_by_key(|(place, _)| *place);
    done.into_iter().map(|(_, one)| one).collect()
}
