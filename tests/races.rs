//! Several processes of the real program at once on one store, one queue and one set of targets, started together; and hosts
//! that stand still in the middle of something and are woken when others have done their work.

#![allow(missing_docs, clippy::unwrap_used, reason = "tests")]

mod program;

#[path = "races/frozen.rs"]
mod frozen;

use std::time::Duration;

use lwa_rotate_emulator::{Application, Operation};
use program::{CLIENT_ID, Running, SECRET, World};

/// How many race.
const RACERS: usize = 8;
/// How often; `LWA_ROTATE_RACES` says otherwise.
const ROUNDS: usize = 3;
/// Longer than any message stays hidden from the others here.
const UNTIL_VISIBLE: Duration = Duration::from_secs(600);

fn rounds() -> usize {
    std::env::var("LWA_ROTATE_RACES").map_or(ROUNDS, |rounds| rounds.parse().unwrap())
}

/// Starts a command several times; all begin at one moment.
fn start_together<'w>(world: &'w World, commands: &[&[&str]]) -> Vec<Running<'w>> {
    let _ = std::fs::remove_file(world.path("go"));
    let line = "echo ready >&2; until [ -e go ]; do sleep 0.01; done; exec \"$@\"";
    let racers: Vec<_> = commands.iter().map(|command| world.start_in_shell(line, command)).collect();
    for racer in &racers {
        racer.until("it is ready", || racer.stderr().contains("ready"));
    }
    world.write("go", "");
    racers
}

fn rotates(world: &World, client_id: &str) -> usize {
    let calls = world.emulator.calls();
    let of = |operation, status| {
        calls.iter().filter(move |call| {
            call.operation == operation
                && call.client_id.as_deref() == Some(client_id)
                && call.status.is_some_and(|is| is == status)
        })
    };
    assert_eq!(of(Operation::Rotate, 429).count(), 0, "a second call would have been refused by its rate alone");
    of(Operation::Rotate, 204).count()
}

/// Lets a `watch` finish what the racers have left, as somebody always does; the messages that they hold come back to it.
fn finish(world: &World, is_finished: impl Fn() -> bool) {
    if !is_finished() {
        world.emulator.advance_time(UNTIL_VISIBLE);
        world.watch_until("what was left is finished", is_finished).done();
    }
}

/// Rule 3: one caller. The message comes when all are at it.
#[test]
fn eight_rotates_started_together_make_one_call_and_leave_nothing() {
    let mut codes = Vec::new();
    for _ in 0..rounds() {
        let world = World::enrolled_with(|options| options.notification_delay = Duration::from_secs(3600));

        let racers = start_together(&world, &[&["rotate", "shop", "--timeout", "8s"][..]; RACERS]);
        for racer in &racers {
            let at_it = || ["rotating the", "finishing the"].iter().any(|begun| racer.stderr().contains(begun));
            racer.until("it is at it", at_it);
        }
        racers[0].until("the call is made", || world.emulator.messages().all() == 1);
        world.emulator.advance_time(Duration::from_secs(3600));
        codes.extend(racers.into_iter().map(|racer| racer.end().code));

        finish(&world, || world.emulator.messages().all() == 0 && world.status()["state"] == "settled");
        assert_eq!(rotates(&world, CLIENT_ID), 1, "one call");
        assert_eq!(world.emulator.secrets(CLIENT_ID).len(), 2);
        assert!(world.read("shop.json").contains(&world.newest()));
        assert_eq!(
            (world.status()["generation"].as_u64(), world.stored("retired").as_deref()),
            (Some(2), Some(SECRET))
        );
        world.assert_rotated();
        assert_nothing_left(&world);
    }
    assert!(codes.iter().all(|code| matches!(code, Some(0 | 3))), "{codes:?}");
    assert!(codes.contains(&Some(0)), "somebody finishes: {codes:?}");
}

