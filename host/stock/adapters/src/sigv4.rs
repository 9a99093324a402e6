//! The signature of AWS, version 4, for a `POST` to the path `/`, which is all that the JSON protocols need.
//! See <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html>.

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

use crate::time::parts;

/// Whose signature it is.
pub struct Credentials {
    pub access_key_id: String,
    pub secret_access_key: String,
    pub session_token: Option<String>,
}

/// Adds the headers that a signed request has. `host` is signed and not added: whoever sends the request does that.
pub fn sign(
    headers: &mut Vec<(String, Vec<u8>)>,
    (host, region, service): (&str, &str, &str),
    body: &[u8],
    credentials: &Credentials,
    seconds: u64,
) {
    let [year, month, day, hour, minute, second] = parts(seconds);
    let date = format!("{year:04}{month:02}{day:02}");
    let instant = format!("{date}T{hour:02}{minute:02}{second:02}Z");
    headers.push(("x-amz-date".into(), instant.clone().into()));
    if let Some(token) = &credentials.session_token {
        headers.push(("x-amz-security-token".into(), token.clone().into()));
    }

    let mut signed: Vec<(&str, &[u8])> =
        headers.iter().map(|(name, value)| (name.as_str(), value.as_slice())).collect();
    signed.push(("host", host.as_bytes()));
    signed.sort_unstable();
    let names = signed.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(";");
    let mut request = b"POST\n/\n\n".to_vec();
    for (name, value) in signed {
        request.extend([name.as_bytes(), b":", value, b"\n"].concat());
    }
    request.extend(format!("\n{names}\n{}", hex(&Sha256::digest(body))).into_bytes());

    let scope = format!("{date}/{region}/{service}/aws4_request");
    let text = format!("AWS4-HMAC-SHA256\n{instant}\n{scope}\n{}", hex(&Sha256::digest(request)));
    let mut key = format!("AWS4{}", credentials.secret_access_key).into_bytes();
    for part in [&date, region, service, "aws4_request", &text] {
        key = hmac(&key, part);
    }
    let by = &credentials.access_key_id;
    let signature = hex(&key);
    let authorization =
        format!("AWS4-HMAC-SHA256 Credential={by}/{scope}, SignedHeaders={names}, Signature={signature}");
    headers.push(("authorization".into(), authorization.into()));
}

#[allow(clippy::expect_used, reason = "HMAC takes a key of any length")]
fn hmac(key: &[u8], text: &str) -> Vec<u8> {
    let mut hmac = Hmac::<Sha256>::new_from_slice(key).expect("a key of any length");
    hmac.update(text.as_bytes());
    hmac.finalize().into_bytes().to_vec()
}

/// Lower-case hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    /// Of a request in the test suite that AWS publishes for version 4, whose names the tests have.
    fn signature(headers: &[(&str, &str)], body: &str, session_token: Option<&str>) -> String {
        let credentials = Credentials {
            access_key_id: "AKIDEXAMPLE".into(),
            secret_access_key: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY".into(),
            session_token: session_token.map(str::to_owned),
        };
        let mut headers = headers.iter().map(|(name, value)| (name.to_string(), (*value).into())).collect();
        sign(
            &mut headers,
            ("example.amazonaws.com", "us-east-1", "service"),
            body.as_bytes(),
            &credentials,
            1_440_938_160,
        );
        let (name, value) = headers.pop().unwrap();
        assert_eq!(name, "authorization");
        let value = String::from_utf8(value).unwrap();
        assert!(
            value.starts_with("AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, "),
            "{value}"
        );
        value.rsplit_once("Signature=").unwrap().1.to_owned()
    }

    #[test]
    fn post_vanilla() {
        assert_eq!(signature(&[], "", None), "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b");
    }

    #[test]
    fn post_x_www_form_urlencoded() {
        let body = "Param1=value1";
        let digest = hex(&Sha256::digest(body));
        let headers = [
            ("content-type", "application/x-www-form-urlencoded"),
            ("content-length", "13"),
            ("x-amz-content-sha256", &digest),
        ];
        assert_eq!(signature(&headers, body, None), "d3875051da38690788ef43de4db0d8f280229d82040bfac253562e56c3f20e0b");
    }

    #[test]
    fn post_sts_header_before() {
        let token = "AQoDYXdzEPT//////////wEXAMPLEtc764bNrC9SAPBSM22wDOk4x4HIZ8j4FZTwdQWLWsKWHGBuFqwAeMicRXmxfpSPfIeoIYRqTflfKD8YUuwthAx7mSEI/qkPpKPi/kMcGdQrmGdeehM4IC1NtBmUpp2wUE8phUZampKsburEDy0KPkyQDYwT7WZ0wq5VSXDvp75YU9HFvlRd8Tx6q6fE8YQcHNVXAkiY9q6d+xo0rKwT38xVqr7ZD0u0iPPkUL64lIZbqBAz+scqKmlzm8FDrypNC9Yjc8fPOLn9FX9KSYvKTr4rvx3iSIlTJabIQwj2ICCR/oLxBA==";
        assert_eq!(signature(&[], "", Some(token)), "85d96828115b5dc0cfc3bd16ad9e210dd772bbebba041836c64533a82be05ead");
    }
}
