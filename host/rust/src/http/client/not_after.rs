//! The instant after which a request must not begin to be sent, checked when its connection is ready.

use std::{
    fmt,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use tower_layer::Layer;
use tower_service::Service;

use super::Error;
use crate::{clock::Clock, http::Origin};

/// Refuses a connection that is ready too late, whatever it had to wait for: a name, the connection itself, a proxy, a
/// handshake.
#[derive(Clone)]
pub(super) struct NotAfter {
    instant: u64,
    clock: Arc<dyn Clock>,
}

impl NotAfter {
    pub(super) fn new(instant: u64, clock: &Arc<dyn Clock>) -> Self {
        Self { instant, clock: Arc::clone(clock) }
    }

    pub(super) fn check(&self) -> Result<(), TooLate> {
        if self.clock.now() > self.instant { Err(TooLate) } else { Ok(()) }
    }
}

/// The time to send a request was over before it was sent.
#[derive(Debug)]
pub(super) struct TooLate;

impl TooLate {
    /// Whether an error comes from one.
    pub(super) fn caused(error: &(dyn std::error::Error + 'static)) -> bool {
        let mut causes = std::iter::successors(Some(error), |error| error.source());
        causes.any(|error| error.is::<Self>())
    }

    pub(super) fn error(origin: &Origin) -> Error {
        Error::NotSent(format!(
            "the request to {origin} was not sent, because its time was over before there was a connection"
        ))
    }
}

impl fmt::Display for TooLate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the time to send the request was over")
    }
}

impl std::error::Error for TooLate {}

impl<S> Layer<S> for NotAfter {
    type Service = Connecting<S>;

    fn layer(&self, inner: S) -> Connecting<S> {
        Connecting { inner, not_after: self.clone() }
    }
}

/// What makes the connections.
#[derive(Clone)]
pub(super) struct Connecting<S> {
    inner: S,
    not_after: NotAfter,
}

type BoxError = Box<dyn std::error::Error + Send + Sync>;

impl<S, T> Service<T> for Connecting<S>
where
    S: Service<T, Error = BoxError>,
    S::Future: Send + 'static,
{
    type Response = S::Response;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<S::Response, BoxError>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, to: T) -> Self::Future {
        let (connecting, not_after) = (self.inner.call(to), self.not_after.clone());
        Box::pin(async move {
            let connection = connecting.await?;
            not_after.check()?;
            Ok(connection)
        })
    }
}
