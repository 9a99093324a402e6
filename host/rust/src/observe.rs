//! What happened, as it happens: behind `wit/observe.wit`.

mod outlet;

use std::{borrow::Cow, sync::Mutex};

use crate::Problem;
pub use crate::bindings::lwa::rotation::observe::{
    Event, Happening, HiddenMessage, Left, LeftMessage, Purpose, QueueReading, Reason, ReceivedMessage, SecretEnds,
    TargetChange, TargetFailure,
};

pub(crate) use outlet::Outlet;

/// Takes events, which hold no secret.
///
/// A [`Rotator`](crate::Rotator) calls its observer on a thread of its own, within the span and with the subscriber of `tracing`
/// that the call has. It never waits for the observer while a call does its work. When the call is over, it waits until the
/// observer has taken the call's events, for a second at most and not again before a slow one has caught up. More than 1024 events
/// do not wait: further ones are dropped and counted.
pub trait Observe: Send + Sync + 'static {
    /// Takes one event; events of one call come in their order.
    fn emit(&self, event: &Event);

    /// So many events were dropped before the one that comes next, because the observer was too slow. Logs a warning unless it is
    /// overridden.
    fn dropped(&self, count: u64) {
        tracing::warn!(target: "lwa_rotate::rotation", count, "events were dropped, because their observer is too slow");
    }
}

impl<O: Observe + ?Sized> Observe for std::sync::Arc<O> {
    fn emit(&self, event: &Event) {
        (**self).emit(event);
    }

    fn dropped(&self, count: u64) {
        (**self).dropped(count);
    }
}

/// Writes events to [`tracing`], with the target `lwa_rotate::rotation` and a field for each fact.
///
/// `ERROR` when a person has to decide; `WARN` when something did not work and is tried again, or a message is left; `INFO`
/// for the stages of a rotation; `DEBUG` for what lies between them.
#[derive(Clone, Copy, Debug, Default)]
pub struct TracingObserver;

impl Observe for TracingObserver {
    fn emit(&self, event: &Event) {
        let facts = Facts::of(&event.what);
        let client_id = event.client_id.as_deref();
        // The level of a tracing event is part of its call site.
        macro_rules! emit {
            ($level:ident) => {
                tracing::event!(
                    target: "lwa_rotate::rotation",
                    tracing::Level::$level,
                    client_id,
                    at = event.at,
                    message_id = facts.message_id,
                    receive_count = facts.receive_count,
                    publish_target = facts.target,
                    new_ends_at = facts.new_ends_at,
                    old_ends_at = facts.old_ends_at,
                    until = facts.until,
                    messages = facts.messages,
                    written_by = facts.written_by,
                    detail = facts.detail.as_deref(),
                    remedy = facts.remedy,
                    amazon_code = facts.amazon_code,
                    amazon_request_id = facts.amazon_request_id,
                    "{}",
                    facts.text
                )
            };
        }
        match facts.level {
            tracing::Level::ERROR => emit!(ERROR),
            tracing::Level::WARN => emit!(WARN),
            tracing::Level::INFO => emit!(INFO),
            _ => emit!(DEBUG),
        }
    }
}

/// What an event says, one field for each kind of fact. Instants are milliseconds since 1970-01-01T00:00:00Z.
struct Facts<'a> {
    level: tracing::Level,
    text: &'static str,
    message_id: Option<&'a str>,
    receive_count: Option<u32>,
    target: Option<&'a str>,
    new_ends_at: Option<u64>,
    old_ends_at: Option<u64>,
    until: Option<u64>,
    messages: Option<u32>,
    written_by: Option<&'a str>,
    detail: Option<Cow<'a, str>>,
    remedy: Option<&'a str>,
    amazon_code: Option<&'a str>,
    amazon_request_id: Option<&'a str>,
}

