//! The library in a program of one's own, with a store and a target of its own: `cargo run -p lwa-rotate --example embed`.
//!
//! Amazon is played by the emulator, over real HTTP and the real SQS protocol. For Amazon itself leave out what names the
//! emulator: the endpoints, and the AWS settings, which then come from the usual AWS variables and files.

use std::collections::BTreeMap;
use std::error::Error;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use lwa_rotate::aws::Aws;
use lwa_rotate::publish::{self, Held, Reading, Target, Targets};
use lwa_rotate::queue::Sqs;
use lwa_rotate::store::{self, Entry, Revision, Store, conformance};
use lwa_rotate::{Application, Credential, Rotator, Secret, State};
use lwa_rotate_emulator::{Emulator, Options};

const CLIENT_ID: &str = "amzn1.application-oa2-client.0123";

/// A table of a database: client id, revision, document. What is written here has to outlive the process in a real one.
#[derive(Default)]
struct Table(Mutex<Rows>);

#[derive(Default)]
struct Rows {
    rows: BTreeMap<String, (u64, Secret)>,
    /// A sequence of the database, so that no revision comes twice, not even after a removal.
    sequence: u64,
}

impl Rows {
    fn revision(&self, client_id: &str) -> Option<String> {
        self.rows.get(client_id).map(|(revision, _)| revision.to_string())
    }
}

#[async_trait]
impl Store for Table {
    /// `SELECT revision, document FROM records WHERE client_id = ?`
    async fn load(&self, client_id: &str) -> Result<Option<Entry>, store::Error> {
        let table = lock(&self.0);
        let row = table.rows.get(client_id);
        Ok(row.map(|(revision, document)| Entry { revision: revision.to_string(), document: document.clone() }))
    }

    /// `UPDATE records SET revision = NEXT, document = ? WHERE client_id = ? AND revision = ?`; no row, no save.
    async fn save(&self, client_id: &str, document: Secret, expected: Option<&str>) -> Result<Revision, store::Error> {
        let mut table = lock(&self.0);
        if table.revision(client_id).as_deref() != expected {
            return Err(store::Error::Conflict);
        }
        table.sequence += 1;
        let next = table.sequence;
        table.rows.insert(client_id.to_owned(), (next, document));
        Ok(next.to_string())
    }

    /// `DELETE FROM records WHERE client_id = ? AND revision = ?`; no row, no removal.
    async fn remove(&self, client_id: &str, expected: &str) -> Result<(), store::Error> {
        let mut table = lock(&self.0);
        if table.revision(client_id).as_deref() != Some(expected) {
            return Err(store::Error::Conflict);
        }
        table.rows.remove(client_id);
        Ok(())
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

    async fn read(&self) -> Result<Reading, publish::Error> {
        let held = lock(&self.0).clone().map(|credential| Held {
            client_id: Some(credential.client_id),
            client_secret: credential.client_secret,
            expires_at: credential.expires_at,
            written_by: None,
        });
        Ok(held.into())
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

    let secret = "amzn1.oa2-cs.v1.current";
    let applications = vec![lwa_rotate_emulator::Application::new(CLIENT_ID, secret)];
    let amazon = Emulator::start(Options { applications, ..Options::default() }).await?;
    let aws = Aws::new().endpoint(amazon.url())?.region("us-east-1").access_key("emulator", Secret::from("emulator"));

    let connection = Arc::new(Connection::default());
    let targets = Targets::new().with(CLIENT_ID, "connection", Arc::clone(&connection));
    let rotator = Rotator::builder()
        .application(Application {
            token_endpoint: amazon.token_endpoint(),
            targets: targets.of(CLIENT_ID).await?,
            ..Application::new(CLIENT_ID, amazon.url(), "main")
        })
        .queue(Sqs::new([("main", amazon.queue_url())])?.aws(aws))
        .store(Arc::clone(&table))
        .publish(targets)
        .build()?;

    for finding in rotator.check_queue("main").await? {
        println!("the queue: {} is {:?}", finding.check, finding.severity);
    }

    rotator.enroll(CLIENT_ID, Secret::from(secret), None, false).await?;
    let status = rotator.advance(CLIENT_ID).await?;
    println!("enrolled: {:?}, verified: {}", status.state, status.verified);

    rotator.request(CLIENT_ID, false).await?;
    let mut status = rotator.advance(CLIENT_ID).await?;
    println!("requested: {:?}", status.state);
    // Waiting is this program's: a long poll of the queue ends when the message is there.
    while status.state != State::Settled {
        for delivery in rotator.drain("main", 10, 20).await?.deliveries {
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
