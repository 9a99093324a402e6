//! The facts about a queue of SQS's and about its key, as AWS tells them.

use std::collections::BTreeMap;

use super::{
    super::{Flow, Gap, Inspection},
    Sqs,
};

impl Sqs {
    /// One call to SQS, and two to KMS where the queue has a key of its own.
    pub(super) async fn facts(&self, queue: &str) -> Inspection {
        let attributes = self.attributes(queue).await;
        let key = match attributes.as_ref().ok().and_then(own_key) {
            Some(id) => Some(self.key(queue, id).await),
            None => None,
        };
        let flow = Flow::pushed(self.pushed.contains(queue));
        Inspection { attributes: attributes.map_err(Gap::from), key, flow }
    }
}

/// The key that the queue is encrypted with, unless AWS manages it, which its alias says.
fn own_key(attributes: &BTreeMap<String, String>) -> Option<&str> {
    let id = attributes.get("KmsMasterKeyId")?.as_str();
    let of_aws = id.starts_with("alias/aws/") || id.contains(":alias/aws/");
    (!id.is_empty() && !of_aws).then_some(id)
}
