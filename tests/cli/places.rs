//! What the operator names by a path: whatever is there, no command hangs, nothing but a regular file is touched, `check` says
//! beforehand what a write would meet, and whoever runs a command locks nobody out.

use std::fs;
use std::os::unix::fs::{FileTypeExt, MetadataExt, chown};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule, TargetArch,
};

use crate::program::{CLIENT_ID, SECRET, World};

const ONE_TARGET: &str = "[[apps.shop.publish]]\nkind = \"file\"\npath = \"shop.env\"\nformat = \"env\"\n";
/// Nobody of this machine.
const OTHER: u32 = 65534;

fn pipe(path: &Path) {
    assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
}

fn is_root() -> bool {
    fs::metadata("/proc/self").unwrap().uid() == 0
}

/// What `check` finds about this, as `SEVERITY: EVIDENCE`.
fn found(world: &World, check: &str, change: impl FnOnce(&mut Command)) -> String {
    let ran = world.start_as(change, &["check", "--json"], "").end();
    let document = ran.document();
    let finding = document["findings"].as_array().unwrap().iter().find(|finding| finding["check"] == check).unwrap();
    format!("{}: {}", finding["severity"].as_str().unwrap(), finding["evidence"].as_str().unwrap())
}

/// Has a system call fail, where its third argument is as given.
fn failing(call: i64, third: Option<u64>, error: i32) -> impl FnOnce(&mut Command) {
    let rule = third.map(|third| {
        SeccompRule::new(vec![SeccompCondition::new(2, SeccompCmpArgLen::Dword, SeccompCmpOp::Eq, third).unwrap()])
            .unwrap()
    });
    let filter: BpfProgram = SeccompFilter::new(
        [(call, rule.into_iter().collect())].into(),
        SeccompAction::Allow,
        SeccompAction::Errno(u32::try_from(error).unwrap()),
        TargetArch::x86_64,
    )
    .unwrap()
    .try_into()
    .unwrap();
    move |command| {
        let apply = move || seccompiler::apply_filter(&filter).map_err(std::io::Error::other);
        // SAFETY: between fork and exec it makes two system calls and nothing else.
        unsafe { command.pre_exec(apply) };
    }
}

#[test]
fn a_named_pipe_in_the_place_of_a_published_file_is_told_at_once_and_left_as_it_is() {
    let world = World::new();
    world.configure("", ONE_TARGET);
    pipe(&world.path("shop.env"));

    let ran = world.run_with(&["enroll", "shop"], SECRET);

    ran.says("shop.env").says("it is a named pipe");
    let seen = found(&world, "target", |_| {});
    assert!(seen.starts_with("warning:") && seen.contains("it is a named pipe"), "{seen}");
    assert!(fs::symlink_metadata(world.path("shop.env")).unwrap().file_type().is_fifo(), "it is left as it is");
    fs::remove_file(world.path("shop.env")).unwrap();
    world.watch_until("it is written once there is a place for it", || {
        fs::read_to_string(world.path("shop.env")).is_ok_and(|content| content.contains(SECRET))
    });
}

#[test]
fn named_pipes_in_the_place_of_other_files_hang_no_command() {
    let world = World::enrolled();
    fs::create_dir(world.path("apps.d")).unwrap();
    pipe(&world.path("apps.d/pipe.toml"));
    let configuration = format!("apps-folder = \"apps.d\"\n{}", world.read("lwa-rotate.toml"));
    world.write("lwa-rotate.toml", &configuration);
    world.run(&["status"]).exits(1).says("apps.d/pipe.toml").says("it is a named pipe");

    pipe(&world.path("pipe"));
    world.run(&["--config", "pipe", "status"]).exits(2).says("it is a named pipe");
    world.run(&["enroll", "shop", "--secret-file", "pipe"]).exits(1).says("not a regular file");
    let record = fs::read_dir(world.path("state")).unwrap().next().unwrap().unwrap().path();
    fs::remove_file(&record).unwrap();
    pipe(&record);
    world.run(&["status", "shop"]).exits(1).says("it is a named pipe");
    assert!(fs::symlink_metadata(&record).unwrap().file_type().is_fifo());
}

