//! The credentials that requests are signed with: from where the settings say, checked before anything is signed with them, and
//! read again when their files change or AWS does not accept them.

use std::{
    fmt,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant, SystemTime},
};

use aws_config::{
    ecs::EcsCredentialsProvider,
    imds::credentials::ImdsCredentialsProvider,
    profile::ProfileFileCredentialsProvider,
    provider_config::ProviderConfig,
    web_identity_token::{StaticConfiguration, WebIdentityTokenCredentialsProvider},
};
use aws_credential_types::{
    Credentials,
    provider::{ProvideCredentials, error::CredentialsError, future},
};
use aws_types::region::Region;
use tokio::{sync::Mutex as AsyncMutex, time::timeout};

use super::{
    http_client::Unconnected,
    profiles::{Profiles, Seen, seen},
    source::Source,
    variables,
};
use crate::{
    environment::{Environment, Mistake, visible_ascii},
    http::connection::causes,
};

/// How long they may take to be had.
const LIMIT: Duration = Duration::from_secs(5);
/// Credentials that end so soon are had anew.
const BEFORE_THE_END: Duration = Duration::from_secs(60);
/// Credentials that AWS has not accepted are had anew after so long, whether their files have changed or not: those of a
/// command, a container or a machine have none.
const AFTER_A_REFUSAL: Duration = Duration::from_secs(20);

/// What is known of the credentials in use, for whoever sends requests and whoever asks.
#[derive(Debug, Default)]
pub(crate) struct Standing {
    source: Mutex<Option<Arc<Source>>>,
    refused: AtomicBool,
    seen: Mutex<Vec<Credential>>,
}

/// What came of using the credentials.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Credential {
    /// A service of AWS answered a request that was signed with them; its host.
    Accepted(String),
    /// There are none, or AWS does not accept them; the text says why, and what to do.
    Refused(String),
    /// They could not be had, because something could not be reached.
    Unknown(String),
}

impl Standing {
    /// Where the credentials come from that requests are signed with.
    pub(super) fn source(&self) -> Option<Arc<Source>> {
        lock(&self.source).clone()
    }

    pub(super) fn set_source(&self, source: Source) {
        *lock(&self.source) = Some(Arc::new(source));
    }

    pub(super) fn accepted(&self, host: &str) {
        lock(&self.seen).push(Credential::Accepted(host.to_owned()));
    }

    /// A service does not accept them: they are had anew before long.
    pub(super) fn refused(&self, text: String) {
        self.refused.store(true, Ordering::Relaxed);
        lock(&self.seen).push(Credential::Refused(text));
    }

