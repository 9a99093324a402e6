//! A credential in the key-value secrets engine, version 2, of HashiCorp Vault or OpenBao.

mod access;
mod failure;
mod server;

use std::{path::PathBuf, time::Duration};

use async_trait::async_trait;
use tokio::time::timeout;

use self::server::{Document, Server, Written};
use super::{
    Error, Probe, Reading, Target,
    form::{Format, Names, held, merged},
};
use crate::{environment::Environment, secret::Credential};

/// Keeps a credential in a secret of the engine [KV version 2]. The other members of the secret stay, to the byte.
///
/// The document is read, our members are set in it, and it is written as the version after the one that was read
/// (check-and-set): what somebody else writes meanwhile is not overwritten but read again. Nothing is written if the secret
/// holds the credential already. A secret that is not there yet is made; one whose newest version was deleted is left alone.
///
/// Address, token and namespace are looked up for each put, as Vault's own program does it: `VAULT_ADDR`, `VAULT_TOKEN` or
/// `~/.vault-token`, `VAULT_NAMESPACE`, `VAULT_CACERT`, unless they are set here. TLS is verified, redirects are not followed, and a put is
/// given up after 45 s.
///
/// [KV version 2]: https://developer.hashicorp.com/vault/docs/secrets/kv/kv-v2
#[derive(Clone, Debug)]
pub struct VaultTarget {
    path: String,
    mount: String,
    address: Option<String>,
    namespace: Option<String>,
    token_file: Option<PathBuf>,
    names: Names,
}

/// How long a put may take, with its repetitions.
const LIMIT: Duration = Duration::from_secs(45);

/// How often a document that somebody else changes meanwhile is read and written.
const TRIES: usize = 5;

impl VaultTarget {
    /// The secret of this path, as `vault kv get` takes it, in the engine mounted at `secret`.
    pub fn new(path: impl Into<String>) -> Self {
        Self {
            path: path.into(),
            mount: "secret".into(),
            address: None,
            namespace: None,
            token_file: None,
            names: Names::of(Format::Json),
        }
    }

    /// Where the engine is mounted.
    #[must_use]
    pub fn mount(mut self, mount: impl Into<String>) -> Self {
        self.mount = mount.into();
        self
    }

    /// The server: `https`, or `http` on loopback.
    #[must_use]
    pub fn address(mut self, address: impl Into<String>) -> Self {
        self.address = Some(address.into());
        self
    }

    /// The namespace.
    #[must_use]
    pub fn namespace(mut self, namespace: impl Into<String>) -> Self {
        self.namespace = Some(namespace.into());
        self
    }

    /// The file that holds the token, read for each put.
    #[must_use]
    pub fn token_file(mut self, file: impl Into<PathBuf>) -> Self {
        self.token_file = Some(file.into());
        self
    }

    /// Other names of the members.
    #[must_use]
    pub fn names(mut self, names: Names) -> Self {
        self.names = names;
        self
    }

    async fn server(&self) -> Result<Server, Error> {
        let environment = Environment::of_process();
        let address = access::address(self.address.as_deref(), &environment)?;
        let namespace = access::namespace(self.namespace.as_deref(), &environment)?;
        let token = access::token(self.token_file.as_deref(), &environment).await?;
        Server::new(address, access::authority(&environment), namespace, token, &self.mount, &self.path)
    }

    async fn write(&self, credential: &Credential) -> Result<(), Error> {
        let server = self.server().await?;
        for _ in 0..TRIES {
            let Document { content, version } = server.read().await?;
            let no_document = |error: Error| error.within(&server.place());
            let merged = merged(content.expose(), credential, Format::Json, &self.names).map_err(no_document)?;
            if merged.expose() == content.expose() {
                return Ok(());
            }
            match server.write(&merged, version).await? {
                Written::Done => return Ok(()),
                Written::Overtaken => {}
            }
        }
        let place = server.place();
        Err(Error::Unavailable(format!(
            "{place} was changed by somebody else {TRIES} times while it was being written; it is tried again"
        )))
    }

    async fn look(&self) -> Result<Probe, Error> {
        let server = self.server().await?;
        let Document { content, version } = server.read().await?;
        let nobody = Credential { client_id: String::new(), client_secret: "".into(), expires_at: None };
        merged(content.expose(), &nobody, Format::Json, &self.names).map_err(|error| error.within(&server.place()))?;
        server.may_write(version).await
    }
}

/// Ends it when its time is over.
async fn bounded<T>(work: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
    let late = |_| Err(Error::Unavailable(format!("vault was not done after {} s", LIMIT.as_secs())));
    timeout(LIMIT, work).await.unwrap_or_else(late)
}

#[async_trait]
impl Target for VaultTarget {
    async fn put(&self, credential: &Credential) -> Result<(), Error> {
        bounded(self.write(credential)).await
    }

    async fn probe(&self) -> Result<Probe, Error> {
        bounded(self.look()).await
    }

    async fn read(&self) -> Result<Reading, Error> {
        bounded(async {
            let server = self.server().await?;
            let document = server.read().await?;
            let held = held(document.content.expose(), Format::Json, &self.names);
            Ok(held.map_err(|error| error.within(&server.place()))?.into())
        })
        .await
    }

    async fn place(&self, _machine: &str, _name: &str) -> Result<String, Error> {
        let environment = Environment::of_process();
        let (address, _) = access::address(self.address.as_deref(), &environment)?;
        let namespace = access::namespace(self.namespace.as_deref(), &environment)?;
        let parts = [namespace.as_deref().unwrap_or_default(), &self.mount, &self.path];
        let parts = parts.into_iter().map(|part| part.trim_matches('/')).filter(|part| !part.is_empty());
        let mut place = format!("vault+{}", address.trim_end_matches('/'));
        for part in parts {
            place.push('/');
            place.push_str(part);
        }
        Ok(place)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_place_is_the_address_with_namespace_mount_and_path() {
        let place = async |target: VaultTarget| target.address("https://vault.example:8200/").place("m", "n").await;

        let target = VaultTarget::new("team/shop").namespace("eu/");
        assert_eq!(place(target).await.unwrap(), "vault+https://vault.example:8200/eu/secret/team/shop");
        let target = VaultTarget::new("/shop").mount("kv").namespace("");
        assert_eq!(place(target).await.unwrap(), "vault+https://vault.example:8200/kv/shop");
    }
}
