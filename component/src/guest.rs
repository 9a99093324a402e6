//! The component's skin: exports lead to [`exports`](crate::exports), and [`Host`] leads to the imports. No rules here.

use zeroize::Zeroize;

use crate::bindings::exports::lwa::rotation::rotation::{
    self, ApplicationStatus, Decision, Delivery, Drained, Error, Problem, QueueFinding, Stage,
};
use crate::bindings::lwa::rotation::observe::{self, Happening};
use crate::bindings::lwa::rotation::settings::{self, Application};
use crate::bindings::lwa::rotation::{http, publish, queue, store, types};
use crate::credential::{Credential, Secret};
use crate::exports;
use crate::host::{
    Entry, Held, Host, Inspection, Message, Method, PublishError, QueueError, Reading, Request, Response, SendError,
    StoreError,
};
use crate::instant::Instant;

struct Component;

crate::bindings::export!(Component with_types_in crate::bindings);

impl rotation::Guest for Component {
    fn enroll(
        client_id: String,
        secret: Vec<u8>,
        expires_at: Option<u64>,
        confirmed: bool,
    ) -> Result<ApplicationStatus, Error> {
        exports::enroll(&mut Imports, &client_id, secret, expires_at.map(Instant), confirmed)
    }

    fn set_expiry(client_id: String, expires_at: u64, confirmed: bool) -> Result<ApplicationStatus, Error> {
        exports::set_expiry(&mut Imports, &client_id, Instant(expires_at), confirmed)
    }

    fn advance(client_id: String) -> Result<ApplicationStatus, Error> {
        exports::advance(&mut Imports, &client_id)
    }

    fn deliver(message: queue::Message) -> Delivery {
        exports::deliver(&mut Imports, &Message::from(message))
    }

    fn drain(queue: String, max: u32, wait: u32) -> Result<Drained, Error> {
        exports::drain(&mut Imports, &queue, max, wait)
    }

    fn request(client_id: String, force: bool) -> Result<ApplicationStatus, Error> {
        exports::request(&mut Imports, &client_id, force)
    }

    fn cancel(client_id: String, not_before: Option<u64>) -> Result<ApplicationStatus, Error> {
        exports::cancel(&mut Imports, &client_id, not_before.map(Instant))
    }

    fn resume(client_id: String, decision: Decision) -> Result<ApplicationStatus, Error> {
        exports::resume(&mut Imports, &client_id, decision)
    }

    fn republish(client_id: String, target: Option<String>) -> Result<ApplicationStatus, Error> {
        exports::republish(&mut Imports, &client_id, target.as_deref())
    }

    fn forget(client_id: String) -> Result<(), Error> {
        exports::forget(&mut Imports, &client_id)
    }

    fn check_queue(queue: String) -> Vec<QueueFinding> {
        exports::check_queue(&mut Imports, &queue)
    }

    fn status(client_id: String) -> Result<ApplicationStatus, Error> {
        exports::status(&mut Imports, &client_id)
    }

    fn verify(client_id: String) -> Result<Option<Problem>, Error> {
        exports::verify(&mut Imports, &client_id)
    }

    fn reveal(client_id: String, stage: Stage) -> Result<Option<types::Credential>, Error> {
        let credential = exports::reveal(&mut Imports, &client_id, stage)?;
        Ok(credential.map(|credential| exposed(&credential)))
    }
}

/// The credential as the contract carries it. Wipe it after use.
fn exposed(credential: &Credential) -> types::Credential {
    types::Credential {
        client_id: credential.client_id.clone(),
        client_secret: credential.client_secret.expose().to_vec(),
        expires_at: credential.expires_at.map(|at| at.0),
    }
}

impl From<queue::Message> for Message {
    fn from(message: queue::Message) -> Self {
        Self {
            id: message.id,
            receipt_handle: message.receipt_handle,
            body: Secret::new(message.body),
            receive_count: message.receive_count,
        }
    }
}

struct Imports;

impl Host for Imports {
    fn now(&mut self) -> Instant {
        let now = wasip2::clocks::wall_clock::now();
        Instant(now.seconds.saturating_mul(1000).saturating_add(u64::from(now.nanoseconds / 1_000_000)))
    }

