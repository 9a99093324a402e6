//! A credential handed to a command, which puts it wherever applications read it.

use std::{ffi::OsString, time::Duration};

use async_trait::async_trait;

use super::{
    Error, Probe, Target,
    command::Command,
    form::{Format, Names, written},
};
use crate::secret::Credential;

/// Runs a command with the credential as JSON on its standard input; exit code 0 says that readers find it from then on.
///
/// The command must keep the promises of [`Publish`](super::Publish): it may be run again with the same credential, at any
/// time. No shell is involved, and nothing secret stands among its arguments or in its environment. Its standard output goes
/// nowhere. The end of its standard error is in the error when it fails, without the secret. When its time is over it is
/// killed with its whole process group; what it leaves in the background when it ends by itself stays.
#[derive(Clone, Debug)]
pub struct ExecTarget {
    command: Command,
    names: Names,
}

impl ExecTarget {
    /// This program, looked for in `PATH` if it holds no slash, with these arguments.
    pub fn new(program: impl Into<OsString>, arguments: impl IntoIterator<Item = impl Into<OsString>>) -> Self {
        Self { command: Command::new(program, arguments), names: Names::of(Format::Json) }
    }

    /// Other names in the JSON object.
    #[must_use]
    pub fn names(mut self, names: Names) -> Self {
        self.names = names;
        self
    }

    /// How long the command may take; 30 s unless set.
    #[must_use]
    pub fn time_limit(mut self, time_limit: Duration) -> Self {
        self.command.time_limit = time_limit;
        self
    }
}

#[async_trait]
impl Target for ExecTarget {
    async fn place(&self, machine: &str, name: &str) -> Result<String, Error> {
        Ok(format!("exec://{machine}/{name}"))
    }

    async fn probe(&self) -> Result<Probe, Error> {
        self.command.look()?;
        Ok(Probe::NotChecked("the program is there and may be run; whether it does its work was not tried".into()))
    }

    async fn put(&self, credential: &Credential) -> Result<(), Error> {
        let document = written(credential, Format::Json, &self.names)?;
        self.command.run(Some(&document), &credential.client_secret).await
    }
}

#[cfg(all(test, unix))]
#[allow(clippy::unwrap_used)]
mod tests;
