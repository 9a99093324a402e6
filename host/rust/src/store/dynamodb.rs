//! One item for each client id, in a table of Amazon DynamoDB.

mod failure;

use std::{collections::HashMap, fmt};

use async_trait::async_trait;
use aws_sdk_dynamodb::{
    Client,
    config::{Config, retry::RetryConfig},
    error::ProvideErrorMetadata,
    primitives::Blob,
    types::{AttributeValue, KeyType, MultiRegionConsistency, ScalarAttributeType, TableDescription, TableStatus},
};
use tokio::sync::OnceCell;

use super::{Entry, Error, Revision, Store, revision};
use crate::{
    aws::{
        Aws, CALL_LIMIT,
        failure::{Failure, Kind},
        limits,
    },
    secret::Secret,
};
use failure::{DESCRIBE, LOAD, REMOVE, SAVE, failure};

/// The table's one key: a string, as partition key.
const CLIENT_ID: &str = "client_id";
const REVISION: &str = "revision";
const DOCUMENT: &str = "document";

/// DynamoDB takes no longer item, the names of its attributes included.
/// <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html>
const LONGEST: usize = 400 * 1024;

/// Keeps each document in an item of a DynamoDB table, under the key `client_id` (a string, and the table's only key); the
/// item's other attributes are `revision` and `document`, a binary.
///
/// A save is one conditional write, and a load is strongly consistent, so that every promise of a [`Store`] is one of
/// DynamoDB's. A save is sent once: a repeated one would fail by its own first effect, and look like a conflict. When no
/// answer comes it is looked up whether the save took place. An item has room for about 400 KB.
///
/// The region is the one given here, else that of the AWS settings. Nothing is read or opened before the first call.
pub struct DynamoDbStore {
    table: String,
    region: Option<String>,
    aws: Aws,
    client: OnceCell<Client>,
}

impl DynamoDbStore {
    /// A store in this table, which has to be there.
    pub fn new(table: impl Into<String>) -> Self {
        Self { table: table.into(), region: None, aws: Aws::default(), client: OnceCell::new() }
    }

    /// The table's region, where it is not that of the AWS settings.
    #[must_use]
    pub fn region(mut self, region: Option<String>) -> Self {
        self.region = region;
        self
    }

    /// Other AWS settings than the usual variables and files.
    #[must_use]
    pub fn aws(mut self, aws: Aws) -> Self {
        self.aws = aws;
        self
    }

    /// Whether the table is there, has the key that is needed, and can be used. Changes nothing, and needs
    /// `dynamodb:DescribeTable`, which neither [`load`](Store::load) nor [`save`](Store::save) does.
    pub async fn probe(&self) -> Result<(), Error> {
        let client = self.client().await?;
        let described = client.describe_table().table_name(&self.table).send().await;
        let described = described.map_err(|error| failure(DESCRIBE, &self.place(client), &Failure::of(&error)))?;
        usable(&described.table.unwrap_or_else(|| TableDescription::builder().build()))
            .map_err(|what| Error::Other(format!("{} {what}", self.place(client))))
    }

    async fn client(&self) -> Result<&Client, Error> {
        let made = self.client.get_or_try_init(async || {
            let loaded = self.aws.of_service("DynamoDB", self.region.as_deref(), None).await?;
            let config = aws_sdk_dynamodb::config::Builder::from(&loaded).timeout_config(limits(CALL_LIMIT));
            Ok(Client::from_conf(config.build()))
        });
        made.await.map_err(|error: crate::aws::Unusable| Error::Other(error.to_string()))
    }

    /// For people.
    fn place(&self, client: &Client) -> String {
        let region = client.config().region().map_or_else(|| "no region".to_owned(), ToString::to_string);
        format!("the table '{}' of DynamoDB in {region}", self.table)
    }

    async fn item(&self, client: &Client, client_id: &str, attributes: &[&str]) -> Result<Option<Item>, Error> {
        // Placeholders, because names may be words of DynamoDB's own.
        let names = attributes.iter().map(|name| (format!("#{name}"), (*name).to_owned()));
        let names: HashMap<_, _> = names.collect();
        let answer = client
            .get_item()
            .table_name(&self.table)
            .key(CLIENT_ID, text(client_id))
            .projection_expression(names.keys().cloned().collect::<Vec<_>>().join(", "))
            .set_expression_attribute_names(Some(names))
            .consistent_read(true)
            .send()
            .await
            .map_err(|error| failure(LOAD, &self.place(client), &Failure::of(&error)))?;
        Ok(answer.item)
    }

    /// Whether a save has taken place whose answer did not come.
    async fn took_place(&self, client: &Client, client_id: &str, revision: &str) -> bool {
        let item = self.item(client, client_id, &[REVISION]).await.ok().flatten();
        item.is_some_and(|item| item.get(REVISION) == Some(&text(revision)))
    }
}

type Item = HashMap<String, AttributeValue>;

