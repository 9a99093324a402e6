//! What can go wrong, in types and in the words of `--fault`.

mod refusal;

use std::fmt;
use std::str::FromStr;
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
    /// Any other SQS operation.
    Queue,
    /// The sending of a notification.
    Notification,
}

const OPERATIONS: [(&str, Operation); 8] = [
    ("token", Operation::Token),
    ("rotate", Operation::Rotate),
    ("proof", Operation::Proof),
    ("receive", Operation::Receive),
    ("delete", Operation::Delete),
    ("hide", Operation::Hide),
    ("queue", Operation::Queue),
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
    /// The notification is never sent.
    Drop,
    /// It is sent twice.
    Duplicate,
    /// It overtakes what lies in the queue and nobody has received yet.
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

fn duration(text: &str) -> Option<Duration> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let number: u64 = digits.parse().ok()?;
    let milliseconds = match &text[digits.len()..] {
        "ms" => 1,
        "s" => 1000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return None,
    };
    number.checked_mul(milliseconds).map(Duration::from_millis)
}

impl FromStr for Fault {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (what, times) = match text.rsplit_once('*') {
            None => (text, Times::Count(1)),
            Some((what, "always")) => (what, Times::Always),
            Some((what, count)) => match count.parse::<u32>() {
                Ok(count @ 1..) => (what, Times::Count(count)),
                _ => return Err(format!("{count:?} is neither a count nor `always`")),
            },
        };
        let (operation, action) =
            what.split_once(':').ok_or("a fault is OPERATION:ACTION, such as rotate:lose-answer")?;
        let operation = OPERATIONS.iter().find(|(name, _)| *name == operation).map(|(_, o)| *o).ok_or_else(|| {
            let known: Vec<&str> = OPERATIONS.iter().map(|(name, _)| *name).collect();
            format!("no operation {operation:?}; there are {}", known.join(", "))
        })?;
        let (name, value) = action.split_once('=').map_or((action, None), |(name, value)| (name, Some(value)));
        let lifetime =
            || value.and_then(duration).ok_or_else(|| format!("{name} needs a duration, such as {name}=30s"));
        if value.is_some() && !["delay", "hang", "refuse", "status"].contains(&name) {
            return Err(format!("{name} takes no value"));
        }
        let of_notification = operation == Operation::Notification;
        let action = match (of_notification, name) {
            (_, "delay") => Action::Delay(lifetime()?),
            (false, "lose-answer") => Action::LoseAnswer,
            (false, "half-answer") => Action::HalfAnswer,
            (false, "cut") => Action::Cut,
            (false, "hang") => Action::Hang(lifetime()?),
            (false, "status") => match value.and_then(|value| value.parse().ok()) {
                Some(status @ 400..=599) => Action::Status(status),
                _ => return Err("status needs a number from 400 to 599, such as status=503".into()),
            },
            (false, "refuse") => match refusal::codes(operation).find(|code| Some(*code) == value) {
                Some(code) => Action::Refuse(code),
                None => {
                    let known: Vec<&str> = refusal::codes(operation).collect();
                    return Err(format!(
                        "refuse needs a code; for {} there are {}",
                        operation.name(),
                        known.join(", ")
                    ));
                }
            },
            (true, "drop") => Action::Drop,
            (true, "duplicate") => Action::Duplicate,
            (true, "reorder") => Action::Reorder,
            (true, "foreign") => Action::Foreign,
            (true, "garbage") => Action::Garbage,
            (true, "old") => Action::Old,
            (false, other) => {
                return Err(format!(
                    "no action {other:?}; there are lose-answer, half-answer, cut, hang=D, delay=D, status=N, refuse=CODE"
                ));
            }
            (true, other) => {
                return Err(format!(
                    "no action {other:?} for notifications; there are drop, duplicate, delay=D, reorder, foreign, garbage, old"
                ));
            }
        };
        Ok(Self { operation, action, times })
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:", self.operation.name())?;
        match self.action {
            Action::LoseAnswer => f.write_str("lose-answer")?,
            Action::HalfAnswer => f.write_str("half-answer")?,
            Action::Cut => f.write_str("cut")?,
            Action::Hang(time) => write!(f, "hang={}ms", time.as_millis())?,
            Action::Delay(time) => write!(f, "delay={}ms", time.as_millis())?,
            Action::Status(status) => write!(f, "status={status}")?,
            Action::Refuse(code) => write!(f, "refuse={code}")?,
            Action::Drop => f.write_str("drop")?,
            Action::Duplicate => f.write_str("duplicate")?,
            Action::Reorder => f.write_str("reorder")?,
            Action::Foreign => f.write_str("foreign")?,
            Action::Garbage => f.write_str("garbage")?,
            Action::Old => f.write_str("old")?,
        }
        match self.times {
            Times::Count(1) => Ok(()),
            Times::Count(count) => write!(f, "*{count}"),
            Times::Always => f.write_str("*always"),
        }
    }
}

pub use refusal::reply as refuse;

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
    fn a_fault_is_read_as_it_is_written() {
        for text in [
            "rotate:lose-answer",
            "token:status=500*3",
            "receive:delay=2000ms*always",
            "proof:cut",
            "receive:half-answer",
            "token:refuse=invalid_scope",
            "rotate:refuse=QuotaExceeded*always",
            "hide:refuse=AccessDenied",
            "delete:hang=60000ms",
            "notification:drop",
            "notification:old*2",
        ] {
            assert_eq!(text.parse::<Fault>().map(|fault| fault.to_string()).as_deref(), Ok(text));
        }
        assert_eq!("hide:delay=3s".parse::<Fault>().map(|f| f.action), Ok(Action::Delay(Duration::from_secs(3))));
    }

    #[test]
    fn what_is_no_fault_says_what_would_be() {
        for text in [
            "",
            "rotate",
            "rotat:cut",
            "rotate:drop",
            "notification:cut",
            "token:status=200",
            "proof:delay",
            "proof:cut*x",
            "proof:cut*0",
            "token:refuse",
            "token:refuse=Unauthorized",
            "notification:refuse=AccessDenied",
            "proof:cut=3s",
            "proof:hang=9999999999999999999s",
        ] {
            assert!(text.parse::<Fault>().is_err_and(|error| !error.is_empty()), "{text}");
        }
    }

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
