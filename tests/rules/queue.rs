//! Rule 12: a queue in which a new secret would not arrive, or not stay, keeps the rotate call from being made.

use lwa_rotate_component::bindings::lwa::rotation::queue::{Gap, Key, KeyDescription};
use lwa_rotate_component::bindings::lwa::rotation::types::{Action, RemedyBy};
use world::{Failing, Planned, World, good_attributes};

use super::*;

type Change = fn(&mut World);

fn set(world: &mut World, name: &str, value: &str) {
    world.attributes.as_mut().unwrap().insert(name.into(), value.into());
}

/// A key of the queue's owner that Amazon may not use.
fn wrong_key(world: &mut World) {
    let arn = "arn:aws:kms:us-east-1:123456789012:key/0123";
    set(world, "KmsMasterKeyId", arn);
    let description = KeyDescription { arn: arn.into(), state: "Enabled".into(), managed_by_aws: false };
    let policy = r#"{"Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::123456789012:root"},"Action":"kms:*","Resource":"*"}]}"#;
    world.key = Some(Key { description: Ok(description), policy: Ok(policy.into()) });
}

/// Queues that block always, with what the person reads.
const FACTS: [(Change, &str); 5] = [
    (|world| drop(world.attributes.as_mut().unwrap().remove("Policy")), "no policy"),
    (|world| world.attributes = Err(Gap::NotFound("there is no such queue".into())), "no such queue"),
    (|world| set(world, "QueueArn", "arn:aws:sqs:us-east-1:123456789012:lwa.fifo"), "FIFO"),
    (wrong_key, "kms:"),
    (|world| set(world, "MaximumMessageSize", "1024"), "1024 bytes"),
];

/// Queues that may lose a new secret.
const DOUBTS: [(Change, &str); 3] = [
    (|world| set(world, "MessageRetentionPeriod", "3600"), "1 hour"),
    (|world| world.attributes = Err(Gap::Unreachable("no connection to SQS".into())), "no connection"),
    (|world| set(world, "Policy", "{}"), "policy"),
];

fn put_right(world: &Shared) {
    let mut world = world.borrow_mut();
    (world.attributes, world.key) = (Ok(good_attributes()), None);
}

/// No call; the obstacle with its remedy; again every hour, without a save for each; and at once by `request`.
#[test]
fn a_queue_that_blocks_is_tried_again_hourly_and_on_request() {
    for (change, words) in FACTS.into_iter().chain(DOUBTS) {
        let world = settled(501);
        change(&mut world.borrow_mut());
        request(&world, false).unwrap();
        advance(&world);

        let problem = blocked(&world);

        assert_eq!((problem.action, problem.remedy_by), (Action::FixQueue, RemedyBy::Person), "{words}");
        assert!(problem.happened.contains(words), "{words}: {}", problem.happened);
        assert!(!problem.remedy.is_empty() && problem.act_by.is_some(), "{problem:?}");
        let retry_at = problem.retry_at.unwrap();
        let wait = retry_at - world.borrow().now;
        assert!((HOUR / 2..=HOUR * 3 / 2).contains(&wait), "{words}: {wait}");
        assert_eq!(count(&world, "rotate") + count(&world, "token"), 0, "{words}");
        // Hourly.
        world.borrow_mut().requests.clear();
        let saves = world.borrow().saves(SHOP);
        advance_as_announced(&world, DAY);
        let inspected = count(&world, "inspect");
        assert!((20..=26).contains(&inspected), "{words}: inspected {inspected} times in a day");
        let saves = world.borrow().saves(SHOP) - saves;
        assert!(saves <= 40, "{words}: {saves} saves in a day");
        // And at once, when it is put right and a person says so.
        put_right(&world);
        assert_eq!(advance(&world).state, State::Requesting, "{words}: its time has not come");
        request(&world, false).unwrap();
        assert_eq!(advance(&world).state, State::Awaiting, "{words}");
        pass(&world, 5_000);
        drain(&world);
        assert_done(&world);
    }
}

/// Facts always block: there the call would make things worse whenever it is made.
#[test]
fn a_fact_about_the_queue_blocks_to_the_end() {
    for (change, words) in FACTS {
        let world = settled(502);
        change(&mut world.borrow_mut());
        request(&world, false).unwrap();
        advance_as_announced(&world, 19 * DAY);
        assert_eq!(count(&world, "rotate"), 0, "{words}");
        blocked(&world);
    }
}

/// Doubts block until 7 days before the end; then the call cannot make things worse, and says what it goes ahead in spite of.
#[test]
fn a_doubt_about_the_queue_blocks_until_seven_days_before_the_end() {
    for (change, words) in DOUBTS {
        let world = settled(503);
        world.borrow_mut().journal = Some(Vec::new());
        let end = world.borrow().newest(SHOP).ends_at;
        change(&mut world.borrow_mut());
        request(&world, false).unwrap();
        let left = end - world.borrow().now;
        advance_as_announced(&world, left - 7 * DAY - HOUR);
        assert_eq!(count(&world, "rotate"), 0, "{words}");
        blocked(&world);
        advance_as_announced(&world, 3 * HOUR);
        assert_eq!(count(&world, "rotate"), 1, "{words}");
        assert!(world.borrow().apps[SHOP].carried_out == 1);
    }
}

