//! One test for each place where one region touches another: without the coupling it fails.

use super::*;
use crate::amazon::error::Failure;
use crate::amazon::notification::NewSecret;
use crate::bindings::lwa::rotation::observe::Reason;
use crate::bindings::lwa::rotation::types::{Cause, State};
use crate::credential::ClientSecret;
use crate::policy::{CALL_INTERVAL, LIFETIME, OVERLAP, RETRY, SKEW, WARNING};
use crate::record::call::{Answer, CallEvent};
use crate::record::secrets::{Promote, Verification};
use crate::record::targets::TargetEvent;
use crate::record::{Event, Trial};
use crate::schedule::{self, Work};

const NOW: Instant = Instant(1_790_000_000_000);
const HOUR: Lifetime = Lifetime::hours(1);

fn secret(text: &str) -> ClientSecret {
    ClientSecret::parse(text.into()).expect("sound")
}

/// A record with a verified first secret, supplied a day ago.
fn record() -> Record {
    let mut record = Record::enrolled("c", secret("first"), None, NOW - Lifetime::days(1), 0);
    record.secrets.current.verification = Verification::Verified;
    record
}

fn apply(record: &mut Record, event: Event) {
    record.apply(&event, NOW).expect("in order");
}

fn call(record: &mut Record, event: CallEvent) {
    apply(record, Event::Call(event));
}

fn want(from: Instant) -> CallEvent {
    CallEvent::Want { reason: Reason::Requested, force: false, from }
}

/// A message about a secret that was made then.
fn received(text: &str, made: Instant) -> Event {
    Event::Received(NewSecret { secret: secret(text), expires_at: made + LIFETIME, old_ends_at: made + OVERLAP }, made)
}

fn accepted(text: &str) -> Event {
    Event::Tried { secret: secret(text), trial: Trial::Accepted(0) }
}

fn refused(text: &str) -> Event {
    Event::Tried { secret: secret(text), trial: Trial::Not(Failure::new(Cause::SecretRefused), NOW + HOUR) }
}

fn supplied(text: &str) -> Event {
    Event::Supplied(secret(text), None)
}

/// A record whose call was made now and is in this phase.
fn called(phase: &str) -> Record {
    let mut record = record();
    let way = [
        want(NOW),
        CallEvent::Prepare,
        CallEvent::Send(7),
        CallEvent::Answered(Some(7), Answer::Accepted),
        CallEvent::PatienceEnded(Lifetime(0)),
    ];
    for event in way {
        call(&mut record, event);
        if record.call.phase.name() == phase {
            return record;
        }
    }
    panic!("no phase {phase}");
}

/// Rule 12: a newer secret is taken up instead of calling. An older one changes nothing, and what was sent stays sent.
#[test]
fn a_newer_secret_withdraws_a_rotation_that_has_not_been_sent() {
    for (phase, after) in [("wanted", "idle"), ("preparing", "idle")] {
        let mut record = called(phase);
        apply(&mut record, received("second", NOW));
        assert_eq!(record.call.phase.name(), after);
    }
    let mut record = called("sent");
    apply(&mut record, received("second", NOW - HOUR));
    assert_eq!(record.call.phase.name(), "sent");
    // The first secret, which came in a message before.
    let mut record = self::record();
    apply(&mut record, received("first", NOW - HOUR));
    call(&mut record, want(NOW));
    apply(&mut record, received("older", NOW - Lifetime::days(9)));
    assert_eq!(record.call.phase.name(), "wanted");
}

/// A slip of an operator's must not keep a rotation from its time; a new secret of a message does, unless it is refused again and
/// again and the operator asks.
#[test]
fn a_rotation_begins_beside_candidates_only_where_they_were_supplied_or_are_hopeless() {
    let mut record = record();
    assert!(record.may_want_another(false));
    apply(&mut record, supplied("mistyped"));
    assert!(record.may_want_another(false));
    apply(&mut record, received("second", NOW));
    for tries in 0..3 {
        assert!(!record.may_want_another(true), "{tries} refusals");
        apply(&mut record, refused("second"));
    }
    assert!(record.may_want_another(true) && !record.may_want_another(false));
}

