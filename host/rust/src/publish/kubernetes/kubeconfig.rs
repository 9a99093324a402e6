//! The kubeconfig: which files, and what `kubectl` makes of their values. It passes over files that are not there, takes a
//! variable or a value that is empty for none, and white space around a value for no part of it.

use std::path::{Path, PathBuf};

use kube::config::{AuthInfo, Cluster, Kubeconfig};
use secrecy::{ExposeSecret, SecretString};

use super::{super::Error, failure};
use crate::{
    environment::{Environment, read_file, visible_ascii},
    secret::Secret,
};

const VARIABLE: &str = "KUBECONFIG";

/// A kubeconfig, and the files that it was looked for in.
pub(super) struct Found {
    /// `None` if none of the files is there.
    pub(super) kubeconfig: Option<Kubeconfig>,
    /// For people.
    pub(super) places: String,
}

/// Reads the files that `KUBECONFIG` names, or else `~/.kube/config`. Blocks.
pub(super) fn read(environment: &Environment) -> Result<Found, Error> {
    if let Some(mistake) = environment.unreadable(|name| name == VARIABLE).next() {
        return Err(Error::Other(mistake.text));
    }
    let named = environment.get(VARIABLE).map(|list| std::env::split_paths(list).collect::<Vec<_>>());
    let named = named.unwrap_or_default().into_iter().filter(|path| !path.as_os_str().is_empty());
    let mut paths: Vec<PathBuf> = named.collect();
    let named_by = if paths.is_empty() { "" } else { " (KUBECONFIG)" };
    if paths.is_empty() {
        paths.extend(environment.home().map(|home| home.join(".kube/config")));
    }
    let mut found: Option<Kubeconfig> = None;
    for path in &paths {
        let next = match read_file(path) {
            Ok(None) => continue,
            Ok(Some(_)) => Kubeconfig::read_from(path).map_err(|error| failure::of_kubeconfig(&error, path))?,
            Err(why) => return Err(failure::unreadable_kubeconfig(path, &why)),
        };
        found = Some(match found {
            Some(found) => found.merge(next).map_err(|error| failure::of_kubeconfig(&error, path))?,
            None => next,
        });
    }
    let places: Vec<String> = paths.iter().map(|path| path.display().to_string()).collect();
    Ok(Found { kubeconfig: found, places: format!("{}{named_by}", places.join(" and ")) })
}

/// What a context is about, with the values as they are meant. The credentials are read, so that nothing that is not checked
/// reaches a header.
pub(super) fn prepare(kubeconfig: &mut Kubeconfig, context: Option<&str>) -> Result<(), Error> {
    nonempty(&mut kubeconfig.current_context);
    let Some(context) = context.map(str::to_owned).or_else(|| kubeconfig.current_context.clone()) else {
        return Ok(());
    };
    let Some(context) = kubeconfig.contexts.iter_mut().find(|named| named.name == context) else { return Ok(()) };
    let Some(context) = &mut context.context else { return Ok(()) };
    nonempty(&mut context.user);
    nonempty(&mut context.namespace);
    for named in kubeconfig.clusters.iter_mut().filter(|named| named.name == context.cluster) {
        if let Some(cluster) = &mut named.cluster {
            of_cluster(cluster);
        }
    }
    for named in kubeconfig.auth_infos.iter_mut().filter(|named| Some(&named.name) == context.user.as_ref()) {
        if let Some(user) = &mut named.auth_info {
            of_user(user, &named.name)?;
        }
    }
    Ok(())
}

fn of_cluster(cluster: &mut Cluster) {
    for value in [
        &mut cluster.server,
        &mut cluster.certificate_authority,
        &mut cluster.certificate_authority_data,
        &mut cluster.proxy_url,
        &mut cluster.tls_server_name,
    ] {
        nonempty(value);
    }
    no_folder(&mut cluster.certificate_authority);
    without_lines(&mut cluster.certificate_authority_data);
}

fn of_user(user: &mut AuthInfo, name: &str) -> Result<(), Error> {
    for value in [
        &mut user.username,
        &mut user.token_file,
        &mut user.client_certificate,
        &mut user.client_certificate_data,
        &mut user.client_key,
        &mut user.impersonate,
    ] {
        nonempty(value);
    }
    for file in [&mut user.token_file, &mut user.client_certificate, &mut user.client_key] {
        no_folder(file);
    }
    without_lines(&mut user.client_certificate_data);
    if let Some(provider) = user.auth_provider.take() {
        // What `kubectl` has taken since 1.26.
        let token = provider.config.get("id-token").filter(|_| provider.name == "oidc");
        let Some(token) = token else { return Err(failure::unknown_provider(name, &provider.name)) };
        user.token = Some(usable(token, &format!("the id-token of the user {name} of the kubeconfig"))?.into());
    }
    let key = user.client_key_data.as_ref().map(|key| Secret::from(secret(key)));
    if let Some(key) = key {
        let text: String = key.expose_str().unwrap_or_default().split_whitespace().collect();
        user.client_key_data = (!text.is_empty()).then(|| text.into());
    }
    if let Some(file) = user.token_file.take() {
        let read = of_file(Path::new(&file), &format!("the tokenFile {file} of the user {name} of the kubeconfig"));
        match read {
            Ok(token) => user.token = Some(token.into()),
            // As `kubectl`: what it holds counts for as long as it can be read.
            Err(_) if user.token.as_ref().is_some_and(|token| !secret(token).trim().is_empty()) => {}
            Err(error) => return Err(error),
        }
    }
    if let Some(token) = user.token.take() {
        let token = secret(&token).trim();
        if !token.is_empty() {
            user.token = Some(usable(token, &format!("the token of the user {name} of the kubeconfig"))?.into());
        }
    }
    Ok(())
}

fn secret(value: &SecretString) -> &str {
    value.expose_secret()
}

/// The token in a file.
pub(super) fn of_file(file: &Path, what: &str) -> Result<String, Error> {
    let cannot = |why: &str| {
        Error::AccessDenied(format!(
            "{what} cannot be read: {why}; see that it is there and that the user that runs lwa-rotate may read it"
        ))
    };
    let content = match read_file(file) {
        Ok(Some(content)) => Secret::from(content),
        Ok(None) => return Err(cannot("there is no such file")),
        Err(why) => return Err(cannot(&why)),
    };
    usable(content.expose_str().unwrap_or("\0"), what)
}

pub(super) fn usable(token: &str, what: &str) -> Result<String, Error> {
    let token = token.trim();
    if token.is_empty() {
        return Err(Error::AccessDenied(format!("{what} is empty; put a current token there")));
    }
    visible_ascii(token).map_err(|why| Error::AccessDenied(format!("{what} {why}")))?;
    Ok(token.to_owned())
}

fn nonempty(value: &mut Option<String>) {
    *value = value.take().map(|value| value.trim().to_owned()).filter(|value| !value.is_empty());
}

/// An empty path has become that of the kubeconfig's folder.
fn no_folder(value: &mut Option<String>) {
    *value = value.take().filter(|value| !value.ends_with('/'));
}

/// Base64 may be written in lines.
fn without_lines(value: &mut Option<String>) {
    *value = value.take().map(|value| value.split_whitespace().collect());
}
