//! Events in words, by the stages of the flow.

use lwa_rotate::observe::{Event, Happening, Left, Purpose, Reason};
use lwa_rotate::{Problem, RemedyBy};

use super::text::{instant_and_left, left};

/// The stages of a rotation, in their order.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) enum Stage {
    /// An access token is got from LWA.
    Token,
    /// The rotate call is made.
    Rotate,
    /// The message with the new secret is awaited.
    Message,
    /// The new secret is stored as pending.
    Keep,
    /// The new secret is tried.
    Verify,
    /// The proven secret is handed to where applications read it.
    Publish,
    /// The message is deleted.
    Acknowledge,
}

impl Stage {
    /// All of them.
    pub(super) const ALL: [Self; 7] =
        [Self::Token, Self::Rotate, Self::Message, Self::Keep, Self::Verify, Self::Publish, Self::Acknowledge];

    pub(super) fn name(self) -> &'static str {
        match self {
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
        Happening::AskingForToken(Purpose::Rotation) | Happening::TokenIssued(Purpose::Rotation) => Stage::Token,
        Happening::CallingRotate
        | Happening::RotateAccepted
        | Happening::RotateOutcomeUnknown(_)
        | Happening::RotateRefused(_) => Stage::Rotate,
        Happening::MessageReceived(_) | Happening::MessageOld(_) | Happening::ExpiryNoticed(_) | Happening::Left(_) => {
            Stage::Message
        }
        Happening::SecretKept(_) => Stage::Keep,
        Happening::AskingForToken(Purpose::Proof)
        | Happening::TokenIssued(Purpose::Proof)
        | Happening::Proving
        | Happening::Proven
        | Happening::NotProven(_)
        | Happening::Promoted(_) => Stage::Verify,
        Happening::Published(_) | Happening::NotPublished(_) => Stage::Publish,
        Happening::Acknowledged(_) | Happening::Hidden(_) | Happening::NotAcknowledged(_) => Stage::Acknowledge,
        Happening::Enrolled
        | Happening::RotationBegun(_)
        | Happening::OldSecretPurged
        | Happening::Stalled(_)
        | Happening::Resumed => {
            return None;
        }
    })
}

/// Whether a person should look at it.
pub(super) fn is_trouble(what: &Happening) -> bool {
    matches!(
        what,
        Happening::RotateOutcomeUnknown(_)
            | Happening::RotateRefused(_)
            | Happening::NotProven(_)
            | Happening::NotPublished(_)
            | Happening::Left(_)
            | Happening::NotAcknowledged(_)
            | Happening::Stalled(_)
    )
}

/// What a person has to do after it; `None` if it is tried again and that may be enough.
pub(super) fn remedy(what: &Happening) -> Option<&str> {
    let by_person = |problem: &Problem| problem.remedy_by == RemedyBy::Person;
    match what {
        Happening::Stalled(problem) => Some(&problem.remedy),
        Happening::RotateRefused(problem) | Happening::NotProven(problem) if by_person(problem) => {
            Some(&problem.remedy)
        }
        Happening::NotPublished(_) => {
            Some("put right what the target says: its readers go without the current secret until then")
        }
        _ => None,
    }
}

/// An event in one clause.
pub(super) fn words(event: &Event) -> String {
    let now = event.at;
    match &event.what {
        Happening::Enrolled => "the secret is stored".to_owned(),
        Happening::RotationBegun(reason) => match reason {
            Reason::Due => "a rotation begins: the secret expires soon".to_owned(),
            Reason::Requested => "a rotation begins: it was asked for".to_owned(),
            Reason::RequestedAgain => "a rotation begins again, as decided".to_owned(),
        },
        Happening::AskingForToken(Purpose::Rotation) => "asking LWA for an access token for the rotate call".to_owned(),
        Happening::AskingForToken(Purpose::Proof) => {
            "asking LWA for an access token to prove the secret with".to_owned()
        }
        Happening::TokenIssued(_) => "LWA issued an access token".to_owned(),
        Happening::CallingRotate => "sending the rotate call to SP-API".to_owned(),
        Happening::RotateAccepted => "SP-API accepted the rotate call".to_owned(),
        Happening::RotateOutcomeUnknown(problem) => format!("the rotate call may have arrived: {}", problem.happened),
        Happening::RotateRefused(problem) => match problem.retry_at {
            Some(at) => format!("{}; tried again {}", problem.happened, left(at, now)),
            None => problem.happened.clone(),
        },
        Happening::MessageReceived(message) if message.receive_count > 1 => {
            format!("a message arrived, for the {} time", ordinal(message.receive_count))
        }
        Happening::MessageReceived(_) => "a message arrived".to_owned(),
        Happening::SecretKept(_) => "the new secret is stored as pending".to_owned(),
        Happening::MessageOld(_) => "the message says nothing new".to_owned(),
        Happening::ExpiryNoticed(at) => format!("Amazon says that a secret ends {}", instant_and_left(*at, now)),
        Happening::Proving => "trying the secret against SP-API".to_owned(),
        Happening::Proven => "SP-API accepts the secret".to_owned(),
        Happening::NotProven(problem) => match problem.retry_at {
            Some(at) => format!("{}; tried again {}", problem.happened, left(at, now)),
            None => problem.happened.clone(),
        },
        Happening::Promoted(ends) => match ends.old_ends_at {
            Some(at) => format!("the new secret is current; the old one works until {}", instant_and_left(at, now)),
            None => "the new secret is current".to_owned(),
        },
        Happening::Published(target) => format!("{target} holds the current secret"),
        Happening::NotPublished(failure) => {
            format!(
                "{} did not take it: {}; tried again {}",
                failure.target,
                failure.failure,
                left(failure.retry_at, now)
            )
        }
        Happening::Acknowledged(_) => "the message is finished and deleted".to_owned(),
        Happening::Hidden(message) => format!("the message is hidden, and comes again {}", left(message.until, now)),
        Happening::Left(message) => match &message.why {
            Left::Unreadable(text) => format!("message {} stays in the queue: it cannot be read: {text}", message.id),
            Left::NotEnrolled => {
                format!("message {} stays in the queue: it is for an application that is not enrolled here", message.id)
            }
            Left::NotKept(text) => {
                format!("message {} stays in the queue: the store could not take in what it brings: {text}", message.id)
            }
        },
        Happening::NotAcknowledged(text) => {
            format!("the message could not be deleted or hidden, and will come again: {text}")
        }
        Happening::OldSecretPurged => "the old secret has ended and is erased".to_owned(),
        Happening::Stalled(problem) => format!("stalled, a person must decide: {}", problem.happened),
        Happening::Resumed => "resumed, as decided".to_owned(),
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
    use lwa_rotate::Cause;
    use lwa_rotate::observe::{HiddenMessage, LeftMessage, ReceivedMessage};

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
    fn a_refusal_that_time_mends_calls_nobody() {
        let refused = |remedy_by| {
            Happening::RotateRefused(Problem {
                cause: Cause::Throttled,
                remedy_by,
                happened: "refused".to_owned(),
                still_works: String::new(),
                remedy: "do it".to_owned(),
                act_by: None,
                amazon: None,
                retry_at: None,
            })
        };
        assert_eq!(remedy(&refused(RemedyBy::Time)), None);
        assert_eq!(remedy(&refused(RemedyBy::Person)), Some("do it"));
    }

    #[test]
    fn stages_are_in_the_order_of_the_flow() {
        assert!(Stage::ALL.is_sorted());
    }
}
