//! `get`: the secret on stdout, and nothing else. The one command that prints a secret.

use lwa_rotate::publish::form::written;
use lwa_rotate::publish::{Format, Names};
use lwa_rotate::{Credential, Secret, Stage};

use super::failure::{Exit, Failure};
use super::host::{Host, failure};
use super::output::Output;
use super::progress::Progress;
use super::{FormatArgument, GetArguments, Global, Outcome, StageArgument};

pub(super) async fn run(global: &Global, arguments: &GetArguments, output: &Output) -> Outcome {
    let host = Host::open(global, Progress::new("", *output, true)).await?;
    let app = host.app(&arguments.app)?;
    let (stage, name) = match arguments.stage {
        StageArgument::Current => (Stage::Current, "current"),
        StageArgument::Candidate => (Stage::Candidate, "candidate"),
        StageArgument::Retired => (Stage::Retired, "retired"),
    };
    let credential = host.rotator.reveal(&app.client_id, stage).await.map_err(|error| failure(app, &error))?;
    let Some(credential) = credential else {
        return Err(Failure::failed(format!("{} has no {name} secret", app.name)).into());
    };
    let format = if output.is_json() { FormatArgument::Json } else { arguments.format };
    output.bytes(rendered(&credential, format)?.expose())?;
    Ok(Exit::Done)
}

/// The credential in one of its forms, with a line end.
fn rendered(credential: &Credential, format: FormatArgument) -> Result<Secret, Failure> {
    let format = match format {
        FormatArgument::Value => return Ok(Secret::new([credential.client_secret.expose(), b"\n"].concat())),
        FormatArgument::Json => Format::Json,
        FormatArgument::Env => Format::Env,
    };
    written(credential, format, &Names::of(format)).map_err(|error| Failure::failed(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn credential(expires_at: Option<u64>) -> Credential {
        Credential { client_id: "amzn1.id".into(), client_secret: "s'1".into(), expires_at }
    }

    fn text(format: FormatArgument, expires_at: Option<u64>) -> String {
        let rendered = rendered(&credential(expires_at), format).expect("it is a text");
        rendered.expose_str().expect("it is a text").to_owned()
    }

    #[test]
    fn the_value_is_the_secret_and_a_line_end() {
        assert_eq!(text(FormatArgument::Value, None), "s'1\n");
    }

    #[test]
    fn json_holds_the_expiry_time_or_null() {
        let json: serde_json::Value = serde_json::from_str(&text(FormatArgument::Json, None)).expect("it is JSON");
        assert_eq!(json, serde_json::json!({ "client_id": "amzn1.id", "client_secret": "s'1", "expires_at": null }));
        assert!(text(FormatArgument::Json, Some(0)).contains("\"1970-01-01T00:00:00Z\""));
    }

    #[test]
    fn env_lines_can_be_read_by_a_shell() {
        let text = text(FormatArgument::Env, None);
        assert!(text.contains("LWA_CLIENT_ID=amzn1.id\n") && text.contains("LWA_CLIENT_SECRET='s'\\''1'\n"), "{text}");
    }
}
