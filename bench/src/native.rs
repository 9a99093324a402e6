//! The component's own code linked natively, over the same traits that the runtime serves it with: what WebAssembly costs is the
//! difference.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use lwa_rotate::clock::Clock;
use lwa_rotate::http::{self, Http};
use lwa_rotate::publish::{self, Publish};
use lwa_rotate::queue::{self, Queue};
use lwa_rotate::store::Store;
use lwa_rotate::{Builder, Rotator};
use lwa_rotate_component::bindings::lwa::rotation::observe::Happening;
use lwa_rotate_component::bindings::lwa::rotation::queue::{Attribute, Flow, Gap, Key, KeyDescription};
use lwa_rotate_component::bindings::lwa::rotation::settings::{Application, Rotate, Target, UserAgent};
use lwa_rotate_component::credential::{Credential, Secret};
use lwa_rotate_component::host::{
    Entry, Held, Host, Inspection, Message, Method, PublishError, QueueError, Reading, Request, Response, SendError,
    StoreError,
};
use lwa_rotate_component::instant::Instant;
use tokio::runtime::Handle;

/// What both reach.
#[derive(Clone)]
pub struct Effects {
    pub application: lwa_rotate::Application,
    pub http: Arc<dyn Http>,
    pub queue: Arc<dyn Queue>,
    pub store: Arc<dyn Store>,
    pub publish: Arc<dyn Publish>,
    pub clock: Arc<dyn Clock>,
}

impl Effects {
    /// The component in its runtime.
    pub fn rotator(&self, change: impl FnOnce(Builder) -> Builder) -> Rotator {
        let builder = Rotator::builder()
            .application(self.application.clone())
            .http(Arc::clone(&self.http))
            .queue(Arc::clone(&self.queue))
            .store(Arc::clone(&self.store))
            .publish(Arc::clone(&self.publish))
            .clock(Arc::clone(&self.clock));
        change(builder).build().unwrap()
    }

    /// The same without one. `runtime` waits for effects that take time.
    pub fn native(&self, runtime: Option<Handle>) -> Native {
        Native { effects: self.clone(), runtime }
    }
}

/// A host for the component's calls. Nothing goes wrong in a measurement: an error of an effect stops it.
pub struct Native {
    effects: Effects,
    runtime: Option<Handle>,
}

impl Native {
    fn wait<T>(&self, future: impl Future<Output = T>) -> T {
        match &self.runtime {
            Some(runtime) => runtime.block_on(future),
            None => match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
                Poll::Ready(value) => value,
                Poll::Pending => panic!("an instant answer takes no time"),
            },
        }
    }
}

impl Host for Native {
    fn now(&mut self) -> Instant {
        Instant(self.effects.clock.now())
    }

    fn random(&mut self) -> u64 {
        0
    }

    fn find(&mut self, client_id: &str) -> Option<Application> {
        let application = self.effects.application.clone();
        (application.client_id == client_id).then_some(Application {
            client_id: application.client_id,
            token_endpoint: application.token_endpoint,
            api_endpoint: application.api_endpoint,
            queue: application.queue,
            rotate: match application.rotate {
                lwa_rotate::settings::Rotate::Automatic => Rotate::Automatic,
                lwa_rotate::settings::Rotate::OnRequest => Rotate::OnRequest,
            },
            rotate_before: application.rotate_before,
            patience: application.patience,
            targets: application.targets.into_iter().map(|to| Target { name: to.name, place: to.place }).collect(),
            user_agent: UserAgent {
                application: application.user_agent.application,
                version: application.user_agent.version,
                language: application.user_agent.language,
            },
        })
    }

    fn send(&mut self, request: Request) -> Result<Response, SendError> {
        let header = |(name, value): &(&str, Secret)| http::Header {
            name: (*name).to_owned(),
            value: value.expose().to_vec().into(),
        };
        let request = http::Request {
            method: match request.method {
                Method::Get => http::Method::Get,
                Method::Post => http::Method::Post,
            },
            url: request.url,
            headers: request.headers.iter().map(header).collect(),
            body: request.body.expose().to_vec().into(),
            time_limit: Duration::from_secs(30),
            body_limit: 256 * 1024,
            not_after: request.not_after.map(|at| at.0),
        };
        let response = self.wait(self.effects.http.send(request)).unwrap();
        let header = |name: &str| response.headers.iter().find(|header| header.name.eq_ignore_ascii_case(name));
        let request_id = header("x-amzn-requestid");
        Ok(Response {
            status: response.status,
            marked: request_id.or_else(|| header("x-amzn-errortype")).is_some(),
            request_id: request_id.and_then(|header| header.value.expose_str()).unwrap_or_default().to_owned(),
            body: Secret::new(response.body.into_bytes()),
        })
    }

