//! What Secrets Manager answers, and what becomes of it. Against whole implementations it is tested in `tests/`.

use super::*;
use crate::aws::double::Server;

const ARN: &str = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:shop-AbCdEf";
const DONE: (u16, &str) = (200, "{}");
const NOT_FOUND: (u16, &str) = (400, r#"{"__type":"ResourceNotFoundException","Message":"it cannot be found"}"#);
const HELD: (u16, &str) = (200, r#"{"VersionId":"v1","SecretString":"{\"other\":1,\"client_secret\":\"old\"}"}"#);
const HOLDS: (u16, &str) = (
    200,
    r#"{"VersionId":"v2","SecretString":"{\"client_secret\":\"secret-value\",\"expires_at\":null,\"client_id\":\"amzn1.id\"}"}"#,
);
const PUT: (u16, &str) = (200, r#"{"VersionStages":["lwa-rotate-x"]}"#);

fn credential() -> Credential {
    Credential { client_id: "amzn1.id".into(), client_secret: "secret-value".into(), expires_at: None }
}

fn target(server: &Server) -> SecretsManagerTarget {
    SecretsManagerTarget::new("shop").region("eu-west-1").aws(server.aws())
}

fn names(server: &Server) -> Vec<String> {
    server.operations().into_iter().map(|(name, _)| name).collect()
}

#[tokio::test]
async fn a_new_value_becomes_current_only_in_the_place_of_the_one_it_was_made_from() {
    let server = Server::answering(&[HELD, PUT, DONE, DONE, HOLDS]).await;

    target(&server).put(&credential()).await.unwrap();

    let [read, (_, put), (_, moved), (_, taken_off), _shown] = server.operations().try_into().unwrap();
    assert_eq!(read.0, "GetSecretValue");
    assert_eq!(
        put["SecretString"],
        r#"{"other":1,"client_secret":"secret-value","client_id":"amzn1.id","expires_at":null}"#
    );
    let label = put["VersionStages"][0].as_str().unwrap();
    assert!(label.starts_with("lwa-rotate-"), "nobody reads it yet: {put}");
    assert_eq!((&moved["VersionStage"], &moved["RemoveFromVersionId"]), (&"AWSCURRENT".into(), &"v1".into()));
    assert_eq!(moved["MoveToVersionId"], put["ClientRequestToken"]);
    assert_eq!((&taken_off["VersionStage"], &taken_off["MoveToVersionId"]), (&label.into(), &serde_json::Value::Null));
}

#[tokio::test]
async fn a_put_whose_answer_was_lost_is_repeated_with_the_same_token() {
    let server = Server::answering(&[HELD, (500, ""), PUT, DONE, DONE, HOLDS]).await;

    target(&server).put(&credential()).await.unwrap();

    let operations = server.operations();
    assert_eq!((&*operations[1].0, &*operations[2].0), ("PutSecretValue", "PutSecretValue"));
    assert_eq!(operations[1].1, operations[2].1);
}

/// Who reads it then would be given the old secret, which the command that follows would have them do.
#[tokio::test]
async fn a_put_is_done_when_readers_are_shown_the_new_value() {
    let server = Server::answering(&[HELD, PUT, DONE, DONE, HELD, HELD, HOLDS]).await;
    target(&server).put(&credential()).await.unwrap();
    assert_eq!(server.operations().len(), 7);

    let server = Server::answering(&[NOT_FOUND, NOT_FOUND, DONE, NOT_FOUND, NOT_FOUND, HOLDS]).await;
    target(&server).put(&credential()).await.unwrap();
    assert_eq!(server.operations().len(), 6);

    let server = Server::answering(&[HELD, PUT, DONE, DONE, HELD]).await;
    let error = target(&server).put(&credential()).await.unwrap_err();
    assert!(matches!(&error, Error::Unavailable(text) if text.contains("still shows the value before")), "{error:?}");
}

#[tokio::test]
async fn what_somebody_else_has_put_in_its_place_since_is_read_and_kept() {
    const CHANGED: (u16, &str) = (200, r#"{"VersionId":"v3","SecretString":"{\"other\":2}"}"#);
    let server = Server::answering(&[HELD, PUT, DONE, DONE, CHANGED, CHANGED, PUT, DONE, DONE, HOLDS]).await;

    target(&server).put(&credential()).await.unwrap();

    let (name, put) = &server.operations()[6];
    assert_eq!(name, "PutSecretValue");
    assert!(put["SecretString"].as_str().unwrap().starts_with(r#"{"other":2,"#), "{put}");
}

#[test]
fn the_token_follows_from_value_and_version_before() {
    let id = |value: &str, before| version_id(&value.into(), before);
    assert_eq!(id("a", Some("v1")), id("a", Some("v1")));
    assert_ne!(id("a", Some("v1")), id("b", Some("v1")));
    assert_ne!(id("a", Some("v1")), id("a", Some("v2")));
    assert_eq!(id("a", None).len(), 64, "no longer than Secrets Manager takes");
}

#[tokio::test]
async fn what_somebody_else_has_written_meanwhile_is_read_and_kept() {
    const MOVED: (u16, &str) = (400, r#"{"__type":"InvalidParameterException","Message":"it is attached to v2"}"#);
    const CHANGED: (u16, &str) = (200, r#"{"VersionId":"v2","SecretString":"{\"other\":2}"}"#);
    let server = Server::answering(&[HELD, PUT, MOVED, DONE, CHANGED, PUT, DONE, DONE, HOLDS]).await;

    target(&server).put(&credential()).await.unwrap();

    let operations = server.operations();
    let (first, second, moved) = (&operations[1].1, &operations[5].1, &operations[6].1);
    assert!(second["SecretString"].as_str().unwrap().starts_with(r#"{"other":2,"#), "{second}");
    assert_ne!(first["ClientRequestToken"], second["ClientRequestToken"]);
    assert_eq!(moved["RemoveFromVersionId"], "v2");
}

#[tokio::test]
async fn a_secret_that_holds_it_already_is_not_written() {
    let server = Server::answering(&[HOLDS]).await;

    target(&server).put(&credential()).await.unwrap();

    assert_eq!(names(&server), ["GetSecretValue"]);
}

#[tokio::test]
async fn a_secret_that_does_not_exist_is_made_and_an_empty_one_filled() {
    let server = Server::answering(&[NOT_FOUND, NOT_FOUND, DONE, HOLDS]).await;
    target(&server).put(&credential()).await.unwrap();
    assert_eq!(names(&server), ["GetSecretValue", "DescribeSecret", "CreateSecret", "GetSecretValue"]);

    const FIRST: (u16, &str) = (200, r#"{"VersionStages":["AWSCURRENT","lwa-rotate-x"]}"#);
    let server = Server::answering(&[NOT_FOUND, DONE, FIRST, DONE, HOLDS]).await;
    target(&server).put(&credential()).await.unwrap();
    let [before @ .., shown] = &names(&server)[..] else { panic!("nothing was asked") };
    assert_eq!(before, ["GetSecretValue", "DescribeSecret", "PutSecretValue", "UpdateSecretVersionStage"]);
    assert_eq!(shown, "GetSecretValue");
}

#[tokio::test]
async fn a_secret_that_somebody_else_makes_at_the_same_moment_is_not_overwritten() {
    const EXISTS: (u16, &str) = (400, r#"{"__type":"ResourceExistsException","Message":"it exists"}"#);
    let server = Server::answering(&[NOT_FOUND, NOT_FOUND, EXISTS, HELD, PUT, DONE, DONE, HOLDS]).await;

    target(&server).put(&credential()).await.unwrap();

    assert!(server.operations()[4].1["SecretString"].as_str().unwrap().contains(r#""other":1"#));
}

#[tokio::test]
async fn a_secret_of_an_arn_is_looked_for_in_its_region_and_never_made() {
    let server = Server::answering(&[NOT_FOUND]).await;
    let target = SecretsManagerTarget::new(ARN).aws(server.aws());

    let error = target.put(&credential()).await.unwrap_err();

    assert!(matches!(&error, Error::Other(text) if text.contains("compare the ARN")), "{error:?}");
    assert!(server.requests()[0].contains("/eu-west-1/secretsmanager/aws4_request"));
    assert_eq!(names(&server), ["GetSecretValue", "DescribeSecret"]);
    assert!(target.probe().await.is_err());
}

#[tokio::test]
async fn each_answer_of_a_read_has_its_remedy_and_nothing_is_written() {
    type Answer = (u16, &'static str);
    let cases: [(&'static [Answer], &str, &str); 9] = [
        (
            &[(400, r#"{"__type":"AccessDeniedException","Message":"no policy allows it"}"#)],
            "denied",
            "secretsmanager:GetSecretValue",
        ),
        (&[(400, r#"{"__type":"ExpiredTokenException","Message":"it has expired"}"#)], "denied", "have expired"),
        (&[(400, r#"{"__type":"UnrecognizedClientException","Message":"invalid token"}"#)], "denied", "region"),
        (&[(400, r#"{"__type":"DecryptionFailure","Message":"no"}"#)], "denied", "kms:Decrypt"),
        (
            &[(
                400,
                r#"{"__type":"InvalidRequestException","Message":"You can't perform this operation on the secret because it was marked for deletion."}"#,
            )],
            "other",
            "restore-secret",
        ),
        (&[(400, r#"{"__type":"ThrottlingException","Message":"slow down"}"#)], "unavailable", "slow down"),
        (&[(503, "")], "unavailable", "503"),
        (&[(200, r#"{"VersionId":"v1","SecretString":"no json"}"#)], "other", "left as it is"),
        (&[(200, r#"{"VersionId":"v1","SecretBinary":"AAAA"}"#)], "other", "left as it is"),
    ];
    for (answers, kind, remedy) in cases {
        let server = Server::answering(answers).await;

        let error = target(&server).put(&credential()).await.unwrap_err();

        let found = match &error {
            Error::AccessDenied(_) => "denied",
            Error::Unavailable(_) => "unavailable",
            _ => "other",
        };
        let text = error.to_string();
        assert_eq!(found, kind, "{text}");
        assert!(text.contains(remedy) && text.contains("'shop'") && text.contains("eu-west-1"), "{text}");
        assert!(!text.contains("secret-value") && !text.contains("no json"), "rule 9: {text}");
        assert!(names(&server).iter().all(|name| name == "GetSecretValue"));
    }
}

#[tokio::test]
async fn whoever_may_read_and_not_write_is_told_which_permission_that_takes() {
    const DENIED: (u16, &str) = (400, r#"{"__type":"AccessDeniedException","Message":"no"}"#);
    for answers in [&[HELD, DENIED][..], &[HELD, PUT, DENIED]] {
        let server = Server::answering(answers).await;
        let error = target(&server).put(&credential()).await.unwrap_err();
        assert!(
            matches!(&error, Error::AccessDenied(text) if text.contains("secretsmanager:UpdateSecretVersionStage")),
            "{error:?}"
        );
    }
}

#[tokio::test]
async fn a_value_that_would_be_too_large_is_not_put() {
    let answer = format!(r#"{{"VersionId":"v1","SecretString":"{{\"other\":\"{}\"}}"}}"#, "x".repeat(LARGEST - 20));
    let server = Server::answering(vec![(200, &*answer.leak())].leak()).await;

    let error = target(&server).put(&credential()).await.unwrap_err();

    assert!(matches!(&error, Error::Other(text) if text.contains("65536 bytes")), "{error:?}");
    assert_eq!(names(&server), ["GetSecretValue"]);
}

#[tokio::test]
async fn a_probe_writes_nothing_and_a_missing_permission_leaves_it_open() {
    const DENIED: (u16, &str) = (400, r#"{"__type":"AccessDeniedException","Message":"no"}"#);
    let probe = async |answers| {
        let server = Server::answering(answers).await;
        let probed = target(&server).probe().await;
        assert!(names(&server).iter().all(|name| name == "GetSecretValue" || name == "DescribeSecret"));
        probed
    };

    assert!(matches!(probe(&[HELD]).await, Ok(Probe::NotChecked(text)) if text.contains("can be read, and takes it")));
    assert!(matches!(probe(&[NOT_FOUND]).await, Ok(Probe::NotChecked(text)) if text.contains("does not exist yet")));
    assert!(matches!(probe(&[DENIED]).await, Ok(Probe::NotChecked(text)) if text.contains("GetSecretValue")));
    assert!(
        matches!(probe(&[NOT_FOUND, DENIED]).await, Ok(Probe::NotChecked(text)) if text.contains("DescribeSecret"))
    );
    assert!(probe(&[(200, r#"{"VersionId":"v1","SecretString":"[]"}"#)]).await.is_err());
}

#[tokio::test]
async fn the_layout_of_amazons_sample_is_read_by_its_names() {
    const SAMPLE: (u16, &str) = (
        200,
        r#"{"VersionId":"v1","SecretString":"{\"AppClientId\":\"amzn1.id\",\"AppClientSecret\":\"secret-value\"}"}"#,
    );
    let server = Server::answering(&[SAMPLE]).await;
    let names = Names {
        client_id: "AppClientId".into(),
        client_secret: "AppClientSecret".into(),
        expires_at: "expires_at".into(),
    };

    let held = target(&server).names(names).read().await.unwrap().held().unwrap();

    assert_eq!((held.client_id.as_deref(), held.client_secret.expose_str()), (Some("amzn1.id"), Some("secret-value")));
    assert!(target(&Server::answering(&[NOT_FOUND]).await).read().await.unwrap().held().is_none());
}

#[tokio::test]
async fn what_was_put_is_read_back() {
    let server = Server::answering(&[HOLDS]).await;

    target(&server).put(&credential()).await.unwrap();
    let held = target(&server).read().await.unwrap().held().unwrap();

    assert_eq!((held.client_id.as_deref(), held.client_secret.expose_str()), (Some("amzn1.id"), Some("secret-value")));
    assert_eq!(names(&server), ["GetSecretValue", "GetSecretValue"]);
}

#[tokio::test]
async fn the_place_is_the_arn_and_a_name_has_no_account() {
    let aws = || Aws::new().access_key("AKIAEXAMPLE", "secret".into());
    let place = async |target: SecretsManagerTarget| target.place("machine", "name").await.unwrap();

    assert_eq!(place(SecretsManagerTarget::new(ARN).aws(aws())).await, ARN);
    let named = SecretsManagerTarget::new("shop/lwa").region("eu-west-1").aws(aws());
    assert_eq!(place(named).await, "arn:aws:secretsmanager:eu-west-1::secret:shop/lwa");
    let named = SecretsManagerTarget::new("shop/lwa").aws(aws().region("us-east-1"));
    assert_eq!(place(named).await, "arn:aws:secretsmanager:us-east-1::secret:shop/lwa");
}
