//! What SQS answers, and what becomes of it: against a listener that speaks as much of the protocol as these tests need.
//! Against whole implementations of SQS it is tested in `tests/`.

use tokio::net::TcpListener;

use super::{
    super::{Flow, Gap, Key, KeyDescription},
    *,
};
use crate::aws::double::Server;

fn sqs(server: &Server) -> Sqs {
    Sqs::new([("main", format!("{}/000000000000/lwa", server.url()))])
        .unwrap()
        .aws(Aws::new().region("eu-west-1").access_key("AKIAEXAMPLE", "secret".into()))
}

#[tokio::test]
async fn messages_come_with_their_count_and_unchanged_body() {
    let server = Server::answering(&[(
        200,
        r#"{"Messages":[{"MessageId":"m1","ReceiptHandle":"r1","Body":"{\"größe\":1}\n","Attributes":{"ApproximateReceiveCount":"3"}},{"MessageId":"m2","ReceiptHandle":"r2","Body":""}]}"#,
    )])
    .await;

    let messages = sqs(&server).receive("main", 99, 7, 120).await.unwrap();

    let [first, second] = messages.try_into().unwrap();
    assert_eq!((first.id.as_str(), first.receipt_handle.as_str()), ("m1", "r1"));
    assert_eq!(first.body.expose_str(), Some("{\"größe\":1}\n"));
    assert_eq!(first.receive_count, 3);
    assert_eq!(second.receive_count, 0);
    let [request] = server.requests().try_into().unwrap();
    for part in [
        "AmazonSQS.ReceiveMessage",
        "/eu-west-1/sqs/aws4_request",
        r#""MaxNumberOfMessages":10"#,
        r#""WaitTimeSeconds":7"#,
        r#""VisibilityTimeout":120"#,
        "ApproximateReceiveCount",
    ] {
        assert!(request.contains(part), "{part} in {request}");
    }
}

#[tokio::test]
async fn no_message_is_an_empty_list() {
    for body in ["{}", r#"{"Messages":[]}"#] {
        let server = Server::answering(&[(200, "{}")]).await;
        assert!(sqs(&server).receive("main", 1, 0, 30).await.unwrap().is_empty(), "{body}");
    }
}

