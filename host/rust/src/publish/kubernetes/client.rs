//! The requests: <https://kubernetes.io/docs/reference/kubernetes-api/config-and-storage-resources/secret-v1/>.

use std::{collections::BTreeMap, sync::Arc, thread, time::Duration};

use bytes::Bytes;
use http::Request;
use http_body_util::BodyExt;
use k8s_openapi::ByteString;
use kube::{
    Config,
    client::{Body, ClientBuilder},
};
use serde::{Deserialize, Deserializer};
use tokio::{
    sync::{Semaphore, oneshot},
    time::timeout,
};

use super::{
    super::{Error, form::append_string},
    access::Access,
    exec,
    failure::{self, Asked},
    written_by::Metadata,
};
use crate::{http::proxy::Proxy, secret::Secret};

/// How long a request may take.
const CALL_LIMIT: Duration = Duration::from_secs(10);

/// A Secret holds 1 MiB, in base64; its annotations may repeat it.
const BODY_LIMIT: usize = 8 << 20;

/// Who changed a field, as the cluster keeps it.
const MANAGER: &str = "fieldManager=lwa-rotate";

/// Nothing is stored, everything else is as if it was.
const REHEARSE: &str = "&dryRun=All";

/// A cluster, and the Secret in it that is meant.
///
/// It speaks JSON of its own, because what `kube` makes of a Secret shows its values in `Debug`, and an answer that it cannot
/// read it logs as a whole.
pub(super) struct Client {
    kube: kube::Client,
    server: String,
    proxy: Option<Proxy>,
    namespace: String,
    secret: String,
}

/// How a write ended.
pub(super) enum Answer {
    /// It is stored.
    Done,
    /// Nothing was written: somebody else made, changed or deleted the Secret in between.
    Overtaken,
}

/// A Secret as it was found.
#[derive(Deserialize)]
pub(super) struct Found {
    data: Option<BTreeMap<String, Value>>,
    immutable: Option<bool>,
    #[serde(default)]
    pub(super) metadata: Metadata,
}

struct Value(Secret);

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self(ByteString::deserialize(deserializer)?.0.into()))
    }
}

impl Found {
    pub(super) fn value(&self, key: &str) -> Option<&Secret> {
        self.data.as_ref()?.get(key).map(|value| &value.0)
    }

    pub(super) fn holds(&self, values: &[(&str, &str)]) -> bool {
        values.iter().all(|(key, value)| self.value(key).is_some_and(|found| found.expose() == value.as_bytes()))
    }

    pub(super) fn expect_mutable(&self, client: &Client) -> Result<(), Error> {
        if self.immutable == Some(true) { Err(failure::immutable(&client.place())) } else { Ok(()) }
    }
}

/// A permit of it is held while a command that a kubeconfig names for credentials runs: those that hang are not joined by more
/// and more others.
pub(super) type Fetching = Arc<Semaphore>;

impl Client {
    /// The command for credentials, if the kubeconfig names one, runs here; it may take this long.
    pub(super) async fn new(
        access: Access,
        namespace: Option<&str>,
        secret: &str,
        fetching: &Fetching,
        limit: Duration,
    ) -> Result<Self, Error> {
        let Access { mut config, proxy } = access;
        let server = config.cluster_url.to_string().trim_end_matches('/').to_owned();
        let namespace = self::namespace(&config, namespace);
        if ![&namespace, secret].into_iter().all(is_name) {
            return Err(failure::no_name(&format!("the secret {secret} in namespace {namespace}")));
        }
        let config = timeout(limit, async {
            let permit = Arc::clone(fetching).acquire_owned().await;
            let (tell, told) = oneshot::channel();
            // The command's end is waited for, however long: on a thread that is left alone when the time is over.
            thread::spawn(move || {
                let ran = exec::run(&mut config.auth_info);
                let _ = tell.send(ran.map(|()| config));
                drop(permit);
            });
            told.await
        });
        let config = match config.await {
            Ok(Ok(config)) => config?,
            Ok(Err(_)) | Err(_) => return Err(failure::no_credentials_in_time(limit)),
        };
        let builder =
            ClientBuilder::try_from(config).map_err(|error| failure::of_call(&error, &server, proxy.as_ref()))?;
        Ok(Self { kube: builder.build(), server, proxy, namespace, secret: secret.to_owned() })
    }

