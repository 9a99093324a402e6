//! The two SP-API operations: `rotateApplicationClientSecret` and `getDestinations`.

use std::collections::BTreeSet;

use serde_json::json;

use crate::amazon::{Amazon, Token, milliseconds};
use crate::fault::refusal::{DENIED, TOO_OFTEN};
use crate::random::random_id;
use crate::reply::Reply;

/// What SP-API reads of a request.
pub struct Request<'a> {
    /// `x-amz-access-token`.
    pub access_token: Option<&'a str>,
    /// `user-agent`.
    pub user_agent: Option<&'a str>,
    /// `content-type`.
    pub content_type: Option<&'a str>,
    pub body: &'a [u8],
}

/// A refusal as SP-API words it.
pub fn refusal(status: u16, code: &str, message: &str, details: &str) -> Reply {
    marked(Reply::json(status, &json!({ "errors": [{ "code": code, "message": message, "details": details }] })), code)
}

/// With the headers by which an error is known to be SP-API's own.
fn marked(reply: Reply, code: &str) -> Reply {
    reply.header("x-amzn-requestid", &random_id()).header("x-amzn-errortype", code)
}

fn denied(details: &str) -> Reply {
    refusal(403, "Unauthorized", DENIED, details)
}

/// What is wrong with a `User-Agent`. The documentation demands `AppId/Version (Language=Name; Key=Value)`, 500 characters at most;
/// Amazon accepts other forms, which some of its own SDKs send. How it words a refusal is not documented: these are the emulator's
/// words.
fn user_agent_defect(user_agent: Option<&str>, strict: bool) -> Option<&'static str> {
    let agent = user_agent.unwrap_or_default();
    let comment = agent.split_once('(').map_or("", |(_, comment)| comment);
    if agent.is_empty() {
        Some("The User-Agent header is missing.")
    } else if agent.len() > 500 {
        Some("The User-Agent header is longer than 500 characters.")
    } else if strict && (!agent.contains('/') || !comment.contains("Language=")) {
        Some("The User-Agent header is not of the form AppId/Version (Language=Name).")
    } else {
        None
    }
}

/// What the documentation of the rotate call does not allow: it has no parameters, and takes nothing but JSON. An empty object is
/// what Amazon's own sample sends.
fn undocumented(request: &Request<'_>) -> Option<Reply> {
    let is_json = |media: &str| media.split(';').next().is_some_and(|media| media.trim() == "application/json");
    if request.content_type.is_some_and(|media| !is_json(media)) {
        return Some(refusal(415, "UnsupportedMediaType", "The request's payload is in an unsupported format.", ""));
    }
    let is_empty = request.body.is_empty() || request.body == b"{}";
    (!is_empty).then(|| refusal(400, "InvalidInput", "The operation takes no request body.", ""))
}

/// The token behind a request, if the scope is right and its secret is alive.
fn token(amazon: &Amazon, request: &Request<'_>, scope: &str) -> Result<Token, Reply> {
    if let Some(defect) = user_agent_defect(request.user_agent, amazon.strict) {
        return Err(refusal(400, "InvalidInput", defect, ""));
    }
    let token = match request.access_token {
        None | Some("") => return Err(denied("Access token is missing in the request header.")),
        Some(token) => amazon.tokens.get(token),
    };
    let token = token.ok_or_else(|| denied("The access token you provided is revoked, malformed or invalid."))?;
    let now = amazon.now();
    if token.ends_at <= now {
        return Err(denied("The access token you provided has expired."));
    }
    let issued = amazon.apps.get(&token.client_id).and_then(|app| app.issued.iter().find(|i| i.secret == token.secret));
    if !issued.is_some_and(|issued| issued.works_at(now)) {
        return Err(denied("The LWA secret token you provided has expired."));
    }
    if !token.scope.as_deref().is_some_and(|granted| granted.split(' ').any(|granted| granted == scope)) {
        return Err(denied(""));
    }
    Ok(token.clone())
}

/// `POST /applications/2023-11-30/clientSecret`.
pub fn rotate(amazon: &mut Amazon, request: &Request<'_>) -> (Reply, Option<String>) {
    let token = match token(amazon, request, "sellingpartnerapi::client_credential:rotation") {
        Ok(token) => token,
        Err(refused) => return (refused, None),
    };
    if let Some(refused) = undocumented(request).filter(|_| amazon.strict) {
        return (refused, Some(token.client_id));
    }
    let now = amazon.now();
    let interval = milliseconds(amazon.rotate_interval);
    let client_id = Some(token.client_id.clone());
    let Some(app) = amazon.apps.get_mut(&token.client_id) else {
        return (refusal(404, "NotFound", "The resource does not exist.", ""), client_id);
    };
    if app.called_at.is_some_and(|at| now < at + interval) {
        return (refusal(429, "QuotaExceeded", TOO_OFTEN, ""), client_id);
    }
    app.called_at = Some(now);
    if !app.subscribed {
        let message = "Application is not enrolled for rotation notification. Please update application notification \
                       preference in Developer console.";
        let reply = Reply::json(400, &json!({ "errors": [{ "code": "InvalidInput", "message": message }] }));
        return (marked(reply, "InvalidInput").header("x-amzn-ratelimit-limit", "0.0167"), client_id);
    }
    amazon.rotate(&token.client_id, true);
    let reply = Reply::empty(204).header("x-amzn-requestid", &random_id()).header("x-amzn-ratelimit-limit", "0.0167");
    (reply, client_id)
}

/// `GET /notifications/v1/destinations`.
pub fn destinations(amazon: &Amazon, request: &Request<'_>) -> (Reply, Option<String>) {
    match token(amazon, request, "sellingpartnerapi::notifications") {
        Err(refused) => (refused, None),
        Ok(token) => {
            let names: BTreeSet<&String> = amazon.apps.values().map(|app| &app.queue).collect();
            let queues = names.into_iter().filter_map(|name| amazon.queues.get_key_value(name));
            let destinations: Vec<_> = queues
                .map(|(name, queue)| {
                    json!({ "destinationId": queue.destination_id, "name": name,
                            "resource": { "sqs": { "arn": queue.attributes["QueueArn"] } } })
                })
                .collect();
            let reply = Reply::json(200, &json!({ "payload": destinations })).header("x-amzn-requestid", &random_id());
            (reply, Some(token.client_id))
        }
    }
}
