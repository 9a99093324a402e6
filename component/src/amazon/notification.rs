//! An SQS message's body → a typed notification.
//!
//! Amazon publishes no schema for the two types; what is read here is what its examples show. Members that are not needed
//! may be missing or new; those that are needed must be what they should be. A body that cannot be read is described by
//! member names, never by values: it may hold a secret.
//!
//! See <https://developer-docs.amazon.com/sp-api/docs/set-up-credential-rotation-notifications>.

use crate::bindings::lwa::rotation::observe::Left;
use crate::credential::ClientSecret;
use crate::instant::Instant;
use crate::json::{Json, Node};

/// Many times longer than any notification of these types. Amazon SQS carries longer messages, and a dozen of them, made to
/// take as much memory as JSON can, must not keep the others from being read.
const LONGEST_BODY: usize = 64 * 1024;
/// Longer than any client id that Amazon issues.
const LONGEST_CLIENT_ID: usize = 256;

/// A notification about the client secret of an application.
#[derive(Debug, PartialEq, Eq)]
pub struct Notification {
    /// The application.
    pub client_id: String,
    /// When what it says happened.
    pub event_time: Instant,
    /// What it says.
    pub payload: Payload,
}

/// The two things that Amazon says.
#[derive(Debug, PartialEq, Eq)]
pub enum Payload {
    /// `APPLICATION_OAUTH_CLIENT_NEW_SECRET`: the only copy of the new secret that a program can get.
    NewSecret(NewSecret),
    /// `APPLICATION_OAUTH_CLIENT_SECRET_EXPIRY`: some secret of the application ends then.
    Expiry(Instant),
}

/// A new secret, with the ends of both.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewSecret {
    /// The secret.
    pub secret: ClientSecret,
    /// When it ends.
    pub expires_at: Instant,
    /// When the one before it ends.
    pub old_ends_at: Instant,
}

/// Reads a body.
pub fn parse(body: &[u8]) -> Result<Notification, Left> {
    if body.len() > LONGEST_BODY {
        return Err(Left::Unreadable("the body is longer than any message that is for this program".into()));
    }
    let json = Json::parse(body).ok_or_else(|| Left::Unreadable("the body is not JSON".into()))?;
    if let Some(envelope) = envelope(&json) {
        return Err(Left::Wrapped(envelope.into()));
    }
    read(&json.root()).map_err(Left::Unreadable)
}

/// The service in whose envelope a message lies, if that is not Amazon's own.
fn envelope(body: &Json) -> Option<&'static str> {
    let has = |names: &[&str]| names.iter().all(|name| body.get(name).is_some());
    if has(&["TopicArn", "Message"]) {
        Some("Amazon SNS (raw message delivery is off)")
    } else if has(&["detail-type", "source", "detail"]) {
        Some("Amazon EventBridge")
    } else if has(&["Records"]) {
        Some("an event for AWS Lambda")
    } else {
        None
    }
}

/// Reads a body. The error names what is wrong and holds no value.
fn read(body: &Node<'_>) -> Result<Notification, String> {
    let event_time = instant(&member(body, ["eventTime", "EventTime"])?)?;
    let kind = member(body, ["notificationType", "NotificationType"])?;
    let payload = || member(body, ["payload", "Payload"]);
    let id = |node: &Node<'_>| client_id(&member(node, ["clientId", "ClientId"])?);
    match kind.text()? {
        "APPLICATION_OAUTH_CLIENT_NEW_SECRET" => {
            let payload = payload()?;
            let new = member(&payload, ["applicationOAuthClientNewSecret", "ApplicationOAuthClientNewSecret"])?;
            let end = |names| instant(&member(&new, names)?);
            Ok(Notification {
                client_id: id(&new)?,
                event_time,
                payload: Payload::NewSecret(NewSecret {
                    secret: secret(&member(&new, ["newClientSecret", "NewClientSecret"])?)?,
                    expires_at: end(["newClientSecretExpiryTime", "NewClientSecretExpiryTime"])?,
                    old_ends_at: end(["oldClientSecretExpiryTime", "OldClientSecretExpiryTime"])?,
                }),
            })
        }
        "APPLICATION_OAUTH_CLIENT_SECRET_EXPIRY" => {
            let payload = payload()?;
            let expiry =
                member(&payload, ["applicationOAuthClientSecretExpiry", "ApplicationOAuthClientSecretExpiry"])?;
            let at = instant(&member(&expiry, ["clientSecretExpiryTime", "ClientSecretExpiryTime"])?)?;
            Ok(Notification { client_id: id(&expiry)?, event_time, payload: Payload::Expiry(at) })
        }
        _ => Err(kind.wrong("is neither of the two that are about client secrets")),
    }
}

/// A member in either spelling: Amazon's schemas have both, the examples of these two types the first.
fn member<'a>(node: &'a Node<'a>, [first, second]: [&'a str; 2]) -> Result<Node<'a>, String> {
    node.member(first).or_else(|error| node.member(second).map_err(|_| error))
}

fn instant(node: &Node<'_>) -> Result<Instant, String> {
    Instant::parse(node.text()?).ok_or_else(|| node.wrong("is not an RFC 3339 time"))
}

