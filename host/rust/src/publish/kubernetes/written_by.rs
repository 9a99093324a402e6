//! Who seems to have written a Secret, by what the cluster records of it:
//! <https://kubernetes.io/docs/reference/using-api/server-side-apply/#field-management>.

use std::collections::BTreeMap;

use serde::{Deserialize, de::IgnoredAny};

use super::client::Found;

/// What this program writes is recorded under this name.
const OURS: &str = "lwa-rotate";

/// The most of a name that is repeated to people.
const LONGEST: usize = 100;

/// The part of a Secret that says where it comes from.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Metadata {
    #[serde(default)]
    managed_fields: Vec<Managed>,
    #[serde(default)]
    owner_references: Vec<Owner>,
}

/// The fields that one manager wrote last.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Managed {
    #[serde(default)]
    manager: String,
    #[serde(default)]
    time: String,
    fields_v1: Option<Fields>,
}

#[derive(Deserialize)]
struct Fields {
    #[serde(rename = "f:data")]
    data: Option<BTreeMap<String, IgnoredAny>>,
}

#[derive(Deserialize)]
struct Owner {
    #[serde(default)]
    kind: String,
    #[serde(default)]
    name: String,
}

impl Found {
    /// Who wrote the value of this key last, and what the Secret belongs to.
    pub(super) fn written_by(&self, key: &str) -> Option<String> {
        let metadata = &self.metadata;
        let field = format!("f:{key}");
        let wrote = |managed: &&Managed| {
            let data = managed.fields_v1.as_ref().and_then(|fields| fields.data.as_ref());
            data.is_some_and(|data| data.contains_key(&field))
        };
        // A field may have several managers if they agree on its value. Times of one form, so that their texts compare.
        let manager = metadata.managed_fields.iter().filter(wrote).max_by(|a, b| a.time.cmp(&b.time));
        let manager = manager.map(|managed| shown(&managed.manager)).filter(|manager| !manager.is_empty());
        let owner = metadata.owner_references.first().map(|owner| shown(&format!("{} {}", owner.kind, owner.name)));
        match (manager, owner) {
            (Some(manager), Some(owner)) if manager != OURS => Some(format!("{manager}, for {owner}")),
            (_, Some(owner)) => Some(owner),
            (manager, None) => manager,
        }
    }
}

/// One short line.
fn shown(name: &str) -> String {
    name.chars().filter(|c| !c.is_control()).take(LONGEST).collect::<String>().trim().to_owned()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn written_by(metadata: &str) -> Option<String> {
        let found: Found =
            serde_json::from_str(&format!(r#"{{"data":{{"KEY":"eA=="}},"metadata":{metadata}}}"#)).unwrap();
        found.written_by("KEY")
    }

    #[test]
    fn the_manager_that_wrote_the_key_last_is_named() {
        let fields = r#"[
            {"manager":"kubectl-create","operation":"Update","apiVersion":"v1","time":"2026-01-01T00:00:00Z","fieldsType":"FieldsV1","fieldsV1":{"f:data":{".":{},"f:KEY":{}},"f:type":{}}},
            {"manager":"argocd-controller","time":"2026-01-03T00:00:00Z","fieldsV1":{"f:data":{"f:KEY":{}}}},
            {"manager":"labeller","time":"2026-01-09T00:00:00Z","fieldsV1":{"f:metadata":{"f:labels":{}}}}]"#;
        assert_eq!(written_by(&format!(r#"{{"managedFields":{fields}}}"#)).as_deref(), Some("argocd-controller"));
    }

    #[test]
    fn what_the_secret_belongs_to_is_named_and_this_program_is_not_taken_for_another() {
        let owner = r#""ownerReferences":[{"apiVersion":"external-secrets.io/v1","kind":"ExternalSecret","name":"shop","uid":"1"}]"#;
        let fields = |manager: &str| {
            format!(r#""managedFields":[{{"manager":"{manager}","fieldsV1":{{"f:data":{{"f:KEY":{{}}}}}}}}]"#)
        };

        assert_eq!(written_by(&format!("{{{owner}}}")).as_deref(), Some("ExternalSecret shop"));
        let both = written_by(&format!("{{{owner},{}}}", fields("externalsecrets")));
        assert_eq!(both.as_deref(), Some("externalsecrets, for ExternalSecret shop"));
        let ours = written_by(&format!("{{{owner},{}}}", fields("lwa-rotate")));
        assert_eq!(ours.as_deref(), Some("ExternalSecret shop"));
        assert_eq!(written_by(&format!("{{{}}}", fields("lwa-rotate"))).as_deref(), Some("lwa-rotate"));
    }

    #[test]
    fn a_cluster_that_records_nothing_names_no_one() {
        for metadata in ["{}", r#"{"managedFields":[]}"#, r#"{"managedFields":[{"manager":"x"}]}"#] {
            assert_eq!(written_by(metadata), None, "{metadata}");
        }
        let found: Found = serde_json::from_str("{}").unwrap();
        assert_eq!(found.written_by("KEY"), None);
    }
}
