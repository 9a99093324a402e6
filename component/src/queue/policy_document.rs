//! Whether a policy lets an account do something: an IAM policy document, evaluated as AWS does it.
//!
//! An explicit deny wins; otherwise an allow is needed. A statement that depends on something that is not known here (most
//! conditions, one role of the account, an element that IAM does not have) is neither: the verdict is [`Verdict::Unclear`].
//! The work is bounded: a policy is at most [`LONGEST`] bytes, and each pattern in it is compared with a short text.
//! See <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html>.

mod statement;
mod wildcard;

use core::slice;

use statement::Applies::{No, Unclear, Yes};
pub(super) use statement::Asked;

use crate::json::Json;

/// The longest policy that is judged, in bytes. SQS permits 8 KiB and KMS 32 KiB.
const LONGEST: usize = 128 * 1024;
/// The most members of an object in it.
const MOST_MEMBERS: usize = 64;
/// The policy of a queue or of a key.
pub(super) struct Policy(Json);

/// What the policy says to that. The texts name the statement that matters.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Allowed,
    /// It depends on what cannot be judged here.
    Unclear(String),
    Denied(String),
    /// No statement allows it; if one nearly does, the text says which. Empty otherwise.
    NotAllowed(String),
}

impl Policy {
    /// Parses a policy. The error says what is wrong, without quoting it.
    pub(super) fn parse(text: &str) -> Result<Self, &'static str> {
        if text.len() > LONGEST {
            return Err("it is longer than 128 KiB");
        }
        let document = Json::parse(text.as_bytes()).ok_or("it is not JSON, or too deeply nested")?;
        if is_ambiguous(&document) {
            return Err("an object in it has a member twice, or more than 64 of them");
        }
        match document.get("Statement") {
            Some(Json::List(_) | Json::Object(_)) => Ok(Self(document)),
            _ => Err("it has no statements"),
        }
    }

    /// What it says.
    pub(super) fn judge(&self, asked: &Asked<'_>) -> Verdict {
        let statements = match self.0.get("Statement") {
            Some(Json::List(statements)) => statements,
            Some(statement) => slice::from_ref(statement),
            None => &[],
        };
        // Of several that apply alike, the first.
        let (mut allow, mut deny) = ((No, 0), (No, 0));
        for (place, statement) in statements.iter().enumerate() {
            let applies = asked.applies(statement);
            let effect = statement.text_or_empty("Effect");
            if effect != "Deny" && applies > allow.0 {
                allow = (applies, place);
            }
            if effect != "Allow" && applies > deny.0 {
                deny = (applies, place);
            }
        }
        let named = |place: usize| name(place, &statements[place]);
        let unclear = |place: usize| {
            let mut text = named(place);
            text.push_str(", whose ");
            text.push_str(&asked.doubt(&statements[place]));
            Verdict::Unclear(text)
        };
        match (allow, deny) {
            (_, (Yes, place)) => Verdict::Denied(named(place)),
            ((No, _), _) => Verdict::NotAllowed(
                statements
                    .iter()
                    .enumerate()
                    .find_map(|(place, statement)| {
                        let miss = asked.miss(statement)?;
                        Some([&named(place), miss].concat())
                    })
                    .unwrap_or_default(),
            ),
            (_, (Unclear, place)) | ((Unclear, place), _) => unclear(place),
            ((Yes, _), (No, _)) => Verdict::Allowed,
        }
    }
}

/// Whether readers of JSON may differ about it: a member is there twice. So many members that looking for those would take
/// long count as ambiguous too.
fn is_ambiguous(json: &Json) -> bool {
    match json {
        Json::List(items) => items.iter().any(is_ambiguous),
        Json::Object(members) => {
            members.len() > MOST_MEMBERS
                || members.iter().enumerate().any(|(place, (name, value))| {
                    is_ambiguous(value) || members[..place].iter().any(|(other, _)| other.eq_ignore_ascii_case(name))
                })
        }
        _ => false,
    }
}

/// Such as `statement 2 (Amazon)`.
fn name(place: usize, statement: &Json) -> String {
    let mut name = ["statement ", &(place + 1).to_string()].concat();
    let sid = statement.text_or_empty("Sid");
    if !sid.is_empty() {
        name.push_str(" (");
        name.push_str(&super::shown(sid));
        name.push(')');
    }
    name
}

#[cfg(test)]
mod tests;
