//! The command line: arguments, the commands, what they print, and exit codes.

mod cancel;
mod check;
mod configured;
mod confirm;
mod demo;
mod emulator;
mod enroll;
mod events;
mod failure;
mod forget;
mod get;
mod host;
mod in_order;
mod json;
mod log;
mod output;
mod progress;
mod publish;
mod resume;
mod rotate;
mod set_expiry;
mod signal;
mod status;
mod target;
mod text;
mod watch;
mod wrap;

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{ArgAction, Args, Parser, Subcommand, ValueEnum};
use lwa_rotate::config::parse_duration;

use self::failure::{Exit, Failure};
use self::output::{Color, Output};
use self::signal::Signals;

/// What every command answers.
type Outcome = anyhow::Result<Exit>;

/// Rotates Login-with-Amazon client secrets of Selling Partner API applications before they expire, without ever losing
/// the new one.
#[derive(Debug, Parser)]
#[command(name = "lwa-rotate", version, max_term_width = 100, after_help = EXIT_CODES)]
struct Arguments {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Command,
}

const EXIT_CODES: &str = "Exit codes: 0 done, 1 failed, 2 usage or configuration, 3 not finished (run it again later), 4 stalled (a person must decide)";

/// What every command takes.
#[derive(Args, Debug)]
struct Global {
    /// The configuration file [default: lwa-rotate.toml here, then ~/.config/lwa-rotate/config.toml]
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Print the result as JSON on stdout
    #[arg(long, global = true)]
    json: bool,
    /// Say more on stderr; twice for still more
    #[arg(short, long, global = true, action = ArgAction::Count)]
    verbose: u8,
    /// Colour what is put out: where a terminal takes it (and NO_COLOR is not set), always, or never
    #[arg(long, global = true, value_enum, value_name = "WHEN", default_value = "auto")]
    color: Color,
    /// The form of log lines on stderr
    #[arg(long, global = true, value_enum, value_name = "FORMAT", default_value = "text")]
    log_format: LogFormat,
}

/// The form of log lines.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
enum LogFormat {
    Text,
    Json,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Show a whole rotation against the built-in emulator; needs no configuration, no account and no network
    Demo,
    /// Supply an application's current client secret: from stdin, a file, a hidden prompt, or where it is published
    Enroll(EnrollArguments),
    /// Say when an application's current client secret ends
    SetExpiry(SetExpiryArguments),
    /// Check whether a rotation would bring a new secret: queue, policy, secret, store, targets, clock. Changes nothing
    Check {
        /// An application of the configuration [default: all]
        app: Option<String>,
    },
    /// Rotate now, and stay until the new secret is verified and published
    Rotate(RotateArguments),
    /// Take back a rotation that is wanted and whose rotate call is not sent yet, or put off the next one
    Cancel(CancelArguments),
    /// Keep all applications rotated, until stopped
    Watch,
    /// Show the state of applications, from the store alone
    Status {
        /// An application of the configuration [default: all]
        app: Option<String>,
    },
    /// Print an application's client secret, and nothing else
    Get(GetArguments),
    /// Write the current client secret to the publish targets again
    Publish(PublishArguments),
    /// Decide how a stalled rotation goes on
    Resume(ResumeArguments),
    /// Remove an application's record with all its secrets from the store
    Forget(ForgetArguments),
    /// Serve Login with Amazon, the SP-API rotation call and Amazon SQS on loopback, for tests
    Emulator(emulator::EmulatorArguments),
}

#[derive(Args, Debug)]
struct EnrollArguments {
    /// An application of the configuration
    #[arg(required_unless_present = "all")]
    app: Option<String>,
    /// When the secret expires, as the Developer Console shows it: 2027-01-31, or 2027-01-31T12:00:00Z
    #[arg(long, value_name = "TIME", value_parser = text::parse_instant)]
    expires_at: Option<u64>,
    /// A file that holds the secret and nothing else
    #[arg(long, value_name = "FILE")]
    secret_file: Option<PathBuf>,
    /// Take the secret from where the application reads it now: a publish target of this name
    #[arg(long, value_name = "TARGET", conflicts_with = "secret_file")]
    from: Option<String>,
    /// Do so for every application that is not enrolled yet
    #[arg(long, conflicts_with_all = ["app", "from", "secret_file", "expires_at"])]
    all: bool,
    /// Do not ask when the expiry time makes a rotation due
    #[arg(long)]
    yes: bool,
    /// Taken only to say that it is not taken.
    #[arg(long, hide = true, num_args = 0..=1, alias = "client-secret", default_missing_value = "")]
    secret: Option<OsString>,
    #[arg(hide = true)]
    positional: Vec<OsString>,
}

