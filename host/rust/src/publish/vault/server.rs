//! The calls: <https://developer.hashicorp.com/vault/api-docs/secret/kv/kv-v2>.

use std::{fmt::Write, path::PathBuf, time::Duration};

use serde::Deserialize;
use serde_json::value::RawValue;

use super::{
    super::{Error, Probe},
    access::Token,
    failure::{self, Asked},
};
use crate::{
    http::{Client, Header, Http, Method, Origin, Request, Response},
    secret::Secret,
};

/// How long a call may take.
const CALL_LIMIT: Duration = Duration::from_secs(10);

/// Vault's own limit of an entry is 1 MiB unless it is raised.
const BODY_LIMIT: u32 = 4 << 20;

/// A server, and the secret on it that is meant.
pub(super) struct Server {
    client: Client,
    /// Without a slash at the end.
    address: String,
    /// The setting that it comes from.
    set_by: &'static str,
    namespace: Option<String>,
    token: Token,
    mount: String,
    path: String,
}

/// What a secret holds, and in which version; version 0 where there is no secret yet.
pub(super) struct Document {
    pub(super) content: Secret,
    pub(super) version: u64,
}

/// How a write ended.
pub(super) enum Written {
    /// It is the newest version.
    Done,
    /// Nothing was written: there is a newer version than the one that was read.
    Overtaken,
}

#[derive(Deserialize)]
struct Answer<'a> {
    #[serde(borrow)]
    data: Option<Version<'a>>,
}

#[derive(Deserialize)]
struct Version<'a> {
    #[serde(borrow)]
    data: Option<&'a RawValue>,
    metadata: Option<Metadata>,
}

#[derive(Deserialize)]
struct Metadata {
    version: u64,
    #[serde(default)]
    destroyed: bool,
}

#[derive(Deserialize)]
struct Mount {
    data: MountData,
}

#[derive(Deserialize)]
struct MountData {
    path: String,
    options: Option<MountOptions>,
}

#[derive(Deserialize)]
struct MountOptions {
    version: Option<String>,
}

#[derive(Deserialize)]
struct Capabilities {
    data: Granted,
}

#[derive(Deserialize)]
struct Granted {
    capabilities: Vec<String>,
}

