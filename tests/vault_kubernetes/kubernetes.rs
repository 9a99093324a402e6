use std::time::Duration;

use serde_json::{Value, json};

use crate::doubles::kubernetes::{Cluster, Rival, TOKEN, encoded};
use crate::doubles::proxy;
use crate::program::{CLIENT_ID, SECRET, World, in_days, script};
use crate::{assert_fails, configure, finding, publish_again, target, tls};

const TARGET: &str = "name = \"k8s\"\nkind = \"kubernetes\"\nsecret = \"shop\"";

/// A world that publishes to this cluster.
fn world(cluster: &Cluster, lines: &str) -> World {
    let world = World::new();
    world.watch_for(TOKEN);
    let kubeconfig = cluster.kubeconfig(&json!({ "token": TOKEN }));
    std::fs::create_dir(world.path(".kube")).unwrap();
    world.write(".kube/config", &kubeconfig);
    configure(&world, &format!("{TARGET}\n{lines}"));
    world
}

fn theirs() -> Value {
    json!({
        "apiVersion": "v1", "kind": "Secret", "type": "shop.example/settings",
        "metadata": { "name": "shop", "namespace": "default", "labels": { "app": "shop" } },
        "data": { "PORT": encoded("80"), "LWA_CLIENT_SECRET": "" },
    })
}

#[test]
fn a_rotation_sets_its_keys_and_leaves_the_rest_of_the_secret() {
    let cluster = Cluster::start();
    cluster.make("default/shop", theirs());
    let world = world(&cluster, "");
    world.enroll();

    world.run(&["rotate", "shop"]).done();

    world.assert_rotated();
    let values = cluster.values("default/shop");
    assert_eq!((values["LWA_CLIENT_ID"].as_str(), &values["LWA_CLIENT_SECRET"]), (CLIENT_ID, &world.newest()));
    assert_eq!(values["LWA_CLIENT_SECRET_EXPIRES_AT"], world.status()["expires_at"].as_str().unwrap());
    assert_eq!((values["PORT"].as_str(), values.len()), ("80", 4));
    let secret = cluster.state().secrets["default/shop"].clone();
    assert_eq!((&secret["type"], &secret["metadata"]["labels"]), (&theirs()["type"], &theirs()["metadata"]["labels"]));
    assert!(
        cluster
            .state()
            .seen
            .iter()
            .filter(|seen| seen.method == "PATCH")
            .all(|seen| !seen.body.is_empty() && !String::from_utf8_lossy(&seen.body).contains("PORT"))
    );
}

#[test]
fn a_secret_that_is_not_there_is_made_and_one_that_holds_it_already_is_not_written() {
    let cluster = Cluster::start();
    let world = world(&cluster, "");
    world.enroll();
    assert_eq!(cluster.values("default/shop")["LWA_CLIENT_SECRET"], SECRET);
    assert_eq!(cluster.values("default/shop")["LWA_CLIENT_SECRET_EXPIRES_AT"], "", "nobody knows");
    assert_eq!(cluster.state().secrets["default/shop"]["type"], "Opaque");

    publish_again(&world);

    assert_eq!(cluster.writes(), 1);
}

#[test]
fn moving_over_is_one_command() {
    let cluster = Cluster::start();
    let world = world(&cluster, "");
    world.run(&["enroll", "shop", "--from", "k8s"]).exits(1).says("no client secret in k8s yet");
    let mut secret = theirs();
    let ends = format!("{}T12:00:00Z", in_days(100));
    for (key, value) in [("ID", CLIENT_ID), ("SECRET", SECRET), ("SECRET_EXPIRES_AT", &ends)] {
        secret["data"][format!("LWA_CLIENT_{key}")] = encoded(value).into();
    }
    cluster.make("default/shop", secret);

    world.run(&["enroll", "shop", "--from", "k8s"]).done();

    assert_eq!(world.stored("current").as_deref(), Some(SECRET));
    assert_eq!(world.status()["expires_at"], ends);
    assert_eq!(cluster.writes(), 0, "it holds the same already");
}

#[test]
fn namespace_context_and_keys_are_settings() {
    for (lines, place) in [
        ("context = \"shops\"", "shops/shop"),
        ("namespace = \"shops\"", "shops/shop"),
        ("context = \"shops\"\nnamespace = \"default\"", "default/shop"),
    ] {
        let cluster = Cluster::start();
        let world = world(&cluster, &format!("{lines}\nnames = {{ client-secret = \"lwa.client-secret\" }}"));
        world.enroll();
        let values = cluster.values(place);
        assert_eq!((values["lwa.client-secret"].as_str(), values.len()), (SECRET, 3), "{lines}");
    }
}

