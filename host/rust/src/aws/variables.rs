//! What of the AWS variables can be told to be wrong without asking anyone. The SDK passes over some of these in silence, and
//! would then ask another endpoint than the one that was meant.

use crate::{
    environment::{Environment, Mistake, visible_ascii},
    http::Origin,
};

const BOOLEANS: [&str; 4] = [
    "AWS_USE_FIPS_ENDPOINT",
    "AWS_USE_DUALSTACK_ENDPOINT",
    "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS",
    "AWS_EC2_METADATA_DISABLED",
];
const REGIONS: [&str; 2] = ["AWS_REGION", "AWS_DEFAULT_REGION"];
const ENDPOINTS: &str = "AWS_ENDPOINT_URL";
const METADATA_ENDPOINT: &str = "AWS_EC2_METADATA_SERVICE_ENDPOINT";

/// What is wrong with them, but for those that credentials come from.
pub(super) fn mistakes(environment: &Environment) -> Vec<Mistake> {
    let mut mistakes: Vec<Mistake> = environment.unreadable(|name| name.starts_with("AWS_")).collect();
    for name in REGIONS {
        mistakes.extend(environment.get(name).and_then(|value| region(name, value).err()));
    }
    for name in BOOLEANS {
        mistakes.extend(environment.get(name).and_then(|value| boolean(name, value).err()));
    }
    for (name, value) in environment.beginning_with(ENDPOINTS) {
        mistakes.extend(endpoint(name, value).err());
    }
    if let Some(value) = environment.get(METADATA_ENDPOINT) {
        // It is plain http, to an address of the machine's own network.
        if !value.starts_with("http://") && !value.starts_with("https://") {
            mistakes.push(Mistake::new(
                METADATA_ENDPOINT,
                format!("{METADATA_ENDPOINT} is '{}', which is no address; set it to one such as http://169.254.169.254, or leave it out", value.escape_debug()),
            ));
        }
    }
    mistakes
}

/// The region that the environment names.
pub(super) fn named_region(environment: &Environment) -> Option<&str> {
    environment.first(&REGIONS).map(|(_, value)| value)
}

/// `setting` is what holds the value: a variable, or a key of a profile.
pub(super) fn region(setting: &str, value: &str) -> Result<(), Mistake> {
    let wrong = |why: &str| {
        Err(Mistake::new(
            setting,
            format!(
                "{setting} is '{}', which is no region of AWS{why}; set it to one such as us-east-1",
                value.escape_debug()
            ),
        ))
    };
    let label = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
    if value.len() > 63 || !value.split('-').all(label) {
        return wrong("");
    }
    // us-east-1a
    let zone = value
        .strip_suffix(|last: char| last.is_ascii_lowercase())
        .filter(|zone| zone.ends_with(|c: char| c.is_ascii_digit()));
    match zone {
        Some(zone) if zone.contains('-') => wrong(&format!(" but an availability zone of {zone}")),
        _ => Ok(()),
    }
}

pub(super) fn boolean(setting: &str, value: &str) -> Result<bool, Mistake> {
    match value.to_ascii_lowercase().as_str() {
        "true" => Ok(true),
        "false" => Ok(false),
        _ => Err(Mistake::new(
            setting,
            format!("{setting} is '{}', and AWS knows true and false; set it to one of them", value.escape_debug()),
        )),
    }
}

/// Where requests may go at all: `https`, or `http` on loopback.
pub(super) fn endpoint(setting: &str, value: &str) -> Result<(), Mistake> {
    match Origin::of(value) {
        Ok(_) => Ok(()),
        Err(error) => {
            // What is before an @ may be a password.
            let shown =
                if value.contains('@') { String::new() } else { format!(" is '{}', which", value.escape_debug()) };
            Err(Mistake::new(
                setting,
                format!("{setting}{shown} cannot be used as an endpoint: {error}; put it right, or leave it out"),
            ))
        }
    }
}

/// An access key of the variables; one part without the other is a mistake, as for the AWS CLI.
pub(super) fn access_key(environment: &Environment) -> Result<Option<AccessKey<'_>>, Mistake> {
    const ID: &str = "AWS_ACCESS_KEY_ID";
    const SECRET: [&str; 2] = ["AWS_SECRET_ACCESS_KEY", "SECRET_ACCESS_KEY"];
    const TOKEN: &str = "AWS_SESSION_TOKEN";
    let alone = |set: &str, missing: &str| {
        Err(Mistake::new(set, format!("{set} is set and {missing} is not: set both, or leave both out")))
    };
    // The second of them is not of AWS's own, and may be there for something else.
    let (id, secret) = match (environment.get(ID), environment.first(&SECRET)) {
        (Some(id), Some(secret)) => (id, secret),
        (Some(_), None) => return alone(ID, SECRET[0]),
        (None, Some((name, _))) if name == SECRET[0] => return alone(name, ID),
        _ => return Ok(None),
    };
    let token = environment.get(TOKEN);
    for (name, value) in [(ID, id), secret].into_iter().chain(token.map(|token| (TOKEN, token))) {
        visible_ascii(value).map_err(|why| Mistake::new(name, format!("{name} {why}")))?;
    }
    Ok(Some(AccessKey { id, secret: secret.1, token, account: environment.get("AWS_ACCOUNT_ID") }))
}

/// An access key.
pub(super) struct AccessKey<'a> {
    pub(super) id: &'a str,
    pub(super) secret: &'a str,
    pub(super) token: Option<&'a str>,
    pub(super) account: Option<&'a str>,
}
