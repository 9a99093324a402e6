//! What a queue's URL says about where the queue is.

use crate::{aws::UrlError, http::Origin};

/// A queue's URL, taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// As SQS gives it.
    pub(super) url: String,
    /// The region, if the URL is one of Amazon's.
    pub(super) region: Option<String>,
    /// The origin, if it has to be the endpoint: the URL is not one of Amazon's, or not of the host that the SDK asks in a region
    /// by itself: one inside a VPC, of FIPS or of dual stack.
    pub(super) endpoint: Option<String>,
}

impl Place {
    pub(super) fn of(url: String) -> Result<Self, UrlError> {
        let origin = Origin::of(&url).map_err(|error| UrlError { url: url.clone(), error })?;
        let region = region(origin.host());
        let own_endpoint = region.is_none() || is_of_its_own(origin.host());
        Ok(Self { url, region, endpoint: own_endpoint.then(|| origin.to_string()) })
    }
}

/// Whether the SDK would ask another host of this region. That of the old forms is one that it may ask instead.
fn is_of_its_own(host: &str) -> bool {
    host.contains(".vpce.")
        || host.starts_with("sqs-fips.")
        || host.ends_with(".api.aws")
        || host.ends_with(".api.amazonwebservices.com.cn")
}

/// `sqs.REGION.amazonaws.com` and its relatives: other partitions, FIPS, dual stack, VPC endpoints, and the old forms
/// `REGION.queue.amazonaws.com` and `queue.amazonaws.com`.
/// See <https://docs.aws.amazon.com/general/latest/gr/sqs-service.html>.
fn region(host: &str) -> Option<String> {
    let (host, _) =
        [".amazonaws.com", ".amazonaws.com.cn", ".amazonaws.eu", ".api.aws", ".api.amazonwebservices.com.cn"]
            .iter()
            .find_map(|domain| Some((host.strip_suffix(domain)?, domain)))?;
    let labels: Vec<&str> = host.trim_end_matches(".vpce").split('.').collect();
    let region = match labels.as_slice() {
        ["queue"] => "us-east-1",
        [region, "queue"] | [.., "sqs" | "sqs-fips", region] => region,
        _ => return None,
    };
    Some(region.to_owned())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::http::OriginError;

    #[test]
    fn urls_of_amazon_name_their_region() {
        for (host, expected) in [
            ("sqs.eu-west-1.amazonaws.com", "eu-west-1"),
            ("sqs.cn-north-1.amazonaws.com.cn", "cn-north-1"),
            ("eu-central-1.queue.amazonaws.com", "eu-central-1"),
            ("queue.amazonaws.com", "us-east-1"),
        ] {
            let place = Place::of(format!("https://{host}/123456789012/lwa")).unwrap();
            assert_eq!((place.region.as_deref(), place.endpoint), (Some(expected), None), "{host}");
        }
    }

    #[test]
    fn an_endpoint_inside_a_vpc_is_used_itself() {
        let place = Place::of("https://vpce-0a1-b2.sqs.eu-west-1.vpce.amazonaws.com/123456789012/lwa".into()).unwrap();
        assert_eq!(place.region.as_deref(), Some("eu-west-1"));
        assert_eq!(place.endpoint.as_deref(), Some("https://vpce-0a1-b2.sqs.eu-west-1.vpce.amazonaws.com"));
    }

    #[test]
    fn an_endpoint_of_fips_or_of_dual_stack_is_asked_at_that_host() {
        for (host, region) in [
            ("sqs-fips.us-east-2.amazonaws.com", "us-east-2"),
            ("sqs.us-west-2.api.aws", "us-west-2"),
            ("sqs-fips.us-west-2.api.aws", "us-west-2"),
            ("sqs.cn-north-1.api.amazonwebservices.com.cn", "cn-north-1"),
        ] {
            let place = Place::of(format!("https://{host}/123456789012/lwa")).unwrap();
            let expected = (Some(region), Some(format!("https://{host}")));
            assert_eq!((place.region.as_deref(), place.endpoint), expected);
        }
    }

    #[test]
    fn other_urls_are_their_own_endpoint() {
        for (url, endpoint) in [
            ("http://127.0.0.1:9324/000000000000/lwa", "http://127.0.0.1:9324"),
            (
                "https://sqs.eu-west-1.amazonaws.com.evil.example/1/lwa",
                "https://sqs.eu-west-1.amazonaws.com.evil.example",
            ),
            ("https://amazonaws.com/1/lwa", "https://amazonaws.com"),
        ] {
            let place = Place::of(url.into()).unwrap();
            assert_eq!((place.region, place.endpoint.as_deref()), (None, Some(endpoint)), "{url}");
        }
    }

    #[test]
    fn plain_http_is_for_loopback_addresses_only() {
        let error = Place::of("http://sqs.eu-west-1.amazonaws.com/1/lwa".into()).unwrap_err();
        assert_eq!(error.error, OriginError::NotEncrypted("sqs.eu-west-1.amazonaws.com".into()));
    }
}
