//! Behind `wit/publish.wit`: a file of its own for each target, in the forms of the program.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::Path;

use serde_json::{Value, json};

use crate::Adapters;
use crate::config::{Config, Format};
use crate::contract::Credential;
use crate::contract::exports::lwa::rotation::publish::{Error, Guest, Held, Reading};
use crate::files::{sync, temporary};
use crate::time::rfc3339;

impl Guest for Adapters {
    fn put(target: String, credential: Credential) -> Result<(), Error> {
        let config = Config::get().map_err(|wrong| Error::Other(wrong.to_owned()))?;
        let targets = config.app(&credential.client_id).map_or(&[][..], |app| &app.publish);
        let target = targets.iter().find(|other| other.name() == target).ok_or(Error::UnknownTarget)?;
        let secret = str::from_utf8(&credential.client_secret)
            .ok()
            .filter(|secret| !secret.contains('\''))
            .ok_or_else(|| Error::Other("the client secret cannot be written in this form".into()))?;
        put(&config.folder.join(&target.path), &written(&credential, secret, target.format))
    }

    fn read(target: String, client_id: String) -> Result<Reading, Error> {
        let config = Config::get().map_err(|wrong| Error::Other(wrong.to_owned()))?;
        let targets = config.app(&client_id).map_or(&[][..], |app| &app.publish);
        let target = targets.iter().find(|other| other.name() == target).ok_or(Error::UnknownTarget)?;
        let path = config.folder.join(&target.path);
        match fs::read(&path) {
            Ok(content) => Ok(held(&content, target.format).map_or(Reading::None, Reading::Credential)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(Reading::None),
            Err(error) if error.kind() == ErrorKind::PermissionDenied => {
                Err(Error::AccessDenied(format!("cannot read {}: {error}", path.display())))
            }
            Err(error) => Err(Error::Unavailable(format!("cannot read {}: {error}", path.display()))),
        }
    }
}

/// The credential in a file of one of our forms, if there is one.
fn held(content: &[u8], format: Format) -> Option<Held> {
    let (client_id, secret) = match format {
        Format::Env => {
            let text = str::from_utf8(content).ok()?;
            let value = |name: &str| {
                let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('='))?;
                let quoted = line.strip_prefix('\'').and_then(|line| line.strip_suffix('\''));
                Some(quoted.unwrap_or(line).to_owned())
            };
            (value("LWA_CLIENT_ID"), value("LWA_CLIENT_SECRET")?)
        }
        Format::Json => {
            let document: Value = serde_json::from_slice(content).ok()?;
            let text = |name: &str| document[name].as_str().map(str::to_owned);
            (text("client_id"), text("client_secret")?)
        }
    };
    Some(Held { client_id, client_secret: secret.into_bytes(), written_by: None })
}

/// Everything in the file belongs to the target: one that does not begin as ours does is somebody else's, and stays.
fn put(path: &Path, content: &str) -> Result<(), Error> {
    let failed = |error: io::Error| {
        let text = format!("cannot write {}: {error}", path.display());
        match error.kind() {
            ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => {
                Error::AccessDenied(format!("{text}; give the runtime its folder to write"))
            }
            ErrorKind::NotFound => Error::Unavailable(format!("{text}; make its folder, and give it to the runtime")),
            _ => Error::Unavailable(text),
        }
    };
    match fs::read(path) {
        Ok(present) if present == content.as_bytes() => return Ok(()),
        Ok(present) if !present.is_empty() && !is_ours(&present, content) => {
            let what = "holds something else than this application's credential in this format, and is left as it is";
            return Err(Error::Other(format!("{} {what}; move it away, or name another file", path.display())));
        }
        Ok(_) => {}
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        Err(error) => return Err(failed(error)),
    }
    let folder = path.parent().unwrap_or(Path::new(""));
    let written = temporary(folder, &[content.as_bytes()]).map_err(failed)?;
    // Order matters: the content is on the disk before the name points to it.
    fs::rename(&written, path).inspect_err(|_| drop(fs::remove_file(&written))).map_err(failed)?;
    sync(folder).map_err(failed)
}

