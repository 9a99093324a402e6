//! Answers the component's imports: carries values between the generated types and the traits, within the bounds of the call.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use tokio::time::Instant;
use zeroize::Zeroize;

use super::bounds::{Bounds, Forbidden, HANDED_OVER, Subject};
use super::turns::Turns;
use crate::{
    bindings::{
        lwa::rotation::{
            http as wit_http, observe as wit_observe, publish as wit_publish, queue as wit_queue,
            settings as wit_settings, store as wit_store, types,
        },
        wasi::{clocks::wall_clock, random::random},
    },
    clock::Clock,
    http::{self, Http},
    observe::Observe,
    publish,
    queue::{self, Queue},
    secret::{Credential, Secret},
    settings::{Application, Settings},
    store::{self, Store},
};

/// Everything that the component can reach.
pub(crate) struct Effects {
    pub(crate) settings: Box<dyn Settings>,
    pub(crate) http: Box<dyn Http>,
    pub(crate) queue: Box<dyn Queue>,
    pub(crate) store: Box<dyn Store>,
    pub(crate) publish: Arc<Turns>,
    pub(crate) observe: Box<dyn Observe>,
    pub(crate) clock: Box<dyn Clock>,
    /// In place of the system's random numbers.
    pub(crate) random: Option<Box<dyn Fn() -> u64 + Send + Sync>>,
}

/// The imports of one call.
pub(crate) struct Imports {
    effects: Arc<Effects>,
    bounds: Bounds,
    /// Settings stay the same for one call: what was found is not looked up again.
    found: BTreeMap<String, Application>,
}

/// More than any use of it needs; a guest that asks for more is defective.
const RANDOM_LIMIT: u64 = 64 << 10;

impl Imports {
    /// The imports of a call that is about this.
    pub(crate) fn new(effects: Arc<Effects>, subject: Subject) -> Self {
        Self { effects, bounds: Bounds::new(subject), found: BTreeMap::new() }
    }

    fn find(&mut self, client_id: &str) -> Option<&Application> {
        if !self.found.contains_key(client_id) {
            let application = self.effects.settings.find(client_id)?;
            self.found.insert(client_id.to_owned(), application);
        }
        self.found.get(client_id)
    }

    /// The settings of an application that the call may work on.
    fn application(&mut self, client_id: &str) -> Result<&Application, Forbidden> {
        self.bounds.effect()?;
        self.bounds.application(client_id)?;
        self.find(client_id).ok_or_else(|| Forbidden::asking("for an application that is not of this host"))
    }

    /// Whether the call may work on this target of that application.
    fn target(&mut self, client_id: &str, name: &str) -> Result<(), Forbidden> {
        if self.application(client_id)?.targets.iter().any(|target| target.name == name) {
            return Ok(());
        }
        Err(Forbidden::asking("for a publish target that is not of the application"))
    }

    /// The queue of the application that the call advances, if it does.
    fn own_queue(&mut self) -> Option<String> {
        let client_id = self.bounds.advancing()?.to_owned();
        self.find(&client_id).map(|application| application.queue.clone())
    }

    /// Whether the call may work on this queue.
    fn queue(&mut self, name: &str) -> Result<(), Forbidden> {
        self.bounds.effect()?;
        let own = self.own_queue();
        self.bounds.queue(name, own.as_deref())
    }
}

impl types::Host for Imports {}

impl wit_settings::Host for Imports {
    async fn find(&mut self, client_id: String) -> wasmtime::Result<Option<Application>> {
        self.bounds.effect()?;
        self.bounds.application(&client_id)?;
        Ok(Self::find(self, &client_id).cloned())
    }
}

impl wit_http::Host for Imports {
    async fn send(
        &mut self,
        request: wit_http::Request,
    ) -> wasmtime::Result<Result<wit_http::Response, wit_http::Error>> {
        self.bounds.effect()?;
        let request = http::Request {
            method: match request.method {
                wit_http::Method::Get => http::Method::Get,
                wit_http::Method::Post => http::Method::Post,
            },
            url: request.url,
            headers: request
                .headers
                .into_iter()
                .map(|header| http::Header { name: header.name, value: header.value.into() })
                .collect(),
            body: request.body.into(),
            time_limit: Duration::from_secs(request.time_limit.into()),
            // The answer comes into this process before it comes into the component's memory, which is limited.
            body_limit: request.body_limit.min(HANDED_OVER),
            not_after: request.not_after,
        };
        Ok(match self.effects.http.send(request).await {
            Ok(response) => Ok(wit_http::Response {
                status: response.status,
                headers: response
                    .headers
                    .into_iter()
                    .map(|header| wit_http::Header { name: header.name, value: header.value.into_bytes() })
                    .collect(),
                body: response.body.into_bytes(),
            }),
            Err(error) => Err(error.into()),
        })
    }
}

