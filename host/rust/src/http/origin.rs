//! Scheme, host and port: where a request may go.

use std::{fmt, net::IpAddr};

use reqwest::Url;

/// Scheme, host and port of a URL to which requests may be sent: `https`, or `http` on a loopback address.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Origin {
    scheme: &'static str,
    host: String,
    port: u16,
}

/// Why a URL has no origin that requests may be sent to.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum OriginError {
    /// It is not an absolute URL with a host.
    NotAbsolute,
    /// It is neither `https` nor `http`; the scheme.
    Scheme(String),
    /// It is `http` and the host, named here, is not a loopback address.
    NotEncrypted(String),
    /// It holds a user name or a password.
    UserInfo,
}

impl Origin {
    /// The origin of this URL; path and query do not matter.
    pub fn of(url: &str) -> Result<Self, OriginError> {
        Self::of_parsed(&Url::parse(url).map_err(|_| OriginError::NotAbsolute)?)
    }

    pub(crate) fn of_parsed(url: &Url) -> Result<Self, OriginError> {
        let (Some(host), Some(port)) = (url.host_str(), url.port_or_known_default()) else {
            return Err(OriginError::NotAbsolute);
        };
        let scheme = match url.scheme() {
            "https" => "https",
            "http" if is_loopback(host) => "http",
            "http" => return Err(OriginError::NotEncrypted(host.to_owned())),
            other => return Err(OriginError::Scheme(other.to_owned())),
        };
        if !url.username().is_empty() || url.password().is_some() {
            return Err(OriginError::UserInfo);
        }
        Ok(Self { scheme, host: host.to_owned(), port })
    }

    /// Whether requests to it go unencrypted, over loopback.
    pub fn is_plain(&self) -> bool {
        self.scheme == "http"
    }

    /// The host, in lower case; an IPv6 address in brackets.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The port, that of the scheme where the URL names none.
    pub fn port(&self) -> u16 {
        self.port
    }
}

/// Literal loopback addresses, and the name that resolvers must answer with one (RFC 6761, section 6.3).
fn is_loopback(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']');
    match address.parse::<IpAddr>() {
        Ok(address) => address.is_loopback(),
        Err(_) => host == "localhost",
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { scheme, host, port } = self;
        match (*scheme, port) {
            ("https", 443) | ("http", 80) => write!(f, "{scheme}://{host}"),
            _ => write!(f, "{scheme}://{host}:{port}"),
        }
    }
}

impl fmt::Display for OriginError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotAbsolute => f.write_str("it is not an absolute URL such as https://example.com"),
            Self::Scheme(scheme) => write!(f, "the scheme '{scheme}' is not supported; use https"),
            Self::NotEncrypted(host) => {
                write!(f, "plain http is for loopback addresses only, not for '{host}'; use https")
            }
            Self::UserInfo => f.write_str("it holds a user name or a password; leave them out"),
        }
    }
}

impl std::error::Error for OriginError {}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn default_ports_and_letter_case_do_not_make_another_origin() {
        let origin = Origin::of("https://API.amazon.com/auth/o2/token").unwrap();
        assert_eq!(origin, Origin::of("https://api.amazon.com:443").unwrap());
        assert_ne!(origin, Origin::of("https://api.amazon.com:8443").unwrap());
        assert_ne!(origin, Origin::of("https://api.amazon.com.evil.example").unwrap());
        assert_eq!(origin.to_string(), "https://api.amazon.com");
    }

    #[test]
    fn plain_http_is_for_loopback_addresses_only() {
        for url in ["http://127.0.0.1:8080/a", "http://127.9.9.9", "http://[::1]:9", "http://localhost:1"] {
            assert!(Origin::of(url).unwrap().is_plain(), "{url}");
        }
        for url in [
            "http://api.amazon.com",
            "http://localhost.evil.example",
            "http://127.0.0.1.evil.example",
            "http://0.0.0.0",
            "http://10.0.0.1",
        ] {
            assert!(matches!(Origin::of(url), Err(OriginError::NotEncrypted(_))), "{url}");
        }
    }

    #[test]
    fn other_urls_have_no_origin() {
        assert_eq!(Origin::of("api.amazon.com"), Err(OriginError::NotAbsolute));
        assert_eq!(Origin::of("ftp://api.amazon.com"), Err(OriginError::Scheme("ftp".into())));
        assert_eq!(Origin::of("https://user@api.amazon.com"), Err(OriginError::UserInfo));
        assert_eq!(Origin::of("https://user:pw@api.amazon.com"), Err(OriginError::UserInfo));
    }
}
