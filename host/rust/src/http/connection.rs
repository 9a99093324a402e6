//! Why there is no connection, in words about what a person has set: the address, the proxy, the trusted certificates.

use std::error::Error;

use super::proxy::Proxy;

/// A connection to `target` was not made, through this proxy if there is one. The texts are those of the error and of its
/// causes, the outermost first.
pub(crate) fn failed(target: &str, proxy: Option<&Proxy>, causes: &[String]) -> String {
    let innermost = causes.last().map(String::as_str).unwrap_or_default();
    let any = |words: &str| causes.iter().any(|cause| cause.contains(words));
    let hint = if any("certificate") {
        let behind = if proxy.is_some() { ", the proxy's own for instance," } else { "" };
        format!("; if a company's own authority{behind} signed it, name its certificate in SSL_CERT_FILE")
    } else {
        String::new()
    };
    let Some(proxy) = proxy else {
        let hint = if any("lookup") || any("dns error") {
            "; no machine has this name, or the network's name server cannot be reached".to_owned()
        } else {
            hint
        };
        return format!("no connection to {target}: {innermost}{hint}");
    };
    let set = &proxy.named_by;
    if any("proxy authorization required") {
        return if proxy.has_user() {
            format!(
                "no connection to {target}: {proxy} does not accept the user name and password that {set} holds; put them right"
            )
        } else {
            format!(
                "no connection to {target}: {proxy} wants a user name and a password; set {set} to http://USER:PASSWORD@HOST:PORT"
            )
        };
    }
    if any("tunnel error: unsuccessful") || any("tunnel error: proxy response") || any("tunnel error: unexpected") {
        return format!(
            "no connection to {target}: {proxy} refuses to connect to it; have the proxy allow it, or except the host in NO_PROXY"
        );
    }
    if !hint.is_empty() {
        return format!("no connection to {target} through {proxy}: {innermost}{hint}");
    }
    format!(
        "no connection to {target}: {proxy} cannot be reached: {innermost}; put {set} right, or except the host in NO_PROXY"
    )
}

/// The error and its causes, from the outermost to the innermost.
pub(crate) fn causes(error: &dyn Error) -> Vec<String> {
    let chain = std::iter::successors(Some(error), |&error| error.source());
    chain.map(ToString::to_string).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_proxy_that_stands_in_the_way_is_named_with_its_variable() {
        let text = |proxy: Option<&str>, causes: &[&str]| {
            let proxy = proxy.map(|url| Proxy::of("HTTPS_PROXY", url).unwrap());
            let causes: Vec<String> = causes.iter().map(|cause| (*cause).to_owned()).collect();
            let text = failed("https://api.amazon.com", proxy.as_ref(), &causes);
            assert!(text.contains("https://api.amazon.com") && !text.contains("hidden"), "{text}");
            assert_eq!(proxy.is_some(), text.contains("the proxy http://p:3128 (HTTPS_PROXY)"), "{text}");
            text
        };
        let user = Some("http://u:hidden@p:3128");
        let nobody = Some("http://p:3128");
        assert!(
            text(nobody, &["client error", "Connection refused (os error 111)"])
                .contains("cannot be reached: Connection refused")
        );
        assert!(text(nobody, &["tunnel error: unsuccessful"]).contains("refuses to connect"));
        assert!(text(nobody, &["tunnel error: proxy authorization required"]).contains("USER:PASSWORD"));
        assert!(text(user, &["tunnel error: proxy authorization required"]).contains("does not accept"));
        assert!(text(nobody, &["invalid peer certificate: UnknownIssuer"]).contains("SSL_CERT_FILE"));
        assert!(text(None, &["invalid peer certificate: UnknownIssuer"]).contains("SSL_CERT_FILE"));
        assert!(
            text(None, &["dns error", "failed to lookup address information"]).contains("no machine has this name")
        );
        assert!(text(None, &["Connection refused"]).ends_with("Connection refused"));
    }
}
