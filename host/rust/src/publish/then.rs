//! A command that follows when a target holds a new credential, so that applications take it up.

use std::{ffi::OsString, time::Duration};

use async_trait::async_trait;
use tokio::time::timeout;

use super::{Error, Probe, Reading, Target, command::Command};
use crate::secret::Credential;

/// A target, and a command that is run whenever something was put there, such as `systemctl reload shop`.
///
/// Exit code 0 says that the application has taken the credential up. Anything else is a failure of the whole: the put is
/// repeated later and the command with it, so that it runs at least once after each new secret, and perhaps more often.
/// No shell is involved. Its standard input is empty, and nothing secret stands among its arguments or is added to its
/// environment. Its standard output goes nowhere; the end of its standard error stands in the error.
///
/// The put may take 60 s, the command 30 s; so both stay within the bound of [`Publish`](super::Publish).
pub struct Then {
    target: Box<dyn Target>,
    command: Command,
    put_limit: Duration,
}

/// How long the put may take, so that the command's time is left to it.
const PUT_LIMIT: Duration = Duration::from_secs(60);

impl Then {
    /// After this target, this program with these arguments; it is looked for in `PATH` if it holds no slash.
    pub fn new(
        target: impl Target,
        program: impl Into<OsString>,
        arguments: impl IntoIterator<Item = impl Into<OsString>>,
    ) -> Self {
        Self { target: Box::new(target), command: Command::new(program, arguments), put_limit: PUT_LIMIT }
    }
}

#[async_trait]
impl Target for Then {
    async fn put(&self, credential: &Credential) -> Result<(), Error> {
        let put = timeout(self.put_limit, self.target.put(credential)).await;
        put.unwrap_or_else(|_| {
            let seconds = self.put_limit.as_secs();
            Err(Error::Unavailable(format!("it was not done after {seconds} s and was given up")))
        })?;
        let ran = self.command.run(None, &credential.client_secret).await;
        ran.map_err(|error| error.within("it is published, but what follows failed"))
    }

    async fn probe(&self) -> Result<Probe, Error> {
        let probe = self.target.probe().await?;
        self.command.look()?;
        Ok(match probe {
            Probe::Fine(seen) => {
                Probe::NotChecked(format!("{seen}; the command that follows may be run, and was not run"))
            }
            not_checked => not_checked,
        })
    }

    async fn read(&self) -> Result<Reading, Error> {
        self.target.read().await
    }

    async fn place(&self, machine: &str, name: &str) -> Result<String, Error> {
        self.target.place(machine, name).await
    }
}

#[cfg(all(test, unix))]
#[allow(clippy::unwrap_used)]
mod tests;
