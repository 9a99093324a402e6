//! `ReceiveMessage`: long polls, which see all messages, and short ones, which may see fewer.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::{Instant, timeout_at};

use super::input::{name_of, number, queue};
use super::message::shown;
use super::refusal::Refusal;
use crate::fault::{self, Action, Operation};
use crate::queue::Queue;
use crate::reply::Reply;
use crate::shared::Shared;

/// Receives, waiting for the first message; tells how many there are. The wait is of real time; the emulator's own may jump.
pub async fn receive(shared: &Shared, input: &Value) -> Result<(Reply, usize), Refusal> {
    let (mut max, wait, visibility) = {
        let mut amazon = shared.amazon();
        let queue = queue(&mut amazon, input)?;
        let wait = queue.number("ReceiveMessageWaitTimeSeconds");
        let visibility = queue.number("VisibilityTimeout");
        (
            usize::try_from(number(input, "MaxNumberOfMessages", 1, 1, 10)?).unwrap_or(1),
            number(input, "WaitTimeSeconds", wait, 0, 20)?,
            number(input, "VisibilityTimeout", visibility, 0, 43_200)?,
        )
    };
    if wait == 0
        && let Some(Action::AtMost(most)) = fault::take(&mut shared.amazon().faults, Operation::ShortPoll)
    {
        max = max.min(most);
    }
    let end = Instant::now() + Duration::from_secs(wait);
    loop {
        // Listen before looking, or a message that comes in between goes unnoticed.
        let changed = shared.changed.notified();
        let wake_at = {
            let mut amazon = shared.amazon();
            queue(&mut amazon, input)?;
            let received = amazon.receive(name_of(input), max, visibility);
            if !received.is_empty() || Instant::now() >= end {
                let messages: Vec<Value> =
                    received.iter().map(|(handle, message)| shown(handle, message, input)).collect();
                let reply = if messages.is_empty() { json!({}) } else { json!({ "Messages": messages }) };
                return Ok((Reply::amz_json(200, &reply), messages.len()));
            }
            let now = amazon.now();
            let next = amazon.queues.get(name_of(input)).and_then(Queue::next_visible_at);
            let next = next.map(|at| Instant::now() + Duration::from_millis(at.saturating_sub(now)));
            next.map_or(end, |next| next.min(end))
        };
        // Whether it was the time or a change, look again.
        let _ = timeout_at(wake_at, changed).await;
    }
}