fn client_id(node: &Node<'_>) -> Result<String, String> {
    let id = node.text()?;
    if (1..=LONGEST_CLIENT_ID).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_graphic()) {
        Ok(id.to_owned())
    } else {
        Err(node.wrong("is not 1 to 256 visible ASCII characters"))
    }
}

fn secret(node: &Node<'_>) -> Result<ClientSecret, String> {
    ClientSecret::parse(node.text()?.into()).ok_or_else(|| node.wrong("is not 1 to 1024 visible ASCII characters"))
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    const NEW_SECRET: &str = include_str!("../../../tests/vectors/new-secret.json");
    const EXPIRY: &str = include_str!("../../../tests/vectors/secret-expiry.json");

    #[test]
    fn a_new_secret_is_read() {
        let notification = parse(NEW_SECRET.as_bytes()).expect("readable");
        assert_eq!(notification.client_id, "amzn1.application-oa2-client.example");
        let Payload::NewSecret(new) = notification.payload else { panic!("not a new secret") };
        assert_eq!(new.secret.expose_text(), "amzn1.oa2-cs.v1.new-example");
        assert_eq!(new.expires_at.to_string(), "2026-07-08T22:09:17Z");
        assert_eq!(new.old_ends_at.to_string(), "2026-01-16T22:09:17Z");
    }

    #[test]
    fn an_expiry_notice_is_read() {
        let notification = parse(EXPIRY.as_bytes()).expect("readable");
        let Payload::Expiry(at) = notification.payload else { panic!("not an expiry notice") };
        assert_eq!(at.to_string(), "2026-03-03T22:06:39Z");
    }

    /// Rule 7: what cannot be read is described by member names, never values.
    #[test]
    fn every_missing_or_wrong_member_is_named_without_its_value() {
        let whole: Value = serde_json::from_str(NEW_SECRET).expect("json");
        for (path, name) in [
            ("", "notificationType"),
            ("", "eventTime"),
            ("", "payload"),
            ("/payload", "applicationOAuthClientNewSecret"),
            ("/payload/applicationOAuthClientNewSecret", "clientId"),
            ("/payload/applicationOAuthClientNewSecret", "newClientSecret"),
            ("/payload/applicationOAuthClientNewSecret", "newClientSecretExpiryTime"),
            ("/payload/applicationOAuthClientNewSecret", "oldClientSecretExpiryTime"),
        ] {
            let object =
                |value: &mut Value| value.pointer_mut(path).and_then(Value::as_object_mut).expect("object").clone();
            for wrong in [
                None,
                Some(Value::from(7)),
                Some(Value::from("")),
                Some(Value::from("sesame \u{7}")),
                Some(Value::Null),
            ] {
                let mut body = whole.clone();
                let mut members = object(&mut body);
                match wrong {
                    None => members.remove(name),
                    Some(value) => members.insert(name.into(), value),
                };
                *body.pointer_mut(path).expect("object") = Value::Object(members);
                let Err(Left::Unreadable(error)) = parse(body.to_string().as_bytes()) else {
                    panic!("readable: {body}")
                };
                assert!(error.contains(name), "{name}: {error}");
                assert!(!error.contains("sesame") && !error.contains("new-example"), "{error}");
            }
        }
    }

    #[test]
    fn no_bytes_make_it_panic_or_pass() {
        let deep = "[".repeat(100_000);
        let long = "x".repeat(LONGEST_BODY + 1);
        for body in [
            "",
            "null",
            "7",
            "[]",
            "{}",
            "\"text\"",
            "{\"notificationType\":\"REPORT_PROCESSING_FINISHED\",\"eventTime\":\"2024-01-10T22:09:17.456Z\"}",
            &deep,
            &long,
        ] {
            assert!(parse(body.as_bytes()).is_err());
        }
        assert!(parse(&[0xff, 0xfe, 0x00]).is_err());
        for cut in 0..NEW_SECRET.trim_end().len() {
            assert!(parse(&NEW_SECRET.as_bytes()[..cut]).is_err(), "cut at {cut}");
        }
    }

    /// Amazon's schemas spell the envelope in two ways. A secret is verified before it is used, so both are read.
    #[test]
    fn the_other_spelling_of_the_envelope_is_read_too() {
        let other = NEW_SECRET
            .replace("\"notification", "\"Notification")
            .replace("\"event", "\"Event")
            .replace("\"payload\"", "\"Payload\"")
            .replace("\"application", "\"Application")
            .replace("\"client", "\"Client")
            .replace("\"new", "\"New")
            .replace("\"old", "\"Old");
        assert_ne!(other, NEW_SECRET);
        assert_eq!(parse(other.as_bytes()), parse(NEW_SECRET.as_bytes()));
    }

    /// Rule 7: a message in another service's envelope is left, and that service is named.
    #[test]
    fn an_envelope_of_another_service_is_named() {
        let inside = serde_json::json!({ "Type": "Notification", "TopicArn": "t", "Message": NEW_SECRET });
        assert_eq!(
            parse(inside.to_string().as_bytes()),
            Err(Left::Wrapped("Amazon SNS (raw message delivery is off)".into()))
        );
        let whole: Value = serde_json::from_str(NEW_SECRET).expect("json");
        let inside = serde_json::json!({ "detail-type": "x", "source": "y", "detail": whole });
        assert_eq!(parse(inside.to_string().as_bytes()), Err(Left::Wrapped("Amazon EventBridge".into())));
    }
}
