//! What LWA and SP-API answer, or what answers in their place.
//!
//! The input is a list of answers, parted by lines of `%%`. The first line of each is its status and request id, and its body
//! stands below. The words `not-sent`, `forbidden` and `lost` in the place of the status are the ways to get no answer; the
//! host's text follows them.
//!
//! A rotation goes as far as the answers carry it. Rules 1, 2 and 9 hold: the rotate call is made at most once for each
//! intent, after the record tells of it; and what comes back brings no secret into any output.

use lwa_rotate_component::bindings::lwa::rotation::types::ApplicationStatus;
use lwa_rotate_component::credential::Secret;
use lwa_rotate_component::exports;
use lwa_rotate_component::host::{Response, SendError};
use lwa_rotate_component::instant::{Instant, Lifetime};
use lwa_rotate_component::record::Record;
use lwa_rotate_component::record::secrets::Retired;

use crate::host::{CLIENT_ID, Scripted, secret, settled, stored, verifying};

/// The one that was current before.
const RETIRED: &str = "amzn1.oa2-cs.v1.retired-example";
/// Calls that one input may make; enough to use up the answers of any rotation.
const MOST_CALLS: usize = 16;

/// Takes answers in.
pub fn take_in(input: &[u8]) {
    for record in records() {
        let mut host = Scripted::new(Some(stored(&record)));
        host.secrets = record.secrets.all().map(|secret| secret.expose_text().to_owned()).collect();
        host.answers = answers(input).collect();
        if record.secrets.candidates.is_empty() {
            let status = exports::request(&mut host, CLIENT_ID, false).expect("a rotation may be wanted");
            check(&host, &status);
        }
        for _ in 0..MOST_CALLS {
            let status = exports::advance(&mut host, CLIENT_ID).expect("a bad answer is no error of the call");
            check(&host, &status);
            // On to the next deadline, as a host would.
            match status.next {
                Some(next) if !host.answers.is_empty() => host.now = host.now.max(Instant(next.at)),
                _ => break,
            }
        }
        let tried = exports::verify(&mut host, CLIENT_ID).expect("a bad answer is no error of the call");
        host.check_silent(&format!("{tried:?}"));
        assert!(host.record().is_some());
    }
}

/// Before a rotation, and while a new secret waits for its verification.
fn records() -> [Record; 2] {
    let mut verifying = verifying();
    let ends_at = verifying.secrets.current.since + Lifetime::days(1);
    verifying.secrets.retired = vec![Retired { secret: secret(RETIRED), expires_at: None, ends_at }];
    [settled(), verifying]
}

/// Rule 9: the status holds no secret of the record. A token may stand in it if Amazon's answer spelt it before it was issued.
fn check(host: &Scripted, status: &ApplicationStatus) {
    let record = host.record().expect("the record is still there");
    let printed = format!("{status:?}");
    for secret in record.secrets.all() {
        assert!(!printed.contains(secret.expose_text()), "rule 9: a secret is shown");
    }
}

fn answers(input: &[u8]) -> impl Iterator<Item = Result<Response, SendError>> {
    let mut rest = Some(input);
    std::iter::from_fn(move || {
        let whole = rest?;
        let end = whole.windows(4).position(|window| window == b"\n%%\n");
        rest = end.map(|end| &whole[end + 4..]);
        Some(answer(&whole[..end.unwrap_or(whole.len())]))
    })
}

fn answer(text: &[u8]) -> Result<Response, SendError> {
    let (line, body) = part(text, b'\n');
    let (status, words) = part(line, b' ');
    let words = String::from_utf8_lossy(words).into_owned();
    match status {
        b"not-sent" => Err(SendError::NotSent(words)),
        b"forbidden" => Err(SendError::Forbidden(words)),
        b"lost" => Err(SendError::OutcomeUnknown(words)),
        status => Ok(Response {
            status: std::str::from_utf8(status).ok().and_then(|status| status.parse().ok()).unwrap_or(200),
            marked: !words.is_empty(),
            request_id: words,
            body: Secret::new(body.to_vec()),
        }),
    }
}

fn part(text: &[u8], at: u8) -> (&[u8], &[u8]) {
    match text.iter().position(|byte| *byte == at) {
        Some(place) => (&text[..place], &text[place + 1..]),
        None => (text, &[]),
    }
}
