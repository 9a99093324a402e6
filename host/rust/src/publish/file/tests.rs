use super::*;

fn credential(secret: &str) -> Credential {
    Credential { client_id: "amzn1.id".into(), client_secret: secret.into(), expires_at: None }
}

fn names(folder: &Path) -> Vec<String> {
    let names = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.collect()
}

#[tokio::test]
async fn a_new_file_holds_the_credential_and_nothing_else_is_left() {
    let folder = tempfile::tempdir().unwrap();
    let target = FileTarget::new(folder.path().join("shop.env"), Format::Env);

    target.put(&credential("one")).await.unwrap();
    target.put(&credential("two")).await.unwrap();
    target.put(&credential("two")).await.unwrap();

    let content = fs::read_to_string(folder.path().join("shop.env")).unwrap();
    assert_eq!(content, "LWA_CLIENT_ID=amzn1.id\nLWA_CLIENT_SECRET=two\nLWA_CLIENT_SECRET_EXPIRES_AT=\n");
    assert_eq!(names(folder.path()), ["shop.env"]);
}

#[cfg(unix)]
#[tokio::test]
async fn a_new_file_is_for_its_owner_and_an_existing_one_keeps_its_mode() {
    use std::os::unix::fs::PermissionsExt;

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("shop.json");
    let target = FileTarget::new(&path, Format::Json);
    let mode = || fs::metadata(&path).unwrap().permissions().mode() & 0o777;

    target.put(&credential("one")).await.unwrap();
    assert_eq!(mode(), 0o600);

    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
    target.put(&credential("two")).await.unwrap();
    assert_eq!(mode(), 0o640);
}

#[cfg(unix)]
#[tokio::test]
async fn a_link_is_followed_and_stays() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("shared")).unwrap();
    let (file, link) = (folder.path().join("shared/real.env"), folder.path().join("link.env"));
    fs::write(&file, "OTHER=1\n").unwrap();
    std::os::unix::fs::symlink("shared/real.env", &link).unwrap();

    FileTarget::new(&link, Format::Env).put(&credential("one")).await.unwrap();

    assert!(link.is_symlink());
    assert!(fs::read_to_string(&file).unwrap().starts_with("OTHER=1\nLWA_CLIENT_ID=amzn1.id\n"));
}

#[tokio::test]
async fn applications_that_share_a_file_do_not_overwrite_each_other() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("all.env");
    let writers = (0..8).map(|number| {
        let names = Names {
            client_id: format!("ID_{number}"),
            client_secret: format!("SECRET_{number}"),
            expires_at: format!("EXPIRES_{number}"),
        };
        let target = FileTarget::new(&path, Format::Env).names(names);
        tokio::spawn(async move { target.put(&credential("x")).await })
    });
    for writer in writers.collect::<Vec<_>>() {
        writer.await.unwrap().unwrap();
    }

    assert_eq!(fs::read_to_string(&path).unwrap().lines().count(), 24);
}

#[tokio::test]
async fn a_missing_folder_is_an_error_that_names_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let target = FileTarget::new(folder.path().join("missing/shop.env"), Format::Env);

    let error = target.put(&credential("secret-value")).await.unwrap_err();

    assert!(
        matches!(&error, Error::Unavailable(text) if text.contains("shop.env") && text.contains("make its folder")),
        "{error:?}"
    );
    assert!(!format!("{error:?}").contains("secret-value"));
}

#[tokio::test]
async fn a_probe_tells_what_writing_would_and_writes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    fs::write(path("other.json"), r#"{"a":1}"#).unwrap();
    fs::write(path("no.json"), "no json").unwrap();
    fs::create_dir(path("folder")).unwrap();
    let before = fs::metadata(folder.path()).unwrap().modified().unwrap();

    for (name, can) in [
        ("new.json", true),
        ("other.json", true),
        ("no.json", false),
        ("folder", false),
        ("missing/new.json", false),
        ("other.json/new.json", false),
    ] {
        let target = FileTarget::new(path(name), Format::Json);
        let probed = target.probe().await;
        assert_eq!(probed.is_ok(), can, "{name}: {probed:?}");
    }

    assert_eq!(names(folder.path()).len(), 3);
    assert_eq!(fs::metadata(folder.path()).unwrap().modified().unwrap(), before);
}

#[tokio::test]
async fn what_was_put_is_read_back_and_a_file_that_is_not_there_holds_nothing() {
    let folder = tempfile::tempdir().unwrap();
    for format in [Format::Env, Format::Json] {
        let target = FileTarget::new(folder.path().join(format!("{format:?}")), format);
        assert!(target.read().await.unwrap().held().is_none());

        target.put(&Credential { expires_at: Some(1_767_225_600_500), ..credential("it's \\ one") }).await.unwrap();

        let held = target.read().await.unwrap().held().unwrap();
        assert_eq!(held.client_id.as_deref(), Some("amzn1.id"));
        assert_eq!(held.client_secret.expose_str(), Some("it's \\ one"));
        assert_eq!(held.expires_at, Some(1_767_225_600_500));
    }
}

#[tokio::test]
async fn a_file_that_cannot_hold_it_is_left_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("shop.json");
    fs::write(&path, "no json").unwrap();

    let error = FileTarget::new(&path, Format::Json).put(&credential("one")).await.unwrap_err();

    assert!(matches!(&error, Error::Other(text) if text.contains("shop.json")), "{error:?}");
    assert_eq!(fs::read_to_string(&path).unwrap(), "no json");
    assert_eq!(names(folder.path()).len(), 1);
}

#[test]
fn a_write_that_hung_until_it_was_given_up_does_not_replace_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("shop.env");
    fs::write(&path, "LWA_CLIENT_SECRET=newer\n").unwrap();

    let error = FileTarget::new(&path, Format::Env).write(&credential("older"), Instant::now()).unwrap_err();

    assert!(matches!(&error, Error::Unavailable(text) if text.contains("too long")), "{error:?}");
    assert_eq!(fs::read_to_string(&path).unwrap(), "LWA_CLIENT_SECRET=newer\n");
    assert_eq!(names(folder.path()), ["shop.env"]);
}

#[tokio::test]
async fn a_file_without_a_credential_holds_none() {
    let folder = tempfile::tempdir().unwrap();
    for (format, content) in [(Format::Env, "OTHER=1\n"), (Format::Env, ""), (Format::Json, r#"{"other":1}"#)] {
        let path = folder.path().join(format!("{format:?}"));
        fs::write(&path, content).unwrap();
        assert!(matches!(FileTarget::new(&path, format).read().await, Ok(Reading::None)), "{content}");
    }
}
