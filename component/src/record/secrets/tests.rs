use core::cmp::Ordering;

use super::*;
use crate::amazon::notification::NewSecret;
use crate::bindings::lwa::rotation::types::Cause;
use crate::instant::Lifetime;
use crate::policy::{MOST_CANDIDATES, MOST_ERASED, MOST_RETIRED, MOST_RIVALS, SAME_END};

const NOW: Instant = Instant(1_790_000_000_000);

fn secret(text: &str) -> ClientSecret {
    ClientSecret::parse(text.into()).expect("sound")
}

fn days(days: u64) -> Lifetime {
    Lifetime::days(days)
}

/// A verified first secret, supplied now.
fn first() -> Secrets {
    let mut secrets = Secrets::first(secret("first"), None, NOW, 0);
    secrets.current.verification = Verification::Verified;
    secrets
}

/// What a message about a secret made then says.
fn new(text: &str, made: Instant) -> NewSecret {
    NewSecret { secret: secret(text), expires_at: made + LIFETIME, old_ends_at: made + OVERLAP }
}

fn receive(secrets: &mut Secrets, text: &str, made: Instant) -> Standing {
    secrets.receive(&new(text, made), made, made)
}

fn names(secrets: &Secrets) -> Vec<&str> {
    secrets.candidates.iter().map(|candidate| candidate.secret.expose_text()).collect()
}

/// Property: the order of secrets is total. For every two exactly one of three holds, equal are only the same, and the order
/// of any three agrees; over a grid around every bound that the order counts with, and the ends of time.
#[test]
fn the_order_of_secrets_is_total() {
    let grid: Vec<Instant> =
        [0, 1, LIFETIME.0 - 1, LIFETIME.0, LIFETIME.0 + 1, u64::MAX - LIFETIME.0, u64::MAX - 1, u64::MAX]
            .into_iter()
            .map(Instant)
            .collect();
    let supplied = grid.iter().map(|at| Origin::Supplied(*at));
    let messages =
        grid.iter().flat_map(|at| grid.iter().map(|event| Origin::Message { expires_at: *at, event_time: *event }));
    let all: Vec<Origin> = supplied.chain(messages).collect();
    for a in &all {
        for b in &all {
            assert_eq!(a.cmp(b), b.cmp(a).reverse(), "{a:?} {b:?}");
            assert_eq!(a.cmp(b) == Ordering::Equal, a == b, "{a:?} {b:?}");
            assert!(!(a.certainly_older_than(*b) && b.certainly_older_than(*a)), "{a:?} {b:?}");
            for c in &all {
                if a < b && b < c {
                    assert!(a < c, "{a:?} {b:?} {c:?}");
                }
            }
        }
    }
}

/// Rule 6: by Amazon's own dates, the later one is newer; equal dates say nothing, so neither may be dropped.
#[test]
fn two_secrets_of_messages_stand_to_each_other_as_amazons_dates_say() {
    let mut secrets = first();
    receive(&mut secrets, "second", NOW + days(1));
    secrets.promote(&secret("second"), 0, NOW + days(1));
    let made = NOW + days(1);
    let standing = |text: &str, end: Instant, event: Instant| secrets.standing(&secret(text), end, event);
    assert_eq!(standing("second", made + LIFETIME, made), Standing::Current);
    assert_eq!(standing("first", made + LIFETIME, made), Standing::Older, "it is retired, whatever a message says");
    let end = made + LIFETIME;
    assert_eq!(standing("other", end + Lifetime(1), made), Standing::Newer);
    assert_eq!(standing("other", end, made + Lifetime(1)), Standing::Newer);
    assert_eq!(standing("other", end, made), Standing::Beside);
    assert_eq!(standing("other", end, made - Lifetime(1)), Standing::Older);
    assert_eq!(standing("other", end - Lifetime(1), made + days(1)), Standing::Older);
}