#[test]
fn what_somebody_else_does_to_the_secret_meanwhile_is_looked_at_again() {
    for (before, rival, times) in [
        (Some(theirs()), Rival::Changes, 2),
        (None, Rival::Makes, 1),
        (Some(theirs()), Rival::Deletes, 1),
        (None, Rival::Changes, 2),
    ] {
        let cluster = Cluster::start();
        if let Some(before) = before {
            cluster.make("default/shop", before);
        }
        cluster.state().rival = (times, Some(rival));
        let world = world(&cluster, "");

        world.enroll();

        let values = cluster.values("default/shop");
        assert_eq!(values["LWA_CLIENT_SECRET"], SECRET);
        assert_eq!(values.contains_key("THEIRS"), matches!(rival, Rival::Changes), "theirs is kept");
    }
}

#[test]
fn a_secret_that_never_stands_still_is_given_up_and_tried_again_later() {
    let cluster = Cluster::start();
    cluster.state().rival = (1000, Some(Rival::Changes));
    let world = world(&cluster, "");
    assert_fails(&world, "k8s", &["the secret shop in namespace default was changed by somebody else 5 times"]);

    cluster.state().rival.0 = 0;
    world.emulator.advance_time(Duration::from_secs(600));
    world.run(&["rotate", "shop"]).done();
    assert_eq!(cluster.values("default/shop")["LWA_CLIENT_SECRET"], world.newest());
}

/// Writes a kubeconfig in which something is replaced.
fn replace(world: &World, from: &str, to: &str) {
    let before = world.read(".kube/config");
    let after = before.replace(from, to);
    assert_ne!(before, after);
    world.write(".kube/config", &after);
}

