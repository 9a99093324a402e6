use std::time::Duration;

use serde_json::{Value, json};

use crate::doubles::vault::{TOKEN, Vault};
use crate::program::{CLIENT_ID, SECRET, World, in_days};
use crate::{assert_fails, configure, finding, publish_again, target, tls};

const TARGET: &str = "name = \"vault\"\nkind = \"vault\"\npath = \"shop\"";

/// A world that publishes to this Vault.
fn world(vault: &Vault, lines: &str) -> World {
    let world = World::new();
    world.watch_for(TOKEN);
    world.set("VAULT_ADDR", &vault.url);
    world.set("VAULT_TOKEN", TOKEN);
    configure(&world, &format!("{TARGET}\n{lines}"));
    world
}

fn document(vault: &Vault, place: &str) -> Value {
    serde_json::from_str(&vault.newest(place).0).unwrap()
}

#[test]
fn a_rotation_writes_a_version_and_leaves_the_other_members_to_the_byte() {
    let vault = Vault::start();
    let theirs = [
        r#""port":8080"#,
        r#""big":123456789012345678901234567890"#,
        r#""rate":1.50e+1"#,
        r#""nested":{"b" : [null, true, "\u00e9"], "a":{}}"#,
    ];
    vault.put("secret/shop", &format!("{{{},\"client_secret\":\"\"}}", theirs.join(",")));
    let world = world(&vault, "");
    world.enroll();

    world.run(&["rotate", "shop"]).done();

    world.assert_rotated();
    let (text, version) = vault.newest("secret/shop");
    for member in theirs {
        assert!(text.replace("\": ", "\":").contains(&member.replace("\": ", "\":")), "{member}");
    }
    let document = document(&vault, "secret/shop");
    assert_eq!((&document["client_id"], &document["client_secret"]), (&CLIENT_ID.into(), &world.newest().into()));
    assert_eq!(document["expires_at"], world.status()["expires_at"]);
    assert_eq!(version, 3, "theirs, the enrolled one, the new one");
}

#[test]
fn a_secret_that_is_not_there_is_made_and_one_that_holds_it_already_is_not_written() {
    let vault = Vault::start();
    let world = world(&vault, "");
    world.enroll();
    assert_eq!(document(&vault, "secret/shop")["client_secret"], SECRET);
    assert_eq!(vault.writes(), 1);

    publish_again(&world);

    assert_eq!((vault.writes(), vault.newest("secret/shop").1), (1, 1));
}

#[test]
fn the_members_take_other_names_and_the_place_its_mount_namespace_and_token_from_the_configuration() {
    let vault = Vault::start();
    {
        let mut state = vault.state();
        state.mounts.insert("team/kv".into(), 2);
        state.policy.insert("team/kv/data/shops/one%20two".into(), vec!["create", "read", "update"]);
        state.namespace = Some("eu".into());
    }
    let world = World::new();
    world.watch_for(TOKEN);
    world.write("token", &format!("{TOKEN}\n"));
    world.set("VAULT_TOKEN", "hvs.of-somebody-else");
    configure(
        &world,
        &format!(
            "kind = \"vault\"\naddress = \"{}/\"\nmount = \"team/kv\"\npath = \"shops/one two\"\nnamespace = \"eu\"\n\
             token-file = \"token\"\nnames = {{ client-secret = \"AppClientSecret\" }}",
            vault.url
        ),
    );

    world.enroll();

    let document = document(&vault, "team/kv/shops/one%20two");
    assert_eq!((&document["AppClientSecret"], &document["client_id"]), (&SECRET.into(), &CLIENT_ID.into()));
    assert_eq!(target(&world, "vault:team/kv/shops/one two")["holds_current"], true);
}

#[test]
fn moving_over_is_one_command() {
    let vault = Vault::start();
    let world = world(&vault, "");
    world.run(&["enroll", "shop", "--from", "vault"]).exits(1).says("no client secret in vault yet");
    let ends = format!("{}T12:00:00Z", in_days(100));
    let held = json!({ "client_id": CLIENT_ID, "client_secret": SECRET, "expires_at": ends });
    vault.put("secret/shop", &held.to_string());

    world.run(&["enroll", "shop", "--from", "vault"]).done();

    assert_eq!(world.stored("current").as_deref(), Some(SECRET));
    assert_eq!(world.status()["expires_at"], ends);
    assert_eq!((vault.writes(), document(&vault, "secret/shop")), (0, held), "it holds the same already");
}

