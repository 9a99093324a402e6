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
fn everything_else_in_a_json_file_stays_to_the_byte() {
    let secret = "\"amzn1.oa2-cs.v1.abc\"";
    let id = "\"amzn1.application-oa2-client.0123\"";
    let end = "\"2026-01-01T00:00:00Z\"";
    for (before, after) in [
        (
            r#"{"z":1.50e+1,"client_secret":"old","big":123456789012345678901234567890,"a":{"client_id" : [1,
 2]}, "\u0061b":"\u00e9"}"#
                .to_owned(),
            format!(
                "{{\"z\":1.50e+1,\"client_secret\":{secret},\"big\":123456789012345678901234567890,\"a\":{{\"client_id\" : [1,\n 2]}}, \
                 \"\\u0061b\":\"\\u00e9\",\"client_id\":{id},\"expires_at\":{end}}}"
            ),
        ),
        (
            "{\"a\": 1, \"expires_at\": null}".into(),
            format!("{{\"a\": 1, \"expires_at\": {end}, \"client_id\": {id}, \"client_secret\": {secret}}}"),
        ),
        (
            "\n{\r\n\t\"client_secret\" : 5 ,\r\n\t\"client_id\": \"old\"\r\n}\r\n".into(),
            format!(
                "\n{{\r\n\t\"client_secret\" : {secret} ,\r\n\t\"client_id\": {id},\r\n\t\"expires_at\": {end}\r\n}}\r\n"
            ),
        ),
        (
            r#"{"client_secret":"a","client_secret":{"b":1}}"#.into(),
            format!(
                "{{\"client_secret\":{secret},\"client_secret\":{secret},\"client_id\":{id},\"expires_at\":{end}}}"
            ),
        ),
    ] {
        assert_eq!(merge(&before, Format::Json), after);
        assert_eq!(merge(&after, Format::Json), after, "written again, nothing changes");
    }
}

#[test]
fn a_document_that_holds_the_credential_already_stays_whatever_its_writing() {
    let before = r#"{"client_secret":"amzn1.oa2\u002dcs.v1.abc","expires_at":"2026-01-01T00:00:00Z" ,"client_id":"amzn1.application-oa2-client.0123"}"#;
    assert_eq!(merge(before, Format::Json), before);
}

#[test]
fn what_is_read_is_what_a_reader_finds() {
    let read = |content: &str, format| {
        let held = held(content.as_bytes(), format, &Names::of(format)).unwrap();
        held.map(|held| (held.client_id, held.client_secret.expose_str().unwrap().to_owned(), held.expires_at))
    };
    let found = |id: Option<&str>, secret: &str, at| Some((id.map(str::to_owned), secret.to_owned(), at));
    for (content, expected) in [
        ("", None),
        ("{}", None),
        (r#"{"client_secret":null}"#, None),
        (r#"{"client_secret":"","client_id":"x"}"#, None),
        (r#"{"client_secret":"a","client_secret":"b"}"#, found(None, "b", None)),
        (r#"{"client_id":"x","client_secret":"\u0061","expires_at":"soon"}"#, found(Some("x"), "a", None)),
        (
            r#"{"client_id":"","client_secret":"a","expires_at":"2026-01-01T01:00:00+01:00"}"#,
            found(None, "a", Some(1_767_225_600_000)),
        ),
    ] {
        assert_eq!(read(content, Format::Json), expected, "{content}");
    }
    for (content, expected) in [
        ("", None),
        ("LWA_CLIENT_SECRET=\n", None),
        ("# LWA_CLIENT_SECRET=a\nLWA_CLIENT_SECRET_OTHER=b\n", None),
        ("LWA_CLIENT_SECRET=a\r\nLWA_CLIENT_SECRET=b\r\nX=1", found(None, "b", None)),
        (
            "export LWA_CLIENT_SECRET='a b'\\''c' # new\nLWA_CLIENT_ID=\"x\\\"\\y\"\n",
            found(Some("x\"\\y"), "a b'c", None),
        ),
    ] {
        assert_eq!(read(content, Format::Env), expected, "{content}");
    }
}

#[test]
fn what_cannot_be_read_is_an_error_that_does_not_show_it() {
    for (content, format) in [
        (r#"{"client_secret":["secret-value"]}"#, Format::Json),
        ("secret-value", Format::Json),
        ("LWA_CLIENT_SECRET=$(secret-value)", Format::Env),
        ("LWA_CLIENT_SECRET='secret-value", Format::Env),
    ] {
        let error = held(content.as_bytes(), format, &Names::of(format)).unwrap_err();
        assert!(matches!(&error, Error::Other(text) if !text.contains("secret-value")), "{error:?}");
    }
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

#[test]
fn the_credential_of_another_application_is_left_as_it_is() {
    const OTHER: &str = "amzn1.application-oa2-client.9999";
    for (format, content) in [
        (Format::Env, format!("LWA_CLIENT_ID='{OTHER}'\nLWA_CLIENT_SECRET=hidden\n")),
        (Format::Json, format!(r#"{{"client_id":"{OTHER}\n","client_secret":"hidden"}}"#)),
    ] {
        let merge = |credential: &Credential| merged(content.as_bytes(), credential, format, &Names::of(format));

        let error = merge(&credential("mine", None)).unwrap_err();

        let Error::Other(text) = error else { panic!("{error:?}") };
        assert!(text.contains(OTHER) && text.contains("another application") && !text.contains("hidden"), "{text}");
        let nobody = Credential { client_id: String::new(), client_secret: "".into(), expires_at: None };
        assert!(merge(&nobody).is_ok(), "a probe is for no application");
    }
    // What is no client id of Amazon's is nobody's.
    for content in ["LWA_CLIENT_ID=\n", "LWA_CLIENT_ID=old\n", "LWA_CLIENT_ID=$ID\n"] {
        merge(content, Format::Env);
    }
}