/// Rule 6: a message answers a call only if it is about something that happened after it, as far as clocks agree.
#[test]
fn a_message_answers_a_call_by_its_event_time() {
    for phase in ["sent", "awaited", "missing"] {
        for (made, answered) in [(NOW, true), (NOW - SKEW, true), (NOW - SKEW - Lifetime(1), false)] {
            let mut record = called(phase);
            apply(&mut record, received("second", made));
            assert_eq!(record.call.phase == Phase::Idle, answered, "{phase}: {made}");
        }
    }
    // A clock that was ahead when the call was made.
    let mut record = called("awaited");
    let (made, later) = (NOW - Lifetime::days(5), NOW - Lifetime::days(5));
    record.apply(&received("second", made), later).expect("in order");
    assert_eq!(record.call.phase, Phase::Idle);
}

/// The operator has looked: a message is missed no more. But a call that is being made is answered by its own message alone.
#[test]
fn promoting_a_supplied_secret_ends_the_wait_for_a_message() {
    for (phase, after) in [("awaited", "idle"), ("missing", "idle"), ("sent", "sent")] {
        let mut record = called(phase);
        apply(&mut record, supplied("second"));
        assert_ne!(record.call.phase, Phase::Idle, "not before it works");
        apply(&mut record, accepted("second"));
        assert_eq!(record.call.phase.name(), after);
    }
}

/// The other half: what came in messages before is likely to be older, and is used only where the supplied one is refused.
#[test]
fn promoting_a_supplied_secret_makes_earlier_candidates_wait_until_it_is_refused() {
    let mut record = record();
    apply(&mut record, received("lagging", NOW - HOUR));
    apply(&mut record, received("just-now", NOW - SKEW));
    apply(&mut record, supplied("second"));
    apply(&mut record, accepted("second"));
    let promote = |text: &str| record.secrets.candidate(&secret(text)).map(|candidate| candidate.promote);
    assert_eq!(promote("lagging"), Some(Promote::WhenCurrentRefused));
    assert_eq!(promote("just-now"), Some(Promote::WhenAccepted), "clocks differ");
    assert_eq!(promote("first"), Some(Promote::WhenCurrentRefused));
}

/// A call that was refused for a wrong secret is not kept waiting when the right one is supplied.
#[test]
fn supplying_into_an_enrolment_that_was_never_verified_replaces_it_and_resets_the_back_off() {
    let mut record = record();
    record.secrets.current.verification = Verification::Open(crate::record::secrets::Retry::now(NOW));
    call(&mut record, want(NOW));
    let later = Answer::Refused(Failure::new(Cause::SecretRefused), NOW + Lifetime::hours(12));
    call(&mut record, CallEvent::Answered(None, later));
    apply(&mut record, supplied("right"));
    assert_eq!((record.secrets.current.secret.expose_text(), record.secrets.generation), ("right", 1));
    let wanted = record.call.phase.unsent().expect("still wanted");
    assert_eq!((wanted.from, wanted.attempts, &wanted.failure), (NOW, 0, &None));
    // Amazon's rate holds all the same.
    let mut verified = self::record();
    verified.call.last_at = Some(NOW);
    call(&mut verified, want(NOW + HOUR));
    apply(&mut verified, supplied("another"));
    assert_eq!(verified.call.phase.unsent().map(|wanted| wanted.from), Some(NOW + HOUR), "one that works is kept");
    assert_eq!(verified.call.permitted(NOW), NOW + CALL_INTERVAL);
}

/// Rule 13: a refusal that comes when others wait for the message, or miss it, takes the rotation back to wanted.
#[test]
fn a_late_refusal_takes_an_awaited_or_missing_call_back_to_wanted() {
    for phase in ["awaited", "missing"] {
        let mut record = called(phase);
        let answer = Answer::Refused(Failure::new(Cause::Throttled), NOW + HOUR);
        call(&mut record, CallEvent::Answered(Some(7), answer));
        let wanted = record.call.phase.unsent().expect("wanted again");
        assert_eq!((wanted.from, wanted.attempts), (NOW + HOUR, 1), "{phase}");
        assert_eq!(record.state(&[]), State::Requesting);
    }
}

