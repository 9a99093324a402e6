//! Whether a statement of a policy applies to what an account wants to do.

use core::slice;

use Applies::{No, Unclear, Yes};

use super::wildcard::{has_variable, is_arn_like, is_like, same};
use crate::json::Json;
use crate::queue::shown;

/// The elements of a statement that are judged, or are of no consequence.
const ELEMENTS: [&str; 9] =
    ["Sid", "Effect", "Principal", "NotPrincipal", "Action", "NotAction", "Resource", "NotResource", "Condition"];

/// What an account of AWS wants to do.
pub(in super::super) struct Asked<'a> {
    /// The account's number. It does not own the resource.
    pub(in super::super) account: &'a str,
    pub(in super::super) action: &'a str,
    /// The resource's ARN; empty if unknown.
    pub(in super::super) resource: &'a str,
    /// What is known of the request: condition keys with their values.
    pub(in super::super) known: &'a [(&'a str, &'a str)],
}

/// Whether a statement, or a part of it, applies. Ordered, so that the least of several counts where all must apply, and the
/// greatest where one is enough.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Applies {
    No,
    Unclear,
    Yes,
}

impl Asked<'_> {
    pub(super) fn applies(&self, statement: &Json) -> Applies {
        let parts = self.parts(statement).into_iter().map(|(applies, _)| applies);
        parts.min().unwrap_or(Unclear).min(self.conditions(statement).0)
    }

    /// Every part of a statement but its conditions, with its name.
    fn parts(&self, statement: &Json) -> [(Applies, &'static str); 4] {
        [
            (form(statement), "form"),
            (self.principal(statement), "principal"),
            (self.action(statement), "action"),
            (self.resource(statement), "resource"),
        ]
    }

    /// What of a statement cannot be judged.
    pub(super) fn doubt(&self, statement: &Json) -> String {
        match self.parts(statement).into_iter().find(|(applies, _)| *applies == Unclear) {
            Some((_, part)) => [part, " cannot be judged"].concat(),
            None => {
                let (_, [operator, key]) = self.conditions(statement);
                ["condition ", &shown(operator), " on ", &shown(key), " cannot be judged"].concat()
            }
        }
    }

    /// Why a statement that allows the account something does not help; `None` for other statements.
    pub(super) fn miss(&self, statement: &Json) -> Option<&'static str> {
        if statement.text_or_empty("Effect") != "Allow" || self.principal(statement) == No {
            None
        } else if self.action(statement) == No {
            Some(" allows it other actions")
        } else if self.resource(statement) == No {
            Some(" allows it for another resource")
        } else {
            Some(" allows it under a condition that does not hold")
        }
    }

    fn principal(&self, statement: &Json) -> Applies {
        match (statement.get("Principal"), statement.get("NotPrincipal")) {
            (Some(principal), None) => self.names(principal),
            (None, Some(others)) => match self.names(others) {
                // A principal is exempt from a deny only if the account, the role and the session are all named.
                Yes if statement.text_or_empty("Effect") == "Deny" => Unclear,
                names => not(names),
            },
            _ => Unclear,
        }
    }

    /// Whether a principal is the account, or everyone.
    fn names(&self, principal: &Json) -> Applies {
        match principal {
            Json::Text(all) if all.expose() == b"*" => Yes,
            Json::Object(by_kind) => {
                let names = by_kind.iter().map(|(kind, names)| match kind.as_str() {
                    "AWS" => one_of(names, |name| self.is_account(name)),
                    "Service" | "Federated" => No,
                    _ => Unclear,
                });
                names.max().unwrap_or(Unclear)
            }
            _ => Unclear,
        }
    }

    fn is_account(&self, name: &str) -> Applies {
        if name == "*" || name == self.account {
            return Yes;
        }
        let parts: Vec<&str> = name.splitn(6, ':').collect();
        match parts[..] {
            ["arn", partition, service, region, account, rest] if !name.contains(['*', '?', '$']) => {
                if partition != "aws" || account != self.account {
                    No
                } else if service == "iam" && region.is_empty() && rest == "root" {
                    Yes
                } else {
                    // Which role of the account Amazon uses is not known.
                    Unclear
                }
            }
            // Another account, or the id of a user or role that was deleted.
            _ if name.bytes().all(|byte| byte.is_ascii_alphanumeric()) => No,
            _ => Unclear,
        }
    }

    fn action(&self, statement: &Json) -> Applies {
        given(statement, "Action", "NotAction", |pattern| {
            decided(is_like(pattern, self.action, |a, b| a.eq_ignore_ascii_case(&b)))
        })
    }

    fn resource(&self, statement: &Json) -> Applies {
        given(statement, "Resource", "NotResource", |pattern| {
            if pattern == "*" {
                Yes
            } else if self.resource.is_empty() || has_variable(pattern) {
                Unclear
            } else if is_arn_like(pattern, self.resource) {
                Yes
            } else if is_like(pattern, self.resource, same) {
                // At the end of a part, a star may stand for the parts that follow too.
                Unclear
            } else {
                No
            }
        })
    }

    /// Whether all conditions hold, with operator and key of the first of those that decide it.
    fn conditions<'s>(&self, statement: &'s Json) -> (Applies, [&'s str; 2]) {
        let mut least = (Yes, [""; 2]);
        let mut add = |applies, operator, key| {
            if applies < least.0 {
                least = (applies, [operator, key]);
            }
        };
        match statement.get("Condition") {
            None => {}
            Some(Json::Object(by_operator)) => {
                for (operator, by_key) in by_operator {
                    match by_key {
                        Json::Object(by_key) if !by_key.is_empty() => {
                            for (key, values) in by_key {
                                add(self.condition(operator, key, values), operator, key);
                            }
                        }
                        _ => add(Unclear, operator, "no key"),
                    }
                }
            }
            Some(_) => add(Unclear, "without operator", "no key"),
        }
        least
    }

    /// A condition on what is not known cannot be judged. `IfExists` changes nothing for a key that is there, and of
    /// `ForAllValues` and `ForAnyValue` nothing is known.
    fn condition(&self, operator: &str, key: &str, values: &Json) -> Applies {
        let known = self.known.iter().find(|(name, _)| name.eq_ignore_ascii_case(key));
        let Some((_, known)) = known else { return Unclear };
        let operator = operator.to_ascii_lowercase();
        let compared = |matches: fn(&str, &str) -> bool| {
            one_of(values, |value| if has_variable(value) { Unclear } else { decided(matches(value, known)) })
        };
        let truth = |matches: fn(&str, &str) -> bool| {
            one_of(values, |value| match value.to_ascii_lowercase().as_str() {
                value @ ("true" | "false") => decided(matches(value, known)),
                _ => Unclear,
            })
        };
        match operator.strip_suffix("ifexists").unwrap_or(&operator) {
            "stringequals" => compared(|value, known| value == known),
            "stringnotequals" => not(compared(|value, known| value == known)),
            "stringequalsignorecase" => compared(str::eq_ignore_ascii_case),
            "stringnotequalsignorecase" => not(compared(str::eq_ignore_ascii_case)),
            "stringlike" => compared(|pattern, known| is_like(pattern, known, same)),
            "stringnotlike" => not(compared(|pattern, known| is_like(pattern, known, same))),
            "bool" => truth(|value, known| value == known),
            // Whether the key is absent.
            "null" => truth(|value, _| value == "false"),
            _ => Unclear,
        }
    }
}

