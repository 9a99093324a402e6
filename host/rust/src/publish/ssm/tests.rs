//! What Parameter Store answers, and what becomes of it. Against whole implementations it is tested in `tests/`.

use serde_json::Value;

use super::*;
use crate::aws::double::Server;

const DONE: (u16, &str) = (200, r#"{"Version":8,"Tier":"Standard"}"#);
const NOT_FOUND: (u16, &str) = (400, r#"{"__type":"ParameterNotFound","message":""}"#);
const HELD: (u16, &str) =
    (200, r#"{"Parameter":{"Type":"SecureString","Version":7,"Value":"{\"other\":1,\"client_secret\":\"old\"}"}}"#);
const DESCRIBED: (u16, &str) =
    (200, r#"{"Parameters":[{"Type":"SecureString","Tier":"Advanced","KeyId":"alias/mine","Version":7}]}"#);
const DENIED: (u16, &str) = (400, r#"{"__type":"AccessDeniedException","message":"no"}"#);

fn credential() -> Credential {
    Credential { client_id: "amzn1.id".into(), client_secret: "secret-value".into(), expires_at: None }
}

fn target(server: &Server) -> SsmTarget {
    SsmTarget::new("/shop/lwa").region("eu-west-1").aws(server.aws())
}

fn names(server: &Server) -> Vec<String> {
    server.operations().into_iter().map(|(name, _)| name).collect()
}

#[tokio::test]
async fn an_existing_parameter_keeps_its_other_members_type_tier_and_key() {
    let server = Server::answering(&[HELD, DESCRIBED, DONE]).await;

    target(&server).put(&credential()).await.unwrap();

    let [(_, read), _, (name, put)] = server.operations().try_into().unwrap();
    assert_eq!(read["WithDecryption"], true);
    assert_eq!(name, "PutParameter");
    assert_eq!(put["Value"], r#"{"other":1,"client_secret":"secret-value","client_id":"amzn1.id","expires_at":null}"#);
    assert_eq!(
        (&put["Type"], &put["Tier"], &put["KeyId"], &put["Overwrite"]),
        (&"SecureString".into(), &"Advanced".into(), &"alias/mine".into(), &true.into())
    );
}

#[tokio::test]
async fn a_description_on_a_later_page_is_found_and_without_one_nothing_is_written() {
    const EMPTY: (u16, &str) = (200, r#"{"Parameters":[],"NextToken":"more"}"#);
    let server = Server::answering(&[HELD, EMPTY, DESCRIBED, DONE]).await;
    target(&server).put(&credential()).await.unwrap();
    assert_eq!(server.operations()[3].1["KeyId"], "alias/mine");

    let server = Server::answering(&[HELD, (200, r#"{"Parameters":[]}"#)]).await;
    assert!(matches!(target(&server).put(&credential()).await, Err(Error::Unavailable(_))));
    assert!(names(&server).iter().all(|name| name != "PutParameter"), "its key would be lost");
}

#[tokio::test]
async fn another_key_is_used_if_it_is_asked_for_and_none_for_what_is_not_encrypted() {
    let server = Server::answering(&[HELD, DESCRIBED, DONE]).await;
    target(&server).kms_key("alias/other").put(&credential()).await.unwrap();
    assert_eq!(server.operations()[2].1["KeyId"], "alias/other");

    const PLAIN: (u16, &str) = (200, r#"{"Parameters":[{"Type":"String","Tier":"Standard","Version":7}]}"#);
    let server = Server::answering(&[HELD, PLAIN, DONE]).await;
    target(&server).kms_key("alias/other").put(&credential()).await.unwrap();
    assert_eq!(
        (&server.operations()[2].1["Type"], &server.operations()[2].1["KeyId"]),
        (&"String".into(), &Value::Null)
    );
}

#[tokio::test]
async fn a_new_parameter_is_a_secure_string_and_overwrites_nothing() {
    let server = Server::answering(&[NOT_FOUND, DONE]).await;

    target(&server).put(&credential()).await.unwrap();

    let (name, put) = server.operations().pop().unwrap();
    assert_eq!(name, "PutParameter");
    assert_eq!((&put["Type"], &put["Overwrite"]), (&"SecureString".into(), &false.into()));
}

#[tokio::test]
async fn a_parameter_that_holds_it_already_is_not_written() {
    const HOLDS: (u16, &str) = (200, r#"{"Parameter":{"Version":7,"Value":"secret-value"}}"#);
    let server = Server::answering(&[HOLDS]).await;

    target(&server).form(ParameterForm::Value).put(&credential()).await.unwrap();

    assert_eq!(names(&server), ["GetParameter"]);
}

#[tokio::test]
async fn what_somebody_else_wrote_at_the_same_moment_is_told() {
    const LATER: (u16, &str) = (200, r#"{"Version":9,"Tier":"Standard"}"#);
    let server = Server::answering(&[HELD, DESCRIBED, LATER]).await;

    let error = target(&server).put(&credential()).await.unwrap_err();

    assert!(matches!(&error, Error::Unavailable(text) if text.contains("versions 8 and 9")), "{error:?}");
}

#[tokio::test]
async fn a_write_whose_answer_was_lost_is_not_repeated_in_the_same_call() {
    let server = Server::answering(&[HELD, DESCRIBED, (500, "")]).await;
    let error = target(&server).put(&credential()).await.unwrap_err();
    assert!(matches!(error, Error::Unavailable(_)), "{error:?}");
    assert_eq!(names(&server).iter().filter(|name| *name == "PutParameter").count(), 1);

    let server = Server::answering(&[NOT_FOUND, (500, "")]).await;
    let error = target(&server).put(&credential()).await.unwrap_err();
    assert!(matches!(error, Error::Unavailable(_)), "{error:?}");
    assert_eq!(names(&server), ["GetParameter", "PutParameter"], "it would find what it has made itself");
}

#[tokio::test]
async fn a_value_without_room_is_not_put_and_the_remedy_is_told() {
    let answer =
        format!(r#"{{"Parameter":{{"Version":7,"Value":"{{\"other\":\"{}\"}}"}}}}"#, "x".repeat(STANDARD - 20)).leak();
    const STANDARD_TIER: (u16, &str) = (200, r#"{"Parameters":[{"Type":"SecureString","Tier":"Standard"}]}"#);

    let server = Server::answering(vec![(200, &*answer), STANDARD_TIER].leak()).await;
    let error = target(&server).put(&credential()).await.unwrap_err();
    assert!(matches!(&error, Error::Other(text) if text.contains("advanced tier")), "{error:?}");
    assert_eq!(names(&server), ["GetParameter", "DescribeParameters"]);

    let server = Server::answering(vec![(200, &*answer), DESCRIBED, DONE].leak()).await;
    target(&server).put(&credential()).await.unwrap();
}

#[tokio::test]
async fn each_answer_has_its_remedy() {
    type Answer = (u16, &'static str);
    let cases: [(&'static [Answer], &str, &str); 10] = [
        (&[DENIED], "denied", "ssm:GetParameter"),
        (&[HELD, DENIED], "denied", "ssm:DescribeParameters"),
        (&[HELD, DESCRIBED, DENIED], "denied", "ssm:PutParameter"),
        (&[(400, r#"{"__type":"ExpiredTokenException","message":"it has expired"}"#)], "denied", "have expired"),
        (&[(400, r#"{"__type":"InvalidKeyId","message":"no such key"}"#)], "denied", "KMS key"),
        (&[(400, r#"{"__type":"ThrottlingException","message":"Rate exceeded"}"#)], "unavailable", "Rate exceeded"),
        (&[HELD, DESCRIBED, (400, r#"{"__type":"TooManyUpdates","message":"no"}"#)], "unavailable", "same moment"),
        (&[NOT_FOUND, (400, r#"{"__type":"ParameterAlreadyExists","message":"no"}"#)], "unavailable", "same moment"),
        (
            &[NOT_FOUND, (400, r#"{"__type":"ValidationException","message":"a maximum of 4096 characters"}"#)],
            "other",
            "advanced tier",
        ),
        (&[(200, r#"{"Parameter":{"Version":7,"Value":"no json"}}"#)], "other", "left as it is"),
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
        assert!(text.contains(remedy) && text.contains("'/shop/lwa'") && text.contains("eu-west-1"), "{text}");
        assert!(!text.contains("secret-value") && !text.contains("no json"), "rule 9: {text}");
    }
}

#[tokio::test]
async fn a_probe_writes_nothing_and_a_missing_permission_leaves_it_open() {
    let probe = async |answers| {
        let server = Server::answering(answers).await;
        let probed = target(&server).probe().await;
        assert!(names(&server).iter().all(|name| name != "PutParameter"));
        probed
    };
    const PLAIN: (u16, &str) = (200, r#"{"Parameters":[{"Type":"String"}]}"#);

    assert!(matches!(probe(&[HELD, DESCRIBED]).await, Ok(Probe::NotChecked(text)) if !text.contains("not encrypted")));
    assert!(matches!(probe(&[HELD, PLAIN]).await, Ok(Probe::NotChecked(text)) if text.contains("not encrypted")));
    assert!(matches!(probe(&[NOT_FOUND]).await, Ok(Probe::NotChecked(text)) if text.contains("does not exist yet")));
    assert!(matches!(probe(&[DENIED]).await, Ok(Probe::NotChecked(text)) if text.contains("ssm:GetParameter")));
    assert!(matches!(probe(&[HELD, DENIED]).await, Ok(Probe::NotChecked(text)) if text.contains("DescribeParameters")));
    assert!(probe(&[(200, r#"{"Parameter":{"Version":7,"Value":"no json"}}"#)]).await.is_err());
}

#[tokio::test]
async fn a_secret_that_stands_alone_is_read_without_a_client_id() {
    const ALONE: (u16, &str) = (200, r#"{"Parameter":{"Version":7,"Value":"secret-value"}}"#);
    let target = target(&Server::answering(&[ALONE]).await).form(ParameterForm::Value);

    let held = target.read().await.unwrap().held().unwrap();

    assert_eq!((held.client_id, held.client_secret.expose_str()), (None, Some("secret-value")));
}

#[tokio::test]
async fn a_parameter_that_is_missing_or_empty_holds_nothing() {
    const EMPTY: (u16, &str) = (200, r#"{"Parameter":{"Version":7,"Value":""}}"#);
    assert!(matches!(target(&Server::answering(&[NOT_FOUND]).await).read().await, Ok(Reading::None)));
    let alone = target(&Server::answering(&[EMPTY]).await).form(ParameterForm::Value);
    assert!(matches!(alone.read().await, Ok(Reading::None)));
    const OTHER: (u16, &str) = (200, r#"{"Parameter":{"Version":7,"Value":"{\"other\":1}"}}"#);
    assert!(matches!(target(&Server::answering(&[OTHER]).await).read().await, Ok(Reading::None)));
}

#[tokio::test]
async fn the_place_is_the_arn_and_a_name_has_no_account() {
    let aws = || Aws::new().access_key("AKIAEXAMPLE", "secret".into());
    let place = async |target: SsmTarget| target.place("machine", "name").await.unwrap();

    let named = SsmTarget::new("/shop/lwa").region("eu-west-1").aws(aws());
    assert_eq!(place(named).await, "arn:aws:ssm:eu-west-1::parameter/shop/lwa");
    let named = SsmTarget::new("shop").aws(aws().region("us-east-1"));
    assert_eq!(place(named).await, "arn:aws:ssm:us-east-1::parameter/shop");
    let arn = "arn:aws:ssm:eu-west-1:123456789012:parameter/shop/lwa";
    assert_eq!(place(SsmTarget::new(arn).aws(aws())).await, arn);
}
