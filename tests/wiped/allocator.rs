//! An allocator that looks at what is given back to it.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// What no memory may hold when it is given back, in [`left_by`].
pub const MARK: &[u8] = b"nobody-may-read-this-afterwards";

static LEFT: AtomicUsize = AtomicUsize::new(0);

#[global_allocator]
static LOOKING: Looking = Looking;

struct Looking;

// SAFETY: every call goes to the system's allocator as it is, or as a call of it that promises more. `realloc` is left to the
// default, which gives the old memory back after copying it.
unsafe impl GlobalAlloc for Looking {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's promise. Zeroed, so that all of it may be read when it comes back.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        // SAFETY: it was handed out with this size, all of it written, and nobody else has it any more.
        let held = unsafe { std::slice::from_raw_parts(memory, layout.size()) };
        LEFT.fetch_add(usize::from(held.windows(MARK.len()).any(|part| part == MARK)), Relaxed);
        // SAFETY: the caller's promise.
        unsafe { System.dealloc(memory, layout) }
    }
}

/// How many pieces of memory were given back with the mark in them. For one test at a time in a process.
pub fn left_by(run: impl FnOnce()) -> usize {
    let before = LEFT.load(Relaxed);
    run();
    LEFT.load(Relaxed) - before
}
