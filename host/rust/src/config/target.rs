//! The publish targets of an application.

mod aws;
mod command;
mod kubernetes;
mod place;
mod vault;

pub(super) use place::Place;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::mistake::Report;
use super::path::path as whole;
use super::section::{Section, Setting};
use super::taken::Taken;
use super::{Format, Names};
use crate::publish::ParameterForm;

/// A publish target.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Target {
    /// Its name, unique within the application.
    pub name: String,
    /// What it is.
    pub kind: TargetKind,
    /// The program, and its arguments, that runs whenever something was put there.
    pub then: Option<Vec<String>>,
}

/// What a publish target is.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum TargetKind {
    /// A file that is replaced as a whole.
    File {
        /// The file.
        path: PathBuf,
        /// The form.
        format: Format,
        /// The names in it.
        names: Names,
    },
    /// A program that gets the credential as JSON on its stdin.
    Exec {
        /// The program and its arguments.
        command: Vec<String>,
        /// How long it may take.
        timeout: Duration,
    },
    /// A secret of AWS Secrets Manager.
    SecretsManager {
        /// Its name or ARN.
        secret: String,
        /// Its region, where that is not the one of the AWS settings.
        region: Option<String>,
        /// The names in it.
        names: Names,
    },
    /// A parameter of AWS Systems Manager Parameter Store.
    Ssm {
        /// Its name.
        parameter: String,
        /// Its region, where that is not the one of the AWS settings.
        region: Option<String>,
        /// What it holds.
        form: ParameterForm,
        /// The key that it is encrypted with.
        kms_key: Option<String>,
    },
    /// A secret in a KV version 2 engine of Vault or OpenBao.
    Vault {
        /// The secret.
        path: String,
        /// Where the engine is mounted.
        mount: String,
        /// The server, in place of that of `VAULT_ADDR`.
        address: Option<String>,
        /// The namespace, in place of that of `VAULT_NAMESPACE`.
        namespace: Option<String>,
        /// The file with the token, in place of `VAULT_TOKEN` and `~/.vault-token`.
        token_file: Option<PathBuf>,
        /// The names in it.
        names: Names,
    },
    /// A Secret of Kubernetes.
    Kubernetes {
        /// The Secret.
        secret: String,
        /// Its namespace, in place of that of the service account or the kubeconfig.
        namespace: Option<String>,
        /// The context of the kubeconfig, in place of its current one.
        context: Option<String>,
        /// The names of its keys.
        names: Names,
    },
}

/// Reads the `publish` list of the application of that name.
pub(super) fn targets(
    app: &str,
    section: &mut Section<'_>,
    folder: &Path,
    taken: &mut Taken,
    report: &mut Report,
) -> Vec<Target> {
    let mut names = BTreeMap::new();
    let mut targets = Vec::new();
    for mut section in section.list("publish", report) {
        let name = section.text("name", report);
        let kind = kind(app, &mut section, folder, taken, report);
        let then = command::then(&mut section, kind.as_ref().map(|(_, kind)| kind), folder, report);
        let at = name.as_ref().map(|name| name.at.clone()).or_else(|| section.at());
        section.finish(report);
        let Some((default, kind)) = kind else { continue };
        let name = name.map_or(default, |name| name.value.to_owned());
        let line = at.as_ref().map_or(0, |at| report.line(at));
        if let Some(other) = names.insert(name.clone(), line) {
            let text = format!(
                "two publish targets of `{app}` have the name \"{}\", the other in line {other}",
                name.escape_debug()
            );
            report.add(at, text, Some("give one of them another `name`"));
            continue;
        }
        targets.push(Target { name, kind, then });
    }
    targets
}

