//! From the configuration to a publish target of any kind.

use lwa_rotate::aws::Aws;
use lwa_rotate::config::{App, Target as Configured, TargetKind};
use lwa_rotate::publish::{
    ExecTarget, FileTarget, KubernetesTarget, SecretsManagerTarget, SsmTarget, Target, Then, VaultTarget,
};

use super::failure::Failure;

/// The application's target of this name, as the user typed it behind an option.
pub(super) fn named<'a>(app: &'a App, name: &str, option: &str) -> Result<&'a Configured, Failure> {
    if let Some(found) = app.publish.iter().find(|target| target.name == name) {
        return Ok(found);
    }
    // What was typed is not repeated: it may be a secret in the wrong place.
    let names: Vec<&str> = app.publish.iter().map(|target| target.name.as_str()).collect();
    let hint = if names.is_empty() { "it has none".into() } else { format!("it has: {}", names.join(", ")) };
    Err(Failure::usage(format!("{} has no publish target of the name that follows {option}", app.name)).hint(hint))
}

/// The target of one application that is configured so.
pub(super) fn target(configured: &Configured, aws: &Aws) -> Box<dyn Target> {
    let target = of_kind(&configured.kind, aws);
    match &configured.then {
        Some(command) => {
            let (program, arguments) = split(command);
            Box::new(Then::new(target, program, arguments))
        }
        None => target,
    }
}

fn split(command: &[String]) -> (&str, &[String]) {
    command.split_first().map_or(("", &[]), |(program, arguments)| (program, arguments))
}

fn of_kind(kind: &TargetKind, aws: &Aws) -> Box<dyn Target> {
    match kind {
        TargetKind::File { path, format, names } => Box::new(FileTarget::new(path, *format).names(names.clone())),
        TargetKind::Exec { command, timeout } => {
            let (program, arguments) = split(command);
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
        TargetKind::Vault { path, mount, address, namespace, token_file, names } => {
            let mut target = VaultTarget::new(path).mount(mount).names(names.clone());
            if let Some(address) = address {
                target = target.address(address);
            }
            if let Some(namespace) = namespace {
                target = target.namespace(namespace);
            }
            if let Some(file) = token_file {
                target = target.token_file(file);
            }
            Box::new(target)
        }
        TargetKind::Kubernetes { secret, namespace, context, names } => {
            let mut target = KubernetesTarget::new(secret).names(names.clone());
            if let Some(namespace) = namespace {
                target = target.namespace(namespace);
            }
            if let Some(context) = context {
                target = target.context(context);
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
            "make its folder, let the user that runs lwa-rotate own the file and write its folder, or correct its content"
        }
        TargetKind::Exec { .. } => "give the path of a program that the user that runs lwa-rotate may run",
        TargetKind::SecretsManager { .. } => {
            "let the AWS credentials read and write the secret, name its region, or correct its value"
        }
        TargetKind::Ssm { .. } => {
            "let the AWS credentials read and write the parameter, name its region, or correct its value"
        }
        TargetKind::Vault { .. } => {
            "check that vault runs and is not sealed, and that the token may create, read and update the secret"
        }
        TargetKind::Kubernetes { .. } => {
            "check that the cluster can be reached, and that its user may get, create and patch the secret"
        }
    }
}
