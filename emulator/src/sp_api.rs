//! The two SP-API operations: `rotateApplicationClientSecret` and `getDestinations`.

use std::collections::BTreeSet;

use serde_json::json;

use crate::amazon::{Amazon, Token, milliseconds, random_id};
use crate::reply::Reply;

/// The message of every 403.
pub const DENIED: &str = "Access to requested resource is denied.";
/// The message of a 429. Amazon documents the status of the rotate call; the words are those of its other operations.
pub const TOO_OFTEN: &str = "You exceeded your quota for the requested resource.";

/// What a request carries, as far as SP-API looks at it.
pub struct Headers<'a> {
    /// `x-amz-access-token`.
    pub access_token: Option<&'a str>,
    /// `user-agent`.
    pub user_agent: Option<&'a str>,
}

/// A refusal as SP-API words it.
pub fn refusal(status: u16, code: &str, message: &str, details: &str) -> Reply {
    Reply::json(status, &json!({ "errors": [{ "code": code, "message": message, "details": details }] }))
        .header("x-amzn-requestid", &random_id())
}

fn denied(details: &str) -> Reply {
    refusal(403, "Unauthorized", DENIED, details)
}

/// What is wrong with a `User-Agent`, which Amazon wants as `AppId/Version (Language=Name; Key=Value)`, 500 characters at
/// most. How it words a refusal is not documented: these are the emulator's words.
fn user_agent_defect(user_agent: Option<&str>) -> Option<&'static str> {
    let agent = user_agent.unwrap_or_default();
    let comment = agent.split_once('(').map_or("", |(_, comment)| comment);
    if agent.is_empty() {
        Some("The User-Agent header is missing.")
    } else if agent.len() > 500 {
        Some("The User-Agent header is longer than 500 characters.")
    } else if !agent.contains('/') || !comment.contains("Language=") {
        Some("The User-Agent header is not of the form AppId/Version (Language=Name).")
    } else {
        None
    }
}

/// The token behind a request, if the scope is right and its secret is alive.
fn token(amazon: &Amazon, headers: &Headers<'_>, scope: &str) -> Result<Token, Reply> {
    if let Some(defect) = user_agent_defect(headers.user_agent) {
        return Err(refusal(400, "InvalidInput", defect, ""));
    }
    let token = match headers.access_token {
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
pub fn rotate(amazon: &mut Amazon, headers: &Headers<'_>) -> (Reply, Option<String>) {
    let token = match token(amazon, headers, "sellingpartnerapi::client_credential:rotation") {
        Ok(token) => token,
        Err(refused) => return (refused, None),
    };
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
        return (reply.header("x-amzn-requestid", &random_id()).header("x-amzn-ratelimit-limit", "0.0167"), client_id);
    }
    amazon.rotate(&token.client_id, true);
    let reply = Reply::empty(204).header("x-amzn-requestid", &random_id()).header("x-amzn-ratelimit-limit", "0.0167");
    (reply, client_id)
}

/// `GET /notifications/v1/destinations`.
pub fn destinations(amazon: &Amazon, headers: &Headers<'_>) -> (Reply, Option<String>) {
    match token(amazon, headers, "sellingpartnerapi::notifications") {
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
