//! The operator's configuration, as a person may get it wrong.
//!
//! Every mistake is told in one line that says where it is, if it is anywhere; what is accepted has no mistake in it.

use std::path::Path;

use lwa_rotate::config::Config;

/// Takes the text of a configuration in.
pub fn take_in(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    match Config::parse(Path::new("/etc/lwa/lwa-rotate.toml"), text) {
        Ok(config) => {
            for app in &config.apps {
                assert!(config.queues.contains_key(&app.queue), "an application without its queue");
                assert!(app.patience.as_secs() > 0 && app.rotate_before.as_secs() > 0);
                assert!(config.apps.iter().filter(|other| other.client_id == app.client_id).count() == 1);
            }
        }
        Err(mistakes) => {
            assert!(!mistakes.all.is_empty(), "refused without a reason");
            let lines = text.matches('\n').count() + 1;
            for mistake in &mistakes.all {
                assert!(mistake.line.is_none_or(|line| (1..=lines).contains(&line)), "{mistake:?}");
                for told in [Some(&mistake.text), mistake.hint.as_ref()].into_iter().flatten() {
                    assert!(!told.is_empty() && !told.contains(char::is_control), "{told:?}");
                }
            }
        }
    }
}
