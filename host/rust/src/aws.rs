//! The AWS settings, and what the clients of all AWS services made from them share: one TLS stack, one cache of credentials.

#[cfg(test)]
#[allow(clippy::unwrap_used)]
pub(crate) mod double;
pub(crate) mod failure;
mod http_client;

use std::{fmt, sync::Arc, time::Duration};

use aws_config::{
    BehaviorVersion, Region, SdkConfig, environment::EnvironmentVariableRegionProvider, meta::region::ProvideRegion,
    profile::ProfileFileRegionProvider, retry::RetryConfig, timeout::TimeoutConfig,
};
use aws_sdk_sqs::config::{Credentials, SharedCredentialsProvider};
use aws_types::{origin::Origin, service_config::ServiceConfigKey};
use tokio::sync::OnceCell;

use crate::{
    Secret,
    http::{self, OriginError},
};

/// Where credentials, region and endpoints of AWS come from.
///
/// By default from the usual AWS variables and files (`AWS_PROFILE`, `AWS_ACCESS_KEY_ID`, `AWS_ENDPOINT_URL`,
/// `AWS_ENDPOINT_URL_SQS` and its like, SSO, roles, …); what is set here takes their place. Nothing is read before the first
/// call. Cheap to clone: whatever is given a clone shares credentials and connections' settings with the others.
#[derive(Clone, Default)]
pub struct Aws {
    endpoint: Option<String>,
    region: Option<String>,
    access_key: Option<(String, Secret)>,
    loaded: Arc<OnceCell<Loaded>>,
}

/// What environment and files say.
struct Loaded {
    config: SdkConfig,
    /// The region that they name. That of `config` may be one that only the first thing to be used named.
    region: Option<Region>,
}

/// Why the URL of a queue or an endpoint cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UrlError {
    /// The URL.
    pub url: String,
    /// What is wrong with it.
    pub error: OriginError,
}

impl fmt::Display for UrlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "'{}' cannot be used: {}", self.url, self.error)
    }
}

impl std::error::Error for UrlError {}

/// Why there are no settings for a service.
#[derive(Debug)]
pub(crate) enum Unusable {
    /// Its endpoint cannot be used.
    Url(UrlError),
    /// Nobody says where it is.
    NoRegion,
}

impl fmt::Display for Unusable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Url(error) => error.fmt(f),
            Self::NoRegion => f.write_str("no AWS region is known: set `region`, AWS_REGION or a profile's region"),
        }
    }
}

impl From<UrlError> for Unusable {
    fn from(error: UrlError) -> Self {
        Self::Url(error)
    }
}

/// The region at an endpoint that somebody gives, where nobody names one: what answers there need not be AWS. And that of the
/// services which credentials come from.
const FALLBACK_REGION: &str = "us-east-1";

/// How long a call may take, unless it waits for something.
pub(crate) const CALL_LIMIT: Duration = Duration::from_secs(8);

impl Aws {
    /// The usual AWS variables and files.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sends to this endpoint, whatever the AWS settings say: `https`, or `http` on loopback.
    pub fn endpoint(mut self, url: impl Into<String>) -> Result<Self, UrlError> {
        let url = url.into();
        http::Origin::of(&url).map_err(|error| UrlError { url: url.clone(), error })?;
        self.endpoint = Some(url);
        Ok(self)
    }

    /// Signs for this region, whatever the AWS settings say.
    #[must_use]
    pub fn region(mut self, region: impl Into<String>) -> Self {
        self.region = Some(region.into());
        self
    }

    /// Signs with this access key, whatever the AWS settings say.
    #[must_use]
    pub fn access_key(mut self, access_key_id: impl Into<String>, secret_access_key: Secret) -> Self {
        self.access_key = Some((access_key_id.into(), secret_access_key));
        self
    }

    /// The settings for the clients of a service (`SQS`, as the SDK names it).
    ///
    /// The region is the one set here, else that which the thing itself names (a queue's URL, an ARN), else that of the AWS
    /// settings. Where an endpoint is given it need not be known. `own_endpoint` is used if neither this nor the AWS settings name
    /// one.
    pub(crate) async fn of_service(
        &self,
        service: &str,
        region: Option<&str>,
        own_endpoint: Option<&str>,
    ) -> Result<SdkConfig, Unusable> {
        let loaded = self.loaded(region).await;
        let mut config = loaded.config.to_builder();
        let named = endpoint(&loaded.config, service)?;
        let is_endpoint_known = self.endpoint.is_some() || named.is_some() || own_endpoint.is_some();
        let region = match self.region.as_deref().or(region) {
            Some(region) => Some(Region::new(region.to_owned())),
            None => loaded.region.clone(),
        };
        let fallback = is_endpoint_known.then(|| Region::from_static(FALLBACK_REGION));
        config.set_region(Some(region.or(fallback).ok_or(Unusable::NoRegion)?));
        let given = match (&self.endpoint, named) {
            (Some(endpoint), _) => Some(endpoint.as_str()),
            (None, Some(_)) => None,
            (None, None) => own_endpoint,
        };
        if let Some(endpoint) = given {
            // An address that is given has no other form for FIPS or IPv6, and the SDK refuses to be asked for one.
            config.set_endpoint_url(Some(endpoint.to_owned()));
            config.insert_origin("endpoint_url", Origin::shared_config());
            config.set_use_fips(Some(false));
            config.set_use_dual_stack(Some(false));
        }
        Ok(config.build())
    }

