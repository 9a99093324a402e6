//! An SQS message's body → a typed notification.
//!
//! Amazon publishes no schema for the two types; what is read here is what its examples show. Members that are not needed
//! may be missing or new; those that are needed must be what they should be. A body that cannot be read is described by
//! member names, never by values: it may hold a secret.
//!
//! See <https://developer-docs.amazon.com/sp-api/docs/set-up-credential-rotation-notifications>.

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
    /// When what it tells happened.
    pub event_time: Instant,
    /// What it tells.
    pub payload: Payload,
}

/// The two things that Amazon tells.
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

/// Reads a body. The error names what is wrong and holds no value.
pub fn parse(body: &[u8]) -> Result<Notification, String> {
    if body.len() > LONGEST_BODY {
        return Err("the body is longer than any message that is for this program".into());
    }
    let json = Json::parse(body).ok_or("the body is not JSON")?;
    let body = json.root();
    let event_time = body.required("eventTime", instant)?;
    match body.member("notificationType")?.text()? {
        "APPLICATION_OAUTH_CLIENT_NEW_SECRET" => {
            let payload = body.member("payload")?;
            let new = payload.member("applicationOAuthClientNewSecret")?;
            Ok(Notification {
                client_id: new.required("clientId", client_id)?,
                event_time,
                payload: Payload::NewSecret(NewSecret {
                    secret: new.required("newClientSecret", secret)?,
                    expires_at: new.required("newClientSecretExpiryTime", instant)?,
                    old_ends_at: new.required("oldClientSecretExpiryTime", instant)?,
                }),
            })
        }
        "APPLICATION_OAUTH_CLIENT_SECRET_EXPIRY" => {
            let payload = body.member("payload")?;
            let expiry = payload.member("applicationOAuthClientSecretExpiry")?;
            Ok(Notification {
                client_id: expiry.required("clientId", client_id)?,
                event_time,
                payload: Payload::Expiry(expiry.required("clientSecretExpiryTime", instant)?),
            })
        }
        _ => Err("notificationType is neither of the two that are about client secrets".into()),
    }
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

    const NEW_SECRET: &str = include_str!("../../tests/vectors/new-secret.json");
    const EXPIRY: &str = include_str!("../../tests/vectors/secret-expiry.json");

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
                let error = parse(body.to_string().as_bytes()).expect_err("unreadable");
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

    /// What Amazon publishes, where a copy of it lies beside the project.
    #[test]
    #[expect(clippy::print_stdout, reason = "says what was not checked")]
    fn amazons_own_example_bodies_are_read() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/amazon/examples/");
        for name in ["APPLICATION_OAUTH_CLIENT_NEW_SECRET", "APPLICATION_OAUTH_CLIENT_SECRET_EXPIRY"] {
            match std::fs::read(format!("{folder}sqs-body.{name}.json")) {
                Ok(body) => assert!(parse(&body).is_ok(), "{name}"),
                Err(_) => println!("not checked: Amazon's example body {name} is not beside this clone"),
            }
        }
    }
}
