//! What Secrets Manager answers, and what becomes of it. The promises of a store are tested in `tests/stores.rs`, against
//! whole implementations of Secrets Manager.

use super::*;
use crate::store::double::{Answer, Double, after};

const ID: &str = "amzn1.application-oa2-client.0123";

/// `AWSCURRENT` at the version `v1`, and after a move at `v2`, which is what the answers to a put call the new version.
const AT_V1: Answer =
    Answer::Ok(r#"{"VersionIdsToStages":{"v0":["AWSPREVIOUS"],"v1":["AWSCURRENT","lwa-rotate-saving"]}}"#);
const AT_V2: Answer =
    Answer::Ok(r#"{"VersionIdsToStages":{"v2":["lwa-rotate-saving","AWSCURRENT"],"v1":["AWSPREVIOUS"]}}"#);
const AT_V3: Answer = Answer::Ok(r#"{"VersionIdsToStages":{"v3":["AWSCURRENT"],"v2":["AWSPREVIOUS"]}}"#);
const WITHOUT_VALUE: Answer = Answer::Ok(r#"{"Name":"x"}"#);
const PUT: Answer = Answer::Ok(r#"{"VersionId":"v2"}"#);
const DONE: Answer = Answer::Ok("{}");
const READ_V1: Answer = Answer::Ok(r#"{"VersionId":"v1","SecretBinary":"YQ=="}"#);
const READ_V2: Answer = Answer::Ok(r#"{"VersionId":"v2","SecretBinary":"YWI="}"#);
const NO_SECRET: Answer =
    Answer::Refused("ResourceNotFoundException", "Secrets Manager can't find the specified secret.");
const EXISTS: Answer =
    Answer::Refused("ResourceExistsException", "The operation failed because the secret x already exists.");
const ELSEWHERE: Answer = Answer::Refused(
    "InvalidParameterException",
    "The parameter RemoveFromVersionId can't be empty. Staging label AWSCURRENT is currently attached to version v3",
);
const DELETED: Answer = Answer::Refused(
    "InvalidRequestException",
    "You can't perform this operation on the secret because it was marked for deletion.",
);

const REPLACED: [&str; 4] = ["DescribeSecret", "PutSecretValue", "UpdateSecretVersionStage", "GetSecretValue"];

impl Double {
    fn secrets(&self) -> SecretsManagerStore {
        SecretsManagerStore::new("lwa-rotate/").aws(self.aws())
    }
}

async fn saved(expected: Option<&str>, answers: &[Answer]) -> (Result<Revision, Error>, Vec<String>) {
    let double = Double::answering(answers).await;
    let saved = double.secrets().save(ID, "the document".into(), expected).await;
    (saved, double.operations())
}

#[tokio::test]
async fn a_save_moves_the_label_from_the_version_that_was_read() {
    let double = Double::answering(&[AT_V1, PUT, DONE, READ_V2]).await;

    assert_eq!(double.secrets().save(ID, "ab".into(), Some("v1")).await.as_deref(), Ok("v2"));

    assert_eq!(double.operations(), REPLACED);
    let requests = double.requests();
    for (request, parts) in requests.iter().zip([
        &["secretsmanager.DescribeSecret", r#""SecretId":"lwa-rotate/amzn1.application-oa2-client.0123""#][..],
        &[r#""SecretBinary":"YWI=""#, r#""VersionStages":["lwa-rotate-saving"]"#, r#""ClientRequestToken":"#],
        &[r#""VersionStage":"AWSCURRENT""#, r#""MoveToVersionId":"v2""#, r#""RemoveFromVersionId":"v1""#],
        &[r#""VersionStage":"AWSCURRENT""#],
    ]) {
        for part in parts {
            assert!(request.contains(part), "{part} in {request}");
        }
    }
}

#[tokio::test]
async fn a_revision_that_is_known_to_be_old_leaves_no_version_behind() {
    for answers in [&[AT_V2][..], &[NO_SECRET], &[WITHOUT_VALUE]] {
        let (saved, operations) = saved(Some("v1"), answers).await;
        assert_eq!((saved, operations.len()), (Err(Error::Conflict), 1));
    }
}

/// A conflict says that this save certainly did not take place.
#[tokio::test]
async fn a_refused_move_is_a_conflict_if_the_label_is_elsewhere() {
    let (conflict, _) = saved(Some("v1"), &[AT_V1, PUT, ELSEWHERE, AT_V3]).await;
    assert_eq!(conflict, Err(Error::Conflict));
    let (gone, _) = saved(Some("v1"), &[AT_V1, PUT, NO_SECRET, NO_SECRET]).await;
    assert_eq!(gone, Err(Error::Conflict));
    let (strange, _) = saved(Some("v1"), &[AT_V1, PUT, ELSEWHERE, AT_V1]).await;
    assert!(matches!(strange, Err(Error::Other(_))), "{strange:?}");
}

#[tokio::test]
async fn a_move_whose_answer_is_lost_is_looked_up_and_not_sent_again() {
    for lost in [Answer::Silence, Answer::Status(500)] {
        let (took_place, operations) = saved(Some("v1"), &[AT_V1, PUT, lost, AT_V2, READ_V2]).await;
        assert_eq!(took_place.as_deref(), Ok("v2"));
        assert_eq!(operations, [&REPLACED[..3], &["DescribeSecret", "GetSecretValue"]].concat());

        // Somebody may have gone on from it.
        for after in [AT_V1, AT_V3] {
            let (unknown, operations) = saved(Some("v1"), &[AT_V1, PUT, lost, after]).await;
            assert!(matches!(unknown, Err(Error::Unavailable(_))), "{unknown:?}");
            assert_eq!(operations.iter().filter(|name| *name == "UpdateSecretVersionStage").count(), 1);
        }
    }
}

#[tokio::test]
async fn a_put_may_be_repeated_because_its_version_has_its_id_beforehand() {
    let double = Double::answering(&[AT_V1, Answer::Status(503), PUT, DONE, READ_V2]).await;
    assert!(double.secrets().save(ID, "ab".into(), Some("v1")).await.is_ok());
    let token = |request: &String| after(request, r#""ClientRequestToken":""#).to_owned();
    let requests = double.requests();
    assert_eq!(token(&requests[1]), token(&requests[2]));
}

#[tokio::test]
async fn a_save_returns_when_it_is_shown() {
    let (shown, operations) = saved(Some("v1"), &[AT_V1, PUT, DONE, READ_V1, READ_V1, READ_V2]).await;
    assert_eq!(shown.as_deref(), Ok("v2"));
    assert_eq!(operations.len(), 6);

    let created = Answer::Ok(r#"{"VersionId":"v2"}"#);
    let (shown, operations) = saved(None, &[created, NO_SECRET, READ_V2]).await;
    assert_eq!((shown.as_deref(), operations.len()), (Ok("v2"), 3));
}

#[tokio::test]
async fn a_save_that_is_not_shown_is_unavailable() {
    let (never, _) = saved(Some("v1"), &[AT_V1, PUT, DONE, READ_V1]).await;
    assert!(matches!(&never, Err(Error::Unavailable(text)) if text.contains("was saved")), "{never:?}");
    let (unread, _) = saved(Some("v1"), &[AT_V1, PUT, DONE, Answer::Refused("AccessDeniedException", "no")]).await;
    assert!(matches!(unread, Err(Error::Unavailable(_))), "{unread:?}");
}

#[tokio::test]
async fn a_secret_is_created_once_and_never_over_another() {
    let created = Answer::Ok(r#"{"VersionId":"v2"}"#);
    let double = Double::answering(&[created, READ_V2]).await;
    let store = double.secrets().kms_key(Some("alias/mine".into()));
    assert_eq!(store.save(ID, "ab".into(), None).await.as_deref(), Ok("v2"));
    let request = &double.requests()[0];
    for part in ["CreateSecret", r#""KmsKeyId":"alias/mine""#, r#""SecretBinary":"YWI=""#] {
        assert!(request.contains(part), "{part} in {request}");
    }

    let (conflict, operations) = saved(None, &[EXISTS, AT_V1]).await;
    assert_eq!((conflict, operations), (Err(Error::Conflict), vec!["CreateSecret".into(), "DescribeSecret".into()]));
    const AS_CREATED: Answer = Answer::Like(|requests| {
        let version = after(&requests[0], r#""ClientRequestToken":""#);
        format!(r#"{{"VersionIdsToStages":{{"{version}":["AWSCURRENT"]}}}}"#)
    });
    for lost in [Answer::Silence, Answer::Status(500)] {
        let (ours, _) = saved(None, &[lost, AS_CREATED, READ_V2]).await;
        assert!(ours.is_ok(), "{ours:?}");
        let (unknown, operations) = saved(None, &[lost, AT_V1]).await;
        assert!(matches!(unknown, Err(Error::Unavailable(_))), "{unknown:?}");
        assert_eq!(operations.iter().filter(|name| *name == "CreateSecret").count(), 1);
    }
}

#[tokio::test]
async fn a_secret_that_was_prepared_without_a_value_is_filled() {
    let (filled, operations) = saved(None, &[EXISTS, WITHOUT_VALUE, PUT, DONE, READ_V2]).await;
    assert_eq!(filled.as_deref(), Ok("v2"));
    assert_eq!(operations[2..], REPLACED[1..]);

    // The first version of a secret gets the label by itself.
    let (first, _) = saved(None, &[EXISTS, WITHOUT_VALUE, PUT, ELSEWHERE, AT_V2, READ_V2]).await;
    assert_eq!(first.as_deref(), Ok("v2"));
    let (second, _) = saved(None, &[EXISTS, WITHOUT_VALUE, PUT, ELSEWHERE, AT_V3]).await;
    assert_eq!(second, Err(Error::Conflict));
}

#[tokio::test]
async fn a_load_reads_what_has_the_label() {
    let load = async |answer| Double::answering(&[answer]).await.secrets().load(ID).await;
    let document = async |answer| load(answer).await.unwrap().map(|entry| entry.document.into_bytes());

    assert_eq!(document(READ_V2).await.as_deref(), Some(b"ab".as_slice()));
    assert_eq!(document(Answer::Ok(r#"{"VersionId":"v1","SecretString":"empty"}"#)).await.as_deref(), Some(&b""[..]));
    let repaired = Answer::Ok(r#"{"VersionId":"v1","SecretString":"{}"}"#);
    assert_eq!(document(repaired).await.as_deref(), Some(b"{}".as_slice()));
    assert_eq!(document(NO_SECRET).await, None);
    let nameless = load(Answer::Ok(r#"{"SecretBinary":"YWI="}"#)).await;
    assert!(matches!(nameless, Err(Error::Unavailable(_))), "{nameless:?}");
}

#[tokio::test]
async fn a_secret_that_is_to_be_deleted_is_told_with_how_to_take_that_back() {
    let double = Double::answering(&[DELETED]).await;
    let described = Answer::Ok(r#"{"DeletedDate":1700000000,"VersionIdsToStages":{"v1":["AWSCURRENT"]}}"#);
    let on_create = Answer::Refused(
        "InvalidRequestException",
        "You can't create this secret because a secret with this name is already scheduled for deletion.",
    );
    for error in [
        double.secrets().load(ID).await.unwrap_err(),
        saved(Some("v1"), &[described]).await.0.unwrap_err(),
        saved(None, &[on_create]).await.0.unwrap_err(),
        Double::answering(&[described]).await.secrets().probe(ID).await.unwrap_err(),
    ] {
        let remedy = "restore-secret --secret-id lwa-rotate/amzn1.application-oa2-client.0123";
        assert!(matches!(&error, Error::Other(text) if text.contains(remedy)), "{error:?}");
    }
}

#[tokio::test]
async fn answers_of_secrets_manager_are_told_apart() {
    let error = async |code, message| saved(Some("v1"), &[AT_V1, Answer::Refused(code, message)]).await.0.unwrap_err();

    let denied = error("AccessDeniedException", "no identity-based policy allows it").await;
    assert!(
        matches!(&denied, Error::AccessDenied(text) if text.contains("secretsmanager:UpdateSecretVersionStage")),
        "{denied:?}"
    );
    let expired = error("ExpiredTokenException", "The security token included in the request is expired").await;
    assert!(matches!(&expired, Error::AccessDenied(text) if text.contains("have expired")), "{expired:?}");
    for code in ["EncryptionFailure", "DecryptionFailure"] {
        let key = error(code, "the KMS key is disabled").await;
        assert!(matches!(&key, Error::AccessDenied(text) if text.contains("enabled")), "{key:?}");
    }
    let many = error("LimitExceededException", "The request failed because it would exceed one of the limits").await;
    assert!(matches!(&many, Error::Full(text) if text.contains("24 hours")), "{many:?}");
    for code in ["ThrottlingException", "InternalServiceError"] {
        let throttled = error(code, "slow down").await;
        assert!(matches!(throttled, Error::Unavailable(_)), "{throttled:?}");
    }
    for error in [denied, expired, many] {
        assert!(!error.to_string().contains("the document"), "{error}");
    }
}

#[tokio::test]
async fn a_document_that_no_secret_has_room_for_is_not_sent() {
    let double = Double::answering(&[DONE]).await;
    let saved = double.secrets().save(ID, vec![b'x'; LONGEST + 1].into(), None).await;
    assert!(matches!(&saved, Err(Error::Full(text)) if text.contains("65536")), "{saved:?}");
    assert_eq!(double.operations().len(), 0);
}

/// A deleted secret could not be made anew for days.
#[tokio::test]
async fn a_removal_saves_what_stands_for_none_and_leaves_no_version_before_it() {
    const TOMBSTONE: &str = r#""SecretBinary":"eyJyZW1vdmVkIjp0cnVlfQ==""#;
    const PUT_V3: Answer = Answer::Ok(r#"{"VersionId":"v3"}"#);
    const READ_V3: Answer = Answer::Ok(r#"{"VersionId":"v3","SecretBinary":"eyJyZW1vdmVkIjp0cnVlfQ=="}"#);
    let double = Double::answering(&[AT_V1, PUT, DONE, READ_V2, AT_V2, PUT_V3, DONE, READ_V3]).await;

    assert_eq!(double.secrets().remove(ID, "v1").await, Ok(()));

    assert_eq!(double.operations(), [REPLACED, REPLACED].concat());
    let requests = double.requests();
    assert!(requests[1].contains(TOMBSTONE) && requests[5].contains(TOMBSTONE), "{requests:?}");
    assert!(requests[2].contains(r#""RemoveFromVersionId":"v1""#), "{}", requests[2]);
    assert!(requests[6].contains(r#""RemoveFromVersionId":"v2""#), "{}", requests[6]);

    let double = Double::answering(&[AT_V2]).await;
    assert_eq!(double.secrets().remove(ID, "v1").await, Err(Error::Conflict), "an older revision never removes");
    assert_eq!(double.operations(), ["DescribeSecret"]);
}
