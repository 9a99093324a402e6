//! How the clients of AWS's services connect, and what their answers say of the credentials.

use std::{fmt, sync::Arc};

use aws_smithy_http_client::{
    Builder, Connector,
    proxy::ProxyConfig,
    tls::{Provider, TlsContext, TrustStore, rustls_provider::CryptoMode},
};
use aws_smithy_runtime_api::client::{
    http::{
        HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient, SharedHttpConnector,
        http_client_fn,
    },
    orchestrator::{HttpRequest, HttpResponse},
    result::ConnectorError,
    runtime_components::RuntimeComponents,
};
use aws_smithy_types::{body::SdkBody, byte_stream::ByteStream};
use base64::{Engine, engine::general_purpose::STANDARD};
use reqwest::Url;
use rustls::pki_types::CertificateDer;

use super::{
    credentials::Standing,
    failure::{self, NOT_ACCEPTED},
    source::Source,
};
use crate::{
    environment::{Environment, Mistake},
    http::{
        connection,
        proxy::{Proxies, Proxy},
        trust,
    },
};

/// Why nothing was sent: a whole sentence about what a person has set.
#[derive(Debug)]
pub(super) struct Unconnected(String);

impl fmt::Display for Unconnected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Unconnected {}

/// Where the credentials come from that a request was signed with, beside its answer.
#[derive(Clone, Debug)]
pub(super) struct SignedWith(pub(super) Arc<Source>);

/// TLS by the certificates and through the proxy that [`http::Client`](crate::http::Client) has too. Plain requests, to
/// loopback and to the addresses that machines in the cloud ask for credentials, never go through a proxy. Blocks.
///
/// `bundle` is a file of certificates that are trusted in their place, with the setting that names it. What cannot work is told
/// by the requests that need it.
pub(super) fn http_client(
    environment: &Environment,
    bundle: Option<(&str, &str)>,
    standing: Arc<Standing>,
) -> SharedHttpClient {
    let trusted = match bundle {
        Some((name, file)) => trust::of_file(name, &environment.path(file)),
        None => trust::certificates(environment),
    };
    let (proxies, proxies_mistake) = parts(Proxies::of(environment));
    let (trusted, trust_mistake) = parts(trusted);
    let mut store = TrustStore::empty();
    for certificate in &trusted {
        store.add_pem_certificate(pem(certificate));
    }
    // The others leave it as it is.
    let tls = TlsContext::builder().with_trust_store(store).build().unwrap_or_default();
    let direct = connecting(ProxyConfig::disabled(), tls.clone());
    let proxied = proxies.proxy().and_then(|proxy| ProxyConfig::https(proxy.url().to_owned()).ok());
    let proxied = proxied.map(|config| connecting(config, tls));
    let (proxies, mistake) = (Arc::new(proxies), proxies_mistake.or(trust_mistake));
    let client = move |settings: &HttpConnectorSettings, components: &RuntimeComponents| {
        SharedHttpConnector::new(Told {
            direct: direct.http_connector(settings, components),
            proxied: proxied.as_ref().map(|client| client.http_connector(settings, components)),
            proxies: Arc::clone(&proxies),
            mistake: mistake.clone(),
            standing: Arc::clone(&standing),
        })
    };
    http_client_fn(client)
}

fn parts<T: Default>(result: Result<T, Mistake>) -> (T, Option<Mistake>) {
    match result {
        Ok(value) => (value, None),
        Err(mistake) => (T::default(), Some(mistake)),
    }
}

fn connecting(proxy: ProxyConfig, tls: TlsContext) -> SharedHttpClient {
    Builder::new().build_with_connector_fn(move |settings, components| {
        let mut connector = Connector::builder();
        connector.set_connector_settings(settings.cloned());
        connector.set_sleep_impl(components.and_then(|components| components.sleep_impl()));
        connector.set_proxy_config(Some(proxy.clone()));
        // Nor is a connection kept: the buffers of a TLS connection hold the last answer, with the secret in it, for as long
        // as it stands.
        connector.set_pool_max_idle_per_host(Some(0));
        connector.tls_provider(Provider::Rustls(CryptoMode::Ring)).tls_context(tls.clone()).build()
    })
}

fn pem(certificate: &CertificateDer<'_>) -> Vec<u8> {
    let mut pem = String::from("-----BEGIN CERTIFICATE-----\n");
    for line in STANDARD.encode(certificate).as_bytes().chunks(64) {
        pem.extend(line.iter().map(|byte| char::from(*byte)));
        pem.push('\n');
    }
    pem.push_str("-----END CERTIFICATE-----\n");
    pem.into_bytes()
}