impl wit_queue::Host for Imports {
    async fn receive(
        &mut self,
        queue: String,
        max: u32,
        wait: u32,
        visibility: u32,
    ) -> wasmtime::Result<Result<Vec<wit_queue::Message>, wit_queue::Error>> {
        self.queue(&queue)?;
        let received = self.effects.queue.receive(&queue, max, wait, visibility).await;
        Ok(received.map(|messages| messages.into_iter().map(Into::into).collect()).map_err(Into::into))
    }

    async fn delete(
        &mut self,
        queue: String,
        receipt_handle: String,
    ) -> wasmtime::Result<Result<(), wit_queue::Error>> {
        self.queue(&queue)?;
        Ok(self.effects.queue.delete(&queue, &receipt_handle).await.map_err(Into::into))
    }

    async fn hide(
        &mut self,
        queue: String,
        receipt_handle: String,
        visibility: u32,
    ) -> wasmtime::Result<Result<(), wit_queue::Error>> {
        self.queue(&queue)?;
        Ok(self.effects.queue.hide(&queue, &receipt_handle, visibility).await.map_err(Into::into))
    }

    async fn inspect(&mut self, queue: String) -> wasmtime::Result<wit_queue::Inspection> {
        self.bounds.effect()?;
        let own = self.own_queue();
        self.bounds.inspection(&queue, own.as_deref())?;
        Ok(self.effects.queue.inspect(&queue).await.into())
    }
}

impl wit_store::Host for Imports {
    async fn load(
        &mut self,
        client_id: String,
    ) -> wasmtime::Result<Result<Option<wit_store::Entry>, wit_store::Error>> {
        self.application(&client_id)?;
        Ok(match self.effects.store.load(&client_id).await {
            Ok(entry) => {
                Ok(entry
                    .map(|entry| wit_store::Entry { revision: entry.revision, document: entry.document.into_bytes() }))
            }
            Err(error) => Err(error.into()),
        })
    }

    async fn save(
        &mut self,
        client_id: String,
        document: Vec<u8>,
        expected: Option<String>,
    ) -> wasmtime::Result<Result<String, wit_store::Error>> {
        self.application(&client_id)?;
        let saved = self.effects.store.save(&client_id, document.into(), expected.as_deref()).await;
        Ok(saved.map_err(Into::into))
    }

    async fn remove(&mut self, client_id: String, expected: String) -> wasmtime::Result<Result<(), wit_store::Error>> {
        self.application(&client_id)?;
        Ok(self.effects.store.remove(&client_id, &expected).await.map_err(Into::into))
    }
}

impl wit_publish::Host for Imports {
    async fn put(
        &mut self,
        target: String,
        credential: types::Credential,
    ) -> wasmtime::Result<Result<(), wit_publish::Error>> {
        let credential = Credential::from(credential);
        self.target(&credential.client_id, &target)?;
        let (patience, began) = (self.bounds.patience(&credential.client_id), Instant::now());
        let put = self.effects.publish.put(&target, &credential, patience).await;
        self.bounds.waited(&credential.client_id, began.elapsed());
        Ok(put.map_err(Into::into))
    }

    async fn read(
        &mut self,
        target: String,
        client_id: String,
    ) -> wasmtime::Result<Result<wit_publish::Reading, wit_publish::Error>> {
        self.target(&client_id, &target)?;
        let (patience, began) = (self.bounds.patience(&client_id), Instant::now());
        let reading = self.effects.publish.read(&target, &client_id, patience).await;
        self.bounds.waited(&client_id, began.elapsed());
        Ok(reading.map(Into::into).map_err(Into::into))
    }
}

impl wit_observe::Host for Imports {
    async fn emit(&mut self, event: wit_observe::Event) -> wasmtime::Result<()> {
        self.bounds.effect()?;
        self.bounds.told(&event)?;
        self.effects.observe.emit(&event);
        Ok(())
    }
}

impl wall_clock::Host for Imports {
    async fn now(&mut self) -> wasmtime::Result<wall_clock::Datetime> {
        let now = Duration::from_millis(self.effects.clock.now());
        Ok(wall_clock::Datetime { seconds: now.as_secs(), nanoseconds: now.subsec_nanos() })
    }

    async fn resolution(&mut self) -> wasmtime::Result<wall_clock::Datetime> {
        let resolution = Duration::from_millis(1);
        Ok(wall_clock::Datetime { seconds: 0, nanoseconds: resolution.subsec_nanos() })
    }
}

impl random::Host for Imports {
    async fn get_random_bytes(&mut self, len: u64) -> wasmtime::Result<Vec<u8>> {
        if len > RANDOM_LIMIT {
            return Err(wasmtime::Error::msg("asked for more random bytes than the host gives"));
        }
        let mut bytes = vec![0; usize::try_from(len)?];
        getrandom::fill(&mut bytes)?;
        Ok(bytes)
    }

    async fn get_random_u64(&mut self) -> wasmtime::Result<u64> {
        match &self.effects.random {
            Some(random) => Ok(random()),
            None => Ok(getrandom::u64()?),
        }
    }
}

impl From<queue::Message> for wit_queue::Message {
    fn from(message: queue::Message) -> Self {
        Self {
            id: message.id,
            receipt_handle: message.receipt_handle,
            body: message.body.into_bytes(),
            receive_count: message.receive_count,
        }
    }
}

