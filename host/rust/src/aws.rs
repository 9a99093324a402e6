//! The AWS settings, and what the clients of all AWS services made from them share: one TLS stack, one cache of credentials.

mod credentials;
#[cfg(test)]
#[allow(clippy::unwrap_used)]
pub(crate) mod double;
pub(crate) mod failure;
mod http_client;
mod profiles;
mod source;
mod variables;

use std::{fmt, sync::Arc, time::Duration};

use aws_config::{
    BehaviorVersion, Region, SdkConfig, identity::IdentityCache, provider_config::ProviderConfig, retry::RetryConfig,
    timeout::TimeoutConfig,
};
use aws_credential_types::{Credentials, provider::SharedCredentialsProvider};
use aws_types::{origin::Origin, service_config::ServiceConfigKey};
use tokio::sync::OnceCell;

use self::{
    credentials::{Renewed, Standing},
    profiles::Profiles,
    source::Source,
};
use crate::{
    Secret,
    environment::{Environment, Mistake},
    http::{self, OriginError, trust},
};

pub use self::credentials::Credential;

/// Where credentials, region and endpoints of AWS come from.
///
/// By default from the usual AWS variables and files (`AWS_PROFILE`, `AWS_ACCESS_KEY_ID`, `AWS_ENDPOINT_URL`,
/// `AWS_ENDPOINT_URL_SQS` and its like, SSO, roles, …); what is set here takes their place. Nothing is read before the first
/// call. Cheap to clone: whatever is given a clone shares credentials and connections' settings with the others.
///
/// A variable or a file that cannot work is an error that names it; [`mistakes`](Aws::mistakes) has them beforehand. Credentials
/// in files are read again when the files change.
#[derive(Clone, Default)]
pub struct Aws {
    endpoint: Option<String>,
    region: Option<String>,
    access_key: Option<(String, Secret)>,
    loaded: Arc<OnceCell<Loaded>>,
    standing: Arc<Standing>,
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
    /// A variable or a file cannot work.
    Setting(Mistake),
    /// Its endpoint cannot be used.
    Url(UrlError),
    /// Nobody says where it is.
    NoRegion,
}

impl fmt::Display for Unusable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Setting(mistake) => mistake.fmt(f),
            Self::Url(error) => error.fmt(f),
            Self::NoRegion => f.write_str("no AWS region is known: set `region`, AWS_REGION or a profile's region"),
        }
    }
}

