//! What DynamoDB answers, and what becomes of it. The promises of a store are tested in `tests/stores.rs`, against whole
//! implementations of DynamoDB.

use super::*;
use crate::store::double::{Answer, Double, after};

const ID: &str = "amzn1.application-oa2-client.0123";
const FAILED: Answer = Answer::Refused("ConditionalCheckFailedException", "The conditional request failed");

impl Double {
    fn table(&self) -> DynamoDbStore {
        DynamoDbStore::new("lwa").aws(self.aws())
    }
}

async fn saved(answers: &[Answer]) -> (Result<Revision, Error>, Vec<String>) {
    let double = Double::answering(answers).await;
    let saved = double.table().save(ID, "the document".into(), Some("7.0")).await;
    (saved, double.operations())
}

#[tokio::test]
async fn a_save_is_conditional_and_a_load_consistent() {
    let double = Double::answering(&[
        Answer::Ok("{}"),
        Answer::Ok("{}"),
        Answer::Ok(r#"{"Item":{"client_id":{"S":"x"},"revision":{"S":"2.0"},"document":{"B":"YWI="}}}"#),
        Answer::Ok("{}"),
    ])
    .await;
    let store = double.table();

    assert!(store.save(ID, "a".into(), None).await.unwrap().starts_with("1."));
    assert!(store.save(ID, "ab".into(), Some("1.0")).await.unwrap().starts_with("2."));
    let entry = store.load(ID).await.unwrap().unwrap();
    assert_eq!((entry.revision.as_str(), entry.document.expose()), ("2.0", b"ab".as_slice()));
    assert!(store.load(ID).await.unwrap().is_none());

    let requests = double.requests();
    for (request, parts) in requests.iter().zip([
        &["DynamoDB_20120810.PutItem", "attribute_not_exists(#key)", r##""#key":"client_id""##, "/eu-west-1/dynamodb/"]
            [..],
        &["PutItem", "#revision = :expected", r#"":expected":{"S":"1.0"}"#, r#""document":{"B":"YWI="}"#],
        &["GetItem", r#""ConsistentRead":true"#],
        &["GetItem"],
    ]) {
        for part in parts {
            assert!(request.contains(part), "{part} in {request}");
        }
    }
}

/// A conflict says that this save certainly did not take place.
#[tokio::test]
async fn a_save_whose_answer_is_lost_is_not_sent_again() {
    let (saved, operations) = saved(&[Answer::Silence, Answer::Ok("{}")]).await;
    assert!(matches!(&saved, Err(Error::Unavailable(text)) if text.contains("save in")), "{saved:?}");
    assert_eq!(operations, ["PutItem", "GetItem"], "sent once, then looked up");

    for answer in [Answer::Status(500), Answer::Refused("ThrottlingException", "slow down")] {
        let double = Double::answering(&[answer, answer]).await;
        let saved = double.table().save(ID, "the document".into(), None).await;
        assert!(matches!(saved, Err(Error::Unavailable(_))), "{saved:?}");
        assert_eq!(double.operations()[..2], ["PutItem", "GetItem"], "{answer:?}");
    }
}

#[tokio::test]
async fn a_save_that_took_place_and_whose_answer_is_lost_has_taken_place() {
    const AS_SAVED: Answer = Answer::Like(|requests| {
        format!(r#"{{"Item":{{"revision":{{"S":"{}"}}}}}}"#, after(&requests[0], r#""revision":{"S":""#))
    });
    let (ours, operations) = saved(&[Answer::Silence, AS_SAVED]).await;
    assert!(ours.as_ref().is_ok_and(|revision| revision.starts_with("8.")), "{ours:?}");
    assert_eq!(operations, ["PutItem", "GetItem"]);

    let somebody_elses = Answer::Ok(r#"{"Item":{"revision":{"S":"8.0"}}}"#);
    let (unknown, _) = saved(&[Answer::Silence, somebody_elses]).await;
    assert!(matches!(unknown, Err(Error::Unavailable(_))), "{unknown:?}");
}

#[tokio::test]
async fn answers_of_dynamodb_are_told_apart() {
    let (conflict, operations) = saved(&[FAILED]).await;
    assert_eq!((conflict, operations.len()), (Err(Error::Conflict), 1));

    let error = async |code, message| saved(&[Answer::Refused(code, message)]).await.0.unwrap_err();
    let denied = error("AccessDeniedException", "no identity-based policy allows the dynamodb:PutItem action").await;
    assert!(matches!(&denied, Error::AccessDenied(text) if text.contains("need dynamodb:GetItem")), "{denied:?}");
    let expired = error("ExpiredTokenException", "The security token included in the request is expired").await;
    assert!(
        matches!(&expired, Error::AccessDenied(text) if text.contains("have expired") && !text.contains("PutItem")),
        "{expired:?}"
    );
    let missing = error("ResourceNotFoundException", "Requested resource not found").await;
    assert!(
        matches!(&missing, Error::Other(text) if text.contains("'lwa' of DynamoDB in eu-west-1") && text.contains("create-table")),
        "{missing:?}"
    );
    let other_key = error("ValidationException", "Missing the key id in the item").await;
    assert!(matches!(&other_key, Error::Other(text) if text.contains("KeyType=HASH")), "{other_key:?}");
    let large = error("ValidationException", "Item size has exceeded the maximum allowed size").await;
    assert!(matches!(large, Error::Full(_)), "{large:?}");
    for code in ["ProvisionedThroughputExceededException", "RequestLimitExceeded", "ThrottlingException"] {
        let throttled = error(code, "slow down").await;
        assert!(matches!(throttled, Error::Unavailable(_)), "{throttled:?}");
    }
    for error in [denied, expired, missing, other_key, large] {
        assert!(!error.to_string().contains("the document"), "{error}");
    }
}

#[tokio::test]
async fn an_item_that_is_no_record_is_neither_none_nor_a_document() {
    for item in [
        r#"{"Item":{"client_id":{"S":"x"}}}"#,
        r#"{"Item":{"client_id":{"S":"x"},"revision":{"S":"1"},"document":{"S":"text"}}}"#,
        r#"{"Item":{"client_id":{"S":"x"},"document":{"B":"YWI="}}}"#,
    ] {
        let double = Double::answering(&[Answer::Ok(item)]).await;
        let loaded = double.table().load(ID).await;
        assert!(matches!(&loaded, Err(Error::Other(text)) if text.contains("not a readable record")), "{loaded:?}");
    }
}

#[tokio::test]
async fn a_document_that_no_item_has_room_for_is_not_sent() {
    let double = Double::answering(&[Answer::Ok("{}")]).await;
    let room = LONGEST - "client_idrevisiondocument".len() - ID.len() - "1.0123456789abcdef".len();

    double.table().save(ID, vec![b'x'; room].into(), None).await.unwrap();
    let saved = double.table().save(ID, vec![b'x'; room + 1].into(), None).await;

    assert!(matches!(&saved, Err(Error::Full(text)) if text.contains("409600")), "{saved:?}");
    assert_eq!(double.operations().len(), 1);
}

#[tokio::test]
async fn a_probe_tells_what_is_wrong_with_a_table() {
    let probe = async |answer| Double::answering(&[answer]).await.table().probe().await;
    let table = async |table: &str| {
        let answer = format!(r#"{{"Table":{{{table}}}}}"#);
        probe(Answer::Ok(answer.leak())).await
    };
    let good = r#""KeySchema":[{"AttributeName":"client_id","KeyType":"HASH"}],"AttributeDefinitions":[{"AttributeName":"client_id","AttributeType":"S"}],"TableStatus":"ACTIVE""#;

    assert_eq!(table(good).await, Ok(()));
    assert_eq!(table(&good.replace("ACTIVE", "UPDATING")).await, Ok(()));
    for (from, to, remedy) in [
        ("client_id", "id", "create-table"),
        (r#""S""#, r#""B""#, "create-table"),
        (r#""KeyType":"HASH"}"#, r#""KeyType":"HASH"},{"AttributeName":"x","KeyType":"RANGE"}"#, "create-table"),
        (r#""TableStatus""#, r#""Replicas":[{"RegionName":"eu-west-1"}],"TableStatus""#, "strong consistency"),
        ("ACTIVE", "CREATING", "wait until it is ACTIVE"),
        ("ACTIVE", "INACCESSIBLE_ENCRYPTION_CREDENTIALS", "enable the key"),
    ] {
        let error = table(&good.replace(from, to)).await.unwrap_err();
        assert!(matches!(&error, Error::Other(text) if text.contains(remedy)), "{to}: {error:?}");
    }
    let global = r#""Replicas":[{"RegionName":"eu-west-1"}],"MultiRegionConsistency":"STRONG","TableStatus""#;
    assert_eq!(table(&good.replace(r#""TableStatus""#, global)).await, Ok(()));
    let denied = probe(Answer::Refused("AccessDeniedException", "no")).await.unwrap_err();
    assert!(matches!(&denied, Error::AccessDenied(text) if text.contains("dynamodb:DescribeTable")), "{denied:?}");
}

#[tokio::test]
async fn a_removal_is_conditional_and_sent_once() {
    let remove = async |answers: &[Answer]| {
        let double = Double::answering(answers).await;
        let removed = double.table().remove(ID, "7.0").await;
        (removed, double)
    };

    let (removed, double) = remove(&[Answer::Ok("{}")]).await;
    assert_eq!(removed, Ok(()));
    let [request] = double.requests().try_into().unwrap();
    for part in ["DynamoDB_20120810.DeleteItem", "#revision = :expected", r#"":expected":{"S":"7.0"}"#, ID] {
        assert!(request.contains(part), "{part} in {request}");
    }

    let (removed, double) = remove(&[FAILED]).await;
    assert_eq!((removed, double.operations().len()), (Err(Error::Conflict), 1));
    let (removed, double) = remove(&[Answer::Silence, Answer::Ok("{}")]).await;
    assert_eq!(removed, Ok(()), "it is gone, whoever removed it");
    assert_eq!(double.operations(), ["DeleteItem", "GetItem"], "sent once, then looked up");
    let (removed, _) = remove(&[Answer::Silence, Answer::Ok(r#"{"Item":{"revision":{"S":"7.0"}}}"#)]).await;
    assert!(matches!(&removed, Err(Error::Unavailable(text)) if text.contains("remove from")), "{removed:?}");
    let (removed, _) = remove(&[Answer::Refused("AccessDeniedException", "no")]).await;
    assert!(matches!(&removed, Err(Error::AccessDenied(text)) if text.contains("dynamodb:DeleteItem")), "{removed:?}");
}
