//! One call on one application: load the record, do what is due, save after every change.
//!
//! A change is either a *decision* or a *report*. A decision holds only for the record it was made on: if somebody else saved
//! first, it is dropped and the new record is looked at. A report tells what has happened in the world: it is applied to
//! whatever the record has become, as long as it still fits.

use crate::contract::exports::lwa::rotation::rotation::Error;
use crate::contract::lwa::rotation::observe::{Happening, Purpose, Reason, SecretEnds, TargetFailure};
use crate::contract::lwa::rotation::settings::Application;
use crate::contract::lwa::rotation::types::{ApplicationStatus, Cause};
use crate::credential::{ClientSecret, Credential};
use crate::deadline::{self, Work};
use crate::failure::{self, Failure};
use crate::host::{Host, PublishError, SendError};
use crate::instant::{Instant, Lifetime};
use crate::record::{CALL_INTERVAL, Pending, Proof, Record, Requesting, State};
use crate::rotate::{self, Outcome};
use crate::rotation::{Context, Event, Verdict};
use crate::token::{self, AccessToken};
use crate::{problem, status, store, verify};

/// How long after a failure that only a person can mend it is tried again.
const SELDOM: Lifetime = Lifetime::hours(1);
/// How often a report is applied anew because others changed the record.
const MOST_CONFLICTS: u32 = 8;

/// A loaded record, with everything needed to work on it.
pub struct Session<'a, H> {
    /// The imports.
    pub host: &'a mut H,
    /// The settings.
    pub application: Application,
    /// The record as it is stored.
    pub record: Record,
    revision: String,
    failed: Vec<Work>,
}

/// Loads and reads a record; `None` if there is none.
pub fn load<H: Host>(host: &mut H, client_id: &str) -> Result<Option<(Record, String)>, Error> {
    let Some(entry) = host.load(client_id).map_err(Error::Store)? else { return Ok(None) };
    let record = store::read(&entry.document, client_id).map_err(Error::UnreadableRecord)?;
    Ok(Some((record, entry.revision)))
}

impl<'a, H: Host> Session<'a, H> {
    /// Loads the record of an enrolled application.
    pub fn open(host: &'a mut H, client_id: &str) -> Result<Self, Error> {
        let application = host.find(client_id).ok_or(Error::UnknownApplication)?;
        let (record, revision) = load(host, client_id)?.ok_or(Error::NotEnrolled)?;
        Ok(Self::new(host, application, record, revision))
    }

    /// Works on a record that was just loaded or saved.
    pub fn new(host: &'a mut H, application: Application, record: Record, revision: String) -> Self {
        Self { host, application, record, revision, failed: Vec::new() }
    }

    /// The status of the record as it is.
    pub fn status(&self) -> ApplicationStatus {
        status::of(&self.record, &self.application)
    }

    /// Reports something to whoever observes.
    pub fn emit(&mut self, what: Happening) {
        let at = self.host.now();
        self.host.emit(Some(&self.record.client_id), at, what);
    }

    /// Does everything that is due and wanted, each failing thing once.
    pub fn work(&mut self, wanted: &dyn Fn(&Work) -> bool) -> Result<(), Error> {
        // Every piece of work moves the record on or is noted as failed, so this many are not needed; it bounds the call
        // when other hosts keep changing the record.
        let most = 32 + 4 * self.application.targets.len();
        for _ in 0..most {
            let now = self.host.now();
            let failed = &self.failed;
            let due =
                deadline::due(&self.record, &self.application, now, &|work| wanted(work) && !has_failed(failed, work));
            match due {
                Some(work) => self.carry_out(work)?,
                None => return Ok(()),
            }
        }
        Err(Error::Busy)
    }

