//! Cold starts: whole processes in turns, their wall time and what they compute.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use lwa_rotate::store::FileStore;
use lwa_rotate::{Application, Rotator, Secret};

use crate::amazon::{CLIENT_ID, SECRET};
use crate::sample::{Sample, figure};
use crate::{program, table};

const ROUNDS: usize = 21;

/// A process to be measured: what it is, and how it is started.
struct Start {
    figure: String,
    command: Box<dyn Fn() -> Command>,
    /// Measured until it asks for something, and then ended; otherwise until it has ended by itself.
    until_it_asks: Option<TcpListener>,
    wall: Sample,
    computed: Sample,
}

impl Start {
    fn new(figure: impl Into<String>, command: impl Fn() -> Command + 'static) -> Self {
        let (wall, computed) = (Sample::default(), Sample::default());
        Self { figure: figure.into(), command: Box::new(command), until_it_asks: None, wall, computed }
    }

    fn run(&mut self) {
        let mut command = (self.command)();
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let before = computed_by_children();
        let began = Instant::now();
        let mut child = command.spawn().unwrap();
        let took = match &self.until_it_asks {
            None => {
                let ended = child.wait().unwrap();
                let took = began.elapsed();
                assert!(ended.success(), "{}: {ended}", self.figure);
                took
            }
            Some(listener) => {
                let (mut connection, _) = listener.accept().unwrap();
                let _ = connection.read(&mut [0]).unwrap();
                let took = began.elapsed();
                child.kill().unwrap();
                child.wait().unwrap();
                took
            }
        };
        self.wall.push(took.as_secs_f64() * 1e3);
        self.computed.push((computed_by_children() - before).as_secs_f64() * 1e3);
    }
}

pub fn measure() {
    let folder = tempfile::tempdir().unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    enroll(folder.path(), &listener);
    let own = |argument: &'static [&'static str]| {
        let folder = folder.path().to_owned();
        move || {
            let mut command = Command::new(program());
            let environment = [("AWS_REGION", "us-east-1"), ("AWS_ACCESS_KEY_ID", "x"), ("AWS_SECRET_ACCESS_KEY", "x")];
            command.args(argument).current_dir(&folder).envs(environment);
            command
        }
    };
    let mut starts = vec![
        Start::new("`lwa-rotate --version`, process start to end", own(&["--version"])),
        Start::new("`lwa-rotate status`, process start to end", own(&["status"])),
        Start::new("`lwa-rotate rotate`, process start to its first request", own(&["rotate", "bench"])),
    ];
    starts[2].until_it_asks = Some(listener);

    let python = Path::new("target/python/tools/bin/python");
    let mut yardstick = None;
    if python.exists() && Path::new("host/python/bench/boto3_start.py").exists() {
        let command = || script(Path::new("target/python/tools/bin/python"), "host/python/bench/boto3_start.py", &[]);
        yardstick = Some(starts.len());
        starts.push(Start::new("Python with boto3 and a client for SQS, process start to end", command));
    } else {
        table::without("Python with boto3, process start to end", "run host/python/test first");
    }
    let node = PathBuf::from("host/node/node_modules/.bin/node");
    for (name, interpreter, start, first) in [
        ("Python", python, "host/python/bench/start.py", "host/python/test"),
        ("Node", node.as_path(), "host/node/bench/start.js", "host/node/test/run"),
    ] {
        let (status, asks) =
            (format!("the {name} host, `status`"), format!("the {name} host, first request of a rotation"));
        let prepared = folder.path().join(name);
        fs::create_dir(&prepared).unwrap();
        let prepared = prepared.to_str().unwrap().to_owned();
        let ready = interpreter.exists()
            && Path::new(start).exists()
            && script(interpreter, start, &["prepare", &prepared]).output().unwrap().status.success();
        if !ready {
            table::without(&status, &format!("run {first} first"));
            table::without(&asks, &format!("run {first} first"));
            continue;
        }
        for (figure, argument) in [(status, "status"), (asks, "rotate")] {
            let (interpreter, prepared) = (interpreter.to_owned(), prepared.clone());
            starts.push(Start::new(figure, move || script(&interpreter, start, &[argument, &prepared])));
        }
    }

    stock(folder.path(), &mut starts);

    for _ in 0..ROUNDS {
        starts.iter_mut().for_each(Start::run);
    }
    for (place, start) in starts.iter().enumerate() {
        let value = format!("{}; computing {}", start.wall.spread("ms"), start.computed.spread("ms"));
        if place == 1 {
            table::target(&start.figure, value, "at most 10 ms", start.wall.median() <= 10.0);
        } else {
            table::row(&start.figure, value);
        }
    }
    match yardstick {
        Some(place) => {
            let ratio = starts[place].computed.ratio(&starts[1].computed).median();
            let value = format!("{} times less", figure(ratio));
            table::target(
                "computing of `status` against Python with boto3",
                value,
                "at least 20 times less",
                ratio >= 20.0,
            );
        }
        None => table::without("computing of `status` against Python with boto3", "run host/python/test first"),
    }
}

