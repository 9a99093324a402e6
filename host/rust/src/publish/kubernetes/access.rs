//! Which cluster, and as whom: as `kubectl` finds them.

use std::{env, path::Path, time::Duration};

use hyper_util::client::proxy::matcher::Matcher;
use kube::config::{Config, ExecInteractiveMode, KubeConfigOptions, Kubeconfig, KubeconfigError};
use rustls::crypto::{CryptoProvider, ring};

use super::{super::Error, failure};
use crate::{
    aside::{Of, aside},
    http::Origin,
};

/// Until a connection stands, and between two pieces of an answer.
const WAIT: Duration = Duration::from_secs(10);

/// The cluster of this context, or else of the current one, or else that which this pod runs in.
pub(super) async fn config(context: Option<&str>) -> Result<Config, Error> {
    let read = aside(Of::Place, Path::new("kubeconfig"), || match Kubeconfig::read() {
        Ok(kubeconfig) => Ok(Some(kubeconfig)),
        Err(KubeconfigError::ReadConfig(error, _))
            if error.kind() == std::io::ErrorKind::NotFound && env::var_os("KUBECONFIG").is_none() =>
        {
            Ok(None)
        }
        Err(KubeconfigError::FindPath) => Ok(None),
        Err(error) => Err(failure::of_kubeconfig(&error)),
    });
    let (config, own_proxy) = match read.await? {
        Some(kubeconfig) => {
            let options = KubeConfigOptions { context: context.map(str::to_owned), ..KubeConfigOptions::default() };
            let own_proxy = proxy_of(&kubeconfig, context);
            let config = Config::from_custom_kubeconfig(kubeconfig, &options).await;
            (config.map_err(|error| failure::of_kubeconfig(&error))?, own_proxy)
        }
        None if context.is_some() => return Err(failure::no_kubeconfig()),
        None => (Config::incluster().map_err(|_| failure::no_kubeconfig())?, None),
    };
    restricted(config, own_proxy)
}

/// The same with the bounds and the rules of this program.
fn restricted(mut config: Config, own_proxy: Option<String>) -> Result<Config, Error> {
    let url = config.cluster_url.to_string();
    let origin = Origin::of(&url).map_err(|error| failure::wrong_server(&error))?;
    if config.accept_invalid_certs {
        return Err(failure::unverified());
    }
    config.proxy_url = match own_proxy.or_else(|| proxy(&config)).filter(|_| !origin.is_plain()) {
        Some(proxy) => Some(proxy.parse().map_err(|_| failure::wrong_proxy())?),
        None => None,
    };
    config.connect_timeout = Some(WAIT);
    config.read_timeout = Some(WAIT);
    config.write_timeout = Some(WAIT);
    // Repetitions are the caller's business, who has a bound for them.
    config.default_retry = false;
    if let Some(exec) = &mut config.auth_info.exec {
        if exec.interactive_mode == Some(ExecInteractiveMode::Always) {
            return Err(failure::wants_a_person());
        }
        // What this program reads from its standard input is not for others.
        exec.interactive_mode = Some(ExecInteractiveMode::Never);
    }
    // `kube` asks the process which cryptography to use; where nobody has chosen, and several are built in, that panics.
    if CryptoProvider::get_default().is_none() {
        // Somebody else may have come first, which is as good.
        let _ = ring::default_provider().install_default();
    }
    Ok(config)
}

/// The proxy that the kubeconfig names for the cluster.
fn proxy_of(kubeconfig: &Kubeconfig, context: Option<&str>) -> Option<String> {
    let context = context.or(kubeconfig.current_context.as_deref())?;
    let context = kubeconfig.contexts.iter().find(|named| named.name == context)?.context.as_ref()?;
    let cluster = kubeconfig.clusters.iter().find(|named| named.name == context.cluster)?.cluster.as_ref()?;
    cluster.proxy_url.clone().filter(|proxy| !proxy.is_empty())
}

/// The proxy that the environment names, unless it excepts the cluster. `kube` would ask whether the proxy is excepted.
fn proxy(config: &Config) -> Option<String> {
    Matcher::from_env().intercept(&config.cluster_url)?;
    let variables = ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"];
    let set = variables.into_iter().find_map(|name| env::var(name).ok().filter(|proxy| !proxy.is_empty()))?;
    Some(if set.contains("://") { set } else { format!("http://{set}") })
}
