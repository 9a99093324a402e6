//! A Secret of Kubernetes.

use super::{Format, Place, Places, Rule, TargetKind, Written, names_by};
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
    places: &mut Places,
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

    let new = Written { app: app.to_owned(), line: report.line(&secret.at), names: Some((Format::Env, names.clone())) };
    let place =
        Place::Kubernetes { context: context.clone(), namespace: namespace.clone(), secret: secret.value.to_owned() };
    places.take(place, &secret, new, report)?;
    let within = namespace.as_ref().map_or(String::new(), |namespace| format!("{namespace}/"));
    let name = format!("kubernetes:{within}{}", secret.value);
    Some((name, TargetKind::Kubernetes { secret: secret.value.to_owned(), namespace, context, names }))
}

/// <https://kubernetes.io/docs/concepts/configuration/secret/#restriction-names-data>
fn is_key(key: &str) -> bool {
    key.len() <= 253
        && key.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
        && !key.starts_with("..")
        && key != "."
}
