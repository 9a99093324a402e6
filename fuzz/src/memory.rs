//! How much memory a run takes: an allocator that counts.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};

static IN_USE: AtomicUsize = AtomicUsize::new(0);
static MOST: AtomicUsize = AtomicUsize::new(0);
/// The counts are of the whole process, so that what other threads do for a run is counted; one run at a time.
static TURN: Mutex<()> = Mutex::new(());

#[global_allocator]
static COUNTING: Counting = Counting;

struct Counting;

impl Counting {
    fn more(bytes: usize) {
        let in_use = IN_USE.fetch_add(bytes, Relaxed) + bytes;
        MOST.fetch_max(in_use, Relaxed);
    }

    fn less(bytes: usize) {
        IN_USE.fetch_sub(bytes, Relaxed);
    }
}

// SAFETY: every call goes to the system's allocator as it is. `realloc` is left to the default: old and new exist together
// for a moment, and so they are counted.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        Self::more(layout.size());
        // SAFETY: the caller's promise.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        Self::less(layout.size());
        // SAFETY: the caller's promise.
        unsafe { System.dealloc(memory, layout) }
    }
}

/// The most memory, in bytes, that was in use at any one time during a run and was not before.
pub fn peak_of(run: impl FnOnce()) -> usize {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let before = IN_USE.load(Relaxed);
    MOST.store(before, Relaxed);
    run();
    MOST.load(Relaxed).saturating_sub(before)
}
