//! Runs a command under ptrace: every system call whose effect the world outside can see is shown before it is made, and may
//! be let through, failed, cut short, or never be made because the process is killed.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{Read, Write};
use std::os::unix::fs::FileExt;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use nix::errno::Errno;
use nix::libc;
use nix::sys::ptrace::{self, Options};
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;

use super::call::{self, Call};

/// Nothing here takes nearly as long.
const LONGEST: Duration = Duration::from_secs(600);

/// What becomes of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is made.
    Let,
    /// The process is killed before it is made.
    Kill,
    /// It has no effect and this error.
    Fail(Errno),
    /// A write writes half of what it was given.
    Half,
    /// The same, and the process is killed after it.
    HalfAndKill,
}

/// What a traced command left.
#[derive(Debug)]
pub struct Ended {
    /// The exit code; `None` if it was killed.
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

/// What is to be done when a call returns.
#[derive(Clone, Copy)]
enum AtExit {
    Fail(Errno),
    GiveBack { length: u64, then_kill: bool },
    MoveClock { at: u64 },
}

/// Runs a command to its end with this on its stdin, and has `decide` see each of its calls. Its clock is ahead of the machine's
/// by so many seconds; its time limits and pauses are not touched by that.
pub fn run(command: &Command, given: &str, ahead: &AtomicU64, mut decide: impl FnMut(&Call) -> Verdict) -> Ended {
    // The shell waits to be told, so that nothing happens before it is traced. It becomes the program.
    let mut waiting = Command::new("/bin/sh");
    waiting.args(["-c", "read -r go && exec \"$0\" \"$@\""]).arg(command.get_program()).args(command.get_args());
    waiting.env_clear().envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    waiting.current_dir(command.get_current_dir().unwrap());
    let filter = call::filter();
    let filtered = move || seccompiler::apply_filter(&filter).map_err(std::io::Error::other);
    // SAFETY: between fork and exec it makes two system calls, and nothing else unless one of them fails.
    unsafe { waiting.pre_exec(filtered) };
    let mut child = waiting.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let pid = Pid::from_raw(i32::try_from(child.id()).unwrap());
    let options = Options::PTRACE_O_TRACESYSGOOD
        | Options::PTRACE_O_TRACECLONE
        | Options::PTRACE_O_TRACEEXEC
        | Options::PTRACE_O_TRACESECCOMP
        | Options::PTRACE_O_EXITKILL;
    ptrace::seize(pid, options).unwrap_or_else(|error| {
        let _ = child.kill();
        panic!("this test traces the program, and the system refuses ptrace: {error}; in a container, allow ptrace (for docker: --cap-add SYS_PTRACE)")
    });

    let (stdout, stderr) = (reading(child.stdout.take().unwrap()), reading(child.stderr.take().unwrap()));
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(format!("go\n{given}").as_bytes()).unwrap();
    drop(stdin);
    // From here on it is this function that waits for the process; dropping `Child` does nothing.
    drop(child);

    let (ended, watch) = mpsc::channel();
    let code = thread::scope(|scope| {
        scope.spawn(move || {
            if watch.recv_timeout(LONGEST) == Err(RecvTimeoutError::Timeout) {
                let _ = kill(pid, Signal::SIGKILL);
            }
        });
        let mut tracer = Tracer { pid, ahead, memory: None, at_exit: HashMap::new(), decide: &mut decide };
        let code = tracer.follow();
        let _: Result<(), _> = ended.send(());
        code
    });
    Ended { code, stdout: stdout.join().unwrap(), stderr: stderr.join().unwrap() }
}

fn reading(mut pipe: impl Read + Send + 'static) -> thread::JoinHandle<String> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        pipe.read_to_end(&mut bytes).unwrap();
        String::from_utf8_lossy(&bytes).into_owned()
    })
}

struct Tracer<'a> {
    pid: Pid,
    ahead: &'a AtomicU64,
    /// The memory of the program; none while it is still the shell.
    memory: Option<File>,
    at_exit: HashMap<Pid, AtExit>,
    decide: &'a mut dyn FnMut(&Call) -> Verdict,
}

