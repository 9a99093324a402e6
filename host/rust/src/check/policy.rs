//! Whether a policy lets another account do something: an IAM policy document, read and evaluated as AWS does it.
//!
//! An explicit deny wins, then an allow is needed. What depends on something that nobody here can know (most conditions, a
//! part of the account) is told apart from both.
//! See <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html>.

use serde_json::{Map, Value};

/// A resource's policy.
pub(super) struct Policy {
    statements: Vec<Statement>,
}

type Statement = Map<String, Value>;

/// What somebody wants to do.
pub(super) struct Asked<'a> {
    /// The account that somebody belongs to, as a number. Not the one that owns the resource.
    pub(super) account: &'a str,
    pub(super) action: &'a str,
    /// The ARN of the resource.
    pub(super) resource: &'a str,
    /// What is known of the request: condition keys in lower case with their values.
    pub(super) known: &'a [(&'a str, &'a str)],
}

/// What the policy says to that, with the statement that matters.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Allowed,
    /// It depends on what cannot be judged here.
    Unclear(String),
    Denied(String),
    /// No statement allows it. If one comes near, that one.
    NotAllowed(Option<String>),
}

/// Whether something is meant. In this order, so that the least of several holds where all must, and the greatest where one
/// is enough.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Meant {
    No,
    Unclear,
    Yes,
}

use Meant::{No, Unclear, Yes};

/// How much of a statement is shown, in characters.
const SHOWN: usize = 400;

impl Policy {
    /// Reads a policy document; the error says what is wrong, without quoting it.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let document: Value = serde_json::from_str(text).map_err(|error| format!("it is not JSON: {error}"))?;
        let statements = match document.get("Statement") {
            Some(Value::Array(statements)) => statements.clone(),
            Some(statement @ Value::Object(_)) => vec![statement.clone()],
            _ => return Err("it has no statements".into()),
        };
        let statements = statements.into_iter().enumerate().map(|(place, statement)| match statement {
            Value::Object(statement) if is_allow(&statement) || is_deny(&statement) => Ok(statement),
            _ => Err(format!("statement {} has no effect Allow or Deny", place + 1)),
        });
        Ok(Self { statements: statements.collect::<Result<_, _>>()? })
    }

    /// What it says.
    pub(super) fn judge(&self, asked: &Asked<'_>) -> Verdict {
        let statements = || self.statements.iter().enumerate();
        let strongest = |effect: fn(&Statement) -> bool| {
            let meant = statements().filter(|(_, statement)| effect(statement));
            let meant = meant.map(|(place, statement)| (asked.meant(statement), place, statement));
            // Of several, the first.
            meant.rev().max_by_key(|(meant, ..)| *meant)
        };
        let deny = strongest(is_deny);
        if let Some((Yes, place, statement)) = deny {
            return Verdict::Denied(shown(place, statement));
        }
        match (strongest(is_allow), deny) {
            (Some((Yes | Unclear, ..)), Some((Unclear, place, statement))) | (Some((Unclear, place, statement)), _) => {
                Verdict::Unclear(shown(place, statement))
            }
            (Some((Yes, ..)), _) => Verdict::Allowed,
            (Some((No, ..)) | None, _) => Verdict::NotAllowed(statements().find_map(|(place, statement)| {
                let miss = asked.miss(statement).filter(|_| is_allow(statement))?;
                Some(format!("{miss}: {}", shown(place, statement)))
            })),
        }
    }
}

fn is_allow(statement: &Statement) -> bool {
    statement.get("Effect").is_some_and(|effect| effect == "Allow")
}

fn is_deny(statement: &Statement) -> bool {
    statement.get("Effect").is_some_and(|effect| effect == "Deny")
}

/// The statement for people, cut if it is long.
fn shown(place: usize, statement: &Statement) -> String {
    let text = Value::from(statement.clone()).to_string();
    let end = text.char_indices().nth(SHOWN).map_or(text.len(), |(end, _)| end);
    let cut = if end < text.len() { "…" } else { "" };
    format!("statement {} of the policy, {}{cut}", place + 1, &text[..end])
}

