//! Which server, which namespace, and with which token: as Vault's own program finds them.

use std::path::{Path, PathBuf};

use super::super::Error;
use crate::{
    aside::{Of, aside},
    environment::{Environment, visible_ascii},
    regular,
    secret::Secret,
};

/// A token, and where it came from.
pub(super) struct Token {
    pub(super) value: Secret,
    pub(super) from: String,
}

/// No token is nearly as long.
const LONGEST_TOKEN: usize = 64 << 10;

/// The address, and the setting that it comes from.
pub(super) fn address(set: Option<&str>, environment: &Environment) -> Result<(String, &'static str), Error> {
    const VARIABLE: &str = "VAULT_ADDR";
    let (address, from) = match (set, environment.get(VARIABLE)) {
        (Some(address), _) => (address.trim(), "`address`"),
        (None, Some(address)) => (address, VARIABLE),
        (None, None) => {
            return Err(Error::Other(
                "no address of vault is known; set `address` in the configuration, or VAULT_ADDR".into(),
            ));
        }
    };
    Ok((address.to_owned(), from))
}

/// It goes into a header.
pub(super) fn namespace(set: Option<&str>, environment: &Environment) -> Result<Option<String>, Error> {
    const VARIABLE: &str = "VAULT_NAMESPACE";
    let (namespace, from) = match (set, environment.get(VARIABLE)) {
        (Some(namespace), _) => (namespace.trim(), "`namespace`"),
        (None, Some(namespace)) => (namespace, VARIABLE),
        (None, None) => return Ok(None),
    };
    visible_ascii(namespace).map_err(|why| Error::Other(format!("{from}, the namespace of vault, {why}")))?;
    Ok(Some(namespace.to_owned()))
}

/// A file of the certificates that vault is verified with.
pub(super) fn authority(environment: &Environment) -> Option<(&'static str, PathBuf)> {
    const VARIABLE: &str = "VAULT_CACERT";
    environment.get(VARIABLE).map(|file| (VARIABLE, environment.path(file)))
}

/// The token in this file, else in `VAULT_TOKEN`, else in `~/.vault-token`.
pub(super) async fn token(file: Option<&Path>, environment: &Environment) -> Result<Token, Error> {
    if let Some(file) = file {
        return read(file.to_owned(), "write a token of vault into it, and let the user that runs lwa-rotate read it")
            .await;
    }
    if let Some(token) = environment.get("VAULT_TOKEN") {
        return usable(token.into(), "VAULT_TOKEN".into());
    }
    let missing = "log in with `vault login`, set VAULT_TOKEN, or name a file with a token in `token-file`";
    match environment.home() {
        Some(home) => read(home.join(".vault-token"), missing).await,
        None => Err(Error::AccessDenied(format!("there is no token for vault; {missing}"))),
    }
}

async fn read(file: PathBuf, remedy: &'static str) -> Result<Token, Error> {
    let from = file.display().to_string();
    let place = file.clone();
    let read = move || regular::read(&file, LONGEST_TOKEN as u64).map_err(|error| Error::Other(error.to_string()));
    let read = aside(Of::Place, &place, read).await;
    let (content, _) = read.map_err(|error| {
        Error::AccessDenied(format!("the token for vault cannot be read from {from}: {error}; {remedy}"))
    })?;
    usable(content, from)
}

/// Without the line end that editors and `vault login` leave.
fn usable(content: Secret, from: String) -> Result<Token, Error> {
    let value = Secret::from(content.expose().trim_ascii());
    if value.is_empty() || value.len() > LONGEST_TOKEN || !value.expose().iter().all(u8::is_ascii_graphic) {
        return Err(Error::AccessDenied(format!("{from} holds no token of vault; put one there, and nothing else")));
    }
    Ok(Token { value, from })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_token_is_read_without_its_line_end_and_never_shown() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("token");
        std::fs::write(&file, "hvs.hidden\n").unwrap();
        assert_eq!(token(Some(&file), &Environment::default()).await.unwrap().value.expose(), b"hvs.hidden");

        for content in ["", "\n", "hvs.hidden two", "hvs.hid\u{e9}den"] {
            std::fs::write(&file, content).unwrap();
            let Err(Error::AccessDenied(text)) = token(Some(&file), &Environment::default()).await else {
                panic!("{content:?} is no token")
            };
            assert!(text.contains("holds no token") && !text.contains("hvs"), "{text}");
        }
        std::fs::remove_file(&file).unwrap();
        let Err(Error::AccessDenied(text)) = token(Some(&file), &Environment::default()).await else {
            panic!("there is none")
        };
        assert!(text.contains(&file.display().to_string()) && text.contains("write a token"), "{text}");
    }

    #[test]
    fn a_line_end_belongs_to_no_address_and_no_namespace() {
        let environment = Environment::of(&[("VAULT_ADDR", "https://v:8200\n"), ("VAULT_NAMESPACE", "team\n")]);
        assert_eq!(address(None, &environment), Ok(("https://v:8200".into(), "VAULT_ADDR")));
        assert_eq!(namespace(None, &environment), Ok(Some("team".into())));
        let Err(Error::Other(text)) = namespace(None, &Environment::of(&[("VAULT_NAMESPACE", "a b")])) else {
            panic!("no header holds it")
        };
        assert!(text.contains("VAULT_NAMESPACE"), "{text}");
    }
}