/// The composed component in a stock runtime, which compiles it at each start.
fn stock(folder: &Path, starts: &mut Vec<Start>) {
    let (status, asks) = ("the stock runtime, `status`", "the stock runtime, `rotate` until its first request");
    let tools = fs::read_dir("target/stock/tools/lib").into_iter().flatten();
    let programs = tools.map(|python| python.unwrap().path().join("site-packages/wasmtime_cli/wasmtime"));
    let (Some(wasmtime), Ok(component)) =
        (programs.into_iter().find(|path| path.exists()), std::path::absolute("target/stock/lwa-rotate.wasm"))
    else {
        return [status, asks].iter().for_each(|figure| table::without(figure, "run host/stock/test first"));
    };
    let folder = folder.join("stock");
    fs::create_dir(&folder).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    configure(&folder, &listener);
    let run = move |arguments: &'static [&'static str]| {
        let (wasmtime, component, folder) = (wasmtime.clone(), component.clone(), folder.clone());
        move || {
            let mut command = Command::new(&wasmtime);
            command.args(["run", "-S", "http", "--env", "AWS_ACCESS_KEY_ID=x", "--env", "AWS_SECRET_ACCESS_KEY=x"]);
            command.args(["--env", "AWS_REGION=us-east-1", "--dir"]).arg(format!("{}::/", folder.display()));
            command.arg(&component).args(arguments);
            command
        }
    };
    let mut enroll = run(&["enroll", "bench"])().stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
    enroll.stdin.take().unwrap().write_all(SECRET.as_bytes()).unwrap();
    assert!(enroll.wait().unwrap().success());
    starts.push(Start::new(status, run(&["status"])));
    starts.push(Start { until_it_asks: Some(listener), ..Start::new(asks, run(&["rotate", "bench"])) });
}

fn script(interpreter: &Path, script: &str, arguments: &[&str]) -> Command {
    let component = std::path::absolute("target/component.wasm").unwrap();
    let mut command = Command::new(interpreter);
    command.arg(script).args(arguments).env("LWA_ROTATE_COMPONENT", component);
    command
}

/// What all processes that have ended have computed.
fn computed_by_children() -> Duration {
    let mut usage = std::mem::MaybeUninit::<libc::rusage>::zeroed();
    // SAFETY: the structure is there to be written, and all its bytes may be zero.
    let usage = unsafe {
        assert_eq!(libc::getrusage(libc::RUSAGE_CHILDREN, usage.as_mut_ptr()), 0);
        usage.assume_init()
    };
    let time = |time: libc::timeval| Duration::new(time.tv_sec as u64, time.tv_usec as u32 * 1000);
    time(usage.ru_utime) + time(usage.ru_stime)
}

/// A record and a configuration, with an Amazon that never answers.
fn enroll(folder: &Path, listener: &TcpListener) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let application = Application::new(CLIENT_ID, "http://127.0.0.1:1", "main");
    let store = FileStore::new(folder.join("state"));
    let rotator = Rotator::builder().application(application).store(store).build().unwrap();
    runtime.block_on(rotator.enroll(CLIENT_ID, Secret::from(SECRET), None, false)).unwrap();
    configure(folder, listener);
}

fn configure(folder: &Path, listener: &TcpListener) {
    let url = format!("http://{}", listener.local_addr().unwrap());
    let configuration = format!(
        "[store]\npath = \"state\"\n[queues.main]\nurl = \"{url}/000000000000/lwa\"\n\
         [apps.bench]\nclient-id = \"{CLIENT_ID}\"\napi-endpoint = \"{url}\"\ntoken-endpoint = \"{url}/auth/o2/token\"\n\
         queue = \"main\"\n"
    );
    fs::write(folder.join("lwa-rotate.toml"), configuration).unwrap();
}
