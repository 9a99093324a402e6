//! The LWA token request and its reply: credential → access token.
//!
//! See <https://developer-docs.amazon.com/sp-api/docs/connecting-to-the-selling-partner-api> and, for the scopes,
//! <https://developer-docs.amazon.com/sp-api/docs/grantless-operations>.

use crate::amazon::error::{self, Failure};
use crate::amazon::user_agent::user_agent;
use crate::bindings::lwa::rotation::observe::Purpose;
use crate::bindings::lwa::rotation::settings::Application;
use crate::bindings::lwa::rotation::types::Cause;
use crate::credential::{ClientSecret, Secret};
use crate::host::{Method, Request, Response};
use crate::json::Json;

/// What LWA issues for grantless SP-API calls; lives for an hour, is used at once and never kept.
#[derive(Debug)]
pub struct AccessToken(Secret);

impl AccessToken {
    /// An SP-API request with this token and no body.
    pub fn request(&self, application: &Application, method: Method, path: &str) -> Request {
        Request {
            method,
            url: format!("{}{path}", application.api_endpoint.trim_end_matches('/')),
            headers: vec![
                ("user-agent", Secret::new(user_agent(&application.user_agent).into_bytes())),
                ("accept", Secret::new(b"application/json".to_vec())),
                ("x-amz-access-token", self.0.clone()),
            ],
            body: Secret::new(Vec::new()),
            not_after: None,
        }
    }

    /// The token, to search foreign texts for it.
    pub fn expose_text(&self) -> &str {
        self.0.expose_text()
    }
}

fn scope(purpose: Purpose) -> &'static str {
    match purpose {
        Purpose::Rotation => "sellingpartnerapi::client_credential:rotation",
        Purpose::Verification => "sellingpartnerapi::notifications",
    }
}

/// The request for an access token of this purpose. Form-encoded, as Amazon documents it.
pub fn request(application: &Application, secret: &ClientSecret, purpose: Purpose) -> Request {
    // The longest parts are known, and a secret can triple when it is escaped: with this room the buffer never moves, so no
    // copy of the secret stays behind in freed memory.
    let room = 128 + 3 * (application.client_id.len() + secret.expose().len() + scope(purpose).len());
    let mut form = form_urlencoded::Serializer::new(String::with_capacity(room));
    form.append_pair("grant_type", "client_credentials");
    form.append_pair("scope", scope(purpose));
    form.append_pair("client_id", &application.client_id);
    form.append_pair("client_secret", secret.expose_text());
    Request {
        method: Method::Post,
        url: application.token_endpoint.clone(),
        headers: vec![
            ("user-agent", Secret::new(user_agent(&application.user_agent).into_bytes())),
            ("content-type", Secret::new(b"application/x-www-form-urlencoded;charset=UTF-8".to_vec())),
            ("accept", Secret::new(b"application/json".to_vec())),
        ],
        body: Secret::new(form.finish().into_bytes()),
        not_after: None,
    }
}

/// Longer than any access token; Amazon says at most 2048 bytes.
const LONGEST: usize = 8 * 1024;

/// Reads LWA's reply.
pub fn parse(response: &Response, known_secrets: &[&str]) -> Result<AccessToken, Failure> {
    if response.status != 200 {
        return Err(error::of_lwa(response, known_secrets));
    }
    Json::parse(response.body.expose())
        .map(|reply| Secret::new(reply.text_or_empty("access_token").into()))
        .filter(|token| (1..=LONGEST).contains(&token.expose().len()))
        .filter(|token| token.expose().iter().all(u8::is_ascii_graphic))
        .map(AccessToken)
        .ok_or_else(|| Failure {
            detail: "LWA answered 200 without an access token that a header can carry".into(),
            ..Failure::new(Cause::UnexpectedAnswer)
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::application;

    fn secret(text: &str) -> ClientSecret {
        ClientSecret::parse(text.as_bytes().to_vec()).expect("sound")
    }

    fn answer(status: u16, body: &str) -> Response {
        Response { status, marked: false, request_id: String::new(), body: Secret::new(body.as_bytes().to_vec()) }
    }

    #[test]
    fn the_request_is_the_documented_form() {
        let request = request(&application(), &secret("s"), Purpose::Rotation);
        assert_eq!(
            request.body.expose_text(),
            "grant_type=client_credentials&scope=sellingpartnerapi%3A%3Aclient_credential%3Arotation\
             &client_id=amzn1.application-oa2-client.1&client_secret=s"
        );
        assert_eq!(request.url, "https://lwa.test/auth/o2/token");
        assert_eq!(request.method, Method::Post);
    }

    #[test]
    fn every_reserved_character_of_a_secret_arrives_as_it_is() {
        let all: String = (0x21..=0x7e_u8).map(char::from).collect();
        let request = request(&application(), &secret(&all), Purpose::Verification);
        let sent = form_urlencoded::parse(request.body.expose()).find(|(name, _)| name == "client_secret");
        assert_eq!(sent.map(|(_, value)| value.into_owned()), Some(all));
    }

    #[test]
    fn a_reply_needs_no_more_than_the_access_token() {
        let token = parse(&answer(200, r#"{"access_token":"Atc|x","token_type":"bearer","expires_in":3600}"#), &["s"]);
        assert_eq!(token.expect("a token").expose_text(), "Atc|x");
    }

    #[test]
    fn a_reply_without_a_usable_token_is_unexpected() {
        let long = format!(r#"{{"access_token":"{}"}}"#, "x".repeat(LONGEST + 1));
        for body in [
            "",
            "{}",
            r#"{"access_token":""}"#,
            r#"{"access_token":1}"#,
            r#"{"access_token":"a\r\nb: c"}"#,
            "[]",
            &long,
        ] {
            let failure = parse(&answer(200, body), &["s"]).expect_err("no token");
            assert_eq!(failure.cause, Cause::UnexpectedAnswer, "{body}");
        }
    }

    /// Rule 9.
    #[test]
    fn neither_request_nor_token_is_printed() {
        let request = request(&application(), &secret("hunter2"), Purpose::Verification);
        assert!(!format!("{request:?}").contains("hunter2"));
        let token = parse(&answer(200, r#"{"access_token":"Atc|x"}"#), &["s"]).expect("a token");
        assert!(!format!("{token:?}").contains("Atc"));
    }
}
