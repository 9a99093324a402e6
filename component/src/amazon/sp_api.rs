//! The two calls to SP-API, and what their answers mean.
//!
//! `rotateApplicationClientSecret` cannot be repeated safely: there is no idempotency key and nothing to read back. So an answer
//! is one of three things, and what is not certainly a refusal of SP-API's counts as unknown.
//! See <https://developer-docs.amazon.com/sp-api/docs/rotate-your-application-client-secret>.
//!
//! Whether a secret works is seen by `getDestinations`: grantless, read-only, one request a second. A token alone does not show
//! it: LWA goes on issuing tokens for a secret that has ended.
//! See <https://developer-docs.amazon.com/sp-api/docs/notifications-api-v1-reference>.

use crate::amazon::error::{self, Failure};
use crate::amazon::lwa::AccessToken;
use crate::bindings::lwa::rotation::settings::Application;
use crate::bindings::lwa::rotation::types::Cause;
use crate::host::{Method, Request, Response, SendError};
use crate::instant::Instant;
use crate::json::Json;

/// What became of the rotate call.
#[derive(Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Amazon rotates: the message with the new secret is on its way, and the old secret ends in 7 days.
    Accepted,
    /// Nothing has changed at Amazon.
    Refused(Failure),
    /// It may have had its effect.
    Unknown(Failure),
}

/// The rotate call. It must not begin to be sent after this instant.
pub fn rotate(application: &Application, token: &AccessToken, not_after: Instant) -> Request {
    Request {
        not_after: Some(not_after),
        ..token.request(application, Method::Post, "/applications/2023-11-30/clientSecret")
    }
}

/// The call that shows whether the secret behind a token works.
pub fn verify(application: &Application, token: &AccessToken) -> Request {
    token.request(application, Method::Get, "/notifications/v1/destinations")
}

/// Reads what came back from the rotate call.
pub fn outcome(answer: Result<Response, SendError>, known_secrets: &[&str]) -> Outcome {
    let response = match answer {
        Ok(response) => response,
        Err(error @ SendError::OutcomeUnknown(_)) => {
            return Outcome::Unknown(Failure::of_sending(error, known_secrets));
        }
        Err(error) => return Outcome::Refused(Failure::of_sending(error, known_secrets)),
    };
    let refused = match response.status {
        204 => return Outcome::Accepted,
        // Whoever answers so has not passed the request on.
        401 | 407 | 411 | 413 | 414 | 415 | 417 | 421 | 425 | 429 | 431 => true,
        400 | 403 | 404 | 405 => error::is_of_sp_api(&response),
        // The model documents it for overload and maintenance. From something in between it says nothing about what happened
        // behind that.
        503 => error::has_errors(&response),
        _ => false,
    };
    let failure = error::of_sp_api(&response, known_secrets);
    if refused { Outcome::Refused(failure) } else { Outcome::Unknown(Failure { cause: Cause::AnswerLost, ..failure }) }
}

/// Reads what came back from the verification: `Ok` only if the operation itself was carried out.
pub fn accepted(answer: Result<Response, SendError>, known_secrets: &[&str]) -> Result<(), Failure> {
    let response = answer.map_err(|error| Failure::of_sending(error, known_secrets))?;
    if response.status != 200 {
        return Err(error::of_sp_api(&response, known_secrets));
    }
    // What only the operation answers with; a proxy's page is none.
    match Json::parse(response.body.expose()).as_ref().and_then(|body| body.get("payload")) {
        Some(Json::List(_)) => Ok(()),
        _ => Err(Failure {
            detail: "SP-API answered 200 without a list of destinations".into(),
            ..Failure::new(Cause::UnexpectedAnswer)
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::credential::Secret;

    const ERRORS: &str = r#"{"errors":[{"code":"InvalidInput","message":"m","details":""}]}"#;
    const PAGE: &str = "<html>sign in</html>";

    fn answer(status: u16, marked: bool, body: &str) -> Result<Response, SendError> {
        Ok(Response { status, marked, request_id: String::new(), body: Secret::new(body.as_bytes().to_vec()) })
    }

    fn is_refused(status: u16, marked: bool, body: &str) -> bool {
        match outcome(answer(status, marked, body), &[]) {
            Outcome::Refused(_) => true,
            Outcome::Unknown(failure) => {
                assert_eq!(failure.cause, Cause::AnswerLost, "{status}");
                false
            }
            Outcome::Accepted => panic!("{status} counts as accepted"),
        }
    }

    /// Rule 13, row by row; rule 2: only what is certainly no rotation may be tried again.
    #[test]
    fn only_a_definite_refusal_counts_as_one() {
        assert_eq!(outcome(answer(204, false, ""), &[]), Outcome::Accepted);
        for status in [401, 407, 411, 413, 414, 415, 417, 421, 425, 429, 431] {
            assert!(is_refused(status, false, PAGE) && is_refused(status, true, ERRORS), "{status}");
        }
        for status in [400, 403, 404, 405] {
            assert!(is_refused(status, false, ERRORS) && is_refused(status, true, ""), "{status}");
            for page in ["", PAGE, "{}", r#"{"errors":[]}"#, r#"{"errors":"no"}"#, r#"{"errors":[{"message":"m"}]}"#] {
                assert!(!is_refused(status, false, page), "{status} {page}");
            }
        }
        assert!(is_refused(503, false, ERRORS) && is_refused(503, true, ERRORS));
        assert!(!is_refused(503, true, "") && !is_refused(503, false, PAGE));
        for status in
            [100, 200, 201, 202, 205, 299, 300, 301, 307, 308, 402, 406, 408, 409, 410, 418, 451, 500, 502, 504, 599]
        {
            assert!(!is_refused(status, true, ERRORS) && !is_refused(status, false, ""), "{status}");
        }
        assert!(matches!(outcome(Err(SendError::NotSent("x".into())), &[]), Outcome::Refused(_)));
        assert!(matches!(outcome(Err(SendError::Forbidden("x".into())), &[]), Outcome::Refused(_)));
        assert!(matches!(outcome(Err(SendError::OutcomeUnknown("x".into())), &[]), Outcome::Unknown(_)));
    }

    /// Rule 4: only an answer of the operation shows that a secret works.
    #[test]
    fn only_an_answer_of_the_operation_verifies_a_secret() {
        assert_eq!(accepted(answer(200, true, r#"{"payload":[]}"#), &[]), Ok(()));
        assert_eq!(accepted(answer(200, false, r#"{"payload":[{"name":"x","resource":{}}]}"#), &[]), Ok(()));
        for (status, body) in [(200, PAGE), (200, "{}"), (200, ""), (204, ""), (302, ""), (403, ""), (429, "")] {
            assert!(accepted(answer(status, false, body), &[]).is_err(), "{status} {body}");
        }
        assert!(accepted(Err(SendError::OutcomeUnknown("x".into())), &[]).is_err());
    }

    /// Rule 13: a portal's 401 or 403 is not about the secret.
    #[test]
    fn a_page_in_between_refuses_no_secret() {
        for (status, body) in [(401, PAGE), (403, PAGE), (403, "")] {
            let failure = accepted(answer(status, false, body), &[]).expect_err("no destinations");
            assert!(!failure.is_refusal() && failure.cause == Cause::UnexpectedAnswer, "{status}: {failure:?}");
        }
    }
}
