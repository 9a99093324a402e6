//! A credential handed to a command, which puts it wherever applications read it.

use std::{
    collections::VecDeque,
    ffi::OsString,
    io::{self, ErrorKind},
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use async_trait::async_trait;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWriteExt},
    process::{Child, Command},
    time::timeout,
};

use super::{
    Error, Probe, Target,
    form::{Format, Names, written},
};
use crate::secret::{Credential, Secret};

/// Runs a command with the credential as JSON on its standard input; exit code 0 says that readers find it from then on.
///
/// The command must keep the promises of [`Publish`](super::Publish): it may be run again with the same credential, at any
/// time. No shell is involved, and nothing secret stands among its arguments or in its environment. Its standard output goes
/// nowhere. The end of its standard error stands in the error when it fails, without the secret. When its time is over it is
/// killed; processes that it has started are its own business.
#[derive(Clone, Debug)]
pub struct ExecTarget {
    program: OsString,
    arguments: Vec<OsString>,
    names: Names,
    time_limit: Duration,
}

/// How much of the command's standard error stands in an error, in bytes.
const TAIL: usize = 500;

/// So much of a secret in one piece is no chance; commands may cut what they repeat.
const PIECE: usize = 12;

/// How long what a dead command wrote is awaited; a process that it left behind may hold the pipe open.
const LAST_WORDS: Duration = Duration::from_millis(500);

impl ExecTarget {
    /// This program, looked for in `PATH` if it holds no slash, with these arguments.
    pub fn new(program: impl Into<OsString>, arguments: impl IntoIterator<Item = impl Into<OsString>>) -> Self {
        Self {
            program: program.into(),
            arguments: arguments.into_iter().map(Into::into).collect(),
            names: Names::of(Format::Json),
            time_limit: Duration::from_secs(30),
        }
    }

    /// Other names in the JSON object.
    #[must_use]
    pub fn names(mut self, names: Names) -> Self {
        self.names = names;
        self
    }

    /// How long the command may take; 30 s unless set.
    #[must_use]
    pub fn time_limit(mut self, time_limit: Duration) -> Self {
        self.time_limit = time_limit;
        self
    }

    /// Whether the program is there and may be run, without running it.
    fn look(&self) -> Result<(), Error> {
        let named = Path::new(&self.program);
        let places: Vec<PathBuf> = if named.components().count() > 1 {
            vec![named.to_owned()]
        } else {
            let path = std::env::var_os("PATH").unwrap_or_default();
            std::env::split_paths(&path).map(|folder| folder.join(named)).collect()
        };
        let mut missing = io::Error::from(ErrorKind::NotFound);
        for place in places {
            match may_run(&place) {
                Ok(()) => return Ok(()),
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                Err(error) => missing = error,
            }
        }
        Err(self.not_started(&missing))
    }

    fn start(&self) -> Result<Child, Error> {
        let mut command = Command::new(&self.program);
        command
            .args(&self.arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        command.spawn().map_err(|error| self.not_started(&error))
    }

    fn not_started(&self, error: &io::Error) -> Error {
        let text = format!("cannot start the command {}: {error}", self.program.display());
        match error.kind() {
            ErrorKind::PermissionDenied => {
                Error::AccessDenied(format!("{text}; make it executable for the user that runs lwa-rotate"))
            }
            ErrorKind::NotFound => Error::Other(format!("{text}; give its whole path")),
            _ => Error::Unavailable(text),
        }
    }
}

fn may_run(program: &Path) -> io::Result<()> {
    if !std::fs::metadata(program)?.is_file() {
        return Err(ErrorKind::PermissionDenied.into());
    }
    #[cfg(unix)]
    {
        use rustix::fs::{Access, AtFlags, CWD, accessat};

        accessat(CWD, program, Access::EXEC_OK, AtFlags::EACCESS)?;
    }
    Ok(())
}

#[async_trait]
impl Target for ExecTarget {
    async fn probe(&self) -> Result<Probe, Error> {
        self.look()?;
        Ok(Probe::Fine("the program may be run; it was not".into()))
    }

