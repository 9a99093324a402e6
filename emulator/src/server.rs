//! Connections: which operation a request is, what goes wrong with it, and its answer.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Incoming;
use hyper::header::{HeaderName, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc2822;
use tokio::net::TcpListener;

use crate::fault::{self, Action, Operation};
use crate::sp_api::Headers;
use crate::{Shared, admin, lwa, sp_api, sqs};

/// The longest body that is read; larger than any SQS message.
const LONGEST_BODY: usize = 2 * 1024 * 1024;

/// An answer.
#[derive(Debug)]
pub struct Reply {
    pub status: u16,
    headers: Vec<(&'static str, String)>,
    body: String,
}

impl Reply {
    pub fn json(status: u16, body: &Value) -> Self {
        let headers = vec![("content-type", "application/json;charset=UTF-8".to_owned())];
        Self { status, headers, body: body.to_string() }
    }

    pub fn amz_json(status: u16, body: &Value) -> Self {
        let headers = vec![("content-type", "application/x-amz-json-1.0".to_owned())];
        Self { status, headers, body: body.to_string() }.header("x-amzn-requestid", &sqs::request_id())
    }

    pub fn empty(status: u16) -> Self {
        Self { status, headers: Vec::new(), body: String::new() }
    }

    pub fn header(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }

    fn into_response(self, now: u64) -> Response<Full<Bytes>> {
        let mut response = Response::new(Full::new(Bytes::from(self.body)));
        *response.status_mut() = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let headers = response.headers_mut();
        for (name, value) in self.headers {
            if let Ok(value) = HeaderValue::from_str(&value) {
                headers.insert(HeaderName::from_static(name), value);
            }
        }
        // Amazon's own clock: it may have jumped.
        let seconds = i64::try_from(now / 1000).unwrap_or(0);
        let date = OffsetDateTime::from_unix_timestamp(seconds).ok().and_then(|at| at.format(&Rfc2822).ok());
        if let Some(date) = date.and_then(|date| HeaderValue::from_str(&date.replace("+0000", "GMT")).ok()) {
            headers.insert(hyper::header::DATE, date);
        }
        response
    }
}

/// The connection is to be closed without an answer.
#[derive(Debug)]
struct Closed;

impl std::fmt::Display for Closed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("closed on purpose")
    }
}

impl std::error::Error for Closed {}

/// Accepts connections until the task is ended.
pub async fn accept(listener: TcpListener, shared: Arc<Shared>) -> Infallible {
    let mut connections = tokio::task::JoinSet::new();
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            tokio::time::sleep(Duration::from_millis(10)).await;
            continue;
        };
        let shared = Arc::clone(&shared);
        connections.spawn(async move {
            let service = service_fn(move |request| {
                let shared = Arc::clone(&shared);
                async move { serve(&shared, request).await }
            });
            // A connection that breaks is the client's to notice.
            let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
        });
        while connections.try_join_next().is_some() {}
    }
}

/// Which operation a request is; `None` for the emulator's own address and for what there is not.
fn operation(request: &Request<Incoming>, target: &str) -> Option<Operation> {
    let path = request.uri().path();
    match (request.method(), target) {
        (&Method::POST, "") => match path {
            _ if path.eq_ignore_ascii_case("/auth/o2/token") => Some(Operation::Token),
            "/applications/2023-11-30/clientSecret" => Some(Operation::Rotate),
            _ => None,
        },
        (&Method::GET, _) => (path == "/notifications/v1/destinations").then_some(Operation::Proof),
        (&Method::POST, "ReceiveMessage") => Some(Operation::Receive),
        (&Method::POST, "DeleteMessage" | "DeleteMessageBatch") => Some(Operation::Delete),
        (&Method::POST, "ChangeMessageVisibility" | "ChangeMessageVisibilityBatch") => Some(Operation::Hide),
        (&Method::POST, _) => Some(Operation::Queue),
        _ => None,
    }
}

async fn serve(shared: &Shared, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Closed> {
    let target = request.headers().get("x-amz-target").and_then(|value| value.to_str().ok());
    let target = target.and_then(|target| target.strip_prefix("AmazonSQS.")).unwrap_or_default().to_owned();
    let operation = operation(&request, &target);
    let (parts, body) = request.into_parts();
    let body = match Limited::new(body, LONGEST_BODY).collect().await {
        Ok(body) => body.to_bytes(),
        Err(_) => return Ok(Reply::empty(413).into_response(shared.amazon().now())),
    };
    let Some(operation) = operation else {
        let reply = admin::serve(shared, &parts.method, parts.uri.path(), &body);
        return Ok(reply.into_response(shared.amazon().now()));
    };
    let fault = fault::take(&mut shared.amazon().faults, operation);
    match fault {
        Some(Action::Cut) => {
            shared.amazon().note(operation, None, None, None);
            return Err(Closed);
        }
        Some(Action::Hang(time)) => {
            shared.amazon().note(operation, None, None, None);
            tokio::time::sleep(time).await;
            return Err(Closed);
        }
        Some(Action::Status(status)) => {
            shared.amazon().note(operation, None, Some(status), None);
            return Ok(Reply::json(status, &serde_json::json!({})).into_response(shared.amazon().now()));
        }
        _ => {}
    }
    let header = |name: &str| parts.headers.get(name).and_then(|value| value.to_str().ok());
    let headers = Headers { access_token: header("x-amz-access-token"), user_agent: header("user-agent") };
    let (reply, client_id, messages) = match operation {
        Operation::Token => {
            let (reply, id) = lwa::token(&mut shared.amazon(), header("content-type").unwrap_or_default(), &body);
            (reply, id, None)
        }
        Operation::Rotate => {
            let (reply, id) = sp_api::rotate(&mut shared.amazon(), &headers);
            shared.changed.notify_waiters();
            (reply, id, None)
        }
        Operation::Proof => {
            let (reply, id) = sp_api::destinations(&shared.amazon(), &headers);
            (reply, id, None)
        }
        _ => {
            let (reply, messages) = sqs::serve(shared, &target, &body).await;
            (reply, None, messages)
        }
    };
    let answered = fault != Some(Action::LoseAnswer);
    shared.amazon().note(operation, client_id, answered.then_some(reply.status), messages);
    if let Some(Action::Delay(time)) = fault {
        tokio::time::sleep(time).await;
    }
    if answered { Ok(reply.into_response(shared.amazon().now())) } else { Err(Closed) }
}