impl<'a> Facts<'a> {
    fn of(happening: &'a Happening) -> Self {
        use tracing::Level;

        match happening {
            Happening::Supplied => Self::new(Level::INFO, "a secret was supplied and is stored"),
            Happening::ExpirySet(at) => {
                Self { until: Some(*at), ..Self::new(Level::INFO, "the operator said when the current secret ends") }
            }
            Happening::RotationWanted(reason) => Self::new(
                Level::INFO,
                match reason {
                    Reason::Due => "a rotation is wanted, because it is due",
                    Reason::Requested => "a rotation is wanted, because it was requested",
                    Reason::RequestedAgain => "a rotation is wanted again, by decision",
                },
            ),
            Happening::RotationCancelled => Self::new(Level::INFO, "the wanted rotation was cancelled"),
            Happening::ReadingQueue => {
                Self::new(Level::DEBUG, "the queue is inspected and read before the rotate call")
            }
            Happening::QueueRead(reading) => Self {
                messages: Some(reading.messages),
                detail: (!reading.notes.is_empty()).then(|| reading.notes.join("; ").into()),
                ..Self::new(
                    if reading.notes.is_empty() { Level::DEBUG } else { Level::WARN },
                    if reading.to_the_end {
                        "the queue was inspected and read to its end"
                    } else {
                        "the queue was inspected and not read to its end"
                    },
                )
            },
            Happening::AskingForToken(purpose) => Self::new(
                Level::DEBUG,
                match purpose {
                    Purpose::Rotation => "an access token for the rotate call is asked for",
                    Purpose::Verification => "an access token for the verification is asked for",
                },
            ),
            Happening::TokenIssued(_) => Self::new(Level::DEBUG, "an access token was issued"),
            Happening::CallingRotate => Self::new(Level::INFO, "the rotate call is sent"),
            Happening::RotateAccepted => Self::new(Level::INFO, "the rotate call was accepted"),
            Happening::RotateOutcomeUnknown(problem) => {
                Self::new(Level::WARN, "the outcome of the rotate call is unknown").problem(problem)
            }
            Happening::RotateRefused(problem) => Self::new(Level::WARN, "the rotate call was refused").problem(problem),
            Happening::MessageReceived(message) => Self {
                message_id: Some(&message.id),
                receive_count: Some(message.receive_count),
                ..Self::new(Level::INFO, "a message was received")
            },
            Happening::SecretKept(ends) => Self::new(Level::INFO, "a new secret is kept").ends(ends),
            Happening::MessageOld(text) => {
                Self { detail: Some(text.into()), ..Self::new(Level::DEBUG, "a message said nothing new") }
            }
            Happening::ExpiryNoticed(at) => {
                Self { until: Some(*at), ..Self::new(Level::INFO, "an expiry notice is recorded") }
            }
            Happening::Verifying => Self::new(Level::DEBUG, "a secret is being verified"),
            Happening::Verified => Self::new(Level::INFO, "the secret is verified"),
            Happening::NotVerified(problem) => {
                Self::new(Level::WARN, "the secret could not be verified").problem(problem)
            }
            Happening::Promoted(ends) => Self::new(Level::INFO, "the new secret is current").ends(ends),
            Happening::CandidateDropped(text) => {
                Self { detail: Some(text.into()), ..Self::new(Level::WARN, "a candidate was given up") }
            }
            Happening::Published(target) => {
                Self { target: Some(target), ..Self::new(Level::INFO, "the credential is published") }
            }
            Happening::NotPublished(failure) => Self {
                target: Some(&failure.target),
                until: Some(failure.retry_at),
                detail: Some(failure.failure.as_str().into()),
                ..Self::new(Level::WARN, "a target could not be written or read")
            },
            Happening::TargetChanged(change) => Self {
                target: Some(&change.target),
                detail: Some(change.found.as_str().into()),
                written_by: change.written_by.as_deref(),
                ..Self::new(Level::WARN, "a target's place holds something else than the current secret")
            },
            Happening::Acknowledged(id) => {
                Self { message_id: Some(id), ..Self::new(Level::INFO, "a message is finished and deleted") }
            }
            Happening::Hidden(hidden) => Self {
                message_id: Some(&hidden.id),
                until: Some(hidden.until),
                ..Self::new(Level::INFO, "a message is hidden until the next try")
            },
            Happening::Left(left) => Self {
                message_id: Some(&left.id),
                detail: match &left.why {
                    Left::Unreadable(text) | Left::NotKept(text) => Some(text.into()),
                    Left::Wrapped(service) => Some(format!("its body is an envelope of {service}").into()),
                    Left::NotEnrolled => Some("its application is not enrolled here".into()),
                },
                ..Self::new(Level::WARN, "a message is left in the queue")
            },
            Happening::NotAcknowledged(text) => Self {
                detail: Some(text.into()),
                ..Self::new(Level::WARN, "a message could not be deleted or hidden, and will come again")
            },
            Happening::RetiredPurged => Self::new(Level::INFO, "a retired secret has ended and is erased"),
            Happening::Stalled(problem) => {
                Self::new(Level::ERROR, "the rotation is stalled, a person must decide").problem(problem)
            }
            Happening::NeedsPerson(problem) => Self::new(Level::ERROR, "a person is needed").problem(problem),
            Happening::Resumed => Self::new(Level::INFO, "the rotation was resumed by decision"),
            Happening::Forgotten => Self::new(Level::INFO, "the record is removed"),
        }
    }

