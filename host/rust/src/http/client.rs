//! Requests through reqwest: each at most once, to allowed origins, and with errors that tell what can have left.

mod not_after;

use std::{collections::BTreeSet, fmt, path::PathBuf, sync::Arc, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use reqwest::{
    Url,
    header::{CONTENT_LENGTH, HeaderMap, HeaderName, HeaderValue},
};
use rustls::{ClientConfig, RootCertStore};
use tokio::{sync::OnceCell, time::timeout};

use super::{
    Error, Header, Http, Method, Origin, Request, Response, connection,
    proxy::{Proxies, Proxy},
    trust,
};
use crate::{
    clock::{Clock, SystemClock},
    environment::{Environment, Mistake},
    secret::Secret,
};
use not_after::{NotAfter, TooLate};

/// Sends requests to the allowed origins and to no other.
///
/// Trust comes from the system's store of certificates, or from `SSL_CERT_FILE` and `SSL_CERT_DIR` where they are set, so
/// that a company's own authority works. `HTTPS_PROXY` and `NO_PROXY` are followed; a proxy sees the tunnel only, and
/// plain requests, which stay on this machine, never go through one. A variable that cannot work is an error that names it:
/// see [`mistakes`]. Every request has a connection of its own: a kept one may turn out to be
/// closed just when a request was written to it, and then nobody knows.
pub struct Client {
    allowed: BTreeSet<Origin>,
    clock: Arc<dyn Clock>,
    /// A file of certificates that are trusted in place of the others, and the setting that names it.
    bundle: Option<(&'static str, PathBuf)>,
    // Certificates are read when the first request needs them, and not for a command that sends none.
    encrypted: OnceCell<Encrypted>,
    plain: OnceCell<reqwest::Client>,
}

/// The client for requests over TLS, with the proxies that it follows.
struct Encrypted {
    tls: ClientConfig,
    client: reqwest::Client,
    proxies: Proxies,
}

/// What of the variables that name proxies and trusted certificates cannot work.
pub async fn mistakes() -> Vec<Mistake> {
    let environment = Environment::of_process();
    let proxies = Proxies::of(&environment).err();
    if environment.first(&trust::VARIABLES).is_none() {
        return proxies.into_iter().collect();
    }
    let trust = tokio::task::spawn_blocking(move || trust::certificates(&environment).err()).await.unwrap_or_default();
    proxies.into_iter().chain(trust).collect()
}

/// Until a connection stands, TLS included. Whatever fails until then has not been sent.
const CONNECT_LIMIT: Duration = Duration::from_secs(10);

impl Client {
    /// A client that sends to these origins alone. Opens and reads nothing yet.
    pub fn new(allowed: impl IntoIterator<Item = Origin>) -> Self {
        Self {
            allowed: allowed.into_iter().collect(),
            clock: Arc::new(SystemClock),
            bundle: None,
            encrypted: OnceCell::new(),
            plain: OnceCell::new(),
        }
    }

    /// Where the time comes from that [`Request::not_after`] is compared with; otherwise from the system.
    #[must_use]
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// Trusts the certificates of this file alone, which a setting of this name holds.
    pub(crate) fn trusting(mut self, named_by: &'static str, file: PathBuf) -> Self {
        self.bundle = Some((named_by, file));
        self
    }

    /// The URL with its origin, if requests may go there.
    fn permit(&self, url: &str) -> Result<(Url, Origin), Error> {
        let url = Url::parse(url).map_err(|e| Error::NotSent(format!("the URL of the request is not one: {e}")))?;
        match Origin::of_parsed(&url) {
            Ok(origin) if self.allowed.contains(&origin) => Ok((url, origin)),
            Ok(origin) => Err(Error::Forbidden(origin.to_string())),
            Err(_) => Err(Error::Forbidden(format!("{}://{}", url.scheme(), url.host_str().unwrap_or_default()))),
        }
    }

    /// The client for this origin, and the proxy that it goes through. A client of its own where there is a limit for the
    /// connection, which only few requests have.
    async fn client(
        &self,
        origin: &Origin,
        not_after: Option<&NotAfter>,
    ) -> Result<(reqwest::Client, Option<&Proxy>), Error> {
        let failed = |text: String| Error::NotSent(format!("requests cannot be made: {text}"));
        if origin.is_plain() {
            let client = match not_after {
                None => self.plain.get_or_try_init(async || plain(None)).await.cloned(),
                Some(_) => plain(not_after),
            };
            return Ok((client.map_err(failed)?, None));
        }
        let build = async || {
            let bundle = self.bundle.clone();
            match tokio::task::spawn_blocking(move || Encrypted::new(bundle)).await {
                Ok(client) => client,
                Err(error) => Err(error.to_string()),
            }
        };
        let Encrypted { tls, client, proxies } = self.encrypted.get_or_try_init(build).await.map_err(failed)?;
        let client = match not_after {
            None => client.clone(),
            Some(_) => through(proxies, tls.clone(), not_after).map_err(failed)?,
        };
        Ok((client, proxies.for_host(origin.host(), origin.port())))
    }
}

#[async_trait]
impl Http for Client {
    async fn send(&self, request: Request) -> Result<Response, Error> {
        let (url, origin) = self.permit(&request.url)?;
        let mut headers = headers(&request.headers)?;
        if request.method == Method::Post && request.body.is_empty() {
            // Neither reqwest nor hyper says so by itself.
            headers.insert(CONTENT_LENGTH, HeaderValue::from_static("0"));
        }
        let not_after = request.not_after.map(|instant| NotAfter::new(instant, &self.clock));
        let (client, proxy) = self.client(&origin, not_after.as_ref()).await?;
        if not_after.is_some_and(|not_after| not_after.check().is_err()) {
            return Err(TooLate::error(&origin));
        }
        let method = match request.method {
            Method::Get => reqwest::Method::GET,
            Method::Post => reqwest::Method::POST,
        };
        let built = client
            .request(method, url)
            .headers(headers)
            .body(Bytes::from_owner(request.body))
            .build()
            .map_err(|e| Error::NotSent(format!("the request to {origin} cannot be made: {}", cause(&e))))?;

        let exchange = async {
            let response = client.execute(built).await.map_err(|e| failure(&origin, proxy, &e))?;
            answer(response, request.body_limit, &origin).await
        };
        match timeout(request.time_limit, exchange).await {
            Ok(result) => result,
            Err(_) => Err(Error::OutcomeUnknown(format!(
                "{origin} has not answered within {} s",
                request.time_limit.as_secs()
            ))),
        }
    }
}

impl Encrypted {
    fn new(bundle: Option<(&'static str, PathBuf)>) -> Result<Self, String> {
        let environment = Environment::of_process();
        let proxies = Proxies::of(&environment).map_err(|mistake| mistake.to_string())?;
        let trusted = match bundle {
            Some((name, file)) => trust::of_file(name, &file),
            None => trust::certificates(&environment),
        };
        let trusted = trusted.map_err(|mistake| mistake.to_string())?;
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(trusted);
        let tls = tls(roots)?;
        let client = through(&proxies, tls.clone(), None)?;
        Ok(Self { tls, client, proxies })
    }
}

fn through(proxies: &Proxies, tls: ClientConfig, not_after: Option<&NotAfter>) -> Result<reqwest::Client, String> {
    let proxies = proxies.clone();
    let proxy = reqwest::Proxy::custom(move |url| {
        let proxy = proxies.for_host(url.host_str()?, url.port_or_known_default()?)?;
        Some(proxy.url().to_owned())
    });
    // Instead of those that the client would look for itself.
    let client = builder(tls, not_after).https_only(true).no_proxy().proxy(proxy).build();
    client.map_err(|e| cause(&e))
}

fn plain(not_after: Option<&NotAfter>) -> Result<reqwest::Client, String> {
    // The name is not left to a resolver, which might lead elsewhere.
    let loopback = [([127, 0, 0, 1], 0).into(), (std::net::Ipv6Addr::LOCALHOST, 0).into()];
    let client =
        builder(tls(RootCertStore::empty())?, not_after).no_proxy().resolve_to_addrs("localhost", &loopback).build();
    client.map_err(|e| cause(&e))
}

/// The provider of cryptography is named here, because a library does not set the one of its process.
fn tls(trusted: RootCertStore) -> Result<ClientConfig, String> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let versions = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    Ok(versions.map_err(|e| e.to_string())?.with_root_certificates(trusted).with_no_client_auth())
}

/// What all clients have in common.
fn builder(tls: ClientConfig, not_after: Option<&NotAfter>) -> reqwest::ClientBuilder {
    let builder = reqwest::Client::builder()
        .tls_backend_preconfigured(tls)
        .redirect(reqwest::redirect::Policy::none())
        .referer(false)
        // At most once: no repetition by the client, and no connection that the server may have given up meanwhile.
        .retry(reqwest::retry::never())
        .pool_max_idle_per_host(0)
        .connect_timeout(CONNECT_LIMIT);
    match not_after {
        Some(not_after) => builder.connector_layer(not_after.clone()),
        None => builder,
    }
}

/// What the client sets itself, or what would steer the connection. `host` above all: servers that share an address go by it,
/// so another one would lead to another origin than the one that is allowed.
const RESERVED: [&str; 8] =
    ["host", "content-length", "transfer-encoding", "connection", "upgrade", "te", "trailer", "proxy-authorization"];

fn headers(headers: &[Header]) -> Result<HeaderMap, Error> {
    let mut map = HeaderMap::new();
    for header in headers {
        if RESERVED.iter().any(|reserved| header.name.eq_ignore_ascii_case(reserved)) {
            return Err(Error::NotSent(format!("the header '{}' is not for the caller to set", header.name)));
        }
        let name = HeaderName::from_bytes(header.name.as_bytes());
        let value = HeaderValue::from_bytes(header.value.expose());
        let (Ok(name), Ok(mut value)) = (name, value) else {
            return Err(Error::NotSent(format!("the header '{}' cannot be sent", header.name.escape_debug())));
        };
        value.set_sensitive(true);
        map.append(name, value);
    }
    Ok(map)
}

async fn answer(mut response: reqwest::Response, limit: u32, origin: &Origin) -> Result<Response, Error> {
    let announced = response.content_length().unwrap_or_default();
    if announced > limit.into() {
        return Err(Error::TooLarge);
    }
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let mut body = Secret::new(Vec::with_capacity(usize::try_from(announced).unwrap_or_default()));
    loop {
        match response.chunk().await {
            Ok(Some(chunk)) if body.len() + chunk.len() > limit => return Err(Error::TooLarge),
            Ok(Some(chunk)) => body.append(&chunk),
            Ok(None) => break,
            Err(error) => {
                let text = format!("the answer of {origin} broke off: {}", cause(&error));
                return Err(Error::OutcomeUnknown(text));
            }
        }
    }
    let headers = response
        .headers()
        .iter()
        .map(|(name, value)| Header { name: name.as_str().to_owned(), value: value.as_bytes().into() });
    Ok(Response { status: response.status().as_u16(), headers: headers.collect(), body })
}

fn failure(origin: &Origin, proxy: Option<&Proxy>, error: &reqwest::Error) -> Error {
    let text = cause(error);
    if TooLate::caused(error) {
        TooLate::error(origin)
    } else if error.is_connect() {
        Error::NotSent(connection::failed(&origin.to_string(), proxy, &connection::causes(error)))
    } else if error.is_builder() {
        Error::NotSent(format!("the request to {origin} cannot be made: {text}"))
    } else {
        Error::OutcomeUnknown(format!("the connection to {origin} broke before its answer: {text}"))
    }
}

/// The innermost cause: what is around it says that a request failed, and repeats the URL.
fn cause(error: &reqwest::Error) -> String {
    connection::causes(error).pop().unwrap_or_default()
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("allowed", &self.allowed).finish_non_exhaustive()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;
