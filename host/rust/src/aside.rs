//! Work that may block its thread.

/// Does what may block where that stops nobody.
pub(crate) async fn aside<T: Send + 'static, E: From<Stopping> + Send + 'static>(
    work: impl FnOnce() -> Result<T, E> + Send + 'static,
) -> Result<T, E> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
        Err(_) => Err(Stopping.into()),
    }
}

/// The program ends before the work has begun.
pub(crate) struct Stopping;

impl From<Stopping> for crate::store::Error {
    fn from(_: Stopping) -> Self {
        Self::Unavailable(STOPPING.into())
    }
}

impl From<Stopping> for crate::publish::Error {
    fn from(_: Stopping) -> Self {
        Self::Unavailable(STOPPING.into())
    }
}

const STOPPING: &str = "the program is being stopped";
