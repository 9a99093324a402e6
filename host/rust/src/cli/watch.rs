//! `watch`: keeps all applications rotated until it is stopped.

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod day;
mod fleet;
mod log;
mod plan;
mod queues;

use std::sync::Arc;
use std::time::Duration;

use lwa_rotate::config::Config;
use tokio::task::JoinHandle;

use self::fleet::Fleet;
use self::log::WatchLog;
use super::failure::{Exit, Failure};
use super::host::{Host, configuration};
use super::output::Output;
use super::signal::{Hangups, Signals};
use super::{Global, Outcome};

/// How long calls that are under way may take to come to their end after a signal. What is dropped then is taken up again by
/// the next start: what was saved decides.
const GRACE: Duration = Duration::from_secs(3);

pub(super) async fn run(global: &Global, output: &Output) -> Outcome {
    let mut signals = Signals::catch()?;
    let mut hangups = Hangups::catch()?;
    let host = open(configuration(global)?, *output).await?;
    host.expect_environment().await?;
    say(&host.config, "watching");

    let mut fleet = Fleet::start(host);
    let mut reload: Option<JoinHandle<anyhow::Result<Host>>> = None;
    loop {
        tokio::select! {
            never = fleet.work() => match never {},
            () = signals.received() => break,
            // One that comes while the files are read counts after that.
            () = hangups.received(), if reload.is_none() => {
                let (before, output) = (fleet.config(), *output);
                // Thousands of files take a while.
                reload = Some(tokio::spawn(async move {
                    let config = tokio::task::spawn_blocking(move || read_after(&before)).await??;
                    open(config, output).await
                }));
            }
            read = read_again(&mut reload) => {
                reload = None;
                match read {
                    Ok(host) => {
                        say(&host.config, "the configuration is read again");
                        fleet.reload(host);
                    }
                    Err(error) => tracing::error!("the configuration is not taken up, and the one before stays in use: {error:#}"),
                }
            }
        }
    }
    tracing::info!("stopping: calls under way are finished");
    let in_time = tokio::select! {
        () = fleet.stop() => true,
        () = tokio::time::sleep(GRACE) => false,
        () = signals.received() => false,
    };
    if !in_time {
        tracing::info!("calls still under way are dropped: nothing is lost, the next start takes them up");
    }
    tracing::info!("stopped");
    Ok(Exit::Done)
}

/// Waits for the files that are being read again, if any are.
async fn read_again(reload: &mut Option<JoinHandle<anyhow::Result<Host>>>) -> anyhow::Result<Host> {
    match reload {
        Some(reading) => reading.await?,
        None => std::future::pending().await,
    }
}

fn read_after(before: &Config) -> Result<Config, Failure> {
    Config::read_again(&before.path, before).map_err(Failure::mistakes)
}

async fn open(config: Config, output: Output) -> anyhow::Result<Host> {
    let config = Arc::new(config);
    Host::with(Arc::clone(&config), WatchLog::new(config, output)).await
}

/// Says what is watched, and what is not.
fn say(config: &Config, what: &str) {
    for skipped in &config.skipped {
        let file = skipped.mistakes.path.display();
        if skipped.kept.is_empty() {
            tracing::error!(%file, "left out because of its mistakes: {}", skipped.mistakes);
        } else {
            let (applications, mistakes) = (skipped.kept.len(), &skipped.mistakes);
            tracing::error!(%file, applications, "it has mistakes, and its applications are rotated as before: {mistakes}");
        }
    }
    let (applications, queues, configuration) = (config.apps.len(), config.queues.len(), config.path.display());
    tracing::info!(applications, queues, %configuration, "{what}");
}
