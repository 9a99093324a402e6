//! How the clients of AWS's services connect.

use aws_sdk_sqs::config::SharedHttpClient;
use aws_smithy_http_client::{
    Builder, Connector,
    proxy::ProxyConfig,
    tls::{Provider, rustls_provider::CryptoMode},
};

/// TLS by the system's trust store, as [`http::Client`](crate::http::Client) does it; loopback and the addresses that
/// machines in the cloud ask for credentials never go through a proxy.
pub(super) fn http_client() -> SharedHttpClient {
    let proxy = proxy();
    Builder::new().build_with_connector_fn(move |settings, components| {
        let mut connector = Connector::builder();
        connector.set_connector_settings(settings.cloned());
        connector.set_sleep_impl(components.and_then(|components| components.sleep_impl()));
        connector.set_proxy_config(proxy.clone());
        // Nor is a connection kept: the buffers of a TLS connection hold the last answer, with the secret in it, for as long
        // as it stands.
        connector.set_pool_max_idle_per_host(Some(0));
        connector.tls_provider(Provider::Rustls(CryptoMode::Ring)).build()
    })
}

fn proxy() -> Option<ProxyConfig> {
    let variable = |lower: &str| {
        let set = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        set(lower).or_else(|| set(&lower.to_uppercase()))
    };
    let mut url = variable("https_proxy").or_else(|| variable("all_proxy"))?;
    if !url.contains("://") {
        url.insert_str(0, "http://");
    }
    match ProxyConfig::https(url) {
        Ok(proxy) => Some(proxy.no_proxy(variable("no_proxy").unwrap_or_default())),
        Err(_) => {
            tracing::warn!("HTTPS_PROXY is not the URL of a proxy and is not followed for AWS");
            None
        }
    }
}
