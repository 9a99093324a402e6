//! The secret that an application uses, from where it is published.

use lwa_rotate::aws::Aws;
use lwa_rotate::config::{App, Target};
use lwa_rotate::publish::{Error, Held, Reading};

use super::door::checked;
use crate::cli::failure::Failure;
use crate::cli::target::{is_readable, target};

/// What the target holds, if that can be a secret of this application.
pub(super) async fn of_target(app: &App, from: &Target, aws: &Aws) -> Result<Held, Failure> {
    let held = look(app, from, aws).await?;
    held.ok_or_else(|| {
        Failure::failed(format!("{}: there is no client secret in {} yet", app.name, from.name))
            .hint("compare the place, its region and its `names` with where the application reads it")
            .hint(format!("or supply the secret otherwise: lwa-rotate enroll {}", app.name))
    })
}

/// What the application's targets hold, with the name of one that holds it; `None` if none of them holds a secret. All of them
/// have to be readable.
pub(super) async fn of_any(app: &App, aws: &Aws) -> Result<Option<(String, Held)>, Failure> {
    let mut found: Option<(String, Held)> = None;
    let mut failed = None;
    for from in app.publish.iter().filter(|target| is_readable(&target.kind)) {
        let held = match look(app, from, aws).await {
            Ok(Some(held)) => held,
            Ok(None) => continue,
            Err(failure) => {
                failed.get_or_insert(failure);
                continue;
            }
        };
        match &mut found {
            None => found = Some((from.name.clone(), held)),
            Some((name, first)) if first.client_secret.expose() != held.client_secret.expose() => {
                let text = format!("{}: {name} and {} hold different client secrets", app.name, from.name);
                let hint = format!("name the one to take: lwa-rotate enroll {} --from {name}", app.name);
                return Err(Failure::failed(text).hint(hint));
            }
            Some((_, first)) => first.expires_at = first.expires_at.or(held.expires_at),
        }
    }
    // What could not be read may hold a newer secret, which publishing this one would overwrite.
    match failed {
        Some(failure) => {
            Err(failure.hint(format!("or name the target to take: lwa-rotate enroll {} --from TARGET", app.name)))
        }
        None => Ok(found),
    }
}

async fn look(app: &App, from: &Target, aws: &Aws) -> Result<Option<Held>, Failure> {
    let held = target(from, aws).read().await.map_err(|error| match error {
        Error::Unavailable(_) => Failure::unfinished(format!("{}: {error}", app.name)).hint("run it again later"),
        _ => Failure::failed(format!("{}: {error}", app.name)),
    })?;
    let Reading::Credential(mut held) = held else { return Ok(None) };
    if held.client_id.as_ref().is_some_and(|id| *id != app.client_id) {
        // Where `names` are swapped, this is the secret itself.
        let other = held.shown_client_id().unwrap_or("not shown, because it is no client id of Amazon's");
        let text = format!(
            "{}: {} holds the secret of another application: its client id is {other}, and that of {} is {}",
            app.name, from.name, app.name, app.client_id
        );
        return Err(Failure::failed(text).hint("correct the target, its `names`, or the application's `client-id`"));
    }
    held.client_secret = checked(&held.client_secret, &app.client_id)
        .map_err(|failure| Failure::failed(format!("{}: {}: {failure}", app.name, from.name)))?;
    Ok(Some(held))
}
