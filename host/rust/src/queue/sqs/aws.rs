//! The AWS settings, and clients made from them.

use std::time::Duration;

use aws_config::{
    BehaviorVersion, Region, SdkConfig, environment::EnvironmentVariableRegionProvider,
    meta::region::RegionProviderChain, profile::ProfileFileRegionProvider, retry::RetryConfig, timeout::TimeoutConfig,
};
use aws_sdk_sqs::{
    Client,
    config::{Credentials, SharedCredentialsProvider, SharedHttpClient},
};
use aws_smithy_http_client::{
    Builder, Connector,
    proxy::ProxyConfig,
    tls::{Provider, rustls_provider::CryptoMode},
};
use aws_types::service_config::ServiceConfigKey;

use super::{Error, limits, place::Place};
use crate::{Secret, http::Origin};

/// What was set in place of the AWS settings of environment and files.
#[derive(Default)]
pub(super) struct Aws {
    pub(super) endpoint: Option<String>,
    pub(super) region: Option<String>,
    pub(super) access_key: Option<(String, Secret)>,
}

const FALLBACK_REGION: &str = "us-east-1";

impl Aws {
    /// Reads environment and files. The region is also that of the services which credentials come from.
    pub(super) async fn load(&self, place: &Place) -> SdkConfig {
        // The instance metadata service is not asked for a region: where there is none, it takes seconds to find out.
        let region = RegionProviderChain::first_try(self.region.clone().map(Region::new))
            .or_else(EnvironmentVariableRegionProvider::new())
            .or_else(ProfileFileRegionProvider::new())
            .or_else(place.region.clone().map(Region::new))
            .or_else(Region::new(FALLBACK_REGION));
        let mut loader = aws_config::defaults(BehaviorVersion::latest())
            .http_client(http_client())
            .region(region)
            .retry_config(RetryConfig::standard().with_max_attempts(2).with_initial_backoff(Duration::from_millis(200)))
            .timeout_config(TimeoutConfig::builder().connect_timeout(Duration::from_secs(4)).build());
        if let Some((id, secret)) = &self.access_key {
            loader = loader.credentials_provider(SharedCredentialsProvider::new(Credentials::new(
                id,
                secret.expose_str().unwrap_or_default(),
                None,
                None,
                "lwa-rotate",
            )));
        }
        loader.load().await
    }

    /// A client for one queue.
    pub(super) fn client(&self, loaded: &SdkConfig, place: &Place) -> Result<Client, Error> {
        let mut config = aws_sdk_sqs::config::Builder::from(loaded);
        if let Some(region) = self.region.as_ref().or(place.region.as_ref()) {
            config.set_region(Some(Region::new(region.clone())));
        }
        // An address that is given has no other form for FIPS or IPv6, and the SDK refuses to be asked for one.
        let mut use_given = |endpoint: &String| {
            config.set_endpoint_url(Some(endpoint.clone()));
            config.set_use_fips(Some(false));
            config.set_use_dual_stack(Some(false));
        };
        if let Some(endpoint) = &self.endpoint {
            use_given(endpoint);
        } else if endpoint(loaded, "SQS")?.is_none()
            && let Some(endpoint) = &place.endpoint
        {
            use_given(endpoint);
        }
        Ok(Client::from_conf(config.build()))
    }

    /// A client for the key of one queue, each of whose calls takes no longer than this.
    pub(super) fn kms(&self, loaded: &SdkConfig, place: &Place, limit: Duration) -> Result<aws_sdk_kms::Client, Error> {
        let mut config = aws_sdk_kms::config::Builder::from(loaded).timeout_config(limits(limit));
        if let Some(region) = self.region.as_ref().or(place.region.as_ref()) {
            config.set_region(Some(Region::new(region.clone())));
        }
        // A queue that is none of Amazon's has no key there.
        if endpoint(loaded, "KMS")?.is_none() && place.region.is_none() {
            return Err(Error::Other(format!(
                "where the key of the queue at {} is kept is not known: set AWS_ENDPOINT_URL_KMS",
                place.url
            )));
        }
        Ok(aws_sdk_kms::Client::from_conf(config.build()))
    }
}

/// The endpoint that the AWS settings name for a service, which a client built from them uses.
fn endpoint(loaded: &SdkConfig, service: &str) -> Result<Option<String>, Error> {
    let of_service =
        ServiceConfigKey::builder().service_id(service).env("AWS_ENDPOINT_URL").profile("endpoint_url").build().ok();
    let endpoint = loaded
        .service_config()
        .zip(of_service)
        .and_then(|(settings, of_service)| settings.load_config(of_service))
        .or_else(|| loaded.endpoint_url().map(str::to_owned));
    if let Some(endpoint) = &endpoint {
        Origin::of(endpoint).map_err(|error| {
            Error::Other(format!("the endpoint '{endpoint}' of the AWS settings cannot be used: {error}"))
        })?;
    }
    Ok(endpoint)
}

/// TLS by the system's trust store, as [`http::Client`](crate::http::Client) does it; loopback and the addresses that
/// machines in the cloud ask for credentials never go through a proxy.
fn http_client() -> SharedHttpClient {
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
            tracing::warn!("HTTPS_PROXY is not the URL of a proxy and is not followed for SQS");
            None
        }
    }
}
