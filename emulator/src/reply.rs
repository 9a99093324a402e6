//! An answer, and how it may fail to arrive.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};
use hyper::header::{HeaderName, HeaderValue};
use hyper::{Response, StatusCode};
use serde_json::Value;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc2822;

use crate::random::random_id;

/// An answer.
#[derive(Debug)]
pub struct Reply {
    pub status: u16,
    headers: Vec<(&'static str, String)>,
    body: String,
}

impl Reply {
    /// As LWA and SP-API answer.
    pub fn json(status: u16, body: &Value) -> Self {
        let headers = vec![("content-type", "application/json;charset=UTF-8".to_owned())];
        Self { status, headers, body: body.to_string() }
    }

    /// As SQS answers.
    pub fn amz_json(status: u16, body: &Value) -> Self {
        let headers = vec![("content-type", "application/x-amz-json-1.0".to_owned())];
        Self { status, headers, body: body.to_string() }.header("x-amzn-requestid", &random_id())
    }

    /// As a proxy answers by itself: a page for people, with none of Amazon's headers.
    pub fn page(status: u16) -> Self {
        let headers = vec![("content-type", "text/html;charset=UTF-8".to_owned()), ("server", "proxy".to_owned())];
        let reason = StatusCode::from_u16(status).ok().and_then(|status| status.canonical_reason()).unwrap_or("Error");
        let body =
            format!("<html><head><title>{status} {reason}</title></head><body><h1>{reason}</h1></body></html>\n");
        Self { status, headers, body }
    }

    /// Without a body.
    pub fn empty(status: u16) -> Self {
        Self { status, headers: Vec::new(), body: String::new() }
    }

    pub fn header(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }

    pub fn has_body(&self) -> bool {
        !self.body.is_empty()
    }

    /// The HTTP response, dated by the emulator's clock; of its body only the first half comes if it is to break off.
    pub fn into_response(self, now: u64, breaks_off: bool) -> Response<AnswerBody> {
        let length = self.body.len();
        let mut data = Bytes::from(self.body);
        if breaks_off {
            data.truncate(length / 2);
        }
        let length = u64::try_from(length).unwrap_or_default();
        let mut response = Response::new(AnswerBody { data: Some(data), length, end: End::of(breaks_off) });
        *response.status_mut() = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let headers = response.headers_mut();
        for (name, value) in self.headers {
            if let Ok(value) = HeaderValue::from_str(&value) {
                headers.insert(HeaderName::from_static(name), value);
            }
        }
        let seconds = i64::try_from(now / 1000).unwrap_or(0);
        let date = OffsetDateTime::from_unix_timestamp(seconds).ok().and_then(|at| at.format(&Rfc2822).ok());
        if let Some(date) = date.and_then(|date| HeaderValue::from_str(&date.replace("+0000", "GMT")).ok()) {
            headers.insert(hyper::header::DATE, date);
        }
        response
    }
}

/// The connection is to be closed, whatever has been answered so far.
#[derive(Debug)]
pub struct Closed;

impl fmt::Display for Closed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("closed on purpose")
    }
}

impl std::error::Error for Closed {}

/// What follows the data of a body.
#[derive(Debug, PartialEq, Eq)]
enum End {
    Whole,
    /// Hyper sends what it has once the body has nothing ready; only then may the body fail.
    Flush,
    Break,
}

impl End {
    fn of(breaks_off: bool) -> Self {
        if breaks_off { Self::Flush } else { Self::Whole }
    }
}

/// A body that may break off before its announced length.
#[derive(Debug)]
pub struct AnswerBody {
    data: Option<Bytes>,
    length: u64,
    end: End,
}

impl Body for AnswerBody {
    type Data = Bytes;
    type Error = Closed;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Closed>>> {
        if let Some(data) = self.data.take().filter(|data| !data.is_empty()) {
            return Poll::Ready(Some(Ok(Frame::data(data))));
        }
        match self.end {
            End::Whole => Poll::Ready(None),
            End::Flush => {
                self.end = End::Break;
                cx.waker().wake_by_ref();
                Poll::Pending
            }
            End::Break => Poll::Ready(Some(Err(Closed))),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.end == End::Whole && self.data.as_ref().is_none_or(Bytes::is_empty)
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.length)
    }
}
