//! What SQS and KMS say of a queue: its policy, its key's policy, its redrive policy, and other attributes.
//!
//! The input is a list of texts, separated by lines of `%%`, in that order; each attribute is a name, a space and a value. A text
//! that is empty or missing leaves a queue without faults as it is.
//!
//! Rule 12: a queue whose policy or key denies Amazon is never fine, however the policy is written and wherever the statement
//! that denies is in it. Rule 16: what is not fine says what to do, and no check is left out.

use lwa_rotate_component::bindings::exports::lwa::rotation::rotation::{QueueFinding, Severity};
use lwa_rotate_component::bindings::lwa::rotation::queue::{Attribute, Flow, Gap, Inspection, Key, KeyDescription};
use lwa_rotate_component::queue::{self, SENDER};
use serde_json::{Value, json};

const QUEUE: &str = "arn:aws:sqs:us-east-1:123456789012:lwa";
const KEY: &str = "arn:aws:kms:us-east-1:123456789012:key/k1";
/// All checks, in the order of their findings.
const CHECKS: [&str; 10] = [
    "reachable",
    "type",
    "policy",
    "encryption",
    "retention",
    "dead-letter-queue",
    "visibility-timeout",
    "message-size",
    "delay",
    "messages",
];
/// More than any finding's text has, but for the texts of gaps.
const LONGEST: usize = 2048;

/// Takes the texts in.
pub fn take_in(input: &[u8]) {
    let Ok(input) = std::str::from_utf8(input) else { return };
    let mut texts = input.split("\n%%\n");
    let mut next = || texts.next().unwrap_or_default();
    let (policy, key_policy, redrive) = (next(), next(), next());
    let others: Vec<_> = texts.filter_map(|text| text.split_once(' ')).collect();
    let inspection = inspection(policy, key_policy, redrive, &others);
    let findings = judge(&inspection);

    if denies(policy, "sqs:SendMessage", QUEUE) && !others.iter().any(|(name, _)| *name == "QueueArn") {
        assert_ne!(of(&findings, "policy").severity, Severity::Fine, "a policy that denies Amazon is fine");
    }
    if denies(key_policy, "kms:Decrypt", KEY) {
        assert_ne!(of(&findings, "encryption").severity, Severity::Fine, "a key that denies Amazon is fine");
    }
    for key in [false, true] {
        let text = if key { key_policy } else { policy };
        let Some((before, after)) = with_deny(text) else { continue };
        let judged = |text: &Value| {
            let text = text.to_string();
            let (policy, key_policy) = if key { (policy, text.as_str()) } else { (text.as_str(), key_policy) };
            of(
                &judge(&self::inspection(policy, key_policy, redrive, &others)),
                if key { "encryption" } else { "policy" },
            )
        };
        let (was, is) = (judged(&before), judged(&after));
        assert_ne!(is.severity, Severity::Fine, "a deny of all is overlooked");
        // What is too long or too deep, with that one statement more, is not judged at all.
        let unreadable =
            is.evidence.contains("policy cannot be judged") || is.evidence.contains("key cannot be judged");
        assert!(is.severity >= was.severity || unreadable, "a deny made it finer: {was:?}, {is:?}");
    }
}

/// A queue without faults, changed so.
fn inspection(policy: &str, key_policy: &str, redrive: &str, others: &[(&str, &str)]) -> Inspection {
    let mut attributes = vec![
        ("QueueArn", QUEUE),
        ("RedrivePolicy", redrive),
        ("MessageRetentionPeriod", "1209600"),
        ("VisibilityTimeout", "30"),
        ("MaximumMessageSize", "1048576"),
        ("DelaySeconds", "0"),
        ("ApproximateNumberOfMessages", "0"),
        ("ApproximateNumberOfMessagesNotVisible", "0"),
        ("ApproximateNumberOfMessagesDelayed", "0"),
    ];
    attributes.retain(|(name, _)| !others.iter().any(|(other, _)| other == name));
    attributes.extend(others);
    attributes.push(("Policy", policy));
    let is_pushed = policy.len().is_multiple_of(2);
    let description = KeyDescription { arn: KEY.into(), state: "Enabled".into(), managed_by_aws: false };
    let key = Key { description: Ok(description), policy: Ok(key_policy.into()) };
    Inspection {
        attributes: Ok(attributes
            .into_iter()
            .map(|(name, value)| Attribute { name: name.into(), value: value.into() })
            .collect()),
        key: (!key_policy.is_empty()).then_some(key),
        flow: if is_pushed { Flow::Pushed } else { Flow::Pulled },
    }
}

/// Judges it, and sees that the findings are whole.
fn judge(inspection: &Inspection) -> Vec<QueueFinding> {
    let findings = queue::judge(inspection);
    assert_eq!(findings, queue::judge(inspection), "rule 10: same inputs, same run");
    assert!(findings.iter().map(|finding| finding.check.as_str()).eq(CHECKS), "rule 16: a check is left out");
    for finding in &findings {
        let is_fine = finding.severity == Severity::Fine;
        assert!(!finding.evidence.is_empty(), "{finding:?}");
        assert_eq!((finding.consequence.is_empty(), finding.remedy.is_empty()), (is_fine, is_fine), "{finding:?}");
        for text in [&finding.evidence, &finding.consequence, &finding.remedy] {
            assert!(
                text.len() <= LONGEST && text.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic()),
                "{text:?}"
            );
        }
    }
    let unknown = Inspection { attributes: Err(Gap::Denied("denied".into())), ..inspection.clone() };
    assert!(queue::counts(&unknown).is_none() && queue::judge(&unknown).len() == 1);
    findings
}

fn of(findings: &[QueueFinding], check: &str) -> QueueFinding {
    findings.iter().find(|finding| finding.check == check).expect("every check has a finding").clone()
}

/// Whether a policy holds a plain denial of Amazon, as its statements are usually written.
fn denies(policy: &str, action: &str, resource: &str) -> bool {
    let Ok(policy) = serde_json::from_str::<Value>(policy) else { return false };
    let statements = match &policy["Statement"] {
        Value::Array(statements) => &statements[..],
        statement => std::slice::from_ref(statement),
    };
    let root = format!("arn:aws:iam::{SENDER}:root");
    statements.iter().any(|statement| {
        let names = |element: &str, wanted: &[&str]| match &statement[element] {
            Value::Array(names) => names.iter().any(|name| wanted.iter().any(|wanted| name == wanted)),
            name => wanted.iter().any(|wanted| name == wanted),
        };
        let principal = &statement["Principal"];
        let amazon = principal == "*" || [json!(SENDER), json!(root), json!("*")].contains(&principal["AWS"]);
        let alone = ["Condition", "NotPrincipal", "NotAction", "NotResource"];
        statement["Effect"] == "Deny"
            && amazon
            && names("Action", &["*", action])
            && names("Resource", &["*", resource])
            && alone.iter().all(|element| statement.get(element).is_none())
    })
}

/// The policy as it is read, and the same with a statement that denies Amazon everything, in front or behind.
fn with_deny(policy: &str) -> Option<(Value, Value)> {
    let before: Value = serde_json::from_str(policy).ok()?;
    let deny = json!({ "Effect": "Deny", "Principal": { "AWS": SENDER }, "Action": "*", "Resource": "*" });
    let mut after = before.clone();
    let statements = after.as_object_mut()?.entry("Statement").or_insert_with(|| json!([]));
    if !statements.is_array() {
        *statements = json!([statements.take()]);
    }
    let place = if policy.len().is_multiple_of(2) { 0 } else { statements.as_array()?.len() };
    statements.as_array_mut()?.insert(place, deny);
    Some((before, after))
}
