"""Amazon SQS, through boto3."""

import logging
import re
import threading
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, CredentialRetrievalError, NoCredentialsError, PartialCredentialsError
from botocore.exceptions import TokenRetrievalError

from .errors import QueueAccessDenied, QueueError, QueueNotFound, QueueUnavailable, StaleReceipt
from .http import Origin, origin
from .secret import Secret
from .types import Message
from .values import EPOCH, MILLISECOND

# How long a call may take, and SQS hides no message for longer after its receipt; seconds.
CALL_LIMIT, HIDDEN_AT_MOST = 8, 12 * 60 * 60

AMAZON = re.compile(
    r"(?:.*\.)?(?:sqs(?:-fips)?\.(?P<new>[\w-]+)|(?P<old>[\w-]+)\.queue|queue)(?P<vpc>\.vpce)?"
    r"\.(?:amazonaws\.com(?:\.cn)?|amazonaws\.eu|api\.aws|api\.amazonwebservices\.com\.cn)"
)
STALE = {"ReceiptHandleIsInvalid", "MessageNotInflight", "AWS.SimpleQueueService.MessageNotInflight"}
NO_QUEUE = {"QueueDoesNotExist", "AWS.SimpleQueueService.NonExistentQueue", "InvalidAddress"}
DENIED = re.compile(
    r"AccessDenied|AuthFailure|ExpiredToken|IncompleteSignature|Invalid(AccessKeyId|ClientTokenId|Security|Signature)|Kms|KMS"
    r"|MissingAuthentication|NotAuthorized|OptInRequired|SignatureDoesNotMatch|UnrecognizedClient"
)
PASSING = re.compile(r"Internal|Throttl|OverLimit|RequestTimeout|ServiceUnavailable|SlowDown|TooManyRequests")
NO_CREDENTIALS = (NoCredentialsError, PartialCredentialsError, CredentialRetrievalError, TokenRetrievalError)
NEEDED = "sqs:ReceiveMessage, sqs:DeleteMessage and sqs:ChangeMessageVisibility on the queue, and kms:Decrypt on its key"

_asking = ContextVar("_asking", default=False)


def _not_ours(_: logging.LogRecord) -> bool:
    return not _asking.get()


# At the level DEBUG this logger writes the bodies of answers, and with them new secrets.
logging.getLogger("botocore.parsers").addFilter(_not_ours)


