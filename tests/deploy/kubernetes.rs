//! `deploy/kubernetes`: by the schemas of Kubernetes, which refuse what they do not know.

use std::process::Command;

use serde_json::Value;

use crate::container::instruction;
use crate::program::World;
use crate::services::environment::environment;
use crate::tools::{file, run, succeeds, text, tool};

const MANIFEST: &str = "kubernetes/lwa-rotate.yaml";
/// The oldest and the newest version that the schemas are taken of.
const VERSIONS: [&str; 2] = ["1.30", "1.37"];

/// The documents of the manifest.
fn documents() -> Vec<Value> {
    let program = "import json, sys, yaml; print(json.dumps(list(yaml.safe_load_all(open(sys.argv[1])))))";
    let mut python = Command::new(environment("deploy").join("bin/python"));
    serde_json::from_str(&succeeds(python.args(["-c", program]).arg(file(MANIFEST)))).unwrap()
}

fn document(kind: &str) -> Value {
    documents().into_iter().find(|document| document["kind"] == kind).unwrap_or_else(|| panic!("no {kind}"))
}

#[test]
fn the_manifest_is_what_kubernetes_knows_and_nothing_else() {
    for version in VERSIONS {
        let mut validate = tool("kubernetes-validate");
        succeeds(validate.args(["--strict", "--kubernetes-version", version]).arg(file(MANIFEST)));
    }
    let world = World::new();
    world.write("wrong.yaml", &text(MANIFEST).replace("readOnlyRootFilesystem", "readOnlyRoot"));
    let (correct, _) = run(tool("kubernetes-validate").arg("--strict").arg(world.path("wrong.yaml")));
    assert!(!correct, "the tool finds mistakes");
}

/// The restricted Pod Security Standard, which its namespace enforces, and a read-only root beyond it.
#[test]
fn its_pod_is_restricted() {
    let namespace = document("Namespace");
    assert_eq!(namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"], "restricted");
    let pod = &document("Deployment")["spec"]["template"]["spec"];
    let context = &pod["securityContext"];
    assert_eq!(context["runAsNonRoot"], true);
    assert_eq!(context["seccompProfile"]["type"], "RuntimeDefault");
    assert_eq!(format!("{}:{}", context["runAsUser"], context["runAsGroup"]), instruction("USER"), "as in the image");
    let container = &pod["containers"][0]["securityContext"];
    assert_eq!(container["allowPrivilegeEscalation"], false);
    assert_eq!(container["readOnlyRootFilesystem"], true);
    assert_eq!(container["capabilities"]["drop"][0], "ALL");
    for volume in pod["volumes"].as_array().unwrap() {
        assert!(volume["configMap"].is_object(), "{volume}");
    }
    for host in ["hostNetwork", "hostPID", "hostIPC"] {
        assert!(pod[host].is_null());
    }
}

#[test]
fn its_image_is_this_version_of_the_program_and_reads_the_configuration_that_is_mounted() {
    let pod = document("Deployment")["spec"]["template"]["spec"].clone();
    let container = &pod["containers"][0];
    let image = container["image"].as_str().unwrap();
    assert!(image.ends_with(concat!(":", env!("CARGO_PKG_VERSION"))), "{image}");
    let mounted = container["volumeMounts"][0]["mountPath"].as_str().unwrap();
    assert!(instruction("ENTRYPOINT").contains(&format!("{mounted}/lwa-rotate.toml")));
    assert_eq!(pod["volumes"][0]["configMap"]["name"], document("ConfigMap")["metadata"]["name"]);
}

#[test]
fn its_configuration_is_without_mistakes() {
    let world = World::new();
    // Nobody there knows DynamoDB.
    world.set("AWS_ENDPOINT_URL", &world.emulator.url());
    world.write("lwa-rotate.toml", document("ConfigMap")["data"]["lwa-rotate.toml"].as_str().unwrap());

    let ran = world.run(&["status"]).exits(1);

    assert!(ran.stderr.contains("DynamoDB"), "{}", ran.stderr);
}

/// The Secret that the configuration names, its own namespace, and no more than that.
#[test]
fn its_role_is_for_the_secret_that_is_published_to() {
    let map = document("ConfigMap");
    let configuration = map["data"]["lwa-rotate.toml"].as_str().unwrap();
    let role = document("Role");
    let rules = role["rules"].as_array().unwrap();

    let named = rules[0]["resourceNames"][0].as_str().unwrap();
    assert!(configuration.contains(&format!("secret = \"{named}\"")));
    let namespace = role["metadata"]["namespace"].as_str().unwrap();
    assert!(configuration.contains(&format!("namespace = \"{namespace}\"")));
    assert_eq!(document("RoleBinding")["metadata"]["namespace"], namespace);
    assert_eq!(document("RoleBinding")["subjects"][0]["name"], document("ServiceAccount")["metadata"]["name"]);
    for rule in rules {
        assert_eq!(rule["resources"], serde_json::json!(["secrets"]));
        let create_alone = rule["verbs"] == serde_json::json!(["create"]);
        assert!(create_alone || rule["resourceNames"].is_array(), "only create cannot be tied to a name: {rule}");
    }
}
