//! Behind `wit/http.wit`: who may be asked, and what may be said.

use std::time::{Duration, UNIX_EPOCH};

use wasip2::http::types::Method as WasiMethod;

use crate::Adapters;
use crate::config::{App, Config};
use crate::contract::exports::lwa::rotation::http::{Error, Guest, Header, Method, Request, Response};
use crate::exchange::{self, Failed, exchange};
use crate::origin::{Origin, Url};

/// Headers that steer the connection are not the caller's to set.
const RESERVED: [&str; 8] =
    ["host", "content-length", "transfer-encoding", "connection", "upgrade", "te", "trailer", "proxy-authorization"];

impl Guest for Adapters {
    fn send(request: Request) -> Result<Response, Error> {
        let config = Config::get().map_err(|wrong| Error::NotSent(wrong.to_owned()))?;
        let url = Url::parse(&request.url).map_err(|wrong| Error::Forbidden(wrong.to_owned()))?;
        if !config.apps.values().any(|app| is_of(app, url.origin())) {
            return Err(Error::Forbidden(url.origin().to_string()));
        }
        if let Some(header) = request.headers.iter().find(|header| !may_be_sent(header)) {
            return Err(Error::NotSent(format!("the header {:?} cannot be sent", header.name)));
        }
        let answer = exchange(exchange::Request {
            method: match request.method {
                Method::Get => WasiMethod::Get,
                Method::Post => WasiMethod::Post,
            },
            url: &url,
            headers: request.headers.into_iter().map(|header| (header.name, header.value)).collect(),
            body: &request.body,
            limit: Duration::from_secs(request.time_limit.into()),
            body_limit: request.body_limit as usize,
            not_after: request.not_after.map(|at| UNIX_EPOCH + Duration::from_millis(at)),
        });
        match answer {
            Ok(answer) => Ok(Response {
                status: answer.status,
                headers: answer.headers.into_iter().map(|(name, value)| Header { name, value }).collect(),
                body: answer.body,
            }),
            Err(Failed::NotSent(text)) => Err(Error::NotSent(text)),
            Err(Failed::OutcomeUnknown(text)) => Err(Error::OutcomeUnknown(text)),
            Err(Failed::TooLarge) => Err(Error::TooLarge),
        }
    }
}

/// Whether one of the application's endpoints is there.
fn is_of(app: &App, origin: &Origin) -> bool {
    let leads_there = |endpoint| Url::parse(endpoint).is_ok_and(|url| url.origin() == origin);
    leads_there(app.token_endpoint()) || leads_there(app.api_endpoint())
}

fn may_be_sent(header: &Header) -> bool {
    let name = header.name.to_ascii_lowercase();
    let token = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    token
        && !RESERVED.contains(&name.as_str())
        && header.value.iter().all(|byte| byte.is_ascii_graphic() || *byte == b' ')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_that_steer_the_connection_or_break_lines_are_not_sent() {
        let header = |name: &str, value: &str| Header { name: name.into(), value: value.into() };
        assert!(may_be_sent(&header("x-amz-access-token", "Atza|abc def~")));
        for (name, value) in [
            ("Host", "a"),
            ("TE", "a"),
            ("", "a"),
            ("a b", "c"),
            ("a:", "b"),
            ("a", "b\r\nc: d"),
            ("a", "b\tc"),
            ("a", "é"),
        ] {
            assert!(!may_be_sent(&header(name, value)), "{name}: {value}");
        }
    }
}
