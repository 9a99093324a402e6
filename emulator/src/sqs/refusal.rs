//! SQS's refusals: a type in the body and, as in the older protocol, a code in the header `x-amzn-query-error`, which is what
//! boto3 shows.

use std::borrow::Cow;
use std::fmt::Display;

use serde_json::{Value, json};

use crate::queue::Refused;
use crate::reply::Reply;

/// Why SQS does not do what is asked: an answer of its own, or one entry in that of a batch.
pub struct Refusal {
    status: u16,
    /// The type in the body.
    shape: Cow<'static, str>,
    /// The code in the header.
    code: Cow<'static, str>,
    message: String,
}

impl Refusal {
    fn new(shape: &'static str, code: &'static str, message: impl Into<String>) -> Self {
        Self { status: 400, shape: shape.into(), code: code.into(), message: message.into() }
    }

    pub fn no_queue() -> Self {
        Self::new(
            "com.amazonaws.sqs#QueueDoesNotExist",
            "AWS.SimpleQueueService.NonExistentQueue",
            "The specified queue does not exist.",
        )
    }

    pub fn name_exists(attribute: &str) -> Self {
        Self::new(
            "com.amazonaws.sqs#QueueNameExists",
            "QueueAlreadyExists",
            format!("A queue already exists with the same name and a different value for attribute {attribute}"),
        )
    }

    pub fn invalid(message: impl Into<String>) -> Self {
        Self::new("com.amazon.coral.service#InvalidParameterValueException", "InvalidParameterValue", message)
    }

    pub fn invalid_parameter(name: &str, value: impl Display, reason: &str) -> Self {
        Self::invalid(format!("Value {value} for parameter {name} is invalid. Reason: {reason}"))
    }

    pub fn missing(name: &str) -> Self {
        Self::new(
            "com.amazon.coral.service#MissingRequiredParameterException",
            "MissingParameter",
            format!("The request must contain the parameter {name}."),
        )
    }

    pub fn attribute_name(name: &str) -> Self {
        Self::new(
            "com.amazonaws.sqs#InvalidAttributeName",
            "InvalidAttributeName",
            format!("Unknown Attribute {name}."),
        )
    }

    pub fn attribute_value(name: &str) -> Self {
        Self::new(
            "com.amazonaws.sqs#InvalidAttributeValue",
            "InvalidAttributeValue",
            format!("Invalid value for the parameter {name}."),
        )
    }

    pub fn batch_is_empty() -> Self {
        Self::new(
            "com.amazonaws.sqs#EmptyBatchRequest",
            "AWS.SimpleQueueService.EmptyBatchRequest",
            "There should be at least one entry in the request.",
        )
    }

    pub fn batch_is_too_large(most: usize, sent: usize) -> Self {
        Self::new(
            "com.amazonaws.sqs#BatchRequestTooLong",
            "AWS.SimpleQueueService.BatchRequestTooLong",
            format!("Batch requests cannot be longer than {most} bytes. You have sent {sent} bytes."),
        )
    }

    pub fn batch_id() -> Self {
        Self::new(
            "com.amazonaws.sqs#InvalidBatchEntryId",
            "AWS.SimpleQueueService.InvalidBatchEntryId",
            "A batch entry id can only contain alphanumeric characters, hyphens and underscores. It can be at most 80 letters \
             long.",
        )
    }

    pub fn character(character: char) -> Self {
        Self::new(
            "com.amazonaws.sqs#InvalidMessageContents",
            "InvalidMessageContents",
            format!(
                "Invalid binary character '#x{:X}' was found in the message body, the set of allowed characters is #x9 | #xA | \
                 #xD | [#x20-#xD7FF] | [#xE000-#xFFFD] | [#x10000-#x10FFFF].",
                u32::from(character)
            ),
        )
    }

    pub fn batch_is_too_long(most: usize) -> Self {
        Self::new(
            "com.amazonaws.sqs#TooManyEntriesInBatchRequest",
            "AWS.SimpleQueueService.TooManyEntriesInBatchRequest",
            format!("Maximum number of entries per request are {most}."),
        )
    }

    pub fn ids_repeat() -> Self {
        Self::new(
            "com.amazonaws.sqs#BatchEntryIdsNotDistinct",
            "AWS.SimpleQueueService.BatchEntryIdsNotDistinct",
            "Two or more batch entries in the request have the same Id.",
        )
    }

    pub fn unsupported(operation: &str) -> Self {
        Self::new(
            "com.amazonaws.sqs#UnsupportedOperation",
            "AWS.SimpleQueueService.UnsupportedOperation",
            format!("the emulator has no operation {operation}"),
        )
    }

    /// Without the body's text, which may be anything.
    pub fn not_json() -> Self {
        Self::new("com.amazon.coral.service#SerializationException", "SerializationException", "The body is not JSON.")
    }

    pub fn of_message(why: &Refused, receipt_handle: &str) -> Self {
        match why {
            Refused::Handle => Self::new(
                "com.amazonaws.sqs#ReceiptHandleIsInvalid",
                "ReceiptHandleIsInvalid",
                format!("The input receipt handle \"{receipt_handle}\" is not a valid receipt handle."),
            ),
            Refused::Gone => Self::invalid_parameter(
                "ReceiptHandle",
                receipt_handle,
                "Message does not exist or is not available for visibility timeout change.",
            ),
            Refused::NotInflight => Self::new(
                "com.amazonaws.sqs#MessageNotInflight",
                "AWS.SimpleQueueService.MessageNotInflight",
                "The message referred to is not in flight.",
            ),
            Refused::TooLong(visibility) => Self::invalid_parameter(
                "VisibilityTimeout",
                visibility,
                "Total VisibilityTimeout for the message is beyond the limit [43200 seconds]",
            ),
        }
    }

    /// What a fault asks for.
    pub fn of_fault(status: u16, code: &str, message: &str) -> Self {
        match code {
            "QueueDoesNotExist" => Self::no_queue(),
            _ => Self {
                status,
                shape: format!("com.amazonaws.sqs#{code}").into(),
                code: code.to_owned().into(),
                message: message.into(),
            },
        }
    }

    pub fn into_message(self) -> String {
        self.message
    }

    fn fault(&self) -> &'static str {
        if self.status < 500 { "Sender" } else { "Receiver" }
    }

    pub fn into_reply(self) -> Reply {
        Reply::amz_json(self.status, &json!({ "__type": self.shape, "message": self.message }))
            .header("x-amzn-query-error", &format!("{};{}", self.code, self.fault()))
    }

    /// As one of the failed entries of a batch.
    pub fn into_entry(self, id: &Value) -> Value {
        json!({ "Id": id, "SenderFault": self.status < 500, "Code": self.code, "Message": self.message })
    }
}
