//! Connections: which operation a request is, what goes wrong with it, and its answer.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::{BodyExt as _, Limited};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response};
use hyper_util::rt::TokioIo;
use serde_json::json;
use tokio::net::TcpListener;

use crate::fault::{self, Action, Operation};
use crate::reply::{AnswerBody, Closed, Reply};
use crate::shared::Shared;
use crate::{admin, lwa, sp_api, sqs};

/// The longest body that is read; larger than any SQS message.
const LONGEST_BODY: usize = 2 * 1024 * 1024;

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
            // A connection that breaks is the client's to notice. A client that goes away ends its request here, so that a
            // long poll of a dead program takes no message.
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

/// The refusal with this code in the words of the service that the operation belongs to.
fn refuse(operation: Operation, code: &str) -> Reply {
    let (status, text) = fault::refusal::status_and_text(operation, code);
    match operation {
        Operation::Token => lwa::refusal(status, code, text),
        Operation::Rotate | Operation::Proof => sp_api::refusal(status, code, text, ""),
        _ => sqs::Refusal::of_fault(status, code, text).into_reply(),
    }
}

async fn serve(shared: &Shared, request: Request<Incoming>) -> Result<Response<AnswerBody>, Closed> {
    let target = request.headers().get("x-amz-target").and_then(|value| value.to_str().ok());
    let target = target.and_then(|target| target.strip_prefix("AmazonSQS.")).unwrap_or_default().to_owned();
    let operation = operation(&request, &target);
    let (parts, body) = request.into_parts();
    let answer = |reply: Reply, breaks_off| {
        let now = shared.amazon().now();
        Ok(reply.into_response(now, breaks_off))
    };
    let body = match Limited::new(body, LONGEST_BODY).collect().await {
        Ok(body) => body.to_bytes(),
        Err(_) => return answer(Reply::empty(413), false),
    };
    let Some(operation) = operation else {
        return answer(admin::serve(shared, &parts.method, parts.uri.path(), &body), false);
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
            return answer(Reply::json(status, &json!({})), false);
        }
        Some(Action::Page(status)) => {
            shared.amazon().note(operation, None, Some(status), None);
            return answer(Reply::page(status), false);
        }
        Some(Action::Refuse(code) | Action::HalfRefuse(code)) => {
            let reply = refuse(operation, code);
            shared.amazon().note(operation, None, Some(reply.status), None);
            return answer(reply, matches!(fault, Some(Action::HalfRefuse(_))));
        }
        _ => {}
    }
    let header = |name: &str| parts.headers.get(name).and_then(|value| value.to_str().ok());
    let asked = sp_api::Request {
        access_token: header("x-amz-access-token"),
        user_agent: header("user-agent"),
        content_type: header("content-type"),
        body: &body,
    };
    let (reply, client_id, messages) = match operation {
        Operation::Token | Operation::Rotate if header("content-length").is_none() && shared.amazon().strict => {
            (Reply::page(411), None, None)
        }
        Operation::Token => {
            let (reply, id) = lwa::token(&mut shared.amazon(), header("content-type").unwrap_or_default(), &body);
            (reply, id, None)
        }
        Operation::Rotate => {
            let (reply, id) = sp_api::rotate(&mut shared.amazon(), &asked);
            shared.changed.notify_waiters();
            (reply, id, None)
        }
        Operation::Proof => {
            let (reply, id) = sp_api::destinations(&shared.amazon(), &asked);
            (reply, id, None)
        }
        _ => {
            let (reply, messages) = sqs::serve(shared, &target, &body).await;
            (reply, None, messages)
        }
    };
    let reply = match fault {
        Some(Action::PageAfter(status)) => Reply::page(status),
        _ => reply,
    };
    let breaks_off = fault == Some(Action::HalfAnswer);
    let answered = fault != Some(Action::LoseAnswer) && (reply.has_body() || !breaks_off);
    shared.amazon().note(operation, client_id, answered.then_some(reply.status), messages);
    if let Some(Action::Delay(time)) = fault {
        tokio::time::sleep(time).await;
    }
    if answered { answer(reply, breaks_off) } else { Err(Closed) }
}
