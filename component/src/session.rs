//! One call on one application: load the record, do what is due, save.
//!
//! A change is a *decision*, a *report*, or a *note*. A decision holds only for the record it was made on: if another host saved
//! first, it is dropped and the new record is looked at. A report says what has happened in the world: it is applied to
//! whatever the record has become, as long as it still fits. A note is a report that can be lost, because what it reports can
//! be done again without harm (a try, a write of a target, a reading): notes are saved together, with the next save or at the
//! end of the call.

use crate::amazon::error::Failure;
use crate::amazon::lwa::{self, AccessToken};
use crate::amazon::sp_api;
use crate::bindings::exports::lwa::rotation::rotation::Error;
use crate::bindings::lwa::rotation::observe::{Happening, Purpose};
use crate::bindings::lwa::rotation::settings::Application;
use crate::bindings::lwa::rotation::types::ApplicationStatus;
use crate::credential::ClientSecret;
use crate::host::{Host, StoreError};
use crate::instant::{Instant, Lifetime};
use crate::policy::{MOST_CONFLICTS, RETRY};
use crate::record::{Event, Record};
use crate::schedule::{self, Work};
use crate::{document, status};

/// Notes older than this are saved, and a record read so long ago is read again, before anything follows from it.
const FRESH: Lifetime = Lifetime::seconds(20);

/// A loaded record, with everything needed to work on it.
pub struct Session<'a, H> {
    /// The imports.
    pub host: &'a mut H,
    /// The settings.
    pub application: Application,
    /// The record as it is stored, with the notes applied.
    pub record: Record,
    revision: String,
    notes: Vec<Event>,
    read_at: Instant,
    /// What has failed in this call and is not tried again in it.
    pub failed: Vec<Work>,
}

/// What a store has for a client id.
pub enum Loaded {
    /// Nothing.
    None,
    /// What is left of a removed record, at this revision.
    Removed(String),
    /// A record, at this revision.
    Record(Box<Record>, String),
}

/// Loads and reads a record.
pub fn load<H: Host>(host: &mut H, client_id: &str) -> Result<Loaded, Error> {
    let Some(entry) = host.load(client_id).map_err(Error::Store)? else { return Ok(Loaded::None) };
    Ok(match document::read(&entry.document, client_id).map_err(Error::UnreadableRecord)? {
        None => Loaded::Removed(entry.revision),
        Some(record) => Loaded::Record(Box::new(record), entry.revision),
    })
}

impl<'a, H: Host> Session<'a, H> {
    /// Loads the record of an enrolled application.
    pub fn open(host: &'a mut H, client_id: &str) -> Result<Self, Error> {
        let application = host.find(client_id).ok_or(Error::UnknownApplication)?;
        match load(host, client_id)? {
            Loaded::Record(record, revision) => Ok(Self::new(host, application, *record, revision)),
            _ => Err(Error::NotEnrolled),
        }
    }

    /// Works on a record that was just loaded or saved.
    pub fn new(host: &'a mut H, application: Application, record: Record, revision: String) -> Self {
        let read_at = host.now();
        Self { host, application, record, revision, notes: Vec::new(), read_at, failed: Vec::new() }
    }

    /// The status of the record as it is.
    pub fn status(&self) -> ApplicationStatus {
        status::of(&self.record, &self.application)
    }

    /// Reports something to observers.
    pub fn emit(&mut self, what: Happening) {
        let at = self.host.now();
        self.host.emit(Some(&self.record.client_id), at, what);
    }

    /// The first piece of work that is due and wanted, and has not failed in this call.
    pub fn due(&mut self, wanted: &dyn Fn(Work) -> bool) -> Option<Work> {
        let now = self.host.now();
        let failed = &self.failed;
        // One try of a candidate in a call: the first that fails says enough about Amazon.
        let has_failed = |work: Work| {
            failed.iter().any(|other| *other == work || matches!((other, work), (Work::Try(_), Work::Try(_))))
        };
        schedule::due(&self.record, &self.application, now, &|work| wanted(work) && !has_failed(work))
    }

    /// When something is tried again that has failed so often before.
    pub fn retry_at(&mut self, attempts: u32) -> Instant {
        self.again_at(&RETRY, attempts)
    }

    /// The same with other steps.
    pub fn again_at(&mut self, steps: &[Lifetime], attempts: u32) -> Instant {
        let now = self.host.now();
        schedule::again_at(steps, attempts, &self.record.client_id, now)
    }