#[test]
fn eight_watches_started_together_make_one_call_and_leave_nothing() {
    for _ in 0..rounds() {
        let world = World::with(|options| options.applications[0].expires_in = Duration::from_secs(10 * 86_400));
        world.enroll_an_hour_ago(10);

        let racers = start_together(&world, &[&["watch", "--json"][..]; RACERS]);
        for racer in &racers {
            racer.until("it has begun", || racer.stderr().contains("watching"));
        }
        racers[0].until("it is rotated", || {
            world.path("shop.json").exists()
                && world.read("shop.json").contains(&world.newest())
                && world.emulator.secrets(CLIENT_ID).len() == 2
                && world.emulator.messages().all() == 0
        });
        for racer in &racers {
            racer.terminate();
        }
        for racer in racers {
            racer.end().done();
        }

        assert_eq!(rotates(&world, CLIENT_ID), 1, "one call");
        world.assert_rotated();
        assert_nothing_left(&world);
    }
}

/// Whoever receives the message of an application that is enrolled takes it up, whatever it was looking for.
#[test]
fn eight_processes_on_two_applications_whose_messages_come_to_each_others_queue_make_one_call_each() {
    const MILL: &str = "amzn1.application-oa2-client.mill";
    const MILL_SECRET: &str = "amzn1.oa2-cs.v1.mill-90c4d1e7a2b853f6";
    for _ in 0..rounds() {
        let world = World::with(|options| {
            options.notification_delay = Duration::from_secs(3600);
            options.applications.push(Application::new(MILL, MILL_SECRET));
            // Each one's messages go where the other one's are looked for.
            options.applications[0].queue = Some("second".into());
        });
        let (url, token) = (world.emulator.url(), world.emulator.token_endpoint());
        let app = |name: &str, client_id: &str, queue: &str| {
            format!(
                "[apps.{name}]\nclient-id = \"{client_id}\"\nqueue = \"{queue}\"\napi-endpoint = \"{url}\"\n\
                 token-endpoint = \"{token}\"\n\
                 [[apps.{name}.publish]]\nkind = \"file\"\npath = \"{name}.env\"\nformat = \"env\"\n"
            )
        };
        let queues = (world.emulator.queue_url(), world.emulator.queue_url_of("second"));
        world.write(
            "lwa-rotate.toml",
            &format!(
                "[store]\npath = \"state\"\n[queues.first]\nurl = \"{}\"\n[queues.second]\nurl = \"{}\"\n{}{}",
                queues.0,
                queues.1,
                app("shop", CLIENT_ID, "first"),
                app("mill", MILL, "second"),
            ),
        );
        world.watch_for(MILL_SECRET);
        world.enroll();
        world.run_with(&["enroll", "mill"], MILL_SECRET).done();
        let rotate = |app| ["rotate", app, "--timeout", "8s"];
        let (shop, mill) = (rotate("shop"), rotate("mill"));
        let commands: Vec<&[&str]> = (0..RACERS).map(|racer| [&shop[..], &mill[..]][racer % 2]).collect();

        let racers = start_together(&world, &commands);
        for racer in &racers {
            let at_it = || ["rotating the", "finishing the"].iter().any(|begun| racer.stderr().contains(begun));
            racer.until("it is at it", at_it);
        }
        let left = || world.emulator.messages().all() + world.emulator.messages_in("second").all();
        racers[0].until("both calls are made", || left() == 2);
        world.emulator.advance_time(Duration::from_secs(3600));
        let codes: Vec<_> = racers.into_iter().map(|racer| racer.end().code).collect();

        assert!(codes.iter().all(|code| matches!(code, Some(0 | 3))), "{codes:?}");
        finish(&world, || left() == 0);
        for (name, client_id) in [("shop", CLIENT_ID), ("mill", MILL)] {
            let newest = world.emulator.secrets(client_id).pop().unwrap().secret;
            world.watch_for(&newest);
            assert_eq!(rotates(&world, client_id), 1, "one call for {name}");
            assert!(world.read(&format!("{name}.env")).contains(&newest), "{name}");
            let (_, status) = world.json(&["status", name]);
            assert_eq!(status["apps"][0]["state"], "settled", "{name}");
        }
        assert_nothing_left(&world);
    }
}

/// No temporary file of the store or a target.
fn assert_nothing_left(world: &World) {
    for folder in ["state", ""] {
        for entry in std::fs::read_dir(world.path(folder)).unwrap() {
            let name = entry.unwrap().file_name().into_string().unwrap();
            assert!(name == "tmp" || !name.contains("tmp"), "{folder}/{name}");
        }
    }
}
