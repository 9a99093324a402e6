//! `get`: the secret on stdout, and nothing else. The one command that prints a secret.

use lwa_rotate::publish::file::{Format, Names};
use lwa_rotate::{Credential, Stage};
use serde_json::{Map, Value};
use zeroize::Zeroizing;

use super::failure::{Exit, Failure};
use super::host::{Host, failure};
use super::output::Output;
use super::progress::Progress;
use super::text::rfc3339;
use super::{FormatArgument, GetArguments, Global, Outcome, StageArgument};

pub(super) async fn run(global: &Global, arguments: &GetArguments, output: &Output) -> Outcome {
    let host = Host::open(global, Progress::new("", *output, true))?;
    let app = host.app(&arguments.app)?;
    let (stage, name) = match arguments.stage {
        StageArgument::Current => (Stage::Current, "current"),
        StageArgument::Pending => (Stage::Pending, "pending"),
        StageArgument::Old => (Stage::Old, "old"),
    };
    let credential = host.rotator.reveal(&app.client_id, stage).await.map_err(|error| failure(app, &error))?;
    let Some(credential) = credential else {
        return Err(Failure::failed(format!("{} has no {name} secret at present", app.name)).into());
    };
    let format = if output.is_json() { FormatArgument::Json } else { arguments.format };
    output.bytes(&rendered(&credential, format)?)?;
    Ok(Exit::Done)
}

/// The credential in one of its forms, with a line end.
fn rendered(credential: &Credential, format: FormatArgument) -> Result<Zeroizing<Vec<u8>>, Failure> {
    let secret = credential.client_secret.expose();
    let text = || {
        std::str::from_utf8(secret)
            .map_err(|_| Failure::failed("the secret is no text").hint("use --format value, which prints its bytes"))
    };
    let expires_at = credential.expires_at.map(rfc3339);
    Ok(Zeroizing::new(match format {
        FormatArgument::Value => [secret, b"\n"].concat(),
        FormatArgument::Json => {
            let names = Names::of(Format::Json);
            let mut object = Map::new();
            object.insert(names.client_id, credential.client_id.clone().into());
            object.insert(names.client_secret, text()?.into());
            object.insert(names.expires_at, expires_at.into());
            format!("{}\n", Value::Object(object)).into_bytes()
        }
        FormatArgument::Env => {
            let names = Names::of(Format::Env);
            let lines = [
                (names.client_id, credential.client_id.as_str()),
                (names.client_secret, text()?),
                (names.expires_at, expires_at.as_deref().unwrap_or_default()),
            ];
            lines.iter().map(|(name, value)| format!("{name}={}\n", quoted(value))).collect::<String>().into_bytes()
        }
    }))
}

/// A value as a shell takes it literally.
fn quoted(value: &str) -> String {
    format!("'{}'", value.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn credential(expires_at: Option<u64>) -> Credential {
        Credential { client_id: "amzn1.id".into(), client_secret: "s'1".into(), expires_at }
    }

    fn text(format: FormatArgument, expires_at: Option<u64>) -> String {
        let bytes = rendered(&credential(expires_at), format).expect("it is a text");
        String::from_utf8(bytes.to_vec()).expect("it is a text")
    }

    #[test]
    fn the_value_is_the_secret_and_a_line_end() {
        assert_eq!(text(FormatArgument::Value, None), "s'1\n");
    }

    #[test]
    fn json_holds_the_expiry_time_or_null() {
        assert_eq!(
            text(FormatArgument::Json, None),
            "{\"client_id\":\"amzn1.id\",\"client_secret\":\"s'1\",\"expires_at\":null}\n"
        );
        assert!(text(FormatArgument::Json, Some(0)).contains("\"1970-01-01T00:00:00Z\""));
    }

    #[test]
    fn env_lines_can_be_read_by_a_shell() {
        assert_eq!(
            text(FormatArgument::Env, None),
            "LWA_CLIENT_ID='amzn1.id'\nLWA_CLIENT_SECRET='s'\\''1'\nLWA_CLIENT_SECRET_EXPIRES_AT=''\n"
        );
    }
}