/// Rule 6: a secret that was supplied has no certain place. What was made later is newer, what was made before is kept beside
/// it where the supplied one replaced another or has a later date.
#[test]
fn a_supplied_secret_is_older_than_a_message_made_after_it_and_no_secret_is_dropped_for_it() {
    let standing = |secrets: &Secrets, made: Instant| secrets.standing(&secret("x"), made + LIFETIME, made);
    let mut secrets = first();
    assert_eq!(standing(&secrets, NOW), Standing::Newer);
    assert_eq!(standing(&secrets, NOW - days(1)), Standing::Newer, "the enrolled one may be older than its message");
    secrets.generation = 2;
    assert_eq!(standing(&secrets, NOW - days(1)), Standing::Beside);
    assert_eq!(standing(&secrets, NOW - SKEW), Standing::Newer, "clocks differ");
    let mut dated = first();
    dated.current.expires_at = Some(NOW + days(180));
    assert_eq!(standing(&dated, NOW - days(1)), Standing::Beside);
}

/// Rule 4: a secret that comes in a message is a candidate first.
#[test]
fn a_new_secret_waits_until_it_is_accepted_and_then_retires_the_current_one() {
    let mut secrets = first();
    assert_eq!(receive(&mut secrets, "second", NOW + days(1)), Standing::Newer);
    assert_eq!((secrets.generation, secrets.current.secret.expose_text()), (1, "first"));
    secrets.promote(&secret("second"), 5, NOW + days(2));
    assert_eq!((secrets.generation, secrets.current.secret.expose_text(), secrets.current.jitter), (2, "second", 5));
    let retired: Vec<_> = secrets.retired.iter().map(|old| (old.secret.expose_text(), old.ends_at)).collect();
    assert_eq!(retired, [("first", NOW + days(1) + OVERLAP)], "until the end that Amazon named");
    assert!(secrets.candidates.is_empty() && secrets.was_current(&secret("first")));
}

/// Rule 8: a retired secret is erased at its end and not before; what is remembered of it recognises it, and is not it.
#[test]
fn a_retired_secret_is_erased_at_its_end_and_recognised_afterwards() {
    let mut secrets = first();
    let made = NOW + days(1);
    receive(&mut secrets, "second", made);
    secrets.promote(&secret("second"), 0, made);
    secrets.purge(made + OVERLAP - Lifetime(1));
    assert!(secrets.is_retired(&secret("first")));
    secrets.purge(made + OVERLAP);
    assert!(secrets.retired.is_empty() && secrets.was_current(&secret("first")));
    assert!(!secrets.was_current(&secret("second")) && !secrets.was_current(&secret("other")));
    assert!(!serde_json::to_string(&secrets).expect("JSON").contains("first"));
}

/// Rule 15: a notice is about a secret whose end is within a day of it: one that is or was kept, erased ones too.
#[test]
fn a_notice_is_matched_with_every_end_that_is_or_was_known() {
    let mut secrets = first();
    secrets.current.expires_at = Some(NOW + days(20));
    receive(&mut secrets, "second", NOW + days(1));
    let known = [NOW + days(20), NOW + days(181), NOW + days(8)];
    for (when, retired) in [("kept", false), ("erased", true)] {
        if retired {
            secrets.promote(&secret("second"), 0, NOW + days(1));
            secrets.purge(NOW + days(9));
            assert!(secrets.retired.is_empty());
        }
        for end in known {
            for at in [end - SAME_END, end, end + SAME_END] {
                let found = secrets.clone().notice(at, NOW + days(9));
                assert_eq!(found, Notice::Known, "{when}: {at}");
            }
        }
        let mut other = secrets.clone();
        assert_eq!(other.notice(NOW + days(100), NOW), Notice::Unmatched, "{when}");
        assert_eq!(other.unmatched, Some(NOW + days(100)));
    }
}

/// Rule 15: so is the end of a secret that one of an operator's has replaced, a week later at the latest.
#[test]
fn a_notice_about_a_replaced_secret_is_not_taken_for_the_current_ones_end() {
    let mut secrets = first();
    secrets.supply(&secret("second"), Some(NOW + days(180)), NOW);
    secrets.promote(&secret("second"), 0, NOW);
    let found = secrets.notice(NOW + OVERLAP - Lifetime::hours(1), NOW);
    assert_eq!((found, secrets.current.expires_at), (Notice::Known, Some(NOW + days(180))));
}

