//! The name of this machine, which tells its places from those of other machines.

/// This machine's host name as the system gives it; `localhost` where it gives none.
pub fn machine() -> String {
    #[cfg(unix)]
    let name = rustix::system::uname().nodename().to_string_lossy().into_owned();
    #[cfg(not(unix))]
    let name = std::env::var("COMPUTERNAME").unwrap_or_default();
    if name.is_empty() { "localhost".into() } else { name }
}
