//! Who has answered, and by which clock: the dates of the answers that trying the secrets brings anyway.

use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use lwa_rotate::config::Config;
use lwa_rotate::http::{Client, Error, Http, Origin, Request, Response};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc2822;

use crate::cli::configured::origins;
use crate::cli::failure::Failure;
use crate::cli::text::now;

/// Sends requests, and remembers the answers' dates.
pub(super) struct Answers {
    client: Client,
    seen: Mutex<Vec<Answer>>,
}

struct Answer {
    origin: Origin,
    /// How far the other clock is from this machine's, in milliseconds: ahead if above zero.
    ahead: Option<i64>,
}

impl Answers {
    /// To and from the endpoints of the configuration.
    pub(super) fn of(config: &Config) -> Result<Self, Failure> {
        Ok(Self { client: Client::new(origins(config)?), seen: Mutex::default() })
    }

    /// Whether anything has been answered from the URL's origin.
    pub(super) fn came_from(&self, url: &str) -> bool {
        self.seen().iter().any(|answer| Origin::of(url).is_ok_and(|origin| answer.origin == origin))
    }

    /// How far the clock that differs most is from this machine's, in milliseconds, with whose it is.
    pub(super) fn furthest(&self) -> Option<(i64, String)> {
        let seen = self.seen();
        let dated = seen.iter().filter_map(|answer| Some((answer.ahead?, answer.origin.to_string())));
        dated.max_by_key(|(ahead, _)| ahead.abs())
    }

    fn seen(&self) -> std::sync::MutexGuard<'_, Vec<Answer>> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Http for Answers {
    async fn send(&self, request: Request) -> Result<Response, Error> {
        let origin = Origin::of(&request.url);
        let sent = now();
        let response = self.client.send(request).await?;
        if let Ok(origin) = origin {
            let ahead = date(&response).map(|date| ahead(date, sent, now()));
            self.seen().push(Answer { origin, ahead });
        }
        Ok(response)
    }
}

/// When the answer was made, by the header `Date`.
fn date(response: &Response) -> Option<u64> {
    let header = response.headers.iter().find(|header| header.name == "date")?;
    let date = OffsetDateTime::parse(header.value.expose_str()?, &Rfc2822).ok()?;
    u64::try_from(date.unix_timestamp()).ok()?.checked_mul(1000)
}

/// How far a clock is ahead that showed a date, in whole seconds, at some time between sending and receiving.
fn ahead(date: u64, sent: u64, received: u64) -> i64 {
    if date + 1000 < sent {
        -(sent - date).cast_signed()
    } else if date > received {
        (date - received).cast_signed()
    } else {
        0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_have_passed_between_sending_and_receiving_is_no_difference() {
        assert_eq!(ahead(10_000, 10_999, 10_999), 0);
        assert_eq!(ahead(10_000, 9_000, 40_000), 0);
        assert_eq!(ahead(10_000, 20_000, 30_000), -10_000);
        assert_eq!(ahead(10_000, 2_000, 3_000), 7_000);
    }
}
