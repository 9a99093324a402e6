//! The two SP-API operations: `rotateApplicationClientSecret` and `getDestinations`.

use serde_json::json;

use crate::amazon::{Amazon, Token, milliseconds, random_id};
use crate::server::Reply;

const DENIED: &str = "Access to requested resource is denied.";

/// What a request carries, as far as SP-API looks at it.
pub struct Headers<'a> {
    /// `x-amz-access-token`.
    pub access_token: Option<&'a str>,
    /// `user-agent`.
    pub user_agent: Option<&'a str>,
}

fn refusal(status: u16, code: &str, message: &str, details: &str) -> Reply {
    Reply::json(status, &json!({ "errors": [{ "code": code, "message": message, "details": details }] }))
        .header("x-amzn-requestid", &random_id())
}

/// The token behind a request, if the scope is right and its secret is alive.
fn token(amazon: &Amazon, headers: &Headers<'_>, scope: &str) -> Result<Token, Reply> {
    let denied = |details| refusal(403, "Unauthorized", DENIED, details);
    // Amazon demands `Name/Version (Language=...)`, 500 characters at most. How it words the refusal is not documented.
    match headers.user_agent {
        Some(agent) if agent.len() <= 500 && agent.contains('/') && agent.contains("(Language=") => {}
        _ => return Err(refusal(400, "InvalidInput", "The User-Agent header is missing or not as documented.", "")),
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
    if !issued.is_some_and(|issued| issued.ends_at > now && issued.works_from <= now) {
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
        // Amazon documents the status; these words are those of its other operations.
        let reply = refusal(429, "QuotaExceeded", "You exceeded your quota for the requested resource.", "");
        return (reply, client_id);
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
            let destinations: Vec<_> = amazon
                .queues
                .iter()
                .map(|(name, queue)| {
                    json!({ "destinationId": random_id(), "name": name,
                            "resource": { "sqs": { "arn": queue.attributes["QueueArn"] } } })
                })
                .collect();
            let reply = Reply::json(200, &json!({ "payload": destinations })).header("x-amzn-requestid", &random_id());
            (reply, Some(token.client_id))
        }
    }
}