    /// How messages call the Secret.
    pub(super) fn place(&self) -> String {
        format!("the secret {} in namespace {}", self.secret, self.namespace)
    }

    /// The Secret as it is; `None` if there is none.
    pub(super) async fn find(&self) -> Result<Option<Found>, Error> {
        let request = Request::get(self.path(&self.secret));
        let (status, body) = self.send(request, Body::empty()).await?;
        match status {
            200 => match serde_json::from_slice(body.expose()) {
                Ok(found) => Ok(Some(found)),
                Err(_) => Err(failure::unreadable(&self.place())),
            },
            404 => Ok(None),
            _ => Err(failure::of(status, Asked::Get, &self.secret, &self.namespace)),
        }
    }

    /// Sets these keys of it.
    pub(super) async fn patch(&self, values: &[(&str, &str)]) -> Result<Answer, Error> {
        self.patched(self.ask_to_patch(values, false).await?)
    }

    /// Makes it with these keys.
    pub(super) async fn create(&self, values: &[(&str, &str)]) -> Result<Answer, Error> {
        self.created(self.ask_to_create(values, false).await?)
    }

    /// Has the cluster rehearse a patch, or, where there is no Secret, its making; `false` if it rehearses nothing.
    pub(super) async fn rehearse(&self, exists: bool) -> Result<bool, Error> {
        let status = match exists {
            true => self.ask_to_patch(&[], true).await?,
            false => self.ask_to_create(&[], true).await?,
        };
        // An admission webhook that cannot do it, or a server that knows nothing of it.
        if matches!(status, 400 | 405 | 501) {
            return Ok(false);
        }
        if exists { self.patched(status) } else { self.created(status) }.map(|_| true)
    }

    async fn ask_to_patch(&self, values: &[(&str, &str)], rehearse: bool) -> Result<u16, Error> {
        let request = Request::patch(format!("{}?{}", self.path(&self.secret), parameters(rehearse)))
            .header("content-type", "application/merge-patch+json");
        Ok(self.send(request, body("", values)).await?.0)
    }

    fn patched(&self, status: u16) -> Result<Answer, Error> {
        match status {
            200 | 201 => Ok(Answer::Done),
            404 | 409 => Ok(Answer::Overtaken),
            _ => Err(failure::of(status, Asked::Patch, &self.secret, &self.namespace)),
        }
    }

