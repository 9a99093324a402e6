//! From the configuration to a publish target of any kind.

use lwa_rotate::aws::Aws;
use lwa_rotate::config::TargetKind;
use lwa_rotate::publish::{ExecTarget, FileTarget, Target};

/// The target of one application that is configured so.
pub(super) fn target(kind: &TargetKind, _aws: &Aws) -> Box<dyn Target> {
    match kind {
        TargetKind::File { path, format, names } => Box::new(FileTarget::new(path, *format).names(names.clone())),
        TargetKind::Exec { command, timeout } => {
            let (program, arguments) =
                command.split_first().map_or(("", &[][..]), |(first, rest)| (first.as_str(), rest));
            Box::new(ExecTarget::new(program, arguments).time_limit(*timeout))
        }
    }
}

/// What to do when such a target cannot be written.
pub(super) fn remedy(kind: &TargetKind) -> &'static str {
    match kind {
        TargetKind::File { .. } => {
            "make its folder, let the user that runs lwa-rotate own the file and write its folder, or put its content right"
        }
        TargetKind::Exec { .. } => "give the path of a program that the user that runs lwa-rotate may run",
    }
}
