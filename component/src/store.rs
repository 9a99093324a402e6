//! The record as a document of the store, and the order of writes.
//!
//! The document is JSON, so that a person can read it in an emergency. Its member `format` tells its version; a document of
//! another version, or one that cannot be read, is left as it is and reported.

use zeroize::Zeroizing;

use crate::credential::Secret;
use crate::json::{Json, Node};
use crate::record::Record;

/// The version of the form written here.
pub const FORMAT: u32 = 2;
/// The versions that are read.
const READABLE: core::ops::RangeInclusive<u32> = 1..=FORMAT;
/// No record is anywhere near as long, and one of this length can still be read within the memory of a component.
const LONGEST: usize = 1024 * 1024;

/// Writes a record as a document.
pub fn write(record: &Record) -> Secret {
    // With this room the buffer does not move for a record of common size; where it does, only the last copy is wiped.
    let mut document = Vec::with_capacity(16 * 1024);
    let written = serde_json::to_writer(Writer(&mut document), record);
    assert!(written.is_ok(), "a record has string keys and writes to memory");
    Secret::new(document)
}

/// Collects bytes; wipes what it outgrows.
struct Writer<'a>(&'a mut Vec<u8>);

impl std::io::Write for Writer<'_> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        if self.0.len() + bytes.len() > self.0.capacity() {
            let mut grown = Vec::with_capacity((self.0.capacity() * 2).max(self.0.len() + bytes.len()));
            grown.extend_from_slice(self.0);
            drop(Zeroizing::new(core::mem::replace(self.0, grown)));
        }
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Reads a document as the record of this client id. The error says what is wrong, without values.
pub fn read(document: &Secret, client_id: &str) -> Result<Record, String> {
    if document.expose().len() > LONGEST {
        return Err("it is not a record of this program: it is too long".into());
    }
    let json = Json::parse(document.expose()).ok_or("it is not a record of this program: it is not JSON")?;
    let format: u32 = json
        .root()
        .required("format", Node::number)
        .map_err(|error| format!("it is not a record of this program: {error}"))?;
    if !READABLE.contains(&format) {
        return Err(format!("it is of format {format}, and this version reads formats 1 to {FORMAT}"));
    }
    let record = Record { format: FORMAT, ..Record::read(&json.root())? };
    if record.client_id != client_id {
        return Err("it is the record of another client id".into());
    }
    Ok(record)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::lwa::rotation::observe::Reason;
    use crate::contract::lwa::rotation::types::{AmazonError, Cause};
    use crate::credential::ClientSecret;
    use crate::failure::Failure;
    use crate::instant::Instant;
    use crate::record::{Call, Old, Pending, Proof, Requesting, Retry, Stage, Stall, State, Target};

    fn record() -> Record {
        let secret = ClientSecret::parse(b"hunter2".to_vec()).expect("sound");
        Record::enrolled("c", secret, Some(Instant(5)), Instant(1), 7)
    }

    #[test]
    fn what_is_written_is_read_again() {
        assert_eq!(read(&write(&record()), "c"), Ok(record()));
    }

    #[test]
    fn a_document_of_format_1_is_read() {
        let document = Secret::new(include_bytes!("../../tests/vectors/record-format-1.json").to_vec());
        let read = read(&document, "amzn1.application-oa2-client.example").expect("readable");
        assert_eq!(read.state.name(), "requesting");
        assert_eq!((read.format, read.pending.len(), read.old.len()), (FORMAT, 1, 1));
    }

    /// Records in every state, that hold whatever a record can hold, one a line, as format 2 is written.
    const WRITTEN: &str = include_str!("../../tests/vectors/records-format-2.jsonl");

    #[test]
    fn whatever_a_record_can_hold_is_written_to_the_byte_and_read_again() {
        let now = Instant(3);
        let secret = || ClientSecret::parse(b"hunter2".to_vec()).expect("sound");
        let amazon = AmazonError {
            status: 429,
            code: "c".into(),
            message: "m".into(),
            details: "d\"\\/\u{8}\t\n\u{c}\r\0\u{1f}\u{7f}".into(),
            request_id: "r".into(),
        };
        let failure = Failure { amazon: Some(Box::new(amazon)), detail: "é".into(), ..Failure::new(Cause::Throttled) };
        let retry = Retry { at: now, attempts: u32::MAX, failure: Some(failure.clone()) };
        let requesting = |reason, stage| {
            State::Requesting(Requesting { reason, stage, attempts: 1, failure: Some(failure.clone()) })
        };
        let states = [
            State::Settled,
            requesting(Reason::Due, Stage::Waiting(now)),
            requesting(Reason::Requested, Stage::Preparing(now)),
            requesting(Reason::RequestedAgain, Stage::Calling(now)),
            State::Awaiting { until: Instant(u64::MAX) },
            State::Verifying,
            State::Publishing,
            State::Stalled(Stall::MessageMissing),
            State::Stalled(Stall::NewSecretRefused),
        ];
        assert_eq!(states.len(), WRITTEN.lines().count());
        for (state, written) in states.into_iter().zip(WRITTEN.lines()) {
            let mut full = Record { state, ..record() };
            full.current.proof = Proof::Open(retry.clone());
            full.pending = vec![Pending {
                secret: secret(),
                expires_at: Some(now),
                event_time: Some(now),
                old_ends_at: Some(now),
                retry: retry.clone(),
                stalls_at: Some(now),
                doubt_at: now,
            }];
            full.old =
                vec![
                    Old { secret: secret(), since: now, expires_at: Some(now), ends_at: now, contested_at: Some(now) };
                    2
                ];
            full.call = Some(Call { number: 9, id: u64::MAX, at: now, accepted: true, failure: Some(failure.clone()) });
            (full.calls, full.called_at, full.noticed) = (9, Some(now), Some(now));
            full.targets.insert("file".into(), Target { generation: 1, retry: retry.clone(), again_at: Some(now) });
            assert_eq!(write(&full).expose_text(), written);
            assert_eq!(read(&write(&full), "c"), Ok(full));
        }
        assert_eq!(
            write(&record()).expose_text(),
            r#"{"format":2,"client_id":"c","generation":1,"state":"settled","current":{"secret":"hunter2","expires_at":5,"said_by_amazon":false,"since":1,"jitter":7,"proof":{"open":{"at":1,"attempts":0}}},"calls":0}"#
        );
    }

    /// Rule 9: what is wrong with a record is told without its values.
    #[test]
    fn a_damaged_foreign_or_later_document_is_described_without_values() {
        let whole = write(&record());
        let text = whole.expose_text();
        for damaged in [
            String::new(),
            "null".into(),
            text[..text.len() / 2].into(),
            text.replace("\"format\":2", "\"format\":3"),
            text.replace("\"generation\":1", "\"generation\":\"hunter2\""),
            text.replace("\"generation\":1", "\"generation\":1,\"hunter2\":1"),
            text.replace("\"client_id\":\"c\"", "\"client_id\":\"d\""),
            text.replace("\"settled\"", "\"hunter2\""),
        ] {
            let error = read(&Secret::new(damaged.clone().into_bytes()), "c").expect_err("unreadable");
            assert!(!error.contains("hunter2"), "{damaged}: {error}");
        }
    }

    #[test]
    fn a_buffer_that_grows_keeps_what_was_written() {
        let mut bytes = Vec::with_capacity(2);
        for part in [&b"ab"[..], b"cde", b"", b"f"] {
            std::io::Write::write_all(&mut Writer(&mut bytes), part).expect("memory");
        }
        assert_eq!(bytes, b"abcdef");
    }
}
