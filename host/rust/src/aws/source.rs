//! Where AWS credentials come from, in the order of every AWS tool: the variables, the profile, the token of a pod, the
//! container, the machine.

use std::fmt;

use super::{profiles::Profiles, variables};
use crate::environment::{Environment, Mistake, read_file, visible_ascii};

const TOKEN_FILE: &str = "AWS_WEB_IDENTITY_TOKEN_FILE";
const ROLE: &str = "AWS_ROLE_ARN";
const RELATIVE: &str = "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI";
const FULL: &str = "AWS_CONTAINER_CREDENTIALS_FULL_URI";
const AUTHORIZATION: &str = "AWS_CONTAINER_AUTHORIZATION_TOKEN";
const AUTHORIZATION_FILE: &str = "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE";

/// Where they come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    /// The program that uses this library has set them.
    Given,
    /// The variables.
    Variables,
    /// A profile, which says where they come from.
    Profile {
        /// With its files.
        place: String,
        name: String,
        /// Where the profile has them from.
        how: How,
    },
    /// A role that is taken with the token in a file.
    WebIdentity { role: String, file: String },
    /// The container says where they are.
    Container {
        /// The variable and its value.
        address: String,
    },
    /// The role of the machine, or none at all.
    Machine,
}

/// Where a profile has credentials from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum How {
    /// It holds an access key.
    Keys,
    /// IAM Identity Center.
    SignOn,
    /// A command.
    Process,
    /// A role that another profile's credentials take, or the token in a file.
    Role,
}

impl Source {
    /// The source that is meant. What is sure to fail there is a mistake.
    pub(super) fn of(environment: &Environment, profiles: &Profiles) -> Result<Self, Mistake> {
        if variables::access_key(environment)?.is_some() {
            return Ok(Self::Variables);
        }
        if let Some(how) = how(profiles)? {
            return Ok(Self::Profile { place: profiles.place(), name: profiles.name.clone(), how });
        }
        if let Some(source) = web_identity(environment)? {
            return Ok(source);
        }
        Ok(container(environment)?.unwrap_or(Self::Machine))
    }

    /// What to do about credentials that AWS does not accept, or that cannot be had.
    pub(crate) fn remedy(&self) -> String {
        match self {
            Self::Given => "give this program current ones".into(),
            Self::Variables => "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY to a current access key, with AWS_SESSION_TOKEN if it is a temporary one, and start again; or leave them out, log in again with `aws sso login`, and name the profile in AWS_PROFILE".into(),
            Self::Profile { name, how: How::SignOn, .. } => format!("log in again: aws sso login --profile {name}"),
            Self::Profile { name, how: How::Process, .. } => format!("log in again, and see that the command in its credential_process works: aws sts get-caller-identity --profile {name}"),
            Self::Profile { name, how: How::Keys, .. } => format!("log in again, or write a current access key: aws configure --profile {name}"),
            Self::Profile { name, how: How::Role, .. } => format!("log in again with the profile that it takes its role with, and see that it may: aws sts get-caller-identity --profile {name}"),
            Self::WebIdentity { .. } => "see that the role trusts the token's issuer and subject, and that the token is current".into(),
            Self::Container { .. } => "see that the container has a role, and that what answers there runs".into(),
            Self::Machine => "log in with `aws sso login` or `aws configure`, name the profile in AWS_PROFILE, set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or give the machine a role".into(),
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Given => f.write_str("this program's own settings"),
            Self::Variables => f.write_str("AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"),
            Self::Profile { place, .. } => f.write_str(place),
            Self::WebIdentity { role, file } => {
                write!(f, "the role {role} ({ROLE}) with the token in {file} ({TOKEN_FILE})")
            }
            Self::Container { address } => write!(f, "the container's endpoint at {address}"),
            Self::Machine => f.write_str("the machine's role"),
        }
    }
}

