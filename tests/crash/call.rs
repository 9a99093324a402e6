//! The system calls whose effect can be seen outside the process, in words.

use std::collections::BTreeMap;
use std::fmt;
use std::fs::{self, File};
use std::os::unix::fs::FileExt;

use nix::libc::{self, user_regs_struct};
use nix::unistd::Pid;
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen as Width, SeccompCmpOp as Op, SeccompCondition, SeccompFilter,
    SeccompRule, TargetArch,
};

/// What a call works on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum On {
    /// A file or folder, by its path.
    File(String),
    /// A connection, and what is sent.
    Connection(&'static str),
    /// Standard output or error.
    Output(&'static str),
    /// The process itself.
    Process,
}

/// A call that is about to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    pub name: &'static str,
    pub on: On,
}

impl Call {
    /// The file that it works on.
    pub fn file(&self) -> Option<&str> {
        match &self.on {
            On::File(path) => Some(path),
            _ => None,
        }
    }
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let on = match &self.on {
            On::File(path) => path,
            On::Connection(what) | On::Output(what) => *what,
            On::Process => return f.write_str(self.name),
        };
        write!(f, "{} {on}", self.name)
    }
}

/// Where a call says what it works on.
#[derive(Clone, Copy)]
enum Names {
    /// The first argument is a descriptor.
    Descriptor,
    /// This argument is the path of a file.
    Path(usize),
    /// The same, where the flags in this other argument create a file; else there is nothing to be seen.
    Created(usize, usize),
    /// Nothing but itself.
    Process,
}

/// The calls whose effect the world outside can see.
const CALLS: &[(i64, &str, Names)] = {
    use Names::{Created, Descriptor, Path, Process};
    &[
        (libc::SYS_exit_group, "exit_group", Process),
        (libc::SYS_write, "write", Descriptor),
        (libc::SYS_pwrite64, "pwrite64", Descriptor),
        (libc::SYS_writev, "writev", Descriptor),
        (libc::SYS_pwritev, "pwritev", Descriptor),
        (libc::SYS_sendto, "sendto", Descriptor),
        (libc::SYS_sendmsg, "sendmsg", Descriptor),
        (libc::SYS_sendmmsg, "sendmmsg", Descriptor),
        (libc::SYS_sendfile, "sendfile", Descriptor),
        (libc::SYS_connect, "connect", Descriptor),
        (libc::SYS_shutdown, "shutdown", Descriptor),
        (libc::SYS_fsync, "fsync", Descriptor),
        (libc::SYS_fdatasync, "fdatasync", Descriptor),
        (libc::SYS_ftruncate, "ftruncate", Descriptor),
        (libc::SYS_fallocate, "fallocate", Descriptor),
        (libc::SYS_fchmod, "fchmod", Descriptor),
        (libc::SYS_fchown, "fchown", Descriptor),
        (libc::SYS_rename, "rename", Path(0)),
        (libc::SYS_renameat, "renameat", Path(1)),
        (libc::SYS_renameat2, "renameat2", Path(1)),
        (libc::SYS_link, "link", Path(0)),
        (libc::SYS_linkat, "linkat", Path(1)),
        (libc::SYS_symlink, "symlink", Path(1)),
        (libc::SYS_unlink, "unlink", Path(0)),
        (libc::SYS_unlinkat, "unlinkat", Path(1)),
        (libc::SYS_mkdir, "mkdir", Path(0)),
        (libc::SYS_mkdirat, "mkdirat", Path(1)),
        (libc::SYS_rmdir, "rmdir", Path(0)),
        (libc::SYS_chmod, "chmod", Path(0)),
        (libc::SYS_truncate, "truncate", Path(0)),
        (libc::SYS_creat, "creat", Path(0)),
        (libc::SYS_open, "create", Created(0, 1)),
        (libc::SYS_openat, "create", Created(1, 2)),
    ]
};

