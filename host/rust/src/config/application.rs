//! The applications and their publish targets.

use std::collections::BTreeMap;
use std::path::Path;

use super::duration::Bounds;
use super::endpoint::{Purpose, endpoint};
use super::mistake::Report;
use super::section::{Section, Setting, nearest};
use super::taken::{Taken, Written};
use super::{App, Format, Names, Queue, Target, TargetKind};
use crate::settings::TOKEN_ENDPOINT;

/// See <https://developer-docs.amazon.com/sp-api/docs/sp-api-endpoints>.
const REGIONS: [(&str, &str); 3] = [
    ("na", "https://sellingpartnerapi-na.amazon.com"),
    ("eu", "https://sellingpartnerapi-eu.amazon.com"),
    ("fe", "https://sellingpartnerapi-fe.amazon.com"),
];

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

const TIMEOUT: Bounds = Bounds {
    default: "30s",
    // A host that writes for two minutes is taken for dead.
    range: "1s"..="100s",
    reason: "a command that takes longer is stopped and tried again later",
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
    let place = taken.place(report.line(&name.at));
    if let Some(other) = taken.name(name.value) {
        let text = format!("there is an application named `{}` already ({})", name.value, taken.words(&other));
        report.add(Some(name.at.clone()), text, Some("give one of them another name"));
    }
    taken.take_name(name.value, place);
    let client_id = client_id(name, section, taken, report);
    let api_endpoint = api_endpoint(section, report);
    let token_endpoint = match section.text("token-endpoint", report) {
        Some(text) => endpoint(&text, Purpose::Token, report),
        None => Some(TOKEN_ENDPOINT.to_owned()),
    };
    let queue = queue(section, queues, report);
    let rotate_before = section.duration("rotate-before", &ROTATE_BEFORE, report);
    let patience = section.duration("patience", &PATIENCE, report);
    let mut publish = targets(name.value, section, folder, taken, report);
    publish.shrink_to_fit();
    Some(App {
        name: name.value.to_owned(),
        client_id: client_id?,
        api_endpoint: api_endpoint?,
        token_endpoint: token_endpoint?,
        queue: queue?,
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
    let place = taken.place(report.line(&id.at));
    if let Some((other, at)) = taken.client_id(id.value) {
        let at = taken.words(&at);
        let text = format!("`{}` and `{other}` ({at}) have the same client id {}", name.value, id.value);
        report.add(Some(id.at), text, Some("one application has one secret: keep one of the two tables"));
        return None;
    }
    taken.take_client_id(id.value, name.value, place);
    Some(id.value.to_owned())
}

fn api_endpoint(section: &mut Section<'_>, report: &mut Report) -> Option<String> {
    let both = section.holds("region") && section.holds("api-endpoint");
    if both {
        let hint = "keep `region` for Amazon itself, or `api-endpoint` for anything else";
        report.add(section.key("api-endpoint"), "`region` and `api-endpoint` are both given", Some(hint));
    }
    let address = section.text("api-endpoint", report);
    let region = section.choice("region", &REGIONS, report);
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

fn targets(app: &str, section: &mut Section<'_>, folder: &Path, taken: &mut Taken, report: &mut Report) -> Vec<Target> {
    let mut names = BTreeMap::new();
    let mut targets = Vec::new();
    for mut section in section.list("publish", report) {
        let name = section.text("name", report);
        let kind = kind(app, &mut section, folder, taken, report);
        let at = name.as_ref().map(|name| name.at.clone()).or_else(|| section.at());
        section.finish(report);
        let Some((default, kind)) = kind else { continue };
        let name = name.map_or(default, |name| name.value.to_owned());
        let line = at.as_ref().map_or(0, |at| report.line(at));
        if let Some(other) = names.insert(name.clone(), line) {
            let text = format!(
                "two publish targets of `{app}` have the name \"{}\", the other in line {other}",
                name.escape_debug()
            );
            report.add(at, text, Some("give one of them another `name`"));
            continue;
        }
        targets.push(Target { name, kind });
    }
    targets
}

/// What a target is, with the name it has if it is given none.
fn kind(
    app: &str,
    section: &mut Section<'_>,
    folder: &Path,
    taken: &mut Taken,
    report: &mut Report,
) -> Option<(String, TargetKind)> {
    #[derive(Clone)]
    enum Kind {
        File,
        Exec,
    }
    if !section.holds("kind") {
        section.missing("kind", Some("write kind = \"file\" or kind = \"exec\""), report);
    }
    match section.choice("kind", &[("file", Kind::File), ("exec", Kind::Exec)], report) {
        Some(Kind::File) => file(app, section, folder, taken, report),
        Some(Kind::Exec) => exec(section, folder, report),
        None => {
            // Without a kind nobody can tell which keys belong here.
            section.ignore_the_rest();
            None
        }
    }
}

fn file(
    app: &str,
    section: &mut Section<'_>,
    folder: &Path,
    taken: &mut Taken,
    report: &mut Report,
) -> Option<(String, TargetKind)> {
    let path = section.required_text("path", report);
    if !section.holds("format") {
        section.missing("format", Some("write format = \"env\" or format = \"json\""), report);
    }
    let format = section.choice("format", &[("env", Format::Env), ("json", Format::Json)], report);
    let names = names(section, format.unwrap_or(Format::Json), report);
    let (path, format, names) = (path?, format?, names?);
    let file = folder.join(path.value);
    let place = taken.place(report.line(&path.at));
    if let Some(other) = taken.written(&file).iter().find(|other| !other.goes_with(format, &names)) {
        let at = taken.words(&other.place);
        let text = format!("`{app}` and `{}` ({at}) would overwrite each other in {}", other.app, path.value);
        report.add(
            Some(path.at),
            text,
            Some("give one of them another `path`, or the same `format` and other `names`"),
        );
        return None;
    }
    taken.take_file(file.clone(), Written { app: app.to_owned(), place, format, names: names.clone() });
    Some((format!("file:{}", path.value), TargetKind::File { path: file, format, names }))
}

fn names(section: &mut Section<'_>, format: Format, report: &mut Report) -> Option<Names> {
    let default = Names::of(format);
    let Some(mut section) = section.section("names", report) else {
        return Some(default);
    };
    let mut all_right = true;
    let mut name = |key, default| {
        let Some(text) = section.text(key, report) else { return default };
        if format == Format::Env && !is_variable(text.value) {
            let hint = "use letters, digits and `_`, with a letter or `_` first";
            report.add(
                Some(text.at),
                format!("\"{}\" is not the name of an environment variable", text.value.escape_debug()),
                Some(hint),
            );
            all_right = false;
        }
        text.value.to_owned()
    };
    let names = Names {
        client_id: name("client-id", default.client_id),
        client_secret: name("client-secret", default.client_secret),
        expires_at: name("expires-at", default.expires_at),
    };
    if names.client_id == names.client_secret
        || names.client_id == names.expires_at
        || names.client_secret == names.expires_at
    {
        report.add(section.at(), "two of the `names` are the same", None);
        all_right = false;
    }
    section.finish(report);
    all_right.then_some(names)
}

fn exec(section: &mut Section<'_>, folder: &Path, report: &mut Report) -> Option<(String, TargetKind)> {
    let timeout = section.duration("timeout", &TIMEOUT, report);
    let mut command = command(section, report)?;
    let program = command.first()?.clone();
    // A bare name is looked up in PATH; anything with a folder in it starts where the configuration lies.
    if program.contains('/') {
        command[0] = folder.join(&program).display().to_string();
    }
    Some((format!("exec:{program}"), TargetKind::Exec { command, timeout }))
}

fn command(section: &mut Section<'_>, report: &mut Report) -> Option<Vec<String>> {
    let hint = "write the program and its arguments as a list, such as [\"/usr/local/bin/take-secret\", \"shop\"]";
    let Some(setting) = section.value("command") else {
        section.missing("command", Some(hint), report);
        return None;
    };
    let words: Option<Vec<String>> = setting
        .value
        .as_array()
        .and_then(|list| list.iter().map(|word| word.get_ref().as_str().map(str::to_owned)).collect());
    match words {
        Some(words) if words.first().is_some_and(|program| !program.is_empty()) => Some(words),
        Some(_) => {
            report.add(Some(setting.at), "`command` names no program", Some(hint));
            None
        }
        None => {
            report.add(Some(setting.at), "`command` must be a list of texts", Some(hint));
            None
        }
    }
}

fn is_variable(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}