#[derive(Args, Debug)]
struct SetExpiryArguments {
    /// An application of the configuration
    app: String,
    /// When the secret ends, as the Developer Console shows it: 2027-01-31, or 2027-01-31T12:00:00Z
    #[arg(value_name = "DATE", value_parser = text::parse_instant)]
    expires_at: u64,
    /// Do not ask when a rotation is due with it
    #[arg(long)]
    yes: bool,
}

#[derive(Args, Debug)]
struct CancelArguments {
    /// An application of the configuration
    app: String,
    /// When a rotation that is due may begin again: 2027-01-31, or 2027-01-31T12:00:00Z [default: in 24 hours]
    #[arg(long, value_name = "TIME", value_parser = text::parse_instant)]
    not_before: Option<u64>,
}

#[derive(Args, Debug)]
struct PublishArguments {
    /// An application of the configuration
    app: String,
    /// A publish target of this name [default: all]
    #[arg(long, value_name = "TARGET")]
    target: Option<String>,
}

#[derive(Args, Debug)]
struct ForgetArguments {
    /// An application of the configuration
    app: String,
    /// Do not ask
    #[arg(long)]
    yes: bool,
}

#[derive(Args, Debug)]
struct RotateArguments {
    /// An application of the configuration
    app: String,
    /// How long to stay at most, such as 90s, 15m or 1h
    #[arg(long, value_name = "DURATION", value_parser = parse_duration, default_value = "15m")]
    timeout: Duration,
    /// Say what would be done, and check what `check` checks; changes nothing
    #[arg(long)]
    dry_run: bool,
    /// Make the rotate call even if the new secret may not arrive in the queue or not stay there, and within 7 days of the last one
    #[arg(long)]
    force: bool,
}

#[derive(Args, Debug)]
struct GetArguments {
    /// An application of the configuration
    app: String,
    /// The secret in use, the new one that waits for its verification, or the one before
    #[arg(long, value_enum, default_value = "current")]
    stage: StageArgument,
    /// The secret alone, a JSON object, or lines NAME=value with client id and expiry time as well
    #[arg(long, value_enum, default_value = "value")]
    format: FormatArgument,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum StageArgument {
    Current,
    Candidate,
    Retired,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
enum FormatArgument {
    Value,
    Json,
    Env,
}

#[derive(Args, Debug)]
struct ResumeArguments {
    /// An application of the configuration
    app: String,
    #[command(flatten)]
    decision: DecisionArguments,
}

#[derive(Args, Debug)]
#[group(required = true, multiple = false)]
struct DecisionArguments {
    /// Wait for the message once more, for the configured patience
    #[arg(long)]
    wait: bool,
    /// Make another rotate call; what that does to the secret in use is not documented by Amazon
    #[arg(long)]
    request_again: bool,
}

/// How long tasks are waited for when a command is done: they only have to be dropped.
const LAST_TASKS: Duration = Duration::from_secs(1);

/// Runs the program.
pub(crate) fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => return refuse(error),
    };
    let output = Output::new(arguments.global.json, arguments.global.color);
    let exit = match run(arguments, &output) {
        Ok(exit) => exit,
        Err(error) => failure::report(&error, &output),
    };
    ExitCode::from(exit.code())
}