    fn receive(&mut self, queue: &str, max: u32, wait: u32, visibility: u32) -> Result<Vec<Message>, QueueError> {
        let received = self.wait(self.effects.queue.receive(queue, max, wait, visibility)).unwrap();
        Ok(received.into_iter().map(message).collect())
    }

    fn delete(&mut self, queue: &str, receipt_handle: &str) -> Result<(), QueueError> {
        self.wait(self.effects.queue.delete(queue, receipt_handle)).unwrap();
        Ok(())
    }

    fn hide(&mut self, queue: &str, receipt_handle: &str, visibility: u32) -> Result<(), QueueError> {
        self.wait(self.effects.queue.hide(queue, receipt_handle, visibility)).unwrap();
        Ok(())
    }

    fn inspect(&mut self, queue: &str) -> Inspection {
        let inspection = self.wait(self.effects.queue.inspect(queue));
        let attribute = |(name, value)| Attribute { name, value };
        Inspection {
            attributes: inspection.attributes.map(|all| all.into_iter().map(attribute).collect()).map_err(gap),
            key: inspection.key.map(|key| Key {
                description: key.description.map_err(gap).map(|description| KeyDescription {
                    arn: description.arn,
                    state: description.state,
                    managed_by_aws: description.managed_by_aws,
                }),
                policy: key.policy.map_err(gap),
            }),
            flow: match inspection.flow {
                queue::Flow::Pulled => Flow::Pulled,
                queue::Flow::Pushed => Flow::Pushed,
            },
        }
    }

    fn load(&mut self, client_id: &str) -> Result<Option<Entry>, StoreError> {
        let entry = self.wait(self.effects.store.load(client_id)).unwrap();
        Ok(entry.map(|entry| Entry { revision: entry.revision, document: Secret::new(entry.document.into_bytes()) }))
    }

    fn save(&mut self, client_id: &str, document: &Secret, expected: Option<&str>) -> Result<String, StoreError> {
        let document = document.expose().to_vec().into();
        Ok(self.wait(self.effects.store.save(client_id, document, expected)).unwrap())
    }

    fn remove(&mut self, client_id: &str, expected: &str) -> Result<(), StoreError> {
        self.wait(self.effects.store.remove(client_id, expected)).unwrap();
        Ok(())
    }

    fn put(&mut self, target: &str, credential: &Credential) -> Result<(), PublishError> {
        let credential = lwa_rotate::Credential {
            client_id: credential.client_id.clone(),
            client_secret: credential.client_secret.expose().to_vec().into(),
            expires_at: credential.expires_at.map(|at| at.0),
        };
        self.wait(self.effects.publish.put(target, &credential)).unwrap();
        Ok(())
    }

    fn read(&mut self, target: &str, client_id: &str) -> Result<Reading, PublishError> {
        Ok(match self.wait(self.effects.publish.read(target, client_id)).unwrap() {
            publish::Reading::Credential(held) => Reading::Credential(Held {
                client_id: held.client_id,
                client_secret: Secret::new(held.client_secret.into_bytes()),
                written_by: held.written_by,
            }),
            publish::Reading::None => Reading::None,
            publish::Reading::Unreadable => Reading::Unreadable,
        })
    }

    fn emit(&mut self, _: Option<&str>, _: Instant, _: Happening) {}
}

fn gap(gap: queue::Gap) -> Gap {
    match gap {
        queue::Gap::NotFound(text) => Gap::NotFound(text),
        queue::Gap::Denied(text) => Gap::Denied(text),
        queue::Gap::Unreachable(text) => Gap::Unreachable(text),
    }
}

/// A message as the component has it.
pub fn message(message: lwa_rotate::queue::Message) -> Message {
    Message {
        id: message.id,
        receipt_handle: message.receipt_handle,
        body: Secret::new(message.body.into_bytes()),
        receive_count: message.receive_count,
    }
}