/// A new secret that is refused stalls a day before the current one ends, and both decisions act on it.
#[test]
fn a_decision_acts_on_a_refused_new_secret_too() {
    let stalled = || {
        let mut record = record();
        apply(&mut record, received("second", NOW));
        apply(&mut record, refused("second"));
        let at = NOW + OVERLAP - WARNING;
        record.apply(&Event::NewSecretRefused, Instant(at.0 - 1)).expect("in order");
        assert_eq!(record.state(&[]), State::Verifying, "not before its time");
        record.apply(&Event::NewSecretRefused, at).expect("in order");
        assert_eq!(record.state(&[]), State::Stalled);
        record
    };
    let mut waits = stalled();
    apply(&mut waits, Event::WaitMore(HOUR));
    assert_eq!(waits.state(&[]), State::Verifying);
    assert_eq!(waits.secrets.candidates[0].stalls_at, Some(NOW + HOUR), "it stalls again");
    let mut again = stalled();
    apply(&mut again, Event::RequestAgain(NOW));
    assert_eq!((again.state(&[]), again.secrets.candidates[0].stalls_at), (State::Requesting, None));
    assert!(record().apply(&Event::WaitMore(HOUR), NOW).is_err(), "nothing is stalled");
    assert!(record().apply(&Event::RequestAgain(NOW), NOW).is_err());
}

/// A message about a secret that was supplied before gives it its date, and its place among Amazon's.
#[test]
fn a_message_gives_a_supplied_secret_its_place_in_amazons_order() {
    let mut record = record();
    apply(&mut record, received("first", NOW - HOUR));
    assert!(record.secrets.current.origin.is_message());
    assert_eq!(record.secrets.current.expires_at, Some(NOW - HOUR + LIFETIME));
    apply(&mut record, received("older", NOW - Lifetime::days(2)));
    assert!(record.secrets.candidates.is_empty(), "older by Amazon's dates");
    // A candidate too: of two that were supplied, the message's one is not put back by the other.
    apply(&mut record, supplied("second"));
    apply(&mut record, received("second", NOW));
    let candidate = record.secrets.candidate(&secret("second")).expect("kept");
    assert_eq!((candidate.origin.event_time(), candidate.promote), (Some(NOW), Promote::WhenAccepted));
}

/// Rule 8: a replaced secret that may be the newer one outlives its end. It is tried hourly beside the current one, and current
/// again when Amazon refuses that.
#[test]
fn a_retired_secret_that_may_be_newer_outlives_its_end() {
    let mut record = record();
    apply(&mut record, supplied("second"));
    apply(&mut record, accepted("second"));
    let application = crate::testing::application();
    let rival = record.secrets.candidate(&secret("first")).expect("kept beside it").clone();
    assert_eq!((rival.promote, rival.retry.at), (Promote::WhenCurrentRefused, NOW + HOUR));
    record.apply(&Event::Ended, NOW + Lifetime::days(8)).expect("in order");
    assert!(record.secrets.candidate(&secret("first")).is_some(), "not purged at its end");
    let due = schedule::due(&record, &application, NOW + HOUR, &|work| matches!(work, Work::Try(_)));
    assert_eq!(due, Some(Work::Try(0)));
    apply(&mut record, accepted("first"));
    assert_eq!((record.secrets.current.secret.expose_text(), record.secrets.generation), ("first", 3));
}

/// Rule 14: after a promotion every place is to be written, those that other hosts write too.
#[test]
fn a_promotion_renews_every_place() {
    let mut record = record();
    for place in ["ours", "theirs"] {
        apply(&mut record, Event::Target(place.into(), TargetEvent::Written(1)));
        assert!(record.holds(place));
    }
    apply(&mut record, received("second", NOW));
    apply(&mut record, accepted("second"));
    for place in ["ours", "theirs"] {
        assert_eq!(record.targets[place].written_at(2), Some(NOW), "{place}");
    }
}