/// What is wrong with the arguments; help and version arrive here too.
fn refuse(mut error: clap::Error) -> ExitCode {
    if matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) {
        return ExitCode::from(if error.print().is_ok() { Exit::Done } else { Exit::Failed }.code());
    }
    let json = std::env::args_os().any(|argument| argument == "--json");
    let instead = instead(&error);
    if instead.is_some() {
        // Its advice is to pass the option as a value, which is never meant.
        error.remove(ContextKind::Suggested);
    }
    let text = error.to_string();
    // The message repeats what was typed, which may be a secret in the wrong place.
    if std::env::args().skip(1).any(|argument| may_be_secret(&argument) && text.contains(&argument)) {
        let failure = Failure::usage(
            "one of the arguments is wrong; it is not repeated here, because it may be a secret",
        )
        .hint(
            "a client secret is never an argument: give it to `enroll` on stdin, at its prompt, or with --secret-file",
        )
        .hint("see `lwa-rotate --help`");
        return ExitCode::from(failure::report(&failure.into(), &Output::new(json, Color::Auto)).code());
    }
    // Where stderr is gone, the exit code still says it.
    let _ = error.print();
    if let Some(instead) = instead {
        Output::new(json, Color::Auto).note(&format!("hint: {instead}"));
    }
    if json {
        // What follows repeats how the command is used.
        let words: Vec<&str> = text.split("\n\n").next().unwrap_or_default().split_whitespace().collect();
        let failure = Failure::usage(words.join(" ").trim_start_matches("error: "));
        let failure = failure.hint(instead.unwrap_or("see `lwa-rotate --help`"));
        failure::print_json(&failure, &Output::new(true, Color::Auto));
    }
    ExitCode::from(Exit::Usage.code())
}

/// What there is in place of an option that other programs have.
fn instead(error: &clap::Error) -> Option<&'static str> {
    let Some(ContextValue::String(option)) = error.get(ContextKind::InvalidArg) else { return None };
    match option.split('=').next()? {
        "--all" | "-a" => Some(
            "`rotate` takes one application; `watch` rotates all that are due, and `check` and `status` show all without a name",
        ),
        "--format" | "--output" | "-o" => Some("for JSON write --json; only `get` has --format"),
        "--quiet" | "-q" | "--silent" => Some("stdout holds the result alone; for less on stderr add 2>/dev/null"),
        "--profile" => Some("set the variable AWS_PROFILE"),
        "--region" => Some("set the variable AWS_REGION; the region of SP-API is in the configuration"),
        "--no-color" | "--no-colour" | "--colour" => Some("write --color never"),
        _ => None,
    }
}

/// Whether an argument looks like what is not typed by hand.
fn may_be_secret(argument: &str) -> bool {
    argument.contains("oa2-cs") || argument.len() >= 24 && !argument.contains(['/', ' '])
}

fn run(arguments: Arguments, output: &Output) -> Outcome {
    let Arguments { global, command } = arguments;
    log::start(&global, &command, output);
    let runtime = match command {
        // They answer at once and from one file; starting threads would take longer than the work.
        Command::Status { .. }
        | Command::Get(_)
        | Command::Resume(_)
        | Command::SetExpiry(_)
        | Command::Cancel(_)
        | Command::Forget(_) => tokio::runtime::Builder::new_current_thread(),
        _ => tokio::runtime::Builder::new_multi_thread(),
    }
    .enable_all()
    .build()?;
    let outcome = runtime.block_on(async {
        match command {
            Command::Demo => demo::run(&global, output).await,
            Command::Enroll(arguments) => until_stopped(enroll::run(&global, arguments, output)).await,
            Command::SetExpiry(arguments) => set_expiry::run(&global, &arguments, output).await,
            Command::Check { app } => until_stopped(check::run(&global, app.as_deref(), output)).await,
            Command::Rotate(arguments) => rotate::run(&global, &arguments, output).await,
            Command::Cancel(arguments) => cancel::run(&global, &arguments, output).await,
            Command::Watch => watch::run(&global, output).await,
            Command::Status { app } => status::run(&global, app.as_deref(), output).await,
            Command::Get(arguments) => get::run(&global, &arguments, output).await,
            Command::Publish(arguments) => until_stopped(publish::run(&global, &arguments, output)).await,
            Command::Resume(arguments) => resume::run(&global, &arguments, output).await,
            Command::Forget(arguments) => forget::run(&global, &arguments, output).await,
            Command::Emulator(arguments) => emulator::run(&global, arguments, output).await,
        }
    });
    // Tasks end before the program, and with them the commands that they wait for. Whatever still runs after that, such as a
    // read of the terminal, must not keep a stopped program alive.
    runtime.shutdown_timeout(LAST_TASKS);
    outcome
}

/// Does work that may be cut off anywhere, until a signal comes: the commands that it waits for end with it.
async fn until_stopped(work: impl Future<Output = Outcome>) -> Outcome {
    let mut signals = Signals::catch()?;
    tokio::select! {
        biased;
        outcome = work => outcome,
        () = signals.received() => {
            Err(Failure::failed("stopped").hint("nothing is lost: what was saved decides; run it again").into())
        }
    }
}

#[cfg(test)]
mod tests;