#[tokio::test]
async fn answers_of_sqs_are_told_apart() {
    let error = async |answers: &'static [(u16, &'static str)]| {
        let server = Server::answering(answers).await;
        sqs(&server).receive("main", 1, 0, 30).await.unwrap_err()
    };

    let gone = error(&[(
        400,
        r#"{"__type":"com.amazonaws.sqs#QueueDoesNotExist","message":"The specified queue does not exist."}"#,
    )])
    .await;
    assert!(
        matches!(&gone, Error::NotFound(text) if text.contains("'main'") && text.contains("does not exist")),
        "{gone:?}"
    );

    let denied = error(&[(
        403,
        r#"{"__type":"com.amazon.coral.service#AccessDeniedException","message":"no identity-based policy allows it"}"#,
    )])
    .await;
    assert!(
        matches!(&denied, Error::AccessDenied(text) if text.contains("policy") && text.contains("sqs:ReceiveMessage")),
        "{denied:?}"
    );

    let throttled = error(&[(400, r#"{"__type":"com.amazonaws.sqs#RequestThrottled","message":"slow down"}"#)]).await;
    assert!(matches!(throttled, Error::Unavailable(_)), "{throttled:?}");

    let failing = error(&[(503, "")]).await;
    assert!(matches!(failing, Error::Unavailable(_)), "{failing:?}");

    let unreadable = error(&[(200, r#"{"Messages":[{"Body":"secret-value"#)]).await;
    assert!(matches!(&unreadable, Error::Unavailable(text) if !text.contains("secret-value")), "{unreadable:?}");

    let other = error(&[(400, r#"{"__type":"com.amazonaws.sqs#UnsupportedOperation","message":"no"}"#)]).await;
    assert!(matches!(other, Error::Other(_)), "{other:?}");
}

#[tokio::test]
async fn a_passing_failure_is_tried_once_more() {
    let server = Server::answering(&[(503, ""), (200, "{}")]).await;
    assert!(sqs(&server).receive("main", 1, 0, 30).await.unwrap().is_empty());
    assert_eq!(server.requests().len(), 2);
}

#[tokio::test]
async fn receipts_that_are_no_longer_valid_are_stale() {
    for answers in [
        &[(
            400,
            r#"{"__type":"com.amazonaws.sqs#ReceiptHandleIsInvalid","message":"The input receipt handle is invalid."}"#,
        )],
        &[(400, r#"{"__type":"com.amazonaws.sqs#MessageNotInflight","message":""}"#)],
        &[(
            400,
            r#"{"__type":"com.amazon.coral.service#InvalidParameterValueException","message":"Value r1 for parameter ReceiptHandle is invalid. Reason: The receipt handle has expired."}"#,
        )],
    ] {
        let server = Server::answering(answers).await;
        assert_eq!(sqs(&server).delete("main", "r1").await, Err(Error::StaleReceipt));
        assert_eq!(sqs(&server).hide("main", "r1", 30).await, Err(Error::StaleReceipt));
    }
}

#[tokio::test]
async fn deleting_and_hiding_succeed() {
    let server = Server::answering(&[(200, "{}")]).await;
    let sqs = sqs(&server);

    sqs.delete("main", "r1").await.unwrap();
    sqs.hide("main", "r2", 77).await.unwrap();

    let [delete, hide] = server.requests().try_into().unwrap();
    assert!(delete.contains("AmazonSQS.DeleteMessage") && delete.contains(r#""ReceiptHandle":"r1""#), "{delete}");
    assert!(hide.contains("AmazonSQS.ChangeMessageVisibility") && hide.contains(r#""VisibilityTimeout":77"#), "{hide}");
}

#[tokio::test]
async fn attributes_come_by_the_names_of_sqs() {
    let server = Server::answering(&[(200, r#"{"Attributes":{"MessageRetentionPeriod":"60","Later":"x"}}"#)]).await;

    let attributes = sqs(&server).attributes("main").await.unwrap();

    assert_eq!(
        attributes,
        [("Later", "x"), ("MessageRetentionPeriod", "60")].map(|(n, v)| (n.into(), v.into())).into()
    );
    let [request] = server.requests().try_into().unwrap();
    assert!(request.contains("AmazonSQS.GetQueueAttributes") && request.contains(r#"["All"]"#), "{request}");
}

#[tokio::test]
async fn whoever_may_not_look_at_attributes_is_told_which_permission_that_takes() {
    let server = Server::answering(&[(403, r#"{"__type":"AccessDeniedException","message":"no"}"#)]).await;

    let error = sqs(&server).attributes("main").await.unwrap_err();

    assert!(
        matches!(&error, Error::AccessDenied(text) if text.contains("sqs:GetQueueAttributes") && !text.contains("Receive")),
        "{error:?}"
    );
}

#[tokio::test]
async fn a_message_is_hidden_for_as_long_as_sqs_allows() {
    const BEYOND: &str = r#"{"__type":"com.amazon.coral.service#InvalidParameterValueException","message":"Value 43200 for parameter VisibilityTimeout is invalid. Reason: Total VisibilityTimeout for the message is beyond the limit [43200 seconds]."}"#;
    let server = Server::answering(&[(400, BEYOND), (400, BEYOND), (200, "{}")]).await;

    sqs(&server).hide("main", "r1", 99_999).await.unwrap();

    let requests = server.requests();
    assert_eq!(requests.len(), 3);
    assert!(requests[2].contains(r#""VisibilityTimeout":10800"#), "{}", requests[2]);
}

#[tokio::test]
async fn a_queue_that_the_settings_do_not_name_is_not_found() {
    let sqs = Sqs::new([("main", "https://sqs.eu-west-1.amazonaws.com/1/lwa")]).unwrap();
    assert!(matches!(sqs.receive("other", 1, 0, 30).await, Err(Error::NotFound(text)) if text.contains("'other'")));
}

#[tokio::test]
async fn a_refused_connection_is_unavailable() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/1/lwa", listener.local_addr().unwrap());
    drop(listener);
    let sqs = Sqs::new([("main", url)]).unwrap().aws(Aws::new().access_key("AKIAEXAMPLE", "secret".into()));

    let error = sqs.receive("main", 1, 0, 30).await.unwrap_err();

    assert!(matches!(&error, Error::Unavailable(text) if text.contains("refused")), "{error:?}");
}

const ATTRIBUTES: (u16, &str) = (200, r#"{"Attributes":{"MessageRetentionPeriod":"60"}}"#);

#[tokio::test]
async fn a_queue_without_a_key_of_its_own_is_inspected_by_one_call() {
    const ANSWERS: [&[(u16, &str)]; 4] = [
        &[ATTRIBUTES],
        &[(200, r#"{"Attributes":{"KmsMasterKeyId":""}}"#)],
        &[(200, r#"{"Attributes":{"KmsMasterKeyId":"alias/aws/sqs"}}"#)],
        &[(200, r#"{"Attributes":{"KmsMasterKeyId":"arn:aws:kms:eu-west-1:123456789012:alias/aws/sqs"}}"#)],
    ];
    for answers in ANSWERS {
        let server = Server::answering(answers).await;

        let inspection = sqs(&server).inspect("main").await;

        assert_eq!(inspection.attributes.unwrap().len(), 1);
        assert_eq!((inspection.key, inspection.flow), (None, Flow::Pulled));
        assert_eq!(server.requests().len(), 1);
    }
}

#[tokio::test]
async fn a_setting_says_that_messages_of_a_queue_are_pushed() {
    let server = Server::answering(&[ATTRIBUTES]).await;
    assert_eq!(sqs(&server).pushed("main").inspect("main").await.flow, Flow::Pushed);
    assert_eq!(sqs(&server).pushed("other").inspect("main").await.flow, Flow::Pulled);
}

/// With KMS at the same server.
fn with_kms(server: &Server) -> Sqs {
    let aws = Aws::new().region("eu-west-1").access_key("AKIAEXAMPLE", "secret".into());
    let aws = aws.endpoint(server.url()).unwrap();
    Sqs::new([("main", format!("{}/000000000000/lwa", server.url()))]).unwrap().aws(aws)
}

const WITH_KEY: (u16, &str) = (200, r#"{"Attributes":{"KmsMasterKeyId":"alias/lwa"}}"#);
const KEY: (u16, &str) = (
    200,
    r#"{"KeyMetadata":{"KeyId":"k1","Arn":"arn:aws:kms:eu-west-1:1:key/k1","KeyManager":"CUSTOMER","KeyState":"Disabled"}}"#,
);
const DENIED: (u16, &str) = (400, r#"{"__type":"AccessDeniedException","message":"no"}"#);

#[tokio::test]
async fn the_key_of_a_queue_is_described_with_its_policy() {
    let server = Server::answering(&[WITH_KEY, KEY, (200, r#"{"Policy":"{}"}"#)]).await;

    let key = with_kms(&server).inspect("main").await.key.unwrap();

    let expected = KeyDescription {
        arn: "arn:aws:kms:eu-west-1:1:key/k1".into(),
        state: "Disabled".into(),
        managed_by_aws: false,
    };
    assert_eq!(key, Key { description: Ok(expected), policy: Ok("{}".into()) });
    let requests = server.requests();
    assert_eq!(requests.len(), 3);
    // By its ARN, because the policy is not given for an alias.
    assert!(requests[2].contains("GetKeyPolicy") && requests[2].contains("key/k1"), "{}", requests[2]);
}

#[tokio::test]
async fn each_part_of_an_inspection_that_could_not_be_had_says_why() {
    let inspect = async |answers: &'static [(u16, &'static str)]| {
        with_kms(&Server::answering(answers).await).inspect("main").await
    };

    let missing = inspect(&[(400, r#"{"__type":"com.amazonaws.sqs#QueueDoesNotExist","message":"no"}"#)]).await;
    assert!(matches!(missing.attributes, Err(Gap::NotFound(_))), "{missing:?}");
    assert_eq!(missing.key, None);
    let denied = inspect(&[DENIED]).await;
    assert!(
        matches!(&denied.attributes, Err(Gap::Denied(text)) if text.contains("sqs:GetQueueAttributes")),
        "{denied:?}"
    );
    let failing = inspect(&[(503, "")]).await;
    assert!(matches!(failing.attributes, Err(Gap::Unreachable(_))), "{failing:?}");

    let key = inspect(&[WITH_KEY, KEY, DENIED]).await.key.unwrap();
    assert!(key.description.is_ok());
    assert!(matches!(&key.policy, Err(Gap::Denied(text)) if text.contains("kms:GetKeyPolicy")), "{key:?}");
    let key = inspect(&[WITH_KEY, (400, r#"{"__type":"NotFoundException","message":"no"}"#)]).await.key.unwrap();
    assert!(matches!(&key.description, Err(Gap::NotFound(_))), "{key:?}");
    assert!(matches!(&key.policy, Err(Gap::NotFound(_))), "{key:?}");
    // Where a queue is that is none of Amazon's, its key is not known.
    let server = Server::answering(&[WITH_KEY]).await;
    let key = sqs(&server).inspect("main").await.key.unwrap();
    assert!(
        matches!(&key.description, Err(Gap::Unreachable(text)) if text.contains("AWS_ENDPOINT_URL_KMS")),
        "{key:?}"
    );
}
