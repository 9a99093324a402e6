//! The names of versions, where the store makes them itself.

use super::{Error, Revision};

/// A number that grows, and one by chance: the first tells people the order, the second makes sure that a record which was
/// deleted and made anew, or put back from a backup, never answers to a revision of another past.
pub(super) fn next(revision: Option<&str>) -> Result<Revision, Error> {
    let number = revision.and_then(|revision| revision.split('.').next()?.parse::<u64>().ok());
    let chance = getrandom::u64().map_err(no_chance)?;
    Ok(format!("{}.{chance:016x}", number.unwrap_or_default().saturating_add(1)))
}

/// A UUID by chance (version 4), for services that want one.
pub(super) fn uuid() -> Result<Revision, Error> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(no_chance)?;
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let digits = format!("{:032x}", u128::from_be_bytes(bytes));
    Ok([&digits[..8], &digits[8..12], &digits[12..16], &digits[16..20], &digits[20..]].join("-"))
}

fn no_chance(error: getrandom::Error) -> Error {
    Error::Unavailable(format!("the system gives no random numbers: {error}"))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn revisions_count_on_and_differ_by_chance() {
        let first = next(None).unwrap();
        let second = next(Some(&first)).unwrap();
        assert!(first.starts_with("1.") && second.starts_with("2."), "{first} {second}");
        assert_ne!(next(None).unwrap(), first);
        assert!(next(Some("not one of ours")).unwrap().starts_with("1."));
    }

    #[test]
    fn uuids_have_their_form_and_differ() {
        let uuid = [uuid().unwrap(), uuid().unwrap()];
        assert_ne!(uuid[0], uuid[1]);
        for uuid in uuid {
            let parts: Vec<&str> = uuid.split('-').collect();
            assert_eq!(parts.iter().map(|part| part.len()).collect::<Vec<_>>(), [8, 4, 4, 4, 12], "{uuid}");
            assert!(parts[2].starts_with('4') && parts[3].starts_with(['8', '9', 'a', 'b']), "{uuid}");
        }
    }
}
