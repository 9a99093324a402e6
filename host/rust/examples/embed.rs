//! The library in a program of one's own, with a store and a target of its own: `cargo run -p lwa-rotate --example embed`.
//!
//! Amazon is played by the emulator, over real HTTP and the real SQS protocol. For Amazon itself leave out what names the
//! emulator: the endpoints, and the AWS settings, which then come from the usual AWS variables and files.

use std::collections::BTreeMap;
use std::error::Error;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use lwa_rotate::aws::Aws;
use lwa_rotate::publish::{self, Target, Targets};
use lwa_rotate::queue::Sqs;
use lwa_rotate::store::{self, Entry, Revision, Store, conformance};
use lwa_rotate::{Application, Credential, Rotator, Secret, State};
use lwa_rotate_emulator::{Emulator, Options};

const CLIENT_ID: &str = "amzn1.application-oa2-client.0123";

/// A table of a database: client id, revision, document. What is written here has to outlive the process in a real one.
#[derive(Default)]
struct Table(Mutex<BTreeMap<String, (u64, Secret)>>);

#[async_trait]
impl Store for Table {
    /// `SELECT revision, document FROM records WHERE client_id = ?`
    async fn load(&self, client_id: &str) -> Result<Option<Entry>, store::Error> {
        let rows = lock(&self.0);
        let row = rows.get(client_id);
        Ok(row.map(|(revision, document)| Entry { revision: revision.to_string(), document: document.clone() }))
    }

    /// `UPDATE records SET revision = revision + 1, document = ? WHERE client_id = ? AND revision = ?`; no row, no save.
    async fn save(&self, client_id: &str, document: Secret, expected: Option<&str>) -> Result<Revision, store::Error> {
        let mut rows = lock(&self.0);
        let stored = rows.get(client_id).map(|(revision, _)| revision.to_string());
        if stored.as_deref() != expected {
            return Err(store::Error::Conflict);
        }
        let next = rows.get(client_id).map_or(1, |(revision, _)| revision + 1);
        rows.insert(client_id.to_owned(), (next, document));
        Ok(next.to_string())
    }
}

/// The part of this program that signs in to Amazon: it takes up a new secret without a restart.
#[derive(Default)]
struct Connection(Mutex<Option<Credential>>);

#[async_trait]
impl Target for Connection {
    async fn put(&self, credential: &Credential) -> Result<(), publish::Error> {
        *lock(&self.0) = Some(credential.clone());
        Ok(())
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[tokio::main]
#[allow(clippy::print_stdout, reason = "a program that prints")]
async fn main() -> Result<(), Box<dyn Error>> {
    let table = Arc::new(Table::default());
    conformance::run(|| Arc::clone(&table)).await;
    println!("the table keeps the promises of a store");

    let secret = "amzn1.oa2-cs.v1.present";
    let applications = vec![lwa_rotate_emulator::Application::new(CLIENT_ID, secret)];
    let amazon = Emulator::start(Options { applications, ..Options::default() }).await?;
    let aws = Aws::new().endpoint(amazon.url())?.region("us-east-1").access_key("emulator", Secret::from("emulator"));

    let connection = Arc::new(Connection::default());
    let rotator = Rotator::builder()
        .application(Application {
            token_endpoint: amazon.token_endpoint(),
            targets: vec!["connection".into()],
            ..Application::new(CLIENT_ID, amazon.url())
        })
        .queue(Sqs::new([("main", amazon.queue_url())])?.aws(aws))
        .store(Arc::clone(&table))
        .publish(Targets::new().with(CLIENT_ID, "connection", Arc::clone(&connection)))
        .build()?;

    rotator.enroll(CLIENT_ID, Secret::from(secret), None).await?;
    let status = rotator.advance(CLIENT_ID).await?;
    println!("enrolled: {:?}, proven: {}", status.state, status.proven);

    rotator.request(CLIENT_ID).await?;
    let mut status = rotator.advance(CLIENT_ID).await?;
    println!("requested: {:?}", status.state);
    // Waiting is this program's: a long poll of the queue ends when the message is there.
    while status.state != State::Settled {
        for delivery in rotator.drain("main", 10, 20).await? {
            println!("a message: {:?}", delivery.answer);
        }
        status = rotator.advance(CLIENT_ID).await?;
    }
    let held = lock(&connection.0).take().ok_or("the connection was given no credential")?;
    let newest = amazon.secrets(CLIENT_ID).pop().ok_or("Amazon knows no secret")?;
    assert!(held.client_secret.expose_str() == Some(&newest.secret), "the connection signs in with the newest secret");
    println!("rotated: the connection holds secret {}, the newest that Amazon knows", status.generation);
    Ok(())
}
