//! One HTTP request at a time, to Amazon: behind `wit/http.wit`.

pub mod client;
pub(crate) mod connection;
pub mod origin;
pub(crate) mod proxy;
pub(crate) mod trust;

use async_trait::async_trait;

use crate::secret::Secret;

pub use client::{Client, mistakes};
pub use origin::{Origin, OriginError};

/// Sends requests.
///
/// What an implementation promises (`wit/http.wit`):
/// - A request is sent at most once. There is no automatic repetition of any kind, not on a new connection either.
/// - The error tells whether anything can have left this machine: after [`Error::NotSent`] and [`Error::Forbidden`] a
///   repetition is safe, after every other error the request may have had its effect.
/// - No redirect is followed; a 3xx is an answer like any other.
/// - A URL whose origin is not allowed is refused before a byte leaves, name resolution included. Plain `http` is for
///   loopback addresses only.
/// - TLS is verified. A proxy sees only the tunnel.
/// - The call returns within [`Request::time_limit`], and an answer's body is never longer than [`Request::body_limit`].
/// - A request with [`Request::not_after`] does not begin to be sent after that instant, by the host's own clock, read again after
///   every wait for a name, a connection, or a handshake. Too late is [`Error::NotSent`].
/// - A POST always carries `content-length`, with `0` for an empty body: SP-API answers 411 without one.
/// - Bodies and header values are not logged; they hold secrets and tokens.
#[async_trait]
pub trait Http: Send + Sync + 'static {
    /// Sends one request and waits for its whole answer.
    async fn send(&self, request: Request) -> Result<Response, Error>;
}

/// The methods that a rotation needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// GET.
    Get,
    /// POST.
    Post,
}

/// One header field.
#[derive(Clone, Debug)]
pub struct Header {
    /// Its name, in lower case.
    pub name: String,
    /// Its value: visible ASCII.
    pub value: Secret,
}

/// A request.
#[derive(Clone, Debug)]
pub struct Request {
    /// The method.
    pub method: Method,
    /// An absolute URL with scheme `https`, or `http` for a loopback address.
    pub url: String,
    /// The header fields, `user-agent` among them. `host` and `content-length` are added.
    pub headers: Vec<Header>,
    /// The body; empty for none.
    pub body: Secret,
    /// The longest time until the whole answer is there.
    pub time_limit: std::time::Duration,
    /// The longest body of an answer, in bytes.
    pub body_limit: u32,
    /// The request must not begin to be sent after this instant, in milliseconds since 1970-01-01T00:00:00Z; `None` for no such
    /// limit.
    pub not_after: Option<u64>,
}

/// An answer with whatever status.
#[derive(Clone, Debug)]
pub struct Response {
    /// The status code.
    pub status: u16,
    /// The header fields.
    pub headers: Vec<Header>,
    /// The whole body, decoded from any transfer coding.
    pub body: Secret,
}

/// Why there is no answer. The texts are for people and hold no secret.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Error {
    /// Nothing of the request left this machine: no address, no connection, no trust in the certificate. Safe to repeat.
    NotSent(String),
    /// The origin is not allowed; nothing left this machine. It names the origin.
    Forbidden(String),
    /// Something of the request may have left: the connection broke, time ran out, or the answer was cut.
    OutcomeUnknown(String),
    /// The answer began and its body was longer than the limit. The request had its effect.
    TooLarge,
    /// Anything else; treated like [`Error::OutcomeUnknown`].
    Other(String),
}

impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::NotSent(text) | Self::OutcomeUnknown(text) | Self::Other(text) => f.write_str(text),
            Self::Forbidden(origin) => write!(f, "requests to {origin} are not allowed by the settings"),
            Self::TooLarge => f.write_str("the answer was longer than the limit"),
        }
    }
}

impl std::error::Error for Error {}

#[async_trait]
impl<H: Http + ?Sized> Http for std::sync::Arc<H> {
    async fn send(&self, request: Request) -> Result<Response, Error> {
        (**self).send(request).await
    }
}