/// A connector whose errors name what a person has set, and that hears what services say of the credentials.
#[derive(Debug)]
struct Told {
    direct: SharedHttpConnector,
    proxied: Option<SharedHttpConnector>,
    proxies: Arc<Proxies>,
    /// What keeps requests over TLS from being sent.
    mistake: Option<Mistake>,
    standing: Arc<Standing>,
}

impl HttpConnector for Told {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let url = Url::parse(request.uri());
        let (host, port, target) = match &url {
            Ok(url) => (
                url.host_str().unwrap_or_default().to_owned(),
                url.port_or_known_default().unwrap_or_default(),
                url.origin().ascii_serialization(),
            ),
            Err(_) => (String::new(), 0, "AWS".to_owned()),
        };
        let is_tls = url.is_ok_and(|url| url.scheme() == "https");
        if let Some(mistake) = self.mistake.as_ref().filter(|_| is_tls) {
            let source = Box::new(Unconnected(mistake.text.clone()));
            return HttpConnectorFuture::ready(Err(ConnectorError::user(source)));
        }
        let proxy = self.proxies.for_host(&host, port).filter(|_| is_tls).cloned();
        let connector = match (&proxy, &self.proxied) {
            (Some(_), Some(proxied)) => proxied,
            _ => &self.direct,
        };
        let is_signed = request.headers().get("authorization").is_some_and(|value| value.starts_with("AWS4-"));
        let (answer, standing) = (connector.call(request), Arc::clone(&self.standing));
        HttpConnectorFuture::new(async move {
            match answer.await {
                Ok(answer) if is_signed => Ok(heard(answer, &host, &standing).await),
                Ok(answer) => Ok(answer),
                Err(error) => Err(told(error, &target, proxy.as_ref())),
            }
        })
    }
}

/// The kind of an error decides about a repetition and stays.
fn told(error: ConnectorError, target: &str, proxy: Option<&Proxy>) -> ConnectorError {
    let (timed_out, io, user) = (error.is_timeout(), error.is_io(), error.is_user());
    let causes = connection::causes(&error);
    let words = if timed_out { vec!["no answer in time".to_owned()] } else { causes };
    let source = Box::new(Unconnected(connection::failed(target, proxy, &words)));
    if timed_out {
        ConnectorError::timeout(source)
    } else if io {
        ConnectorError::io(source)
    } else if user {
        ConnectorError::user(source)
    } else {
        ConnectorError::other(source, error.as_other())
    }
}

/// Keeps what the answer says of the credentials, and writes beside it where they come from.
async fn heard(mut answer: HttpResponse, host: &str, standing: &Standing) -> HttpResponse {
    let Some(source) = standing.source() else { return answer };
    answer.add_extension(SignedWith(Arc::clone(&source)));
    if answer.status().as_u16() < 400 {
        standing.accepted(host);
        return answer;
    }
    let body = std::mem::replace(answer.body_mut(), SdkBody::taken());
    let Ok(body) = ByteStream::new(body).collect().await else { return answer };
    let body = body.into_bytes();
    let code = code(&answer, &body);
    *answer.body_mut() = SdkBody::from(body);
    match code {
        Some(code) if NOT_ACCEPTED.contains(&code.as_str()) => {
            standing.refused(failure::not_accepted(&code, "", Some(&source)));
        }
        // It knows who asks, and has something else against it.
        Some(_) => standing.accepted(host),
        None => {}
    }
    answer
}

/// The service's code for an error.
fn code(answer: &HttpResponse, body: &[u8]) -> Option<String> {
    let body = serde_json::from_slice::<serde_json::Value>(body).ok();
    let written = body.as_ref().and_then(|body| body.get("__type").or_else(|| body.get("code"))?.as_str());
    let code = written.or_else(|| answer.headers().get("x-amzn-errortype"))?;
    let code = code.rsplit('#').next().unwrap_or(code);
    Some(code.split(':').next().unwrap_or(code).to_owned())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn certificates_come_back_from_their_text() {
        use rustls::pki_types::pem::PemObject;
        let authority = include_bytes!("../../../../tests/vectors/tls/authority.pem");
        let certificate = CertificateDer::from_pem_slice(authority).unwrap();
        assert_eq!(CertificateDer::from_pem_slice(&pem(&certificate)).unwrap(), certificate);
    }
}
