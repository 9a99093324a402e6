//! URLs, as far as they are used here: strict, because a request with a secret goes where they say.

use serde::{Deserialize, Deserializer, de::Error};

/// An absolute URL with scheme `https`, or `http` for a loopback address; without a user name or a fragment.
#[derive(Clone, Debug)]
pub struct Url {
    text: String,
    /// How many bytes of the text stand before the path.
    path: usize,
    origin: Origin,
}

/// Scheme, host in lower case, port: what two URLs must have in common to lead to the same place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    pub scheme: &'static str,
    pub host: String,
    port: u16,
}

impl Url {
    /// Reads a URL. The error says what is wrong.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        let (scheme, rest) = text.split_once("://").ok_or("it is not an absolute URL such as https://example.com")?;
        let (scheme, usual) = match scheme.to_ascii_lowercase().as_str() {
            "https" => ("https", 443),
            "http" => ("http", 80),
            _ => return Err("its scheme is not https"),
        };
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        let path = text.len() - rest.len() + authority.len();
        if !text[path..].bytes().all(|byte| byte.is_ascii_graphic() && byte != b'#' && byte != b'\\') {
            return Err("its path holds a fragment, a space or another sign that has to be escaped");
        }
        let (host, port) = match authority.rsplit_once(':') {
            Some((host, port)) if !port.ends_with(']') => {
                (host, port.parse().map_err(|_| "its port is not a number, or it holds a user name")?)
            }
            _ => (authority, usual),
        };
        let host = host.to_ascii_lowercase();
        let name = !host.is_empty() && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte));
        let address = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
        let address = address.map(|address| address.parse::<std::net::Ipv6Addr>());
        if !name && !matches!(address, Some(Ok(_))) {
            return Err("its host is not a name or an address, or it holds a user name");
        }
        let loopback = host == "localhost"
            || host.parse().is_ok_and(|address: std::net::Ipv4Addr| address.is_loopback())
            || matches!(address, Some(Ok(address)) if address.is_loopback());
        if scheme == "http" && !loopback {
            return Err("plain http is for loopback addresses only; use https");
        }
        Ok(Self { text: text.to_owned(), path, origin: Origin { scheme, host, port } })
    }

    /// As it was written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Where it leads.
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// Path and query; `/` for none.
    pub fn path_with_query(&self) -> String {
        let path = &self.text[self.path..];
        if path.starts_with('/') { path.to_owned() } else { format!("/{path}") }
    }
}

impl Origin {
    /// Host and port as the header `host` has them: without a port that is the scheme's own.
    pub fn authority(&self) -> String {
        match (self.scheme, self.port) {
            ("https", 443) | ("http", 80) => self.host.clone(),
            (_, port) => format!("{}:{port}", self.host),
        }
    }
}

impl std::fmt::Display for Origin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}://{}", self.scheme, self.authority())
    }
}

impl<'de> Deserialize<'de> for Url {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(deserializer)?)
            .map_err(|wrong| D::Error::custom(format!("this is no address: {wrong}")))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn letter_case_and_the_schemes_own_port_do_not_make_another_origin() {
        let origin = |text| Url::parse(text).unwrap().origin;
        assert_eq!(origin("HTTPS://API.amazon.com/auth"), origin("https://api.amazon.com:443"));
        for other in ["https://api.amazon.com:8443", "https://api.amazon.com.evil.example", "https://api.amazon.com."] {
            assert_ne!(origin("https://api.amazon.com"), origin(other), "{other}");
        }
    }

    #[test]
    fn path_and_query_go_out_as_they_are() {
        for (text, path) in [("https://a", "/"), ("https://a?b=c", "/?b=c"), ("https://a:1/b/../%2F?c", "/b/../%2F?c")]
        {
            assert_eq!(Url::parse(text).unwrap().path_with_query(), path);
        }
    }

    #[test]
    fn plain_http_is_for_loopback_addresses_only() {
        for text in ["http://127.0.0.1:8080/a", "http://127.9.9.9", "http://[::1]:9", "http://localhost:1"] {
            assert!(Url::parse(text).is_ok(), "{text}");
        }
        for text in
            ["http://api.amazon.com", "http://localhost.evil.example", "http://127.1", "http://0.0.0.0", "http://[::2]"]
        {
            assert!(Url::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn what_could_be_read_in_two_ways_is_no_url() {
        for text in [
            "api.amazon.com",
            "//api.amazon.com",
            "ftp://a",
            "https://",
            "https://:1",
            "https://user@a",
            "https://user:1@a",
            "https://a:1@b",
            "https://a:b",
            "https://a:65536",
            "https://a\\@b",
            "https://a/\\",
            "https://a/#b",
            "https://a /",
            "https://a/ b",
            "https://ä",
            "https://[::1",
            "https://[a]",
        ] {
            assert!(Url::parse(text).is_err(), "{text}");
        }
    }
}