/// A notice says when a secret ends that no message has dated; of a person's date and Amazon's the earlier is believed.
#[test]
fn a_notice_dates_a_supplied_secret() {
    let at = NOW + days(50);
    let mut unknown = first();
    assert_eq!((unknown.notice(at, NOW), unknown.current.expires_at), (Notice::Learned, Some(at)));
    let mut later = first();
    later.current.expires_at = Some(NOW + days(90));
    assert_eq!((later.notice(at, NOW), later.current.expires_at), (Notice::Learned, Some(at)));
    let mut earlier = first();
    earlier.current.expires_at = Some(NOW + days(20));
    assert_eq!((earlier.notice(at, NOW), earlier.current.expires_at), (Notice::Unmatched, Some(NOW + days(20))));
    assert_eq!(first().notice(NOW - days(2), NOW), Notice::Unmatched, "it works, so that is not its end");
}

/// Bound: of five new secrets, the one of a message that was refused most often goes: its message comes again. One that an
/// operator supplied never goes, and where there is no other the new one waits in the queue.
#[test]
fn too_many_candidates_cost_the_one_that_was_refused_most_often() {
    let failure = Failure::new(Cause::SecretRefused);
    let mut secrets = first();
    for n in 0..MOST_CANDIDATES as u64 {
        receive(&mut secrets, &format!("new-{n}"), NOW + days(n));
    }
    receive(&mut secrets, "late", NOW + days(9));
    assert_eq!(names(&secrets), ["new-0", "new-1", "new-2", "new-3"], "untried ones stay");
    for name in ["new-1", "new-2", "new-2", "new-3"] {
        secrets.not_accepted(&secret(name), &failure, NOW);
    }
    receive(&mut secrets, "late", NOW + days(9));
    assert_eq!(names(&secrets), ["new-0", "new-1", "new-3", "late"]);

    let mut supplied = first();
    for n in 0..MOST_CANDIDATES {
        let text = secret(&format!("supplied-{n}"));
        assert_eq!(supplied.supply(&text, None, NOW), Supply::Kept);
        supplied.not_accepted(&text, &failure, NOW);
    }
    assert_eq!(supplied.supply(&secret("one-more"), None, NOW), Supply::Full);
}

/// Bounds: replaced secrets, retired ones and what is remembered of erased ones do not grow without end.
#[test]
fn what_is_kept_of_replaced_secrets_is_bounded() {
    let mut rivals = first();
    for n in 0..20 {
        let text = secret(&format!("supplied-{n}"));
        let at = NOW + Lifetime::minutes(n);
        rivals.supply(&text, None, at);
        rivals.promote(&text, 0, at);
    }
    assert_eq!(rivals.candidates.len(), MOST_RIVALS);
    assert_eq!(names(&rivals)[MOST_RIVALS - 1], "supplied-18", "the oldest went");

    let mut retired = first();
    for n in 1..60 {
        let text = format!("message-{n}");
        receive(&mut retired, &text, NOW + days(n));
        retired.promote(&secret(&text), 0, NOW + days(n));
    }
    assert_eq!((retired.retired.len(), retired.erased.len()), (MOST_RETIRED, MOST_ERASED));
    assert!(retired.is_retired(&secret("message-58")) && !retired.is_retired(&secret("first")));
}

/// A retired secret is not made a candidate by an operator's word: the current one is newer by Amazon's dates.
#[test]
fn a_retired_secret_is_not_taken_in_again() {
    let mut secrets = first();
    receive(&mut secrets, "second", NOW + days(1));
    secrets.promote(&secret("second"), 0, NOW + days(1));
    let before = secrets.clone();
    assert_eq!(secrets.supply(&secret("first"), None, NOW + days(1)), Supply::Retired);
    assert_eq!(secrets, before);
}

/// A candidate that was never current leaves no trace when it is given up; one that was is recognised afterwards.
#[test]
fn what_is_given_up_is_remembered_only_where_it_was_current() {
    let mut secrets = first();
    receive(&mut secrets, "forged", NOW + days(1));
    secrets.give_up(&secret("forged"), NOW + days(15));
    assert!(secrets.candidates.is_empty() && !secrets.was_current(&secret("forged")));
    secrets.supply(&secret("second"), None, NOW + days(15));
    secrets.promote(&secret("second"), 0, NOW + days(15));
    assert_eq!(names(&secrets), ["first"], "it may be the newer one, and is kept");
    secrets.give_up(&secret("first"), NOW + days(30));
    assert!(secrets.candidates.is_empty() && secrets.was_current(&secret("first")));
}