/// Where the profile has credentials from, if it has any.
fn how(profiles: &Profiles) -> Result<Option<How>, Mistake> {
    let has = |key: &str| profiles.get(key).is_some();
    if has("login_session") && !has("aws_access_key_id") && !has("credential_process") {
        let (place, name) = (profiles.place(), &profiles.name);
        return Err(Mistake::new(
            "login_session",
            format!(
                "{place} has its credentials from `aws login` (login_session), which lwa-rotate does not read; give another profile the line `credential_process = aws configure export-credentials --profile {name} --format process`, and name that one in AWS_PROFILE"
            ),
        ));
    }
    Ok(if has("role_arn") || has("web_identity_token_file") {
        Some(How::Role)
    } else if has("sso_session") || has("sso_start_url") {
        Some(How::SignOn)
    } else if has("aws_access_key_id") || has("aws_secret_access_key") {
        Some(How::Keys)
    } else if has("credential_process") {
        Some(How::Process)
    } else {
        None
    })
}

fn web_identity(environment: &Environment) -> Result<Option<Source>, Mistake> {
    let Some(file) = environment.get(TOKEN_FILE) else { return Ok(None) };
    let wrong = |setting: &str, text: String| Err(Mistake::new(setting, text));
    let Some(role) = environment.get(ROLE) else {
        return wrong(
            TOKEN_FILE,
            format!("{TOKEN_FILE} is set and {ROLE} is not: set the role that the token is for, or leave both out"),
        );
    };
    if !role.starts_with("arn:") || !role.contains(":role/") {
        return wrong(
            ROLE,
            format!(
                "{ROLE} is '{}', which is no role; set it to an ARN such as arn:aws:iam::123456789012:role/NAME",
                role.escape_debug()
            ),
        );
    }
    let cannot = |why: &str| {
        wrong(
            TOKEN_FILE,
            format!(
                "{TOKEN_FILE} names {file}, and no token can be read from it: {why}; see that the token is mounted there, or leave {TOKEN_FILE} out"
            ),
        )
    };
    match read_file(std::path::Path::new(file)) {
        Ok(Some(content)) if content.trim_ascii().is_empty() => cannot("it is empty"),
        Ok(Some(_)) => Ok(Some(Source::WebIdentity { role: role.to_owned(), file: file.to_owned() })),
        Ok(None) => cannot("there is no such file"),
        Err(why) => cannot(&why),
    }
}

fn container(environment: &Environment) -> Result<Option<Source>, Mistake> {
    let Some((name, value)) = environment.first(&[RELATIVE, FULL]) else { return Ok(None) };
    let wrong = |why: &str, example: &str| {
        Err(Mistake::new(
            name,
            format!("{name} is '{}', which {why}; set it to {example}, or leave it out", value.escape_debug()),
        ))
    };
    if name == RELATIVE && !value.starts_with('/') {
        return wrong("is no path", "one such as /v2/credentials/ID");
    }
    if name == FULL && !value.starts_with("https://") && !value.starts_with("http://") {
        return wrong("is no address", "one such as http://169.254.170.23/v1/credentials");
    }
    if let Some(token) = environment.get(AUTHORIZATION) {
        let is_header = token.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ');
        if !is_header {
            return visible_ascii(token)
                .map(|()| None)
                .map_err(|why| Mistake::new(AUTHORIZATION, format!("{AUTHORIZATION} {why}")));
        }
    }
    if let Some(file) = environment.get(AUTHORIZATION_FILE) {
        let cannot = |why: &str| {
            Mistake::new(
                AUTHORIZATION_FILE,
                format!(
                    "{AUTHORIZATION_FILE} names {file}, which cannot be read: {why}; see that the token is mounted there, or leave {AUTHORIZATION_FILE} out"
                ),
            )
        };
        read_file(std::path::Path::new(file))
            .map_err(|why| cannot(&why))?
            .ok_or_else(|| cannot("there is no such file"))?;
    }
    Ok(Some(Source::Container { address: format!("{value} ({name})") }))
}
