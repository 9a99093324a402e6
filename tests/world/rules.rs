//! The rules of the design, checked at the effect itself, against what the world knows and the component does not.

use std::collections::BTreeMap;

use lwa_rotate_component::bindings::exports::lwa::rotation::rotation::{Error, QueueFinding, Severity};
use lwa_rotate_component::bindings::lwa::rotation::queue::Flow;
use lwa_rotate_component::bindings::lwa::rotation::types::{ApplicationStatus, RemedyBy};
use lwa_rotate_component::policy::{MOST_RETIRED, MOST_RIVALS};
use lwa_rotate_component::queue;
use serde_json::Value;

use crate::{DAY, HIDDEN, HOUR, Kind, VALUE_OF_OTHERS, View, World};

impl World {
    /// Rule 1: whoever sends the call has saved its intent. Rules 2 and 3: one intent makes one call, whoever makes it.
    pub(crate) fn check_call(&mut self, intent: Option<&(String, u64)>) {
        let intent = intent.expect("rule 1: a rotate call whose intent its sender has not saved");
        let sent = self.calls.entry(intent.clone()).or_default();
        *sent += 1;
        assert_eq!(*sent, 1, "rule 2, rule 3: intent {} of {} made two calls", intent.1, intent.0);
    }

    /// Rule 2, by the world's own count: Amazon rotates at most once for each time that a rotation was wanted.
    pub(crate) fn check_rotation(&mut self, client_id: &str) {
        let app = self.apps.get_mut(client_id).unwrap();
        app.carried_out += 1;
        assert!(app.carried_out <= app.wanted, "rule 2: rotated {} times, wanted {}", app.carried_out, app.wanted);
    }

    /// Counts a saved change that begins a rotation.
    pub(crate) fn count_wanted(&mut self, client_id: &str, new: &Value) {
        let first = |record: &Value| View::of(record).is_some_and(|view| view.wanted_first && view.phase == "wanted");
        let before = self.record(client_id).is_some_and(first);
        // Other than through a refusal of its own call, a wanted rotation begins without tries behind it.
        if first(new) && !before {
            self.apps.get_mut(client_id).unwrap().wanted += 1;
        }
    }

    /// Rule 12: since the preparation of a call began, its queue was inspected and read to its end; nothing there keeps a new secret
    /// from arriving or staying; and none was there. An operator may force it, and 7 days before the end doubts block no more.
    pub(crate) fn check_prepared(&mut self, client_id: &str, new: &View) {
        let before = self.view(client_id).unwrap_or_default().phase;
        if new.phase == "preparing" && before != "preparing" {
            self.prepared_at.insert(client_id.to_owned(), self.now);
        }
        if new.phase != "sent" || before == "sent" {
            return;
        }
        let since = self.prepared_at.get(client_id).copied().unwrap_or(u64::MAX);
        let after = |at: Option<u64>| at.is_some_and(|at| at >= since);
        assert!(after(self.inspected_at), "rule 12: called without inspecting the queue");
        if new.forced {
            return;
        }
        let near = new.ends_at.is_some_and(|at| at <= self.now.max(self.latest_clock) + 7 * DAY);
        let blocks = |finding: &QueueFinding| match finding.severity {
            Severity::Blocking => true,
            Severity::Doubtful => !near,
            _ => false,
        };
        let bad = queue::judge(&self.inspection()).into_iter().find(blocks);
        assert_eq!(bad, None, "rule 12: called in spite of the queue");
        if near || self.flow == Flow::Pushed {
            return;
        }
        assert!(after(self.emptied_at), "rule 12: called without reading the queue to its end");
        let place_of = |wanted: &str| self.apps[client_id].issued.iter().position(|issued| issued.secret == wanted);
        let newer = |kind: &Kind| match kind {
            Kind::NewSecret { client_id: other, secret } => {
                other == client_id && place_of(secret) > place_of(&new.current) && !new.keeps(secret)
            }
            _ => false,
        };
        let seen = self.queue.iter().any(|message| message.visible_at <= since && newer(&message.kind));
        assert!(!seen, "rule 12: called though a newer secret was in the queue");
    }

