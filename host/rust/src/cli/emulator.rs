//! `emulator`: Login with Amazon, the SP-API rotation call and Amazon SQS on loopback.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::time::Duration;

use clap::Args;
use lwa_rotate::config::parse_duration;
use lwa_rotate_emulator::{Application, Emulator, Fault, Options};
use serde_json::{Value, json};

use super::failure::{Exit, Failure};
use super::output::Output;
use super::signal::Signals;
use super::{Global, Outcome};

/// The application that there is when none is named.
const CLIENT_ID: &str = "amzn1.application-oa2-client.emulated";
/// Its secret, which is none: everybody can read it here.
const CLIENT_SECRET: &str = "amzn1.oa2-cs.v1.emulated";

/// How the emulator starts.
#[derive(Args, Debug)]
pub(super) struct EmulatorArguments {
    /// Where to listen; a loopback address. Port 0 takes a free one
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:4577")]
    listen: SocketAddr,
    /// An application with its current secret; may be repeated [default: one that is printed]
    #[arg(long = "app", value_name = "ID=SECRET", value_parser = parse_app)]
    apps: Vec<Application>,
    /// An application that is not subscribed to rotation notifications: its rotate call answers 400; may be repeated
    #[arg(long, value_name = "ID")]
    unsubscribed: Vec<String>,
    /// How long the current secrets still live
    #[arg(long, value_name = "DURATION", value_parser = parse_duration, default_value = "180d")]
    expires_in: Duration,
    /// How long a new secret is not accepted by SP-API yet
    #[arg(long, value_name = "DURATION", value_parser = parse_duration, default_value = "0s")]
    lag: Duration,
    /// The name of the queue
    #[arg(long, value_name = "NAME", default_value = "lwa")]
    queue: String,
    /// An attribute of the queue that is to be different, by SQS's name; nothing after `=` takes it away; may be repeated
    #[arg(long = "queue-attribute", value_name = "NAME=VALUE", value_parser = parse_attribute)]
    queue_attributes: Vec<(String, String)>,
    /// Start without the queue, as if it had been deleted
    #[arg(long, conflicts_with = "queue_attributes")]
    no_queue: bool,
    /// How long a notification takes
    #[arg(long, value_name = "DURATION", value_parser = parse_duration, default_value = "1s")]
    notification_delay: Duration,
    /// How far apart rotate calls must be
    #[arg(long, value_name = "DURATION", value_parser = parse_duration, default_value = "60s")]
    rotate_interval: Duration,
    /// Have LWA refuse secrets that have ended, instead of leaving that to SP-API
    #[arg(long)]
    refuse_dead_secrets: bool,
    /// Refuse what Amazon accepts although its documentation does not allow it, such as a User-Agent of another form
    #[arg(long)]
    strict: bool,
    /// What goes wrong: OPERATION:ACTION[=VALUE][*COUNT|*always], such as rotate:lose-answer; may be repeated
    #[arg(long = "fault", value_name = "FAULT")]
    faults: Vec<Fault>,
}

pub(super) async fn run(_: &Global, arguments: EmulatorArguments, output: &Output) -> Outcome {
    let mut signals = Signals::catch()?;
    let listen = arguments.listen;
    let (options, apps) = options(arguments)?;
    let emulator = Emulator::start(options).await.map_err(|error| {
        if error.kind() == ErrorKind::InvalidData {
            return Failure::usage(error.to_string())
                .hint("--queue-attribute takes the names and values that SQS takes");
        }
        Failure::failed(format!("the emulator cannot listen on {listen}: {error}"))
            .hint("name another loopback address with --listen, such as 127.0.0.1:0 for any free port")
    })?;
    for line in emulator.banner().lines() {
        // To be copied: not broken.
        output.draw(&format!("{line}\n"));
    }
    output.result(&format!("token endpoint  {}", emulator.token_endpoint()))?;
    output.result(&format!("api endpoint    {}", emulator.url()))?;
    output.result(&format!("queue           {}", emulator.queue_url()))?;
    for (client_id, client_secret) in &apps {
        output.result(&format!("application     {client_id}, secret {client_secret}"))?;
    }
    output.document(&document(&emulator, &apps))?;
    signals.received().await;
    output.note("the emulator has stopped; everything it knew is gone");
    Ok(Exit::Done)
}

/// What the library takes, with client ids and secrets apart from it: they are printed, because they are none of Amazon's.
fn options(arguments: EmulatorArguments) -> Result<(Options, Vec<(String, String)>), Failure> {
    let mut applications = arguments.apps;
    if applications.is_empty() {
        applications.push(Application::new(CLIENT_ID, CLIENT_SECRET));
    }
    if let Some(unknown) =
        arguments.unsubscribed.iter().find(|id| !applications.iter().any(|app| app.client_id == **id))
    {
        return Err(Failure::usage(format!("--unsubscribed {unknown} is none of the applications"))
            .hint(format!("add it with --app {unknown}=SECRET")));
    }
    for application in &mut applications {
        application.expires_in = arguments.expires_in;
        application.lag = arguments.lag;
        application.subscribed = !arguments.unsubscribed.contains(&application.client_id);
    }
    let apps = applications.iter().map(|app| (app.client_id.clone(), app.client_secret.clone())).collect();
    let options = Options {
        listen: arguments.listen,
        applications,
        queue: arguments.queue,
        queue_attributes: arguments.queue_attributes.into_iter().collect(),
        queue_exists: !arguments.no_queue,
        notification_delay: arguments.notification_delay,
        rotate_interval: arguments.rotate_interval,
        refuse_dead_secrets: arguments.refuse_dead_secrets,
        strict: arguments.strict,
        faults: arguments.faults,
    };
    Ok((options, apps))
}

fn document(emulator: &Emulator, apps: &[(String, String)]) -> Value {
    let apps: Vec<Value> =
        apps.iter().map(|(id, secret)| json!({ "client_id": id, "client_secret": secret })).collect();
    json!({
        "emulator": true,
        "token_endpoint": emulator.token_endpoint(),
        "api_endpoint": emulator.url(),
        "queue_url": emulator.queue_url(),
        "admin_url": format!("{}/_emulator/", emulator.url()),
        "apps": apps,
    })
}

fn parse_app(text: &str) -> Result<Application, String> {
    match text.split_once('=') {
        Some((id, secret)) if !id.is_empty() && !secret.is_empty() => Ok(Application::new(id, secret)),
        _ => Err("write the client id and its secret with `=` between them".to_owned()),
    }
}

fn parse_attribute(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("write the attribute's name and its value with `=` between them".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_application_is_an_id_and_a_secret() {
        let app = parse_app("amzn1.id=a=b").expect("it is one");
        assert_eq!((app.client_id.as_str(), app.client_secret.as_str()), ("amzn1.id", "a=b"));
        for text in ["", "id", "id=", "=secret"] {
            assert!(parse_app(text).is_err(), "{text}");
        }
    }
}