    async fn ask_to_create(&self, values: &[(&str, &str)], rehearse: bool) -> Result<u16, Error> {
        let request = Request::post(format!("{}?{}", self.path(""), parameters(rehearse)))
            .header("content-type", "application/json");
        let head =
            format!(r#""apiVersion":"v1","kind":"Secret","type":"Opaque","metadata":{{"name":"{}"}},"#, self.secret);
        Ok(self.send(request, body(&head, values)).await?.0)
    }

    fn created(&self, status: u16) -> Result<Answer, Error> {
        match status {
            200..=202 => Ok(Answer::Done),
            409 => Ok(Answer::Overtaken),
            _ => Err(failure::of(status, Asked::Create, &self.secret, &self.namespace)),
        }
    }

    fn path(&self, secret: &str) -> String {
        let path = format!("/api/v1/namespaces/{}/secrets/{secret}", self.namespace);
        path.trim_end_matches('/').to_owned()
    }

    async fn send(&self, request: http::request::Builder, body: Body) -> Result<(u16, Secret), Error> {
        let request = request.body(body).map_err(|_| failure::no_name(&self.place()))?;
        let exchange = async {
            let answer = self.kube.send(request).await;
            let answer = answer.map_err(|error| failure::of_call(&error, &self.server, self.proxy.as_ref()))?;
            let status = answer.status().as_u16();
            let mut frames = answer.into_body();
            let mut body = Secret::default();
            while let Some(frame) = frames.frame().await {
                let frame = frame.map_err(|_| failure::broken_off(&self.place()))?;
                let part = frame.data_ref().map(Bytes::as_ref).unwrap_or_default();
                if body.len() + part.len() > BODY_LIMIT {
                    return Err(failure::unreadable(&self.place()));
                }
                body.append(part);
            }
            Ok((status, body))
        };
        let late = |_| Err(failure::no_answer_in_time(CALL_LIMIT, &self.server, self.proxy.as_ref()));
        timeout(CALL_LIMIT, exchange).await.unwrap_or_else(late)
    }
}

/// The namespace that is set, else that of the service account or the kubeconfig.
pub(super) fn namespace(config: &Config, set: Option<&str>) -> String {
    set.unwrap_or(&config.default_namespace).trim().to_owned()
}

/// Whether the cluster can have something of this name: <https://kubernetes.io/docs/concepts/overview/working-with-objects/names/>.
pub(crate) fn is_name(name: &str) -> bool {
    let part = |part: &str| {
        part.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
            && !part.is_empty()
            && !part.starts_with('-')
            && !part.ends_with('-')
    };
    name.len() <= 253 && name.split('.').all(part)
}

fn parameters(rehearse: bool) -> String {
    format!("{MANAGER}{}", if rehearse { REHEARSE } else { "" })
}

/// `stringData` is added to what the Secret holds, and stored in its `data`.
fn body(head: &str, values: &[(&str, &str)]) -> Body {
    let mut body = Secret::default();
    body.append(b"{");
    body.append(head.as_bytes());
    body.append(b"\"stringData\":{");
    for (place, (key, value)) in values.iter().enumerate() {
        if place > 0 {
            body.append(b",");
        }
        append_string(&mut body, key);
        body.append(b":");
        append_string(&mut body, value);
    }
    body.append(b"}}");
    Bytes::from_owner(body).into()
}

#[cfg(all(test, unix))]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::{fs, path::Path, process::Command};

    use kube::config::ExecConfig;
    use rustls::crypto::ring;

    use super::*;

    /// A cluster whose command for credentials says that it has begun, and ends when somebody reads what it writes.
    fn config(folder: &Path) -> Config {
        let mut config = Config::new("http://127.0.0.1:1".parse().unwrap());
        let script = r#"echo x >> "$1/begun"; echo x > "$1/end""#.to_owned();
        config.auth_info.exec = Some(ExecConfig {
            command: Some("sh".into()),
            args: Some(vec!["-c".into(), script, "sh".into(), folder.display().to_string()]),
            ..ExecConfig::default()
        });
        config
    }

    #[tokio::test]
    async fn a_command_for_credentials_that_hangs_is_given_up_and_not_run_a_second_time_meanwhile() {
        let _ = ring::default_provider().install_default();
        let folder = tempfile::tempdir().unwrap();
        let made = Command::new("mkfifo").arg(folder.path().join("end")).status().unwrap();
        assert!(made.success());
        let fetching = Arc::new(Semaphore::new(1));

        for _ in 0..2 {
            let limit = Duration::from_millis(300);
            let access = Access { config: config(folder.path()), proxy: None };
            let client = Client::new(access, None, "shop", &fetching, limit).await;
            let Err(Error::Unavailable(text)) = client.map(|_| ()) else { panic!("it hangs") };
            assert!(text.contains("was not done after 0.3 s"), "{text}");
        }

        // Now it ends, so that nothing is left of it.
        fs::read(folder.path().join("end")).unwrap();
        let _ended = fetching.acquire().await.unwrap();
        assert_eq!(fs::read_to_string(folder.path().join("begun")).unwrap().lines().count(), 1);
    }

    #[test]
    fn names_are_those_that_a_cluster_can_have() {
        assert!(["a", "shop", "shop-1", "a.b-c.d", "0"].into_iter().all(is_name));
        let long = "a".repeat(254);
        assert!(!["", ".", "..", "a..b", "-a", "a-", "A", "a_b", "a/b", "a b", "é", &long].into_iter().any(is_name));
    }
}
