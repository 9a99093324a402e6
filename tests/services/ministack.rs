//! A MiniStack server (PyPI).

use std::net::SocketAddr;
use std::process::Command;

use serde_json::Value;

use super::environment::{environment, run};
use super::{Kind, Server};

/// The services that are served; the rest of what MiniStack can do would only make its start longer.
const SERVICES: &str = "dynamodb,iam,kms,secretsmanager,sqs,ssm,sts";

/// The command that starts a server, and where that will listen.
pub fn command() -> (Command, SocketAddr) {
    let address = super::free_address();
    let mut command = Command::new(environment("ministack").join("bin/ministack"));
    command.env("BIND_HOST", address.ip().to_string()).env("GATEWAY_PORT", address.port().to_string());
    // It keeps a file with its process id there.
    command.env("SERVICES", SERVICES).env("TMPDIR", env!("CARGO_TARGET_TMPDIR"));
    (command, address)
}

/// A server that looks at signatures and at IAM policies.
pub fn with_authorization() -> Server {
    Server::start_as(Kind::MiniStack, |command| {
        command.env("AUTH", "true").env("AWS_ACCESS_KEY_ID", "test").env("AWS_SECRET_ACCESS_KEY", "test");
    })
}

/// Signs what the tests' own requests do not: runs a line of Python as the account's owner, where `client("iam")` is botocore's
/// client of a service.
pub fn python(server: &Server, line: &str) -> String {
    let program = format!(
        "import botocore.session, json\n\
         session = botocore.session.get_session()\n\
         session.set_credentials('test', 'test')\n\
         client = lambda name: session.create_client(name, region_name='us-east-1', endpoint_url='{}')\n\
         {line}",
        server.url()
    );
    let mut command = Command::new(environment("ministack").join("bin/python"));
    run(command.args(["-c", &program]), "MiniStack does not do it")
}

/// A user of IAM with this policy: the access key's id, and the key.
pub fn user(server: &Server, name: &str, policy: &Value) -> (String, String) {
    let policy = policy.to_string();
    python(
        server,
        &format!(
            "iam = client('iam'); iam.create_user(UserName='{name}'); \
             iam.put_user_policy(UserName='{name}', PolicyName='p', PolicyDocument='{policy}'); \
             key = iam.create_access_key(UserName='{name}')['AccessKey']; \
             print(key['AccessKeyId'], key['SecretAccessKey'])"
        ),
    )
    .trim()
    .split_once(' ')
    .map(|(id, key)| (id.to_owned(), key.to_owned()))
    .unwrap()
}
