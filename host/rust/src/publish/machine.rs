//! The name of this machine, which tells its places from those of other machines.

/// This machine's host name as the system gives it; `localhost` where it gives none.
pub fn machine() -> String {
    let name = hostname::get().unwrap_or_default().to_string_lossy().into_owned();
    if name.is_empty() { "localhost".into() } else { name }
}
