//! Where the verified credential is published: files and commands.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use serde_json::{Value, json};

use crate::program::{CLIENT_ID, SECRET, TARGETS, World, mode, script};

fn exec(command: &str) -> String {
    format!("{TARGETS}\n[[apps.shop.publish]]\nkind = \"exec\"\ncommand = [\"{command}\", \"an argument\"]\n")
}

#[test]
fn a_command_gets_the_credential_as_json_on_its_stdin_and_nothing_secret_elsewhere() {
    let world = World::new();
    script(&world, "publish", "cat > got; printf '%s' \"$1\" > argument; env > environment; echo to-nobody");
    world.configure("", &exec("./publish"));
    world.enroll();

    let ran = world.run(&["rotate", "shop"]).done();

    let got: Value = serde_json::from_str(&world.read("got")).unwrap();
    let status = world.status();
    let expected =
        json!({ "client_id": CLIENT_ID, "client_secret": world.newest(), "expires_at": status["expires_at"] });
    assert_eq!(got, expected);
    assert_eq!(world.read("argument"), "an argument");
    assert!(!world.read("environment").contains(&world.newest()), "rule 9");
    assert!(!ran.stdout.contains("to-nobody"), "stdout holds results alone");
    assert!(ran.stdout.contains("exec:./publish"), "{}", ran.stdout);
}

#[test]
fn a_command_that_fails_leaves_the_rotation_publishing_and_is_tried_again() {
    let world = World::new();
    script(&world, "publish", "cat > got");
    world.configure("", &exec("./publish"));
    world.enroll();
    script(&world, "publish", "echo the vault is sealed >&2; cat >&2; exit 7");

    let ran = world.run(&["rotate", "shop", "--timeout", "2s"]).exits(3);

    let ran = ran.says("the new secret is verified, and not published everywhere yet").says("the vault is sealed");
    assert!(ran.stderr.contains('7'), "the exit code is told: {}", ran.stderr);
    assert!(!ran.stderr.contains(&world.newest()), "rule 9: what the command echoes is withheld");
    let status = world.status();
    assert_eq!((&status["state"], &status["problem"]["cause"]), (&"publishing".into(), &"target-failed".into()));
    let held: Vec<_> = status["targets"].as_array().unwrap().iter().map(|target| &target["holds_current"]).collect();
    assert_eq!(held, [true, true, false], "the others have it");
    assert!(world.read("got").contains(SECRET), "what it wrote before is untouched");
    assert_eq!(world.emulator.messages().all(), 1, "rule 5: acknowledged last");

    script(&world, "publish", "cat > got");
    world.emulator.advance_time(Duration::from_secs(600));
    let (code, document) = world.json(&["rotate", "shop"]);
    assert_eq!((code, &document["outcome"]), (Some(0), &"joined".into()));
    assert!(world.read("got").contains(&world.newest()));
    assert_eq!(world.count("rotate"), 1);
    world.assert_rotated();
}

/// Rule 2: reading the queue may finish it, before this command has looked at what there is to do.
#[test]
fn a_rotation_that_was_killed_while_it_published_is_finished_and_not_begun_again() {
    let world = World::new();
    script(&world, "publish", "cat > got");
    world.configure("", &exec("./publish"));
    world.enroll();
    script(&world, "publish", "kill -9 $PPID");
    assert_eq!(world.run(&["rotate", "shop"]).code, None);
    assert_eq!(world.status()["state"], "publishing");
    script(&world, "publish", "cat > got");
    world.emulator.advance_time(Duration::from_secs(180));

    let (code, document) = world.json(&["rotate", "shop"]);

    assert_eq!((code, &document["outcome"]), (Some(0), &"joined".into()));
    assert_eq!(world.count("rotate"), 1);
    world.assert_rotated();
}

#[test]
fn a_command_that_hangs_is_stopped_at_its_timeout() {
    let world = World::new();
    script(&world, "publish", "exec sleep 60");
    world.configure("", &(exec("./publish") + "timeout = \"1s\"\n"));

    let ran = world.run_with(&["enroll", "shop"], SECRET).exits(3).says("not published everywhere");

    assert!(ran.took < Duration::from_secs(20), "{:?}", ran.took);
    assert!(world.read("shop.env").contains(SECRET));
}

#[test]
fn a_command_that_is_not_there_is_told() {
    let world = World::new();
    world.configure("", &exec("./no-such-command"));
    world.run_with(&["enroll", "shop"], SECRET).exits(3).says("no-such-command");
}

#[test]
fn a_file_keeps_its_other_lines_members_and_mode() {
    let world = World::new();
    let env = format!("# the shop\nPORT=80\nLWA_CLIENT_SECRET={SECRET}\n\nexport DEBUG=\"a b\"\n");
    world.write("shop.env", &env);
    let json = format!("{{\n  \"port\": 80,\n  \"client_secret\": \"{SECRET}\",\n  \"list\": [1.50, null]\n}}\n");
    world.write("shop.json", &json);
    fs::set_permissions(world.path("shop.env"), fs::Permissions::from_mode(0o640)).unwrap();
    world.enroll();

    world.run(&["rotate", "shop"]).done();

    let env = world.read("shop.env");
    for line in ["# the shop", "PORT=80", "export DEBUG=\"a b\""] {
        assert!(env.lines().any(|found| found == line), "{line}: {env}");
    }
    assert!(!env.contains(SECRET) && env.contains(&world.newest()), "{env}");
    assert_eq!(env.matches("LWA_CLIENT_SECRET=").count(), 1, "{env}");
    assert_eq!(mode(&world.path("shop.env")), 0o640);
    let document: Value = serde_json::from_str(&world.read("shop.json")).unwrap();
    assert_eq!((&document["port"], &document["list"]), (&80.into(), &json!([1.5, null])));
    assert_eq!(document["client_secret"], world.newest());
}

#[test]
fn a_new_file_can_be_read_by_its_owner_alone() {
    let world = World::enrolled();
    assert_eq!((mode(&world.path("shop.env")), mode(&world.path("shop.json"))), (0o600, 0o600));
}

#[test]
fn a_file_takes_other_names() {
    let world = World::new();
    let target = "[[apps.shop.publish]]\nkind = \"file\"\npath = \"shop.env\"\nformat = \"env\"\n";
    world.configure("", &format!("{target}names = {{ client-secret = \"SHOP_SECRET\" }}\n"));
    world.enroll();
    assert!(world.read("shop.env").contains(&format!("SHOP_SECRET={SECRET}\n")), "{}", world.read("shop.env"));
}

/// Whatever one target does, the others get the secret.
#[test]
fn a_file_that_cannot_be_written_does_not_keep_the_others_from_the_secret() {
    let world = World::new();
    let missing = "[[apps.shop.publish]]\nkind = \"file\"\npath = \"no/such/folder/shop.env\"\nformat = \"env\"\n";
    world.configure("", &format!("{missing}{TARGETS}"));

    world.run_with(&["enroll", "shop"], SECRET).exits(3).says("no/such/folder");

    assert!(world.read("shop.env").contains(SECRET) && world.read("shop.json").contains(SECRET));
    assert!(!world.path("no").exists());
}
