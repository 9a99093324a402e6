//! The rules of the design, checked at the effect itself, against what the world knows and the component does not.

use serde_json::Value;

use crate::{Kind, World};

impl World {
    /// Rules 1 and 2: the intent is stored before the call, and one intent makes one call.
    pub(crate) fn check_call(&mut self, client_id: &str) {
        let record = self.record(client_id).expect("rule 1: a call without a record");
        let number = record["calls"].as_u64().unwrap_or(0);
        // Somebody else may have taken up a message, or given the caller up, while the call was on its way; but the record
        // must tell of this call.
        assert!(number > 0, "rule 1: a rotate call that the record does not tell of");
        let made = self.calls.entry((client_id.to_owned(), number)).or_default();
        *made += 1;
        assert_eq!(*made, 1, "rule 2: intent {number} of {client_id} made two calls");
    }

    /// Rule 4: what is called proven was accepted by SP-API. Rule 6: newest wins. Rule 8: the old secret stays.
    pub(crate) fn check_save(&mut self, client_id: &str, document: &[u8]) {
        let new: Value = serde_json::from_slice(document).unwrap();
        let secret = new["current"]["secret"].as_str().unwrap();
        if new["current"]["proof"] == "proven" {
            assert!(self.proved.contains(secret), "rule 4: a secret is called proven that SP-API never accepted");
        }
        let Some(before) = self.record(client_id) else { return };
        if before["current"]["secret"] != new["current"]["secret"] {
            let was_unproven = before["current"]["proof"] != "proven" && before["generation"] == 1;
            assert!(was_unproven || self.proved.contains(secret), "rule 4: promoted without proof");
            if before["current"]["said_by_amazon"] == true && new["current"]["said_by_amazon"] == true {
                let ends = |record: &Value| record["current"]["expires_at"].as_u64();
                assert!(ends(&before) < ends(&new), "rule 6: an older secret has replaced a newer one");
            }
            assert!(
                was_unproven || new["old"]["secret"] == before["current"]["secret"],
                "rule 8: the replaced secret is not kept"
            );
        } else if let Some(ends_at) = before["old"]["ends_at"].as_u64()
            && ends_at > self.now
        {
            assert_eq!(before["old"], new["old"], "rule 8: the old secret went before its end");
        }
    }

    /// Rule 4: only what SP-API has accepted is published.
    pub(crate) fn check_publish(&self, client_id: &str, secret: &str) {
        assert!(self.proved.contains(secret), "rule 4: {client_id} would publish a secret that nobody has proven");
    }

    /// Rules 5 and 7: what may be deleted.
    pub(crate) fn check_delete(&self, place: usize) {
        match &self.queue[place].kind {
            Kind::Foreign => panic!("rule 7: a message that is not ours would be deleted"),
            Kind::Expiry => {}
            Kind::NewSecret { client_id, secret } => {
                let record = self.record(client_id).expect("rule 7: a message of an application that is not enrolled");
                let current = record["current"]["secret"].as_str().unwrap();
                if current == secret {
                    // Another host's late write of the secret before may have hidden it again; then one of ours is due.
                    let written = self.settings[client_id].targets.iter().all(|name| {
                        let target = &record["targets"][name];
                        let held = self.targets.get(&(client_id.clone(), name.clone()));
                        target["generation"] == record["generation"]
                            && (held == Some(secret) || target["again_at"].is_u64())
                    });
                    assert!(written, "rule 5: acknowledged before it was published");
                } else {
                    let issued = &self.apps[client_id].issued;
                    let place_of = |wanted: &str| issued.iter().position(|i| i.secret == wanted);
                    assert!(
                        place_of(current) > place_of(secret) && self.proved.contains(current),
                        "rule 5: acknowledged though nothing newer is proven"
                    );
                }
            }
        }
    }

    /// Rule 5: at every instant the newest secret is in the store or in the queue.
    pub(crate) fn check_always(&self) {
        for (client_id, app) in &self.apps {
            // The first one was handed over by a person.
            if app.issued.len() < 2 {
                continue;
            }
            let newest = &app.issued.last().unwrap().secret;
            let in_queue = self
                .queue
                .iter()
                .any(|message| matches!(&message.kind, Kind::NewSecret { secret, .. } if secret == newest));
            let in_store = || {
                self.store
                    .get(client_id)
                    .is_some_and(|(_, document)| std::str::from_utf8(document).unwrap().contains(newest.as_str()))
            };
            assert!(in_queue || in_store(), "rule 5: the newest secret of {client_id} is lost");
        }
    }

    /// Rule 9: nothing that is reported holds a secret.
    pub fn check_silent(&self, text: &str) {
        let found = self.secrets.iter().any(|secret| text.contains(secret.as_str()));
        assert!(!found, "rule 9: a secret is shown");
    }
}
