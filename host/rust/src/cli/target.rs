//! From the configuration to a publish target of any kind.

use lwa_rotate::aws::Aws;
use lwa_rotate::config::{Config, TargetKind};
use lwa_rotate::publish::{ExecTarget, FileTarget, SecretsManagerTarget, SsmTarget, Target, Targets};

/// The targets of all applications.
pub(super) fn targets(config: &Config, aws: &Aws) -> Targets {
    let mut targets = Targets::new();
    for app in &config.apps {
        for configured in &app.publish {
            targets.insert(&app.client_id, &configured.name, target(&configured.kind, aws));
        }
    }
    targets
}

/// The target of one application that is configured so.
pub(super) fn target(kind: &TargetKind, aws: &Aws) -> Box<dyn Target> {
    match kind {
        TargetKind::File { path, format, names } => Box::new(FileTarget::new(path, *format).names(names.clone())),
        TargetKind::Exec { command, timeout } => {
            let (program, arguments) =
                command.split_first().map_or(("", &[][..]), |(first, rest)| (first.as_str(), rest));
            Box::new(ExecTarget::new(program, arguments).time_limit(*timeout))
        }
        TargetKind::SecretsManager { secret, region, names } => {
            let target = SecretsManagerTarget::new(secret).names(names.clone()).aws(aws.clone());
            Box::new(match region {
                Some(region) => target.region(region),
                None => target,
            })
        }
        TargetKind::Ssm { parameter, region, form, kms_key } => {
            let mut target = SsmTarget::new(parameter).form(form.clone()).aws(aws.clone());
            if let Some(region) = region {
                target = target.region(region);
            }
            if let Some(key) = kms_key {
                target = target.kms_key(key);
            }
            Box::new(target)
        }
    }
}

/// Whether a credential can be read back from such a target.
pub(super) fn is_readable(kind: &TargetKind) -> bool {
    !matches!(kind, TargetKind::Exec { .. })
}

/// What to do when such a target cannot be written.
pub(super) fn remedy(kind: &TargetKind) -> &'static str {
    match kind {
        TargetKind::File { .. } => {
            "make its folder, let the user that runs lwa-rotate own the file and write its folder, or put its content right"
        }
        TargetKind::Exec { .. } => "give the path of a program that the user that runs lwa-rotate may run",
        TargetKind::SecretsManager { .. } => {
            "let the AWS credentials read and write the secret, name its region, or put its value right"
        }
        TargetKind::Ssm { .. } => {
            "let the AWS credentials read and write the parameter, name its region, or put its value right"
        }
    }
}
