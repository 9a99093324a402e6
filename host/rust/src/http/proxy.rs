//! The proxy that the environment names. All stacks that send requests ask here, so that they agree.

use std::fmt;

use hyper_util::client::proxy::matcher::Matcher;
use reqwest::Url;

use crate::environment::{Environment, Mistake};

/// The variables that name a proxy for `https`, the first that is set counts.
const VARIABLES: [&str; 4] = ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"];
const EXCEPTIONS: [&str; 2] = ["NO_PROXY", "no_proxy"];

/// The proxy for requests over TLS, and which hosts are reached without it. Plain requests, which stay on this machine, never
/// go through one.
#[derive(Clone, Debug, Default)]
pub(crate) struct Proxies {
    proxy: Option<Proxy>,
    excepted: Vec<Exception>,
}

/// A proxy.
#[derive(Clone)]
pub(crate) struct Proxy {
    /// With the user name and the password, if there are any.
    url: String,
    /// Without them.
    pub(crate) address: String,
    /// The setting that names it.
    pub(crate) named_by: String,
}

#[derive(Clone, Debug)]
struct Exception {
    /// As the matcher takes it.
    host: String,
    port: Option<u16>,
}

impl Proxies {
    /// As the environment says.
    pub(crate) fn of(environment: &Environment) -> Result<Self, Mistake> {
        if let Some(mistake) =
            environment.unreadable(|name| VARIABLES.contains(&name) || EXCEPTIONS.contains(&name)).next()
        {
            return Err(mistake);
        }
        let proxy = match environment.first(&VARIABLES) {
            Some((name, value)) => Some(Proxy::of(name, value)?),
            None => None,
        };
        let excepted = match environment.first(&EXCEPTIONS) {
            Some((name, list)) => {
                let entries = list.split([',', ' ', '\t', '\n', '\r']).filter(|entry| !entry.is_empty());
                entries.map(|entry| Exception::of(name, entry)).collect::<Result<_, _>>()?
            }
            None => Vec::new(),
        };
        Ok(Self { proxy, excepted })
    }

    /// The proxy for requests to this host, unless it is excepted.
    pub(crate) fn for_host(&self, host: &str, port: u16) -> Option<&Proxy> {
        self.proxy.as_ref().filter(|_| !self.excepts(host, port))
    }

    /// Whether this host is reached without a proxy.
    pub(crate) fn excepts(&self, host: &str, port: u16) -> bool {
        let of_port = self.excepted.iter().filter(|exception| exception.port.is_none_or(|known| known == port));
        let list: Vec<&str> = of_port.map(|exception| exception.host.as_str()).collect();
        let Ok(asked) = format!("https://{host}").parse::<http::Uri>() else { return false };
        let matcher = Matcher::builder().all("http://proxy.invalid").no(list.join(",")).build();
        matcher.intercept(&asked).is_none()
    }

    /// The proxy, whichever host is meant.
    pub(crate) fn proxy(&self) -> Option<&Proxy> {
        self.proxy.as_ref()
    }
}

impl Proxy {
    /// The proxy with this address, which a setting of this name holds.
    pub(crate) fn of(named_by: &str, value: &str) -> Result<Self, Mistake> {
        let wrong = |why: &str| {
            // What is before an @ may be a password.
            let shown = if value.contains('@') { String::new() } else { format!(" '{}'", value.escape_debug()) };
            Mistake::new(
                named_by,
                format!(
                    "{named_by} names a proxy{shown} that cannot be used: {why}; set it to an address such as http://proxy.example.com:3128"
                ),
            )
        };
        let text = if value.contains("://") { value.to_owned() } else { format!("http://{value}") };
        let url = Url::parse(&text).map_err(|error| wrong(&error.to_string()))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(wrong(&format!(
                "its scheme is {}, and only proxies of http and https are followed",
                url.scheme()
            )));
        }
        let (Some(host), Some(port)) = (url.host_str(), url.port_or_known_default()) else {
            return Err(wrong("it has no host"));
        };
        if url.as_str().parse::<http::Uri>().is_err() {
            return Err(wrong("it is not an address"));
        }
        Ok(Self {
            address: format!("{}://{host}:{port}", url.scheme()),
            url: url.as_str().to_owned(),
            named_by: named_by.to_owned(),
        })
    }

    /// With the user name and the password.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Whether it says who asks.
    pub(crate) fn has_user(&self) -> bool {
        self.url.contains('@')
    }
}

/// Without user name and password.
impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl fmt::Display for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the proxy {} ({})", self.address, self.named_by)
    }
}