impl Server {
    pub(super) fn new(
        (address, set_by): (String, &'static str),
        authority: Option<(&'static str, PathBuf)>,
        namespace: Option<String>,
        token: Token,
        mount: &str,
        path: &str,
    ) -> Result<Self, Error> {
        let address = address.trim_end_matches('/').to_owned();
        let origin = Origin::of(&address).map_err(|error| {
            // What is before an @ may be a password.
            let shown = if address.contains('@') { String::new() } else { format!(", '{}',", address.escape_debug()) };
            Error::Other(format!("the address of vault in {set_by}{shown} cannot be used: {error}; put {set_by} right"))
        })?;
        let client = Client::new([origin]);
        let client = match authority {
            Some((name, file)) => client.trusting(name, file),
            None => client,
        };
        Ok(Self { client, address, set_by, namespace, token, mount: mount.to_owned(), path: path.to_owned() })
    }

    /// How messages call the secret.
    pub(super) fn place(&self) -> String {
        format!("{}/{} in vault", self.mount, self.path)
    }

    /// The newest version.
    pub(super) async fn read(&self) -> Result<Document, Error> {
        let response = self.get(&self.data_path()).await?;
        let answer: Option<Answer<'_>> = serde_json::from_slice(response.body.expose()).ok();
        let version = answer.and_then(|answer| answer.data);
        match (response.status, version) {
            (200, Some(Version { data: Some(content), metadata: Some(metadata) })) => {
                Ok(Document { content: content.get().into(), version: metadata.version })
            }
            (200, _) => Err(failure::not_version_2(&self.mount)),
            (404, Some(Version { metadata: Some(metadata), .. })) => {
                Err(failure::deleted(&self.mount, &self.path, metadata.version, metadata.destroyed))
            }
            (404, _) => {
                self.expect_version_2().await?;
                Ok(Document { content: Secret::default(), version: 0 })
            }
            _ => Err(self.failure(Asked::Read, &response).await),
        }
    }

    /// Writes the version after this one.
    pub(super) async fn write(&self, document: &Secret, after: u64) -> Result<Written, Error> {
        let mut body = Secret::new(Vec::with_capacity(document.len() + 64));
        body.append(format!("{{\"options\":{{\"cas\":{after}}},\"data\":").as_bytes());
        body.append(document.expose());
        body.append(b"}");
        let response = self.call(Method::Post, &self.data_path(), body).await?;
        match response.status {
            200 => Ok(Written::Done),
            400 if failure::says(&response, "check-and-set") => Ok(Written::Overtaken),
            _ => Err(self.failure(Asked::Write, &response).await),
        }
    }

    /// Whether the token's policies let it write; <https://developer.hashicorp.com/vault/api-docs/system/capabilities-self>.
    pub(super) async fn may_write(&self, version: u64) -> Result<Probe, Error> {
        let paths = serde_json::json!({ "paths": [format!("{}/data/{}", self.mount, self.path)] });
        let response = self.call(Method::Post, "sys/capabilities-self", paths.to_string().into()).await?;
        let granted: Option<Capabilities> = serde_json::from_slice(response.body.expose()).ok();
        let Some(Capabilities { data: Granted { capabilities } }) = granted.filter(|_| response.status == 200) else {
            let place = self.place();
            return Ok(Probe::NotChecked(format!(
                "{place} can be read; vault does not tell this token whether it may also write it"
            )));
        };
        let needed = if version == 0 { "create" } else { "update" };
        if capabilities.iter().any(|capability| capability == needed || capability == "root") {
            Ok(Probe::Fine(format!("{} can be read, and its token may write it", self.place())))
        } else {
            Err(failure::not_permitted(&self.mount, &self.path, Asked::Write))
        }
    }

    /// A missing secret and a mount of another kind answer alike, and version 1 would take what is meant for version 2 as the
    /// content of another secret. Vault's own program asks here too.
    async fn expect_version_2(&self) -> Result<(), Error> {
        let path = format!("sys/internal/ui/mounts/{}/{}", encoded(&self.mount), encoded(&self.path));
        let response = self.get(&path).await?;
        match response.status {
            200 => {}
            400 | 403 | 404 => return Err(failure::no_mount(&self.mount)),
            _ => return Err(self.failure(Asked::Read, &response).await),
        }
        let mount: Option<Mount> = serde_json::from_slice(response.body.expose()).ok();
        let Some(Mount { data }) = mount else { return Err(failure::not_version_2(&self.mount)) };
        if data.path.trim_matches('/') != self.mount {
            return Err(failure::no_mount(&self.mount));
        }
        match data.options.and_then(|options| options.version).as_deref() {
            Some("2") => Ok(()),
            _ => Err(failure::not_version_2(&self.mount)),
        }
    }

    async fn failure(&self, asked: Asked, response: &Response) -> Error {
        if response.status != 403 {
            return failure::of(response, &self.address, &self.place());
        }
        // An expired token and a missing policy answer alike; a token that is good may look at itself, unless its policies take
        // that away.
        match self.get("auth/token/lookup-self").await {
            Ok(looked) if looked.status == 200 => failure::not_permitted(&self.mount, &self.path, asked),
            Ok(looked) if looked.status == 403 && failure::says(&looked, "invalid token") => {
                failure::token_refused(&self.token.from)
            }
            _ => failure::not_permitted_or_expired(&self.mount, &self.path, asked, &self.token.from),
        }
    }

    fn data_path(&self) -> String {
        format!("{}/data/{}", encoded(&self.mount), encoded(&self.path))
    }

    async fn get(&self, path: &str) -> Result<Response, Error> {
        self.call(Method::Get, path, Secret::default()).await
    }

    async fn call(&self, method: Method, path: &str, body: Secret) -> Result<Response, Error> {
        let header = |name: &str, value: Secret| Header { name: name.to_owned(), value };
        let mut headers = vec![
            header("user-agent", concat!("lwa-rotate/", env!("CARGO_PKG_VERSION")).into()),
            header("x-vault-token", self.token.value.clone()),
            // Listeners may insist on it, so that no browser can be made to send a request.
            header("x-vault-request", "true".into()),
        ];
        headers.extend(self.namespace.as_deref().map(|namespace| header("x-vault-namespace", namespace.into())));
        if method == Method::Post {
            headers.push(header("content-type", "application/json".into()));
        }
        let url = format!("{}/v1/{path}", self.address);
        let time_limit = CALL_LIMIT;
        let request = Request { method, url, headers, body, time_limit, body_limit: BODY_LIMIT, not_after: None };
        self.client.send(request).await.map_err(|error| failure::of_call(&error, self.set_by))
    }
}

/// A path of several parts in a URL.
fn encoded(path: &str) -> String {
    let mut encoded = String::with_capacity(path.len());
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~/".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            // Writing to a text does not fail.
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_keeps_its_parts_and_nothing_else_of_a_url() {
        assert_eq!(encoded("team/shop a?b#c%é"), "team/shop%20a%3Fb%23c%25%C3%A9");
    }
}
