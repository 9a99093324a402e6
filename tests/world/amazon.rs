//! LWA and SP-API as the documents describe them.

use lwa_rotate_component::credential::Secret;
use lwa_rotate_component::host::{Request, Response, SendError};

use crate::{DAY, Planned, World};

/// A secret that Amazon has issued.
#[derive(Clone, Debug)]
pub struct Issued {
    /// The secret.
    pub secret: String,
    /// When it ends.
    pub ends_at: u64,
    /// From when on SP-API accepts it: new secrets may lag.
    pub works_from: u64,
}

/// An application at Amazon.
#[derive(Clone, Debug)]
pub struct App {
    /// Its secrets, oldest first.
    pub issued: Vec<Issued>,
    /// When the rotate call was last carried out or refused for its rate.
    pub called_at: Option<u64>,
    /// Whether it is subscribed to rotation notifications.
    pub subscribed: bool,
    /// How often a rotation was wanted, by what was saved.
    pub wanted: u32,
    /// How often Amazon carried out a rotate call.
    pub carried_out: u32,
    /// How long its next new secret is not accepted.
    pub lag: u64,
}

#[derive(Clone, Debug)]
pub struct Token {
    client_id: String,
    secret: String,
    scope: String,
    ends_at: u64,
}

/// A body as SP-API's errors have it.
pub const ERRORS: &[u8] = br#"{"errors":[{"code":"InternalFailure","message":"trouble","details":""}]}"#;

fn answer(status: u16, body: &str) -> Response {
    Response { status, marked: true, request_id: "request-1".into(), body: Secret::new(body.as_bytes().to_vec()) }
}

fn refusal(status: u16, code: &str, message: &str, details: &str) -> Response {
    let error = serde_json::json!({ "errors": [{ "code": code, "message": message, "details": details }] });
    answer(status, &error.to_string())
}

impl World {
    /// What comes of a request that a test has made a plan for.
    pub(crate) fn serve_as(&mut self, planned: Planned, request: &Request) -> Result<Response, SendError> {
        match planned {
            Planned::Passes => Ok(self.serve(request)),
            Planned::NotSent => Err(SendError::NotSent("no connection".into())),
            Planned::Lost(effect) => {
                if effect {
                    drop(self.serve(request));
                }
                Err(SendError::OutcomeUnknown("the answer was lost".into()))
            }
            Planned::Answered(status, body) => {
                Ok(Response { status, marked: false, request_id: String::new(), body: Secret::new(body) })
            }
            Planned::Fails(how) => panic!("a request cannot end with {how:?}"),
        }
    }

    /// Answers a request.
    pub(crate) fn serve(&mut self, request: &Request) -> Response {
        match request.url.as_str() {
            "https://lwa.test/auth/o2/token" => self.serve_token(request),
            "https://api.test/applications/2023-11-30/clientSecret" => self.serve_rotate(request),
            "https://api.test/notifications/v1/destinations" => self.serve_destinations(request),
            other => panic!("a request to {other}"),
        }
    }

    fn serve_token(&mut self, request: &Request) -> Response {
        let form: Vec<(String, String)> = form_urlencoded::parse(request.body.expose()).into_owned().collect();
        let field = |name: &str| form.iter().find(|(n, _)| n == name).map(|(_, v)| v.clone()).unwrap_or_default();
        assert_eq!(field("grant_type"), "client_credentials");
        let (client_id, secret) = (field("client_id"), field("client_secret"));
        let now = self.now;
        let known = self.apps.get(&client_id).and_then(|app| app.issued.iter().find(|i| i.secret == secret)).cloned();
        // A secret that has ended: LWA has been seen to go on, and to refuse.
        let refuses_dead = self.random.below(2) == 0;
        match known {
            Some(issued) if now < issued.ends_at || !refuses_dead => {
                let token = self.invent("Atc|token");
                let token_of = Token { client_id, secret, scope: field("scope"), ends_at: now + 3_600_000 };
                self.tokens.insert(token.clone(), token_of);
                answer(
                    200,
                    &serde_json::json!({ "access_token": token, "token_type": "bearer", "expires_in": 3600 })
                        .to_string(),
                )
            }
            _ => answer(401, r#"{"error_description":"Client authentication failed","error":"invalid_client"}"#),
        }
    }

    fn token_of(&self, request: &Request, scope: &str) -> Result<Token, Response> {
        let header = request.headers.iter().find(|(name, _)| *name == "x-amz-access-token").unwrap();
        let token = &self.tokens[header.1.expose_text()];
        let denied = "Access to requested resource is denied.";
        let app = &self.apps[&token.client_id];
        let issued = app.issued.iter().find(|i| i.secret == token.secret).unwrap();
        if token.ends_at <= self.now {
            Err(refusal(403, "Unauthorized", denied, "The access token you provided has expired."))
        } else if issued.ends_at <= self.now || issued.works_from > self.now {
            Err(refusal(403, "Unauthorized", denied, "The LWA secret token you provided has expired."))
        } else if token.scope != scope {
            Err(refusal(403, "Unauthorized", denied, ""))
        } else {
            Ok(token.clone())
        }
    }

    fn serve_destinations(&mut self, request: &Request) -> Response {
        match self.token_of(request, "sellingpartnerapi::notifications") {
            Err(refused) => refused,
            Ok(token) => {
                self.proved.insert(token.secret);
                answer(200, r#"{"payload":[]}"#)
            }
        }
    }

    fn serve_rotate(&mut self, request: &Request) -> Response {
        let token = match self.token_of(request, "sellingpartnerapi::client_credential:rotation") {
            Ok(token) => token,
            Err(refused) => return refused,
        };
        let now = self.now;
        let app = self.apps.get_mut(&token.client_id).unwrap();
        if !app.subscribed {
            return refusal(400, "InvalidInput", "Application is not enrolled for rotation notification.", "");
        }
        if app.called_at.is_some_and(|at| now < at + 60_000) {
            return refusal(429, "QuotaExceeded", "You exceeded your quota for the requested resource.", "");
        }
        app.called_at = Some(now);
        self.check_rotation(&token.client_id);
        self.rotate(&token.client_id);
        answer(204, "")
    }

    /// Amazon issues a new secret, whoever asked, and notifies.
    pub fn rotate(&mut self, client_id: &str) {
        let now = self.now;
        let secret = self.invent("secret");
        let app = self.apps.get_mut(client_id).unwrap();
        let last = app.issued.last_mut().unwrap();
        last.ends_at = last.ends_at.min(now + 7 * DAY);
        let old_ends_at = last.ends_at;
        // No two secrets have the same end.
        let ends_at = now + 180 * DAY + app.issued.len() as u64;
        app.issued.push(Issued { secret: secret.clone(), ends_at, works_from: now + app.lag });
        self.note(|| format!("amazon rotates {client_id}"));
        self.notify_new_secret(client_id, &secret, ends_at, old_ends_at);
    }
}
