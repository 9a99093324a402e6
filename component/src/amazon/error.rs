//! What went wrong, as it is kept in the record; and how an answer of Amazon's is read for it.

use core::fmt;

use serde::Serialize;

use crate::bindings::lwa::rotation::types::{AmazonError, Cause};
use crate::host::{Response, SendError};
use crate::json::{Json, Node};

/// The causes with their names in a record.
pub const CAUSES: [(&str, Cause); 18] = [
    ("SecretRefused", Cause::SecretRefused),
    ("SecretExpired", Cause::SecretExpired),
    ("ScopeRefused", Cause::ScopeRefused),
    ("AccessDenied", Cause::AccessDenied),
    ("NotSubscribed", Cause::NotSubscribed),
    ("Throttled", Cause::Throttled),
    ("Unavailable", Cause::Unavailable),
    ("NotConnected", Cause::NotConnected),
    ("AnswerLost", Cause::AnswerLost),
    ("OriginRefused", Cause::OriginRefused),
    ("UnexpectedAnswer", Cause::UnexpectedAnswer),
    ("MessageMissing", Cause::MessageMissing),
    ("NewSecretRefused", Cause::NewSecretRefused),
    ("TargetFailed", Cause::TargetFailed),
    ("QueueBlocked", Cause::QueueBlocked),
    ("PlaceChanged", Cause::PlaceChanged),
    ("NoticeUnmatched", Cause::NoticeUnmatched),
    ("Other", Cause::Other),
];

/// A failure of a step. What to say about it is worked out when it is asked for ([`problem`](crate::problem)), because that
/// depends on the time.
#[derive(Clone, PartialEq, Eq, Serialize)]
pub struct Failure {
    /// The kind.
    pub cause: Cause,
    /// Amazon's answer, where there was one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub amazon: Option<Box<AmazonError>>,
    /// The host's words, where it could not send, store or publish.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub detail: String,
}

impl Failure {
    /// A failure with no more to say.
    pub fn new(cause: Cause) -> Self {
        Self { cause, amazon: None, detail: String::new() }
    }

    /// Reads one that was kept in a record.
    pub fn read(node: &Node<'_>) -> Result<Self, String> {
        let amazon = |node: &Node<'_>| {
            Ok(Box::new(AmazonError {
                status: node.required("status", Node::number)?,
                code: node.required("code", Node::string)?,
                message: node.required("message", Node::string)?,
                details: node.required("details", Node::string)?,
                request_id: node.required("request_id", Node::string)?,
            }))
        };
        Ok(Self {
            cause: node.required("cause", |node| node.one_of(&CAUSES))?,
            amazon: node.optional("amazon", amazon)?,
            detail: node.optional("detail", Node::string)?.unwrap_or_default(),
        })
    }

    /// Whether Amazon says that the secret does not work: nothing else is about the secret.
    pub fn is_refusal(&self) -> bool {
        matches!(self.cause, Cause::SecretRefused | Cause::SecretExpired)
    }

    /// Reads the host's error of a request.
    pub fn of_sending(error: SendError, known_secrets: &[&str]) -> Self {
        let (cause, text) = match error {
            SendError::NotSent(text) => (Cause::NotConnected, text),
            SendError::Forbidden(text) => (Cause::OriginRefused, text),
            SendError::OutcomeUnknown(text) => (Cause::AnswerLost, text),
        };
        Self { cause, amazon: None, detail: shown(&text, known_secrets) }
    }

    /// Whether only a person can help. It is tried again all the same.
    pub fn needs_person(&self) -> bool {
        !matches!(
            self.cause,
            Cause::Throttled | Cause::Unavailable | Cause::NotConnected | Cause::AnswerLost | Cause::TargetFailed
        )
    }
}

/// As a log shows it; nothing secret can be in it.
impl fmt::Debug for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} {:?} {}", self.cause, self.amazon, self.detail)
    }
}