impl Exception {
    fn of(named_by: &str, entry: &str) -> Result<Self, Mistake> {
        let wrong = |why: &str| {
            Mistake::new(
                named_by,
                format!(
                    "{named_by} holds '{}', {why}; write hosts, .domains, addresses and networks, separated by commas",
                    entry.escape_debug()
                ),
            )
        };
        if entry.contains("://") {
            return Err(wrong("an address with a scheme, where a host belongs"));
        }
        let (host, port) = split_port(entry).ok_or_else(|| wrong("which has a port that is none"))?;
        let host = host.strip_prefix("*.").map_or_else(|| host.to_owned(), |domain| format!(".{domain}"));
        if host != "*" && host.contains('*') {
            return Err(wrong("and a * stands for whole names only"));
        }
        Ok(Self { host, port })
    }
}

/// A host, an address or a network, with a port where one is named.
fn split_port(entry: &str) -> Option<(&str, Option<u16>)> {
    if let Some(rest) = entry.strip_prefix('[') {
        let (address, rest) = rest.split_once(']')?;
        return match rest.strip_prefix(':') {
            Some(port) => Some((address, Some(port.parse().ok()?))),
            None => rest.is_empty().then_some((address, None)),
        };
    }
    match entry.split_once(':') {
        Some((host, port)) if !port.contains(':') => Some((host, Some(port.parse().ok()?))),
        // An IPv6 address.
        _ => Some((entry, None)),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn proxies(variables: &[(&str, &str)]) -> Result<Proxies, Mistake> {
        Proxies::of(&Environment::of(variables))
    }

    #[test]
    fn the_first_variable_that_is_set_names_the_proxy() {
        assert!(proxies(&[]).unwrap().for_host("api.amazon.com", 443).is_none());
        let both =
            proxies(&[("HTTPS_PROXY", ""), ("https_proxy", "p.example:3128"), ("ALL_PROXY", "http://q")]).unwrap();
        let proxy = both.for_host("api.amazon.com", 443).unwrap();
        assert_eq!(proxy.to_string(), "the proxy http://p.example:3128 (https_proxy)");
        assert_eq!(proxy.url(), "http://p.example:3128/");
    }

    #[test]
    fn hosts_are_excepted_as_people_write_them() {
        let list = "sqs.eu-west-1.amazonaws.com, .internal *.corp,10.0.0.0/8,[::1]:8080,only.port:8443";
        let proxies = proxies(&[("HTTPS_PROXY", "http://p"), ("NO_PROXY", list)]).unwrap();
        for (host, port, excepted) in [
            ("sqs.eu-west-1.amazonaws.com", 443, true),
            ("api.amazon.com", 443, false),
            ("vault.internal", 8200, true),
            ("vault.corp", 8200, true),
            ("10.1.2.3", 443, true),
            ("11.1.2.3", 443, false),
            ("[::1]", 8080, true),
            ("[::1]", 8081, false),
            ("only.port", 8443, true),
            ("only.port", 443, false),
        ] {
            assert_eq!(proxies.excepts(host, port), excepted, "{host}:{port}");
        }
        let all = self::proxies(&[("HTTPS_PROXY", "http://p"), ("no_proxy", "*")]).unwrap();
        assert!(all.for_host("api.amazon.com", 443).is_none());
    }

    #[test]
    fn a_value_that_cannot_work_is_reported_with_its_variable_and_never_with_a_password() {
        for (name, value, why) in [
            ("HTTPS_PROXY", "socks5://p:1080", "only proxies of http and https"),
            ("https_proxy", "http://", "https_proxy names a proxy 'http://'"),
            ("ALL_PROXY", "http://p:port", "ALL_PROXY names a proxy"),
            ("HTTPS_PROXY", "http://u:hidden@p:port", "HTTPS_PROXY names a proxy that cannot be used"),
            ("NO_PROXY", "http://a.example", "NO_PROXY holds 'http://a.example'"),
            ("no_proxy", "a.example:https", "a port that is none"),
            ("NO_PROXY", "sqs.*.amazonaws.com", "whole names only"),
        ] {
            let mistake = proxies(&[(name, value)]).unwrap_err();
            assert_eq!(mistake.setting, name);
            assert!(mistake.text.contains(why) && !mistake.text.contains("hidden"), "{mistake}");
        }
        let proxy = Proxy::of("HTTPS_PROXY", "http://u:hidden@p:3128").unwrap();
        assert!(!format!("{proxy:?} {proxy}").contains("hidden") && proxy.has_user());
    }
}
