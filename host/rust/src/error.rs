//! Why a call of the [`Rotator`](crate::Rotator) failed, and why one could not be built.

use std::{fmt, time::Duration};

use crate::{queue, store};

/// Why a call could not be carried out. None of them loses anything: what was saved decides, and any call may be repeated.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Error {
    /// The settings know no application with this client id.
    UnknownApplication,
    /// The store has no record of this application: `enroll` it first.
    NotEnrolled,
    /// There is a record and it cannot be read: damaged, or written by a later version. It is left as it is. The text says
    /// what is wrong, without values.
    UnreadableRecord(String),
    /// The store failed. Nothing was sent to Amazon after that.
    Store(store::Error),
    /// Other hosts kept changing the record. Call again.
    Busy,
    /// The call makes no sense in the present state, or an argument is wrong; the text says which and what to do instead.
    NotAllowed(String),
    /// The call would have a consequence that may not be intended, which the text says. Nothing was changed. Call again with
    /// `confirmed` (or, for a request, `force`) if it is intended.
    NeedsConfirmation(String),
    /// The queue could not be read.
    Queue(queue::Error),
    /// The component was stopped; see why.
    Stopped(Stopped),
    /// Anything else.
    Other(String),
}

/// Why the component was stopped in the middle of a call. What it had saved by then stands.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Stopped {
    /// The call was not finished within [`Limits::call`](crate::Limits::call), host calls included.
    Time(Duration),
    /// It computed for longer than [`Limits::computing`](crate::Limits::computing).
    Computing(Duration),
    /// It wanted more memory than [`Limits::memory`](crate::Limits::memory), in bytes.
    Memory(usize),
    /// It failed: a defect of the component. The text names the kind of failure.
    Trap(String),
    /// It did what no call may: asked for an application, a queue or a target that the call is not about, or for more of
    /// anything than any call needs. A defect of the component, or an attack; it was not done. The text says what.
    Forbidden(String),
}

/// Why a [`Rotator`](crate::Rotator) could not be built.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum BuildError {
    /// No store was given.
    NoStore,
    /// Neither applications nor settings were given.
    NoSettings,
    /// Settings of another kind were given, so that the allowed origins are not known: give an [`Http`](crate::http::Http).
    NoHttp,
    /// Two applications have this client id.
    TwoApplications(String),
    /// An endpoint of an application is not one that requests may be sent to.
    Endpoint {
        /// The application.
        client_id: String,
        /// What is wrong with it.
        error: crate::http::OriginError,
    },
    /// The built-in component does not run on this machine.
    Component(String),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownApplication => f.write_str("the settings know no application with this client id"),
            Self::NotEnrolled => {
                f.write_str("the application is not enrolled yet; supply its current secret with enroll")
            }
            Self::UnreadableRecord(text) => {
                write!(f, "the record of this application cannot be read and is left as it is: {text}")
            }
            Self::Store(error) => write!(f, "the store failed: {error}"),
            Self::Busy => f.write_str("other hosts kept changing the record; call again"),
            Self::Queue(error) => write!(f, "the queue cannot be read: {error}"),
            Self::Stopped(why) => write!(f, "the component was stopped: {why}"),
            Self::NotAllowed(text) | Self::NeedsConfirmation(text) | Self::Other(text) => f.write_str(text),
        }
    }
}

impl fmt::Display for Stopped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Time(limit) => write!(f, "the call took longer than {limit:?}"),
            Self::Computing(limit) => write!(f, "it computed for longer than {limit:?}"),
            Self::Memory(limit) => write!(f, "it wanted more than {limit} bytes of memory"),
            Self::Trap(text) => write!(f, "it failed, which is a defect in lwa-rotate: {text}"),
            Self::Forbidden(text) => write!(f, "{text}, which no call needs; is it the component of lwa-rotate?"),
        }
    }
}

impl fmt::Display for BuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoStore => f.write_str("no store was given; pass one to store()"),
            Self::NoSettings => f.write_str("no application was given; pass one to application() or settings()"),
            Self::NoHttp => f.write_str("the allowed origins are not known with settings(); pass a client to http()"),
            Self::TwoApplications(client_id) => write!(f, "two applications have the client id '{client_id}'"),
            Self::Endpoint { client_id, error } => write!(f, "an endpoint of '{client_id}' cannot be used: {error}"),
            Self::Component(text) => write!(f, "the built-in component does not run here: {text}"),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Store(error) => Some(error),
            Self::Queue(error) => Some(error),
            Self::Stopped(why) => Some(why),
            _ => None,
        }
    }
}

impl std::error::Error for Stopped {}

impl std::error::Error for BuildError {}
