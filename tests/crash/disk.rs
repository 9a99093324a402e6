//! A disk that is full, and one that cannot be written: file systems of their own, mounted where only the program sees them.

use std::fs;

use crate::program::{Ran, World};

const FULL: &str = "
    mount -t tmpfs -o size=64k,mode=700 tmpfs $place || exit 1
    cp -a kept/. $place
    while dd if=/dev/zero bs=1k count=1 >> $place/filler 2>/dev/null; do :; done";
const READ_ONLY: &str = "
    mount --bind $place $place || exit 1
    mount -o remount,bind,ro $place || exit 1";

/// Runs `rotate` while something is wrong with a folder, and again when it is put right. The end of each.
fn rotate_twice(world: &World, place: &str, broken: &str, mended: &str) -> [Ran; 2] {
    let rotate = "\"$@\" rotate shop --timeout";
    let script = format!(
        "place={place}
        cp -a $place kept
        {broken}
        \"$@\" status > status.out || exit 1
        {rotate} 8s > first.out 2> first.err; echo $? > first.code
        {mended}
        {rotate} 60s; code=$?
        rm -r kept && cp -a $place kept
        exit $code"
    );
    world.write("script", &script);
    let own = "[ $(id -u) = 0 ] && own=-m || own=-rm; exec unshare $own /bin/sh ./script \"$@\"";

    let second = world.run_in_shell(own, &[]);

    assert!(
        world.path("first.code").exists(),
        "this test mounts file systems that only it sees, and the system refuses that (unshare -m as root, or -rm): {}",
        second.stderr
    );
    // What only the program has seen until now.
    fs::remove_dir_all(world.path(place)).unwrap();
    fs::rename(world.path("kept"), world.path(place)).unwrap();
    let first = Ran {
        code: world.read("first.code").trim().parse().ok(),
        stdout: world.read("first.out"),
        stderr: world.read("first.err"),
        took: second.took,
    };
    world.note("the first run", format!("{}{}", first.stdout, first.stderr));
    [first, second]
}

/// The current secret is published to a folder of its own.
fn published_to_folder() -> World {
    let world = World::new();
    fs::create_dir(world.path("out")).unwrap();
    world.configure("", "[[apps.shop.publish]]\nkind = \"file\"\npath = \"out/shop.env\"\nformat = \"env\"\n");
    world.enroll();
    world
}

fn assert_rotated_once(world: &World, published: &str) {
    assert_eq!(world.stored("current"), Some(world.newest()));
    assert!(world.read(published).contains(&world.newest()));
    assert_eq!(world.status()["state"], "settled");
    assert_eq!((world.emulator.messages().all(), world.count("rotate")), (0, 1));
    assert_eq!(world.count("token"), 3, "enrolled, rotation, verification: no try was in vain");
    let folder = world.path(published).parent().unwrap().to_owned();
    for place in [folder, world.path("state")] {
        let left =
            place.read_dir().unwrap().find(|entry| entry.as_ref().unwrap().path().extension() == Some("tmp".as_ref()));
        assert!(left.is_none(), "{left:?}");
    }
}

/// Rule 1: what cannot be kept is not begun. Rule 11: say what to do.
#[test]
fn a_store_that_is_full_stops_a_rotation_before_it_begins() {
    let world = World::enrolled();
    let [first, second] = rotate_twice(&world, "state", FULL, "rm $place/filler");
    first.exits(1).says("/state").says("No space left on device").says("make room").says("hint: ");
    second.done();
    assert_rotated_once(&world, "shop.env");
}

#[test]
fn a_store_that_is_read_only_stops_a_rotation_before_it_begins() {
    let world = World::enrolled();
    let [first, second] = rotate_twice(&world, "state", READ_ONLY, "umount $place");
    first.exits(1).says("/state").says("Read-only file system").says("mounted read-only").says("hint: ");
    second.done();
    assert_rotated_once(&world, "shop.env");
}

/// Rule 5: acknowledged last.
#[test]
fn a_target_that_is_full_gets_the_new_secret_when_there_is_room() {
    let world = published_to_folder();
    let [first, second] = rotate_twice(&world, "out", FULL, "rm $place/filler");
    first
        .exits(3)
        .says("out/shop.env")
        .says("No space left on device")
        .says("make room")
        .says("not published everywhere");
    second.done();
    assert_rotated_once(&world, "out/shop.env");
}

#[test]
fn a_target_that_is_read_only_gets_the_new_secret_when_it_can_be_written() {
    let world = published_to_folder();
    let [first, second] = rotate_twice(&world, "out", READ_ONLY, "umount $place");
    first.exits(3).says("out/shop.env").says("Read-only file system").says("mounted read-only");
    second.done();
    assert_rotated_once(&world, "out/shop.env");
}