impl From<Mistake> for Unusable {
    fn from(mistake: Mistake) -> Self {
        Self::Setting(mistake)
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

    /// What of the variables and files cannot work, as far as that can be told without asking anyone. Where endpoint, region and
    /// access key are set here, they play no part.
    pub async fn mistakes(&self) -> Vec<Mistake> {
        if self.is_complete() {
            return Vec::new();
        }
        let environment = Environment::of_process();
        let mut mistakes = variables::mistakes(&environment);
        let profiles = match Profiles::read(&environment).await {
            Ok(profiles) => profiles,
            Err(mistake) => {
                mistakes.push(mistake);
                return mistakes;
            }
        };
        if self.access_key.is_none() {
            mistakes.extend(Source::of(&environment, &profiles).err());
        }
        if let Some((name, file)) = bundle(&environment, &profiles) {
            let read = tokio::task::spawn_blocking(move || trust::of_file(&name, &environment.path(&file)).err());
            mistakes.extend(read.await.ok().flatten());
        }
        mistakes
    }

    /// Files that a variable names and that are not there. Every AWS tool passes over them in silence.
    pub fn missing_files(&self) -> Vec<Mistake> {
        if self.is_complete() { Vec::new() } else { profiles::missing(&Environment::of_process()) }
    }

    /// What has come of using the credentials since this was asked last, the worst of it; `None` if they have not been used.
    pub fn credential(&self) -> Option<Credential> {
        self.standing.take()
    }

    /// Whether nothing of the environment plays a part.
    fn is_complete(&self) -> bool {
        self.endpoint.is_some() && self.region.is_some() && self.access_key.is_some()
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
        let loaded = self.loaded(region).await?;
        let mut config = loaded.config.to_builder();
        let named = endpoint(&loaded.config, service)?;
        let is_endpoint_known = self.endpoint.is_some() || named.is_some() || own_endpoint.is_some();
        let region = match self.region.as_deref().or(region) {
            Some(region) => Some(Region::new(region.to_owned())),
            None => loaded.region.clone(),
        };
        let fallback = is_endpoint_known.then(|| Region::from_static(FALLBACK_REGION));
        config.set_region(Some(region.or(fallback).ok_or(Unusable::NoRegion)?));
        let given = match (&self.endpoint, &named) {
            (Some(endpoint), _) => Some(endpoint.as_str()),
            (None, Some(_)) => None,
            (None, None) => own_endpoint,
        };
        if let Some(endpoint) = given {
            config.set_endpoint_url(Some(endpoint.to_owned()));
            config.insert_origin("endpoint_url", Origin::shared_config());
        }
        if is_endpoint_known {
            // An address that is given has no other form for FIPS or IPv6, and the SDK refuses to be asked for one.
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
    pub(crate) async fn names_endpoint(&self, service: &str, region: Option<&str>) -> Result<bool, Unusable> {
        Ok(self.endpoint.is_some() || endpoint(&self.loaded(region).await?.config, service)?.is_some())
    }

    /// Environment and files, read when they are first needed; again where something of them could not work. The region is one for
    /// the services which credentials come from, if nothing else names any.
    async fn loaded(&self, region: Option<&str>) -> Result<&Loaded, Unusable> {
        self.loaded.get_or_try_init(|| self.load(region)).await
    }

    async fn load(&self, own: Option<&str>) -> Result<Loaded, Unusable> {
        let (environment, profiles) = if self.is_complete() {
            (Environment::default(), Profiles::none())
        } else {
            let environment = Environment::of_process();
            if let Some(mistake) = variables::mistakes(&environment).into_iter().next() {
                return Err(mistake.into());
            }
            let profiles = Profiles::read(&environment).await?;
            (environment, profiles)
        };
        // The instance metadata service is not asked for a region: where there is none, it takes seconds to find out.
        let named = variables::named_region(&environment).or_else(|| profiles.get("region"));
        let region = self.region.as_deref().or(named).map(|region| Region::new(region.to_owned()));
        let for_credentials = region.clone().or(own.map(|region| Region::new(region.to_owned())));
        let for_credentials = for_credentials.unwrap_or(Region::from_static(FALLBACK_REGION));
        let is = |variable: &str, key: &str| match environment.get(variable) {
            Some(value) => variables::boolean(variable, value),
            None => profiles.get(key).map_or(Ok(false), |value| variables::boolean(key, value)),
        };
        let fips = is("AWS_USE_FIPS_ENDPOINT", "use_fips_endpoint")?;
        let dual_stack = is("AWS_USE_DUALSTACK_ENDPOINT", "use_dualstack_endpoint")?;
        let http = self.http(&environment, &profiles).await?;
        let retry = RetryConfig::standard().with_max_attempts(2).with_initial_backoff(Duration::from_millis(200));
        let timeout = TimeoutConfig::builder().connect_timeout(Duration::from_secs(4)).build();
        let loader = aws_config::defaults(BehaviorVersion::latest())
            .http_client(http.clone())
            .region(for_credentials.clone())
            .use_fips(fips)
            .use_dual_stack(dual_stack)
            .profile_name(&profiles.name)
            .profile_files(profiles.files.clone())
            .retry_config(retry.clone())
            .timeout_config(timeout.clone())
            // What provides them holds them, and knows when they have to be had anew.
            .identity_cache(IdentityCache::no_cache());
        let provider = match &self.access_key {
            Some((id, secret)) => {
                self.standing.set_source(Source::Given);
                let secret = secret.expose_str().unwrap_or_default();
                SharedCredentialsProvider::new(Credentials::new(id, secret, None, None, "lwa-rotate"))
            }
            None => {
                let settings = ProviderConfig::without_region()
                    .with_region(Some(for_credentials.clone()))
                    .with_use_fips(Some(fips))
                    .with_use_dual_stack(Some(dual_stack))
                    .with_http_client(http)
                    .with_retry_config(retry)
                    .with_timeout_config(timeout);
                SharedCredentialsProvider::new(Renewed::new(for_credentials, settings, Arc::clone(&self.standing)))
            }
        };
        Ok(Loaded { config: loader.credentials_provider(provider).load().await, region })
    }

    async fn http(
        &self,
        environment: &Environment,
        profiles: &Profiles,
    ) -> Result<aws_sdk_sqs::config::SharedHttpClient, Unusable> {
        let (environment, bundle, standing) =
            (environment.clone(), bundle(environment, profiles), Arc::clone(&self.standing));
        let built = tokio::task::spawn_blocking(move || {
            let bundle = bundle.as_ref().map(|(name, file)| (name.as_str(), file.as_str()));
            http_client::http_client(&environment, bundle, standing)
        });
        built.await.map_err(|error| Mistake::new("", error.to_string()).into())
    }
}

/// The file of certificates that is trusted for AWS alone, with the setting that names it.
fn bundle(environment: &Environment, profiles: &Profiles) -> Option<(String, String)> {
    const BUNDLE: &str = "AWS_CA_BUNDLE";
    let of_profile = profiles.get("ca_bundle").map(|file| (format!("ca_bundle of {}", profiles.place()), file));
    let bundle = environment.get(BUNDLE).map(|file| (BUNDLE.to_owned(), file)).or(of_profile);
    bundle.map(|(name, file)| (name, file.to_owned()))
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
        let config = aws.load(Some("first-1")).await.unwrap().config;
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
        assert_ne!(aws.load(Some("first-1")).await.unwrap().region, Some(Region::from_static("first-1")));
    }
}
