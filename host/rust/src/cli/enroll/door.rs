//! What can be a client secret: what is pasted by mistake is recognised before it is stored and sent to Amazon.

use lwa_rotate::Secret;

use super::LONGEST;
use crate::cli::failure::Failure;

/// The secret without the space around it. What it is taken for is named, and never shown.
pub(super) fn checked(secret: &Secret, client_id: &str) -> Result<Secret, Failure> {
    if secret.len() as u64 > LONGEST {
        return Err(
            Failure::failed("this is too long to be a client secret").hint("give the secret alone, and nothing else")
        );
    }
    let trimmed = secret.expose().trim_ascii();
    if trimmed.is_empty() {
        return Err(Failure::failed("there is no secret: the input is empty")
            .hint("copy it from the application's page in the Developer Console"));
    }
    if let Some((what, remedy)) = mistaken(trimmed, client_id) {
        return Err(Failure::failed(format!("this is no client secret: it {what}")).hint(remedy));
    }
    if !trimmed.iter().all(u8::is_ascii_graphic) {
        return Err(Failure::failed(
            "this is no client secret: it holds a space, a line end or another character that no secret has",
        )
        .hint("give the secret alone, and nothing else"));
    }
    Ok(Secret::new(trimmed))
}

const COPY: &str = "copy the client secret from the application's LWA credentials in the Developer Console";
const ALONE: &str = "give the secret alone, without what is around it";

/// What the text is instead, and what to do.
fn mistaken(text: &[u8], client_id: &str) -> Option<(&'static str, &'static str)> {
    let begins = |starts: &[&str]| starts.iter().any(|start| text.starts_with(start.as_bytes()));
    if text == client_id.as_bytes() || begins(&["amzn1.application-oa2-client."]) {
        return Some(("is a client id", COPY));
    }
    if begins(&["amzn1.sp.solution.", "amzn1.sellerapps.app.", "amzn1.application."]) {
        return Some(("is the id of an application", COPY));
    }
    if begins(&["Atzr|"]) {
        return Some(("is a refresh token", COPY));
    }
    if begins(&["Atza|", "Atc|"]) {
        return Some(("is an access token", COPY));
    }
    if begins(&["AKIA", "ASIA"]) && text.len() == 20 {
        return Some(("is the id of an AWS access key", COPY));
    }
    if begins(&["{", "["]) {
        return Some((
            "is JSON",
            "give the member with the secret alone: jq -r .client_secret FILE | lwa-rotate enroll APP",
        ));
    }
    if begins(&["\"", "'", "`", "\u{201c}", "\u{2018}"]) {
        return Some(("begins with a quotation mark", ALONE));
    }
    if text.ends_with(b"\"") || text.ends_with(b"'") || text.ends_with(b"\\") {
        return Some(("ends with a quotation mark or a backslash", ALONE));
    }
    if text.ends_with(b";") || text.ends_with(b",") {
        return Some(("ends with a separator", ALONE));
    }
    if text.windows(3).any(|part| part == b"***" || part == "\u{2022}".as_bytes() || part == b"...") {
        return Some((
            "is masked by asterisks, points or the like",
            "show the secret in the Developer Console, then copy it",
        ));
    }
    let name = text.iter().take_while(|byte| byte.is_ascii_alphanumeric() || b"_-. ".contains(byte)).count();
    let is_sign = |byte: &u8| *byte == b'=' || *byte == b':';
    // The signs at the end of base64 follow no name.
    let is_named = text.get(name).is_some_and(is_sign) && text[name..].iter().any(|byte| !is_sign(byte));
    if name > 0 && is_named {
        return Some((
            "begins with a name and a sign, as a line of a file does",
            "give what follows the sign, and nothing else",
        ));
    }
    None
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    const CLIENT_ID: &str = "amzn1.application-oa2-client.0123";

    #[test]
    fn what_is_pasted_by_mistake_is_named_and_not_shown() {
        for (text, what) in [
            (CLIENT_ID, "a client id"),
            ("amzn1.application-oa2-client.another", "a client id"),
            ("amzn1.sp.solution.01234567-89ab", "the id of an application"),
            ("amzn1.sellerapps.app.01234567", "the id of an application"),
            ("Atzr|IwEBIhidden", "a refresh token"),
            ("Atza|IwEBIhidden", "an access token"),
            ("AKIAIOSFODNN7EXAMPLE", "AWS access key"),
            ("{\"client_secret\": \"hidden\"}", "JSON"),
            ("\"amzn1.oa2-cs.v1.hidden\"", "quotation mark"),
            ("'amzn1.oa2-cs.v1.hidden", "quotation mark"),
            ("\u{201c}amzn1.oa2-cs.v1.hidden\u{201d}", "quotation mark"),
            ("amzn1.oa2-cs.v1.hidden\"", "quotation mark"),
            ("amzn1.oa2-cs.v1.hidden;", "separator"),
            ("LWA_CLIENT_SECRET=amzn1.oa2-cs.v1.hidden", "a name and a sign"),
            ("export LWA_CLIENT_SECRET=amzn1.oa2-cs.v1.hidden", "a name and a sign"),
            ("client secret: amzn1.oa2-cs.v1.hidden", "a name and a sign"),
            ("****************", "asterisks"),
            ("\u{2022}\u{2022}\u{2022}\u{2022}", "asterisks"),
            ("amzn1.oa2-cs.v1.hidden two", "a space"),
            ("", "empty"),
        ] {
            let error = checked(&Secret::from(text), CLIENT_ID).unwrap_err().to_string();
            assert!(error.contains(what) && !error.contains("hidden"), "{text}: {error}");
        }
    }

    #[test]
    fn what_may_be_a_client_secret_is_taken_without_the_space_around_it() {
        for secret in ["amzn1.oa2-cs.v1.0123456789abcdef", "0123456789abcdef", "YWJjZGVmZw==", "a+b/c=", "x"] {
            let taken = checked(&Secret::from(format!(" {secret}\r\n")), CLIENT_ID);
            assert_eq!(taken.unwrap().expose_str(), Some(secret));
        }
    }
}
