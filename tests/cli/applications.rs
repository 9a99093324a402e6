//! Applications in a folder of files: a bad file stops nobody else, and SIGHUP brings what has changed.

use crate::program::{CLIENT_ID, Running, World};

const MILL: &str = "amzn1.application-oa2-client.mill";
const MILL_SECRET: &str = "amzn1.oa2-cs.v1.mill-90c4d1e7a2b853f6";

/// The shop stands in a file of the folder; Amazon knows the mill as well. A queue is read every second.
fn world() -> World {
    let world = World::with(|options| {
        options.applications.push(lwa_rotate_emulator::Application::new(MILL, MILL_SECRET));
    });
    world.watch_for(MILL_SECRET);
    std::fs::create_dir(world.path("apps.d")).unwrap();
    world.write("lwa-rotate.toml", &main(&world, ""));
    world.write("apps.d/shop.toml", &app(&world, "shop", CLIENT_ID, ""));
    world
}

fn main(world: &World, more: &str) -> String {
    let queue = world.emulator.queue_url();
    format!(
        "apps-folder = \"apps.d\"\n[store]\npath = \"state\"\n[queues.main]\nurl = \"{queue}\"\n\
         [watch]\nqueue-interval = \"1s\"\n{more}"
    )
}

fn app(world: &World, name: &str, client_id: &str, more: &str) -> String {
    let (url, token) = (world.emulator.url(), world.emulator.token_endpoint());
    format!(
        "[apps.{name}]\nclient-id = \"{client_id}\"\nqueue = \"main\"\napi-endpoint = \"{url}\"\n\
         token-endpoint = \"{token}\"\n{more}\n\
         [[apps.{name}.publish]]\nkind = \"file\"\npath = \"{name}.env\"\nformat = \"env\"\n"
    )
}

fn newest(world: &World, client_id: &str) -> String {
    let newest = world.emulator.secrets(client_id).pop().unwrap().secret;
    world.watch_for(&newest);
    newest
}

/// Whether an application reads its newest secret.
fn has_newest(world: &World, name: &str, client_id: &str) -> bool {
    let published = std::fs::read_to_string(world.path(&format!("{name}.env"))).unwrap_or_default();
    published.contains(&newest(world, client_id)) && world.emulator.messages().all() == 0
}

/// Waits until it has read its configuration so often again, and whatever began before has ended: a receive takes a second.
fn is_taken_up(world: &World, watch: &Running<'_>, times: usize) {
    watch.until("it has read it", || watch.stderr().matches("read again").count() == times);
    let received = world.count("receive");
    watch.until("receives of before have ended", || world.count("receive") >= received + 4);
}

#[test]
fn a_file_with_mistakes_is_told_with_its_lines_and_stops_no_other_application() {
    let world = world();
    world.enroll();
    world.write("apps.d/mill.toml", &app(&world, "mill", MILL, "patience = \"soon\""));
    world.emulator.rotate_in_console(CLIENT_ID, true);

    let watched = world.watch_until("the shop is up to date", || has_newest(&world, "shop", CLIENT_ID)).done();

    let at = "apps.d/mill.toml:6: `patience` is not a duration";
    watched.says("left out because of its mistakes").says(at);
    let status = world.run(&["status"]).exits(1).says(at);
    assert!(status.stdout.contains("shop") && !status.stdout.contains("mill"), "{}", status.stdout);
    let (_, document) = world.json(&["status"]);
    assert_eq!((&document["mistakes"][0]["line"], document["apps"].as_array().unwrap().len()), (&6.into(), 1));
    world.run(&["rotate", "mill"]).exits(2).says(at).says("mill is in this file");
    world.run(&["rotate", "no-such"]).exits(2).says("this file is left out because of its mistakes").says(at);
    let (code, document) = world.json(&["check"]);
    let mut findings = document["findings"].as_array().unwrap().iter();
    let finding = findings.find(|finding| finding["check"] == "configuration" && finding["severity"] == "blocking");
    assert!(finding.unwrap()["evidence"].as_str().unwrap().contains(at), "{document}");
    assert_eq!(code, Some(1));
}

