//! SP-API clients that other people wrote, Amazon's own among them, each as its packages have it: every one gets a token from the
//! emulator, and rotates. Requires Python 3.11 with `venv`, and Node 20 with npm.

mod installed;

use std::process::{Command, Output};
use std::time::Duration;

use lwa_rotate_emulator::{Application, Emulator, Options};

const CLIENT_ID: &str = "amzn1.application-oa2-client.0123";
/// Without characters that a form must encode: Amazon's client for JavaScript does not encode them.
const SECRET: &str = "amzn1.oa2-cs.v1.0123456789abcdef";

/// A client, and what it sends.
#[derive(Clone, Copy, Debug)]
enum Client {
    /// `python-amazon-sp-api` (PyPI).
    PythonAmazonSpApi,
    /// `amzn-sp-api` (PyPI), Amazon's own.
    AmznSpApi,
    /// `amazon-sp-api` (npm).
    AmazonSpApi,
    /// `@amazon-sp-api-release/amazon-sp-api-sdk-js` (npm), Amazon's own.
    AmazonSpApiSdkJs,
}

const CLIENTS: [Client; 4] =
    [Client::PythonAmazonSpApi, Client::AmznSpApi, Client::AmazonSpApi, Client::AmazonSpApiSdkJs];

impl Client {
    /// Has it get a token and rotate.
    fn run(self, emulator: &Emulator) -> Output {
        let mut command = match self {
            Self::PythonAmazonSpApi => installed::python(include_str!("python_amazon_sp_api.py")),
            Self::AmznSpApi => installed::python(include_str!("amzn_sp_api.py")),
            Self::AmazonSpApi => {
                installed::node(concat!(include_str!("redirect.mjs"), include_str!("amazon_sp_api.mjs")))
            }
            Self::AmazonSpApiSdkJs => {
                installed::node(concat!(include_str!("redirect.mjs"), include_str!("amazon_sp_api_sdk_js.mjs")))
            }
        };
        command.env("EMULATOR", emulator.url()).env("CLIENT_ID", CLIENT_ID).env("CLIENT_SECRET", SECRET);
        // Proxies of the machine are not for loopback.
        for proxy in ["http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"] {
            command.env_remove(proxy);
        }
        output(&mut command)
    }
}

fn output(command: &mut Command) -> Output {
    command.output().unwrap_or_else(|error| panic!("{command:?} cannot be started: {error}"))
}

async fn emulator(change: impl FnOnce(&mut Options)) -> Emulator {
    let mut options = Options {
        applications: vec![Application::new(CLIENT_ID, SECRET)],
        rotate_interval: Duration::ZERO,
        ..Options::default()
    };
    change(&mut options);
    Emulator::start(options).await.expect("a free port")
}

/// What the emulator was asked for, and its answers.
fn calls(emulator: &Emulator) -> Vec<(&'static str, Option<String>, Option<u16>)> {
    emulator.calls().into_iter().map(|call| (call.operation.name(), call.client_id, call.status)).collect()
}

async fn gets_a_token_and_rotates(client: Client) {
    let emulator = emulator(|_| {}).await;
    let ran = client.run(&emulator);
    assert!(ran.status.success(), "{client:?}: {}", String::from_utf8_lossy(&ran.stderr));
    let id = Some(CLIENT_ID.to_owned());
    assert_eq!(calls(&emulator), [("token", id.clone(), Some(200)), ("rotate", id, Some(204))], "{client:?}");
    assert_eq!(emulator.secrets(CLIENT_ID).len(), 2, "{client:?}");
    assert_eq!(emulator.messages().visible, 1, "{client:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn python_amazon_sp_api_gets_a_token_and_rotates() {
    gets_a_token_and_rotates(Client::PythonAmazonSpApi).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn amazons_client_for_python_gets_a_token_and_rotates() {
    gets_a_token_and_rotates(Client::AmznSpApi).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn amazon_sp_api_gets_a_token_and_rotates() {
    gets_a_token_and_rotates(Client::AmazonSpApi).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn amazons_client_for_javascript_gets_a_token_and_rotates() {
    gets_a_token_and_rotates(Client::AmazonSpApiSdkJs).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_client_fails_when_the_application_is_not_enrolled() {
    let emulator = emulator(|options| options.applications[0].subscribed = false).await;
    for client in CLIENTS {
        let ran = client.run(&emulator);
        let said = String::from_utf8_lossy(&ran.stderr).into_owned();
        assert!(!ran.status.success(), "{client:?}");
        assert!(said.contains("not enrolled for rotation notification"), "{client:?}: {said}");
    }
    assert_eq!(emulator.secrets(CLIENT_ID).len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn strictly_each_client_is_refused_for_what_it_sends_beside_the_documentation() {
    let emulator = emulator(|options| options.strict = true).await;
    for (client, refused) in CLIENTS.into_iter().zip(["rotate", "rotate", "token", "rotate"]) {
        let ran = client.run(&emulator);
        assert!(!ran.status.success(), "{client:?}");
        let last = emulator.calls().pop().expect("a call");
        assert_eq!((last.operation.name(), last.status), (refused, Some(400)), "{client:?}");
    }
    assert_eq!(emulator.secrets(CLIENT_ID).len(), 1);
}
