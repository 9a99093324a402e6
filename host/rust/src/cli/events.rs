//! Events in words, by the stages of the flow.

use lwa_rotate::observe::{Event, Happening, Left, Purpose, QueueReading, Reason};
use lwa_rotate::{Problem, RemedyBy};

use super::text::{instant_and_left, left};

/// The stages of a rotation, in their order.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) enum Stage {
    /// The queue is inspected and read before the rotate call.
    Queue,
    /// An access token is got from LWA.
    Token,
    /// The rotate call is made.
    Rotate,
    /// The message with the new secret is awaited.
    Message,
    /// The new secret is stored as a candidate.
    Keep,
    /// The new secret is verified.
    Verify,
    /// The verified secret is published where applications read it.
    Publish,
    /// The message is deleted.
    Acknowledge,
}

impl Stage {
    /// All of them.
    pub(super) const ALL: [Self; 8] = [
        Self::Queue,
        Self::Token,
        Self::Rotate,
        Self::Message,
        Self::Keep,
        Self::Verify,
        Self::Publish,
        Self::Acknowledge,
    ];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Queue => "queue",
            Self::Token => "token",
            Self::Rotate => "rotate",
            Self::Message => "message",
            Self::Keep => "keep",
            Self::Verify => "verify",
            Self::Publish => "publish",
            Self::Acknowledge => "acknowledge",
        }
    }
}

/// The stage that an event belongs to; `None` if it is about none in particular.
pub(super) fn stage(what: &Happening) -> Option<Stage> {
    Some(match what {
        Happening::ReadingQueue | Happening::QueueRead(_) => Stage::Queue,
        Happening::AskingForToken(Purpose::Rotation) | Happening::TokenIssued(Purpose::Rotation) => Stage::Token,
        Happening::CallingRotate
        | Happening::RotateAccepted
        | Happening::RotateOutcomeUnknown(_)
        | Happening::RotateRefused(_) => Stage::Rotate,
        Happening::MessageReceived(_) | Happening::MessageOld(_) | Happening::ExpiryNoticed(_) | Happening::Left(_) => {
            Stage::Message
        }
        Happening::SecretKept(_) => Stage::Keep,
        Happening::AskingForToken(Purpose::Verification)
        | Happening::TokenIssued(Purpose::Verification)
        | Happening::Verifying
        | Happening::Verified
        | Happening::NotVerified(_)
        | Happening::CandidateDropped(_)
        | Happening::Promoted(_) => Stage::Verify,
        Happening::Published(_) | Happening::NotPublished(_) | Happening::TargetChanged(_) => Stage::Publish,
        Happening::Acknowledged(_) | Happening::Hidden(_) | Happening::NotAcknowledged(_) => Stage::Acknowledge,
        Happening::Supplied
        | Happening::ExpirySet(_)
        | Happening::RotationWanted(_)
        | Happening::RotationCancelled
        | Happening::RetiredPurged
        | Happening::Stalled(_)
        | Happening::NeedsPerson(_)
        | Happening::Resumed
        | Happening::Forgotten => {
            return None;
        }
    })
}

/// Whether it is worth a warning.
pub(super) fn is_trouble(what: &Happening) -> bool {
    match what {
        Happening::RotateOutcomeUnknown(_)
        | Happening::RotateRefused(_)
        | Happening::NotVerified(_)
        | Happening::CandidateDropped(_)
        | Happening::NotPublished(_)
        | Happening::TargetChanged(_)
        | Happening::Left(_)
        | Happening::NotAcknowledged(_)
        | Happening::Stalled(_)
        | Happening::NeedsPerson(_) => true,
        Happening::QueueRead(reading) => !reading.to_the_end || !reading.notes.is_empty(),
        _ => false,
    }
}

/// The problem that only a person can solve, if the event reports one.
pub(super) fn needs_person(what: &Happening) -> Option<&Problem> {
    match what {
        Happening::Stalled(problem) | Happening::NeedsPerson(problem) => Some(problem),
        Happening::RotateRefused(problem) | Happening::NotVerified(problem)
            if problem.remedy_by == RemedyBy::Person =>
        {
            Some(problem)
        }
        _ => None,
    }
}

