use super::*;
use crate::amazon::error::Failure;
use crate::bindings::lwa::rotation::observe::Reason;
use crate::bindings::lwa::rotation::types::{AmazonError, Cause};
use crate::credential::ClientSecret;
use crate::instant::Instant;
use crate::record::Reminded;
use crate::record::call::{Call, Obstacle, Phase, Reading, Wanted};
use crate::record::secrets::{Candidate, Erased, Origin, Promote, Retired, Retry, Verification};
use crate::record::targets::{Foreign, Found, Target};

/// What every secret of these records is.
const SECRET: &str = "hunter2";
/// One record in each phase, byte for byte as they are stored. Programs in the field read and write exactly this.
const VECTORS: &str = include_str!("../../../tests/vectors/records-format-1.jsonl");

fn secret() -> ClientSecret {
    ClientSecret::parse(SECRET.into()).expect("sound")
}

fn failure() -> Failure {
    Failure {
        cause: Cause::Throttled,
        amazon: Some(Box::new(AmazonError {
            status: 429,
            code: "c".into(),
            message: "m".into(),
            details: "d\"\\/\u{8}\t\n\u{c}\r\0\u{1f}".into(),
            request_id: "r".into(),
        })),
        detail: "é".into(),
    }
}

fn retry() -> Retry {
    Retry { at: Instant(3), attempts: u32::MAX, failure: Some(failure()) }
}

/// A record in which every member has a value.
fn full() -> Record {
    let mut record = Record::enrolled("c", secret(), Some(Instant(5)), Instant(1), 7);
    record.call.count = u64::MAX;
    record.call.last_at = Some(Instant(4));
    record.call.obstacle =
        Some(Obstacle { check: "policy".into(), fact: true, evidence: "e".into(), remedy: "r".into() });
    let message = Origin::Message { expires_at: Instant(9), event_time: Instant(8) };
    record.secrets.current.verification = Verification::Open(retry());
    for (origin, promote, stalled) in
        [(message, Promote::WhenAccepted, true), (Origin::Supplied(Instant(2)), Promote::WhenCurrentRefused, false)]
    {
        record.secrets.candidates.push(Candidate {
            secret: secret(),
            origin,
            expires_at: Some(Instant(9)),
            old_ends_at: Some(Instant(6)),
            kept_at: Instant(3),
            replaced_at: Some(Instant(4)),
            promote,
            retry: retry(),
            stalls_at: Some(Instant(7)),
            stalled,
        });
    }
    record.secrets.retired = vec![Retired { secret: secret(), expires_at: Some(Instant(5)), ends_at: Instant(6) }];
    record.secrets.erased = vec![Erased { digest: u64::MAX, ended_at: Instant(1), expires_at: Some(Instant(2)) }];
    record.secrets.unmatched = Some(Instant(11));
    for (place, what) in
        [("a", Foreign::AnotherSecret), ("b", Foreign::AnotherApplication), ("file://m/é", Foreign::PutBack)]
    {
        let target = Target {
            generation: 1,
            retry: retry(),
            look_at: Some(Instant(12)),
            looks: 2,
            read_at: Some(Instant(10)),
            rewrites: 3,
            late_write: true,
            found: Some(Found { what, by: Some("kubectl".into()) }),
            overwrite: true,
            seen_at: Instant(10),
        };
        record.targets.insert(place.into(), target);
    }
    record.reminded = Some(Reminded { cause: Cause::QueueBlocked, at: Instant(13) });
    record
}

/// The full record in every phase, and a new one, in which only what must have a value has one.
fn records() -> Vec<Record> {
    let wanted = |reason| Wanted { reason, force: true, from: Instant(3), attempts: 1, failure: Some(failure()) };
    let call = |failure| Call { id: u64::MAX, at: Instant(4), accepted: true, failure };
    let phases = [
        Phase::Idle,
        Phase::Wanted(wanted(Reason::Due)),
        Phase::Preparing {
            wanted: wanted(Reason::Requested),
            since: Instant(3),
            reading: Reading { messages: 10, looks: 1, goes_on: Some(Instant(5)) },
        },
        Phase::Sent { wanted: wanted(Reason::RequestedAgain), call: call(None) },
        Phase::Awaited { call: call(Some(failure())), since: Instant(4) },
        Phase::Missing(call(Some(failure()))),
    ];
    let mut records = vec![Record::enrolled("c", secret(), None, Instant(1), 7)];
    for phase in phases {
        let mut record = full();
        record.call.phase = phase;
        records.push(record);
    }
    records
}

