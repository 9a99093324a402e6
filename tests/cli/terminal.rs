//! At a terminal: what is typed at the prompt stays hidden and the terminal works afterwards, lines are broken between words,
//! and colours show what is bad.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use nix::libc;
use nix::pty::{Winsize, openpty};

use crate::program::World;

/// A command with a terminal of its own.
struct AtTerminal {
    child: Child,
    typed: File,
    shown: Arc<Mutex<Vec<u8>>>,
    reader: JoinHandle<()>,
}

impl AtTerminal {
    fn start(mut command: Command, columns: u16) -> Self {
        let size = Winsize { ws_row: 24, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
        let terminal = openpty(Some(&size), None).unwrap();
        let slave = File::from(terminal.slave);
        command.stdin(Stdio::from(slave.try_clone().unwrap())).stdout(slave.try_clone().unwrap()).stderr(slave);
        command.env("TERM", "xterm");
        let own_session = || {
            nix::unistd::setsid()?;
            // SAFETY: the standard input is the terminal.
            match unsafe { libc::ioctl(0, libc::TIOCSCTTY, 0) } {
                0 => Ok(()),
                _ => Err(std::io::Error::last_os_error()),
            }
        };
        // SAFETY: between fork and exec it makes two system calls and nothing else.
        unsafe { command.pre_exec(own_session) };
        let child = command.spawn().unwrap();
        // Its copies of the other end would keep the terminal open.
        drop(command);
        let master = File::from(terminal.master);
        let (mut output, shown) = (master.try_clone().unwrap(), Arc::<Mutex<Vec<u8>>>::default());
        let written = Arc::clone(&shown);
        let reader = std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(length @ 1..) = output.read(&mut buffer) {
                written.lock().unwrap().extend_from_slice(&buffer[..length]);
            }
        });
        Self { child, typed: master, shown, reader }
    }

    fn shown(&self) -> String {
        String::from_utf8_lossy(&self.shown.lock().unwrap()).into_owned()
    }

    fn until(&mut self, what: &str, come_about: impl Fn(&mut Self) -> bool) {
        let begun = Instant::now();
        while !come_about(self) {
            assert!(begun.elapsed() < Duration::from_secs(60), "{what}: {}", self.shown());
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// All that was shown when the command has ended.
    fn end(mut self) -> String {
        self.until("it ends", |this| this.child.try_wait().unwrap().is_some());
        // What it has written last may not have been read yet: at the end of all of it, reading fails.
        self.until("all is read", |this| this.reader.is_finished());
        self.shown()
    }
}

impl Drop for AtTerminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

const SHELL: &str = "trap : INT; \"$@\"; echo \"code $?\"; stty -a; echo over";

fn at_prompt(world: &World) -> AtTerminal {
    let program = env!("CARGO_BIN_EXE_lwa-rotate");
    let mut shell = AtTerminal::start(world.command("/bin/sh", &["-c", SHELL, "sh", program, "enroll", "shop"]), 80);
    shell.until("the prompt is there", |shell| shell.shown().contains("not shown: "));
    shell
}

#[test]
fn whatever_ends_the_prompt_the_terminal_shows_again_what_is_typed() {
    for signal in ["", "INT", "TERM", "HUP", "QUIT"] {
        let world = World::new();
        let mut shell = at_prompt(&world);

        if signal.is_empty() {
            shell.typed.write_all(b"\x03").unwrap();
        } else {
            let shell = shell.child.id();
            let program = fs::read_to_string(format!("/proc/{shell}/task/{shell}/children")).unwrap();
            assert!(Command::new("kill").args([&format!("-{signal}"), program.trim()]).status().unwrap().success());
        }
        shell.until("the shell goes on", |shell| shell.shown().contains("over\r\n"));

        let shown = shell.shown();
        assert!(shown.contains("error: stopped") && shown.contains("code 1"), "{signal}: {shown}");
        assert!(
            shown.contains(" echo ") && !shown.contains("-echo ") && shown.contains(" icanon "),
            "{signal}: {shown}"
        );
        assert!(!world.path("state").exists());
    }
}

#[test]
fn a_secret_that_is_typed_is_taken_and_not_shown() {
    let world = World::new();
    let mut shell = at_prompt(&world);

    shell.typed.write_all(format!("{}\n", crate::program::SECRET).as_bytes()).unwrap();
    shell.until("the shell goes on", |shell| shell.shown().contains("over\r\n"));

    let shown = shell.shown();
    assert!(shown.contains("code 0") && !shown.contains(crate::program::SECRET), "{shown}");
    assert_eq!(world.stored("current").as_deref(), Some(crate::program::SECRET));
}

/// What a command shows at a terminal of so many columns.
fn shown(world: &World, columns: u16, arguments: &[&str]) -> String {
    AtTerminal::start(world.command(env!("CARGO_BIN_EXE_lwa-rotate"), arguments), columns).end()
}

/// Without colours.
fn plain(text: &str) -> String {
    let mut parts = text.split('\x1b');
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |text, part| text + part.split_once('m').map_or("", |(_, rest)| rest))
}

#[test]
fn no_line_is_wider_than_the_terminal_unless_one_word_is() {
    let world = World::enrolled();
    world.sqs("SetQueueAttributes", serde_json::json!({ "Attributes": { "MessageRetentionPeriod": "3600" } }));
    for columns in [80, 120] {
        for arguments in [&["check"][..], &["status"], &["rotate", "nowhere"]] {
            let shown = plain(&shown(&world, columns, arguments));
            assert!(shown.len() > 20, "{shown}");
            for line in shown.lines() {
                let fits = line.trim_end().chars().count() <= usize::from(columns);
                assert!(fits || line.split_whitespace().count() <= 2, "{columns}: {line}");
            }
        }
    }
}

#[test]
fn what_blocks_is_coloured_where_a_terminal_takes_it_or_always_or_never() {
    const RED: &str = "\x1b[1;31mblocking";

    let world = World::enrolled();
    world.sqs("SetQueueAttributes", serde_json::json!({ "Attributes": { "Policy": "" } }));
    assert!(shown(&world, 80, &["check"]).contains(RED));
    assert!(!shown(&world, 80, &["check", "--color", "never"]).contains('\x1b'));
    assert!(world.run(&["check", "--color", "always"]).stdout.contains(RED));
    assert!(!world.run(&["check"]).stdout.contains('\x1b'));
    world.set("NO_COLOR", "1");
    assert!(!shown(&world, 80, &["check"]).contains('\x1b'));
    assert!(shown(&world, 80, &["check", "--color=always"]).contains(RED));
}
