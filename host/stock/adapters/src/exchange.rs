//! One request over `wasi:http`, and its answer, within a limit of time.
//!
//! That nothing is repeated and no redirect followed is the runtime's part; the one of wasmtime does neither, and makes a new
//! connection for each request.

use std::time::{Duration, SystemTime};

use wasip2::clocks::monotonic_clock;
use wasip2::http::outgoing_handler;
use wasip2::http::types::{ErrorCode, Fields, FutureIncomingResponse, IncomingBody, OutgoingBody, OutgoingRequest};
use wasip2::http::types::{Method, RequestOptions, Scheme};
use wasip2::io::poll::{Pollable, poll};
use wasip2::io::streams::{InputStream, StreamError};

use crate::origin::Url;
use crate::problem::name;

/// What is sent. `host` is added by the runtime.
pub struct Request<'a> {
    pub method: Method,
    pub url: &'a Url,
    pub headers: Vec<(String, Vec<u8>)>,
    pub body: &'a [u8],
    pub limit: Duration,
    pub body_limit: usize,
    /// It must not begin to be sent after this instant.
    pub not_after: Option<SystemTime>,
}

/// What came back.
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(String, Vec<u8>)>,
    pub body: Vec<u8>,
}

/// Why there is no answer, in the words of `wit/http.wit`.
pub enum Failed {
    NotSent(String),
    OutcomeUnknown(String),
    TooLarge,
}

/// How long a connection may take.
const CONNECT_LIMIT: Duration = Duration::from_secs(10);
/// How much is read or written at once.
const PIECE: u64 = 64 << 10;

/// Sends a request, once, and waits for the whole answer.
pub fn exchange(mut request: Request<'_>) -> Result<Answer, Failed> {
    let timer = monotonic_clock::subscribe_duration(nanoseconds(request.limit));
    let at = request.url.origin();
    let impossible = |what: &str| Failed::NotSent(format!("the runtime takes no such {what}"));
    // Without it the body would go out in chunks, which not every server takes.
    if matches!(request.method, Method::Post) {
        request.headers.push(("content-length".into(), request.body.len().to_string().into()));
    }
    let fields = Fields::from_list(&request.headers).map_err(|_| impossible("header"))?;
    let outgoing = OutgoingRequest::new(fields);
    let scheme = if at.scheme == "http" { Scheme::Http } else { Scheme::Https };
    outgoing.set_method(&request.method).map_err(|()| impossible("method"))?;
    outgoing.set_scheme(Some(&scheme)).map_err(|()| impossible("scheme"))?;
    outgoing.set_authority(Some(&at.authority())).map_err(|()| impossible("authority"))?;
    outgoing.set_path_with_query(Some(&request.url.path_with_query())).map_err(|()| impossible("path"))?;
    let body = outgoing.body().map_err(|()| impossible("body"))?;
    let options = RequestOptions::new();
    // A runtime that does not know them is held by the timer alone.
    // A request goes out as soon as its connection stands, so the time for that is what keeps it from going out too late.
    let mut connect_limit = CONNECT_LIMIT.min(request.limit);
    if let Some(not_after) = request.not_after {
        let left = not_after.duration_since(SystemTime::now());
        let left = left.map_err(|_| Failed::NotSent("it is too late for this request to be sent".into()))?;
        connect_limit = connect_limit.min(left);
    }
    let _ = options.set_connect_timeout(Some(nanoseconds(connect_limit)));
    let _ = options.set_first_byte_timeout(Some(nanoseconds(request.limit)));
    let _ = options.set_between_bytes_timeout(Some(nanoseconds(request.limit)));

    let answer = outgoing_handler::handle(outgoing, Some(options)).map_err(|code| failed(&code))?;
    let late = || Failed::OutcomeUnknown(format!("{at} has not answered within {} s", request.limit.as_secs()));
    send(body, request.body, &answer, &timer).ok_or_else(late)?;
    if !came(&answer.subscribe(), &timer) {
        return Err(late());
    }
    let answer = match answer.get() {
        Some(Ok(Ok(answer))) => answer,
        Some(Ok(Err(code))) => return Err(failed(&code)),
        Some(Err(())) | None => return Err(Failed::OutcomeUnknown("the runtime gave no answer".into())),
    };
    if answer.status() < 200 {
        return Err(Failed::OutcomeUnknown(format!("{at} switched to another protocol in place of an answer")));
    }
    let incoming = answer.consume().map_err(|()| Failed::OutcomeUnknown("the runtime gave no body".into()))?;
    let body = receive(&incoming, request.body_limit, &timer)?;
    Ok(Answer { status: answer.status(), headers: answer.headers().entries(), body })
}

/// Hands over the body. A connection that fails meanwhile is told by the answer. `None` if time is up.
fn send(body: OutgoingBody, mut rest: &[u8], answer: &FutureIncomingResponse, timer: &Pollable) -> Option<()> {
    let Ok(stream) = body.write() else { return Some(()) };
    while !rest.is_empty() {
        let Ok(room) = stream.check_write() else { return Some(()) };
        if room == 0 {
            let (ready, answered) = (stream.subscribe(), answer.subscribe());
            match poll(&[timer, &answered, &ready])[0] {
                0 => return None,
                1 => return Some(()),
                _ => continue,
            }
        }
        let (piece, behind) = rest.split_at(rest.len().min(room.min(PIECE) as usize));
        if stream.write(piece).is_err() {
            return Some(());
        }
        rest = behind;
    }
    // Before the body ends: the stream is its child.
    drop(stream);
    let _ = OutgoingBody::finish(body, None);
    Some(())
}

/// The body of an answer.
fn receive(incoming: &IncomingBody, limit: usize, timer: &Pollable) -> Result<Vec<u8>, Failed> {
    let unknown = |text: &str| Failed::OutcomeUnknown(text.into());
    let stream: InputStream = incoming.stream().map_err(|()| unknown("the runtime gave no body"))?;
    let mut body = Vec::new();
    loop {
        if !came(&stream.subscribe(), timer) {
            return Err(unknown("the answer did not end in time"));
        }
        match stream.read(PIECE) {
            Ok(piece) => body.extend(piece),
            Err(StreamError::Closed) => return Ok(body),
            Err(StreamError::LastOperationFailed(_)) => return Err(unknown("the answer was cut")),
        }
        if body.len() > limit {
            return Err(Failed::TooLarge);
        }
    }
}

/// Whether something happens before the time is up.
fn came(what: &Pollable, timer: &Pollable) -> bool {
    poll(&[what, timer])[0] == 0
}

/// The codes stand for the errors of RFC 9209, section 2.3, which says what has happened by then: those listed here come before a
/// connection stands, or in place of one. TLS that goes wrong (`tls_protocol_error`, `tls_alert_received`) may do so afterwards too.
fn failed(code: &ErrorCode) -> Failed {
    let text = || format!("no connection: {}", name(code));
    match code {
        ErrorCode::DnsTimeout
        | ErrorCode::DnsError(_)
        | ErrorCode::DestinationNotFound
        | ErrorCode::DestinationUnavailable
        | ErrorCode::DestinationIpProhibited
        | ErrorCode::DestinationIpUnroutable
        | ErrorCode::ConnectionRefused
        | ErrorCode::ConnectionTimeout
        | ErrorCode::ConnectionLimitReached
        | ErrorCode::TlsCertificateError
        | ErrorCode::HttpRequestDenied => Failed::NotSent(text()),
        _ => Failed::OutcomeUnknown(format!("the connection broke before its answer: {}", name(code))),
    }
}

fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