/// Rule 14: a late report of an older generation marks its place unwritten, in the same record that has a newer secret.
#[test]
fn a_late_report_of_an_older_generation_marks_its_place_unwritten() {
    let mut record = record();
    apply(&mut record, received("second", NOW));
    apply(&mut record, accepted("second"));
    apply(&mut record, Event::Target("place".into(), TargetEvent::Written(2)));
    assert!(record.holds("place"));
    apply(&mut record, Event::Target("place".into(), TargetEvent::Written(1)));
    assert_eq!((record.holds("place"), record.targets["place"].written_at(2)), (false, Some(NOW)));
}

/// A newly known end is written to the places, wherever it was learned from.
#[test]
fn a_newly_known_end_has_the_places_written_again() {
    let end = NOW + Lifetime::days(50);
    let events = [
        Event::Expiry(end),
        Event::Notice(end),
        Event::Supplied(secret("first"), Some(end)),
        received("first", NOW - HOUR),
    ];
    for event in events {
        let mut record = record();
        apply(&mut record, Event::Target("place".into(), TargetEvent::Written(1)));
        apply(&mut record, event.clone());
        assert!(!record.holds("place"), "{event:?}");
        apply(&mut record, Event::Target("place".into(), TargetEvent::Written(1)));
        apply(&mut record, event.clone());
        assert!(record.holds("place"), "the same again says nothing new: {event:?}");
    }
}

/// Rule 12: no operator's word about a secret leads to a rotate call by itself within a quarter of an hour.
#[test]
fn a_rotation_that_follows_from_an_operators_word_begins_a_quarter_of_an_hour_later() {
    let later = Some(NOW + Lifetime::minutes(15));
    let mut record = Record::enrolled("c", secret("first"), Some(NOW), NOW, 0);
    let application = crate::testing::application();
    assert_eq!(schedule::rotation_due(&record, &application), later);
    record.secrets.current.verification = Verification::Verified;
    for event in [
        Event::Expiry(NOW + HOUR),
        Event::Supplied(secret("first"), Some(NOW + HOUR)),
        Event::Supplied(secret("second"), Some(NOW + HOUR)),
    ] {
        let mut record = record.clone();
        record.call.not_before = None;
        apply(&mut record, event.clone());
        assert_eq!(record.call.not_before, later, "{event:?}");
    }
    // Supplied again without a date, it puts nothing off: automation may do that at each deployment.
    record.call.not_before = None;
    apply(&mut record, supplied("first"));
    assert_eq!(record.call.not_before, None);
}

/// Supplying the current secret again takes another one back that was supplied by mistake, and nothing that came in a message.
#[test]
fn supplying_the_current_secret_again_takes_a_mistake_back() {
    let mut record = record();
    apply(&mut record, supplied("mistyped"));
    apply(&mut record, received("second", NOW));
    apply(&mut record, supplied("first"));
    let left: Vec<_> = record.secrets.candidates.iter().map(|candidate| candidate.secret.expose_text()).collect();
    assert_eq!(left, ["second"]);
}

/// An instant absurdly far ahead was put off by a wrong clock, and is due.
#[test]
fn what_was_put_off_by_a_clock_far_ahead_is_due() {
    let application = crate::testing::application();
    let longest = Lifetime(RETRY[RETRY.len() - 1].0 * 2);
    let mut record = record();
    for (ahead, due) in [(Lifetime::minutes(30), false), (longest, false), (Lifetime::days(9), true)] {
        let trial = Trial::Not(Failure::new(Cause::SecretRefused), NOW + ahead);
        apply(&mut record, received("second", NOW));
        apply(&mut record, Event::Tried { secret: secret("second"), trial });
        let found = schedule::due(&record, &application, NOW, &|work| matches!(work, Work::Try(_)));
        assert_eq!(found.is_some(), due, "{ahead:?}");
    }
}

/// Rule 15: after a call that was or may have been accepted, the secret in use ends 7 days after the call at the latest.
#[test]
fn the_date_shown_after_a_call_is_a_week_after_it_at_the_latest() {
    for phase in ["sent", "awaited", "missing"] {
        let mut record = called(phase);
        assert_eq!(record.ends_at(), Some(NOW + OVERLAP), "{phase}");
        record.secrets.current.expires_at = Some(NOW + HOUR);
        assert_eq!(record.ends_at(), Some(NOW + HOUR), "{phase}: its own end is nearer");
    }
    assert_eq!(called("wanted").ends_at(), None);
}