    /// Rule 4: what is called verified was accepted by SP-API. Rule 6: newest wins. Rule 8: the old secret stays.
    pub(crate) fn check_save(&self, client_id: &str, new: &Value) {
        let new = View::of(new).expect("a record");
        if new.verified {
            assert!(
                self.proved.contains(&new.current),
                "rule 4: a secret is called verified that SP-API never accepted"
            );
        }
        let Some(before) = self.view(client_id) else { return };
        let kept = |secret: &str| {
            new.current == secret
                || new.retired.iter().any(|(kept, _)| kept == secret)
                || new.candidates.iter().any(|(kept, replaced)| kept == secret && *replaced)
        };
        if before.current != new.current {
            let replaced = !before.verified && before.generation == 1;
            assert!(replaced || self.proved.contains(&new.current), "rule 4: promoted without verification");
            if let (Some(before), Some(new)) = (before.ends_by_message, new.ends_by_message) {
                assert!(before <= new, "rule 6: an older secret has replaced a newer one");
            }
            assert!(replaced || kept(&before.current), "rule 8: the replaced secret is not kept");
        }
        let full = new.retired.len() == MOST_RETIRED
            || new.candidates.iter().filter(|(_, replaced)| *replaced).count() == MOST_RIVALS;
        for (secret, ends_at) in &before.retired {
            let ended = *ends_at <= self.now.max(self.latest_clock);
            assert!(ended || kept(secret) || full, "rule 8: an old secret went before its end");
        }
    }

    /// Rule 4: only what SP-API has accepted is published.
    pub(crate) fn check_publish(&self, client_id: &str, secret: &str) {
        assert!(self.proved.contains(secret), "rule 4: {client_id} would publish a secret that SP-API never accepted");
    }

    /// Rule 14: a place that holds what no record has called current is not overwritten by a host that has seen it, or has not
    /// looked, unless the operator wants that.
    pub(crate) fn check_overwrite(&self, place: &(String, String), seen: Option<&Option<String>>) {
        let Some(held) = self.targets.get(place).filter(|_| !crate::is_command(&place.1)) else { return };
        let changed_since = seen.is_some_and(|seen| seen.as_ref() != Some(held));
        let wanted =
            self.view(&place.0).is_some_and(|record| record.overwritten.iter().any(|at| at.ends_with(&place.1)));
        let known = self.were_current.contains(held);
        assert!(known || wanted || changed_since, "rule 14: what others have put in {} is overwritten", place.1);
    }

    /// Rule 14: a target of which the status says that it holds the current secret does.
    pub fn check_targets(&self, client_id: &str, status: &ApplicationStatus) {
        for target in status.targets.iter().filter(|target| target.holds_current) {
            let Some(name) = &target.name else { continue };
            let holds = self.holds(client_id, name).map(str::to_owned) == self.current(client_id);
            assert!(holds, "rule 14: the status claims too much of the target {name}");
        }
    }

    /// Rule 15: where nothing is due, what needs a person was reported within a day and the next hour that all tries share.
    fn check_reminded(&self, status: &ApplicationStatus) {
        let Some(problem) = status.problem.as_ref().filter(|problem| problem.remedy_by == RemedyBy::Person) else {
            return;
        };
        let due = status.next.as_ref().is_some_and(|next| next.at <= self.now);
        // By clocks that are wrong nothing can be said.
        if due || self.clocks_set_at > 0 {
            return;
        }
        let reported = self.reported.get(&(status.client_id.clone(), format!("{:?}", problem.cause)));
        let lately = reported.is_some_and(|at| self.now <= at + DAY + 2 * HOUR);
        assert!(lately, "rule 15: a person has not heard of {:?} for a day: {reported:?}", problem.cause);
    }

    /// Rule 16: nothing is called fine of a queue whose attributes could not be had.
    pub fn check_findings(&self, findings: &[QueueFinding]) {
        let fine = findings.iter().find(|finding| finding.severity == Severity::Fine);
        assert!(self.attributes.is_ok() || fine.is_none(), "rule 16: {fine:?}, and nothing could be looked at");
    }