#[test]
fn each_way_to_fail_has_a_status_that_says_what_to_do() {
    type Change = fn(&Cluster, &World);
    let rows: &[(Change, &str, &[&str])] = &[
        (|cluster, _| cluster.state().expired = true, "", &["does not accept the credentials", "renew them"]),
        (
            |cluster, _| cluster.state().verbs = vec!["create", "patch"],
            "",
            &["does not let this user get the secret shop in namespace default", "verbs get, create and patch"],
        ),
        (
            |cluster, _| cluster.state().verbs = vec!["get"],
            "",
            &["create the secret shop", "verbs get, create and patch"],
        ),
        (
            |cluster, _| {
                cluster.make("default/shop", theirs());
                cluster.state().verbs = vec!["get", "create"];
            },
            "",
            &["does not let this user patch the secret shop"],
        ),
        (|_, _| {}, "namespace = \"nowhere\"", &["there is no namespace nowhere"]),
        (
            |cluster, _| {
                let mut secret = theirs();
                secret["immutable"] = true.into();
                cluster.make("default/shop", secret);
            },
            "",
            &["the secret shop in namespace default is immutable", "delete it"],
        ),
        (|cluster, _| cluster.state().broken = Some((422, TOKEN.into())), "", &["does not take", "kubectl describe"]),
        (|cluster, _| cluster.state().broken = Some((500, TOKEN.into())), "", &["failed (status 500)"]),
        (|cluster, _| cluster.state().broken = Some((400, TOKEN.into())), "", &["refuses to get", "webhook"]),
        (|cluster, _| cluster.state().broken = Some((200, TOKEN.into())), "", &["is not a cluster of kubernetes"]),
        (
            |cluster, _| cluster.state().broken = Some((200, format!("{{\"data\":{{\"a\":\"{TOKEN}\"}}}}"))),
            "",
            &["is not a cluster of kubernetes"],
        ),
        (|cluster, world| replace(world, &cluster.url, "http://127.0.0.1:1"), "", &["cannot be asked", "refused"]),
        (|cluster, world| replace(world, &cluster.url, "http://10.0.0.1"), "", &["plain http is for loopback"]),
        (
            |_, world| std::fs::remove_file(world.path(".kube/config")).unwrap(),
            "",
            &["no cluster is known", "KUBECONFIG"],
        ),
        (
            |_, world| world.set("KUBECONFIG", "missing:gone"),
            "",
            &["no cluster is known: there is no kubeconfig at missing and gone (KUBECONFIG)"],
        ),
        (|_, world| world.set("KUBECONFIG", "tmp"), "", &["the kubeconfig tmp cannot be read: it is a folder"]),
        (
            |_, world| {
                std::fs::remove_file(world.path(".kube/config")).unwrap();
                world.set("KUBERNETES_SERVICE_HOST", "127.0.0.1");
            },
            "",
            &["the cluster of this pod is not known: KUBERNETES_SERVICE_PORT is not set"],
        ),
        (
            |_, world| {
                std::fs::remove_file(world.path(".kube/config")).unwrap();
                world.set("KUBERNETES_SERVICE_HOST", "127.0.0.1");
                world.set("KUBERNETES_SERVICE_PORT", "https");
            },
            "",
            &["KUBERNETES_SERVICE_PORT is 'https', which is no port"],
        ),
        (
            |_, world| replace(world, &json!({ "token": TOKEN }).to_string(), r#"{"token":"a b"}"#),
            "",
            &["the token of the user", "holds white space"],
        ),
        (
            |_, world| replace(world, &json!({ "token": TOKEN }).to_string(), r#"{"tokenFile":"none"}"#),
            "",
            &["the tokenFile", "none", "there is no such file"],
        ),
        (
            |_, world| replace(world, &json!({ "token": TOKEN }).to_string(), r#"{"auth-provider":{"name":"gcp"}}"#),
            "",
            &["has the auth-provider gcp, which kubectl no longer takes"],
        ),
        (
            |_, world| replace(world, "\"server\"", "\"certificate-authority\":\"none.pem\",\"server\""),
            "",
            &["its certificate-authority cannot be read", "none.pem"],
        ),
        (|_, _| {}, "context = \"none\"", &["it has no context none"]),
        (|_, world| replace(world, "\"clusters\"", TOKEN), "", &["the kubeconfig", "cannot be used"]),
        (
            |_, world| replace(world, "\"server\"", "\"insecure-skip-tls-verify\":true,\"server\""),
            "",
            &["insecure-skip-tls-verify", "certificate-authority"],
        ),
        (
            |_, world| {
                script(world, "plugin", &format!("echo {TOKEN}; echo {TOKEN} >&2; exit 5"));
                use_plugin(world, "Never");
            },
            "",
            &["the command", "plugin ended with exit status: 5"],
        ),
        (
            |_, world| {
                script(world, "plugin", &format!("echo {TOKEN}"));
                use_plugin(world, "IfAvailable");
            },
            "",
            &["the kubeconfig's credentials cannot be had"],
        ),
        (|_, world| use_plugin(world, "Always"), "", &["wants a person"]),
        (|_, world| use_plugin(world, "Never"), "", &["plugin cannot be started"]),
    ];
    for (change, lines, texts) in rows {
        let cluster = Cluster::start();
        let world = world(&cluster, lines);
        change(&cluster, &world);
        assert_fails(&world, "k8s", texts);
    }
}

#[test]
fn a_secret_with_the_credential_of_another_application_is_left_as_it_is() {
    let cluster = Cluster::start();
    let mut secret = theirs();
    secret["data"]["LWA_CLIENT_ID"] = encoded("amzn1.application-oa2-client.other\n").into();
    cluster.make("default/shop", secret);
    let world = world(&cluster, "");

    world.run_with(&["enroll", "shop"], SECRET).exits(3).says("k8s").says("the credential of another application");

    assert_eq!((cluster.writes(), target(&world, "k8s")["holds_current"].as_bool()), (0, Some(false)));
    assert!(world.read("shop.env").contains(SECRET), "the others have it");
}

/// Has a command fetch the token.
fn use_plugin(world: &World, interactive: &str) {
    let exec = json!({
        "apiVersion": "client.authentication.k8s.io/v1", "command": world.path("plugin"), "interactiveMode": interactive,
    });
    replace(world, &json!({ "token": TOKEN }).to_string(), &json!({ "exec": exec }).to_string());
}

/// What `kubectl` makes of the same files.
#[test]
fn a_kubeconfig_is_found_and_read_as_kubectl_does_it() {
    type Change = fn(&World);
    let token = || json!({ "token": TOKEN }).to_string();
    let rows: &[Change] = &[
        |world| {
            world.write("token", &format!("{TOKEN}\n"));
            let file = world.path("token").display().to_string();
            replace(world, &json!({ "token": TOKEN }).to_string(), &json!({ "tokenFile": file }).to_string());
        },
        |world| replace(world, TOKEN, &format!("{TOKEN}\\n")),
        |world| replace(world, &format!("\"{TOKEN}\""), &format!("\"{TOKEN}\",\"tokenFile\":\"\",\"username\":\"\"")),
        |world| replace(world, "\"server\":\"", "\"certificate-authority\":\"\",\"proxy-url\":\"\",\"server\":\" "),
        |world| world.set("KUBECONFIG", ""),
        |world| world.set("KUBECONFIG", ":"),
        |world| world.set("KUBECONFIG", "none:.kube/config:also-none"),
        |world| world.set("KUBECONFIG", ".kube/config\n"),
    ];
    for (row, change) in rows.iter().enumerate() {
        let cluster = Cluster::start();
        let world = world(&cluster, "");
        assert!(world.read(".kube/config").contains(&token()));
        change(&world);
        world.enroll();
        assert_eq!(cluster.values("default/shop")["LWA_CLIENT_SECRET"], SECRET, "row {row}");
    }
}

#[test]
fn a_command_of_the_kubeconfig_fetches_the_token_and_reads_nothing_of_ours() {
    let cluster = Cluster::start();
    let world = world(&cluster, "");
    let credential = json!({ "kind": "ExecCredential", "apiVersion": "client.authentication.k8s.io/v1", "status": { "token": TOKEN } });
    script(&world, "plugin", &format!("cat >> {}; echo '{credential}'", world.path("stdin").display()));
    use_plugin(&world, "IfAvailable");
    world.enroll();

    world.run_with(&["rotate", "shop"], "what somebody else is to read").done();

    assert_eq!(cluster.values("default/shop")["LWA_CLIENT_SECRET"], world.newest());
    assert_eq!(world.read("stdin"), "");
}

#[test]
fn a_check_rehearses_and_writes_nothing() {
    let cluster = Cluster::start();
    let world = world(&cluster, "");
    world.enroll();
    let written = cluster.writes();

    assert_eq!(finding(&world, "k8s").0, "fine");
    cluster.state().verbs = vec!["get", "create"];
    let (severity, text) = finding(&world, "k8s");
    assert!(severity == "warning" && text.contains("does not let this user patch"), "{severity}: {text}");
    cluster.state().secrets.clear();
    let (severity, text) = finding(&world, "k8s");
    assert!(severity == "warning" && text.contains("it holds no client secret"), "it could be made: {text}");
    cluster.state().verbs = vec!["get"];
    assert_eq!(finding(&world, "k8s").0, "warning");

    cluster.state().verbs = vec!["get", "create", "patch"];
    cluster.state().namespaces.clear();
    let (severity, text) = finding(&world, "k8s");
    assert!(severity == "warning" && text.contains("there is no namespace default"), "{severity}: {text}");

    assert_eq!((cluster.writes(), cluster.state().secrets.len()), (written, 0));
}

#[test]
fn tls_is_verified_with_the_authority_of_the_kubeconfig() {
    let cluster = Cluster::start();
    let url = tls::serve(cluster.url.strip_prefix("http://").unwrap().parse().unwrap());
    {
        let world = world(&cluster, "");
        replace(&world, &cluster.url, &url);
        assert_fails(&world, "k8s", &["certificate-authority"]);
        assert_eq!(cluster.state().seen.len(), 0);
    }
    let world = world(&cluster, "");
    world.write(".kube/authority.pem", include_str!("../vectors/tls/authority.pem"));
    replace(&world, &cluster.url, &url);
    replace(&world, "\"server\"", "\"certificate-authority\":\"authority.pem\",\"server\"");
    world.enroll();

    assert_eq!(cluster.values("default/shop")["LWA_CLIENT_SECRET"], SECRET);
    assert_eq!(target(&world, "k8s")["holds_current"], true);
}

#[test]
fn a_proxy_of_the_environment_sees_the_tunnel_alone_and_none_where_the_cluster_is_excepted() {
    const PASSWORD: &str = "double-password-of-the-proxy";
    for (excepted, used) in [("example.com", true), ("localhost", false)] {
        let cluster = Cluster::start();
        let (proxy, heads) = proxy::serve();
        let world = world(&cluster, "");
        world.watch_for(PASSWORD);
        replace(&world, &cluster.url, &tls::serve(cluster.url.strip_prefix("http://").unwrap().parse().unwrap()));
        world.write("authority.pem", include_str!("../vectors/tls/authority.pem"));
        world.set("SSL_CERT_FILE", &world.path("authority.pem").display().to_string());
        world.set("HTTPS_PROXY", &format!("http://user:{PASSWORD}@{proxy}"));
        world.set("NO_PROXY", excepted);

        world.enroll();

        assert_eq!(cluster.values("default/shop")["LWA_CLIENT_SECRET"], SECRET, "{excepted}");
        let heads = heads.lock().unwrap().clone();
        assert_eq!(!heads.is_empty(), used, "{excepted}: {heads:?}");
        for head in heads {
            let head = head.to_lowercase();
            assert!(head.starts_with("connect localhost:") && head.contains("proxy-authorization: basic "), "{head}");
        }
        world.set("HTTPS_PROXY", &format!("socks5://user:{PASSWORD}@{proxy}"));
        if used {
            let (severity, text) = finding(&world, "k8s");
            assert!(severity == "warning" && text.contains("only proxies of http and https"), "{severity}: {text}");
        }
    }
}
