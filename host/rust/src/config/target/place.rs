//! The place that a target writes, so that no two targets overwrite each other.

use std::path::PathBuf;

use super::aws::arn_region;
use super::{Format, Names, TargetKind};

/// A place that several targets might write.
#[derive(Clone, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub(in crate::config) enum Place {
    File(PathBuf),
    Secret { region: Option<String>, secret: String },
    Parameter { region: Option<String>, parameter: String },
    Vault { address: Option<String>, namespace: Option<String>, mount: String, path: String },
    Kubernetes { context: Option<String>, namespace: Option<String>, secret: String },
}

impl Place {
    /// What to do when two targets would overwrite each other in it.
    pub(in crate::config) fn way_out(&self) -> &'static str {
        match self {
            Self::File(_) => "give one of them another `path`, or the same `format` and other `names`",
            Self::Vault { .. } => "give one of them another `path`, or other `names`",
            Self::Secret { .. } | Self::Kubernetes { .. } => "give one of them another `secret`, or other `names`",
            Self::Parameter { .. } => {
                "give one of them another `parameter`: Parameter Store cannot tell when two write at the same moment"
            }
        }
    }
}

impl TargetKind {
    /// The place that it writes; `None` for a command, which is not known.
    pub(in crate::config) fn place(&self) -> Option<Place> {
        Some(match self {
            Self::File { path, .. } => Place::File(path.clone()),
            Self::Exec { .. } => return None,
            Self::SecretsManager { secret, region, .. } => Place::Secret {
                region: arn_region(secret).map(str::to_owned).or_else(|| region.clone()),
                secret: secret.clone(),
            },
            Self::Ssm { parameter, region, .. } => {
                Place::Parameter { region: region.clone(), parameter: parameter.clone() }
            }
            Self::Vault { path, mount, address, namespace, .. } => Place::Vault {
                address: address.clone(),
                namespace: namespace.clone(),
                mount: mount.clone(),
                path: path.clone(),
            },
            Self::Kubernetes { secret, namespace, context, .. } => {
                Place::Kubernetes { context: context.clone(), namespace: namespace.clone(), secret: secret.clone() }
            }
        })
    }

    /// Whether both can be kept in one place: they must not overwrite each other.
    pub(in crate::config) fn goes_with(&self, other: &Self) -> bool {
        let all = |names: &Names| [names.client_id.clone(), names.client_secret.clone(), names.expires_at.clone()];
        match (self.names(), other.names()) {
            (Some((format, ours)), Some((other_format, others))) => {
                format == other_format && all(ours).iter().all(|name| !all(others).contains(name))
            }
            _ => false,
        }
    }

    /// The form and the names in its place; `None` where only one target may write.
    fn names(&self) -> Option<(Format, &Names)> {
        match self {
            Self::File { format, names, .. } => Some((*format, names)),
            Self::SecretsManager { names, .. } | Self::Vault { names, .. } => Some((Format::Json, names)),
            Self::Kubernetes { names, .. } => Some((Format::Env, names)),
            Self::Exec { .. } | Self::Ssm { .. } => None,
        }
    }
}