#[test]
fn the_token_that_vault_login_leaves_is_used() {
    let vault = Vault::start();
    let world = world(&vault, "");
    world.set("VAULT_TOKEN", "");
    world.write(".vault-token", TOKEN);
    world.enroll();
    assert_eq!(document(&vault, "secret/shop")["client_secret"], SECRET);
}

#[test]
fn what_somebody_else_writes_meanwhile_is_read_again_and_kept() {
    let vault = Vault::start();
    vault.state().rival = (2, r#"{"theirs":1}"#.into());
    let world = world(&vault, "");

    world.enroll();

    let document = document(&vault, "secret/shop");
    assert_eq!((&document["theirs"], &document["client_secret"]), (&1.into(), &SECRET.into()));
    assert_eq!(vault.newest("secret/shop").1, 3, "two of theirs, one of ours");
}

#[test]
fn a_secret_that_never_stands_still_is_given_up_and_tried_again_later() {
    let vault = Vault::start();
    vault.state().rival = (1000, r#"{"theirs":1}"#.into());
    let world = world(&vault, "");
    assert_fails(&world, "vault", &["secret/shop in vault was changed by somebody else 5 times"]);

    vault.state().rival.0 = 0;
    world.emulator.advance_time(Duration::from_secs(600));
    world.run(&["rotate", "shop"]).done();
    assert_eq!(document(&vault, "secret/shop")["client_secret"], world.newest());
}

#[test]
fn each_way_to_fail_has_a_status_that_says_what_to_do() {
    type Change = fn(&Vault, &World);
    let rows: &[(Change, &str, &[&str])] = &[
        (|vault, _| vault.state().sealed = true, "", &["is sealed", "vault operator unseal"]),
        (|vault, _| vault.state().broken = Some((503, TOKEN.into())), "", &["not ready (status 503)", "vault status"]),
        (|vault, _| vault.state().broken = Some((500, TOKEN.into())), "", &["failed (status 500)", "log"]),
        (|vault, _| vault.state().broken = Some((429, TOKEN.into())), "", &["busy (status 429)"]),
        (|vault, _| vault.state().broken = Some((200, format!("<p>{TOKEN}"))), "", &["not KV version 2"]),
        (
            |vault, _| drop(vault.state().policy.remove("secret/data/shop")),
            "",
            &["does not let the token read secret/shop", "path \"secret/data/shop\" { capabilities = ["],
        ),
        (
            |vault, _| drop(vault.state().policy.insert("secret/data/shop".into(), vec!["read"])),
            "",
            &["does not let the token write secret/shop", "\"update\""],
        ),
        (
            |vault, _| vault.state().policy.retain(|path, _| path != "secret/data/shop" && !path.starts_with("auth/")),
            "",
            &["not permitted, or the token from VAULT_TOKEN has expired", "capabilities = ["],
        ),
        (|vault, _| vault.state().expired = true, "", &["does not accept the token from VAULT_TOKEN", "expired"]),
        (
            |vault, _| drop(vault.state().policy.insert("kv/data/shop".into(), vec!["read", "create"])),
            "mount = \"kv\"",
            &["mounted at kv/", "`mount`", "vault secrets list"],
        ),
        (
            |vault, _| vault.state().mounts = [("secret".into(), 1)].into(),
            "",
            &["secret/ in vault is not KV version 2", "vault kv enable-versioning secret"],
        ),
        (
            |vault, _| {
                vault.state().mounts.insert("secret".into(), 1);
                vault.put("secret/data/shop", r#"{"a":1}"#);
            },
            "",
            &["not KV version 2"],
        ),
        (
            |vault, _| {
                vault.put("secret/shop", "{}");
                vault.state().secrets.get_mut("secret/shop").unwrap()[0].deleted = true;
            },
            "",
            &["version 1 of secret/shop in vault was deleted", "vault kv undelete -mount=secret -versions=1 shop"],
        ),
        (
            |vault, _| {
                vault.put("secret/shop", "{}");
                vault.state().secrets.get_mut("secret/shop").unwrap()[0].destroyed = true;
            },
            "",
            &["version 1 of secret/shop in vault was destroyed", "vault kv metadata delete"],
        ),
        (
            |vault, _| vault.state().active = Some("http://127.0.0.1:1".into()),
            "",
            &["sends requests on to another address (status 307)", "active node"],
        ),
        (|_, world| world.set("VAULT_ADDR", "http://127.0.0.1:1"), "", &["no connection to http://127.0.0.1:1"]),
        (|_, world| world.set("VAULT_ADDR", ""), "", &["no address of vault is known", "VAULT_ADDR"]),
        (|_, world| world.set("VAULT_ADDR", "http://10.0.0.1"), "", &["plain http is for loopback addresses only"]),
        (|_, world| world.set("VAULT_TOKEN", ""), "", &[".vault-token", "vault login"]),
        (|_, world| world.set("VAULT_TOKEN", "two words"), "", &["VAULT_TOKEN holds no token"]),
        (|_, _| {}, "token-file = \"missing\"", &["missing", "let the user that runs lwa-rotate read it"]),
    ];
    for (change, lines, texts) in rows {
        let vault = Vault::start();
        let world = world(&vault, lines);
        change(&vault, &world);
        assert_fails(&world, "vault", texts);
        let written = vault.writes();
        assert!(written == 0 || texts[0].contains("write"), "{texts:?}: nothing was written");
    }
}

/// Rule 5, and the others: a target that fails holds nothing else up.
#[test]
fn a_rotation_goes_on_while_vault_is_sealed_and_reaches_it_when_it_is_unsealed() {
    let vault = Vault::start();
    let world = world(&vault, "");
    world.enroll();
    vault.state().sealed = true;

    world.run(&["rotate", "shop", "--timeout", "8s"]).exits(3).says("is sealed");

    let status = world.status();
    assert_eq!((&status["state"], &status["problem"]["cause"]), (&"publishing".into(), &"target-failed".into()));
    assert!(target(&world, "vault")["failure"].as_str().unwrap().contains("is sealed"));
    assert_eq!(world.stored("current"), Some(world.newest()));
    assert!(world.read("shop.env").contains(&world.newest()), "the others have it");
    assert_eq!(world.emulator.messages().all(), 1, "acknowledged last");

    // Two tries have failed, so the next one is less than a minute away.
    vault.state().sealed = false;
    world.emulator.advance_time(Duration::from_secs(3600));
    world.run(&["rotate", "shop"]).done();

    assert_eq!(world.count("rotate"), 1);
    assert_eq!(document(&vault, "secret/shop")["client_secret"], world.newest());
    assert_eq!(target(&world, "vault")["failure"], Value::Null);
    world.assert_rotated();
}

#[test]
fn a_check_reads_and_asks_and_writes_nothing() {
    let vault = Vault::start();
    let world = world(&vault, "");
    world.enroll();
    let written = vault.writes();
    let policy = |path: &str, granted: &[&'static str]| {
        vault.state().policy.insert(path.into(), granted.to_vec());
    };

    assert_eq!(finding(&world, "vault").0, "fine");
    policy("secret/data/shop", &["read", "create"]);
    let (severity, text) = finding(&world, "vault");
    assert!(severity == "warning" && text.contains("does not let the token write"), "{severity}: {text}");
    policy("sys/capabilities-self", &[]);
    let (severity, text) = finding(&world, "vault");
    assert!(severity == "not-checked" && text.contains("does not tell this token"), "{severity}: {text}");
    vault.state().sealed = true;
    assert_eq!(finding(&world, "vault").0, "warning");

    assert_eq!(vault.writes(), written);
}

#[test]
fn tls_is_verified() {
    let vault = Vault::start();
    let address = vault.url.strip_prefix("http://").unwrap().parse().unwrap();
    let url = tls::serve(address);
    {
        let world = world(&vault, "");
        world.set("VAULT_ADDR", &url);
        assert_fails(&world, "vault", &["certificate", "SSL_CERT_FILE"]);
        assert_eq!(vault.state().seen.len(), 0);
    }
    let world = world(&vault, "");
    world.set("VAULT_ADDR", &url);
    world.write("authority.pem", include_str!("../vectors/tls/authority.pem"));
    world.set("SSL_CERT_FILE", &world.path("authority.pem").display().to_string());
    world.enroll();
    assert_eq!(document(&vault, "secret/shop")["client_secret"], SECRET);
}
