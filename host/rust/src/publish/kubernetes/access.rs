//! Which cluster, and as whom: as `kubectl` finds them.

use std::{path::Path, time::Duration};

use kube::config::{Config, ExecInteractiveMode, InClusterError, KubeConfigOptions, Kubeconfig};
use rustls::crypto::{CryptoProvider, ring};
use tokio::runtime::Handle;

use super::{super::Error, failure, kubeconfig};
use crate::{
    aside::{Of, aside},
    environment::Environment,
    http::{
        Origin,
        proxy::{Proxies, Proxy},
        trust,
    },
};

/// Until a connection stands, and between two pieces of an answer.
const WAIT: Duration = Duration::from_secs(10);

/// Where a pod has its service account.
const SERVICE_ACCOUNT: &str = "/var/run/secrets/kubernetes.io/serviceaccount";
const HOST: &str = "KUBERNETES_SERVICE_HOST";
const PORT: &str = "KUBERNETES_SERVICE_PORT";

/// A cluster and how it is reached.
pub(super) struct Access {
    pub(super) config: Config,
    pub(super) proxy: Option<Proxy>,
}

/// The cluster of this context, or else of the current one, or else that which this pod runs in.
pub(super) async fn access(context: Option<&str>) -> Result<Access, Error> {
    let context = context.map(str::to_owned);
    let environment = Environment::of_process();
    let runtime = Handle::current();
    aside(Of::Place, Path::new("kubeconfig"), move || {
        let found = kubeconfig::read(&environment)?;
        let (config, own_proxy) = match found.kubeconfig {
            Some(mut kubeconfig) => {
                kubeconfig::prepare(&mut kubeconfig, context.as_deref())?;
                let own_proxy = proxy_of(&kubeconfig, context.as_deref());
                (of_kubeconfig(kubeconfig, context, &found.places, &runtime)?, own_proxy)
            }
            None => match (context, environment.get(HOST)) {
                (None, Some(_)) => (in_cluster(&environment)?, None),
                _ => return Err(failure::no_kubeconfig(&found.places)),
            },
        };
        restricted(config, own_proxy, &environment)
    })
    .await
}

fn of_kubeconfig(
    kubeconfig: Kubeconfig,
    context: Option<String>,
    places: &str,
    runtime: &Handle,
) -> Result<Config, Error> {
    let options = KubeConfigOptions { context, ..KubeConfigOptions::default() };
    // It reads files, and does nothing else that it would have to wait for.
    let config = runtime.block_on(Config::from_custom_kubeconfig(kubeconfig, &options));
    config.map_err(|error| failure::of_kubeconfig(&error, Path::new(places)))
}

/// The service account of the pod.
fn in_cluster(environment: &Environment) -> Result<Config, Error> {
    let host = environment.get(HOST).unwrap_or_default();
    let Some(port) = environment.get(PORT) else { return Err(failure::service(PORT, "is not set")) };
    if port.parse::<u16>().is_err() {
        return Err(failure::service(PORT, &format!("is '{}', which is no port", port.escape_debug())));
    }
    let mut config = Config::incluster().map_err(|error| match error {
        InClusterError::ReadDefaultNamespace(error) => {
            failure::service_account(&format!("{SERVICE_ACCOUNT}/namespace: {error}"))
        }
        InClusterError::ReadCertificateBundle(error) => {
            failure::service_account(&format!("{SERVICE_ACCOUNT}/ca.crt: {error}"))
        }
        InClusterError::ParseCertificates(_) => {
            failure::service_account(&format!("{SERVICE_ACCOUNT}/ca.crt holds no certificates"))
        }
        _ => failure::service(HOST, &format!("is '{}', which is no address", host.escape_debug())),
    })?;
    let file = format!("{SERVICE_ACCOUNT}/token");
    let token = kubeconfig::of_file(Path::new(&file), &format!("the token of the pod's service account, {file},"))?;
    config.auth_info.token_file = None;
    config.auth_info.token = Some(token.into());
    Ok(config)
}

/// The same with the bounds and the rules of this program.
fn restricted(mut config: Config, own_proxy: Option<String>, environment: &Environment) -> Result<Access, Error> {
    let url = config.cluster_url.to_string();
    let origin = Origin::of(&url).map_err(|error| failure::wrong_server(&error))?;
    if config.accept_invalid_certs {
        return Err(failure::unverified());
    }
    let proxy = match own_proxy {
        Some(proxy) => Some(Proxy::of("proxy-url of the kubeconfig", &proxy)),
        None => Proxies::of(environment).map(|all| all.for_host(origin.host(), origin.port()).cloned()).transpose(),
    };
    let proxy = proxy.filter(|_| !origin.is_plain()).transpose().map_err(|mistake| Error::Other(mistake.text))?;
    config.proxy_url = match &proxy {
        Some(proxy) => Some(proxy.url().parse().map_err(|_| Error::Other(format!("{proxy} cannot be used")))?),
        None => None,
    };
    if config.root_cert.is_none() && !origin.is_plain() {
        let trusted = trust::certificates(environment).map_err(|mistake| Error::Other(mistake.text))?;
        config.root_cert = Some(trusted.iter().map(|certificate| certificate.to_vec()).collect());
    }
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
    Ok(Access { config, proxy })
}

/// The proxy that the kubeconfig names for the cluster.
fn proxy_of(kubeconfig: &Kubeconfig, context: Option<&str>) -> Option<String> {
    let context = context.or(kubeconfig.current_context.as_deref())?;
    let context = kubeconfig.contexts.iter().find(|named| named.name == context)?.context.as_ref()?;
    let cluster = kubeconfig.clusters.iter().find(|named| named.name == context.cluster)?.cluster.as_ref()?;
    cluster.proxy_url.clone().filter(|proxy| !proxy.is_empty())
}