    fn new(level: tracing::Level, text: &'static str) -> Self {
        Self {
            level,
            text,
            message_id: None,
            receive_count: None,
            target: None,
            new_ends_at: None,
            old_ends_at: None,
            until: None,
            messages: None,
            written_by: None,
            detail: None,
            remedy: None,
            amazon_code: None,
            amazon_request_id: None,
        }
    }

    fn problem(self, problem: &'a Problem) -> Self {
        let amazon = problem.amazon.as_ref();
        Self {
            until: problem.retry_at,
            detail: Some(problem.happened.as_str().into()),
            remedy: Some(&problem.remedy),
            amazon_code: amazon.map(|amazon| amazon.code.as_str()),
            amazon_request_id: amazon.map(|amazon| amazon.request_id.as_str()),
            ..self
        }
    }

    fn ends(self, ends: &SecretEnds) -> Self {
        Self { new_ends_at: ends.new_ends_at, old_ends_at: ends.old_ends_at, ..self }
    }
}

/// Keeps events, for tests. Share it in an [`Arc`](std::sync::Arc).
#[derive(Debug, Default)]
pub struct Collector(Mutex<Vec<Event>>);

impl Collector {
    /// The events so far, taken out.
    pub fn take(&self) -> Vec<Event> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner))
    }
}

impl Observe for Collector {
    fn emit(&self, event: &Event) {
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push(event.clone());
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::{io, sync::Arc};

    use super::*;

    #[derive(Clone, Default)]
    struct Written(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Written {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn events_are_written_with_their_facts_and_no_others() {
        let written = Written::default();
        let writer = written.clone();
        let subscriber = tracing_subscriber::fmt()
            .json()
            .with_max_level(tracing::Level::DEBUG)
            .with_writer(move || writer.clone())
            .finish();
        let left = LeftMessage { id: "m1".into(), why: Left::Unreadable("payload is missing".into()) };

        tracing::subscriber::with_default(subscriber, || {
            TracingObserver.emit(&Event { client_id: None, at: 7, what: Happening::Left(left) });
        });

        let line: serde_json::Value = serde_json::from_slice(&written.0.lock().unwrap()).unwrap();
        assert_eq!((&line["level"], &line["target"]), (&"WARN".into(), &"lwa_rotate::rotation".into()));
        assert_eq!(
            line["fields"],
            serde_json::json!({"message": "a message is left in the queue", "at": 7, "message_id": "m1", "detail": "payload is missing"})
        );
    }
}
