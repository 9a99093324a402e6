//! The call `rotateApplicationClientSecret` and what its answer means.
//!
//! It cannot be repeated safely: there is no idempotency key and nothing to read back. So an answer is one of three things,
//! and whatever is not certainly a refusal counts as unknown.
//!
//! See <https://developer-docs.amazon.com/sp-api/docs/rotate-your-application-client-secret>.

use crate::contract::lwa::rotation::settings::Application;
use crate::contract::lwa::rotation::types::Cause;
use crate::failure::{self, Failure};
use crate::host::{Method, Request, Response, SendError};
use crate::token::AccessToken;

/// What became of the call.
#[derive(Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Amazon rotates: the message with the new secret is on its way, and the old secret ends in 7 days.
    Accepted,
    /// Nothing has changed at Amazon.
    Refused(Failure),
    /// It may have had its effect.
    Unknown(Failure),
}

/// The call.
pub fn request(application: &Application, token: &AccessToken) -> Request {
    token.request(application, Method::Post, "/applications/2023-11-30/clientSecret")
}

/// Reads what came back.
pub fn outcome(answer: Result<Response, SendError>, known_secrets: &[&str]) -> Outcome {
    match answer {
        Ok(response) => match response.status {
            200..=299 => Outcome::Accepted,
            // The model documents 503 for overload and maintenance: not served. Other 5xx, and time-outs told by something
            // in between, say nothing about what happened behind them.
            503 => Outcome::Refused(failure::of_sp_api(&response, known_secrets)),
            408 | 500..=599 => {
                Outcome::Unknown(Failure { cause: Cause::AnswerLost, ..failure::of_sp_api(&response, known_secrets) })
            }
            _ => Outcome::Refused(failure::of_sp_api(&response, known_secrets)),
        },
        Err(error @ SendError::OutcomeUnknown(_)) => Outcome::Unknown(Failure::of_sending(error, known_secrets)),
        Err(error) => Outcome::Refused(Failure::of_sending(error, known_secrets)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::credential::Secret;

    fn answer(status: u16) -> Result<Response, SendError> {
        Ok(Response { status, request_id: String::new(), body: Secret::new(Vec::new()) })
    }

    /// Rule 2: only what is certainly no rotation may be tried again.
    #[test]
    fn only_a_definite_refusal_counts_as_one() {
        for status in [200, 204] {
            assert_eq!(outcome(answer(status), &[]), Outcome::Accepted, "{status}");
        }
        for status in [301, 307, 400, 401, 403, 404, 413, 415, 429, 503] {
            assert!(matches!(outcome(answer(status), &[]), Outcome::Refused(_)), "{status}");
        }
        for status in [408, 500, 502, 504, 599] {
            assert!(matches!(outcome(answer(status), &[]), Outcome::Unknown(_)), "{status}");
        }
        assert!(matches!(outcome(Err(SendError::NotSent("x".into())), &[]), Outcome::Refused(_)));
        assert!(matches!(outcome(Err(SendError::Forbidden("x".into())), &[]), Outcome::Refused(_)));
        assert!(matches!(outcome(Err(SendError::OutcomeUnknown("x".into())), &[]), Outcome::Unknown(_)));
    }
}
