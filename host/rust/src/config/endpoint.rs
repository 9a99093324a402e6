//! Addresses: `https`, or plain `http` where it stays on this machine.

use reqwest::Url;

use super::mistake::Report;
use super::section::Setting;
use crate::http::{Origin, OriginError};

/// What an address is for.
#[derive(Clone, Copy, Eq, PartialEq)]
pub(super) enum Purpose {
    /// SP-API: an origin without a path.
    Api,
    /// LWA's token endpoint.
    Token,
    /// An SQS queue.
    Queue,
    /// A server of Vault.
    Vault,
}

/// The address as it is used, or `None` with a mistake reported.
pub(super) fn endpoint(setting: &Setting<&str>, purpose: Purpose, report: &mut Report) -> Option<String> {
    let mut wrong = |text: &str, hint: &str| {
        report.add(Some(setting.at.clone()), text, Some(hint));
        None
    };
    let example = match purpose {
        Purpose::Api => "such as https://sellingpartnerapi-eu.amazon.com, or region = \"eu\" instead",
        Purpose::Token => "Amazon's is https://api.amazon.com/auth/o2/token, which is also the default",
        Purpose::Queue => {
            "copy it from the queue's page in the AWS console, such as https://sqs.us-east-1.amazonaws.com/123456789012/lwa"
        }
        Purpose::Vault => "such as https://vault.example.com:8200",
    };
    let url = match Url::parse(setting.value) {
        Ok(url) => url,
        Err(_) => return wrong("this is not an address", example),
    };
    match Origin::of_parsed(&url) {
        Ok(_) => {}
        Err(OriginError::NotAbsolute) => return wrong("this is not an address", example),
        Err(OriginError::Scheme(_)) => return wrong("this is not an https address", example),
        Err(OriginError::UserInfo) => {
            return wrong(
                "an address must not hold a user name or a password",
                "no secret belongs in the configuration",
            );
        }
        Err(OriginError::NotEncrypted(_)) => {
            return wrong(
                "plain http is accepted for loopback addresses only",
                "use https: tokens and secrets would cross the network readable on the way",
            );
        }
    }
    if url.query().is_some() || url.fragment().is_some() {
        return wrong("an address must not have a query or a fragment", example);
    }
    match purpose {
        Purpose::Api if url.path() != "/" => wrong("`api-endpoint` must not have a path", example),
        Purpose::Api => Some(url.as_str().trim_end_matches('/').to_owned()),
        Purpose::Queue if url.path() == "/" => wrong("this address names no queue", example),
        Purpose::Token | Purpose::Queue | Purpose::Vault => Some(setting.value.to_owned()),
    }
}