class SqsQueue:
    """Amazon SQS, with the promises of `Queue`.

    Credentials, profile and endpoint come from the usual AWS variables and files (`AWS_PROFILE`, `AWS_ACCESS_KEY_ID`,
    `AWS_ENDPOINT_URL_SQS`, SSO, roles), or from the session given. The region is that of the queue's URL; where the URL names
    none, that of the session, and else `us-east-1`. A URL that is not one of Amazon's is its own endpoint, unless the AWS
    settings name one. Nothing is read or opened before the first call. boto3 repeats deleting and hiding once, which SQS allows.
    """

    def __init__(self, queues: Mapping[str, str], session: boto3.Session | None = None) -> None:
        """These queues, by names of yours, with their URLs as SQS gives them. `ValueError` for a URL that cannot be used."""
        self._places = {name: (url, origin(url)) for name, url in queues.items()}
        self._session = session
        self._clients: dict[tuple[str, int | None], Any] = {}
        self._lock = threading.Lock()

    def receive(self, queue: str, max: int, wait: int, visibility: int) -> tuple[Message, ...]:
        """Receives messages."""
        client, url = self._client(queue, wait)
        answer = self._ask(
            "receive from", queue, client.receive_message,
            QueueUrl=url, MaxNumberOfMessages=max, WaitTimeSeconds=wait, VisibilityTimeout=min(visibility, HIDDEN_AT_MOST),
            MessageSystemAttributeNames=["ApproximateReceiveCount", "SentTimestamp"],
        )  # fmt: skip
        return tuple(map(_message, answer.get("Messages", [])))

    def delete(self, queue: str, receipt_handle: str) -> None:
        """Deletes a message."""
        client, url = self._client(queue)
        self._ask("delete a message of", queue, client.delete_message, QueueUrl=url, ReceiptHandle=receipt_handle)

    def hide(self, queue: str, receipt_handle: str, visibility: int) -> None:
        """Hides a message."""
        client, url = self._client(queue)
        handle, hide, seconds = receipt_handle, client.change_message_visibility, min(visibility, HIDDEN_AT_MOST)
        while True:
            try:
                self._ask("hide a message of", queue, hide, QueueUrl=url, ReceiptHandle=handle, VisibilityTimeout=seconds)
                return
            except QueueError as error:
                # The 12 hours count from the receipt, which nobody here has kept: come nearer by halves.
                if "Total VisibilityTimeout" not in str(error) or seconds <= 60:
                    raise
                seconds //= 2

    def _client(self, queue: str, wait: int | None = None) -> tuple[Any, str]:
        """A client whose time limits fit: for receiving with this wait, or for the other operations."""
        if queue not in self._places:
            raise QueueNotFound(f"the settings have no queue '{queue}'")
        url, at = self._places[queue]
        with self._lock:
            if (queue, wait) not in self._clients:
                try:
                    self._clients[queue, wait] = self._connect(at, wait)
                except (BotoCoreError, ValueError) as error:
                    raise QueueError(f"the queue '{queue}' cannot be asked: {error}") from None
            return self._clients[queue, wait], url

    def _connect(self, at: Origin, wait: int | None) -> Any:
        session = self._session = self._session or boto3.Session()
        amazon = AMAZON.fullmatch(at.host)
        region = (amazon and (amazon["new"] or amazon["old"])) or (None if amazon else session.region_name) or "us-east-1"
        retries = {"total_max_attempts": 2 if wait is None else 1, "mode": "standard"}
        config = Config(connect_timeout=4, read_timeout=CALL_LIMIT + (wait or 0), retries=retries)
        client = session.client("sqs", region_name=region, config=config)
        if (amazon is None or amazon["vpc"]) and AMAZON.fullmatch(origin(client.meta.endpoint_url).host):
            client = session.client("sqs", region_name=region, config=config, endpoint_url=str(at))
        origin(client.meta.endpoint_url)
        return client

    def _ask(self, doing: str, queue: str, operation: Callable[..., Any], **parameters: Any) -> Any:
        asking = _asking.set(True)
        try:
            return operation(**parameters)
        except (ClientError, BotoCoreError) as error:
            raise _failure(f"cannot {doing} the queue '{queue}' at {self._places[queue][0]}", error) from None
        finally:
            _asking.reset(asking)


def _message(message: Any) -> Message:
    attributes = message.get("Attributes", {})
    sent = attributes.get("SentTimestamp")
    return Message(
        message["MessageId"],
        message["ReceiptHandle"],
        Secret(message["Body"]),
        int(attributes.get("ApproximateReceiveCount", 0)),
        EPOCH + int(sent) * MILLISECOND if sent else None,
    )


def _failure(doing: str, error: ClientError | BotoCoreError) -> QueueError:
    if isinstance(error, NO_CREDENTIALS):
        return QueueAccessDenied(f"{doing}: there are no usable AWS credentials; set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY")
    if not isinstance(error, ClientError):
        return QueueUnavailable(f"{doing}: {error}")
    code, message = error.response["Error"].get("Code", ""), error.response["Error"].get("Message", "")
    status = error.response["ResponseMetadata"]["HTTPStatusCode"]
    if code in NO_QUEUE:
        return QueueNotFound(f"{doing}: {code}; compare the queue's URL with the one that SQS shows, region and account included")
    if code in STALE or (code.startswith("InvalidParameterValue") and re.search("receipt ?handle", message, re.IGNORECASE)):
        return StaleReceipt()
    text = f"{doing}: {code}: {message}"
    if PASSING.match(code) or status == 429 or status >= 500 or code == "KmsThrottled":
        return QueueUnavailable(text)
    if DENIED.match(code) or status in (401, 403):
        return QueueAccessDenied(f"{text}; the AWS credentials need {NEEDED}")
    return QueueError(text)
