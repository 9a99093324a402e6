//! Calls that run side by side, in any order of their imports.

use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use corosensei::stack::DefaultStack;
use corosensei::{Coroutine, CoroutineResult};

use crate::{Crash, Shared, SimulatedHost};

/// How a call ended: it came to its end, or this panic.
type Ended = std::thread::Result<()>;

/// A call on a host of its own, paused before one of its imports. Dropping it lets the host die there.
pub struct Call {
    coroutine: Coroutine<(), String, Ended>,
    import: String,
}

/// Deep enough for the component natively and unoptimised.
const STACK: usize = 512 << 10;

thread_local! {
    /// Making a stack takes longer than a call.
    static STACKS: RefCell<Vec<DefaultStack>> = const { RefCell::new(Vec::new()) };
}

impl Call {
    /// Begins a call; it is paused before its first import. `None` if it had none.
    pub fn begin(world: &Shared, body: impl FnOnce(&mut SimulatedHost<'_>) + 'static) -> Option<Self> {
        let stack = STACKS.with_borrow_mut(Vec::pop).unwrap_or_else(|| DefaultStack::new(STACK).unwrap());
        let world = world.clone();
        let coroutine = Coroutine::with_stack(stack, move |stop, ()| {
            catch_unwind(AssertUnwindSafe(|| body(&mut SimulatedHost::among_others(world, stop))))
        });
        Self { coroutine, import: String::new() }.go_on()
    }

    /// Makes the import that it is paused before, and goes on to the next. `None` when it has ended or the host has died.
    pub fn go_on(mut self) -> Option<Self> {
        let ended = match self.coroutine.resume(()) {
            CoroutineResult::Yield(import) => return Some(Self { import, ..self }),
            CoroutineResult::Return(ended) => ended,
        };
        STACKS.with_borrow_mut(|stacks| stacks.push(self.coroutine.into_stack()));
        match ended {
            Err(panic) if !panic.is::<Crash>() => resume_unwind(panic),
            _ => None,
        }
    }

    /// The import that it is paused before: a request of this name, `receive`, `delete`, `hide`, `load`, `save`, or `put` with the
    /// target's name.
    pub fn import(&self) -> &str {
        &self.import
    }

    /// Goes on until it is paused before this import; `None` if it has ended without.
    pub fn until(self, import: &str) -> Option<Self> {
        let mut call = self;
        while call.import != import {
            call = call.go_on()?;
        }
        Some(call)
    }

    /// Goes on to its end.
    pub fn finish(self) {
        let mut going = Some(self);
        while let Some(call) = going {
            going = call.go_on();
        }
    }
}
