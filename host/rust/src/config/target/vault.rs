//! A secret in Vault.

use std::path::Path;

use super::{Format, Rule, Taken, TargetKind, names, whole};
use crate::config::endpoint::{Purpose, endpoint};
use crate::config::mistake::Report;
use crate::config::section::Section;

const PATH: Rule = Rule {
    holds: is_path,
    what: "a path in vault",
    hint: "write it as `vault kv get -mount=secret shop/lwa` takes it: without `data/`, and with no slash at either end",
};

pub(super) fn secret(
    app: &str,
    section: &mut Section<'_>,
    folder: &Path,
    taken: &mut Taken,
    report: &mut Report,
) -> Option<(String, TargetKind)> {
    let path = section.required_text("path", report);
    let mount = section.text("mount", report);
    let address = section.text("address", report).map(|address| endpoint(&address, Purpose::Vault, report));
    let namespace = section.text("namespace", report).map(|namespace| namespace.value.to_owned());
    let token_file = section.text("token-file", report).map(|file| whole(&file, folder, report));
    let names = names(section, Format::Json, report);
    let mount_is_right = mount.as_ref().is_none_or(|mount| PATH.keeps(mount, report));
    let path = path.filter(|path| PATH.keeps(path, report))?;
    if !mount_is_right || matches!(address, Some(None)) || matches!(token_file, Some(None)) {
        return None;
    }
    let token_file = token_file.flatten();
    let (names, address) = (names?, address.flatten());
    let mount = mount.map_or("secret", |mount| mount.value).to_owned();

    let name = format!("vault:{mount}/{}", path.value);
    let kind = TargetKind::Vault { path: path.value.to_owned(), mount, address, namespace, token_file, names };
    taken.take_place(&kind, &path, app, report)?;
    Some((name, kind))
}

/// Parts that mean themselves, wherever they stand in a URL.
fn is_path(path: &str) -> bool {
    path.split('/').all(|part| !part.is_empty() && !part.chars().all(|c| c == '.') && !part.contains(char::is_control))
}