/// An obstacle once seen stays until an inspection that could look at the same thing clears it.
#[test]
fn an_obstacle_stays_until_an_inspection_that_could_look_clears_it() {
    let world = settled(504);
    world.borrow_mut().attributes.as_mut().unwrap().remove("Policy");
    request(&world, false).unwrap();
    advance(&world);
    // From now on nothing can be asked, which would not block by itself.
    world.borrow_mut().attributes = Err(Gap::Denied("it may not be asked".into()));
    advance_as_announced(&world, DAY);
    assert_eq!(count(&world, "rotate"), 0);
    assert!(blocked(&world).happened.contains("no policy"));
    put_right(&world);
    advance_as_announced(&world, 2 * HOUR);
    assert_eq!(count(&world, "rotate"), 1);
}

/// Rule 16: without the permission to inspect the call is made, and what was not checked is said.
#[test]
fn without_the_permission_to_inspect_the_call_is_made_and_says_so() {
    let world = settled(505);
    world.borrow_mut().attributes = Err(Gap::Denied("sqs:GetQueueAttributes is denied".into()));
    request(&world, false).unwrap();
    journal(&world);
    assert_eq!(advance(&world).state, State::Awaiting);
    let said = journal(&world);
    assert!(said.contains("QueueRead") && said.contains("not checked: sqs:GetQueueAttributes is denied"), "{said}");
    let findings = run(&world, |host| exports::check_queue(host, "main"));
    world.borrow().check_findings(&findings);
}

/// An operator's force overrides whatever the queue looks like, and is kept until the call.
#[test]
fn a_forced_rotation_is_made_in_spite_of_the_queue() {
    for (change, words) in FACTS.into_iter().chain(DOUBTS) {
        let world = settled(506);
        change(&mut world.borrow_mut());
        request(&world, false).unwrap();
        advance(&world);
        blocked(&world);
        request(&world, true).unwrap();
        // Not lost with the host, nor by a refusal in between.
        world.borrow_mut().plans.push(("rotate", Planned::NotSent));
        assert_eq!(advance(&world).state, State::Requesting, "{words}");
        pass(&world, 30 * MINUTE);
        assert_eq!(advance(&world).state, State::Awaiting, "{words}");
    }
}

/// A queue that cannot be received from blocks like its settings do, and no longer than that: it is tried again hourly, without
/// wearing out a store of versions.
#[test]
fn a_queue_that_cannot_be_received_from_blocks_until_it_can() {
    for how in [Failing::Denied, Failing::After] {
        let world = settled(507);
        request(&world, false).unwrap();
        let deny = |world: &Shared| world.borrow_mut().plans.push(("receive", Planned::Fails(how)));
        deny(&world);
        advance(&world);
        assert!(blocked(&world).happened.contains("cannot be received from"), "{how:?}");
        let saves = world.borrow().saves(SHOP);
        for _ in 0..24 {
            let at = blocked(&world).retry_at.unwrap();
            world.borrow_mut().now = at;
            deny(&world);
            advance(&world);
        }
        let saves = world.borrow().saves(SHOP) - saves;
        assert!(saves <= 30, "{how:?}: {saves} saves");
        assert_eq!(count(&world, "rotate"), 0, "{how:?}");
        // It can be received from again.
        let at = blocked(&world).retry_at.unwrap();
        world.borrow_mut().now = at;
        assert_eq!(advance(&world).state, State::Awaiting, "{how:?}");
        pass(&world, 5_000);
        drain(&world);
        assert_done(&world);
    }
}

/// A record that cannot be read is left as it is and named; what a store leaves of a removed one counts as none.
#[test]
fn a_record_of_a_later_format_is_left_and_a_removed_one_is_none() {
    let whole = settled(508).borrow().store[SHOP].document.clone();
    let cut = whole[..whole.len() / 2].to_vec();
    for (document, words) in [(br#"{"format":2}"#.to_vec(), "format 2"), (cut, "not JSON")] {
        let world = settled(508);
        world.borrow_mut().overwrite(SHOP, &document);
        let answer = run(&world, |host| exports::advance(host, SHOP));
        assert!(matches!(&answer, Err(Error::UnreadableRecord(text)) if text.contains(words)), "{answer:?}");
        let answer = supply(&world, "another", None);
        assert!(matches!(answer, Err(Error::UnreadableRecord(_))), "{answer:?}");
        assert_eq!(world.borrow().store[SHOP].document, document);
    }
    let world = settled(508);
    let secret = newest(&world);
    world.borrow_mut().overwrite(SHOP, br#"{"removed":true}"#);
    assert!(matches!(run(&world, |host| exports::advance(host, SHOP)), Err(Error::NotEnrolled)));
    supply(&world, &secret, None).unwrap();
    assert!(advance(&world).verified);
}