    fn carry_out(&mut self, work: Work) -> Result<(), Error> {
        match work {
            Work::PurgeOld => {
                if self.decide(&Event::OldEnded)? {
                    self.emit(Happening::OldSecretPurged);
                }
            }
            Work::Contest(place) => {
                if let Some(secret) = self.record.old.get(place).map(|old| old.secret.clone()) {
                    self.contest(&secret)?;
                }
            }
            Work::Stall(stall) => {
                if self.decide(&Event::PatienceOver(stall))?
                    && let Some(problem) = problem::of(&self.record, &self.application)
                {
                    self.emit(Happening::Stalled(problem));
                }
            }
            Work::Verify(place) => {
                let secret = self.record.pending.get(place).map(|pending| pending.secret.clone());
                if let Some(secret) = secret {
                    self.prove(&secret)?;
                }
            }
            Work::ProveCurrent => {
                let secret = self.record.current.secret.clone();
                self.prove(&secret)?;
            }
            Work::Doubt(place) => {
                if let Some(secret) = self.record.pending.get(place).map(|pending| pending.secret.clone()) {
                    let current = self.record.current.secret.clone();
                    let give_up = self.try_secret(&current).is_ok();
                    if self.report(&Event::Doubted(secret, give_up))? && give_up {
                        let text =
                            "a secret that Amazon has not accepted for two weeks is given up; the one in use works";
                        self.emit(Happening::MessageOld(text.into()));
                    }
                }
            }
            Work::Publish(target) => self.publish(target)?,
            Work::Rotate => {
                let from = self.permitted();
                if self.decide(&Event::Wanted { reason: Reason::Due, from })? {
                    self.emit(Happening::RotationBegun(Reason::Due));
                }
            }
            Work::Rest => drop(self.decide(&Event::NothingToPublish)?),
            Work::GiveUpOnCaller => {
                if self.decide(&Event::Overdue)? {
                    let failure = Failure {
                        detail: "whoever made the rotate call did not come back".into(),
                        ..Failure::new(Cause::AnswerLost)
                    };
                    let problem = problem::of_rotation(&self.record, &failure, None);
                    self.emit(Happening::RotateOutcomeUnknown(problem));
                }
            }
            Work::Call | Work::TakeOver => self.call()?,
        }
        Ok(())
    }

    /// When the rate permits the next rotate call.
    pub fn permitted(&mut self) -> Instant {
        let now = self.host.now();
        self.record.call_permitted(now)
    }

    /// Makes the rotate call. Intent first: it is sent only when the record says that it may have been.
    fn call(&mut self) -> Result<(), Error> {
        // Whoever saves this takes the call on. Until here nothing has been sent to anybody, so a store that cannot be
        // written stops a rotation before it begins.
        if !self.decide(&Event::Taken)? {
            return Ok(());
        }
        let secret = self.record.current.secret.clone();
        let token = match self.mint(&secret, Purpose::Rotation) {
            Ok(token) => token,
            Err(failure) => return self.refused(None, failure),
        };
        // Order matters: if the call were sent before this save, a crash in between would leave nobody who knows of the
        // rotation, and the next host would make a second one.
        let id = self.host.random();
        match self.decide(&Event::Calling(id)) {
            Ok(true) => {}
            Ok(false) => return Ok(()),
            Err(error) => {
                // The save may have taken place all the same. Only if the record tells of this very call is it this host's.
                self.reload()?;
                if self.record.call.as_ref().is_none_or(|call| call.id != id) {
                    return Err(error);
                }
                // What is read need not be durable yet; what has been saved without an error is.
                let record = self.record.clone();
                self.save(record)?;
            }
        }
        let number = self.record.calls;
        self.emit(Happening::CallingRotate);
        let request = rotate::request(&self.application, &token);
        let answer = self.host.send(request);
        let outcome = rotate::outcome(answer, &self.known(&[secret.expose_text(), token.expose_text()]));
        match outcome {
            Outcome::Accepted => {
                self.report(&Event::Accepted(number))?;
                self.emit(Happening::RotateAccepted);
            }
            Outcome::Unknown(failure) => {
                self.report(&Event::Unknown(number, failure.clone()))?;
                let problem = problem::of_rotation(&self.record, &failure, None);
                self.emit(Happening::RotateOutcomeUnknown(problem));
            }
            Outcome::Refused(failure) => self.refused(Some(number), failure)?,
        }
        Ok(())
    }

    /// Notes that nothing has changed at Amazon, and when to try again.
    fn refused(&mut self, call: Option<u64>, failure: Failure) -> Result<(), Error> {
        let attempts = match &self.record.state {
            State::Requesting(Requesting { attempts, .. }) => *attempts,
            _ => 0,
        };
        let retry_at = if call.is_some() && failure.amazon.is_some() {
            self.retry_at(&failure, attempts, CALL_INTERVAL, Lifetime::minutes(30)).max(self.permitted())
        } else {
            self.retry_at(&failure, attempts, Lifetime::seconds(5), Lifetime::minutes(10))
        };
        self.failed.push(Work::Call);
        self.report(&Event::Refused { call, failure: failure.clone(), retry_at })?;
        let problem = problem::of_rotation(&self.record, &failure, Some(retry_at));
        self.emit(Happening::RotateRefused(problem));
        Ok(())
    }

