//! What can go wrong.

mod parse;
pub mod refusal;

use std::time::Duration;

/// An operation that can go wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// LWA's token request.
    Token,
    /// `rotateApplicationClientSecret`.
    Rotate,
    /// `getDestinations`.
    Proof,
    /// SQS `ReceiveMessage`.
    Receive,
    /// SQS `DeleteMessage` and its batch.
    Delete,
    /// SQS `ChangeMessageVisibility` and its batch.
    Hide,
    /// Any other SQS operation, such as `GetQueueAttributes`.
    Queue,
    /// What a short poll of SQS finds: a `ReceiveMessage` that does not wait.
    ShortPoll,
    /// The sending of a notification.
    Notification,
}

const OPERATIONS: [(&str, Operation); 9] = [
    ("token", Operation::Token),
    ("rotate", Operation::Rotate),
    ("proof", Operation::Proof),
    ("receive", Operation::Receive),
    ("delete", Operation::Delete),
    ("hide", Operation::Hide),
    ("queue", Operation::Queue),
    ("short-poll", Operation::ShortPoll),
    ("notification", Operation::Notification),
];

impl Operation {
    /// Its name in `--fault` and in the journal.
    pub fn name(self) -> &'static str {
        OPERATIONS.iter().find(|(_, operation)| *operation == self).map_or("", |(name, _)| name)
    }
}

/// What goes wrong with an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// The effect happens, and the connection is closed without an answer.
    LoseAnswer,
    /// The effect happens, and the connection is closed in the middle of the answer's body. An answer without a body
    /// is lost whole.
    HalfAnswer,
    /// The connection is closed without an effect.
    Cut,
    /// Nothing happens for so long, then the connection is closed without an effect. Real time, as all waiting.
    Hang(Duration),
    /// The operation happens, and its answer is late by so much. For a notification: it is sent so much later.
    Delay(Duration),
    /// This HTTP status is answered with an empty JSON object, without an effect.
    Status(u16),
    /// The error with this code is answered, worded as the service words it, without an effect.
    Refuse(&'static str),
    /// The same, and the connection is closed in the middle of the answer's body.
    HalfRefuse(&'static str),
    /// A web page with this HTTP status is answered, as a proxy does, without an effect.
    Page(u16),
    /// The effect happens, and such a page is answered.
    PageAfter(u16),
    /// So many messages are found at most. Long polls find all of them.
    AtMost(usize),
    /// The notification is never sent.
    Drop,
    /// It is sent twice.
    Duplicate,
    /// It overtakes the messages in the queue that have not been received yet.
    Reorder,
    /// One of another application is sent beside it.
    Foreign,
    /// Something unreadable is sent beside it.
    Garbage,
    /// The notification before it is sent again, after it; for the first one, that which once brought the first secret.
    Old,
}

/// How often a fault happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Times {
    /// So many times.
    Count(u32),
    /// Until the faults are cleared.
    Always,
}

/// A fault: `OPERATION:ACTION[=VALUE][*COUNT|*always]`, such as `rotate:lose-answer`, `token:status=500*3`,
/// `receive:delay=2s*always`. Once if no count is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Which operation.
    pub operation: Operation,
    /// What goes wrong.
    pub action: Action,
    /// How often.
    pub times: Times,
}

/// Takes the first fault of this operation, counting it down.
pub fn take(faults: &mut Vec<Fault>, operation: Operation) -> Option<Action> {
    let place = faults.iter().position(|fault| fault.operation == operation && fault.times != Times::Count(0))?;
    let fault = &mut faults[place];
    let action = fault.action;
    if let Times::Count(count) = &mut fault.times {
        *count -= 1;
        if *count == 0 {
            faults.remove(place);
        }
    }
    Some(action)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_happens_as_often_as_it_says() {
        let mut faults = vec!["token:cut*2".parse().expect("a fault"), "proof:cut*always".parse().expect("a fault")];
        assert_eq!(take(&mut faults, Operation::Rotate), None);
        assert_eq!(take(&mut faults, Operation::Token), Some(Action::Cut));
        assert_eq!(take(&mut faults, Operation::Token), Some(Action::Cut));
        assert_eq!(take(&mut faults, Operation::Token), None);
        for _ in 0..5 {
            assert_eq!(take(&mut faults, Operation::Proof), Some(Action::Cut));
        }
    }
}