    /// Asks LWA for an access token.
    pub fn mint(&mut self, secret: &ClientSecret, purpose: Purpose) -> Result<AccessToken, Failure> {
        self.emit(Happening::AskingForToken(purpose));
        let request = lwa::request(&self.application, secret, purpose);
        let answer = self.host.send(request);
        let known = self.known(&[secret.expose_text()]);
        let token = match answer {
            Ok(response) => lwa::parse(&response, &known),
            Err(error) => Err(Failure::of_sending(error, &known)),
        }?;
        self.emit(Happening::TokenIssued(purpose));
        Ok(token)
    }

    /// Tries a secret: SP-API has to accept a token that was minted with it just now.
    pub fn try_secret(&mut self, secret: &ClientSecret) -> Result<(), Failure> {
        let token = self.mint(secret, Purpose::Verification)?;
        self.emit(Happening::Verifying);
        let answer = self.host.send(sp_api::verify(&self.application, &token));
        sp_api::accepted(answer, &self.known(&[secret.expose_text(), token.expose_text()]))
    }

    /// What no foreign text may bring into an output: what was sent, and every secret of the record. An echoing server may have
    /// seen the others before.
    pub fn known<'k>(&'k self, sent: &[&'k str]) -> Vec<&'k str> {
        sent.iter().copied().chain(self.record.secrets.all().map(ClientSecret::expose_text)).collect()
    }

    /// The record with an event applied; `None` if it makes no sense in the present state.
    fn changed(&mut self, event: &Event) -> Option<Record> {
        let now = self.host.now();
        let mut record = self.record.clone();
        record.apply(event, now).ok().map(|()| record)
    }

    fn save(&mut self, record: Record) -> Result<(), Error> {
        let document = document::write(&record);
        self.revision = self.host.save(&record.client_id, &document, Some(&self.revision)).map_err(Error::Store)?;
        self.read_at = self.host.now();
        self.record = record;
        self.notes.clear();
        Ok(())
    }

    /// Reads the record again, and applies the notes to it.
    pub fn reload(&mut self) -> Result<(), Error> {
        let client_id = self.record.client_id.clone();
        let Loaded::Record(record, revision) = load(self.host, &client_id)? else { return Err(Error::NotEnrolled) };
        (self.record, self.revision) = (*record, revision);
        self.read_at = self.host.now();
        for note in core::mem::take(&mut self.notes) {
            self.note(note);
        }
        Ok(())
    }

    /// Saves the record once more as it is: what was read need not be durable, what was saved without an error is.
    pub fn save_again(&mut self) -> Result<(), Error> {
        self.save(self.record.clone())
    }

    /// Saves a decision, and the notes with it. `false` if it could not be made: another host was faster (the record is the new
    /// one then), or it makes no sense in the present state.
    pub fn decide(&mut self, event: &Event) -> Result<bool, Error> {
        let Some(record) = self.changed(event) else { return Ok(false) };
        match self.save(record) {
            Ok(()) => Ok(true),
            Err(Error::Store(StoreError::Conflict)) => self.reload().map(|()| false),
            Err(error) => Err(error),
        }
    }

    /// Saves what has happened, and the notes with it. `false` if it no longer fits the record, or says nothing new.
    pub fn report(&mut self, event: &Event) -> Result<bool, Error> {
        for _ in 0..MOST_CONFLICTS {
            let Some(record) = self.changed(event) else { return Ok(false) };
            if record == self.record {
                return Ok(false);
            }
            match self.save(record) {
                Ok(()) => return Ok(true),
                Err(Error::Store(StoreError::Conflict)) => self.reload()?,
                Err(error) => return Err(error),
            }
        }
        Err(Error::Busy)
    }

    /// Notes what has happened, to be saved later. `false` if it does not fit the record.
    pub fn note(&mut self, event: Event) -> bool {
        let Some(record) = self.changed(&event) else { return false };
        if record != self.record {
            self.record = record;
            self.notes.push(event);
        }
        true
    }

    /// Saves the notes.
    pub fn flush(&mut self) -> Result<(), Error> {
        for _ in 0..MOST_CONFLICTS {
            if self.notes.is_empty() {
                return Ok(());
            }
            match self.save(self.record.clone()) {
                Ok(()) => return Ok(()),
                Err(Error::Store(StoreError::Conflict)) => self.reload()?,
                Err(error) => return Err(error),
            }
        }
        Err(Error::Busy)
    }

    /// Sees to it that the record is not an old one, before something follows from it that another host may have decided
    /// otherwise meanwhile. `true` if it has changed.
    pub fn refresh(&mut self) -> Result<bool, Error> {
        if self.host.now() <= self.read_at + FRESH {
            return Ok(false);
        }
        let before = self.record.clone();
        if self.notes.is_empty() {
            self.reload()?
        } else {
            self.flush()?
        }
        Ok(self.record != before)
    }

    /// The revision that is stored, once everything is saved.
    pub fn revision(&self) -> &str {
        &self.revision
    }
}
