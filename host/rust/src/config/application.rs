//! The applications.

use std::collections::BTreeMap;
use std::path::Path;

use super::duration::Bounds;
use super::endpoint::{Purpose, endpoint};
use super::mistake::Report;
use super::section::{Section, Setting, nearest};
use super::taken::Taken;
use super::{App, Queue, Rotate, target};
use crate::settings::TOKEN_ENDPOINT;

/// See <https://developer-docs.amazon.com/sp-api/docs/sp-api-endpoints>.
const REGIONS: [(&str, &str); 3] = [
    ("na", "https://sellingpartnerapi-na.amazon.com"),
    ("eu", "https://sellingpartnerapi-eu.amazon.com"),
    ("fe", "https://sellingpartnerapi-fe.amazon.com"),
];

const ROTATE: [(&str, Rotate); 2] = [("automatic", Rotate::Automatic), ("on-request", Rotate::OnRequest)];

const ROTATE_BEFORE: Bounds = Bounds {
    default: "30d",
    range: "1s"..="173d",
    reason: "a secret lives 180 days, and for the first 7 the one before it lives too: rotating again within them is not documented by Amazon",
};

const PATIENCE: Bounds = Bounds {
    default: "1h",
    range: "1s"..="6d",
    reason: "the old secret ends 7 days after the rotate call, and a person must have time to act before that",
};

/// Reads all of `[apps]`; their names also where there is a mistake in one.
pub(super) fn applications(
    root: &mut Section<'_>,
    folder: &Path,
    queues: &BTreeMap<String, Option<Queue>>,
    taken: &mut Taken,
    names: &mut Vec<String>,
    report: &mut Report,
) -> Vec<App> {
    let Some(mut all) = root.section("apps", report) else {
        return Vec::new();
    };
    let mut apps = Vec::new();
    for (name, mut section) in all.sections(report) {
        names.push(name.value.to_owned());
        apps.extend(application(&name, &mut section, folder, queues, taken, report));
        section.finish(report);
    }
    apps
}

fn application(
    name: &Setting<&str>,
    section: &mut Section<'_>,
    folder: &Path,
    queues: &BTreeMap<String, Option<Queue>>,
    taken: &mut Taken,
    report: &mut Report,
) -> Option<App> {
    let line = taken.line(report.line(&name.at));
    if let Some(other) = taken.name(name.value) {
        let text = format!("there is an application named `{}` already ({})", name.value, taken.words(&other));
        report.add(Some(name.at.clone()), text, Some("give one of them another name"));
    }
    taken.take_name(name.value, line);
    let client_id = client_id(name, section, taken, report);
    let api_endpoint = api_endpoint(section, report);
    let token_endpoint = match section.text("token-endpoint", report) {
        Some(text) => endpoint(&text, Purpose::Token, report),
        None => Some(TOKEN_ENDPOINT.to_owned()),
    };
    let queue = queue(section, queues, report);
    let rotate = section.choice("rotate", &ROTATE, report).unwrap_or_default();
    let rotate_before = section.duration("rotate-before", &ROTATE_BEFORE, report);
    let patience = section.duration("patience", &PATIENCE, report);
    let mut publish = target::targets(name.value, section, folder, taken, report);
    publish.shrink_to_fit();
    Some(App {
        name: name.value.to_owned(),
        client_id: client_id?,
        api_endpoint: api_endpoint?,
        token_endpoint: token_endpoint?,
        queue: queue?,
        rotate,
        rotate_before,
        patience,
        publish,
    })
}

fn client_id(
    name: &Setting<&str>,
    section: &mut Section<'_>,
    taken: &mut Taken,
    report: &mut Report,
) -> Option<String> {
    let id = section.required_text("client-id", report)?;
    if !id.value.bytes().all(|byte| byte.is_ascii_graphic()) {
        let hint =
            "copy it from the application's page in the Developer Console, such as amzn1.application-oa2-client.0123";
        report.add(Some(id.at), "`client-id` holds a space or another character that no client id has", Some(hint));
        return None;
    }
    // It would be shown wherever the application is named.
    if id.value.starts_with("amzn1.oa2-cs.") {
        let hint = "set the client id, and supply the secret with `lwa-rotate enroll`; this one has been written down: rotate it soon";
        report.add(Some(id.at), "`client-id` holds a client secret", Some(hint));
        return None;
    }
    if let Some(what) = not_a_client_id(id.value) {
        let hint = "copy the client id from the application's LWA credentials in the Developer Console (View beside the application): it begins with amzn1.application-oa2-client.";
        report.add(Some(id.at), format!("`client-id` holds {what}"), Some(hint));
        return None;
    }
    let line = taken.line(report.line(&id.at));
    if let Some((other, at)) = taken.client_id(id.value) {
        let at = taken.words(&at);
        let text = format!("`{}` and `{other}` ({at}) have the same client id {}", name.value, id.value);
        report.add(Some(id.at), text, Some("one application has one secret: keep one of the two tables"));
        return None;
    }
    taken.take_client_id(id.value, name.value, line);
    Some(id.value.to_owned())
}

