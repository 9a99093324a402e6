//! `enroll --all`: every application that is not enrolled yet, with the secret that its publish targets hold.

use std::sync::Arc;

use lwa_rotate::config::App;
use lwa_rotate::observe::TracingObserver;
use lwa_rotate::{Error, Status};
use serde_json::{Value, json};

use super::{current, hindrance, refused, supply, verify};
use crate::cli::failure::{Exit, Failure};
use crate::cli::host::{Host, failure};
use crate::cli::in_order::in_order;
use crate::cli::json::status_json;
use crate::cli::output::Output;
use crate::cli::{Global, Outcome};

/// What became of one application.
struct Done {
    app: String,
    client_id: String,
    /// The target that the secret was taken from.
    from: Option<String>,
    status: Option<Status>,
    /// Why it is not done.
    failure: Option<Failure>,
}

pub(super) async fn run(global: &Global, confirmed: bool, output: &Output) -> Outcome {
    let host = Arc::new(Host::open(global, TracingObserver).await?);
    host.expect_environment().await?;
    let apps = host.config.apps.to_vec();
    let enroll = |app: App| {
        let host = Arc::clone(&host);
        async move { enroll(&host, &app, confirmed).await }
    };
    let all = in_order(apps, enroll).await;
    for done in &all {
        output.result(&done.line())?;
        for hint in done.failure.iter().flat_map(Failure::hints) {
            output.note(&format!("hint: {}: {hint}", done.app));
        }
    }
    output.document(&json!({ "apps": all.iter().map(Done::document).collect::<Vec<_>>() }))?;
    let exits: Vec<Exit> = all.iter().filter_map(|done| done.failure.as_ref()).map(Failure::exit).collect();
    Ok(match exits.as_slice() {
        [] => Exit::Done,
        exits if exits.iter().all(|exit| *exit == Exit::Unfinished) => Exit::Unfinished,
        _ => Exit::Failed,
    })
}

async fn enroll(host: &Host, app: &App, confirmed: bool) -> Done {
    let mut done =
        Done { app: app.name.clone(), client_id: app.client_id.clone(), from: None, status: None, failure: None };
    match host.rotator.status(&app.client_id).await {
        Ok(status) => done.status = Some(status),
        Err(Error::NotEnrolled) => done.failure = import(host, app, &mut done, confirmed).await.err(),
        Err(error) => done.failure = Some(failure(app, &error)),
    }
    done
}

async fn import(host: &Host, app: &App, done: &mut Done, confirmed: bool) -> Result<(), Failure> {
    let Some((from, held)) = current::of_any(app, &host.aws).await? else {
        let hint = format!("supply it: lwa-rotate enroll {}", app.name);
        return Err(Failure::failed(format!("{}: none of its targets holds its secret", app.name)).hint(hint));
    };
    done.from = Some(from);
    let secret = held.client_secret;
    let supplied = supply(&host.rotator, app, &secret, held.expires_at, confirmed).await;
    supplied.map_err(|error| refused(app, &error))?;
    let (status, verified) = verify(&host.rotator, app, &secret).await?;
    let hindrance = hindrance(app, &status, verified);
    done.status = Some(status);
    hindrance.map_or(Ok(()), Err)
}

impl Done {
    fn outcome(&self) -> &'static str {
        match (&self.failure, &self.from) {
            (None, Some(_)) => "enrolled",
            (None, None) => "already",
            (Some(failure), _) if failure.exit() == Exit::Unfinished => "unfinished",
            (Some(_), _) => "failed",
        }
    }

    fn line(&self) -> String {
        match (&self.failure, &self.from) {
            (Some(failure), _) => failure.to_string(),
            (None, Some(from)) => {
                format!("{} is enrolled: Amazon accepts the secret that {from} holds", self.app)
            }
            (None, None) => format!("{} is enrolled already", self.app),
        }
    }

    fn document(&self) -> Value {
        json!({
            "app": self.app,
            "client_id": self.client_id,
            "outcome": self.outcome(),
            "from": self.from,
            "message": self.failure.as_ref().map(ToString::to_string),
            "status": self.status.as_ref().map(|status| status_json(&self.app, status)),
        })
    }
}