/// As many lines, and the same client id.
fn is_ours(present: &[u8], content: &str) -> bool {
    let lines = |content: &[u8]| content.iter().filter(|byte| **byte == b'\n').count();
    let head = content.find("LWA_CLIENT_SECRET=").or_else(|| content.find("\"client_secret\""));
    lines(present) == lines(content.as_bytes()) && present.starts_with(&content.as_bytes()[..head.unwrap_or_default()])
}

fn written(credential: &Credential, secret: &str, format: Format) -> String {
    let (client_id, expires_at) = (&credential.client_id, credential.expires_at.map(rfc3339));
    match format {
        Format::Env => {
            let ends = expires_at.unwrap_or_default();
            let (id, secret, ends) = (quoted(client_id), quoted(secret), quoted(&ends));
            format!("LWA_CLIENT_ID={id}\nLWA_CLIENT_SECRET={secret}\nLWA_CLIENT_SECRET_EXPIRES_AT={ends}\n")
        }
        Format::Json => {
            let [id, secret, ends] = [json!(client_id), json!(secret), json!(expires_at)];
            format!("{{\n  \"client_id\": {id},\n  \"client_secret\": {secret},\n  \"expires_at\": {ends}\n}}\n")
        }
    }
}

/// Bare where all that read such files agree on it, else in single quotes, as shells and systemd read it.
fn quoted(value: &str) -> String {
    let bare = |byte: u8| byte.is_ascii_alphanumeric() || b"._-:/+=@,%".contains(&byte);
    if value.bytes().all(bare) { value.to_owned() } else { format!("'{value}'") }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn credential() -> Credential {
        let client_id = "amzn1.application-oa2-client.0123".into();
        Credential { client_id, client_secret: Vec::new(), expires_at: Some(1_767_225_600_000) }
    }

    #[test]
    fn the_forms_are_those_of_the_program() {
        assert_eq!(
            written(&credential(), "amzn1.oa2-cs.v1.abc", Format::Env),
            "LWA_CLIENT_ID=amzn1.application-oa2-client.0123\nLWA_CLIENT_SECRET=amzn1.oa2-cs.v1.abc\n\
             LWA_CLIENT_SECRET_EXPIRES_AT=2026-01-01T00:00:00Z\n"
        );
        assert_eq!(
            written(&Credential { expires_at: None, ..credential() }, "a\"b", Format::Json),
            "{\n  \"client_id\": \"amzn1.application-oa2-client.0123\",\n  \"client_secret\": \"a\\\"b\",\n  \
             \"expires_at\": null\n}\n"
        );
        assert_eq!(quoted("a $b"), "'a $b'");
    }

    /// Rule 14: what was put is what is read.
    #[test]
    fn what_is_written_is_read_back_and_nothing_is_read_from_other_files() {
        for format in [Format::Env, Format::Json] {
            let content = written(&credential(), "amzn1.oa2-cs.v1.a$b", format);
            let held = held(content.as_bytes(), format).unwrap();
            assert_eq!(held.client_secret, b"amzn1.oa2-cs.v1.a$b");
            assert_eq!(held.client_id.as_deref(), Some("amzn1.application-oa2-client.0123"));
            for other in ["", "PATH=/bin\n", "{}", "\u{0}"] {
                assert!(super::held(other.as_bytes(), format).is_none(), "{other}");
            }
        }
    }

    #[test]
    fn a_file_that_is_somebody_elses_is_left_as_it_is() {
        let path = std::env::temp_dir().join(format!("lwa-rotate-stock-{:016x}.env", crate::files::random()));
        for format in [Format::Env, Format::Json] {
            let [old, new] = ["old", "new"].map(|secret| written(&credential(), secret, format));
            let another = old.replace("0123", "9999");
            for present in [another.as_str(), "PATH=/bin\n", &format!("{old}PATH=/bin\n")] {
                fs::write(&path, present).unwrap();
                assert!(matches!(put(&path, &new), Err(Error::Other(_))), "{present}");
                assert_eq!(fs::read_to_string(&path).unwrap(), present);
            }
            for present in [&old, &new, ""] {
                fs::write(&path, present).unwrap();
                put(&path, &new).unwrap();
                assert_eq!(fs::read_to_string(&path).unwrap(), new);
            }
        }
        fs::remove_file(path).unwrap();
    }
}