    /// The region of a service, by the rules of [`of_service`](Self::of_service).
    pub(crate) async fn region_of(&self, service: &str, region: Option<&str>) -> Result<String, Unusable> {
        let config = self.of_service(service, region, None).await?;
        config.region().map(ToString::to_string).ok_or(Unusable::NoRegion)
    }

    /// Whether this, or the AWS settings, name an endpoint for a service.
    pub(crate) async fn names_endpoint(&self, service: &str, region: Option<&str>) -> Result<bool, UrlError> {
        Ok(self.endpoint.is_some() || endpoint(&self.loaded(region).await.config, service)?.is_some())
    }

    /// Environment and files, read when they are first needed. The region is one for the services which credentials come from,
    /// if nothing else names any.
    async fn loaded(&self, region: Option<&str>) -> &Loaded {
        self.loaded.get_or_init(|| self.load(region)).await
    }

    async fn load(&self, own: Option<&str>) -> Loaded {
        // The instance metadata service is not asked for a region: where there is none, it takes seconds to find out.
        let environment = async || {
            let named = EnvironmentVariableRegionProvider::new().region().await;
            named.filter(|region| !region.as_ref().is_empty())
        };
        let region = match self.region.clone().map(Region::new) {
            Some(region) => Some(region),
            None => match environment().await {
                Some(region) => Some(region),
                None => ProfileFileRegionProvider::new().region().await,
            },
        };
        let for_credentials = region.clone().or(own.map(|region| Region::new(region.to_owned())));
        let mut loader = aws_config::defaults(BehaviorVersion::latest())
            .http_client(http_client::http_client())
            .region(for_credentials.unwrap_or(Region::from_static(FALLBACK_REGION)))
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
        Loaded { config: loader.load().await, region }
    }
}

/// Without the access key.
impl fmt::Debug for Aws {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Aws").field("endpoint", &self.endpoint).field("region", &self.region).finish_non_exhaustive()
    }
}

/// The limits of one call. The first try may use a call's time up but for what a second one needs to fail.
pub(crate) fn limits(limit: Duration) -> TimeoutConfig {
    TimeoutConfig::builder().operation_timeout(limit).operation_attempt_timeout(limit - Duration::from_secs(2)).build()
}

/// The endpoint that the AWS settings name for a service, which a client built from them uses.
fn endpoint(loaded: &SdkConfig, service: &str) -> Result<Option<String>, UrlError> {
    let of_service =
        ServiceConfigKey::builder().service_id(service).env("AWS_ENDPOINT_URL").profile("endpoint_url").build().ok();
    let endpoint = loaded
        .service_config()
        .zip(of_service)
        .and_then(|(settings, of_service)| settings.load_config(of_service))
        .or_else(|| loaded.endpoint_url().map(str::to_owned));
    if let Some(url) = &endpoint {
        http::Origin::of(url)
            .map_err(|error| UrlError { url: format!("{url}, the endpoint of the AWS settings,"), error })?;
    }
    Ok(endpoint)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    async fn region(aws: &Aws, own: Option<&str>, own_endpoint: Option<&str>) -> Result<String, Unusable> {
        let config = aws.of_service("SSM", own, own_endpoint).await?;
        Ok(config.region().unwrap().to_string())
    }

    /// Settings in which environment and files name this region.
    async fn naming(named: Option<&'static str>) -> Aws {
        let aws = Aws::new().access_key("AKIAEXAMPLE", "secret".into());
        let config = aws.load(Some("first-1")).await.config;
        let loaded = Loaded { config, region: named.map(Region::from_static) };
        Aws { loaded: Arc::new(OnceCell::new_with(Some(loaded))), ..aws }
    }

    #[tokio::test]
    async fn the_region_does_not_depend_on_what_is_used_first() {
        const ENDPOINT: Option<&str> = Some("http://127.0.0.1:9");
        let aws = naming(None).await;
        assert_eq!(region(&aws, Some("own-1"), None).await.unwrap(), "own-1");
        assert_eq!(region(&aws, None, ENDPOINT).await.unwrap(), FALLBACK_REGION);
        let error = region(&aws, None, None).await.unwrap_err();
        assert!(error.to_string().contains("set `region`, AWS_REGION"), "{error}");

        let aws = naming(Some("named-1")).await;
        assert_eq!(region(&aws, Some("own-1"), None).await.unwrap(), "own-1");
        assert_eq!(region(&aws, None, None).await.unwrap(), "named-1");
        assert_eq!(region(&aws, None, ENDPOINT).await.unwrap(), "named-1");
        assert_eq!(region(&aws.region("set-1"), Some("own-1"), None).await.unwrap(), "set-1");
    }

    #[tokio::test]
    async fn what_the_first_to_be_used_names_is_not_taken_for_the_settings() {
        let aws = Aws::new().access_key("AKIAEXAMPLE", "secret".into());
        assert_ne!(aws.load(Some("first-1")).await.region, Some(Region::from_static("first-1")));
    }
}