    /// What has come of using them since this was asked last, the worst of it.
    pub(super) fn take(&self) -> Option<Credential> {
        let seen = std::mem::take(&mut *lock(&self.seen));
        let badness = |credential: &Credential| match credential {
            Credential::Accepted(_) => 0,
            Credential::Unknown(_) => 1,
            Credential::Refused(_) => 2,
        };
        seen.into_iter().max_by_key(badness)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Provides them.
pub(super) struct Renewed {
    region: Region,
    settings: ProviderConfig,
    standing: Arc<Standing>,
    environment: fn() -> Environment,
    held: AsyncMutex<Option<Held>>,
}

struct Held {
    provider: Box<dyn ProvideCredentials>,
    source: Arc<Source>,
    paths: Option<[std::path::PathBuf; 2]>,
    seen: Seen,
    credentials: Option<Credentials>,
    had: Instant,
}

/// Why there are no credentials: a whole sentence.
#[derive(Debug)]
pub(super) struct NoCredentials {
    text: String,
    unreachable: bool,
}

impl fmt::Display for NoCredentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl std::error::Error for NoCredentials {}

impl From<Mistake> for NoCredentials {
    fn from(mistake: Mistake) -> Self {
        Self { text: mistake.text, unreachable: false }
    }
}

impl Renewed {
    pub(super) fn new(region: Region, settings: ProviderConfig, standing: Arc<Standing>) -> Self {
        Self { region, settings, standing, environment: Environment::of_process, held: AsyncMutex::default() }
    }

    async fn provide(&self) -> Result<Credentials, NoCredentials> {
        let mut held = self.held.lock().await;
        let refused = self.standing.refused.load(Ordering::Relaxed);
        if let Some(held) = held.as_ref().filter(|held| held.is_current(refused)) {
            if let Some(credentials) = held.usable() {
                return Ok(credentials.clone());
            }
        } else {
            let before = held.take();
            match self.open().await {
                Ok(new) => *held = Some(new),
                Err(error) => {
                    // A file that is just being written, for instance.
                    let before = before.filter(|_| !refused);
                    let Some(usable) = before.as_ref().and_then(Held::usable).cloned() else { return Err(error) };
                    tracing::warn!("the AWS credentials of before stay in use: {error}");
                    *held = before;
                    return Ok(usable);
                }
            }
            self.standing.refused.store(false, Ordering::Relaxed);
        }
        let Some(opened) = held.as_mut() else { return Err(Mistake::new("", "no AWS credentials").into()) };
        *lock(&self.standing.source) = Some(Arc::clone(&opened.source));
        let provided = timeout(LIMIT, opened.provider.provide_credentials()).await;
        opened.had = Instant::now();
        let checked = match provided {
            Ok(Ok(credentials)) => checked(credentials, &opened.source),
            Ok(Err(error)) => Err(described(&error, &opened.source)),
            Err(_) => Err(NoCredentials {
                text: format!(
                    "no AWS credentials were had from {} within {} s; {}",
                    opened.source,
                    LIMIT.as_secs(),
                    opened.source.remedy()
                ),
                unreachable: *opened.source != Source::Machine,
            }),
        };
        match checked {
            Ok(credentials) => {
                opened.credentials = Some(credentials.clone());
                Ok(credentials)
            }
            Err(error) => {
                *held = None;
                Err(error)
            }
        }
    }

    /// Reads where they come from.
    async fn open(&self) -> Result<Held, NoCredentials> {
        let environment = (self.environment)();
        let profiles = Profiles::read(&environment).await?;
        let source = Source::of(&environment, &profiles)?;
        let settings = &self.settings;
        let provider: Box<dyn ProvideCredentials> = match &source {
            Source::Given | Source::Variables => match variables::access_key(&environment)? {
                Some(key) => {
                    let mut credentials = Credentials::builder()
                        .access_key_id(key.id)
                        .secret_access_key(key.secret)
                        .provider_name("environment");
                    credentials.set_session_token(key.token.map(str::to_owned));
                    credentials.set_account_id(key.account.map(Into::into));
                    Box::new(credentials.build())
                }
                None => return Err(Mistake::new("AWS_ACCESS_KEY_ID", "AWS_ACCESS_KEY_ID is no longer set").into()),
            },
            Source::Profile { .. } => Box::new(
                ProfileFileCredentialsProvider::builder()
                    .configure(settings)
                    .profile_files(profiles.files.clone())
                    .profile_name(&profiles.name)
                    .build(),
            ),
            Source::WebIdentity { role, file } => {
                let session = environment.get("AWS_ROLE_SESSION_NAME").unwrap_or("lwa-rotate");
                Box::new(
                    WebIdentityTokenCredentialsProvider::builder()
                        .configure(settings)
                        .static_configuration(StaticConfiguration {
                            web_identity_token_file: file.into(),
                            role_arn: role.clone(),
                            session_name: session.to_owned(),
                        })
                        .build(),
                )
            }
            Source::Container { .. } => Box::new(EcsCredentialsProvider::builder().configure(settings).build()),
            Source::Machine => Box::new(ImdsCredentialsProvider::builder().configure(settings).build()),
        };
        let (paths, seen) = (Some(profiles.paths), profiles.seen);
        let had = Instant::now();
        tracing::debug!(region = %self.region, "AWS credentials come from {source}");
        Ok(Held { provider, source: Arc::new(source), paths, seen, credentials: None, had })
    }
}

impl Held {
    /// Whether where they come from is what it was.
    fn is_current(&self, refused: bool) -> bool {
        let unchanged = self.paths.as_ref().is_none_or(|paths| seen(paths) == self.seen);
        unchanged && !(refused && self.had.elapsed() > AFTER_A_REFUSAL)
    }

    fn usable(&self) -> Option<&Credentials> {
        let lives = |credentials: &&Credentials| {
            credentials.expiry().is_none_or(|end| end > SystemTime::now() + BEFORE_THE_END)
        };
        self.credentials.as_ref().filter(lives)
    }
}

/// What is signed with goes into a header, and the signer takes it for one: it would end the program.
fn checked(credentials: Credentials, source: &Source) -> Result<Credentials, NoCredentials> {
    let parts = [
        ("access key id", Some(credentials.access_key_id())),
        ("secret access key", Some(credentials.secret_access_key())),
        ("session token", credentials.session_token()),
    ];
    let wrong = |what: &str, why: &str| {
        NoCredentials::from(Mistake::new("", format!("the {what} from {source} {why}; {}", source.remedy())))
    };
    for (what, value) in parts {
        let Some(value) = value else { continue };
        if value.trim().is_empty() && what != "session token" {
            return Err(wrong(what, "is empty"));
        }
        visible_ascii(value.trim()).map_err(|why| wrong(what, why))?;
    }
    let mut trimmed = Credentials::builder()
        .access_key_id(credentials.access_key_id().trim())
        .secret_access_key(credentials.secret_access_key().trim())
        .provider_name("lwa-rotate");
    let token = credentials.session_token().map(str::trim).filter(|token| !token.is_empty());
    trimmed.set_session_token(token.map(str::to_owned));
    trimmed.set_account_id(credentials.account_id().cloned());
    trimmed.set_expiry(credentials.expiry());
    Ok(trimmed.build())
}

/// In one sentence, with what to do.
fn described(error: &CredentialsError, source: &Source) -> NoCredentials {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error);
    let mut unreachable = false;
    while let Some(current) = cause {
        unreachable |= current.is::<Unconnected>();
        cause = current.source();
    }
    let causes = causes(error);
    // What is around it says that credentials could not be had.
    let innermost = causes.last().map(String::as_str).unwrap_or_default();
    // What a command wrote may be a secret.
    let innermost = innermost.split(" Stderr").next().unwrap_or_default();
    let words = innermost.split_whitespace().collect::<Vec<_>>().join(" ");
    let text = match source {
        // That nothing answers there is what a machine without a role does.
        Source::Machine => format!(
            "there are no AWS credentials: no variables, no profile, no role of a pod or a container, and no role of this machine ({words}); {}",
            source.remedy()
        ),
        _ => format!("there are no usable AWS credentials: {source} gives none: {words}; {}", source.remedy()),
    };
    NoCredentials { text, unreachable: unreachable && *source != Source::Machine }
}

impl ProvideCredentials for Renewed {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(async {
            self.provide().await.map_err(|error| {
                let text = error.text.clone();
                lock(&self.standing.seen).push(match error.unreachable {
                    true => Credential::Unknown(text),
                    false => Credential::Refused(text),
                });
                CredentialsError::provider_error(error)
            })
        })
    }
}