/// What to do about an event that reports no problem of the record's.
pub(super) fn remedy(what: &Happening) -> Option<&'static str> {
    match what {
        Happening::NotPublished(_) => {
            Some("correct what the target reports: its readers go without the current secret until then")
        }
        Happening::Left(left) if matches!(left.why, Left::Wrapped(_)) => Some(
            "let Amazon send to this queue directly, as its notifications have no envelope: a new secret in an envelope is never taken in",
        ),
        _ => None,
    }
}

/// An event in one clause.
pub(super) fn words(event: &Event) -> String {
    let now = event.at;
    match &event.what {
        Happening::Supplied => "the secret is stored".to_owned(),
        Happening::ExpirySet(at) => format!("the current secret ends {}, as you said", instant_and_left(*at, now)),
        Happening::RotationWanted(reason) => match reason {
            Reason::Due => "a rotation begins: the secret expires soon".to_owned(),
            Reason::Requested => "a rotation begins: it was requested".to_owned(),
            Reason::RequestedAgain => "a rotation begins again, as decided".to_owned(),
        },
        Happening::RotationCancelled => "the rotation is cancelled; no rotate call was sent".to_owned(),
        Happening::ReadingQueue => "inspecting and reading the queue before the rotate call".to_owned(),
        Happening::QueueRead(reading) => queue_read(reading),
        Happening::AskingForToken(Purpose::Rotation) => "asking LWA for an access token for the rotate call".to_owned(),
        Happening::AskingForToken(Purpose::Verification) => {
            "asking LWA for an access token to verify the secret with".to_owned()
        }
        Happening::TokenIssued(_) => "LWA issued an access token".to_owned(),
        Happening::CallingRotate => "sending the rotate call to SP-API".to_owned(),
        Happening::RotateAccepted => "SP-API accepted the rotate call".to_owned(),
        Happening::RotateOutcomeUnknown(problem) => format!("the rotate call may have arrived: {}", problem.happened),
        Happening::RotateRefused(problem) | Happening::NotVerified(problem) => match problem.retry_at {
            Some(at) => format!("{}; tried again {}", problem.happened, left(at, now)),
            None => problem.happened.clone(),
        },
        Happening::MessageReceived(message) if message.receive_count > 1 => {
            format!("a message arrived, for the {} time", ordinal(message.receive_count))
        }
        Happening::MessageReceived(_) => "a message arrived".to_owned(),
        Happening::SecretKept(_) => "the new secret is stored as a candidate".to_owned(),
        Happening::MessageOld(_) => "the message says nothing new".to_owned(),
        Happening::ExpiryNoticed(at) => format!("Amazon says that a secret ends {}", instant_and_left(*at, now)),
        Happening::Verifying => "verifying the secret with SP-API".to_owned(),
        Happening::Verified => "SP-API accepts the secret".to_owned(),
        Happening::Promoted(ends) => match ends.old_ends_at {
            Some(at) => format!("the new secret is current; the retired one works until {}", instant_and_left(at, now)),
            None => "the new secret is current".to_owned(),
        },
        Happening::CandidateDropped(text) => format!("a candidate is given up: {text}"),
        Happening::Published(target) => format!("{target} holds the current secret"),
        Happening::NotPublished(failure) => {
            let (target, text, again) = (&failure.target, &failure.failure, left(failure.retry_at, now));
            format!("{target} could not be written or read: {text}; tried again {again}")
        }
        Happening::TargetChanged(change) => match &change.written_by {
            Some(by) => format!("{}: {} (last written by {by})", change.target, change.found),
            None => format!("{}: {}", change.target, change.found),
        },
        Happening::Acknowledged(_) => "the message is finished and deleted".to_owned(),
        Happening::Hidden(message) => format!("the message is hidden, and comes again {}", left(message.until, now)),
        Happening::Left(message) => format!("message {} stays in the queue: {}", message.id, left_words(&message.why)),
        Happening::NotAcknowledged(text) => {
            format!("the message could not be deleted or hidden, and will come again: {text}")
        }
        Happening::RetiredPurged => "a retired secret has ended and is erased".to_owned(),
        Happening::Stalled(problem) => format!("stalled, a person must decide: {}", problem.happened),
        Happening::NeedsPerson(problem) => format!("a person is needed: {}", problem.happened),
        Happening::Resumed => "resumed, as decided".to_owned(),
        Happening::Forgotten => "the record is removed".to_owned(),
    }
}