#[test]
fn sighup_takes_up_new_files_and_keeps_what_was_there_when_the_configuration_has_become_bad() {
    let world = world();
    world.enroll();
    let watch = world.start(&["watch", "--json"]);
    watch.until("it has begun", || watch.stderr().contains("watching"));

    world.write("apps.d/mill.toml", &app(&world, "mill", MILL, ""));
    world.run_with(&["enroll", "mill"], MILL_SECRET).done();
    watch.signal("HUP");
    is_taken_up(&world, &watch, 1);
    world.emulator.rotate_in_console(MILL, true);
    watch.until("the new application is up to date", || has_newest(&world, "mill", MILL));

    world.write("lwa-rotate.toml", &main(&world, "colour = \"red\"\n"));
    watch.signal("HUP");
    let refused = "lwa-rotate.toml:8: unknown key `colour` in [watch]";
    watch.until("it says what is wrong", || watch.stderr().contains(refused));
    world.emulator.rotate_in_console(CLIENT_ID, true);
    watch.until("what was there goes on", || has_newest(&world, "shop", CLIENT_ID));

    world.write("lwa-rotate.toml", &main(&world, ""));
    std::fs::remove_file(world.path("apps.d/mill.toml")).unwrap();
    watch.signal("HUP");
    is_taken_up(&world, &watch, 2);
    world.emulator.rotate_in_console(MILL, true);
    world.emulator.rotate_in_console(CLIENT_ID, true);
    let newest = newest(&world, CLIENT_ID);
    watch.until("the shop goes on", || world.read("shop.env").contains(&newest));
    watch.until("the mill's message is left", || watch.stdout().contains("not-enrolled"));
    watch.terminate();
    watch.end().done();

    assert_eq!(world.emulator.messages().all(), 1, "rule 7: not ours, not touched");
}

#[test]
fn a_file_that_has_become_bad_at_sighup_goes_on_as_it_was() {
    let world = world();
    world.write("apps.d/mill.toml", &app(&world, "mill", MILL, ""));
    world.enroll();
    world.run_with(&["enroll", "mill"], MILL_SECRET).done();
    let watch = world.start(&["watch", "--json"]);
    watch.until("it has begun", || watch.stderr().contains("watching"));

    for (reload, mistake) in ["colour = \"red\"", "patience = \"soon\""].iter().enumerate() {
        world.write("apps.d/mill.toml", &app(&world, "mill", MILL, mistake));
        watch.signal("HUP");
        is_taken_up(&world, &watch, reload + 1);
    }
    world.emulator.rotate_in_console(MILL, true);
    watch.until("the mill goes on", || has_newest(&world, "mill", MILL));
    watch.terminate();
    let watched = watch.end().done();

    let line = watched.stderr.lines().find(|line| line.contains("rotated as before")).unwrap();
    assert!(line.contains("ERROR") && line.contains("apps.d/mill.toml:6: unknown key `colour`"), "{line}");
    assert!(!watched.stderr.contains("left out"), "{}", watched.stderr);
}

/// Rule 2: what is under way is finished, and not begun again.
#[test]
fn sighup_in_the_middle_of_a_rotate_call_makes_no_second_one() {
    let world = world();
    world.fault("rotate:delay=2s");
    world.write("apps.d/shop.toml", &app(&world, "shop", CLIENT_ID, "rotate-before = \"1d\""));
    world.enroll();
    world.want_rotation();
    let watch = world.start(&["watch"]);
    watch.until("it has begun", || watch.stderr().contains("watching"));

    world.write("apps.d/shop.toml", &app(&world, "shop", CLIENT_ID, "rotate-before = \"30d\""));
    watch.signal("HUP");
    watch.until("the call is under way", || world.count("rotate") == 1);
    for reload in 2..5 {
        watch.signal("HUP");
        watch.until("it has read it", || watch.stderr().matches("read again").count() == reload);
    }
    watch.until("it is rotated", || has_newest(&world, "shop", CLIENT_ID));
    watch.terminate();
    watch.end().done();

    assert_eq!(world.count("rotate"), 1);
    assert_eq!(world.emulator.secrets(CLIENT_ID).len(), 2);
}