    /// Rules 5 and 7: what may be deleted, by a host that knows of these targets.
    pub(crate) fn check_delete(&self, place: usize, targets: &BTreeMap<String, Vec<String>>) {
        match &self.queue[place].kind {
            Kind::Foreign => panic!("rule 7: a message that is not ours would be deleted"),
            Kind::Expiry => {}
            Kind::NewSecret { client_id, secret } => {
                let record = self.view(client_id).expect("rule 7: a message of an application that is not enrolled");
                let issued = &self.apps[client_id].issued;
                let place_of = |wanted: &str| issued.iter().position(|i| i.secret == wanted);
                let newer = |kept: &str| place_of(kept) > place_of(secret) && self.proved.contains(kept);
                let replaced = record.candidates.iter().filter(|(_, replaced)| *replaced).map(|(kept, _)| kept);
                let mut olds = record.retired.iter().map(|(kept, _)| kept).chain(replaced);
                if record.current == *secret {
                    // Another host's late write of the secret before may have hidden it again; then one of ours is due.
                    let written = targets[client_id].iter().all(|place| {
                        let name = place.rsplit('/').next().unwrap();
                        self.holds(client_id, name) == Some(secret) || record.unsettled.contains(place)
                    });
                    // A newer one had superseded it when this host decided, and the operator has put it back since.
                    let put_back = olds.any(|kept| newer(kept));
                    assert!(written || put_back, "rule 5: acknowledged before it was published: {:?}", record.given);
                } else {
                    // The operator may have put an older secret in its place, beside which it is kept.
                    let mut kept = olds.chain([&record.current]);
                    let safe = kept.any(|kept| kept == secret || newer(kept));
                    assert!(safe, "rule 5: acknowledged though nothing newer is verified");
                }
            }
        }
    }

    /// Rule 8: what Amazon has ended is purged, but for what may be the newer one.
    pub fn check_purged(&self, client_id: &str) {
        let record = self.view(client_id).unwrap_or_default();
        let kept = record.retired.iter().any(|(_, ends_at)| *ends_at <= self.now);
        assert!(!kept, "rule 8: an old secret is kept after its end");
    }

    /// Rule 5: at every instant the newest secret is in the store or in the queue.
    pub(crate) fn check_always(&self) {
        for (client_id, app) in &self.apps {
            // The first one was supplied by a person.
            if app.issued.len() < 2 || self.forgotten.contains(client_id) {
                continue;
            }
            let newest = &app.issued.last().unwrap().secret;
            let in_queue = self
                .queue
                .iter()
                .any(|message| matches!(&message.kind, Kind::NewSecret { secret, .. } if secret == newest));
            let in_store = || self.view(client_id).is_some_and(|record| record.keeps(newest));
            assert!(in_queue || in_store(), "rule 5: the newest secret of {client_id} is lost");
        }
    }

    /// Rules 9, 11 and 15: what a call answers holds no secret, and a problem says what happened, what still works and what to do.
    pub fn check_answer(&self, answer: &Result<ApplicationStatus, Error>) {
        self.check_silent(&format!("{answer:?}"));
        if let Ok(status) = answer {
            self.check_reminded(status);
        }
        match answer {
            Ok(ApplicationStatus { problem: Some(problem), .. }) => {
                let said = [&problem.happened, &problem.still_works, &problem.remedy];
                assert!(said.iter().all(|text| !text.is_empty()), "rule 11: {problem:?}");
            }
            Err(
                Error::NotAllowed(text)
                | Error::NeedsConfirmation(text)
                | Error::UnreadableRecord(text)
                | Error::Other(text),
            ) => {
                assert!(!text.is_empty(), "rule 11: an error without a word");
            }
            _ => {}
        }
    }

    /// Rule 9: nothing that is reported holds a secret. Rule 7: nor a value of a message that is not ours.
    pub fn check_silent(&self, text: &str) {
        assert!(!text.contains(VALUE_OF_OTHERS), "rule 7: a value of somebody else's message is shown");
        // Every invented word has this in it.
        let suspicious = text.contains(HIDDEN);
        assert!(
            !(suspicious && self.secrets.iter().any(|secret| text.contains(secret.as_str()))),
            "rule 9: a secret is shown"
        );
    }
}