/// Has the kernel stop a program at these calls and where it asks for the time, and at no other.
pub fn filter() -> BpfProgram {
    let mut rules = BTreeMap::from([(libc::SYS_clock_gettime, Vec::new())]);
    for (number, _, names) in CALLS {
        let when = match names {
            Names::Created(_, flags) => {
                let create = libc::O_CREAT.cast_unsigned().into();
                let place = u8::try_from(*flags).unwrap();
                let created = SeccompCondition::new(place, Width::Dword, Op::MaskedEq(create), create).unwrap();
                vec![SeccompRule::new(vec![created]).unwrap()]
            }
            Names::Descriptor | Names::Path(_) | Names::Process => Vec::new(),
        };
        rules.insert(*number, when);
    }
    let filter = SeccompFilter::new(rules, SeccompAction::Allow, SeccompAction::Trace(0), TargetArch::x86_64);
    filter.unwrap().try_into().unwrap()
}

/// The call that a thread stands before, if the world outside can see its effect.
pub fn of(pid: Pid, memory: &File, registers: &user_regs_struct) -> Option<Call> {
    let number = registers.orig_rax.cast_signed();
    let (_, name, names) = *CALLS.iter().find(|(wanted, ..)| *wanted == number)?;
    let arguments = [registers.rdi, registers.rsi, registers.rdx, registers.r10];
    let on = match names {
        Names::Process => On::Process,
        Names::Path(place) | Names::Created(place, _) => On::File(path(memory, arguments[place])),
        Names::Descriptor => {
            let (descriptor, given) = (arguments[0], arguments[1]);
            let target = fs::read_link(format!("/proc/{pid}/fd/{descriptor}")).ok()?;
            match target.to_str()? {
                _ if descriptor == 1 => On::Output("stdout"),
                _ if descriptor == 2 => On::Output("stderr"),
                socket if socket.starts_with("socket:") => On::Connection(match name {
                    "connect" => "to a server",
                    "shutdown" => "connection",
                    "sendto" | "write" => request(&bytes(memory, given, registers.rdx)),
                    _ => request(&gathered(memory, given)),
                }),
                // Wake-ups between threads, and the memory of the component.
                other if !other.starts_with('/') || other.starts_with("/memfd:") => return None,
                path => On::File(path.to_owned()),
            }
        }
    };
    Some(Call { name, on })
}

fn bytes(memory: &File, at: u64, length: u64) -> Vec<u8> {
    let mut bytes = vec![0; usize::try_from(length.min(2048)).unwrap()];
    let length = memory.read_at(&mut bytes, at).unwrap_or_default();
    bytes.truncate(length);
    bytes
}

/// The first part of what a call gathers from several places.
fn gathered(memory: &File, at: u64) -> Vec<u8> {
    let entry = bytes(memory, at, 16);
    let number =
        |place: usize| entry.get(place..place + 8).map_or(0, |part| u64::from_ne_bytes(part.try_into().unwrap()));
    bytes(memory, number(0), number(8))
}

fn path(memory: &File, at: u64) -> String {
    let bytes = bytes(memory, at, 2048);
    let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
    String::from_utf8_lossy(&bytes[..end]).into_owned()
}

/// Which request begins so. Of its content nothing is told: it may be a secret.
fn request(bytes: &[u8]) -> &'static str {
    const KNOWN: [(&str, &str); 7] = [
        ("/auth/o2/token", "token request"),
        ("/clientSecret", "rotate call"),
        ("/notifications/v1/destinations", "verification"),
        ("AmazonSQS.GetQueueAttributes", "GetQueueAttributes"),
        ("AmazonSQS.ReceiveMessage", "ReceiveMessage"),
        ("AmazonSQS.DeleteMessage", "DeleteMessage"),
        ("AmazonSQS.ChangeMessageVisibility", "ChangeMessageVisibility"),
    ];
    let text = String::from_utf8_lossy(bytes);
    KNOWN.iter().find(|(mark, _)| text.contains(mark)).map_or("the rest of a request", |(_, name)| *name)
}