#[test]
fn a_secret_is_read_from_a_pipe_that_the_shell_has_opened() {
    let world = World::new();
    world.write("secret", SECRET);

    world.run_in_shell("cat secret | \"$@\" --secret-file /dev/fd/0", &["enroll", "shop"]).done();

    assert_eq!(world.stored("current").as_deref(), Some(SECRET));
}

#[test]
fn check_tries_what_saving_and_publishing_need() {
    const LOCK: i64 = 73;
    const SYNC: i64 = 74;
    const EINVAL: i32 = 22;
    const ENOLCK: i32 = 37;

    let world = World::enrolled();
    for (call, error, words) in [(LOCK, ENOLCK, "cannot lock"), (SYNC, EINVAL, "cannot sync")] {
        for (check, severity) in [("store", "blocking"), ("target", "warning")] {
            let seen = found(&world, check, failing(call, None, error));
            assert!(seen.starts_with(severity) && seen.contains(words), "{seen}");
        }
    }
}

#[test]
fn where_nothing_can_be_tried_without_a_trace_check_says_that_it_was_not() {
    const OPEN_AT: i64 = 257;
    const EOPNOTSUPP: i32 = 95;
    /// The flags of a file without a name that is read and written: `O_TMPFILE`, `O_RDWR`, `O_CLOEXEC`, and on x86-64 `O_LARGEFILE`.
    const NAMELESS: [u64; 2] = [0o20_200_000 | 0o2 | 0o2_000_000, 0o20_200_000 | 0o2 | 0o2_000_000 | 0o100_000];

    let world = World::enrolled();
    for check in ["store", "target"] {
        let seen = NAMELESS.map(|flags| found(&world, check, failing(OPEN_AT, Some(flags), EOPNOTSUPP)));
        assert!(seen.iter().any(|seen| seen.starts_with("not-checked") && seen.contains("was not tried")), "{seen:?}");
    }
}

#[test]
fn a_file_whose_owner_or_group_cannot_be_kept_is_found() {
    const CHOWN: i64 = 93;
    const EPERM: i32 = 1;

    let world = World::enrolled();
    if is_root() {
        chown(world.path("shop.env"), None, Some(4242)).unwrap();
        let seen = found(&world, "target", failing(CHOWN, None, EPERM));
        assert!(seen.starts_with("warning") && seen.contains("group 4242"), "{seen}");
        assert!(found(&world, "target", |_| {}).starts_with("fine"), "root may");
    } else {
        // Nobody else's file can be made here: to the one who owns it nothing is given.
        assert!(found(&world, "target", failing(CHOWN, None, EPERM)).starts_with("fine"));
    }
}

#[test]
fn a_record_belongs_to_who_owns_it_or_its_folder_whoever_saves_it() {
    let world = World::new();
    world.configure("", "");
    let owner = if is_root() { OTHER } else { fs::metadata(world.folder.path()).unwrap().uid() };
    chown(world.folder.path(), Some(owner), None).unwrap();

    world.enroll();

    let record = fs::read_dir(world.path("state")).unwrap().next().unwrap().unwrap().path();
    assert_eq!(
        fs::metadata(world.path("state")).unwrap().uid(),
        owner,
        "the folder is made for who owns the one above"
    );
    assert_eq!(fs::metadata(&record).unwrap().uid(), owner);
    chown(world.path("state"), Some(fs::metadata("/proc/self").unwrap().uid()), None).unwrap();
    world.run(&["rotate", "shop"]).done();
    assert_eq!(fs::metadata(&record).unwrap().uid(), owner, "it keeps its owner, whoever owns the folder");
    assert_eq!(fs::metadata(&record).unwrap().mode() & 0o777, 0o600);
}