fn queue_read(reading: &QueueReading) -> String {
    let messages = match reading.messages {
        0 => "no message".to_owned(),
        1 => "1 message".to_owned(),
        messages => format!("{messages} messages"),
    };
    let read = if reading.to_the_end { "the queue is read to its end" } else { "the queue is not read to its end" };
    let mut text = format!("{read}: {messages}");
    for note in &reading.notes {
        text.push_str("; ");
        text.push_str(note);
    }
    text
}

fn left_words(why: &Left) -> String {
    match why {
        Left::Unreadable(text) => format!("it cannot be read: {text}"),
        Left::Wrapped(service) => format!("its body is an envelope of {service}"),
        Left::NotEnrolled => "it is for an application that is not enrolled here".to_owned(),
        Left::NotKept(text) => format!("the store could not take in what it brings: {text}"),
    }
}

fn ordinal(number: u32) -> String {
    let suffix = match (number % 10, number % 100) {
        (_, 11..=13) => "th",
        (1, _) => "st",
        (2, _) => "nd",
        (3, _) => "rd",
        _ => "th",
    };
    format!("{number}{suffix}")
}

#[cfg(test)]
mod tests {
    use lwa_rotate::observe::{HiddenMessage, LeftMessage, ReceivedMessage};
    use lwa_rotate::{Action, Cause};

    use super::*;

    fn told(what: Happening) -> String {
        words(&Event { client_id: None, at: 0, what })
    }

    #[test]
    fn events_are_told_in_one_clause() {
        let hidden = HiddenMessage { id: "m".to_owned(), until: 90_000 };
        assert_eq!(told(Happening::Hidden(hidden)), "the message is hidden, and comes again in 1 min 30 s");
        let left = LeftMessage { id: "m".to_owned(), why: Left::Unreadable("payload is missing".to_owned()) };
        assert_eq!(told(Happening::Left(left)), "message m stays in the queue: it cannot be read: payload is missing");
    }

    #[test]
    fn a_message_that_comes_again_is_counted() {
        let message = |receive_count| Happening::MessageReceived(ReceivedMessage { id: "m".to_owned(), receive_count });
        assert_eq!(told(message(0)), "a message arrived");
        assert_eq!(told(message(1)), "a message arrived");
        for (count, word) in
            [(2, "2nd"), (3, "3rd"), (4, "4th"), (11, "11th"), (12, "12th"), (21, "21st"), (112, "112th")]
        {
            assert_eq!(told(message(count)), format!("a message arrived, for the {word} time"));
        }
    }

    #[test]
    fn a_refusal_that_is_tried_again_by_itself_needs_no_person() {
        let refused = |remedy_by| {
            Happening::RotateRefused(Problem {
                cause: Cause::Throttled,
                remedy_by,
                happened: "refused".to_owned(),
                still_works: String::new(),
                action: Action::Wait,
                remedy: "do it".to_owned(),
                act_by: None,
                amazon: None,
                retry_at: None,
            })
        };
        assert!(needs_person(&refused(RemedyBy::Time)).is_none());
        assert_eq!(needs_person(&refused(RemedyBy::Person)).map(|problem| problem.remedy.as_str()), Some("do it"));
    }

    #[test]
    fn a_message_in_an_envelope_is_named_as_one_with_what_to_do() {
        let wrapped = Happening::Left(LeftMessage { id: "m".to_owned(), why: Left::Wrapped("Amazon SNS".to_owned()) });
        assert_eq!(remedy(&wrapped).map(|text| text.contains("directly")), Some(true));
        assert_eq!(told(wrapped), "message m stays in the queue: its body is an envelope of Amazon SNS");
    }

    #[test]
    fn what_a_rotate_call_goes_ahead_in_spite_of_is_trouble() {
        let read = |notes: &[&str]| {
            let notes = notes.iter().map(|note| (*note).to_owned()).collect();
            Happening::QueueRead(QueueReading { messages: 2, to_the_end: true, notes })
        };
        assert!(!is_trouble(&read(&[])));
        assert!(is_trouble(&read(&["the key was not checked"])));
        assert_eq!(
            told(read(&["the key was not checked"])),
            "the queue is read to its end: 2 messages; the key was not checked"
        );
    }

    #[test]
    fn stages_are_in_the_order_of_the_flow() {
        assert!(Stage::ALL.is_sorted());
    }
}
