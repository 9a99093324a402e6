//! The record as a document of the store.
//!
//! The document is JSON, so that a person can read it in an emergency. Its member `format` has its version; a document of another
//! version, or one that cannot be read, is left as it is and reported.

mod read;

use zeroize::Zeroizing;

use crate::credential::Secret;
use crate::json::{Json, Node};
use crate::record::Record;

/// The version of the form that is written and read.
pub const FORMAT: u32 = 1;
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

/// Reads a document as the record of this client id; `None` for what a store leaves in place of a removed one. The error says
/// what is wrong, without values.
pub fn read(document: &Secret, client_id: &str) -> Result<Option<Record>, String> {
    if document.expose().len() > LONGEST {
        return Err("it is not a record of this program: it is too long".into());
    }
    let json = Json::parse(document.expose()).ok_or("it is not a record of this program: it is not JSON")?;
    let root = json.root();
    if let Ok(Some(true)) = root.optional("removed", Node::truth) {
        return Ok(None);
    }
    let format: u32 = root
        .required("format", Node::number)
        .map_err(|error| format!("it is not a record of this program: {error}"))?;
    if format != FORMAT {
        return Err(format!("it is of format {format}, and this version reads format {FORMAT}"));
    }
    let record = read::record(&json.root())?;
    if record.client_id != client_id {
        return Err("it is the record of another client id".into());
    }
    Ok(Some(record))
}

#[cfg(test)]
mod tests;
