//! What keeps a slow observer from holding up a call.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
        mpsc::{Receiver, SyncSender, sync_channel},
    },
    thread,
    time::Duration,
};

use tokio::{sync::oneshot, time::timeout};
use tracing::{Dispatch, Span, dispatcher};

use super::{Event, Observe};

/// How many events may wait for the observer. A call emits a few dozen.
const WAITING: usize = 1024;

/// How long a call waits, when it is over, for the observer to have taken its events.
const PATIENCE: Duration = Duration::from_secs(1);

/// Passes events on to an observer, on a thread of its own. Returns at once: an event that would have to wait behind too many
/// others is dropped and counted.
pub(crate) struct Outlet {
    sender: SyncSender<Item>,
    shared: Arc<Shared>,
    patience: Duration,
}

#[derive(Default)]
struct Shared {
    sent: AtomicU64,
    taken: AtomicU64,
    dropped: AtomicU64,
    /// The observer has kept a call waiting, and has not caught up since.
    is_behind: AtomicBool,
}

enum Item {
    /// An event, with the subscriber and the span of `tracing` that it was emitted in.
    Event(Box<Event>, Dispatch, Span),
    /// All before it have been taken.
    Settled(oneshot::Sender<()>),
}

impl Outlet {
    pub(crate) fn new(observer: Box<dyn Observe>) -> std::io::Result<Self> {
        let (sender, receiver) = sync_channel(WAITING);
        let shared = Arc::<Shared>::default();
        let of_thread = Arc::clone(&shared);
        let builder = thread::Builder::new().name("lwa-rotate-observer".into());
        builder.spawn(move || pass_on(&receiver, &of_thread, &*observer))?;
        Ok(Self { sender, shared, patience: PATIENCE })
    }

    /// Waits until the observer has taken what was emitted before, but not for long, and not for one that has kept another call
    /// waiting and has not caught up since.
    pub(crate) async fn settle(&self) {
        let shared = &self.shared;
        let is_settled = shared.taken.load(Ordering::Acquire) >= shared.sent.load(Ordering::Acquire);
        if is_settled || shared.is_behind.load(Ordering::Acquire) {
            return;
        }
        let (tell, settled) = oneshot::channel();
        if self.sender.try_send(Item::Settled(tell)).is_ok() && timeout(self.patience, settled).await.is_err() {
            shared.is_behind.store(true, Ordering::Release);
        }
    }
}

impl Observe for Outlet {
    fn emit(&self, event: &Event) {
        let item = Item::Event(Box::new(event.clone()), dispatcher::get_default(Clone::clone), Span::current());
        self.shared.sent.fetch_add(1, Ordering::AcqRel);
        if self.sender.try_send(item).is_err() {
            self.shared.sent.fetch_sub(1, Ordering::AcqRel);
            self.shared.dropped.fetch_add(1, Ordering::AcqRel);
        }
    }
}

/// Ends when the outlet is gone and everything is passed on.
fn pass_on(receiver: &Receiver<Item>, shared: &Shared, observer: &dyn Observe) {
    for item in receiver {
        match item {
            Item::Event(event, dispatch, span) => {
                let observe = || {
                    let dropped = shared.dropped.swap(0, Ordering::AcqRel);
                    if dropped > 0 {
                        observer.dropped(dropped);
                    }
                    observer.emit(&event);
                };
                // An observer that panics loses this event; the hook of the process has said so.
                let _ = catch_unwind(AssertUnwindSafe(|| {
                    dispatcher::with_default(&dispatch, || span.in_scope(observe));
                }));
                shared.taken.fetch_add(1, Ordering::AcqRel);
            }
            Item::Settled(tell) => {
                shared.is_behind.store(false, Ordering::Release);
                let _ = tell.send(());
            }
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::sync::{Mutex, mpsc};

    use super::*;
    use crate::observe::{Collector, Happening};

    fn event(at: u64) -> Event {
        Event { client_id: None, at, what: Happening::Verifying }
    }

    /// Waits as long as it takes, on whatever machine.
    fn patient(observer: impl Observe) -> Outlet {
        Outlet { patience: Duration::from_secs(3600), ..Outlet::new(Box::new(observer)).unwrap() }
    }

    fn instants(events: &[Event]) -> Vec<u64> {
        events.iter().map(|event| event.at).collect()
    }

    #[tokio::test]
    async fn events_come_in_their_order_and_are_there_when_it_has_settled() {
        let collector = Arc::new(Collector::default());
        let outlet = patient(Arc::clone(&collector));

        (0..500).for_each(|at| outlet.emit(&event(at)));
        outlet.settle().await;

        assert_eq!(instants(&collector.take()), (0..500).collect::<Vec<_>>());
    }

    /// Takes an event when the test lets it.
    struct Slow {
        may_go_on: Mutex<mpsc::Receiver<()>>,
        taken: Arc<Collector>,
        dropped: Arc<AtomicU64>,
    }

    impl Observe for Slow {
        fn emit(&self, event: &Event) {
            // Nothing more comes when the test is over.
            let _ = self.may_go_on.lock().unwrap().recv();
            self.taken.emit(event);
        }

        fn dropped(&self, count: u64) {
            self.dropped.fetch_add(count, Ordering::SeqCst);
        }
    }

    #[tokio::test]
    async fn a_slow_observer_holds_up_no_one_and_hears_how_many_events_were_dropped() {
        let (go_on, may_go_on) = mpsc::channel();
        let (taken, dropped) = (Arc::new(Collector::default()), Arc::new(AtomicU64::new(0)));
        let slow = Slow { may_go_on: Mutex::new(may_go_on), taken: Arc::clone(&taken), dropped: Arc::clone(&dropped) };
        let outlet = Outlet { patience: Duration::from_millis(1), ..patient(slow) };

        // Would never end if it waited.
        (0..3000).for_each(|at| outlet.emit(&event(at)));
        outlet.settle().await;
        outlet.settle().await;
        drop(go_on);
        let shared = &outlet.shared;
        while shared.is_behind.load(Ordering::Acquire)
            || shared.taken.load(Ordering::Acquire) < shared.sent.load(Ordering::Acquire)
        {
            tokio::task::yield_now().await;
        }
        let outlet = Outlet { patience: Duration::from_secs(3600), ..outlet };
        outlet.emit(&event(9999));
        outlet.settle().await;

        let taken = instants(&taken.take());
        assert_eq!(taken.last(), Some(&9999));
        assert_eq!(taken.len() as u64 + dropped.load(Ordering::SeqCst), 3001, "each event was taken or counted");
        assert!(dropped.load(Ordering::SeqCst) >= 3000 - WAITING as u64 - 1, "{dropped:?}");
        assert!(taken.is_sorted());
    }

    struct Panics;

    impl Observe for Panics {
        fn emit(&self, _: &Event) {
            panic!("an observer that panics");
        }
    }

    #[tokio::test]
    async fn an_observer_that_panics_harms_nothing_else() {
        let outlet = patient(Panics);

        outlet.emit(&event(1));
        outlet.emit(&event(2));
        outlet.settle().await;

        assert_eq!(outlet.shared.taken.load(Ordering::SeqCst), 2);
    }
}