#[async_trait]
impl Store for DynamoDbStore {
    async fn load(&self, client_id: &str) -> Result<Option<Entry>, Error> {
        let client = self.client().await?;
        // With the key, so that an item that lacks the rest is not taken for none.
        let Some(mut item) = self.item(client, client_id, &[CLIENT_ID, REVISION, DOCUMENT]).await? else {
            return Ok(None);
        };
        match (item.remove(REVISION), item.remove(DOCUMENT)) {
            (Some(AttributeValue::S(revision)), Some(AttributeValue::B(document))) => {
                Ok(Some(Entry { revision, document: document.into_inner().into() }))
            }
            _ => Err(Error::Other(format!(
                "the item of {client_id} in {} is not a readable record: it lacks a `{REVISION}` that is a string or a `{DOCUMENT}` that is binary; it is left as it is. Put back a copy, or delete it and enroll again",
                self.place(client)
            ))),
        }
    }

    async fn save(&self, client_id: &str, document: Secret, expected: Option<&str>) -> Result<Revision, Error> {
        let client = self.client().await?;
        let revision = revision::next(expected)?;
        let names = [CLIENT_ID, REVISION, DOCUMENT].map(str::len).iter().sum::<usize>();
        let length = names + client_id.len() + revision.len() + document.len();
        if length > LONGEST {
            return Err(Error::Full(format!(
                "cannot {SAVE} {}: an item would have {length} bytes, and DynamoDB takes no more than {LONGEST}; the store of kind \"file\" has no such limit",
                self.place(client)
            )));
        }

        let put = client
            .put_item()
            .table_name(&self.table)
            .item(CLIENT_ID, text(client_id))
            .item(REVISION, text(&revision))
            .item(DOCUMENT, AttributeValue::B(Blob::new(document.into_bytes())));
        let put = match expected {
            None => {
                put.condition_expression("attribute_not_exists(#key)").expression_attribute_names("#key", CLIENT_ID)
            }
            Some(expected) => put
                .condition_expression("#revision = :expected")
                .expression_attribute_names("#revision", REVISION)
                .expression_attribute_values(":expected", text(expected)),
        };
        // Order matters: sent once, so that a condition that fails is the doing of somebody else.
        let once = Config::builder().retry_config(RetryConfig::disabled());
        let Err(error) = put.customize().config_override(once).send().await else {
            return Ok(revision);
        };
        if error.code() == Some("ConditionalCheckFailedException") {
            return Err(Error::Conflict);
        }
        let failed = Failure::of(&error);
        if failed.kind == Kind::Passing && self.took_place(client, client_id, &revision).await {
            return Ok(revision);
        }
        Err(failure(SAVE, &self.place(client), &failed))
    }

    async fn remove(&self, client_id: &str, expected: &str) -> Result<(), Error> {
        let client = self.client().await?;
        let delete = client
            .delete_item()
            .table_name(&self.table)
            .key(CLIENT_ID, text(client_id))
            .condition_expression("#revision = :expected")
            .expression_attribute_names("#revision", REVISION)
            .expression_attribute_values(":expected", text(expected));
        // Order matters: sent once, so that a condition that fails is the doing of another host.
        let once = Config::builder().retry_config(RetryConfig::disabled());
        let Err(error) = delete.customize().config_override(once).send().await else {
            return Ok(());
        };
        if error.code() == Some("ConditionalCheckFailedException") {
            return Err(Error::Conflict);
        }
        let failed = Failure::of(&error);
        let is_gone = async || matches!(self.item(client, client_id, &[REVISION]).await, Ok(None));
        if failed.kind == Kind::Passing && is_gone().await {
            return Ok(());
        }
        Err(failure(REMOVE, &self.place(client), &failed))
    }
}

fn text(text: &str) -> AttributeValue {
    AttributeValue::S(text.to_owned())
}

/// What keeps a table from being used.
fn usable(table: &TableDescription) -> Result<(), String> {
    let keys: Vec<_> = table.key_schema().iter().map(|key| (key.attribute_name(), key.key_type())).collect();
    let of_type = |name: &str| {
        table
            .attribute_definitions()
            .iter()
            .find(|attribute| attribute.attribute_name() == name)
            .map(|a| a.attribute_type())
    };
    if keys != [(CLIENT_ID, &KeyType::Hash)] || of_type(CLIENT_ID) != Some(&ScalarAttributeType::S) {
        return Err(format!("has another key than the partition key `{CLIENT_ID}`, a string; {}", failure::MAKE_ONE));
    }
    if !table.replicas().is_empty() && table.multi_region_consistency() != Some(&MultiRegionConsistency::Strong) {
        return Err(
            "is a global table whose regions are eventually consistent, so that two of them could save over each other; make it one with multi-Region strong consistency, or name a table of one region"
                .to_owned(),
        );
    }
    match table.table_status() {
        Some(TableStatus::Active | TableStatus::Updating) => Ok(()),
        Some(TableStatus::InaccessibleEncryptionCredentials) => Err(
            "cannot be read because its KMS key cannot be used; enable the key, or take back that it is to be deleted"
                .to_owned(),
        ),
        status => Err(format!(
            "is {}; wait until it is ACTIVE, or name another table",
            status.map_or("in no known state", TableStatus::as_str)
        )),
    }
}

impl fmt::Debug for DynamoDbStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DynamoDbStore")
            .field("table", &self.table)
            .field("region", &self.region)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;
