//! What the libraries beneath say when they are asked for everything: the program asks none of them, another one may.

use std::env;
use std::process::Output;

use lwa_rotate::Credential;
use lwa_rotate::publish::{KubernetesTarget, Target, VaultTarget};
use serde_json::json;

use crate::doubles::{kubernetes, vault};
use crate::program::{CLIENT_ID, SECRET, World};

/// Set for a process of this test's own, because settings of the environment are for a whole process.
const ALONE: &str = "LWA_ROTATE_TEST_ALONE";

#[test]
fn rule_9_no_secret_token_or_document_is_logged_by_the_libraries_beneath() {
    if env::var_os(ALONE).is_some() {
        return publish();
    }
    let (vault, cluster) = (vault::Vault::start(), kubernetes::Cluster::start());
    let world = World::new();
    for token in [vault::TOKEN, kubernetes::TOKEN] {
        world.watch_for(token);
    }
    world.write("kubeconfig", &cluster.kubeconfig(&json!({ "token": kubernetes::TOKEN })));
    let run = || -> Output {
        let name = "silence::rule_9_no_secret_token_or_document_is_logged_by_the_libraries_beneath";
        let this = env::current_exe().unwrap().display().to_string();
        let mut command = world.command(&this, &["--exact", name, "--nocapture"]);
        command.env(ALONE, "1").env("KUBECONFIG", "kubeconfig");
        command.env("VAULT_ADDR", &vault.url).env("VAULT_TOKEN", vault::TOKEN).output().unwrap()
    };

    for broken in [false, true] {
        if broken {
            let body = format!("{{\"data\":{{\"a\":\"{SECRET}\",\"b\":[\"{}\"]}}}}", kubernetes::TOKEN);
            cluster.state().broken = Some((200, body.clone()));
            vault.state().broken = Some((200, body));
        }
        let ran = run();

        let said = [String::from_utf8_lossy(&ran.stdout), String::from_utf8_lossy(&ran.stderr)].concat();
        assert!(ran.status.success(), "{said}");
        assert!(said.contains("kube_client") && said.contains("hyper_util"), "they do log: {said}");
        assert_eq!(said.contains("Ok(Credential(Held"), !broken, "{said}");
        world.note("what was logged", said);
    }
}

fn publish() {
    tracing_subscriber::fmt().with_max_level(tracing::Level::TRACE).with_ansi(false).init();
    let credential =
        Credential { client_id: CLIENT_ID.into(), client_secret: SECRET.into(), expires_at: Some(1_767_225_600_000) };
    let targets: [Box<dyn Target>; 2] = [Box::new(KubernetesTarget::new("shop")), Box::new(VaultTarget::new("shop"))];
    tokio::runtime::Runtime::new().unwrap().block_on(async {
        for target in targets {
            println!("{:?}", target.put(&credential).await);
            println!("{:?} {:?}", target.probe().await, target.read().await);
        }
    });
}