    async fn put(&self, credential: &Credential) -> Result<(), Error> {
        let document = written(credential, Format::Json, &self.names)?;
        let mut child = self.start()?;
        let program = self.program.display();
        let stdin = child.stdin.take();
        let mut tail = Tail::of(&credential.client_secret);

        let run = async {
            let write = async {
                let Some(mut stdin) = stdin else { return Ok(()) };
                stdin.write_all(document.expose()).await?;
                stdin.shutdown().await
            };
            let stderr = child.stderr.take();
            let wait = async {
                let exit = child.wait();
                tokio::pin!(exit);
                let mut reading = Box::pin(tail.read(stderr));
                tokio::select! {
                    status = &mut exit => {
                        let _ = timeout(LAST_WORDS, reading).await;
                        status
                    }
                    () = &mut reading => exit.await,
                }
            };
            let (written, status) = tokio::join!(write, wait);
            (written, status)
        };
        let ended = timeout(self.time_limit, run).await;

        let Ok((written, status)) = ended else {
            // Dropped, so killed; waited for, so that nothing stays behind.
            let _ = child.kill().await;
            return Err(Error::Unavailable(format!(
                "the command {program} was not done after {} s and was killed{}",
                self.time_limit.as_secs_f32(),
                tail.text()
            )));
        };
        let status = status
            .map_err(|error| Error::Unavailable(format!("the command {program} cannot be waited for: {error}")))?;
        if !status.success() {
            return Err(Error::Unavailable(format!("the command {program} ended with {status}{}", tail.text())));
        }
        match written {
            Ok(()) => Ok(()),
            // The exit code decides: it may know where to find the credential without reading to the end.
            Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
            Err(error) => {
                Err(Error::Unavailable(format!("the credential cannot be written to the command {program}: {error}")))
            }
        }
    }
}

/// The end of what a command writes to its standard error.
struct Tail<'a> {
    secret: &'a Secret,
    bytes: VecDeque<u8>,
    cut: bool,
}

impl<'a> Tail<'a> {
    fn of(secret: &'a Secret) -> Self {
        Self { secret, bytes: VecDeque::new(), cut: false }
    }

    async fn read(&mut self, stderr: Option<impl AsyncRead + Unpin>) {
        let Some(mut stderr) = stderr else { return };
        let mut buffer = [0; 1024];
        loop {
            let read: io::Result<usize> = stderr.read(&mut buffer).await;
            let Ok(read @ 1..) = read else { return };
            self.bytes.extend(&buffer[..read]);
            let longest = TAIL + 2 * self.secret.len();
            if self.bytes.len() > longest {
                self.bytes.drain(..self.bytes.len() - longest);
                self.cut = true;
            }
        }
    }

    /// For the end of an error: the secret and each part of it replaced, and on one line.
    fn text(mut self) -> String {
        let mut bytes = Secret::new(std::mem::take(&mut self.bytes));
        let secret = self.secret.expose();
        if self.cut {
            // The cut may have gone through the secret, whose rest would not be recognised.
            bytes = bytes.expose().get(secret.len()..).unwrap_or_default().into();
        }
        let bytes = bytes.expose();
        let mut is_secret = vec![false; bytes.len()];
        let length = PIECE.min(secret.len()).max(1);
        for (place, part) in bytes.windows(length).enumerate() {
            if secret.windows(length).any(|piece| piece == part) {
                is_secret[place..place + length].fill(true);
            }
        }
        let mut text = Vec::new();
        for (place, byte) in bytes.iter().enumerate() {
            if !is_secret[place] {
                text.push(*byte);
            } else if place == 0 || !is_secret[place - 1] {
                text.extend_from_slice(b"[redacted]");
            }
        }
        let text = String::from_utf8_lossy(&text);
        let words: Vec<&str> =
            text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|word| !word.is_empty()).collect();
        if words.is_empty() {
            String::new()
        } else {
            format!(": {}{}", if self.cut { "…" } else { "" }, words.join(" "))
        }
    }
}

#[cfg(all(test, unix))]
#[allow(clippy::unwrap_used)]
mod tests;
