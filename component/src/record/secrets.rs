//! The secrets: the current one, those that may become current, and those that were.
//!
//! Amazon's dates put the secrets of messages in order; a secret that an operator supplied has a likely place in that order and
//! no certain one. What is certainly older goes. What may be newer is kept: a candidate is promoted *when accepted*, or, where
//! it is likely to be the older one, *when the current one is refused*.

mod changes;

use serde::Serialize;

use crate::amazon::error::Failure;
use crate::credential::ClientSecret;
use crate::instant::Instant;
use crate::policy::{DOUBT, LIFETIME, OVERLAP, SKEW};

/// The region.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Secrets {
    /// How many secrets have been current.
    pub generation: u64,
    /// The secret in use.
    pub current: Current,
    /// Secrets that may become current, likeliest last.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub candidates: Vec<Candidate>,
    /// Secrets that were current before and are certainly older, until Amazon ends them; the longest ago first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub retired: Vec<Retired>,
    /// Secrets that were current before and are erased.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub erased: Vec<Erased>,
    /// An expiry notice whose date fits no secret that is or was kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unmatched: Option<Instant>,
}

/// Where a secret comes from, which is its place in the order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Origin {
    /// An operator supplied it then, or a target held it.
    Supplied(Instant),
    /// A message of Amazon's brought it.
    Message {
        /// When it ends.
        expires_at: Instant,
        /// When Amazon made it.
        event_time: Instant,
    },
}

/// The secret in use.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Current {
    /// The secret.
    pub secret: ClientSecret,
    /// Where it comes from.
    pub origin: Origin,
    /// When it ends, as far as known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Instant>,
    /// When it was taken up.
    pub since: Instant,
    /// How much earlier than the margin it is rotated, in thousandths of the longest jitter.
    pub jitter: u16,
    /// Whether SP-API has accepted it.
    pub verification: Verification,
}

/// Whether SP-API has accepted a secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verification {
    /// It has.
    Verified,
    /// Not yet; it is tried from then on.
    Open(Retry),
}

/// Something that is tried again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Retry {
    /// Not before.
    pub at: Instant,
    /// Tries so far.
    pub attempts: u32,
    /// Why the last one failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure: Option<Failure>,
}

/// A secret that may become current.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Candidate {
    /// The secret.
    pub secret: ClientSecret,
    /// Where it comes from.
    pub origin: Origin,
    /// When it ends, as far as known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Instant>,
    /// When the secret before it ends, by its message; of one that was replaced, when itself ends, by the message that replaced
    /// it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub old_ends_at: Option<Instant>,
    /// When it was taken in.
    pub kept_at: Instant,
    /// When it was replaced as the current one, if it was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub replaced_at: Option<Instant>,
    /// What makes it current.
    pub promote: Promote,
    /// When it is tried next.
    pub retry: Retry,
    /// When a person has to decide if it has not been accepted by then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stalls_at: Option<Instant>,
    /// Whether that has come.
    pub stalled: bool,
}

/// What makes a candidate current.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Promote {
    /// SP-API accepts it.
    WhenAccepted,
    /// SP-API accepts it, and the current one no longer.
    WhenCurrentRefused,
}

/// A secret that was current before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Retired {
    /// The secret.
    pub secret: ClientSecret,
    /// When it would end if nothing had replaced it, as far as known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Instant>,
    /// When Amazon ends it; then it is erased.
    pub ends_at: Instant,
}

/// What is remembered of an erased secret: enough to recognise it where a place still holds it, or a notice has its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Erased {
    /// A digest, from which nothing of the secret can be told.
    pub digest: u64,
    /// When it ended.
    pub ended_at: Instant,
    /// When it would have ended if nothing had replaced it, as far as known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Instant>,
}

/// How a secret that a message brings relates to those that are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It is the current one.
    Current,
    /// It is kept as a candidate.
    Candidate,
    /// It is newer than the current one and not kept.
    Newer,
    /// It is older than the current one by Amazon's own dates.
    Older,
    /// It is likely to be older, and nothing of Amazon's says so.
    Beside,
}

/// What an expiry notice said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Notice {
    /// The end of a secret that is or was kept.
    Known,
    /// When the current secret ends.
    Learned,
    /// The end of a secret that is not known here.
    Unmatched,
}

impl Retry {
    /// To be tried at once.
    pub fn now(now: Instant) -> Self {
        Self { at: now, attempts: 0, failure: None }
    }

    /// After another try that failed.
    pub fn again(&self, at: Instant, failure: &Failure) -> Self {
        Self { at, attempts: self.attempts.saturating_add(1), failure: Some(failure.clone()) }
    }
}

impl Origin {
    /// The place in the one order of all secrets: by their ends, then by when they were made. A supplied secret was made at the
    /// latest when it was supplied, so it ends at the latest a lifetime after that.
    fn place(self) -> (Instant, Instant) {
        match self {
            Self::Supplied(at) => (at + LIFETIME, at),
            Self::Message { expires_at, event_time } => (expires_at, event_time),
        }
    }

    /// When Amazon made it, where a message says so.
    pub fn event_time(self) -> Option<Instant> {
        match self {
            Self::Supplied(_) => None,
            Self::Message { event_time, .. } => Some(event_time),
        }
    }

