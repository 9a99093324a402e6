//! What stands around a document in its file: a line by which a damaged file is recognised, and the revision is known.
//!
//! `lwa-rotate-record 1 REVISION LENGTH SHA256\n`, then the document. The digest is of client id, revision and document, so
//! that a file which was cut, mixed, or renamed to another client id is not taken for a record.

use sha2::{Digest, Sha256};

use crate::secret::Secret;

const KIND: &str = "lwa-rotate-record";
const VERSION: &str = "1";

/// No line is longer; a file without a line end within it is no record.
const LONGEST_LINE: usize = 256;

/// What is wrong with a file. Never shows a part of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unreadable {
    /// It does not begin like a record.
    NotARecord,
    /// It was written in a format of later versions.
    LaterVersion,
    /// It is shorter or longer than it says.
    Length,
    /// Its content does not match its digest.
    Digest,
}

impl std::fmt::Display for Unreadable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::NotARecord => "it does not begin like a record",
            Self::LaterVersion => "it was written by a later version of lwa-rotate",
            Self::Length => "it is cut or has grown",
            Self::Digest => "its content does not match its digest, or it belongs to another client id",
        })
    }
}

/// The line before a document.
pub(super) fn line(client_id: &str, revision: &str, document: &[u8]) -> String {
    let digest = digest(client_id, revision, document);
    format!("{KIND} {VERSION} {revision} {} {digest}\n", document.len())
}

/// Takes a file apart into revision and document.
pub(super) fn open(client_id: &str, file: Secret) -> Result<(String, Secret), Unreadable> {
    let bytes = file.expose();
    let end = bytes.iter().take(LONGEST_LINE).position(|byte| *byte == b'\n').ok_or(Unreadable::NotARecord)?;
    let line = std::str::from_utf8(&bytes[..end]).map_err(|_| Unreadable::NotARecord)?;
    let mut parts = line.split(' ');
    if parts.next() != Some(KIND) {
        return Err(Unreadable::NotARecord);
    }
    if parts.next() != Some(VERSION) {
        return Err(Unreadable::LaterVersion);
    }
    let [Some(revision), Some(length), Some(expected), None] = [parts.next(), parts.next(), parts.next(), parts.next()]
    else {
        return Err(Unreadable::NotARecord);
    };
    let document = &bytes[end + 1..];
    if length.parse() != Ok(document.len()) {
        return Err(Unreadable::Length);
    }
    if digest(client_id, revision, document) != expected {
        return Err(Unreadable::Digest);
    }
    let revision = revision.to_owned();
    let mut document = file.into_bytes();
    // In place: no second copy of the secrets.
    document.drain(..=end);
    Ok((revision, document.into()))
}

/// Lower-case hexadecimal digits.
fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn digest(client_id: &str, revision: &str, document: &[u8]) -> String {
    let mut digest = Sha256::new();
    for part in [client_id.as_bytes(), revision.as_bytes()] {
        digest.update((part.len() as u64).to_le_bytes());
        digest.update(part);
    }
    digest.update(document);
    hex(&digest.finalize())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn sealed(client_id: &str, document: &[u8]) -> Vec<u8> {
        let mut file = line(client_id, "7.x", document).into_bytes();
        file.extend_from_slice(document);
        file
    }

    #[test]
    fn a_document_comes_back_with_its_revision() {
        for document in [b"".as_slice(), b"\n", b"{\"a\":1}\n", &[0xff; 1000]] {
            let (revision, opened) = open("id", sealed("id", document).into()).unwrap();
            assert_eq!((revision.as_str(), opened.expose()), ("7.x", document));
        }
    }

    #[test]
    fn every_cut_and_every_changed_byte_is_noticed() {
        let file = sealed("id", b"the document");
        for length in 0..file.len() {
            assert!(open("id", file[..length].into()).is_err(), "cut to {length}");
        }
        for position in 0..file.len() {
            let mut changed = file.clone();
            changed[position] ^= 1;
            assert!(open("id", changed.into()).is_err(), "changed at {position}");
        }
        let mut grown = file.clone();
        grown.push(b'\n');
        assert_eq!(open("id", grown.into()).unwrap_err(), Unreadable::Length);
    }

    #[test]
    fn a_record_of_another_client_id_or_of_a_later_version_is_not_taken() {
        let file = sealed("id", b"the document");
        assert_eq!(open("other", file.clone().into()).unwrap_err(), Unreadable::Digest);

        let later = String::from_utf8(file).unwrap().replacen(" 1 ", " 2 ", 1);
        assert_eq!(open("id", later.into()).unwrap_err(), Unreadable::LaterVersion);
        assert_eq!(open("id", vec![b'x'; 4096].into()).unwrap_err(), Unreadable::NotARecord);
    }
}