/// Whether a statement has a known effect and known elements only.
fn form(statement: &Json) -> Applies {
    match statement {
        Json::Object(elements) => {
            let known = elements.iter().all(|(name, _)| ELEMENTS.contains(&name.as_str()));
            if known && matches!(statement.text_or_empty("Effect"), "Allow" | "Deny") { Yes } else { Unclear }
        }
        _ => Unclear,
    }
}

fn decided(applies: bool) -> Applies {
    if applies { Yes } else { No }
}

fn not(applies: Applies) -> Applies {
    match applies {
        Yes => No,
        Unclear => Unclear,
        No => Yes,
    }
}

/// An element in its positive or its negative form; one of them has to be there.
fn given(statement: &Json, name: &str, opposite: &str, test: impl Fn(&str) -> Applies) -> Applies {
    match (statement.get(name), statement.get(opposite)) {
        (Some(values), None) => one_of(values, test),
        (None, Some(values)) => not(one_of(values, test)),
        _ => Unclear,
    }
}

/// Whether one of the values applies: a value alone, or a list.
fn one_of(values: &Json, test: impl Fn(&str) -> Applies) -> Applies {
    let values = match values {
        Json::List(values) => values,
        value => slice::from_ref(value),
    };
    let each = values.iter().map(|value| match value {
        Json::Text(text) => test(text.expose_text()),
        Json::Truth(true) => test("true"),
        Json::Truth(false) => test("false"),
        _ => Unclear,
    });
    each.max().unwrap_or(Unclear)
}