    /// Whether a message brought it.
    pub fn is_message(self) -> bool {
        self.event_time().is_some()
    }

    /// Whether Amazon's dates say that it is older than another.
    fn certainly_older_than(self, other: Self) -> bool {
        self.is_message() && other.is_message() && self < other
    }
}

impl Ord for Origin {
    fn cmp(&self, other: &Self) -> core::cmp::Ordering {
        // The same place for two kinds must not make them equal.
        self.place().cmp(&other.place()).then(self.is_message().cmp(&other.is_message()))
    }
}

impl PartialOrd for Origin {
    fn partial_cmp(&self, other: &Self) -> Option<core::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Candidate {
    /// Whether it waits for nothing but its own verification.
    pub fn is_awaited(&self) -> bool {
        self.promote == Promote::WhenAccepted
    }

    /// When it goes, if the current secret still works then.
    pub fn doubted_at(&self) -> Instant {
        self.kept_at + DOUBT
    }
}

impl Secrets {
    /// The first secret of an application.
    pub fn first(secret: ClientSecret, expires_at: Option<Instant>, now: Instant, jitter: u16) -> Self {
        Self {
            generation: 1,
            current: Current {
                secret,
                origin: Origin::Supplied(now),
                expires_at,
                since: now,
                jitter,
                verification: Verification::Open(Retry::now(now)),
            },
            candidates: Vec::new(),
            retired: Vec::new(),
            erased: Vec::new(),
            unmatched: None,
        }
    }

    /// Whether SP-API has accepted the current secret.
    pub fn verified(&self) -> bool {
        self.current.verification == Verification::Verified
    }

    /// Every secret.
    pub fn all(&self) -> impl Iterator<Item = &ClientSecret> {
        let candidates = self.candidates.iter().map(|candidate| &candidate.secret);
        core::iter::once(&self.current.secret).chain(candidates).chain(self.retired.iter().map(|old| &old.secret))
    }

    /// The candidates that wait for their verification.
    pub fn awaited(&self) -> impl DoubleEndedIterator<Item = &Candidate> {
        self.candidates.iter().filter(|candidate| candidate.is_awaited())
    }

    /// The candidate with this secret.
    pub fn candidate(&self, secret: &ClientSecret) -> Option<&Candidate> {
        self.candidates.iter().find(|candidate| candidate.secret == *secret)
    }

    fn candidate_mut(&mut self, secret: &ClientSecret) -> Option<&mut Candidate> {
        self.candidates.iter_mut().find(|candidate| candidate.secret == *secret)
    }

    /// Whether this secret is certainly retired.
    pub fn is_retired(&self, secret: &ClientSecret) -> bool {
        self.retired.iter().any(|retired| retired.secret == *secret)
    }

    /// Whether this secret was current before, be it certainly older or not, and be it erased.
    pub fn was_current(&self, secret: &ClientSecret) -> bool {
        let digest = secret.digest();
        self.erased.iter().any(|erased| erased.digest == digest)
            || self.is_retired(secret)
            || self.candidate(secret).is_some_and(|candidate| candidate.replaced_at.is_some())
    }

    /// The secret that was current before this one, with its end.
    pub fn previous(&self) -> Option<(&ClientSecret, Instant)> {
        let rivals = self.candidates.iter().filter_map(|candidate| {
            let replaced_at = candidate.replaced_at?;
            Some((&candidate.secret, candidate.old_ends_at.unwrap_or(replaced_at + OVERLAP)))
        });
        let retired = self.retired.iter().map(|retired| (&retired.secret, retired.ends_at));
        retired.chain(rivals).max_by_key(|(_, ends_at)| *ends_at)
    }

    /// How a secret that a message brings relates to those that are kept.
    pub fn standing(&self, secret: &ClientSecret, expires_at: Instant, event_time: Instant) -> Standing {
        if self.current.secret == *secret {
            return Standing::Current;
        }
        if self.candidate(secret).is_some() {
            return Standing::Candidate;
        }
        if self.is_retired(secret) {
            return Standing::Older;
        }
        let origin = Origin::Message { expires_at, event_time };
        match self.current.origin {
            // Equal ones cannot be told apart, and neither may be dropped.
            known @ Origin::Message { .. } => match origin.cmp(&known) {
                core::cmp::Ordering::Greater => Standing::Newer,
                core::cmp::Ordering::Equal => Standing::Beside,
                core::cmp::Ordering::Less => Standing::Older,
            },
            // The current one was supplied after the message was made: in place of one that worked, so that it is likely to be
            // newer, or with a date that says so.
            Origin::Supplied(at) if event_time < at - SKEW => {
                let dated = self.current.expires_at.is_some_and(|known| expires_at <= known);
                if self.generation > 1 || dated { Standing::Beside } else { Standing::Newer }
            }
            Origin::Supplied(_) => Standing::Newer,
        }
    }
}

/// What became of a supplied secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Supply {
    /// It is kept already, and tried at once.
    Known,
    /// It is a candidate.
    Kept,
    /// It replaces the first one, which was never verified.
    Replaced,
    /// It is retired: the current one is newer.
    Retired,
    /// There is no room beside the candidates that wait.
    Full,
}

#[cfg(test)]
mod tests;