    /// Asks LWA for an access token.
    pub fn mint(&mut self, secret: &ClientSecret, purpose: Purpose) -> Result<AccessToken, Failure> {
        self.emit(Happening::AskingForToken(purpose));
        let request = token::request(&self.application, secret, purpose);
        let answer = self.host.send(request);
        let known = self.known(&[secret.expose_text()]);
        let token = match answer {
            Ok(response) => token::parse(&response, &known),
            Err(error) => Err(Failure::of_sending(error, &known)),
        }?;
        self.emit(Happening::TokenIssued(purpose));
        Ok(token)
    }

    /// Tries a secret: SP-API has to accept a token that was minted with it just now.
    pub fn try_secret(&mut self, secret: &ClientSecret) -> Result<(), Failure> {
        let token = self.mint(secret, Purpose::Proof)?;
        self.emit(Happening::Proving);
        let request = verify::request(&self.application, &token);
        let answer: Result<_, SendError> = self.host.send(request);
        verify::outcome(answer, &self.known(&[secret.expose_text(), token.expose_text()]))
    }

    /// What no foreign text may bring into an output: what was sent, and every secret of the record. Whoever answers has seen
    /// the others before.
    fn known<'k>(&'k self, sent: &[&'k str]) -> Vec<&'k str> {
        sent.iter().copied().chain(self.record.secrets().map(ClientSecret::expose_text)).collect()
    }

    /// Tries a secret of the record and notes what came of it; if it was pending and is accepted, it becomes current.
    pub fn prove(&mut self, secret: &ClientSecret) -> Result<(), Error> {
        match self.try_secret(secret) {
            Ok(()) => {
                self.emit(Happening::Proven);
                let was_current = self.record.current.secret == *secret;
                let jitter = deadline::jitter(self.host.random());
                if self.report(&Event::Proven { secret: secret.clone(), jitter })? && !was_current {
                    self.emit(Happening::Promoted(SecretEnds {
                        new_ends_at: self.record.current.expires_at.map(|at| at.0),
                        old_ends_at: self.record.last_old().map(|old| old.ends_at.0),
                    }));
                }
            }
            Err(failure) => {
                let pending = self.record.pending.iter().find(|pending| pending.secret == *secret);
                let attempts = match (pending, &self.record.current.proof) {
                    (Some(pending), _) => pending.retry.attempts,
                    (None, Proof::Open(retry)) => retry.attempts,
                    (None, Proof::Proven) => 0,
                };
                let from_message = pending.map(Pending::from_message);
                let retry_at = if from_message.is_some() {
                    // A new secret may lag by half an hour and more, whatever Amazon says meanwhile.
                    let random = self.host.random();
                    self.host.now() + deadline::back_off(attempts, Lifetime::seconds(5), Lifetime::minutes(10), random)
                } else {
                    self.retry_at(&failure, attempts, Lifetime::seconds(10), Lifetime::minutes(10))
                };
                self.failed.extend([Work::Verify(0), Work::ProveCurrent]);
                let event = Event::NotProven { secret: secret.clone(), failure: failure.clone(), retry_at };
                self.report(&event)?;
                let problem = problem::of_proof(&self.record, &failure, from_message, retry_at);
                self.emit(Happening::NotProven(problem));
            }
        }
        Ok(())
    }

    /// Looks into which is newer: the current secret, or this old one. Once Amazon has ended one of them, it is the older one.
    fn contest(&mut self, secret: &ClientSecret) -> Result<(), Error> {
        let ended = |result: &Result<(), Failure>| {
            result.as_ref().is_err_and(|failure| matches!(failure.cause, Cause::SecretRefused | Cause::SecretExpired))
        };
        let now = self.host.now();
        let overdue = self.record.old.iter().any(|old| old.secret == *secret && old.ends_at <= now);
        let current = self.record.current.secret.clone();
        let current = self.try_secret(&current);
        let old = if overdue || ended(&current) { Some(self.try_secret(secret)) } else { None };
        match old {
            Some(Ok(())) if ended(&current) => {
                let jitter = deadline::jitter(self.host.random());
                if self.report(&Event::Restored { secret: secret.clone(), jitter })? {
                    self.emit(Happening::Promoted(SecretEnds { new_ends_at: None, old_ends_at: Some(now.0) }));
                }
            }
            Some(old) if overdue && ended(&old) => {
                if self.report(&Event::Contested(secret.clone(), Verdict::Ended))? {
                    self.emit(Happening::OldSecretPurged);
                }
            }
            _ => drop(self.report(&Event::Contested(secret.clone(), Verdict::Open))?),
        }
        Ok(())
    }

    /// Hands the current secret to a target.
    fn publish(&mut self, target: String) -> Result<(), Error> {
        let credential = Credential {
            client_id: self.record.client_id.clone(),
            client_secret: self.record.current.secret.clone(),
            expires_at: self.record.current.expires_at,
        };
        let generation = self.record.generation;
        let began = self.host.now();
        match self.host.put(&target, &credential) {
            Ok(()) => {
                self.report(&Event::Published(target.clone(), generation, began))?;
                self.emit(Happening::Published(target));
            }
            Err(error) => {
                let text = match error {
                    PublishError::UnknownTarget => "this host has no such target".into(),
                    PublishError::AccessDenied(text) | PublishError::Unavailable(text) | PublishError::Other(text) => {
                        text
                    }
                };
                let shown = failure::shown(&text, &self.known(&[credential.client_secret.expose_text()]));
                let failure = Failure { detail: shown.clone(), ..Failure::new(Cause::TargetFailed) };
                let attempts = self.record.targets.get(&target).map_or(0, |target| target.retry.attempts);
                let retry_at = self.retry_at(&failure, attempts, Lifetime::seconds(5), Lifetime::minutes(10));
                self.failed.push(Work::Publish(target.clone()));
                self.report(&Event::NotPublished { target: target.clone(), generation, failure, retry_at })?;
                self.emit(Happening::NotPublished(TargetFailure { target, failure: shown, retry_at: retry_at.0 }));
            }
        }
        Ok(())
    }

    fn retry_at(&mut self, failure: &Failure, attempts: u32, shortest: Lifetime, longest: Lifetime) -> Instant {
        let random = self.host.random();
        let wait = if failure.needs_person() {
            deadline::back_off(0, SELDOM, SELDOM, random)
        } else {
            deadline::back_off(attempts, shortest, longest, random)
        };
        self.host.now() + wait
    }

    fn changed(&mut self, event: &Event) -> Option<Record> {
        let now = self.host.now();
        let mut record = self.record.clone();
        let context = Context {
            now,
            patience: Lifetime::seconds(self.application.patience.into()),
            targets: &self.application.targets,
        };
        record.apply(event, context).ok().map(|()| record)
    }

    fn save(&mut self, record: Record) -> Result<(), Error> {
        let document = store::write(&record);
        self.revision = self.host.save(&record.client_id, &document, Some(&self.revision)).map_err(Error::Store)?;
        self.record = record;
        Ok(())
    }

    fn reload(&mut self) -> Result<(), Error> {
        let client_id = self.record.client_id.clone();
        (self.record, self.revision) = load(self.host, &client_id)?.ok_or(Error::NotEnrolled)?;
        Ok(())
    }

    /// Saves a decision. `false` if it could not be made: somebody else was faster (the record is the new one then), or it
    /// makes no sense in the present state.
    pub fn decide(&mut self, event: &Event) -> Result<bool, Error> {
        let Some(record) = self.changed(event) else { return Ok(false) };
        match self.save(record) {
            Ok(()) => Ok(true),
            Err(Error::Store(crate::host::StoreError::Conflict)) => self.reload().map(|()| false),
            Err(error) => Err(error),
        }
    }

    /// Saves what has happened. `false` if it no longer fits the record, or says nothing new.
    pub fn report(&mut self, event: &Event) -> Result<bool, Error> {
        for _ in 0..MOST_CONFLICTS {
            let Some(record) = self.changed(event) else { return Ok(false) };
            if record == self.record {
                return Ok(false);
            }
            match self.save(record) {
                Ok(()) => return Ok(true),
                Err(Error::Store(crate::host::StoreError::Conflict)) => self.reload()?,
                Err(error) => return Err(error),
            }
        }
        Err(Error::Busy)
    }
}

/// Whether work of this kind has failed in this call already.
fn has_failed(failed: &[Work], work: &Work) -> bool {
    failed.iter().any(|other| match (other, work) {
        (Work::Verify(_), Work::Verify(_)) => true,
        (other, work) => other == work,
    })
}
