//! The words of the contract in JSON, as `docs/json-output.md` describes them. This file is a module of the adapters and of the
//! driver, each with its own types of the contract.

use std::fmt::Debug;

use serde_json::{Value, json};

use crate::contract::Problem;
use crate::time::rfc3339;

/// A failure in words and facts.
pub fn problem_json(problem: &Problem) -> Value {
    json!({
        "cause": name(&problem.cause),
        "remedy_by": name(&problem.remedy_by),
        "happened": problem.happened,
        "still_works": problem.still_works,
        "action": name(&problem.action),
        "remedy": problem.remedy,
        "act_by": optional(problem.act_by),
        "amazon": problem.amazon.as_ref().map(|amazon| json!({
            "status": amazon.status,
            "code": amazon.code,
            "message": amazon.message,
            "details": amazon.details,
            "request_id": amazon.request_id,
        })),
        "retry_at": optional(problem.retry_at),
    })
}

/// An instant, or `null`.
pub fn optional(at: Option<u64>) -> Option<String> {
    at.map(rfc3339)
}

/// The name that a case has in the contract: `State::Settled` is `settled`, and so are cases that carry something.
pub fn name(case: &impl Debug) -> String {
    let text = format!("{case:?}");
    let last = text.split('(').next().and_then(|path| path.rsplit("::").next()).unwrap_or_default();
    let mut name = String::new();
    for letter in last.chars() {
        if letter.is_ascii_uppercase() && !name.is_empty() {
            name.push('-');
        }
        name.push(letter.to_ascii_lowercase());
    }
    name
}
