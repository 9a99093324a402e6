//! Amazon SQS, through the AWS SDK.

mod failure;
mod inspection;
mod key;
mod place;

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use aws_sdk_sqs::{
    Client,
    config::Config,
    types::{Message as SqsMessage, MessageSystemAttributeName, QueueAttributeName},
};

use super::{Error, Inspection, Message, Queue};
use crate::aws::{Aws, CALL_LIMIT, UrlError, limits};
use failure::{Operation, failure};
use place::Place;

/// Amazon SQS.
///
/// Credentials, profile and endpoint come from the usual AWS variables and files (`AWS_PROFILE`, `AWS_ACCESS_KEY_ID`,
/// `AWS_ENDPOINT_URL_SQS`, SSO, roles, …). The region is that of the queue's URL; where the URL names none, that of the AWS
/// settings, and else `us-east-1`. A URL that is not one of Amazon's is its own endpoint, unless the AWS settings name one:
/// so an emulator's queue needs nothing but its URL.
///
/// Nothing is read or opened before the first call. An operation is repeated once by the SDK when the first try got no
/// answer or a passing failure, which SQS allows; each call ends within its own limit.
pub struct Sqs {
    queues: BTreeMap<String, Place>,
    aws: Aws,
    /// The names of the queues whose messages a service passes on.
    pushed: BTreeSet<String>,
    clients: Mutex<BTreeMap<String, Client>>,
}

/// SQS hides no message for longer than this after its receipt, in seconds.
const HIDDEN_AT_MOST: u32 = 12 * 60 * 60;

impl Sqs {
    /// These queues, by the names of the settings, with their URLs as SQS gives them. `https`, or `http` on loopback.
    pub fn new<N: Into<String>, U: Into<String>>(queues: impl IntoIterator<Item = (N, U)>) -> Result<Self, UrlError> {
        let queues = queues.into_iter().map(|(name, url)| Ok((name.into(), Place::of(url.into())?)));
        Ok(Self {
            queues: queues.collect::<Result<_, _>>()?,
            aws: Aws::default(),
            pushed: BTreeSet::new(),
            clients: Mutex::default(),
        })
    }

    /// Other AWS settings than the usual variables and files.
    #[must_use]
    pub fn aws(mut self, aws: Aws) -> Self {
        self.aws = aws;
        self
    }

    /// Says that a service receives the messages of this queue and passes them to [`Rotator::deliver`](crate::Rotator::deliver),
    /// such as an event source mapping of AWS Lambda. Messages of the others are pulled.
    #[must_use]
    pub fn pushed(mut self, queue: impl Into<String>) -> Self {
        self.pushed.insert(queue.into());
        self
    }

    async fn client(&self, queue: &str) -> Result<(&Place, Client), Error> {
        let place = self.place(queue)?;
        let known = self.clients().get(queue).cloned();
        if let Some(client) = known {
            return Ok((place, client));
        }
        let loaded = self.aws.of_service("SQS", place.region.as_deref(), place.endpoint.as_deref()).await;
        let client = Client::new(&loaded.map_err(unusable)?);
        self.clients().insert(queue.to_owned(), client.clone());
        Ok((place, client))
    }

    fn place(&self, queue: &str) -> Result<&Place, Error> {
        self.queues.get(queue).ok_or_else(|| Error::NotFound(format!("the settings have no queue '{queue}'")))
    }

    /// How the queue is set up and how many messages it holds: its attributes by the names that SQS gives them. Changes
    /// nothing, and needs `sqs:GetQueueAttributes`.
    pub async fn attributes(&self, queue: &str) -> Result<BTreeMap<String, String>, Error> {
        let (place, client) = self.client(queue).await?;
        let request = client.get_queue_attributes().queue_url(&place.url).attribute_names(QueueAttributeName::All);
        match request.customize().config_override(within(CALL_LIMIT)).send().await {
            Ok(answer) => {
                let attributes = answer.attributes.unwrap_or_default().into_iter();
                Ok(attributes.map(|(name, value)| (name.as_str().to_owned(), value)).collect())
            }
            Err(error) => Err(failure(Operation::Look, queue, place, &error)),
        }
    }

    fn clients(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, Client>> {
        self.clients.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Queue for Sqs {
    async fn receive(&self, queue: &str, max: u32, wait: u32, visibility: u32) -> Result<Vec<Message>, Error> {
        let (place, client) = self.client(queue).await?;
        let wait = wait.min(20);
        let received = client
            .receive_message()
            .queue_url(&place.url)
            .max_number_of_messages(number(max.clamp(1, 10)))
            .wait_time_seconds(number(wait))
            .visibility_timeout(number(visibility.min(HIDDEN_AT_MOST)))
            .message_system_attribute_names(MessageSystemAttributeName::ApproximateReceiveCount)
            .customize()
            .config_override(within(Duration::from_secs(wait.into()) + CALL_LIMIT))
            .send()
            .await
            .map_err(|e| failure(Operation::Receive, queue, place, &e))?;
        Ok(received.messages.unwrap_or_default().into_iter().filter_map(message).collect())
    }

    async fn delete(&self, queue: &str, receipt_handle: &str) -> Result<(), Error> {
        let (place, client) = self.client(queue).await?;
        let request = client.delete_message().queue_url(&place.url).receipt_handle(receipt_handle);
        match request.customize().config_override(within(CALL_LIMIT)).send().await {
            Ok(_) => Ok(()),
            Err(error) => Err(failure(Operation::Delete, queue, place, &error)),
        }
    }

    async fn hide(&self, queue: &str, receipt_handle: &str, visibility: u32) -> Result<(), Error> {
        let (place, client) = self.client(queue).await?;
        let mut visibility = visibility.min(HIDDEN_AT_MOST);
        loop {
            let request = client
                .change_message_visibility()
                .queue_url(&place.url)
                .receipt_handle(receipt_handle)
                .visibility_timeout(number(visibility));
            match request.customize().config_override(within(CALL_LIMIT)).send().await {
                Ok(_) => return Ok(()),
                // The 12 hours count from the receipt, which nobody here has kept: come nearer by halves.
                Err(error) if failure::is_beyond_the_longest(&error) && visibility > 60 => visibility /= 2,
                Err(error) => return Err(failure(Operation::Hide, queue, place, &error)),
            }
        }
    }

    async fn inspect(&self, queue: &str) -> Inspection {
        self.facts(queue).await
    }
}

/// A message of SQS's always has an id, a receipt handle and a body; what lacks one cannot be answered and comes again.
fn message(message: SqsMessage) -> Option<Message> {
    let attribute = |name| message.attributes.as_ref()?.get(&name);
    let receive_count = attribute(MessageSystemAttributeName::ApproximateReceiveCount).and_then(|n| n.parse().ok());
    Some(Message {
        receive_count: receive_count.unwrap_or_default(),
        id: message.message_id?,
        receipt_handle: message.receipt_handle?,
        body: message.body?.into(),
    })
}

/// An endpoint that no request may be sent to.
fn unusable(error: impl std::fmt::Display) -> Error {
    Error::Other(error.to_string())
}

/// The limits of one call.
fn within(limit: Duration) -> aws_sdk_sqs::config::Builder {
    Config::builder().timeout_config(limits(limit))
}

fn number(number: u32) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}

impl fmt::Debug for Sqs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sqs").field("queues", &self.queues).finish_non_exhaustive()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;