/// What a target is, with the name it has if it is given none.
fn kind(
    app: &str,
    section: &mut Section<'_>,
    folder: &Path,
    taken: &mut Taken,
    report: &mut Report,
) -> Option<(String, TargetKind)> {
    #[derive(Clone)]
    enum Kind {
        File,
        Exec,
        SecretsManager,
        Ssm,
        Vault,
        Kubernetes,
    }
    const KINDS: [(&str, Kind); 6] = [
        ("file", Kind::File),
        ("exec", Kind::Exec),
        ("secretsmanager", Kind::SecretsManager),
        ("ssm", Kind::Ssm),
        ("vault", Kind::Vault),
        ("kubernetes", Kind::Kubernetes),
    ];
    if !section.holds("kind") && !section.is_misnamed("type", "kind", report) {
        let kinds: Vec<String> = KINDS.iter().map(|(name, _)| format!("\"{name}\"")).collect();
        section.missing("kind", Some(&format!("write kind = and one of {}", kinds.join(", "))), report);
    }
    match section.choice("kind", &KINDS, report) {
        Some(Kind::File) => file(app, section, folder, taken, report),
        Some(Kind::Exec) => command::exec(section, folder, report),
        Some(Kind::SecretsManager) => aws::secret(app, section, taken, report),
        Some(Kind::Ssm) => aws::parameter(app, section, taken, report),
        Some(Kind::Vault) => vault::secret(app, section, folder, taken, report),
        Some(Kind::Kubernetes) => kubernetes::secret(app, section, taken, report),
        None => {
            // Without a kind it is not known which keys belong here.
            section.ignore_the_rest();
            None
        }
    }
}

fn file(
    app: &str,
    section: &mut Section<'_>,
    folder: &Path,
    taken: &mut Taken,
    report: &mut Report,
) -> Option<(String, TargetKind)> {
    let path = section.required_text("path", report);
    if !section.holds("format") {
        section.missing("format", Some("write format = \"env\" or format = \"json\""), report);
    }
    let format = section.choice("format", &[("env", Format::Env), ("json", Format::Json)], report);
    let names = names(section, format.unwrap_or(Format::Json), report);
    let file = path.as_ref().and_then(|path| whole(path, folder, report));
    let (path, file, format, names) = (path?, file?, format?, names?);
    let kind = TargetKind::File { path: file, format, names };
    taken.take_place(&kind, &path, app, report)?;
    Some((format!("file:{}", path.value), kind))
}

/// What not every text can be.
struct Rule {
    holds: fn(&str) -> bool,
    what: &'static str,
    hint: &'static str,
}

const VARIABLE: Rule = Rule {
    holds: is_variable,
    what: "the name of an environment variable",
    hint: "use letters, digits and `_`, with a letter or `_` first",
};

impl Rule {
    /// Whether the text keeps the rule; else a mistake is reported.
    fn keeps(&self, setting: &Setting<&str>, report: &mut Report) -> bool {
        if setting.value.contains("oa2-cs") {
            let text = "this looks like a client secret, and secrets are never read from the configuration";
            let hint = "remove it, and supply the secret with `lwa-rotate enroll`";
            report.add(Some(setting.at.clone()), text, Some(hint));
            return false;
        }
        let keeps = (self.holds)(setting.value);
        if !keeps {
            let text = format!("\"{}\" is not {}", setting.value.escape_debug(), self.what);
            report.add(Some(setting.at.clone()), text, Some(self.hint));
        }
        keeps
    }
}

fn names(section: &mut Section<'_>, format: Format, report: &mut Report) -> Option<Names> {
    names_by((format == Format::Env).then_some(&VARIABLE), section, format, report)
}

/// The names of the three values; `None`, with a mistake reported, where one breaks the rule.
fn names_by(rule: Option<&Rule>, section: &mut Section<'_>, format: Format, report: &mut Report) -> Option<Names> {
    let default = Names::of(format);
    let Some(mut section) = section.section("names", report) else {
        return Some(default);
    };
    let mut all_right = true;
    let mut name = |key, default| {
        let Some(text) = section.text(key, report) else { return default };
        all_right &= rule.is_none_or(|rule| rule.keeps(&text, report));
        text.value.to_owned()
    };
    let names = Names {
        client_id: name("client-id", default.client_id),
        client_secret: name("client-secret", default.client_secret),
        expires_at: name("expires-at", default.expires_at),
    };
    if names.client_id == names.client_secret
        || names.client_id == names.expires_at
        || names.client_secret == names.expires_at
    {
        report.add(section.at(), "two of the `names` are the same", None);
        all_right = false;
    }
    section.finish(report);
    all_right.then_some(names)
}

fn is_variable(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}
