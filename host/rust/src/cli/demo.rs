//! `demo`: a whole rotation against the built-in emulator, with nothing to configure and nothing left behind.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::Context;
use lwa_rotate::aws::Aws;
use lwa_rotate::config::{
    App, Apps, Config, Format, Names, Queue, Rotate, Store, Target, TargetKind, UserAgent, Watch,
};
use lwa_rotate::{Secret, Stage, State, Status};
use lwa_rotate_emulator::{Application, Call, Emulator, Options};
use serde_json::{Value, json};
use tokio::time::Instant;

use super::failure::{Exit, Failure};
use super::host::{Host, failure};
use super::json::{optional, status_json};
use super::output::Output;
use super::progress::Progress;
use super::rotate::drive::Drive;
use super::rotate::{ends, holders};
use super::signal::Signals;
use super::text::{instant_and_left, lifetime, milliseconds, now, rfc3339};
use super::{Global, Outcome};

const NAME: &str = "demo";
const CLIENT_ID: &str = "amzn1.application-oa2-client.demo";
const CLIENT_SECRET: &str = "amzn1.oa2-cs.v1.demo";
const PUBLISHED: &str = "demo.env";
const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// How long the secret of the demo still lives.
const LIFE: Duration = Duration::from_secs(20 * 24 * 60 * 60);
/// How long the notification takes: long enough to be seen, short enough not to bore.
const DELAY: Duration = Duration::from_millis(400);
const PATIENCE: Duration = Duration::from_secs(30);

/// What happened.
struct Demonstrated {
    after: Status,
    calls: Vec<Call>,
    took: Duration,
}

pub(super) async fn run(global: &Global, output: &Output) -> Outcome {
    let mut signals = Signals::catch()?;
    let folder =
        tempfile::Builder::new().prefix("lwa-rotate-demo-").tempdir().context("no temporary folder can be made")?;
    let demonstrated = tokio::select! {
        demonstrated = demonstrate(global, folder.path(), output) => demonstrated?,
        () = signals.received() => {
            return Err(Failure::unfinished("the demo was stopped").hint("nothing was left behind").into());
        }
    };
    folder.close().context("the temporary folder cannot be removed")?;
    show(&demonstrated, output)
}

async fn demonstrate(global: &Global, folder: &Path, output: &Output) -> anyhow::Result<Demonstrated> {
    let began = Instant::now();
    let application = Application { expires_in: LIFE, ..Application::new(CLIENT_ID, CLIENT_SECRET) };
    let emulator = Emulator::start(Options {
        applications: vec![application],
        queue: NAME.to_owned(),
        notification_delay: DELAY,
        ..Options::default()
    })
    .await
    .context("the emulator cannot listen on 127.0.0.1")?;
    output.note(&format!("this is a demo against the built-in emulator on {}; it is not Amazon", emulator.address()));
    output.note("the component, HTTP, and the protocol of SQS are the real ones");
    output.note("");

    let progress = Progress::new(CLIENT_ID, *output, global.verbose > 0);
    let config = configuration(folder, &emulator);
    // Everything is said here, so that no AWS variable or file of the user's plays a part.
    let aws = Aws::new().endpoint(emulator.url()).map_err(|error| Failure::failed(error.to_string()))?;
    let aws = aws.region("us-east-1").access_key("demo", Secret::from("demo"));
    let host = Host::with_aws(config, aws, progress.clone()).await?;
    let app = host.app(NAME)?;
    let before = enroll(&host, app, now() + milliseconds(LIFE)).await?;
    output.note(&format!(
        "enrolled: the current secret was verified by use and published; it ends {}",
        before.expires_at.map_or("at an unknown time".to_owned(), |at| instant_and_left(at, now()))
    ));
    output.note("rotating it:");

    let calls_before = emulator.calls().len();
    host.rotator.request(CLIENT_ID, false).await.map_err(|error| failure(app, &error))?;
    progress.begin();
    let drive = Drive { host: &host, app, progress: &progress, deadline: Instant::now() + PATIENCE };
    let rotated = drive.until_settled(before.generation, true, None).await;
    progress.end();
    let after = rotated?;
    let calls = emulator.calls().split_off(calls_before);
    check_published(&host, app, &folder.join(PUBLISHED)).await?;
    Ok(Demonstrated { after, calls, took: began.elapsed() })
}

