//! Every duration and every bound, with its reason.

use crate::instant::Lifetime;

// Amazon's.

/// Amazon ends a client secret after so long.
/// See <https://developer-docs.amazon.com/sp-api/docs/rotating-your-apps-lwa-credentials>.
pub const LIFETIME: Lifetime = Lifetime::days(180);
/// No expiry time that an operator types can be further ahead: a day more than a secret lives, for time zones.
pub const FURTHEST_EXPIRY: Lifetime = Lifetime::days(181);
/// The overlap that Amazon documents: so long after a rotation both secrets work.
pub const OVERLAP: Lifetime = Lifetime::days(7);
/// SP-API's usage plan: one rotate call a minute. It counts from a call's arrival, which is a little after its intent was saved.
/// See <https://developer-docs.amazon.com/sp-api/docs/application-management-api-v2023-11-30-reference>.
pub const CALL_INTERVAL: Lifetime = Lifetime::seconds(62);
/// Clocks may differ by this much: SQS itself refuses callers whose clock is further off.
pub const SKEW: Lifetime = Lifetime::minutes(15);
/// An expiry notice is about a secret whose known end is this near.
pub const SAME_END: Lifetime = Lifetime::days(1);

// The rotate call.

/// A rotate call does not begin to be sent later than this after its intent was saved.
pub const INTENT_LIVES: Lifetime = Lifetime::minutes(1);
/// A caller who has not come back after so long is taken for dead. Longer than the intent lives and the call may take.
pub const CALLER_TIME: Lifetime = Lifetime::minutes(2);
/// Who prepares a call has so long before another host takes over. Longer than the messages it reads are hidden.
pub const PREPARER_TIME: Lifetime = Lifetime::minutes(10);
/// After an operator's word about a secret or its end, no rotation begins by itself for so long: time to correct a slip.
pub const SLIP_TIME: Lifetime = Lifetime::minutes(15);
/// How long a cancelled rotation stays away where the operator does not say.
pub const CANCELLED_FOR: Lifetime = Lifetime::days(1);
/// The longest jitter of a rotation.
pub const LONGEST_JITTER: Lifetime = Lifetime::days(1);

// Reading the queue before the call.

/// How long a receive waits, in seconds: the shortest that SQS answers as a long poll, whose empty answer means something.
pub const READ_WAIT: u32 = 1;
/// How long messages are hidden that are read before a call, in seconds.
pub const READ_VISIBILITY: u32 = 300;
/// How many receives one call of `advance` makes.
pub const RECEIVES_AT_ONCE: u32 = 10;
/// How many messages are read before the queue counts as not read to its end. Amazon never has so many about one secret.
pub const MOST_READ: u32 = 1_000;
/// How often a queue is read, or its counts are taken, while others have messages of it in their hands.
pub const LOOKS: u32 = 3;
/// The time between two of these.
pub const LOOK_INTERVAL: Lifetime = Lifetime::minutes(3);
/// How often a queue that blocks is inspected again.
pub const BLOCKED_AGAIN: Lifetime = Lifetime::hours(1);
/// How often a queue is read again that was too full to be read to its end, which takes many saves.
pub const CROWDED_AGAIN: Lifetime = Lifetime::days(1);
/// So long before the current secret's end, doubts about the queue block no more: the call cannot make things worse.
pub const DOUBTS_BLOCK_UNTIL: Lifetime = Lifetime::days(7);

// Messages.

/// How long received messages are hidden, in seconds: longer than it takes to keep, verify and publish one.
pub const VISIBILITY: u32 = 120;
/// Messages are hidden for at least this long, so that one that cannot be finished does not spin.
pub const SHORTEST_HIDING: Lifetime = Lifetime::seconds(1);
/// And at most so long; SQS allows 12 hours from the receipt.
pub const LONGEST_HIDING: Lifetime = Lifetime::hours(11);
/// The message of a candidate becomes visible again when the next try is due. It gets this lead over the record's own deadline,
/// so that the same step that verifies the secret can delete the message.
pub const MESSAGE_LEAD: Lifetime = Lifetime::seconds(20);

// Secrets.

/// How long before its end a new secret that is not accepted becomes a person's matter.
pub const WARNING: Lifetime = Lifetime::days(1);
/// A candidate goes when it was not needed for as long as SQS can keep its message, and the current secret still works: had
/// Amazon issued the candidate later, the current one would have ended a week ago.
pub const DOUBT: Lifetime = Lifetime::days(14);
/// How often it is tried which of two secrets is the newer one, where nothing of Amazon's says it.
pub const CONTEST_AGAIN: Lifetime = Lifetime::hours(1);
/// New secrets that wait for their verification. More can only come from a flood of messages, or of an operator's.
pub const MOST_CANDIDATES: usize = 4;
/// Replaced secrets that may be the newer ones.
pub const MOST_RIVALS: usize = 8;
/// Retired secrets.
pub const MOST_RETIRED: usize = 8;
/// Erased secrets that are remembered.
pub const MOST_ERASED: usize = 16;

// Targets.

/// A host that takes longer than this to write a target is taken for dead.
pub const LONGEST_PUT: Lifetime = Lifetime::minutes(2);
/// When a place is read after it was written: by then another host's late write has happened.
pub const READ_AFTER_WRITE: Lifetime = Lifetime::minutes(2);
/// And once more, where it had to be written again because of others.
pub const READ_AFTER_REWRITE: Lifetime = Lifetime::minutes(10);
/// Then this often, for a day.
pub const READ_OFTEN: Lifetime = Lifetime::hours(1);
/// And from then on.
pub const READ_SELDOM: Lifetime = Lifetime::days(1);
/// How often a place is written again after others changed it, before a person is asked.
pub const MOST_REWRITES: u32 = 3;
/// Places that no host has had in its settings for so long are dropped.
pub const PLACE_FORGOTTEN: Lifetime = Lifetime::days(30);

// Tries.

/// What failed is tried again after so long, then after the next, and after the last again and again. Few tries within the
/// first hour and hourly ones then keep the saves of a day below what a store of versions takes.
pub const RETRY: [Lifetime; 5] =
    [Lifetime::seconds(5), Lifetime::seconds(30), Lifetime::minutes(3), Lifetime::minutes(15), Lifetime::hours(1)];
/// The same for a rotate call that Amazon has refused, each of which takes three saves.
pub const CALL_RETRY: [Lifetime; 4] = [CALL_INTERVAL, Lifetime::minutes(15), Lifetime::hours(1), Lifetime::hours(12)];
/// What needs a person is reported again after so long.
pub const REMIND: Lifetime = Lifetime::days(1);
/// How often a report is applied anew because others changed the record.
pub const MOST_CONFLICTS: u32 = 8;
