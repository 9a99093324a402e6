use super::*;

fn credential(secret: &str, expires_at: Option<u64>) -> Credential {
    Credential { client_id: "amzn1.application-oa2-client.0123".into(), client_secret: secret.into(), expires_at }
}

fn merge(content: &str, format: Format) -> String {
    let credential = credential("amzn1.oa2-cs.v1.abc", Some(1_767_225_600_000));
    let merged = merged(content.as_bytes(), &credential, format, &Names::of(format)).unwrap();
    merged.expose_str().unwrap().to_owned()
}

#[test]
fn an_env_file_holds_the_three_values() {
    assert_eq!(
        merge("", Format::Env),
        "LWA_CLIENT_ID=amzn1.application-oa2-client.0123\n\
         LWA_CLIENT_SECRET=amzn1.oa2-cs.v1.abc\n\
         LWA_CLIENT_SECRET_EXPIRES_AT=2026-01-01T00:00:00Z\n"
    );
}

#[test]
fn other_lines_of_an_env_file_stay_as_they_are() {
    let before = "# LWA_CLIENT_ID=comment\r\nDB='x\ny'\n  export LWA_CLIENT_SECRET='old'  \r\nLWA_CLIENT_SECRET_OTHER=1\nLWA_CLIENT_ID=old\nLWA_CLIENT_ID=older\nlast=\u{e9}";

    let after = merge(before, Format::Env);

    assert_eq!(
        after,
        "# LWA_CLIENT_ID=comment\r\nDB='x\ny'\n  export LWA_CLIENT_SECRET=amzn1.oa2-cs.v1.abc\r\nLWA_CLIENT_SECRET_OTHER=1\n\
         LWA_CLIENT_ID=amzn1.application-oa2-client.0123\nLWA_CLIENT_ID=amzn1.application-oa2-client.0123\nlast=\u{e9}\n\
         LWA_CLIENT_SECRET_EXPIRES_AT=2026-01-01T00:00:00Z\n"
    );
    assert_eq!(merge(&after, Format::Env), after, "written again, nothing changes");
}

#[cfg(unix)]
#[test]
fn a_shell_reads_what_was_written() {
    for secret in ["amzn1.oa2-cs.v1.abc", "a b", "it's", "''", "$HOME `id` \"x\" \\ # ! ~ * {a,b}", "~", "'", "é"] {
        let written = written(&credential(secret, None), Format::Env, &Names::of(Format::Env)).unwrap();
        let script =
            format!("{}printf %s \"$LWA_CLIENT_SECRET|$LWA_CLIENT_SECRET_EXPIRES_AT\"", written.expose_str().unwrap());

        let output = std::process::Command::new("sh").args(["-c", &script]).output().unwrap();

        assert_eq!(String::from_utf8(output.stdout).unwrap(), format!("{secret}|"));
    }
}

#[test]
fn a_json_file_holds_the_three_values() {
    assert_eq!(
        merge("", Format::Json),
        "{\n  \"client_id\": \"amzn1.application-oa2-client.0123\",\n  \"client_secret\": \"amzn1.oa2-cs.v1.abc\",\n  \
         \"expires_at\": \"2026-01-01T00:00:00Z\"\n}\n"
    );
    let unknown = written(&credential("x", None), Format::Json, &Names::of(Format::Json)).unwrap();
    assert!(unknown.expose_str().unwrap().contains("\"expires_at\": null"));
}

#[test]
fn other_members_of_a_json_file_stay_as_they_are() {
    let before = r#"{"z":1.50e+1,"client_secret":"old","big":123456789012345678901234567890,"a":{"client_id" : [1,
 2]}, "\u0061b":"\u00e9"}"#;

    let after = merge(before, Format::Json);

    assert_eq!(
        after,
        "{\n  \"z\": 1.50e+1,\n  \"client_secret\": \"amzn1.oa2-cs.v1.abc\",\n  \"big\": 123456789012345678901234567890,\n  \
         \"a\": {\"client_id\" : [1,\n 2]},\n  \"ab\": \"\\u00e9\",\n  \"client_id\": \"amzn1.application-oa2-client.0123\",\n  \
         \"expires_at\": \"2026-01-01T00:00:00Z\"\n}\n"
    );
    assert_eq!(merge(&after, Format::Json), after, "written again, nothing changes");
}

#[test]
fn a_file_that_is_no_json_object_is_refused_without_showing_it() {
    for content in ["[1]", "\"secret-value\"", "{\"a\":1", "{\"a\":1} x", "secret-value"] {
        let names = Names::of(Format::Json);
        let error = merged(content.as_bytes(), &credential("x", None), Format::Json, &names).unwrap_err();
        assert!(matches!(&error, Error::Other(text) if !text.contains("secret-value")), "{error:?}");
    }
}

#[test]
fn any_text_is_written_as_json_reads_it() {
    let secret = "\"\\\n\t\u{1}\u{7f}é😀</script>";
    let written = written(&credential(secret, None), Format::Json, &Names::of(Format::Json)).unwrap();
    let value: serde_json::Value = serde_json::from_slice(written.expose()).unwrap();
    assert_eq!(value["client_secret"], secret);
}
