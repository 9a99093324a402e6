//! A Secret of Kubernetes.

use super::{Format, Rule, Taken, TargetKind, names_by};
use crate::config::mistake::Report;
use crate::config::section::Section;
use crate::publish::kubernetes::is_name;

const NAME: Rule = Rule {
    holds: is_name,
    what: "a name in kubernetes",
    hint: "use lower case letters, digits, `-` and `.`, with a letter or digit first and last",
};

const KEY: Rule =
    Rule { holds: is_key, what: "a key of a secret in kubernetes", hint: "use letters, digits, `-`, `_` and `.`" };

pub(super) fn secret(
    app: &str,
    section: &mut Section<'_>,
    taken: &mut Taken,
    report: &mut Report,
) -> Option<(String, TargetKind)> {
    let secret = section.required_text("secret", report);
    let namespace = section.text("namespace", report);
    let context = section.text("context", report).map(|context| context.value.to_owned());
    let names = names_by(Some(&KEY), section, Format::Env, report);
    let namespace_is_right = namespace.as_ref().is_none_or(|namespace| NAME.keeps(namespace, report));
    let secret = secret.filter(|secret| NAME.keeps(secret, report))?;
    if !namespace_is_right {
        return None;
    }
    let names = names?;
    let namespace = namespace.map(|namespace| namespace.value.to_owned());

    let within = namespace.as_ref().map_or(String::new(), |namespace| format!("{namespace}/"));
    let name = format!("kubernetes:{within}{}", secret.value);
    let kind = TargetKind::Kubernetes { secret: secret.value.to_owned(), namespace, context, names };
    taken.take_place(&kind, &secret, app, report)?;
    Some((name, kind))
}

/// <https://kubernetes.io/docs/concepts/configuration/secret/#restriction-names-data>
fn is_key(key: &str) -> bool {
    key.len() <= 253
        && key.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
        && !key.starts_with("..")
        && key != "."
}
