//! `[store]`: where the records are kept.

use std::fmt;
use std::path::{Path, PathBuf};

use super::mistake::Report;
use super::path::path;
use super::section::Section;

/// Where the records are kept.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Store {
    /// One file for each client id.
    File {
        /// The folder.
        path: PathBuf,
    },
    /// One item for each client id, in a table of Amazon DynamoDB.
    DynamoDb {
        /// The table's name.
        table: String,
        /// Its region, where it is not that of the AWS settings.
        region: Option<String>,
    },
    /// One secret for each client id, in AWS Secrets Manager.
    SecretsManager {
        /// What the names of the secrets begin with.
        prefix: String,
        /// Their region, where it is not that of the AWS settings.
        region: Option<String>,
        /// The KMS key for new ones, where it is not that of Secrets Manager.
        kms_key: Option<String>,
    },
}

#[derive(Clone, Copy)]
enum Kind {
    File,
    DynamoDb,
    SecretsManager,
}

const KINDS: [(&str, Kind); 3] =
    [("file", Kind::File), ("dynamodb", Kind::DynamoDb), ("secretsmanager", Kind::SecretsManager)];

const PREFIX: &str = "lwa-rotate/";
/// A secret's name has room for 512 characters, of which the client id may need 180.
const LONGEST_PREFIX: usize = 256;

pub(super) fn store(root: &mut Section<'_>, folder: &Path, report: &mut Report) -> Option<Store> {
    let Some(mut section) = root.section("store", report) else {
        if !root.holds("store") {
            report.add(
                None,
                "missing table [store]",
                Some("say where the secrets are kept: [store] with path = \"state\""),
            );
        }
        return None;
    };
    let kind = section.choice("kind", &KINDS, report);
    let kind =
        if section.holds("kind") || section.is_misnamed("type", "kind", report) { kind } else { Some(Kind::File) };
    let store = match kind {
        Some(Kind::File) => {
            let text = section.required_text("path", report);
            text.and_then(|text| path(&text, folder, report)).map(|path| Store::File { path })
        }
        Some(Kind::DynamoDb) => {
            let table = section.required_text("table", report).map(|table| table.value.to_owned());
            let region = region(&mut section, report);
            table.map(|table| Store::DynamoDb { table, region })
        }
        Some(Kind::SecretsManager) => Some(Store::SecretsManager {
            prefix: prefix(&mut section, report),
            region: region(&mut section, report),
            kms_key: section.text("kms-key", report).map(|key| key.value.to_owned()),
        }),
        None => {
            section.ignore_the_rest();
            None
        }
    };
    section.finish(report);
    store
}

fn region(section: &mut Section<'_>, report: &mut Report) -> Option<String> {
    let region = section.text("region", report)?;
    if !region.value.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-') {
        report.add(Some(region.at), "`region` is no name of an AWS region", Some("such as \"eu-west-1\""));
        return None;
    }
    Some(region.value.to_owned())
}

fn prefix(section: &mut Section<'_>, report: &mut Report) -> String {
    let Some(prefix) = section.text("prefix", report) else {
        return PREFIX.to_owned();
    };
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"/_+=.@-".contains(&byte);
    if prefix.value.len() > LONGEST_PREFIX || !prefix.value.bytes().all(allowed) {
        report.add(
            Some(prefix.at),
            "`prefix` cannot begin the name of a secret",
            Some("letters, digits and /_+=.@- are allowed, 256 of them at most"),
        );
    }
    prefix.value.to_owned()
}

/// Where, for people.
impl fmt::Display for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let region =
            |region: &Option<String>| region.as_ref().map_or_else(String::new, |region| format!(" in {region}"));
        match self {
            Self::File { path } => write!(f, "{}", path.display()),
            Self::DynamoDb { table, region: of } => write!(f, "the table {table} of DynamoDB{}", region(of)),
            Self::SecretsManager { prefix, region: of, .. } => {
                write!(f, "secrets {prefix}* of Secrets Manager{}", region(of))
            }
        }
    }
}
