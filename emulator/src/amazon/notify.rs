//! The way of a notification into its queue.

use std::time::Duration;

use super::{Amazon, App, milliseconds};
use crate::fault::{self, Action, Operation};
use crate::notification::foreign;

/// What is sent behind a notification is sent so much later, by the emulator's clock.
const BEHIND: Duration = Duration::from_secs(1);

impl Amazon {
    /// Sends a notification to the application's queue, with whatever is to go wrong.
    pub fn notify(&mut self, client_id: &str, body: impl FnOnce(&App, u64, u64) -> String) -> bool {
        let now = self.now();
        let mut delay = self.notification_delay;
        let Some(app) = self.apps.get_mut(client_id) else { return false };
        let body = body(app, now, now + milliseconds(delay));
        let queue = app.queue.clone();
        let before = std::mem::replace(&mut app.last_body, body.clone());
        match fault::take(&mut self.faults, Operation::Notification) {
            Some(Action::Drop) => return true,
            Some(Action::Delay(by)) => delay += by,
            Some(Action::Duplicate) => drop(self.send(&queue, body.clone(), delay)),
            Some(Action::Foreign) => drop(self.send(&queue, foreign(now), delay)),
            Some(Action::Garbage) => drop(self.send(&queue, "this is { no JSON".into(), delay)),
            Some(Action::Old) => drop(self.send(&queue, before, delay + BEHIND)),
            Some(Action::Reorder) => {
                if let Some(queue) = self.queues.get_mut(&queue) {
                    queue.put_off(now + milliseconds(delay + BEHIND));
                }
            }
            _ => {}
        }
        self.send(&queue, body, delay);
        true
    }
}
