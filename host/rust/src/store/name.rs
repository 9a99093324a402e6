//! Client id → the name of a file or of a secret, one to one, also where letter cases are not told apart.

use sha2::{Digest, Sha256};

/// Longer names are cut and told apart by a digest, because file systems end names at 255 bytes.
pub(super) const LONGEST: usize = 180;

/// The name of a client id: lower-case letters, digits, `.`, `_` and `-` stand for themselves; every other byte, and a dot at
/// the beginning, is the mark (here `%`) and two lower-case hexadecimal digits. A name that is cut ends in `%%` and the SHA-256
/// of the client id. An empty client id is `%`.
pub(super) fn of(client_id: &str, mark: char) -> String {
    let mut name = String::new();
    for (position, byte) in client_id.bytes().enumerate() {
        match byte {
            b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-' => name.push(byte.into()),
            b'.' if position > 0 => name.push('.'),
            _ => name.push_str(&format!("{mark}{byte:02x}")),
        }
    }
    if name.is_empty() {
        name.push(mark);
    }
    if name.len() > LONGEST {
        name.truncate(LONGEST - 66);
        let digest = Sha256::digest(client_id);
        name.extend([mark, mark]);
        name.extend(digest.iter().map(|byte| format!("{byte:02x}")));
    }
    name
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn amazon_client_ids_stand_for_themselves() {
        let client_id = "amzn1.application-oa2-client.0123456789abcdef0123456789abcdef";
        assert_eq!(of(client_id, '%'), client_id);
    }

    #[test]
    fn no_client_id_leads_out_of_the_folder() {
        for client_id in ["", ".", "..", "/etc/passwd", "../../x", "a/../b", "a\\b", "C:x", "a\0b"] {
            let name = of(client_id, '%');
            assert!(!name.is_empty() && !name.starts_with('.'), "{client_id:?} {name}");
            assert!(!name.contains(['/', '\\', ':', '\0']), "{client_id:?} {name}");
        }
    }

    #[test]
    fn different_client_ids_have_different_names_even_without_letter_case() {
        let long = "x".repeat(300);
        let longer = format!("{long}y");
        let client_ids =
            ["", "%", "%%", "a", "A", "%41", ".a", "a.", "%2ea", "ä", "Ä", "a\u{308}", "a b", "a%20b", &long, &longer];
        let names: BTreeSet<String> = client_ids.iter().map(|client_id| of(client_id, '%').to_lowercase()).collect();
        assert_eq!(names.len(), client_ids.len(), "{names:?}");
        assert!(names.iter().all(|name| name.len() <= LONGEST));
    }

    /// <https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_CreateSecret.html>, of `Name`.
    #[test]
    fn with_another_mark_the_names_are_those_that_secrets_may_have() {
        for client_id in ["", "amzn1.application-oa2-client.0123", "A b", "ä/%", &"X".repeat(300)] {
            let name = of(client_id, '=');
            assert!(name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"/_+=.@-".contains(&byte)), "{name}");
        }
    }
}
