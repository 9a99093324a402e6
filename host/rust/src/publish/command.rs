//! Commands that are run for their effect, bounded in time, with what they say kept free of the secret.

use std::{
    collections::VecDeque,
    ffi::OsString,
    io::{self, ErrorKind},
    path::{Path, PathBuf},
    process::{ExitStatus, Stdio},
    time::Duration,
};

use rustix::fs::{Access, AtFlags, CWD, accessat};
use rustix::process::{Pid, Signal, kill_process_group};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWriteExt},
    process::{Child, Command as Process},
    time::timeout,
};

use super::Error;
use crate::secret::Secret;

/// A program with its arguments. No shell is involved. Its standard output goes nowhere; the end of its standard error
/// is in the error when it fails. It leads a process group. When its time is over, or nothing waits for it any more, the
/// whole group is killed: processes that it has started go with it, but for those that have made a group of their own.
#[derive(Clone, Debug)]
pub(super) struct Command {
    program: OsString,
    arguments: Vec<OsString>,
    pub(super) time_limit: Duration,
}

/// How long a command may take, unless that is set.
const TIME_LIMIT: Duration = Duration::from_secs(30);

/// How much of the command's standard error stands in an error, in bytes.
pub(super) const TAIL: usize = 500;

/// So much of a secret in one piece is no chance; commands may cut what they repeat.
const PIECE: usize = 12;

/// How long what a dead command wrote is awaited; a process that it left behind may hold the pipe open.
const LAST_WORDS: Duration = Duration::from_millis(500);

impl Command {
    /// This program, looked for in `PATH` if it holds no slash.
    pub(super) fn new(program: impl Into<OsString>, arguments: impl IntoIterator<Item = impl Into<OsString>>) -> Self {
        Self {
            program: program.into(),
            arguments: arguments.into_iter().map(Into::into).collect(),
            time_limit: TIME_LIMIT,
        }
    }

    /// Runs it to its end; exit code 0 is success. `input` is what it may read. `secret` is what its words are searched for.
    pub(super) async fn run(&self, input: Option<&Secret>, secret: &Secret) -> Result<(), Error> {
        let (mut child, mut group) = self.start(input.is_some())?;
        let program = self.program.display();
        let stdin = child.stdin.take();
        let mut tail = Tail::of(secret);

        let ended = timeout(self.time_limit, async {
            let stderr = child.stderr.take();
            tokio::join!(write(stdin, input), wait(&mut child, tail.read(stderr)))
        })
        .await;

        let Ok((written, status)) = ended else {
            group.kill();
            // Waited for, so that nothing stays behind. What hangs in the kernel dies later.
            let _ = timeout(LAST_WORDS, child.wait()).await;
            return Err(Error::Unavailable(format!(
                "the command {program} was not done after {} s and was killed{}",
                self.time_limit.as_secs_f32(),
                tail.text()
            )));
        };
        // What it has left in the background is meant to be there.
        group.ended();
        let status = status
            .map_err(|error| Error::Unavailable(format!("the command {program} cannot be waited for: {error}")))?;
        if !status.success() {
            return Err(Error::Unavailable(format!("the command {program} ended with {status}{}", tail.text())));
        }
        match written {
            Ok(()) => Ok(()),
            // The exit code decides: it may know what to do without reading to the end.
            Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
            Err(error) => {
                Err(Error::Unavailable(format!("the credential cannot be written to the command {program}: {error}")))
            }
        }
    }

    /// Whether the program is there and may be run, without running it.
    pub(super) fn look(&self) -> Result<(), Error> {
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

    fn start(&self, reads: bool) -> Result<(Child, Group), Error> {
        let mut command = Process::new(&self.program);
        command
            .args(&self.arguments)
            .stdin(if reads { Stdio::piped() } else { Stdio::null() })
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .process_group(0)
            .kill_on_drop(true);
        let child = command.spawn().map_err(|error| self.not_started(&error))?;
        let leader = child.id().and_then(|id| Pid::from_raw(id.cast_signed()));
        Ok((child, Group(leader)))
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

/// The processes of a command. They are killed when it is dropped before the command has ended.
struct Group(Option<Pid>);

impl Group {
    fn kill(&mut self) {
        if let Some(leader) = self.0.take() {
            // An error says that there is none any more.
            let _ = kill_process_group(leader, Signal::KILL);
        }
    }

    /// The command has ended by itself; its number may soon be that of another process.
    fn ended(&mut self) {
        self.0 = None;
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.kill();
    }
}

async fn write(stdin: Option<impl AsyncWriteExt + Unpin>, input: Option<&Secret>) -> io::Result<()> {
    let (Some(mut stdin), Some(input)) = (stdin, input) else { return Ok(()) };
    stdin.write_all(input.expose()).await?;
    stdin.shutdown().await
}

async fn wait(child: &mut Child, reading: impl Future<Output = ()>) -> io::Result<ExitStatus> {
    let exit = child.wait();
    tokio::pin!(exit, reading);
    tokio::select! {
        status = &mut exit => {
            let _ = timeout(LAST_WORDS, reading).await;
            status
        }
        () = &mut reading => exit.await,
    }
}

fn may_run(program: &Path) -> io::Result<()> {
    if !std::fs::metadata(program)?.is_file() {
        return Err(ErrorKind::PermissionDenied.into());
    }
    Ok(accessat(CWD, program, Access::EXEC_OK, AtFlags::EACCESS)?)
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
