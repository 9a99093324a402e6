//! The refusals that a fault can ask for by their code, in the words of the service that the operation belongs to.
//!
//! Codes, statuses and texts are those that Amazon documents or users report; where neither tells a status, it is that which
//! Amazon's Python SDK expects with the code.

use super::Operation;
use crate::reply::Reply;
use crate::{lwa, sp_api, sqs};

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
    ("Unauthorized", 403, sp_api::DENIED),
    ("NotFound", 404, "The resource does not exist."),
    ("QuotaExceeded", 429, sp_api::TOO_OFTEN),
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
        Operation::Notification => &[],
    }
}

/// The codes that an operation can be refused with.
pub fn codes(operation: Operation) -> impl Iterator<Item = &'static str> {
    known(operation).iter().map(|(code, ..)| *code)
}

/// The refusal with this code; status 500 for one that the operation does not have.
pub fn reply(operation: Operation, code: &str) -> Reply {
    let known = known(operation).iter().find(|(known, ..)| *known == code);
    let (_, status, text) = known.copied().unwrap_or(("", 500, ""));
    match operation {
        Operation::Token => lwa::refusal(status, code, text),
        Operation::Rotate | Operation::Proof | Operation::Notification => sp_api::refusal(status, code, text, ""),
        Operation::Receive | Operation::Delete | Operation::Hide | Operation::Queue => {
            sqs::Refusal::of_fault(status, code, text).into_reply()
        }
    }
}