/// Reads LWA's answer to a token request that was not answered with a token.
pub fn of_lwa(response: &Response, known_secrets: &[&str]) -> Failure {
    let body = Json::parse(response.body.expose()).unwrap_or(Json::Null);
    let error = body.text_or_empty("error");
    let cause = match (response.status, error) {
        // Only LWA's own word is about the secret: a portal in between answers 401 too.
        (_, "invalid_client") => Cause::SecretRefused,
        (_, "invalid_scope") => Cause::ScopeRefused,
        (_, "unauthorized_client" | "access_denied") => Cause::AccessDenied,
        (429, _) => Cause::Throttled,
        (408 | 500..=599, _) => Cause::Unavailable,
        _ => Cause::UnexpectedAnswer,
    };
    Failure {
        cause,
        amazon: Some(Box::new(AmazonError {
            status: response.status,
            code: shown(error, known_secrets),
            message: shown(body.text_or_empty("error_description"), known_secrets),
            details: String::new(),
            request_id: shown(&response.request_id, known_secrets),
        })),
        detail: String::new(),
    }
}

/// Whether an answer comes from SP-API and not from something in between: it has the body of its errors, or a header of its
/// own. See <https://developer-docs.amazon.com/sp-api/docs/response-format>.
pub fn is_of_sp_api(response: &Response) -> bool {
    response.marked || has_errors(response)
}

/// Whether the body has SP-API's `errors`.
pub fn has_errors(response: &Response) -> bool {
    match Json::parse(response.body.expose()).as_ref().and_then(|body| body.get("errors")) {
        Some(Json::List(errors)) => errors.first().is_some_and(|error| !error.text_or_empty("code").is_empty()),
        _ => false,
    }
}

/// Reads an answer of SP-API's that is no success.
pub fn of_sp_api(response: &Response, known_secrets: &[&str]) -> Failure {
    let body = Json::parse(response.body.expose()).unwrap_or(Json::Null);
    // The first of a list.
    let error = match body.get("errors") {
        Some(Json::List(errors)) => errors.first().unwrap_or(&Json::Null),
        _ => &Json::Null,
    };
    let (message, details) = (error.text_or_empty("message"), error.text_or_empty("details"));
    let cause = match response.status {
        // Amazon has no code for it: only this text tells (developer-docs: LWA credentials FAQ).
        401 | 403 if holds(details, "LWA secret token you provided has expired") => Cause::SecretExpired,
        401 | 403 if is_of_sp_api(response) => Cause::AccessDenied,
        400 if holds(message, "not enrolled") => Cause::NotSubscribed,
        429 => Cause::Throttled,
        500..=599 => Cause::Unavailable,
        _ => Cause::UnexpectedAnswer,
    };
    Failure {
        cause,
        amazon: Some(Box::new(AmazonError {
            status: response.status,
            code: shown(error.text_or_empty("code"), known_secrets),
            message: shown(message, known_secrets),
            details: shown(details, known_secrets),
            request_id: shown(&response.request_id, known_secrets),
        })),
        detail: String::new(),
    }
}

/// A foreign text as it may be shown: one line, bounded, and nothing at all of it if it holds a known secret or a part of one:
/// careful servers cut what they repeat.
pub fn shown(text: &str, known_secrets: &[&str]) -> String {
    const LONGEST: usize = 300;
    let mut line: String = text.chars().take(LONGEST).map(|c| if c.is_control() { ' ' } else { c }).collect();
    if known_secrets.iter().any(|secret| holds_part(&line, secret)) {
        return "[withheld: the text holds a secret or a part of one]".into();
    }
    if text.chars().nth(LONGEST).is_some() {
        line.push('…');
    }
    line
}

/// Whether a text holds so much of a secret in one piece that it is no chance.
fn holds_part(text: &str, secret: &str) -> bool {
    const PIECE: usize = 12;
    let (text, secret) = (text.as_bytes(), secret.as_bytes());
    let length = PIECE.min(secret.len());
    length > 0 && text.windows(length).any(|part| secret.windows(length).any(|piece| piece == part))
}

