//! A store that cannot be written: nothing is sent to Amazon, and no message is lost.

use std::fs;

use lwa_rotate::store::{FileStore, Store as _};
use tokio::runtime::Runtime;

use crate::program::{CLIENT_ID, SECRET, World, mode};

/// What the store would write to is taken by a folder; that hinders the administrator as well.
struct Blocked {
    path: std::path::PathBuf,
}

impl Blocked {
    fn new(world: &World) -> Self {
        let record = world.path("state").read_dir().unwrap().next().unwrap().unwrap().path();
        let path = record.with_extension("record.tmp");
        fs::create_dir(&path).unwrap();
        Self { path }
    }

    fn end(self) {
        fs::remove_dir(self.path).unwrap();
    }
}

#[test]
fn enroll_fails_before_anything_is_sent_when_the_folder_cannot_be_made() {
    let world = World::new();
    world.write("state", "a file where the folder should be");

    world.run_with(&["enroll", "shop"], SECRET).exits(1).says("state").says("hint: ");
    world.run(&["rotate", "shop"]).exits(1).says("state");

    assert_eq!(world.calls(), [""; 0]);
    assert_eq!(world.read("state"), "a file where the folder should be");
    assert!(!world.path("shop.env").exists());
}

/// Rule 1: intent first, so that what cannot be kept is not begun.
#[test]
fn rotate_fails_before_anything_is_sent_when_the_record_cannot_be_written() {
    let world = World::enrolled();
    let calls = world.calls().len();
    let blocked = Blocked::new(&world);

    world.run(&["rotate", "shop"]).exits(1).says("cannot write in the folder").says("hint: ");

    assert_eq!(world.calls()[calls..], [""; 0], "nothing is asked before the record is saved");
    assert_eq!(world.status()["state"], "settled");
    blocked.end();
    world.run(&["rotate", "shop"]).done();
    world.assert_rotated();
}

/// Rule 5: the secret that cannot be kept stays where it is.
#[test]
fn a_new_secret_that_cannot_be_kept_stays_in_the_queue() {
    let world = World::enrolled();
    world.emulator.rotate_in_console(CLIENT_ID, true);
    let calls = world.calls().len();
    let blocked = Blocked::new(&world);

    world.run(&["rotate", "shop"]).exits(1).says("cannot write in the folder");

    assert_eq!(world.calls()[calls..], [""; 0], "nothing is received before the record is saved");
    assert_eq!(world.emulator.messages().all(), 1);
    blocked.end();
    world.emulator.advance_time(std::time::Duration::from_secs(600));
    let (code, document) = world.json(&["rotate", "shop"]);
    assert_eq!((code, &document["outcome"]), (Some(0), &"taken-up".into()));
    world.assert_rotated();
}

#[test]
fn a_damaged_record_is_left_as_it_is_and_not_worked_with() {
    let world = World::enrolled();
    let record = world.path("state").read_dir().unwrap().next().unwrap().unwrap().path();
    let whole = fs::read(&record).unwrap();
    let cut = &whole[..whole.len() / 2];
    fs::write(&record, cut).unwrap();
    let calls = world.calls().len();

    for command in [&["status"][..], &["get", "shop"], &["rotate", "shop"], &["resume", "shop", "--wait"]] {
        world.run(command).exits(1).says("not a readable record");
    }
    world.run_with(&["enroll", "shop"], SECRET).exits(1).says("not a readable record");

    assert_eq!(fs::read(&record).unwrap(), cut);
    assert_eq!(world.calls().len(), calls);
}

/// What an older program finds after a newer one, and what somebody else has put there: neither is worked with or replaced.
#[test]
fn a_record_of_another_format_is_left_as_it_is_and_named() {
    for (document, told) in [
        (r#"{"format":3,"client_id":"amzn1.application-oa2-client.shop"}"#, "it is of format 3"),
        (r#"{"format":0}"#, "it is of format 0"),
        (r#"{"secret":"amzn1.oa2-cs.v1.elsewhere"}"#, "format is missing"),
        ("", "it is not JSON"),
    ] {
        let world = World::enrolled();
        world.watch_for("amzn1.oa2-cs.v1.elsewhere");
        world.emulator.rotate_in_console(CLIENT_ID, true);
        let record = world.path("state").read_dir().unwrap().next().unwrap().unwrap().path();
        fs::remove_file(&record).unwrap();
        let store = FileStore::new(world.path("state"));
        Runtime::new().unwrap().block_on(store.save(CLIENT_ID, document.into(), None)).unwrap();
        let planted = fs::read(&record).unwrap();

        for command in [&["status"][..], &["get", "shop"], &["rotate", "shop"], &["resume", "shop", "--wait"]] {
            world.run(command).exits(1).says(told).says("left as it is");
        }
        world.run_with(&["enroll", "shop"], SECRET).exits(1).says(told).says("hint: ");

        assert_eq!(fs::read(&record).unwrap(), planted);
        assert_eq!(world.path("state").read_dir().unwrap().count(), 1);
        assert_eq!(world.emulator.messages().all(), 1, "rule 5: the new secret stays in the queue");
    }
}

#[test]
fn the_record_can_be_read_by_its_owner_alone_after_every_command() {
    let world = World::enrolled();
    world.run(&["rotate", "shop"]).done();
    for entry in world.path("state").read_dir().unwrap() {
        assert_eq!(mode(&entry.unwrap().path()), 0o600);
    }
}
