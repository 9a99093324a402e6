//! Faults in the words of `--fault`.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use super::{Action, Fault, OPERATIONS, Operation, Times, refusal};

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

/// An action's name, and what follows it after `=`.
struct Words<'a> {
    name: &'a str,
    value: Option<&'a str>,
}

impl Words<'_> {
    fn without_value(&self, action: Action) -> Result<Action, String> {
        if self.value.is_some() {
            return Err(format!("{} takes no value", self.name));
        }
        Ok(action)
    }

    fn duration(&self) -> Result<Duration, String> {
        let name = self.name;
        self.value.and_then(duration).ok_or_else(|| format!("{name} needs a duration, such as {name}=30s"))
    }

    fn status(&self, is_possible: impl Fn(u16) -> bool, possible: &str) -> Result<u16, String> {
        let status = self.value.and_then(|value| value.parse().ok()).filter(|status| is_possible(*status));
        let name = self.name;
        status.ok_or_else(|| format!("{name} needs a number from {possible}, such as {name}=503"))
    }

    fn page(&self) -> Result<u16, String> {
        let has_body = |status| (200..=599).contains(&status) && ![204, 205, 304].contains(&status);
        self.status(has_body, "200 to 599 of an answer with a body")
    }

    fn code(&self, operation: Operation) -> Result<&'static str, String> {
        refusal::codes(operation).find(|code| Some(*code) == self.value).ok_or_else(|| {
            let known: Vec<&str> = refusal::codes(operation).collect();
            format!("{} needs a code; for {} there are {}", self.name, operation.name(), known.join(", "))
        })
    }
}

/// What goes wrong with a request.
fn of_request(operation: Operation, words: &Words<'_>) -> Result<Action, String> {
    match words.name {
        "lose-answer" => words.without_value(Action::LoseAnswer),
        "half-answer" => words.without_value(Action::HalfAnswer),
        "cut" => words.without_value(Action::Cut),
        "hang" => words.duration().map(Action::Hang),
        "delay" => words.duration().map(Action::Delay),
        "status" => words.status(|status| (400..=599).contains(&status), "400 to 599").map(Action::Status),
        "page" => words.page().map(Action::Page),
        "page-after" => words.page().map(Action::PageAfter),
        "refuse" => words.code(operation).map(Action::Refuse),
        "half-refuse" => words.code(operation).map(Action::HalfRefuse),
        other => Err(format!(
            "no action {other:?}; there are lose-answer, half-answer, cut, hang=D, delay=D, status=N, page=N, page-after=N, \
             refuse=CODE, half-refuse=CODE"
        )),
    }
}

fn of_short_poll(words: &Words<'_>) -> Result<Action, String> {
    match words.name {
        "at-most" => {
            let most = words.value.and_then(|value| value.parse().ok());
            most.map(Action::AtMost).ok_or_else(|| "at-most needs a number of messages, such as at-most=0".to_owned())
        }
        other => Err(format!("no action {other:?} for short polls; there is at-most=N")),
    }
}

fn of_notification(words: &Words<'_>) -> Result<Action, String> {
    match words.name {
        "delay" => words.duration().map(Action::Delay),
        "drop" => words.without_value(Action::Drop),
        "duplicate" => words.without_value(Action::Duplicate),
        "reorder" => words.without_value(Action::Reorder),
        "foreign" => words.without_value(Action::Foreign),
        "garbage" => words.without_value(Action::Garbage),
        "old" => words.without_value(Action::Old),
        other => Err(format!(
            "no action {other:?} for notifications; there are drop, duplicate, delay=D, reorder, foreign, garbage, old"
        )),
    }
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
        let words = Words { name, value };
        let action = match operation {
            Operation::Notification => of_notification(&words),
            Operation::ShortPoll => of_short_poll(&words),
            _ => of_request(operation, &words),
        }?;
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
            Action::Page(status) => write!(f, "page={status}")?,
            Action::PageAfter(status) => write!(f, "page-after={status}")?,
            Action::Refuse(code) => write!(f, "refuse={code}")?,
            Action::HalfRefuse(code) => write!(f, "half-refuse={code}")?,
            Action::AtMost(count) => write!(f, "at-most={count}")?,
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
            "rotate:half-refuse=InternalFailure",
            "rotate:page=302",
            "rotate:page-after=503",
            "short-poll:at-most=0*always",
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
            "rotate:page=204",
            "rotate:page",
            "rotate:half-refuse=invalid_client",
            "receive:at-most=1",
            "short-poll:at-most",
            "short-poll:cut",
            "proof:hang=9999999999999999999s",
        ] {
            assert!(text.parse::<Fault>().is_err_and(|error| !error.is_empty()), "{text}");
        }
    }
}