#[test]
fn where_the_owner_of_a_record_cannot_be_kept_nothing_is_sent_to_amazon() {
    const CHOWN: i64 = 93;
    const EPERM: i32 = 1;

    let world = World::enrolled();
    let record = fs::read_dir(world.path("state")).unwrap().next().unwrap().unwrap().path();
    let calls = world.calls().len();
    if is_root() {
        chown(&record, Some(OTHER), None).unwrap();
        let before = fs::read(&record).unwrap();

        let ran = world.start_as(failing(CHOWN, None, EPERM), &["rotate", "shop"], "").end().exits(1);

        ran.says("cannot keep the owner of").says(&record.display().to_string()).says("run lwa-rotate as that user");
        assert!(
            world.calls()[calls..].iter().all(|call| *call == "receive" || *call == "queue"),
            "{:?}",
            world.calls()
        );
        assert_eq!(fs::read(&record).unwrap(), before);
        assert!(found(&world, "store", failing(CHOWN, None, EPERM)).contains("cannot keep the owner of"));
    } else {
        let ran = world.start_as(failing(CHOWN, None, EPERM), &["rotate", "shop"], "").end();
        assert_eq!(ran.code, Some(0), "nothing has to be given to anybody: {}", ran.stderr);
    }
}

#[test]
fn a_target_of_one_application_that_takes_long_holds_up_no_message_of_another() {
    const MILL: &str = "amzn1.application-oa2-client.mill";
    const MILL_SECRET: &str = "amzn1.oa2-cs.v1.mill-90c4d1e7a2b853f6";

    let world = World::with(|options| {
        options.applications.push(lwa_rotate_emulator::Application::new(MILL, MILL_SECRET));
    });
    world.watch_for(MILL_SECRET);
    let (url, token) = (world.emulator.url(), world.emulator.token_endpoint());
    let waits = "cat > /dev/null; touch begun; until [ -e go ]; do sleep 0.05; done; touch done";
    world.configure(
        "",
        &format!(
            "[[apps.shop.publish]]\nkind = \"exec\"\ncommand = [\"sh\", \"-c\", \"{waits}\"]\ntimeout = \"100s\"\n\
             [apps.mill]\nclient-id = \"{MILL}\"\nqueue = \"main\"\napi-endpoint = \"{url}\"\ntoken-endpoint = \"{token}\"\n\
             [[apps.mill.publish]]\nkind = \"file\"\npath = \"mill.env\"\nformat = \"env\"\n[watch]\nqueue-interval = \"1s\"\n"
        ),
    );
    world.write("go", "");
    world.enroll();
    world.run_with(&["enroll", "mill"], MILL_SECRET).done();
    for name in ["go", "begun", "done"] {
        fs::remove_file(world.path(name)).unwrap();
    }
    let watch = world.start(&["watch"]);
    watch.until("it has begun", || watch.stderr().contains("watching"));
    world.emulator.rotate_in_console(CLIENT_ID, true);
    watch.until("the command of the shop runs", || world.path("begun").exists());

    world.emulator.rotate_in_console(MILL, true);
    let newest = world.emulator.secrets(MILL).pop().unwrap().secret;
    world.watch_for(&newest);
    watch.until("the mill has its new secret", || world.read("mill.env").contains(&newest));

    assert!(!world.path("done").exists(), "while the command of the shop still runs");
    world.write("go", "");
    watch.until("what was begun comes to its end", || world.path("done").exists());
    watch.terminate();
    watch.end().done();
}

#[test]
fn a_command_that_hangs_ends_with_the_program_and_with_all_that_it_has_started() {
    let world = World::new();
    world.configure(
        "",
        "[[apps.shop.publish]]\nkind = \"exec\"\ntimeout = \"100s\"\n\
         command = [\"sh\", \"-c\", \"cat > /dev/null; sleep 1000 & echo $! > child.new; mv child.new child; wait\"]\n",
    );
    for signal in ["INT", "TERM"] {
        let _ = fs::remove_file(world.path("child"));
        let watch =
            if signal == "INT" { world.start_with(&["enroll", "shop"], SECRET) } else { world.start(&["watch"]) };
        watch.until("the command has started a child", || world.path("child").exists());

        watch.signal(signal);
        watch.end();

        let child = world.read("child");
        let stat = format!("/proc/{}/stat", child.trim());
        let begun = std::time::Instant::now();
        while fs::read_to_string(&stat).is_ok_and(|stat| !stat.contains(") Z ")) {
            assert!(begun.elapsed().as_secs() < 60, "{signal}: the child is still there");
            std::thread::yield_now();
        }
    }
}
