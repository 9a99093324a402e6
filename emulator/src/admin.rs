//! The emulator's own address, `/_emulator/`: state, journal, faults, time, messages, rotations from elsewhere.
//!
//! | request | does |
//! | --- | --- |
//! | `GET /_emulator/state` | applications, ends of secrets, message counts, faults; no secret |
//! | `GET /_emulator/calls` | every operation so far |
//! | `POST /_emulator/faults` `{"fault": "rotate:lose-answer"}` | adds a fault |
//! | `DELETE /_emulator/faults` | ends all faults |
//! | `POST /_emulator/time` `{"advance_seconds": 86400}` | jumps ahead |
//! | `POST /_emulator/queue` `{"queue": "lwa", "attributes": {"Policy": ""}}` | sets attributes of a queue |
//! | `POST /_emulator/queue` `{"queue": "lwa", "exists": false}` | deletes a queue, or creates it as Amazon wants it |
//! | `POST /_emulator/messages` `{"body": "...", "queue": "lwa"}` | puts any body into a queue |
//! | `POST /_emulator/console-rotation` `{"client_id": "...", "notify": true}` | a rotation in the Developer Console |
//! | `POST /_emulator/expiry-notice` `{"client_id": "...", "of_old": false}` | Amazon's notice of a secret's end |
//! | `POST /_emulator/subscription` `{"client_id": "...", "subscribed": false}` | subscribes, or ends that |

use std::time::Duration;

use hyper::Method;
use serde_json::{Value, json};

use crate::amazon::Amazon;
use crate::fault::Fault;
use crate::reply::Reply;
use crate::shared::Shared;
use crate::sqs;

/// Answers a request to the emulator itself.
pub fn serve(shared: &Shared, method: &Method, path: &str, body: &[u8]) -> Reply {
    let Some(what) = path.strip_prefix("/_emulator/") else {
        let help = "the emulator has LWA's /auth/o2/token, SP-API's rotate call and destinations, SQS in its \
                    JSON protocol, and /_emulator/";
        return Reply::json(404, &json!({ "error": help }));
    };
    let input: Value = if body.is_empty() {
        json!({})
    } else {
        match serde_json::from_slice(body) {
            Ok(input) => input,
            Err(error) => return wrong(&format!("the body is not JSON: {error}")),
        }
    };
    let mut amazon = shared.amazon();
    let reply = answer(&mut amazon, &shared.queue, method, what, &input);
    drop(amazon);
    shared.changed.notify_waiters();
    reply
}

fn wrong(what: &str) -> Reply {
    Reply::json(400, &json!({ "error": what }))
}

fn done(done: bool) -> Reply {
    if done {
        Reply::json(200, &json!({}))
    } else {
        Reply::json(404, &json!({ "error": "no such application or secret" }))
    }
}

fn answer(amazon: &mut Amazon, own_queue: &str, method: &Method, what: &str, input: &Value) -> Reply {
    let client_id = input["client_id"].as_str().unwrap_or_default();
    match (method, what) {
        (&Method::GET, "state") => state(amazon),
        (&Method::GET, "calls") => calls(amazon),
        (&Method::POST, "faults") => match input["fault"].as_str().map(str::parse::<Fault>) {
            Some(Ok(fault)) => {
                amazon.faults.push(fault);
                done(true)
            }
            Some(Err(error)) => wrong(&error),
            None => wrong("the member \"fault\" is missing, such as {\"fault\": \"rotate:lose-answer\"}"),
        },
        (&Method::DELETE, "faults") => {
            amazon.faults.clear();
            done(true)
        }
        (&Method::POST, "time") => match input["advance_seconds"].as_u64() {
            Some(seconds) => {
                amazon.advance_time(Duration::from_secs(seconds));
                done(true)
            }
            None => wrong("the member \"advance_seconds\" is missing, or no whole number"),
        },
        (&Method::POST, "queue") => queue(amazon, input["queue"].as_str().unwrap_or(own_queue), input),
        (&Method::POST, "messages") => {
            let queue = input["queue"].as_str().unwrap_or(own_queue);
            match input["body"].as_str() {
                Some(body) => match amazon.send(queue, body.to_owned(), Duration::ZERO) {
                    Some(id) => Reply::json(200, &json!({ "message_id": id })),
                    None => wrong("there is no such queue"),
                },
                None => wrong("the member \"body\" is missing, or no string"),
            }
        }
        (&Method::POST, "console-rotation") => {
            let notify = input["notify"].as_bool().unwrap_or(true);
            done(amazon.rotate(client_id, notify))
        }
        (&Method::POST, "expiry-notice") => {
            let of_old = input["of_old"].as_bool().unwrap_or(false);
            done(amazon.remind(client_id, of_old))
        }
        (&Method::POST, "subscription") => {
            let subscribed = input["subscribed"].as_bool().unwrap_or(true);
            done(amazon.set_subscribed(client_id, subscribed))
        }
        _ => Reply::json(404, &json!({ "error": "no such request; see the emulator's README" })),
    }
}

fn queue(amazon: &mut Amazon, name: &str, input: &Value) -> Reply {
    let attributes: Option<Vec<_>> = match &input["attributes"] {
        Value::Object(given) => given.iter().map(|(name, value)| Some((name.as_str(), value.as_str()?))).collect(),
        _ => Some(Vec::new()),
    };
    let Some(attributes) = attributes else { return wrong("an attribute of a queue is a string, whatever it holds") };
    let exists = input["exists"].as_bool();
    if exists.is_none() && attributes.is_empty() {
        return wrong("\"attributes\" or \"exists\" is missing, such as {\"attributes\": {\"Policy\": \"\"}}");
    }
    if let Some(exists) = exists {
        amazon.set_queue_exists(name, exists);
    }
    if attributes.is_empty() {
        return done(true);
    }
    sqs::attributes::prepare(amazon, name, attributes.into_iter()).map_or_else(|error| wrong(&error), |()| done(true))
}

fn state(amazon: &mut Amazon) -> Reply {
    let now = amazon.now();
    let names: Vec<String> = amazon.queues.keys().cloned().collect();
    let queues: Value = names
        .into_iter()
        .map(|name| {
            let counts = amazon.counts(&name);
            let value = json!({ "visible": counts.visible, "in_flight": counts.in_flight, "delayed": counts.delayed });
            (name, value)
        })
        .collect();
    let applications: Value = amazon
        .apps
        .iter()
        .map(|(id, app)| {
            let ends: Vec<u64> = app.issued.iter().map(|issued| issued.ends_at).collect();
            (id.clone(), json!({ "subscribed": app.subscribed, "queue": app.queue, "secrets_end_at": ends }))
        })
        .collect();
    let faults: Vec<String> = amazon.faults.iter().map(Fault::to_string).collect();
    Reply::json(200, &json!({ "now": now, "applications": applications, "queues": queues, "faults": faults }))
}

fn calls(amazon: &Amazon) -> Reply {
    let calls: Vec<Value> = amazon
        .calls
        .iter()
        .map(|call| {
            json!({ "at": call.at, "operation": call.operation.name(), "client_id": call.client_id,
                    "status": call.status, "messages": call.messages })
        })
        .collect();
    Reply::json(200, &json!({ "calls": calls }))
}
