//! A scenario as text: members in an order that reads well, and on one line what fits on one.

use serde_json::{Map, Value};

const WIDTH: usize = 150;
/// These come first, in this order; the others follow by name.
const FIRST: [&str; 28] = [
    "what",
    "rules",
    "whole",
    "applications",
    "random",
    "inspection",
    "records",
    "world",
    "at",
    "call",
    "with",
    "imports",
    "steps",
    "returns",
    "ends",
    "records-after",
    "ok",
    "err",
    "client-id",
    "state",
    "name",
    "method",
    "url",
    "request",
    "holds",
    "id",
    "cause",
    "remedy-by",
];
const LAST: [&str; 6] = ["problem", "targets", "answer", "kept", "meanwhile", "takes"];

pub fn printed(document: &Value) -> String {
    let mut text = String::new();
    print(document, 0, 0, &mut text);
    text.push('\n');
    text
}

fn in_order(members: &Map<String, Value>) -> Vec<(&String, &Value)> {
    let place = |name: &str| {
        let of = |all: &[&str]| all.iter().position(|known| *known == name);
        let import = name.contains('.') && !name.contains("amzn");
        if import { 0 } else { of(&FIRST).map(|at| at + 1).or(of(&LAST).map(|at| at + 200)).unwrap_or(100) }
    };
    let mut sorted: Vec<_> = members.iter().collect();
    sorted.sort_by_key(|(name, _)| place(name));
    sorted
}

fn on_one_line(value: &Value) -> String {
    match value {
        Value::Object(members) if !members.is_empty() => {
            let each = in_order(members).into_iter().map(|(name, value)| format!("\"{name}\": {}", on_one_line(value)));
            format!("{{ {} }}", each.collect::<Vec<_>>().join(", "))
        }
        Value::Array(all) if !all.is_empty() => {
            format!("[ {} ]", all.iter().map(on_one_line).collect::<Vec<_>>().join(", "))
        }
        other => other.to_string(),
    }
}

fn print(value: &Value, indent: usize, taken: usize, text: &mut String) {
    let line = on_one_line(value);
    let top = indent == 0;
    let numbers = matches!(value, Value::Array(all) if all.iter().all(Value::is_number));
    let breaks = |all: usize| !numbers && all > 0 && (top || indent + taken + line.len() > WIDTH);
    let space = " ".repeat(indent + 2);
    match value {
        Value::Object(members) if breaks(members.len()) => {
            text.push_str("{\n");
            for (number, (name, value)) in in_order(members).into_iter().enumerate() {
                text.push_str(if number == 0 { "" } else { ",\n" });
                text.push_str(&format!("{space}\"{name}\": "));
                print(value, indent + 2, name.len() + 4, text);
            }
            text.push_str(&format!("\n{}}}", " ".repeat(indent)));
        }
        Value::Array(all) if breaks(all.len()) => {
            text.push_str("[\n");
            for (number, value) in all.iter().enumerate() {
                text.push_str(if number == 0 { "" } else { ",\n" });
                text.push_str(&space);
                print(value, indent + 2, 0, text);
            }
            text.push_str(&format!("\n{}]", " ".repeat(indent)));
        }
        _ => text.push_str(&line),
    }
}
