//! The command line.

use std::env;
use std::io::{Read, Write, stderr, stdin, stdout};

use serde_json::{Value, json};

use crate::Driver;
use crate::applications::{Failed, advance, named, rotate, settle};
use crate::contract::lwa::rotation::rotation::{self, ApplicationStatus, Decision, Error, Severity};
use crate::contract::lwa::stock::configuration::{Application, applications};
use crate::json::{answer_json, failure_json, findings_json, status_json};
use crate::time::instant;

const USAGE: &str = "\
lwa-rotate.wasm enroll APP [--expires-at T [--yes]]    takes the current secret from standard input
lwa-rotate.wasm rotate APP [--force]                   rotates now, and stays until the new secret is published
lwa-rotate.wasm advance APP                            does what can be done now without waiting; for a schedule
lwa-rotate.wasm cancel APP                             takes a wanted rotation back, for a day
lwa-rotate.wasm set-expiry APP T [--yes]               says when the current secret ends
lwa-rotate.wasm publish APP                            writes the current secret to its targets again
lwa-rotate.wasm resume APP --wait|--request-again      a person's decision on a stalled rotation
lwa-rotate.wasm forget APP                             removes the record of a settled application
lwa-rotate.wasm check APP                              whether a new secret would arrive in the queue, and stay
lwa-rotate.wasm status [APP]";

impl wasip2::exports::cli::run::Guest for Driver {
    fn run() -> Result<(), ()> {
        let arguments: Vec<String> = env::args().skip(1).collect();
        let mut arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let mut option = |name: &str| {
            let before = arguments.len();
            arguments.retain(|argument| *argument != name);
            arguments.len() < before
        };
        let (yes, force) = (option("--yes"), option("--force"));
        let about = |name: &str, what: &dyn Fn(&Application) -> Result<ApplicationStatus, Failed>| {
            answer_json(name, &named(name).and_then(|app| what(&app)))
        };
        let asked = |answer: Result<ApplicationStatus, Error>| answer.map_err(Failed::Rotation);
        let (document, well) = match arguments[..] {
            ["enroll", name] => answer_json(name, &enroll(name, None, yes)),
            ["enroll", name, "--expires-at", at] => match instant(at) {
                Some(at) => answer_json(name, &enroll(name, Some(at), yes)),
                None => return usage("--expires-at is such as 2027-01-31T12:00:00Z, or 2027-01-31"),
            },
            ["set-expiry", name, at] => match instant(at) {
                Some(at) => about(name, &|app| asked(rotation::set_expiry(&app.client_id, at, yes))),
                None => return usage("an instant is such as 2027-01-31T12:00:00Z, or 2027-01-31"),
            },
            ["rotate", name] => about(name, &|app| rotate(app, force)),
            ["advance", name] => about(name, &advance),
            ["cancel", name] => about(name, &|app| asked(rotation::cancel(&app.client_id, None))),
            ["publish", name] => about(name, &|app| {
                rotation::republish(&app.client_id, None).map_err(Failed::Rotation)?;
                settle(app)
            }),
            ["resume", name, "--wait"] => about(name, &|app| asked(rotation::resume(&app.client_id, Decision::Wait))),
            ["resume", name, "--request-again"] => {
                about(name, &|app| asked(rotation::resume(&app.client_id, Decision::RequestAgain)))
            }
            ["forget", name] => {
                let forgotten = named(name).and_then(|app| rotation::forget(&app.client_id).map_err(Failed::Rotation));
                match forgotten {
                    Ok(()) => (json!({ "forgotten": name }), true),
                    Err(failed) => (failure_json(name, &failed), false),
                }
            }
            ["check", name] => match named(name) {
                Ok(app) => {
                    let findings = rotation::check_queue(&app.queue);
                    let blocks = |severity| matches!(severity, Severity::Blocking | Severity::Doubtful);
                    (findings_json(&findings), !findings.iter().any(|finding| blocks(finding.severity)))
                }
                Err(failed) => (failure_json(name, &failed), false),
            },
            ["status"] => status(None),
            ["status", name] => status(Some(name)),
            // Not repeated: it might be a secret.
            _ => return usage("that is none of"),
        };
        writeln!(stdout(), "{document}").map_err(drop)?;
        if well { Ok(()) } else { Err(()) }
    }
}

fn usage(wrong: &str) -> Result<(), ()> {
    let _ = writeln!(stderr(), "{wrong}\n{USAGE}");
    Err(())
}

fn enroll(name: &str, expires_at: Option<u64>, confirmed: bool) -> Result<ApplicationStatus, Failed> {
    let app = named(name)?;
    let mut secret = Vec::new();
    let read = stdin().take(4_096).read_to_end(&mut secret);
    read.map_err(|error| Failed::Rotation(Error::Other(format!("cannot read the secret: {error}"))))?;
    rotation::enroll(&app.client_id, secret.trim_ascii(), expires_at, confirmed).map_err(Failed::Rotation)?;
    rotation::advance(&app.client_id).map_err(Failed::Rotation)
}

/// All applications, or the one of this name.
fn status(name: Option<&str>) -> (Value, bool) {
    let all = match name {
        Some(name) => named(name).map(|app| vec![app]),
        None => applications().map_err(Failed::Configuration),
    };
    let mut well = true;
    let mut apps = Vec::new();
    match all {
        Err(failed) => return (failure_json(name.unwrap_or_default(), &failed), false),
        Ok(all) => {
            for app in all {
                apps.push(match rotation::status(&app.client_id) {
                    Ok(status) => status_json(&app.name, &status),
                    Err(Error::NotEnrolled) => {
                        json!({ "app": app.name, "client_id": app.client_id, "enrolled": false })
                    }
                    Err(error) => {
                        well = false;
                        failure_json(&app.name, &Failed::Rotation(error))
                    }
                });
            }
        }
    }
    (json!({ "apps": apps }), well)
}
