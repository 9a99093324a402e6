//! The one search for what no output may hold (rule 9).

use std::collections::HashSet;

/// So many characters of a secret in a row are too many.
const PIECE: usize = 12;

/// Secrets and access tokens; found whole and in pieces, as they are and in every form that something might give them.
pub struct Hidden {
    /// The pieces by their lengths, each with what it is a piece of.
    pieces: Vec<(usize, HashSet<Vec<u8>>)>,
    /// Which two bytes a piece begins with: most places in a text can be passed over.
    beginnings: Vec<bool>,
}

impl Hidden {
    /// Looks for these. Proves first that it would find each.
    pub fn new(texts: impl IntoIterator<Item = impl AsRef<str>>) -> Self {
        let mut hidden = Self { pieces: Vec::new(), beginnings: vec![false; 1 << 16] };
        let mut proofs = Vec::new();
        for text in texts {
            let text = without_kind(text.as_ref());
            for (form, piece) in forms(text) {
                form.windows(piece.min(form.len())).for_each(|piece| hidden.add(piece));
                proofs.push(form);
            }
        }
        for form in proofs {
            let planted = [b"before \xff", &form[..], b" after"].concat();
            assert!(
                hidden.first_in(&planted).is_some(),
                "the search would not find {}",
                String::from_utf8_lossy(&form)
            );
        }
        hidden
    }

    fn add(&mut self, piece: &[u8]) {
        assert!(piece.len() > 4, "too short to be told from chance: {}", String::from_utf8_lossy(piece));
        let place = self.pieces.iter().position(|(length, _)| *length == piece.len()).unwrap_or_else(|| {
            self.pieces.push((piece.len(), HashSet::new()));
            self.pieces.len() - 1
        });
        self.beginnings[beginning(piece)] = true;
        self.pieces[place].1.insert(piece.to_vec());
    }

    /// Where the first piece stands.
    pub fn first_in(&self, bytes: &[u8]) -> Option<usize> {
        let is_piece = |place: usize| {
            let mut lengths = self.pieces.iter();
            lengths.any(|(length, pieces)| bytes.get(place..place + length).is_some_and(|part| pieces.contains(part)))
        };
        (0..bytes.len().saturating_sub(1))
            .find(|place| self.beginnings[beginning(&bytes[*place..])] && is_piece(*place))
    }

    /// What stands around the first piece.
    pub fn around(&self, bytes: &[u8]) -> Option<String> {
        let place = self.first_in(bytes)?;
        let around = &bytes[place.saturating_sub(300)..(place + 100).min(bytes.len())];
        Some(format!("at byte {place}: {}", String::from_utf8_lossy(around)))
    }

    /// Rule 9.
    #[track_caller]
    pub fn assert_not_in(&self, what: &str, bytes: &[u8]) {
        if let Some(around) = self.around(bytes) {
            panic!("rule 9: {what} holds a part of a secret, {around}");
        }
    }
}

fn beginning(bytes: &[u8]) -> usize {
    usize::from(bytes[0]) << 8 | usize::from(bytes[1])
}

/// The kind that Amazon's secrets and tokens begin with is no secret.
fn without_kind(text: &str) -> &str {
    ["amzn1.oa2-cs.v1.", "Atc|", "Atza|", "Atzr|"].iter().find_map(|kind| text.strip_prefix(kind)).unwrap_or(text)
}

/// What a text may have become, and how long a piece of that is.
fn forms(text: &str) -> Vec<(Vec<u8>, usize)> {
    let bytes = text.as_bytes();
    let escaped: String = form_urlencoded::byte_serialize(bytes).collect();
    let json = serde_json::Value::from(text).to_string();
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    let numbers = format!("{bytes:?}");
    let mut forms = vec![
        (text.to_owned(), PIECE),
        (escaped.to_lowercase(), PIECE),
        (escaped, PIECE),
        (json[1..json.len() - 1].to_owned(), PIECE),
        (hex.to_uppercase(), 2 * PIECE),
        (hex, 2 * PIECE),
        (numbers[1..numbers.len() - 1].to_owned(), 4 * PIECE),
    ];
    for skipped in 0..3 {
        // What stands before it decides at which of the three places of a group it begins.
        let groups = base64(&bytes[skipped.min(bytes.len())..]);
        forms.push((groups.replace('+', "-").replace('/', "_"), PIECE));
        forms.push((groups, PIECE));
    }
    let mut forms: Vec<_> = forms.into_iter().map(|(form, piece)| (form.into_bytes(), piece)).collect();
    forms.sort();
    forms.dedup();
    forms
}

/// The whole groups of three bytes.
fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for group in bytes.chunks_exact(3) {
        let bits = u32::from(group[0]) << 16 | u32::from(group[1]) << 8 | u32::from(group[2]);
        for shift in [18, 12, 6, 0] {
            text.push(char::from(DIGITS[(bits >> shift & 63) as usize]));
        }
    }
    text
}
