//! Which certificates are trusted. All stacks that send requests ask here, so that they agree.

use std::path::Path;

use rustls::{RootCertStore, pki_types::CertificateDer};
use rustls_native_certs::{load_certs_from_paths, load_native_certs};

use crate::environment::{Environment, Mistake, read_file};

const FILE: &str = "SSL_CERT_FILE";
const FOLDERS: &str = "SSL_CERT_DIR";
/// Where they are named.
pub(crate) const VARIABLES: [&str; 2] = [FILE, FOLDERS];

/// The certificates of the file in `SSL_CERT_FILE` and of the folders in `SSL_CERT_DIR` where one of them is set, else those
/// of the system. Each can be put into a [`RootCertStore`], and there is at least one. Blocks.
pub(crate) fn certificates(environment: &Environment) -> Result<Vec<CertificateDer<'static>>, Mistake> {
    if let Some(mistake) = environment.unreadable(|name| name == FILE || name == FOLDERS).next() {
        return Err(mistake);
    }
    let (file, folders) = (environment.get(FILE), environment.get(FOLDERS));
    if file.is_none() && folders.is_none() {
        let found = load_native_certs();
        let why = found.errors.first().map(|error| format!(" ({error})")).unwrap_or_default();
        let usable = usable(found.certs);
        return if usable.is_empty() {
            Err(Mistake::new(
                FILE,
                format!(
                    "no trusted certificate was found on this system{why}; install its CA certificates, or name a file of them in {FILE}"
                ),
            ))
        } else {
            Ok(usable)
        };
    }
    let mut found = match file {
        Some(file) => of_file(FILE, Path::new(file))?,
        None => Vec::new(),
    };
    if let Some(folders) = folders {
        found.extend(of_folders(folders, file.is_some())?);
    }
    Ok(found)
}

/// The certificates of a file, which a setting of this name holds. At least one.
pub(crate) fn of_file(named_by: &str, file: &Path) -> Result<Vec<CertificateDer<'static>>, Mistake> {
    let wrong = |why: &str| {
        Mistake::new(
            named_by,
            format!(
                "{named_by} names {}, and no certificate can be read from it: {why}; name a file of CA certificates in PEM, or leave {named_by} out",
                file.display()
            ),
        )
    };
    match read_file(file) {
        Ok(Some(_)) => {}
        Ok(None) => return Err(wrong("there is no such file")),
        Err(error) => return Err(wrong(&error)),
    }
    let usable = usable(load_certs_from_paths(Some(file), None).certs);
    if usable.is_empty() { Err(wrong("it holds none in PEM")) } else { Ok(usable) }
}

/// Folders of a list may be missing, as for OpenSSL, but not all of them.
fn of_folders(list: &str, has_file: bool) -> Result<Vec<CertificateDer<'static>>, Mistake> {
    let wrong = |why: String| {
        Err(Mistake::new(
            FOLDERS,
            format!(
                "{FOLDERS} is '{list}', and no certificate can be read from there: {why}; name a folder of CA certificates in PEM, or leave {FOLDERS} out"
            ),
        ))
    };
    let folders: Vec<_> = std::env::split_paths(list).filter(|folder| !folder.as_os_str().is_empty()).collect();
    let there: Vec<_> = folders.iter().filter(|folder| folder.is_dir()).collect();
    if there.is_empty() {
        return wrong("there is no such folder".into());
    }
    let mut found = Vec::new();
    let mut error = None;
    for folder in there {
        let loaded = load_certs_from_paths(None, Some(folder));
        error = error.or(loaded.errors.into_iter().next().map(|error| error.to_string()));
        found.extend(loaded.certs);
    }
    let usable = usable(found);
    if usable.is_empty() && !has_file { wrong(error.unwrap_or_else(|| "it holds none".into())) } else { Ok(usable) }
}

/// Others cannot be trusted, whatever they are: systems have some.
fn usable(found: Vec<CertificateDer<'static>>) -> Vec<CertificateDer<'static>> {
    let is_usable = |certificate: &CertificateDer<'static>| RootCertStore::empty().add(certificate.clone()).is_ok();
    found.into_iter().filter(is_usable).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::fs;

    use super::*;

    const AUTHORITY: &str = include_str!("../../../../tests/vectors/tls/authority.pem");

    #[test]
    fn a_file_or_a_folder_that_holds_no_certificate_is_reported_with_its_variable() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name).display().to_string();
        fs::write(path("good.pem"), AUTHORITY).unwrap();
        fs::write(path("none.pem"), "no certificate").unwrap();
        fs::create_dir(path("empty")).unwrap();
        fs::create_dir(path("full")).unwrap();
        fs::write(path("full/a.pem"), AUTHORITY).unwrap();
        let all = |file: &str, folders: &str| certificates(&Environment::of(&[(FILE, file), (FOLDERS, folders)]));

        assert_eq!(all(&path("good.pem"), "").unwrap().len(), 1);
        assert_eq!(all("", &format!("{}:{}", path("missing"), path("full"))).unwrap().len(), 1);
        assert_eq!(all(&path("good.pem"), &path("empty")).unwrap().len(), 1);
        for (file, folders, variable, why) in [
            (path("missing.pem"), String::new(), FILE, "no such file"),
            (path("none.pem"), String::new(), FILE, "none in PEM"),
            (path("empty"), String::new(), FILE, "it is a folder"),
            (String::new(), path("missing"), FOLDERS, "no such folder"),
            (String::new(), path("empty"), FOLDERS, "it holds none"),
        ] {
            let mistake = all(&file, &folders).unwrap_err();
            assert_eq!(mistake.setting, variable);
            assert!(mistake.text.contains(why) && mistake.text.contains(&format!("{file}{folders}")), "{mistake}");
        }
    }
}
