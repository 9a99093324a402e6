//! LWA's token endpoint.
//!
//! Takes forms, with or without a `charset`, and JSON, as Amazon's own SDKs send it. Without a content type the body decides.
//! Strictly, it takes forms alone, as documented.

use serde_json::{Value, json};

use crate::amazon::{Amazon, TOKEN_LIFETIME, Token};
use crate::random::random_hex;
use crate::reply::Reply;

/// The scopes of grantless operations.
const SCOPES: [&str; 4] = [
    "sellingpartnerapi::notifications",
    "sellingpartnerapi::migration",
    "sellingpartnerapi::client_credential:rotation",
    "sellingpartnerapi::shipments:track",
];

fn field(fields: &Value, name: &str) -> String {
    fields[name].as_str().unwrap_or_default().to_owned()
}

/// A refusal as LWA words it.
pub fn refusal(status: u16, error: &str, description: &str) -> Reply {
    Reply::json(status, &json!({ "error_description": description, "error": error }))
}

/// Reads the request's fields, whichever way they are written.
fn fields(content_type: &str, body: &[u8], strict: bool) -> Option<Value> {
    let media_type = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    match media_type.as_str() {
        "" | "application/json" if strict => None,
        "application/json" => serde_json::from_slice(body).ok(),
        "" if body.starts_with(b"{") => serde_json::from_slice(body).ok(),
        "" | "application/x-www-form-urlencoded" => Some(Value::Object(
            form_urlencoded::parse(body).map(|(k, v)| (k.into_owned(), v.into_owned().into())).collect(),
        )),
        _ => None,
    }
}

/// Answers a token request; names the client id too.
pub fn token(amazon: &mut Amazon, content_type: &str, body: &[u8]) -> (Reply, Option<String>) {
    let strict = amazon.strict;
    let Some(fields) = fields(content_type, body, strict) else {
        let known = if strict { "not a form" } else { "neither a form nor JSON" };
        return (refusal(400, "invalid_request", &format!("The request is {known}")), None);
    };
    if strict && !field(&fields, "scope").is_empty() && !field(&fields, "refresh_token").is_empty() {
        return (refusal(400, "invalid_request", "The request has both a scope and a refresh token"), None);
    }
    let client_id = field(&fields, "client_id");
    let secret = field(&fields, "client_secret");
    let scope = field(&fields, "scope");
    let reply = answer(amazon, &fields, &client_id, &secret, &scope);
    (reply, Some(client_id).filter(|id| amazon.apps.contains_key(id)))
}

fn answer(amazon: &mut Amazon, fields: &Value, client_id: &str, secret: &str, scope: &str) -> Reply {
    let now = amazon.now();
    let scope = match field(fields, "grant_type").as_str() {
        "client_credentials" => {
            let mut scopes = scope.split(' ').filter(|scope| !scope.is_empty()).peekable();
            if scopes.peek().is_none() || !scopes.all(|scope| SCOPES.contains(&scope)) {
                return refusal(400, "invalid_scope", "The request has an invalid parameter : scope");
            }
            Some(scope.to_owned())
        }
        "refresh_token" if !field(fields, "refresh_token").is_empty() => None,
        "refresh_token" => {
            return refusal(400, "invalid_request", "The request is missing a required parameter : refresh_token");
        }
        _ => return refusal(400, "unsupported_grant_type", "The authorization grant type is not supported"),
    };
    let known = amazon.apps.get(client_id).and_then(|app| app.issued.iter().find(|issued| issued.secret == secret));
    match known {
        Some(issued) if issued.works_at(now) || !amazon.refuse_dead_secrets => {
            let kind = if scope.is_some() { "Atc" } else { "Atza" };
            let access_token = format!("{kind}|{}", random_hex(160));
            let mut reply =
                json!({ "access_token": access_token, "token_type": "bearer", "expires_in": TOKEN_LIFETIME / 1000 });
            match &scope {
                Some(scope) => reply["scope"] = scope.clone().into(),
                None => reply["refresh_token"] = fields["refresh_token"].clone(),
            }
            let token =
                Token { client_id: client_id.into(), secret: secret.into(), scope, ends_at: now + TOKEN_LIFETIME };
            amazon.tokens.insert(access_token, token);
            Reply::json(200, &reply).header("cache-control", "no-store").header("pragma", "no-cache")
        }
        _ => refusal(401, "invalid_client", "Client authentication failed"),
    }
}
