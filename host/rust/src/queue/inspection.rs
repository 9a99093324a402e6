//! The facts about a queue, as AWS tells them and without any judgement.

use std::{collections::BTreeMap, fmt};

use super::Error;

/// The facts about a queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inspection {
    /// All its attributes by the names that SQS gives them, the approximate counts of messages among them.
    pub attributes: Result<BTreeMap<String, String>, Gap>,
    /// Its key; `None` where `KmsMasterKeyId` is absent, empty, an alias of AWS's own, or unknown.
    pub key: Option<Key>,
    /// How its messages reach this host.
    pub flow: Flow,
}

/// A queue's own KMS key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    /// What `DescribeKey` answers.
    pub description: Result<KeyDescription, Gap>,
    /// The key policy, as `GetKeyPolicy` answers it.
    pub policy: Result<String, Gap>,
}

/// What AWS KMS says of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyDescription {
    /// The key's ARN.
    pub arn: String,
    /// Its state as KMS spells it, such as `Enabled`.
    pub state: String,
    /// Whether AWS manages it.
    pub managed_by_aws: bool,
}

/// How messages of a queue reach this host.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Flow {
    /// The host receives them with [`receive`](super::Queue::receive).
    #[default]
    Pulled,
    /// A service receives them and passes them to [`Rotator::deliver`](crate::Rotator::deliver), such as an event source mapping
    /// of AWS Lambda.
    Pushed,
}

impl Flow {
    /// As a list of queues whose messages are pushed says it.
    pub(super) fn pushed(pushed: bool) -> Self {
        if pushed { Self::Pushed } else { Self::Pulled }
    }
}

/// Why a part of an inspection is missing. The texts are for people and hold no secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Gap {
    /// It does not exist.
    NotFound(String),
    /// The host may not ask for it.
    Denied(String),
    /// Not reachable or failing at present, or anything else.
    Unreachable(String),
}

impl fmt::Display for Gap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotFound(text) | Self::Denied(text) | Self::Unreachable(text) => f.write_str(text),
        }
    }
}

impl From<Error> for Gap {
    fn from(error: Error) -> Self {
        match error {
            Error::NotFound(text) => Self::NotFound(text),
            Error::AccessDenied(text) => Self::Denied(text),
            Error::Unavailable(text) | Error::Other(text) => Self::Unreachable(text),
            Error::StaleReceipt => Self::Unreachable(error.to_string()),
        }
    }
}
