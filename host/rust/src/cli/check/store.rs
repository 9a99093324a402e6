//! Whether the store could take records, as far as that is known without writing.

use lwa_rotate::Severity;
use lwa_rotate::aws::Aws;
use lwa_rotate::config::{Config, Store};
use lwa_rotate::publish::Probe;
use lwa_rotate::store::{Error, FileStore, SecretsManagerStore};

use super::finding::Finding;
use crate::cli::host::{dynamodb, secretsmanager};

const CHECK: &str = "store";
const CONSEQUENCE: &str = "no rotation begins, because it is recorded first; a new secret that comes by itself stays in the queue until its retention ends";

pub(super) async fn store(config: &Config, aws: &Aws) -> Finding {
    match &config.store {
        Store::File { path } => match FileStore::new(path).probe(config.apps.iter().map(|app| &app.client_id)).await {
            Ok(Probe::Fine(seen)) => Finding::fine(CHECK, seen),
            Ok(Probe::NotChecked(why)) => Finding::new(
                CHECK,
                Severity::NotChecked,
                why,
                "whether a rotation could be recorded is not known; without that none begins",
                "nothing, if records have been saved there before; else use a local file system",
            ),
            Err(error) => blocking(
                &error,
                "let the user that runs lwa-rotate own and write the store's folder, or set another path in [store]",
            ),
        },
        Store::DynamoDb { table, region } => match dynamodb(table, region, aws).probe().await {
            Ok(()) => not_tried(
                format!("{} is there and has the key that is needed", config.store),
                "nothing, if dynamodb:GetItem and dynamodb:PutItem on the table are allowed",
            ),
            // To describe the table is not needed for anything else.
            Err(error @ (Error::AccessDenied(_) | Error::Unavailable(_))) => Finding::new(
                CHECK,
                Severity::NotChecked,
                error.to_string(),
                "whether the table can take records is not known",
                "allow dynamodb:DescribeTable on the table, or check that its key is `client_id`, a string",
            ),
            Err(error) => blocking(&error, "correct [store], or the table"),
        },
        Store::SecretsManager { prefix, region, .. } => of_secrets(config, &secretsmanager(prefix, region, aws)).await,
    }
}

/// Looks at the secret of each application. Whether it may be written is not known without writing.
async fn of_secrets(config: &Config, secrets: &SecretsManagerStore) -> Finding {
    let mut there = 0;
    for app in &config.apps {
        match secrets.probe(&app.client_id).await {
            Ok(found) => there += usize::from(found),
            Err(error @ Error::Unavailable(_)) => {
                return Finding::new(
                    CHECK,
                    Severity::NotChecked,
                    error.to_string(),
                    "whether the records can be reached is not known",
                    "check again when Secrets Manager can be reached",
                );
            }
            Err(error) => return blocking(&error, "correct what is said of it"),
        }
    }
    not_tried(
        format!("{}: {there} for {} applications, none of them to be deleted", config.store, config.apps.len()),
        "nothing, if secretsmanager:GetSecretValue, DescribeSecret, PutSecretValue and UpdateSecretVersionStage are allowed on the secrets, and CreateSecret for `enroll`",
    )
}

/// All that was tried is well; writing was not tried.
fn not_tried(seen: String, remedy: &str) -> Finding {
    Finding::new(
        CHECK,
        Severity::NotChecked,
        format!("{seen}; whether records may be written was not tried"),
        "whether a rotation could be recorded is not known; without that none begins",
        remedy,
    )
}

fn blocking(error: &Error, remedy: &str) -> Finding {
    Finding::new(CHECK, Severity::Blocking, error.to_string(), CONSEQUENCE, remedy)
}