/// Whether a text holds another that is not empty. Slower than [`str::contains`] and much less code, for texts of this size.
fn holds(text: &str, part: &str) -> bool {
    text.as_bytes().windows(part.len()).any(|window| window == part.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::credential::Secret;

    fn answer(status: u16, body: &str) -> Response {
        Response { status, marked: true, request_id: "r-1".into(), body: Secret::new(body.as_bytes().to_vec()) }
    }

    #[test]
    fn each_documented_answer_of_lwa_has_its_cause() {
        for (status, body, cause) in [
            (
                401,
                r#"{"error_description":"Client authentication failed","error":"invalid_client"}"#,
                Cause::SecretRefused,
            ),
            (400, r#"{"error":"invalid_client"}"#, Cause::SecretRefused),
            (401, "", Cause::UnexpectedAnswer),
            (403, "<html>sign in</html>", Cause::UnexpectedAnswer),
            (
                400,
                r#"{"error_description":"The request has an invalid parameter : scope","error":"invalid_scope"}"#,
                Cause::ScopeRefused,
            ),
            (400, r#"{"error":"unauthorized_client"}"#, Cause::AccessDenied),
            (429, "", Cause::Throttled),
            (500, "Internal Server Error", Cause::Unavailable),
            (503, "{}", Cause::Unavailable),
            (400, r#"{"error":7}"#, Cause::UnexpectedAnswer),
            (302, "", Cause::UnexpectedAnswer),
        ] {
            assert_eq!(of_lwa(&answer(status, body), &[]).cause, cause, "{status} {body}");
        }
    }

    #[test]
    fn each_documented_answer_of_sp_api_has_its_cause() {
        let expired = r#"{"errors":[{"code":"Unauthorized","message":"Access to requested resource is denied.","details":"The LWA secret token you provided has expired."}]}"#;
        let denied =
            r#"{"errors":[{"message":"Access to requested resource is denied.","code":"Unauthorized","details":""}]}"#;
        let not_enrolled = r#"{"errors":[{"code":"InvalidInput","message":"Application is not enrolled for rotation notification. Please update application notification preference in Developer console."}]}"#;
        for (status, body, cause) in [
            (403, expired, Cause::SecretExpired),
            (401, expired, Cause::SecretExpired),
            (403, denied, Cause::AccessDenied),
            (400, not_enrolled, Cause::NotSubscribed),
            (400, "{}", Cause::UnexpectedAnswer),
            (404, "", Cause::UnexpectedAnswer),
            (429, "", Cause::Throttled),
            (503, "", Cause::Unavailable),
        ] {
            assert_eq!(of_sp_api(&answer(status, body), &[]).cause, cause, "{status} {body}");
        }
    }

    #[test]
    fn every_cause_is_read_by_the_name_it_is_written_with() {
        for (name, cause) in CAUSES {
            let failure = Failure { detail: "d".into(), ..Failure::new(cause) };
            let written = serde_json::to_string(&failure).expect("json");
            assert_eq!(written, format!(r#"{{"cause":"{name}","detail":"d"}}"#));
            assert_eq!(Failure::read(&Json::parse(written.as_bytes()).expect("json").root()), Ok(failure));
        }
    }

    #[test]
    fn amazons_words_and_request_id_are_kept_as_fields() {
        let failure = of_sp_api(&answer(403, r#"{"errors":[{"code":"C","message":"M","details":"D","more":1}]}"#), &[]);
        let amazon = failure.amazon.expect("an answer");
        assert_eq!((amazon.status, amazon.code.as_str(), amazon.message.as_str()), (403, "C", "M"));
        assert_eq!((amazon.details.as_str(), amazon.request_id.as_str()), ("D", "r-1"));
    }

    /// Rule 9: a server that echoes what it was sent does not bring a secret into any output.
    #[test]
    fn a_text_with_a_known_secret_is_withheld() {
        let body = r#"{"error":"invalid_client","error_description":"wrong: hunter2!"}"#;
        let failure = of_lwa(&answer(401, body), &["hunter2"]);
        assert!(!format!("{failure:?}").contains("hunter2"));
        let long = "0123456789-abcdefghij";
        for part in [&long[..12], &long[5..18], &long[9..]] {
            assert!(!shown(&format!("cut: {part}…"), &["other", long]).contains(part), "{part}");
        }
        assert_eq!(shown("0123 abcd", &[long, ""]), "0123 abcd");
        assert!(shown(&"x".repeat(9000), &[]).chars().count() <= 301);
        assert_eq!(shown("a\nb\u{1b}[31m", &[]), "a b [31m");
    }
}