    fn random(&mut self) -> u64 {
        wasip2::random::random::get_random_u64()
    }

    fn find(&mut self, client_id: &str) -> Option<Application> {
        settings::find(client_id)
    }

    fn send(&mut self, request: Request) -> Result<Response, SendError> {
        const TIME_LIMIT: u32 = 30;
        const BODY_LIMIT: u32 = 256 * 1024;
        let mut sent = http::Request {
            method: match request.method {
                Method::Get => http::Method::Get,
                Method::Post => http::Method::Post,
            },
            url: request.url.clone(),
            headers: request
                .headers
                .iter()
                .map(|(name, value)| http::Header { name: (*name).into(), value: value.expose().to_vec() })
                .collect(),
            body: request.body.expose().to_vec(),
            time_limit: TIME_LIMIT,
            body_limit: BODY_LIMIT,
            not_after: request.not_after.map(|at| at.0),
        };
        let answer = http::send(&sent);
        sent.body.zeroize();
        sent.headers.iter_mut().for_each(|header| header.value.zeroize());
        match answer {
            Ok(response) => {
                let header = |name: &str| response.headers.iter().find(|header| header.name.eq_ignore_ascii_case(name));
                let request_id = header("x-amzn-requestid");
                Ok(Response {
                    status: response.status,
                    marked: request_id.or_else(|| header("x-amzn-errortype")).is_some(),
                    request_id: request_id
                        .and_then(|header| core::str::from_utf8(&header.value).ok())
                        .unwrap_or_default()
                        .to_owned(),
                    body: Secret::new(response.body),
                })
            }
            Err(http::Error::NotSent(text)) => Err(SendError::NotSent(text)),
            Err(http::Error::Forbidden(text)) => Err(SendError::Forbidden(text)),
            Err(http::Error::OutcomeUnknown(text) | http::Error::Other(text)) => Err(SendError::OutcomeUnknown(text)),
            Err(http::Error::TooLarge) => Err(SendError::OutcomeUnknown("the answer was too large".into())),
        }
    }

    fn receive(&mut self, queue: &str, max: u32, wait: u32, visibility: u32) -> Result<Vec<Message>, QueueError> {
        Ok(queue::receive(queue, max, wait, visibility)?.into_iter().map(Message::from).collect())
    }

    fn delete(&mut self, queue: &str, receipt_handle: &str) -> Result<(), QueueError> {
        queue::delete(queue, receipt_handle)
    }

    fn hide(&mut self, queue: &str, receipt_handle: &str, visibility: u32) -> Result<(), QueueError> {
        queue::hide(queue, receipt_handle, visibility)
    }

    fn inspect(&mut self, queue: &str) -> Inspection {
        queue::inspect(queue)
    }

    fn load(&mut self, client_id: &str) -> Result<Option<Entry>, StoreError> {
        let entry = store::load(client_id)?;
        Ok(entry.map(|entry| Entry { revision: entry.revision, document: Secret::new(entry.document) }))
    }

    fn save(&mut self, client_id: &str, document: &Secret, expected: Option<&str>) -> Result<String, StoreError> {
        store::save(client_id, document.expose(), expected)
    }

    fn put(&mut self, target: &str, credential: &Credential) -> Result<(), PublishError> {
        let mut exposed = exposed(credential);
        let result = publish::put(target, &exposed);
        exposed.client_secret.zeroize();
        result
    }

    fn remove(&mut self, client_id: &str, expected: &str) -> Result<(), StoreError> {
        store::remove(client_id, expected)
    }

    fn read(&mut self, target: &str, client_id: &str) -> Result<Reading, PublishError> {
        Ok(match publish::read(target, client_id)? {
            publish::Reading::Credential(held) => Reading::Credential(Held {
                client_id: held.client_id,
                client_secret: Secret::new(held.client_secret),
                written_by: held.written_by,
            }),
            publish::Reading::None => Reading::None,
            publish::Reading::Unreadable => Reading::Unreadable,
        })
    }

    fn emit(&mut self, client_id: Option<&str>, at: Instant, what: Happening) {
        observe::emit(&observe::Event { client_id: client_id.map(Into::into), at: at.0, what });
    }
}
