//! Behind `wit/queue.wit`: Amazon SQS, in its JSON protocol. Nothing is repeated: what failed comes again by itself.

use std::collections::BTreeMap;
use std::env;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::Deserialize;
use serde_json::{Value, json};
use wasip2::http::types::Method;

use crate::Adapters;
use crate::config::Config;
use crate::contract::exports::lwa::rotation::queue::{Attribute, Error, Flow, Gap, Guest, Inspection, Key, Message};
use crate::exchange::{Answer, Failed, Request, exchange};
use crate::origin::Url;
use crate::sigv4::{Credentials, sign};

/// SQS hides no message for longer than this after its receipt, in seconds.
const HIDDEN_AT_MOST: u32 = 12 * 60 * 60;
/// How long a call may take beside the long poll.
const CALL_LIMIT: Duration = Duration::from_secs(8);
/// A receive brings a mebibyte at most, which JSON may make six times as long.
const BODY_LIMIT: usize = 8 << 20;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Received {
    #[serde(default)]
    messages: Vec<Receipt>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Receipt {
    message_id: String,
    receipt_handle: String,
    body: String,
    #[serde(default)]
    attributes: Attributes,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Attributes {
    approximate_receive_count: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Facts {
    #[serde(default)]
    attributes: BTreeMap<String, String>,
}

impl Guest for Adapters {
    fn receive(queue: String, max: u32, wait: u32, visibility: u32) -> Result<Vec<Message>, Error> {
        let wait = wait.min(20);
        let parameters = json!({
            "MaxNumberOfMessages": max.clamp(1, 10),
            "WaitTimeSeconds": wait,
            "VisibilityTimeout": visibility.min(HIDDEN_AT_MOST),
            "MessageSystemAttributeNames": ["ApproximateReceiveCount"],
        });
        let body = ask(&queue, "ReceiveMessage", parameters, Duration::from_secs(wait.into()) + CALL_LIMIT)?;
        // The reason might quote a body.
        let received: Received = serde_json::from_slice(&body)
            .map_err(|_| Error::Unavailable(format!("the queue '{queue}' gave an answer that is none of SQS's")))?;
        Ok(received.messages.into_iter().map(message).collect())
    }

    fn delete(queue: String, receipt_handle: String) -> Result<(), Error> {
        ask(&queue, "DeleteMessage", json!({ "ReceiptHandle": receipt_handle }), CALL_LIMIT).map(drop)
    }

    fn inspect(queue: String) -> Inspection {
        inspection(ask(&queue, "GetQueueAttributes", json!({ "AttributeNames": ["All"] }), CALL_LIMIT))
    }

    fn hide(queue: String, receipt_handle: String, visibility: u32) -> Result<(), Error> {
        let mut seconds = visibility.min(HIDDEN_AT_MOST);
        loop {
            let parameters = json!({ "ReceiptHandle": receipt_handle, "VisibilityTimeout": seconds });
            match ask(&queue, "ChangeMessageVisibility", parameters, CALL_LIMIT) {
                // The 12 hours count from the receipt, which nobody here has kept: come nearer by halves.
                Err(Error::Other(text)) if text.contains("Total VisibilityTimeout") && seconds > 60 => seconds /= 2,
                answer => return answer.map(drop),
            }
        }
    }
}

/// The facts of `GetQueueAttributes`. This host does not ask AWS KMS.
fn inspection(facts: Result<Vec<u8>, Error>) -> Inspection {
    let attributes = match facts {
        Ok(body) => match serde_json::from_slice::<Facts>(&body) {
            Ok(facts) => Ok(facts.attributes),
            Err(_) => Err(Gap::Unreachable("the answer is none of SQS's".into())),
        },
        Err(Error::NotFound(text)) => Err(Gap::NotFound(text)),
        Err(Error::AccessDenied(text)) => Err(Gap::Denied(text)),
        Err(Error::StaleReceipt) => Err(Gap::Unreachable("the answer is none of SQS's".into())),
        Err(Error::Unavailable(text) | Error::Other(text)) => Err(Gap::Unreachable(text)),
    };
    let own = |id: &String| !id.is_empty() && id != "alias/aws/sqs" && !id.ends_with(":alias/aws/sqs");
    let key = attributes.as_ref().ok().and_then(|attributes| attributes.get("KmsMasterKeyId")).filter(|id| own(id));
    let unasked = || Gap::Denied("this host does not ask AWS KMS".into());
    let key = key.map(|_| Key { description: Err(unasked()), policy: Err(unasked()) });
    let list = |all: BTreeMap<String, String>| all.into_iter().map(|(name, value)| Attribute { name, value }).collect();
    Inspection { attributes: attributes.map(list), key, flow: Flow::Pulled }
}

fn message(receipt: Receipt) -> Message {
    let number = |text: Option<String>| text.and_then(|text| text.parse::<u64>().ok());
    Message {
        id: receipt.message_id,
        receipt_handle: receipt.receipt_handle,
        body: receipt.body.into(),
        receive_count: number(receipt.attributes.approximate_receive_count).unwrap_or_default() as u32,
    }
}

/// Carries out one operation and answers its JSON.
fn ask(queue: &str, operation: &str, mut parameters: Value, limit: Duration) -> Result<Vec<u8>, Error> {
    let config = Config::get().map_err(|wrong| Error::Other(wrong.to_owned()))?;
    let missing = || Error::NotFound(format!("the settings have no queue '{queue}'"));
    let url = &config.queues.get(queue).ok_or_else(missing)?.url;
    let doing = format!("{operation} at the queue '{queue}', {}", url.text());
    let endpoint = variable("AWS_ENDPOINT_URL_SQS").or_else(|| variable("AWS_ENDPOINT_URL"));
    let endpoint = endpoint.map(|text| Url::parse(&text)).transpose();
    let endpoint = endpoint.map_err(|wrong| Error::Other(format!("{doing}: AWS_ENDPOINT_URL: {wrong}")))?;
    let place = place(&url.origin().host);
    let root = match (endpoint, &place) {
        (Some(endpoint), _) => endpoint.origin().to_string(),
        (None, Some(Place { successor: Some(host), .. })) => format!("https://{host}"),
        (None, _) => url.origin().to_string(),
    };
    let root = Url::parse(&root).map_err(|wrong| Error::Other(wrong.to_owned()))?;

    parameters["QueueUrl"] = url.text().into();
    let body = parameters.to_string().into_bytes();
    let mut headers = vec![
        ("content-type".to_owned(), b"application/x-amz-json-1.0".to_vec()),
        ("x-amz-target".to_owned(), format!("AmazonSQS.{operation}").into()),
    ];
    let region = place.map(|place| place.region);
    let region = region.or_else(|| variable("AWS_REGION")).or_else(|| variable("AWS_DEFAULT_REGION"));
    let region = region.unwrap_or_else(|| "us-east-1".into());
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let credentials = credentials().ok_or_else(|| {
        let set = "give the runtime AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, and AWS_SESSION_TOKEN if there is one";
        Error::AccessDenied(format!("{doing}: there are no AWS credentials; {set}"))
    })?;
    sign(&mut headers, (&root.origin().authority(), &region, "sqs"), &body, &credentials, now);
    let request = Request {
        method: Method::Post,
        url: &root,
        headers,
        body: &body,
        limit,
        body_limit: BODY_LIMIT,
        not_after: None,
    };
    match exchange(request) {
        Ok(answer) if answer.status == 200 => Ok(answer.body),
        Ok(answer) => Err(refused(&doing, &answer)),
        Err(Failed::NotSent(text) | Failed::OutcomeUnknown(text)) => {
            Err(Error::Unavailable(format!("{doing}: {text}")))
        }
        Err(Failed::TooLarge) => Err(Error::Unavailable(format!("{doing}: the answer is too long"))),
    }
}

/// An error answer in the words of the contract.
/// See <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/CommonErrors.html>.
fn refused(doing: &str, answer: &Answer) -> Error {
    let body: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    let code = body["__type"].as_str().unwrap_or("an answer without a code");
    let code = code.rsplit('#').next().unwrap_or(code);
    // Behind the first line, what is said of a wrong signature repeats the headers, and with them the session token.
    let message = body["message"].as_str().or(body["Message"].as_str()).unwrap_or_default();
    let message: String = message.lines().next().unwrap_or_default().chars().take(300).collect();
    let text = format!("{doing}: {} {code}: {message}", answer.status);
    let says = |parts: &[&str]| parts.iter().any(|part| code.contains(part));
    if says(&["QueueDoesNotExist", "NonExistentQueue", "InvalidAddress"]) {
        Error::NotFound(format!("{text}; compare its URL with the one that SQS shows, region and account included"))
    } else if says(&["ReceiptHandleIsInvalid", "MessageNotInflight"])
        || (says(&["InvalidParameterValue"]) && message.to_lowercase().replace(' ', "").contains("receipthandle"))
    {
        Error::StaleReceipt
    } else if matches!(answer.status, 401 | 403)
        || says(&[
            "AccessDenied",
            "Kms",
            "Token",
            "Signature",
            "AccessKey",
            "UnrecognizedClient",
            "NotAuthorized",
            "OptInRequired",
        ])
    {
        let needed = "sqs:ReceiveMessage, sqs:DeleteMessage, sqs:ChangeMessageVisibility and sqs:GetQueueAttributes, and kms:Decrypt on its key";
        Error::AccessDenied(format!("{text}; the AWS credentials need {needed}"))
    } else if answer.status >= 500 || says(&["Throttl", "TooManyRequests"]) {
        Error::Unavailable(text)
    } else {
        Error::Other(text)
    }
}

fn credentials() -> Option<Credentials> {
    Some(Credentials {
        access_key_id: variable("AWS_ACCESS_KEY_ID")?,
        secret_access_key: variable("AWS_SECRET_ACCESS_KEY")?,
        session_token: variable("AWS_SESSION_TOKEN"),
    })
}

fn variable(name: &str) -> Option<String> {
    env::var(name).ok().filter(|value| !value.is_empty())
}

/// What a host of Amazon's says about where its queues are.
struct Place {
    region: String,
    /// The host that took its place, if its form is an old one.
    successor: Option<String>,
}

/// Takes apart `sqs.REGION.amazonaws.com` and its relatives: other partitions, FIPS, dual stack, VPC endpoints, and the old
/// forms `REGION.queue.amazonaws.com` and `queue.amazonaws.com`.
/// See <https://docs.aws.amazon.com/general/latest/gr/sqs-service.html>.
fn place(host: &str) -> Option<Place> {
    let amazon = [".amazonaws.com", ".amazonaws.com.cn", ".amazonaws.eu", ".api.aws", ".api.amazonwebservices.com.cn"];
    let (host, domain) = amazon.iter().find_map(|domain| Some((host.strip_suffix(domain)?, domain)))?;
    let (region, is_old) = match host.trim_end_matches(".vpce").split('.').collect::<Vec<_>>()[..] {
        ["queue"] => ("us-east-1", true),
        [region, "queue"] => (region, true),
        [.., "sqs" | "sqs-fips", region] => (region, false),
        _ => return None,
    };
    Some(Place { region: region.to_owned(), successor: is_old.then(|| format!("sqs.{region}{domain}")) })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn urls_of_amazon_name_their_region() {
        for (host, region, successor) in [
            ("sqs.eu-west-1.amazonaws.com", "eu-west-1", None),
            ("sqs-fips.us-east-2.amazonaws.com", "us-east-2", None),
            ("sqs.cn-north-1.amazonaws.com.cn", "cn-north-1", None),
            ("sqs.us-west-2.api.aws", "us-west-2", None),
            ("vpce-0a1-b2.sqs.eu-west-1.vpce.amazonaws.com", "eu-west-1", None),
            ("eu-central-1.queue.amazonaws.com", "eu-central-1", Some("sqs.eu-central-1.amazonaws.com")),
            ("cn-north-1.queue.amazonaws.com.cn", "cn-north-1", Some("sqs.cn-north-1.amazonaws.com.cn")),
            ("queue.amazonaws.com", "us-east-1", Some("sqs.us-east-1.amazonaws.com")),
        ] {
            let place = place(host).unwrap();
            assert_eq!((place.region.as_str(), place.successor.as_deref()), (region, successor), "{host}");
        }
    }

    #[test]
    fn other_urls_name_none() {
        for host in ["127.0.0.1", "amazonaws.com", "queue.example", "sqs.eu-west-1.amazonaws.com.evil.example"] {
            assert!(place(host).is_none(), "{host}");
        }
    }

    #[test]
    fn each_refusal_has_its_case_and_shows_no_token() {
        let refusal = |status, code: &str, message: &str| {
            let body = json!({ "__type": code, "message": message }).to_string().into();
            refused("doing", &Answer { status, headers: vec![], body })
        };
        let sqs = "com.amazonaws.sqs#";
        assert!(matches!(refusal(400, &format!("{sqs}QueueDoesNotExist"), ""), Error::NotFound(_)));
        assert!(matches!(refusal(404, &format!("{sqs}ReceiptHandleIsInvalid"), ""), Error::StaleReceipt));
        assert!(matches!(refusal(400, &format!("{sqs}MessageNotInflight"), ""), Error::StaleReceipt));
        assert!(matches!(
            refusal(400, "InvalidParameterValue", "Value X for parameter ReceiptHandle"),
            Error::StaleReceipt
        ));
        assert!(matches!(refusal(400, "InvalidParameterValue", "Total VisibilityTimeout"), Error::Other(_)));
        assert!(matches!(refusal(400, "UnrecognizedClientException", ""), Error::AccessDenied(_)));
        assert!(matches!(refusal(400, "ThrottlingException", ""), Error::Unavailable(_)));
        assert!(matches!(refusal(503, "", ""), Error::Unavailable(_)));
        let Error::AccessDenied(text) =
            refusal(403, "SignatureDoesNotMatch", "It is wrong.\nx-amz-security-token:hidden")
        else {
            panic!("another case");
        };
        assert!(text.contains("It is wrong") && !text.contains("hidden"), "{text}");
    }
}