/// Supplies the current secret, and has it verified and published.
async fn enroll(host: &Host, app: &App, expires_at: u64) -> anyhow::Result<Status> {
    let secret = Secret::from(CLIENT_SECRET);
    host.rotator.enroll(CLIENT_ID, secret, Some(expires_at), false).await.map_err(|error| failure(app, &error))?;
    let status = host.rotator.advance(CLIENT_ID).await.map_err(|error| failure(app, &error))?;
    match &status.problem {
        None if status.state == State::Settled && status.verified => Ok(status),
        None => Err(Failure::failed("demo: the current secret was not taken").status(NAME, &status).into()),
        Some(problem) => Err(Failure::failed(format!("demo: {}", problem.happened)).problem(NAME, problem).into()),
    }
}

/// What applications would read is what the store holds.
async fn check_published(host: &Host, app: &App, file: &Path) -> anyhow::Result<()> {
    let current = host.rotator.reveal(CLIENT_ID, Stage::Current).await.map_err(|error| failure(app, &error))?;
    let published = Secret::from(fs::read(file).context("the published file cannot be read")?);
    let holds = current.as_ref().and_then(|current| current.client_secret.expose_str()).is_some_and(|secret| {
        secret != CLIENT_SECRET && published.expose_str().is_some_and(|published| published.contains(secret))
    });
    if !holds {
        return Err(Failure::failed("demo: the published file does not hold the new secret").into());
    }
    Ok(())
}

fn configuration(folder: &Path, emulator: &Emulator) -> Config {
    let target = TargetKind::File { path: folder.join(PUBLISHED), format: Format::Env, names: Names::of(Format::Env) };
    Config {
        path: folder.join("lwa-rotate.toml"),
        store: Store::File { path: folder.join("state") },
        queues: BTreeMap::from([(NAME.to_owned(), Queue { url: emulator.queue_url() })]),
        apps: Apps::from(vec![App {
            name: NAME.to_owned(),
            client_id: CLIENT_ID.to_owned(),
            api_endpoint: emulator.url(),
            token_endpoint: emulator.token_endpoint(),
            queue: NAME.to_owned(),
            // Not due yet, so that the rotation begins where the demo says so.
            rotate: Rotate::Automatic,
            rotate_before: 10 * DAY,
            patience: PATIENCE,
            publish: vec![Target { name: format!("file:{PUBLISHED}"), kind: target, then: None }],
        }]),
        skipped: Vec::new(),
        // `watch` does not run here.
        watch: Watch { queue_interval: DAY, record_interval: DAY },
        user_agent: UserAgent::default(),
        machine: None,
    }
}

fn show(demonstrated: &Demonstrated, output: &Output) -> Outcome {
    let Demonstrated { after, calls, took } = demonstrated;
    let now = now();
    output.result("the client secret is rotated; the old one works on while applications take up the new one")?;
    for (name, text) in ends(after, now) {
        output.result(&format!("  {name:<18}{text}"))?;
    }
    let operations: Vec<&str> = calls.iter().map(|call| call.operation.name()).collect();
    output.result(&format!("  calls             {}: {}", calls.len(), operations.join(", ")))?;
    output.result(&format!("  time              {}", lifetime(milliseconds(*took))))?;
    output.note("");
    output.note("nothing was left behind. for a real application, see README.md");
    output.document(&document(demonstrated))?;
    Ok(Exit::Done)
}

fn document(demonstrated: &Demonstrated) -> Value {
    let Demonstrated { after, calls, took } = demonstrated;
    let calls: Vec<Value> = calls
        .iter()
        .map(|call| json!({ "at": rfc3339(call.at), "operation": call.operation.name(), "status": call.status }))
        .collect();
    json!({
        "emulator": true,
        "old_secret_ends_at": optional(after.retired_ends_at),
        "new_secret_ends_at": optional(after.expires_at),
        "published_to": holders(after),
        "calls": calls,
        "took_ms": milliseconds(*took),
        "status": status_json(NAME, after),
    })
}
