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
    if purpose == Purpose::Queue
        && let Some(hint) = url_of(setting.value)
    {
        return wrong("this is not the URL of a queue", &hint);
    }
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

/// What to write in place of the ARN or the name of a queue; `None` for what is neither.
fn url_of(queue: &str) -> Option<String> {
    let is_name = |name: &str| {
        !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
    };
    let parts: Vec<&str> = queue.split(':').collect();
    match parts.as_slice() {
        ["arn", partition, "sqs", region, account, name] if is_name(name) => {
            let domain = if *partition == "aws-cn" { "amazonaws.com.cn" } else { "amazonaws.com" };
            Some(format!("this is its ARN; write its URL: https://sqs.{region}.{domain}/{account}/{name}"))
        }
        ["arn", ..] => Some("this is the ARN of something else; write the URL of an SQS queue, such as https://sqs.us-east-1.amazonaws.com/123456789012/lwa".to_owned()),
        [name] if is_name(name) && !name.contains('.') => Some(format!(
            "this is a name; write the URL: https://sqs.REGION.amazonaws.com/ACCOUNT/{name}, as `aws sqs get-queue-url --queue-name {name}` prints it"
        )),
        _ => None,
    }
}