/// Without the credentials.
impl fmt::Debug for Renewed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Renewed").field("region", &self.region).finish_non_exhaustive()
    }
}

/// The error that says why there are no credentials, if that is what a failure came of.
pub(super) fn no_credentials<'e>(error: &'e (dyn std::error::Error + 'static)) -> Option<&'e NoCredentials> {
    std::iter::successors(Some(error), |&error| error.source()).find_map(|error| error.downcast_ref())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::{fs, path::PathBuf, sync::LazyLock};

    use super::*;

    /// The files of these tests, which are one: variables cannot be given to a function alone.
    static FILE: LazyLock<PathBuf> = LazyLock::new(|| tempfile::tempdir().unwrap().keep().join("credentials"));

    fn environment() -> Environment {
        let file = FILE.display().to_string();
        Environment::of(&[("AWS_CONFIG_FILE", "/dev/null"), ("AWS_SHARED_CREDENTIALS_FILE", &file)])
    }

    fn write(id: &str) {
        fs::write(&*FILE, format!("[default]\naws_access_key_id = {id}\naws_secret_access_key = secret\n")).unwrap();
    }

    #[tokio::test]
    async fn credentials_in_a_file_that_changes_are_taken_up_by_the_next_request() {
        let region = Region::from_static("us-east-1");
        let standing = Arc::<Standing>::default();
        let http = crate::aws::http_client::http_client(&Environment::default(), None, Arc::clone(&standing));
        let settings = ProviderConfig::without_region().with_region(Some(region.clone())).with_http_client(http);
        let renewed = Renewed { environment, ..Renewed::new(region, settings, Arc::clone(&standing)) };

        write("FIRST");
        assert_eq!(renewed.provide().await.unwrap().access_key_id(), "FIRST");
        let source = standing.source().unwrap().to_string();
        assert!(source.contains("the profile 'default' in") && source.contains("/credentials"), "{source}");

        standing.refused("they have expired".into());
        assert_eq!(renewed.provide().await.unwrap().access_key_id(), "FIRST", "nothing else is there yet");
        write("LONGER-THAN-THE-FIRST");
        assert_eq!(renewed.provide().await.unwrap().access_key_id(), "LONGER-THAN-THE-FIRST");

        // A file that is just being written.
        fs::write(&*FILE, "[default").unwrap();
        assert_eq!(renewed.provide().await.unwrap().access_key_id(), "LONGER-THAN-THE-FIRST");

        write("hid\u{e9}den");
        standing.refused("they are wrong".into());
        let error = renewed.provide().await.unwrap_err().to_string();
        assert!(
            error.contains("aws_access_key_id of the profile 'default'") && !error.contains("den holds"),
            "{error}"
        );
        fs::remove_dir_all(FILE.parent().unwrap()).unwrap();
    }

    #[test]
    fn what_is_signed_with_is_what_a_header_can_hold() {
        let credentials =
            |id: &str, token: Option<&str>| Credentials::new(id, "secret", token.map(Into::into), None, "x");
        let good = checked(credentials("AKIA\n", Some("token \n")), &Source::Machine).unwrap();
        assert_eq!((good.access_key_id(), good.session_token()), ("AKIA", Some("token")));
        for bad in [credentials("AK IA", None), credentials("", None), credentials("A", Some("to\nken"))] {
            let error = checked(bad, &Source::Container { address: "http://169.254.170.2/x (THE_VARIABLE)".into() })
                .unwrap_err();
            assert!(error.to_string().contains("THE_VARIABLE"), "{error}");
        }
    }

    #[test]
    fn the_worst_of_what_came_of_using_them_is_reported_once() {
        let standing = Standing::default();
        assert_eq!(standing.take(), None);
        standing.accepted("sqs.us-east-1.amazonaws.com");
        standing.refused("they have expired".into());
        standing.accepted("kms.us-east-1.amazonaws.com");
        assert_eq!(standing.take(), Some(Credential::Refused("they have expired".into())));
        assert_eq!(standing.take(), None);
    }
}
