//! The program under the filter of system calls that its service sets: a call that the filter has forgotten ends it.

use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};
use std::{io, iter, mem};

use nix::libc;

use crate::program::{SECRET, World};
use crate::systemd::values;
use crate::tools::{run, succeeds, systemd};

/// The calls that a word of `SystemCallFilter=` stands for: one, or those of a group.
fn calls(word: &str) -> BTreeSet<String> {
    if !word.starts_with('@') {
        return iter::once(word.to_owned()).collect();
    }
    let group = succeeds(systemd("systemd-analyze").args(["--no-pager", "syscall-filter", word]));
    let members = group.lines().filter_map(|line| line.strip_prefix("    ")).filter(|line| !line.starts_with('#'));
    members.flat_map(calls).collect()
}

/// What the service may call: the lines one after the other, as systemd reads them.
fn allowed() -> BTreeSet<String> {
    let mut allowed = BTreeSet::new();
    for line in values("systemd/lwa-rotate.service", "SystemCallFilter") {
        let (take_away, words) = line.strip_prefix('~').map_or((false, &*line), |words| (true, words));
        for call in words.split(' ').flat_map(calls) {
            if take_away {
                allowed.remove(&call);
            } else {
                allowed.insert(call);
            }
        }
    }
    allowed
}

/// The system's numbers for its calls, from the C compiler's headers.
fn numbers() -> BTreeMap<String, u32> {
    let mut compiler = Command::new("cc");
    compiler.args(["-E", "-dM", "-include", "asm/unistd.h", "-x", "c", "/dev/null"]).stdin(Stdio::null());
    let (content, said) = run(&mut compiler);
    assert!(content, "{said}");
    let defined = said.lines().filter_map(|line| line.strip_prefix("#define __NR_")?.split_once(' '));
    defined.filter_map(|(name, number)| Some((name.to_owned(), number.parse().ok()?))).collect()
}

/// A filter as the kernel takes it: these calls, and death for any other.
fn filter(numbers: impl Iterator<Item = u32>) -> Vec<libc::sock_filter> {
    let statement = |code: u32, k: u32| libc::sock_filter { code: code.try_into().unwrap(), jt: 0, jf: 0, k };
    let answer = |what| statement(libc::BPF_RET | libc::BPF_K, what);
    let number = mem::offset_of!(libc::seccomp_data, nr).try_into().unwrap();
    let mut filter = vec![statement(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, number)];
    for number in numbers {
        // The next instruction if it is this call, else the one after that.
        let equal = statement(libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K, number);
        filter.push(libc::sock_filter { jf: 1, ..equal });
        filter.push(answer(libc::SECCOMP_RET_ALLOW));
    }
    filter.push(answer(libc::SECCOMP_RET_KILL_PROCESS));
    filter
}

/// Has a command run under a filter, which whatever it starts is under as well.
fn restrict(command: &mut Command, allowed: &BTreeSet<String>) {
    let numbers = numbers();
    let filter = filter(allowed.iter().filter_map(|call| numbers.get(call).copied()));
    let install = move || {
        let program = libc::sock_fprog { len: filter.len().try_into().unwrap(), filter: filter.as_ptr().cast_mut() };
        // SAFETY: the kernel copies the filter, which lives as long as this closure; both calls are safe after a fork.
        let refused = unsafe {
            libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0
                || libc::prctl(libc::PR_SET_SECCOMP, libc::SECCOMP_MODE_FILTER, &program) != 0
        };
        if refused { Err(io::Error::last_os_error()) } else { Ok(()) }
    };
    // SAFETY: it allocates nothing and takes no lock.
    unsafe { command.pre_exec(install) };
}

/// With a command as publish target, which starts processes.
const TARGETS: &str = r#"
[[apps.shop.publish]]
kind = "file"
path = "shop.env"
format = "env"

[[apps.shop.publish]]
kind = "exec"
command = ["/bin/sh", "-c", "cat > published.json"]
"#;

#[test]
fn the_program_makes_no_system_call_that_its_service_may_not() {
    let allowed = allowed();
    let world = World::new();
    world.configure("", TARGETS);
    let run = |arguments: &[&str], stdin: &str| {
        world.start_as(|command| restrict(command, &allowed), arguments, stdin).end().done()
    };

    run(&["enroll", "shop"], SECRET);
    run(&["check"], "");
    run(&["rotate", "shop"], "");
    run(&["status"], "");

    world.assert_rotated();
    assert!(world.read("published.json").contains(&world.newest()));
    let watch = world.start_as(|command| restrict(command, &allowed), &["watch"], "");
    watch.until("it has begun", || watch.stderr().contains("watching"));
    watch.terminate();
    watch.end().done();
}

/// A file whose group was changed keeps it, for which the program has to call `fchown`: one of the calls that most services
/// take away with the rest of those for root.
#[test]
fn the_service_may_keep_the_group_of_a_published_file() {
    assert!(allowed().contains("fchown"));
}

#[test]
fn a_call_that_is_not_allowed_ends_the_program() {
    let mut allowed = allowed();
    assert!(allowed.remove("socket"));
    let world = World::enrolled();

    let ran = world.start_as(|command| restrict(command, &allowed), &["rotate", "shop"], "").end();

    assert_eq!(ran.code, None, "killed by a signal");
}
