//! Is a secret alive? A token is no proof: LWA goes on issuing tokens for a secret that has ended. SP-API has to accept one.
//!
//! The harmless call is `getDestinations`: grantless, read-only, one request a second.
//! See <https://developer-docs.amazon.com/sp-api/docs/notifications-api-v1-reference>.

use crate::contract::lwa::rotation::settings::Application;
use crate::contract::lwa::rotation::types::Cause;
use crate::failure::{self, Failure};
use crate::host::{Method, Request, Response, SendError};
use crate::json::Json;
use crate::token::AccessToken;

/// The call that proves the secret behind a token.
pub fn request(application: &Application, token: &AccessToken) -> Request {
    token.request(application, Method::Get, "/notifications/v1/destinations")
}

/// Reads what came back: `Ok` only if the operation itself was carried out.
pub fn outcome(answer: Result<Response, SendError>, known_secrets: &[&str]) -> Result<(), Failure> {
    let response = answer.map_err(|error| Failure::of_sending(error, known_secrets))?;
    if response.status != 200 {
        return Err(failure::of_sp_api(&response, known_secrets));
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

    fn answer(status: u16, body: &str) -> Result<Response, SendError> {
        Ok(Response { status, request_id: String::new(), body: Secret::new(body.as_bytes().to_vec()) })
    }

    /// Rule 4: proof is an answer of the operation, nothing less.
    #[test]
    fn only_an_answer_of_the_operation_is_a_proof() {
        assert_eq!(outcome(answer(200, r#"{"payload":[]}"#), &[]), Ok(()));
        assert_eq!(outcome(answer(200, r#"{"payload":[{"name":"x","resource":{}}]}"#), &[]), Ok(()));
        for (status, body) in
            [(200, "<html>sign in</html>"), (200, "{}"), (200, ""), (204, ""), (302, ""), (403, ""), (429, "")]
        {
            assert!(outcome(answer(status, body), &[]).is_err(), "{status} {body}");
        }
        assert!(outcome(Err(SendError::OutcomeUnknown("x".into())), &[]).is_err());
    }
}