/// What is pasted in place of a client id.
fn not_a_client_id(text: &str) -> Option<&'static str> {
    let begins = |starts: &[&str]| starts.iter().any(|start| text.starts_with(start));
    if begins(&["amzn1.sp.solution.", "amzn1.sellerapps.app.", "amzn1.application."]) {
        Some("the id of an application, which is not its client id")
    } else if begins(&["Atzr|", "Atza|", "Atc|"]) {
        Some("a token of LWA")
    } else if begins(&["AKIA", "ASIA"]) && text.len() == 20 {
        Some("an access key of AWS")
    } else if begins(&["arn:"]) {
        Some("an ARN of AWS")
    } else if begins(&["\"", "'", "`", "\u{201c}", "\u{2018}"]) {
        Some("a text in quotes of its own")
    } else {
        None
    }
}

fn api_endpoint(section: &mut Section<'_>, report: &mut Report) -> Option<String> {
    let both = section.holds("region") && section.holds("api-endpoint");
    if both {
        let hint = "keep `region` for Amazon itself, or `api-endpoint` for anything else";
        report.add(section.key("api-endpoint"), "`region` and `api-endpoint` are both given", Some(hint));
    }
    let address = section.text("api-endpoint", report);
    let region = region(section, report);
    match (address, region) {
        (Some(address), _) => endpoint(&address, Purpose::Api, report),
        (None, Some(region)) => Some(region.to_owned()),
        (None, None) => {
            if !section.holds("region") && !section.holds("api-endpoint") {
                section.missing(
                    "region",
                    Some("write region = \"na\", \"eu\" or \"fe\", or an `api-endpoint`"),
                    report,
                );
            }
            None
        }
    }
}

/// One of SP-API's three. AWS has regions too, and the queue's is often at hand.
fn region(section: &mut Section<'_>, report: &mut Report) -> Option<&'static str> {
    let text = section.value("region").and_then(|setting| Some((setting.value.as_str()?, setting.at)));
    if let Some((value, at)) = text
        && let Some(ours) = of_aws(value)
    {
        let hint = format!(
            "write \"na\" for America, \"eu\" for Europe, the Middle East and India, \"fe\" for Japan, Australia and Singapore; for {value} that would be \"{ours}\". The region of the queue is in its url"
        );
        report.add(Some(at), "`region` is SP-API's region, and not one of AWS", Some(&hint));
        return None;
    }
    section.choice("region", &REGIONS, report)
}

/// The region of SP-API where a region of AWS is.
fn of_aws(region: &str) -> Option<&'static str> {
    let parts: Vec<&str> = region.split('-').collect();
    if parts.len() < 3 || !parts.last()?.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    match (parts[0], parts[1]) {
        ("us" | "ca" | "mx" | "sa", _) => Some("na"),
        ("eu" | "me" | "af" | "il", _) | ("ap", "south") => Some("eu"),
        ("ap", _) => Some("fe"),
        _ => None,
    }
}

fn queue(section: &mut Section<'_>, queues: &BTreeMap<String, Option<Queue>>, report: &mut Report) -> Option<String> {
    let queue = section.required_text("queue", report)?;
    if !queues.contains_key(queue.value) {
        let names: Vec<&str> = queues.keys().map(String::as_str).collect();
        let hint = match (nearest(queue.value, &names), names.as_slice()) {
            (Some(nearest), _) => format!("did you mean \"{nearest}\"?"),
            (None, []) => format!("add a table [queues.{}] with its url", queue.value),
            (None, names) => format!("there are: {}", names.join(", ")),
        };
        report.add(Some(queue.at), format!("there is no queue named \"{}\"", queue.value.escape_debug()), Some(&hint));
        return None;
    }
    Some(queue.value.to_owned())
}
