//! `watch`: keeps all applications rotated until it is stopped.

mod log;
mod tend;

use std::time::Duration;

use self::log::WatchLog;
use self::tend::Tended;
use super::failure::Exit;
use super::host::{Host, configuration};
use super::output::Output;
use super::signal::Signals;
use super::{Global, Outcome};

/// How long calls that are under way may take to come to their end after a signal. What is dropped then is taken up again by
/// the next start: what was saved decides.
const GRACE: Duration = Duration::from_secs(3);

pub(super) async fn run(global: &Global, output: &Output) -> Outcome {
    let mut signals = Signals::catch()?;
    let config = configuration(global)?;
    let names = config.apps.iter().map(|app| (app.client_id.clone(), app.name.clone())).collect();
    let host = Host::with(config, WatchLog::new(names, *output))?;
    let config = &host.config;
    tracing::info!(applications = config.apps.len(), queues = config.queues.len(), configuration = %config.path.display(), "watching");

    let (tended, mut tasks) = Tended::start(host);
    signals.received().await;
    tracing::info!("stopping: calls under way are finished");
    tended.stop();
    let all_ended = async { while tasks.join_next().await.is_some() {} };
    let in_time = tokio::select! {
        () = all_ended => true,
        () = tokio::time::sleep(GRACE) => false,
        () = signals.received() => false,
    };
    if !in_time {
        tracing::info!("calls still under way are dropped: nothing is lost, the next start takes them up");
    }
    tracing::info!("stopped");
    Ok(Exit::Done)
}
