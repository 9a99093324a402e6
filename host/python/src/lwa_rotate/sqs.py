"""Amazon SQS, through boto3."""

import logging
import os
import re
from collections.abc import Mapping
from contextvars import ContextVar, copy_context
from json import loads
from threading import Lock
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from .errors import QueueAccessDenied, QueueError, QueueNotFound, QueueUnavailable, StaleReceipt
from .http import origin
from .secret import Secret
from .types import Message
from .values import EPOCH, MILLISECOND

# SQS hides no message for longer than this after its receipt; seconds.
HIDDEN_AT_MOST = 12 * 60 * 60

# `sqs.REGION.amazonaws.com` and its relatives: other partitions, FIPS, dual stack, VPC endpoints, and the old forms.
AMAZON = re.compile(
    r"https://(?:(?:.*\.)?sqs(?:-fips)?\.(?P<new>[\w-]+)|(?:(?P<old>[\w-]+)\.)?queue)(?P<vpc>\.vpce)?"
    r"\.(?:amazonaws\.com(?:\.cn)?|amazonaws\.eu|api\.aws|api\.amazonwebservices\.com\.cn):443"
)
# What SQS and boto3 say, as `STATUS CODE: TEXT`; anything else is unavailable.
STALE = r"\d+ (ReceiptHandleIsInvalid|\S*MessageNotInflight|InvalidParameterValue: .*receipt ?handle)"
NO_QUEUE = r"\d+ (QueueDoesNotExist|\S*NonExistentQueue|InvalidAddress)"
DENIED = r"40[13] |\d+ (AccessDenied|KMS|\S*(Token|Signature|AccessKey|Credential|NotAuthorized|OptInRequired))"
CASES = (
    (STALE, StaleReceipt, ""),
    (NO_QUEUE, QueueNotFound, "; compare its URL with the one that SQS shows, region and account included"),
    (DENIED, QueueAccessDenied, "; give AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, of one who may use it"),
)

asking: ContextVar[bool] = ContextVar("asking", default=False)

# At the level DEBUG this logger writes the bodies of answers, and with them new secrets.
logging.getLogger("botocore.parsers").addFilter(lambda _: not asking.get())


class SqsQueue:
    """Amazon SQS, with the promises of `Queue`.

    Credentials, profile and endpoint come from the usual AWS variables and files (`AWS_PROFILE`, `AWS_ACCESS_KEY_ID`,
    `AWS_ENDPOINT_URL_SQS`, SSO, roles), or from the session given. The region is that of the queue's URL; where the URL names
    none, that of the session, and else `us-east-1`. A URL that is not one of Amazon's is its own endpoint, unless the AWS
    settings name one. Nothing is read or opened before the first call. Nothing is repeated: what failed comes again by itself.
    """

    def __init__(self, queues: Mapping[str, str], session: boto3.Session | None = None) -> None:
        """These queues, by names of yours, with their URLs as SQS gives them. `ValueError` for a URL that cannot be used."""
        self._places = {name: (url, origin(url)) for name, url in queues.items()}
        self._session = session
        # By process.
        self._opened: dict[int, tuple[Lock, dict[str | None, Any]]] = {}

    def receive(self, queue: str, max: int, wait: int, visibility: int) -> tuple[Message, ...]:
        """Receives messages."""
        how: Any = {"MaxNumberOfMessages": max, "WaitTimeSeconds": wait, "VisibilityTimeout": min(visibility, HIDDEN_AT_MOST)}
        how["MessageSystemAttributeNames"] = ["ApproximateReceiveCount", "SentTimestamp"]
        return tuple(map(message, self._ask("receive_message", queue, **how).get("Messages", [])))

    def delete(self, queue: str, receipt_handle: str) -> None:
        """Deletes a message."""
        self._ask("delete_message", queue, ReceiptHandle=receipt_handle)

    def hide(self, queue: str, receipt_handle: str, visibility: int) -> None:
        """Hides a message."""
        seconds = min(visibility, HIDDEN_AT_MOST)
        try:
            self._ask("change_message_visibility", queue, ReceiptHandle=receipt_handle, VisibilityTimeout=seconds)
        except QueueError as error:
            # The 12 hours count from the receipt, which nobody here has kept: come nearer by halves.
            if "Total VisibilityTimeout" not in str(error) or seconds <= 60:
                raise
            self.hide(queue, receipt_handle, seconds // 2)

    def _ask(self, operation: str, queue: str, **parameters: Any) -> Any:
        if queue not in self._places:
            raise QueueNotFound(f"the settings have no queue '{queue}'")
        url, at = self._places[queue]
        doing, ours = f"cannot {operation.replace('_', ' ')} of the queue '{queue}' at {url}", copy_context()
        ours.run(asking.set, True)
        # A child of a fork begins anew: with connections, and locks, of its own.
        lock, clients = self._opened.setdefault(os.getpid(), (Lock(), {}))
        try:
            with lock:
                client = clients[queue] = clients.get(queue) or self._connect(at, clients)
            return ours.run(getattr(client, operation), QueueUrl=url, **parameters)
        except ClientError as error:
            answer, said = error.response, error.response["Error"]
            # Behind the first line, what is said of a wrong signature repeats the headers, and with them the session token.
            told = f"{answer['ResponseMetadata']['HTTPStatusCode']} {said.get('Code', '')}: {said.get('Message', '')}\n"
            raise failure(doing, told[: told.index("\n")][:300]) from None
        except Exception as error:
            # Where boto3 stumbles over an answer, its text may quote it.
            text = error if isinstance(error, BotoCoreError | ValueError) else "the answer is not one of SQS"
            raise failure(doing, f"0 {type(error).__name__}: {text}") from None

    def _connect(self, at: str, clients: dict[str | None, Any]) -> Any:
        session = clients[None] = clients.get(None) or self._session or boto3.Session()
        amazon = AMAZON.fullmatch(at)
        region = (amazon and (amazon["new"] or amazon["old"])) or (None if amazon else session.region_name) or "us-east-1"
        config = Config(connect_timeout=4, read_timeout=28, retries={"total_max_attempts": 1})
        client = session.client("sqs", region_name=region, config=config)
        if (amazon is None or amazon["vpc"]) and AMAZON.fullmatch(origin(client.meta.endpoint_url)):
            client = session.client("sqs", region_name=region, config=config, endpoint_url=at)
        origin(client.meta.endpoint_url)
        client.meta.events.register("after-call.sqs", whole)
        return client


def whole(http_response: Any, model: Any, **_: Any) -> None:
    """Fails where the answer is cut, or somebody else's: boto3 takes a body that is not JSON for an empty object."""
    if http_response.status_code < 300:
        body = http_response.content or (b"" if model.output_shape else b"{}")
        if not isinstance(loads(body), dict):
            raise ValueError("the answer is not a JSON object")


def failure(doing: str, told: str) -> QueueError:
    """What was told, in the words of the contract."""
    for pattern, kind, hint in CASES:
        if re.match(pattern, told, re.IGNORECASE):
            return kind(f"{doing}: {told}{hint}")
    return QueueUnavailable(f"{doing}: {told}")


def message(given: Any) -> Message:
    """A message in the words of the contract."""
    known = given.get("Attributes", {})
    sent_at = EPOCH + int(known["SentTimestamp"]) * MILLISECOND if "SentTimestamp" in known else None
    count = int(known.get("ApproximateReceiveCount", 0))
    return Message(given["MessageId"], given["ReceiptHandle"], Secret(given["Body"]), count, sent_at)
