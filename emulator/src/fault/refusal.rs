//! The refusals that a fault can ask for by their code, in the words of the service that the operation belongs to.
//!
//! Codes, statuses and texts are those that Amazon documents or users report; where neither has a status, it is the one that
//! Amazon's Python SDK expects with the code.

use super::Operation;

/// The message of every 403 of SP-API.
pub const DENIED: &str = "Access to requested resource is denied.";
/// The message of a 429 of SP-API. Amazon documents the status of the rotate call; the words are those of its other operations.
pub const TOO_OFTEN: &str = "You exceeded your quota for the requested resource.";

/// Code, status and text.
type Known = (&'static str, u16, &'static str);

const LWA: [Known; 7] = [
    ("invalid_client", 401, "Client authentication failed"),
    ("invalid_scope", 400, "The request has an invalid parameter : scope"),
    ("invalid_request", 400, "The request is missing a required parameter"),
    ("unauthorized_client", 401, "The client is not authorized to request an access token"),
    ("access_denied", 403, "The request was denied"),
    ("server_error", 500, "Internal Server Error"),
    ("temporarily_unavailable", 503, "The service is temporarily unavailable"),
];

const SP_API: [Known; 6] = [
    ("InvalidInput", 400, "One or more request parameters are missing or not valid."),
    ("Unauthorized", 403, DENIED),
    ("NotFound", 404, "The resource does not exist."),
    ("QuotaExceeded", 429, TOO_OFTEN),
    ("InternalFailure", 500, "We encountered an internal error. Please try again."),
    ("ServiceUnavailable", 503, "Service is temporarily unavailable. Please try again."),
];

const SQS: [Known; 5] = [
    ("AccessDenied", 403, "Access to the resource is denied."),
    ("QueueDoesNotExist", 400, "The specified queue does not exist."),
    ("RequestThrottled", 400, "The request was denied due to request throttling."),
    ("InternalFailure", 500, "An internal error occurred."),
    ("ServiceUnavailable", 503, "The service is temporarily unavailable."),
];

fn known(operation: Operation) -> &'static [Known] {
    match operation {
        Operation::Token => &LWA,
        Operation::Rotate | Operation::Proof => &SP_API,
        Operation::Receive | Operation::Delete | Operation::Hide | Operation::Queue => &SQS,
        Operation::ShortPoll | Operation::Notification => &[],
    }
}

/// The codes that an operation can be refused with.
pub fn codes(operation: Operation) -> impl Iterator<Item = &'static str> {
    known(operation).iter().map(|(code, ..)| *code)
}

/// Status and text of this code; 500 for one that the operation does not have.
pub fn status_and_text(operation: Operation, code: &str) -> (u16, &'static str) {
    let known = known(operation).iter().find(|(known, ..)| *known == code);
    known.map_or((500, ""), |(_, status, text)| (*status, text))
}