impl From<queue::Inspection> for wit_queue::Inspection {
    fn from(inspection: queue::Inspection) -> Self {
        let attribute = |(name, value)| wit_queue::Attribute { name, value };
        Self {
            attributes: inspection
                .attributes
                .map(|attributes| attributes.into_iter().map(attribute).collect())
                .map_err(Into::into),
            key: inspection.key.map(|key| wit_queue::Key {
                description: key.description.map(Into::into).map_err(Into::into),
                policy: key.policy.map_err(Into::into),
            }),
            flow: match inspection.flow {
                queue::Flow::Pulled => wit_queue::Flow::Pulled,
                queue::Flow::Pushed => wit_queue::Flow::Pushed,
            },
        }
    }
}

impl From<queue::KeyDescription> for wit_queue::KeyDescription {
    fn from(key: queue::KeyDescription) -> Self {
        Self { arn: key.arn, state: key.state, managed_by_aws: key.managed_by_aws }
    }
}

impl From<queue::Gap> for wit_queue::Gap {
    fn from(gap: queue::Gap) -> Self {
        match gap {
            queue::Gap::NotFound(text) => Self::NotFound(text),
            queue::Gap::Denied(text) => Self::Denied(text),
            queue::Gap::Unreachable(text) => Self::Unreachable(text),
        }
    }
}

impl From<publish::Reading> for wit_publish::Reading {
    fn from(reading: publish::Reading) -> Self {
        match reading {
            publish::Reading::Credential(held) => Self::Credential(wit_publish::Held {
                client_id: held.client_id,
                client_secret: held.client_secret.into_bytes(),
                written_by: held.written_by,
            }),
            publish::Reading::None => Self::None,
            publish::Reading::Unreadable => Self::Unreadable,
        }
    }
}

impl From<types::Credential> for Credential {
    fn from(credential: types::Credential) -> Self {
        Self {
            client_id: credential.client_id,
            client_secret: Secret::new(credential.client_secret),
            expires_at: credential.expires_at,
        }
    }
}

impl From<http::Error> for wit_http::Error {
    fn from(error: http::Error) -> Self {
        match error {
            http::Error::NotSent(text) => Self::NotSent(text),
            http::Error::Forbidden(origin) => Self::Forbidden(origin),
            http::Error::OutcomeUnknown(text) => Self::OutcomeUnknown(text),
            http::Error::TooLarge => Self::TooLarge,
            http::Error::Other(text) => Self::Other(text),
        }
    }
}

impl From<queue::Error> for wit_queue::Error {
    fn from(error: queue::Error) -> Self {
        match error {
            queue::Error::NotFound(text) => Self::NotFound(text),
            queue::Error::AccessDenied(text) => Self::AccessDenied(text),
            queue::Error::StaleReceipt => Self::StaleReceipt,
            queue::Error::Unavailable(text) => Self::Unavailable(text),
            queue::Error::Other(text) => Self::Other(text),
        }
    }
}

impl From<wit_queue::Error> for queue::Error {
    fn from(error: wit_queue::Error) -> Self {
        match error {
            wit_queue::Error::NotFound(text) => Self::NotFound(text),
            wit_queue::Error::AccessDenied(text) => Self::AccessDenied(text),
            wit_queue::Error::StaleReceipt => Self::StaleReceipt,
            wit_queue::Error::Unavailable(text) => Self::Unavailable(text),
            wit_queue::Error::Other(text) => Self::Other(text),
        }
    }
}

impl From<store::Error> for wit_store::Error {
    fn from(error: store::Error) -> Self {
        match error {
            store::Error::Conflict => Self::Conflict,
            store::Error::AccessDenied(text) => Self::AccessDenied(text),
            store::Error::Full(text) => Self::Full(text),
            store::Error::Unavailable(text) => Self::Unavailable(text),
            store::Error::Other(text) => Self::Other(text),
        }
    }
}

impl From<wit_store::Error> for store::Error {
    fn from(error: wit_store::Error) -> Self {
        match error {
            wit_store::Error::Conflict => Self::Conflict,
            wit_store::Error::AccessDenied(text) => Self::AccessDenied(text),
            wit_store::Error::Full(text) => Self::Full(text),
            wit_store::Error::Unavailable(text) => Self::Unavailable(text),
            wit_store::Error::Other(text) => Self::Other(text),
        }
    }
}

impl From<publish::Error> for wit_publish::Error {
    fn from(error: publish::Error) -> Self {
        match error {
            publish::Error::UnknownTarget => Self::UnknownTarget,
            publish::Error::AccessDenied(text) => Self::AccessDenied(text),
            publish::Error::Unavailable(text) => Self::Unavailable(text),
            publish::Error::Other(text) => Self::Other(text),
        }
    }
}

/// A generated message, wiped when the call that borrows it is over.
pub(crate) struct BorrowedMessage(pub(crate) wit_queue::Message);

impl Drop for BorrowedMessage {
    fn drop(&mut self) {
        self.0.body.zeroize();
    }
}
