use std::time::Duration;

use crate::doubles::vault::{TOKEN, Vault};
use crate::program::{SECRET, World, script};
use crate::{assert_fails, configure, publish_again, target};

const TARGET: &str =
    "name = \"file\"\nkind = \"file\"\npath = \"hooked.env\"\nformat = \"env\"\nthen = [\"./reload\", \"shop\"]";

#[test]
fn the_command_runs_after_each_new_secret_with_the_secret_published_and_nothing_secret_told() {
    let world = World::new();
    configure(&world, TARGET);
    script(
        &world,
        "reload",
        "grep -o 'SECRET=.*' hooked.env >> found; echo \"$1\" >> arguments; { env; cat; } > told; cat hooked.env; true",
    );
    world.enroll();

    world.run(&["rotate", "shop"]).done();

    assert_eq!(world.read("found"), format!("SECRET={SECRET}\nSECRET={}\n", world.newest()));
    assert_eq!(world.read("arguments"), "shop\nshop\n");
    world.note("what the command was told", world.read("told"));
    world.assert_rotated();
}

#[test]
fn a_command_that_fails_is_told_and_runs_once_more_until_it_succeeds() {
    let world = World::new();
    configure(&world, TARGET);
    script(&world, "reload", "echo x >> runs; cat hooked.env >&2; echo no such unit >&2; exit 5");
    assert_fails(
        &world,
        "file",
        &["it is published, but what follows failed: the command", "exit status: 5", "no such unit"],
    );
    assert!(world.read("hooked.env").contains(SECRET), "it is published");
    let runs = world.read("runs").lines().count();

    script(&world, "reload", "echo x >> runs");
    world.emulator.advance_time(Duration::from_secs(600));
    world.watch_until("the target is done", || target(&world, "file")["holds_current"] == true).done();

    assert_eq!(world.read("runs").lines().count(), runs + 1);
    assert_eq!(target(&world, "file")["failure"], serde_json::Value::Null);
}

#[test]
fn a_command_follows_a_target_of_any_kind_also_when_the_target_held_the_secret_already() {
    let vault = Vault::start();
    let world = World::new();
    world.set("VAULT_ADDR", &vault.url);
    world.set("VAULT_TOKEN", TOKEN);
    configure(&world, "kind = \"vault\"\npath = \"shop\"\nthen = [\"./reload\"]");
    script(&world, "reload", "echo x >> runs");
    world.enroll();

    publish_again(&world);

    assert_eq!((vault.writes(), world.read("runs").lines().count()), (1, 2));
}
