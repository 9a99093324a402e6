//! What a failure of DynamoDB's means, in the words of `wit/store.wit`.

use super::Error;
use crate::{aws::failure::Failure, store::answer::Attempt};

pub(super) const LOAD: &str = "load from";
pub(super) const SAVE: &str = "save in";
pub(super) const REMOVE: &str = "remove from";
pub(super) const DESCRIBE: &str = "look at";

/// How the table has to be.
pub(super) const MAKE_ONE: &str = "make one with `aws dynamodb create-table --table-name NAME --billing-mode PAY_PER_REQUEST --attribute-definitions AttributeName=client_id,AttributeType=S --key-schema AttributeName=client_id,KeyType=HASH`";

/// Never shows a document.
pub(super) fn failure(doing: &str, place: &str, failure: &Failure) -> Error {
    let needs = match doing {
        DESCRIBE => "dynamodb:DescribeTable on the table",
        REMOVE => "dynamodb:DeleteItem on the table",
        _ => "dynamodb:GetItem and dynamodb:PutItem on the table, and kms:Decrypt on its key if it has one of yours",
    };
    let attempt = Attempt { doing: &format!("{doing} {place}"), needs };
    let message = failure.message.to_lowercase();
    match failure.code.as_str() {
        "ResourceNotFoundException" => Error::Other(attempt.text(
            failure,
            &format!("; compare the table's name, account and region with those that DynamoDB shows, or {MAKE_ONE}"),
        )),
        "ValidationException" if message.contains("key") => {
            Error::Other(attempt.text(failure, &format!("; the table has another key than is needed: {MAKE_ONE}")))
        }
        "ValidationException" if message.contains("size") => {
            Error::Full(attempt.text(failure, "; the store of kind \"file\" has no such limit"))
        }
        _ => attempt.error(failure),
    }
}