impl Tracer<'_> {
    /// Follows all threads until the process has ended; its exit code, if it was not killed.
    fn follow(&mut self) -> Option<i32> {
        loop {
            // Only what this thread traces: other threads trace processes of their own.
            let waited = waitpid(None::<Pid>, Some(WaitPidFlag::__WALL | WaitPidFlag::__WNOTHREAD)).unwrap();
            let (thread, signal) = match waited {
                WaitStatus::Exited(thread, code) if thread == self.pid => return Some(code),
                WaitStatus::Signaled(thread, ..) if thread == self.pid => return None,
                WaitStatus::Exited(..) | WaitStatus::Signaled(..) => continue,
                // A thread that has been killed meanwhile has nothing to show.
                WaitStatus::PtraceEvent(thread, _, libc::PTRACE_EVENT_SECCOMP) => {
                    if self.memory.is_some() {
                        let _ = self.before(thread);
                    }
                    (thread, None)
                }
                WaitStatus::PtraceSyscall(thread) => {
                    let _ = self.behind(thread);
                    (thread, None)
                }
                WaitStatus::PtraceEvent(thread, _, libc::PTRACE_EVENT_EXEC) => {
                    self.begin();
                    (thread, None)
                }
                WaitStatus::PtraceEvent(thread, ..) => (thread, None),
                WaitStatus::Stopped(thread, signal) => (thread, Some(signal)),
                other => panic!("not expected of a traced process: {other:?}"),
            };
            // It is stopped again when the call returns only where something is to be done then.
            let go_on = if self.at_exit.contains_key(&thread) { ptrace::syscall } else { ptrace::cont };
            match go_on(thread, signal) {
                Ok(()) | Err(Errno::ESRCH) => {}
                Err(error) => panic!("a traced thread cannot go on: {error}"),
            }
        }
    }

    /// The shell has become the program.
    fn begin(&mut self) {
        let memory = File::options().read(true).write(true).open(format!("/proc/{}/mem", self.pid)).unwrap();
        hide_vdso(self.pid, &memory);
        self.memory = Some(memory);
    }

    /// A thread stands before a call of the filter.
    fn before(&mut self, thread: Pid) -> Result<(), Errno> {
        let mut registers = ptrace::getregs(thread)?;
        let memory = self.memory.as_ref().unwrap();
        let number = registers.orig_rax.cast_signed();
        if number == libc::SYS_clock_gettime {
            let of_day = [libc::CLOCK_REALTIME, libc::CLOCK_REALTIME_COARSE].map(|clock| clock as u64);
            if of_day.contains(&registers.rdi) {
                self.at_exit.insert(thread, AtExit::MoveClock { at: registers.rsi });
            }
            return Ok(());
        }
        let Some(call) = call::of(self.pid, memory, &registers) else { return Ok(()) };
        let length = registers.rdx;
        let at_exit = match (self.decide)(&call) {
            Verdict::Let => return Ok(()),
            Verdict::Kill => return kill(self.pid, Signal::SIGKILL),
            Verdict::Fail(error) => {
                // No call has this number.
                registers.orig_rax = u64::MAX;
                AtExit::Fail(error)
            }
            verdict @ (Verdict::Half | Verdict::HalfAndKill) => {
                assert_eq!(call.name, "write", "only a write can be cut short here");
                registers.rdx = length / 2;
                AtExit::GiveBack { length, then_kill: verdict == Verdict::HalfAndKill }
            }
        };
        ptrace::setregs(thread, registers)?;
        self.at_exit.insert(thread, at_exit);
        Ok(())
    }

    /// The call has returned.
    fn behind(&mut self, thread: Pid) -> Result<(), Errno> {
        let mut registers = ptrace::getregs(thread)?;
        match self.at_exit.remove(&thread) {
            None => return Ok(()),
            Some(AtExit::Fail(error)) => registers.rax = i64::from(-(error as i32)).cast_unsigned(),
            Some(AtExit::GiveBack { then_kill: true, .. }) => return kill(self.pid, Signal::SIGKILL),
            Some(AtExit::GiveBack { length, .. }) => registers.rdx = length,
            Some(AtExit::MoveClock { at }) => {
                let memory = self.memory.as_ref().unwrap();
                let mut seconds = [0; 8];
                // Its memory is gone when another thread has ended the process meanwhile.
                memory.read_exact_at(&mut seconds, at).map_err(|_| Errno::ESRCH)?;
                let moved = u64::from_ne_bytes(seconds) + self.ahead.load(Ordering::Relaxed);
                return memory.write_all_at(&moved.to_ne_bytes(), at).map_err(|_| Errno::ESRCH);
            }
        }
        ptrace::setregs(thread, registers)
    }
}

/// Has the program ask the kernel for the time, where it can be told another, and not the page that the kernel shares with
/// every process: in the list that the kernel gives to a new program, the entry with that page's address is crossed out.
fn hide_vdso(pid: Pid, memory: &File) {
    const IGNORED: u64 = 1;
    let auxiliary = fs::read(format!("/proc/{pid}/auxv")).unwrap();
    let mut stack = vec![0; 64 << 10];
    let bottom = ptrace::getregs(pid).unwrap().rsp;
    let length = memory.read_at(&mut stack, bottom).unwrap();
    let list = stack[..length].windows(auxiliary.len()).position(|part| part == auxiliary).unwrap();
    let number = |place: usize| u64::from_ne_bytes(auxiliary[place..place + 8].try_into().unwrap());
    let entry = (0..auxiliary.len()).step_by(16).find(|place| number(*place) == libc::AT_SYSINFO_EHDR).unwrap();
    memory.write_all_at(&IGNORED.to_ne_bytes(), bottom + (list + entry) as u64).unwrap();
}