impl Asked<'_> {
    fn meant(&self, statement: &Statement) -> Meant {
        self.principal(statement)
            .min(self.action(statement))
            .min(self.resource(statement))
            .min(self.conditions(statement))
    }

    /// Why a statement for this account does not help.
    fn miss(&self, statement: &Statement) -> Option<&'static str> {
        if self.principal(statement) == No {
            None
        } else if self.action(statement) == No {
            Some("the account may do something else")
        } else if self.resource(statement) == No {
            Some("the account may do it with another resource")
        } else {
            Some("the account may do it under a condition that does not hold")
        }
    }

    fn principal(&self, statement: &Statement) -> Meant {
        match (statement.get("Principal"), statement.get("NotPrincipal")) {
            (Some(principal), None) => self.names(principal),
            (None, Some(others)) => match self.names(others) {
                No => Yes,
                // Whoever is spared from a deny has to be named with account, role and session.
                Yes if is_deny(statement) => Unclear,
                Unclear => Unclear,
                Yes => No,
            },
            _ => Unclear,
        }
    }

    /// Whether a principal stands for the account, or for everybody.
    fn names(&self, principal: &Value) -> Meant {
        let by_kind = match principal {
            Value::String(all) if all == "*" => return Yes,
            Value::Object(by_kind) => by_kind,
            _ => return Unclear,
        };
        let root = format!("arn:aws:iam::{}:root", self.account);
        let parts = [format!("arn:aws:iam::{}:", self.account), format!("arn:aws:sts::{}:", self.account)];
        one_of(by_kind.get("AWS"), |name| {
            if name == "*" || name == self.account || name == root {
                Yes
            } else if parts.iter().any(|part| name.starts_with(part)) {
                // Who of the account it is that comes is not known.
                Unclear
            } else {
                No
            }
        })
    }

    fn action(&self, statement: &Statement) -> Meant {
        let asked = self.action.to_lowercase();
        given(statement, "Action", "NotAction", |action| meant(is_like(&action.to_lowercase(), &asked)))
    }

    fn resource(&self, statement: &Statement) -> Meant {
        given(statement, "Resource", "NotResource", |pattern| {
            if pattern.contains("${") { Unclear } else { meant(is_arn_like(pattern, self.resource)) }
        })
    }

    fn conditions(&self, statement: &Statement) -> Meant {
        let by_operator = match statement.get("Condition") {
            None => return Yes,
            Some(Value::Object(by_operator)) => by_operator,
            Some(_) => return Unclear,
        };
        let conditions = by_operator.iter().flat_map(|(operator, by_key)| {
            let by_key = by_key.as_object().into_iter().flatten();
            by_key.map(move |(key, values)| self.condition(operator, key, values))
        });
        conditions.min().unwrap_or(Yes)
    }

    fn condition(&self, operator: &str, key: &str, values: &Value) -> Meant {
        let key = key.to_lowercase();
        let Some((_, known)) = self.known.iter().find(|(name, _)| *name == key) else { return Unclear };
        let operator = operator.to_lowercase();
        let operator = operator.strip_suffix("ifexists").unwrap_or(&operator);
        let any = |matches: fn(&str, &str) -> bool| {
            one_of(Some(values), |value| if value.contains("${") { Unclear } else { meant(matches(value, known)) })
        };
        match operator {
            "stringequals" => any(|value, known| value == known),
            "stringnotequals" => not(any(|value, known| value == known)),
            "stringequalsignorecase" | "bool" => any(str::eq_ignore_ascii_case),
            "stringnotequalsignorecase" => not(any(str::eq_ignore_ascii_case)),
            "stringlike" => any(is_like),
            "stringnotlike" => not(any(is_like)),
            _ => Unclear,
        }
    }
}

fn meant(is: bool) -> Meant {
    if is { Yes } else { No }
}

fn not(meant: Meant) -> Meant {
    match meant {
        Yes => No,
        Unclear => Unclear,
        No => Yes,
    }
}

/// An element in its positive or its negative form; one of them has to be there.
fn given(statement: &Statement, name: &str, opposite: &str, test: impl Fn(&str) -> Meant) -> Meant {
    match (statement.get(name), statement.get(opposite)) {
        (Some(values), None) => one_of(Some(values), test),
        (None, Some(values)) => not(one_of(Some(values), test)),
        _ => Unclear,
    }
}

/// Whether one of the values is meant: a value alone, or a list.
fn one_of(values: Option<&Value>, test: impl Fn(&str) -> Meant) -> Meant {
    let test = |value: &Value| match value {
        Value::String(text) => test(text),
        Value::Bool(is) => test(if *is { "true" } else { "false" }),
        _ => Unclear,
    };
    match values {
        None => No,
        Some(Value::Array(values)) => values.iter().map(test).max().unwrap_or(No),
        Some(value) => test(value),
    }
}

/// ARNs are compared part by part, a wildcard standing for no more than one; parts that a pattern lacks are wildcards.
fn is_arn_like(pattern: &str, arn: &str) -> bool {
    let mut patterns = pattern.splitn(6, ':');
    pattern == "*" || arn.splitn(6, ':').all(|part| is_like(patterns.next().unwrap_or("*"), part))
}

/// `*` stands for any characters, `?` for one.
fn is_like(pattern: &str, text: &str) -> bool {
    let (pattern, text): (Vec<char>, Vec<char>) = (pattern.chars().collect(), text.chars().collect());
    let (mut p, mut t) = (0, 0);
    // The last star, and up to where the text is taken for it.
    let mut star: Option<(usize, usize)> = None;
    while t < text.len() {
        match pattern.get(p) {
            Some('*') => {
                star = Some((p, t));
                p += 1;
            }
            Some(c) if *c == '?' || *c == text[t] => {
                p += 1;
                t += 1;
            }
            _ => {
                let Some((place, taken)) = star else { return false };
                star = Some((place, taken + 1));
                p = place + 1;
                t = taken + 1;
            }
        }
    }
    pattern[p..].iter().all(|c| *c == '*')
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;