fn text(record: &Record) -> String {
    write(record).expose_text().to_owned()
}

fn error(document: &str) -> String {
    read(&Secret::new(document.into()), "c").expect_err("it is no record")
}

#[test]
fn a_record_is_read_as_it_was_written() {
    for record in records() {
        assert_eq!(read(&write(&record), "c").as_ref(), Ok(&Some(record)));
    }
}

/// The form is part of the contract: what one version has written, another must read.
#[test]
fn records_are_written_byte_for_byte_as_ever() {
    let written: Vec<String> = records().iter().map(text).collect();
    if std::env::var_os("LWA_ROTATE_WRITE_VECTORS").is_some() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/vectors/records-format-1.jsonl");
        std::fs::write(path, written.join("\n") + "\n").expect("written");
        return;
    }
    assert_eq!(written, VECTORS.lines().collect::<Vec<_>>());
}

/// A store that cannot remove at once leaves a mark, which counts as no record.
#[test]
fn what_is_left_of_a_removed_record_is_none() {
    assert_eq!(read(&Secret::new(br#"{"removed":true}"#.to_vec()), "c"), Ok(None));
    assert!(error(r#"{"removed":false}"#).contains("format is missing"));
    assert!(error(r#"{"removed":"yes"}"#).contains("format is missing"));
}

/// A record of a later version, a truncated one, or a foreign document is named for what it is.
#[test]
fn what_is_no_record_is_named() {
    assert_eq!(error(r#"{"format":2}"#), "it is of format 2, and this version reads format 1");
    assert_eq!(error(r#"{"format":0}"#), "it is of format 0, and this version reads format 1");
    let whole = text(&full());
    for length in [0, 1, whole.len() / 2, whole.len() - 1] {
        assert_eq!(
            error(whole.get(..length).unwrap_or_default()),
            "it is not a record of this program: it is not JSON"
        );
    }
    assert!(error("[]").starts_with("it is not a record of this program: "));
    assert!(error(r#"{"client_id":"c"}"#).contains("format is missing"));
    assert!(error(&" ".repeat(LONGEST + 1)).contains("too long"));
    let other = read(&write(&full()), "another").expect_err("not its record");
    assert_eq!(other, "it is the record of another client id");
}

/// Rule 9: whatever is wrong in a record, the error names the member and no value.
#[test]
fn an_error_names_the_member_and_no_value() {
    let whole: serde_json::Value = serde_json::from_str(&text(&full())).expect("JSON");
    let mut places = Vec::new();
    members(&whole, "", &mut places);
    assert!(places.len() > 80, "{} members", places.len());
    for place in places {
        for wrong in [serde_json::json!({ SECRET: SECRET }), serde_json::json!([-1.5, SECRET])] {
            let mut document = whole.clone();
            *document.pointer_mut(&place).expect("a member") = wrong;
            let error = match read(&Secret::new(document.to_string().into_bytes()), "c") {
                Err(error) => error,
                Ok(_) => panic!("{place} is read whatever it holds"),
            };
            assert!(!error.contains(SECRET) && !error.is_empty(), "{place}: {error}");
        }
    }
}

/// What this version does not know may matter: such a record is left alone.
#[test]
fn an_unknown_member_is_an_error() {
    let whole: serde_json::Value = serde_json::from_str(&text(&full())).expect("JSON");
    let mut places = vec![String::new()];
    members(&whole, "", &mut places);
    let mut tried = 0;
    for place in places.iter().filter(|place| !place.ends_with("/targets") && !place.contains("amazon")) {
        let mut document = whole.clone();
        let Some(object) = document.pointer_mut(place).and_then(serde_json::Value::as_object_mut) else { continue };
        object.insert("unknown".into(), 1.into());
        let found = read(&Secret::new(document.to_string().into_bytes()), "c");
        if place.ends_with("/failure") {
            continue;
        }
        assert!(found.is_err(), "{place}");
        tried += 1;
    }
    assert!(tried > 10, "{tried} objects");
}

/// The paths of all members and items.
fn members(value: &serde_json::Value, path: &str, places: &mut Vec<String>) {
    let below: Vec<(String, &serde_json::Value)> = match value {
        serde_json::Value::Object(object) => object.iter().map(|(name, value)| (name.clone(), value)).collect(),
        serde_json::Value::Array(items) => items.iter().enumerate().map(|(n, value)| (n.to_string(), value)).collect(),
        _ => Vec::new(),
    };
    for (name, value) in below {
        let path = format!("{path}/{}", name.replace('~', "~0").replace('/', "~1"));
        members(value, &path, places);
        places.push(path);
    }
}
