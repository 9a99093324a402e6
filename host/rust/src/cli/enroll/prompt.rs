//! The hidden prompt. However it is left, the terminal shows again what is typed.

use std::fs::File;
use std::io;

use anyhow::Context;
use lwa_rotate::Secret;
use rustix::termios::{OptionalActions, Termios, tcgetattr, tcsetattr};
use tokio::signal::unix::{SignalKind, signal};

use crate::cli::failure::Failure;

/// What is typed, without showing it.
pub(super) async fn hidden(prompt: String) -> anyhow::Result<Secret> {
    // Caught before anything is changed at the terminal. Ctrl-C arrives as a signal as well, sent by the prompt itself.
    let [mut interrupt, mut terminate, mut hangup, mut quit] = [
        signal(SignalKind::interrupt())?,
        signal(SignalKind::terminate())?,
        signal(SignalKind::hangup())?,
        signal(SignalKind::quit())?,
    ];
    let before = Terminal::remember().context("the terminal cannot be asked for its settings")?;
    // On a thread of its own: nothing ends a read of the terminal.
    let typing = tokio::task::spawn_blocking(move || rpassword::prompt_password(prompt).map(Secret::from));
    let typed = tokio::select! {
        biased;
        _ = interrupt.recv() => None,
        _ = terminate.recv() => None,
        _ = hangup.recv() => None,
        _ = quit.recv() => None,
        typed = typing => Some(typed?),
    };
    drop(before);
    match typed {
        Some(Ok(secret)) => Ok(secret),
        Some(Err(error)) if error.kind() != io::ErrorKind::Interrupted => {
            Err(error).context("the secret cannot be read from the terminal")
        }
        _ => Err(Failure::failed("stopped at the prompt; nothing was stored").into()),
    }
}

/// The settings of the terminal, put back when it is dropped.
struct Terminal {
    file: File,
    settings: Termios,
}

impl Terminal {
    fn remember() -> io::Result<Self> {
        let file = File::open("/dev/tty")?;
        let settings = tcgetattr(&file)?;
        Ok(Self { file, settings })
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // Where that fails the terminal has gone.
        let _ = tcsetattr(&self.file, OptionalActions::Now, &self.settings);
    }
}
